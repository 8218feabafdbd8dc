"""What a run came to, seen from outside: from what was laid, and from what recipients could see."""

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import python_calamine
from actors import NOTIFICATIONS, RECIPIENTS, STATES, UPDATES, People, Row
from world import World

from gateway.agreement.windows import moments
from gateway.agreement.workingdays import WorkingDays
from gateway.crypto.keys import HomeKeys
from gateway.crypto.zips import unzip_sealed
from gateway.dispatch.password import released_password

_WITHDRAWN = ("recalled", "superseded")
_LARGEST = 1 << 24
# alarms that tell of a fault: none may be left open once nothing goes wrong any more
_FAULTS = (
    "disk.",
    "database.",
    "vault.",
    "outbox.",
    "internal",
    "gpg.",
    "key.",
    "ledger.",
    "drop.stuck",
)


@dataclass(frozen=True)
class Seen:
    """A package as its recipients saw it, in the order in which packages were made."""

    id: str
    flow: str
    stands: bool
    rows: Mapping[str, tuple[Row, ...]]  # by recipient


def judged(world: World, people: People, latest: datetime) -> list[str]:
    """Everything that does not hold."""
    wrong = [f"{item.code}: {item.subject}: {item.how}" for item in world.examine(latest)]
    if wrong:
        return wrong
    seen = list(_seen(world, latest))
    world.seen["packages"] += len(seen)
    world.seen["rows delivered"] += sum(len(rows) for item in seen for rows in item.rows.values())
    world.seen["files"] += len(people.laid)
    world.seen["receipts"] += len(people.given)
    checks = (
        _files(world, people),
        _rows(world, people, seen),
        _windows(world, latest),
        _receipts(world, people),
        _alarms(world),
    )
    return [how for check in checks for how in check]


# --- files ----------------------------------------------------------------------------------------


def _files(world: World, people: People) -> Iterator[str]:
    """Every file laid is one drop, settled as it deserves; none is left lying, none came twice."""
    for path in world.home.inbox.glob("*/*/*"):
        if path.is_file():
            yield f"{path.parent.name}: a file still lies in an inbox or among receipts"
    laid = Counter(item.sha256 for item in people.laid)
    drops = world.query("SELECT sha256, state, id FROM drops ORDER BY number")
    had = Counter(digest for digest, _, _ in drops)
    cut = world.seen["power-cut"] > 0  # a file's claim may be undone: then it is taken again
    for digest, count in laid.items():
        if had[digest] < count or (had[digest] > count and not cut):
            yield f"A file was laid {count} times, and there are {had[digest]} drops of it."
    if set(had) - set(laid):
        yield "There is a drop that nobody laid."
    known = {item.sha256: item for item in people.laid}
    for digest, state, drop_id in drops:
        item = known[digest]
        if drop_id in people.changed:
            allowed = {"withdrawn", "replaced"}
        elif not item.good:
            allowed = {"quarantined", "duplicate"}
        else:
            allowed = {"sent", "duplicate"} if laid[digest] > 1 or cut else {"sent"}
        if state not in allowed:
            yield f"File {item.number} is {state}, and should be {' or '.join(sorted(allowed))}."


# --- rows -----------------------------------------------------------------------------------------


def _rows(world: World, people: People, seen: list[Seen]) -> Iterator[str]:
    """Every accepted row reached each recipient once, and nothing else did."""
    for flow, recipients in RECIPIENTS.items():
        packages = [item for item in seen if item.flow == flow]
        for item in packages:
            yield from _alike(item, recipients)
        standing = [item for item in packages if item.stands]
        yield from _once(standing)
        yield from _whole(world, people, flow, packages)


def _alike(item: Seen, recipients: tuple[str, ...]) -> Iterator[str]:
    if item.stands and set(item.rows) != set(recipients):
        yield f"{item.id} reached {sorted(item.rows)}, and not each of its recipients."
    if len({frozenset(rows) for rows in item.rows.values()}) > 1:
        yield f"{item.id} is not the same for each recipient."
    for party, rows in item.rows.items():
        if len({number for number, _ in rows}) != len(rows):
            yield f"{item.id} has a case twice, for {party}."


def _once(standing: list[Seen]) -> Iterator[str]:
    known: dict[int, int] = {}
    for item in standing:
        for number, version in next(iter(item.rows.values()), ()):
            if known.get(number) == version:
                yield f"{item.id} carries a row that had been sent so before."
            known[number] = version


def _whole(world: World, people: People, flow: str, packages: list[Seen]) -> Iterator[str]:
    laid = {item.sha256: item for item in people.laid if item.flow == flow}
    asked = "SELECT sha256, package_id FROM drops WHERE state = 'sent' AND flow = ? ORDER BY number"
    sent = world.query(asked, flow)
    stands = {item.id: item.stands for item in packages}
    allowed = {row for digest, _ in sent for row in laid[digest].accepted}
    newest: dict[int, int] = {}
    for digest, package in sent:
        if stands.get(package):
            newest.update(laid[digest].accepted)
    had: dict[int, int] = {}
    explained: set[int] = set()
    for item in packages:
        for row in next(iter(item.rows.values()), ()):
            if row not in allowed:
                yield f"{item.id} carries a row that was not accepted, or was taken back."
            if item.stands:
                had[row[0]] = row[1]
            else:
                explained.add(row[0])
    for number, version in newest.items():
        if had.get(number) != version and number not in explained:
            yield f"{flow}: the newest row of case {number} was accepted and never delivered."


def _seen(world: World, now: datetime) -> Iterator[Seen]:
    asked = "SELECT id, flow, state, zip_sha256 FROM packages ORDER BY rowid"
    for package, flow, state, _ in world.query(asked):
        rows = {
            party: _opened(world, party, package, sealed, now)
            for (party, its_flow, name), sealed in world.shown.items()
            if (its_flow, name) == (flow, package)
        }
        yield Seen(package, flow, state not in _WITHDRAWN, rows)


def _opened(
    world: World, party: str, package: str, sealed: bytes, now: datetime
) -> tuple[Row, ...]:
    """Open a package as its recipient does: with their key, its password, and stock tools."""
    parts = world.faces(now)
    own = world.template.openpgp(HomeKeys(world.home.root).rehearsal(party), now)
    with parts.database.transaction() as tx:
        password = released_password(tx, parts.sealer, package, party)
    with tempfile.TemporaryDirectory(dir=world.home.root) as folder:
        lying, zipped = Path(folder) / "sealed", Path(folder) / "zip"
        lying.write_bytes(sealed)
        own.decrypt(lying, zipped, parts.pins.gateway)
        found = unzip_sealed(zipped, Path(folder), password, _LARGEST)
        sheet = python_calamine.load_workbook(str(found["data.xlsx"])).get_sheet_by_index(0)
        heads, *cells = sheet.to_python(skip_empty_area=False)
    return tuple(_row(dict(zip(heads, row, strict=True))) for row in cells)


def _row(told: Mapping[str, object]) -> Row:
    number = int(str(told["Reference number"]).removeprefix("SCN"))
    if "Case information" in told:
        return number, int(str(told["Case information"]).rsplit(" ", 1)[-1].rstrip("."))
    return number, STATES.index(str(told["SCR status"]))


# --- windows, receipts, alarms --------------------------------------------------------------------


def _windows(world: World, latest: datetime) -> Iterator[str]:
    """Each window of the calendar is there once, and ended in a package that could be seen."""
    shown = {(flow, name) for _, flow, name in world.shown}
    for flow_id in (NOTIFICATIONS, UPDATES):
        parts = world.template.parts
        flow = parts.flow(flow_id)
        days = WorkingDays(parts.agreed[flow_id].agreement.calendar)
        (told,) = world.query("SELECT value FROM meta WHERE key = ?", f"first-day:{flow_id}")
        first = date.fromisoformat(told[0])
        wanted = [moment.day for moment in moments(flow.window, days, first, latest)]
        asked = "SELECT day, state, package_id FROM windows WHERE flow = ? ORDER BY day"
        found = world.query(asked, flow_id)
        if [date.fromisoformat(day) for day, _, _ in found] != wanted:
            yield f"{flow_id}: the windows are not those of the calendar."
        recalled = {
            name for (name,) in world.query("SELECT id FROM packages WHERE state = 'recalled'")
        }
        for day, state, package in found:
            if state == "due" or ((flow_id, package) not in shown and package not in recalled):
                yield f"{flow_id}: the window of {day} ended in no package that anybody saw."


def _receipts(world: World, people: People) -> Iterator[str]:
    """A receipt that was taken is kept once; one that was refused is not kept."""
    kept = Counter(receipt for (receipt,) in world.query("SELECT id FROM receipts"))
    for given in people.given:
        count = kept[given.receipt.id]
        if count > 1 or (given.taken is not None and count != int(given.taken)):
            yield f"A receipt that was {'' if given.taken else 'not '}taken is kept {count} times."


def _alarms(world: World) -> Iterator[str]:
    """No fault that nobody knows, and none that is still told of when it is over."""
    for code, subject, cleared in world.query("SELECT code, subject, cleared_at FROM alarms"):
        if code == "internal":
            yield f"A fault was not known as what it is: {subject}."
        elif cleared is None and code.startswith(_FAULTS):
            yield f"The alarm {code} about {subject} stays, though nothing is wrong any more."
