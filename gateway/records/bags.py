"""The vault as a BagIt bag (RFC 8493): what any archive takes in and can check by itself.

It holds sealed things alone, as they lie in the vault: opening them takes the parties' own keys.
"""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import bagit

from gateway.records.vault import Vault
from gateway.store import destructions, drops, meta, packages
from gateway.store.database import Database, Transaction
from gateway.store.vault import KeptThing, things

Tell = Callable[[int, int], None]
_INDEX = "index.json"


@dataclass(frozen=True)
class Bagged:
    """What a bag holds: how many objects, and bytes in all."""

    objects: int
    size: int


def write_bag(
    database: Database,
    vault: Vault,
    folder: Path,
    since: datetime | None,
    until: datetime | None,
    now: datetime,
    tell: Tell | None = None,
) -> Bagged:
    """Write what was kept from ``since`` to before ``until`` into a new folder, and validate it.

    ``data/index.json`` says of each file what it is. Raises StoreFault where an object is not as it
    was kept, and OSError.
    """
    with database.transaction() as tx:
        gone = {row.sha256 for row in destructions.every(tx)}
        wanted = [
            item
            for item in things(tx)
            if item.sha256 not in gone
            and (since is None or item.put_at >= since)
            and (until is None or item.put_at < until)
        ]
        named = [(item, _name(tx, item)) for item in wanted]
        home_id = meta.get(tx, "home.id") or ""
    folder.mkdir(parents=True, exist_ok=True)
    total, done = sum(item.size for item in wanted), 0
    for item, name in named:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(vault.whole(item.sha256), target)
        done += item.size
        if tell is not None:
            tell(done, total)
    index = [_entry(item, name) for item, name in named]
    (folder / _INDEX).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")
    _bag(folder, home_id, now)
    return Bagged(len(wanted), total)


def _bag(folder: Path, home_id: str, now: datetime) -> None:
    information = {
        "Bagging-Date": now.date().isoformat(),
        "External-Identifier": home_id,
        "External-Description": "Sealed originals, and packages as they were sent",
    }
    here = Path.cwd()
    try:
        bagit.make_bag(str(folder), information, checksums=["sha256"])
    finally:
        os.chdir(here)  # the library works in the folder, also when it fails
    bagit.Bag(str(folder)).validate()


def _name(tx: Transaction, item: KeptThing) -> str:
    """Where an object lies in the bag: by flow, and by what it is of."""
    about = item.subject.partition(":")[2].replace(":", "-")
    if item.kind == "original":
        drop = drops.get(tx, about)
        party = drop.party if drop is not None else "unknown"
        return f"originals/{item.flow}/{party}/{about}.gpg"
    if item.package_id is None:
        return f"lists/{item.flow}/{about}.gpg"
    return f"packages/{item.flow}/{about}/{_file(tx, item)}"


def _file(tx: Transaction, item: KeptThing) -> str:
    for row in packages.deliveries_of(tx, str(item.package_id)):
        names = {
            row.sha256: row.file_name,
            row.manifest: f"{row.package_id}.manifest.json",
            row.signature: f"{row.package_id}.manifest.json.asc",
        }
        if item.sha256 in names:
            return f"{row.party}/{names[item.sha256]}"
    return item.sha256


def _entry(item: KeptThing, name: str) -> dict[str, str | int]:
    return {
        "file": f"data/{name}",
        "sha256": item.sha256,
        "size": item.size,
        "kind": item.kind,
        "of": item.subject,
        "kept": item.put_at.isoformat(),
    }
