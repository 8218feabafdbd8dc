"""Results that appear whole, private and under their name, or not at all (design §8)."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def kept_if_whole(target: Path) -> Iterator[Path]:
    """Yield a path to write to; when the block ends well it becomes ``target``, else nothing stays.

    The path lies in a 0700 folder beside the target, so that no umask can show it to others while
    it is checked and the rename stays within one file system. The result is 0600 and fsynced; an
    older target is replaced. Raises what the block raises, and ``OSError`` of the file system.
    """
    folder = Path(tempfile.mkdtemp(prefix=".sealing-", suffix=".part", dir=target.parent))
    try:
        part = folder / "part"
        yield part
        part.chmod(0o600)
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
