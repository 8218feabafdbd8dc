"""What code that a hostile file took over might do. Runs in the confined child alone.

The first line of the file names the act. `fine` is what an honest examiner does.
"""

import csv
import ctypes
import io
import mmap
import os
import resource
import signal
import socket
import threading
import time
from pathlib import Path

import attacks
import polars
from python_calamine import CalamineWorkbook

from gateway.intake.confined.frames import Examined
from gateway.intake.confined.wire import COUNT, pack
from gateway.intake.findings import Finding, finding

GOOD = {
    "row": "2",
    "reference": "SCN00000001",
    "authority": "Leeds",
    "initials": "A.B.",
    "incident": "2016-03-01",
    "age": "12",
    "death": "Yes",
    "agencies": "Police; Other: a charity",
    "notes": 'Said "no", then\nyes',
}


def examine(stream, book, _today, sink):
    """Do what the file's first line says."""
    act, _, rest = stream.readline().decode("latin-1").strip().partition(" ")
    ACTS[act](sink, book, stream, rest)


def outcome(book, rows=1, **said):
    kept = tuple(spec.heading for spec in book.flow.fields)
    told = {"sheet": None, "rows": rows, "kept": kept, "dropped": ("Pupil name",), "missing": ()}
    return Examined(**{**told, "refused": False, **said})


def table(*rows, header=tuple(GOOD)):
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows(row.values() for row in rows)
    return text.getvalue().encode()


def fine(sink, book, _stream, _rest):
    sink.findings([finding("file.preamble", count=2)])
    sink.findings([finding("row.short", 2), finding("date.future", 2, "Date of incident")])
    sink.table(table(GOOD), 1)
    sink.done(outcome(book))


def lie(change):
    def act(sink, book, _stream, _rest):
        sink.table(table({**GOOD, **change}), 1)
        sink.done(outcome(book))

    return act


def trying(attempt):
    """One that succeeds ends in a whole answer; a refused one in code 100 + the error's number."""

    def act(sink, book, stream, rest):
        try:
            attempt(rest)
        except OSError as refused:
            os._exit(100 + refused.errno)
        fine(sink, book, stream, rest)

    return act


def threads(sink, book, stream, rest):
    done = []
    workers = [threading.Thread(target=done.append, args=(n,)) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(done) == [0, 1, 2, 3]
    fine(sink, book, stream, rest)


def with_polars(sink, book, stream, _rest):
    frame = polars.read_csv(stream.read(), infer_schema=False)
    joined = frame.lazy().group_by("a").agg(polars.len()).sort("a").collect()
    sink.findings([finding("file.preamble", count=joined.height)])
    sink.table(table(GOOD), 1)
    sink.done(outcome(book))


def with_calamine(sink, book, stream, _rest):
    data = stream.read()
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0)
    sink.findings([finding("file.preamble", count=len(sheet.to_python()))])
    sink.table(table(GOOD), 1)
    sink.done(outcome(book))


def fork_bomb(_rest):
    while True:
        os.fork()


def four_gigabytes(_rest):
    return bytearray(4 << 30)


def four_gigabytes_of_polars(_rest):
    return polars.zeros(1 << 29, eager=True)


def change_limits(_rest):
    libc, limit = ctypes.CDLL(None, use_errno=True), (ctypes.c_ulong * 2)(1, 1)
    if libc.setrlimit(resource.RLIMIT_CPU, limit) < 0:
        raise OSError(ctypes.get_errno(), "refused")


def endless(_sink, _book, _stream, _rest):
    while True:
        pass


def silent(_sink, _book, _stream, _rest):
    time.sleep(3600)


def deaf(_sink, _book, _stream, _rest):
    ctypes.CDLL(None).signal(signal.SIGXCPU, signal.SIG_IGN)
    endless(None, None, None, None)


def segfault(_sink, _book, _stream, _rest):
    ctypes.string_at(0)


def leave(_sink, _book, _stream, rest):
    os._exit(int(rest))


def flood(_sink, _book, _stream, _rest):
    while True:
        os.write(4, pack(b"F", b"[" + b" " * 1_000_000 + b"]"))


def raw(_sink, _book, stream, _rest):
    os.write(4, stream.read())


def truncated(_sink, _book, _stream, _rest):
    os.write(4, pack(b"F", b"[]")[:-1])


def after_the_end(sink, book, stream, rest):
    fine(sink, book, stream, rest)
    sink.findings([finding("file.preamble", count=1)])


def nested(_sink, _book, _stream, _rest):
    os.write(4, pack(b"F", b"[" * 200_000))


def findings(sink, book, _stream, _rest, **said):
    """One finding that no honest examiner makes."""
    told = {"code": "date.future", "severity": "error", "row": 2, "column": None, "count": None}
    sink.findings([Finding(**{**told, **said})])
    sink.table(table(GOOD), 1)
    sink.done(outcome(book))


def false_finding(**said):
    return lambda sink, book, stream, rest: findings(sink, book, stream, rest, **said)


def text_for_a_column(sink, book, _stream, _rest):
    os.write(4, pack(b"F", b'[["date.future","error",2,"Amy Pond, 4 Low Road",null]]'))
    sink.table(table(GOOD), 1)
    sink.done(outcome(book))


def extra_column(sink, book, _stream, _rest):
    sink.table(table({**GOOD, "name": "Amy Pond"}, header=(*GOOD, "name")), 1)
    sink.done(outcome(book))


def row_too_wide(sink, book, _stream, _rest):
    sink.table(table({**GOOD, "name": "Amy Pond"}), 1)
    sink.done(outcome(book))


def wrong_row_count(sink, book, _stream, rest):
    sink.table(table(GOOD), int(rest))
    sink.done(outcome(book))


def wrong_outcome_count(sink, book, _stream, _rest):
    sink.table(table(GOOD), 1)
    sink.done(outcome(book, rows=2))


def rows_out_of_order(sink, book, _stream, _rest):
    sink.table(table(GOOD), 1)
    sink.table(table(GOOD), 1)
    sink.done(outcome(book, rows=2))


def not_utf8(_sink, _book, _stream, _rest):
    os.write(4, pack(b"T", COUNT.pack(0) + b"\xff\xfe"))


def refused_without_reason(sink, book, _stream, _rest):
    sink.done(outcome(book, rows=0, refused=True))


def refused_with_reason(sink, book, _stream, _rest):
    sink.findings([finding("file.no-headings")])
    sink.done(outcome(book, rows=0, refused=True, kept=()))


def reason_without_refusal(sink, book, _stream, _rest):
    sink.findings([finding("file.no-headings")])
    sink.done(outcome(book, rows=0))


def large(sink, book, _stream, rest):
    """As many rows as asked for, in batches of 20,000."""
    rows = int(rest)
    for first in range(2, rows + 2, 20_000):
        numbers = range(first, min(first + 20_000, rows + 2))
        batch = [{**GOOD, "row": n, "reference": f"SCN{n:08}"} for n in numbers]
        sink.table(table(*batch), len(batch))
    sink.done(outcome(book, rows=rows))


ACTS = {
    "fine": fine,
    "threads": threads,
    "polars": with_polars,
    "calamine": with_calamine,
    "large": large,
    "socket": trying(lambda _: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)),
    "netlink": trying(lambda _: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)),
    "open": trying(lambda _: Path("/etc/hostname").read_bytes()),
    "list": trying(lambda _: list(Path("/").iterdir())),
    "write": trying(lambda path: Path(path).write_bytes(b"out")),
    "chmod": trying(lambda path: Path(path).chmod(0o777)),
    "write-input": trying(lambda _: os.write(3, b"changed")),
    "chmod-input": trying(lambda _: os.fchmod(3, 0o777)),
    "other-descriptors": trying(lambda _: os.read(5, 0)),
    "fork": trying(fork_bomb),
    "exec": trying(
        lambda _: os.execv("/bin/true", ["true"])  # noqa: S606
    ),
    "memfd": trying(lambda _: os.memfd_create("hidden")),
    "kill-zygote": trying(lambda _: os.kill(os.getppid(), signal.SIGKILL)),
    "executable-memory": trying(lambda _: mmap.mmap(-1, 4096, prot=5)),
    "change-limits": trying(change_limits),
    "four-gigabytes": trying(four_gigabytes),
    "four-gigabytes-of-polars": trying(four_gigabytes_of_polars),
    "endless": endless,
    "silent": silent,
    "deaf": deaf,
    "segfault": segfault,
    "leave": leave,
    "flood": flood,
    "raw": raw,
    "truncated": truncated,
    "nested": nested,
    "after-the-end": after_the_end,
    "unknown-code": false_finding(code="Amy Pond"),
    "door-code": false_finding(code="door.owner"),
    "wrong-severity": false_finding(severity="query"),
    "row-zero": false_finding(row=0),
    "row-missing": false_finding(row=None),
    "row-true": false_finding(row=True),
    "count-as-text": false_finding(count="Amy"),
    "text-for-a-column": text_for_a_column,
    "extra-column": extra_column,
    "row-too-wide": row_too_wide,
    "wrong-row-count": wrong_row_count,
    "wrong-outcome-count": wrong_outcome_count,
    "rows-out-of-order": rows_out_of_order,
    "not-utf8": not_utf8,
    "refused": refused_with_reason,
    "refused-without-reason": refused_without_reason,
    "reason-without-refusal": reason_without_refusal,
    "not-a-label": lie({"authority": "Atlantis"}),
    "not-iso": lie({"incident": "01/03/2016"}),
    "no-such-day": lie({"incident": "2016-02-30"}),
    "name-for-initials": lie({"initials": "Amy Pond"}),
    "bad-reference": lie({"reference": "Amy Pond"}),
    "bad-age": lie({"age": "twelve"}),
    "bad-yes": lie({"death": "y"}),
    "long-other": lie({"agencies": "Police; Other: " + "x" * 201}),
    "long-text": lie({"notes": "x" * 501}),
    "control-character": lie({"notes": "a\x01b"}),
    "row-as-text": lie({"row": "Amy"}),
    **{name: trying(attempt) for name, attempt in attacks.ATTEMPTS.items()},
    **attacks.ACTS,
}
