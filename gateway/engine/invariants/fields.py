"""Nothing outside the field list: in staged and held rows, in what drops kept, in manifests."""

import json
from collections.abc import Iterator

from gateway.crypto.faults import CryptoFault
from gateway.dispatch.manifest import OuterManifest
from gateway.engine.invariants.breach import Breach
from gateway.engine.invariants.home import Looked
from gateway.store.drops import DropRow

_CODE = "invariant.field-list"


def in_field_list(looked: Looked) -> Iterator[Breach]:
    """Hold each drop's rows, and the headings that it kept, against its flow's field list."""
    for drop in looked.drops:
        flow = looked.flow(drop.flow, drop.agreement_hash)
        if flow is None:
            continue
        headings = {spec.heading for spec in flow.fields}
        if not _kept(looked, drop) <= headings:
            how = "A heading outside the field list was kept."
            yield Breach(_CODE, f"drop:{drop.id}", how)
        for part in ("accepted", "held"):
            staged = looked.staged.get((drop.id, part))
            if staged is not None and not staged.widths <= {len(flow.fields)}:
                how = f"A row of its {part} rows has other columns than the field list."
                yield Breach(_CODE, f"drop:{drop.id}", how)


def manifest_fits(looked: Looked, subject: str, outer: OuterManifest) -> Iterator[Breach]:
    """Hold the columns that a package carries, and the headings it names, against the agreement."""
    flow = looked.flow(outer.flow, outer.agreement_hash)
    if flow is None:
        return
    headings = {spec.heading for spec in flow.fields}
    if not set(outer.columns_sent) <= headings:
        yield Breach(_CODE, subject, "It carries a column outside the field list.")
    listed = {column.heading for column in flow.source_columns}
    if not set(outer.columns_dropped.listed) <= listed | headings:
        yield Breach(_CODE, subject, "Its manifest names a heading that the agreement does not.")


def _kept(looked: Looked, drop: DropRow) -> set[str]:
    if drop.columns_sealed is None:
        return set()
    try:
        opened = looked.parts.sealer.open(drop.columns_sealed, f"columns:{drop.id}")
    except CryptoFault:
        return {""}
    return set(json.loads(opened)["kept"])
