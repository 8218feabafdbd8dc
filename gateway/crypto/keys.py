"""The keys of a home: where they lie, how they are made, and whether each can still be used.

``docs/keys.md`` says the same for the people who hold them.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from gateway.crypto.credentials import secret_file
from gateway.crypto.faults import CryptoFault
from gateway.crypto.keystate import KeyState, Usage
from gateway.crypto.openpgp import OpenPGP, pick, refuse_unusable
from gateway.crypto.outputs import kept_if_whole
from gateway.crypto.pins import GATEWAY, PartyPins, PinFaults, Pins, Role, load_pins, write_pins
from gateway.crypto.sshkeys import host_key_file

__all__ = [
    "GATEWAY",
    "HomeKeys",
    "KeyReport",
    "PartyPins",
    "PinFaults",
    "Pins",
    "examine_keys",
    "import_officer_keys",
    "import_party_keys",
    "load_pins",
    "make_gateway_key",
    "make_home_key",
    "make_rehearsal_keys",
    "make_rehearsal_officer_key",
    "require_usable",
    "unsafe_modes",
    "write_pins",
]

KeyHealth = Literal["ok", "expiring", "expired", "revoked", "missing", "mismatched", "unfit"]
REHEARSAL_MADE = datetime(2015, 1, 1, tzinfo=UTC)
GATEWAY_KEY_LIFE = timedelta(days=2 * 365)
_LEVELS = (7, 30, 60)  # days before expiry at which the warning grows louder
_NEEDS: dict[Role, tuple[Usage, ...]] = {
    "signing": ("sign",),
    "exchange": ("encrypt", "sign"),
    "records": ("encrypt",),
}
_ASK = "Ask its owner to extend it and to send the public key again (docs/keys.md)."
_RENEW: dict[Role, str] = {
    "signing": "Extend it, and hand its public key to the parties again (docs/keys.md).",
    "exchange": _ASK,
    "records": _ASK,
}


@dataclass(frozen=True, slots=True)
class HomeKeys:
    """Where the keys of the home at ``home`` lie."""

    home: Path

    @property
    def folder(self) -> Path:
        """``keys/``."""
        return self.home / "keys"

    @property
    def gateway(self) -> Path:
        """The gateway's GNUPGHOME: its one secret key, and every party's public keys."""
        return self.folder / "gateway"

    @property
    def gateway_public(self) -> Path:
        """The gateway's public key, to hand to the parties."""
        return self.folder / "gateway.asc"

    @property
    def parties(self) -> Path:
        """The public keys that the parties handed over."""
        return self.folder / "parties"

    @property
    def home_key(self) -> Path:
        """32 random bytes from which every key of encryption at rest is derived."""
        return self.folder / "home.key"

    @property
    def log_key(self) -> Path:
        """32 bytes: the Ed25519 key that signs the ledger's checkpoints."""
        return self.folder / "ledger.key"

    @property
    def web_secret(self) -> Path:
        """32 random bytes: the web site's own (`sitekey`). They open no drop and no package."""
        return self.folder / "web.secret"

    @property
    def metrics_token(self) -> Path:
        """One line that a program shows to read ``/metrics`` from elsewhere; absent: none may."""
        return self.folder / "metrics.token"

    def party_public(self, party: str, role: Role) -> Path:
        """The file of a party's public key."""
        return self.parties / f"{party}-{role}.asc"

    @property
    def officers(self) -> Path:
        """The public keys that officers handed over."""
        return self.folder / "officers"

    def officer_public(self, officer: str) -> Path:
        """The file of an officer's public key."""
        return self.officers / f"{officer}.asc"

    @property
    def s3(self) -> Path:
        """``<party>.toml``: the credentials of buckets."""
        return self.folder / "s3"

    def rehearsal(self, who: str) -> Path:
        """A party's or an officer's own GNUPGHOME; only a rehearsal has it."""
        return self.folder / "rehearsal" / who


@dataclass(frozen=True, slots=True)
class KeyReport:
    """How one pinned key stands. ``words`` says what to do; "" when there is nothing to do.

    ``days_left`` counts whole days; ``level`` is the warning reached: 60, 30 or 7.
    """

    party: str
    role: Role
    fingerprint: str
    state: KeyHealth
    expires: datetime | None = None
    days_left: int | None = None
    level: int | None = None
    words: str = ""


def make_home_key(home: Path) -> Path:
    """Make ``keys/home.key`` unless it is there: it is never replaced, for it opens what rests."""
    path = HomeKeys(home).home_key
    if not secret_file(path)[0].exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with kept_if_whole(path) as part:
            part.write_bytes(secrets.token_bytes(32))
    return path


def make_web_secret(home: Path) -> None:
    """Make the web site's own secret, unless it is there: without it all enrol anew."""
    path = HomeKeys(home).web_secret
    if not secret_file(path)[0].exists():
        with kept_if_whole(path) as part:
            part.write_bytes(secrets.token_bytes(32))


def make_gateway_key(home: Path, now: datetime, *, rehearsal: bool = False) -> str:
    """Make the gateway's signing key unless it is there; gives its fingerprint.

    It lives two years from ``now``; a rehearsal's is made as at 2015 and does not expire.
    Raises ``key.many`` when the folder holds more than one secret key.
    """
    keys = HomeKeys(home)
    with OpenPGP(keys.gateway) as openpgp:
        held = openpgp.secret_keys()
        if len(held) > 1:
            raise CryptoFault(
                "key.many",
                "The gateway's key folder holds more than one secret key.",
                "Keep the pinned one alone: move the others to a folder of their own.",
            )
        if held:
            fingerprint = held[0].fingerprint
        elif rehearsal:
            name = "Rehearsal gateway signing"
            fingerprint = openpgp.generate(name, "sign", REHEARSAL_MADE, None)
        else:
            name = "Gateway signing key"
            fingerprint = openpgp.generate(name, "sign", now, now + GATEWAY_KEY_LIFE)
        _publish(openpgp, fingerprint, keys.gateway_public)
    return fingerprint


def make_rehearsal_keys(home: Path, parties: Sequence[str]) -> Pins:
    """Make, where missing, the keys of a rehearsal's gateway and of each party; gives their pins.

    Each party's GNUPGHOME also learns the gateway's public key, so that ``gpg --decrypt`` there
    verifies what it opens. Every public key is laid into ``keys/parties``.
    """
    keys = HomeKeys(home)
    gateway = make_gateway_key(home, REHEARSAL_MADE, rehearsal=True)
    pinned = {}
    for party in parties:
        with OpenPGP(keys.rehearsal(party)) as openpgp:
            fingerprints: dict[Role, str] = {}
            for role in ("exchange", "records"):
                fingerprints[role] = _rehearsal_key(openpgp, f"Rehearsal {party} {role}")
                _publish(openpgp, fingerprints[role], keys.party_public(party, role))
            openpgp.import_pinned(keys.gateway_public, gateway)
        pinned[party] = PartyPins(fingerprints["exchange"], fingerprints["records"])
    return Pins(gateway, pinned)


def make_rehearsal_officer_key(home: Path, officer: str, gateway: str) -> str:
    """Make, where missing, an officer's own signing key in a GNUPGHOME of a rehearsal.

    It also learns the gateway's public key, ``gateway``. Gives the officer's fingerprint.
    """
    keys = HomeKeys(home)
    with OpenPGP(keys.rehearsal(officer)) as openpgp:
        held = openpgp.secret_keys()
        if held:
            fingerprint = held[0].fingerprint
        else:
            name = f"Rehearsal {officer}"
            fingerprint = openpgp.generate(name, "sign", REHEARSAL_MADE, None)
            openpgp.import_pinned(keys.gateway_public, gateway)
        _publish(openpgp, fingerprint, keys.officer_public(officer))
    return fingerprint


def import_officer_keys(home: Path, pinned: Mapping[str, str]) -> None:
    """Bring the gateway's keyring up to date from ``keys/officers``: officer → fingerprint.

    A pin without a file stays as the keyring has it. Raises ``CryptoFault`` as the first fault.
    """
    keys = HomeKeys(home)
    present = [(who, print_) for who, print_ in pinned.items() if keys.officer_public(who).exists()]
    if not present:
        return
    with OpenPGP(keys.gateway) as openpgp:
        for officer, fingerprint in present:
            openpgp.import_pinned(keys.officer_public(officer), fingerprint)


def _rehearsal_key(openpgp: OpenPGP, name: str) -> str:
    for key in openpgp.secret_keys():
        if key.user_id == name:
            return key.fingerprint
    return openpgp.generate(name, "encrypt-and-sign", REHEARSAL_MADE, None)


def _publish(openpgp: OpenPGP, fingerprint: str, path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with kept_if_whole(path) as part:
        part.write_bytes(openpgp.export_public(fingerprint))


def import_party_keys(home: Path, pins: Pins) -> None:
    """Bring the gateway's keyring up to date from ``keys/parties``, by pinned fingerprint alone.

    A pin without a file stays as the keyring has it: ``examine_keys`` tells of what is missing.
    Every file is tried; raises ``CryptoFault`` with the first fault's code and all their words.
    """
    keys = HomeKeys(home)
    faults: list[tuple[Path, CryptoFault]] = []
    with OpenPGP(keys.gateway) as openpgp:
        for party, role, fingerprint in pins.each():
            path = keys.party_public(party, role)
            if party == GATEWAY or not path.exists():
                continue
            try:
                openpgp.import_pinned(path, fingerprint)
            except CryptoFault as fault:
                faults.append((path, fault))
    if faults:
        words = " ".join(f"{path.name}: {fault.args[0]}" for path, fault in faults)
        raise CryptoFault(faults[0][1].code, words, faults[0][1].hint)


def require_usable(openpgp: OpenPGP, fingerprint: str, now: datetime, purpose: Usage) -> KeyState:
    """The key's state, if it can be used for ``purpose`` at ``now``; else ``CryptoFault`` key.*."""
    state = openpgp.state(fingerprint)
    refuse_unusable(state, purpose, now)
    return state


def examine_keys(
    openpgp: OpenPGP, pins: Pins, now: datetime, offered: Path | None = None
) -> tuple[KeyReport, ...]:
    """How every pinned key stands at ``now``; ``offered`` is ``keys/parties``.

    With ``offered``, a pin whose key is unknown although a file for it lies there with another key
    is told as ``mismatched``.
    """
    known = openpgp.keys()
    held = {state.fingerprint for state in known}
    reports = []
    for party, role, fingerprint in pins.each():
        file = offered / f"{party}-{role}.asc" if offered and fingerprint not in held else None
        other = file if file and _holds_another(openpgp, file, fingerprint) else None
        reports.append(_report(known, party, role, fingerprint, now, other))
    return tuple(reports)


def _holds_another(openpgp: OpenPGP, file: Path, fingerprint: str) -> bool:
    return file.exists() and openpgp.offered(file) != (fingerprint,)


def _report(
    known: Sequence[KeyState],
    party: str,
    role: Role,
    fingerprint: str,
    now: datetime,
    other: Path | None,
) -> KeyReport:
    whose = "The gateway's signing key" if party == GATEWAY else f"The {role} key of {party}"
    try:
        state = pick(known, fingerprint)
        for usage in _NEEDS[role]:
            refuse_unusable(state, usage, now)
    except CryptoFault as fault:
        return _unusable(whose, party, role, fingerprint, fault, other)
    if party == GATEWAY and not state.has_secret:
        words = f"{whose} has no secret half here. Restore keys/gateway from its backup."
        return KeyReport(party, role, fingerprint, "missing", words=words)
    if state.expires is None:
        return KeyReport(party, role, fingerprint, "ok")
    left = state.expires - now
    level = next((days for days in _LEVELS if left <= timedelta(days=days)), None)
    if level is None:
        return KeyReport(party, role, fingerprint, "ok", state.expires, left.days)
    words = f"{whose} expires on {state.expires:%-d %B %Y}, in {left.days} days. {_RENEW[role]}"
    return KeyReport(party, role, fingerprint, "expiring", state.expires, left.days, level, words)


_HEALTH: dict[str, KeyHealth] = {
    "key.unknown": "missing",
    "key.expired": "expired",
    "key.revoked": "revoked",
}


def _unusable(
    whose: str,
    party: str,
    role: Role,
    fingerprint: str,
    fault: CryptoFault,
    other: Path | None,
) -> KeyReport:
    health = _HEALTH.get(fault.code, "unfit")
    words = f"{whose} cannot be used. {fault}"
    if other is not None:
        health = "mismatched"
        words = (
            f"{whose} is pinned as {fingerprint}, but {other.name} holds another key. "
            "Read both fingerprints to its owner by telephone before anything is changed."
        )
    return KeyReport(party, role, fingerprint, health, words=words)


def unsafe_modes(home: Path) -> list[str]:
    """What others than the owner can read or change under ``keys/``: a line each, with the cure."""
    keys = HomeKeys(home)
    return [
        f"{path.relative_to(home)} {what}; run: chmod {cure} {path.relative_to(home)}"
        for path, forbidden, what, cure in _guarded(keys)
        if path.exists() and path.stat().st_mode & forbidden
    ]


def _guarded(keys: HomeKeys) -> Iterator[tuple[Path, int, str, str]]:
    readable = "can be read by others"
    changed = "can be changed by others"
    yield keys.folder, 0o022, changed, "go-w"
    yield keys.parties, 0o022, changed, "go-w"
    yield keys.officers, 0o022, changed, "go-w"
    yield keys.home_key, 0o077, readable, "600"
    yield host_key_file(keys.home), 0o077, readable, "600"
    yield keys.log_key, 0o077, readable, "600"
    yield keys.web_secret, 0o077, readable, "600"
    yield keys.metrics_token, 0o077, readable, "600"
    yield keys.s3, 0o022, changed, "go-w"
    for credentials in sorted(keys.s3.glob("*.toml")):
        yield credentials, 0o077, readable, "600"
    homes = [keys.gateway, *sorted((keys.folder / "rehearsal").glob("*"))]
    for folder in homes:
        yield folder, 0o077, readable, "700"
        yield folder / "private-keys-v1.d", 0o077, readable, "700"
        for secret in sorted((folder / "private-keys-v1.d").glob("*.key")):
            yield secret, 0o077, readable, "600"
