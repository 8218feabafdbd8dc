"""What was sent before, as keyed hashes: one row per reference, with the digest last sent."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import sqlalchemy as sa

from gateway.store.database import Transaction
from gateway.store.schema import sent_references

_LOOKUP = 500  # below SQLite's limit of bound values
_WRITE = 5_000


@dataclass(frozen=True)
class SentReference:
    """A reference that travelled in a package."""

    reference_mac: bytes
    row_mac: bytes
    reference_sealed: bytes


def last_digests(tx: Transaction, flow: str, macs: Sequence[bytes]) -> dict[bytes, bytes]:
    """The digest each reference was last sent with; references never sent are absent."""
    found: dict[bytes, bytes] = {}
    for start in range(0, len(macs), _LOOKUP):
        rows = tx.execute(
            sa.select(sent_references.c.reference_mac, sent_references.c.row_mac).where(
                sent_references.c.flow == flow,
                sent_references.c.reference_mac.in_(macs[start : start + _LOOKUP]),
            )
        )
        found.update((bytes(mac), bytes(digest)) for mac, digest in rows)
    return found


def remember(tx: Transaction, flow: str, package_id: str, items: Iterable[SentReference]) -> None:
    """Remember what a package carried; a reference sent before takes its new digest."""
    table = sent_references
    statement = sa.text(
        "INSERT INTO sent_references (flow, reference_mac, row_mac, reference_sealed,"
        " first_package_id, package_id)"
        " VALUES (:flow, :reference_mac, :row_mac, :reference_sealed, :package_id, :package_id)"
        " ON CONFLICT (flow, reference_mac) DO UPDATE SET row_mac = excluded.row_mac,"
        " reference_sealed = excluded.reference_sealed, package_id = excluded.package_id"
    ).bindparams(
        sa.bindparam("reference_mac", type_=table.c.reference_mac.type),
        sa.bindparam("row_mac", type_=table.c.row_mac.type),
        sa.bindparam("reference_sealed", type_=table.c.reference_sealed.type),
    )
    batch: list[dict[str, object]] = []
    for item in items:
        batch.append({**asdict(item), "flow": flow, "package_id": package_id})
        if len(batch) == _WRITE:
            tx.execute(statement, batch)
            batch.clear()
    if batch:
        tx.execute(statement, batch)
