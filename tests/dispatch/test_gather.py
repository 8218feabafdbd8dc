"""What a window's package carries: the newest of each reference, and only what is news."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.agreement.model import Flow
from gateway.crypto.memory import KeyedMemory
from gateway.dispatch.gather import Gathered, Gatherer
from gateway.intake.confined.frames import DoneFrame, Examined, TableFrame
from gateway.intake.judge import judge
from gateway.intake.memory import SentBefore
from gateway.records.chunk import Chunk
from gateway.records.staging import Draft, StagedRows, Staging
from gateway.store import sent
from gateway.store.database import Database
from gateway.store.drops import DropRow

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
AGREEMENT = "c" * 64
Texts = dict[str, str]  # reference → the text of its row


class Bench:
    """A database, staged rows and the gatherer over them."""

    def __init__(self, folder: Path, flow: Flow) -> None:
        self.database = Database("sqlite://")
        self.database.upgrade()
        self.staging = Staging(folder / "staged", b"s" * 32)
        self.keyed = KeyedMemory(b"k" * 32)
        self.gatherer = Gatherer(self.database, self.staging, self.keyed, AGREEMENT)
        self.flow = flow
        self.number = 0

    def dropped(self, rows: Texts, held: int = 0) -> DropRow:
        """A drop with those rows, judged and staged as intake does it."""
        self.number += 1
        drop_id = f"20260302-{self.number:012x}"
        files = self.staging.open(drop_id, "accepted"), self.staging.open(drop_id, "held")
        counts = self._judged(rows, *files)
        for file in files:
            file.keep()
        return DropRow(
            self.number,
            drop_id,
            self.flow.id,
            "ofsted",
            "accepted",
            AT,
            1,
            "a" * 64,
            "b" * 64,
            AGREEMENT,
            rows=len(rows) + held,
            accepted=counts[0],
            held=held,
            repeats=counts[1],
            already_sent=counts[1],
            findings={},
            columns_sealed=None,
            package_id=None,
            replaced_by=None,
        )

    def _judged(self, rows: Texts, going: StagedRows, back: StagedRows) -> tuple[int, int]:
        from_reader = [
            TableFrame(tuple((n, self.cells(*item)) for n, item in enumerate(rows.items(), 2))),
            DoneFrame(Examined(None, len(rows), (), (), (), refused=False)),
        ]

        class Out:
            def accepted(self, items: Chunk) -> None:
                going.add(items)

            def held(self, items: Chunk) -> None:
                back.add(items)

        memory = SentBefore(self.database, self.keyed)
        with Draft() as draft:
            verdict = judge(from_reader, self.flow, memory, Out(), draft)
        return verdict.accepted, verdict.repeats

    def cells(self, reference: str, text: str) -> tuple[str, ...]:
        return (reference, "2026-03-01", "", "", text)

    def gather(self, *drops: DropRow) -> Gathered:
        return self.gatherer.choose(self.flow, drops)

    def sent(self, *drops: DropRow) -> Gathered:
        """Gather, and remember as a package does."""
        gathered = self.gather(*drops)
        items = list(self.gatherer.references(gathered, lambda text: text.encode()))
        with self.database.transaction() as tx:
            sent.remember(tx, self.flow.id, f"p{self.number}", items)
        return gathered

    def travels(self, gathered: Gathered) -> list[tuple[str, str]]:
        return [(cells[0], cells[4]) for cells in self.gatherer.rows(gathered)]

    def updates(self, gathered: Gathered) -> tuple[int, ...]:
        return self.gatherer.update_positions(gathered)


@pytest.fixture
def bench(tmp_path: Path, flow: Flow) -> Iterator[Bench]:
    made = Bench(tmp_path, flow)
    yield made
    made.database.close()


def adds_up(gathered: Gathered) -> bool:
    """What the manifest demands: accepted rows are those that travel and those left out."""
    accepted = sum(drop.accepted or 0 for drop in gathered.drops)
    return accepted == len(gathered.chosen) + gathered.repeats


def test_rows_travel_in_the_order_of_drops_and_rows(bench: Bench) -> None:
    first = bench.dropped({"SCN0009": "a", "SCN0001": "b"})
    second = bench.dropped({"SCN0005": "c"})
    gathered = bench.gather(first, second)
    assert bench.travels(gathered) == [("SCN0009", "a"), ("SCN0001", "b"), ("SCN0005", "c")]
    assert (gathered.kind, gathered.repeats, bench.updates(gathered)) == ("data", 0, ())


def test_the_newest_drop_speaks_for_a_reference(bench: Bench) -> None:
    first = bench.dropped({"SCN0001": "old", "SCN0002": "stays"})
    second = bench.dropped({"SCN0003": "c", "scn0001 ": "new"})
    gathered = bench.gather(first, second)
    assert bench.travels(gathered) == [("SCN0002", "stays"), ("SCN0003", "c"), ("scn0001 ", "new")]
    assert gathered.repeats == 1
    assert bench.updates(gathered) == ()
    assert adds_up(gathered)


def test_what_was_sent_unchanged_does_not_travel_again(bench: Bench) -> None:
    bench.sent(bench.dropped({"SCN0001": "a", "SCN0002": "b"}))
    cumulative = bench.dropped({"SCN0001": "a", "SCN0002": "changed", "SCN0003": "new"})
    gathered = bench.sent(cumulative)
    assert bench.travels(gathered) == [("SCN0002", "changed"), ("SCN0003", "new")]
    assert bench.updates(gathered) == (1,)
    assert (cumulative.accepted, cumulative.repeats) == (2, 1)
    assert adds_up(gathered)
    again = bench.gather(bench.dropped({"SCN0002": "changed"}))
    assert (bench.travels(again), again.kind) == ([], "nil-declared")


def test_a_row_staged_twice_before_its_window_travels_once(bench: Bench) -> None:
    first, second = bench.dropped({"SCN0001": "a"}), bench.dropped({"SCN0001": "a", "SCN0002": "b"})
    gathered = bench.gather(first, second)
    assert bench.travels(gathered) == [("SCN0001", "a"), ("SCN0002", "b")]
    assert gathered.repeats == 1
    assert adds_up(gathered)


def test_a_later_drop_takes_a_change_back(bench: Bench) -> None:
    """Sent as `a`; changed to `b` by a drop that still waits; and back to `a` by a newer one."""
    bench.sent(bench.dropped({"SCN0001": "a", "SCN0002": "x"}))
    mistaken, corrected = bench.dropped({"SCN0001": "b"}), bench.dropped({"SCN0001": "a"})
    gathered = bench.gather(mistaken, corrected)
    assert bench.travels(gathered) == []
    assert gathered.kind == "nil-declared"
    assert adds_up(gathered)


def test_the_three_truths_of_an_empty_package(bench: Bench) -> None:
    assert bench.gather().kind == "nothing-received"
    assert bench.gather(bench.dropped({})).kind == "nil-declared"
    held = bench.gather(bench.dropped({}, held=3))
    assert (held.kind, held.held) == ("rows-held", 3)
    some = bench.gather(bench.dropped({}, held=3), bench.dropped({"SCN0001": "a"}))
    assert (some.kind, some.held) == ("data", 3)


def test_what_is_remembered_opens_to_the_reference(bench: Bench) -> None:
    gathered = bench.gather(bench.dropped({"SCN0001": "a"}))
    (item,) = bench.gatherer.references(gathered, lambda text: f"sealed {text}".encode())
    assert item.reference_sealed == b"sealed SCN0001"
    assert item.reference_mac == bench.keyed.reference(bench.flow.id, "SCN0001")
    assert item.row_mac == bench.keyed.row(bench.flow.id, bench.cells("SCN0001", "a"))


def test_many_references_are_asked_in_parts(bench: Bench) -> None:
    many = {f"SCN{number:06}": "a" for number in range(5_200)}
    bench.sent(bench.dropped(many))
    gathered = bench.gather(bench.dropped({**many, "SCN005199": "changed"}))
    assert bench.travels(gathered) == [("SCN005199", "changed")]
    assert bench.updates(gathered) == (1,)


drops_of_days = st.lists(
    st.lists(
        st.dictionaries(
            st.sampled_from(["SCN0001", "SCN0002", "SCN0003"]), st.sampled_from("abc"), max_size=3
        ),
        max_size=3,
    ),
    max_size=4,
)


@settings(max_examples=40, deadline=None)
@given(days=drops_of_days)
def test_the_recipient_always_ends_with_what_the_sender_last_dropped(
    tmp_path_factory: pytest.TempPathFactory, flow: Flow, days: list[list[Texts]]
) -> None:
    """Whatever is dropped in whatever windows; and nothing travels that the recipient has."""
    bench = Bench(tmp_path_factory.mktemp("days"), flow)
    last_dropped: Texts = {}
    has: Texts = {}
    for day in days:
        drops = [bench.dropped(rows) for rows in day]
        for rows in day:
            last_dropped |= rows
        gathered = bench.sent(*drops)
        travelling = bench.travels(gathered)
        assert len(dict(travelling)) == len(travelling)
        for place, (reference, text) in enumerate(travelling, start=1):
            assert has.get(reference) != text
            assert (place in bench.updates(gathered)) == (reference in has)
        has |= dict(travelling)
        assert has == last_dropped
        assert adds_up(gathered)
    bench.database.close()
