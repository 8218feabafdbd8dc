"""Bad conditions, by name: a coded and plain alarm, the drop kept, nothing half-sent, and then on.

The files themselves are in `test_bad_input.py`; `docs/bad-input.md` tells of both.
"""

import json
import os
import random
import shutil

import pytest
from bad_conditions import (
    EXPIRY,
    LockedAt,
    Programs,
    Service,
    fill,
    locked,
    new_key,
    pin,
    small_disk,
    take_over_keys,
    without_secret_key,
)
from bad_files import planted
from bad_home import MORNING, SENTENCES, TOKEN, TUESDAY, WINDOW, Exchange

from gateway.crypto.faults import CryptoFault
from gateway.crypto.keys import load_pins, write_pins
from gateway.dispatch.opening import OpeningFault
from gateway.settings import Home
from gateway.store import drops
from gateway.store.alarms import open_alarms

# --- the disk -----------------------------------------------------------------------------


@pytest.mark.parametrize("left", [0, 160], ids=lambda left: f"{left} KiB left")
def test_a_full_disk(left, exchange):
    data = exchange.extract(300).encode()
    with small_disk(exchange.home.root), exchange.working() as worker:
        path = exchange.drop(f"{TOKEN}.csv", data)
        ballast = fill(exchange.home.root, left)
        for at in (MORNING, WINDOW):
            told = worker.tick(at)
            assert set(told.faults) == {"disk.full"}
            assert SENTENCES.fullmatch(told.faults["disk.full"])
            assert worker.opened() == {"dfe": {}, "panel": {}}
        assert path.exists() or list(exchange.home.drops_work.glob("*/*/claimed"))
        ballast.unlink()
        told = exchange.lives(worker, "2026-03-02T16:10", more=300)
        assert "disk.full" not in told.alarms
        exchange.says_nothing_of(TOKEN, told)


@pytest.mark.parametrize("left", [150, 700, 1000], ids=lambda left: f"{left} KiB left")
def test_a_disk_that_fills_while_a_package_is_made(left, exchange):
    """The workbook, of half a megabyte, is full at different places: in it, its zip, its seal."""
    noise = random.Random(left)
    data = exchange.extract(
        300, change=lambda _: {"Case information": f"{noise.getrandbits(8_000):x} {TOKEN}"}
    )
    with small_disk(exchange.home.root), exchange.working() as worker:
        exchange.drop("good.csv", data.encode())
        assert [drop["state"] for drop in worker.tick(MORNING).drops] == ["accepted"]
        ballast = fill(exchange.home.root, left)
        told = worker.tick(WINDOW)
        assert set(told.faults) == {"disk.full"}
        assert SENTENCES.fullmatch(told.alarms["disk.full"])
        assert worker.opened() == {"dfe": {}, "panel": {}}
        ballast.unlink()
        told = exchange.lives(worker, "2026-03-02T16:10", start=601, more=300)
        assert "disk.full" not in told.alarms
        exchange.says_nothing_of(TOKEN, told)


def test_a_full_outbox_takes_the_very_same_bytes_later(exchange):
    outbox = exchange.home.outbox_of("dfe", "notifications")
    with exchange.working() as worker:
        exchange.drop("good.csv", exchange.good())
        with small_disk(outbox, "64k"):
            ballast = fill(outbox)
            told = worker.tick(WINDOW)
            assert (set(told.faults), told.placed) == ({"disk.full"}, ["panel"])
            assert SENTENCES.fullmatch(told.alarms["disk.full"])
            assert [path.name for path in outbox.iterdir()] == [ballast.name]
            ballast.unlink()
            told = worker.tick("2026-03-02T16:10")
            assert (told.faults, told.placed, told.packages) == ({}, ["dfe"], [])
            assert "disk.full" not in told.alarms
            sheets = worker.opened()
            assert sheets["dfe"] == sheets["panel"] != {}


# --- the database -------------------------------------------------------------------------


def test_a_locked_database(exchange):
    path = exchange.drop(f"{TOKEN}.csv", exchange.good())
    with exchange.working(busy_seconds=0) as worker:
        with locked(exchange.home.database):
            told = worker.tick(WINDOW)
        assert (told.error, list(told.faults)) == ("database.locked", ["database.locked"])
        assert SENTENCES.fullmatch(told.faults["database.locked"])
        assert path.is_file()
        assert worker.opened() == {"dfe": {}, "panel": {}}
        exchange.lives(worker, start=601, more=2)


@pytest.mark.parametrize("stage", ["reading", "checking"])
def test_a_database_locked_half_way(stage, exchange):
    data = exchange.good(count=1)
    exchange.drop(f"{TOKEN}.csv", data)
    with exchange.working(busy_seconds=0) as worker:
        lock = LockedAt(exchange.home.database, stage)
        told = worker.tick(WINDOW, lock)
        assert lock.held
        lock.release()
        assert set(told.faults) == {"database.locked"}
        assert worker.opened() == {"dfe": {}, "panel": {}}
        exchange.lives(worker, "2026-03-02T16:10", start=601, more=1)
        with worker.parts.database.transaction() as tx:
            first = min(drops.latest(tx), key=lambda row: row.size)
        assert worker.sealed_original(first.id) == data


# --- keys and gpg -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "expires", "offered", "code", "seen"),
    [
        ("exchange", None, False, "key.unknown", "key.missing"),
        ("exchange", EXPIRY, True, "key.expired", "key.expired"),
        ("records", None, False, "key.unknown", "key.missing"),
        ("records", EXPIRY, True, "key.expired", "key.expired"),
    ],
)
def test_a_missing_or_expired_key(role, expires, offered, code, seen, exchange):
    """The key of dfe that packages go to, and the key of ofsted that originals are sealed to."""
    party = "dfe" if role == "exchange" else "ofsted"
    pin(exchange, party, role, new_key(exchange, party, role, expires))
    if offered:
        take_over_keys(exchange)
    path = exchange.drop(f"{TOKEN}.csv", exchange.good())
    with exchange.working() as worker:
        told = worker.tick(WINDOW)
        assert set(told.faults) == {code}
        for alarm in {code, seen}:
            assert SENTENCES.fullmatch(told.alarms[alarm]), told.alarms[alarm]
        size = worker.ledger_size()
        assert worker.tick("2026-03-02T16:06").alarms == told.alarms
        assert worker.ledger_size() == size, "what is known is not told again at each tick"
        assert path.exists() == (role == "records")
        assert worker.opened() == {"dfe": {}, "panel": {}}
    pin(exchange, party, role, new_key(exchange, party, role))
    take_over_keys(exchange)
    with exchange.working() as worker:
        told = exchange.lives(worker, TUESDAY, start=601, more=2)
        assert told.alarms.keys() <= {"window.missed"}


def test_a_wrong_recipient_key_is_not_taken_over(exchange):
    pinned = load_pins(exchange.home.parties_file).exchange_of("dfe")
    new_key(exchange, "dfe", "exchange")  # offered, never pinned
    with pytest.raises(CryptoFault) as refused:
        take_over_keys(exchange)
    assert refused.value.code == "key.mismatch"
    assert SENTENCES.fullmatch(str(refused.value)), str(refused.value)
    with exchange.working() as worker:
        told = exchange.lives(worker)  # sealed to the key pinned, which opens it
        assert "key.mismatched" not in told.alarms
        assert worker.parts.pins.exchange_of("dfe") == pinned


def test_a_wrong_recipient_key_in_place_of_the_pinned_one(exchange):
    first = new_key(exchange, "dfe", "exchange")
    pin(exchange, "dfe", "exchange", first)
    new_key(exchange, "dfe", "exchange")
    exchange.drop(f"{TOKEN}.csv", exchange.good())
    with exchange.working() as worker:
        told = worker.tick(WINDOW)
        assert set(told.faults) == {"key.unknown"}
        assert "telephone" in told.alarms["key.mismatched"]
        assert worker.opened() == {"dfe": {}, "panel": {}}


def test_a_recipient_cannot_open_what_is_for_another(exchange):
    with exchange.working() as worker:
        exchange.lives(worker)
        package = "notifications-2026-03-02-01.zip.gpg"
        theirs = exchange.home.outbox_of("dfe", "notifications") / package
        with pytest.raises(OpeningFault) as refused:
            worker.open_as("panel", theirs)
        assert refused.value.code == "message.not-for-us"
        assert list(exchange.scratch.glob("wrong*")) == []


def test_two_parties_pinned_to_one_key(exchange):
    pins = load_pins(exchange.home.parties_file)
    pin(exchange, "dfe", "exchange", pins.exchange_of("panel"))
    path = exchange.drop(f"{TOKEN}.csv", exchange.good())
    with pytest.raises(CryptoFault) as refused, exchange.working():
        pass
    assert refused.value.code == "pins.faulty"
    assert path.is_file()
    write_pins(exchange.home.parties_file, pins)
    with exchange.working() as worker:
        exchange.lives(worker, start=601, more=2)


def test_the_gateways_own_key_is_missing(exchange):
    exchange.drop(f"{TOKEN}.csv", exchange.good())
    with exchange.working() as worker:
        with without_secret_key(worker):
            told = worker.tick(WINDOW)
        assert set(told.faults) == {"key.no-secret"}
        for code in ("key.no-secret", "key.missing"):
            assert SENTENCES.fullmatch(told.alarms[code])
        assert worker.opened() == {"dfe": {}, "panel": {}}
        told = exchange.lives(worker, "2026-03-02T16:10", start=601, more=2)
        assert not {"key.no-secret", "key.missing"} & set(told.alarms)


def test_a_command_without_gpg(exchange, tmp_path, run_gateway):
    path = exchange.drop(f"{TOKEN}.csv", exchange.good())
    (tmp_path / "empty").mkdir()
    lacking = {**os.environ, "PATH": str(tmp_path / "empty")}
    done = run_gateway(exchange.home.root, "tick", "--now", WINDOW, "--json", env=lacking)
    assert done.returncode == 1
    assert "[gpg.missing]" in done.stderr and "Install GnuPG" in done.stderr
    assert "Traceback" not in done.stderr
    assert path.is_file()


def test_gpg_is_missing(exchange, tmp_path, monkeypatch):
    programs = Programs(tmp_path / "bin")
    monkeypatch.setenv("PATH", str(programs.folder))
    path = exchange.drop(f"{TOKEN}.csv", exchange.good())
    with exchange.working() as worker:
        programs.take()
        told = worker.tick(WINDOW)
        assert set(told.faults) == {"gpg.missing"}
        assert SENTENCES.fullmatch(told.faults["gpg.missing"])
        assert path.is_file()
        programs.give()
        assert worker.opened() == {"dfe": {}, "panel": {}}
        told = exchange.lives(worker, "2026-03-02T16:10", start=601, more=2)
        assert "gpg.missing" not in told.alarms


def test_the_service_lives_on_without_gpg(exchange, tmp_path):
    """`run` itself, its worker a process of its own, while GnuPG is removed and comes back."""
    exchange.home.settings_file.write_text("settle_seconds = 0.0\ntick_seconds = 1.0\n")
    programs = Programs(tmp_path / "bin")
    with Service(exchange.home.root, programs.folder) as service:
        service.heard("working")
        programs.take()
        path = exchange.drop(f"{TOKEN}.csv", exchange.good())
        fault = service.heard("fault")
        assert fault["code"] == "gpg.missing"
        assert SENTENCES.fullmatch(fault["words"])
        assert path.is_file()
        programs.give()
        assert service.heard("drop")["state"] == "accepted"
    assert service.exit_code == 0
    assert "was killed" not in service.said, "it stops when it is told to, even while it logs"
    assert TOKEN not in service.said
    with exchange.working() as worker, worker.parts.database.transaction() as tx:
        assert {alarm.code for alarm in open_alarms(tx)} <= {"window.missed"}


# --- folders that may not be written -----------------------------------------------------------


def test_an_outbox_that_may_not_be_written(
    ordinary_user, template_home, extract, warm_reader, tmp_path
):
    home = Home(ordinary_user.folder / "home")
    shutil.copytree(template_home, home.root, symlinks=True, ignore=shutil.ignore_patterns("S.*"))
    exchange = Exchange(home, tmp_path, extract, warm_reader)
    data = planted(extract).encode()
    exchange.drop("good.csv", data)
    outbox, reports = home.outbox_of("dfe", "notifications"), home.reports_of("ofsted")
    ordinary_user.own(home.root)

    def told(at: str) -> dict:
        words = ("-m", "gateway", "--home", str(home.root), "tick", "--now", at, "--json")
        done = ordinary_user.run(*words)
        assert done.returncode == 0, done.stderr
        assert TOKEN not in done.stdout + done.stderr
        said = json.loads(done.stdout)
        assert all(SENTENCES.fullmatch(fault["words"]) for fault in said["faults"])
        return said

    reports.chmod(0o500)
    said = told(MORNING)
    assert [fault["code"] for fault in said["faults"]] == ["disk.denied"]
    assert said["unfinished"] == {"notifications": 1}
    reports.chmod(0o700)
    outbox.chmod(0o500)
    said = told(WINDOW)
    assert [drop["state"] for drop in said["drops"]] == ["accepted"]
    assert [fault["code"] for fault in said["faults"]] == ["outbox.unwritable"]
    assert [placed["party"] for placed in said["deliveries"]] == ["panel"]
    assert list(outbox.iterdir()) == []
    outbox.chmod(0o700)
    said = told("2026-03-02T16:10")
    assert (said["faults"], said["packages"], said["alarms"]) == ([], [], [])
    assert [placed["party"] for placed in said["deliveries"]] == ["dfe"]
    with exchange.working() as worker:
        sheets = worker.opened()
        assert sheets["dfe"] == sheets["panel"]
        assert len(sheets["dfe"]["notifications-2026-03-02-01"]) == 2


def test_an_outbox_that_is_gone(exchange):
    outbox = exchange.home.outbox_of("dfe", "notifications")
    aside = outbox.rename(outbox.with_name("aside"))
    exchange.drop(f"{TOKEN}.csv", exchange.good())
    with exchange.working() as worker:
        told = worker.tick(WINDOW)
        assert (list(told.faults), told.placed) == (["outbox.missing"], ["panel"])
        assert SENTENCES.fullmatch(told.alarms["outbox.missing"])
        aside.rename(outbox)
        told = worker.tick("2026-03-02T16:10")
        assert (told.faults, told.placed, told.alarms) == ({}, ["dfe"], {})
        exchange.lives(worker, TUESDAY, start=601)
