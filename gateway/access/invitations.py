"""The e-mail that invites somebody: a link that is good for three days, and once."""

import hashlib
from datetime import datetime

from gateway.access.people import INVITED_FOR
from gateway.store import mails
from gateway.store.database import Transaction
from gateway.store.mails import INVITATION
from gateway.store.people import PersonRow


def address_of(origin: str, token: str) -> str:
    """The link. ``origin``: where people find the site."""
    return f"{origin.rstrip('/')}/invitation/{token}"


def queue_invitation(
    tx: Transaction, person: PersonRow, token: str, origin: str, now: datetime
) -> None:
    """Queue the e-mail. Once it has left, or was given up, its text is not kept."""
    days = INVITED_FOR.days
    body = (
        f"Hello {person.name},\n\n"
        "you are invited to the gateway, by which safeguarding data is exchanged.\n"
        "Set up your account here:\n\n"
        f"{address_of(origin, token)}\n\n"
        f"The link is good for {days} days, and for you alone: do not pass it on. You will choose\n"
        "a password, and a security key or an authenticator app.\n\n"
        "If you did not expect this, tell an administrator of your organisation.\n"
    )
    mails.add_once(
        tx,
        key=f"invitation:{hashlib.sha256(token.encode()).hexdigest()[:32]}",
        kind=INVITATION,
        party=person.party,
        officer=person.id,
        address=person.email,
        subject="Set up your account on the gateway",
        body=body,
        made_at=now,
    )
