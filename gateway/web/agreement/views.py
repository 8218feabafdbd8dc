"""The pages of the agreement, and the assurance report to download."""

import json

from flask import Blueprint, abort, current_app, render_template
from flask.typing import ResponseReturnValue

from gateway.agreement.explain import STANDING
from gateway.agreement.explain_flow import PROTECTIONS, field_words, rule_words, window_words
from gateway.engine.assurance import as_html
from gateway.web.agreement.gathering import EventCounts, assurance_now, standing_of
from gateway.web.security import attachment
from gateway.web.site import site
from gateway.web.visitor import ROLES, page

PART = Blueprint("agreement", __name__)
_COUNTS = "gateway-event-counts"


@page(PART, "/agreement", roles=ROLES)
def start() -> str:
    """The memorandum, clause by clause, and how it stands."""
    own = site()
    report = assurance_now(own, _counts())
    with own.parts.database.snapshot() as tx:
        stands = standing_of(tx, report.figures.agreed)
    return render_template(
        "agreement/start.html",
        report=report,
        agreement=report.figures.agreed.agreement,
        stands=stands,
        words=STANDING,
        parties=own.parties(),
    )


@page(PART, "/agreement/flows/<flow_id>", roles=ROLES)
def flow(flow_id: str) -> str:
    """One flow: when, to whom, which columns, which rules."""
    own = site()
    agreed = own.parts.agreed.get(flow_id)
    if agreed is None:
        abort(404)
    shown = agreed.agreement.flow(flow_id)
    return render_template(
        "agreement/flow.html",
        flow=shown,
        when=window_words(shown.window),
        protections=PROTECTIONS,
        columns=[_column(field_words(item, shown, agreed.lists)) for item in shown.fields],
        rules=[rule_words(rule) for rule in shown.rules],
        parties=own.parties(),
    )


@page(PART, "/agreement/assurance.html", roles=ROLES)
def assurance_page() -> ResponseReturnValue:
    """The assurance report as one page, to keep."""
    told = as_html(assurance_now(site(), _counts()))
    return attachment(told.encode(), "assurance.html", "text/html")


@page(PART, "/agreement/assurance.json", roles=ROLES)
def assurance_file() -> ResponseReturnValue:
    """The assurance report as data."""
    told = json.dumps(assurance_now(site(), _counts()).as_json(), indent=2) + "\n"
    return attachment(told.encode(), "assurance.json", "application/json")


def _column(words: str) -> tuple[str, str]:
    heading, _, rest = words.partition(": ")
    return heading, rest[:1].upper() + rest[1:]


def _counts() -> EventCounts:
    kept: EventCounts = current_app.extensions.setdefault(_COUNTS, EventCounts())
    return kept
