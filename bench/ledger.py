"""`make bench`: the ledger as it grows: appending, proving, and verifying without the gateway.

    python bench/ledger.py [--write] [--sizes 1000 100000 1000000]

Each leaf goes through the product's own door (`records.ledger.record`) into a real database of
its own, ten to a transaction, as a drop's moves are. With --write the figures replace
docs/benchmarks-ledger.md.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from report import machine

from gateway.crypto.notes import NoteSigner, add_key
from gateway.records.checkpoints import make_checkpoint, signer_name
from gateway.records.ledger import consistency, event, head, inclusion, open_first_log, record
from gateway.records.logfiles import export_log
from gateway.store import logs
from gateway.store.database import Database, Transaction

CHECKOUT = Path(__file__).resolve().parent.parent
FOLDER = CHECKOUT / "var" / "bench" / "ledger"
AT = datetime(2026, 3, 2, 16, tzinfo=UTC)
HOME = "0123456789abcdef"
_TOGETHER = 10  # leaves of one transaction
_MEASURED = 1000  # the last leaves before a size, over which the rate is taken
_PROOFS = 200
PAGE = """\
# How the ledger grows

Measured by `bench/ledger.py` on {day} ({processor}, Python {python}, commit {commit}; load at the
start {load:.1f}), in one run, in a database that grows through the sizes. The rate is that of the
last {measured:,} leaves before a size, {together} to a transaction, each transaction durable.
Times of proofs are medians of {proofs}, in ms of wall time; the verifier's are CPU seconds of
`tools/verify_evidence.py` over the whole exported log, and its peak of memory.

| leaves | appended/s | inclusion | consistency | root | verifier s | s/million | MiB |
| -----: | ---------: | --------: | ----------: | ---: | ---------: | --------: | --: |
{rows}

From {first:,} to {last:,} leaves, {times:,} times as many, a proof of inclusion takes
{inclusion:.1f} times the time and one of consistency {consistency:.1f} times; appending goes at
{rate:.2f} of the rate.
"""


@dataclass(frozen=True)
class Figures:
    """What was measured at a size. Times of proofs are medians in milliseconds of wall time."""

    size: int
    appends_a_second: float
    inclusion_ms: float
    consistency_ms: float
    root_ms: float
    verified_s: float
    verifier_mib: float

    @property
    def verified_a_million_s(self) -> float:
        """Seconds that the verifier takes for a million leaves, at this size."""
        return self.verified_s * 1_000_000 / self.size


def appended(database: Database, first: int, last: int, together: int) -> float:
    """Append leaves ``first`` to ``last``, so many to a transaction; the seconds that took."""
    began = time.perf_counter()
    for start in range(first, last + 1, together):
        with database.transaction() as tx:
            for number in range(start, min(start + together, last + 1)):
                facts = {"seconds": number}
                record(tx, event("clock.back", f"drop:{number:016x}", facts=facts), AT)
    return time.perf_counter() - began


def timed(work: Callable[[int], object], size: int) -> float:
    """The median of milliseconds, over places spread through the log."""
    took = []
    for turn in range(_PROOFS):
        at = 1 + (turn * 7919 * size // _PROOFS) % size
        began = time.perf_counter()
        work(at)
        took.append(time.perf_counter() - began)
    return median(took) * 1000


def proofs(tx: Transaction, size: int) -> tuple[float, float, float]:
    """Inclusion, consistency, root: milliseconds each."""
    log = logs.every(tx)[0]
    return (
        timed(lambda at: inclusion(tx, log, at, size), size),
        timed(lambda at: consistency(tx, log, at, size), size),
        timed(lambda _: head(tx), size),
    )


def verified(database: Database, signer: NoteSigner) -> tuple[float, float]:
    """CPU seconds and peak MiB of the standalone verifier over the whole exported log."""
    folder, keys = FOLDER / "export", FOLDER / "ledger-keys"
    shutil.rmtree(folder, ignore_errors=True)
    add_key(keys, signer.key)
    with database.transaction() as tx:
        make_checkpoint(tx, signer, AT)
        export_log(tx, keys, folder)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    words = [sys.executable, str(CHECKOUT / "tools" / "verify_evidence.py"), str(folder)]
    subprocess.run([*words, "--keys", str(keys)], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    took = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return took, after.ru_maxrss / 1024


def measure(sizes: list[int]) -> list[Figures]:
    """Grow one log through the sizes."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    database = Database.at(FOLDER / "gateway.db")
    database.upgrade()
    signer = NoteSigner(signer_name(HOME), Ed25519PrivateKey.generate())
    with database.transaction() as tx:
        open_first_log(tx, HOME, AT)
    told: list[Figures] = []
    for size in sizes:
        with database.transaction() as tx:
            there = head(tx).size
        appended(database, there + 1, max(there, size - _MEASURED), _MEASURED)
        rate = _MEASURED / appended(database, size - _MEASURED + 1, size, _TOGETHER)
        with database.transaction() as tx:
            inclusive, consistent, root = proofs(tx, size)
        told.append(Figures(size, rate, inclusive, consistent, root, *verified(database, signer)))
        sys.stdout.write(f"{told[-1]}\n")
        sys.stdout.flush()
    database.close()
    shutil.rmtree(FOLDER)
    return told


def page(told: list[Figures], day: str, load: float) -> str:
    """The page docs/benchmarks-ledger.md."""
    rows = [
        f"| {item.size:,} | {item.appends_a_second:,.0f} | {item.inclusion_ms:.2f} | "
        f"{item.consistency_ms:.2f} | {item.root_ms:.2f} | {item.verified_s:.1f} | "
        f"{item.verified_a_million_s:.1f} | {item.verifier_mib:.0f} |"
        for item in told
    ]
    first, last = told[0], told[-1]
    return PAGE.format(
        day=day,
        load=load,
        together=_TOGETHER,
        measured=_MEASURED,
        proofs=_PROOFS,
        rows="\n".join(rows),
        first=first.size,
        last=last.size,
        times=last.size // first.size,
        inclusion=last.inclusion_ms / first.inclusion_ms,
        consistency=last.consistency_ms / first.consistency_ms,
        rate=last.appends_a_second / first.appends_a_second,
        **machine(),
    )


def main() -> int:
    """Measure, tell, and write if asked."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    words.add_argument("--write", action="store_true", help="replace the page")
    words.add_argument("--sizes", type=int, nargs="*", default=[1000, 100_000, 1_000_000])
    arguments = words.parse_args()
    load = os.getloadavg()[0]
    told = measure(sorted(arguments.sizes))
    text = page(told, datetime.now(UTC).date().isoformat(), load)
    sys.stdout.write(text)
    if arguments.write:
        (CHECKOUT / "docs" / "benchmarks-ledger.md").write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
