"""What is counted as it happens is what would be counted row by row."""

from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa

from gateway.store import counts
from gateway.store.database import Database, Transaction
from gateway.store.lifecycles import MoveRefused, advance
from gateway.store.schema import mails, windows

AT = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)


def window(tx: Transaction, flow: str, day: int, state: str = "due") -> None:
    values = {"flow": flow, "day": date(2026, 3, day), "due_at": AT, "missed": False}
    tx.execute(sa.insert(windows).values(state=state, **values))


def mail(tx: Transaction, key: str) -> None:
    words = {"party": "dfe", "officer": "o", "address": "a@b.invalid", "subject": "s", "body": "b"}
    times = {"made_at": AT, "next_at": AT}
    tx.execute(sa.insert(mails).values(key=key, kind="alarm", state="queued", **words, **times))


def test_what_comes_moves_and_goes_is_counted(database: Database) -> None:
    with database.transaction() as tx:
        for day in (2, 3, 4):
            window(tx, "notifications", day)
        window(tx, "scr-updates", 6)
        mail(tx, "one")
        mail(tx, "two")
    with database.transaction() as tx:
        key = {"flow": "notifications", "day": date(2026, 3, 2)}
        advance(tx, "window", key, "due", "packed")
        tx.execute(sa.delete(mails).where(mails.c.key == "one"))
        tx.execute(sa.update(windows).where(windows.c.flow == "scr-updates").values(missed=True))
    with database.snapshot() as tx:
        assert counts.by_state(tx, "windows") == {
            ("notifications", "due"): 2,
            ("notifications", "packed"): 1,
            ("scr-updates", "due"): 1,
        }
        assert counts.by_state(tx, "mails") == {("alarm", "queued"): 1}
        for what in counts.STATED:
            assert counts.by_state(tx, what) == counts.counted(tx, what)


def test_what_is_rolled_back_is_not_counted(database: Database) -> None:
    def moved_and_refused() -> None:
        with database.transaction() as tx:
            window(tx, "notifications", 2)
            advance(tx, "window", {"flow": "notifications"}, "packed", "due")

    with pytest.raises(MoveRefused):
        moved_and_refused()
    with database.snapshot() as tx:
        assert counts.by_state(tx, "windows") == {}
