"""``config/parties.toml``: whose key is whose, by full fingerprint (design §5.1).

The agreement names parties only; which keys are theirs is a fact of this home, changed by a
ledgered act of two officers and written here.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from gateway.crypto.faults import CryptoFault
from gateway.crypto.outputs import kept_if_whole

Role = Literal["signing", "exchange", "records"]
GATEWAY = "gateway"
_PARTY = re.compile(r"[a-z][a-z0-9-]{0,39}")
_FINGERPRINT = re.compile(r"[0-9A-F]{40}")
_HEAD = """\
# Whose key is whose, by full fingerprint. A key counts by its fingerprint here and by nothing else.
# Two officers change this file, after reading the fingerprint to its owner by telephone
# (docs/keys.md). The public keys themselves lie in keys/parties/<party>-<role>.asc.
#
# signing   the gateway's own key: it signs packages, manifests and receipts
# exchange  a party's key: packages are encrypted to it, and the party signs with it
# records   a party's key for its records: the vault's originals, and its copy of what it sent
#
# [parties.dfe]
# exchange = "0123 4567 89AB CDEF 0123 4567 89AB CDEF 0123 4567"
"""


class PinFaults(CryptoFault):
    """Everything that is wrong with the pins, at once: ``faults`` holds one line each."""

    def __init__(self, path: Path, faults: tuple[str, ...]) -> None:
        lines = "\n".join(f"  {fault}" for fault in faults)
        super().__init__(
            "pins.faulty",
            f"{path.name} pins keys wrongly:\n{lines}\n",
            "Mend each line; docs/keys.md shows how the file is written.",
        )
        self.faults = faults


@dataclass(frozen=True, slots=True)
class PartyPins:
    """A party's pinned fingerprints; ``records`` is None for a party that keeps no records here."""

    exchange: str
    records: str | None = None


@dataclass(frozen=True, slots=True)
class Pins:
    """Every pinned fingerprint (40 hexadecimal digits, capitals) of this home."""

    gateway: str
    parties: Mapping[str, PartyPins] = field(default_factory=dict)

    def each(self) -> Iterator[tuple[str, Role, str]]:
        """(party, role, fingerprint) of every pin; the gateway's own comes first."""
        yield GATEWAY, "signing", self.gateway
        for party in sorted(self.parties):
            pinned = self.parties[party]
            yield party, "exchange", pinned.exchange
            if pinned.records is not None:
                yield party, "records", pinned.records

    def exchange_of(self, party: str) -> str:
        """The key that packages for a party are encrypted to. Raises ``pins.missing``."""
        return self._of(party).exchange

    def records_of(self, party: str) -> str:
        """The key that a party's originals are sealed to. Raises ``pins.missing``."""
        records = self._of(party).records
        if records is None:
            raise _unpinned(party, "records")
        return records

    def _of(self, party: str) -> PartyPins:
        if party not in self.parties:
            raise _unpinned(party, "exchange")
        return self.parties[party]


def _unpinned(party: str, role: Role) -> CryptoFault:
    return CryptoFault(
        "pins.missing",
        f"No {role} key of {party} is pinned.",
        "Pin its full fingerprint in config/parties.toml (docs/keys.md), then run `gateway init`.",
    )


def load_pins(path: Path) -> Pins:
    """Read the pins. Raises ``CryptoFault`` ``pins.missing``, or ``PinFaults`` with every fault."""
    if not path.exists():
        raise CryptoFault(
            "pins.missing",
            f"There is no {path.name}, so no party's key is known.",
            "Run `gateway init`, then pin each party's fingerprint as docs/keys.md says.",
        )
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PinFaults(path, (f"not TOML: {error}",)) from error
    reader = _Reader()
    pins = reader.pins(document)
    faults = (*reader.faults, *_shared(pins))
    if faults:
        raise PinFaults(path, faults)
    return pins


def write_pins(path: Path, pins: Pins) -> None:
    """Write the pins, whole or not at all: the same pins always give the same bytes."""
    lines = [_HEAD, "[gateway]", f'signing = "{_grouped(pins.gateway)}"']
    for party in sorted(pins.parties):
        pinned = pins.parties[party]
        lines += ["", f"[parties.{party}]", f'exchange = "{_grouped(pinned.exchange)}"']
        if pinned.records is not None:
            lines.append(f'records = "{_grouped(pinned.records)}"')
    with kept_if_whole(path) as part:
        part.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _grouped(fingerprint: str) -> str:
    """As gpg prints it and people read it aloud: ten groups of four."""
    return " ".join(fingerprint[at : at + 4] for at in range(0, 40, 4))


class _Reader:
    """Reads the document by its shape and gathers every fault on the way."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def pins(self, document: Mapping[str, object]) -> Pins:
        self._only(document, "", {"gateway", "parties"})
        gateway = self._table(document, "gateway", "gateway")
        self._only(gateway, "gateway.", {"signing"})
        signing = self._fingerprint(gateway, "signing", "gateway.signing")
        parties = self._table(document, "parties", "parties") if "parties" in document else {}
        return Pins(signing, {party: self._party(parties, party) for party in sorted(parties)})

    def _party(self, parties: Mapping[str, object], party: str) -> PartyPins:
        place = f"parties.{party}"
        if not _PARTY.fullmatch(party):
            self.faults.append(f"{place}: a party's id is small letters, digits and hyphens")
        table = self._table(parties, party, place)
        self._only(table, f"{place}.", {"exchange", "records"})
        records = None
        if "records" in table:
            records = self._fingerprint(table, "records", f"{place}.records")
        return PartyPins(self._fingerprint(table, "exchange", f"{place}.exchange"), records)

    def _table(self, within: Mapping[str, object], key: str, place: str) -> Mapping[str, object]:
        value = within.get(key)
        if isinstance(value, dict):
            return value
        self.faults.append(f"{place}: the table [{place}] is missing")
        return {}

    def _only(self, table: Mapping[str, object], prefix: str, known: set[str]) -> None:
        self.faults += [f"{prefix}{key}: not a known key" for key in table if key not in known]

    def _fingerprint(self, table: Mapping[str, object], key: str, place: str) -> str:
        value = table.get(key)
        if value is None:
            self.faults.append(f"{place}: missing")
            return ""
        plain = "".join(value.split()).upper() if isinstance(value, str) else ""
        if not _FINGERPRINT.fullmatch(plain):
            self.faults.append(
                f"{place}: not a full fingerprint (40 hexadecimal digits; spaces are allowed)"
            )
            return ""
        return plain


def _shared(pins: Pins) -> Iterator[str]:
    """A key pinned to two owners is a slip of the hand: whose signature would it be?"""
    owner: dict[str, tuple[str, Role]] = {}
    for party, role, fingerprint in pins.each():
        first = owner.setdefault(fingerprint, (party, role)) if fingerprint else (party, role)
        if first[0] != party:
            yield f"parties.{party}.{role}: the same key as {first[0]}'s {first[1]} key"
