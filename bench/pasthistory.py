"""A history of any length, written into a home's database in bulk: rows as the gateway leaves them.

Nothing is sealed for it: what pages read of it are the rows. A week has five packages of
`notifications` and one of `scr-updates`; each has its window, drop, deliveries and receipts, some
an alarm that ended, a few a query; and what stands beside them (`pastregisters`). The last few
deliveries are still on their way.

It goes before what the home has lived through already, whose drops are numbered after it.
"""

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

import sqlalchemy as sa
from pastregisters import beside, seldom
from pastrows import Often, Rows, put

from gateway.agreement.windows import LONDON
from gateway.engine.clock import LATEST
from gateway.records.ledger import event, record
from gateway.store import meta, schema
from gateway.store.database import Database, Transaction

_FLOWS: dict[str, tuple[str, tuple[str, ...], time]] = {
    "notifications": ("ofsted", ("dfe", "panel"), time(16)),
    "scr-updates": ("dfe", ("ofsted",), time(12)),
}
_TOGETHER = 2000  # packages written at once
_AFTER = 10_000_000  # by which the numbers of drops that are there already grow
_FRIDAY = 4
_NIL_EVERY = 15
_A_DAY = timedelta(days=1)
AS_USUAL = Often()


def write_history(database: Database, size: int, until: datetime, often: Often = AS_USUAL) -> None:
    """Write so many packages, up to the day before the home's first window (or ``until``)."""
    with database.transaction() as tx:
        first: date | None = tx.execute(sa.select(sa.func.min(schema.windows.c.day))).scalar_one()
        tx.execute(sa.update(schema.drops).values(number=schema.drops.c.number + _AFTER))
    due = list(_due(size, (first or until.astimezone(LONDON).date()) - _A_DAY))
    for start in range(0, size, _TOGETHER):
        rows: Rows = {}
        part = due[start : start + _TOGETHER]
        for number, (flow, day) in enumerate(part, start):
            _add(rows, number, flow, day, often, number >= size - often.open_still)
        with database.transaction() as tx:
            for table, found in rows.items():
                tx.execute(sa.insert(table), found)
            for number in range(start, start + len(part)):
                record(tx, event("clock.back", f"drop:{number:016x}", facts={"seconds": 1}), until)
    with database.transaction() as tx:
        _finish(tx, due[0][1], until)


def _due(size: int, last: date) -> Iterator[tuple[str, date]]:
    """The windows, the first first: five and one a week, up to the last day."""
    found: list[tuple[str, date]] = []
    day = last
    while len(found) < size:
        if day.weekday() <= _FRIDAY:
            found.append(("notifications", day))
        if day.weekday() == _FRIDAY:
            found.append(("scr-updates", day))
        day -= timedelta(days=1)
    return reversed(found[:size])


def _add(rows: Rows, number: int, flow: str, day: date, often: Often, open_still: bool) -> None:
    sender, recipients, hour = _FLOWS[flow]
    due_at = datetime.combine(day, hour, LONDON).astimezone(UTC)
    package = f"{flow}-{day.isoformat()}-01"
    nil = number % _NIL_EVERY == 0
    hashed = hashlib.sha256(package.encode()).hexdigest()
    put(
        rows,
        schema.drops,
        id=f"drop-{number:012x}",
        flow=flow,
        party=sender,
        state="accepted" if open_still and often.drops_wait else "sent",
        received_at=due_at - timedelta(hours=6),
        size=4096,
        sha256=hashed,
        original=hashed,
        agreement_hash=hashed,
        rows=0 if nil else 4,
        accepted=0 if nil else 4,
        held=0,
        repeats=0,
        already_sent=0,
        findings={},
        package_id=package,
    )
    put(
        rows,
        schema.windows,
        flow=flow,
        day=day,
        due_at=due_at,
        state="packed",
        missed=False,
        package_id=package,
    )
    put(
        rows,
        schema.packages,
        id=package,
        flow=flow,
        day=day,
        number=1,
        kind="nil-declared" if nil else "data",
        state="placed" if open_still else "accepted",
        made_at=due_at,
        agreement_hash=hashed,
        zip_sha256=hashed,
        password_sealed=b"\0" * 60,
        rows=0 if nil else 4,
        updates=0,
        held=0,
        repeats=0,
    )
    for party in recipients:
        _deliver(rows, number, package, party, due_at, open_still)
    if number % often.late == 0:
        put(
            rows,
            schema.alarms,
            code="delivery.not-collected",
            subject=f"delivery:{package}:{recipients[0]}",
            words="It was not collected in time.",
            raised_at=due_at + timedelta(hours=20),
            cleared_at=None if open_still else due_at + timedelta(hours=22),
            level=0,
        )
    if number % often.query == 0:
        _query(rows, number, flow, package, recipients[0], due_at, open_still)
    beside(rows, number, sender, recipients[0], package, due_at)
    if number % often.register == 0:
        seldom(rows, number, sender, package, due_at, open_still)


def _deliver(
    rows: Rows, number: int, package: str, party: str, due_at: datetime, open_still: bool
) -> None:
    delivery, hashed = f"{package}:{party}", hashlib.sha256(f"{package}{party}".encode())
    steps = {
        "collected": due_at + timedelta(minutes=20),
        "opened": due_at + timedelta(minutes=25),
        "accepted": due_at + timedelta(minutes=30 + number % 25),
    }
    done = {} if open_still else steps
    put(
        rows,
        schema.deliveries,
        id=delivery,
        package_id=package,
        party=party,
        protection="openpgp+password",
        state="placed" if open_still else "accepted",
        file_name=f"{package}.zip.gpg",
        sha256=hashed.hexdigest(),
        size=20_000,
        manifest=hashed.hexdigest(),
        signature=hashed.hexdigest(),
        attempts=1,
        placed_at=due_at + timedelta(seconds=2),
        collected_at=done.get("collected"),
        opened_at=done.get("opened"),
        acknowledged_at=done.get("accepted"),
    )
    for kind, at in done.items():
        named = hashlib.sha256(f"{delivery}{kind}".encode()).hexdigest()
        put(
            rows,
            schema.receipts,
            id=named[:32],
            delivery_id=delivery,
            kind=kind,
            officer=f"{party}-officer-1" if kind == "accepted" else None,
            way="folder",
            at=at,
            recorded_at=at,
            sha256=named,
            body=b"{}\n",
            signature=b"\0" * 200,
        )


def _query(
    rows: Rows,
    number: int,
    flow: str,
    package: str,
    party: str,
    due_at: datetime,
    open_still: bool,
) -> None:
    thread = f"{due_at:%Y%m%d}-{number:012x}"
    put(
        rows,
        schema.threads,
        id=thread,
        package_id=package,
        flow=flow,
        party=party,
        state="open" if open_still else "closed",
        opened_at=due_at + timedelta(hours=1),
        answered_at=None if open_still else due_at + timedelta(hours=18),
        closed_at=None if open_still else due_at + timedelta(hours=19),
    )
    if open_still:
        put(
            rows,
            schema.alarms,
            code="query.unanswered",
            subject=f"thread:{thread}",
            words="It was not answered in time.",
            raised_at=due_at + timedelta(hours=19),
            cleared_at=None,
            level=0,
        )
    put(
        rows,
        schema.thread_entries,
        thread_id=thread,
        number=1,
        party=party,
        officer=f"{party}-officer-1",
        at=due_at + timedelta(hours=1),
        text_sealed=b"\0" * 100,
    )


def _finish(tx: Transaction, first: date, until: datetime) -> None:
    for flow in _FLOWS:
        meta.put(tx, f"first-day:{flow}", first.isoformat())
    if meta.get(tx, LATEST) is None:
        meta.put(tx, LATEST, until.isoformat())
