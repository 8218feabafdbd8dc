"""The one door to the ledger: a move and its leaf go together; a changed leaf is found."""

import json
import sqlite3
from datetime import datetime
from pathlib import Path

import pytest

from gateway.records.leaf import LeafRefused, commitment, leaf_hash
from gateway.records.ledger import (
    Checked,
    consistency,
    event,
    head,
    inclusion,
    move,
    open_first_log,
    origin_of,
    record,
    root_at,
    size_of,
    verify,
)
from gateway.records.merkle import verify_consistency, verify_inclusion
from gateway.store import drops, logs
from gateway.store import ledger as rows
from gateway.store.database import Database
from gateway.store.lifecycles import MoveRefused
from gateway.store.logs import LogRow

DROP = "20260302-0123456789ab"
JUDGED = {"rows": 3, "accepted": 2, "held": 1, "repeats": 0}


@pytest.fixture(autouse=True)
def received(database: Database, at: datetime) -> None:
    """A drop, and the leaf of its receipt."""
    happened = event(
        "drop.received",
        f"drop:{DROP}",
        "c" * 64,
        {"flow": "notifications", "party": "ofsted", "sealed": "b" * 64},
        {"original": "a" * 64, "size": 3},
    )
    with database.transaction() as tx:
        drops.add(
            tx,
            drop_id=DROP,
            flow="notifications",
            party="ofsted",
            received_at=at,
            size=3,
            sha256="a" * 64,
            original="b" * 64,
            agreement_hash="c" * 64,
        )
        assert record(tx, happened, at) == 1


def judged(state: str = "partly-held", **more: str) -> dict[str, object]:
    happened = event(
        "drop.judged",
        f"drop:{DROP}",
        "c" * 64,
        {"flow": "notifications", "state": state, **more},
        {**JUDGED, "findings": 4},
    )
    return {"kind": "drop", "key": {"id": DROP}, "frm": "received", "to": state} | {
        "happened": happened,
        "values": JUDGED,
    }


def state_and_leaves(database: Database) -> tuple[str, list[str]]:
    with database.transaction() as tx:
        drop = drops.get(tx, DROP)
        assert drop is not None
        return drop.state, [json.loads(row.leaf)["event"] for row in rows.leaves(tx)]


def test_a_move_and_its_leaf_go_together(database: Database, at: datetime) -> None:
    with database.transaction() as tx:
        move(tx, at=at, **judged())  # type: ignore[arg-type]
    assert state_and_leaves(database) == ("partly-held", ["drop.received", "drop.judged"])
    assert verify(database) == Checked(2, ())


def test_a_transaction_that_fails_leaves_neither_move_nor_leaf(
    database: Database, at: datetime
) -> None:
    def fails() -> None:
        with database.transaction() as tx:
            move(tx, at=at, **judged())  # type: ignore[arg-type]
            raise LookupError

    with pytest.raises(LookupError):
        fails()
    assert state_and_leaves(database) == ("received", ["drop.received"])


def test_a_move_that_is_refused_leaves_no_leaf(database: Database, at: datetime) -> None:
    with database.transaction() as tx:
        move(tx, at=at, **judged())  # type: ignore[arg-type]
    with pytest.raises(MoveRefused), database.transaction() as tx:
        move(tx, at=at, **judged("accepted"))  # type: ignore[arg-type]
    assert state_and_leaves(database) == ("partly-held", ["drop.received", "drop.judged"])


def test_a_leaf_that_is_refused_leaves_no_move(database: Database, at: datetime) -> None:
    with pytest.raises(LeafRefused), database.transaction() as tx:
        move(tx, at=at, **judged(initials="A.B."))  # type: ignore[arg-type]
    assert state_and_leaves(database) == ("received", ["drop.received"])


def test_the_salts_lie_apart_and_open_the_commitments(database: Database, at: datetime) -> None:
    with database.transaction() as tx:
        move(tx, at=at, **judged())  # type: ignore[arg-type]
        salts = rows.salts_of(tx, 2)
        (_, row) = rows.leaves(tx)
        assert [item.seq for item in rows.leaves(tx, after=1)] == [2]
        assert rows.salts_of(tx, 3) == {}
    commits = json.loads(row.leaf)["commits"]
    assert set(salts) == {*JUDGED, "findings"}
    assert commits["held"] == commitment(salts["held"], 1)
    assert all(salt not in row.leaf for salt in salts.values())


def tampered(path: Path, *statements: str) -> None:
    """Someone with the file and a database program, past every guard."""
    plain = sqlite3.connect(path)
    for trigger in ("ledger_no_update", "ledger_no_delete"):
        plain.execute(f"DROP TRIGGER {trigger}")
    for statement in statements:
        plain.execute(statement)
    plain.commit()
    plain.close()


def test_verify_counts_the_leaves(database: Database, at: datetime) -> None:
    assert verify(database) == Checked(1, ())
    with database.transaction() as tx:
        for number in range(20):
            record(tx, event("clock.back", "home", facts={"seconds": number}), at)
    assert verify(database) == Checked(21, ())


def test_verify_finds_a_leaf_changed_behind_its_back(
    database: Database, tmp_path: Path, at: datetime
) -> None:
    with database.transaction() as tx:
        for number in range(5):
            record(tx, event("clock.back", "home", facts={"seconds": number}), at)
    tampered(
        tmp_path / "gateway.db",
        "UPDATE ledger SET leaf = CAST(replace(CAST(leaf AS TEXT), ':3', ':4') AS BLOB)"
        " WHERE seq = 5",
        "UPDATE ledger SET leaf_hash = x'00' WHERE seq = 2",
    )
    assert verify(database) == Checked(6, (2, 4, 5)), "with the hash of 2, the subtree above 4"


def test_verify_finds_a_leaf_that_was_taken_out(
    database: Database, tmp_path: Path, at: datetime
) -> None:
    with database.transaction() as tx:
        for number in range(3):
            record(tx, event("clock.back", "home", facts={"seconds": number}), at)
    tampered(tmp_path / "gateway.db", "DELETE FROM ledger WHERE seq = 2")
    assert verify(database) == Checked(3, (3, 4))


def test_the_ledger_is_a_tree_that_proves_its_leaves(database: Database, at: datetime) -> None:
    with database.transaction() as tx:
        open_first_log(tx, "0123456789abcdef", at)
        for number in range(20):
            record(tx, event("clock.back", "home", facts={"seconds": number}), at)
        log = logs.latest(tx)
        assert log is not None
        now = head(tx)
        assert (now.origin, now.size) == ("gateway/0123456789abcdef/1", 21)
        early = root_at(tx, log, 8)
        for row in rows.leaves(tx):
            path = inclusion(tx, log, row.seq, now.size)
            assert verify_inclusion(leaf_hash(row.leaf), row.seq - 1, now.size, path, now.root)
        proof = consistency(tx, log, 8, now.size)
        assert verify_consistency(8, early, now.size, now.root, proof)


def test_a_new_log_has_a_tree_of_its_own(database: Database, at: datetime) -> None:
    with database.transaction() as tx:
        open_first_log(tx, "0123456789abcdef", at)
        record(tx, event("clock.back", "home", facts={"seconds": 1}), at)
        old = head(tx)
        logs.add(tx, LogRow(2, origin_of("0123456789abcdef", 2), 3, at, "note", None))
        assert head(tx).size == 0
        for number in range(5):
            record(tx, event("clock.back", "home", facts={"seconds": number}), at)
        first, second = logs.every(tx)
        assert (head(tx).log, head(tx).size) == (2, 5)
        assert (size_of(tx, first), size_of(tx, second)) == (2, 5)
        assert root_at(tx, first, 2) == old.root
        with pytest.raises(ValueError, match="not so many"):
            root_at(tx, first, 3)
    assert verify(database) == Checked(7, ())


def test_leaves_from_before_the_tree_are_completed_by_the_upgrade(
    tmp_path: Path, database: Database, at: datetime
) -> None:
    with database.transaction() as tx:
        for number in range(12):
            record(tx, event("clock.back", "home", facts={"seconds": number}), at)
    plain = sqlite3.connect(tmp_path / "gateway.db")
    with plain:
        kept = plain.execute("SELECT leaf, leaf_hash FROM ledger ORDER BY seq").fetchall()
    plain.close()
    older = Database.at(tmp_path / "older.db")
    older.upgrade("0002")
    plain = sqlite3.connect(tmp_path / "older.db")
    with plain:
        plain.executemany("INSERT INTO ledger (leaf, leaf_hash) VALUES (?, ?)", kept)
    plain.close()
    older.upgrade()
    assert verify(older) == Checked(13, ())
    older.close()
