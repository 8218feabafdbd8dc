"""What a recipient has to do today: what is overdue first, then today's package, then the rest."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from gateway.agreement.windows import london_date, next_moment
from gateway.receipts.owing import Owed, outstanding
from gateway.store import packages, received, windows
from gateway.store.database import Transaction
from gateway.store.received import Received
from gateway.web.collecting import words
from gateway.web.site import Site
from gateway.web.visitor import Visitor

_UNDERWAY = ("placed", "collected", "opened")


@dataclass(frozen=True)
class Task:
    """A package with which something is to be done."""

    package: str
    href: str
    title: str
    what: str
    state: str
    tag: str
    to_do: str
    due: str
    late: bool


@dataclass(frozen=True)
class Flowing:
    """What today brings in one flow. ``instead``: what is said where there is no package."""

    party: str
    flow: str
    title: str
    sender: str
    days: str
    today: tuple[Task, ...]
    instead: str


@dataclass
class Today:
    """All of it. ``statements``: recalled packages whose holder is to say that they are apart."""

    overdue: list[Task] = field(default_factory=list)
    flows: list[Flowing] = field(default_factory=list)
    waiting: list[Task] = field(default_factory=list)
    statements: list[Task] = field(default_factory=list)
    answered: list[tuple[str, str]] = field(default_factory=list)  # address and package

    @property
    def owed(self) -> int:
        """How many things are to be done."""
        todays = [task for flow in self.flows for task in flow.today if task.to_do]
        tasks = [*self.overdue, *todays, *self.waiting, *self.statements]
        return len(tasks) + len(self.answered)


def flows_of(site: Site, who: Visitor) -> list[tuple[str, str]]:
    """Party and flow of everything that the visitor may collect, in the order of the agreements."""
    return [
        (to.party, flow_id)
        for flow_id in site.parts.agreed
        for to in site.parts.flow(flow_id).recipients
        if who.may(frozenset({"recipient"}), to.party, flow_id)
    ]


def today(site: Site, who: Visitor) -> Today:
    """What the visitor has to do, at the time of the site."""
    now, mine = site.now(), flows_of(site, who)
    told = Today()
    with site.parts.database.snapshot() as tx:
        owed = {
            (item.party, item.package): item
            for item in outstanding(tx, site.parts.agreed, now)
            if item.package and (item.party, item.flow) in mine
        }
        for party, flow_id in mine:
            _gather(tx, site, (party, flow_id), owed, now, told)
        told.statements += _statements(tx, site, mine)
    told.overdue.sort(key=lambda task: task.package)
    return told


def _gather(
    tx: Transaction,
    site: Site,
    mine: tuple[str, str],
    owed: dict[tuple[str, str], Owed],
    now: datetime,
    told: Today,
) -> None:
    party, flow_id = mine
    flow, day = site.parts.flow(flow_id), london_date(now)
    of_today = received.between(tx, party, flow_id, day, day)
    underway = received.in_states(tx, party, flow_id, _UNDERWAY)
    tasks = {
        row.id: task_of(party, flow.title, row, owed.get((party, row.id)), now)
        for row in (*underway, *of_today)
    }
    late = [task for task in tasks.values() if task.late]
    todays = tuple(tasks[row.id] for row in of_today if not tasks[row.id].late)
    seen = {task.package for task in (*late, *todays)}
    standing = [row.id for row in underway if row.package_state != "superseded"]
    told.overdue += late
    told.waiting += [tasks[name] for name in standing if name not in seen]
    told.answered += [
        (f"/{party}/{flow_id}/queries/{row.id}", row.package_id)
        for row in received.threads_in_state(tx, party, flow_id, "answered")
    ]
    sender = site.parties().get(flow.sender, flow.sender)
    days = f"/{party}/{flow_id}/days/{day.year}"
    instead = "" if of_today else _instead(tx, site, flow_id, day, now)
    told.flows.append(Flowing(party, flow_id, flow.title, sender, days, todays, instead))


def _instead(tx: Transaction, site: Site, flow_id: str, day: date, now: datetime) -> str:
    """What is said of today where no package of today is there."""
    agreed, flow = site.parts.agreed[flow_id], site.parts.flow(flow_id)
    for window in windows.between(tx, flow_id, day, day):
        if window.state == "covered":
            return f"Today is covered by {window.package_id}."
        return "Today’s package is late. The gateway is at work on it, and its people are told."
    coming = next_moment(flow.window, agreed.working_days, now)
    if coming.day == day:
        return f"Today’s package comes at {coming.at.astimezone(agreed.working_days.zone):%H:%M}."
    return f"No package is due today. The next one comes on {words.moment(coming.at)}."


def _statements(tx: Transaction, site: Site, mine: Iterable[tuple[str, str]]) -> list[Task]:
    """The recalled packages for which an officer still owes a signed statement."""
    owing = {
        (row.party, row.package_id) for row in packages.owing_statement(tx, site.parts.settings.s3)
    }
    return [
        task_of(party, site.parts.flow(flow).title, row, None, site.now())
        for party, flow in mine
        if owing
        for row in received.in_states(tx, party, flow, ("recalled",))
        if (party, row.id) in owing
    ]


def task_of(party: str, title: str, row: Received, owed: Owed | None, now: datetime) -> Task:
    """A package as something to do; what is owed gives the deadline."""
    standing = row.package_state != "superseded"
    return Task(
        package=row.id,
        href=f"/{party}/{row.flow}/packages/{row.id}",
        title=f"{title}, {words.long_day(row.day)}",
        what=words.what(row),
        state=words.state(row),
        tag=words.TAGS.get(row.state, "") if standing else "govuk-tag--grey",
        to_do=words.TO_DO[owed.what] if owed and standing else "",
        due=words.moment(owed.due_at) if owed else "",
        late=owed is not None and owed.late(now),
    )
