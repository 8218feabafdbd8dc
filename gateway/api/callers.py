"""Who asks, and whether they may: a bearer token, its scope, and how often it asks."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from gateway.access.tokens import Principal, Scope, TokenRefused, check_token
from gateway.api.problem import Problem
from gateway.api.rates import Rates
from gateway.records.ledger import event, record
from gateway.store import tokens
from gateway.store.database import Database

WAY: Literal["api"] = "api"
_BEARER = re.compile(r"Bearer +([^\s]{1,200})", re.IGNORECASE)
_CHALLENGE = 'Bearer realm="gateway"'
_KNOWN = frozenset({"token.expired", "token.revoked"})  # its secret was right


@dataclass(frozen=True)
class Caller:
    """A principal, with the token as it was shown: the worker looks at it once more."""

    token: str
    principal: Principal

    @property
    def id(self) -> str:
        """The public half of the token."""
        return self.principal.prefix


class Callers:
    """Lets callers in. ``now`` gives the time that tokens are judged by."""

    def __init__(self, database: Database, rates: Rates, now: Callable[[], datetime]) -> None:
        self._database, self._rates, self._now = database, rates, now

    def admit(self, authorization: str | None, scope: Scope) -> Caller:
        """The caller, if its token is good and made for that. Raises Problem: 401, 403 or 429.

        Whatever is wrong with a token, the answer is the same; only the ledger knows more.
        """
        shown = _BEARER.fullmatch(authorization.strip()) if authorization else None
        if shown is None:
            raise _unauthorised()
        try:
            with self._database.transaction() as tx:
                principal = check_token(tx, shown[1], self._now())
        except TokenRefused as refused:
            if refused.code in _KNOWN:
                prefix = shown[1].partition(".")[0]
                self._in_time(prefix)
                self._note(prefix, refused.code)
            raise _unauthorised() from refused
        self._in_time(principal.prefix)
        caller = Caller(shown[1], principal)
        if not principal.may(scope):
            challenge = f'{_CHALLENGE}, error="insufficient_scope", scope="{scope}"'
            raise self.refuse(
                caller,
                Problem(
                    403,
                    "token.scope",
                    f"The token was not made for this; it needs the scope {scope}.",
                    "Ask the gateway's administrator for a token with that scope.",
                    {"WWW-Authenticate": challenge},
                ),
            )
        return caller

    def refuse(self, caller: Caller, problem: Problem) -> Problem:
        """Record that a caller was refused; the same problem, to raise."""
        self._record(caller.principal.prefix, caller.principal.party, problem.code)
        return problem

    def _note(self, prefix: str, code: str) -> None:
        with self._database.transaction() as tx:
            row = tokens.get(tx, prefix)
        if row is not None:
            self._record(prefix, row.party, code)

    def _record(self, prefix: str, party: str, code: str) -> None:
        facts = {"party": party, "way": WAY, "code": code}
        with self._database.transaction() as tx:
            record(tx, event("access.refused", f"token:{prefix}", facts=facts), self._now())

    def _in_time(self, prefix: str) -> None:
        wait = self._rates.take(prefix)
        if wait:
            raise Problem(
                429,
                "rate.exceeded",
                "The token was used too often.",
                "Wait as long as the Retry-After header says, and ask less often.",
                {"Retry-After": str(wait)},
            )


def _unauthorised() -> Problem:
    return Problem(
        401,
        "token.refused",
        "This needs a good token.",
        "Send the header `Authorization: Bearer PREFIX.SECRET`. "
        "The gateway's administrator makes tokens.",
        {"WWW-Authenticate": _CHALLENGE},
    )
