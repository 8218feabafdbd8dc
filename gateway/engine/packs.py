"""Evidence packs that somebody on the site has asked for: made by the worker, fetched afterwards.

Making one takes as long as the days it covers are full, so that the door answers at once and the
pack lies in ``var/packs`` when it is whole. A pack is a copy: after a week it goes.
"""

import json
import secrets
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from pydantic import Field

from gateway.access.sessions import SiteSession
from gateway.engine.evidence import export_pack
from gateway.engine.faults import as_fault
from gateway.engine.lock import only_worker
from gateway.engine.onsite import OfParty, Op
from gateway.engine.parts import Parts
from gateway.refusal import Refusal
from gateway.settings import Home

KEPT_FOR = timedelta(days=7)
LONGEST = timedelta(days=366)
_PATIENCE_SECONDS = 300.0
THREAD = "evidence"
_AT_WORK = threading.Lock()


class PackRefused(Refusal):
    """No pack is made now. Codes: evidence.*"""


@dataclass(frozen=True)
class Pack:
    """A pack that was asked for. ``state``: making, made or failed."""

    id: str
    party: str
    first: str
    last: str
    asked_at: str
    state: str = "making"
    size: int = 0
    sha256: str = ""
    fault: str = ""


class PackOnSite(OfParty):
    """The days of a pack, both included, and a case's reference where it is about one."""

    first: date
    last: date
    case: str = Field("", max_length=40)


def packs_of(home: Home, party: str) -> list[Pack]:
    """The packs that the party's people asked for, the latest first."""
    found = [pack for pack in _every(home) if pack.party == party]
    return sorted(found, key=lambda pack: pack.asked_at, reverse=True)


def pack_file(home: Home, party: str, pack_id: str) -> Path | None:
    """Where a pack of the party lies, if it is whole."""
    mine = {pack.id for pack in packs_of(home, party) if pack.state == "made"}
    return _file(home, pack_id, "zip") if pack_id in mine else None


def ask_pack(
    parts: Parts, party: str, days: tuple[date, date], case: str | None, now: datetime
) -> Pack:
    """Begin to make a pack. Raises PackRefused (evidence.days, evidence.busy)."""
    if not timedelta() <= days[1] - days[0] < LONGEST or days[1] > now.date():
        raise PackRefused(
            "evidence.days",
            "A pack covers one day or more, a year at most, and none that is still to come.",
            "Give the first day and the last, in order.",
        )
    if not _AT_WORK.acquire(blocking=False):
        raise PackRefused(
            "evidence.busy", "Another pack is being made.", "Ask again in a few minutes."
        )
    try:
        _sweep(parts.home, now)
        made = (secrets.token_hex(8), party, days[0].isoformat(), days[1].isoformat())
        pack = Pack(*made, now.isoformat())
        _note(parts.home, pack)
        given = (parts, pack, days, case, now)
        threading.Thread(target=_make, args=given, name=THREAD, daemon=True).start()
    except BaseException:
        _AT_WORK.release()
        raise
    return pack


def _make(
    parts: Parts, pack: Pack, days: tuple[date, date], case: str | None, now: datetime
) -> None:
    """Make the pack, and say what became of it; the worker lives on whatever happens."""
    target = _file(parts.home, pack.id, "zip")
    told = asdict(pack)
    try:
        with only_worker(parts, _PATIENCE_SECONDS):
            made = export_pack(parts, target, days, case, now)
        told |= {"state": "made", "size": made.size, "sha256": made.sha256}
    except Exception as error:
        fault = as_fault("evidence", error)
        structlog.get_logger("worker").error("no pack", code=fault.code, words=fault.words)
        told |= {"state": "failed", "fault": fault.words}
    finally:
        _AT_WORK.release()
    _note(parts.home, Pack(**told))


def _note(home: Home, pack: Pack) -> None:
    place = _file(home, pack.id, "json")
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = place.with_suffix(".part")
    part.write_text(json.dumps(asdict(pack)), encoding="utf-8")
    part.replace(place)


def _every(home: Home) -> Iterator[Pack]:
    for place in (home.var / "packs").glob("*.json"):
        yield Pack(**json.loads(place.read_text(encoding="utf-8")))


def _sweep(home: Home, now: datetime) -> None:
    """Remove packs of more than a week ago, and those that a worker was stopped at."""
    for pack in _every(home):
        old = now - datetime.fromisoformat(pack.asked_at) > KEPT_FOR
        if old or pack.state == "making":
            for end in ("zip", "json"):
                _file(home, pack.id, end).unlink(missing_ok=True)


def _file(home: Home, pack_id: str, end: str) -> Path:
    return home.var / "packs" / f"{pack_id}.{end}"


def _ask(parts: Parts, asked: PackOnSite, who: SiteSession, now: datetime) -> Mapping[str, Any]:
    del who
    case = asked.case.strip() or None
    return {"pack": ask_pack(parts, asked.party, (asked.first, asked.last), case, now).id}


OPS: Mapping[str, Op] = {
    "evidence": Op(PackOnSite, frozenset({"auditor", "administrator"}), _ask, any_flow=True)
}
