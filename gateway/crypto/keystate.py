"""What gpg's listing says of one key, as typed data (GnuPG's doc/DETAILS, colon format)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

Usage = Literal["encrypt", "sign"]
_LETTER: dict[Usage, str] = {"encrypt": "e", "sign": "s"}
_PRIMARY = frozenset({"pub", "sec"})
_SUBKEY = frozenset({"sub", "ssb"})


@dataclass(frozen=True, slots=True)
class KeyPart:
    """A primary key or one of its subkeys. ``usage`` holds gpg's small letters (``c e s a``).

    ``secret``: its secret half is on this computer (no stub of a key kept elsewhere).
    """

    fingerprint: str
    created: datetime
    expires: datetime | None
    revoked: bool
    valid: bool
    usage: str
    secret: bool

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
    """Read ``gpg --with-colons --fixed-list-mode --fingerprint --fingerprint`` of any keys."""
    return tuple(_state(lines) for lines in _by_key(listing.splitlines()))


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
    head: list[str] | None = None
    for fields in records:
        if fields[0] in _PRIMARY or fields[0] in _SUBKEY:
            head = fields
        elif fields[0] == "fpr" and head is not None:
            yield KeyPart(
                fingerprint=fields[9],
                created=_moment(head[5]) or datetime.fromtimestamp(0, UTC),
                expires=_moment(head[6]),
                revoked=head[1] == "r",
                valid=head[1] not in ("i", "d", "n") and "D" not in head[11],
                usage="".join(letter for letter in head[11] if letter.islower()),
                secret=head[0] in ("sec", "ssb") and head[14] in ("", "+"),
            )
            head = None


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
