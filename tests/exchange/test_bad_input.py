"""Bad input, by name: a coded and plain answer, the drop kept, nothing half-sent, the worker alive.

`docs/bad-input.md` tells senders and administrators the same; a test holds the two together.
"""

import json
import os
import re
import stat
from collections import Counter
from pathlib import Path

import pytest
from bad_conditions import growing
from bad_files import FILES, TABLES, planted, rows_of, text_workbook
from bad_home import MORNING, SENTENCES, TOKEN, TUESDAY, WINDOW, in_plain_words
from openpyxl.utils.escape import unescape

from gateway.intake.findings import KINDS


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
        assert Counter(code for code, _, _ in reported) == codes
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
    with exchange.working() as worker:
        told = worker.tick(MORNING)
        assert [drop["state"] for drop in told.drops] == ["accepted"] * len(HOSTILE_NAMES)
        assert list(exchange.inbox.iterdir()) == []
        after = exchange.lives(worker, more=len(HOSTILE_NAMES))
        exchange.says_nothing_of(TOKEN, told, after)
    assert list(exchange.home.root.rglob("pwned*")) == []
    assert list(Path.cwd().glob("*pwned*")) == [], "other tests write here too, but not that"


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


# --- the page ----------------------------------------------------------------------------------

ISSUE = (
    "Half-written file", "File that grows", "Empty", "Header only", "Not what its name says",
    "Wrong encoding", "NUL bytes", "Ragged rows", "1 MB cell", "Two header rows",
    "Missing heading", "Repeated heading", "Hidden sheet", "Macros", "DTD", "Zip bomb",
    "Password-protected workbook", "Legacy workbook", "Symlink", "FIFO", "Hard link",
    "Hostile file name", "Unknown folder", "Full disk", "Unwritable outbox", "Missing gpg",
    "Missing key", "Expired key", "Wrong recipient key", "Database locked",
)  # fmt: skip
CODE = re.compile(r"`([a-z]+\.[a-z0-9-]+)`")


def test_the_page_tells_the_truth(checkout):
    page = (checkout / "docs" / "bad-input.md").read_text(encoding="utf-8")
    table = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| ")]
    rows = {cells[0]: cells[1:] for cells in table[2:]}
    assert all(len(cells) == 3 and all(cells) for cells in rows.values())
    assert set(ISSUE) <= rows.keys()
    sources = "".join(path.read_text() for path in (checkout / "gateway").rglob("*.py"))
    for code in CODE.findall(page):
        assert code in KINDS or f'"{code}"' in sources, code
    for name, (told, _, _) in rows.items():
        for code in KINDS.keys() & set(CODE.findall(told)):
            said = told.replace("*column*", "{column}").replace("*n*", "{count}")
            assert f"{KINDS[code].message} {KINDS[code].fix}" in said, (name, code)
    for case in FILES:
        assert case.codes.keys() <= set(CODE.findall(rows[case.name][0])), case.name
