"""Which flows have something waiting, as their rows tell: for whoever asks for looks at them."""

from datetime import date

import sqlalchemy as sa

from gateway.store.database import Transaction
from gateway.store.packages import WITHDRAWN
from gateway.store.schema import deliveries, drops, meta, packages, reconciliations, windows

_FIRST_DAY = "first-day:"


def flows(tx: Transaction) -> set[str]:
    """Those with a drop to judge, a window to pack, or a thing to place or to take out again."""
    to_move = sa.or_(
        deliveries.c.state == "sealed",
        deliveries.c.state.in_(WITHDRAWN) & deliveries.c.withheld_at.is_(None),
    )
    of_package = packages.c.id == deliveries.c.package_id
    asked = sa.union(
        sa.select(drops.c.flow).where(drops.c.state == "received"),
        sa.select(windows.c.flow).where(windows.c.state == "due"),
        sa.select(packages.c.flow).join(deliveries, of_package).where(to_move),
        sa.select(reconciliations.c.flow).where(reconciliations.c.state == "sealed"),
    )
    return set(tx.execute(asked).scalars())


def last_days(tx: Transaction) -> dict[str, date]:
    """The day of each flow's latest recorded window, where it has any."""
    latest = sa.select(windows.c.flow, sa.func.max(windows.c.day).label("latest")).group_by(
        windows.c.flow
    )
    return {row.flow: row.latest for row in tx.execute(latest)}


def first_days(tx: Transaction) -> dict[str, date]:
    """From which day on each flow has windows, of those that have been looked at."""
    known = sa.select(meta).where(meta.c.key.startswith(_FIRST_DAY, autoescape=True))
    return {
        row.key.removeprefix(_FIRST_DAY): date.fromisoformat(row.value) for row in tx.execute(known)
    }
