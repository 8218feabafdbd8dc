"""What gpg's listing says of one key, as typed data (GnuPG's doc/DETAILS, colon format)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

Usage = Literal["encrypt", "sign"]
_LETTER: dict[Usage, str] = {"encrypt": "e", "sign": "s"}
_PRIMARY = frozenset({"pub", "sec"})
_SUBKEY = frozenset({"sub", "ssb"})
_KEY_REVOCATIONS = frozenset({"20", "28"})  # of a key, of a subkey; 30 is of a user id
_SOFT_REASONS = frozenset({"01", "03"})  # superseded, no longer used


@dataclass(frozen=True, slots=True)
class KeyPart:
    """A primary key or one of its subkeys. ``usage`` holds gpg's small letters (``c e s a``).

    ``secret``: its secret half is on this computer (no stub of a key kept elsewhere).
    ``retired``: when it was revoked as merely superseded or no longer used. What it signed before
    stays good; what a key signed that was revoked for any other reason does not (RFC 4880
    §5.2.3.23).
    """

    fingerprint: str
    created: datetime
    expires: datetime | None
    revoked: bool
    valid: bool
    usage: str
    secret: bool
    retired: datetime | None = None

    @property
    def keyid(self) -> str:
        """The 64-bit key id, as messages name it (RFC 4880 §12.2: the fingerprint's last half)."""
        return self.fingerprint[-16:]

    def can(self, usage: Usage) -> bool:
        """Whether it is made for ``usage`` and neither revoked nor malformed; expiry apart."""
        return _LETTER[usage] in self.usage and self.valid and not self.revoked

    def in_being(self, at: datetime) -> bool:
        """Whether ``at`` lies in its life."""
        return self.created <= at and (self.expires is None or at < self.expires)

    def was_revoked(self, at: datetime) -> bool:
        """Whether what it signed at ``at`` is worth nothing since it was revoked."""
        return self.revoked and (self.retired is None or at >= self.retired)


@dataclass(frozen=True, slots=True)
class KeyState:
    """One key of a keyring. Times are UTC; ``expires`` is None for a key that never expires.

    ``expires`` is the earliest moment at which the key can no longer do all that it is made for:
    an encryption subkey often ends before its primary key.
    """

    fingerprint: str
    user_id: str
    created: datetime
    expires: datetime | None
    revoked: bool
    can_encrypt: bool
    can_sign: bool
    has_secret: bool
    parts: tuple[KeyPart, ...]

    def part_for(self, usage: Usage, at: datetime, *, secret: bool = False) -> KeyPart | None:
        """The newest part usable for ``usage`` at ``at``; with ``secret``, one we hold wholly."""
        if self.revoked or not self.parts[0].in_being(at):
            return None
        usable = [
            part
            for part in self.parts
            if part.can(usage) and part.in_being(at) and (part.secret or not secret)
        ]
        return max(usable, key=lambda part: part.created, default=None)


def key_states(listing: str) -> tuple[KeyState, ...]:
    """Read what ``gpg --with-colons --list-sigs --with-secret`` prints, with all fingerprints.

    Lines end at a line feed alone: a user id may hold any other line break that Unicode knows.
    """
    return tuple(_state(lines) for lines in _by_key(listing.split("\n")))


def _by_key(lines: Iterable[str]) -> Iterator[list[list[str]]]:
    current: list[list[str]] = []
    for line in lines:
        fields = line.split(":")
        if fields[0] in _PRIMARY and current:
            yield current
            current = []
        if fields[0] in _PRIMARY or current:
            current.append(fields)
    if current:
        yield current


def _state(records: list[list[str]]) -> KeyState:
    parts = tuple(_parts(records))
    primary = parts[0]
    names = [fields[9] for fields in records if fields[0] == "uid"]
    return KeyState(
        fingerprint=primary.fingerprint,
        user_id=_plain(names[0]) if names else "",
        created=primary.created,
        expires=_expires(parts),
        revoked=primary.revoked,
        can_encrypt=not primary.revoked and any(part.can("encrypt") for part in parts),
        can_sign=not primary.revoked and any(part.can("sign") for part in parts),
        has_secret=any(part.secret for part in parts),
        parts=parts,
    )


def _parts(records: list[list[str]]) -> Iterator[KeyPart]:
    for block in _by_part(records):
        head = block[0]
        fingerprint = next((fields[9] for fields in block if fields[0] == "fpr"), None)
        if fingerprint is None:
            continue
        yield KeyPart(
            fingerprint=fingerprint,
            created=_moment(head[5]) or datetime.fromtimestamp(0, UTC),
            expires=_moment(head[6]),
            revoked=head[1] == "r",
            valid=head[1] not in ("i", "d", "n") and "D" not in head[11],
            usage="".join(letter for letter in head[11] if letter.islower()),
            secret=head[14] not in ("", "#"),
            retired=_retired([fields for fields in block if fields[0] == "rev"]),
        )


def _by_part(records: list[list[str]]) -> Iterator[list[list[str]]]:
    block: list[list[str]] = []
    for fields in records:
        if fields[0] in _PRIMARY or fields[0] in _SUBKEY:
            if block:
                yield block
            block = []
        block.append(fields)
    yield block


def _retired(revocations: list[list[str]]) -> datetime | None:
    """When a part was revoked for a reason that leaves its past good; field 11 is `20x,01`."""
    own = [fields for fields in revocations if fields[10][:2] in _KEY_REVOCATIONS]
    if not own or not all(fields[10].partition(",")[2] in _SOFT_REASONS for fields in own):
        return None
    return min((at for fields in own if (at := _moment(fields[5]))), default=None)


def _expires(parts: tuple[KeyPart, ...]) -> datetime | None:
    ends = [parts[0].expires]
    for usage in _LETTER:
        able = [part.expires for part in parts if part.can(usage)]
        if able and None not in able:
            ends.append(max(end for end in able if end is not None))
    return min((end for end in ends if end is not None), default=None)


def _moment(field: str) -> datetime | None:
    return datetime.fromtimestamp(int(field), UTC) if field else None


def _plain(name: str) -> str:
    """A user id as people read it: gpg writes a colon in it as ``\\x3a``."""
    return name.replace("\\x3a", ":")
