"""What is owed, as the rows have it: deliveries on their way, drops that came or did not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from gateway.store.database import Transaction
from gateway.store.drops import WAITING
from gateway.store.schema import deliveries, drops, packages, receipts, rehearsals, threads, windows
from gateway.store.windows import WindowRow

_ENDED = ("recalled", "superseded")


@dataclass(frozen=True)
class Underway:
    """A delivery that waits for its recipient, in ``state`` since ``since``."""

    delivery_id: str
    package_id: str
    flow: str
    party: str
    state: str
    since: datetime


def underway(tx: Transaction, states: Sequence[str]) -> list[Underway]:
    """The deliveries in those states of packages that still stand, oldest package first."""
    row = deliveries.c
    reached = sa.case(
        (row.state == "placed", row.placed_at),
        (row.state == "collected", row.collected_at),
        (row.state == "opened", row.opened_at),
        else_=row.acknowledged_at,
    )
    since = sa.func.coalesce(reached, row.placed_at, packages.c.made_at, type_=row.placed_at.type)
    found = tx.execute(
        sa.select(
            row.id.label("delivery_id"),
            row.package_id,
            packages.c.flow,
            row.party,
            row.state,
            since.label("since"),
        )
        .join(packages, packages.c.id == row.package_id)
        .where(row.state.in_(states), packages.c.state.not_in(_ENDED))
        .order_by(packages.c.day, row.id)
    ).mappings()
    return [Underway(**item) for item in found]


def queried_in_silence(tx: Transaction) -> list[Underway]:
    """The deliveries queried by a receipt alone: no thread says what the query is."""
    queried = underway(tx, ("queried",))
    ids = [item.package_id for item in queried]
    rows = tx.execute(
        sa.select(threads.c.package_id, threads.c.party).where(threads.c.package_id.in_(ids))
    )
    asked = {(package_id, party) for package_id, party in rows}
    return [item for item in queried if (item.package_id, item.party) not in asked]


def latest_windows(tx: Transaction, flow: str, limit: int) -> list[WindowRow]:
    """The flow's latest recorded windows, newest first."""
    rows = tx.execute(
        sa.select(windows).where(windows.c.flow == flow).order_by(windows.c.day.desc()).limit(limit)
    ).mappings()
    return [WindowRow(**row) for row in rows]


def covered_packages(tx: Transaction) -> dict[tuple[str, str], str]:
    """The state of the package that each window ended in, by flow and ISO day."""
    rows = tx.execute(
        sa.select(windows.c.flow, windows.c.day, packages.c.state).join(
            packages, packages.c.id == windows.c.package_id
        )
    )
    return {(flow, day.isoformat()): state for flow, day, state in rows}


def taken_since(tx: Transaction, flow: str, since: datetime | None) -> bool:
    """Whether a drop of the flow was taken, wholly or in part, later than ``since`` (or ever)."""
    where = [drops.c.flow == flow, drops.c.state.in_((*WAITING, "sent"))]
    if since is not None:
        where.append(drops.c.received_at > since)
    return tx.execute(sa.select(drops.c.id).where(*where).limit(1)).first() is not None


def drop_at_hand(tx: Transaction, flow: str) -> bool:
    """Whether a drop waits for the flow's next window, or is being read."""
    asked = sa.select(drops.c.id).where(
        drops.c.flow == flow, drops.c.state.in_((*WAITING, "received"))
    )
    return tx.execute(asked.limit(1)).first() is not None


@dataclass(frozen=True)
class Journey:
    """When a delivery first took each of its steps, by its receipts; None: not yet."""

    flow: str
    party: str
    placed: datetime | None
    collected: datetime | None
    opened: datetime | None
    accepted: datetime | None
    queried: datetime | None


def journeys(tx: Transaction, since: datetime, until: datetime) -> list[Journey]:
    """The deliveries that took a step later than ``since``, and not later than ``until``.

    Those of rehearsals are none: nothing was sent with them.
    """
    row = receipts.c
    first = sa.select(
        row.delivery_id,
        *(
            sa.func.min(sa.case((row.kind == kind, row.recorded_at))).label(kind)
            for kind in ("collected", "opened", "accepted", "queried")
        ),
    )
    taken = first.group_by(row.delivery_id).subquery()
    steps = (
        deliveries.c.placed_at.label("placed"),
        taken.c.collected,
        taken.c.opened,
        taken.c.accepted,
        taken.c.queried,
    )
    found = tx.execute(
        sa.select(packages.c.flow, deliveries.c.party, *steps)
        .join(packages, packages.c.id == deliveries.c.package_id)
        .outerjoin(taken, taken.c.delivery_id == deliveries.c.id)
        .where(
            sa.or_(*(sa.and_(step > since, step <= until) for step in steps)),
            packages.c.id.not_in(sa.select(rehearsals.c.package_id)),
        )
        .order_by(deliveries.c.id)
    ).mappings()
    return [Journey(**item) for item in found]


def windows_in(tx: Transaction, since: datetime, until: datetime) -> list[WindowRow]:
    """The windows that came due later than ``since``, and not later than ``until``."""
    rows = tx.execute(
        sa.select(windows)
        .where(windows.c.due_at > since, windows.c.due_at <= until)
        .order_by(windows.c.due_at, windows.c.flow)
    ).mappings()
    return [WindowRow(**row) for row in rows]
