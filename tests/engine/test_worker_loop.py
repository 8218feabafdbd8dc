"""The worker's loop in this very process: a tick that fails does not end it."""

import os
import signal
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import structlog
from rehearsing import AtWork, clean_row

from gateway.engine.worker import work as work_on
from gateway.settings import Settings
from gateway.store.database import Database


@pytest.fixture
def handlers() -> Iterator[None]:
    """The worker takes SIGTERM and SIGINT over: give them back."""
    structlog.reset_defaults()
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers")
def test_a_tick_that_fails_is_alarmed_and_the_next_goes_on(
    work: AtWork, capfd: pytest.CaptureFixture[str]
) -> None:
    """First the database is locked, then a working folder is odd, then all is well."""
    path = work.rows(clean_row(1))
    with work.parts("2026-03-02T09:00") as (parts, now):
        database = Database.at(work.home.database, busy_seconds=0)
        quick = replace(parts, database=database, settings=Settings(tick_seconds=1.0))
        other = sqlite3.connect(work.home.database, isolation_level=None)
        odd = work.home.packages_work / "a file where only folders are made"
        calls: list[datetime] = []

        def clock() -> datetime:
            calls.append(now + timedelta(seconds=len(calls)))
            if len(calls) == 1:
                other.execute("BEGIN IMMEDIATE")
            elif len(calls) == 2:
                other.execute("ROLLBACK")
                odd.write_bytes(b"")
                assert work.open_alarms() == []
            elif len(calls) == 3:
                assert work.open_alarms() == [("internal", "worker")]
                odd.unlink()
            elif len(calls) == 4:
                os.kill(os.getpid(), signal.SIGTERM)
            return calls[-1]

        work_on(quick, clock)
        database.close()
        other.close()
    assert len(calls) == 4
    assert not path.exists()
    assert work.states() == ["accepted"]
    said = capfd.readouterr().out
    assert "database.locked" in said
    assert "internal" in said
    assert "stopping" in said and "stopped" in said
    assert work.open_alarms() == []
