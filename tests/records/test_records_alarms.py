"""Alarms with their ledger rows: one when raised, one when cleared, none when nothing changed."""

import json
from datetime import datetime

from gateway.records.alarms import clear_alarm, clear_others, raise_alarm
from gateway.store import alarms
from gateway.store import ledger as rows
from gateway.store.database import Database


def told(database: Database) -> list[tuple[str, str, object]]:
    with database.transaction() as tx:
        leaves = [json.loads(row.leaf) for row in rows.leaves(tx)]
    return [(leaf["event"], leaf["subject"], leaf["facts"].get("code")) for leaf in leaves]


def test_an_alarm_leaves_one_leaf_each_way(database: Database, at: datetime) -> None:
    with database.transaction() as tx:
        assert raise_alarm(tx, "disk.full", "home", "Full.", at)
        assert not raise_alarm(tx, "disk.full", "home", "Full.", at)
        assert clear_alarm(tx, "disk.full", "home", at)
        assert not clear_alarm(tx, "disk.full", "home", at)
    assert told(database) == [
        ("alarm.raised", "home", "disk.full"),
        ("alarm.cleared", "home", "disk.full"),
    ]


def test_only_the_alarms_that_no_longer_hold_are_cleared(database: Database, at: datetime) -> None:
    with database.transaction() as tx:
        for subject in ("a", "b", "c"):
            raise_alarm(tx, "door.symlink", subject, "words", at)
        raise_alarm(tx, "door.owner", "a", "words", at)
    clear_others(database, "door.symlink", {"b", "never raised"}, at)
    with database.transaction() as tx:
        left = [(item.code, item.subject) for item in alarms.open_alarms(tx)]
    assert left == [("door.symlink", "b"), ("door.owner", "a")]
    assert told(database)[4:] == [
        ("alarm.cleared", "a", "door.symlink"),
        ("alarm.cleared", "c", "door.symlink"),
    ]


def test_the_words_of_an_alarm_stay_out_of_the_ledger(database: Database, at: datetime) -> None:
    with database.transaction() as tx:
        raise_alarm(tx, "a.b", "home", "words for people", at)
        assert all(b"words for people" not in row.leaf for row in rows.leaves(tx))
