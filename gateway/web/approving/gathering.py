"""What the pages of approvals show: requests by whose turn it is, and who said what of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.access.approvals import parties_deciding
from gateway.access.deciding import decides_together
from gateway.access.officers import Officer, Officers
from gateway.access.vouched import ON_SITE
from gateway.store import people, requests
from gateway.store.database import Transaction
from gateway.store.requests import ApprovalRow, RequestRow
from gateway.web.visitor import Visitor
from gateway.web.worker import party_of

ENDED_SHOWN = 50
WORDS: Mapping[str, str] = {
    "recall": "Recall a package",
    "supersede": "Replace a package",
    "release-held": "Release held rows",
    "end-hold": "End a hold",
    "destroy": "Destroy what no hold covers",
    "recover-ledger": "Begin a new log of the ledger",
    "change-keys": "Change the ledger’s key",
}
STATES: Mapping[str, tuple[str, str]] = {
    "open": ("Waits for approval", "blue"),
    "approved": ("Approved, about to be done", "purple"),
    "done": ("Done", "green"),
    "failed": ("Could not be done", "red"),
    "withdrawn": ("Withdrawn", "grey"),
}


@dataclass(frozen=True)
class Said:
    """An approval: by whom, for which party, by which way, and when."""

    who: str
    party: str
    way: str
    at: datetime


@dataclass(frozen=True)
class Shown:
    """A request as a page shows it. ``mine``: whether the visitor asked for it.

    ``why_not``: why the visitor cannot approve it; empty where they can.
    """

    row: RequestRow
    asker: str
    said: Sequence[Said]
    needed: str
    mine: bool
    why_not: str
    on_site: bool

    @property
    def words(self) -> str:
        """What is asked for, in a few words."""
        return WORDS.get(self.row.act, self.row.act)

    @property
    def state(self) -> tuple[str, str]:
        """Where it stands, in words, and the colour of its badge."""
        return STATES[self.row.state]

    @property
    def subject(self) -> str:
        """What it is about."""
        return self.row.subject.partition(":")[2]


@dataclass(frozen=True)
class Listed:
    """All of a visitor's requests, by whose turn it is."""

    waiting: Sequence[Shown]
    own: Sequence[Shown]
    others: Sequence[Shown]
    ended: Sequence[Shown]


def officer_of(tx: Transaction, officers: Officers, who: Visitor) -> Officer | None:
    """The officer that a visitor is, or None."""
    person = people.get(tx, who.id)
    known = {item.id: item for item in officers}
    return known.get(person.officer or "") if person else None


def listed(tx: Transaction, officers: Officers, who: Visitor) -> Listed:
    """The requests that concern the visitor's party."""
    going = requests.latest(tx, requests.GOING)
    ended = requests.ended(tx, ENDED_SHOWN)
    mine = officer_of(tx, officers, who)
    rows = [row for row in (*going, *ended) if _concerns(officers, row, party_of(who))]
    said = requests.approvals_by_request(tx, (row.id for row in rows))
    all_shown = [_shown(officers, row, said[row.id], who, mine) for row in rows]
    still = [item for item in all_shown if item.row.state in requests.GOING]
    waiting = [item for item in still if not item.why_not]
    own = [item for item in still if item.mine]
    return Listed(
        waiting,
        own,
        [item for item in still if item not in waiting and item not in own],
        [item for item in all_shown if item.row.state not in requests.GOING],
    )


def one(tx: Transaction, officers: Officers, who: Visitor, request_id: str) -> Shown | None:
    """One request, where it concerns the visitor's party."""
    row = requests.get(tx, request_id)
    if row is None or not _concerns(officers, row, party_of(who)):
        return None
    said = requests.approvals_of(tx, row.id)
    return _shown(officers, row, said, who, officer_of(tx, officers, who))


def _concerns(officers: Officers, row: RequestRow, party: str) -> bool:
    return party in {row.party, *parties_deciding(officers, row)}


def _shown(
    officers: Officers,
    row: RequestRow,
    said: Sequence[ApprovalRow],
    who: Visitor,
    mine: Officer | None,
) -> Shown:
    known = {item.id: item for item in officers}
    told = [
        Said(
            _name(known, item.officer),
            known[item.officer].party if item.officer in known else "",
            "on the site" if item.statement is not None else "by their own key",
            item.at,
        )
        for item in said
    ]
    return Shown(
        row,
        _name(known, row.requested_by),
        told,
        _needed(officers, row),
        mine is not None and row.requested_by == mine.id,
        _why_not(officers, row, said, who, mine),
        row.act in ON_SITE,
    )


def _name(known: Mapping[str, Officer], officer_id: str) -> str:
    return known[officer_id].name if officer_id in known else f"{officer_id} (no officer now)"


def _needed(officers: Officers, row: RequestRow) -> str:
    if decides_together(row.act):
        return f"One approver of each of {', '.join(parties_deciding(officers, row))}"
    return f"Two approvers of {row.party} who have not asked for it"


def _why_not(
    officers: Officers,
    row: RequestRow,
    said: Sequence[ApprovalRow],
    who: Visitor,
    mine: Officer | None,
) -> str:
    """Why it is not the visitor's to approve. The worker judges it again, and more closely."""
    if row.state != "open":
        return "Nothing more is to be decided about it."
    if mine is not None and mine.id == row.requested_by:
        return "You asked for it, and nobody approves their own request."
    if not who.may(frozenset({"approver"}), party_of(who)):
        return "You are no approver."
    if mine is None or not mine.has("approver"):
        return "You are not linked to an officer who approves for your organisation."
    if mine.id in {item.officer for item in said}:
        return "You have approved it. It waits for somebody else."
    known = {item.id: item for item in officers}
    given = {known[item.officer].party for item in said if item.officer in known}
    if decides_together(row.act) and mine.party in given:
        return "Your organisation has approved it. It waits for the other."
    return ""
