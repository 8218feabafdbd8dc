"""Deadlines of the registers become alarms; each ends by the step that was owed, or the look.

An entry that somebody has altered in the database is alarmed too: those that are open at every
look, all of them daily.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, time, timedelta

from gateway.agreement.load import Agreed
from gateway.agreement.windows import LONDON, london_date
from gateway.engine.parts import Parts
from gateway.records.alarms import clear_others, raise_alarm
from gateway.records.registers import RegisterRefused, lapse, opened
from gateway.records.registers.owing import CODES, Late, late
from gateway.store import alarms, meta, registers
from gateway.store.database import Transaction
from gateway.store.registers import EntryRow

ALTERED, MISSED = "register.altered", "monitoring.missed"
_LOOKED = "registers.looked"
_STILL_COLLECTED = timedelta(days=14)  # how old a package may be whose collecting is a look


def watch_registers(parts: Parts, now: datetime) -> None:
    """Raise what is late by the first agreement's deadlines, and end what no longer is."""
    agreed = next(iter(parts.agreed.values()))
    told: list[Late] = []
    with parts.database.transaction() as tx:
        whole = _is_time_for_all(tx, now)
        entries = registers.listed(tx, ended_too=whole)
        found, altered = _looked_at(parts, tx, entries, agreed, now)
        told += found
        told += _missed_looks(parts, tx, now)
        for item in told:
            raise_alarm(tx, item.code, item.subject, item.words, now)
        for entry in altered:
            raise_alarm(tx, ALTERED, f"register:{entry.id}", _altered(entry), now)
        if whole:
            meta.put(tx, _LOOKED, london_date(now).isoformat())
    for code in (*CODES, MISSED):
        still = {item.subject for item in told if item.code == code}
        clear_others(parts.database, code, still, now)
    if whole:
        wrong = {f"register:{entry.id}" for entry in altered}
        clear_others(parts.database, ALTERED, wrong, now)


def _looked_at(
    parts: Parts, tx: Transaction, entries: list[EntryRow], agreed: Agreed, now: datetime
) -> tuple[list[Late], list[EntryRow]]:
    """What is late about those entries, and which of them are not as they were kept."""
    steps = registers.steps_of(tx, (entry.id for entry in entries))
    told, altered = [], []
    for entry in entries:
        try:
            kept = opened(parts.sealer, entry, steps[entry.id])
            if entry.register == "training" and _lapses(entry, now):
                lapse(tx, parts.sealer, entry.id, now)
        except RegisterRefused:
            altered.append(entry)
        else:
            told += late(kept, agreed, now)
    return told, altered


def _lapses(entry: EntryRow, now: datetime) -> bool:
    return entry.state == "open" and entry.due_at is not None and entry.due_at <= now


def _is_time_for_all(tx: Transaction, now: datetime) -> bool:
    """Once a day, and at every look while something is altered."""
    today = london_date(now).isoformat()
    return meta.get(tx, _LOOKED) != today or bool(alarms.open_alarms(tx, ALTERED))


def _altered(entry: EntryRow) -> str:
    return (
        f"The entry {entry.id} of the register {entry.register} is not as it was kept: somebody "
        "has written into the database. Find out by whom, and restore it from the backup."
    )


# --- looks at the online account (clause 13(a)) ---------------------------------------------------


def _missed_looks(parts: Parts, tx: Transaction, now: datetime) -> Iterator[Late]:
    """By each party that receives each working day and has not looked since the last one began.

    A package collected is a look; so is one entered by hand. Before anything was placed for a
    party, it has nothing to look at.
    """
    for party, agreed in watched_parties(parts.agreed.values()).items():
        day = agreed.working_hours.last_closed(now)
        begin = datetime.combine(day, time(), LONDON)
        if not registers.sent_before(tx, party, begin):
            continue
        if registers.noted_since(tx, "monitoring", party, day):
            continue
        if registers.collected_since(tx, party, begin, day - _STILL_COLLECTED):
            continue
        words = (
            f"Nobody at {party} has looked at the online account since the start of "
            f"{day:%A %-d %B %Y}. Collect what is there, or look and enter it "
            "(`register enter monitoring`)."
        )
        yield Late(MISSED, party, "monitoring", words)


def watched_parties(agreed: Iterable[Agreed]) -> dict[str, Agreed]:
    """The parties that sign an agreement and receive a flow of it each working day."""
    found: dict[str, Agreed] = {}
    for item in agreed:
        signing = {party.id for party in item.agreement.signatories}
        for flow in item.agreement.flows:
            if flow.window.frequency == "working-day":
                found |= {one.party: item for one in flow.recipients if one.party in signing}
    return found
