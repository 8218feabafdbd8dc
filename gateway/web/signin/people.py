"""Who visits the site: the person of the session in hand, with the grants that count now."""

from collections.abc import Callable
from datetime import datetime

from flask import session

from gateway.access.sessions import SessionRefused, session_of
from gateway.engine.face import FaceParts
from gateway.records.ledger import event, record
from gateway.web.signin.keptsessions import KeptSession, used_by_a_person
from gateway.web.visitor import Grant, Visitor, Visitors


class People(Visitors):
    """Whoever has signed in with all it takes; everybody else is nobody."""

    def __init__(self, parts: FaceParts, now: Callable[[], datetime]) -> None:
        self._parts, self._now = parts, now

    def current(self) -> Visitor | None:
        """The visitor of the request in hand, judged anew; None: not signed in, or not wholly."""
        held = session._get_current_object()  # type: ignore[attr-defined]
        if not isinstance(held, KeptSession) or held.row is None or not held.row.person_id:
            return None
        try:
            with self._parts.database.transaction() as tx:
                used = used_by_a_person()
                found = session_of(tx, held.secret, self._now(), used=used)
        except SessionRefused:
            return None
        given = tuple(Grant(item.party, item.flow, item.role) for item in found.grants)
        who = found.person.id, found.person.name
        return Visitor(*who, given, held.secret, found.fresh, found.training)

    def refused(self, visitor: Visitor, party: str, flow: str) -> None:  # noqa: ARG002
        """Record that a visitor asked for what is not theirs; who, the log has."""
        code = "session.grant" if visitor.training.counts else "session.training"
        facts = {"party": party, "way": "web", "code": code}
        with self._parts.database.transaction() as tx:
            record(tx, event("access.refused", "web", "", facts), self._now())
