"""Every permitted move works; every other one is refused and changes nothing."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from twins import KINDS, made

from gateway.store import drops, packages, windows
from gateway.store.database import Database, Transaction
from gateway.store.lifecycles import MOVES, Kind, MoveRefused, advance
from gateway.store.schema import metadata

AT = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
DAY = date(2026, 3, 2)
KEYS: Mapping[Kind, tuple[str, Mapping[str, Any]]] = {
    "drop": ("drops", {"id": "20260302-00000000000a"}),
    "window": ("windows", {"flow": "notifications", "day": DAY}),
    "package": ("packages", {"id": "notifications-2026-03-02-01"}),
    "delivery": ("deliveries", {"id": "notifications-2026-03-02-01:dfe"}),
    "request": ("requests", {"id": "20260302-00000000000c"}),
    "thread": ("threads", {"id": "20260302-00000000000d"}),
    "reconciliation": ("reconciliations", {"id": "scr-updates-2026-03-02:dfe"}),
    "hold": ("holds", {"id": "20260302-00000000000e"}),
    "register": ("register_entries", {"id": "20260302-00000000000f"}),
}
STATES: Mapping[Kind, list[str]] = {
    kind: sorted({state for pair in moves for state in pair}) for kind, moves in MOVES.items()
}
ALL_STATES = sorted({state for states in STATES.values() for state in states} | {"", "deleted"})
PERMITTED = sorted((kind, *pair) for kind, moves in MOVES.items() for pair in moves)


def fill(tx: Transaction) -> None:
    """One thing of each kind, and one more drop beside."""
    for drop_id in ("20260302-00000000000a", "20260302-00000000000b"):
        drops.add(
            tx,
            drop_id=drop_id,
            flow="notifications",
            party="ofsted",
            received_at=AT,
            size=3,
            sha256="a" * 64,
            original="b" * 64,
            agreement_hash="c" * 64,
        )
    windows.add(tx, "notifications", DAY, AT, missed=False)
    package = {"id": "notifications-2026-03-02-01", "flow": "notifications", "day": DAY}
    counts = {"rows": 0, "updates": 0, "held": 0, "repeats": 0}
    packages.add_package(
        tx,
        **package,
        **counts,
        number=1,
        kind="nil-declared",
        made_at=AT,
        agreement_hash="c" * 64,
        zip_sha256="d" * 64,
        password_sealed=b"p",
    )
    packages.add_delivery(
        tx,
        package_id=package["id"],
        party="dfe",
        protection="password",
        file_name="f",
        sha256="e" * 64,
        size=9,
        manifest="f" * 64,
        signature="0" * 64,
    )
    table = metadata.tables
    tx.execute(
        sa.insert(table["requests"]).values(
            id="20260302-00000000000c",
            act="recall",
            party="ofsted",
            subject="package:notifications-2026-03-02-01",
            body_sealed=b"b",
            digest="1" * 64,
            requested_by="ofsted-officer-1",
            requested_at=AT,
            state="open",
        )
    )
    tx.execute(
        sa.insert(table["threads"]).values(
            id="20260302-00000000000d",
            package_id=package["id"],
            flow="notifications",
            party="dfe",
            state="open",
            opened_at=AT,
        )
    )
    tx.execute(
        sa.insert(table["reconciliations"]).values(
            id="scr-updates-2026-03-02:dfe",
            flow="scr-updates",
            day=DAY,
            party="dfe",
            state="sealed",
            sha256="2" * 64,
            unknown=0,
            unanswered=0,
            made_at=AT,
        )
    )
    tx.execute(
        sa.insert(table["holds"]).values(
            id="20260302-00000000000e",
            scope="everything",
            reason_sealed=b"r",
            state="on",
            begun_at=AT,
            review_on=DAY,
        )
    )
    tx.execute(
        sa.insert(table["register_entries"]).values(
            id="20260302-00000000000f",
            register="foi",
            party="dfe",
            state="open",
            opened_on=DAY,
            body_sealed=b"b",
            made_at=AT,
        )
    )


def put_in_state(tx: Transaction, kind: Kind, state: str) -> None:
    """Set the state by hand, whatever the permitted moves say."""
    table = metadata.tables[KEYS[kind][0]]
    tx.execute(sa.update(table).where(*_is(kind)).values(state=state))


def _is(kind: Kind) -> list[sa.ColumnElement[bool]]:
    name, key = KEYS[kind]
    table = metadata.tables[name]
    return [table.c[column] == value for column, value in key.items()]


def snapshot(tx: Transaction) -> dict[str, list[Any]]:
    """Every row of every table."""
    return {
        name: [tuple(row) for row in tx.execute(sa.select(table))]
        for name, table in metadata.tables.items()
    }


@pytest.fixture(scope="module", params=KINDS)
def things(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    """A database with one thing of each kind; whoever uses it rolls back what is done."""
    with made(request, request.param, tmp_path_factory.mktemp("things")) as twin:
        with twin.database.transaction() as tx:
            fill(tx)
        on = " ON holds" if twin.kind == "postgresql" else ""
        twin.by_hand(f"DROP TRIGGER holds_no_update{on}")  # it would refuse `put_in_state`
        yield twin.database


class Undone(Exception):
    """Ends a transaction without keeping it."""


@pytest.mark.parametrize(("kind", "frm", "to"), PERMITTED)
def test_every_permitted_move_works(things: Database, kind: Kind, frm: str, to: str) -> None:
    name, key = KEYS[kind]
    with pytest.raises(Undone), things.transaction() as tx:
        put_in_state(tx, kind, frm)
        advance(tx, kind, key, frm, to)
        state = tx.execute(sa.select(metadata.tables[name].c.state).where(*_is(kind))).scalar_one()
        assert state == to
        raise Undone


@given(data=st.data(), kind=st.sampled_from(sorted(MOVES)))
def test_every_other_move_is_refused_and_changes_nothing(
    things: Database, data: st.DataObject, kind: Kind
) -> None:
    """Over all pairs of states, whatever state the thing is really in."""
    really = data.draw(st.sampled_from(STATES[kind]), "really in")
    frm = data.draw(st.sampled_from(ALL_STATES), "from")
    to = data.draw(st.sampled_from(ALL_STATES), "to")
    allowed = (frm, to) in MOVES[kind] and really == frm
    with pytest.raises(Undone), things.transaction() as tx:
        put_in_state(tx, kind, really)
        before = snapshot(tx)
        if allowed:
            advance(tx, kind, KEYS[kind][1], frm, to)
            assert snapshot(tx) != before
        else:
            with pytest.raises(MoveRefused) as told:
                advance(tx, kind, KEYS[kind][1], frm, to)
            assert told.value.code == "move.refused"
            assert "status" in told.value.hint
            assert snapshot(tx) == before
        raise Undone


def test_a_move_from_a_stale_state_is_refused(things: Database) -> None:
    """The worker that wakes from a freeze finds that another has acted, and changes nothing."""
    with pytest.raises(Undone), things.transaction() as tx:
        advance(tx, "window", KEYS["window"][1], "due", "packed", {"package_id": "mine"})
        with pytest.raises(MoveRefused, match="no longer"):
            advance(tx, "window", KEYS["window"][1], "due", "covered", {"package_id": "late"})
        (window,) = windows.latest(tx)
        assert (window.state, window.package_id) == ("packed", "mine")
        raise Undone


def test_a_move_of_a_thing_that_is_not_there_is_refused(things: Database) -> None:
    with things.transaction() as tx, pytest.raises(MoveRefused):
        advance(tx, "drop", {"id": "nobody"}, "received", "accepted")


def test_a_move_sets_its_values_on_that_thing_alone(things: Database) -> None:
    counts = {"rows": 4, "accepted": 2, "held": 1, "repeats": 1, "already_sent": 1}
    values = {**counts, "findings": {"row.repeated": 1}, "columns_sealed": b"sealed"}
    with pytest.raises(Undone), things.transaction() as tx:
        advance(tx, "drop", KEYS["drop"][1], "received", "partly-held", values)
        moved = drops.get(tx, "20260302-00000000000a")
        other = drops.get(tx, "20260302-00000000000b")
        assert moved is not None and other is not None
        assert (moved.rows, moved.held, moved.findings) == (4, 1, {"row.repeated": 1})
        assert (other.state, other.rows) == ("received", None)
        raise Undone


def test_no_state_is_left_twice_to_a_final_one() -> None:
    """What has been sent, covered, quarantined or closed never moves again."""
    for kind, final in {
        "drop": {"sent", "withdrawn", "replaced", "quarantined", "duplicate"},
        "window": {"packed", "covered"},
        "package": {"superseded"},
        "delivery": {"quarantined"},
        "request": {"withdrawn", "done", "failed"},
        "thread": {"closed"},
        "reconciliation": {"placed"},
    }.items():
        assert not {frm for frm, _ in MOVES[kind]} & final  # type: ignore[index]
