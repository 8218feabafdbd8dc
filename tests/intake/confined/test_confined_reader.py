"""The reader with its real zygote, and an examiner that does what the file's first line says."""

import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import BinaryIO

import psutil
import pytest
from openpyxl import Workbook

from gateway.agreement.model import RuleBook
from gateway.intake.confined import (
    DoneFrame,
    Examined,
    FindingsFrame,
    Frame,
    Limits,
    Reader,
    ReaderFailed,
    TableFrame,
)
from gateway.intake.findings import Finding, finding
from gateway.records.chunk import Chunk

Saying = Callable[..., BinaryIO]
# The hostile examiner's exit code: 100 and the error's number.
EPERM, EBADF, ENOMEM, ENOSYS = 101, 109, 112, 138

REFUSED = {
    "socket": EPERM,
    "netlink": EPERM,
    "open": EPERM,
    "list": EPERM,
    "write {free}": EPERM,
    "chmod {own}": EPERM,
    "write-input": EBADF,
    "chmod-input": EPERM,
    "other-descriptors": EBADF,
    "fork": EPERM,
    "exec": EPERM,
    "memfd": EPERM,
    "kill-zygote": EPERM,
    "executable-memory": EPERM,
    "change-limits": EPERM,
    "open-to-write {own}": EPERM,
    "open-input-anew": EPERM,
    "own-memory": EPERM,
    "zygote-memory": EPERM,
    "environment": EPERM,
    "make-folder {free}": EPERM,
    "make-link {free}": EPERM,
    "remove {own}": EPERM,
    "rename {own}": EPERM,
    "truncate {own}": EPERM,
    "truncate-input": EPERM,
    "anonymous-file": EPERM,
    "any-descriptor": EBADF,
    "connect": EPERM,
    "vfork": EPERM,
    "process-by-clone": EPERM,
    "process-by-clone3": ENOSYS,
    "user-namespace": EPERM,
    "other-signal": EPERM,
    "leave-session": EPERM,
    "no-limit-of-time": EPERM,
    "signals-from-input": EPERM,
    "later-executable": EPERM,
    "shared-memory": ENOMEM,
    "kernel-rings": EPERM,
    "kernel-programs": EPERM,
    "read-the-zygote": EPERM,
    "keys-of-the-kernel": EPERM,
    "new-root": EPERM,
    "become-root": EPERM,
}
OVER_LIMIT = {
    "four-gigabytes",
    "four-gigabytes-of-polars",
    "endless",
    "deaf",
    "silent",
    "flood",
    "piece-by-piece",
    "slow-pattern",
    "dripping",
    "goes-on-unheard",
    "stops-itself",
    "abort",
    "endless-findings",
    "empty-frames",
}
BROKEN = {
    "segfault",
    "bus-error",
    "illegal-instruction",
    "division",
    "hang-up",
    "many-threads",
    "endless-recursion",
    "other-architecture",
    "leave 0",
    "leave 1",
    "truncated",
    "nested",
    "after-the-end",
    "unknown-code",
    "door-code",
    "wrong-severity",
    "row-zero",
    "row-missing",
    "row-true",
    "count-as-text",
    "text-for-a-column",
    "extra-column",
    "row-too-wide",
    "wrong-row-count 0",
    "wrong-row-count 2",
    "wrong-outcome-count",
    "rows-out-of-order",
    "not-utf8",
    "refused-without-reason",
    "reason-without-refusal",
    "not-a-label",
    "not-iso",
    "no-such-day",
    "name-for-initials",
    "bad-reference",
    "bad-age",
    "bad-yes",
    "long-other",
    "long-text",
    "control-character",
    "row-as-text",
}


def frames(reader: Reader, file: BinaryIO, today: date) -> list[Frame]:
    return list(reader.examine("notifications", file, today))


@pytest.fixture
def serves(hostile_reader: Reader, saying: Saying, today: date) -> Callable[[], None]:
    """Says whether the next, honest file is served."""

    def serve() -> None:
        assert isinstance(frames(hostile_reader, saying("fine"), today)[-1], DoneFrame)

    return serve


def test_an_honest_answer_arrives_whole(
    hostile_reader: Reader, saying: Saying, today: date, book: RuleBook
) -> None:
    said = frames(hostile_reader, saying("fine"), today)
    cells = (
        "SCN00000001",
        "Leeds",
        "A.B.",
        "2016-03-01",
        "12",
        "Yes",
        "Police; Other: a charity",
        'Said "no", then\nyes',
    )
    kept = tuple(spec.heading for spec in book.flow.fields)
    assert said == [
        FindingsFrame((finding("file.preamble", count=2),)),
        FindingsFrame((finding("row.short", 2), finding("date.future", 2, "Date of incident"))),
        TableFrame(Chunk.of(((2, cells),))),
        DoneFrame(Examined(None, 1, kept, ("Pupil name",), (), False)),
    ]


def test_a_refused_file_is_an_answer_too(
    hostile_reader: Reader, saying: Saying, today: date
) -> None:
    said = frames(hostile_reader, saying("refused"), today)
    assert said[0] == FindingsFrame((finding("file.no-headings"),))
    assert isinstance(said[1], DoneFrame)
    assert said[1].outcome.refused


def test_threads_and_polars_run_inside(hostile_reader: Reader, saying: Saying, today: date) -> None:
    assert len(frames(hostile_reader, saying("threads"), today)) == 4
    said = frames(hostile_reader, saying("polars", b"a,b\n1,2\n3,4\n1,5\n"), today)
    assert said[0] == FindingsFrame((finding("file.preamble", count=2),))


def test_a_workbook_is_read_inside(hostile_reader: Reader, saying: Saying, today: date) -> None:
    workbook, data = Workbook(), io.BytesIO()
    for row in range(7):
        workbook.active.append([f"a{row}", row])
    workbook.save(data)
    said = frames(hostile_reader, saying("calamine", data.getvalue()), today)
    assert said[0] == FindingsFrame((finding("file.preamble", count=7),))


def test_many_rows_come_piece_by_piece_in_order(
    hostile_reader: Reader, saying: Saying, today: date
) -> None:
    numbers: list[int] = []
    pieces = 0
    for frame in hostile_reader.examine("notifications", saying("large 45000"), today):
        if isinstance(frame, TableFrame):
            numbers += [number for number, _ in frame.rows]
            pieces += 1
    assert numbers == list(range(2, 45_002))
    assert pieces >= 4


@pytest.mark.parametrize(("act", "code"), REFUSED.items())
def test_an_attack_is_refused_and_the_next_file_served(
    act: str,
    code: int,
    hostile_reader: Reader,
    saying: Saying,
    serves: Callable[[], None],
    today: date,
    tmp_path: Path,
) -> None:
    own = tmp_path / "own"
    own.write_text("as it was")
    own.chmod(0o666)
    tmp_path.chmod(0o777)
    line = act.format(free=tmp_path / "free", own=own)
    with pytest.raises(ReaderFailed) as failed:
        frames(hostile_reader, saying(line), today)
    assert failed.value.code == "file.reader-failed"
    assert f"(code {code})" in failed.value.why
    assert not (tmp_path / "free").exists()
    assert own.stat().st_mode & 0o777 == 0o666
    assert own.read_text() == "as it was"
    serves()


def test_no_system_call_but_those_listed_is_let_through(
    hostile_reader: Reader, saying: Saying, today: date, serves: Callable[[], None]
) -> None:
    """Every number there could be is tried; the answer then has no outcome, as is right."""
    told: list[Finding] = []
    with pytest.raises(ReaderFailed, match="no outcome"):
        for frame in hostile_reader.examine("notifications", saying("every-other-call"), today):
            assert isinstance(frame, FindingsFrame)
            told += frame.items
    assert [item.row for item in told[:-1]] == []
    assert told[-1].count is not None and told[-1].count > 400
    serves()


@pytest.mark.parametrize("act", sorted(OVER_LIMIT))
def test_a_file_over_a_limit_is_told_apart(
    act: str,
    hostile_reader: Reader,
    saying: Saying,
    serves: Callable[[], None],
    today: date,
) -> None:
    with pytest.raises(ReaderFailed) as failed:
        frames(hostile_reader, saying(act), today)
    assert failed.value.code == "file.over-limit"
    serves()


@pytest.mark.parametrize("act", sorted(BROKEN))
def test_a_broken_or_lying_child_is_not_believed(
    act: str,
    hostile_reader: Reader,
    saying: Saying,
    serves: Callable[[], None],
    today: date,
) -> None:
    with pytest.raises(ReaderFailed) as failed:
        frames(hostile_reader, saying(act), today)
    assert failed.value.code == "file.reader-failed"
    assert "Amy" not in str(failed.value)
    serves()


@pytest.mark.parametrize(
    "garbage", [b"\x00" * 40, b"\xff" * 40, b"F\x00\x00\x00\x02{}", b"P\x00\x00\x00\x02{}", b"D"]
)
def test_garbage_is_not_believed(
    garbage: bytes,
    hostile_reader: Reader,
    saying: Saying,
    serves: Callable[[], None],
    today: date,
) -> None:
    with pytest.raises(ReaderFailed, match="reader-failed"):
        frames(hostile_reader, saying("raw", garbage), today)
    serves()


def test_the_file_is_read_from_its_start_and_the_worker_keeps_its_place(
    hostile_reader: Reader, saying: Saying, today: date
) -> None:
    file = saying("fine", b"and more")
    file.seek(3)
    assert frames(hostile_reader, file, today)
    assert file.tell() == 3


def test_a_killed_zygote_is_replaced(hostile_reader: Reader, serves: Callable[[], None]) -> None:
    zygote = hostile_reader.process_id
    os.kill(zygote, signal.SIGKILL)
    os.waitid(os.P_PID, zygote, os.WEXITED | os.WNOWAIT)  # ended, and still for the reader to find
    serves()


def test_a_zygote_killed_while_reading_fails_that_file_alone(
    hostile_reader: Reader, saying: Saying, serves: Callable[[], None], today: date
) -> None:
    killer = threading.Timer(0.5, os.kill, (hostile_reader.process_id, signal.SIGKILL))
    killer.start()
    with pytest.raises(ReaderFailed, match="reader-failed"):
        frames(hostile_reader, saying("silent"), today)
    killer.join()
    serves()


def test_a_frozen_zygote_is_replaced_by_the_worker(
    book: RuleBook, hostile_entry: Path, saying: Saying, today: date
) -> None:
    limits = Limits(wall_seconds=(1, 1))
    with Reader({"notifications": book}, limits, entry=hostile_entry) as reader:
        first = reader.process_id
        psutil.Process(first).suspend()
        with pytest.raises(ReaderFailed, match="over-limit"):
            frames(reader, saying("fine"), today)
        assert frames(reader, saying("fine"), today)
        assert reader.process_id != first
    assert not psutil.pid_exists(first)


def test_leaving_off_early_stops_the_child(
    hostile_reader: Reader, saying: Saying, serves: Callable[[], None], today: date
) -> None:
    reading = hostile_reader.examine("notifications", saying("large 2000000"), today)
    assert next(reading)
    zygote = psutil.Process(hostile_reader.process_id)
    children = zygote.children(recursive=True)
    reading.close()
    assert children
    assert gone([zygote, *children])
    serves()


def test_one_file_at_a_time(
    hostile_reader: Reader, saying: Saying, serves: Callable[[], None], today: date
) -> None:
    reading = hostile_reader.examine("notifications", saying("large 50000"), today)
    next(reading)
    with pytest.raises(RuntimeError, match="one reader per thread"):
        frames(hostile_reader, saying("fine"), today)
    reading.close()
    serves()


def test_what_cannot_be_read_is_refused_before_any_child(
    hostile_reader: Reader, saying: Saying, today: date
) -> None:
    with pytest.raises(KeyError):
        next(hostile_reader.examine("unknown", saying("fine"), today))
    with Path("/dev/null").open("rb") as device, pytest.raises(ValueError, match="regular"):
        next(hostile_reader.examine("notifications", device, today))


def test_closing_leaves_no_process(
    book: RuleBook, hostile_entry: Path, saying: Saying, today: date
) -> None:
    before = set(psutil.Process().children(recursive=True))
    reader = Reader({"notifications": book}, entry=hostile_entry)
    assert set(psutil.Process().children(recursive=True)) == before  # it starts when needed
    assert frames(reader, saying("fine"), today)
    assert set(psutil.Process().children(recursive=True)) > before
    reader.close()
    reader.close()
    assert set(psutil.Process().children(recursive=True)) == before


WORKER = """
import sys
from datetime import date
from pathlib import Path
from gateway.agreement.model import RuleBook
from gateway.intake.confined import Reader

if __name__ == "__main__":
    entry, book, drop = map(Path, sys.argv[1:])
    reader = Reader({"notifications": RuleBook.model_validate_json(book.read_bytes())}, entry=entry)
    print(reader.process_id, "polars" in sys.modules, flush=True)
    with drop.open("rb") as file:
        list(reader.examine("notifications", file, date(2016, 4, 1)))
"""


def test_a_dead_worker_takes_everything_with_it(
    book: RuleBook, hostile_entry: Path, tmp_path: Path, checkout: Path, saying: Saying
) -> None:
    (tmp_path / "worker.py").write_text(WORKER)
    (tmp_path / "book").write_text(book.model_dump_json())
    words = [tmp_path / "worker.py", hostile_entry, tmp_path / "book", saying("silent").name]
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    with subprocess.Popen(
        [sys.executable, *words], stdout=subprocess.PIPE, env=environment, text=True
    ) as worker:
        assert worker.stdout is not None
        number, polars_is_loaded = worker.stdout.readline().split()
        zygote = psutil.Process(int(number))
        child = await_child(zygote)
        worker.kill()
    assert polars_is_loaded == "False"  # the worker itself only ever reads CSV
    assert gone([zygote, child])


def await_child(zygote: psutil.Process) -> psutil.Process:
    """The zygote's child, once it has one."""
    while not (children := zygote.children()):
        time.sleep(0.01)
    return children[0]


def test_a_reader_that_cannot_start_says_so(book: RuleBook, tmp_path: Path) -> None:
    entry = tmp_path / "entry.py"
    entry.write_text("raise SystemExit(1)\n")
    reader = Reader({"notifications": book}, entry=entry)
    with pytest.raises(ReaderFailed, match="did not start") as failed:
        reader.__enter__()
    assert failed.value.code == "file.reader-failed"


def gone(processes: list[psutil.Process], seconds: float = 5.0) -> bool:
    """Whether all of them end (a moment is allowed for the kernel to reap)."""
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    return not alive
