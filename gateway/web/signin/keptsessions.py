"""Flask's sessions kept in the database (`access.sessions`); the cookie holds a secret, no more.

What a session holds is sealed to its secret: who reads the database cannot use it. A new secret is
given when somebody signs in, and each time they prove again who they are; the old one dies with it.
"""

import hashlib
import json
from typing import Any

from flask import Flask, Request, Response, request
from flask.sessions import SessionInterface, SessionMixin

from gateway.access import sessions
from gateway.access.sessions import SessionRefused
from gateway.crypto.faults import CryptoFault
from gateway.crypto.sealing import Sealer
from gateway.store import people
from gateway.store import sessions as rows
from gateway.store.database import Transaction
from gateway.store.sessions import SessionRow
from gateway.web.site import Site

PERSON, PROVED = "_user_id", "fs_paa"  # as Flask-Login and Flask-Security name them
_CONTEXT = "site session"
_NEEDED_BY_NOBODY = ("/static/", "/healthz", "/readyz", "/metrics")
_WAYS = {
    "signin.two_factor_token_validation": "password and app",
    "signin.wan_signin_response": "password and key",
    "signin.mf_recovery": "password and recovery code",
    "signin.verify": "password",
    "signin.wan_verify_response": "key",
}
_AGENTS = ("Edg", "OPR", "Firefox", "Chrome", "Safari")
_SYSTEMS = ("Windows", "Android", "iPhone", "iPad", "Mac OS X", "CrOS", "Linux")


class KeptSession(dict[str, Any], SessionMixin):
    """What a session holds, with its secret and its row. Whatever changes is kept at the end."""

    def __init__(
        self, secret: str = "", row: SessionRow | None = None, held: dict[str, Any] | None = None
    ) -> None:
        super().__init__(held or {})
        self.secret, self.row = secret, row
        self.before = dict(self)
        self.new = row is None

    @property
    def signed_in_anew(self) -> bool:
        """Whether somebody signed in, or proved again who they are, in this request."""
        proved = self.get(PROVED) != self.before.get(PROVED)
        return PERSON in self and (proved or self.get(PERSON) != self.before.get(PERSON))


class KeptSessions(SessionInterface):
    """Reads a session at the start of a request, and keeps what became of it at its end."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def open_session(self, app: Flask, request: Request) -> KeptSession:
        """The session of the cookie's secret; an empty one where it does not last any longer."""
        secret = request.cookies.get(self.get_cookie_name(app), "")
        if not secret or request.path.startswith(_NEEDED_BY_NOBODY):
            return KeptSession()
        try:
            with self._site.parts.database.transaction() as tx:
                row = sessions.living(tx, secret, self._site.now(), used_by_a_person())
            held = json.loads(_sealer(secret).open(row.contents_sealed, _CONTEXT))
        except (SessionRefused, CryptoFault, ValueError):
            return KeptSession()
        return KeptSession(secret, row, held)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Keep what changed; give a new secret where the old one must not be worth anything."""
        assert isinstance(session, KeptSession)  # noqa: S101 — it is what `open_session` gave
        if dict(session) == session.before:
            return
        with self._site.parts.database.transaction() as tx:
            gone_out = session.row is not None and session.row.person_id and PERSON not in session
            if session.row is None or session.signed_in_anew or gone_out:
                self._begin(app, tx, session, response)
                return
            sealed = _sealed(session.secret, session)
            rows.change(tx, session.row.id, contents_sealed=sealed)

    def _begin(self, app: Flask, tx: Transaction, session: KeptSession, response: Response) -> None:
        now, old = self._site.now(), session.row
        if old is not None and not rows.change(tx, old.id, ended_at=now, contents_sealed=b""):
            return  # it was ended meanwhile: nothing follows it
        person = people.by_uniquifier(tx, str(session[PERSON])) if PERSON in session else None
        same = old is not None and person is not None and old.person_id == person.id
        secret = sessions.new_secret()
        sessions.begin(
            tx,
            secret,
            contents_sealed=_sealed(secret, session),
            agent=browser_words(),
            now=now,
            person_id=person.id if person else None,
            begun_at=old.begun_at if old is not None and same else now,
            fresh_at=now if person else None,
            way=_way(old.way if old is not None and same else "") if person else "",
        )
        if person is not None:
            sessions.sweep(tx, now)
        response.set_cookie(
            self.get_cookie_name(app),
            secret,
            httponly=self.get_cookie_httponly(app),
            secure=self.get_cookie_secure(app),
            samesite=self.get_cookie_samesite(app),
            path="/",
        )


def _way(before: str) -> str:
    """By what the person proved who they are: at first, and the last time."""
    now = _WAYS.get(request.endpoint or "", "other")
    first = before.partition(", then ")[0]
    return f"{first}, then {now}" if first else now


def used_by_a_person() -> bool:
    """Whether the request in hand is a person's, not a page's that looks again by itself.

    Such a look keeps nobody signed in who has gone away. Whoever forges it shortens their own time.
    """
    return request.method != "GET" or request.headers.get("Sec-Fetch-Dest") != "empty"


def _sealed(secret: str, session: KeptSession) -> bytes:
    return _sealer(secret).seal(json.dumps(dict(session)).encode(), _CONTEXT)


def _sealer(secret: str) -> Sealer:
    return Sealer(hashlib.sha256(b"gateway session\x00" + secret.encode()).digest())


def browser_words() -> str:
    """The browser's family and system, in words for its person; nothing that tells two apart."""
    told = request.user_agent.string
    browser = next((name for name in _AGENTS if name in told), "A browser")
    system = next((name for name in _SYSTEMS if name in told), "")
    names = {"Edg": "Edge", "OPR": "Opera", "Mac OS X": "Mac", "CrOS": "Chromebook"}
    words = names.get(browser, browser)
    return f"{words} on {names.get(system, system)}" if system else words
