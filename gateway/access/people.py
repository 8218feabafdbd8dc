"""What is done about people: invite, enrol, grant, revoke, sign out, let go. Each is in the ledger.

``by`` is the id of the administrator who does it, or `OPERATOR`: whoever runs the commands.
Nobody grants anything to themself, and an administrator acts for the own party alone. The ledger
names people in commitments only.
"""

import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.access.grants import ALL_FLOWS, ROLES, fits, valid_grants
from gateway.access.training import training_of
from gateway.agreement.model import Flow
from gateway.records.leaf import Fact
from gateway.records.ledger import event, record
from gateway.refusal import Refusal
from gateway.store import grants, people, sessions
from gateway.store.database import Transaction
from gateway.store.grants import GrantRow
from gateway.store.people import PersonRow

OPERATOR = "operator"
INVITED_FOR = timedelta(days=3)
_NAME = re.compile(r"[^\x00-\x1f\x7f\u2028\u2029]{1,100}")
_EMAIL = re.compile(r"[^@\s<>\"\\,;]+@[^@\s<>\"\\,;]+")


class PersonRefused(Refusal):
    """It may not be done about that person. Codes: person.*, grant.*, invitation.*"""


@dataclass(frozen=True)
class Newcomer:
    """Who is to be invited. ``officer``: who they are in config/officers.toml, if anybody."""

    name: str
    party: str
    email: str
    officer: str | None = None


# --- inviting and enrolling -----------------------------------------------------------------------


def add_person(tx: Transaction, who: Newcomer, by: str, now: datetime) -> PersonRow:
    """Make somebody known who cannot sign in yet. Raises PersonRefused (person.*)."""
    _require_right(tx, by, who.party, now)
    email = who.email.strip().lower()
    if not _NAME.fullmatch(who.name) or not _EMAIL.fullmatch(email) or len(email) > 200:
        raise PersonRefused(
            "person.malformed",
            "That is no name, or no e-mail address.",
            "Give a name of one line, and one address.",
        )
    if people.by_email(tx, email) is not None:
        raise PersonRefused(
            "person.known",
            "Somebody with that address is known already.",
            "`people list` shows who; `people invite` them anew by their id if they need it.",
        )
    person_id = f"p-{secrets.token_hex(8)}"
    people.add(
        tx,
        id=person_id,
        name=who.name,
        party=who.party,
        email=email,
        officer=who.officer,
        active=True,
        fs_uniquifier=secrets.token_hex(32),
        fs_webauthn_user_handle=secrets.token_hex(32),
        made_at=now,
    )
    return person_of(tx, person_id)


def invite(tx: Transaction, person_id: str, by: str, now: datetime) -> str:
    """Invite somebody who has not enrolled: the token of the link, kept nowhere.

    It ends what invitations there were. Raises PersonRefused: person.left, person.enrolled.
    """
    person = _here(tx, person_id)
    _require_right(tx, by, person.party, now)
    if person.enrolled_at is not None:
        raise PersonRefused(
            "person.enrolled",
            "That person has set up their account.",
            "`people reset` takes their second factor away and invites them anew.",
        )
    return _invited(tx, person, by, now)


def invited(tx: Transaction, token: str, now: datetime) -> PersonRow:
    """Whom a token invites. Raises PersonRefused (invitation.ended): used, replaced or too old."""
    row = people.invitation(tx, _hashed(token))
    person = people.get(tx, row.person_id) if row else None
    if row is None or person is None or row.ended_at is not None or now >= row.expires_at:
        raise _no_invitation()
    if not person.active or person.enrolled_at is not None:
        raise _no_invitation()
    return person


def choose_password(tx: Transaction, token: str, password_hash: str, now: datetime) -> PersonRow:
    """Set the first password of whom the token invites; it lets in nobody without a second factor.

    The token stays good until the second factor is set. Raises PersonRefused (invitation.ended).
    """
    person = invited(tx, token, now)
    people.change(tx, person.id, password=password_hash)
    return person


def enrol(tx: Transaction, person_id: str, now: datetime) -> None:
    """Password and second factor are set: the account is whole, and its invitation is used up.

    Raises PersonRefused (person.unfinished).
    """
    person = _here(tx, person_id)
    if not people.has_second_factor(tx, person_id):
        raise PersonRefused(
            "person.unfinished", "There is no second factor yet.", "Set one up first."
        )
    if people.enrol(tx, person_id, now):
        people.end_invitations(tx, person_id, now)
        _tell(tx, "person.enrolled", person, now)


def reset(tx: Transaction, person_id: str, by: str, now: datetime) -> str:
    """Take away somebody's password and second factors, sign them out, and invite them anew.

    For who has lost a key, or whose key another may have. Gives the token of the invitation.
    Raises PersonRefused.
    """
    person = _here(tx, person_id)
    _require_right(tx, by, person.party, now)
    _require_another(by, person)
    people.forget_second_factors(tx, person_id)
    people.put_recovery_codes(tx, person_id, (), now)
    people.change(tx, person_id, password=None, enrolled_at=None)
    sessions.end_all(tx, person_id, now)
    _tell(tx, "person.reset", person, now, by)
    return _invited(tx, person, by, now)


# --- grants ---------------------------------------------------------------------------------------


def grant(
    tx: Transaction,
    flows: Iterable[Flow],
    person_id: str,
    wanted: tuple[str, str],
    by: str,
    now: datetime,
) -> GrantRow:
    """Grant a role in a flow (``(flow, role)``), for the person's own party.

    Raises PersonRefused: grant.no-use, grant.own, grant.there.
    """
    flow, role = wanted
    person = _here(tx, person_id)
    _require_right(tx, by, person.party, now)
    _require_another(by, person)
    if not fits(flows, person.party, flow, role):
        raise PersonRefused(
            "grant.no-use",
            f"{person.party} has no use for a {role} in {flow}.",
            f"Roles: {', '.join(ROLES)}. `agreement explain` says who sends and who receives.",
        )
    same = (person.party, flow, role)
    if any((row.party, row.flow, row.role) == same for row in grants.in_force(tx, person_id)):
        raise PersonRefused("grant.there", "They have that grant already.", "Nothing is to do.")
    grant_id = f"g-{secrets.token_hex(8)}"
    grants.add(
        tx,
        id=grant_id,
        person_id=person_id,
        party=person.party,
        flow=flow,
        role=role,
        granted_by=by,
        granted_at=now,
    )
    facts: dict[str, Fact] = {"flow": flow, "role": role}
    _tell(tx, "grant.made", person, now, by, facts)
    return GrantRow(grant_id, person_id, *same, by, now, None, None)


def revoke(tx: Transaction, grant_id: str, by: str, now: datetime) -> GrantRow:
    """End a grant, at once. Raises PersonRefused (grant.unknown)."""
    row = grants.get(tx, grant_id)
    person = people.get(tx, row.person_id) if row else None
    if row is None or person is None or row.revoked_at is not None:
        raise PersonRefused(
            "grant.unknown",
            "There is no such grant in force.",
            "`people list` shows the grants that are.",
        )
    _require_right(tx, by, row.party, now)
    _revoke(tx, row, person, by, now)
    return row


# --- leaving and signing out ----------------------------------------------------------------------


def leave(tx: Transaction, person_id: str, by: str, now: datetime) -> None:
    """Let somebody go: every grant, session and invitation of theirs ends. Raises PersonRefused."""
    person = _here(tx, person_id)
    _require_right(tx, by, person.party, now)
    for row in grants.in_force(tx, person_id):
        _revoke(tx, row, person, by, now)
    people.end_invitations(tx, person_id, now)
    sessions.end_all(tx, person_id, now)
    people.change(tx, person_id, active=False, left_at=now)
    _tell(tx, "person.left", person, now, by)


def end_sessions(
    tx: Transaction, person_id: str, by: str, now: datetime, but: int | None = None
) -> int:
    """Sign somebody out everywhere, or everywhere but in one session; how many there were."""
    person = person_of(tx, person_id)
    if by != person_id:
        _require_right(tx, by, person.party, now)
    ended = sessions.end_all(tx, person_id, now, but)
    if ended:
        facts: dict[str, Fact] = {"count": ended}
        _tell(tx, "session.ended", person, now, by, facts)
    return ended


# --- the first of all -----------------------------------------------------------------------------


def first_administrator(tx: Transaction, who: Newcomer, now: datetime) -> str:
    """Make the administrator who invites the others; the token of the invitation.

    Raises PersonRefused (person.not-first) where there is an administrator.
    """
    if grants.any_of_role(tx, "administrator"):
        raise PersonRefused(
            "person.not-first",
            "There is an administrator already.",
            "They invite others; `people list` shows who they are.",
        )
    known = people.by_email(tx, who.email)
    person = known or add_person(tx, who, OPERATOR, now)
    row = {"party": person.party, "flow": ALL_FLOWS, "role": "administrator"}
    made = {"granted_by": OPERATOR, "granted_at": now}
    grants.add(tx, id=f"g-{secrets.token_hex(8)}", person_id=person.id, **row, **made)
    facts: dict[str, Fact] = {"flow": ALL_FLOWS, "role": "administrator"}
    _tell(tx, "grant.made", person, now, OPERATOR, facts)
    return _invited(tx, person, OPERATOR, now)


def person_of(tx: Transaction, person_id: str) -> PersonRow:
    """The person of that id or address. Raises PersonRefused (person.unknown)."""
    person = people.get(tx, person_id) or people.by_email(tx, person_id)
    if person is None:
        raise PersonRefused(
            "person.unknown", "There is no such person here.", "`people list` shows everybody."
        )
    return person


def _here(tx: Transaction, person_id: str) -> PersonRow:
    person = person_of(tx, person_id)
    if not person.active:
        raise PersonRefused("person.left", "That person has left.", "Invite them as a new person.")
    return person


def _require_right(tx: Transaction, by: str, party: str, now: datetime) -> None:
    """The operator may all; an administrator, what is of the own party."""
    if by == OPERATOR:
        return
    actor = people.get(tx, by)
    if actor is not None:
        training = training_of(tx, actor, now)
        valid = valid_grants(actor, grants.in_force(tx, by), training.until, training.today)
        if any(item.role == "administrator" and item.party == party for item in valid):
            return
    raise PersonRefused(
        "person.no-right",
        "Only an administrator of the same party may do that.",
        "Ask one of them.",
    )


def _require_another(by: str, person: PersonRow) -> None:
    if by == person.id:
        raise PersonRefused(
            "grant.own",
            "Nobody does that to themself.",
            "Ask another administrator of your party.",
        )


def _revoke(tx: Transaction, row: GrantRow, person: PersonRow, by: str, now: datetime) -> None:
    if grants.revoke(tx, row.id, by, now):
        facts: dict[str, Fact] = {"flow": row.flow, "role": row.role}
        _tell(tx, "grant.revoked", person, now, by, facts)


def _invited(tx: Transaction, person: PersonRow, by: str, now: datetime) -> str:
    people.end_invitations(tx, person.id, now)
    token = secrets.token_urlsafe(32)
    people.add_invitation(
        tx,
        token_hash=_hashed(token),
        person_id=person.id,
        made_by=by,
        made_at=now,
        expires_at=now + INVITED_FOR,
    )
    _tell(tx, "person.invited", person, now, by)
    return token


def _tell(
    tx: Transaction,
    name: str,
    person: PersonRow,
    now: datetime,
    by: str | None = None,
    more: dict[str, Fact] | None = None,
) -> None:
    facts: dict[str, Fact] = {"party": person.party, **(more or {})}
    commits: dict[str, Fact] = {"person": person.id}
    if by is not None:
        commits["by"] = by
    record(tx, event(name, f"person:{person.party}", "", facts, commits), now)


def _no_invitation() -> PersonRefused:
    return PersonRefused(
        "invitation.ended",
        "This invitation has been used, was replaced by another, or is too old.",
        "Ask an administrator of your organisation for a new one.",
    )


def _hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
