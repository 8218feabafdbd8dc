"""Attempts to sign in that their person must hear of: by e-mail, however the attempt ends.

The one who tries is told nothing of it, and the answer is the same whether or not somebody exists.
"""

from typing import Any

from gateway.access import pauses
from gateway.access.notices import ATTEMPTS, ELSEWHERE, WRONG_FACTOR, News, tell_person
from gateway.store import people
from gateway.store.database import Transaction
from gateway.web.security import client_address
from gateway.web.signin.keptsessions import browser_words
from gateway.web.site import site


def address() -> str:
    """Where the request in hand comes from."""
    return client_address(site().parts.settings.web)


def after_wrong_password(identity: str) -> None:
    """A password was wrong: their person hears of it once there is a pause."""
    own = site()
    with own.parts.database.transaction() as tx:
        held_up = pauses.is_held_up(tx, identity, address(), own.now())
        _tell(tx, identity, ATTEMPTS, held_up)


def after_right_password(person: Any) -> None:
    """A password was right: its person hears of it unless place and browser are usual ones."""
    own, email = site(), str(person.email)
    with own.parts.database.transaction() as tx:
        usual = pauses.is_usual(tx, email, address(), browser_words(), own.now())
        _tell(tx, email, ELSEWHERE, not usual)


def after_wrong_factor(person: Any) -> None:
    """The password was right, and the second factor wrong: a slip now and then is nobody's news."""
    own, email = site(), str(person.email)
    with own.parts.database.transaction() as tx:
        _tell(tx, email, WRONG_FACTOR, pauses.is_no_slip(tx, email, address(), own.now()))


def _tell(tx: Transaction, identity: str, news: News, is_news: bool) -> None:
    own, person = site(), people.by_email(tx, identity)
    if is_news and person is not None and person.enrolled_at is not None:
        tell_person(tx, own.parts, person, news, own.now(), browser_words())
