"""What was sent before, as keyed hashes: one row per reference, with the digest last sent."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date

import sqlalchemy as sa

from gateway.store.database import Transaction
from gateway.store.schema import packages, sent_references

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


def was_sent(tx: Transaction, flow: str, reference_mac: bytes) -> bool:
    """Whether a row with that reference ever travelled in the flow, withdrawn since or not."""
    table = sent_references
    asked = sa.select(table.c.package_id).where(
        table.c.flow == flow, table.c.reference_mac == reference_mac
    )
    return tx.execute(asked).first() is not None


@dataclass(frozen=True)
class Travelled:
    """A reference that travelled, and the packages of its first and of its latest row."""

    reference_mac: bytes
    reference_sealed: bytes
    first_package: str
    first_day: date
    last_day: date


def travelled(tx: Transaction, flow: str, until: date | None = None) -> Iterator[Travelled]:
    """Every reference of a flow, the longest known first; ``until``: first sent on that day or
    before. Read some thousand at a time, within the transaction."""
    table, first, last = sent_references, packages.alias("first"), packages.alias("last")
    asked = (
        sa.select(
            table.c.reference_mac,
            table.c.reference_sealed,
            table.c.first_package_id,
            first.c.day,
            last.c.day,
        )
        .join(first, first.c.id == table.c.first_package_id)
        .join(last, last.c.id == table.c.package_id)
        .where(table.c.flow == flow)
        .order_by(first.c.day, table.c.reference_mac)
    )
    if until is not None:
        asked = asked.where(first.c.day <= until)
    for mac, sealed, package, first_day, last_day in tx.execute(
        asked.execution_options(yield_per=_WRITE)
    ):
        yield Travelled(bytes(mac), bytes(sealed), package, first_day, last_day)


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
