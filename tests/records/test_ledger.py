"""The one door to the ledger: a move and its leaf go together; a changed leaf is found."""

import json
import sqlite3
from datetime import datetime
from pathlib import Path

import pytest

from gateway.records.leaf import LeafRefused, commitment
from gateway.records.ledger import event, move, record, verify
from gateway.store import drops
from gateway.store import ledger as rows
from gateway.store.database import Database
from gateway.store.lifecycles import MoveRefused

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
    assert verify(database) == (2, [])


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
    assert verify(database) == (1, [])
    with database.transaction() as tx:
        for number in range(20):
            record(tx, event("clock.back", "home", facts={"seconds": number}), at)
    assert verify(database) == (21, [])


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
    assert verify(database) == (6, [2, 5])


def test_verify_finds_a_leaf_that_was_taken_out(
    database: Database, tmp_path: Path, at: datetime
) -> None:
    with database.transaction() as tx:
        for number in range(3):
            record(tx, event("clock.back", "home", facts={"seconds": number}), at)
    tampered(tmp_path / "gateway.db", "DELETE FROM ledger WHERE seq = 2")
    count, wrong = verify(database)
    assert count == 3
    assert wrong == [3, 4]
