"""Disk, database, keys and gpg failing: a coded alarm, nothing lost or half-sent, and then on."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from rehearsing import NOTIFICATIONS, UPDATES, AtWork, clean_row, csv_of, digest, packed

from gateway.crypto.keys import HomeKeys, import_party_keys
from gateway.crypto.openpgp import OpenPGP
from gateway.crypto.pins import PartyPins, Pins, load_pins, write_pins
from gateway.engine.keywatch import key_ends, keys_seen, watch_keys
from gateway.engine.tick import tick
from gateway.intake.confined.reader import Reader
from gateway.store.database import Database, StoreFault

MONDAY, AT_FOUR, LATER = "2026-03-02T09:00", "2026-03-02T16:00", "2026-03-02T16:10"
PACKAGE = "notifications-2026-03-02-01"


def placed_once(work: AtWork, package: str = PACKAGE) -> None:
    """The package lies whole in both outboxes, with the bytes that were sealed, and is recorded."""
    for party in ("dfe", "panel"):
        assert work.packages(party) == [package]
        ((sealed, state),) = work.query(
            "SELECT sha256, state FROM deliveries WHERE package_id = ? AND party = ?",
            package,
            party,
        )
        path = work.home.outbox_of(party, NOTIFICATIONS) / f"{package}.zip.gpg"
        assert (digest(path), state) == (sealed, "placed")
    assert [leaf["event"] for leaf in work.leaves("package.sealed")] == ["package.sealed"]
    assert len(work.leaves("delivery.placed")) == 2


# --- the outbox -----------------------------------------------------------------------------------


@contextmanager
def away(folder: Path) -> Iterator[None]:
    """A folder that is not there, such as a share that is not mounted."""
    aside = folder.with_name(f"{folder.name}.aside")
    folder.rename(aside)
    try:
        yield
    finally:
        aside.rename(folder)


def test_the_very_same_bytes_are_placed_when_an_outbox_is_back(work: AtWork) -> None:
    work.rows(clean_row(1))
    with away(work.home.outbox_of("panel", NOTIFICATIONS)):
        for moment in (AT_FOUR, LATER):
            report = work.tick(moment)
            (fault,) = report.faults
            assert (fault.code, fault.subject) == ("outbox.missing", f"delivery:{PACKAGE}:panel")
            assert work.open_alarms() == [(fault.code, fault.subject)]
        assert work.packages("dfe") == [PACKAGE]
        asked = "SELECT party, state, attempts, last_fault FROM deliveries ORDER BY party"
        assert work.query(asked) == [
            ("dfe", "placed", 1, None),
            ("panel", "sealed", 2, "outbox.missing"),
        ]
    (placed,) = work.tick("2026-03-02T16:20").placed
    assert placed.party == "panel"
    assert work.open_alarms() == []
    placed_once(work)


def test_other_bytes_under_the_package_s_name_are_left_alone(work: AtWork) -> None:
    squatter = work.home.outbox_of("dfe", NOTIFICATIONS) / f"{PACKAGE}.zip.gpg"
    squatter.write_bytes(b"somebody's")
    work.rows(clean_row(1))
    report = work.tick(AT_FOUR)
    assert [fault.code for fault in report.faults] == ["outbox.conflict"]
    assert squatter.read_bytes() == b"somebody's"
    assert work.packages("panel") == [PACKAGE]
    squatter.unlink()
    work.tick(LATER)
    placed_once(work)


@pytest.mark.parametrize("column", ["sha256", "manifest", "signature"])
def test_bytes_damaged_in_the_vault_are_never_placed(work: AtWork, column: str) -> None:
    work.rows(clean_row(1))
    with away(work.home.outbox_of("panel", NOTIFICATIONS)):
        work.tick(AT_FOUR)
    ((name,),) = work.query(f"SELECT {column} FROM deliveries WHERE party = 'panel'")  # noqa: S608
    kept = work.home.vault / name[:2] / name
    whole = kept.read_bytes()
    kept.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    (fault,) = work.tick(LATER).faults
    assert (fault.code, fault.subject) == ("vault.damaged", f"delivery:{PACKAGE}:panel")
    assert work.outbox("panel") == []
    kept.unlink()
    (fault,) = work.tick(LATER).faults
    assert fault.code == "vault.damaged"
    kept.write_bytes(whole)
    work.tick(LATER)
    assert work.open_alarms() == []
    placed_once(work)


def test_an_outbox_that_may_not_be_written(run_as: "RunAs") -> None:
    home, outbox = run_as.home, run_as.home / "outbox" / "panel" / NOTIFICATIONS
    run_as.drop(csv_of([clean_row(1)]))
    outbox.chmod(0o500)
    told = run_as("tick", "--now", AT_FOUR)
    assert told.returncode == 0
    assert "[outbox.unwritable]" in told.stderr
    work = AtWork(home, None)  # type: ignore[arg-type]
    assert work.open_alarms() == [("outbox.unwritable", f"delivery:{PACKAGE}:panel")]
    outbox.chmod(0o700)
    assert run_as("tick", "--now", LATER).returncode == 0
    assert work.open_alarms() == []
    placed_once(work)


class RunAs:
    """A home of the ordinary user, and its gateway."""

    def __init__(self, user, home: Path) -> None:  # type: ignore[no-untyped-def]
        self.user, self.home = user, home

    def drop(self, content: bytes, flow: str = NOTIFICATIONS, party: str = "ofsted") -> Path:
        path = self.home / "inbox" / party / flow / "extract.csv"
        path.write_bytes(content)
        os.utime(path, (1_700_000_000, 1_700_000_000))
        self.user.own(path)
        return path

    def __call__(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return self.user.run("-m", "gateway", "--home", str(self.home), *words)


@pytest.fixture
def run_as(ordinary_user, template_home: Path) -> RunAs:  # type: ignore[no-untyped-def]
    """A rehearsal home that belongs to the ordinary user, who obeys modes."""
    home = ordinary_user.folder / "home"
    shutil.copytree(template_home, home, symlinks=True, ignore=shutil.ignore_patterns("S.*"))
    ordinary_user.own(home)
    return RunAs(ordinary_user, home)


def test_an_inbox_that_may_not_be_read_stops_no_other_flow(run_as: RunAs) -> None:
    run_as.drop(csv_of([clean_row(1)]))
    closed = run_as.home / "inbox" / "dfe" / UPDATES
    closed.chmod(0)
    told = run_as("tick", "--now", AT_FOUR)
    closed.chmod(0o700)
    assert told.returncode == 0, told.stderr
    assert "[disk.denied]" in told.stderr
    work = AtWork(run_as.home, None)  # type: ignore[arg-type]
    placed_once(work)
    assert work.alarms()["disk.denied"] == f"inbox:dfe:{UPDATES}"
    assert run_as("tick", "--now", LATER).returncode == 0
    assert "disk.denied" not in work.alarms()


def test_a_vault_that_may_not_be_written_keeps_the_drop(run_as: RunAs) -> None:
    run_as.drop(csv_of([clean_row(1)]))
    vault = run_as.home / "var" / "vault"
    vault.chmod(0o500)
    told = run_as("tick", "--now", MONDAY)
    assert (told.returncode, "[vault.unwritable]" in told.stderr) == (0, True)
    work = AtWork(run_as.home, None)  # type: ignore[arg-type]
    assert work.states() == []
    assert len(list(work.home.drops_work.glob("*/*/claimed"))) == 1
    vault.chmod(0o700)
    assert run_as("tick", "--now", AT_FOUR).returncode == 0
    assert (work.states(), work.open_alarms()) == (["sent"], [])
    placed_once(work)


# --- the database ---------------------------------------------------------------------------------


@contextmanager
def impatient(work: AtWork, at: str) -> Iterator[Callable[..., object]]:
    """A tick whose database does not wait for other programs."""
    with work.parts(at) as (parts, now):
        database = Database.at(work.home.database, busy_seconds=0)
        yield lambda *more: tick(replace(parts, database=database), now, *more)
        database.close()


def test_a_database_locked_from_the_start_ends_the_tick_and_nothing_more(work: AtWork) -> None:
    path = work.rows(clean_row(1))
    with impatient(work, AT_FOUR) as once:
        other = sqlite3.connect(work.home.database, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreFault) as told:
            once()
        other.close()
    assert told.value.code == "database.locked"
    assert path.is_file()
    assert work.files() == {}
    work.tick(AT_FOUR)
    placed_once(work)


def test_a_database_locked_in_the_middle_of_a_drop(work: AtWork) -> None:
    work.rows(clean_row(1))
    other = sqlite3.connect(work.home.database, isolation_level=None)

    def lock(*_: object) -> None:
        if not other.in_transaction:
            other.execute("BEGIN IMMEDIATE")

    with impatient(work, AT_FOUR) as once, pytest.raises(StoreFault):
        once(lock)
    assert other.in_transaction, "the drop was being read"
    other.execute("ROLLBACK")
    other.close()
    assert work.states() == ["received"]
    work.tick(AT_FOUR)
    assert work.states() == ["sent"]
    assert len(work.leaves("drop.received")) == len(work.leaves("drop.judged")) == 1
    placed_once(work)


# --- the disk -------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path, template_home: Path) -> Iterator[Path]:
    """A rehearsal home on a disk of 40 MB; needs the right to mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=40m,mode=700", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a small disk to fill, and not everywhere")
    try:
        shutil.copytree(
            template_home, disk / "home", symlinks=True, ignore=shutil.ignore_patterns("S.*")
        )
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


@pytest.mark.parametrize("left", [0, 64, 2000, 2400])
def test_a_full_disk_keeps_the_drop_and_sends_nothing_by_half(
    small_disk: Path, shared_reader: Reader, left: int
) -> None:
    """With so many kilobytes left: the first step, or a later one, finds the disk full."""
    work = AtWork(small_disk / "home", shared_reader)
    work.settings("minimum_free_bytes = 0\n")  # the alarm before a disk is full is tested elsewhere
    work.tick(MONDAY)
    rows = [clean_row(at, case=f"Plan {at}: {os.urandom(400).hex()}") for at in range(600)]
    content = csv_of(rows)
    work.drop(content)
    stuffing = small_disk / "stuffing"
    stuffing.write_bytes(b"x" * (shutil.disk_usage(small_disk).free - left * 1024))
    try:
        report = work.tick(AT_FOUR)
        codes = {fault.code for fault in (*report.faults, *report.arrivals.faults)}
    except StoreFault as fault:
        codes = {fault.code}
    whole = [work.packages(party) for party in ("dfe", "panel")]
    stuffing.unlink()
    assert codes or whole == [[PACKAGE], [PACKAGE]]
    assert codes <= {"disk.full", "database.unavailable", "gpg.failed"}
    waiting = [
        *work.home.drops_work.glob("*/*/claimed"),
        *work.home.inbox_of("ofsted", NOTIFICATIONS).glob("*.csv"),
    ]
    kept = [path for path in waiting if path.read_bytes() == content]
    assert len(kept) == 1 or work.states() != ["received"]
    work.tick(LATER)
    assert (work.states(), work.open_alarms()) == (["sent"], [])
    placed_once(work)


# --- keys -----------------------------------------------------------------------------------------


def forgotten(work: AtWork, fingerprint: str) -> None:
    """Take a public key out of the gateway's keyring."""
    with OpenPGP(work.home.keys / "gateway") as openpgp:
        folder = openpgp._home.path
        words = ["--batch", "--yes", "--delete-keys", fingerprint]
        subprocess.run(["gpg", "--homedir", str(folder), *words], check=True, capture_output=True)


def pins(work: AtWork) -> Pins:
    return load_pins(work.home.parties_file)


def test_without_the_sender_s_key_a_drop_stays_where_it_is(work: AtWork) -> None:
    forgotten(work, pins(work).records_of("ofsted"))
    path = work.rows(clean_row(1))
    report = work.tick(MONDAY)
    (fault,) = report.arrivals.faults
    assert (fault.code, fault.subject) == ("key.unknown", "inbox:ofsted:notifications")
    assert path.is_file()
    assert (work.states(), list(work.home.drops_work.glob("*/*"))) == ([], [])
    assert (
        set(work.open_alarms())
        == {
            ("key.unknown", "inbox:ofsted:notifications"),
            ("key.missing", "key:ofsted:records"),
        }
        or "key.mismatched" in work.alarms()
    )
    assert packed(work.tick(AT_FOUR)) == []
    import_party_keys(work.home.root, pins(work))
    work.tick(LATER)
    assert work.open_alarms() == []
    placed_once(work)


def test_without_a_recipient_s_key_nobody_gets_half_a_package(work: AtWork) -> None:
    work.tick(MONDAY)
    forgotten(work, pins(work).exchange_of("panel"))
    work.rows(clean_row(1))
    report = work.tick(AT_FOUR)
    assert [item.state for item in report.arrivals.processed] == ["accepted"]
    (fault,) = report.faults
    assert (fault.code, fault.subject) == ("key.unknown", "window:notifications:2026-03-02")
    assert work.packages("dfe") == work.packages("panel") == []
    assert (work.states(), work.windows()[0][1]) == (["accepted"], "due")
    import_party_keys(work.home.root, pins(work))
    work.tick(LATER)
    assert work.open_alarms() == []
    placed_once(work)


def test_alarms_of_a_window_that_failed_for_days_end_with_it(work: AtWork) -> None:
    work.tick(MONDAY)
    forgotten(work, pins(work).exchange_of("panel"))
    for moment in (AT_FOUR, "2026-03-03T16:00"):
        assert work.tick(moment).faults[0].code == "key.unknown"
    import_party_keys(work.home.root, pins(work))
    (package,) = packed(work.tick("2026-03-03T16:10"))
    assert [day.isoformat() for day in package.covers] == ["2026-03-02"]
    assert {code for code, _ in work.open_alarms()} <= {"flow.nothing-received"}


def replaced_key(work: AtWork, expires: datetime | None) -> str:
    """Give DfE a new exchange key, and pin it."""
    keys = HomeKeys(work.home.root)
    made = datetime(2026, 1, 1, tzinfo=UTC)
    with OpenPGP(keys.rehearsal("dfe")) as openpgp:
        fingerprint = openpgp.generate("DfE second exchange", "encrypt-and-sign", made, expires)
        keys.party_public("dfe", "exchange").write_bytes(openpgp.export_public(fingerprint))
    known = pins(work)
    changed = dict(known.parties) | {
        "dfe": PartyPins(fingerprint, known.parties["dfe"].records),
    }
    write_pins(work.home.parties_file, Pins(known.gateway, changed))
    return fingerprint


def test_an_expired_key_is_warned_of_refused_and_works_when_renewed(work: AtWork) -> None:
    replaced_key(work, datetime(2026, 3, 2, 12, 0, tzinfo=UTC))
    import_party_keys(work.home.root, pins(work))
    subjects = set()
    for moment in ("2026-01-05T09:00", "2026-02-06T09:00", "2026-02-24T09:00"):
        with work.parts(moment) as (parts, now):
            watch_keys(parts, now)
            with parts.database.snapshot() as tx:
                ends, seen = key_ends(tx), keys_seen(tx)
        assert len(seen) == 7
        assert {(it.party, it.state) for it in seen if it.ends} == {("dfe", "expiring")}
        assert ends[("dfe", "exchange")].date() == date(2026, 3, 2)
        subjects.add(work.alarms()["key.expiring"])
    assert subjects == {f"key:dfe:exchange:{level}" for level in (60, 30, 7)}
    work.tick(MONDAY)
    work.rows(clean_row(1))
    report = work.tick(AT_FOUR)
    assert [fault.code for fault in report.faults] == ["key.expired"]
    assert work.alarms()["key.expired"]
    assert work.packages("panel") == []
    replaced_key(work, None)
    import_party_keys(work.home.root, pins(work))
    work.tick(LATER)
    assert work.open_alarms() == []
    placed_once(work)


def test_a_key_that_is_not_the_pinned_one_is_refused(work: AtWork) -> None:
    """The file holds another key than the pin: whoever put it there gets nothing."""
    keys = HomeKeys(work.home.root)
    theirs = keys.party_public("panel", "exchange")
    forgotten(work, pins(work).exchange_of("panel"))
    right = theirs.read_bytes()
    theirs.write_bytes(keys.party_public("dfe", "exchange").read_bytes())
    work.tick(MONDAY)
    assert work.alarms()["key.mismatched"] == "key:panel:exchange"
    work.rows(clean_row(1))
    report = work.tick(AT_FOUR)
    assert [fault.code for fault in report.faults] == ["key.unknown"]
    assert work.packages("dfe") == []
    theirs.write_bytes(right)
    import_party_keys(work.home.root, pins(work))
    work.tick(LATER)
    assert work.open_alarms() == []
    placed_once(work)


# --- gpg itself, and what is staged ---------------------------------------------------------------


def test_without_gpg_nothing_is_claimed(work: AtWork, run_gateway, tmp_path: Path) -> None:
    path = work.rows(clean_row(1))
    empty = tmp_path / "no programs"
    empty.mkdir()
    told = run_gateway(
        work.home.root, "tick", "--now", AT_FOUR, env={**os.environ, "PATH": str(empty)}
    )
    assert (told.returncode, "[gpg.missing]" in told.stderr) == (1, True)
    assert "Traceback" not in told.stderr
    assert path.is_file()
    work.tick(AT_FOUR)
    placed_once(work)


def test_staged_rows_that_were_altered_stop_their_own_flow_alone(work: AtWork) -> None:
    work.rows(clean_row(1))
    work.tick("2026-03-06T09:00")
    (staged,) = work.home.staged.glob("*.accepted")
    whole = staged.read_bytes()
    staged.write_bytes(whole[:-1])
    report = work.tick("2026-03-06T16:00")
    assert [(fault.code, fault.subject) for fault in report.faults] == [
        ("sealed.damaged", "window:notifications:2026-03-06")
    ]
    assert [item.flow for item in report.dispatched] == [UPDATES]
    staged.write_bytes(whole)
    (package,) = packed(work.tick("2026-03-06T16:05"))
    assert package.rows == 1
    assert "sealed.damaged" not in work.alarms()


def test_a_drop_whose_working_file_vanished_is_told_once(work: AtWork) -> None:
    work.rows(clean_row(1))

    def vanish(*_: object) -> None:
        for folder in work.home.drops_work.glob("*/*"):
            shutil.rmtree(folder)
        raise KeyboardInterrupt

    with work.parts(MONDAY) as (parts, now), pytest.raises(KeyboardInterrupt):
        tick(parts, now, vanish)
    for moment in (MONDAY, "2026-03-02T10:00"):
        work.tick(moment)
        (drop_id,) = [drop for (drop,) in work.query("SELECT id FROM drops")]
        assert work.open_alarms() == [("drop.stuck", f"drop:{drop_id}")]
    assert packed(work.tick(AT_FOUR))[0].kind == "nothing-received"


def test_two_ticks_at_once_send_one_package(work: AtWork, checkout: Path) -> None:
    work.rows(*(clean_row(number) for number in range(50)))
    words = [sys.executable, "-m", "gateway", "--home", str(work.home.root), "tick"]
    both = [
        subprocess.Popen([*words, "--now", AT_FOUR], cwd=checkout, stdout=subprocess.DEVNULL)
        for _ in range(2)
    ]
    assert [process.wait() for process in both] == [0, 0]
    assert work.states() == ["sent"]
    placed_once(work)


def test_a_home_whose_parties_are_not_pinned_yet_keeps_what_is_dropped(work: AtWork) -> None:
    """As a real home is between its first `init` and the officers' pins."""
    known = pins(work)
    write_pins(work.home.parties_file, Pins(known.gateway, {}))
    path = work.rows(clean_row(1))
    report = work.tick(AT_FOUR)
    assert [fault.code for fault in report.arrivals.faults] == ["pins.missing"]
    assert path.is_file()
    write_pins(work.home.parties_file, known)
    work.tick(LATER)
    assert work.open_alarms() == []
    placed_once(work)
