"""An approval given on the site: no officer's key signs it, so the gateway's key says what it saw.

The worker signs ``{"format": "gateway-site-approval/1", id, act, party, subject, requested_by, at,
digest, officer, person, proved, proved_at, approved_at}``: which person, linked to which officer,
proved by what and when who they are, and approved which request. It is the word of the gateway and
not of the officer. It therefore serves only for what the party alone answers for and what destroys
nothing, and it counts only together with the people and grants as they are on record: a row that
somebody wrote into the database by hand is worth nothing.
"""

import json
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import rfc8785

from gateway.access.deciding import ApprovalRefused
from gateway.access.grants import ALL_FLOWS
from gateway.access.officers import Officer
from gateway.access.sessions import FRESH, SiteSession
from gateway.access.statements import named, verify_bytes
from gateway.crypto.faults import CryptoFault
from gateway.crypto.openpgp import OpenPGP
from gateway.store import drops, grants, packages, people
from gateway.store.database import Transaction
from gateway.store.grants import GrantRow
from gateway.store.people import PersonRow
from gateway.store.requests import ApprovalRow, RequestRow

ON_SITE = frozenset({"recall", "supersede", "release-held"})
_HAND = "site:"  # in the place of a key's fingerprint, before the person's id
_NOTHING = timedelta(0)


@dataclass(frozen=True)
class Linked:
    """Who approved on the site, as they are on record, and for which flow it was."""

    person: PersonRow | None
    grants: tuple[GrantRow, ...]
    flow: str


def hand_of(person_id: str) -> str:
    """What stands for a person's hand where an approval by key has the key's fingerprint."""
    return f"{_HAND}{person_id}"


def require_open_to_site(request: RequestRow) -> None:
    """Raises ApprovalRefused approval.by-key-alone for what the gateway's word must not decide."""
    if request.act not in ON_SITE:
        raise ApprovalRefused(
            "approval.by-key-alone",
            "This takes the signature of each approver's own key: the site's word does not do.",
            "Download the statement, sign it with your key, and hand in the signature.",
        ).about(request)


def flow_of(tx: Transaction, request: RequestRow) -> str:
    """The flow that a request is about; "" where that is not known: then no one flow will do."""
    kind, _, thing = request.subject.partition(":")
    if kind == "package" and (package := packages.get(tx, thing)) is not None:
        return package.flow
    if kind == "drop" and (drop := drops.get(tx, thing)) is not None:
        return drop.flow
    return ""


def vouch(
    openpgp: OpenPGP,
    gateway: str,
    request: RequestRow,
    officer: Officer,
    session: SiteSession,
    now: datetime,
) -> ApprovalRow:
    """The approval as it is kept, signed with the gateway's key. Raises CryptoFault."""
    proved_at = session.proved_at or now - FRESH
    proof = (officer.id, session.person.id, session.way, proved_at, now)
    said = _statement(request, *proof)
    with tempfile.TemporaryDirectory(prefix="approval-") as folder:
        told, made = Path(folder, "statement"), Path(folder, "signature")
        told.write_bytes(said)
        openpgp.detach_sign(told, made, gateway)
        signature = made.read_bytes()
    hand = hand_of(session.person.id)
    return ApprovalRow(request.id, officer.id, hand, signature, now, said)


def linked(
    tx: Transaction, request: RequestRow, approvals: Iterable[ApprovalRow]
) -> Mapping[str, Linked]:
    """What is on record of who approved on the site, by officer."""
    found = {}
    for row in approvals:
        if row.statement is not None:
            person_id = row.fingerprint.removeprefix(_HAND)
            given = tuple(grants.of_person(tx, person_id))
            found[row.officer] = Linked(people.get(tx, person_id), given, flow_of(tx, request))
    return found


def stands_vouched(
    openpgp: OpenPGP,
    gateway: str,
    request: RequestRow,
    row: ApprovalRow,
    officer: Officer,
    known: Linked | None,
) -> bool:
    """Whether the gateway did vouch for that approval, and its person and grant bear it out.

    Raises CryptoFault for gpg's own faults.
    """
    if request.act not in ON_SITE or known is None or not gateway:
        return False
    if not _is_said(request, row) or not _is_entitled(known, officer, row.at):
        return False
    try:
        verify_bytes(openpgp, row.statement or b"", row.signature, gateway)
    except CryptoFault as fault:
        if not fault.code.startswith(("signature.", "key.")):
            raise
        return False
    return True


def _is_said(request: RequestRow, row: ApprovalRow) -> bool:
    """Whether the statement is about this request and row, of somebody who had just proved it."""
    try:
        told = json.loads(row.statement or b"")
        person, proved = str(told["person"]), str(told["proved"])
        proved_at = datetime.fromisoformat(told["proved_at"])
        same = _statement(request, row.officer, person, proved, proved_at, row.at)
    except (ValueError, KeyError, TypeError):
        return False
    lately = _NOTHING <= row.at - proved_at < FRESH
    return same == row.statement and row.fingerprint == hand_of(person) and lately


def _is_entitled(known: Linked, officer: Officer, at: datetime) -> bool:
    """Whether the person is here, is that officer, and had the grant at that moment."""
    person = known.person
    if person is None or not person.active or person.officer != officer.id:
        return False
    if person.party != officer.party:
        return False
    return any(
        row.role == "approver"
        and row.party == officer.party
        and row.flow in (known.flow, ALL_FLOWS)
        and row.granted_at <= at
        and (row.revoked_at is None or at < row.revoked_at)
        for row in known.grants
    )


def _statement(
    request: RequestRow,
    officer: str,
    person: str,
    proved: str,
    proved_at: datetime,
    approved_at: datetime,
) -> bytes:
    said = named(request) | {
        "format": "gateway-site-approval/1",
        "digest": request.digest,
        "officer": officer,
        "person": person,
        "proved": proved,
        "proved_at": _moment(proved_at),
        "approved_at": _moment(approved_at),
    }
    return rfc8785.dumps(said) + b"\n"


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
