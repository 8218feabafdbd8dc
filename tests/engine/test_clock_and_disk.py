"""The computer's clock and disk: what is alarmed, what ends it, what the doctor says."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from rehearsing import AtWork

from gateway.engine.clock import Reading, note_moment, read_clock, watch_clock
from gateway.engine.diskwatch import watch_disk
from gateway.engine.outside import look_at_clock, look_at_mail
from gateway.settings import Home

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
FIRST = Reading(NOW, "boot-one", 1_000_000, synchronised=False)


def look(work: AtWork, reading: Reading, at: datetime | None = None) -> bool:
    """Whether the clock is alarmed after that reading."""
    with work.parts("2026-03-02T09:00") as (parts, _):
        watch_clock(parts, at or reading.wall, reading)
    return "clock.wrong" in work.alarms()


def test_a_jump_is_alarmed_until_the_clock_is_back_or_vouched_for(work: AtWork) -> None:
    assert not look(work, FIRST)
    jumped = replace(FIRST, wall=NOW + timedelta(hours=9), offset=FIRST.offset + 9 * 3600)
    assert look(work, jumped)
    assert look(work, jumped)
    assert len(work.leaves("alarm.raised")) == 1
    assert not look(work, replace(FIRST, wall=NOW + timedelta(minutes=1)))
    assert look(work, replace(jumped, offset=FIRST.offset - 900))
    assert not look(work, replace(jumped, synchronised=True))
    assert not look(work, jumped)  # it was vouched for: this is the time now


@pytest.mark.parametrize(
    "reading",
    [
        replace(FIRST, wall=NOW + timedelta(days=3)),  # an outage: the time since boot grew as well
        replace(FIRST, offset=FIRST.offset + 300),  # a correction
        replace(FIRST, offset=FIRST.offset + 9999, boot="boot-two"),  # another start
        replace(FIRST, offset=FIRST.offset + 9999, boot=""),  # nothing is known of the start
        replace(FIRST, offset=FIRST.offset + 9999, synchronised=True),
    ],
)
def test_what_is_no_jump(work: AtWork, reading: Reading) -> None:
    look(work, FIRST)
    assert not look(work, reading)


def test_a_time_that_was_told_says_nothing_about_the_clock(work: AtWork) -> None:
    look(work, FIRST)
    jumped = replace(FIRST, offset=FIRST.offset + 9999)
    assert not look(work, jumped, at=NOW + timedelta(days=200))


def test_the_clock_can_be_read_here() -> None:
    reading = read_clock()
    assert abs(reading.wall - datetime.now(UTC)) < timedelta(minutes=1)
    assert reading.boot
    assert reading.synchronised in (True, False, None)


def test_a_full_disk_is_told_of_before_it_is_full(work: AtWork) -> None:
    for least, alarmed in ((1, []), (1 << 60, ["disk:var", "disk:outbox"]), (1, [])):
        work.settings(f"minimum_free_bytes = {least}\n")
        with work.parts("2026-03-02T09:00") as (parts, now):
            watch_disk(parts, now)
        assert [subject for code, subject in work.open_alarms() if code == "disk.low"] == alarmed


# --- the doctor ----------------------------------------------------------------------------------


def test_the_doctor_looks_at_the_clock(work: AtWork) -> None:
    with work.parts("2026-03-02T09:00") as (parts, now):
        note_moment(parts, now)
    for synchronised, state in ((True, "ok"), (False, "warn"), (None, "warn")):
        ((name, found, _),) = look_at_clock(work.home, replace(FIRST, synchronised=synchronised))
        assert (name, found) == ("clock", state)
    work.home.rehearsal_mark.unlink()  # as of a real home
    earlier = replace(FIRST, wall=NOW - timedelta(hours=1), synchronised=True)
    ((_, found, words),) = look_at_clock(work.home, earlier)
    assert (found, "stands before" in words) == ("warn", True)
    assert next(look_at_clock(Home(work.home.root / "none"), earlier))[1] == "ok"


def test_the_doctor_looks_at_the_mail(work: AtWork) -> None:
    def found(text: str) -> tuple[str, str]:
        work.settings(f"[mail]\n{text}\n")
        ((_, state, words),) = look_at_mail(work.home)
        return state, words

    assert found("")[0] == "warn"
    assert found('host = "mail.example.test"')[0] == "ok"
    assert "in the clear" in found('host = "mail.example.test"\nsecurity = "none"')[1]
    state, words = found('host = "mail.example.test"\nusername = "gateway"')
    assert (state, "keys/mail.password" in words) == ("fail", True)
    (work.home.keys / "mail.password").write_text("secret-word\n")
    (work.home.keys / "mail.password").chmod(0o644)
    state, words = found('host = "mail.example.test"\nusername = "gateway"')
    assert (state, "secret-word" in words) == ("fail", False)
