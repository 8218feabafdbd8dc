"""Working hours: dated cases spelled out, and laws that hold for any time."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.agreement.explain import explain
from gateway.agreement.load import Agreed
from gateway.agreement.model import Calendar, Deadline
from gateway.agreement.workinghours import WorkingHours

LONDON = ZoneInfo("Europe/London")
NINE_TO_FIVE = WorkingHours(Calendar())
ODD_HOURS = WorkingHours(Calendar(opens=time(8, 20), closes=time(18, 5)))


def at(text: str) -> datetime:
    """A London time, such as ``2026-03-02 16:00``."""
    return datetime.fromisoformat(text).replace(tzinfo=LONDON)


def local(moment: datetime) -> str:
    return f"{moment.astimezone(LONDON):%Y-%m-%d %H:%M}"


ADDED = [
    ("within the day", "2026-03-03 10:00", 4, "2026-03-03 14:00"),
    ("to closing time itself", "2026-03-03 13:00", 4, "2026-03-03 17:00"),
    ("over night", "2026-03-03 16:00", 4, "2026-03-04 12:00"),
    ("from before hours", "2026-03-03 06:30", 1, "2026-03-03 10:00"),
    ("from after hours", "2026-03-03 19:00", 1, "2026-03-04 10:00"),
    ("from closing time", "2026-03-03 17:00", 1, "2026-03-04 10:00"),
    ("a whole day", "2026-03-03 09:00", 8, "2026-03-03 17:00"),
    ("over a weekend", "2026-03-06 16:00", 4, "2026-03-09 12:00"),
    ("from a Sunday", "2026-03-08 11:00", 2, "2026-03-09 11:00"),
    ("over Easter", "2026-04-02 16:00", 4, "2026-04-07 12:00"),
    ("over the May bank holiday", "2026-05-01 16:00", 4, "2026-05-05 12:00"),
    ("from a bank holiday", "2026-05-04 12:00", 4, "2026-05-05 13:00"),
    ("over Christmas, 26 December a Saturday", "2026-12-24 16:00", 4, "2026-12-29 12:00"),
    ("over New Year", "2026-12-31 16:00", 4, "2027-01-04 12:00"),
    ("as the clocks go forward", "2026-03-27 16:00", 4, "2026-03-30 12:00"),
    ("as the clocks go back", "2026-10-23 16:00", 4, "2026-10-26 12:00"),
    ("in the hour that comes twice", "2026-10-25 01:30", 1, "2026-10-26 10:00"),
    ("two working days of hours", "2026-03-05 12:00", 16, "2026-03-09 12:00"),
    ("nothing, on a Sunday", "2026-03-08 11:00", 0, "2026-03-08 11:00"),
]


@pytest.mark.parametrize(
    ("start", "hours", "end"), [c[1:] for c in ADDED], ids=[c[0] for c in ADDED]
)
def test_hours_added(start: str, hours: int, end: str) -> None:
    found = NINE_TO_FIVE.add(at(start), hours)
    assert local(found) == end
    assert found.tzinfo is UTC
    assert NINE_TO_FIVE.between(at(start), found) == timedelta(hours=hours)


BEFORE = [
    ("a cut-off on the day", "2026-03-03 16:00", 2, "2026-03-03 14:00"),
    ("to opening time itself", "2026-03-03 11:00", 2, "2026-03-03 09:00"),
    ("over night", "2026-03-04 10:00", 2, "2026-03-03 16:00"),
    ("over a weekend", "2026-03-09 10:00", 2, "2026-03-06 16:00"),
    ("over Easter", "2026-04-07 10:00", 2, "2026-04-02 16:00"),
    ("from after hours", "2026-03-03 20:00", 2, "2026-03-03 15:00"),
    ("nothing", "2026-03-03 16:00", 0, "2026-03-03 16:00"),
]


@pytest.mark.parametrize(
    ("end", "hours", "start"), [c[1:] for c in BEFORE], ids=[c[0] for c in BEFORE]
)
def test_hours_before(end: str, hours: int, start: str) -> None:
    assert local(NINE_TO_FIVE.before(at(end), hours)) == start


DEADLINES = [
    ("two working days end at closing time", {"working_days": 2}, "2026-03-05 10:00",
     "2026-03-09 17:00"),
    ("none: the day's own end", {"working_days": 0}, "2026-03-05 10:00", "2026-03-05 17:00"),
    ("over a bank holiday", {"working_days": 1}, "2026-05-01 18:00", "2026-05-05 17:00"),
    ("hours", {"working_hours": 4}, "2026-03-05 16:00", "2026-03-06 12:00"),
    ("before", {"working_hours": 2, "before": True}, "2026-03-05 16:00", "2026-03-05 14:00"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("counted", "start", "end"), [c[1:] for c in DEADLINES], ids=[c[0] for c in DEADLINES]
)
def test_deadlines(counted: dict[str, Any], start: str, end: str) -> None:
    deadline = Deadline(id="some", words="Some", **counted)
    assert local(NINE_TO_FIVE.deadline_at(deadline, at(start))) == end


def test_the_clock_on_the_wall_decides_in_summer_and_winter() -> None:
    assert NINE_TO_FIVE.add(at("2026-01-06 09:00"), 1) == datetime(2026, 1, 6, 10, tzinfo=UTC)
    assert NINE_TO_FIVE.add(at("2026-07-07 09:00"), 1) == datetime(2026, 7, 7, 9, tzinfo=UTC)


def test_nothing_lies_between_a_moment_and_an_earlier_one() -> None:
    assert NINE_TO_FIVE.between(at("2026-03-04 12:00"), at("2026-03-03 12:00")) == timedelta()
    assert NINE_TO_FIVE.between(at("2026-03-07 09:00"), at("2026-03-08 17:00")) == timedelta()
    assert NINE_TO_FIVE.between(at("2026-03-03 20:00"), at("2026-03-03 21:00")) == timedelta()


@pytest.mark.parametrize("count", [WorkingHours.add, WorkingHours.before])
def test_no_negative_time(count: Any) -> None:
    with pytest.raises(ValueError, match="forwards"):
        count(NINE_TO_FIVE, at("2026-03-03 12:00"), -1)


MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2030, 12, 1), timezones=st.just(UTC))
CALENDARS = st.sampled_from([NINE_TO_FIVE, ODD_HOURS])
MINUTES = st.integers(0, 60 * 60)


@given(CALENDARS, MOMENTS, MINUTES)
def test_as_much_lies_between_as_was_added(
    hours: WorkingHours, start: datetime, minutes: int
) -> None:
    end = hours.add(start, minutes=minutes)
    assert hours.between(start, end) == timedelta(minutes=minutes)
    back = hours.before(end, minutes=minutes)
    assert hours.between(back, end) == timedelta(minutes=minutes)
    assert start <= back <= end


@given(CALENDARS, MOMENTS, MINUTES, MINUTES)
def test_adding_twice_is_adding_the_sum(
    hours: WorkingHours, start: datetime, first: int, second: int
) -> None:
    once = hours.add(start, minutes=first + second)
    assert hours.add(hours.add(start, minutes=first), minutes=second) == once
    assert once >= hours.add(start, minutes=first)


@given(CALENDARS, MOMENTS, st.timedeltas(timedelta(), timedelta(days=20)), st.floats(0, 1))
def test_parts_of_a_time_add_up(
    hours: WorkingHours, start: datetime, long: timedelta, share: float
) -> None:
    middle, end = start + long * share, start + long
    assert hours.between(start, end) == hours.between(start, middle) + hours.between(middle, end)
    assert timedelta() <= hours.between(start, end) <= long


@given(CALENDARS, MOMENTS, st.integers(1, 3000))
def test_what_ends_ends_within_the_hours(
    hours: WorkingHours, start: datetime, minutes: int
) -> None:
    end = hours.add(start, minutes=minutes)
    day = end.astimezone(LONDON).date()
    opens, closes = hours.span(day)
    assert hours.days.is_working(day)
    assert opens < end <= closes


# --- as an agreement writes them -----------------------------------------------------------------


def test_every_deadline_that_is_kept_is_known(memorandum: Agreed) -> None:
    kept = {item.id for item in memorandum.agreement.deadlines if item.enforced == "yes"}
    assert kept >= {"drop-cut-off", "weekly-update", "collected", "opened", "accepted"}
    for name in kept:
        assert memorandum.agreement.deadline(name)
    assert memorandum.agreement.deadline("held-row-resolved") is None
    assert memorandum.agreement.deadline("no-such") is None


def test_the_first_are_told_at_once_and_others_later(memorandum: Agreed) -> None:
    steps = memorandum.agreement.escalation
    assert [step.tells for step in steps] == [
        ("sender", "recipient"),
        ("approver",),
        ("administrator",),
    ]
    assert [step.working_hours for step in steps] == [0, 8, 16]


FAULTS = [
    ("hours the wrong way round", "[calendar]", '[calendar]\nopens = "17:00"\ncloses = "09:00"',
     "calendar.closes", "later"),
    ("a deadline that the gateway does not know", 'clause = "1"\n\n[screening]',
     'clause = "1"\n\n[deadlines.tea]\nwords = "Tea"\nworking_hours = 1\nenforced = "yes"\n\n'
     "[screening]", "deadlines.tea.enforced", "keeps no deadline"),
    ("a deadline counted the wrong way", "working_hours = 1", "working_hours = 1\nbefore = true",
     "deadlines.collected.before", "no other"),
    ("a cut-off counted after", 'clause = "1"\n\n[screening]',
     'clause = "1"\n\n[deadlines.drop-cut-off]\nwords = "Drop"\nworking_hours = 1\n\n[screening]',
     "deadlines.drop-cut-off.before", "is true for"),
    ("a cut-off in days", 'clause = "1"\n\n[screening]',
     'clause = "1"\n\n[deadlines.drop-cut-off]\nwords = "Drop"\nworking_days = 1\nbefore = true\n\n'
     "[screening]", "deadlines.drop-cut-off.working_days", "in working_hours"),
    ("nobody told at once", "[screening]",
     '[[escalation]]\nworking_hours = 1\ntells = ["sender"]\n\n[screening]',
     "escalation[0].working_hours", "must be 0"),
    ("steps that go back", "[screening]",
     '[[escalation]]\nworking_hours = 0\ntells = ["sender"]\n\n'
     '[[escalation]]\nworking_hours = 0\ntells = ["approver"]\n\n[screening]',
     "escalation[1].working_hours", "more than"),
    ("a role that is none", "[screening]",
     '[[escalation]]\nworking_hours = 0\ntells = ["king"]\n\n[screening]',
     "escalation[0].tells[0]", "administrator"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "path", "words"), [c[1:] for c in FAULTS], ids=[c[0] for c in FAULTS]
)
def test_what_is_written_wrongly(edited: Any, old: str, new: str, path: str, words: str) -> None:
    faults = edited(old, new)
    assert path in faults, faults
    assert words in faults[path]


def test_it_is_explained(memorandum: Agreed, small_home: Any) -> None:
    whole = " ".join(explain(memorandum).split())
    assert "Working hours are 09:00 to 17:00." in whole
    assert "at the latest 2 working hours before the window. Enforced." in whole
    assert "At once: its officers with the role sender or recipient." in whole
    assert "After 8 working hours: its officers with the role approver." in whole
    small_home.edit("[calendar]", '[calendar]\nopens = "08:30"')
    other = " ".join(explain(small_home.load()).split())
    assert "Working hours are 08:30 to 17:00." in other
    assert "At once: its officers with the role sender or recipient." in other
