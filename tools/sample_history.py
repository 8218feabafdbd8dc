"""`make run` at its first start: three weeks of exchange, so that every page has something on it.

    python tools/sample_history.py [HOME [UNTIL]]

Everything goes through the real code, at times gone by: drops that are read, packages that are
sealed, receipts signed with the rehearsal's own keys. What went amiss is among it: a day late, one
missed, one without a drop, a refused file, held rows, a query, a recall. A home that has a history
is left as it is.
"""

import os
import sys
import time as clock
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(CHECKOUT), str(CHECKOUT / "samples")]

from past_extracts import HELD, Extracts  # noqa: E402

from gateway.access.approvals import approve  # noqa: E402
from gateway.access.statements import signed_statement  # noqa: E402
from gateway.agreement.windows import LONDON, london_date  # noqa: E402
from gateway.agreement.workingdays import ONE_DAY, WorkingDays  # noqa: E402
from gateway.bootstrap import moment, open_parts  # noqa: E402
from gateway.crypto.keys import HomeKeys  # noqa: E402
from gateway.crypto.openpgp import OpenPGP  # noqa: E402
from gateway.engine.acts import asking_about  # noqa: E402
from gateway.engine.lock import only_worker  # noqa: E402
from gateway.engine.parts import Parts  # noqa: E402
from gateway.engine.tick import tick  # noqa: E402
from gateway.receipts import threads  # noqa: E402
from gateway.receipts.recall import ask_recall  # noqa: E402
from gateway.receipts.receipt import BY_OFFICER, ReceiptKind, new_receipt  # noqa: E402
from gateway.receipts.writing import write_signed  # noqa: E402
from gateway.settings import Home  # noqa: E402
from gateway.store import outstanding, packages, windows  # noqa: E402

NOTIFICATIONS, UPDATES = "notifications", "scr-updates"
MORNING, NOON, AFTERNOON = time(9, 20), time(12), time(14)
WINDOW, AFTER, LATE = time(16), time(16, 45), time(17, 10)
# How each working day went, the first first; "": like most. The last is still under way.
DAYS = (
    "", "held", "query", "nil", "overnight", "refused", "recalled", "overnight",
    "missed", "", "late", "nothing", "slow", "overnight", "unfinished",
)  # fmt: skip
ROWS, ANSWERS = 4, 2
FRIDAY = 4
_AN_HOUR = 3600
_STEPS: tuple[ReceiptKind, ...] = ("collected", "opened", "accepted")
_TAKEN = {"placed": 0, "collected": 1, "opened": 2, "queried": 2}
_QUESTION = b"The date of the second incident seems to be that of another child."
_ANSWER = b"The date is as the authority gave it; the authority has confirmed it."
_REASON = b"It was made from an extract of the week before."


Act = Callable[[datetime], None]


class People:
    """The officers and parties of a rehearsal home, each with their own keys."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._keys = HomeKeys(parts.home.root)
        self._query = ""

    @contextmanager
    def at(self, at: datetime) -> Iterator[Parts]:
        """The home's parts, with gpg's clock at that time."""
        with OpenPGP(self._keys.gateway, at) as openpgp:
            yield replace(self._parts, openpgp=openpgp)

    def receive(self, at: datetime, last: ReceiptKind = "accepted", only: str = "") -> None:
        """The recipients take every step that is open, to that one; ``only`` one party of them."""
        with self._parts.database.snapshot() as tx:
            waiting = outstanding.underway(tx, tuple(_TAKEN))
        for item in waiting:
            if item.party == only or not only:
                kinds = _STEPS[_TAKEN[item.state] : _STEPS.index(last) + 1]
                self._sign(at, item.package_id, item.party, *kinds)

    def quarantine(self, at: datetime, party: str) -> None:
        """A party signs that it keeps apart what was recalled."""
        with self._parts.database.snapshot() as tx:
            owing = [row for row in packages.owing_statement(tx) if row.party == party]
        for row in owing:
            self._sign(at, row.package_id, party, "quarantined")

    def ask(self, at: datetime) -> None:
        """The DfE queries the latest package, which it has opened."""
        self._sign(at, self._latest(), "dfe", "queried")
        with self.at(at) as parts:
            who = ("dfe", "dfe-officer-1")
            self._query = threads.ask(parts.queries(), self._latest(), *who, _QUESTION, at).id

    def settle_query(self, at: datetime) -> None:
        """Ofsted answers what the DfE has asked, if it has, and the DfE is content."""
        if self._query:
            with self.at(at) as parts:
                threads.answer(parts.queries(), self._query, "ofsted-officer-1", _ANSWER, at)
                threads.close(parts.queries(), self._query, "dfe-officer-1", at)
            self._query = ""

    def recall(self, at: datetime) -> None:
        """Ofsted recalls its latest package: one officer asks, two others approve."""
        with self.at(at) as parts:
            asking = asking_about(parts, self._latest(), "ofsted-officer-1", at)
            request = ask_recall(asking, self._latest(), _REASON)
            for who in ("ofsted-officer-2", "ofsted-officer-3"):
                with OpenPGP(self._keys.rehearsal(who), at) as openpgp:
                    signature = signed_statement(openpgp, request, self._key_of(who))
                known = (parts.database, parts.officers, parts.openpgp)
                request = approve(*known, request.id, who, signature, at)

    def _latest(self) -> str:
        with self._parts.database.snapshot() as tx:
            return next(row.id for row in packages.latest(tx) if row.flow == NOTIFICATIONS)

    def _sign(self, at: datetime, package: str, party: str, *kinds: ReceiptKind) -> None:
        with self._parts.database.snapshot() as tx:
            row, sealed = packages.delivery(tx, package, party), packages.get(tx, package)
        if row is None or sealed is None:
            raise LookupError(package)
        officer, folder = f"{party}-officer-1", self._parts.home.receipts_of(party)
        by_party = [kind for kind in kinds if kind not in BY_OFFICER]
        by_officer = [kind for kind in kinds if kind in BY_OFFICER]
        for who, told in ((party, by_party), (officer, by_officer)):
            if not told:
                continue
            key = self._key_of(who) if who == officer else self._parts.pins.exchange_of(party)
            named = who if who == officer else None
            with OpenPGP(self._keys.rehearsal(who), at) as openpgp:
                for kind in told:
                    facts = (package, party, row.sha256, sealed.agreement_hash, at)
                    path = write_signed(new_receipt(kind, *facts, named), openpgp, key, folder)
                    _settle(path, path.with_name(f"{path.name}.asc"))

    def _key_of(self, officer: str) -> str:
        key = self._parts.officers.get(officer).key
        if key is None:
            raise LookupError(officer)
        return key


class History:
    """The days of a rehearsal home, each lived through as `DAYS` says."""

    def __init__(self, parts: Parts, until: datetime) -> None:
        self._parts, self._until = parts, until
        self._people = People(parts)
        self._extracts = Extracts()

    def tell(self) -> None:
        """Live through the days."""
        calendar = next(iter(self._parts.agreed.values())).agreement.calendar
        before = ""
        for day, how in zip(_days(WorkingDays(calendar), self._until), DAYS, strict=True):
            if how == "missed":
                self._drop(day, how)  # it lies there until the gateway works again
            else:
                for hour, act in self._day(day, how, before):
                    self._tick(day, hour, act)
            before = how
            sys.stdout.write(".")
            sys.stdout.flush()
        sys.stdout.write("\n")

    def _day(self, day: date, how: str, before: str) -> Iterator[tuple[time, Act]]:
        """What is done at which hour, each followed by a tick."""
        people = self._people
        yield MORNING, lambda at: self._morning(at, day, how, before)
        if day.weekday() == FRIDAY:
            yield NOON, _nothing
        if before == "missed":
            yield AFTERNOON, lambda _: self._drop(day, how)
        if before == "slow":
            yield AFTERNOON, people.receive
        yield (LATE if how == "late" else WINDOW), _nothing
        if how == "unfinished":
            yield AFTER, lambda at: people.receive(at, "opened", "dfe")
        elif how == "query":
            yield AFTER, lambda at: people.receive(at, "opened")
            yield LATE, people.ask
        elif how == "overnight":
            yield AFTER, self._partly
        elif how not in ("slow", "late"):
            yield AFTER, people.receive
        if before == "recalled":
            yield LATE, lambda at: people.quarantine(at, "dfe")

    def _morning(self, at: datetime, day: date, how: str, before: str) -> None:
        if before == "recalled":
            self._people.recall(at)
        elif before != "slow":
            self._people.settle_query(at)
            self._people.receive(at)
        if how != "nothing" and before != "missed":
            self._drop(day, how)
        if day.weekday() == FRIDAY:
            path = self._inbox("dfe", UPDATES, day)
            self._extracts.updates(path, day, ANSWERS)
            _settle(path)

    def _partly(self, at: datetime) -> None:
        """The DfE opens, and answers the next morning; the others answer at once."""
        self._people.receive(at, "opened", "dfe")
        for party in ("panel", "ofsted"):
            self._people.receive(at, only=party)

    def _drop(self, day: date, how: str) -> None:
        path = self._inbox("ofsted", NOTIFICATIONS, day)
        if how == "nil":
            self._extracts.nothing(path)
        else:
            self._extracts.incidents(path, day, ROWS, HELD if how == "held" else ())
        _settle(path)
        if how == "refused":
            other = path.with_stem(f"{path.stem}-other-team")
            self._extracts.without_references(other, day, ROWS)
            _settle(other)

    def _inbox(self, party: str, flow: str, day: date) -> Path:
        return self._parts.home.inbox_of(party, flow) / f"{flow}-{day.isoformat()}.csv"

    def _tick(self, day: date, hour: time, act: Act) -> None:
        """At that time, unless it is still to come: what people do first, then a tick."""
        at = datetime.combine(day, hour, LONDON).astimezone(UTC)
        if at <= self._until:
            act(at)
            with self._people.at(at) as parts, only_worker(parts, 0):
                tick(parts, at)


def _nothing(_: datetime) -> None:
    """Nobody does anything; the window comes due all the same."""


def _days(working: WorkingDays, until: datetime) -> list[date]:
    """The latest working days, that of ``until`` among them if its morning has come."""
    early = until.astimezone(LONDON).time() < MORNING
    day = london_date(until) - (ONE_DAY if early else timedelta(0))
    found: list[date] = []
    while len(found) < len(DAYS):
        day = working.on_or_before(day)
        found.append(day)
        day -= ONE_DAY
    return found[::-1]


def _settle(*paths: Path) -> None:
    """Files that have lain for an hour are whole."""
    then = clock.time() - _AN_HOUR
    for path in paths:
        os.utime(path, (then, then))


def make_history(home: Home, until: datetime) -> bool:
    """Give a rehearsal home its history up to that moment; False: it has one, or is a real home."""
    if not home.is_rehearsal:
        return False
    with open_parts(home) as parts:
        with parts.database.snapshot() as tx:
            if windows.latest(tx, 1):
                return False
        History(parts, until).tell()
    return True


def main() -> int:
    """Make it, and say so."""
    home = Home(Path(sys.argv[1]).absolute() if len(sys.argv) > 1 else CHECKOUT)
    sys.stdout.write("Living through three weeks of exchange, so that pages show something ")
    sys.stdout.flush()
    until, _ = moment(home, sys.argv[2] if len(sys.argv) > 2 else None)
    if not make_history(home, until):
        sys.stdout.write("- not needed: this home has its own history.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
