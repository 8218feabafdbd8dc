"""Judging by hand-made frames: which rows travel, which are held, what is counted and told."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.agreement.model import FieldSpec, Flow, Recipient, Screening, Window
from gateway.crypto.memory import KeyedMemory
from gateway.intake.confined.frames import (
    DoneFrame,
    Examined,
    FindingsFrame,
    Frame,
    ReaderFailed,
    TableFrame,
)
from gateway.intake.findings import Finding, finding
from gateway.intake.judge import Judgement, judge, refused
from gateway.intake.memory import NothingSent, SentBefore
from gateway.records.chunk import Chunk, Row
from gateway.records.staging import Draft
from gateway.store import sent
from gateway.store.database import Database
from gateway.store.sent import SentReference

FIELDS = (
    FieldSpec(id="reference", heading="Reference number", kind="reference", width=16),
    FieldSpec(id="case", heading="Case information", kind="text", width=16),
)
FLOW = Flow(
    id="notifications",
    title="Notifications",
    sender="ofsted",
    recipients=(Recipient(party="dfe"),),
    window=Window.model_validate({"frequency": "working-day", "at": "16:00"}),
    fields=FIELDS,
    screening=Screening(patterns=(), person_words=(), everyday_words=()),
)
ANSWERING = FLOW.model_copy(update={"id": "scr-updates", "reconcile_with": "notifications"})


class Sorted:
    """Takes what is judged, as the staged files would."""

    def __init__(self) -> None:
        self.going: list[Row] = []
        self.kept_back: list[Row] = []

    def accepted(self, rows: Chunk) -> None:
        self.going += rows

    def held(self, rows: Chunk) -> None:
        self.kept_back += rows


class Remembers:
    """A memory by the rows' own texts."""

    def __init__(self, same: set[str] = frozenset(), known: set[str] | None = None) -> None:
        self.same, self.known = same, known

    def already_sent(self, _flow: Flow, rows: Chunk) -> set[int]:
        return {number for number, cells in rows if cells[1] in self.same}

    def unknown_references(self, _flow: Flow, rows: Chunk) -> set[int]:
        if self.known is None:
            return set()
        return {number for number, cells in rows if cells[0] not in self.known}


def rows(*numbers: int) -> tuple[Row, ...]:
    return tuple((number, (f"SCN{number:04}", f"text {number}")) for number in numbers)


def done(count: int, *, refused: bool = False, sheet: str | None = None) -> DoneFrame:
    outcome = Examined(sheet, count, ("Reference number",), ("Name",), ("Age",), refused)
    return DoneFrame(outcome)


def judged(
    *frames: Frame, flow: Flow = FLOW, memory: Remembers | None = None, **more: object
) -> tuple[Judgement, Sorted]:
    out = Sorted()
    with Draft() as draft:
        verdict = judge(frames, flow, memory or Remembers(), out, draft, **more)  # type: ignore[arg-type]
    return verdict, out


def numbers(taken: list[Row]) -> list[int]:
    return [number for number, _ in taken]


def test_a_clean_drop_is_accepted_whole() -> None:
    verdict, out = judged(TableFrame(rows(2, 3)), TableFrame(rows(5)), done(3, sheet="March"))
    assert verdict.state == "accepted"
    assert (verdict.rows, verdict.accepted, verdict.held, verdict.repeats) == (3, 3, 0, 0)
    assert (verdict.sheet, verdict.kept, verdict.dropped) == (
        "March",
        ("Reference number",),
        ("Name",),
    )
    assert verdict.missing == ("Age",)
    assert out.going == list(rows(2, 3, 5))
    assert (out.kept_back, verdict.findings) == ([], [])


def test_rows_with_an_error_are_held_wherever_it_is_told() -> None:
    """Before the row's table, after it, or twice over."""
    verdict, out = judged(
        FindingsFrame((finding("age.malformed", 3, "Age"),)),
        TableFrame(rows(2, 3, 4)),
        FindingsFrame((finding("code.unknown", 3, "Gender"), finding("rule.late", 2, "Age"))),
        TableFrame(rows(5)),
        FindingsFrame((finding("row.reference-conflict", 4), finding("row.reference-conflict", 5))),
        done(4),
    )
    assert verdict.state == "partly-held"
    assert (verdict.rows, verdict.accepted, verdict.held, verdict.repeats) == (4, 1, 3, 0)
    assert (numbers(out.going), numbers(out.kept_back)) == ([2], [3, 4, 5])


def test_a_drop_whose_every_row_is_held_is_partly_held() -> None:
    verdict, out = judged(
        FindingsFrame((finding("cell.required", 2, "Gender"),)), TableFrame(rows(2)), done(1)
    )
    assert (verdict.state, verdict.accepted, verdict.held) == ("partly-held", 0, 1)
    assert numbers(out.kept_back) == [2]


def test_headings_alone_are_accepted() -> None:
    verdict, out = judged(done(0))
    assert (verdict.state, verdict.rows, verdict.accepted) == ("accepted", 0, 0)
    assert (out.going, out.kept_back) == ([], [])


def test_of_identical_rows_one_travels() -> None:
    verdict, out = judged(
        TableFrame(rows(2, 3, 4)),
        FindingsFrame((finding("row.repeated", 3), finding("row.repeated", 4))),
        done(3),
    )
    assert (verdict.state, verdict.accepted, verdict.repeats) == ("accepted", 1, 2)
    assert numbers(out.going) == [2]


def test_a_repeat_that_has_an_error_too_is_held() -> None:
    verdict, out = judged(
        TableFrame(rows(2, 3)),
        FindingsFrame((finding("row.repeated", 3), finding("screen.name", 3, "Case information"))),
        done(2),
    )
    assert (verdict.accepted, verdict.held, verdict.repeats) == (1, 1, 0)
    assert numbers(out.kept_back) == [3]


def test_a_row_sent_before_is_told_and_counted_as_a_repeat() -> None:
    """It is staged all the same, since it may take back a change that still waits."""
    verdict, out = judged(
        TableFrame(rows(2, 3, 4)), done(3), memory=Remembers(same={"text 2", "text 4"})
    )
    assert numbers(out.going) == [2, 3, 4]
    assert (verdict.state, verdict.accepted, verdict.repeats) == ("accepted", 1, 2)
    assert verdict.already_sent == 2
    told = [(item.code, item.severity, item.row) for item in verdict.findings]
    assert told == [("row.already-sent", "query", 2), ("row.already-sent", "query", 4)]


def test_a_held_row_is_not_asked_of_the_memory() -> None:
    verdict, _ = judged(
        FindingsFrame((finding("cell.required", 2, "Gender"),)),
        TableFrame(rows(2)),
        done(1),
        memory=Remembers(same={"text 2"}, known=set()),
    )
    assert (verdict.held, verdict.already_sent) == (1, 0)
    assert [item.code for item in verdict.findings] == ["cell.required"]


def test_a_reference_never_sent_is_a_query_and_travels() -> None:
    verdict, out = judged(
        TableFrame(rows(2, 3)), done(2), flow=ANSWERING, memory=Remembers(known={"SCN0002"})
    )
    assert (verdict.state, verdict.accepted) == ("accepted", 2)
    assert verdict.findings == [finding("reconcile.unknown-reference", 3, "Reference number")]
    assert numbers(out.going) == [2, 3]


# --- whole drops refused -------------------------------------------------------------------------


def test_a_refused_file_keeps_no_row() -> None:
    verdict, out = judged(
        TableFrame(rows(2, 3)), FindingsFrame((finding("file.quotes"),)), done(7, refused=True)
    )
    assert (verdict.state, verdict.rows, verdict.accepted, verdict.held) == ("quarantined", 7, 0, 7)
    assert (out.going, out.kept_back) == ([], [])
    assert verdict.repeats == 0


@pytest.mark.parametrize("said", [True, False])
def test_where_the_agreement_refuses_drops_with_errors_none_of_it_travels(said: bool) -> None:
    verdict, out = judged(
        TableFrame(rows(2, 3)),
        FindingsFrame((finding("age.malformed", 3, "Age"), finding("file.rows-refused"))),
        done(2, refused=said),
    )
    assert (verdict.state, verdict.rows, verdict.held) == ("quarantined", 2, 2)
    assert (out.going, out.kept_back) == ([], [])
    assert verdict.by_code() == {"age.malformed": 1, "file.rows-refused": 1}


def test_a_reader_that_fails_gives_no_judgement() -> None:
    def frames() -> Iterator[Frame]:
        yield TableFrame(rows(2))
        raise ReaderFailed("file.over-limit", "the child was ended")

    out = Sorted()
    with Draft() as draft, pytest.raises(ReaderFailed):
        judge(frames(), FLOW, Remembers(), out, draft)
    assert (out.going, out.kept_back) == ([], [])
    verdict = refused(FLOW, "file.over-limit")
    assert (verdict.state, verdict.flow, verdict.rows) == ("quarantined", "notifications", 0)
    assert verdict.findings == [finding("file.over-limit")]


def test_frames_without_an_outcome_are_an_error_of_ours() -> None:
    with pytest.raises(ValueError, match="without an outcome"):
        judged(TableFrame(rows(2)))


# --- what is told --------------------------------------------------------------------------------


def test_findings_come_in_the_order_of_rows_those_of_the_file_first() -> None:
    verdict, _ = judged(
        FindingsFrame((finding("rule.late", 9, "Age"), finding("cell.required", 2, "Gender"))),
        FindingsFrame((finding("file.totals", count=1), finding("file.preamble", count=2))),
        TableFrame(rows(2, 5, 9)),
        done(3),
        memory=Remembers(same={"text 5"}),
    )
    assert [(item.row, item.code) for item in verdict.findings] == [
        (None, "file.preamble"),
        (None, "file.totals"),
        (2, "cell.required"),
        (5, "row.already-sent"),
        (9, "rule.late"),
    ]


def test_progress_counts_the_rows_as_they_come() -> None:
    told: list[tuple[str, int, int | None]] = []
    judged(
        TableFrame(rows(2, 3)),
        TableFrame(rows(4)),
        done(3),
        progress=lambda *words: told.append(words),
    )
    assert told == [("reading", 2, None), ("reading", 3, None)]


@given(
    chunks=st.lists(st.integers(1, 6), max_size=6),
    errors=st.sets(st.integers(2, 40)),
    repeated=st.sets(st.integers(2, 40)),
    before=st.sets(st.integers(2, 40)),
)
def test_every_row_is_counted_once(
    chunks: list[int], errors: set[int], repeated: set[int], before: set[int]
) -> None:
    frames: list[Frame] = []
    at = 2
    for size in chunks:
        frames.append(TableFrame(rows(*range(at, at + size))))
        at += size
    told: list[Finding] = [finding("cell.required", row, "Gender") for row in sorted(errors)]
    told += [finding("row.repeated", row) for row in sorted(repeated)]
    memory = Remembers(same={f"text {row}" for row in before})
    verdict, out = judged(FindingsFrame(tuple(told)), *frames, done(at - 2), memory=memory)
    assert verdict.rows == verdict.accepted + verdict.held + verdict.repeats
    everything = set(range(2, at))
    assert set(numbers(out.kept_back)) == everything & errors
    fresh = everything - errors - repeated
    assert verdict.accepted == len(fresh - before)
    assert verdict.already_sent == len(fresh & before)
    assert numbers(out.going) == sorted(fresh)


# --- the real memory -----------------------------------------------------------------------------


@pytest.fixture
def memory() -> Iterator[SentBefore]:
    """A memory in which rows 2 and 3 were sent, and 3 has changed since it was sent again."""
    database = Database("sqlite://")
    database.upgrade()
    keyed = KeyedMemory(b"k" * 32)
    with database.transaction() as tx:
        for cells in (("SCN0002", "text 2"), ("SCN0003", "text 3"), ("SCN0003", "other")):
            item = SentReference(
                keyed.reference("notifications", cells[0]),
                keyed.row("notifications", cells),
                b"sealed",
            )
            sent.remember(tx, "notifications", "p", [item])
    yield SentBefore(database, keyed)
    database.close()


def test_only_the_very_content_last_sent_is_already_sent(memory: SentBefore) -> None:
    assert memory.already_sent(FLOW, Chunk.of(rows(2, 3, 4))) == {2}
    assert memory.already_sent(FLOW, Chunk.of([(7, (" scn0002 ", "text 2"))])) == set()
    assert memory.already_sent(FLOW, Chunk.of([(8, ("SCN0003", "other"))])) == {8}
    assert memory.already_sent(ANSWERING, Chunk.of(rows(2))) == set()
    assert memory.already_sent(FLOW, Chunk.of([])) == set()


def test_a_reference_is_known_however_it_is_written(memory: SentBefore) -> None:
    asked: list[Row] = [(5, ("scn0002", "")), (6, ("SCN9999", "")), (7, (" SCN0003", ""))]
    assert memory.unknown_references(ANSWERING, Chunk.of(asked)) == {6}
    assert memory.unknown_references(FLOW, Chunk.of(asked)) == set()


def test_before_a_home_exists_nothing_was_sent() -> None:
    nothing = NothingSent()
    assert nothing.already_sent(FLOW, Chunk.of(rows(2, 3))) == set()
    assert nothing.unknown_references(FLOW, Chunk.of(rows(2, 3))) == set()
    assert nothing.unknown_references(ANSWERING, Chunk.of(rows(2, 3))) == {2, 3}
