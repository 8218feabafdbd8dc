"""Cheap stand-ins at two seams, for the simulation alone: OpenPGP, and the confined reader's child.

Both keep what the gateway relies on. A message opens for the keys it was sealed to and for no
other, bears its signer, and shows no plaintext; a signature holds over those bytes and by that key
alone. The reader runs the child's own code and frames, in this process and unconfined.
"""

import hashlib
import hmac
import io
import json
import os
import pickle
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.agreement.model import RuleBook
from gateway.crypto.faults import CryptoFault
from gateway.crypto.keystate import KeyState
from gateway.crypto.openpgp import OpenPGP, pick, refuse_unusable
from gateway.crypto.outputs import kept_if_whole
from gateway.crypto.signatures import Signature
from gateway.intake.confined.answer import Answer
from gateway.intake.confined.frames import DoneFrame, Frame, ReaderFailed
from gateway.intake.confined.validate import Validator
from gateway.intake.confined.wire import Unpacker, pack
from gateway.intake.examine import examine

_SEALING = AESGCM(hashlib.sha256(b"the simulation's").digest())
_MARK = b"stand-in message\n"
_NONCE = 12


# --- OpenPGP --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rings:
    """The keys that a template home really has, by key folder, and what its signatures prove."""

    keys: Mapping[str, tuple[KeyState, ...]]
    real: Mapping[str, Signature]  # by what was signed, its signature and the signer

    @classmethod
    def of(cls, folders: Mapping[str, Path], signed: Sequence[tuple[bytes, bytes, str]]) -> "Rings":
        """Ask the real gpg once. ``signed``: data, signature and signer, of the gateway's ring."""
        keys, real = {}, {}
        for name, folder in folders.items():
            with OpenPGP(folder) as openpgp:
                keys[name] = openpgp.keys()
                for data, signature, signer in signed if name == "gateway" else ():
                    said, made = folder.parent / ".said", folder.parent / ".made"
                    said.write_bytes(data)
                    made.write_bytes(signature)
                    real[_about(data, signature, signer)] = openpgp.verify_detached(
                        said, made, signer
                    )
                    said.unlink()
                    made.unlink()
        return cls(keys, real)

    def save(self, path: Path) -> None:
        """Keep them beside the template."""
        path.write_bytes(pickle.dumps((dict(self.keys), dict(self.real))))

    @classmethod
    def load(cls, path: Path) -> "Rings":
        """What `save` kept."""
        return cls(*pickle.loads(path.read_bytes()))  # noqa: S301 - our own file


def _about(data: bytes, signature: bytes, signer: str) -> str:
    return hashlib.sha256(
        b"".join(hashlib.sha256(item).digest() for item in (data, signature, signer.encode()))
    ).hexdigest()


class StandInPGP:
    """One key folder of the template's, with the doors of `crypto.openpgp.OpenPGP`."""

    changed_at = 1

    def __init__(self, rings: Rings, home: Path, now: datetime) -> None:
        self._rings = rings
        self._keys = rings.keys[home.name]
        self.now = now

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
        """Nothing runs that would have to end."""

    def keys(self) -> tuple[KeyState, ...]:
        """Every key of the folder."""
        return self._keys

    def secret_keys(self) -> tuple[KeyState, ...]:
        """Those whose secret half lies in it."""
        return tuple(key for key in self._keys if key.has_secret)

    def state(self, fingerprint: str) -> KeyState:
        """One of them. Raises ``key.unknown``."""
        return pick(self._keys, fingerprint)

    def offered(self, source: Path) -> tuple[str, ...]:
        """The fingerprint that a key file of the template holds: none is ever changed here."""
        return (source.stem,)

    def encrypt(self, source: Path, target: Path, recipients: Sequence[str]) -> None:
        """Seal for those keys."""
        self._seal(source, target, recipients, None)

    def sign_and_encrypt(
        self, source: Path, target: Path, signer: str, recipients: Sequence[str]
    ) -> None:
        """Seal for those keys, signed."""
        self._require(signer)
        self._seal(source, target, recipients, signer)

    def _seal(
        self, source: Path, target: Path, recipients: Sequence[str], signer: str | None
    ) -> None:
        for reader in recipients:
            refuse_unusable(self.state(reader), "encrypt", self.now)
        told = {"readers": sorted(set(recipients)), "signer": signer, "at": self._moment()}
        head = json.dumps(told).encode()
        nonce = os.urandom(_NONCE)
        with kept_if_whole(target) as part:
            sealed = _SEALING.encrypt(nonce, source.read_bytes(), head)
            part.write_bytes(b"\n".join((_MARK.strip(), head, nonce + sealed)))

    def decrypt(self, source: Path, target: Path, signer: str | None) -> Signature | None:
        """Open a message that is for a key of this folder, and signed by ``signer`` where named."""
        mark, head, sealed = source.read_bytes().split(b"\n", 2)
        if mark + b"\n" != _MARK:
            raise CryptoFault("message.damaged", "It is no message.", "")
        told = json.loads(head)
        if not {key.fingerprint for key in self.secret_keys()} & set(told["readers"]):
            raise CryptoFault("message.not-for-us", "It is for others.", "")
        if signer is not None and told["signer"] != signer:
            raise CryptoFault("signature.wrong-key", "Another signed it.", "")
        with kept_if_whole(target) as part:
            part.write_bytes(_SEALING.decrypt(sealed[:_NONCE], sealed[_NONCE:], head))
        return None if signer is None else Signature(signer, _at(told["at"]))

    def detach_sign(self, source: Path, target: Path, signer: str) -> None:
        """Sign those bytes."""
        self._require(signer)
        told = {"signer": signer, "at": self._moment()}
        told["over"] = _over(source.read_bytes(), told)
        with kept_if_whole(target) as part:
            part.write_bytes(json.dumps(told).encode())

    def verify_detached(self, data: Path, signature: Path, signer: str) -> Signature:
        """A signature of ours by its bytes, one of the template's by what the real gpg said."""
        self.state(signer)
        signed, made = data.read_bytes(), signature.read_bytes()
        if known := self._rings.real.get(_about(signed, made, signer)):
            return known
        try:
            told = json.loads(made)
            over = told.pop("over")
        except (ValueError, KeyError) as error:
            raise CryptoFault("signature.bad", "It is no signature.", "") from error
        if told["signer"] != signer:
            raise CryptoFault("signature.wrong-key", "Another signed it.", "")
        if not hmac.compare_digest(over, _over(signed, told)):
            raise CryptoFault("signature.bad", "It does not match.", "")
        return Signature(signer, _at(told["at"]))

    def _require(self, signer: str) -> None:
        refuse_unusable(self.state(signer), "sign", self.now)
        if not self.state(signer).has_secret:
            raise CryptoFault("key.no-secret", "Its secret half is not here.", "")

    def _moment(self) -> str:
        return self.now.astimezone(UTC).isoformat(timespec="seconds")


def _over(data: bytes, told: Mapping[str, Any]) -> str:
    about = f"{told['signer']}:{told['at']}".encode()
    return hashlib.sha256(hashlib.sha256(data).digest() + about).hexdigest()


def _at(told: str) -> datetime:
    return datetime.fromisoformat(told)


# --- the reader -----------------------------------------------------------------------------------


class StandInReader:
    """Reads a file in this process, by the code and over the frames of the confined child.

    What the child says of the same bytes is remembered, since most of a run's files are alike.
    """

    def __init__(self, books: Mapping[str, RuleBook]) -> None:
        self._books = dict(books)
        self._said: dict[tuple[str, bytes], bytes] = {}

    @property
    def flows(self) -> tuple[str, ...]:
        """The ids of the flows whose rule books it has."""
        return tuple(self._books)

    def close(self) -> None:
        """Nothing runs that would have to end."""

    def examine(self, flow_id: str, file: BinaryIO, today: date) -> Iterator[Frame]:
        """As `intake.confined.reader.Reader.examine`."""
        book, content = self._books[flow_id], file.read()
        key = flow_id, hashlib.sha256(content).digest()  # no date in our files is near today
        if key not in self._said:
            answer = _Kept(book)
            examine(io.BytesIO(content), book, today, answer)
            self._said[key] = bytes(answer.told)
        unpacker, validator = Unpacker(1 << 24), Validator(book)
        frames = [validator.frame(*frame) for frame in unpacker.feed(self._said[key])]
        if not frames or not isinstance(frames[-1], DoneFrame):
            raise ReaderFailed("file.reader-failed", "the answer has no outcome")
        return iter(frames)


class _Kept(Answer):
    """The child's answer, kept instead of written to a pipe."""

    def __init__(self, book: RuleBook) -> None:
        super().__init__(-1, book)
        self.told = bytearray()

    def _send(self, kind: bytes, payload: bytes) -> None:
        self.told += pack(kind, payload)
