"""Recall: the sender withdraws a package, with a reason, once two of its officers approve.

From that moment it is served no longer. Nothing of it is destroyed: the vault keeps the package and
the original it was made of (design §5.1, holds win). What it carried counts as not sent, so that
corrected rows, or the same ones, can travel again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.access.approvals import ApprovalRefused, make_request, note_refusal
from gateway.access.officers import Officers
from gateway.dispatch.parts import Dispatch
from gateway.dispatch.withdrawal import forget
from gateway.receipts.texts import taken
from gateway.records.leaf import Fact
from gateway.records.ledger import event, move
from gateway.refusal import Refusal
from gateway.store import packages
from gateway.store.database import Transaction
from gateway.store.packages import WITHDRAWN, PackageRow
from gateway.store.requests import RequestRow

RECALLABLE = ("sealed", "placed", "accepted")


class ActRefused(Refusal):
    """What is asked cannot be done to that package or drop (any more). ``hint``: what to do."""


def package_of(tx: Transaction, package_id: str) -> PackageRow:
    """The package. Raises ActRefused act.unknown-package."""
    package = packages.get(tx, package_id)
    if package is None:
        raise ActRefused(
            "act.unknown-package",
            "There is no package of that id.",
            "`status` lists the latest packages.",
        )
    return package


def require_sender(parts: Dispatch, flow_id: str, party: str) -> None:
    """Raises ActRefused act.not-sender unless the party sends that flow."""
    sender = parts.agreed.agreement.flow(flow_id).sender
    if party != sender:
        raise ActRefused(
            "act.not-sender",
            f"What {flow_id} sent is {sender}'s to withdraw or release, and nobody else's.",
            f"An officer of {sender} asks for it.",
        )


@dataclass(frozen=True)
class Asking:
    """An officer's wish for an act on what a flow sent: judged first, then made a request."""

    parts: Dispatch
    officers: Officers
    officer_id: str
    now: datetime

    def request(
        self,
        act: str,
        subject: str,
        body: Mapping[str, str | int],
        judged: Callable[[Transaction], str],
    ) -> RequestRow:
        """``judged`` raises ActRefused where the act cannot be, and else names the flow.

        Raises ActRefused, OfficersFault and ApprovalRefused (ledgered).
        """
        parts, database = self.parts, self.parts.database
        try:
            with database.transaction() as tx:
                self._require_sender(judged(tx))
                return make_request(
                    tx,
                    parts.sealer,
                    self.officers,
                    act,
                    subject,
                    body,
                    self.officer_id,
                    self.now,
                    parts.agreed.hash,
                )
        except ApprovalRefused as refused:
            note_refusal(database, refused, self.now)
            raise

    def _require_sender(self, flow_id: str) -> None:
        officer = self.officers.get(self.officer_id)
        require_sender(self.parts, flow_id, officer.party)
        if not officer.has("sender"):
            raise ActRefused(
                "act.not-sender",
                "That officer has not the role sender.",
                "`officers` lists who acts for whom, and in which roles.",
            )


def ask_recall(asking: Asking, package_id: str, reason: bytes) -> RequestRow:
    """Ask that a package be recalled; the reason is sealed with the request.

    Raises TextRefused and what `Asking.request` raises.
    """

    def judged(tx: Transaction) -> str:
        package = package_of(tx, package_id)
        _require_recallable(package)
        return package.flow

    body = {"package": package_id, "reason": taken(reason)}
    return asking.request("recall", f"package:{package_id}", body, judged)


def recall(
    tx: Transaction, parts: Dispatch, package_id: str, request_id: str, now: datetime
) -> None:
    """Withdraw the package and its deliveries, in the caller's transaction. Raises ActRefused."""
    package = package_of(tx, package_id)
    _require_recallable(package)
    flow = parts.agreed.agreement.flow(package.flow)
    facts: dict[str, Fact] = {
        "flow": flow.id,
        "day": package.day.isoformat(),
        "request": request_id,
    }
    happened = event("package.recalled", f"package:{package_id}", package.agreement_hash, facts)
    move(tx, "package", {"id": package_id}, package.state, "recalled", happened, now)
    recall_deliveries(tx, package, now)
    forget(tx, parts, flow, package_id, now)


def recall_deliveries(tx: Transaction, package: PackageRow, now: datetime) -> None:
    """None of the package's deliveries is served any longer; their files are to be withheld."""
    for delivery in packages.deliveries_of(tx, package.id):
        if delivery.state in WITHDRAWN:
            packages.withheld(tx, delivery.id, None)  # for a new notice
            continue
        facts: dict[str, Fact] = {"package": package.id, "party": delivery.party}
        subject = f"delivery:{delivery.id}"
        happened = event("delivery.recalled", subject, package.agreement_hash, facts)
        move(tx, "delivery", {"id": delivery.id}, delivery.state, "recalled", happened, now)


def _require_recallable(package: PackageRow) -> None:
    if package.state not in RECALLABLE:
        raise ActRefused(
            "recall.not-standing",
            f"The package is {package.state} already.",
            "Nothing more of it is served; `status` shows what stands in its place, if anything.",
        )
