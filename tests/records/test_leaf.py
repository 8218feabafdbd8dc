"""The leaf's form is final: these tests spell it out byte by byte, and must never need a change."""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from gateway.records.leaf import EVENTS, Fact, LeafRefused, commitment, leaf_hash, make_leaf

AT = datetime(2026, 3, 2, 16, 0, 0, 120, tzinfo=UTC)
MEMBERS = {"agreement", "at", "commits", "event", "facts", "id", "subject", "v"}
facts_of = st.one_of(
    st.text(alphabet=st.characters(codec="utf-8"), max_size=40),
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.booleans(),
)


def judged(facts: Mapping[str, Fact] | None = None, **more: Fact) -> tuple[bytes, dict[str, bytes]]:
    commits = {"rows": 40, "accepted": 35, "held": 4, "repeats": 1, "findings": 9, **more}
    leaf = make_leaf(
        "drop.judged",
        "drop:20260302-0123456789ab",
        AT,
        "ab" * 32,
        facts or {"flow": "notifications", "state": "partly-held"},
        commits,
    )
    assert leaf.hash == leaf_hash(leaf.body)
    return leaf.body, dict(leaf.salts)


def test_the_bytes_of_a_leaf() -> None:
    body, salts = judged()
    told = json.loads(body)
    commits = ",".join(
        f'"{name}":"{hashlib.sha256(salts[name] + str(value).encode()).hexdigest()}"'
        for name, value in (
            ("accepted", 35),
            ("findings", 9),
            ("held", 4),
            ("repeats", 1),
            ("rows", 40),
        )
    )
    assert body.decode() == (
        f'{{"agreement":"{"ab" * 32}","at":"2026-03-02T16:00:00.000120Z",'
        f'"commits":{{{commits}}},"event":"drop.judged",'
        '"facts":{"flow":"notifications","state":"partly-held"},'
        f'"id":"{told["id"]}","subject":"drop:20260302-0123456789ab","v":1}}'
    )


def test_the_hash_is_that_of_a_merkle_leaf() -> None:
    """RFC 6962 §2.1: one zero byte before the leaf; its hash of an empty leaf is well known."""
    empty = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert leaf_hash(b"").hex() == empty
    body, _ = judged()
    assert leaf_hash(body) == hashlib.sha256(b"\x00" + body).digest()


def test_no_two_leaves_are_the_same() -> None:
    """Not even of the same event at the same moment; nor are two salts."""
    bodies, salts = zip(*(judged() for _ in range(50)), strict=True)
    assert len(set(bodies)) == 50
    drawn = [salt for of_one in salts for salt in of_one.values()]
    assert len(set(drawn)) == 250
    assert {len(salt) for salt in drawn} == {16}
    ids = {json.loads(body)["id"] for body in bodies}
    assert all(re.fullmatch(r"[0-9a-f]{32}", item) for item in ids)


@given(event=st.sampled_from(sorted(EVENTS)), data=st.data())
def test_every_event_has_the_same_members_and_opens_with_its_salts(
    event: str, data: st.DataObject
) -> None:
    kind = EVENTS[event]
    facts = {name: data.draw(facts_of, name) for name in sorted(kind.facts)}
    commits = {name: data.draw(facts_of, name) for name in sorted(kind.commits)}
    leaf = make_leaf(event, "home", AT, "", facts, commits)
    told = json.loads(leaf.body)
    assert set(told) == MEMBERS
    assert told["v"] == 1
    assert told["facts"] == facts
    assert rfc8785.dumps(told) == leaf.body
    assert set(leaf.salts) == set(commits) == set(told["commits"])
    for name, value in commits.items():
        assert told["commits"][name] == commitment(leaf.salts[name], value)
        other = 0 if value != 0 or value is False else 1
        assert told["commits"][name] != commitment(leaf.salts[name], other)


@given(
    event=st.sampled_from([*sorted(EVENTS), "drop.opened", ""]),
    facts=st.sets(st.sampled_from(["flow", "party", "state", "rows", "child", "code"])),
    commits=st.sets(st.sampled_from(["rows", "original", "size", "name", "flow"])),
)
def test_nothing_but_what_the_event_s_list_has_is_accepted(
    event: str, facts: set[str], commits: set[str]
) -> None:
    told = dict.fromkeys(facts, "x"), dict.fromkeys(commits, 1)
    kind = EVENTS.get(event)
    if kind and kind.facts == facts and kind.commits == commits:
        make_leaf(event, "home", AT, "", *told)
    else:
        with pytest.raises(LeafRefused):
            make_leaf(event, "home", AT, "", *told)


@pytest.mark.parametrize("event", sorted(EVENTS))
def test_one_fact_more_or_less_is_refused(event: str) -> None:
    kind = EVENTS[event]
    facts, commits = dict.fromkeys(kind.facts, "x"), dict.fromkeys(kind.commits, 1)
    make_leaf(event, "home", AT, "", facts, commits)
    for more in ("reference", "initials"):
        with pytest.raises(LeafRefused):
            make_leaf(event, "home", AT, "", {**facts, more: "x"}, commits)
        with pytest.raises(LeafRefused):
            make_leaf(event, "home", AT, "", facts, {**commits, more: "x"})
    for less in facts:
        with pytest.raises(LeafRefused):
            make_leaf(event, "home", AT, "", {k: v for k, v in facts.items() if k != less}, commits)


def test_what_a_refusal_says_quotes_no_value() -> None:
    with pytest.raises(LeafRefused) as told:
        make_leaf("drop.withdrawn", "drop:x", AT, "", {"flow": "Zzyzwick"}, {})
    assert "Zzyzwick" not in str(told.value)


@given(minutes=st.integers(-14 * 60, 14 * 60))
def test_the_moment_is_told_in_utc(minutes: int) -> None:
    elsewhere = AT.astimezone(timezone(timedelta(minutes=minutes)))
    leaf = make_leaf("clock.back", "home", elsewhere, "", {"seconds": 61}, {})
    assert json.loads(leaf.body)["at"] == "2026-03-02T16:00:00.000120Z"


def test_a_commitment_is_over_the_salt_and_the_canonical_value() -> None:
    salt = bytes(range(16))
    for value, written in ((1, b"1"), (True, b"true"), ('a"é', '"a\\"é"'.encode())):
        assert commitment(salt, value) == hashlib.sha256(salt + written).hexdigest()
