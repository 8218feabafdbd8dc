from datetime import UTC, datetime
from pathlib import Path

import pytest
from key_ring import MADE, NOW, BareGpg, Ring

from gateway.crypto.faults import CryptoFault
from gateway.crypto.openpgp import LARGEST_KEY_FILE, OpenPGP

LATER = datetime(2030, 6, 1, 12, 30, tzinfo=UTC)


def test_a_signing_key(tmp_path: Path) -> None:
    with OpenPGP(tmp_path / "h") as openpgp:
        key = openpgp.generate("Gateway signing key", "sign", MADE, LATER)
        state = openpgp.state(key)
        assert openpgp.secret_keys() == (state,)
    assert (len(key), state.fingerprint, state.user_id) == (40, key, "Gateway signing key")
    assert (state.created, state.expires) == (MADE, LATER)
    assert (state.can_sign, state.can_encrypt, state.has_secret) == (True, False, True)
    assert not state.revoked


def test_a_key_to_encrypt_and_sign(ring: Ring) -> None:
    with OpenPGP(ring.dfe.home) as openpgp:
        state = openpgp.state(ring.dfe.fingerprint)
        known = openpgp.state(ring.gateway.fingerprint)
    assert (state.can_sign, state.can_encrypt, state.has_secret) == (True, True, True)
    assert (state.created, state.expires) == (MADE, None)
    assert not known.has_secret


@pytest.mark.parametrize("name", ["ab", "A\n%commit", "Name <a@b.example>", "1st key", "Ünï key"])
def test_a_name_that_could_command_gpg_is_refused(tmp_path: Path, name: str) -> None:
    with OpenPGP(tmp_path / "h") as openpgp, pytest.raises(ValueError, match="name"):
        openpgp.generate(name, "sign", MADE, None)


def test_gpg_clock_is_the_faked_one(tmp_path: Path) -> None:
    with OpenPGP(tmp_path / "h", NOW) as openpgp:
        assert openpgp.now == NOW
    with OpenPGP(tmp_path / "h") as openpgp:
        assert openpgp.now > NOW


@pytest.mark.parametrize("fingerprint", ["", "ABCD", "0" * 39, "g" * 40, "a" * 40, "--help"])
def test_only_full_fingerprints_name_a_key(ring: Ring, fingerprint: str) -> None:
    with OpenPGP(ring.gateway.home) as openpgp, pytest.raises(ValueError, match="40"):
        openpgp.state(fingerprint)


def test_an_unknown_key(ring: Ring) -> None:
    with OpenPGP(ring.gateway.home) as openpgp, pytest.raises(CryptoFault) as caught:
        openpgp.state("0" * 40)
    assert caught.value.code == "key.unknown"


def test_a_subkey_fingerprint_names_no_key(ring: Ring) -> None:
    with OpenPGP(ring.gateway.home) as openpgp:
        subkey = openpgp.state(ring.dfe.fingerprint).parts[1].fingerprint
        with pytest.raises(CryptoFault) as caught:
            openpgp.state(subkey)
    assert caught.value.code == "key.unknown"


def test_importing_from_a_file_and_again(tmp_path: Path, ring: Ring) -> None:
    file = tmp_path / "dfe.asc"
    file.write_bytes(ring.dfe.public)
    with OpenPGP(tmp_path / "h") as openpgp:
        first = openpgp.import_pinned(file, ring.dfe.fingerprint)
        assert openpgp.import_pinned(ring.dfe.public, ring.dfe.fingerprint) == first
        assert openpgp.export_public(ring.dfe.fingerprint).startswith(b"-----BEGIN PGP PUBLIC")
    assert (first.fingerprint, first.has_secret) == (ring.dfe.fingerprint, False)


def _refused(home: Path, data: bytes | Path, fingerprint: str) -> str:
    with OpenPGP(home) as openpgp:
        with pytest.raises(CryptoFault) as caught:
            openpgp.import_pinned(data, fingerprint)
        with pytest.raises(CryptoFault, match="holds no key"):
            openpgp.state(fingerprint)
        assert openpgp.secret_keys() == ()
    return caught.value.code


def test_another_key_than_the_pinned_one(tmp_path: Path, ring: Ring) -> None:
    code = _refused(tmp_path / "h", ring.stranger.public, ring.dfe.fingerprint)
    assert code == "key.mismatch"


def test_a_file_of_two_keys(tmp_path: Path, ring: Ring, bare_gpg: BareGpg) -> None:
    both = bare_gpg(ring.gateway.home, "--export", ring.dfe.fingerprint, ring.stranger.fingerprint)
    assert _refused(tmp_path / "h", both, ring.dfe.fingerprint) == "key.mismatch"
    joined = ring.dfe.public + ring.stranger.public
    assert _refused(tmp_path / "i", joined, ring.dfe.fingerprint) == "key.mismatch"


def test_a_secret_key_is_never_taken(tmp_path: Path, ring: Ring, bare_gpg: BareGpg) -> None:
    secret = bare_gpg(ring.dfe.home, "--export-secret-keys", ring.dfe.fingerprint)
    assert _refused(tmp_path / "h", secret, ring.dfe.fingerprint) == "key.secret"


def test_not_a_key_file(tmp_path: Path, ring: Ring) -> None:
    assert _refused(tmp_path / "h", b"not a key", ring.dfe.fingerprint) == "key.damaged"
    assert _refused(tmp_path / "h", b"", ring.dfe.fingerprint) == "key.damaged"
    cut = ring.dfe.public[: len(ring.dfe.public) // 2]
    assert _refused(tmp_path / "h", cut, ring.dfe.fingerprint) == "key.damaged"
    large = tmp_path / "large"
    large.write_bytes(b"x" * (LARGEST_KEY_FILE + 1))
    assert _refused(tmp_path / "h", large, ring.dfe.fingerprint) == "key.damaged"


def test_importing_again_brings_a_new_expiry(ring: Ring, bare_gpg: BareGpg) -> None:
    moved = datetime(2017, 1, 1, tzinfo=UTC)
    bare_gpg(ring.dfe.home, "--quick-set-expire", ring.dfe.fingerprint, "20170101T000000", at=NOW)
    public = bare_gpg(ring.dfe.home, "--armor", "--export", ring.dfe.fingerprint)
    with OpenPGP(ring.gateway.home) as openpgp:
        assert openpgp.state(ring.dfe.fingerprint).expires is None
        assert openpgp.import_pinned(public, ring.dfe.fingerprint).expires == moved


def test_what_another_program_does_to_a_keyring_is_seen_at_once(
    ring: Ring, bare_gpg: BareGpg
) -> None:
    """What is known of a key is remembered no longer than the keyring stays as it was."""
    with OpenPGP(ring.dfe.home, NOW) as openpgp:
        assert openpgp.state(ring.dfe.fingerprint).expires is None
        until = "20170101T000000"
        bare_gpg(ring.dfe.home, "--quick-set-expire", ring.dfe.fingerprint, until, at=NOW)
        assert openpgp.state(ring.dfe.fingerprint).expires == datetime(2017, 1, 1, tzinfo=UTC)
        assert openpgp.state(ring.dfe.fingerprint).has_secret
        words = ("--yes", "--delete-secret-keys", ring.dfe.fingerprint)
        bare_gpg(ring.dfe.home, "--batch", *words, at=NOW)
        assert not openpgp.state(ring.dfe.fingerprint).has_secret
        bare_gpg(ring.dfe.home, "--batch", "--yes", "--delete-keys", ring.dfe.fingerprint, at=NOW)
        with pytest.raises(CryptoFault) as caught:
            openpgp.state(ring.dfe.fingerprint)
        assert caught.value.code == "key.unknown"


def test_a_key_ends_when_its_encryption_subkey_does(ring: Ring, bare_gpg: BareGpg) -> None:
    args = ["--quick-set-expire", ring.dfe.fingerprint, "20180101T000000", "*"]
    bare_gpg(ring.dfe.home, *args, at=NOW)
    with OpenPGP(ring.dfe.home) as openpgp:
        assert openpgp.state(ring.dfe.fingerprint).expires == datetime(2018, 1, 1, tzinfo=UTC)


def test_a_user_id_cannot_forge_a_line_of_the_listing(tmp_path: Path, ring: Ring) -> None:
    """gpg prints a user id's odd line breaks as they are; only a line feed ends a line."""
    forged = f"Somebody\u2028fpr:::::::::{ring.dfe.fingerprint}:\x85sec:"
    spec = f"%no-protection\nKey-Type: EDDSA\nKey-Curve: ed25519\nName-Real: {forged}\n%commit\n"
    with OpenPGP(tmp_path / "h") as openpgp:
        openpgp._gpg.encoding = "utf-8"
        assert openpgp._gpg.gen_key(spec).returncode == 0
        (state,) = openpgp.secret_keys()
    assert state.user_id.startswith("Somebody\u2028fpr:::")
    assert state.fingerprint != ring.dfe.fingerprint
