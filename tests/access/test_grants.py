"""Which grants count: a pure judgement, tried with everything that may differ."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gateway.access.grants import ALL_FLOWS, ROLES, Grant, may, valid_grants
from gateway.store.grants import GrantRow
from gateway.store.people import PersonRow

AT = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
TODAY = AT.date()
PARTIES, FLOWS = ("ofsted", "dfe"), ("notifications", "scr-updates")

people = st.builds(
    PersonRow,
    id=st.sampled_from(["p-1", "p-2"]),
    name=st.just("Jo"),
    party=st.just("dfe"),
    email=st.just("jo@example.org"),
    officer=st.none(),
    active=st.booleans(),
    fs_uniquifier=st.just("x"),
    made_at=st.just(AT),
    enrolled_at=st.none() | st.just(AT),
    left_at=st.none() | st.just(AT),
)
rows = st.lists(
    st.builds(
        GrantRow,
        id=st.just("g"),
        person_id=st.sampled_from(["p-1", "p-2"]),
        party=st.sampled_from(PARTIES),
        flow=st.sampled_from((*FLOWS, ALL_FLOWS)),
        role=st.sampled_from(ROLES),
        granted_by=st.just("p-3"),
        granted_at=st.just(AT),
        revoked_by=st.none(),
        revoked_at=st.none() | st.just(AT),
    ),
    max_size=6,
)
days = st.none() | st.integers(-3, 3).map(lambda by: TODAY + timedelta(days=by))


@given(people, rows, days)
def test_a_grant_counts_only_with_all_that_it_needs(
    person: PersonRow, given_rows: list[GrantRow], until: date | None
) -> None:
    valid = valid_grants(person, given_rows, until, TODAY)
    expected = {
        Grant(row.party, row.flow, row.role)
        for row in given_rows
        if row.person_id == person.id
        and row.revoked_at is None
        and person.active
        and person.left_at is None
        and person.enrolled_at is not None
        and until is not None
        and until >= TODAY
    }
    assert valid == expected


@given(rows)
def test_a_revoked_grant_counts_for_nobody(given_rows: list[GrantRow]) -> None:
    """Of somebody with whom all else is well, which the test above seldom draws."""
    person = PersonRow("p-1", "Jo", "dfe", "jo@example.org", None, True, "x", AT, AT, None)
    own = [row for row in given_rows if row.person_id == "p-1" and row.revoked_at is None]
    expected = {Grant(row.party, row.flow, row.role) for row in own}
    assert valid_grants(person, given_rows, TODAY, TODAY) == expected


@given(rows, st.sampled_from(ROLES), st.sampled_from(PARTIES), st.sampled_from(FLOWS))
def test_nobody_may_act_without_a_grant_for_that_party_flow_and_role(
    given_rows: list[GrantRow], role: str, party: str, flow: str
) -> None:
    held = {Grant(row.party, row.flow, row.role) for row in given_rows}
    wanted = {Grant(party, flow, role), Grant(party, ALL_FLOWS, role)}
    assert may(held, {role}, party, flow) == bool(held & wanted)
    assert not may(held, (), party, flow)
