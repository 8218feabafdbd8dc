"""The report of one week, to be printed: what was due, what came of it, what is still open."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from gateway.agreement.load import Agreed
from gateway.agreement.model import Flow
from gateway.receipts.notices import TITLES, Audience, audiences_of
from gateway.store import watching
from gateway.store.alarms import AlarmRow
from gateway.store.database import Transaction
from gateway.web.watching.days import Word, grace_of, words_of
from gateway.web.watching.scope import Scope
from gateway.web.watching.weeks import WEEK, WeekFigures, weeks_of

_MOST_ALARMS = 100


@dataclass(frozen=True)
class FlowWeek:
    """A flow's week. ``drops``: by state, None where the reader does not see them."""

    flow: Flow
    days: tuple[tuple[date, tuple[Word, ...]], ...]
    figures: WeekFigures | None
    drops: Mapping[str, int] | None
    queries: Mapping[str, int]


@dataclass(frozen=True)
class RaisedAlarm:
    """An alarm of the week."""

    title: str
    raised_at: datetime
    cleared_at: datetime | None


@dataclass(frozen=True)
class Report:
    """The week that begins on ``monday``, as far as it has gone at ``now``."""

    monday: date
    flows: tuple[FlowWeek, ...]
    alarms: tuple[RaisedAlarm, ...]

    @property
    def friday(self) -> date:
        """Its last working day, as a rule."""
        return self.monday + timedelta(days=4)


def report_of(tx: Transaction, agreed: Mapping[str, Agreed], scope: Scope, monday: date) -> Report:
    """The report of a week."""
    flows = scope.flows(agreed)
    told = tuple(_flow(tx, agreed[flow.id], flow, scope, monday) for flow in flows)
    zone = next(iter(agreed.values())).working_days.zone
    begin = datetime.combine(monday, time(), zone)
    raised = watching.alarms_of_time(tx, begin, begin + WEEK, _MOST_ALARMS)
    concerned = zip(raised, audiences_of(tx, raised, agreed), strict=True)
    seen = [item for item, audience in concerned if _concerns(scope, audience)]
    return Report(monday, told, tuple(_alarm(item) for item in seen))


def _flow(tx: Transaction, agreed: Agreed, flow: Flow, scope: Scope, monday: date) -> FlowWeek:
    begin = datetime.combine(monday, time(), agreed.working_days.zone)
    sunday = monday + timedelta(days=6)
    outcomes = watching.outcomes(tx, flow.id, monday, sunday)
    recipients = recipients_seen(flow, scope)
    sees_drops = scope.sees_drops(flow)
    return FlowWeek(
        flow=flow,
        days=tuple((item.day, words_of(item, grace_of(flow), agreed)) for item in outcomes),
        figures=next(iter(weeks_of(tx, agreed, flow, recipients, monday, 1)), None),
        drops=watching.drops_by_state(tx, flow.id, begin, begin + WEEK) if sees_drops else None,
        queries=watching.queries_of_time(tx, flow.id, begin, begin + WEEK) if sees_drops else {},
    )


def recipients_seen(flow: Flow, scope: Scope) -> Sequence[str]:
    """The recipients of a flow whose answers the visitor sees."""
    return [item.party for item in flow.recipients if scope.sees_delivery(flow, item.party)]


def _concerns(scope: Scope, concerned: Sequence[Audience]) -> bool:
    if scope.whole:
        return True
    return scope.stands_for({item.party for item in concerned if item.side != "home"})


def _alarm(alarm: AlarmRow) -> RaisedAlarm:
    title = TITLES.get(alarm.code, "an alarm for an administrator")
    return RaisedAlarm(title[0].upper() + title[1:], alarm.raised_at, alarm.cleared_at)
