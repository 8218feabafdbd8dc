"""Rows of people, of their recovery codes and invitations, and what of theirs is put out of use."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from gateway.store.database import Transaction
from gateway.store.schema_people import (
    invitations,
    people,
    recovery_codes,
    webauthn_credentials,
)


@dataclass(frozen=True)
class PersonRow:
    """A person, without what proves who they are."""

    id: str
    name: str
    party: str
    email: str
    officer: str | None
    active: bool
    fs_uniquifier: str
    made_at: datetime
    enrolled_at: datetime | None
    left_at: datetime | None


@dataclass(frozen=True)
class InvitationRow:
    """An invitation: of its token only the SHA-256 is kept."""

    token_hash: bytes
    person_id: str
    made_by: str
    made_at: datetime
    expires_at: datetime
    ended_at: datetime | None


_PERSON = [people.c[name] for name in PersonRow.__dataclass_fields__]


def add(tx: Transaction, **values: Any) -> None:
    """A person is known from now on; columns as in the schema."""
    tx.execute(sa.insert(people).values(**values))


def get(tx: Transaction, person_id: str) -> PersonRow | None:
    """The person of that id, or None."""
    return _one(tx, people.c.id == person_id)


def by_email(tx: Transaction, email: str) -> PersonRow | None:
    """The person of that address, in whatever case it is written."""
    return _one(tx, people.c.email == email.strip().lower())


def by_uniquifier(tx: Transaction, text: str) -> PersonRow | None:
    """The person whom a session names so."""
    return _one(tx, people.c.fs_uniquifier == text)


def listed(tx: Transaction) -> list[PersonRow]:
    """Everybody there ever was, by party and name."""
    rows = tx.execute(sa.select(*_PERSON).order_by(people.c.party, people.c.name)).mappings()
    return [PersonRow(**row) for row in rows]


def change(tx: Transaction, person_id: str, **values: Any) -> None:
    """Set columns of a person."""
    tx.execute(sa.update(people).where(people.c.id == person_id).values(**values))


def enrol(tx: Transaction, person_id: str, at: datetime) -> bool:
    """Password and second factor are set; whether that is new."""
    changed = tx.execute(
        sa.update(people)
        .where(people.c.id == person_id, people.c.enrolled_at.is_(None))
        .values(enrolled_at=at)
    ).rowcount
    return changed == 1


def use_counter(tx: Transaction, person_id: str, counter: int) -> bool:
    """Note the step of a code as used; False: it, or a later one, was used before."""
    changed = tx.execute(
        sa.update(people)
        .where(people.c.id == person_id, people.c.totp_counter < counter)
        .values(totp_counter=counter)
    ).rowcount
    return changed == 1


# --- second factors -------------------------------------------------------------------------------


def has_second_factor(tx: Transaction, person_id: str) -> bool:
    """Whether the person has a security key or an authenticator app."""
    app = sa.select(people.c.tf_totp_secret).where(people.c.id == person_id)
    if tx.execute(app).scalar_one_or_none() is not None:
        return True
    key = sa.select(webauthn_credentials.c.id).where(webauthn_credentials.c.person_id == person_id)
    return tx.execute(key.limit(1)).first() is not None


def forget_second_factors(tx: Transaction, person_id: str) -> None:
    """Take away the person's keys and app. The password and recovery codes are another's act."""
    own = webauthn_credentials.c.person_id == person_id
    tx.execute(sa.delete(webauthn_credentials).where(own))
    change(tx, person_id, tf_totp_secret=None, tf_primary_method=None)


def put_recovery_codes(
    tx: Transaction, person_id: str, macs: Collection[bytes], at: datetime
) -> None:
    """Keep these codes, and put those before them out of use."""
    tx.execute(
        sa.update(recovery_codes)
        .where(recovery_codes.c.person_id == person_id, recovery_codes.c.used_at.is_(None))
        .values(used_at=at)
    )
    rows = [{"person_id": person_id, "mac": mac, "made_at": at} for mac in macs]
    if rows:
        tx.execute(sa.insert(recovery_codes), rows)


def use_recovery_code(tx: Transaction, person_id: str, mac: bytes, at: datetime) -> bool:
    """Use a code up; False: there is none like it, or it was used before."""
    changed = tx.execute(
        sa.update(recovery_codes)
        .where(
            recovery_codes.c.person_id == person_id,
            recovery_codes.c.mac == mac,
            recovery_codes.c.used_at.is_(None),
        )
        .values(used_at=at)
    ).rowcount
    return changed == 1


def recovery_codes_left(tx: Transaction, person_id: str) -> int:
    """How many codes the person has that are not used up."""
    left: int = tx.execute(
        sa.select(sa.func.count()).where(
            recovery_codes.c.person_id == person_id, recovery_codes.c.used_at.is_(None)
        )
    ).scalar_one()
    return left


# --- invitations ----------------------------------------------------------------------------------


def add_invitation(tx: Transaction, **values: Any) -> None:
    """An invitation was made; columns as in the schema."""
    tx.execute(sa.insert(invitations).values(**values))


def invitation(tx: Transaction, token_hash: bytes) -> InvitationRow | None:
    """The invitation of that token, or None."""
    row = tx.execute(
        sa.select(invitations).where(invitations.c.token_hash == token_hash)
    ).mappings()
    found = row.first()
    return InvitationRow(**found) if found else None


def end_invitations(tx: Transaction, person_id: str, at: datetime) -> None:
    """No invitation that the person has lets anybody in from now on."""
    tx.execute(
        sa.update(invitations)
        .where(invitations.c.person_id == person_id, invitations.c.ended_at.is_(None))
        .values(ended_at=at)
    )


def _one(tx: Transaction, where: sa.ColumnElement[bool]) -> PersonRow | None:
    row = tx.execute(sa.select(*_PERSON).where(where)).mappings().first()
    return PersonRow(**row) if row else None
