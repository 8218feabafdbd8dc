"""Officers of a rehearsal home who ask for an act, and two others who approve it by their keys."""

from collections.abc import Callable
from datetime import datetime

from gateway.access.approvals import approve
from gateway.access.statements import signed_statement
from gateway.crypto.keys import HomeKeys
from gateway.crypto.openpgp import OpenPGP
from gateway.engine.acts import asking_about
from gateway.engine.parts import Parts
from gateway.receipts.recall import Asking, ask_recall
from gateway.receipts.supersede import Take, ask_supersede
from gateway.store.requests import RequestRow

FIRST, SECOND, THIRD = (f"ofsted-officer-{number}" for number in (1, 2, 3))
REASON = b"It was made from last year's extract."


def approved_by(parts: Parts, now: datetime, request: RequestRow, *officers: str) -> RequestRow:
    """Those officers sign the request, each with their own key; the request as it is then."""
    for who in officers:
        with OpenPGP(HomeKeys(parts.home.root).rehearsal(who), now) as openpgp:
            key = parts.officers.get(who).key
            assert key is not None
            signature = signed_statement(openpgp, request, key)
        known = parts.database, parts.officers, parts.openpgp
        request = approve(*known, request.id, who, signature, now)
    return request


def asked(
    parts: Parts, now: datetime, package: str, what: Callable[[Asking], RequestRow]
) -> RequestRow:
    """A request by the first officer of the sender, approved by the other two."""
    request = what(asking_about(parts, package, FIRST, now))
    return approved_by(parts, now, request, SECOND, THIRD)


def recalled(parts: Parts, now: datetime, package: str) -> RequestRow:
    """An approved request to recall a package."""
    return asked(parts, now, package, lambda asking: ask_recall(asking, package, REASON))


def superseded(
    parts: Parts, now: datetime, package: str, drop: str, take: Take = "merged"
) -> RequestRow:
    """An approved request to supersede a package by a corrected drop."""
    return asked(
        parts, now, package, lambda asking: ask_supersede(asking, package, drop, take, REASON)
    )
