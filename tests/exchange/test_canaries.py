"""After an exchange no value of the extract is to be found in the home outside ciphertext."""

import csv
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import openpyxl
import pytest
from in_sight import Watch, recorded, recorded_gpg, secrets_of
from openpyxl.comments import Comment
from openpyxl.workbook.defined_name import DefinedName

AT = "2026-03-02T16:05"
# One token for every column that holds free text, a reference, or must be dropped.
TOKENS = {
    "Reference number": "TKREF7741",
    "Local authority contact": "Tkcontactwert",
    "Any other settings attended and their name": "Tksettingwert",
    "Unique reference numbers": "TKURN5512",
    "Case information": "Tkcasewert",
    "Child protection database reference": "TKCPD9931",
    "Report author": "Tkauthorwert",
    "Linked cases": "TKLINK3377",
    "Child's full name": "Tkfullname Tksurname",
    "Address line 1": "7 Tkaddress Row",
    "Postcode": "QX1 7TK",
    "NHS number": "999 000 0018",
    "Mother's name": "Tkmother Tkmaiden",
    "Narrative": "Tknarrative",
    "A column nobody has heard of": "Tkunheard",
}
# What a spreadsheet tells of itself, and the file's name: none of it is a cell.
AROUND = {
    "file": "TKFILENAME",
    "sheet": "Tksheetname",
    "author": "Tkcreator",
    "title": "Tktitle",
    "comment": "Tkcomment",
    "commenter": "Tkcommenter",
    "defined name": "Tkdefinedname",
}


def tokens_of(number: int) -> dict[str, str]:
    """The row's own tokens: no two rows share one."""
    return {
        heading: value if heading in ("Postcode", "NHS number") else f"{value}{number}"
        for heading, value in TOKENS.items()
    }


def spellings(value: str) -> set[bytes]:
    """A value as it could lie on a disk: UTF-8 or UTF-16, as it is or folded."""
    forms = {value, value.casefold(), value.upper()}
    return {form.encode(encoding) for form in forms for encoding in ("utf-8", "utf-16-le")}


def needles() -> set[bytes]:
    """Every token of every row, word by word where it has words."""
    words: set[str] = {*AROUND.values(), "TKBROKEN1"}
    for number in (1, 2, 3):
        for value in tokens_of(number).values():
            words.add(value)
            words.update(word for word in value.split() if word.lower().startswith("tk"))
    return {spelling for word in words for spelling in spellings(word)}


def found_in(home: Path) -> list[str]:
    """Files of the home that hold a token: every file but unclaimed drops."""
    hits = []
    tokens = needles()
    for folder, _, names in os.walk(home):
        for name in names:
            path = Path(folder) / name
            if path.is_socket() or path.is_relative_to(home / "inbox"):
                continue
            hits += [f"named {path}" for token in tokens if token in os.fsencode(name)]
            content = path.read_bytes()
            hits += [f"{path}: {token!r}" for token in tokens if token in content]
    return hits


@pytest.mark.parametrize("held", [False, True], ids=["all accepted", "one row held"])
def test_no_value_outside_ciphertext(held, rehearsal_home, inbox, extract, run_gateway, tmp_path):
    def change(number):
        tokens = tokens_of(number)
        if held and number == 2:
            tokens["Case information"] += " seen with Tkfullname2 Tksurname2"
        return tokens

    (inbox / f"{AROUND['file']}.csv").write_text(extract(3, change=change), encoding="utf-8")
    (inbox / "broken.csv").write_text("Reference number\nTKBROKEN1\n", encoding="utf-8")
    ticked = run_gateway(rehearsal_home, "tick", "--now", "2026-03-02T10:00", "--json")
    assert ticked.returncode == 0, ticked.stderr
    states = sorted(drop["state"] for drop in json.loads(ticked.stdout)["drops"])
    assert states == ["partly-held" if held else "accepted", "quarantined"] or states == [
        "accepted",
        "quarantined",
    ]
    dispatched = run_gateway(rehearsal_home, "tick", "--now", AT, "--json")
    shown = run_gateway(rehearsal_home, "status", "--now", AT, "--json")
    logs = [ticked, dispatched, shown]

    assert found_in(rehearsal_home) == []
    for done in logs:
        told = (done.stdout + done.stderr).encode()
        assert [token for token in needles() if token in told] == []

    package = "notifications-2026-03-02-01.zip.gpg"
    opened = run_gateway(
        rehearsal_home,
        "open",
        str(rehearsal_home / "outbox" / "dfe" / "notifications" / package),
        "--party",
        "dfe",
        "--to",
        str(tmp_path / "opened"),
    )
    assert opened.returncode == 0, opened.stderr
    assert found_in(tmp_path / "opened") == [], "a workbook is deflated: look inside it"


def test_the_search_would_find_a_token(rehearsal_home):
    (rehearsal_home / "var" / "leak.log").write_text("seen: tkfullname1", encoding="utf-8")
    assert len(found_in(rehearsal_home)) == 1


def test_nothing_of_what_a_workbook_tells_of_itself(rehearsal_home, inbox, extract, run_gateway):
    """Its file, sheet, author, title, comments and names; the values of its rows as in a CSV."""
    book(extract).save(inbox / f"{AROUND['file']}.xlsx")
    logs = [
        run_gateway(rehearsal_home, "tick", "--now", at, "--json")
        for at in ("2026-03-02T10:00", AT)
    ]
    (drop,) = json.loads(logs[0].stdout)["drops"]
    assert drop["rows"] == 3 or drop["state"] == "quarantined", drop
    assert found_in(rehearsal_home) == []
    for done in logs:
        told = (done.stdout + done.stderr).encode()
        assert [token for token in needles() if token in told] == []


def book(extract) -> openpyxl.Workbook:
    """The extract as a workbook with a canary wherever a workbook has room for one."""
    made = openpyxl.Workbook()
    made.properties.creator = made.properties.lastModifiedBy = AROUND["author"]
    made.properties.title = AROUND["title"]
    sheet = made.active
    sheet.title = AROUND["sheet"]
    for row in csv.reader(io.StringIO(extract(3, change=tokens_of))):
        sheet.append(row)
    sheet["A2"].comment = Comment(AROUND["comment"], AROUND["commenter"])
    made.defined_names[AROUND["defined name"]] = DefinedName(
        AROUND["defined name"], attr_text=f"{AROUND['sheet']}!$A$1"
    )
    return made


# --- what can be seen of processes ---------------------------------------------------------------


@pytest.fixture
def sight(tmp_path, run_gateway):
    """A temp folder and a PATH of its own, for all that an exchange starts."""
    temp = Path(tempfile.mkdtemp(prefix="sight-"))
    gpg = recorded_gpg(tmp_path / "bin")
    environ = {**os.environ, "TMPDIR": str(temp), "PATH": f"{gpg}:{os.environ['PATH']}"}

    def run(home: Path, *words: str) -> str:
        done = run_gateway(home, *words, env=environ)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    with Watch(temp) as watch:
        yield watch, environ, run, gpg
    assert list(temp.iterdir()) == [], "left in the temp folder"
    shutil.rmtree(temp)


@pytest.mark.timeout(600)  # a dozen programs, one after the other, on a machine that may be busy
def test_no_secret_and_no_value_in_words_environments_logs_or_temp_files(
    rehearsal_home, inbox, extract, sight, tmp_path
):
    """A whole exchange by commands, and the service with its faces: drop, window, open, receipt."""
    watch, environ, run, gpg = sight
    (inbox / f"{AROUND['file']}.csv").write_text(extract(3, change=tokens_of), encoding="utf-8")
    said = [run(rehearsal_home, "tick", "--now", at) for at in ("2026-03-02T10:00", AT)]
    package = "notifications-2026-03-02-01.zip.gpg"
    placed = str(rehearsal_home / "outbox" / "dfe" / "notifications" / package)
    told = run(rehearsal_home, "password", placed, "--party", "dfe")
    password = told.split()[-1]
    to = str(tmp_path / "opened")
    said += [run(rehearsal_home, "open", placed, "--party", "dfe", "--to", to, "--receipt")]
    said += [run(rehearsal_home, "tick", "--now", "2026-03-02T16:20")]
    said += [served(rehearsal_home, inbox, environ, extract(1, start=7, change=tokens_of))]

    assert len(password) >= 22, "128 bits"
    hidden = {"the password": {password.encode()}, **secrets_of(rehearsal_home / "keys")}
    assert len(hidden) > 10
    notes = recorded(gpg)
    assert len(notes) > 20
    assert any(b"confined/entry.py" in one for one in watch.seen), "the reader was seen"
    places = {
        "words and environments": watch.seen | notes,
        "logs": {text.encode() for text in said},
        "temp files": watch.temp,
    }
    for place, texts in places.items():
        whole = b"\0\n".join(texts)
        assert [token for token in needles() if token in whole] == [], place
        assert [name for name, forms in hidden.items() if any(f in whole for f in forms)] == [], (
            place
        )
    assert watch.dumping == set(), "core dumps are off"
    assert found_in(rehearsal_home) == []


def served(home: Path, inbox: Path, environ: dict[str, str], extract: str) -> str:
    """The log of a service with its faces that has taken one drop."""
    (home / "config" / "gateway.toml").write_text("settle_seconds = 0.0\ntick_seconds = 1.0\n")
    words = [sys.executable, "-m", "gateway", "--home", str(home), "run"]
    words += ["--api", "127.0.0.1:0", "--web", "127.0.0.1:0"]
    with subprocess.Popen(words, env=environ, stderr=subprocess.PIPE, text=True) as service:
        (inbox / f"{AROUND['file']}2.csv").write_text(extract, encoding="utf-8")
        log = ""
        assert service.stderr
        for line in service.stderr:
            log += line
            if '"event": "drop"' in line:
                break
        assert found_in(home) == [], "while the database's own journals lie there"
        service.terminate()
        return log + service.communicate()[1]
