"""Recovery is idempotent: once a home has recovered, recovering again changes nothing."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from gateway.engine.invariants.breach import Breach
from gateway.settings import Home, Settings
from gateway.store.database import Database
from gateway.store.dump import dumped
from gateway.store.folder import sha256_of

_CODE = "invariant.recovery"


@dataclass(frozen=True)
class Picture:
    """A home at rest: SHA-256 of each table's rows, and of each file that is kept or shown."""

    tables: Mapping[str, str]
    files: Mapping[str, str]


def picture(home: Home) -> Picture:
    """What a recovery could change: the database, the vault, staged rows, work and outboxes."""
    with closing(Database.of(home, Settings.load(home.settings_file))) as database:
        rows_of = dumped(database)
    tables = {
        name: hashlib.sha256("\n".join(rows).encode()).hexdigest() for name, rows in rows_of.items()
    }
    folders = (home.outbox, home.vault, home.staged, home.work, home.inbox)
    files = {
        str(path.relative_to(home.root)): sha256_of(path)
        for folder in folders
        for path in _files(folder)
    }
    return Picture(tables, files)


def unchanged(before: Picture, after: Picture) -> Iterator[Breach]:
    """What differs between a home that has recovered and the same after recovering again."""
    for kind in ("tables", "files"):
        one, other = getattr(before, kind), getattr(after, kind)
        for name in sorted(one.keys() | other.keys()):
            if one.get(name) != other.get(name):
                yield Breach(_CODE, f"{kind[:-1]}:{name}", "A second recovery changed it.")


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path
