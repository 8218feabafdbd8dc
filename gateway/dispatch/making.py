"""A package is made in a private folder that is gone afterwards; the vault keeps its bytes."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.dispatch.contents import addressees
from gateway.dispatch.entries import Kept, keep_deliveries
from gateway.dispatch.parts import Dispatch
from gateway.dispatch.sealing import Contents, Progress, Sealed, seal


@contextmanager
def sealed_and_kept(
    parts: Dispatch, contents: Contents, password: str, progress: Progress | None = None
) -> Iterator[tuple[Sealed, Kept]]:
    """The sealed package, once the vault holds it: enter it in the database before leaving.

    Interrupted before that, nothing has happened but that the vault holds bytes nobody refers to.
    Raises what `seal` and the vault raise.
    """
    work = parts.home.packages_work / contents.package_id
    work.mkdir(parents=True, mode=0o700)
    try:
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
    finally:
        # What cannot be removed now the next tick sweeps, or says why not: the package is made.
        shutil.rmtree(work, ignore_errors=True)
