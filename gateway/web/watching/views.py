"""The pages of health."""

import re
from datetime import date

from flask import Blueprint, Response, abort, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from gateway.agreement.load import Agreed
from gateway.agreement.model import Flow
from gateway.agreement.windows import london_date
from gateway.store import watching as rows
from gateway.web.security import attachment
from gateway.web.site import site
from gateway.web.visitor import page, visitor
from gateway.web.watching import charts, days, weeks
from gateway.web.watching.owners import alarms_to_see, owed_to_see, summary
from gateway.web.watching.report import recipients_seen, report_of
from gateway.web.watching.scope import WATCHERS, Scope
from gateway.web.watching.today import Day
from gateway.web.watching.works import works_of

PART = Blueprint("watching", __name__)
_WEEK = re.compile(r"([0-9]{4})-W([0-9]{2})")


@page(PART, "/health", roles=WATCHERS)
def start() -> ResponseReturnValue:
    """The health of the exchange today."""
    return render_template("watching/health.html", **_now())


@page(PART, "/health/now", roles=WATCHERS)
def live() -> ResponseReturnValue:
    """What of that page changes: a fragment, which the page asks for by itself."""
    return render_template("watching/now.html", **_now())


@page(PART, "/health/<flow>/<int(fixed_digits=4):year>", roles=WATCHERS)
def year(flow: str, year: int) -> ResponseReturnValue:
    """A flow's windows of a year, as a calendar."""
    agreed, told, _ = _flow(flow)
    now = site().now()
    this = london_date(now).year
    with site().parts.database.snapshot() as tx:
        begun = rows.first_day(tx, told.id)
        first = begun.year if begun else this
        if not first <= year <= this + 1:
            abort(404)
        found = rows.outcomes(tx, told.id, date(year, 1, 1), date(year, 12, 31))
    return render_template(
        "watching/year.html",
        flow=told,
        flows=_scope().flows(site().parts.agreed),
        year=year,
        earlier=year - 1 if year > first else None,
        later=year + 1 if year < this else None,
        months=days.months_of(agreed, told, found, year, now),
        counted=_counted(agreed, told, found),
        meanings=days.MEANINGS,
        parties=site().parties(),
    )


@page(PART, "/health/figures", roles=WATCHERS)
def figures() -> ResponseReturnValue:
    """The figures of the first flow that the visitor sees."""
    seen = _scope().flows(site().parts.agreed)
    if not seen:
        abort(404)
    return redirect(url_for("watching.figures_of", flow=seen[0].id), 303)


@page(PART, "/health/<flow>/figures", roles=WATCHERS)
def figures_of(flow: str) -> ResponseReturnValue:
    """A flow's figures, week by week: charts, and the same as a table."""
    told, recipients, found = _weeks(flow)
    names = site().parties()
    drawn = [charts.on_time_chart(found)]
    drawn += [charts.answer_chart(found, party, names[party]) for party in recipients]
    return render_template(
        "watching/figures.html",
        flow=told,
        flows=_scope().flows(site().parts.agreed),
        weeks=found,
        recipients=recipients,
        charts=drawn,
        size=(charts.WIDTH, charts.HEIGHT),
        parties=names,
    )


@page(PART, "/health/<flow>/figures.csv", roles=WATCHERS)
def figures_csv(flow: str) -> Response:
    """The same figures for a spreadsheet."""
    told, recipients, found = _weeks(flow)
    return attachment(weeks.as_csv(found, recipients), f"figures-{told.id}.csv", "text/csv")


@page(PART, "/health/report", roles=WATCHERS)
def last_report() -> ResponseReturnValue:
    """The report of the week before this one."""
    before = london_date(site().now()) - weeks.WEEK
    return redirect(url_for("watching.report", week=weeks.week_name(before)), 303)


@page(PART, "/health/report/<week>", roles=WATCHERS)
def report(week: str) -> ResponseReturnValue:
    """The report of a week, to be printed."""
    monday = _monday(week)
    today = london_date(site().now())
    if monday is None or monday > today:
        abort(404)
    scope, agreed = _scope(), site().parts.agreed
    with site().parts.database.snapshot() as tx:
        told = report_of(tx, agreed, scope, monday)
        begun = [rows.first_day(tx, flow.id) or today for flow in scope.flows(agreed)]
    has_earlier = monday > min(begun, default=today)
    later = monday + weeks.WEEK
    return render_template(
        "watching/report.html",
        report=told,
        week=week,
        earlier=weeks.week_name(monday - weeks.WEEK) if has_earlier else None,
        later=weeks.week_name(later) if later <= today else None,
        unfinished=later > today,
        parties=site().parties(),
    )


def _now() -> dict[str, object]:
    the_site, scope, now = site(), _scope(), site().now()
    agreed, parties = the_site.parts.agreed, dict(the_site.parties())
    with the_site.parts.database.snapshot() as tx:
        owed = owed_to_see(tx, agreed, scope, now)
        open_alarms, more = alarms_to_see(tx, agreed, parties, scope)
        flows = scope.flows(agreed)
        day = Day(tx, parties, scope, now)
        told = [day.of(flow, agreed[flow.id], owed) for flow in flows]
        works = works_of(tx, the_site, now) if scope.whole else None
    own = {party for flow in flows for party in scope.own(flow)}
    return {
        "summary": summary(owed, len(open_alarms) + more, own, now),
        "own": own,
        "owed": owed,
        "alarms": open_alarms,
        "more_alarms": more,
        "today": told,
        "works": works,
        "parties": parties,
        "year": london_date(now).year,
        "at": now,
    }


def _scope() -> Scope:
    return Scope.of(visitor())


def _flow(flow_id: str) -> tuple[Agreed, Flow, Scope]:
    """A flow that the visitor sees; others are told as if there were none."""
    scope = _scope()
    agreed = site().parts.agreed
    flow = next((item for item in scope.flows(agreed) if item.id == flow_id), None)
    if flow is None:
        g.visitors.refused(visitor(), "", flow_id)
        abort(404)
    return agreed[flow.id], flow, scope


def _weeks(flow_id: str) -> tuple[Flow, list[str], list[weeks.WeekFigures]]:
    agreed, flow, scope = _flow(flow_id)
    recipients = list(recipients_seen(flow, scope))
    until = london_date(site().now())
    with site().parts.database.snapshot() as tx:
        found = weeks.weeks_of(tx, agreed, flow, recipients, until)
    return flow, recipients, found


def _counted(agreed: Agreed, flow: Flow, found: list[rows.Outcome]) -> list[tuple[days.Word, int]]:
    """How often each word fell, those that did not left out."""
    said = [word for item in found for word in days.words_of(item, days.grace_of(flow), agreed)]
    known = [word for word, _ in days.MEANINGS]
    return [(word, said.count(word)) for word in known if word in said]


def _monday(week: str) -> date | None:
    found = _WEEK.fullmatch(week)
    try:
        return date.fromisocalendar(int(found[1]), int(found[2]), 1) if found else None
    except ValueError:
        return None
