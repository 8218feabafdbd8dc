"""Whatever officers try, in whatever order: two different good persons and keys, or nothing."""

from contextlib import ExitStack
from types import SimpleNamespace

import pytest
from desk import AT, BODY
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from gateway.access.approvals import (
    ApprovalRefused,
    approve,
    make_request,
    signed_statement,
    withdraw_request,
)
from gateway.access.officers import Officer, Officers
from gateway.crypto.keys import HomeKeys
from gateway.crypto.openpgp import OpenPGP
from gateway.store import requests

# Who there is: by whose keys they sign, of which party, and with which roles. A twin is a second
# name with another's key, as a careless hand could pin it.
STAFF = {
    "ann": ("ofsted-officer-1", "ofsted", ("sender", "approver")),
    "bob": ("ofsted-officer-2", "ofsted", ("sender", "approver")),
    "cat": ("ofsted-officer-3", "ofsted", ("approver",)),
    "dan": ("panel-officer-1", "ofsted", ("approver",)),
    "eve": ("panel-officer-2", "ofsted", ("sender",)),
    "twin-of-ann": ("ofsted-officer-1", "ofsted", ("approver",)),
    "twin-of-cat": ("ofsted-officer-3", "ofsted", ("approver",)),
    "foreigner": ("dfe-officer-1", "dfe", ("approver",)),
}
HANDS = sorted({hand for hand, _, _ in STAFF.values()})
WHO = st.sampled_from(sorted(STAFF))
NUMBERS = st.integers(0, 2)


@pytest.fixture
def office(work):
    """The parts of a home, and what signs with each officer's keys."""
    with ExitStack() as stack:
        parts, now = stack.enter_context(work.parts(AT))
        keys = HomeKeys(work.home.root)
        hands = {who: stack.enter_context(OpenPGP(keys.rehearsal(who), now)) for who in HANDS}
        yield SimpleNamespace(parts=parts, now=now, hands=hands, signed={})


class Office(RuleBasedStateMachine):
    """The gateway, beside a plain account of what it should say."""

    def __init__(self, office):
        super().__init__()
        self.parts, self.now, self.hands, self.signed = (
            office.parts, office.now, office.hands, office.signed
        )  # fmt: skip
        self.roles = {who: roles for who, (_, _, roles) in STAFF.items()}
        self.requests, self.state, self.approved_by = [], {}, {}

    def key(self, who):
        return self.parts.officers.get(STAFF[who][0]).key

    @property
    def officers(self):
        return Officers(
            [
                Officer(id=who, name=who, party=party, email="x@example.org",
                        roles=self.roles[who], key=self.key(who))
                for who, (_, party, _) in STAFF.items()
            ]
        )  # fmt: skip

    def pick(self, number):
        return self.requests[number % len(self.requests)]

    def may_approve(self, who, request):
        """By what the design says: an approver of the party, another person, with another key."""
        return (
            STAFF[who][1] == request.party
            and "approver" in self.roles[who]
            and who != request.requested_by
            and self.key(who) != self.key(request.requested_by)
        )

    @initialize(who=st.sampled_from(["ann", "eve"]))
    def begin(self, who):
        self.ask(who)

    @precondition(lambda self: len(self.requests) < 3)
    @rule(who=st.sampled_from(["ann", "eve"]))
    def ask(self, who):
        with self.parts.database.transaction() as tx:
            known = self.parts.sealer, self.officers
            made = make_request(tx, *known, "recall", "package:x", BODY, who, self.now)
        self.requests.append(made)
        self.state[made.id], self.approved_by[made.id] = "open", []

    @rule(
        number=NUMBERS, who=WHO, hand=st.none() | st.sampled_from(HANDS), over=st.none() | NUMBERS
    )
    def approve(self, number, who, hand, over):
        """With one's own key, or another's; over the request's statement, or another's."""
        self.sign_and_approve(number, who, hand, over)

    @rule(number=NUMBERS, who=WHO)
    def approve_as_one_should(self, number, who):
        self.sign_and_approve(number, who)

    def sign_and_approve(self, number, who, hand=None, over=None):
        request = self.pick(number)
        hand = hand or STAFF[who][0]
        said = request if over is None else self.pick(over)
        signature = self.signature(hand, said)
        earlier = self.approved_by[request.id]
        good = (
            self.state[request.id] == "open"
            and self.may_approve(who, request)
            and who not in earlier
            and self.key(who) not in {self.key(item) for item in earlier}
            and self.parts.officers.get(hand).key == self.key(who)
            and said.id == request.id
        )
        known = self.parts.database, self.officers, self.parts.openpgp
        try:
            told = approve(*known, request.id, who, signature, self.now)
        except ApprovalRefused:
            assert not good
            return
        assert good
        earlier.append(who)
        standing = [item for item in earlier if self.may_approve(item, request)]
        self.state[request.id] = "approved" if len(standing) >= 2 else "open"
        assert told.state == self.state[request.id]

    def signature(self, hand, request):
        if (hand, request.id) not in self.signed:
            key = self.parts.officers.get(hand).key
            self.signed[hand, request.id] = signed_statement(self.hands[hand], request, key)
        return self.signed[hand, request.id]

    @rule(number=NUMBERS, who=WHO)
    def withdraw(self, number, who):
        request = self.pick(number)
        good = (
            self.state[request.id] == "open"
            and STAFF[who][1] == request.party
            and (who == request.requested_by or "approver" in self.roles[who])
        )
        try:
            withdraw_request(self.parts.database, self.officers, request.id, who, self.now)
        except ApprovalRefused:
            assert not good
            return
        assert good
        self.state[request.id] = "withdrawn"

    @rule(who=st.sampled_from(["bob", "cat", "dan"]))
    def change_roles(self, who):
        """Somebody is made an approver, or is one no longer."""
        self.roles[who] = ("sender",) if "approver" in self.roles[who] else STAFF[who][2]

    @invariant()
    def nothing_is_approved_but_by_two_persons_with_two_keys(self):
        with self.parts.database.transaction() as tx:
            for request in self.requests:
                row = requests.get(tx, request.id)
                approvals = requests.approvals_of(tx, request.id)
                assert row.state == self.state[request.id]
                if row.state != "approved":
                    continue
                asker = self.key(row.requested_by)
                assert len({item.officer for item in approvals} - {row.requested_by}) >= 2
                assert len({item.fingerprint for item in approvals} - {asker}) >= 2
                assert {STAFF[item.officer][1] for item in approvals} == {row.party}


def test_two_persons_with_two_keys_or_nothing(office):
    run_state_machine_as_test(
        lambda: Office(office),
        settings=settings(
            max_examples=20,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
