"""The contract for scripts: exit codes, JSON by its schema, refusals in words (design §7)."""

import json

import jsonschema
import pytest
from rehearsing import clean_row, csv_of

AT = "2026-03-02T16:05"


@pytest.fixture
def schema_of(checkout):
    """``schema_of("tick")``: the validator of a command's JSON."""

    def made(name):
        schema = json.loads((checkout / "schemas" / f"{name}.schema.json").read_text())
        kind = jsonschema.validators.validator_for(schema)
        kind.check_schema(schema)
        return kind(schema, format_checker=kind.FORMAT_CHECKER)

    return made


@pytest.fixture
def extract(tmp_path):
    """``extract(row, row)``: a CSV file of those rows."""

    def made(*rows):
        path = tmp_path / "extract.csv"
        path.write_bytes(csv_of(rows))
        return path

    return made


@pytest.mark.parametrize(
    ("rows", "code", "state"),
    [
        ((clean_row(1), clean_row(2)), 0, "accepted"),
        ((), 0, "accepted"),
        ((clean_row(1), clean_row(2, gender="Q")), 1, "partly-held"),
        ((clean_row(1, gender="Q"),), 1, "partly-held"),
    ],
    ids=["clean", "header only", "one held", "all held"],
)
def test_check(rows, code, state, extract, run_gateway, schema_of, checkout):
    done = run_gateway(checkout, "check", str(extract(*rows)), "--flow", "notifications", "--json")
    told = json.loads(done.stdout)
    schema_of("check").validate(told)
    assert (done.returncode, told["state"]) == (code, state)
    assert told["rows"] == told["accepted"] + told["held"] + told["repeats"] == len(rows)


def test_check_of_a_file_that_cannot_be_read(tmp_path, call, schema_of, checkout):
    (tmp_path / "odd.csv").write_bytes(b"\x00\x01\x02")
    path = str(tmp_path / "odd.csv")
    done = call(checkout, "check", path, "--flow", "notifications", "--json")
    told = json.loads(done.stdout)
    schema_of("check").validate(told)
    assert (done.returncode, told["state"], told["accepted"]) == (1, "quarantined", 0)
    plain = call(checkout, "check", path, "--flow", "notifications")
    assert plain.returncode == 1
    assert plain.stdout.startswith("Quarantined: nothing of this file travels")


@pytest.mark.parametrize(
    "words",
    [
        ("check", "absent.csv", "--flow", "notifications"),
        ("check", "pyproject.toml", "--flow", "no-such-flow"),
        ("check", "pyproject.toml"),
        ("no-such-command",),
        ("template", "--flow", "no-such-flow"),
        ("agreement", "check", "absent.toml"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_2(words, call, checkout):
    done = call(checkout, *words)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_tick_status_doctor_and_change(rehearsal_home, call, schema_of):
    inbox = rehearsal_home / "inbox" / "ofsted" / "notifications"
    (inbox / "one.csv").write_bytes(csv_of([clean_row(1), clean_row(2, gender="Q")]))
    (inbox / "link").symlink_to("/etc/hostname")
    told = [_json(call(rehearsal_home, "tick", "--now", "2026-03-02T09:00", "--json"))]
    drop = told[0]["drops"][0]
    assert drop["state"] == "partly-held"
    assert [item["code"] for item in told[0]["refused"]] == ["door.symlink"]
    withdrawn = call(rehearsal_home, "withdraw", drop["id"], "--now", "2026-03-02T10:00")
    assert withdrawn.returncode == 0, withdrawn.stderr
    again = call(rehearsal_home, "withdraw", drop["id"], "--now", "2026-03-02T10:00")
    assert again.returncode == 1
    assert "[drop.not-waiting]" in again.stderr
    told.append(_json(call(rehearsal_home, "tick", "--now", AT, "--json")))
    assert [item["kind"] for item in told[1]["packages"]] == ["nothing-received"]
    for item in told:
        schema_of("tick").validate(item)
    status = _json(call(rehearsal_home, "status", "--now", AT, "--json"))
    schema_of("status").validate(status)
    assert status["rehearsal"] is True
    shown = call(rehearsal_home, "status", "--now", AT).stdout
    assert shown.startswith("REHEARSAL")
    looked = call(rehearsal_home, "doctor", "--json")
    schema_of("doctor").validate(json.loads(looked.stdout))
    assert looked.returncode == 0, looked.stdout


def test_a_deep_look_at_a_home_that_is_well_and_one_that_is_not(rehearsal_home, call, schema_of):
    inbox = rehearsal_home / "inbox" / "ofsted" / "notifications"
    (inbox / "one.csv").write_bytes(csv_of([clean_row(1)]))
    _json(call(rehearsal_home, "tick", "--now", AT, "--json"))
    looked = call(rehearsal_home, "doctor", "--deep", "--json")
    told = _json(looked)
    schema_of("doctor").validate(told)
    assert all(item["holds"] for item in told["invariants"])
    [staged] = (rehearsal_home / "var" / "staged").glob("*.accepted")
    staged.unlink()
    broken = call(rehearsal_home, "doctor", "--deep", "--json")
    told = json.loads(broken.stdout)
    schema_of("doctor").validate(told)
    found = [item["code"] for item in told["invariants"] if not item["holds"]]
    assert (broken.returncode, told["ok"], found) == (1, False, ["invariant.one-place"])
    plain = call(rehearsal_home, "doctor", "--deep")
    assert (plain.returncode, "[invariant.one-place]" in plain.stderr) == (1, True)


def test_plain_tick_says_what_it_did(rehearsal_home, call):
    inbox = rehearsal_home / "inbox" / "ofsted" / "notifications"
    (inbox / "one.csv").write_bytes(csv_of([clean_row(1)]))
    said = call(rehearsal_home, "tick", "--now", AT).stdout
    assert "Accepted: every new row travels at the next window." in said
    assert "Package notifications-2026-03-02-01: 1 rows" in said
    assert "placed for panel" in said
    assert call(rehearsal_home, "tick", "--now", AT).stdout.strip() == "Nothing was due."


def _json(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("tick", "--now", AT), "now.refused"),
        (("password", "notifications-2026-03-02-01", "--party", "dfe"), "password.refused"),
        (("init", "--rehearsal"), "home.real"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_a_real_home_refuses(words, code, real_home, call):
    done = call(real_home, *words)
    assert done.returncode == 1
    assert f"[{code}]" in done.stderr
    assert "What to do:" in done.stderr


@pytest.fixture(scope="session")
def real_home(tmp_path_factory, run_gateway):
    """A home that is no rehearsal, as `init` makes it."""
    home = tmp_path_factory.mktemp("real") / "home"
    made = run_gateway(home, "init")
    assert made.returncode == 0, made.stderr
    assert "Still to pin: ofsted, dfe, panel." in made.stdout
    return home


def test_a_home_that_is_not_there(tmp_path, call):
    done = call(tmp_path / "nowhere", "status")
    assert done.returncode == 1
    assert "[home.absent]" in done.stderr


@pytest.mark.parametrize(
    ("text", "code"), [("teatime", "now.malformed"), ("2014-12-31T12:00", "now.too-early")]
)
def test_now_must_be_a_time(text, code, rehearsal_home, call):
    done = call(rehearsal_home, "tick", "--now", text)
    assert done.returncode == 1
    assert f"[{code}]" in done.stderr


def test_init_again_changes_nothing(rehearsal_home, call):
    before = (rehearsal_home / "config" / "parties.toml").read_bytes()
    again = call(rehearsal_home, "init", "--rehearsal")
    assert again.returncode == 0
    assert again.stdout.startswith("Brought up to date")
    assert (rehearsal_home / "config" / "parties.toml").read_bytes() == before


def test_agreement_commands(checkout, call, tmp_path):
    explained = call(checkout, "agreement", "explain").stdout
    for clause in ("11(d)", "12(d)", "13(b)", "Annex A"):
        assert clause in explained
    good = checkout / "config" / "agreements" / "ofsted-dfe.toml"
    assert call(checkout, "agreement", "check", str(good)).returncode == 0
    bad = tmp_path / "bad.toml"
    bad.write_text(good.read_text().replace('sender = "ofsted"', 'sender = "nobody"', 1))
    judged = call(checkout, "agreement", "check", str(bad))
    assert judged.returncode == 1
    assert "sender" in judged.stdout
    target = tmp_path / "template.xlsx"
    made = call(checkout, "template", "--flow", "scr-updates", "--to", str(target))
    assert made.returncode == 0
    assert target.stat().st_size > 0


def test_every_command_is_documented(checkout, call):
    page = (checkout / "docs" / "commands.md").read_text()
    listed = call(checkout, "--help").stdout.split("Commands:")[1]
    names = [line.split()[0] for line in listed.splitlines() if line.startswith("  ")]
    assert names
    for name in names:
        assert f"`{name}" in page, name
