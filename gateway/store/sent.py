"""What was sent before, as keyed hashes: one row per reference, with the digest last sent."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime

import sqlalchemy as sa

from gateway.store.database import Transaction
from gateway.store.schema import packages, sent_references

_LOOKUP = 500  # below SQLite's limit of bound values
_WRITE = 5_000
GONE = b""  # in place of a digest: nothing that stands ever carried the reference
CHANGED = bytes(32)  # a digest that no row has: what stands is not known, and the next row travels


@dataclass(frozen=True)
class SentReference:
    """A reference that travelled in a package."""

    reference_mac: bytes
    row_mac: bytes
    reference_sealed: bytes


def last_digests(
    tx: Transaction, flow: str, macs: Sequence[bytes], without: str | None = None
) -> dict[bytes, bytes]:
    """The digest each reference was last sent with; references never sent are absent.

    So are those that travelled only in packages withdrawn since (see `withdraw`). ``without``: as
    it would be if that package were withdrawn.
    """
    table = sent_references
    found: dict[bytes, bytes] = {}
    for start in range(0, len(macs), _LOOKUP):
        rows = tx.execute(
            sa.select(
                table.c.reference_mac, table.c.row_mac, table.c.package_id, _first_gone(without)
            ).where(
                table.c.flow == flow,
                table.c.reference_mac.in_(macs[start : start + _LOOKUP]),
                table.c.row_mac != GONE,
            )
        )
        for mac, digest, package_id, first_gone in rows:
            if package_id != without:
                found[bytes(mac)] = bytes(digest)
            elif not first_gone:
                found[bytes(mac)] = CHANGED
    return found


def _first_gone(without: str | None) -> sa.ColumnElement[bool]:
    """Whether the package that first carried a reference is withdrawn, or the one named."""
    gone = sa.select(packages.c.id).where(packages.c.state.in_(("recalled", "superseded")))
    first = sent_references.c.first_package_id
    return sa.or_(first == (without or ""), first.in_(gone))


def withdraw(tx: Transaction, flow: str, package_id: str) -> None:
    """What a package carried is withdrawn, so that all of it may travel again.

    No row is taken away. A reference that no standing package carried counts as never sent; one
    that an earlier package carried still counts as sent, with a digest that no row has, since which
    row stands is no longer known: whatever comes next travels, as an update.
    """
    table = sent_references
    here = (table.c.flow == flow, table.c.package_id == package_id)
    tx.execute(
        sa.update(table)
        .where(*here, table.c.row_mac != GONE, _first_gone(package_id))
        .values(row_mac=GONE)
    )
    tx.execute(sa.update(table).where(*here, table.c.row_mac != GONE).values(row_mac=CHANGED))
    first_here = (table.c.flow == flow, table.c.first_package_id == package_id)
    tx.execute(sa.update(table).where(*first_here, table.c.row_mac == CHANGED).values(row_mac=GONE))


def was_sent(tx: Transaction, flow: str, reference_mac: bytes) -> bool:
    """Whether a row with that reference ever travelled in the flow, withdrawn since or not."""
    table = sent_references
    asked = sa.select(table.c.package_id).where(
        table.c.flow == flow, table.c.reference_mac == reference_mac
    )
    return tx.execute(asked).first() is not None


def sent_after(tx: Transaction, flow: str, macs: Sequence[bytes], since: datetime) -> set[bytes]:
    """Those references that travelled in a package made after a moment, withdrawn or not."""
    table = sent_references
    found: set[bytes] = set()
    for start in range(0, len(macs), _LOOKUP):
        asked = (
            sa.select(table.c.reference_mac)
            .join(packages, packages.c.id == table.c.package_id)
            .where(
                table.c.flow == flow,
                table.c.reference_mac.in_(macs[start : start + _LOOKUP]),
                packages.c.made_at > since,
            )
        )
        found.update(bytes(mac) for (mac,) in tx.execute(asked))
    return found


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
        .where(table.c.flow == flow, table.c.row_mac != GONE)
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
        " reference_sealed = excluded.reference_sealed, package_id = excluded.package_id,"
        " first_package_id = CASE WHEN length(sent_references.row_mac) = 0"
        " THEN excluded.first_package_id ELSE sent_references.first_package_id END"
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
