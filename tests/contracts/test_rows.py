"""The rows of drops, windows, packages, deliveries and what was sent."""

from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa

from gateway.store import drops, meta, packages, sent, vault, windows
from gateway.store.database import Database, Transaction
from gateway.store.lifecycles import advance
from gateway.store.schema import sent_references
from gateway.store.sent import SentReference

AT = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)


def add_drop(tx: Transaction, drop_id: str, flow: str = "notifications", sha: str = "a") -> None:
    drops.add(
        tx,
        drop_id=drop_id,
        flow=flow,
        party="ofsted",
        received_at=AT,
        size=3,
        sha256=sha * 64,
        original="b" * 64,
        agreement_hash="c" * 64,
    )


def judged(tx: Transaction, drop_id: str, state: str, rows: int = 1) -> None:
    counts = {"rows": rows, "accepted": rows, "held": 0, "repeats": 0}
    advance(tx, "drop", {"id": drop_id}, "received", state, counts)


# --- drops ---------------------------------------------------------------------------------------


def test_drops_wait_in_the_order_they_came(database: Database) -> None:
    with database.transaction() as tx:
        for drop_id in ("c", "a", "d", "b"):
            add_drop(tx, drop_id)
        add_drop(tx, "other", flow="scr-updates")
        judged(tx, "b", "accepted")
        judged(tx, "a", "partly-held")
        judged(tx, "d", "quarantined")
        judged(tx, "other", "accepted")
        assert [drop.id for drop in drops.waiting(tx, "notifications")] == ["a", "b"]
        assert [drop.id for drop in drops.unsettled(tx)] == ["c"]
        assert [drop.id for drop in drops.latest(tx, 2)] == ["other", "b"]
        assert drops.get(tx, "nobody") is None


@pytest.mark.parametrize(
    ("state", "counts"),
    [("accepted", True), ("partly-held", True), ("sent", True)]
    + [(state, False) for state in ("received", "quarantined", "duplicate", "withdrawn")]
    + [("replaced", False)],
)
def test_only_a_drop_that_was_taken_makes_another_its_duplicate(
    database: Database, state: str, counts: bool
) -> None:
    """One that was withdrawn or refused may be dropped again."""
    with database.transaction() as tx:
        add_drop(tx, "first")
        if state in ("sent", "withdrawn", "replaced"):
            judged(tx, "first", "accepted")
            advance(tx, "drop", {"id": "first"}, "accepted", state)
        elif state != "received":
            judged(tx, "first", state)
        add_drop(tx, "second")
        earlier = drops.earlier_same(tx, "notifications", "a" * 64, "second")
        assert (earlier is not None) == counts
        assert drops.earlier_same(tx, "scr-updates", "a" * 64, "second") is None
        assert drops.earlier_same(tx, "notifications", "9" * 64, "second") is None


# --- windows -------------------------------------------------------------------------------------


def test_windows_are_due_oldest_first(database: Database) -> None:
    days = [date(2026, 3, 4), date(2026, 3, 2), date(2026, 3, 3)]
    with database.transaction() as tx:
        assert windows.last_day(tx, "notifications") is None
        for day in days:
            windows.add(tx, "notifications", day, AT + timedelta(days=day.day), missed=day.day == 2)
        windows.add(tx, "scr-updates", date(2026, 3, 6), AT + timedelta(days=6), missed=False)
        advance(tx, "window", {"flow": "notifications", "day": days[2]}, "due", "packed")
        found = windows.due(tx, "notifications")
        assert [(item.day.day, item.missed) for item in found] == [(2, True), (4, False)]
        assert windows.last_day(tx, "notifications") == date(2026, 3, 4)
        assert [item.day.day for item in windows.latest(tx, 2)] == [6, 4]


def test_a_window_is_recorded_once(database: Database) -> None:
    with database.transaction() as tx:
        windows.add(tx, "notifications", date(2026, 3, 2), AT, missed=False)
    with pytest.raises(sa.exc.IntegrityError), database.transaction() as tx:
        windows.add(tx, "notifications", date(2026, 3, 2), AT, missed=True)


# --- packages and deliveries ---------------------------------------------------------------------


def add_package(tx: Transaction, day: date, number: int = 1) -> str:
    package_id = f"notifications-{day.isoformat()}-{number:02}"
    packages.add_package(
        tx,
        id=package_id,
        flow="notifications",
        day=day,
        number=number,
        kind="data",
        made_at=AT,
        agreement_hash="c" * 64,
        zip_sha256="d" * 64,
        password_sealed=b"p",
        rows=1,
        updates=0,
        held=0,
        repeats=0,
    )
    return package_id


def add_delivery(tx: Transaction, package_id: str, party: str) -> str:
    packages.add_delivery(
        tx,
        package_id=package_id,
        party=party,
        protection="openpgp+password",
        file_name=f"{package_id}.zip.gpg",
        sha256="e" * 64,
        size=9,
        manifest="f" * 64,
        signature="0" * 64,
    )
    return f"{package_id}:{party}"


def test_a_package_is_placed_when_its_last_delivery_is(database: Database) -> None:
    with database.transaction() as tx:
        package = add_package(tx, date(2026, 3, 2))
        first, second = (add_delivery(tx, package, party) for party in ("dfe", "panel"))
        assert [row.id for row in packages.to_place(tx)] == [first, second]
        for delivery in (first, second):
            assert not packages.all_placed(tx, package)
            advance(tx, "delivery", {"id": delivery}, "sealed", "placed", {"placed_at": AT})
        assert packages.all_placed(tx, package)
        assert packages.to_place(tx) == []
        assert [row.placed_at for row in packages.deliveries_of(tx, package)] == [AT, AT]


def test_attempts_are_counted_with_their_fault(database: Database) -> None:
    with database.transaction() as tx:
        package = add_package(tx, date(2026, 3, 2))
        delivery = add_delivery(tx, package, "dfe")
        add_delivery(tx, package, "panel")
        packages.attempted(tx, delivery, "outbox.unwritable")
        packages.attempted(tx, delivery, "disk.full")
        rows = {row.party: (row.attempts, row.last_fault) for row in packages.to_place(tx)}
        assert rows == {"dfe": (2, "disk.full"), "panel": (0, None)}
        packages.attempted(tx, delivery, None)
        assert packages.to_place(tx)[0].last_fault is None


def test_packages_are_told_newest_first(database: Database) -> None:
    with database.transaction() as tx:
        assert packages.get(tx, "nobody") is None
        add_package(tx, date(2026, 3, 2))
        add_package(tx, date(2026, 3, 3))
        assert [row.id[-13:-3] for row in packages.latest(tx)] == ["2026-03-02", "2026-03-03"]
        assert [row.day.day for row in packages.latest(tx, 1)] == [2]


def test_a_package_is_made_once(database: Database) -> None:
    with database.transaction() as tx:
        add_package(tx, date(2026, 3, 2))
    with pytest.raises(sa.exc.IntegrityError), database.transaction() as tx:
        add_package(tx, date(2026, 3, 2))


def test_a_delivery_belongs_to_a_package(database: Database) -> None:
    with pytest.raises(sa.exc.IntegrityError), database.transaction() as tx:
        add_delivery(tx, "notifications-1999-01-01-01", "dfe")


# --- what was sent -------------------------------------------------------------------------------


def reference(number: int, digest: int = 0) -> SentReference:
    return SentReference(number.to_bytes(32, "big"), digest.to_bytes(32, "big"), b"sealed")


@pytest.mark.parametrize("count", [0, 1, 499, 500, 501, 5_000, 5_001, 10_100])
def test_all_that_was_sent_is_remembered(database: Database, count: int) -> None:
    """Whatever the number: references are asked and written in parts."""
    with database.transaction() as tx:
        sent.remember(tx, "notifications", "p1", (reference(n, n) for n in range(count)))
        asked = [n.to_bytes(32, "big") for n in range(-(-count * 3 // 2) + 1)]
        found = sent.last_digests(tx, "notifications", asked)
        assert found == {n.to_bytes(32, "big"): n.to_bytes(32, "big") for n in range(count)}
        assert sent.last_digests(tx, "scr-updates", asked[:5]) == {}


def test_a_reference_sent_again_takes_its_new_digest(database: Database) -> None:
    with database.transaction() as tx:
        sent.remember(tx, "notifications", "p1", [reference(1, 1), reference(2, 1)])
        sent.remember(tx, "notifications", "p2", [reference(2, 7)])
        sent.remember(tx, "scr-updates", "p3", [reference(2, 9)])
        rows = tx.execute(
            sa.select(
                sent_references.c.reference_mac,
                sent_references.c.row_mac,
                sent_references.c.first_package_id,
                sent_references.c.package_id,
            ).where(sent_references.c.flow == "notifications")
        ).all()
    told = {
        int.from_bytes(row[0], "big"): (int.from_bytes(row[1], "big"), row[2], row[3])
        for row in rows
    }
    assert told == {1: (1, "p1", "p1"), 2: (7, "p1", "p2")}


def test_of_one_reference_twice_in_a_package_the_later_counts(database: Database) -> None:
    with database.transaction() as tx:
        sent.remember(tx, "notifications", "p1", [reference(1, 1), reference(1, 2)])
        assert sent.last_digests(tx, "notifications", [reference(1).reference_mac]) == {
            reference(1).reference_mac: reference(1, 2).row_mac
        }


# --- facts about the home, and the vault's list --------------------------------------------------


def test_a_fact_about_the_home_is_the_last_one_put(database: Database) -> None:
    with database.transaction() as tx:
        assert meta.get(tx, "version") is None
        for value in ("1", "", "Größe ’\n", "1"):
            meta.put(tx, "version", value)
            assert meta.get(tx, "version") == value


def test_noting_a_vault_object_twice_is_harmless(database: Database) -> None:
    with database.transaction() as tx:
        vault.add(tx, "a" * 64, "original", 3, AT)
        vault.add(tx, "a" * 64, "original", 3, AT + timedelta(days=1))
        assert tx.exec_driver_sql("SELECT count(*) FROM vault").scalar_one() == 1
