"""Release: held rows travel after all, once two officers of the sender attest to their findings.

Screening can be wrong: a word of a case's text may happen to be a name in a column that must not
travel. The officers look at their own file; the gateway shows nobody the row. Only codes that the
agreement marks attestable count, and only for a row that has no other error.

Released rows become a drop of their own, of the same sealed original, and travel at the next
window. In the drop they came with they are then no longer held, but counted as repeats of it.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.agreement.model import Flow
from gateway.dispatch.parts import Dispatch
from gateway.receipts.recall import ActRefused, Asking
from gateway.records.chunk import Row
from gateway.records.leaf import Fact
from gateway.records.ledger import event, move, record
from gateway.records.staging import Part
from gateway.store import drops, sent
from gateway.store.database import Transaction
from gateway.store.drops import DropRow
from gateway.store.requests import RequestRow

MOST_ROWS = 200  # of one request: two people are to have looked at each
_RELEASABLE = ("partly-held", "sent")
_SEND_CORRECTED = "Correct the row at its source and drop it again."


@dataclass(frozen=True)
class Attested:
    """What two officers attest to: the rows by their numbers in the drop, and the codes."""

    drop: str
    rows: tuple[int, ...]
    codes: tuple[str, ...]

    def body(self) -> dict[str, str | int]:
        """As a request holds it."""
        return {
            "drop": self.drop,
            "rows": ",".join(map(str, self.rows)),
            "codes": ",".join(self.codes),
        }

    @classmethod
    def of(cls, drop: str, rows: str, codes: str) -> "Attested":
        """From rows and codes parted by commas. Raises ActRefused release.no-rows."""
        try:
            numbers = tuple(sorted({int(word) for word in rows.split(",")}))
        except ValueError:
            numbers = ()
        named = tuple(sorted({word.strip() for word in codes.split(",") if word.strip()}))
        if not numbers or not named or len(numbers) > MOST_ROWS:
            raise ActRefused(
                "release.no-rows",
                f"A release names 1 to {MOST_ROWS} rows by number, and the codes attested to.",
                "Write them like --rows 3,7 --codes screen.name; the findings report has both.",
            )
        return cls(drop, numbers, named)


def drop_of(tx: Transaction, drop_id: str) -> DropRow:
    """The drop. Raises ActRefused release.unknown-drop."""
    drop = drops.get(tx, drop_id)
    if drop is None:
        raise ActRefused(
            "release.unknown-drop", "There is no drop of that id.", "`status` lists the drops."
        )
    return drop


def ask_release(asking: Asking, attested: Attested) -> RequestRow:
    """Ask that held rows be released. Raises what `Asking.request` raises."""

    def judged(tx: Transaction) -> str:
        drop = drop_of(tx, attested.drop)
        _held_rows(asking.parts, drop, attested)
        return drop.flow

    return asking.request("release-held", f"drop:{attested.drop}", attested.body(), judged)


def release(
    parts: Dispatch,
    attested: Attested,
    request: RequestRow,
    before: Mapping[str, Attested],
    now: datetime,
    done: Callable[[Transaction], None],
) -> str:
    """Stage the rows as a drop of their own, then enter it; the id of that drop.

    ``before``: what was released of the drop already, by request. Raises ActRefused; cut short, it
    is done again, and what it had staged is replaced.
    """
    with parts.database.transaction() as tx:
        drop = drop_of(tx, attested.drop)
        _require_first(attested, before)
        rows = _held_rows(parts, drop, attested)
        _require_newest(tx, parts, drop, rows)
    released = f"{drop.id.partition('-')[0]}-{request.id[:12]}"
    staged = parts.staging.open(released, "accepted")
    try:
        staged.add(rows)
        staged.keep()
    finally:
        staged.abandon()
    with parts.database.transaction() as tx:
        _enter(tx, parts, drop_of(tx, drop.id), released, len(rows), now)
        facts: dict[str, Fact] = {"drop": released, "request": request.id}
        commits: dict[str, Fact] = {"rows": len(rows)}
        about = f"drop:{drop.id}"
        record(tx, event("rows.released", about, parts.agreed.hash, facts, commits), now)
        done(tx)
    return released


def _require_first(attested: Attested, before: Mapping[str, Attested]) -> None:
    if any(set(attested.rows) & set(item.rows) for item in before.values()):
        raise ActRefused(
            "release.again",
            "One of the rows was released before.",
            "Name the other rows alone in a new request.",
        )


def _held_rows(parts: Dispatch, drop: DropRow, attested: Attested) -> list[Row]:
    """The rows as they are held, where every error of each is attested to."""
    flow = parts.agreed.agreement.flow(drop.flow)
    if drop.state not in _RELEASABLE or not drop.held:
        raise ActRefused(
            "release.nothing-held",
            f"The drop is {drop.state} and holds no rows that could be released.",
            "`status` shows which drops hold rows back.",
        )
    _require_attestable(flow, attested)
    wanted, codes = set(attested.rows), set(attested.codes)
    try:
        why = {
            number: set(found) for number, found in _staged(parts, drop, "why") if number in wanted
        }
        rows = [row for row in _staged(parts, drop, "held") if row[0] in wanted]
    except FileNotFoundError:
        rows, why = [], {}
    if {number for number, _ in rows} != wanted or set(why) != wanted:
        raise ActRefused(
            "release.row-not-held",
            "One of the rows is not held in that drop.",
            "Copy the row numbers from the findings report of that drop.",
        )
    if any(found - codes for found in why.values()):
        raise ActRefused(
            "release.other-findings",
            "One of the rows has other errors than those attested to.",
            _SEND_CORRECTED,
        )
    return rows


def _require_attestable(flow: Flow, attested: Attested) -> None:
    if not set(attested.codes) <= set(flow.attestable):
        raise ActRefused(
            "release.not-attestable",
            "The agreement does not let officers attest to one of these codes.",
            f"It lets them attest to: {', '.join(flow.attestable) or 'none'}. {_SEND_CORRECTED}",
        )


def _staged(parts: Dispatch, drop: DropRow, part: Part) -> Iterator[Row]:
    for chunk in parts.staging.read(drop.id, part):
        yield from chunk


def _require_newest(tx: Transaction, parts: Dispatch, drop: DropRow, rows: list[Row]) -> None:
    """A released row must not travel over a newer one of its reference."""
    flow = parts.agreed.agreement.flow(drop.flow)
    place = flow.reference_place
    macs = {parts.keyed.reference(flow.id, cells[place]) for _, cells in rows}
    newer = sent.sent_after(tx, flow.id, list(macs), drop.received_at)
    for other in drops.waiting(tx, flow.id):
        if other.number > drop.number and not newer:
            newer = macs & {
                mac
                for chunk in parts.staging.read(other.id, "accepted")
                for mac in parts.keyed.references(flow.id, (cells[place] for _, cells in chunk))
            }
    if newer:
        raise ActRefused(
            "release.overtaken",
            "A newer row of one of these references was sent, or waits to be, since the drop came.",
            "Leave that row out, or drop the extract again as it is now.",
        )


def _enter(
    tx: Transaction, parts: Dispatch, drop: DropRow, released: str, count: int, now: datetime
) -> None:
    """The new drop, received and judged; in the old one its rows are held no longer."""
    context = f"columns:{drop.id}"
    columns = json.loads(parts.sealer.open(drop.columns_sealed or b"", context))
    drops.add(
        tx,
        drop_id=released,
        flow=drop.flow,
        party=drop.party,
        received_at=now,
        size=drop.size,
        sha256=drop.sha256,
        original=drop.original,
        agreement_hash=parts.agreed.hash,
    )
    facts: dict[str, Fact] = {"flow": drop.flow, "party": drop.party, "sealed": drop.original}
    commits: dict[str, Fact] = {"original": drop.sha256, "size": drop.size}
    about = f"drop:{released}"
    record(tx, event("drop.received", about, parts.agreed.hash, facts, commits), now)
    counts = {"rows": count, "accepted": count, "held": 0, "repeats": 0}
    judged: dict[str, Fact] = {"flow": drop.flow, "state": "accepted"}
    happened = event("drop.judged", about, parts.agreed.hash, judged, {**counts, "findings": 0})
    values = {
        **counts,
        "already_sent": 0,
        "findings": {},
        "columns_sealed": parts.sealer.seal(json.dumps(columns).encode(), f"columns:{released}"),
    }
    move(tx, "drop", {"id": released}, "received", "accepted", happened, now, values)
    held = (drop.held or 0) - count
    drops.count_anew(tx, replace(drop, held=held, repeats=(drop.repeats or 0) + count))
