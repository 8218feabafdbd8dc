"""What was sent before, as keyed hashes: one row per reference, with the digest last sent."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice

import sqlalchemy as sa

from gateway.store.database import Transaction
from gateway.store.schema import answers, packages, sent_references

_LOOKUP = 500  # below SQLite's limit of bound values
_WRITE = 5_000
_WITHDRAWN = ("recalled", "superseded")
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
    gone = sa.select(packages.c.id).where(packages.c.state.in_(_WITHDRAWN))
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
    """A reference that travelled, and the package, and its day, that first carried it."""

    reference_mac: bytes
    reference_sealed: bytes
    first_package: str
    first_day: date


def travelled(tx: Transaction, flow: str, since: date) -> Iterator[Travelled]:
    """References whose latest row went in a package of that day or later, the longest known first.

    This and `unanswered` read some thousand at a time, within the transaction.
    """
    return _each(tx, flow, _LATEST.c.day >= since)


def unanswered(tx: Transaction, flow: str, until: date) -> Iterator[Travelled]:
    """References first sent on that day or before, and answered in no package that stands."""
    answered = (
        sa.select(answers.c.package_id)
        .join(packages, packages.c.id == answers.c.package_id)
        .where(
            answers.c.flow == flow,
            answers.c.reference_mac == sent_references.c.reference_mac,
            packages.c.state.not_in(_WITHDRAWN),
        )
    )
    return _each(tx, flow, _FIRST.c.day <= until, ~answered.exists())


def answer(tx: Transaction, flow: str, package_id: str, macs: Iterable[bytes]) -> None:
    """A package answers those references of a flow; ``macs`` as that flow's own rows have them."""
    rows = [{"flow": flow, "reference_mac": mac, "package_id": package_id} for mac in set(macs)]
    for start in range(0, len(rows), _WRITE):
        tx.execute(sa.insert(answers), rows[start : start + _WRITE])


_FIRST, _LATEST = packages.alias("first"), packages.alias("latest")


def _each(tx: Transaction, flow: str, *that: sa.ColumnElement[bool]) -> Iterator[Travelled]:
    table = sent_references
    asked = (
        sa.select(
            table.c.reference_mac, table.c.reference_sealed, table.c.first_package_id, _FIRST.c.day
        )
        .join(_FIRST, _FIRST.c.id == table.c.first_package_id)
        .join(_LATEST, _LATEST.c.id == table.c.package_id)
        .where(table.c.flow == flow, table.c.row_mac != GONE, *that)
        .order_by(_FIRST.c.day, table.c.reference_mac)
        .execution_options(yield_per=_WRITE)
    )
    for mac, sealed, package, day in tx.execute(asked):
        yield Travelled(bytes(mac), bytes(sealed), package, day)


def remember(tx: Transaction, flow: str, package_id: str, items: Iterable[SentReference]) -> None:
    """Remember what a package carried; a reference sent before takes its new digest."""
    statement = sa.text(  # untyped, bytes go to the driver as they are
        "INSERT INTO sent_references (flow, reference_mac, row_mac, reference_sealed,"
        " first_package_id, package_id)"
        " VALUES (:flow, :reference_mac, :row_mac, :reference_sealed, :package_id, :package_id)"
        " ON CONFLICT (flow, reference_mac) DO UPDATE SET row_mac = excluded.row_mac,"
        " reference_sealed = excluded.reference_sealed, package_id = excluded.package_id,"
        " first_package_id = CASE WHEN length(sent_references.row_mac) = 0"
        " THEN excluded.first_package_id ELSE sent_references.first_package_id END"
    )
    remaining = iter(items)
    while batch := list(islice(remaining, _WRITE)):
        tx.execute(
            statement,
            [
                {
                    "flow": flow,
                    "reference_mac": item.reference_mac,
                    "row_mac": item.row_mac,
                    "reference_sealed": item.reference_sealed,
                    "package_id": package_id,
                }
                for item in batch
            ],
        )
