"""The live figures behind the assurance report: counted from rows and leaves, never from a cell."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from statistics import median

from gateway.access.training import known_as
from gateway.agreement.load import Agreed
from gateway.agreement.model import Flow
from gateway.agreement.windows import london_date
from gateway.agreement.workingdays import ONE_DAY, days_from
from gateway.engine.face import FaceParts
from gateway.engine.parts import Parts
from gateway.engine.registerwatch import watched_parties
from gateway.receipts.owing import Owed, outstanding
from gateway.records.registers import trained_people
from gateway.records.registers.rules import REGISTERS, REQUESTS
from gateway.store import (
    alarms,
    drops,
    evidence,
    grants,
    ledger,
    people,
    reconciliations,
    threads,
)
from gateway.store.alarms import AlarmRow
from gateway.store.database import Transaction
from gateway.store.evidence import Row
from gateway.store.outstanding import windows_in
from gateway.store.packages import FIRST_REHEARSAL, WITHDRAWN
from gateway.store.reconciliations import ReconciliationRow
from gateway.store.windows import WindowRow

YEAR = timedelta(days=365)
_HOUR = timedelta(hours=1)
REMEMBERED = 3 * YEAR  # how far back requests, feedback and training are counted
MONITORING = "monitoring"
_OFTEN = (*REQUESTS, "feedback", "training")
_SELDOM = tuple(name for name in REGISTERS if name not in (*_OFTEN, MONITORING))


@dataclass(frozen=True)
class Rate:
    """So many of so many in time."""

    kept: int
    of: int

    def __str__(self) -> str:
        if not self.of:
            return "none yet"
        return f"{self.kept} of {self.of} on time ({100 * self.kept // self.of}%)"


@dataclass(frozen=True)
class Figures:
    """What is known of the last twelve months. ``events``: leaves of the ledger by name."""

    agreed: Agreed
    since: datetime
    now: datetime
    windows: Sequence[WindowRow]
    packages: Mapping[str, Row]
    deliveries: Sequence[Row]
    drops: Mapping[str, int]
    owed: Sequence[Owed]
    alarms: Sequence[AlarmRow]
    registers: Sequence[Row]
    holds: Sequence[Row]
    destructions: int
    handovers: int
    versions: Sequence[Row]
    statements: Sequence[Row]
    lists: Sequence[ReconciliationRow]
    open_queries: int
    events: Mapping[str, int]
    last: Mapping[str, str]  # when an event was last recorded, UTC, as leaves have it
    seals: int  # leaves under the latest checkpoint's log
    good_keys: int
    keys: int
    officers: int
    officers_trained: int
    people: int  # who have a grant on the site
    people_trained: int  # and whose training lets it count
    roles: int

    # --- of flows --------------------------------------------------------------------------------

    def flow(self, flow_id: str) -> Flow:
        """The agreement's flow of that id."""
        return self.agreed.agreement.flow(flow_id)

    def windows_on_time(self, flow_id: str) -> Rate:
        """Windows whose package was placed with everyone within the grace of their time."""
        own = [item for item in self.windows if item.flow == flow_id]
        grace = timedelta(minutes=self.flow(flow_id).window.grace_minutes)
        return Rate(sum(self._placed_by(item, item.due_at + grace) for item in own), len(own))

    def sent(self, flow_id: str) -> list[Row]:
        """The deliveries of a flow that were placed."""
        return [
            row
            for row in self.deliveries
            if row["placed_at"] and self.packages[row["package_id"]]["flow"] == flow_id
        ]

    def kinds(self, flow_id: str) -> Counter[str]:
        """The packages of a flow by their kind."""
        return Counter(row["kind"] for row in self.packages.values() if row["flow"] == flow_id)

    def steps_on_time(self, deadline_id: str, start: str, end: str) -> Rate:
        """Deliveries that took a step in its agreed time, of those that took it or owe it."""
        deadline = self.agreed.agreement.deadline(deadline_id)
        if deadline is None:
            return Rate(0, 0)
        judged = []
        for row in self.deliveries:
            gone = row["state"] in WITHDRAWN and not row[end]  # nobody owes it any more
            if row[start] and not gone:
                due = self.agreed.working_hours.deadline_at(deadline, row[start])
                if row[end] or due <= self.now:
                    judged.append(bool(row[end]) and row[end] <= due)
        return Rate(sum(judged), len(judged))

    def working_hours_to_answer(self) -> float | None:
        """The median, in working hours, from placing a package to an officer's answer."""
        taken = [
            self.agreed.working_hours.between(row["placed_at"], row["acknowledged_at"]) / _HOUR
            for row in self.deliveries
            if row["placed_at"] and row["acknowledged_at"]
        ]
        return round(median(taken), 2) if taken else None

    def _placed_by(self, window: WindowRow, end: datetime) -> bool:
        own = self._by_package.get(window.package_id or "", [])
        return bool(own) and all(row["placed_at"] and row["placed_at"] <= end for row in own)

    @cached_property
    def _by_package(self) -> Mapping[str, list[Row]]:
        found: dict[str, list[Row]] = {}
        for row in self.deliveries:
            found.setdefault(row["package_id"], []).append(row)
        return found

    # --- of registers and custody ----------------------------------------------------------------

    def register(self, *names: str) -> list[Row]:
        """The entries of those registers."""
        return [row for row in self.registers if row["register"] in names]

    def stand(self, *names: str) -> list[Row]:
        """The entries of those registers, but for what was entered by mistake."""
        return [
            row
            for row in self.register(*names)
            if not any(step["step"] == "mistaken" for step in row["steps"])
        ]

    def days_watched(self) -> tuple[set[date], set[date]]:
        """On which days someone who receives each day looked, and on which working days one was to.

        Of each party that signs: from the day after its first package, to the last day that closed.
        """
        watching = watched_parties([self.agreed])
        looks = [row for row in self.register(MONITORING) if row["party"] in watching]
        seen: set[date] = {row["opened_on"] for row in looks}
        placed: dict[str, date] = {}
        for row in self.deliveries:
            if row["party"] in watching and row["placed_at"]:
                day = london_date(row["placed_at"])
                placed[row["party"]] = min(day, placed.get(row["party"], day))
                if row["collected_at"]:
                    seen.add(london_date(row["collected_at"]))
        if not placed:
            return seen, set()
        days, last = self.agreed.working_days, self.agreed.working_hours.last_closed(self.now)
        of = {
            day for day in days_from(min(placed.values()) + ONE_DAY, last) if days.is_working(day)
        }
        return seen, of

    def still_open(self, *names: str) -> list[Row]:
        """Those that have not ended."""
        return [row for row in self.register(*names) if row["ended_at"] is None]

    def overdue(self, *names: str) -> int:
        """How many of those are past their time."""
        return sum(
            row["due_at"] is not None and row["due_at"] <= self.now
            for row in self.still_open(*names)
        )

    def held(self) -> list[Row]:
        """Holds that are on."""
        return [row for row in self.holds if row["state"] == "on"]

    def signed_by(self) -> dict[str, datetime]:
        """Who has signed the version in force and not withdrawn since, and when first."""
        found: dict[str, datetime] = {}
        for row in self.statements:
            if row["hash"] != self.agreed.hash:
                continue
            if row["kind"] == "signed":
                found.setdefault(row["party"], row["signed_at"])
            else:
                found.pop(row["party"], None)
        return found

    def late(self) -> int:
        """How much of what is owed is late."""
        return sum(item.late(self.now) for item in self.owed)

    def open_alarms(self, *starts: str) -> int:
        """How many alarms are open whose code starts so."""
        return sum(item.code.startswith(starts) for item in self.alarms)


@dataclass(frozen=True)
class KeyCount:
    """How many keys are pinned, and how many of them are in order."""

    good: int
    all: int


def count_keys(parts: Parts, now: datetime) -> KeyCount:
    """The keys as gpg has them now."""
    reports = parts.key_reports(now)
    return KeyCount(sum(item.state in ("ok", "expiring") for item in reports), len(reports))


Counts = tuple[Counter[str], dict[str, str], int]  # by event, when last, in all


def figures_of(
    parts: Parts | FaceParts,
    now: datetime,
    keys: KeyCount,
    events_of: Callable[[Transaction], Counts] | None = None,
) -> Figures:
    """Count everything, in one transaction. The first agreement's clauses are reported on.

    ``keys``: as `count_keys` finds them, or as the worker last did. ``events_of`` counts the
    ledger's events, where they are not to be counted leaf by leaf.
    """
    agreed = next(iter(parts.agreed.values()))
    since = now - YEAR
    with parts.database.snapshot() as tx:
        every = evidence.packages_of_period(tx, since, now + _HOUR)
        ids = [item for item in every if int(item.rpartition("-")[2]) < FIRST_REHEARSAL]
        events, last, count = (events_of or _events)(tx)
        taken: Counter[str] = Counter()
        for party in {item.id for item in agreed.agreement.parties}:
            taken.update(drops.counted(tx, party, since, now))
        trained = _Trained(tx, now)
        return Figures(
            agreed=agreed,
            since=since,
            now=now,
            windows=windows_in(tx, since, now),
            packages={row["id"]: row for row in evidence.packages_by_id(tx, ids)},
            deliveries=evidence.steps_of_packages(tx, ids),
            drops=taken,
            owed=outstanding(tx, parts.agreed, now),
            alarms=alarms.open_alarms(tx),
            registers=_entries(tx, now),
            holds=evidence.hold_facts(tx),
            destructions=evidence.count_destructions(tx),
            handovers=evidence.count_handovers(tx),
            versions=evidence.agreements(tx),
            statements=evidence.agreement_statements(tx),
            lists=reconciliations.latest(tx, 10),
            open_queries=len(threads.open_threads(tx)),
            events=events,
            last=last,
            seals=count,
            good_keys=keys.good,
            keys=keys.all,
            officers=len(list(parts.officers)),
            officers_trained=sum(trained.has(item.id, item.party) for item in parts.officers),
            people=len(trained.holding),
            people_trained=sum(trained.has(known_as(it), it.party) for it in trained.holding),
            roles=sum(len(item.roles) for item in parts.officers),
        )


class _Trained:
    """Whose training counts at a moment. ``holding``: the people with a grant, trained or not."""

    def __init__(self, tx: Transaction, now: datetime) -> None:
        self._noted = {(row.person, row.party) for row in trained_people(tx) if row.due_at > now}
        granted = grants.holders(tx)
        self.holding = [row for row in people.listed(tx) if row.active and row.id in granted]

    def has(self, who: str, party: str) -> bool:
        """Whether that of a party's person does."""
        return (who, party) in self._noted


def _entries(tx: Transaction, now: datetime) -> list[Row]:
    """Entries of the registers: all of the few that come seldom, and of others no more than counts.

    A look at the account is made each day and read for twelve months. A request, what somebody
    said or a training is read for three years, and as long after as it has not ended.
    """
    recent = london_date(now - REMEMBERED)
    return [
        *evidence.register_facts(tx, _SELDOM),
        *evidence.register_facts(tx, _OFTEN, recent, going=True),
        *evidence.register_facts(tx, (MONITORING,), london_date(now - YEAR)),
    ]


def _events(tx: Transaction) -> Counts:
    events: Counter[str] = Counter()
    last: dict[str, str] = {}
    for leaf in _leaves(tx):
        events[leaf["event"]] += 1
        last[leaf["event"]] = leaf["at"]
    return events, last, events.total()


def _leaves(tx: Transaction) -> Iterator[dict[str, str]]:
    for row in ledger.leaves(tx):
        yield json.loads(row.leaf)
