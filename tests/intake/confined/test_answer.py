"""The child's sink writes what the worker's side reads, and nothing of the file's text as such."""

import os
import threading
from collections.abc import Callable

from gateway.agreement.model import RuleBook
from gateway.intake.confined.answer import FINDINGS_AT_ONCE, Answer
from gateway.intake.confined.frames import DoneFrame, FindingsFrame, Frame, TableFrame
from gateway.intake.confined.validate import DROPPED_COUNT, DROPPED_LENGTH, SHEET_NAME, Validator
from gateway.intake.confined.wire import Unpacker
from gateway.intake.findings import Finding, finding
from gateway.intake.outcome import Examined


def told(book: RuleBook, say: Callable[[Answer], None]) -> tuple[bytes, list[Frame]]:
    """The bytes and the frames that come of an answer."""
    ours, its = os.pipe()

    def speak() -> None:
        say(Answer(its, book))
        os.close(its)

    speaker = threading.Thread(target=speak)
    speaker.start()
    with os.fdopen(ours, "rb") as stream:
        data = stream.read()
    speaker.join()
    validator = Validator(book)
    return data, [validator.frame(*frame) for frame in Unpacker(1 << 30).feed(data)]


def test_findings_travel_as_places_and_come_back_as_headings(book: RuleBook) -> None:
    sent = [
        finding("file.preamble", count=3),
        finding("date.future", 4, "Date of incident"),
        finding("file.heading-twice", column="Pupil name"),
        Finding("rule.late", "error", 5, "Date of incident", 2),
    ]
    data, frames = told(book, lambda answer: answer.findings(sent))
    assert frames == [FindingsFrame(tuple(sent))]
    assert b"Date" not in data


def test_a_table_travels_in_parts_of_whole_rows(book: RuleBook) -> None:
    header = ",".join(["row", *(spec.id for spec in book.flow.fields)])
    rows = [f'{row},,Leeds,,,,,,"{"x" * 400}"' for row in range(2, 6002)]
    csv = "\r\n".join([header, *rows, ""]).encode()
    _, frames = told(book, lambda answer: answer.table(csv, len(rows)))
    assert len(frames) == 3
    assert all(isinstance(frame, TableFrame) for frame in frames)
    assert [row[0] for frame in frames for row in frame.rows] == list(range(2, 6002))  # type: ignore[union-attr]


def test_a_column_that_nobody_agreed_does_not_travel(book: RuleBook) -> None:
    data, frames = told(book, lambda answer: answer.findings([finding("row.long", 4, "Amy Pond")]))
    assert frames == [FindingsFrame((finding("row.long", 4),))]
    assert b"Amy" not in data


def test_many_findings_travel_in_several_frames(book: RuleBook) -> None:
    sent = [finding("row.short", row) for row in range(1, 2 * FINDINGS_AT_ONCE + 2)]
    _, frames = told(book, lambda answer: answer.findings(sent))
    assert [len(frame.items) for frame in frames] == [FINDINGS_AT_ONCE, FINDINGS_AT_ONCE, 1]  # type: ignore[union-attr]


def test_names_from_the_file_are_cut_and_made_printable(book: RuleBook) -> None:
    outcome = Examined(
        sheet="Sheet\n" + "x" * 40,
        rows=0,
        kept=("Age",),
        dropped=("Pupil\u00a0name\r\n(full)", "y" * 200, *["z"] * DROPPED_COUNT),
        missing=("Reference number",),
        refused=False,
    )
    _, frames = told(book, lambda answer: answer.done(outcome))
    done = frames[0]
    assert isinstance(done, DoneFrame)
    assert done.outcome.sheet == ("Sheet " + "x" * 40)[:SHEET_NAME]
    assert done.outcome.dropped[:2] == ("Pupil name  (full)", "y" * DROPPED_LENGTH)
    assert len(done.outcome.dropped) == DROPPED_COUNT
    assert done.outcome.kept == ("Age",)
    assert done.outcome.missing == ("Reference number",)
