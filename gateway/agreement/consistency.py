"""Faults across an agreement that the model's types alone cannot see: names that nothing bears.

These checks read the shaped file, not the model, so that they speak even when a part elsewhere has
the wrong type, and an officer sees every fault at once.
"""

import re
from collections import Counter
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import ValidationError

from gateway.agreement.columns import Found, Lists, field_list_faults
from gateway.agreement.model import CUT_OFF, KEPT_DEADLINES, RESERVED_IDS, Calendar
from gateway.agreement.rulekeys import rule_faults
from gateway.agreement.shape import Loc, Shaped, Table, tables
from gateway.agreement.workingdays import SATURDAY, WorkingDays

CLAUSE_NUMBER = re.compile(r"[1-9][0-9]*(\([a-z]\))?|Annex [A-Z]")
LOCAL_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?")


def inconsistencies(agreement: Shaped, lists: Lists) -> Found:
    """Every fault of this kind, by place in the shaped data. ``lists``: those that exist."""
    data = agreement.data
    parties = {party.get("id") for _, party in tables(data.get("parties"))}
    flows = {flow.get("id") for _, flow in tables(data.get("flows"))}
    yield from _id_faults(agreement)
    yield from _clause_faults(data)
    yield from _deadline_faults(data)
    yield from _escalation_faults(data)
    yield from calendar_faults(data.get("calendar", {}))
    for index, flow in tables(data.get("flows")):
        loc: Loc = ("flows", index)
        yield from _party_faults(flow, loc, parties)
        yield from _window_faults(flow.get("window"), (*loc, "window"))
        yield from field_list_faults(flow, loc, lists)
        yield from rule_faults(flow, loc, lists)
        yield from _flow_name_faults(flow, loc, flows)


def _id_faults(agreement: Shaped) -> Found:
    for loc, path in agreement.written.items():
        at: Any = agreement.data
        for part in loc:
            at = at[part]
        if isinstance(at, dict) and "id" in at and not path.endswith(f".{at['id']}"):
            yield (*loc, "id"), "is not needed: the name of the table is the id"


def _clause_faults(data: Table) -> Found:
    seen: Counter[str] = Counter()
    for index, clause in tables(data.get("clauses")):
        number = clause.get("number")
        if not isinstance(number, str):
            continue
        seen[number] += 1
        if not CLAUSE_NUMBER.fullmatch(number):
            yield ("clauses", index, "number"), "must read like 3, 12(d) or Annex A"
        if seen[number] > 1:
            yield ("clauses", index, "number"), f"another clause has the number {number}"


def _deadline_faults(data: Table) -> Found:
    numbers = {clause.get("number") for _, clause in tables(data.get("clauses"))}
    for index, deadline in tables(data.get("deadlines")):
        if ("working_hours" in deadline) == ("working_days" in deadline):
            yield ("deadlines", index), "needs either working_hours or working_days"
        if "clause" in deadline and deadline["clause"] not in numbers:
            yield ("deadlines", index, "clause"), f"there is no clause {deadline['clause']}"
        if deadline.get("enforced") == "yes" and deadline.get("id") not in KEPT_DEADLINES:
            yield ("deadlines", index, "enforced"), "the gateway keeps no deadline of this name"
        if deadline.get("before", False) is not (deadline.get("id") == CUT_OFF):
            yield ("deadlines", index, "before"), f"is true for {CUT_OFF}, and for no other"
        if deadline.get("before") is True and "working_days" in deadline:
            yield ("deadlines", index, "working_days"), "a cut-off is counted in working_hours"


def _escalation_faults(data: Table) -> Found:
    steps = tables(data.get("escalation"))
    latest = -1
    for index, step in steps:
        hours = step.get("working_hours")
        if not isinstance(hours, int):
            continue  # the model says so
        here: Loc = ("escalation", index, "working_hours")
        if index == 0 and hours != 0:
            yield here, "must be 0 in the first step: someone is told as soon as an alarm is raised"
        if hours <= latest:
            yield here, "must be more than in the step before"
        latest = hours


def calendar_faults(raw: Any) -> Found:
    """Changes of days that would change nothing, and a time zone that does not exist."""
    try:
        calendar = Calendar.model_validate(raw)
    except ValidationError:
        return  # the model says so
    try:
        ZoneInfo(calendar.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield ("calendar", "timezone"), "is not a time zone, such as Europe/London"
        return
    if calendar.opens >= calendar.closes:
        yield ("calendar", "closes"), "must be later than opens"
    plain = WorkingDays(calendar.model_copy(update={"add": (), "remove": ()}))
    for index, change in enumerate(calendar.add):
        if not plain.is_working(change.date):
            yield ("calendar", "add", index, "date"), "is no working day already"
    for index, change in enumerate(calendar.remove):
        if change.date.weekday() >= SATURDAY or not plain.is_bank_holiday(change.date):
            yield ("calendar", "remove", index, "date"), "is not a bank holiday on a weekday"


def _party_faults(flow: Table, loc: Loc, parties: set[Any]) -> Found:
    sender = flow.get("sender")
    if isinstance(sender, str) and sender not in parties:
        yield (*loc, "sender"), f"there is no party {sender}"
    seen: set[str] = set()
    for index, recipient in tables(flow.get("recipients")):
        party, here = recipient.get("party"), (*loc, "recipients", index, "party")
        if not isinstance(party, str):
            continue
        if party not in parties:
            yield here, f"there is no party {party}"
        if party == sender:
            yield here, "the sender cannot be a recipient"
        if party in seen:
            yield here, f"{party} is a recipient already"
        seen.add(party)


def _window_faults(window: Any, here: Loc) -> Found:
    if not isinstance(window, dict):
        return
    if window.get("frequency") == "weekly" and "weekday" not in window:
        yield (*here, "weekday"), "is missing: a weekly window needs a weekday"
    if window.get("frequency") == "working-day" and "weekday" in window:
        yield (*here, "weekday"), "means nothing for a window of each working day"
    at = window.get("at")
    if at is not None and not LOCAL_TIME.fullmatch(str(at)):
        yield (*here, "at"), "must be a local time of day such as 16:00"


def _flow_name_faults(flow: Table, loc: Loc, flows: set[Any]) -> Found:
    if flow.get("id") in RESERVED_IDS:
        yield loc, f"no flow may be called {flow['id']}: the gateway uses that folder"
    other = flow.get("reconcile_with")
    if isinstance(other, str) and (other not in flows or other == flow.get("id")):
        yield (*loc, "reconcile_with"), f"there is no other flow {other}"
