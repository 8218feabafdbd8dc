"""Several processes at one database: each move is made once, and the ledger stays one tree."""

import subprocess
import sys
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from twins import Twin

from gateway.records.ledger import event, head, open_first_log, record, verify
from gateway.store import alarms, counts, windows
from gateway.store import ledger as rows
from gateway.store.database import Database

CHECKOUT = Path(__file__).resolve().parents[2]
AT = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
DAYS, PROCESSES = 30, 3
# Each tries every move, raises every alarm, and says which it was that did; a leaf goes with each.
TRY = f"""
import sys
from datetime import UTC, date, datetime, timedelta
from gateway.records.ledger import event, move
from gateway.store import alarms
from gateway.store.database import Database
from gateway.store.lifecycles import MoveRefused
database, me = Database(sys.argv[1]), sys.argv[2]
at = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
print("ready", flush=True)
sys.stdin.readline()
for number in range({DAYS}):
    day = date(2026, 3, 1) + timedelta(days=number)
    facts = {{"flow": "f", "day": day.isoformat(), "package": me}}
    packed = event("window.packed", f"window:f:{{day}}", "", facts)
    try:
        with database.transaction() as tx:
            key, values = {{"flow": "f", "day": day}}, {{"package_id": me}}
            move(tx, "window", key, "due", "packed", packed, at, values)
        print(number, flush=True)
    except MoveRefused:
        pass
    with database.transaction() as tx:
        alarms.raise_once(tx, "code", f"subject:{{number}}", "words", at)
"""


def start(twin: Twin, name: str) -> "subprocess.Popen[str]":
    url = twin.database.url.render_as_string(hide_password=False)
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", TRY, url, name]
    return subprocess.Popen(command, cwd=CHECKOUT, stdin=pipe, stdout=pipe, text=True)


def test_each_move_is_made_by_one_and_has_one_leaf(twin: Twin) -> None:
    with twin.database.transaction() as tx:
        open_first_log(tx, "home", AT)
        for number in range(DAYS):
            windows.add(tx, "f", date(2026, 3, 1) + timedelta(days=number), AT, missed=False)
    tried = {f"p{number}": start(twin, f"p{number}") for number in range(PROCESSES)}
    for process in tried.values():
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    told = {}
    for process in tried.values():
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    for name, process in tried.items():
        told[name] = [int(line) for line in process.communicate(timeout=120)[0].split()]
        assert process.returncode == 0
    assert sorted(number for done in told.values() for number in done) == list(range(DAYS))
    assert verify(twin.database).wrong == ()
    with twin.database.snapshot() as tx:
        first, last = date(2026, 3, 1), date(2026, 3, 1) + timedelta(days=DAYS - 1)
        packed = windows.between(tx, "f", first, last)
        assert [int(row.package_id[1:]) for row in packed if row.package_id] == [
            next(at for at, name in enumerate(told) if number in told[name])
            for number in range(DAYS)
        ]
        assert [row.seq for row in rows.leaves(tx)] == list(range(1, DAYS + 1))
        assert len(alarms.open_alarms(tx)) == DAYS
        assert counts.by_state(tx, "windows") == {("f", "packed"): DAYS}


def test_the_same_leaves_make_the_same_tree_on_both(
    twin: Twin, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """What a home moved to another database takes along: every root is as it was."""
    path = tmp_path_factory.mktemp("other") / "gateway.db"
    with closing(Database.at(path)) as other:
        other.upgrade()
        roots = []
        for number in range(1, 36):
            with other.transaction() as tx:
                open_first_log(tx, "home", AT)
                facts = {"flow": "f", "party": "p", "sealed": "b" * 64}
                about, kept = f"drop:{number}", {"original": "a" * 64, "size": number}
                record(tx, event("drop.received", about, "c" * 64, facts, kept), AT)
                roots.append(head(tx).root)
        with other.snapshot() as seen, twin.database.transaction() as tx:
            open_first_log(tx, "home", AT)
            for leaf, root in zip(rows.leaves(seen), roots, strict=True):
                rows.append(tx, leaf, rows.salts_of(seen, leaf.seq))
                assert head(tx).root == root
    assert verify(twin.database).wrong == ()
    with twin.database.transaction() as tx:
        record(tx, event("drop.withdrawn", "drop:1", "", {"flow": "f", "party": "p"}), AT)
    assert verify(twin.database).leaves == 36
