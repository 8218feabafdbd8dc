"""`init`: a home is made once, brought up to date after, and never mixed up."""

import shutil
import sqlite3
import tempfile
from pathlib import Path

import pytest

from gateway.crypto.faults import CryptoFault
from gateway.crypto.pins import PartyPins, Pins, load_pins, write_pins
from gateway.founding import found
from gateway.settings import Home, SettingsFault


@pytest.fixture(scope="session")
def real_template(tmp_path_factory, checkout):
    """A real home as `init` makes it, once per worker. Copy it."""
    home = Home(tmp_path_factory.mktemp("real") / "home")
    founded = found(home, checkout, rehearsal=False)
    assert founded.new
    assert founded.to_pin == ("ofsted", "dfe", "panel")
    return home.root


@pytest.fixture
def real_home(real_template, tmp_path):
    """A fresh real home."""
    ignore = shutil.ignore_patterns("S.*")
    return Home(shutil.copytree(real_template, tmp_path / "real", symlinks=True, ignore=ignore))


def events(home):
    """The names of the ledger's events, in order."""
    with sqlite3.connect(home.database) as database:
        leaves = database.execute("SELECT leaf FROM ledger ORDER BY seq").fetchall()
    database.close()
    return [leaf.decode().split('"event":"')[1].split('"')[0] for (leaf,) in leaves]


def test_a_rehearsal_pins_every_party(rehearsal_home, checkout):
    home = Home(rehearsal_home)
    assert home.is_rehearsal
    assert set(load_pins(home.parties_file).parties) == {"ofsted", "dfe", "panel"}
    assert events(home) == ["home.made"] + ["key.pinned"] * 7
    again = found(home, checkout, rehearsal=True)
    assert (again.new, again.to_pin) == (False, ())
    assert events(home) == ["home.made"] + ["key.pinned"] * 7


def test_an_init_cut_short_is_finished_by_the_next(rehearsal_home, checkout):
    """It ended when the database's file was there and nothing in it."""
    home = Home(rehearsal_home)
    for path in home.var.glob("gateway.db*"):
        path.unlink()
    home.database.touch()
    found(home, checkout, rehearsal=True)
    assert events(home) == ["home.made"] + ["key.pinned"] * 7


def test_an_upgrade_is_recorded(rehearsal_home, checkout):
    home = Home(rehearsal_home)
    with sqlite3.connect(home.database) as database:
        database.execute("UPDATE meta SET value = '0.0.1' WHERE key = 'version'")
    database.close()
    for _ in range(2):
        found(home, checkout, rehearsal=True)
        assert events(home)[8:] == ["home.upgraded"]


def test_an_inbox_on_another_disk_is_refused(rehearsal_home, checkout, tmp_path):
    """A file is claimed by a rename, which no two disks share."""
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second disk here")
    home = Home(rehearsal_home)
    elsewhere = Path(tempfile.mkdtemp(dir=other))
    try:
        inbox = home.inbox_of("ofsted", "notifications")
        inbox.rmdir()
        inbox.symlink_to(elsewhere)
        with pytest.raises(SettingsFault) as refused:
            found(home, checkout, rehearsal=True)
        assert refused.value.code == "home.two-file-systems"
    finally:
        shutil.rmtree(elsewhere)


def test_private_folders_are_private(rehearsal_home):
    home = Home(rehearsal_home)
    for folder in (home.keys, home.var, home.vault, home.staged, home.drops_work):
        assert folder.stat().st_mode & 0o077 == 0
    assert home.database.stat().st_mode & 0o077 == 0


def test_a_real_home_is_no_rehearsal(real_home, checkout):
    with pytest.raises(SettingsFault) as refused:
        found(real_home, checkout, rehearsal=True)
    assert refused.value.code == "home.real"


def test_pinned_keys_are_imported(real_home, rehearsal_home, checkout):
    parties = load_pins(Home(rehearsal_home).parties_file).parties
    pins = Pins(load_pins(real_home.parties_file).gateway, dict(parties))
    write_pins(real_home.parties_file, pins)
    shutil.copytree(rehearsal_home / "keys" / "parties", real_home.keys / "parties")
    founded = found(real_home, checkout, rehearsal=False)
    assert founded.to_pin == ()
    assert events(real_home).count("key.pinned") == 7


def test_a_key_that_is_not_the_pinned_one_is_refused(real_home, rehearsal_home, checkout):
    parties = dict(load_pins(Home(rehearsal_home).parties_file).parties)
    swapped = parties["dfe"].exchange
    parties = {"panel": PartyPins(swapped, None)}
    write_pins(real_home.parties_file, Pins(load_pins(real_home.parties_file).gateway, parties))
    shutil.copytree(rehearsal_home / "keys" / "parties", real_home.keys / "parties")
    with pytest.raises(CryptoFault) as refused:
        found(real_home, checkout, rehearsal=False)
    assert refused.value.code == "key.mismatch"
    assert refused.value.hint


def test_another_gateway_key_than_the_pinned_is_refused(real_home, checkout):
    pins = load_pins(real_home.parties_file)
    write_pins(real_home.parties_file, Pins("F" * 40, dict(pins.parties)))
    with pytest.raises(CryptoFault) as refused:
        found(real_home, checkout, rehearsal=False)
    assert refused.value.code == "key.mismatch"


def test_what_people_changed_in_config_stays(rehearsal_home, checkout):
    home = Home(rehearsal_home)
    home.settings_file.write_text("tick_seconds = 30.0\n")
    found(home, checkout, rehearsal=True)
    assert home.settings_file.read_text() == "tick_seconds = 30.0\n"
