"""Pauses: they grow, hold for all processes, tell nothing, and keep nobody out for ever."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.access.pauses import (
    FREE,
    LONGEST_PAUSE,
    STORM,
    STORM_CODE,
    SignInPaused,
    count_attempt,
    count_factor,
    signed_in,
    sweep,
)
from gateway.store.alarms import open_alarms
from gateway.store.database import Database, Transaction

AT = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
JO, HERE, THERE = "jo@example.org", "192.0.2.1", "192.0.2.2"


def paused(tx: Transaction, who: str, where: str, now: datetime) -> timedelta:
    """How long the pause is that an attempt meets; none: it was counted."""
    try:
        count_attempt(tx, who, where, now)
    except SignInPaused as told:
        assert told.hint.startswith("Try again in ")
        return told.until - now
    return timedelta(0)


def test_pauses_begin_after_five_attempts_and_grow_to_a_quarter_of_an_hour(
    database: Database,
) -> None:
    now, pauses = AT, []
    with database.transaction() as tx:
        for _ in range(FREE["person"]):
            assert not paused(tx, JO, HERE, now)
        for _ in range(8):
            pauses.append(paused(tx, JO, HERE, now))
            now += pauses[-1]
            assert not paused(tx, JO, HERE, now)
    assert pauses[:3] == [timedelta(seconds=30), timedelta(minutes=1), timedelta(minutes=2)]
    assert max(pauses) == pauses[-1] == LONGEST_PAUSE


def test_attempts_in_a_pause_make_it_no_longer(database: Database) -> None:
    with database.transaction() as tx:
        for _ in range(FREE["person"]):
            paused(tx, JO, HERE, AT)
        first = paused(tx, JO, HERE, AT)
        assert [paused(tx, JO, HERE, AT) for _ in range(50)] == [first] * 50


def test_strangers_elsewhere_do_not_count_where_a_person_usually_is(database: Database) -> None:
    with database.transaction() as tx:
        signed_in(tx, JO, HERE, AT)
        for _ in range(FREE["person"]):
            paused(tx, JO, THERE, AT)
        assert paused(tx, JO, THERE, AT)
        assert not paused(tx, JO, HERE, AT)
        assert paused(tx, JO, "192.0.2.3", AT)


def test_an_address_that_tries_many_people_is_paused(database: Database) -> None:
    with database.transaction() as tx:
        for number in range(FREE["address"]):
            assert not paused(tx, f"{number}@example.org", HERE, AT)
        assert paused(tx, "another@example.org", HERE, AT)
        assert not paused(tx, "another@example.org", THERE, AT)


def test_an_office_behind_one_address_signs_in_all_day(database: Database) -> None:
    with database.transaction() as tx:
        for number in range(3 * FREE["address"]):
            who = f"{number}@example.org"
            count_attempt(tx, who, HERE, AT)
            count_factor(tx, who, HERE, AT)
            signed_in(tx, who, HERE, AT)


def test_a_storm_is_alarmed_until_it_is_over(database: Database) -> None:
    now = AT
    with database.transaction() as tx:
        for _ in range(STORM["person"]):
            now += paused(tx, JO, HERE, now)
            paused(tx, JO, HERE, now)
        assert STORM_CODE in {alarm.code for alarm in open_alarms(tx)}
        assert sweep(tx, now)
        assert not sweep(tx, now + timedelta(hours=2))


@pytest.mark.parametrize("spelling", ["JO@example.org", " jo@example.org"])
def test_another_spelling_is_the_same_person(database: Database, spelling: str) -> None:
    with database.transaction() as tx:
        for _ in range(FREE["person"]):
            paused(tx, JO, HERE, AT)
        assert paused(tx, spelling, HERE, AT)
