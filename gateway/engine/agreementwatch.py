"""The signed agreement gates every send; an overdue review alarms, and stops nothing.

Where any party has not signed the agreement as it stands, or has withdrawn, nothing of its flows
is packed or placed. Drops are still taken, judged and answered: they wait, and lose nothing.
"""

import calendar
from collections.abc import Collection
from datetime import date, datetime, timedelta

from gateway.agreement.load import Agreed, in_force
from gateway.agreement.windows import london_date
from gateway.engine.parts import Parts
from gateway.records.agreements import Standing, note_version, standing
from gateway.records.alarms import clear_about, raise_alarm
from gateway.records.registers import latest_agreed_review

UNSIGNED, CHANGED, WITHDRAWN = "agreement.unsigned", "agreement.changed", "agreement.withdrawn"
NEXT_UNSIGNED = "agreement.next-unsigned"
DUE, OVERDUE = "review.due", "review.overdue"
_WARNED = timedelta(days=30)


def flows_in_force(
    parts: Parts, now: datetime, only: Collection[str] | None = None
) -> frozenset[str]:
    """The flows that may be dispatched: those of agreements that every party has signed as is.

    ``only``: of those flows; no other's agreement is looked at.
    """
    found: set[str] = set()
    for agreed in in_force(parts.versions, london_date(now)):
        theirs = {flow.id for flow in agreed.agreement.flows}
        if only is not None and not (theirs := theirs & set(only)):
            continue
        with parts.database.transaction() as tx:
            note_version(tx, agreed, now)
            reviewed = latest_agreed_review(tx)
        stands = standing(parts.database, parts.openpgp, parts.pins, agreed)
        about = f"agreement:{agreed.agreement.id}"
        told = (
            _of_signatures(stands)
            | _of_review(agreed, stands, reviewed, now)
            | _of_next(parts, agreed, now)
        )
        with parts.database.transaction() as tx:
            for code, words in told.items():
                raise_alarm(tx, code, about, words, now)
            clear_about(tx, about, now, but=tuple(told))
        if stands.in_force:
            found |= theirs
    return frozenset(found)


def _of_next(parts: Parts, agreed: Agreed, now: datetime) -> dict[str, str]:
    """A later version that is to take effect soon, and that a party has not signed yet."""
    today = london_date(now)
    for version in parts.versions:
        start = version.agreement.effective_from
        if version.agreement.id != agreed.agreement.id or start is None:
            continue
        if not today < start <= today + _WARNED:
            continue
        stands = standing(parts.database, parts.openpgp, parts.pins, version)
        if not stands.in_force:
            late = _listed(stands.unsigned + stands.withdrawn)
            return {
                NEXT_UNSIGNED: f"Version {version.agreement.version} of the agreement takes effect "
                f"on {start:%-d %B %Y}, and {late} has not signed it. Nothing is dispatched from "
                "that day until each party has: `agreement sign --version`."
            }
    return {}


def _of_signatures(stands: Standing) -> dict[str, str]:
    if stands.withdrawn:
        return {
            WITHDRAWN: f"{_listed(stands.withdrawn)} withdrew from the agreement. Nothing is "
            "dispatched until it signs again: `agreement sign`. Drops are taken, and wait."
        }
    if not stands.unsigned:
        return {}
    if stands.changed:
        return {
            CHANGED: "The agreement or a code list is not as it was signed: "
            f"{_listed(stands.unsigned)} has not signed it as it is now. Nothing is dispatched. "
            "Put back the files that were signed, or have each party sign: `agreement sign`."
        }
    return {
        UNSIGNED: f"{_listed(stands.unsigned)} has not signed the agreement. Nothing is "
        "dispatched until each party has: `agreement sign`. Drops are taken, and wait."
    }


def _listed(parties: tuple[str, ...]) -> str:
    return ", ".join(parties)


def review_due(agreed: Agreed, signed_on: date, reviewed: date | None = None) -> date:
    """The day by which the parties review the agreement (clause 3).

    Counted from its signing, or from the latest review that both have signed off since.
    """
    start = max(signed_on, reviewed or signed_on)
    months = start.month - 1 + agreed.agreement.review.months_after_signing
    year, month = start.year + months // 12, months % 12 + 1
    return date(year, month, min(start.day, calendar.monthrange(year, month)[1]))


def _of_review(
    agreed: Agreed, stands: Standing, reviewed: date | None, now: datetime
) -> dict[str, str]:
    if stands.signed_on is None:
        return {}
    due, today = review_due(agreed, stands.signed_on, reviewed), london_date(now)
    if today > due:
        return {
            OVERDUE: f"The agreement was to be reviewed by {due:%-d %B %Y} (clause 3). Dispatch "
            "goes on. Hold it, enter it in the register of reviews, and have both sign it off."
        }
    if today >= due - _WARNED:
        return {
            DUE: f"The agreement is to be reviewed by {due:%-d %B %Y} (clause 3). Agree on a day."
        }
    return {}
