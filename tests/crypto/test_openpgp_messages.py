"""Sealing and opening, and every way in which gpg says yes when it should say no."""

import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from key_ring import MADE, NOW, BareGpg, Ring

from gateway.crypto import gpg
from gateway.crypto.faults import CryptoFault
from gateway.crypto.openpgp import OpenPGP

CANARY = b"PLAINTEXT-CANARY"


def _names(folder: Path) -> set[str]:
    return {item.name for item in folder.iterdir()}


@pytest.fixture
def message(tmp_path: Path, ring: Ring, plain: Path) -> Path:
    """Signed by the gateway, sealed to dfe."""
    path = tmp_path / "message.gpg"
    with OpenPGP(ring.gateway.home, NOW) as openpgp:
        openpgp.sign_and_encrypt(plain, path, ring.gateway.fingerprint, [ring.dfe.fingerprint])
    return path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder of its own for what is opened."""
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def _refuses_to_open(holder_home: Path, message: Path, out: Path, signer: str | None) -> str:
    with OpenPGP(holder_home) as openpgp, pytest.raises(CryptoFault) as caught:
        openpgp.decrypt(message, out / "plain", signer)
    assert _names(out) == set(), "a refused message left something behind"
    return caught.value.code


# --- sealing -------------------------------------------------------------------------------------


def test_a_message_opens_and_tells_who_signed_it_and_when(
    ring: Ring, plain: Path, message: Path, out: Path
) -> None:
    with OpenPGP(ring.dfe.home) as openpgp:
        signature = openpgp.decrypt(message, out / "plain", ring.gateway.fingerprint)
    assert signature is not None
    assert (signature.fingerprint, signature.at) == (ring.gateway.fingerprint, NOW)
    assert (out / "plain").read_bytes() == plain.read_bytes()
    assert _names(out) == {"plain"}
    for path in (out / "plain", message):
        assert path.stat().st_mode & 0o777 == 0o600


def test_a_message_is_binary_and_not_compressed(plain: Path, message: Path) -> None:
    data = message.read_bytes()
    assert data[0] & 0x80  # an OpenPGP packet (RFC 4880 §4.2), not ASCII armour
    assert len(data) > plain.stat().st_size
    assert CANARY not in data


def test_the_file_has_no_name_and_no_time_of_its_own(
    ring: Ring, message: Path, bare_gpg: BareGpg
) -> None:
    packets = bare_gpg(ring.dfe.home, "--list-packets", message).decode()
    assert f'created {int(NOW.timestamp())}, name=""' in packets


def test_stock_gpg_opens_it(ring: Ring, plain: Path, message: Path, bare_gpg: BareGpg) -> None:
    assert bare_gpg(ring.dfe.home, "--decrypt", message) == plain.read_bytes()


def test_each_recipient_opens_it_and_nobody_else(ring: Ring, plain: Path, out: Path) -> None:
    sealed = plain.with_name("sealed")
    readers = [ring.dfe.fingerprint, ring.panel.fingerprint, ring.dfe.fingerprint]
    with OpenPGP(ring.gateway.home, NOW) as openpgp:
        openpgp.encrypt(plain, sealed, readers)
    for holder in (ring.dfe, ring.panel):
        with OpenPGP(holder.home) as openpgp:
            assert openpgp.decrypt(sealed, plain.with_name("again"), None) is None
        assert plain.with_name("again").read_bytes() == plain.read_bytes()
    assert _refuses_to_open(ring.stranger.home, sealed, out, None) == "message.not-for-us"


def test_nobody_to_read_it(ring: Ring, plain: Path) -> None:
    with OpenPGP(ring.gateway.home) as openpgp, pytest.raises(ValueError, match="recipient"):
        openpgp.encrypt(plain, plain.with_name("sealed"), [])


def test_an_older_target_is_replaced_only_by_a_whole_one(ring: Ring, plain: Path) -> None:
    target = plain.with_name("sealed")
    target.write_text("older")
    with OpenPGP(ring.gateway.home, NOW) as openpgp:
        with pytest.raises(CryptoFault):
            openpgp.encrypt(plain, target, ["0" * 40])
        assert target.read_text() == "older"
        openpgp.encrypt(plain, target, [ring.dfe.fingerprint])
    assert target.read_bytes() != b"older"


def test_a_configuration_in_the_key_folder_counts_for_nothing(
    ring: Ring, plain: Path, out: Path, message: Path
) -> None:
    stranger = ring.stranger.fingerprint
    (ring.gateway.home / "gpg.conf").write_text(
        f"encrypt-to {stranger}\nhidden-encrypt-to {stranger}\narmor\ndefault-key {stranger}\n"
    )
    with OpenPGP(ring.gateway.home, NOW) as openpgp:
        openpgp.sign_and_encrypt(plain, message, ring.gateway.fingerprint, [ring.dfe.fingerprint])
    assert message.read_bytes()[0] & 0x80
    assert _refuses_to_open(ring.stranger.home, message, out, None) == "message.not-for-us"


# --- signing with the key asked for, or not at all -----------------------------------------------


def test_of_two_secret_keys_the_one_asked_for_signs(ring: Ring, plain: Path) -> None:
    with OpenPGP(ring.gateway.home, NOW) as openpgp:
        other = openpgp.generate("Another key", "sign", MADE, None)
        for signer in (other, ring.gateway.fingerprint):
            openpgp.detach_sign(plain, plain.with_name("sig"), signer)
            found = openpgp.verify_detached(plain, plain.with_name("sig"), signer)
            assert found.fingerprint == signer


@pytest.mark.parametrize(("signer", "code"), [("0" * 40, "key.unknown"), ("dfe", "key.no-secret")])
def test_a_signer_we_are_not_is_refused_and_no_other_key_signs(
    ring: Ring, plain: Path, signer: str, code: str
) -> None:
    fingerprint = ring.dfe.fingerprint if signer == "dfe" else signer
    before = _names(plain.parent)
    with OpenPGP(ring.gateway.home, NOW) as openpgp:
        for sign in (
            lambda: openpgp.detach_sign(plain, plain.with_name("sig"), fingerprint),
            lambda: openpgp.sign_and_encrypt(
                plain, plain.with_name("m"), fingerprint, [ring.panel.fingerprint]
            ),
        ):
            with pytest.raises(CryptoFault) as caught:
                sign()
            assert caught.value.code == code
    assert _names(plain.parent) == before


def _meddled(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a gpg before the real one ($REAL) that does something else than it is told."""
    bin_folder = folder / "bin"
    bin_folder.mkdir()
    (bin_folder / "gpg").write_text(f"#!/bin/bash\nREAL={shutil.which('gpg')}\n{script}\n")
    (bin_folder / "gpg").chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin_folder}:{os.environ['PATH']}")


def test_a_reader_nobody_asked_for_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ring: Ring, plain: Path
) -> None:
    extra = f"--recipient {ring.stranger.fingerprint}"
    script = f'[[ " $* " == *" --encrypt "* ]] && exec $REAL {extra} "$@"; exec $REAL "$@"'
    _meddled(tmp_path, monkeypatch, script)
    with OpenPGP(ring.gateway.home, NOW) as openpgp, pytest.raises(CryptoFault) as caught:
        openpgp.encrypt(plain, tmp_path / "sealed", [ring.dfe.fingerprint])
    assert caught.value.code == "message.wrong-readers"
    assert _names(tmp_path) == {"bin", "plain"}


@pytest.mark.parametrize("detached", [True, False])
def test_a_signature_by_another_key_than_asked_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ring: Ring, plain: Path, detached: bool
) -> None:
    with OpenPGP(ring.gateway.home) as openpgp:
        other = openpgp.generate("Another key", "sign", MADE, None)
    _meddled(tmp_path, monkeypatch, f'exec $REAL "${{@//{ring.gateway.fingerprint}!/{other}!}}"')
    with OpenPGP(ring.gateway.home, NOW) as openpgp, pytest.raises(CryptoFault) as caught:
        if detached:
            openpgp.detach_sign(plain, tmp_path / "sig", ring.gateway.fingerprint)
        else:
            readers = [ring.dfe.fingerprint]
            openpgp.sign_and_encrypt(plain, tmp_path / "m", ring.gateway.fingerprint, readers)
    assert caught.value.code == "signature.wrong-key"
    assert _names(tmp_path) == {"bin", "plain"}


@pytest.mark.parametrize("act", ["encrypt", "sign", "decrypt"])
def test_a_gpg_that_dies_half_way_leaves_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ring: Ring,
    plain: Path,
    message: Path,
    act: str,
) -> None:
    """The shell's file size limit ends gpg at its first block, as a full disk or a kill would."""
    before = _names(tmp_path)
    _meddled(tmp_path, monkeypatch, 'trap "" XFSZ; ulimit -f 0; exec $REAL "$@"')
    home = ring.dfe.home if act == "decrypt" else ring.gateway.home
    with OpenPGP(home, NOW) as openpgp, pytest.raises(CryptoFault):
        if act == "encrypt":
            openpgp.encrypt(plain, tmp_path / "new", [ring.dfe.fingerprint])
        elif act == "sign":
            openpgp.detach_sign(plain, tmp_path / "new", ring.gateway.fingerprint)
        else:
            openpgp.decrypt(message, tmp_path / "new", ring.gateway.fingerprint)
    assert _names(tmp_path) == before | {"bin"}


def test_a_gpg_that_never_finishes_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ring: Ring, plain: Path
) -> None:
    script = '[[ " $* " == *" --encrypt "* ]] && exec sleep 1000; exec $REAL "$@"'
    _meddled(tmp_path, monkeypatch, script)
    with OpenPGP(ring.gateway.home, NOW) as openpgp:
        recipient = ring.dfe.fingerprint
        openpgp.state(recipient)
        monkeypatch.setattr(gpg, "PATIENCE", 5.0)
        with pytest.raises(CryptoFault) as caught:
            openpgp.encrypt(plain, tmp_path / "sealed", [recipient])
    assert caught.value.code == "gpg.stuck"
    assert _names(tmp_path) == {"bin", "plain"}


def test_a_full_disk_is_told_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ring: Ring, plain: Path
) -> None:
    says = "gpg: error writing to '-': No space left on device"
    script = f'[[ " $* " == *" --encrypt "* ]] || exec $REAL "$@"; echo "{says}" >&2; exit 2'
    _meddled(tmp_path, monkeypatch, script)
    with OpenPGP(ring.gateway.home, NOW) as openpgp, pytest.raises(OSError, match="No space"):
        openpgp.encrypt(plain, tmp_path / "sealed", [ring.dfe.fingerprint])
    assert _names(tmp_path) == {"bin", "plain"}


# --- keys that cannot be used --------------------------------------------------------------------


def test_keys_that_cannot_be_encrypted_to(tmp_path: Path, ring: Ring, plain: Path) -> None:
    end = datetime(2020, 1, 1, tzinfo=UTC)
    with OpenPGP(ring.dfe.home) as openpgp:
        ending = openpgp.generate("Ending key", "encrypt-and-sign", NOW, end)
        signing = openpgp.generate("Signing key", "sign", MADE, None)

    def code(recipient: str, at: datetime) -> str:
        with OpenPGP(ring.dfe.home, at) as openpgp, pytest.raises(CryptoFault) as caught:
            openpgp.encrypt(plain, tmp_path / "sealed", [ring.dfe.fingerprint, recipient])
        assert caught.value.hint
        return caught.value.code

    assert code(ending, end) == "key.expired"
    assert code(ending, MADE) == "key.not-yet"
    assert code(signing, NOW) == "key.no-encryption"
    assert code("0" * 40, NOW) == "key.unknown"
    _revoke(ring.dfe.home, ending)
    assert code(ending, NOW) == "key.revoked"
    assert not (tmp_path / "sealed").exists()


def _revoke(home: Path, fingerprint: str) -> None:
    """Import the certificate that gpg makes with each key (its first line guards against slips)."""
    text = (home / "openpgp-revocs.d" / f"{fingerprint}.rev").read_text()
    certificate = text[text.index(":-----BEGIN") + 1 :]
    with OpenPGP(home) as openpgp:
        assert openpgp._gpg.import_keys(certificate).returncode == 0
        assert openpgp.state(fingerprint).revoked


def test_an_expired_subkey_under_a_living_key(ring: Ring, plain: Path, bare_gpg: BareGpg) -> None:
    args = ["--quick-set-expire", ring.dfe.fingerprint, "20180101T000000", "*"]
    bare_gpg(ring.dfe.home, *args, at=NOW)
    later = datetime(2019, 1, 1, tzinfo=UTC)
    with OpenPGP(ring.dfe.home, later) as openpgp:
        with pytest.raises(CryptoFault, match="1 January 2018") as caught:
            openpgp.encrypt(plain, plain.with_name("sealed"), [ring.dfe.fingerprint])
        openpgp.detach_sign(plain, plain.with_name("sig"), ring.dfe.fingerprint)
    assert caught.value.code == "key.expired"


def test_the_newest_encryption_subkey_is_taken(ring: Ring, plain: Path, bare_gpg: BareGpg) -> None:
    added = datetime(2015, 6, 1, tzinfo=UTC)
    loopback = ["--pinentry-mode", "loopback", "--passphrase", ""]
    args = ["--quick-add-key", ring.dfe.fingerprint, "cv25519", "encr"]
    bare_gpg(ring.dfe.home, *loopback, *args, at=added)
    sealed = plain.with_name("sealed")
    with OpenPGP(ring.dfe.home, NOW) as openpgp:
        newest = openpgp.state(ring.dfe.fingerprint).parts[-1]
        openpgp.encrypt(plain, sealed, [ring.dfe.fingerprint])
    assert newest.created == added
    packets = bare_gpg(ring.dfe.home, "--list-only", "--list-packets", sealed).decode()
    assert f"keyid {newest.keyid}" in packets


# --- opening: gpg says yes, we say no ------------------------------------------------------------


def test_an_unsigned_message_where_a_signer_is_expected(ring: Ring, plain: Path, out: Path) -> None:
    sealed = plain.with_name("sealed")
    with OpenPGP(ring.gateway.home, NOW) as openpgp:
        openpgp.encrypt(plain, sealed, [ring.dfe.fingerprint])
    code = _refuses_to_open(ring.dfe.home, sealed, out, ring.gateway.fingerprint)
    assert code == "signature.missing"


def test_signed_by_somebody_else(ring: Ring, message: Path, out: Path) -> None:
    code = _refuses_to_open(ring.dfe.home, message, out, ring.dfe.fingerprint)
    assert code == "signature.wrong-key"


def test_signed_by_somebody_unknown(ring: Ring, plain: Path, out: Path, bare_gpg: BareGpg) -> None:
    sealed = plain.with_name("sealed")
    bare_gpg(ring.stranger.home, "--import", typed=ring.dfe.public)
    args = ["--trust-model", "always", "-r", ring.dfe.fingerprint, "-o", sealed, "-se", plain]
    bare_gpg(ring.stranger.home, *args)
    code = _refuses_to_open(ring.dfe.home, sealed, out, ring.gateway.fingerprint)
    assert code == "signature.wrong-key"
    with OpenPGP(ring.dfe.home) as openpgp:
        assert openpgp.decrypt(sealed, out / "plain", None) is None
    assert (out / "plain").read_bytes() == plain.read_bytes()


def test_signed_twice(ring: Ring, plain: Path, out: Path, bare_gpg: BareGpg) -> None:
    with OpenPGP(ring.gateway.home) as openpgp:
        other = openpgp.generate("Another key", "sign", MADE, None)
        public = openpgp.export_public(other)
    bare_gpg(ring.dfe.home, "--import", typed=public)
    sealed = plain.with_name("sealed")
    signers = ["-u", f"{other}!", "-u", f"{ring.gateway.fingerprint}!"]
    args = ["--trust-model", "always", *signers, "-r", ring.dfe.fingerprint, "-o", sealed]
    bare_gpg(ring.gateway.home, *args, "-se", plain)
    code = _refuses_to_open(ring.dfe.home, sealed, out, ring.gateway.fingerprint)
    assert code == "signature.bad"


def test_signed_but_not_encrypted(ring: Ring, plain: Path, out: Path, bare_gpg: BareGpg) -> None:
    signed = plain.with_name("signed")
    bare_gpg(ring.gateway.home, "-o", signed, "--sign", plain)
    code = _refuses_to_open(ring.dfe.home, signed, out, ring.gateway.fingerprint)
    assert code == "message.damaged"


def test_encrypted_to_a_password_instead_of_a_key(
    ring: Ring, plain: Path, out: Path, bare_gpg: BareGpg
) -> None:
    sealed = plain.with_name("sealed")
    secret = ["--pinentry-mode", "loopback", "--passphrase", "known to the thief"]
    bare_gpg(ring.gateway.home, *secret, "-o", sealed, "--symmetric", "--sign", plain)
    code = _refuses_to_open(ring.dfe.home, sealed, out, ring.gateway.fingerprint)
    assert code in ("message.damaged", "key.locked")


def test_something_after_the_message(
    ring: Ring, plain: Path, message: Path, out: Path, bare_gpg: BareGpg
) -> None:
    signed = plain.with_name("signed")
    bare_gpg(ring.gateway.home, "-o", signed, "--sign", plain)
    whole = message.read_bytes()
    for more in (whole, signed.read_bytes(), b"\xcb\x08b\x00\x00\x00\x00\x00hi"):
        message.write_bytes(whole + more)
        code = _refuses_to_open(ring.dfe.home, message, out, ring.gateway.fingerprint)
        assert code in ("message.damaged", "signature.bad")


def test_not_a_message(ring: Ring, plain: Path, out: Path) -> None:
    for data in (b"", b"garbage\n" * 100_000, ring.gateway.public):
        plain.write_bytes(data)
        code = _refuses_to_open(ring.dfe.home, plain, out, ring.gateway.fingerprint)
        assert code == "message.damaged"


def test_an_absent_message(ring: Ring, tmp_path: Path, out: Path) -> None:
    with OpenPGP(ring.dfe.home) as openpgp, pytest.raises(FileNotFoundError):
        openpgp.decrypt(tmp_path / "absent", out / "plain", None)
    assert _names(out) == set()


def test_a_key_under_a_passphrase_that_nobody_can_type(
    ring: Ring, plain: Path, out: Path, bare_gpg: BareGpg
) -> None:
    loopback = ["--pinentry-mode", "loopback", "--passphrase", "a passphrase"]
    name = "Locked key <locked@example.test>"
    bare_gpg(ring.stranger.home, *loopback, "--quick-generate-key", name, "future-default")
    with OpenPGP(ring.stranger.home) as openpgp:
        (locked,) = (k for k in openpgp.secret_keys() if k.user_id == name)
        openpgp.encrypt(plain, plain.with_name("sealed"), [locked.fingerprint])
        subprocess.run(["gpgconf", "--homedir", ring.stranger.home, "--kill", "all"], check=True)
        with pytest.raises(CryptoFault, match="passphrase"):
            openpgp.detach_sign(plain, out / "sig", locked.fingerprint)
    code = _refuses_to_open(ring.stranger.home, plain.with_name("sealed"), out, None)
    assert code == "key.locked"


def test_a_message_whose_first_packet_is_no_longer_one_for_a_reader_is_damaged(
    ring: Ring, message: Path, out: Path
) -> None:
    whole = message.read_bytes()
    message.write_bytes(bytes([whole[0] ^ (1 << 4)]) + whole[1:])  # gpg then asks for a passphrase
    code = _refuses_to_open(ring.dfe.home, message, out, ring.gateway.fingerprint)
    assert code == "message.damaged"


@given(data=st.data())
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_altered_or_cut_message_opens(
    ring: Ring, message: Path, out: Path, data: st.DataObject
) -> None:
    whole = message.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1), label="at")
    if data.draw(st.booleans(), label="cut"):
        spoiled = whole[:at]
    else:
        bit = data.draw(st.integers(0, 7), label="bit")
        spoiled = whole[:at] + bytes([whole[at] ^ (1 << bit)]) + whole[at + 1 :]
    altered = message.with_name("altered")
    altered.write_bytes(spoiled)
    code = _refuses_to_open(ring.dfe.home, altered, out, ring.gateway.fingerprint)
    assert code in ("message.damaged", "message.not-for-us")
