"""Whatever goes wrong at the command line has a coded, plain answer, and never a traceback."""

import json
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from rehearsing import AtWork, clean_row, csv_of

from gateway.cli import gateway
from gateway.cli.context import Cli
from gateway.cli.words import say_table

AT = "2026-03-02T16:05"
PACKAGE = "notifications-2026-03-02-01"


def told(done) -> str:
    """The code of a coded answer; there must be one, with words and no traceback."""
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == 1
    answer = re.search(r"^gateway: .*? \[([a-z.-]+)\]$", done.stderr, re.DOTALL | re.MULTILINE)
    assert answer is not None, done.stderr
    return answer[1]


# --- files that cannot be read or written ---------------------------------------------------------


def test_a_file_that_may_not_be_read(ordinary_user):
    path = ordinary_user.folder / "extract.csv"
    path.write_bytes(csv_of([clean_row(1)]))
    ordinary_user.own(path)
    path.chmod(0)
    words = ["check", str(path), "--flow", "notifications"]
    done = ordinary_user.run("-m", "gateway", *words)
    assert (done.returncode, "is not readable" in done.stderr) == (2, True)


def test_a_template_where_nothing_can_be_written(call, checkout, tmp_path):
    target = tmp_path / "no folder" / "template.xlsx"
    done = call(checkout, "template", "--flow", "notifications", "--to", str(target))
    assert told(done) == "file.absent"
    assert str(target) in done.stderr


def test_a_home_where_nothing_can_be_made(ordinary_user):
    (ordinary_user.folder / "closed").mkdir(mode=0o500)
    ordinary_user.own(ordinary_user.folder)
    home = str(ordinary_user.folder / "closed" / "home")
    done = ordinary_user.run("-m", "gateway", "--home", home, "init", "--rehearsal")
    assert told(done) == "disk.denied"


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"tick_seconds = 5\n# \xe9\n"])
def test_settings_that_are_not_utf_8(rehearsal_home, call, content):
    (rehearsal_home / "config" / "gateway.toml").write_bytes(content)
    assert told(call(rehearsal_home, "status")) == "settings.not-toml"


# --- times ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["0001-01-01", "0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00"])
def test_a_time_beyond_all_calendars(rehearsal_home, call, text):
    code = told(call(rehearsal_home, "tick", "--now", text))
    assert code in ("now.too-early", "now.malformed")


# --- a home that is damaged -----------------------------------------------------------------------


def test_a_damaged_database(rehearsal_home, call):
    (rehearsal_home / "var" / "gateway.db").write_bytes(b"no database at all " * 100)
    for words in (("status",), ("tick",), ("init", "--rehearsal")):
        assert told(call(rehearsal_home, *words)) == "database.damaged"
    looked = json.loads(call(rehearsal_home, "doctor", "--json").stdout)
    (database,) = [look for look in looked["looks"] if look["name"] == "database"]
    assert (looked["ok"], "restore the latest backup" in database["words"]) == (False, True)


def test_a_database_of_another_version(rehearsal_home, call):
    plain = sqlite3.connect(rehearsal_home / "var" / "gateway.db")
    plain.execute("UPDATE alembic_version SET version_num = '9999'")
    plain.commit()
    plain.close()
    for words in (("status",), ("init", "--rehearsal")):
        assert told(call(rehearsal_home, *words)) == "database.version"


def test_a_home_key_that_others_can_read(rehearsal_home, call):
    (rehearsal_home / "keys" / "home.key").chmod(0o644)
    assert told(call(rehearsal_home, "status")) == "home-key.unsafe"


def test_a_home_key_that_is_gone(rehearsal_home, call):
    (rehearsal_home / "keys" / "home.key").unlink()
    assert told(call(rehearsal_home, "status")) == "home-key.missing"


def test_an_agreement_that_is_faulty(rehearsal_home, call):
    path = rehearsal_home / "config" / "agreements" / "ofsted-dfe.toml"
    path.write_text("title = 3\n", encoding="utf-8")
    done = call(rehearsal_home, "status")
    assert told(done) == "agreement.faulty"
    assert "ofsted-dfe.toml: title" in done.stderr


def test_without_gpg(rehearsal_home, call, tmp_path):
    (tmp_path / "bin").mkdir()
    assert told(call(rehearsal_home, "status", path=tmp_path / "bin")) == "gpg.missing"
    assert (
        told(call(tmp_path / "new", "init", "--rehearsal", path=tmp_path / "bin")) == "gpg.missing"
    )
    looked = call(rehearsal_home, "doctor", path=tmp_path / "bin")
    assert (looked.returncode, "gpg" in looked.stdout) == (1, True)
    made = call(tmp_path / "new", "init", "--rehearsal")
    assert (made.returncode, made.stdout.startswith("Made: the rehearsal")) == (0, True)


# --- looking before there is a home ---------------------------------------------------------------


def test_looking_at_what_is_no_home_makes_none(tmp_path, call, run_gateway):
    """Even where its folders are there: a doctor that makes an empty database would mislead."""
    home = tmp_path / "home"
    (home / "var").mkdir(parents=True)
    looked = call(home, "doctor")
    assert looked.returncode == 1
    assert sorted(path.name for path in (home / "var").iterdir()) == []
    assert told(call(home, "status")) == "home.absent"
    assert told(run_gateway(home, "run")) == "start.unsafe"
    made = call(home, "init", "--rehearsal")
    assert (made.returncode, made.stdout.startswith("Made: the rehearsal")) == (0, True)


# --- opening --------------------------------------------------------------------------------------


@pytest.fixture
def package(work: AtWork) -> Path:
    """A package in DfE's outbox."""
    work.rows(clean_row(1))
    work.tick(AT)
    return work.home.outbox_of("dfe", "notifications") / f"{PACKAGE}.zip.gpg"


def test_opening_and_its_refusals(work: AtWork, package: Path, call, tmp_path: Path):
    root = work.home.root
    to = tmp_path / "opened"
    words = ["open", str(package), "--to", str(to)]
    opened = call(root, *words, "--party", "dfe")
    assert opened.returncode == 0, opened.stderr
    assert "Opened and verified" in opened.stdout
    assert "1 rows, 0 of them updates" in opened.stdout
    assert sorted(path.name for path in to.iterdir()) == ["data.xlsx", "manifest.json"]

    secret = tmp_path / "password"
    for content, code in (("", "password.missing"), ("wrong\n", "password.wrong")):
        secret.write_text(content)
        done = call(
            root, "open", str(package), "--to", str(tmp_path / "no"), "--party", "dfe",
            "--password-file", str(secret),
        )  # fmt: skip
        assert told(done) == code
    absent = [*words, "--party", "dfe", "--password-file", str(tmp_path / "absent")]
    assert told(call(root, *absent)) == "file.absent"
    assert told(call(root, *words, "--party", "ofsted")) == "package.not-yours"
    missing = str(package.with_name("notifications-2026-03-03-01.zip.gpg"))
    assert told(call(root, "open", missing, "--to", str(to), "--party", "dfe"))
    assert not (tmp_path / "no").exists() or not list((tmp_path / "no").iterdir())


def test_the_password_of_a_rehearsal(work: AtWork, package: Path, call):
    done = call(work.home.root, "password", str(package), "--party", "panel")
    assert (done.returncode, len(done.stdout.strip()) > 25) == (0, True)
    refused = call(work.home.root, "password", str(package), "--party", "ofsted")
    assert told(refused) == "package.not-yours"
    assert told(call(work.home.root, "password", "x", "--party", "dfe")) == "package.unknown"


def test_withdrawing_and_replacing_what_is_not_there(rehearsal_home, call):
    assert told(call(rehearsal_home, "withdraw", "20260302-0123456789ab")) == "drop.unknown"
    assert told(call(rehearsal_home, "replace", "a", "b")) == "drop.unknown"


def test_a_reader_of_our_output_may_leave(work: AtWork, checkout: Path):
    """As `head` does; Python's own complaint at exit helps nobody."""
    words = [sys.executable, "-m", "gateway", "--home", str(work.home.root), "status", "--json"]
    process = subprocess.Popen(
        words, cwd=checkout, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    complaint = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), complaint) == (1, "")


# --- how it speaks --------------------------------------------------------------------------------


def test_tables_show_text_as_it_is(capsys):
    """Words with brackets or colons are words, and not markup."""
    rows = [("[bold]x[/bold]", "a :warning: b"), ("[red]", "[/]")]
    say_table("Title", ("One", "Two"), rows)
    shown = capsys.readouterr().out
    for row in rows:
        for cell in row:
            assert cell in shown


def test_help_names_every_command():
    shown = CliRunner().invoke(gateway, ["--help"], obj=Cli())
    assert shown.exit_code == 0
    for name in ("init", "check", "tick", "status", "open", "password", "run", "doctor"):
        assert f"  {name} " in shown.output
    assert "worker" not in shown.output


def test_a_tick_tells_in_words_what_keeps_things_waiting(work: AtWork, call):
    link = work.home.inbox_of("ofsted", "notifications") / "link"
    link.symlink_to("/nowhere")
    path = work.rows(clean_row(1))
    panel = work.home.outbox_of("panel", "notifications")
    panel.rename(panel.with_name("aside"))
    with path.open("ab"):
        said = call(work.home.root, "tick", "--now", "2026-03-02T16:00")
    assert said.returncode == 0
    assert "Not taken, in the inbox of notifications: This is a link" in said.stdout
    assert "Still arriving or unfinished in notifications: 1" in said.stdout
    assert "The window of 2026-03-02 for notifications waits for a drop" in said.stdout
    said = call(work.home.root, "tick", "--now", AT)
    assert "placed for dfe: " in said.stdout
    assert "placed for panel" not in said.stdout
    assert "[outbox.missing]" in said.stderr
    shown = call(work.home.root, "status", "--now", AT).stdout
    for title in ("Alarms", "Due next", "Drops", "Packages", "Deliveries", "Windows", "Keys"):
        assert f"\n{title}" in shown
    assert call(work.home.root, "agreement", "explain").stdout.startswith("Memorandum")


def test_dropping_and_changing_by_command(work: AtWork, call):
    for number in (1, 2):
        work.rows(clean_row(number))
        work.tick("2026-03-02T09:00")
    ids = [drop for (drop,) in work.query("SELECT id FROM drops ORDER BY number")]
    done = call(work.home.root, "replace", *ids, "--now", AT)
    assert (done.returncode, done.stdout) == (0, f"Replaced: {ids[1]} now stands for {ids[0]}.\n")
    done = call(work.home.root, "withdraw", ids[1], "--now", AT)
    assert done.stdout.startswith(f"Withdrawn: {ids[1]}.")
    assert work.states() == ["replaced", "withdrawn"]
