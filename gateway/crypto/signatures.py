"""Judging a signature by gpg's status lines, as at the moment it was made (design §8, OpenPGP).

Evidence outlives keys: a signature made while its key was in being stays good when the key expires
later, or is retired. One made after that, by a key revoked as lost, or by another key is refused.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.crypto.faults import CryptoFault
from gateway.crypto.gpg import Said
from gateway.crypto.keystate import KeyState

_JUDGEMENTS = ("GOODSIG", "EXPSIG", "EXPKEYSIG", "REVKEYSIG", "BADSIG", "ERRSIG")
# RFC 4880 §9.4: MD5, SHA-1 and RIPE-MD/160 can be forged or soon will be.
_WEAK_HASHES = frozenset({"1", "2", "3"})
_OVER_DATA = frozenset({"00", "01"})
_NO_PUBLIC_KEY = "9"


@dataclass(frozen=True, slots=True)
class Signature:
    """A good signature: the signer's primary fingerprint, and when (UTC) it says it was made."""

    fingerprint: str
    at: datetime


def judge(heard: Said, signer: KeyState) -> Signature:
    """The one good signature by ``signer`` among what gpg said.

    Raises ``signature.missing``, ``signature.wrong-key``, ``signature.bad``, ``key.expired`` (made
    after the key's end) and ``key.revoked``.
    """
    judgements = [keyword for keyword, _ in heard.statuses if keyword in _JUDGEMENTS]
    if not judgements:
        raise CryptoFault(
            "signature.missing",
            "There is no signature where one is required.",
            "Ask the sender to sign it with the key whose fingerprint is pinned.",
        )
    if len(judgements) > 1:
        raise _bad("It bears more than one signature.")
    _refuse_foreign(heard, signer)
    valid = heard.all("VALIDSIG")
    if judgements[0] in ("BADSIG", "ERRSIG", "EXPSIG") or len(valid) != 1:
        raise _bad("It does not match what was signed, or is out of date or of an unknown kind.")
    words = valid[0]
    if words[-1] != signer.fingerprint:
        raise _wrong_key(signer)
    if words[7] in _WEAK_HASHES or words[8] not in _OVER_DATA:
        raise _bad("It is of a kind that proves nothing about a file.")
    at = datetime.fromtimestamp(int(words[2]), UTC)
    _refuse_out_of_life(words[0], signer, at)
    return Signature(signer.fingerprint, at)


def _refuse_foreign(heard: Said, signer: KeyState) -> None:
    keyids = {part.keyid for part in signer.parts}
    for words in heard.all("ERRSIG"):
        if words[5] == _NO_PUBLIC_KEY:
            raise _wrong_key(signer)
    for words in heard.all("BADSIG"):
        if words[0] not in keyids:
            raise _wrong_key(signer)


def _refuse_out_of_life(made_by: str, signer: KeyState, at: datetime) -> None:
    part = next((part for part in signer.parts if part.fingerprint == made_by), None)
    if part is None or not part.valid:
        raise _bad("The subkey that made it is no longer part of the key.")
    if part.was_revoked(at) or signer.parts[0].was_revoked(at):
        raise CryptoFault(
            "key.revoked",
            f"The signing key {signer.fingerprint} has been revoked.",
            "Ask the party for a new key, pin its fingerprint, and have the file signed again.",
        )
    if not (part.in_being(at) and signer.parts[0].in_being(at)):
        raise CryptoFault(
            "key.expired",
            f"The signature was made outside the life of the key {signer.fingerprint}.",
            "Ask the party to extend the key or make a new one, and to sign again.",
        )


def _bad(why: str) -> CryptoFault:
    return CryptoFault(
        "signature.bad",
        f"The signature is not good. {why}",
        "Do not use the file. Ask the sender to send it again, and tell the administrator.",
    )


def _wrong_key(signer: KeyState) -> CryptoFault:
    return CryptoFault(
        "signature.wrong-key",
        f"The signature was not made by the key {signer.fingerprint}.",
        "Do not use the file. If the sender has a new key, its fingerprint must be pinned first.",
    )
