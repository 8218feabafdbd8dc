"""`init`: a home is made once, brought up to date after, and never mixed up."""

import shutil
import sqlite3
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.access.officers import OfficersFault, load_officers, written
from gateway.access.training import training_of
from gateway.bootstrap import open_parts
from gateway.crypto.faults import CryptoFault
from gateway.crypto.keys import HomeKeys
from gateway.crypto.openpgp import OpenPGP
from gateway.crypto.pins import PartyPins, Pins, load_pins, write_pins
from gateway.founding import found
from gateway.records import registers
from gateway.settings import Home, SettingsFault
from gateway.store import people


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


FOUNDED = ["home.made"] + ["key.pinned"] * 7 + ["officer.pinned"] * 9
FOUNDED += ["agreement.seen", "hold.begun"]
FOUNDED += ["grant.made"] * 12  # of its people
FOUNDED += ["register.entered", "register.step"] * 10  # their training
FOUNDED += ["agreement.signed"] * 2


def test_a_rehearsal_pins_every_party_and_its_officers(rehearsal_home, checkout):
    home = Home(rehearsal_home)
    assert home.is_rehearsal
    assert set(load_pins(home.parties_file).parties) == {"ofsted", "dfe", "panel"}
    assert events(home) == FOUNDED
    again = found(home, checkout, rehearsal=True)
    assert (again.new, again.to_pin) == (False, ())
    assert events(home) == FOUNDED


def test_people_of_a_rehearsal_are_trained_and_trained_anew_by_the_next_init(
    rehearsal_home, checkout
):
    home = Home(rehearsal_home)
    now = datetime.now(UTC)

    def trained(tx):
        return [training_of(tx, row, now).counts for row in people.listed(tx)]

    with open_parts(home) as parts, parts.database.transaction() as tx:
        assert trained(tx) == [True] * 10
        known = parts.sealer, parts.officers
        for row in registers.trained_people(tx):
            if row.party == "ofsted":
                who = "ofsted-officer-1"
                registers.take(tx, *known, row.entry_id, "left", who, "They left.", now)
        assert trained(tx).count(True) == 6
    before = events(home).count("register.entered")
    found(home, checkout, rehearsal=True)
    with open_parts(home) as parts, parts.database.transaction() as tx:
        assert trained(tx) == [True] * 10
    assert events(home).count("register.entered") == before + 4


def test_an_init_cut_short_is_finished_by_the_next(rehearsal_home, checkout):
    """It ended when the database's file was there and nothing in it."""
    home = Home(rehearsal_home)
    for path in home.var.glob("gateway.db*"):
        path.unlink()
    home.database.touch()
    found(home, checkout, rehearsal=True)
    assert events(home) == FOUNDED


def test_an_upgrade_is_recorded(rehearsal_home, checkout):
    home = Home(rehearsal_home)
    with sqlite3.connect(home.database) as database:
        database.execute("UPDATE meta SET value = '0.0.1' WHERE key = 'version'")
    database.close()
    for _ in range(2):
        found(home, checkout, rehearsal=True)
        assert events(home)[len(FOUNDED) :] == ["home.upgraded"]


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


# --- officers -------------------------------------------------------------------------------------


def known_to(openpgp):
    """The fingerprints of a keyring."""
    states = openpgp.keys()
    return {state.fingerprint for state in states}


def test_three_officers_of_each_party_of_a_rehearsal(rehearsal_home):
    """Two of them may do all that the party does, and each has a key of their own."""
    home = Home(rehearsal_home)
    officers = load_officers(home.officers_file)
    keys = {item.key for item in officers}
    assert len(list(officers)) == len(keys - {None}) == 9
    for party in ("ofsted", "dfe", "panel"):
        counts = [len(officers.of(party, role)) for role in ("sender", "recipient", "approver")]
        assert counts == [2, 2, 3]
    with OpenPGP(HomeKeys(home.root).gateway) as openpgp:
        assert keys <= known_to(openpgp)
        assert len(openpgp.secret_keys()) == 1


def officers_of_the_rehearsal(real_home, rehearsal_home):
    """Officers written into a real home, with their key files, as people would do it."""
    rehearsal = Home(rehearsal_home)
    shutil.copyfile(rehearsal.officers_file, real_home.officers_file)
    shutil.copytree(rehearsal.keys / "officers", real_home.keys / "officers")
    return list(load_officers(rehearsal.officers_file))


def test_officers_of_a_real_home_are_imported_and_recorded_once(
    real_home, rehearsal_home, checkout
):
    told = officers_of_the_rehearsal(real_home, rehearsal_home)
    for _ in range(2):
        found(real_home, checkout, rehearsal=False)
        assert events(real_home).count("officer.pinned") == 9
    with OpenPGP(HomeKeys(real_home.root).gateway) as openpgp:
        assert {item.key for item in told} <= known_to(openpgp)
    first = told[0].model_copy(update={"key": told[1].key})
    real_home.officers_file.write_text(written([first]))
    shutil.copyfile(
        HomeKeys(real_home.root).officer_public(told[1].id),
        HomeKeys(real_home.root).officer_public(first.id),
    )
    found(real_home, checkout, rehearsal=False)
    assert events(real_home).count("officer.pinned") == 10


def test_a_file_with_another_key_than_the_officer_s_is_refused(real_home, rehearsal_home, checkout):
    first, second = officers_of_the_rehearsal(real_home, rehearsal_home)[:2]
    keys = HomeKeys(real_home.root)
    shutil.copyfile(keys.officer_public(second.id), keys.officer_public(first.id))
    before = events(real_home)
    with pytest.raises(CryptoFault) as refused:
        found(real_home, checkout, rehearsal=False)
    assert refused.value.code == "key.mismatch"
    assert refused.value.hint
    assert events(real_home) == before


def test_officers_written_wrongly_are_refused(real_home, checkout):
    real_home.officers_file.write_text("[officers.x]\nname = 'X'\n")
    with pytest.raises(OfficersFault) as refused:
        found(real_home, checkout, rehearsal=False)
    assert refused.value.code == "officers.faulty"


def test_officers_and_pins_are_never_copied_from_a_checkout(tmp_path, checkout):
    """They are facts of one home: another would trust keys that nobody there has read aloud."""
    source = tmp_path / "checkout"
    shutil.copytree(checkout / "config", source / "config")
    (source / "config" / "officers.toml").write_text("[officers.x]\n")
    (source / "config" / "parties.toml").write_text("nonsense\n")
    home = Home(tmp_path / "home")
    found(home, source, rehearsal=False)
    assert not home.officers_file.exists()
    assert load_pins(home.parties_file).parties == {}


def test_officers_changed_in_a_rehearsal_stay(rehearsal_home, checkout):
    home = Home(rehearsal_home)
    first = next(iter(load_officers(home.officers_file)))
    home.officers_file.write_text(written([first]))
    found(home, checkout, rehearsal=True)
    assert list(load_officers(home.officers_file)) == [first]
