"""The story of a drop, cut short at every step and begun again: one drop, one leaf of each kind."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from rehearsing import NOTIFICATIONS, AtWork, clean_row, csv_of, make_reader

from gateway.crypto.openpgp import OpenPGP
from gateway.engine.parts import Parts
from gateway.intake import Intake, check, process
from gateway.intake.claim import Claimed, candidates, claim, claimed_before
from gateway.intake.confined.reader import Reader

MONDAY = "2026-03-02T09:00"
ROWS = (clean_row(1), clean_row(2, gender="?"), clean_row(3), clean_row(1))


@pytest.fixture(scope="session")
def shared_reader() -> Iterator[Reader]:
    """One confined reader for all tests of this module."""
    with make_reader() as reader:
        yield reader


@pytest.fixture
def work(rehearsal_home: Path, shared_reader: Reader) -> AtWork:
    """A fresh rehearsal home."""
    return AtWork(rehearsal_home, shared_reader)


@pytest.fixture
def parts(work: AtWork) -> Iterator[tuple[Parts, datetime]]:
    with work.parts(MONDAY) as made:
        yield made


def claimed(work: AtWork, parts: Parts, now: datetime, content: bytes = csv_of(ROWS)) -> Claimed:
    work.drop(content)
    (item,) = candidates(work.home, parts.settings, "ofsted", NOTIFICATIONS)
    taken = claim(work.home, item, now)
    assert taken is not None
    return taken


class Cut(Exception):
    """The machine stops here."""


class CutShort:
    """A real part that stops just before or after one of its methods, on the n-th call."""

    def __init__(self, real: Any, method: str, when: str, nth: int = 1) -> None:
        self.real, self.method, self.when, self.left = real, method, when, nth

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.real, name)
        return self.call if name == self.method else found

    def call(self, *values: Any, **named: Any) -> Any:
        self.left -= 1
        if self.left == 0 and self.when == "before":
            raise Cut
        result = getattr(self.real, self.method)(*values, **named)
        if self.left == 0:
            raise Cut
        return result


class CutDatabase:
    """The real database, stopped just before or after the n-th transaction."""

    def __init__(self, real: Any, when: str, nth: int) -> None:
        self.real, self.when, self.left = real, when, nth

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        self.left -= 1
        if self.left == 0 and self.when == "before":
            raise Cut
        with self.real.transaction() as tx:
            yield tx
        if self.left == 0:
            raise Cut

    def confirm(self) -> None:
        self.real.confirm()


class CutReader:
    """The real reader, stopped after the n-th frame."""

    def __init__(self, real: Reader, nth: int) -> None:
        self.real, self.nth = real, nth

    def examine(self, *values: Any) -> Iterator[Any]:
        for number, frame in enumerate(self.real.examine(*values), start=1):
            yield frame
            if number == self.nth:
                raise Cut


def part(name: str, method: str, when: str, nth: int = 1) -> Callable[[Intake], Intake]:
    return lambda intake: replace(
        intake, **{name: CutShort(getattr(intake, name), method, when, nth)}
    )


def database(when: str, nth: int) -> Callable[[Intake], Intake]:
    return lambda intake: replace(intake, database=CutDatabase(intake.database, when, nth))


def reader(nth: int) -> Callable[[Intake], Intake]:
    return lambda intake: replace(intake, reader=CutReader(intake.reader, nth))


# In the order of the story. Transactions: is the drop known; received; is it a duplicate; settled.
CUTS: dict[str, Callable[[Intake], Intake]] = {
    "before the drop is looked for": database("before", 1),
    "before sealing": part("openpgp", "encrypt", "before"),
    "after sealing": part("openpgp", "encrypt", "after"),
    "before the vault": part("vault", "keep", "before"),
    "after the vault": part("vault", "keep", "after"),
    "before it is received": database("before", 2),
    "while it is received": part("vault", "enter", "after"),
    "after it is received": database("after", 2),
    "before duplicates are looked for": database("before", 3),
    "before it is staged": part("staging", "open", "before"),
    "half staged": part("staging", "open", "after", 2),
    "in the middle of reading": reader(1),
    "at the end of reading": reader(3),
    "when what was sent is asked": part("memory", "already_sent", "before"),
    "before the report": part("agreed", "rule_book", "before"),
    "after the report": part("sealer", "seal", "before"),
    "before it is settled": database("before", 4),
}


def told(work: AtWork) -> list[str]:
    return [leaf["event"] for leaf in work.leaves() if leaf["event"].startswith("drop.")]


def finished(work: AtWork, drop_id: str) -> None:
    """Everything of the drop is there once, and nothing plain is left."""
    asked = "SELECT id, state, rows, accepted, held, repeats FROM drops"
    assert work.query(asked) == [(drop_id, "partly-held", 4, 2, 1, 1)]
    assert told(work) == ["drop.received", "drop.judged"]
    assert sorted(path.name for path in work.home.staged.iterdir()) == [
        f"{drop_id}.accepted",
        f"{drop_id}.held",
        f"{drop_id}.why",
    ]
    assert sorted(path.name for path in work.home.reports_of("ofsted").iterdir()) == [
        f"notifications-2026-03-02-{drop_id}.csv",
        f"notifications-2026-03-02-{drop_id}.html",
    ]
    assert list(work.home.drops_work.glob("*/*")) == []
    ((sealed, entered),) = work.query(
        "SELECT d.original, v.kind FROM drops d JOIN vault v ON v.sha256 = d.original"
    )
    assert entered == "original"
    assert (work.home.vault / sealed[:2] / sealed).is_file()
    assert not list(work.home.vault.glob(".*.part"))


@pytest.mark.parametrize("point", list(CUTS))
def test_a_drop_cut_short_anywhere_is_finished_by_the_next_run(
    work: AtWork, parts: tuple[Parts, datetime], point: str
) -> None:
    gateway, now = parts
    taken = claimed(work, gateway, now)
    intake = gateway.intake(NOTIFICATIONS)
    with pytest.raises(Cut):
        process(CUTS[point](intake), taken, now)
    (again,) = claimed_before(work.home)
    assert again == taken
    done = process(intake, again, now)
    assert done is not None
    assert (done.drop_id, done.state) == (taken.drop_id, "partly-held")
    finished(work, taken.drop_id)


def test_a_drop_settled_but_not_put_away_is_only_put_away(
    work: AtWork, parts: tuple[Parts, datetime]
) -> None:
    gateway, now = parts
    taken = claimed(work, gateway, now)
    with pytest.raises(Cut):
        process(database("after", 4)(gateway.intake(NOTIFICATIONS)), taken, now)
    before = work.database(), work.files()
    assert process(gateway.intake(NOTIFICATIONS), taken, now) is None
    assert (work.database(), work.files()) == before
    finished(work, taken.drop_id)


def test_a_claim_that_never_got_its_file_leaves_nothing(
    work: AtWork, parts: tuple[Parts, datetime]
) -> None:
    gateway, now = parts
    taken = claimed(work, gateway, now)
    (taken.folder / "claimed").unlink()
    assert process(gateway.intake(NOTIFICATIONS), taken, now) is None
    assert (work.states(), list(work.home.drops_work.glob("*/*"))) == ([], [])


def test_a_file_changed_after_it_was_sealed_is_not_taken_for_what_was_sealed(
    work: AtWork, parts: tuple[Parts, datetime]
) -> None:
    """Whoever dropped it may hold it open still: what was sealed and what is read are the same."""
    gateway, now = parts
    taken = claimed(work, gateway, now)
    intake = gateway.intake(NOTIFICATIONS)
    with pytest.raises(Cut):
        process(database("after", 2)(intake), taken, now)
    (taken.folder / "claimed").write_bytes(csv_of([clean_row(7), clean_row(8)]))
    done = process(intake, taken, now)
    assert done is not None
    assert (done.state, done.verdict.rows) == ("partly-held", 4)
    finished(work, taken.drop_id)


def test_the_original_opens_with_the_sender_s_records_key_alone(
    work: AtWork, parts: tuple[Parts, datetime]
) -> None:
    gateway, now = parts
    content = csv_of(ROWS)
    process(gateway.intake(NOTIFICATIONS), claimed(work, gateway, now, content), now)
    ((sealed,),) = work.query("SELECT original FROM drops")
    path = work.home.vault / sealed[:2] / sealed
    assert b"Zzyzwick" not in path.read_bytes()
    with OpenPGP(work.home.keys / "rehearsal" / "ofsted") as openpgp:
        openpgp.decrypt(path, work.home.root / "original.csv", None)
    assert (work.home.root / "original.csv").read_bytes() == content


def test_a_quarantined_drop_stages_nothing(work: AtWork, parts: tuple[Parts, datetime]) -> None:
    gateway, now = parts
    taken = claimed(work, gateway, now, b"no headings\n1\n")
    done = process(gateway.intake(NOTIFICATIONS), taken, now)
    assert done is not None
    assert done.state == "quarantined"
    assert list(work.home.staged.iterdir()) == []
    assert told(work) == ["drop.received", "drop.judged"]


def test_a_reader_that_fails_quarantines_the_drop(
    work: AtWork, parts: tuple[Parts, datetime]
) -> None:
    gateway, now = parts
    taken = claimed(work, gateway, now)
    books = {NOTIFICATIONS: gateway.agreed[NOTIFICATIONS].rule_book(NOTIFICATIONS)}
    broken = Reader(books, entry=Path("/nonexistent"))
    intake = replace(gateway.intake(NOTIFICATIONS), reader=broken)
    done = process(intake, taken, now)
    assert done is not None
    assert (done.state, done.verdict.by_code()) == ("quarantined", {"file.reader-failed": 1})
    assert work.states() == ["quarantined"]


def test_check_says_the_same_and_keeps_nothing(
    work: AtWork, parts: tuple[Parts, datetime], tmp_path: Path
) -> None:
    gateway, now = parts
    file = tmp_path / "extract.csv"
    file.write_bytes(csv_of(ROWS))
    before = work.database(), work.files()
    examiner = gateway.intake(NOTIFICATIONS).examiner
    said = check(examiner, gateway.flow(NOTIFICATIONS), file, now)
    assert (work.database(), work.files()) == before
    taken = claimed(work, gateway, now)
    done = process(gateway.intake(NOTIFICATIONS), taken, now)
    assert done is not None
    assert said == done.verdict
    assert file.is_file()
