"""Signing, sealing, verifying and opening with OpenPGP, by the real gpg (design §8; RFC 4880).

A key counts by its pinned full fingerprint alone. A result gets its name only after every check.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from gateway.crypto.faults import CryptoFault
from gateway.crypto.gpg import Said, failed, gpg_program, open_gpg, run, said
from gateway.crypto.gpghome import GpgHome
from gateway.crypto.keystate import KeyPart, KeyState, Usage, key_states
from gateway.crypto.outputs import kept_if_whole
from gateway.crypto.readers import readers_of
from gateway.crypto.signatures import Signature, judge

__all__ = ["Capability", "KeyState", "OpenPGP", "Signature"]

Capability = Literal["sign", "encrypt-and-sign"]
LARGEST_KEY_FILE = 1_000_000  # bytes; a real public key has a few thousand
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9 .,'&/-]{4,99}")
_FINGERPRINT = re.compile(r"[0-9A-F]{40}")
_LIST = ("--with-secret", "--fingerprint", "--fingerprint", "--list-sigs")
_SEAL = ("--no-armor", "--compress-algo", "none", "--cipher-algo", "AES256")


class OpenPGP:
    """One GNUPGHOME in use. Close it, or use it as a context manager: that ends gpg's agents.

    ``faked_time``: gpg's clock stands still there (rehearsals only). Opening makes a missing folder
    (0700) and raises ``gpg.missing``, ``gpg.failed`` or ``home.unsafe``.
    """

    def __init__(self, home: Path, faked_time: datetime | None = None) -> None:
        gpg_program()
        self._home = GpgHome(home)
        self._faked_time = faked_time
        self._known: dict[str, KeyState] = {}
        self._known_at: tuple[int, ...] = ()  # how the keyring was when these were read
        try:
            self._gpg = open_gpg(self._home.path, faked_time)
        except BaseException:
            self._home.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the agents and remove the short name. Closing twice is harmless."""
        self._home.close()

    @property
    def changed_at(self) -> int:
        """When the keyring last changed, in nanoseconds: what verified since then still does."""
        try:
            return (self._home.path / "pubring.kbx").stat().st_mtime_ns
        except FileNotFoundError:
            return 0

    @property
    def now(self) -> datetime:
        """gpg's clock: the faked moment, or the real one (UTC)."""
        return self._faked_time or datetime.now(UTC)

    # --- keys ---------------------------------------------------------------------------------

    def generate(
        self, name: str, capability: Capability, at: datetime, expires: datetime | None
    ) -> str:
        """Make an Ed25519 key (and a Cv25519 subkey) as at ``at``; gives its fingerprint.

        No passphrase: a service must start unattended, and the folder's mode protects the key.
        """
        if not _NAME.fullmatch(name):
            raise ValueError("A key's name is 5 to 100 plain letters, digits and spaces.")
        lines = ["%no-protection", "Key-Type: EDDSA", "Key-Curve: ed25519", "Key-Usage: sign"]
        if capability == "encrypt-and-sign":
            lines += ["Subkey-Type: ECDH", "Subkey-Curve: cv25519", "Subkey-Usage: encrypt"]
        until = "0" if expires is None else expires.astimezone(UTC).strftime("%Y%m%dT%H%M%S")
        lines += [f"Name-Real: {name}", f"Expire-Date: {until}", "%commit", ""]
        as_at = open_gpg(self._home.path, at)
        heard = said(as_at.gen_key("\n".join(lines)))
        made = heard.all("KEY_CREATED")
        if heard.exit != 0 or len(made) != 1:
            raise failed("make a key", heard)
        return made[0][1]

    def import_pinned(self, source: Path | bytes, fingerprint: str) -> KeyState:
        """Import one public key, if it is the one pinned; importing again brings it up to date.

        Raises ``key.mismatch`` (another key, or several), ``key.secret`` (a secret key in the
        file), ``key.damaged`` (no key in it).
        """
        data = source if isinstance(source, bytes) else _read_key_file(source)
        listing = self._shown(data)
        offered = key_states(listing)
        if any(line.startswith(("sec:", "ssb:")) for line in listing.splitlines()):
            raise CryptoFault(
                "key.secret",
                "The key file holds a secret key, which must never be handed to anyone.",
                "Tell its owner at once: that key must be replaced. Import a public key only.",
            )
        if not offered:
            raise CryptoFault(
                "key.damaged",
                "The key file holds no public key that can be read.",
                "Ask the party to export it again: gpg --armor --export FINGERPRINT.",
            )
        if len(offered) > 1 or offered[0].fingerprint != fingerprint:
            raise _mismatch(fingerprint, [key.fingerprint for key in offered])
        result = self._gpg.import_keys(data, extra_args=["--import-options", "self-sigs-only"])
        heard = said(result)
        if heard.exit != 0 or {words[1] for words in heard.all("IMPORT_OK")} != {fingerprint}:
            raise failed("import the key", heard)
        return self.state(fingerprint)

    def offered(self, source: Path) -> tuple[str, ...]:
        """The fingerprints of the keys in a key file; nothing is imported. Raises ``OSError``."""
        return tuple(key.fingerprint for key in key_states(self._shown(source.read_bytes())))

    def _shown(self, data: bytes) -> str:
        _, listing = run(self._gpg, ["--import-options", "show-only", "--import"], data)
        return listing

    def export_public(self, fingerprint: str) -> bytes:
        """The public key, ASCII-armoured, as a party imports it. Raises ``key.unknown``."""
        self.state(fingerprint)
        text: str = self._gpg.export_keys(fingerprint, armor=True)
        return text.encode("ascii")

    def state(self, fingerprint: str) -> KeyState:
        """What the keyring knows of a key. Raises ``key.unknown``.

        gpg is asked once for each key while the keyring stays as it is, and again after a run of
        it that had to be ended.
        """
        _require_full(fingerprint)
        stamp = self._stamp()
        if stamp != self._known_at or self._gpg.stuck:
            self._known, self._known_at = {}, stamp
        if fingerprint not in self._known:
            _, listing = run(self._gpg, [*_LIST, fingerprint])
            self._known[fingerprint] = pick(key_states(listing), fingerprint)
        return self._known[fingerprint]

    def _stamp(self) -> tuple[int, ...]:
        """Another one whenever a key came, changed or went; public halves and secret ones."""
        told: list[int] = []
        for name in ("pubring.kbx", "private-keys-v1.d"):
            with suppress(FileNotFoundError):
                about = (self._home.path / name).stat()
                told += [about.st_ino, about.st_mtime_ns, about.st_size]
        return tuple(told)

    def keys(self) -> tuple[KeyState, ...]:
        """Every key of the keyring, by one run of gpg."""
        heard, listing = run(self._gpg, _LIST)
        if heard.exit != 0:
            raise failed("list the keyring", heard)
        return key_states(listing)

    def secret_keys(self) -> tuple[KeyState, ...]:
        """Every key whose secret half lies in this GNUPGHOME."""
        return tuple(key for key in self.keys() if key.has_secret)

    # --- sealing and signing --------------------------------------------------------------------

    def encrypt(self, source: Path, target: Path, recipients: Sequence[str]) -> None:
        """Encrypt ``source`` to every recipient (full fingerprints), binary, AES-256, uncompressed.

        Raises ``key.*`` for a key that cannot be used; ``gpg.failed``; ``OSError``.
        """
        self._seal(source, target, recipients, None)

    def sign_and_encrypt(
        self, source: Path, target: Path, signer: str, recipients: Sequence[str]
    ) -> None:
        """As ``encrypt``, signed inside by ``signer``.

        Raises ``signature.wrong-key`` if gpg signed with another key than the one asked for.
        """
        self._seal(source, target, recipients, self._usable(signer, "sign"))

    def _seal(
        self, source: Path, target: Path, recipients: Sequence[str], signer: KeyPart | None
    ) -> None:
        if not recipients:
            raise ValueError("A message needs at least one recipient.")
        parts = [self._usable(recipient, "encrypt") for recipient in dict.fromkeys(recipients)]
        readers = [word for key in parts for word in ("--recipient", f"{key.fingerprint}!")]
        signing = _signing(signer) if signer is not None else ()
        with kept_if_whole(target) as part, source.open("rb") as plain:
            args = ["--output", str(part), *_SEAL, *signing, *readers, "--encrypt"]
            heard, _ = run(self._gpg, args, plain)
            if heard.exit != 0 or not heard.has("END_ENCRYPTION") or not part.exists():
                _refuse_locked(heard)
                raise failed("encrypt the file", heard)
            _require_signed_by(heard, signer)
            _require_readers(part, parts)

    def detach_sign(self, source: Path, target: Path, signer: str) -> None:
        """Write an armoured detached signature of ``source``. Raises as ``sign_and_encrypt``."""
        key = self._usable(signer, "sign")
        with kept_if_whole(target) as part, source.open("rb") as data:
            args = ["--output", str(part), "--armor", *_signing(key)[1:], "--detach-sign"]
            heard, _ = run(self._gpg, args, data)
            if heard.exit != 0 or not part.exists():
                _refuse_locked(heard)
                raise failed("sign the file", heard)
            _require_signed_by(heard, key)

    # --- verifying and opening ------------------------------------------------------------------

    def verify_detached(self, data: Path, signature: Path, signer: str) -> Signature:
        """Verify ``signature`` over ``data`` by the pinned ``signer``, as at signing time.

        Raises ``signature.*``, ``key.*``; ``OSError`` if a file cannot be read.
        """
        state = self.state(signer)
        with signature.open("rb"), data.open("rb") as signed:
            heard, _ = run(self._gpg, ["--verify", str(signature.absolute()), "-"], signed)
        return judge(heard, state)

    def decrypt(self, source: Path, target: Path, signer: str | None) -> Signature | None:
        """Open a message into ``target``, which appears only after every check.

        With ``signer`` the message must be signed inside by that key alone. Without, a signature
        is not judged and None is given. Raises ``message.not-for-us``, ``message.damaged``,
        ``key.locked``, and as ``verify_detached``.
        """
        state = self.state(signer) if signer is not None else None
        with kept_if_whole(target) as part, source.open("rb") as sealed:
            heard, _ = run(self._gpg, ["--output", str(part), "--decrypt"], sealed)
            _require_opened(heard)
            return judge(heard, state) if state is not None else None

    def _usable(self, fingerprint: str, usage: Usage) -> KeyPart:
        state = self.state(fingerprint)
        refuse_unusable(state, usage, self.now)
        part = state.part_for(usage, self.now, secret=usage == "sign")
        if part is None:
            raise CryptoFault(
                "key.no-secret",
                f"The secret half of the signing key {fingerprint} is not in this key folder.",
                "Restore the key folder from its backup, or make a new key and have it pinned.",
            )
        return part


def pick(keys: Sequence[KeyState], fingerprint: str) -> KeyState:
    """The key with this primary fingerprint. Raises ``key.unknown``."""
    for key in keys:
        if key.fingerprint == fingerprint:
            return key
    raise CryptoFault(
        "key.unknown",
        f"The keyring holds no key {fingerprint}.",
        "Put the party's public key file into keys/parties and run `gateway init`.",
    )


def refuse_unusable(state: KeyState, usage: Usage, now: datetime) -> None:
    """Raise ``CryptoFault`` unless the key can do ``usage`` at ``now``.

    Codes: ``key.revoked``, ``key.not-yet``, ``key.no-encryption``, ``key.no-signing``,
    ``key.expired``.
    """
    name = f"The key {state.fingerprint}"
    ask = "Ask its owner for a new or extended public key, and pin its fingerprint if it is new."
    able = state.can_encrypt if usage == "encrypt" else state.can_sign
    if state.revoked:
        raise CryptoFault("key.revoked", f"{name} has been revoked by its owner.", ask)
    if now < state.created:
        raise CryptoFault(
            "key.not-yet",
            f"{name} was made on {state.created:%-d %B %Y}, after the time it is to be used.",
            "Set this computer's clock right, or ask the owner about theirs.",
        )
    if not able:
        code = "key.no-encryption" if usage == "encrypt" else "key.no-signing"
        raise CryptoFault(code, f"{name} is not made to {usage}.", ask)
    if state.part_for(usage, now) is None:
        when = f" on {state.expires:%-d %B %Y}" if state.expires else ""
        raise CryptoFault("key.expired", f"{name} expired{when}.", ask)


def _require_full(fingerprint: str) -> None:
    if not _FINGERPRINT.fullmatch(fingerprint):
        raise ValueError("A fingerprint is 40 hexadecimal digits, in capitals without spaces.")


def _read_key_file(path: Path) -> bytes:
    if path.stat().st_size > LARGEST_KEY_FILE:
        raise CryptoFault(
            "key.damaged",
            "The key file is far larger than a public key.",
            "Ask the party to export the one key: gpg --armor --export FINGERPRINT.",
        )
    return path.read_bytes()


def _mismatch(pinned: str, offered: Sequence[str]) -> CryptoFault:
    found = ", ".join(offered[:3])
    return CryptoFault(
        "key.mismatch",
        f"The key file does not hold the pinned key {pinned} alone, but: {found}.",
        "Read the fingerprint to its owner by telephone. If the key is new, two officers pin it.",
    )


def _signing(key: KeyPart) -> tuple[str, ...]:
    # The `!` takes exactly this key: without it gpg may choose another one of the same owner.
    return ("--sign", "--digest-algo", "SHA512", "--local-user", f"{key.fingerprint}!")


def _require_readers(message: Path, parts: Sequence[KeyPart]) -> None:
    try:
        with message.open("rb") as sealed:
            found = readers_of(sealed)
    except ValueError:
        found = []
    if sorted(found) != sorted(key.keyid for key in parts):
        raise CryptoFault(
            "message.wrong-readers",
            "The sealed message is not for exactly the keys that were asked for.",
            "Nothing was sent. Report this as a fault of the gateway.",
        )


def _require_signed_by(heard: Said, signer: KeyPart | None) -> None:
    used = [words[-1] for words in heard.all("SIG_CREATED")]
    if used != ([signer.fingerprint] if signer else []):
        raise CryptoFault(
            "signature.wrong-key",
            "gpg signed with another key than the one asked for.",
            "Nothing was kept. Each key folder must hold one secret key: run `gateway doctor`.",
        )


def _refuse_locked(heard: Said) -> None:
    if heard.has("PINENTRY_LAUNCHED") or any("No pinentry" in line for line in heard.log):
        raise CryptoFault(
            "key.locked",
            "The key is protected by a passphrase that could not be asked for here.",
            "Use gpg itself in a terminal, or a key without a passphrase in a private folder.",
        )


def _require_opened(heard: Said) -> None:
    whole = heard.has("DECRYPTION_OKAY") and heard.has("GOODMDC")
    if whole and heard.exit in (0, 2) and len(heard.all("PLAINTEXT")) == 1:
        return  # exit code 2 speaks of a signature, which is judged by itself
    readers = len(heard.all("ENC_TO"))
    if readers and len(heard.all("NO_SECKEY")) == readers:
        raise CryptoFault(
            "message.not-for-us",
            "The message is sealed to keys that this key folder does not hold.",
            "Open it as the party it was sent to, or ask the sender to seal it to your key.",
        )
    if readers:  # without any, gpg asks for a passphrase of the message itself: none ever has one
        _refuse_locked(heard)
    raise CryptoFault(
        "message.damaged",
        "The message is cut short, altered, or not an encrypted message.",
        "Do not use it. Ask the sender to place it again, and tell the administrator.",
    )
