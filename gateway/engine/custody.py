"""Custody: the vault looked at, originals handed over, holds ended and objects destroyed.

What ends a hold or destroys is asked for by one officer and approved by one of each party
(`access.approvals`); a tick carries it out (`acts`).
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

from gateway.access.approvals import ApprovalRefused, make_request, note_refusal
from gateway.agreement.windows import london_date
from gateway.crypto.keys import HomeKeys
from gateway.dispatch.handover import HandedOver, hand_over
from gateway.dispatch.manifest import manifest_file
from gateway.dispatch.place import place
from gateway.engine.faults import Fault, as_fault
from gateway.engine.parts import Parts
from gateway.receipts.recall import ActRefused
from gateway.records import audit, holds, retention
from gateway.records.alarms import clear_about, clear_others, raise_alarm
from gateway.records.audit import Audited, Tell
from gateway.records.holds import HoldRefused
from gateway.records.ledger import event, record
from gateway.records.retention import Plan
from gateway.store import guards, meta, packages, requests
from gateway.store import holds as hold_rows
from gateway.store.database import Transaction
from gateway.store.folder import sha256_of
from gateway.store.requests import RequestRow
from gateway.store.s3 import outboxes
from gateway.store.vault import KeptThing

DAMAGED, UNGUARDED, REVIEW_DUE = "vault.damaged", "database.unguarded", "hold.review-due"
_VAULT, _LOOKED = "vault", "vault.looked"
Body = Mapping[str, str | int]
Done = Callable[[Transaction], None]


# --- looking --------------------------------------------------------------------------------------


def audit_vault(parts: Parts, now: datetime, tell: Tell | None = None) -> Audited:
    """Read and compare all that is kept; what is wrong is alarmed until an audit finds nothing."""
    found = audit.audit(parts.database, parts.vault, now, tell)
    with parts.database.transaction() as tx:
        clear_about(tx, _VAULT, now, but=(DAMAGED,) if found.wrong else ())
        if found.wrong:
            raise_alarm(tx, DAMAGED, _VAULT, _damaged(len(found.wrong)), now)
    return found


def watch_custody(parts: Parts, now: datetime) -> None:
    """See that the triggers stand, which holds are to be reviewed, and daily what lies there."""
    today = london_date(now)
    with parts.database.transaction() as tx:
        gone = guards.missing(tx)
        looked = meta.get(tx, _LOOKED)
        due = [row for row in hold_rows.every(tx, "on") if row.review_on <= today]
        for hold in due:
            words = f"The hold {hold.id} was to be looked at on {hold.review_on}. It stays on."
            more = " Set the next day with `hold review`, or end it with `hold end`."
            raise_alarm(tx, REVIEW_DUE, f"hold:{hold.id}", words + more, now)
        if gone:
            words = (
                f"{len(gone)} of the triggers that refuse deletion are gone from the database, or "
                "were altered. Find out by whom; run `vault audit` and `ledger verify`, then "
                "`init`, which makes them anew."
            )
            raise_alarm(tx, UNGUARDED, "database", words, now)
    clear_others(parts.database, REVIEW_DUE, {f"hold:{row.id}" for row in due}, now)
    clear_others(parts.database, UNGUARDED, {"database"} if gone else set(), now)
    if looked == today.isoformat():
        return
    missing = audit.absent(parts.database, parts.vault)
    with parts.database.transaction() as tx:
        meta.put(tx, _LOOKED, today.isoformat())
        if missing:
            raise_alarm(tx, DAMAGED, _VAULT, _damaged(missing), now)


def hand_over_originals(parts: Parts, now: datetime) -> tuple[list[HandedOver], list[Fault]]:
    """Hand sealed originals over to their senders; those done, and the faults, alarmed."""
    buckets = {
        party.removeprefix("records-"): place
        for party, place in outboxes(
            HomeKeys(parts.home.root).s3,
            {f"records-{party}": one for party, one in parts.settings.records.items()},
        ).items()
    }
    told = list(hand_over(parts.database, parts.vault, parts.home.records_of, buckets, now))
    faults = [as_fault(item.subject, item.fault) for item in told if item.fault is not None]
    for fault in faults:
        fault.alarm(parts.database, now)
    stuck = {fault.subject for fault in faults}
    done = [item for item in told if item.fault is None]
    with parts.database.transaction() as tx:
        for subject in {item.subject for item in done} - stuck:
            clear_about(tx, subject, now)
    return done, faults


# --- asking ---------------------------------------------------------------------------------------


def plan_of(parts: Parts, tx: Transaction, before: datetime, request_id: str = "") -> Plan:
    """What could be destroyed of what was kept before then. Nothing is done."""
    cover = holds.covering(tx, parts.sealer, parts.keyed, list(parts.agreed))
    return retention.plan(tx, cover, before, request_id)


def ask_end_hold(
    parts: Parts, hold_id: str, reason: str, officer: str, now: datetime
) -> RequestRow:
    """Ask that a hold end. Raises HoldRefused, ApprovalRefused (ledgered) and OfficersFault."""

    def judged(tx: Transaction) -> Body:
        holds.require_on(tx, hold_id)
        return {"hold": hold_id, "reason": reason}

    return _asked(parts, "end-hold", f"hold:{hold_id}", judged, officer, now)


def ask_destroy(
    parts: Parts, before: datetime, reason: str, officer: str, now: datetime
) -> tuple[RequestRow, Plan]:
    """Ask that all that `plan_of` lists be destroyed.

    Raises ActRefused where there is nothing (a refusal because of a hold is ledgered), else as
    `ask_end_hold` does.
    """
    with parts.database.transaction() as tx:
        planned = plan_of(parts, tx, before)
        if not planned.items and planned.held:
            record(tx, event("deletion.refused", _VAULT, facts={"code": "retention.held"}), now)
    if not planned.items:
        raise _nothing(planned)

    def judged(_: Transaction) -> Body:
        return {
            "before": before.isoformat(),
            "objects": len(planned.items),
            "plan": planned.digest,
            "reason": reason,
        }

    subject = f"plan:{planned.digest[:16]}"
    return _asked(parts, "destroy", subject, judged, officer, now), planned


def _asked(
    parts: Parts,
    act: str,
    subject: str,
    judged: Callable[[Transaction], Body],
    officer: str,
    now: datetime,
) -> RequestRow:
    try:
        with parts.database.transaction() as tx:
            body = judged(tx)
            return make_request(tx, parts.sealer, parts.officers, act, subject, body, officer, now)
    except ApprovalRefused as refused:
        note_refusal(parts.database, refused, now)
        raise


# --- carrying out ---------------------------------------------------------------------------------


def end_hold(parts: Parts, request: RequestRow, body: Body, now: datetime, done: Done) -> None:
    """End a hold that an approver of each party has ended. Raises ActRefused."""
    with parts.database.transaction() as tx:
        try:
            holds.end(tx, str(body["hold"]), request.id, now)
        except HoldRefused as refused:
            raise ActRefused(refused.code, str(refused), refused.hint) from refused
        done(tx)


def destroy(parts: Parts, request: RequestRow, body: Body, now: datetime, done: Done) -> None:
    """Destroy what an approver of each party has approved, and certify it to both sides.

    Interrupted anywhere it goes on at the next tick. Raises ActRefused where the list is not what
    was approved any more, such as under a hold begun since; else what stops it for now.
    """
    before = datetime.fromisoformat(str(body["before"]))
    with parts.database.transaction() as tx:
        planned = plan_of(parts, tx, before, request.id)
        changed = planned.digest != body["plan"]
        if changed:
            record(tx, event("deletion.refused", _VAULT, facts={"code": _CHANGED}), now)
    if changed:
        raise ActRefused(
            _CHANGED,
            "The list is not the one that was approved: a hold or the record has changed.",
            "`retention plan` lists it anew; ask again.",
        )
    for item in planned.items:
        _take_out(parts, item)
        agreement = parts.agreed[item.flow].hash if item.flow in parts.agreed else ""
        args = (parts.database, parts.vault, parts.staging, item, request.id, agreement, now)
        retention.destroy(*args)
    _certify(parts, request, planned)
    with parts.database.transaction() as tx:
        done(tx)


def _take_out(parts: Parts, item: KeptThing) -> None:
    """Take the gateway's copy of a package out of its outbox; another file of the name stays."""
    if item.package_id is None or item.kind == "original":
        return
    with parts.database.transaction() as tx:
        rows = packages.deliveries_of(tx, item.package_id)
    for row in rows:
        folder = parts.home.outbox_of(row.party, item.flow)
        manifest = manifest_file(row.package_id)
        names = {row.sha256: row.file_name, row.manifest: manifest}
        names[row.signature] = f"{manifest}.asc"
        path = folder / names.get(item.sha256, "")
        if path.is_file() and not path.is_symlink() and sha256_of(path) == item.sha256:
            path.unlink()


def _certify(parts: Parts, request: RequestRow, planned: Plan) -> None:
    """The certificate, signed, in the reports of every party that signs the agreement.

    The signature is placed first: of an attempt that was cut short it is one over the same bytes.
    """
    with parts.database.transaction() as tx:
        keys = list(_keys(parts, tx, request))
        body = retention.certificate_of(tx, request.id, planned.digest, keys)
    name = f"destruction-{request.id}.json"
    with tempfile.TemporaryDirectory(dir=parts.home.work) as folder:
        told, signature = Path(folder) / name, Path(folder) / f"{name}.asc"
        told.write_bytes(body)
        parts.openpgp.detach_sign(told, signature, parts.pins.gateway)
        for party in parts.officers.signatories:
            reports = parts.home.reports_of(party)
            if not (reports / signature.name).exists():
                place(signature, reports, signature.name)
            place(told, reports, name)


def _keys(parts: Parts, tx: Transaction, request: RequestRow) -> Iterator[dict[str, str]]:
    """By which key of which party it was approved."""
    for row in requests.approvals_of(tx, request.id):
        officer = next((item for item in parts.officers if item.id == row.officer), None)
        yield {"party": officer.party if officer else "", "key": row.fingerprint}


_CHANGED = "retention.changed"


def _nothing(planned: Plan) -> ActRefused:
    if planned.held:
        return ActRefused(
            "retention.held",
            f"Nothing may be destroyed: {planned.held} objects are under a hold.",
            "`hold list` shows the holds. Ending one takes an approver of each party.",
        )
    return ActRefused(
        "retention.nothing", "There is nothing to destroy.", "`retention plan` says what is needed."
    )


def _damaged(count: int) -> str:
    return (
        f"{count} objects of the vault are not as they were kept. `vault audit` names them. "
        "Restore them from the backup, and find out who changed them; the alarm ends with an "
        "audit that finds nothing."
    )
