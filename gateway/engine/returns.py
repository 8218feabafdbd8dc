"""Receipts that come back as files: taken from ``inbox/<party>/receipts``, judged, answered.

A receipt is a pair of files, ``<name>.receipt.json`` and ``<name>.receipt.json.asc``. A pair that
stands still is claimed by two renames into ``var/work/receipts/<party>/<random>/``, so that what is
judged cannot change and a restart goes on with it; names build no path. Whatever else lies there is
left and alarmed.
"""

import contextlib
import hashlib
import os
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from gateway.engine.faults import Fault, as_fault
from gateway.engine.parts import Parts
from gateway.engine.returned import report_refusal, stray_words
from gateway.intake.claim import Candidate, door_check, is_ignored, settled
from gateway.receipts import Offered, ReceiptRefused, Recorded, acknowledge
from gateway.receipts.receipt import KINDS, LARGEST_BODY, LARGEST_SIGNATURE, SUFFIX, from_bytes
from gateway.records.alarms import clear_about, clear_alarm, raise_alarm
from gateway.settings import Home
from gateway.store import receipts

WAIT_SECONDS = 300.0  # of a file's age: so long one of a pair waits for the other
_SIGNED = f"{SUFFIX}.asc"
_BODY, _SIGNATURE = "receipt", "signature"
_STRAY = "receipts.stray"
_RESERVED = "receipts"
_ANY_SIZE = 1 << 62  # a receipt that is too large is refused by its own code, not at the door


@dataclass(frozen=True)
class ReturnRefused:
    """A receipt from a folder that was not taken. Its party reads why in its reports folder."""

    party: str
    code: str


@dataclass
class Returns:
    """What a look at the receipts' folders found and did."""

    recorded: list[Recorded] = field(default_factory=list)
    refused: list[ReturnRefused] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


@dataclass(frozen=True)
class _Claimed:
    """A receipt's working folder. ``resumed``: an earlier run may have recorded it already."""

    party: str
    folder: Path
    resumed: bool

    def offered(self) -> Offered:
        """What lies in it; one byte more than is allowed shows that it is too large."""
        body = _head(self.folder / _BODY, LARGEST_BODY + 1)
        signature = _head(self.folder / _SIGNATURE, LARGEST_SIGNATURE + 1)
        return Offered(body, signature or None, "folder", self.party)


def take_returns(parts: Parts, now: datetime) -> Returns:
    """Judge what earlier runs had claimed, then every receipt that has settled, in their order.

    A receipt that the gateway itself cannot judge stays for the next tick, with an alarm.
    """
    returns = Returns()
    claimed = list(_claimed_before(parts.home))
    for party in _parties(parts):
        try:
            claimed += _claim_pairs(parts, party, now)
        except OSError as error:  # a folder that cannot be read stops no other
            _fault(parts, f"receipts:{party}", error, now, returns)
    read = [(item, item.offered()) for item in claimed]
    stuck: set[str] = set()
    for item, offered in sorted(read, key=lambda pair: _rank(pair[1])):
        # What follows one that could not be recorded would be out of order: it waits with it.
        if item.party not in stuck and not _judge(parts, item, offered, now, returns):
            stuck.add(item.party)
    faulty = {fault.subject for fault in returns.faults}
    with parts.database.transaction() as tx:
        for party in _parties(parts):
            if f"receipts:{party}" not in faulty:
                clear_about(tx, f"receipts:{party}", now, but=(_STRAY,))
    return returns


def _parties(parts: Parts) -> list[str]:
    found = {party.id for item in parts.agreed.values() for party in item.agreement.parties}
    return sorted(found)


def _rank(offered: Offered) -> tuple[int, str]:
    """Those that come together are judged in the order they follow one another in."""
    try:
        receipt = from_bytes(offered.body[:LARGEST_BODY])
    except ValueError:
        return len(KINDS), ""
    order = ("collected", "opened", "queried", "accepted", "quarantined")
    return order.index(receipt.kind), receipt.at.isoformat()


def _judge(parts: Parts, item: _Claimed, offered: Offered, now: datetime, returns: Returns) -> bool:
    """Record or refuse a receipt; False where it could not be done and is kept for later."""
    subject = f"receipts:{item.party}"
    if item.resumed and _is_recorded(parts, offered):  # killed between its commit and its end
        shutil.rmtree(item.folder)
        return True
    try:
        returns.recorded.append(acknowledge(parts.receipts(), offered, now))
    except ReceiptRefused as refused:
        returns.refused.append(ReturnRefused(item.party, refused.code))
        try:
            report_refusal(parts, offered, refused, item.folder.name, now)
        except OSError as error:  # the refusal stands, and is in the ledger
            _fault(parts, subject, error, now, returns)
    except Exception as error:  # the receipt is kept for the next tick
        _fault(parts, subject, error, now, returns)
        return False
    shutil.rmtree(item.folder)
    return True


def _is_recorded(parts: Parts, offered: Offered) -> bool:
    """Whether these very bytes are a receipt that was recorded."""
    with parts.database.transaction() as tx:
        return receipts.is_known(tx, "", hashlib.sha256(offered.body).hexdigest())


def _fault(parts: Parts, subject: str, error: Exception, now: datetime, returns: Returns) -> None:
    fault = as_fault(subject, error)
    returns.faults.append(fault)
    fault.alarm(parts.database, now)


# --- claiming ------------------------------------------------------------------------------------


def _working(home: Home) -> Path:
    return home.work / _RESERVED


def _claimed_before(home: Home) -> Iterator[_Claimed]:
    """Receipts claimed by an earlier run that did not finish with them."""
    for folder in sorted(_working(home).glob("*/*")):
        yield _Claimed(folder.parent.name, folder, True)


def _claim_pairs(parts: Parts, party: str, now: datetime) -> list[_Claimed]:
    """Claim the party's settled receipts; alarm what is none, until it has gone."""
    entries = _entries(parts, party)
    sound = {name: item for name, item in entries.items() if _is_sound(parts, item)}
    stray = len(sound) < len(entries)
    ready: list[Candidate] = []
    for name, item in sound.items():
        if name.endswith(SUFFIX):
            other = sound.get(f"{name}.asc")
            if other is not None or _age(item) > WAIT_SECONDS:
                ready += [item, other] if other is not None else [item]
        elif not name.endswith(_SIGNED) or (
            name.removesuffix(".asc") not in sound and _age(item) > WAIT_SECONDS
        ):
            stray = True
    _tell_stray(parts, party, stray, now)
    still = {item.path.name: item for item in settled(ready, parts.settings)[0]}
    claimed = []
    for name, item in still.items():
        if name.endswith(SUFFIX):
            signature = still.get(f"{name}.asc")
            if signature is not None or f"{name}.asc" not in sound:
                claimed.append(_claim(parts.home, party, item, signature))
    return [item for item in claimed if item is not None]


def _entries(parts: Parts, party: str) -> dict[str, Candidate]:
    folder = parts.home.receipts_of(party)
    found = {}
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if not is_ignored(entry.name, parts.settings):
                seen = entry.stat(follow_symlinks=False)
                found[entry.name] = Candidate(folder / entry.name, _RESERVED, party, seen)
    return found


def _is_sound(parts: Parts, item: Candidate) -> bool:
    is_folder = stat.S_ISDIR(item.seen.st_mode)
    return not is_folder and door_check(item, parts.settings, _ANY_SIZE) is None


def _age(item: Candidate) -> float:
    return time.time() - item.seen.st_mtime


def _claim(home: Home, party: str, body: Candidate, signature: Candidate | None) -> _Claimed | None:
    """Take a pair by renaming it; None when its receipt has gone meanwhile."""
    folder = _working(home) / party / secrets.token_hex(8)
    folder.mkdir(parents=True, mode=0o700)
    if signature is not None:
        with contextlib.suppress(FileNotFoundError):
            signature.path.rename(folder / _SIGNATURE)
    try:
        body.path.rename(folder / _BODY)
    except FileNotFoundError:
        shutil.rmtree(folder)
        return None
    return _Claimed(party, folder, False)


def _head(path: Path, limit: int) -> bytes:
    """A file's first bytes; nothing where it is absent, or was swapped for something else."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            return file.read(limit) or b""
    except OSError:
        return b""


def _tell_stray(parts: Parts, party: str, stray: bool, now: datetime) -> None:
    subject = f"receipts:{party}"
    with parts.database.transaction() as tx:
        if stray:
            raise_alarm(tx, _STRAY, subject, stray_words(party), now)
        else:
            clear_alarm(tx, _STRAY, subject, now)
