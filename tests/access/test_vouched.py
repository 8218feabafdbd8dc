"""An approval on the site counts by the gateway's word, its person and grant, and nothing else."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from desk import FIRST, SECOND, THIRD, Desk

from gateway.access.approvals import ApprovalRefused, approve_on_site, require_proven
from gateway.access.grants import valid_grants
from gateway.access.sessions import SessionRefused, SiteSession
from gateway.access.statements import signed_statement
from gateway.access.training import Training
from gateway.access.vouched import vouch
from gateway.crypto.keys import HomeKeys
from gateway.crypto.openpgp import OpenPGP
from gateway.store import grants, people, requests
from gateway.store.requests import ApprovalRow

AT = "2031-03-03T16:05"  # after the home was made, and its grants with it
ONE, OTHER = "approver-1@ofsted.invalid", "approver-2@ofsted.invalid"
THEIRS, SENDER = "approver-1@dfe.invalid", "sender@ofsted.invalid"


class Site(Desk):
    """The desk, and what its officers do on the site."""

    def session(self, email, fresh=True, **change):
        """A session of that person as they are on record."""
        with self.parts.database.transaction() as tx:
            person = people.by_email(tx, email)
            rows = grants.in_force(tx, person.id)
        valid = valid_grants(person, rows, self.now.date(), self.now.date())
        made = SiteSession(1, replace(person, **change), valid, fresh, "password and app")
        training = Training(self.now.date(), self.now.date())
        return replace(made, proved_at=self.now - timedelta(minutes=2), training=training)

    def click(self, request, email=ONE, **how):
        """Approve on the site."""
        known = self.parts.database, self.officers, self.parts.openpgp, request.id
        session = how.get("session") or self.session(email, **how)
        return approve_on_site(*known, session, self.now, self.parts.pins.gateway)

    def not_clicked(self, request, email=ONE, **how):
        """The code of a refused approval on the site; nothing is changed by it."""
        before = self.state(request)
        with pytest.raises((ApprovalRefused, SessionRefused)) as refused:
            self.click(request, email, **how)
        assert self.state(request) == before
        assert refused.value.hint
        return refused.value.code

    def proven(self, request, gateway=None):
        """Whether the request's approvals stand now."""
        key = self.parts.pins.gateway if gateway is None else gateway
        try:
            with self.parts.database.transaction() as tx:
                require_proven(tx, self.officers, self.parts.openpgp, request, key)
        except ApprovalRefused as refused:
            assert refused.code == "approval.not-proven"
            return False
        return True

    def by_hand(self, row):
        """Somebody writes an approval into the database."""
        with self.parts.database.transaction() as tx:
            requests.add_approval(tx, row)

    def given(self, request):
        """The approvals on record."""
        with self.parts.database.transaction() as tx:
            return requests.approvals_of(tx, request.id)


@pytest.fixture
def site(work):
    with work.parts(AT) as (parts, now):
        yield Site(work, parts, now)


def test_two_approve_on_the_site_and_the_gateway_says_what_it_saw(site):
    request = site.ask()
    assert site.click(request).state == "open"
    assert site.click(request, OTHER).state == "approved"
    assert site.proven(request)
    assert not site.proven(request, gateway=""), "without the gateway's key nothing bears it out"
    told = json.loads(site.given(request)[0].statement)
    assert told["format"] == "gateway-site-approval/1"
    assert (told["digest"], told["officer"]) == (request.digest, SECOND)
    assert told["proved"] == "password and app"
    assert told["proved_at"] < told["approved_at"]
    leaf = site.work.leaves("request.approved")[0]
    assert leaf["facts"]["key"].startswith("site:")
    assert told["person"] not in json.dumps(leaf)


def test_one_by_key_and_one_on_the_site(site):
    for first, second in (("key", "site"), ("site", "key")):
        request = site.ask()
        for how, who, email in ((first, SECOND, ONE), (second, THIRD, OTHER)):
            row = site.approve(request, who) if how == "key" else site.click(request, email)
        if second == "site":
            assert row.state == "approved"
        else:  # the desk's `approve` names no gateway key: the one on the site does not count
            assert row.state == "open"
        assert site.proven(request)


@pytest.mark.parametrize(
    ("asker", "email", "how", "code"),
    [
        (SECOND, ONE, {}, "approval.own-request"),
        (FIRST, THEIRS, {}, "approval.not-your-party"),
        (FIRST, SENDER, {}, "approval.not-approver"),
        (FIRST, ONE, {"fresh": False}, "session.stale"),
        (FIRST, ONE, {"officer": None}, "approval.unknown-officer"),
        (FIRST, ONE, {"officer": "nobody"}, "approval.unknown-officer"),
        (FIRST, SENDER, {"officer": SECOND}, "session.grant"),
        (FIRST, THEIRS, {"officer": SECOND}, "session.grant"),
    ],
)
def test_who_may_not_approve_on_the_site(site, asker, email, how, code):
    request = site.ask(asker)
    if email == SENDER and not how:
        site.change(FIRST, roles=("sender",))
        request = site.ask(THIRD)
    assert site.not_clicked(request, email, **how) == code


def test_nobody_approves_twice_by_whatever_way(site):
    request = site.ask()
    site.click(request)
    assert site.not_clicked(request) == "approval.repeated"
    assert site.refused(request, SECOND) == "approval.repeated"
    other = site.ask()
    site.approve(other, SECOND)
    assert site.not_clicked(other) == "approval.repeated"


@pytest.mark.parametrize("act", ["end-hold", "destroy", "recover-ledger", "change-keys"])
def test_what_touches_the_evidence_takes_keys(site, act):
    request = site.ask(act=act)
    assert site.not_clicked(request) == "approval.by-key-alone"
    made = site.ask()
    site.click(made)
    site.by_hand(replace(site.given(made)[0], request_id=request.id))
    site.approve(request, "dfe-officer-1")
    assert not site.proven(request)


FORGED = {
    "another person's name": lambda row: replace(row, officer=THIRD, fingerprint="site:p-1"),
    "another moment": lambda row: replace(row, at=row.at + timedelta(hours=1)),
    "another hand": lambda row: replace(row, fingerprint="site:p-0"),
    "other words": lambda row: replace(row, statement=row.statement.replace(b"app", b"key")),
    "no statement": lambda row: replace(row, statement=None),
    "no JSON": lambda row: replace(row, statement=b"{}"),
    "no signature": lambda row: replace(row, signature=b"x"),
}


def _one_of_two(site):
    """A request with one approval that stands, and the other of its officers' true one."""
    request = site.ask()
    site.click(request)
    known = site.parts.openpgp, site.parts.pins.gateway, request
    row = vouch(*known, site.officers.get(THIRD), site.session(OTHER), site.now)
    return request, row


def test_the_row_as_it_is_stands_and_not_by_another_key(site):
    request, row = _one_of_two(site)
    site.by_hand(row)
    assert site.proven(request)
    request, row = _one_of_two(site)
    with OpenPGP(HomeKeys(site.work.home.root).rehearsal(THIRD), site.now) as openpgp:
        signed = signed_statement(openpgp, request, site.officers.get(THIRD).key)
    site.by_hand(replace(row, signature=signed))
    assert not site.proven(request)


@pytest.mark.parametrize("how", FORGED)
def test_a_row_written_by_hand_is_worth_nothing(site, how):
    request, row = _one_of_two(site)
    site.by_hand(FORGED[how](row))
    assert not site.proven(request)


def test_an_approval_of_another_request_does_not_serve(site):
    request, other = site.ask(), site.ask()
    site.click(request)
    site.click(other, OTHER)
    site.by_hand(replace(site.given(other)[0], request_id=request.id))
    assert not site.proven(request)


@pytest.mark.parametrize(
    "change",
    [
        {"active": False},
        {"officer": FIRST},
        {"party": "dfe"},
    ],
)
def test_an_approval_falls_with_its_person(site, change):
    request = site.ask()
    site.click(request)
    site.click(request, OTHER)
    assert site.proven(request)
    with site.parts.database.transaction() as tx:
        people.change(tx, people.by_email(tx, ONE).id, **change)
    assert not site.proven(request)


@pytest.mark.parametrize(("before", "stands"), [(True, False), (False, True)])
def test_the_grant_counts_that_there_was_at_that_moment(site, before, stands):
    request = site.ask()
    site.click(request)
    site.click(request, OTHER)
    moment = site.now + timedelta(minutes=-1 if before else 1)
    with site.parts.database.transaction() as tx:
        (grant,) = grants.in_force(tx, people.by_email(tx, ONE).id)
        grants.revoke(tx, grant.id, "operator", moment)
    assert site.proven(request) is stands


@pytest.mark.parametrize("change", [{"roles": ("sender",)}, {"party": "dfe"}])
def test_an_approval_on_the_site_falls_with_its_officer(site, change):
    request = site.ask()
    site.click(request)
    site.click(request, OTHER)
    site.change(SECOND, **change)
    assert not site.proven(request)


def test_an_officer_without_a_key_approves_on_the_site(site):
    site.change(SECOND, key=None)
    request = site.ask()
    site.click(request)
    assert site.click(request, OTHER).state == "approved"
    assert site.proven(request)
    assert isinstance(site.given(request)[0], ApprovalRow)
