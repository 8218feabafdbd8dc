"""Alarms are raised once, cleared, and may be raised again."""

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from gateway.store import alarms
from gateway.store.database import Database
from gateway.store.schema import alarms as table


def test_an_alarm_is_raised_once_cleared_and_raised_again(database: Database, at: datetime) -> None:
    with database.transaction() as tx:
        assert alarms.raise_once(tx, "disk.full", "home", "The disk is full.", at)
        assert not alarms.raise_once(tx, "disk.full", "home", "Still full.", at)
        (alarm,) = alarms.open_alarms(tx)
        assert (alarm.words, alarm.raised_at, alarm.cleared_at) == ("The disk is full.", at, None)
        later = at + timedelta(hours=1)
        assert alarms.clear(tx, "disk.full", "home", later)
        assert not alarms.clear(tx, "disk.full", "home", later)
        assert alarms.open_alarms(tx) == []
        assert alarms.raise_once(tx, "disk.full", "home", "Full again.", later)
        assert [item.words for item in alarms.open_alarms(tx)] == ["Full again."]
        history = tx.execute(sa.select(table.c.words).order_by(table.c.id)).scalars().all()
        assert history == ["The disk is full.", "Full again."]


def test_alarms_are_apart_by_code_and_by_subject(database: Database, at: datetime) -> None:
    with database.transaction() as tx:
        for code, subject in (("a.a", "x"), ("a.a", "y"), ("b.b", "x")):
            assert alarms.raise_once(tx, code, subject, "words", at)
        assert not alarms.clear(tx, "b.b", "y", at)
        assert alarms.clear(tx, "a.a", "x", at)
        assert [(item.code, item.subject) for item in alarms.open_alarms(tx)] == [
            ("a.a", "y"),
            ("b.b", "x"),
        ]
        assert [item.subject for item in alarms.open_alarms(tx, "b.b")] == ["x"]


def test_the_database_itself_refuses_a_second_open_alarm(database: Database, at: datetime) -> None:
    row = {"code": "a.a", "subject": "x", "words": "w", "raised_at": at}
    with database.transaction() as tx:
        tx.execute(sa.insert(table).values(**row, cleared_at=at))
        tx.execute(sa.insert(table).values(**row))
    with pytest.raises(sa.exc.IntegrityError), database.transaction() as tx:
        tx.execute(sa.insert(table).values(**row))
