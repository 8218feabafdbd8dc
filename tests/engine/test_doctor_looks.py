"""The doctor finds what is unsafe, says how to mend it, and one fault hides no other."""

import os
import shutil
import sqlite3
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from gateway.access.officers import load_officers, written
from gateway.engine import doctor
from gateway.engine.doctor import examine_home, refuse_unsafe_start
from gateway.engine.ways import look_at_sftp
from gateway.intake.confined.reader import Reader
from gateway.settings import Home, SettingsFault


def failed(home):
    """What fails, by name."""
    return {look.name: look.words for look in examine_home(home) if look.state == "fail"}


@pytest.fixture
def home(rehearsal_home):
    """A fresh rehearsal home."""
    return Home(rehearsal_home)


@pytest.fixture
def quick(monkeypatch):
    """The confined reader does not start, which is told too: probing it takes a second and more."""
    monkeypatch.setattr(doctor, "Reader", partial(Reader, entry=Path("/nonexistent/entry.py")))


def test_a_rehearsal_home_is_well(home):
    looks = examine_home(home)
    assert [look.words for look in looks if look.state == "fail"] == []
    names = {look.name for look in looks}
    assert {"python", "home", "disk", "agreement", "database", "key gateway signing"} <= names
    assert {"reader landlock", "reader seccomp"} <= names
    refuse_unsafe_start(home)


@pytest.mark.usefixtures("quick")
def test_every_fault_is_found_at_once(home):
    (home.keys / "home.key").chmod(0o644)
    home.var.chmod(0o755)
    shutil.rmtree(home.outbox)
    database = sqlite3.connect(home.database)
    database.execute("DELETE FROM alembic_version")
    database.commit()
    database.close()
    agreement = home.config / "agreements" / "ofsted-dfe.toml"
    agreement.write_text(agreement.read_text() + "\nnonsense = 1\n")
    found = failed(home)
    assert "chmod 600 keys/home.key" in found["keys"]
    assert "chmod 700 var" in found["folder var"]
    assert "outbox/ is missing" in found["folder outbox"]
    assert "Run `init`" in found["database"]
    assert "nonsense" in found["agreement"]
    with pytest.raises(SettingsFault) as refused:
        refuse_unsafe_start(home)
    assert refused.value.code == "start.unsafe"
    for name in found:
        assert f"[{name}]" in str(refused.value)


@pytest.mark.usefixtures("quick")
def test_a_waiver_is_always_shown(home):
    home.settings_file.write_text('run_without_confinement = "trial on an old kernel"\n')
    shown = [look for look in examine_home(home) if look.name == "settings"]
    assert [(look.state, "trial on an old kernel" in look.words) for look in shown] == [
        ("warn", True)
    ]


@pytest.mark.usefixtures("quick")
def test_the_list_of_breached_passwords_is_looked_at(home):
    def look():
        [found] = [look for look in examine_home(home) if look.name == "breached passwords"]
        return found.state, found.words

    assert look()[0] == "warn"
    home.settings_file.write_text('[web]\nbreached_passwords = "var/breached"\n')
    assert look()[0] == "fail"
    path, made = home.var / "breached", datetime.now(UTC) - timedelta(days=2)
    path.write_text("0" * 40 + ":7\n" + "F" * 40 + ":1\n")
    os.utime(path, (made.timestamp(), made.timestamp()))
    assert look() == ("ok", f"The list is of {made.date().isoformat()}.")
    old = made - timedelta(days=400)
    os.utime(path, (old.timestamp(), old.timestamp()))
    assert look() == ("warn", f"The list is of {old.date().isoformat()}. Fetch a new one.")
    path.write_text("no list")
    assert "no list of SHA-1 hashes" in look()[1]


@pytest.mark.usefixtures("quick")
def test_bad_settings_are_a_finding(home):
    home.settings_file.write_text("tick_seconds = 0.1\nno_such = 1\n")
    assert "tick_seconds" in failed(home)["settings"]
    assert "no_such" in failed(home)["settings"]


@pytest.mark.usefixtures("quick")
def test_missing_pins_are_a_finding(home):
    home.parties_file.unlink()
    assert "parties.toml" in failed(home)["keys"]


def officers_looks(home):
    """What is said of officers, by name."""
    return {
        look.name: (look.state, look.words)
        for look in examine_home(home)
        if look.name.startswith("officer")
    }


@pytest.mark.usefixtures("quick")
def test_officers_are_looked_at(home):
    looks = officers_looks(home)
    assert {name: state for name, (state, _) in looks.items()} == dict.fromkeys(
        ("officers ofsted", "officers dfe", "officers panel"), "ok"
    )
    assert looks["officers dfe"][1] == "3 with a usable key."


@pytest.mark.usefixtures("quick")
def test_officers_that_are_lacking_warn_and_stop_nothing(home):
    officers = {item.id: item for item in load_officers(home.officers_file)}
    del officers["ofsted-officer-3"], officers["panel-officer-1"], officers["panel-officer-2"]
    for who, key in (("dfe-officer-1", "F" * 40), ("dfe-officer-2", None)):
        officers[who] = officers[who].model_copy(update={"key": key})
    home.officers_file.write_text(written(list(officers.values())))
    looks = officers_looks(home)
    assert {state for state, _ in looks.values()} == {"warn"}
    assert "keys/officers/dfe-officer-1.asc" in looks["officer dfe-officer-1"][1]
    assert "No key is pinned" in looks["officer dfe-officer-2"][1]
    assert "2 can approve: 3 must" in looks["officers ofsted"][1]
    assert "Nobody can acknowledge" in looks["officers panel"][1]
    for words in ("1 can approve: 3 must", "Nobody can acknowledge"):
        assert words in looks["officers dfe"][1]
    home.officers_file.unlink()
    assert {state for state, _ in officers_looks(home).values()} == {"warn"}


@pytest.mark.usefixtures("quick")
def test_officers_written_wrongly_and_a_folder_open_to_others_fail(home):
    (home.keys / "officers").chmod(0o777)
    home.officers_file.write_text("[officers.x]\n")
    assert "officers.x.name" in failed(home)["officers"]
    assert "chmod go-w keys/officers" in failed(home)["keys"]


@pytest.mark.usefixtures("quick")
def test_a_reader_that_does_not_start_hides_no_other_fault(home):
    home.var.chmod(0o755)
    found = failed(home)
    assert "does not work" in found["reader"]
    assert "chmod 700 var" in found["folder var"]


@pytest.mark.usefixtures("quick")
def test_a_home_without_a_database_gets_none_by_being_looked_at(home):
    home.database.unlink()
    assert "Run `init`" in failed(home)["database"]
    assert not home.database.exists()


@pytest.mark.usefixtures("quick")
def test_little_space_is_a_warning(home):
    home.settings_file.write_text("minimum_free_bytes = 9_000_000_000_000_000\n")
    looks = [look for look in examine_home(home) if look.name == "disk"]
    assert [look.state for look in looks] == ["warn"]


@pytest.mark.usefixtures("quick")
def test_development_mode_refuses_a_start(home, monkeypatch):
    monkeypatch.setenv("PYTHONDEVMODE", "1")
    assert "Unset PYTHONDEVMODE" in failed(home)["python mode"]


def test_a_folder_that_cannot_be_looked_at_is_told(home, monkeypatch):
    def broken(_home):
        raise OSError(5, "Input/output error")
        yield

    monkeypatch.setattr(doctor, "_folders", broken)
    found = [look for look in examine_home(home) if "could not" in look.words.lower()]
    assert [look.state for look in found] == ["fail"]


def sftp_looks(home):
    """What is said of SFTP: the name, the state and the words of each look."""
    return list(look_at_sftp(home))


def test_sftp_keys_are_shown_where_they_lie(home):
    host = (home.keys / "sftp_host_ed25519.pub").read_text()
    [(name, state, words)] = sftp_looks(home)
    assert (name, state) == ("sftp host key", "ok")
    assert "keys/sftp_host_ed25519" in words
    home.settings_file.write_text('[sftp]\nlisten = "127.0.0.1:2222"\n')
    absent = [(state, words) for name, state, words in sftp_looks(home) if name == "sftp keys"]
    assert [state for state, _ in absent] == ["warn"] * 3
    assert "dfe cannot log in: config/sftp/dfe.pub holds no key (docs/sftp.md)" in absent[0][1]
    home.sftp_keys.mkdir(exist_ok=True)
    (home.sftp_keys / "dfe.pub").write_text(host)
    (home.sftp_keys / "dfe.pub").chmod(0o666)
    (home.sftp_keys / "nobody.pub").write_text("")
    looks = sftp_looks(home)
    assert [state for _, state, words in looks if "cannot log in" in words] == ["ok", "ok"]
    fingerprint = looks[0][2].split()[0]
    assert fingerprint.startswith("SHA256:")
    assert ("sftp keys", "ok", f"dfe logs in with {fingerprint} (config/sftp/dfe.pub).") in looks
    told = {state: words for _, state, words in looks if state != "ok"}
    assert "chmod go-w config/sftp/dfe.pub" in told["fail"]
    assert "config/sftp/nobody.pub is no party's" in told["warn"]


@pytest.mark.usefixtures("quick")
def test_the_host_key_is_missed_and_must_be_private(home):
    key = home.keys / "sftp_host_ed25519"
    key.chmod(0o644)
    assert "chmod 600 keys/sftp_host_ed25519" in failed(home)["keys"]
    home.settings_file.write_text('[sftp]\nlisten = "127.0.0.1:2222"\n')
    key.unlink()
    key.with_name(f"{key.name}.pub").unlink()
    found = {name: (state, words) for name, state, words in sftp_looks(home)}
    assert found["sftp host key"][0] == "warn"
    assert "`init` makes it" in found["sftp host key"][1]
