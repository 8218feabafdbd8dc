"""Working days of England, spelt out one by one, and what must hold of them all."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.agreement.model import Calendar, DayChange
from gateway.agreement.workingdays import WorkingDays, days_from

ENGLAND = WorkingDays(Calendar())
AGREED = WorkingDays(
    Calendar(
        add=(
            DayChange(date=date(2024, 12, 27), name="Both offices closed"),
            DayChange(date=date(2024, 6, 12), name="Removal day"),
        ),
        remove=(
            DayChange(date=date(2024, 8, 26), name="Both offices open"),
            DayChange(date=date(2022, 12, 25), name="A Sunday all the same"),
        ),
    )
)

DAYS = [
    # one-off bank holidays, and holidays moved for them
    ("2011-04-29", "Friday", False, "wedding of Prince William"),
    ("2012-05-28", "Monday", True, "spring holiday moved to 4 June for the Diamond Jubilee"),
    ("2012-06-04", "Monday", False, "spring holiday, moved"),
    ("2012-06-05", "Tuesday", False, "Diamond Jubilee"),
    ("2020-05-04", "Monday", True, "early May holiday moved to VE day"),
    ("2020-05-08", "Friday", False, "early May holiday, on the 75th VE day"),
    ("2022-05-30", "Monday", True, "spring holiday moved for the Platinum Jubilee"),
    ("2022-06-01", "Wednesday", True, "the day before the moved holidays"),
    ("2022-06-02", "Thursday", False, "spring holiday, moved"),
    ("2022-06-03", "Friday", False, "Platinum Jubilee"),
    ("2022-06-06", "Monday", True, "the Monday after the Jubilee"),
    ("2022-09-16", "Friday", True, "the Friday before the state funeral"),
    ("2022-09-19", "Monday", False, "state funeral of Queen Elizabeth II"),
    ("2022-09-20", "Tuesday", True, "the day after the state funeral"),
    ("2023-05-01", "Monday", False, "early May holiday, not moved for the coronation"),
    ("2023-05-08", "Monday", False, "coronation of King Charles III"),
    ("2023-05-09", "Tuesday", True, "the day after the coronation holiday"),
    # substitute days, and 25 to 28 December
    ("2015-12-25", "Friday", False, "Christmas Day"),
    ("2015-12-28", "Monday", False, "substitute for Boxing Day on a Saturday"),
    ("2015-12-29", "Tuesday", True, "after the substitute day"),
    ("2016-12-26", "Monday", False, "Boxing Day"),
    ("2016-12-27", "Tuesday", False, "substitute for Christmas Day on a Sunday"),
    ("2016-12-28", "Wednesday", True, "after the substitute day"),
    ("2017-01-02", "Monday", False, "substitute for New Year's Day on a Sunday"),
    ("2018-12-24", "Monday", True, "Christmas Eve is worked"),
    ("2018-12-27", "Thursday", True, "Boxing Day was on Wednesday"),
    ("2020-12-28", "Monday", False, "substitute for Boxing Day on a Saturday"),
    ("2021-12-24", "Friday", True, "Christmas Eve is worked"),
    ("2021-12-25", "Saturday", False, "Christmas Day, a Saturday"),
    ("2021-12-26", "Sunday", False, "Boxing Day, a Sunday"),
    ("2021-12-27", "Monday", False, "substitute for Christmas Day"),
    ("2021-12-28", "Tuesday", False, "substitute for Boxing Day"),
    ("2021-12-29", "Wednesday", True, "after both substitute days"),
    ("2022-01-03", "Monday", False, "substitute for New Year's Day on a Saturday"),
    ("2022-01-04", "Tuesday", True, "2 January is a holiday in Scotland alone"),
    ("2022-12-26", "Monday", False, "Boxing Day"),
    ("2022-12-27", "Tuesday", False, "substitute for Christmas Day on a Sunday"),
    ("2022-12-28", "Wednesday", True, "after the substitute day"),
    ("2023-01-02", "Monday", False, "substitute for New Year's Day on a Sunday"),
    ("2023-12-25", "Monday", False, "Christmas Day"),
    ("2023-12-26", "Tuesday", False, "Boxing Day"),
    ("2023-12-27", "Wednesday", True, "no substitute is due"),
    ("2024-12-31", "Tuesday", True, "New Year's Eve is worked"),
    ("2025-12-25", "Thursday", False, "Christmas Day"),
    ("2025-12-26", "Friday", False, "Boxing Day"),
    ("2026-12-28", "Monday", False, "substitute for Boxing Day on a Saturday"),
    ("2027-12-28", "Tuesday", False, "substitute for Boxing Day on a Sunday"),
    # Easter
    ("2016-03-24", "Thursday", True, "Maundy Thursday is worked"),
    ("2016-03-25", "Friday", False, "Good Friday"),
    ("2016-03-28", "Monday", False, "Easter Monday, which Scotland does not keep"),
    ("2016-03-29", "Tuesday", True, "after Easter"),
    ("2023-04-07", "Friday", False, "Good Friday"),
    ("2023-04-10", "Monday", False, "Easter Monday"),
    ("2024-03-29", "Friday", False, "Good Friday"),
    ("2024-04-01", "Monday", False, "Easter Monday, and no joke"),
    ("2025-04-21", "Monday", False, "Easter Monday, late"),
    # the other holidays, those of other nations, weekends, the leap day
    ("2016-05-02", "Monday", False, "early May holiday"),
    ("2016-05-30", "Monday", False, "spring holiday"),
    ("2016-08-29", "Monday", False, "summer holiday, the last Monday of August"),
    ("2016-08-01", "Monday", True, "summer holiday of Scotland"),
    ("2017-03-17", "Friday", True, "St Patrick's day, of Northern Ireland"),
    ("2019-07-12", "Friday", True, "the Boyne, of Northern Ireland"),
    ("2018-11-30", "Friday", True, "St Andrew's day, of Scotland"),
    ("2016-02-29", "Monday", True, "a leap day"),
    ("2020-02-29", "Saturday", False, "a leap day at a weekend"),
    ("2024-02-29", "Thursday", True, "a leap day"),
    ("2016-07-02", "Saturday", False, "a plain Saturday"),
    ("2016-07-03", "Sunday", False, "a plain Sunday"),
    ("2016-07-04", "Monday", True, "a plain Monday"),
    ("2016-03-27", "Sunday", False, "clocks go forward, and Easter Day"),
    ("2016-10-31", "Monday", True, "the Monday after clocks go back"),
]  # fmt: skip

CHANGED = [
    ("2024-12-27", "Friday", False, "a day that the parties added"),
    ("2024-06-12", "Wednesday", False, "a day that the parties added"),
    ("2024-08-26", "Monday", True, "a bank holiday that the parties took out"),
    ("2024-12-25", "Wednesday", False, "a bank holiday left as it is"),
    ("2022-12-25", "Sunday", False, "a weekend stays one, whatever was taken out"),
    ("2024-12-30", "Monday", True, "a working day left as it is"),
]


def parts(case: tuple[str, str, bool, str]) -> tuple[date, str, bool]:
    return date.fromisoformat(case[0]), case[1], case[2]


@pytest.mark.parametrize("case", DAYS, ids=[f"{case[0]} {case[3]}" for case in DAYS])
def test_a_day_of_the_calendar_of_england(case: tuple[str, str, bool, str]) -> None:
    day, weekday, working = parts(case)
    assert f"{day:%A}" == weekday
    assert ENGLAND.is_working(day) is working


@pytest.mark.parametrize("case", CHANGED, ids=[f"{case[0]} {case[3]}" for case in CHANGED])
def test_a_day_that_the_parties_changed(case: tuple[str, str, bool, str]) -> None:
    day, weekday, working = parts(case)
    assert f"{day:%A}" == weekday
    assert AGREED.is_working(day) is working


def test_other_nations_have_other_holidays() -> None:
    scotland = WorkingDays(Calendar(subdivision="SCT"))
    assert scotland.is_working(date(2016, 3, 28))
    assert not scotland.is_working(date(2016, 8, 1))


def test_counting_across_christmas_with_substitute_days() -> None:
    friday = date(2021, 12, 24)
    assert ENGLAND.add(friday, 1) == date(2021, 12, 29)
    assert ENGLAND.add(friday, 5) == date(2022, 1, 5)
    assert ENGLAND.between(friday, date(2022, 1, 5)) == 5
    assert ENGLAND.between(friday, date(2021, 12, 28)) == 0
    assert ENGLAND.between(date(2022, 1, 5), friday) == 0
    assert ENGLAND.on_or_before(date(2021, 12, 28)) == friday
    assert ENGLAND.on_or_after(date(2021, 12, 25)) == date(2021, 12, 29)


def test_working_days_are_not_counted_backwards() -> None:
    assert ENGLAND.add(date(2022, 1, 1), 0) == date(2022, 1, 1)
    with pytest.raises(ValueError, match="forwards"):
        ENGLAND.add(date(2022, 1, 1), -1)


def test_the_set_of_non_working_weekdays() -> None:
    days = AGREED.non_working(2024, 2024)
    assert sorted(day.isoformat() for day in days) == [
        "2024-01-01", "2024-03-29", "2024-04-01", "2024-05-06", "2024-05-27",
        "2024-06-12", "2024-12-25", "2024-12-26", "2024-12-27",
    ]  # fmt: skip
    assert AGREED.non_working(2025, 2024) == frozenset()


def test_a_rule_books_set_agrees_with_its_calendar(memorandum: object) -> None:
    non_working = memorandum.rule_book("notifications").non_working  # type: ignore[attr-defined]
    for day in days_from(date(2012, 1, 1), date(2031, 12, 31)):
        working = day.weekday() < 5 and day not in non_working
        assert working is ENGLAND.is_working(day)


somedays = st.dates(date(2005, 1, 1), date(2045, 1, 1))


@given(somedays, st.integers(0, 300))
def test_adding_and_counting_are_inverse(day: date, count: int) -> None:
    there = ENGLAND.add(day, count)
    assert ENGLAND.between(day, there) == count
    assert there == day or ENGLAND.is_working(there)


@given(somedays)
def test_the_nearest_working_days(day: date) -> None:
    before, after = ENGLAND.on_or_before(day), ENGLAND.on_or_after(day)
    assert before <= day <= after
    assert ENGLAND.is_working(before)
    assert ENGLAND.is_working(after)
    assert (before == day == after) is ENGLAND.is_working(day)
    assert after - before <= timedelta(days=6)


@given(somedays, st.integers(0, 60), st.integers(0, 60))
def test_counts_add_up(start: date, first: int, second: int) -> None:
    middle, end = start + timedelta(days=first), start + timedelta(days=first + second)
    assert ENGLAND.between(start, end) == (
        ENGLAND.between(start, middle) + ENGLAND.between(middle, end)
    )
