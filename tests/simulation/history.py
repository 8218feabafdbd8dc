"""One run: a history drawn from a seed, lived by the real engine, and then held to what must be."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Literal
from unittest import mock
from zoneinfo import ZoneInfo

import seams
from actors import People
from judging import judged
from world import Counts, Daemon, Template, World, world

from gateway.agreement.windows import next_moment
from gateway.agreement.workingdays import WorkingDays
from gateway.engine.invariants.recovery import picture, unchanged

LONDON = ZoneInfo("Europe/London")
YEAR, DAYS = date(2026, 3, 2), 365  # the year in which every run has its place
Length = Literal["days", "fortnight", "year"]
_WRONGS: tuple[seams.Wrong, ...] = (
    *("kill",) * 4,
    *("kill-after",) * 2,
    "power-cut",
    *("ENOSPC",) * 2,
    *("EIO",) * 2,
    *("meanwhile",) * 2,
)
# the calls among which one goes wrong: a tick has some hundred commits, and as many files' calls
# where it has something to do; statements are many times more
_CALLS = {True: (400, 900, 1800), False: (60, 150, 400)}


@dataclass
class Run:
    """What a run came to. ``wrong`` is empty where all held."""

    seed: int
    wrong: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)


def run(seed: int, template: Template, scratch: Path, length: Length | None = None) -> Run:
    """Live the history of that seed; ``length`` in the place of the one it draws."""
    done = Run(seed)
    # what the code draws at random comes from the seed as well, so that a replay is one
    drawn = Random(f"drawn {seed}").randbytes
    with (
        mock.patch("os.urandom", drawn),
        mock.patch("random._urandom", drawn),
        world(template, scratch, Random(f"disk {seed}")) as made,
    ):
        history = History(made, Random(seed), length)
        try:
            history.live()
            done.wrong += history.end()
        except Exception as error:  # whatever it is, the seed must be told
            done.wrong.append(f"The run itself failed: {type(error).__name__}: {error}")
            done.told.append(traceback.format_exc())
        done.told[:0] = made.told
        done.counts = made.seen
        done.counts["runs"] = 1
    return done


class History:
    """What happens in a run, in the order of its clock."""

    def __init__(self, made: World, rng: Random, length: Length | None) -> None:
        self.world, self.rng = made, rng
        self.people = People(made, rng)
        drawn: Length = rng.choices(("days", "fortnight", "year"), (180, 8, 1))[0]
        self.length = length or drawn
        start = YEAR + timedelta(days=rng.randrange(DAYS))
        self.first = start if self.length != "year" else YEAR
        self.now = _at(self.first, time(8, rng.randrange(60)))
        self.latest = self.now
        self.wrong: list[str] = []
        # alarms of deadlines, digests and e-mails take a third of a tick, and move nothing
        self.world.watching = rng.random() < 0.25

    def live(self) -> None:
        """From the first tick to the last event."""
        self.world.seen[f"{self.length} long"] += 1
        if self.length == "year":
            self._year()
            return
        days = self.rng.randint(1, 2) if self.length == "days" else self.rng.randint(8, 14)
        for number in range(days):
            self._day(self.first + timedelta(days=number))

    def _day(self, day: date) -> None:
        """A few events, then the window, unless the gateway is out of service that afternoon."""
        hours = sorted(self.rng.uniform(8.5, 15.9) for _ in range(self.rng.randint(1, 3)))
        for hour in hours:
            self._until(_at(day, time(int(hour), int(hour % 1 * 60))))
            self._event()
        if self.rng.random() < 0.85:
            self._until(_at(day, time(16, self.rng.randrange(45))))
            self._tick()
        if self.rng.random() < 0.6:
            self._until(_at(day, time(17, self.rng.randrange(60))))
            self._event()

    def _year(self) -> None:
        while self.now < _at(YEAR + timedelta(days=DAYS), time(12)):
            self._until(self.now + timedelta(hours=self.rng.expovariate(1 / 150)))
            self._event()
            if self.rng.random() < 0.4:
                self._tick()

    def _until(self, moment: datetime) -> None:
        self.now = max(self.now, moment)

    # --- events ---------------------------------------------------------------------------------

    def _event(self) -> None:
        people = self.people
        acts: dict[Callable[[], object], float] = {
            self._send: 8,
            self._tick: 2,
            lambda: people.answer(self.now): 4,
            lambda: people.change(self.now): 1,
            lambda: people.recall(self.now): 0.5,
            lambda: people.replay(self.now): 1,
            self._restart: 0.5,
            self._jump: 0.5,
        }
        self.rng.choices(tuple(acts), tuple(acts.values()))[0]()

    def _send(self) -> None:
        for _ in range(self.rng.randint(1, 2)):
            self.people.send()
        if self.rng.random() < 0.5:
            self._tick()

    def _restart(self) -> None:
        self._daemon().stop()
        self.world.seen["restarts"] += 1

    def _jump(self) -> None:
        """The clock is wrong for one tick, by up to three hours back or two days ahead."""
        by = timedelta(minutes=self.rng.randint(-180, 2880))
        self.world.seen["clock jumps"] += 1
        self._tick(self.now + by)

    def _daemon(self) -> Daemon:
        return self.rng.choice(self.world.daemons)

    def _tick(self, now: datetime | None = None) -> None:
        """A tick, in which something may go wrong."""
        at, seam = now or self.now, None
        if self.rng.random() < 0.5:
            wrong = self.rng.choice(_WRONGS)
            seam = seams.Seam(self.world.home.root, self.world.rng, wrong)
            seam.statements = self.rng.random() < 0.4
            calls = self.rng.choice(_CALLS[seam.statements])
            seam.at = 1 + int(self.rng.random() * calls)
            lasts = self.rng.random() < 0.4
            seam.lasting = 1 + int(self.rng.expovariate(1 / 20)) if lasts else 1
            seam.meanwhile = self._meanwhile(at)
        self.latest = max(self.latest, at)
        self.world.seen["ticks"] += 1
        self._daemon().tick(at, seam)
        if seam is not None and seam.happened:
            assert seam.wrong is not None
            self.world.seen[seam.wrong] += 1
            self.world.say(f"{at:%Y-%m-%d %H:%M} tick: {seam.happened}")
        else:
            self.world.say(f"{at:%Y-%m-%d %H:%M} tick")
        self.wrong += self.world.look()

    def _meanwhile(self, now: datetime) -> Callable[[], None]:
        """What others do in the middle of a tick: the other daemon, or people at the faces."""
        other = self._daemon()
        people = self.people
        acts: tuple[Callable[[], object], ...] = (
            lambda: other.tick(now),
            lambda: people.answer(now),
            lambda: people.change(now),
            lambda: people.recall(now),
            people.send,
        )
        act = self.rng.choice(acts)

        def others() -> None:
            act()

        return others

    # --- the end --------------------------------------------------------------------------------

    def end(self) -> list[str]:
        """All is well again and time goes on: what must then hold, and does not."""
        for daemon in self.world.daemons:
            daemon.stop()
        self.now = max(self.now, self.latest)
        worker = self.world.daemons[0]
        for moment in (self.now + timedelta(minutes=1), self._windows_over()):
            self.now = self.latest = max(self.now, moment)
            report = worker.tick(self.now)
            if report is None:
                self.wrong.append("A tick in which nothing went wrong did not come to its end.")
            elif report.faults or report.arrivals.faults or report.returns.faults:
                told = [*report.faults, *report.arrivals.faults, *report.returns.faults]
                self.wrong.append(f"A quiet tick had faults: {[(f.code, f.subject) for f in told]}")
            self.wrong += self.world.look()
        if self.rng.random() < 0.25:
            before = picture(self.world.home)
            worker.tick(self.now)
            again = unchanged(before, picture(self.world.home))
            self.wrong += [f"{item.code}: {item.subject}: {item.how}" for item in again]
        return self.wrong + judged(self.world, self.people, self.latest)

    def _windows_over(self) -> datetime:
        """A moment by which each flow has had another window."""
        parts = self.world.template.parts
        coming = [
            next_moment(
                flow.window, WorkingDays(parts.agreed[flow.id].agreement.calendar), self.now
            )
            for flow in parts.flows()
        ]
        return max(item.at for item in coming) + timedelta(minutes=5)


def _at(day: date, hour: time) -> datetime:
    return datetime.combine(day, hour, tzinfo=LONDON).astimezone(UTC)
