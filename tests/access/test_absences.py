"""While an officer is away a deputy of the same party acts, and somebody is always left who is."""

from datetime import UTC, date, datetime, timedelta

import pytest
from desk import leaves
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.access.absences import AbsenceRefused, acting_for, away
from gateway.access.officers import Officer, Officers, OfficersFault

NOW = datetime(2026, 3, 2, 16, 5, tzinfo=UTC)
MONDAY = date(2026, 3, 2)


def officer(name, party="dfe", roles=("recipient",)):
    return Officer(
        id=name, name=name.title(), party=party, email=f"{name}@example.org", roles=roles
    )


STAFF = Officers(
    [
        *(officer(name) for name in ("ann", "bob", "cat", "dan")),
        officer("eve", roles=("auditor",)),
        officer("pat", party="panel"),
    ]
)


def day(number):
    return MONDAY + timedelta(days=number)


@pytest.fixture
def tx(database):
    with database.transaction() as tx:
        yield tx


def leave(tx, who, deputy, first=0, last=4):
    away(tx, STAFF, who, deputy, day(first), day(last), NOW)


def acting(tx, who, number=0, officers=STAFF):
    return acting_for(tx, officers, who, day(number)).id


def refused(tx, *words):
    with pytest.raises(AbsenceRefused) as answer:
        leave(tx, *words)
    assert answer.value.hint
    return answer.value.code


def test_who_is_here_acts(tx):
    assert acting(tx, "ann") == "ann"


def test_the_deputy_acts_on_the_days_away_alone(tx):
    leave(tx, "ann", "bob")
    assert [acting(tx, "ann", number) for number in (-1, 0, 4, 5)] == ["ann", "bob", "bob", "ann"]
    assert acting(tx, "bob") == "bob"


def test_the_deputy_s_deputy_acts(tx):
    leave(tx, "ann", "bob", 0, 4)
    leave(tx, "bob", "cat", 2, 6)
    assert [acting(tx, "ann", number) for number in (1, 2, 5)] == ["bob", "cat", "ann"]


def test_what_is_told_later_counts(tx):
    leave(tx, "ann", "bob")
    leave(tx, "ann", "cat", 2, 3)
    assert [acting(tx, "ann", number) for number in range(5)] == ["bob"] * 2 + ["cat"] * 2 + ["bob"]
    leave(tx, "ann", "ann", 3, 4)
    assert [acting(tx, "ann", number) for number in (2, 3, 4)] == ["cat", "ann", "ann"]


def test_deputies_never_stand_for_one_another(tx):
    leave(tx, "ann", "bob", 0, 4)
    leave(tx, "bob", "cat", 4, 8)
    assert refused(tx, "cat", "ann", 3, 5) == "absence.circle"
    assert refused(tx, "bob", "ann", 2, 3) == "absence.circle"
    leave(tx, "cat", "ann", 5, 8)  # ann is here again on those days
    assert acting(tx, "bob", 6) == "ann"


@pytest.mark.parametrize("deputy", ["eve", "pat"])
def test_a_deputy_is_of_the_party_and_shares_a_role(tx, deputy):
    assert refused(tx, "ann", deputy) == "absence.deputy"


@pytest.mark.parametrize(("first", "last"), [(1, 0), (0, 366)])
def test_days_in_order_and_within_a_year(tx, first, last):
    assert refused(tx, "ann", "bob", first, last) == "absence.days"


def test_unknown_officers(tx):
    for who, deputy in (("nobody", "bob"), ("ann", "nobody")):
        with pytest.raises(OfficersFault):
            leave(tx, who, deputy)
    with pytest.raises(OfficersFault):
        acting(tx, "nobody")


def test_a_deputy_who_has_gone_is_passed_over(tx):
    leave(tx, "ann", "bob")
    leave(tx, "bob", "cat")
    gone = {
        "bob": [item for item in STAFF if item.id not in ("cat",)],
        "ann": [item for item in STAFF if item.id not in ("bob", "cat")],
    }
    for expected, staff in gone.items():
        assert acting(tx, "ann", 0, Officers(staff)) == expected
    moved = [
        item.model_copy(update={"party": "panel"}) if item.id == "bob" else item for item in STAFF
    ]
    assert acting(tx, "ann", 0, Officers(moved)) == "ann"


def test_an_absence_is_ledgered_without_a_name(database):
    with database.transaction() as tx:
        leave(tx, "ann", "bob")
    (leaf,) = leaves(database)
    assert (leaf["event"], leaf["subject"]) == ("officer.away", "officer:dfe")
    assert leaf["facts"] == {"party": "dfe", "from": "2026-03-02", "until": "2026-03-06"}
    assert set(leaf["commits"]) == {"officer", "deputy"}
    assert "ann" not in str(leaf["facts"])


NAMES = st.sampled_from(["ann", "bob", "cat", "dan"])
ABSENCES = st.lists(
    st.tuples(NAMES, NAMES, st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=12
)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None
)
@given(told=ABSENCES)
def test_whatever_is_told_somebody_who_is_here_acts(database, told):
    """For every officer and day the chain ends at one who is not away that day."""
    with database.transaction() as tx:
        tx.exec_driver_sql("DELETE FROM absences")
        deputies = {}
        for who, deputy, first, length in told:
            try:
                leave(tx, who, deputy, first, first + length)
            except AbsenceRefused as answer:
                assert answer.code == "absence.circle"
                continue
            for number in range(first, first + length + 1):
                deputies[who, number] = deputy
        for who in ("ann", "bob", "cat", "dan"):
            for number in range(12):
                last = acting(tx, who, number)
                assert deputies.get((last, number), last) == last
