"""Detached signatures as evidence: judged as at the moment they were made."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from key_ring import MADE, NOW, BareGpg, Holder, Ring

from gateway.crypto.faults import CryptoFault
from gateway.crypto.gpg import Said
from gateway.crypto.keystate import key_states
from gateway.crypto.openpgp import OpenPGP
from gateway.crypto.signatures import judge

TODAY = datetime(2026, 1, 1, tzinfo=UTC)


def _sign(holder: Holder, data: Path, at: datetime = NOW) -> Path:
    target = data.with_name("data.asc")
    with OpenPGP(holder.home, at) as openpgp:
        openpgp.detach_sign(data, target, holder.fingerprint)
    return target


def _code(home: Path, data: Path, signature: Path, signer: str) -> str:
    with OpenPGP(home, TODAY) as openpgp, pytest.raises(CryptoFault) as caught:
        openpgp.verify_detached(data, signature, signer)
    assert caught.value.hint
    return caught.value.code


def _judged_as(home: Path, data: Path, signature: Path, signer: str) -> datetime:
    with OpenPGP(home, TODAY) as openpgp:
        found = openpgp.verify_detached(data, signature, signer)
    assert found.fingerprint == signer
    return found.at


def test_a_signature_is_armoured_private_and_stock_gpg_verifies_it(
    ring: Ring, plain: Path, bare_gpg: BareGpg
) -> None:
    signature = _sign(ring.gateway, plain)
    assert signature.read_bytes().startswith(b"-----BEGIN PGP SIGNATURE-----")
    assert signature.stat().st_mode & 0o777 == 0o600
    bare_gpg(ring.dfe.home, "--verify", signature, plain)
    assert _judged_as(ring.dfe.home, plain, signature, ring.gateway.fingerprint) == NOW


def test_file_names_are_only_names(ring: Ring, tmp_path: Path) -> None:
    data = tmp_path / "-&3 --output\nx.zip"
    data.write_bytes(b"data")
    signature = _sign(ring.gateway, data)
    assert _judged_as(ring.dfe.home, data, signature, ring.gateway.fingerprint) == NOW


def test_changed_data(ring: Ring, plain: Path) -> None:
    signature = _sign(ring.gateway, plain)
    plain.write_bytes(plain.read_bytes() + b" ")
    fingerprint = ring.gateway.fingerprint
    assert _code(ring.dfe.home, plain, signature, fingerprint) == "signature.bad"
    plain.write_bytes(b"")
    assert _code(ring.dfe.home, plain, signature, fingerprint) == "signature.bad"


def test_another_signer_good_or_not(ring: Ring, plain: Path) -> None:
    signature = _sign(ring.dfe, plain)
    panel = ring.panel.fingerprint
    assert _code(ring.gateway.home, plain, signature, panel) == "signature.wrong-key"
    plain.write_bytes(b"changed")
    assert _code(ring.gateway.home, plain, signature, panel) == "signature.wrong-key"


def test_a_signer_nobody_knows(ring: Ring, plain: Path) -> None:
    signature = _sign(ring.stranger, plain)
    gateway = ring.gateway.fingerprint
    assert _code(ring.dfe.home, plain, signature, gateway) == "signature.wrong-key"
    assert _code(ring.dfe.home, plain, signature, ring.stranger.fingerprint) == "key.unknown"


def test_no_signature_in_the_file(ring: Ring, plain: Path) -> None:
    signature = plain.with_name("data.asc")
    for words in (b"", b"no signature", ring.gateway.public):
        signature.write_bytes(words)
        code = _code(ring.dfe.home, plain, signature, ring.gateway.fingerprint)
        assert code == "signature.missing"


def test_an_absent_file(ring: Ring, plain: Path) -> None:
    signature = _sign(ring.gateway, plain)
    absent = plain.with_name("absent")
    with OpenPGP(ring.dfe.home) as openpgp:
        for data, sig in ((absent, signature), (plain, absent)):
            with pytest.raises(FileNotFoundError):
                openpgp.verify_detached(data, sig, ring.gateway.fingerprint)


@pytest.mark.parametrize("how", ["--sign", "--clear-sign"])
def test_a_signed_message_is_no_detached_signature(
    ring: Ring, plain: Path, bare_gpg: BareGpg, how: str
) -> None:
    """gpg finds its signature good: over its own content, and not over the file we ask about."""
    other, attached = plain.with_name("other"), plain.with_name("attached")
    other.write_bytes(b"other data\n")
    bare_gpg(ring.gateway.home, "-o", attached, how, other)
    for data in (plain, other):
        assert _code(ring.dfe.home, data, attached, ring.gateway.fingerprint) == "signature.missing"


def test_two_signatures(ring: Ring, plain: Path, bare_gpg: BareGpg) -> None:
    signature = plain.with_name("data.sig")
    args = ["-o", signature, "--detach-sign"]
    bare_gpg(ring.gateway.home, *args, plain, at=NOW)
    first = signature.read_bytes()
    bare_gpg(ring.gateway.home, *args, plain, at=NOW + timedelta(days=1))
    signature.write_bytes(first + signature.read_bytes())
    assert _code(ring.dfe.home, plain, signature, ring.gateway.fingerprint) == "signature.bad"


def test_a_signature_that_says_nothing_about_a_file(
    ring: Ring, plain: Path, bare_gpg: BareGpg
) -> None:
    """SHA-1 can be forged; and a signature may itself be out of date."""
    signature = plain.with_name("data.sig")
    weak = ["--digest-algo", "SHA1", "--allow-weak-digest-algos"]
    key = ["--pinentry-mode", "loopback", "--passphrase", "", "--quick-generate-key"]
    bare_gpg(ring.stranger.home, *key, "Old key", "rsa2048", at=MADE)
    with OpenPGP(ring.stranger.home) as openpgp:
        (old,) = (k.fingerprint for k in openpgp.secret_keys() if k.user_id == "Old key")
    args = ["-o", signature, "-u", f"{old}!"]
    bare_gpg(ring.stranger.home, *weak, *args, "--detach-sign", plain, at=NOW)
    assert _code(ring.stranger.home, plain, signature, old) == "signature.bad"
    brief = ["--default-sig-expire", "1"]
    bare_gpg(ring.stranger.home, *brief, *args, "--detach-sign", plain, at=NOW)
    assert _code(ring.stranger.home, plain, signature, old) == "signature.bad"


# --- evidence outlives its key -------------------------------------------------------------------


@pytest.fixture
def ended(ring: Ring, bare_gpg: BareGpg) -> Callable[..., None]:
    """dfe's key gets an end, and the gateway learns of it."""

    def end(until: str) -> None:
        bare_gpg(ring.dfe.home, "--quick-set-expire", ring.dfe.fingerprint, until)
        public = bare_gpg(ring.dfe.home, "--export", ring.dfe.fingerprint)
        with OpenPGP(ring.gateway.home) as openpgp:
            openpgp.import_pinned(public, ring.dfe.fingerprint)

    return end


def test_a_key_that_expired_later(ring: Ring, plain: Path, ended: Callable[..., None]) -> None:
    signature = _sign(ring.dfe, plain)
    ended("20200101T000000")
    assert _judged_as(ring.gateway.home, plain, signature, ring.dfe.fingerprint) == NOW


def test_a_key_that_had_expired(ring: Ring, plain: Path, ended: Callable[..., None]) -> None:
    signature = _sign(ring.dfe, plain, datetime(2021, 1, 1, tzinfo=UTC))
    ended("20200101T000000")
    code = _code(ring.gateway.home, plain, signature, ring.dfe.fingerprint)
    assert code == "key.expired"


REVOKED = datetime(2019, 1, 1, tzinfo=UTC)


@pytest.fixture
def revoked(ring: Ring, bare_gpg: BareGpg) -> Callable[[int], None]:
    """dfe revokes its key for a reason (RFC 4880 §5.2.3.23), and the gateway learns of it."""

    def revoke(reason: int) -> None:
        args = ["--no-batch", "--command-fd", "0", "--gen-revoke", ring.dfe.fingerprint]
        typed = f"y\n{reason}\n\ny\n".encode()
        certificate = bare_gpg(ring.dfe.home, *args, at=REVOKED, typed=typed)
        bare_gpg(ring.dfe.home, "--import", typed=certificate)
        public = bare_gpg(ring.dfe.home, "--export", ring.dfe.fingerprint)
        with OpenPGP(ring.gateway.home) as openpgp:
            assert openpgp.import_pinned(public, ring.dfe.fingerprint).revoked

    return revoke


@pytest.mark.parametrize("reason", [2, 3])
def test_a_key_retired_later(
    ring: Ring, plain: Path, revoked: Callable[[int], None], reason: int
) -> None:
    signature = _sign(ring.dfe, plain)
    revoked(reason)
    assert _judged_as(ring.gateway.home, plain, signature, ring.dfe.fingerprint) == NOW


@pytest.mark.parametrize(
    ("reason", "at"), [(0, NOW), (1, NOW), (2, REVOKED), (3, REVOKED + timedelta(days=1))]
)
def test_a_key_lost_or_already_retired(
    ring: Ring, plain: Path, revoked: Callable[[int], None], reason: int, at: datetime
) -> None:
    signature = _sign(ring.dfe, plain, at)
    revoked(reason)
    code = _code(ring.gateway.home, plain, signature, ring.dfe.fingerprint)
    assert code == "key.revoked"


def test_a_signing_subkey(ring: Ring, plain: Path, bare_gpg: BareGpg) -> None:
    """Many keys sign by a subkey: the pinned fingerprint is the primary key's all the same."""
    added = datetime(2015, 6, 1, tzinfo=UTC)
    loopback = ["--pinentry-mode", "loopback", "--passphrase", ""]
    args = ["--quick-add-key", ring.dfe.fingerprint, "ed25519", "sign", "20180101T000000"]
    bare_gpg(ring.dfe.home, *loopback, *args, at=added)
    public = bare_gpg(ring.dfe.home, "--export", ring.dfe.fingerprint)
    with OpenPGP(ring.gateway.home) as openpgp:
        subkey = openpgp.import_pinned(public, ring.dfe.fingerprint).parts[-1]
    signature = _sign(ring.dfe, plain)
    packets = bare_gpg(ring.dfe.home, "--list-packets", signature).decode()
    assert f"keyid {subkey.keyid}" in packets
    assert _judged_as(ring.gateway.home, plain, signature, ring.dfe.fingerprint) == NOW


# --- what no gpg at hand says, but one could -----------------------------------------------------

LISTING = """\
pub:-:255:22:AAAAAAAAAAAAAAAA:1420070400:::-:::scSC::::::ed25519:::0:
fpr:::::::::1111111111111111111111111111111111111111:
uid:-::::1420070400::::A\\x3ab::::::::::0:
sub:i:255:22:BBBBBBBBBBBBBBBB:1420070400::::::s:::::ed25519::
fpr:::::::::2222222222222222222222222222222222222222:
sub:r:255:18:CCCCCCCCCCCCCCCC:1420070400::::::e:::::cv25519::
sub:r:255:18:DDDDDDDDDDDDDDDD:1420070400::::::e:::::cv25519::
fpr:::::::::4444444444444444444444444444444444444444:
rev:::22:AAAAAAAAAAAAAAAA:1483228800::::A:28x,01::1111111111111111111111111111111111111111:::8:
rev:::22:AAAAAAAAAAAAAAAA:1483228801::::A:28x,02::1111111111111111111111111111111111111111:::8:
"""


def test_a_listing_with_odd_parts() -> None:
    (state,) = key_states("tru::1:1:0:3:1:5\n" + LISTING)
    assert [part.fingerprint[0] for part in state.parts] == ["1", "2", "4"]
    assert (state.user_id, state.can_sign, state.can_encrypt) == ("A:b", True, False)
    assert state.parts[2].retired is None  # one of its revocations says it was stolen
    assert key_states("") == ()


@pytest.mark.parametrize(
    ("statuses", "code"),
    [
        ([("GOODSIG", "A x")], "signature.bad"),  # good, but by whom?
        ([("ERRSIG", "A 22 8 00 1456848000 4 -")], "signature.bad"),
        ([("GOODSIG", "A x"), ("VALIDSIG", "2" * 40 + " d 1456848000 0 4 0 22 8 00 " + "1" * 40)],
         "signature.bad"),
        ([("GOODSIG", "A x"), ("VALIDSIG", "1" * 40 + " d 1456848000 0 4 0 22 8 10 " + "1" * 40)],
         "signature.bad"),
    ],
)  # fmt: skip
def test_status_lines_that_prove_nothing(statuses: list[tuple[str, str]], code: str) -> None:
    heard = Said(0, tuple((key, tuple(words.split())) for key, words in statuses), ())
    with pytest.raises(CryptoFault) as caught:
        judge(heard, key_states(LISTING)[0])
    assert caught.value.code == code
