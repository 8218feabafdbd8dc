"""Where everything stands: drops, packages, deliveries, windows, deadlines, keys, alarms."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from gateway.agreement.windows import next_moment
from gateway.agreement.workingdays import WorkingDays
from gateway.engine.parts import Parts
from gateway.receipts.owing import outstanding
from gateway.store import (
    alarms,
    drops,
    packages,
    receipts,
    reconciliations,
    rehearsals,
    requests,
    threads,
    windows,
)
from gateway.store.database import Transaction


def status_of(parts: Parts, now: datetime) -> dict[str, Any]:
    """The state of the home, as ``schemas/status.schema.json`` has it; no cell's value."""
    with parts.database.transaction() as tx:
        stored = _stored(tx)
        owed = outstanding(tx, parts.agreed, now)
    return {
        "home": str(parts.home.root),
        "now": now.isoformat(),
        "rehearsal": parts.home.is_rehearsal,
        "agreements": sorted({item.agreement.id for item in parts.agreed.values()}),
        **stored,
        "deadlines": _deadlines(parts, now),
        "outstanding": [item.as_json(now) for item in owed],
        "keys": _keys(parts, now),
    }


def _stored(tx: Transaction) -> dict[str, Any]:
    latest = packages.latest(tx)
    return {
        "drops": [
            {
                "id": row.id,
                "flow": row.flow,
                "party": row.party,
                "state": row.state,
                "received_at": row.received_at.isoformat(),
                "rows": row.rows,
                "accepted": row.accepted,
                "held": row.held,
                "repeats": row.repeats,
                "findings": row.findings or {},
                "package": row.package_id,
                "replaced_by": row.replaced_by,
            }
            for row in drops.latest(tx)
        ],
        "packages": [
            {
                "id": row.id,
                "flow": row.flow,
                "day": row.day.isoformat(),
                "kind": row.kind,
                "state": row.state,
                "made_at": row.made_at.isoformat(),
                "rows": row.rows,
                "updates": row.updates,
                "held": row.held,
                "repeats": row.repeats,
            }
            for row in latest
        ],
        "deliveries": [
            {
                "package": row.package_id,
                "party": row.party,
                "protection": row.protection,
                "state": row.state,
                "file": row.file_name,
                "sha256": row.sha256,
                "size": row.size,
                "attempts": row.attempts,
                "last_fault": row.last_fault,
                "placed_at": _told(row.placed_at),
                "collected_at": _told(row.collected_at),
                "opened_at": _told(row.opened_at),
                "acknowledged_at": _told(row.acknowledged_at),
            }
            for package in latest
            for row in packages.deliveries_of(tx, package.id)
        ],
        "windows": [
            {
                "flow": row.flow,
                "day": row.day.isoformat(),
                "due_at": row.due_at.isoformat(),
                "state": row.state,
                "missed": row.missed,
                "package": row.package_id,
            }
            for row in windows.latest(tx)
        ],
        "alarms": [
            {
                "code": row.code,
                "subject": row.subject,
                "words": row.words,
                "raised_at": row.raised_at.isoformat(),
                "level": row.level,
            }
            for row in alarms.open_alarms(tx)
        ],
        "receipts": receipts_of(tx),
        "queries": queries_of(tx),
        "reconciliations": reconciliations_of(tx),
        "rehearsals": rehearsals_of(tx),
        "requests": requests_of(tx),
    }


def _told(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def receipts_of(tx: Transaction) -> list[dict[str, Any]]:
    """The latest receipts, with the officers who gave them."""
    return [
        {
            "kind": row.kind,
            "package": row.package_id,
            "party": row.party,
            "officer": row.officer,
            "way": row.way,
            "at": row.at.isoformat(),
            "recorded_at": row.recorded_at.isoformat(),
        }
        for row in receipts.latest(tx)
    ]


def queries_of(tx: Transaction) -> list[dict[str, Any]]:
    """The latest queries; what they say, and of which row, stays sealed."""
    return [
        {
            "id": row.id,
            "package": row.package_id,
            "party": row.party,
            "state": row.state,
            "opened_at": row.opened_at.isoformat(),
        }
        for row in threads.latest(tx)
    ]


def requests_of(tx: Transaction, states: Sequence[str] = ()) -> list[dict[str, Any]]:
    """The latest requests, in those states where given; why they were made stays sealed."""
    return [
        {
            "id": row.id,
            "act": row.act,
            "subject": row.subject,
            "party": row.party,
            "state": row.state,
            "requested_at": row.requested_at.isoformat(),
            "approvals": len(requests.approvals_of(tx, row.id)),
            "ended_at": _told(row.ended_at),
            "fault": row.fault,
        }
        for row in requests.latest(tx, states, 50)
    ]


def rehearsals_of(tx: Transaction) -> list[dict[str, Any]]:
    """The latest rehearsals: how far their packages have come, and when they passed."""
    return [
        {
            "package": row.package_id,
            "party": row.party,
            "state": row.state,
            "begun_at": row.begun_at.isoformat(),
            "passed_at": row.passed_at.isoformat() if row.passed_at else None,
        }
        for row in rehearsals.latest(tx)
    ]


def reconciliations_of(tx: Transaction) -> list[dict[str, Any]]:
    """The latest reconciliation lists: how many references are on each, and where it stands."""
    return [
        {
            "flow": row.flow,
            "day": row.day.isoformat(),
            "party": row.party,
            "state": row.state,
            "unknown": row.unknown,
            "unanswered": row.unanswered,
            "made_at": row.made_at.isoformat(),
        }
        for row in reconciliations.latest(tx)
    ]


def _deadlines(parts: Parts, now: datetime) -> list[dict[str, Any]]:
    told = []
    for flow in parts.flows():
        days = WorkingDays(parts.agreed[flow.id].agreement.calendar)
        due = next_moment(flow.window, days, now)
        told.append({"flow": flow.id, "day": due.day.isoformat(), "due_at": due.at.isoformat()})
    return told


def _keys(parts: Parts, now: datetime) -> list[dict[str, Any]]:
    return [
        {
            "party": report.party,
            "role": report.role,
            "fingerprint": report.fingerprint,
            "state": report.state,
            "expires": report.expires.isoformat() if report.expires else None,
            "days_left": report.days_left,
        }
        for report in parts.key_reports(now)
    ]
