"""The twenty working days of the Freedom of Information Act, in every UK nation at once."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.agreement.foidays import (
    ANSWERED_WITHIN,
    NATIONS,
    answer_due_on,
    foi_day_after,
    foi_days_left,
    is_foi_day,
)
from gateway.agreement.model import Calendar
from gateway.agreement.workingdays import WorkingDays, days_from

DAYS = st.dates(date(2015, 1, 1), date(2040, 12, 31))
ONE_DAY = timedelta(days=1)

CASES = {
    "without any holiday": (date(2026, 2, 2), date(2026, 3, 2)),
    "Saint Patrick's Day, in Northern Ireland alone": (date(2026, 3, 2), date(2026, 3, 31)),
    "the day itself is not counted": (date(2026, 2, 27), date(2026, 3, 30)),
    "received on a Saturday: counted from the Monday": (date(2026, 3, 28), date(2026, 4, 28)),
    "Easter, with the Monday that Scotland works": (date(2026, 4, 1), date(2026, 5, 1)),
    "the Twelfth, observed on the thirteenth": (date(2026, 7, 1), date(2026, 7, 30)),
    "Scotland's summer bank holiday": (date(2026, 7, 20), date(2026, 8, 18)),
    "Saint Andrew's Day": (date(2026, 11, 9), date(2026, 12, 8)),
    "Christmas and Scotland's second of January": (date(2025, 12, 12), date(2026, 1, 15)),
    "received on Christmas Day": (date(2025, 12, 25), date(2026, 1, 27)),
}


@pytest.mark.parametrize("case", CASES)
def test_spelled_out(case: str) -> None:
    received, due = CASES[case]
    assert answer_due_on(received) == due


def test_what_is_no_working_day_of_the_act() -> None:
    for day in (
        date(2026, 1, 2),  # Scotland
        date(2026, 3, 17),  # Northern Ireland
        date(2026, 4, 3),  # Good Friday
        date(2026, 4, 6),  # not Scotland
        date(2026, 7, 13),  # Northern Ireland
        date(2026, 8, 3),  # Scotland
        date(2026, 11, 30),  # Scotland
        date(2026, 12, 25),
        date(2026, 12, 28),  # for Boxing Day
        date(2026, 3, 7),  # a Saturday
    ):
        assert not is_foi_day(day), day
    assert is_foi_day(date(2026, 3, 18))


@given(DAYS)
def test_exactly_twenty_days_of_the_act_lie_between(received: date) -> None:
    due = answer_due_on(received)
    assert is_foi_day(due)
    assert sum(map(is_foi_day, days_from(received + ONE_DAY, due))) == ANSWERED_WITHIN
    assert due - received >= timedelta(days=26)  # four weekends, or a start within one


@given(DAYS)
def test_no_nation_alone_counts_more_days(received: date) -> None:
    due = answer_due_on(received)
    for nation in NATIONS:
        alone = WorkingDays(Calendar(subdivision=nation))
        assert alone.add(received, ANSWERED_WITHIN) <= due
        assert all(alone.is_working(day) for day in days_from(received, due) if is_foi_day(day))


@given(DAYS)
def test_a_later_receipt_is_never_due_sooner(received: date) -> None:
    assert answer_due_on(received) <= answer_due_on(received + ONE_DAY)
    if not is_foi_day(received + ONE_DAY):
        assert answer_due_on(received) == answer_due_on(received + ONE_DAY)


@given(DAYS, st.integers(0, 25))
def test_the_days_left_count_down(received: date, gone: int) -> None:
    due = answer_due_on(received)
    assert foi_days_left(foi_day_after(received, gone), due) == max(0, ANSWERED_WITHIN - gone)


def test_days_are_only_counted_forwards() -> None:
    with pytest.raises(ValueError, match="forwards"):
        foi_day_after(date(2026, 3, 2), -1)
