"""What officers have approved is carried out: recall, supersede, release of held rows, recovery.

Each act is one transaction, with its request's move to done in it: it has happened whole, or not at
all. What cannot be done any more fails with a code and an alarm; what could not be done just now
(a full disk, a key out of reach) stays approved, and the next tick tries again.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.access.approvals import ApprovalRefused, body_of, require_proven
from gateway.dispatch.unstaging import unstage
from gateway.engine.custody import destroy, end_hold
from gateway.engine.faults import Fault, as_fault
from gateway.engine.parts import Parts
from gateway.engine.recovery import change_key, recover
from gateway.receipts.recall import ActRefused, Asking, package_of, recall, require_sender
from gateway.receipts.release import Attested, drop_of, release
from gateway.receipts.supersede import Take, supersede
from gateway.receipts.withholding import watch_statements, withhold_recalled
from gateway.records.alarms import clear_about, clear_alarm, raise_alarm
from gateway.records.ledger import event, move
from gateway.store import alarms, drops, packages, requests
from gateway.store.database import Transaction
from gateway.store.requests import RequestRow

FAILED = "request.failed"
HOME = ""  # in the place of a flow's id: what is about no flow of the home
Body = Mapping[str, str | int]


@dataclass(frozen=True)
class CarriedOut:
    """What became of an approved request. ``code``: why it failed for good, else None."""

    request_id: str
    act: str
    subject: str
    code: str | None = None

    def as_json(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "request": self.request_id,
            "act": self.act,
            "subject": self.subject,
            "fault": self.code,
        }


def carry_out(
    parts: Parts, now: datetime, about: Collection[str] | None = None
) -> tuple[list[CarriedOut], list[Fault]]:
    """Carry out every approved request, oldest first; take what was recalled out of outboxes, and
    staged rows away that nothing needs any longer. ``about``: of those flows, and `HOME`, alone.

    Gives what was done or failed for good, and the faults (alarmed) that left things to be done.
    Nobody else acts on those meanwhile; call this before any window takes what it is about.
    """
    about = (HOME, *parts.agreed) if about is None else about
    if HOME in about:
        _clear_overtaken(parts, now)
    with parts.database.transaction() as tx:
        waiting = [row for row in requests.approved(tx) if _flow_of(parts, tx, row) in about]
    told = [_carried_out(parts, request, now) for request in waiting]
    ended = [item for item in told if isinstance(item, CarriedOut)]
    faults = [item for item in told if isinstance(item, Fault)]
    faults += _withhold(parts, now, about)
    if HOME in about:
        watch_statements(parts.database, parts.settings.s3, now)
        faults += _unstage(parts, now)
    for fault in faults:
        fault.alarm(parts.database, now)
    return ended, faults


def _flow_of(parts: Parts, tx: Transaction, request: RequestRow) -> str:
    """The flow that a request is about, or `HOME`."""
    kind, _, name = request.subject.partition(":")
    about = {"package": packages.get, "drop": drops.get}.get(kind)
    found = about(tx, name) if about else None
    return found.flow if found is not None and found.flow in parts.agreed else HOME


def flows_asked_about(parts: Parts, tx: Transaction) -> set[str]:
    """The flows that approved requests are about, and `HOME` where one is about none."""
    return {_flow_of(parts, tx, request) for request in requests.approved(tx)}


def _carried_out(parts: Parts, request: RequestRow, now: datetime) -> CarriedOut | Fault:
    about = f"request:{request.id}"
    try:
        with parts.database.transaction() as tx:
            known = parts.officers, parts.openpgp, request, parts.pins.gateway
            require_proven(tx, *known)
        _ACTS[request.act](parts, request, body_of(parts.sealer, request), now)
    except (ActRefused, ApprovalRefused) as refused:
        return _failed(parts, request, refused, now)
    except Exception as error:  # the other requests go on; this one stays approved
        return as_fault(about, error)
    with parts.database.transaction() as tx:
        clear_about(tx, about, now)
    return CarriedOut(request.id, request.act, request.subject)


def asking_about(parts: Parts, package_id: str, officer_id: str, now: datetime) -> Asking:
    """What an officer needs to ask for an act on a package. Raises ActRefused."""
    with parts.database.transaction() as tx:
        flow_id = package_of(tx, package_id).flow
    return Asking(parts.dispatch(flow_id), parts.officers, officer_id, now)


def asking_about_drop(parts: Parts, drop_id: str, officer_id: str, now: datetime) -> Asking:
    """What an officer needs to ask for an act on a drop. Raises ActRefused."""
    with parts.database.transaction() as tx:
        flow_id = drop_of(tx, drop_id).flow
    return Asking(parts.dispatch(flow_id), parts.officers, officer_id, now)


def _withhold(parts: Parts, now: datetime, flows: Collection[str]) -> Iterator[Fault]:
    """Take recalled packages out of the outboxes."""
    for item in withhold_recalled(parts.dispatch, parts.database, now, flows):
        if item.fault is not None:
            yield as_fault(item.subject, item.fault)
            continue
        with parts.database.transaction() as tx:
            clear_about(tx, item.subject, now)


def _unstage(parts: Parts, now: datetime) -> Iterator[Fault]:
    """Rows whose package all have accepted are staged no longer, once their original is proven."""
    for drop_id, fault in unstage(parts.database, parts.staging, parts.vault):
        about = f"staged:{drop_id}"
        if fault is not None:
            yield as_fault(about, fault)
            continue
        with parts.database.transaction() as tx:
            clear_about(tx, about, now)


def _recall(parts: Parts, request: RequestRow, body: Body, now: datetime) -> None:
    with parts.database.transaction() as tx:
        package = package_of(tx, str(body["package"]))
        dispatch = parts.dispatch(package.flow)
        require_sender(dispatch, package.flow, request.party)
        recall(tx, dispatch, package.id, request.id, now)
        _done(tx, request, dispatch.agreed.hash, now)


def _supersede(parts: Parts, request: RequestRow, body: Body, now: datetime) -> None:
    with parts.database.transaction() as tx:
        flow_id = package_of(tx, str(body["package"])).flow
    dispatch = parts.dispatch(flow_id)
    require_sender(dispatch, flow_id, request.party)
    take: Take = "alone" if body["take"] == "alone" else "merged"

    def done(tx: Transaction) -> None:
        _done(tx, request, dispatch.agreed.hash, now)

    supersede(dispatch, str(body["package"]), str(body["drop"]), take, now, done)


def _release(parts: Parts, request: RequestRow, body: Body, now: datetime) -> None:
    with parts.database.transaction() as tx:
        flow_id = drop_of(tx, str(body["drop"])).flow
        ended = requests.latest(tx, ("done",))
    dispatch = parts.dispatch(flow_id)
    require_sender(dispatch, flow_id, request.party)
    before = {
        row.id: _attested(body_of(parts.sealer, row))
        for row in ended
        if (row.act, row.subject) == (request.act, request.subject)
    }

    def done(tx: Transaction) -> None:
        _done(tx, request, dispatch.agreed.hash, now)

    release(dispatch, _attested(body), request, before, now, done)


def _attested(body: Body) -> Attested:
    return Attested.of(str(body["drop"]), str(body["rows"]), str(body["codes"]))


def _recover(parts: Parts, request: RequestRow, body: Body, now: datetime) -> None:
    with parts.database.transaction() as tx:
        recover(tx, parts, request, body, now)
        _done(tx, request, "", now)


def _change_key(parts: Parts, request: RequestRow, _: Body, now: datetime) -> None:
    change_key(parts, now)
    with parts.database.transaction() as tx:
        _done(tx, request, "", now)


def _end_hold(parts: Parts, request: RequestRow, body: Body, now: datetime) -> None:
    end_hold(parts, request, body, now, lambda tx: _done(tx, request, "", now))


def _destroy(parts: Parts, request: RequestRow, body: Body, now: datetime) -> None:
    destroy(parts, request, body, now, lambda tx: _done(tx, request, "", now))


_ACTS: Mapping[str, Callable[[Parts, RequestRow, Body, datetime], None]] = {
    "recall": _recall,
    "supersede": _supersede,
    "release-held": _release,
    "recover-ledger": _recover,
    "change-keys": _change_key,
    "end-hold": _end_hold,
    "destroy": _destroy,
}


def _done(tx: Transaction, request: RequestRow, agreement_hash: str, now: datetime) -> None:
    facts = {"act": request.act, "party": request.party}
    happened = event("request.done", f"request:{request.id}", agreement_hash, facts)
    values = {"ended_at": now}
    move(tx, "request", {"id": request.id}, "approved", "done", happened, now, values)


def _failed(
    parts: Parts, request: RequestRow, refused: ActRefused | ApprovalRefused, now: datetime
) -> CarriedOut:
    subject = f"request:{request.id}"
    facts = {"act": request.act, "party": request.party, "code": refused.code}
    happened = event("request.failed", subject, "", facts)
    values = {"ended_at": now, "fault": refused.code}
    words = (
        f"The {request.act} of {request.subject} was approved and cannot be done: {refused} "
        f"{refused.hint} The alarm ends when a new request is made about it."
    )
    with parts.database.transaction() as tx:
        move(tx, "request", {"id": request.id}, "approved", "failed", happened, now, values)
        clear_about(tx, subject, now)
        raise_alarm(tx, FAILED, subject, words, now)
    return CarriedOut(request.id, request.act, request.subject, refused.code)


def _clear_overtaken(parts: Parts, now: datetime) -> None:
    """A failed request that its officers have followed up with another alarms no longer."""
    with parts.database.transaction() as tx:
        failed = alarms.open_alarms(tx, FAILED)
        if not failed:
            return
        known = {f"request:{row.id}": row for row in requests.latest(tx)}
        for alarm in failed:
            row = known.get(alarm.subject)
            if row is not None and any(
                other.subject == row.subject and other.requested_at > row.requested_at
                for other in known.values()
            ):
                clear_alarm(tx, FAILED, alarm.subject, now)
