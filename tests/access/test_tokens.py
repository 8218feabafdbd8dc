"""A token lets in one party's program, for one flow and what it was made for, until it ends."""

from datetime import UTC, datetime, timedelta

import pytest
from desk import leaves
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.access.tokens import (
    SCOPES,
    Principal,
    TokenRefused,
    check_token,
    make_token,
    require_fit,
    revoke_token,
)
from gateway.agreement.load import load_agreements
from gateway.bootstrap import by_flow
from gateway.store import tokens

NOW = datetime(2026, 3, 2, 16, 5, tzinfo=UTC)
KNOWN = ("dfe", "notifications", ("collect", "password"), 90)


@pytest.fixture
def tx(database):
    with database.transaction() as tx:
        yield tx


@pytest.fixture(scope="session")
def flow(checkout):
    """The flow that DfE and the panel receive."""
    agreed = by_flow(load_agreements(checkout / "config"))
    return agreed["notifications"].agreement.flow("notifications")


def refused(tx, text, now=NOW):
    with pytest.raises(TokenRefused) as answer:
        check_token(tx, text, now)
    assert answer.value.hint
    secret = text.partition(".")[2]
    assert len(secret) < 20 or secret not in f"{answer.value} {answer.value.hint}"
    return answer.value.code


def test_a_token_speaks_for_its_party(tx):
    text = make_token(tx, *KNOWN, NOW)
    prefix, secret = text.split(".")
    principal = check_token(tx, text, NOW)
    scopes = frozenset({"collect", "password"})
    assert principal == Principal(prefix, "dfe", "notifications", scopes)
    assert principal.may("collect")
    assert not principal.may("drop")
    assert len(secret) * 6 >= 256


def test_only_a_hash_of_the_secret_is_kept(database, tmp_path):
    with database.transaction() as tx:
        text = make_token(tx, *KNOWN, NOW)
        check_token(tx, text, NOW)
        assert len(tokens.get(tx, text[:16]).secret_hash) == 32
    database.close()
    secret = text.split(".")[1].encode()
    assert not any(secret in path.read_bytes() for path in tmp_path.glob("gateway.db*"))


def test_making_and_revoking_are_ledgered(database):
    with database.transaction() as tx:
        text = make_token(tx, *KNOWN, NOW)
        revoke_token(tx, text[:16], NOW)
    made, revoked = leaves(database)
    facts = {"party": "dfe", "flow": "notifications"}
    more = {"scopes": "collect password", "expires": "2026-05-31T16:05:00Z"}
    assert (made["event"], made["facts"]) == ("token.made", facts | more)
    assert (revoked["event"], revoked["facts"]) == ("token.revoked", facts)
    assert made["subject"] == revoked["subject"] == f"token:{text[:16]}"


def test_it_ends(tx):
    text = make_token(tx, *KNOWN, NOW)
    last = NOW + timedelta(days=90)
    check_token(tx, text, last - timedelta(seconds=1))
    assert refused(tx, text, last) == "token.expired"


def test_it_is_revoked_once(tx):
    text = make_token(tx, *KNOWN, NOW)
    revoke_token(tx, text[:16], NOW)
    assert refused(tx, text) == "token.revoked"
    with pytest.raises(TokenRefused) as again:
        revoke_token(tx, text[:16], NOW)
    assert again.value.code == "token.revoked"
    with pytest.raises(TokenRefused) as unknown:
        revoke_token(tx, "0" * 16, NOW)
    assert unknown.value.code == "token.unknown"


def test_nobody_learns_whether_a_prefix_is_known(tx):
    text, other = make_token(tx, *KNOWN, NOW), make_token(tx, *KNOWN, NOW)
    revoke_token(tx, other[:16], NOW)
    secret = text[17:]
    wrong = ("0" * 16 + "." + secret, text[:17] + other[17:], other[:17] + secret)
    assert {refused(tx, item) for item in wrong} == {"token.unknown"}


@pytest.mark.parametrize("text", ["", ".", "Bearer", "a.b", "0" * 16, "\x00", "é" * 60])
def test_what_is_no_token(tx, text):
    assert refused(tx, text) == "token.malformed"


def test_only_the_very_text_is_a_token(tx):
    text = make_token(tx, *KNOWN, NOW)
    for other in (
        text + "\n",
        " " + text,
        text.upper(),
        text[:-1],
        text + "A",
        text.replace(".", ""),
    ):
        assert refused(tx, other) in ("token.malformed", "token.unknown")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text())
def test_any_text_is_refused_plainly(tx, text):
    assert refused(tx, text) in ("token.malformed", "token.unknown")


@pytest.mark.parametrize("scopes", [(), ("fly",), ("collect", "fly"), ("Collect",)])
def test_scopes_that_there_are_not(tx, scopes):
    with pytest.raises(TokenRefused) as answer:
        make_token(tx, "dfe", "notifications", scopes, 90, NOW)
    assert answer.value.code == "token.scope"
    assert tokens.listed(tx) == []


@pytest.mark.parametrize("days", [0, -1, 367])
def test_lives_that_are_none_or_too_long(tx, days):
    with pytest.raises(TokenRefused) as answer:
        make_token(tx, *KNOWN[:3], days, NOW)
    assert answer.value.code == "token.life"


@pytest.mark.parametrize(
    ("party", "fitting"),
    [("dfe", {"collect", "password", "receipt", "status"}), ("ofsted", {"drop", "status"})],
)
def test_each_side_has_its_scopes(flow, party, fitting):
    for scope in SCOPES:
        if scope in fitting:
            require_fit(flow, party, [scope])
            continue
        with pytest.raises(TokenRefused) as answer:
            require_fit(flow, party, [*fitting, scope])
        assert answer.value.code == "token.scope"


def test_a_body_outside_the_flow_gets_none(flow):
    with pytest.raises(TokenRefused) as answer:
        require_fit(flow, "police", ["status"])
    assert answer.value.code == "token.not-a-party"


def test_the_last_use_is_noted(tx):
    text = make_token(tx, *KNOWN, NOW)
    assert tokens.get(tx, text[:16]).last_used_at is None
    for seconds, noted in ((0, 0), (30, 0), (90, 90)):
        check_token(tx, text, NOW + timedelta(seconds=seconds))
        assert tokens.get(tx, text[:16]).last_used_at == NOW + timedelta(seconds=noted)
    refused(tx, text[:17] + "A" * 43, NOW + timedelta(days=1))
    assert tokens.get(tx, text[:16]).last_used_at == NOW + timedelta(seconds=90)
