"""Which acts take the approval of others, and whose: the party's own, or one of each party's."""

from datetime import datetime
from typing import Literal, get_args

from gateway.access.officers import Officers
from gateway.records.ledger import event, record
from gateway.refusal import Refusal
from gateway.store.database import Database
from gateway.store.requests import RequestRow

Act = Literal[
    "recall",
    "supersede",
    "release-held",
    "end-hold",
    "destroy",
    "recover-ledger",
    "change-keys",
]
ACTS: tuple[Act, ...] = get_args(Act)
NEEDED = 2
_TOGETHER = frozenset({"end-hold", "destroy", "recover-ledger", "change-keys"})
_NONE = "none"  # in the ledger, where the request or the officer is not known


class ApprovalRefused(Refusal):
    """A request, or its approval, is refused. Codes: request.*, approval.*

    ``subject``, ``act`` and ``party`` are what `note_refusal` tells the ledger.
    """

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(code, message, hint)
        self.subject, self.act, self.party = "request:unknown", _NONE, _NONE

    def about(self, request: RequestRow) -> "ApprovalRefused":
        """The same, known to be about that request."""
        self.subject, self.act, self.party = f"request:{request.id}", request.act, request.party
        return self


def note_refusal(database: Database, refused: ApprovalRefused, now: datetime) -> None:
    """Ledger a refusal, in a transaction of its own: the refused one was rolled back."""
    facts = {"act": refused.act, "party": refused.party, "code": refused.code}
    with database.transaction() as tx:
        record(tx, event("request.refused", refused.subject, facts=facts), now)


def decides_together(act: str) -> bool:
    """Whether an act touches the evidence itself, so that each party has to approve it."""
    return act in _TOGETHER


def parties_of(officers: Officers, act: str, party: str) -> tuple[str, ...]:
    """The parties whose approvers decide about an act that a party's officer asks for."""
    return officers.signatories if decides_together(act) else (party,)
