"""A package is made in a private folder that is gone afterwards; the vault keeps its bytes."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.dispatch.contents import addressees
from gateway.dispatch.entries import Kept, keep_deliveries
from gateway.dispatch.parts import Dispatch
from gateway.dispatch.sealing import Contents, Progress, Sealed, seal


@contextmanager
def work_folder(parts: Dispatch, name: str) -> Iterator[Path]:
    """A private folder of this attempt alone, gone afterwards.

    A worker that stood still and wakes finds its own gone (`engine.leavings`), and never writes
    into that of whoever came after.
    """
    parts.home.packages_work.mkdir(parents=True, exist_ok=True, mode=0o700)
    work = Path(tempfile.mkdtemp(prefix=f"{name}.", dir=parts.home.packages_work))
    try:
        yield work
    finally:
        # What cannot be removed now the next tick sweeps, or says why not: the thing is made.
        shutil.rmtree(work, ignore_errors=True)


@contextmanager
def sealed_and_kept(
    parts: Dispatch, contents: Contents, password: str, progress: Progress | None = None
) -> Iterator[tuple[Sealed, Kept]]:
    """The sealed package, once the vault holds it: enter it in the database before leaving.

    Interrupted before that, nothing has happened but that the vault holds bytes nobody refers to.
    Raises what `seal` and the vault raise.
    """
    with work_folder(parts, contents.package_id) as work:
        sealed = seal(
            contents,
            work,
            parts.openpgp,
            parts.pins.gateway,
            parts.pins.records_of(contents.flow.sender),
            addressees(parts, contents),
            password,
            progress,
        )
        yield sealed, keep_deliveries(parts.vault, sealed)
