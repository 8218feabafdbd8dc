"""E-mails by which people learn what happened to their own account, done by them or by a stranger.

They tell what it was, when, and what to do if it was somebody else. They hold no secret, no code,
no address of a computer and no link: whoever is told goes to the site by the address they know. A
storm fills no mailbox: of odd attempts a person is told once a day for each kind; of changes, for
which one must be signed in, a few times.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gateway.agreement.windows import LONDON, london_date
from gateway.settings import Home, Settings
from gateway.store import mails
from gateway.store.database import Transaction
from gateway.store.people import PersonRow

KIND = "account"


@dataclass(frozen=True)
class News:
    """Something to tell. ``most``: how many e-mails about it a person gets in a day, at most."""

    name: str
    subject: str
    words: str
    most: int = 1


_A_FEW = 5
ATTEMPTS = News(
    "attempts",
    "attempts to sign in as you failed",
    "Somebody tried several times to sign in as you, and gave a wrong password. Further attempts\n"
    "are held up for a while.",
)
ELSEWHERE = News(
    "elsewhere",
    "your password was given at a new place",
    "Your password was given, rightly, from a place or by a browser that you had not signed in\n"
    "from within the last 30 days. It takes your second factor as well to sign in.",
)
WRONG_FACTOR = News(
    "wrong-factor",
    "a second factor was wrong",
    "Your password was given, rightly, and then a wrong code or a wrong key. Whoever it was is\n"
    "not signed in by that.",
)
PASSWORD = News("password", "your password was changed", "Your password was changed.", _A_FEW)
APP = News(
    "app-set-up",
    "an authenticator app was set up",
    "An authenticator app was set up for your account. An app before it works no more.",
    _A_FEW,
)
KEY_ADDED = News(
    "key-added", "a security key was added", "A security key was added to your account.", _A_FEW
)
KEY_REMOVED = News(
    "key-removed",
    "a security key was taken away",
    "A security key was taken away from your account.",
    _A_FEW,
)
CODES = News(
    "recovery-codes",
    "new recovery codes were made",
    "New recovery codes were made for your account. Those before work no more.",
    _A_FEW,
)
CODE_USED = News(
    "code-used",
    "a recovery code was used",
    "Somebody signed in to your account with a recovery code.",
    _A_FEW,
)
RESET = News(
    "reset",
    "your account was reset",
    "Your password and your second factors were taken away, you are signed out everywhere, and\n"
    "you are invited anew. An administrator of your organisation did it, or whoever looks after\n"
    "the gateway.",
    _A_FEW,
)


class Deployment(Protocol):
    """The parts of any process that tells people something."""

    @property
    def home(self) -> Home: ...

    @property
    def settings(self) -> Settings: ...


def tell_person(
    tx: Transaction,
    parts: Deployment,
    person: PersonRow,
    news: News,
    now: datetime,
    browser: str = "",
) -> bool:
    """Queue an e-mail to a person about their account; whether there is a new one.

    None goes to who has left, nor where no mail server is set. ``browser``: what was used, in words
    of ours.
    """
    if not parts.settings.mail.host or not person.active:
        return False
    mark = "REHEARSAL: " if parts.home.is_rehearsal else ""
    named = f"account:{person.id}:{news.name}:{london_date(now).isoformat()}"
    return any(
        mails.add_once(
            tx,
            key=f"{named}:{number}",
            kind=KIND,
            party=person.party,
            officer=person.id,
            address=person.email,
            subject=f"{mark}Gateway: {news.subject}",
            body=_body(person, news, now, browser),
            made_at=now,
        )
        for number in range(news.most)
    )


def _body(person: PersonRow, news: News, now: datetime, browser: str) -> str:
    at = now.astimezone(LONDON)
    lines = [
        f"Hello {person.name},",
        "",
        news.words,
        "",
        f"When: {at:%A %-d %B %Y, %H:%M} ({LONDON.key})",
        *([f"By: {browser}"] if browser else []),
        "",
        "If it was you, or you know of it, there is nothing to do.",
        "If it was not: go to the gateway by the address that you know, look at your account, end",
        "the sessions that are not yours, and change your password. If you cannot sign in, tell an",
        "administrator of your organisation at once: they can sign you out and invite you anew.",
        "",
        "There is no link in this e-mail, so that a false one is easily told from it. Nobody reads",
        "answers to this address.",
        "",
    ]
    return "\n".join(lines)
