"""A home's keys: made, laid out, imported by pin, and examined."""

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from key_ring import MADE, NOW, BareGpg

from gateway.crypto.faults import CryptoFault
from gateway.crypto.keys import (
    HomeKeys,
    KeyReport,
    PartyPins,
    Pins,
    examine_keys,
    import_party_keys,
    make_gateway_key,
    make_home_key,
    make_rehearsal_keys,
    require_usable,
    unsafe_modes,
)
from gateway.crypto.openpgp import OpenPGP

PARTIES = ("ofsted", "dfe")


@pytest.fixture
def rehearsal(tmp_path: Path) -> tuple[Path, Pins]:
    """A home with everyone's keys."""
    pins = make_rehearsal_keys(tmp_path, PARTIES)
    import_party_keys(tmp_path, pins)
    return tmp_path, pins


@pytest.fixture
def party(tmp_path: Path) -> Iterator[OpenPGP]:
    """A real party's own GNUPGHOME, apart from the home."""
    with OpenPGP(tmp_path / "their-own-computer") as openpgp:
        yield openpgp


def _offer(home: Path, openpgp: OpenPGP, fingerprint: str, name: str) -> None:
    folder = HomeKeys(home).parties
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / name).write_bytes(openpgp.export_public(fingerprint))


def _report(home: Path, pins: Pins, party: str, role: str, now: datetime) -> KeyReport:
    keys = HomeKeys(home)
    with OpenPGP(keys.gateway) as openpgp:
        reports = examine_keys(openpgp, pins, now, keys.parties)
    (report,) = (r for r in reports if (r.party, r.role) == (party, role))
    return report


# --- making --------------------------------------------------------------------------------------


def test_a_rehearsal_has_everyones_keys(rehearsal: tuple[Path, Pins]) -> None:
    home, pins = rehearsal
    keys = HomeKeys(home)
    assert set(pins.parties) == set(PARTIES)
    for party in PARTIES:
        with OpenPGP(keys.rehearsal(party)) as openpgp:
            held = {key.fingerprint: key for key in openpgp.secret_keys()}
            assert set(held) == {pins.parties[party].exchange, pins.parties[party].records}
            assert all((key.created, key.expires) == (MADE, None) for key in held.values())
            assert not openpgp.state(pins.gateway).has_secret
    with OpenPGP(keys.gateway, NOW) as openpgp:
        assert [key.fingerprint for key in openpgp.secret_keys()] == [pins.gateway]
        reports = examine_keys(openpgp, pins, NOW, keys.parties)
    assert {(r.state, r.words) for r in reports} == {("ok", "")}
    assert len(reports) == 5
    assert unsafe_modes(home) == []


def test_making_again_changes_nothing(rehearsal: tuple[Path, Pins]) -> None:
    home, pins = rehearsal
    assert make_rehearsal_keys(home, PARTIES) == pins
    assert make_gateway_key(home, NOW) == pins.gateway


def test_a_half_made_rehearsal_is_finished(rehearsal: tuple[Path, Pins]) -> None:
    home, pins = rehearsal
    keys = HomeKeys(home)
    (keys.parties / "dfe-exchange.asc").unlink()
    again = make_rehearsal_keys(home, (*PARTIES, "panel"))
    assert again.parties["dfe"] == pins.parties["dfe"]
    assert (keys.parties / "dfe-exchange.asc").exists()
    assert keys.rehearsal("panel").is_dir()


def test_a_party_opens_with_stock_gpg_what_the_gateway_sealed(
    rehearsal: tuple[Path, Pins], plain: Path, bare_gpg: BareGpg
) -> None:
    home, pins = rehearsal
    keys = HomeKeys(home)
    sealed = plain.with_name("sealed")
    with OpenPGP(keys.gateway, NOW) as openpgp:
        recipients = [pins.parties["dfe"].exchange, pins.parties["ofsted"].records]
        openpgp.sign_and_encrypt(plain, sealed, pins.gateway, recipients)
    for party in PARTIES:
        theirs = keys.rehearsal(party)
        with OpenPGP(theirs) as openpgp:  # a short name for a bare gpg's socket
            opened = bare_gpg(openpgp._home.path, "--decrypt", sealed)
        assert opened == plain.read_bytes()


def test_a_real_gateway_key_lives_two_years(tmp_path: Path) -> None:
    now = datetime(2024, 2, 29, 9, 30, tzinfo=UTC)
    fingerprint = make_gateway_key(tmp_path, now)
    with OpenPGP(HomeKeys(tmp_path).gateway) as openpgp:
        state = openpgp.state(fingerprint)
        public = openpgp.export_public(fingerprint)
    assert (state.created, state.expires) == (now, now + timedelta(days=730))
    assert (state.can_sign, state.can_encrypt) == (True, False)
    assert HomeKeys(tmp_path).gateway_public.read_bytes() == public


def test_two_secret_keys_in_the_gateways_folder(tmp_path: Path) -> None:
    make_gateway_key(tmp_path, NOW)
    with OpenPGP(HomeKeys(tmp_path).gateway) as openpgp:
        openpgp.generate("Another key", "sign", NOW, None)
    with pytest.raises(CryptoFault) as caught:
        make_gateway_key(tmp_path, NOW)
    assert caught.value.code == "key.many"


def test_the_home_key_is_made_once(tmp_path: Path) -> None:
    path = make_home_key(tmp_path)
    secret = path.read_bytes()
    assert len(secret) == 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert make_home_key(tmp_path).read_bytes() == secret


# --- importing by pin ----------------------------------------------------------------------------


def test_every_wrong_file_is_told_and_the_right_ones_are_taken(
    rehearsal: tuple[Path, Pins],
) -> None:
    home, pins = rehearsal
    folder = HomeKeys(home).parties
    (folder / "dfe-records.asc").write_bytes((folder / "dfe-exchange.asc").read_bytes())
    (folder / "ofsted-records.asc").write_bytes(b"not a key")
    with pytest.raises(CryptoFault, match=r"dfe-records\.asc.*ofsted-records\.asc") as caught:
        import_party_keys(home, pins)
    assert caught.value.code == "key.mismatch"


def test_a_key_already_known_needs_no_file(rehearsal: tuple[Path, Pins]) -> None:
    home, pins = rehearsal
    for file in HomeKeys(home).parties.iterdir():
        file.unlink()
    import_party_keys(home, pins)
    assert _report(home, pins, "dfe", "exchange", NOW).state == "ok"


# --- examining -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "state", "level"),
    [
        (timedelta(days=61), "ok", None),
        (timedelta(days=60, seconds=1), "ok", None),
        (timedelta(days=60), "expiring", 60),
        (timedelta(days=31), "expiring", 60),
        (timedelta(days=30), "expiring", 30),
        (timedelta(days=8), "expiring", 30),
        (timedelta(days=7), "expiring", 7),
        (timedelta(seconds=1), "expiring", 7),
        (timedelta(0), "expired", None),
        (timedelta(days=-1), "expired", None),
    ],
)
def test_the_warning_grows_as_the_end_comes_near(
    tmp_path: Path, left: timedelta, state: str, level: int | None
) -> None:
    fingerprint = make_gateway_key(tmp_path, NOW)
    end = NOW + timedelta(days=730)
    report = _report(tmp_path, Pins(fingerprint), "gateway", "signing", end - left)
    assert (report.state, report.level) == (state, level)
    assert bool(report.words) == (state != "ok")
    if state != "expired":
        assert (report.expires, report.days_left) == (end, left.days)


def test_a_partys_key_that_ends_soon(tmp_path: Path, party: OpenPGP) -> None:
    key = party.generate("DfE exchange", "encrypt-and-sign", NOW, NOW + timedelta(days=20))
    pins = Pins(make_gateway_key(tmp_path, NOW), {"dfe": PartyPins(key)})
    _offer(tmp_path, party, pins.parties["dfe"].exchange, "dfe-exchange.asc")
    import_party_keys(tmp_path, pins)
    report = _report(tmp_path, pins, "dfe", "exchange", NOW)
    assert (report.state, report.days_left, report.level) == ("expiring", 20, 30)
    assert "21 March 2016" in report.words
    assert "owner" in report.words


def test_missing_and_mismatched(tmp_path: Path, party: OpenPGP) -> None:
    pinned = party.generate("DfE exchange", "encrypt-and-sign", NOW, None)
    other = party.generate("Another key", "encrypt-and-sign", NOW, None)
    pins = Pins(make_gateway_key(tmp_path, NOW), {"dfe": PartyPins(pinned)})
    assert _report(tmp_path, pins, "dfe", "exchange", NOW).state == "missing"
    _offer(tmp_path, party, other, "dfe-exchange.asc")
    report = _report(tmp_path, pins, "dfe", "exchange", NOW)
    assert report.state == "mismatched"
    assert "telephone" in report.words


def test_a_key_that_cannot_do_its_work(tmp_path: Path, party: OpenPGP) -> None:
    signing = party.generate("DfE exchange", "sign", NOW, None)
    pins = Pins(make_gateway_key(tmp_path, NOW), {"dfe": PartyPins(signing)})
    _offer(tmp_path, party, signing, "dfe-exchange.asc")
    import_party_keys(tmp_path, pins)
    report = _report(tmp_path, pins, "dfe", "exchange", NOW)
    assert report.state == "unfit"
    assert "not made to encrypt" in report.words
    early = _report(tmp_path, pins, "dfe", "exchange", NOW - timedelta(days=1))
    assert early.state == "unfit"


def test_a_revoked_key(tmp_path: Path, party: OpenPGP) -> None:
    key = party.generate("DfE exchange", "encrypt-and-sign", NOW, None)
    text = (tmp_path / "their-own-computer/openpgp-revocs.d" / f"{key}.rev").read_text()
    party._gpg.import_keys(text[text.index(":-----BEGIN") + 1 :])
    pins = Pins(make_gateway_key(tmp_path, NOW), {"dfe": PartyPins(key)})
    _offer(tmp_path, party, key, "dfe-exchange.asc")
    import_party_keys(tmp_path, pins)
    assert _report(tmp_path, pins, "dfe", "exchange", NOW).state == "revoked"


def test_a_gateway_key_without_its_secret_half(rehearsal: tuple[Path, Pins]) -> None:
    home, pins = rehearsal
    for secret in (HomeKeys(home).gateway / "private-keys-v1.d").iterdir():
        secret.unlink()
    report = _report(home, pins, "gateway", "signing", NOW)
    assert report.state == "missing"
    assert "backup" in report.words


def test_require_usable(rehearsal: tuple[Path, Pins]) -> None:
    home, pins = rehearsal
    with OpenPGP(HomeKeys(home).gateway) as openpgp:
        state = require_usable(openpgp, pins.parties["dfe"].exchange, NOW, "encrypt")
        assert state.fingerprint == pins.parties["dfe"].exchange
        for fingerprint, purpose, code in (
            (pins.gateway, "encrypt", "key.no-encryption"),
            ("0" * 40, "sign", "key.unknown"),
        ):
            with pytest.raises(CryptoFault) as caught:
                require_usable(openpgp, fingerprint, NOW, purpose)
            assert caught.value.code == code


# --- who may read them ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "mode", "cure"),
    [
        ("keys", 0o777, "go-w"),
        ("keys/parties", 0o775, "go-w"),
        ("keys/home.key", 0o640, "600"),
        ("keys/gateway", 0o750, "700"),
        ("keys/gateway/private-keys-v1.d", 0o711, "700"),
        ("keys/rehearsal/dfe", 0o755, "700"),
    ],
)
def test_what_others_could_read_is_named_with_its_cure(
    rehearsal: tuple[Path, Pins], path: str, mode: int, cure: str
) -> None:
    home, _ = rehearsal
    make_home_key(home)
    assert unsafe_modes(home) == []
    (home / path).chmod(mode)
    (line,) = unsafe_modes(home)
    assert line.endswith(f"run: chmod {cure} {path}")
    subprocess.run(["chmod", cure, home / path], check=True)
    assert unsafe_modes(home) == []


def test_a_secret_key_file_that_others_can_read(rehearsal: tuple[Path, Pins]) -> None:
    home, _ = rehearsal
    secret = next((HomeKeys(home).gateway / "private-keys-v1.d").glob("*.key"))
    secret.chmod(0o644)
    assert len(unsafe_modes(home)) == 1


def test_a_home_without_keys_has_nothing_unsafe(tmp_path: Path) -> None:
    assert unsafe_modes(tmp_path) == []
