"""Making the digests: once for each working day, when it closes; placed as text, and mailed."""

import os
import tempfile
from datetime import date, datetime
from pathlib import Path

from gateway.access.absences import acting_for
from gateway.agreement.load import Agreed
from gateway.agreement.windows import london_date
from gateway.agreement.workingdays import ONE_DAY, days_from
from gateway.dispatch.place import place
from gateway.engine.parts import Parts
from gateway.receipts.digest import as_text, digest_of, parties_of
from gateway.store import mails, meta
from gateway.store.database import Transaction

_MADE = "digest-made"
_MOST_DAYS = 5  # made up for after an outage; older days are in the ledger


def make_digests(parts: Parts, now: datetime) -> list[Path]:
    """Make the digests of every working day that has closed since the last ones; the files.

    Raises PlacementFailed or StoreFault; the next tick makes what is missing.
    """
    made: list[Path] = []
    for day in _days_to_tell(parts, now):
        for party in parties_of(parts.agreed):
            made += _make(parts, party, day, now)
        with parts.database.transaction() as tx:
            meta.put(tx, _MADE, day.isoformat())
    return made


def mark_of(parts: Parts) -> str:
    """What begins every text of a rehearsal."""
    return "REHEARSAL: " if parts.home.is_rehearsal else ""


def _days_to_tell(parts: Parts, now: datetime) -> list[date]:
    """The working days closed since the last digest. The first look of a home only takes note."""
    agreed = next(iter(parts.agreed.values()))
    latest = _latest_closed(agreed, now)
    with parts.database.transaction() as tx:
        known = meta.get(tx, _MADE)
        if known is None:
            meta.put(tx, _MADE, latest.isoformat())
            return []
    last = date.fromisoformat(known)
    days = [day for day in days_from(last + ONE_DAY, latest) if agreed.working_days.is_working(day)]
    return days[-_MOST_DAYS:]


def _latest_closed(agreed: Agreed, now: datetime) -> date:
    days = agreed.working_days
    day = days.on_or_before(now.astimezone(days.zone).date())
    if agreed.working_hours.span(day)[1] > now:
        return days.on_or_before(day - ONE_DAY)
    return day


def _make(parts: Parts, party: str, day: date, now: datetime) -> list[Path]:
    target = parts.home.reports_of(party) / f"digest-{day.isoformat()}.txt"
    with parts.database.transaction() as tx:
        text = as_text(digest_of(tx, parts.agreed, party, day, now), now, mark_of(parts))
        if parts.settings.mail.host:
            _queue(tx, parts, party, day, text, now)
    if os.path.lexists(target):  # made before the tick that made it was cut short
        return []
    with tempfile.TemporaryDirectory(prefix="digest-", dir=parts.home.work) as folder:
        source = Path(folder) / target.name
        source.write_text(text, encoding="utf-8")
        place(source, target.parent, target.name)
    return [target]


def _queue(tx: Transaction, parts: Parts, party: str, day: date, text: str, now: datetime) -> None:
    for officer in parts.officers.of(party):
        acting = acting_for(tx, parts.officers, officer.id, london_date(now))
        mails.add_once(
            tx,
            key=f"digest:{party}:{day.isoformat()}:{acting.id}",
            kind="digest",
            party=party,
            officer=acting.id,
            address=acting.email,
            subject=f"{mark_of(parts)}Gateway: digest of {day:%A %d %B %Y} for {party}",
            body=text,
            made_at=now,
        )
