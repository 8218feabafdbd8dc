"""Recipients' commands, end to end: `open --receipt`, `acknowledge`, and ticks that take them."""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

import jsonschema
import pytest
from rehearsing import AtWork, clean_row

from gateway.crypto.pins import load_pins
from gateway.receipts.receipt import from_bytes

AT, LATER = "2026-03-02T16:05", "2026-03-02T16:20"
PACKAGE = "notifications-2026-03-02-01"


@pytest.fixture
def placed(work: AtWork) -> Path:
    """dfe's outbox with a package in it."""
    work.rows(clean_row(1))
    work.tick(AT)
    return work.home.outbox_of("dfe", "notifications")


@pytest.mark.usefixtures("placed")
def test_three_receipts_from_each_recipient(work, call, checkout, tmp_path):
    """Opened, received, accepted; tick and status tell it as their schemas say."""
    root = work.home.root
    for party in ("dfe", "panel"):
        file = work.home.outbox_of(party, "notifications") / f"{PACKAGE}.zip.gpg"
        to = tmp_path / party
        words = ("open", str(file), "--party", party, "--to", str(to), "--receipt")
        done = call(root, *words, "--now", LATER)
        assert done.returncode == 0, done.stderr
        assert (to / "data.xlsx").is_file()
        assert len(list(work.home.receipts_of(party).glob("*.receipt.json"))) == 2
        officer = f"{party}-officer-2"
        named = str(file) if party == "dfe" else PACKAGE
        words = ("acknowledge", named, "--party", party, "--officer", officer, "--now", LATER)
        done = call(root, *words)
        assert done.returncode == 0, done.stderr
    done = call(root, "tick", "--now", LATER)
    assert f"Receipt: dfe has accepted {PACKAGE}." in done.stdout, done.stderr
    told = json.loads(call(root, "status", "--json", "--now", LATER).stdout)
    schema = json.loads((checkout / "schemas" / "status.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(told)
    assert {item["state"] for item in told["deliveries"]} == {"accepted"}
    assert {item["state"] for item in told["packages"]} == {"accepted"}
    assert all(item["acknowledged_at"] for item in told["deliveries"])
    kinds = [(item["party"], item["kind"], item["officer"]) for item in told["receipts"]]
    assert sorted(kinds, key=str) == sorted(
        [
            (party, kind, f"{party}-officer-2" if kind == "accepted" else None)
            for party in ("dfe", "panel")
            for kind in ("collected", "opened", "accepted")
        ],
        key=str,
    )
    leaves = work.leaves("receipt.recorded")
    assert len(leaves) == len(told["receipts"]) == 6
    assert "officer-2" not in json.dumps(leaves)
    assert "dfe-officer-2" in call(root, "status", "--now", LATER).stdout
    assert call(root, "tick", "--now", LATER).stdout.strip() == "Nothing was due."


def test_a_rehearsals_clock_stands_where_its_last_tick_left_it(work, placed, call, tmp_path):
    """So that receipts made without --now fit packages placed on another day."""
    words = ("--party", "dfe", "--to", str(tmp_path / "to"), "--receipt")
    assert call(work.home.root, "open", str(placed / f"{PACKAGE}.zip.gpg"), *words).returncode == 0
    officer = ("--party", "dfe", "--officer", "dfe-officer-1", "--query")
    assert call(work.home.root, "acknowledge", PACKAGE, *officer).returncode == 0
    done = call(work.home.root, "tick", "--json", "--now", AT)
    told = json.loads(done.stdout)
    assert [item["kind"] for item in told["receipts"]] == ["collected", "opened", "queried"]
    assert told["receipts"][-1]["state"] == "queried"
    assert told["receipts_refused"] == []


@pytest.mark.usefixtures("placed")
def test_what_tick_says_of_a_refused_receipt(work, call, checkout):
    """By code, in words and in JSON; the ledger has it too."""
    root = work.home.root
    words = ("acknowledge", PACKAGE, "--party", "dfe", "--officer", "dfe-officer-1")
    assert call(root, *words).returncode == 0
    told = json.loads(call(root, "tick", "--json", "--now", LATER).stdout)
    schema = json.loads((checkout / "schemas" / "tick.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(told)
    assert told["receipts_refused"] == [{"party": "dfe", "code": "receipt.out-of-order"}]
    assert call(root, *words, "--quarantine").returncode == 0
    said = call(root, "tick", "--now", LATER).stdout
    assert "Receipt of dfe not taken (receipt.out-of-order)" in said
    assert [leaf["facts"]["code"] for leaf in work.leaves("receipt.refused")] == [
        "receipt.out-of-order"
    ] * 2


def test_a_receipt_made_on_the_recipients_own_machine(work, placed, call, tmp_path, monkeypatch):
    """No rehearsal but the recipient's own keyring: receipts to be sent, not dropped."""
    away = tmp_path / "away"
    shutil.copytree(work.home.config, away / "config")
    shutil.copytree(placed, away / "fetched")
    secret = tmp_path / "password"
    secret.write_text(call(work.home.root, "password", PACKAGE, "--party", "dfe").stdout)
    keys = work.home.root / "keys" / "rehearsal"
    monkeypatch.setenv("GNUPGHOME", str(keys / "dfe"))
    file, to = away / "fetched" / f"{PACKAGE}.zip.gpg", tmp_path / "to"
    words = ("--party", "dfe", "--to", str(to), "--password-file", str(secret), "--receipt")
    done = call(away, "open", str(file), *words)
    assert done.returncode == 0, done.stderr
    made = sorted(to.glob("*.receipt.json"))
    assert [from_bytes(path.read_bytes()).kind for path in made] == ["collected", "opened"]
    monkeypatch.setenv("GNUPGHOME", str(keys / "dfe-officer-1"))
    officer = ("--party", "dfe", "--officer", "dfe-officer-1")
    done = call(away, "acknowledge", str(file), *officer)
    assert done.returncode == 0, done.stderr
    (path,) = file.parent.glob("*.receipt.json")
    assert from_bytes(path.read_bytes()).officer == "dfe-officer-1"
    plain = ["gpg", "--batch", "--verify", f"{path}.asc", str(path)]
    assert subprocess.run(plain, check=False, capture_output=True).returncode == 0
    subprocess.run(["gpgconf", "--kill", "all"], check=True)
    monkeypatch.setenv("GNUPGHOME", str(keys / "dfe"))
    subprocess.run(["gpgconf", "--kill", "all"], check=True)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"--officer": "nobody"}, "officers.unknown"),
        ({"--officer": "dfe-officer-3"}, "receipt.unknown-officer"),
        ({"--officer": "panel-officer-1"}, "receipt.unknown-officer"),
        ({"--party": "panel", "--officer": "panel-officer-1"}, "receipt.not-yours"),
        ({"": "notifications-2031-01-01-01"}, "package.unknown"),
        ({"": "../../config/parties.toml"}, "package.unknown"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_acknowledge_refuses(work, placed, call, change, code):
    """Before anything is signed."""
    words = {"": str(placed / f"{PACKAGE}.zip.gpg"), "--party": "dfe"}
    words |= {"--officer": "dfe-officer-1"} | change
    named = words.pop("")
    done = call(work.home.root, "acknowledge", named, *(w for pair in words.items() for w in pair))
    assert (done.returncode, code in done.stderr) == (1, True), done.stderr
    assert list(work.home.inbox.rglob("*.receipt.json*")) == []


def test_an_altered_package_is_not_acknowledged(work, placed, call, tmp_path):
    """What an officer signs for is the very file that the manifest describes."""
    for path in placed.iterdir():
        shutil.copy(path, tmp_path)
    file = tmp_path / f"{PACKAGE}.zip.gpg"
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    done = call(
        work.home.root, "acknowledge", str(file), "--party", "dfe", "--officer", "dfe-officer-1"
    )
    assert (done.returncode, "opening.altered" in done.stderr) == (1, True)


def test_the_page_on_receipts_makes_one_with_plain_gpg(
    work, placed, call, checkout, tmp_path, monkeypatch, need_program
):
    """The very lines of docs/receipts.md, run by a shell where the package lies."""
    bash = need_program("bash")
    page = (checkout / "docs" / "receipts.md").read_text()
    script = page.split("```sh\n")[1].split("```")[0]
    assert f"PACKAGE={PACKAGE} PARTY=dfe KEY=FINGERPRINT" in script
    script = script.replace("FINGERPRINT", load_pins(work.home.parties_file).exchange_of("dfe"))
    script = script.replace('"$(date -u +%Y-%m-%dT%H:%M:%SZ)"', '"2026-03-02T16:10:00Z"')
    for path in placed.iterdir():
        shutil.copy(path, tmp_path)
    with tempfile.TemporaryDirectory(prefix="g") as short:  # gpg-agent's sockets want a short path
        link = Path(short) / "h"
        link.symlink_to(work.home.root / "keys" / "rehearsal" / "dfe")
        monkeypatch.setenv("GNUPGHOME", str(link))
        done = subprocess.run(
            [bash, "-eu"], input=script, cwd=tmp_path, text=True, capture_output=True
        )
        subprocess.run(["gpgconf", "--kill", "all"], check=True)
    assert done.returncode == 0, done.stderr
    made = sorted(tmp_path.glob("*.receipt.json*"))
    assert [path.name for path in made] == [
        f"{PACKAGE}-collected.receipt.json",
        f"{PACKAGE}-collected.receipt.json.asc",
    ]
    for path in made:
        shutil.copy(path, work.home.receipts_of("dfe"))
    told = json.loads(call(work.home.root, "tick", "--json", "--now", LATER).stdout)
    assert told["receipts_refused"] == []
    assert [item["kind"] for item in told["receipts"]] == ["collected"]
