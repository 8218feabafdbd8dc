"""Rows of windows: every due moment of a flow's schedule, once."""

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from gateway.store.database import Transaction
from gateway.store.schema import windows


@dataclass(frozen=True)
class WindowRow:
    """A window: ``day`` is its London date, ``due_at`` its moment."""

    flow: str
    day: date
    due_at: datetime
    state: str
    missed: bool
    package_id: str | None


def last_day(tx: Transaction, flow: str) -> date | None:
    """The day of the flow's latest recorded window, or None."""
    latest_day: date | None = tx.execute(
        sa.select(sa.func.max(windows.c.day)).where(windows.c.flow == flow)
    ).scalar_one()
    return latest_day


def first_day(tx: Transaction, flow: str) -> date | None:
    """The day of the flow's first recorded window, or None."""
    first: date | None = tx.execute(
        sa.select(sa.func.min(windows.c.day)).where(windows.c.flow == flow)
    ).scalar_one()
    return first


def between(tx: Transaction, flow: str, first: date, last: date) -> list[WindowRow]:
    """The flow's recorded windows of those days, both included, oldest first."""
    rows = tx.execute(
        sa.select(windows)
        .where(windows.c.flow == flow, windows.c.day >= first, windows.c.day <= last)
        .order_by(windows.c.day)
    ).mappings()
    return [WindowRow(**row) for row in rows]


def add(tx: Transaction, flow: str, day: date, due_at: datetime, missed: bool) -> None:
    """Record a window that has come due."""
    tx.execute(
        sa.insert(windows).values(flow=flow, day=day, due_at=due_at, state="due", missed=missed)
    )


def due(tx: Transaction, flow: str) -> list[WindowRow]:
    """The flow's windows that have come due and have neither package nor cover, oldest first."""
    rows = tx.execute(
        sa.select(windows)
        .where(windows.c.flow == flow, windows.c.state == "due")
        .order_by(windows.c.day)
    ).mappings()
    return [WindowRow(**row) for row in rows]


def of_package(tx: Transaction, package_id: str) -> list[WindowRow]:
    """The windows that end in a package, oldest first: those it covers, then its own."""
    rows = tx.execute(
        sa.select(windows).where(windows.c.package_id == package_id).order_by(windows.c.day)
    ).mappings()
    return [WindowRow(**row) for row in rows]


def end_in(tx: Transaction, package_id: str, instead_of: str) -> None:
    """The windows of a package that was superseded end in the one that replaces it."""
    tx.execute(
        sa.update(windows).where(windows.c.package_id == instead_of).values(package_id=package_id)
    )


def latest(tx: Transaction, limit: int = 50) -> list[WindowRow]:
    """The latest windows of all flows, newest first."""
    rows = tx.execute(
        sa.select(windows).order_by(windows.c.due_at.desc(), windows.c.flow).limit(limit)
    ).mappings()
    return [WindowRow(**row) for row in rows]
