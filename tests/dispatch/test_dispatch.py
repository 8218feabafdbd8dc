"""The story of a package: made whole in one transaction or not at all, whatever stops it."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from rehearsing import NIL, NOTIFICATIONS, AtWork, clean_row, csv_of, make_reader

from gateway.agreement.model import Recipient
from gateway.crypto import excel, zips
from gateway.crypto.faults import CryptoFault
from gateway.dispatch import Dispatch, Dispatched, dispatch, place_waiting
from gateway.dispatch.delivery import Placed
from gateway.dispatch.password import PasswordRefused, released_password, sealed_password
from gateway.engine.arrivals import take_in
from gateway.engine.parts import Parts
from gateway.engine.windows import open_windows
from gateway.intake.confined.reader import Reader
from gateway.store import windows
from gateway.store.windows import WindowRow

AT_FOUR = "2026-03-02T16:00"
PACKAGE = "notifications-2026-03-02-01"


@pytest.fixture(scope="session")
def shared_reader() -> Iterator[Reader]:
    """One confined reader for all tests of this module."""
    with make_reader() as reader:
        yield reader


@pytest.fixture
def work(rehearsal_home: Path, shared_reader: Reader) -> AtWork:
    """A fresh rehearsal home."""
    return AtWork(rehearsal_home, shared_reader)


@pytest.fixture
def parts(work: AtWork) -> Iterator[tuple[Parts, datetime]]:
    """Its parts at four on a Monday."""
    with work.parts(AT_FOUR) as made:
        yield made


def due(parts: Parts, now: datetime, *drops: bytes) -> list[WindowRow]:
    """Those drops taken, and the window that is due for them."""
    work = AtWork(parts.home.root, parts.reader)
    for content in drops:
        work.drop(content)
    taken = take_in(parts, now)
    assert len(taken.processed) == len(drops)
    open_windows(parts, parts.flow(NOTIFICATIONS), now)
    with parts.database.transaction() as tx:
        return windows.due(tx, NOTIFICATIONS)


def placed(parts: Parts, now: datetime, with_parts: Dispatch | None = None) -> list[Placed]:
    def parts_of(flow_id: str) -> Dispatch:
        return with_parts or parts.dispatch(flow_id)

    return list(place_waiting(parts_of, parts.database, now, {NOTIFICATIONS}))


def events(work: AtWork) -> list[str]:
    kinds = ("package.", "delivery.", "window.packed", "window.covered", "drop.sent")
    return [leaf["event"] for leaf in work.leaves() if leaf["event"].startswith(kinds)]


# --- one package ---------------------------------------------------------------------------------


def test_a_package_is_made_and_then_placed(work: AtWork, parts: tuple[Parts, datetime]) -> None:
    gateway, now = parts
    content = csv_of([clean_row(1), clean_row(2), clean_row(3, gender="?"), clean_row(1)])
    told: list[tuple[str, int, int | None]] = []
    made = dispatch(
        gateway.dispatch(NOTIFICATIONS),
        due(gateway, now, content),
        now,
        lambda *words: told.append(words),
    )
    assert made == Dispatched(PACKAGE, NOTIFICATIONS, "data", 2, 0, 1, ())
    assert made.sentence == "2 rows, 0 of them updates."
    assert ("writing", 2, 2) in told
    assert work.packages() == []
    assert events(work) == ["package.sealed", "window.packed", "drop.sent"]
    assert list(work.home.packages_work.iterdir()) == []

    first = placed(gateway, now)
    assert [(item.party, item.fault) for item in first] == [("dfe", None), ("panel", None)]
    assert first[0].as_json()["file"].endswith(f"outbox/dfe/notifications/{PACKAGE}.zip.gpg")
    assert events(work)[3:] == ["delivery.placed", "delivery.placed", "package.placed"]
    assert placed(gateway, now) == []
    assert work.packages() == work.packages("panel") == [PACKAGE]


def test_the_manifest_accounts_for_every_row(work: AtWork, parts: tuple[Parts, datetime]) -> None:
    gateway, now = parts
    first = csv_of([clean_row(1), clean_row(2), clean_row(3, gender="?")])
    second = csv_of([clean_row(2, case="Reviewed."), clean_row(4), clean_row(4)])
    dispatch(gateway.dispatch(NOTIFICATIONS), due(gateway, now, first, second), now)
    placed(gateway, now)
    text = (work.home.outbox_of("dfe", NOTIFICATIONS) / f"{PACKAGE}.manifest.json").read_text()
    outer = json.loads(text)
    assert outer["counts"] == {
        "rows": 6,
        "accepted": 4,
        "held": 1,
        "repeats": 1,
        "left_out": 1,
        "sent": 3,
        "new": 3,
        "updates": 0,
    }
    assert outer["columns_dropped"] == {"listed": ["Child's full name"], "others": 0}
    assert "Zzyzwick" not in text and "SCN0" not in text


def test_several_windows_end_in_one_package(work: AtWork, parts: tuple[Parts, datetime]) -> None:
    gateway, now = parts
    due(gateway, now)
    with gateway.database.transaction() as tx:
        for day in (3, 4):
            at = now.replace(day=day)
            windows.add(tx, NOTIFICATIONS, at.date(), at, missed=True)
        waiting = windows.due(tx, NOTIFICATIONS)
    made = dispatch(gateway.dispatch(NOTIFICATIONS), waiting, now)
    assert made.package_id == "notifications-2026-03-04-01"
    assert made.as_json()["covers"] == ["2026-03-02", "2026-03-03"]
    assert [state for _, state, _, _ in work.windows()] == ["covered", "covered", "packed"]
    assert {package for *_, package in work.windows()} == {made.package_id}


@pytest.mark.parametrize(
    ("drops", "kind", "alarm"),
    [
        ((), "nothing-received", "flow.nothing-received"),
        ((csv_of([clean_row(1, gender="?")]),), "rows-held", "flow.rows-held"),
        ((NIL,), "nil-declared", None),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_an_empty_package_says_why(
    work: AtWork,
    parts: tuple[Parts, datetime],
    drops: tuple[bytes, ...],
    kind: str,
    alarm: str | None,
) -> None:
    gateway, now = parts
    made = dispatch(gateway.dispatch(NOTIFICATIONS), due(gateway, now, *drops), now)
    assert (made.kind, made.rows) == (kind, 0)
    assert ": " in made.sentence
    assert work.alarms() == ({alarm: "flow:notifications"} if alarm else {})


# --- the three protections -----------------------------------------------------------------------


def test_each_recipient_is_protected_as_agreed(
    work: AtWork, parts: tuple[Parts, datetime], tmp_path: Path
) -> None:
    """One zip and one password for all; the recipient of Excel's encryption gets the sheet."""
    gateway, now = parts
    waiting = due(gateway, now, csv_of([clean_row(1)]))
    recipients = (
        Recipient(party="dfe", protection="password"),
        Recipient(party="panel", protection="excel-password"),
    )
    changed = with_recipients(gateway, recipients)
    dispatch(changed, waiting, now)
    assert [item.fault for item in placed(gateway, now, changed)] == [None, None]
    with gateway.database.transaction() as tx:
        password = released_password(tx, gateway.sealer, PACKAGE, "panel")
        assert password == released_password(tx, gateway.sealer, f"{PACKAGE}.zip", "dfe")
    dfe = work.home.outbox_of("dfe", NOTIFICATIONS) / f"{PACKAGE}.zip"
    members = zips.unzip_sealed(dfe, tmp_path / "zip", password, 10_000_000)
    assert set(members) == {"data.xlsx", "manifest.json"}
    panel = work.home.outbox_of("panel", NOTIFICATIONS) / f"{PACKAGE}.xlsx"
    excel.unprotect(panel, tmp_path / "data.xlsx", password)
    sheet = openpyxl.load_workbook(tmp_path / "data.xlsx").active
    assert [row[0].value for row in sheet.iter_rows(min_row=2)] == ["SCN000001"]


def with_recipients(gateway: Parts, recipients: tuple[Recipient, ...]) -> Dispatch:
    """Dispatch under an agreement with other recipients."""
    dispatching = gateway.dispatch(NOTIFICATIONS)
    agreement = dispatching.agreed.agreement
    flows = tuple(
        flow.model_copy(update={"recipients": recipients}) if flow.id == NOTIFICATIONS else flow
        for flow in agreement.flows
    )
    changed = agreement.model_copy(update={"flows": flows})
    return replace(dispatching, agreed=replace(dispatching.agreed, agreement=changed))


def test_a_recipient_without_a_pinned_key_stops_the_package(
    work: AtWork, parts: tuple[Parts, datetime]
) -> None:
    gateway, now = parts
    waiting = due(gateway, now, csv_of([clean_row(1)]))
    recipients = (Recipient(party="dfe"), Recipient(party="nobody"))
    with pytest.raises(CryptoFault) as told:
        dispatch(with_recipients(gateway, recipients), waiting, now)
    assert told.value.code == "pins.missing"
    untouched(work)


# --- stopped anywhere ----------------------------------------------------------------------------


class Cut(Exception):
    """The machine stops here."""


class CutShort:
    """A real part that stops just before one of its methods, on the n-th call."""

    def __init__(self, real: Any, method: str, nth: int = 1) -> None:
        self.real, self.method, self.left = real, method, nth

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.real, name)
        return self.call if name == self.method else found

    def call(self, *values: Any, **named: Any) -> Any:
        self.left -= 1
        if self.left == 0:
            raise Cut
        return getattr(self.real, self.method)(*values, **named)


class CutDatabase:
    """The real database, stopped just before or after the n-th transaction."""

    def __init__(self, real: Any, when: str, nth: int) -> None:
        self.real, self.when, self.left = real, when, nth

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        self.left -= 1
        if self.left == 0 and self.when == "before":
            raise Cut
        with self.real.transaction() as tx:
            yield tx
        if self.left == 0:
            raise Cut

    def confirm(self) -> None:
        self.real.confirm()


def part(name: str, method: str, nth: int = 1) -> Callable[[Dispatch], Dispatch]:
    return lambda parts: replace(parts, **{name: CutShort(getattr(parts, name), method, nth)})


def database(when: str, nth: int) -> Callable[[Dispatch], Dispatch]:
    return lambda parts: replace(parts, database=CutDatabase(parts.database, when, nth))


# Transactions: the drops that wait, the digests sent before, and the one that makes the package.
CUTS: dict[str, Callable[[Dispatch], Dispatch]] = {
    "at the start": database("before", 1),
    "while gathering": part("staging", "read"),
    "while the account is opened": part("sealer", "open"),
    "while the rows are walked again": part("staging", "read", 2),
    "before the first seal": part("openpgp", "sign_and_encrypt"),
    "before the second seal": part("openpgp", "sign_and_encrypt", 2),
    "before a signature": part("openpgp", "detach_sign", 2),
    "before the vault": part("vault", "keep"),
    "half way into the vault": part("vault", "keep", 4),
    "before the package is entered": database("before", 5),
    "while it is entered": part("vault", "enter", 2),
    "while references are remembered": part("sealer", "seal", 2),
}


def untouched(work: AtWork) -> None:
    """Nothing has happened: the window is due, the drop waits, no plain file is left."""
    assert [(state, package) for _, state, _, package in work.windows()] == [("due", None)]
    assert work.states() == ["accepted"]
    for table in ("packages", "deliveries", "sent_references"):
        assert work.query(f"SELECT count(*) FROM {table}") == [(0,)]  # noqa: S608
    assert events(work) == []
    assert list(work.home.packages_work.iterdir()) == []


@pytest.mark.parametrize("point", list(CUTS))
def test_a_package_cut_short_has_not_happened_and_is_then_made_once(
    work: AtWork, parts: tuple[Parts, datetime], point: str
) -> None:
    gateway, now = parts
    waiting = due(gateway, now, csv_of([clean_row(1)]))
    with pytest.raises(Cut):
        dispatch(CUTS[point](gateway.dispatch(NOTIFICATIONS)), waiting, now)
    untouched(work)
    dispatch(gateway.dispatch(NOTIFICATIONS), waiting, now)
    placed(gateway, now)
    assert work.packages() == work.packages("panel") == [PACKAGE]
    assert events(work).count("package.sealed") == 1


def test_a_package_made_but_not_placed_is_placed_by_the_next_run(
    work: AtWork, parts: tuple[Parts, datetime]
) -> None:
    gateway, now = parts
    waiting = due(gateway, now, csv_of([clean_row(1)]))
    dispatching = gateway.dispatch(NOTIFICATIONS)
    with pytest.raises(Cut):
        dispatch(database("after", 5)(dispatching), waiting, now)
    ((sealed, _),) = work.query("SELECT sha256, party FROM deliveries WHERE party = 'dfe'")
    with pytest.raises(Cut):
        placed(gateway, now, database("before", 1)(dispatching))  # placed, and not yet recorded
    assert work.packages() == [PACKAGE]
    left = {item.party: item.sha256 for item in placed(gateway, now)}
    assert left["dfe"] == sealed
    assert events(work).count("delivery.placed") == 2
    assert events(work)[-1] == "package.placed"


def test_a_window_packed_by_another_is_not_packed_twice(
    work: AtWork, parts: tuple[Parts, datetime]
) -> None:
    """A worker that froze and woke with the windows it had read before."""
    gateway, now = parts
    waiting = due(gateway, now, csv_of([clean_row(1)]))
    dispatch(gateway.dispatch(NOTIFICATIONS), waiting, now)
    before = work.database()
    with pytest.raises(Exception, match=r"never written over|no longer"):
        dispatch(gateway.dispatch(NOTIFICATIONS), waiting, now)
    assert work.database() == before
    assert list(work.home.packages_work.iterdir()) == []


# --- passwords -----------------------------------------------------------------------------------


def test_a_password_is_for_recipients_of_that_package(
    work: AtWork, parts: tuple[Parts, datetime]
) -> None:
    gateway, now = parts
    dispatch(gateway.dispatch(NOTIFICATIONS), due(gateway, now), now)
    with gateway.database.transaction() as tx:
        password = released_password(tx, gateway.sealer, PACKAGE, "dfe")
        assert password == released_password(tx, gateway.sealer, f"{PACKAGE}.zip.gpg", "panel")
        assert password == released_password(tx, gateway.sealer, f"{PACKAGE}.manifest.json", "dfe")
        for package, party, code in (
            (PACKAGE, "ofsted", "package.not-yours"),
            (PACKAGE, "nobody", "package.not-yours"),
            ("notifications-2026-03-03-01", "dfe", "package.unknown"),
            ("../../etc/passwd", "dfe", "package.unknown"),
            ("", "dfe", "package.unknown"),
        ):
            with pytest.raises(PasswordRefused) as told:
                released_password(tx, gateway.sealer, package, party)
            assert told.value.code == code
            assert told.value.hint
    assert all(password not in line for line in work.database())


def test_a_sealed_password_opens_for_its_own_package_alone(
    parts: tuple[Parts, datetime],
) -> None:
    sealer = parts[0].sealer
    sealed = sealed_password(sealer, PACKAGE, "abcd-efgh")
    assert b"abcd" not in sealed
    with pytest.raises(CryptoFault):
        sealer.open(sealed, "password:notifications-2026-03-03-01")
    assert sealer.open(sealed, f"password:{PACKAGE}") == b"abcd-efgh"
