"""Until its window a drop may be withdrawn or replaced, with a leaf of it; afterwards never."""

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from gateway.intake.change import ChangeRefused, replace_drop, withdraw_drop
from gateway.store import drops, ledger
from gateway.store.database import Database
from gateway.store.lifecycles import advance

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
Dropped = Callable[..., str]


@pytest.fixture
def database() -> Iterator[Database]:
    made = Database("sqlite://")
    made.upgrade()
    yield made
    made.close()


@pytest.fixture
def dropped(database: Database) -> Dropped:
    """``dropped("a", "accepted")``: a drop of that id which came to that state."""

    def make(drop_id: str, state: str = "accepted", flow: str = "notifications") -> str:
        with database.transaction() as tx:
            drops.add(
                tx,
                drop_id=drop_id,
                flow=flow,
                party="ofsted",
                received_at=AT,
                size=1,
                sha256="a" * 64,
                original=hashlib.sha256(drop_id.encode()).hexdigest(),
                agreement_hash="c" * 64,
            )
            if state in ("sent", "withdrawn", "replaced"):
                advance(tx, "drop", {"id": drop_id}, "received", "accepted")
                advance(tx, "drop", {"id": drop_id}, "accepted", state)
            elif state != "received":
                advance(tx, "drop", {"id": drop_id}, "received", state)
        return drop_id

    return make


def now(database: Database, drop_id: str) -> tuple[str, str | None]:
    with database.transaction() as tx:
        drop = drops.get(tx, drop_id)
    assert drop is not None
    return drop.state, drop.replaced_by


def leaves(database: Database) -> list[dict[str, object]]:
    with database.transaction() as tx:
        return [json.loads(row.leaf) for row in ledger.leaves(tx)]


WAITING = ("accepted", "partly-held")
NOT_WAITING = ("received", "quarantined", "duplicate", "sent", "withdrawn", "replaced")


@pytest.mark.parametrize("state", WAITING)
def test_a_waiting_drop_is_withdrawn(database: Database, dropped: Dropped, state: str) -> None:
    withdraw_drop(database, dropped("a", state), AT)
    assert now(database, "a") == ("withdrawn", None)
    (leaf,) = leaves(database)
    assert (leaf["event"], leaf["subject"]) == ("drop.withdrawn", "drop:a")
    assert leaf["facts"] == {"flow": "notifications", "party": "ofsted"}
    assert leaf["agreement"] == "c" * 64


@pytest.mark.parametrize("state", NOT_WAITING)
def test_any_other_drop_is_not(database: Database, dropped: Dropped, state: str) -> None:
    with pytest.raises(ChangeRefused) as told:
        withdraw_drop(database, dropped("a", state), AT)
    assert told.value.code == "drop.not-waiting"
    assert state in str(told.value)
    assert now(database, "a") == (state, None)
    assert leaves(database) == []


def test_a_drop_that_nobody_knows_is_told_plainly(database: Database) -> None:
    with pytest.raises(ChangeRefused) as told:
        withdraw_drop(database, "20260302-0123456789ab", AT)
    assert told.value.code == "drop.unknown"
    assert "status" in told.value.hint


@pytest.mark.parametrize("state", WAITING)
def test_a_newer_drop_stands_for_an_older(database: Database, dropped: Dropped, state: str) -> None:
    older, newer = dropped("b", state), dropped("a", "partly-held")
    replace_drop(database, older, newer, AT)
    assert now(database, older) == ("replaced", "a")
    assert now(database, newer) == ("partly-held", None)
    (leaf,) = leaves(database)
    assert leaf["facts"] == {"flow": "notifications", "party": "ofsted", "by": "a"}


def test_only_a_newer_drop_of_the_same_flow_may_stand_for_it(
    database: Database, dropped: Dropped
) -> None:
    older, newer = dropped("a"), dropped("b")
    other = dropped("c", flow="scr-updates")
    for first, second in ((newer, older), (older, other), (older, older)):
        with pytest.raises(ChangeRefused) as told:
            replace_drop(database, first, second, AT)
        assert told.value.code == "drop.not-newer"
    assert leaves(database) == []


@pytest.mark.parametrize("state", NOT_WAITING)
def test_neither_may_have_left_its_wait(database: Database, dropped: Dropped, state: str) -> None:
    older, newer = dropped("a", state), dropped("b")
    with pytest.raises(ChangeRefused):
        replace_drop(database, older, newer, AT)
    first, gone = dropped("c"), dropped("d", state)
    with pytest.raises(ChangeRefused):
        replace_drop(database, first, gone, AT)
    assert now(database, newer) == ("accepted", None)
    assert now(database, first) == ("accepted", None)
    assert leaves(database) == []
