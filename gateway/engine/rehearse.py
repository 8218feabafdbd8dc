"""Onboarding rehearsals: a made-up package by the real route, until its three receipts are back.

The package is real in all but its rows: built, sealed, signed, placed and served like any other,
with deadlines and alarms. Its rows are made up and say so in each reference and text, its
manifests say ``rehearsal: true``, and its number is 90 or above, which no window's package has. No
window, drop or memory of what was sent is touched, so it works beside real days.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from gateway.agreement.load import Agreed
from gateway.agreement.model import FieldSpec, Flow
from gateway.agreement.windows import london_date
from gateway.crypto.zips import new_password
from gateway.dispatch import Placed, place_waiting
from gateway.dispatch.entries import enter_package
from gateway.dispatch.making import sealed_and_kept
from gateway.dispatch.manifest import DropAccount
from gateway.dispatch.sealing import Account, Contents
from gateway.engine.agreementwatch import flows_in_force
from gateway.engine.parts import Parts
from gateway.records.leaf import Fact
from gateway.records.ledger import event, record
from gateway.refusal import Refusal
from gateway.store import rehearsals
from gateway.store.packages import FIRST_REHEARSAL
from gateway.store.rehearsals import RehearsalRow

LAST_NUMBER = 99  # numbers have two digits
ROWS = 2
WORDS = "REHEARSAL: made up. This is no real child and no real case."
_PLAIN = {"initials": "R.H.", "age": "9", "yes-no": "No", "yes-no-unknown": "Not known"}
Row = tuple[str, ...]


class RehearsalRefused(Refusal):
    """No rehearsal was begun: rehearsal.no-flow, rehearsal.too-many."""


@dataclass(frozen=True)
class Begun:
    """A rehearsal that began; ``placed`` tells of its package, and of whatever waited with it."""

    package_id: str
    flow: str
    placed: tuple[Placed, ...]


def rehearse(parts: Parts, party: str, now: datetime, flow_id: str | None = None) -> Begun:
    """Send ``party`` a test package of a flow that it receives: the one named, or the first.

    The caller holds the home's lock. Raises RehearsalRefused, and whatever sealing raises; what
    cannot be placed now is placed by the next tick.
    """
    flow = _flow_to(parts, party, flow_id)
    agreed = flows_in_force(parts, now)
    if flow.id not in agreed:
        raise RehearsalRefused(
            "rehearsal.not-agreed",
            "Not every party has signed the agreement as it stands, so nothing is sent.",
            "`agreement status` says who has not; `agreement sign` signs it.",
        )
    dispatch = parts.dispatch(flow.id)
    contents = _contents(parts, dispatch.agreed, flow, now)
    password = new_password()
    with sealed_and_kept(dispatch, contents, password) as (sealed, kept):
        facts: dict[str, Fact] = {"party": party, "package": contents.package_id}
        subject = f"package:{contents.package_id}"
        begun = event("rehearsal.begun", subject, dispatch.agreed.hash, facts)
        with parts.database.transaction() as tx:
            enter_package(tx, dispatch, contents, sealed, kept, password, now)
            rehearsals.begin(tx, contents.package_id, party, now)
            record(tx, begun, now)
    placed = tuple(place_waiting(parts.dispatch, parts.database, now, agreed))
    return Begun(contents.package_id, flow.id, placed)


def pass_rehearsals(parts: Parts, now: datetime) -> list[RehearsalRow]:
    """End every rehearsal whose package was collected, opened, and accepted or queried."""
    ended = []
    with parts.database.transaction() as tx:
        for row in rehearsals.complete(tx):
            if rehearsals.passed(tx, row.package_id, now):
                facts: dict[str, Fact] = {"party": row.party, "package": row.package_id}
                subject = f"package:{row.package_id}"
                record(tx, event("rehearsal.passed", subject, "", facts), now)
                ended.append(row)
    return ended


def _flow_to(parts: Parts, party: str, flow_id: str | None) -> Flow:
    """The flow, with that party as its one recipient."""
    for flow in parts.flows():
        to = tuple(item for item in flow.recipients if item.party == party)
        if to and flow_id in (None, flow.id):
            return flow.model_copy(update={"recipients": to})
    raise RehearsalRefused(
        "rehearsal.no-flow",
        "That party receives no such flow.",
        "`agreement explain` names the parties, and who receives which flow.",
    )


def _contents(parts: Parts, agreed: Agreed, flow: Flow, now: datetime) -> Contents:
    day = london_date(now)
    start = f"{flow.id}-{day.isoformat()}-"
    with parts.database.transaction() as tx:
        last = rehearsals.last_number(tx, flow.id, start)
    number = FIRST_REHEARSAL if last is None else last + 1
    if number > LAST_NUMBER:
        raise RehearsalRefused(
            "rehearsal.too-many",
            f"There were {LAST_NUMBER - FIRST_REHEARSAL + 1} rehearsals of this flow today.",
            "Finish one of them, or begin another tomorrow.",
        )
    rows = [tuple(_cells(agreed, flow, at, now)) for at in range(1, ROWS + 1)]
    return Contents(
        package_id=f"{start}{number}",
        flow=flow,
        agreement_id=agreed.agreement.id,
        agreement_version=agreed.agreement.version,
        agreement_hash=agreed.hash,
        kind="data",
        window_day=day,
        due_at=now,
        made_at=now,
        covers=(),
        rows=lambda: iter(rows),
        update_positions=(),
        account=_account(rows, now),
        rehearsal=True,
    )


def _cells(agreed: Agreed, flow: Flow, number: int, now: datetime) -> Iterator[str]:
    """A made-up row: its required fields, and every text, which says what it is."""
    for spec in flow.fields:
        if spec.id == flow.reference_field:
            yield f"REHEARSAL-{number}"
        elif spec.kind == "text":
            yield WORDS[: spec.max_length]
        else:
            yield _cell(agreed, spec, now) if spec.required else ""


def _cell(agreed: Agreed, spec: FieldSpec, now: datetime) -> str:
    if spec.kind == "date":
        return london_date(now).isoformat()
    if spec.kind in ("code", "codes") and spec.list:
        return agreed.lists[spec.list].codes[0].label
    return _PLAIN.get(spec.kind, "REHEARSAL-0")


def _account(rows: list[Row], now: datetime) -> Account:
    """No drop brought these rows: the one that is named stands for them, under their own hash."""
    digest = hashlib.sha256("\n".join(",".join(row) for row in rows).encode()).hexdigest()
    drop = DropAccount(
        drop="rehearsal",
        received_at=now,
        original_sha256=digest,
        sealed_sha256=digest,
        rows=len(rows),
        accepted=len(rows),
        held=0,
        repeats=0,
    )
    return Account((drop,), (), (), 0)
