"""`gateway migrate-home`: what an SQLite home holds goes to PostgreSQL, and its vault to a bucket.

All or nothing: the rows are copied in one transaction, compared value by value, and every leaf of
the ledger is hashed anew, before the file is closed for good. Until then the file is the home's.
"""

from contextlib import closing
from dataclasses import dataclass

from gateway.engine.lock import only_worker
from gateway.records import ledger
from gateway.records.ledger import Head
from gateway.records.vault import Vault
from gateway.refusal import Refusal
from gateway.settings import Home, Settings
from gateway.store import moving
from gateway.store.database import Database
from gateway.store.making import bring_up_to_date


class MoveRefused(Refusal):
    """The home stays where it is. ``hint`` says what to do next."""


@dataclass(frozen=True)
class Moved:
    """What went: rows, the ledger as it stood and stands, and objects of the vault."""

    rows: int
    head: Head
    objects: int


@dataclass(frozen=True)
class _Source:
    """The home as it was, for its lock."""

    home: Home
    database: Database


def move_home(home: Home, settings: Settings, vault: Vault, patience_seconds: float) -> Moved:
    """Move to the database that the settings name; the service must have been stopped.

    ``vault``: as the settings have it; where they name a bucket, all that is kept goes there first.
    Raises MoveRefused, WorkerBusy, SettingsFault or StoreFault.
    """
    if not settings.database.url:
        raise MoveRefused(
            "move.nowhere",
            "The settings name no PostgreSQL database.",
            "Make one, name it in [database] url (docs/postgresql.md), and run this again.",
        )
    if not home.database.is_file():
        raise MoveRefused(
            "move.nothing",
            "This home has no records in var/gateway.db.",
            "A home that is on PostgreSQL already needs no moving; a new one is made by `init`.",
        )
    objects = vault.keep_again() if settings.vault.bucket else 0
    bring_up_to_date(home, settings)
    with (
        closing(Database.at(home.database)) as source,
        closing(Database.of(home, settings, as_owner=True)) as target,
        only_worker(_Source(home, source), patience_seconds),
    ):
        source.require_current()
        rows, head = _moved(source, target)
    return Moved(rows, head, objects)


def _moved(source: Database, target: Database) -> tuple[int, Head]:
    with source.transaction() as reading:  # nobody else writes until it is closed for good
        with target.transaction() as writing:
            if not moving.is_empty(writing):
                raise MoveRefused(
                    "move.not-empty",
                    "The PostgreSQL database holds rows already.",
                    "Make it anew, empty, if they are of an attempt before; never another home's.",
                )
            rows = moving.copy_rows(reading, writing)
            before, after = ledger.head(reading), ledger.head(writing)
            if before != after or moving.differing(reading, writing):
                raise _differs()
        if ledger.verify(target).wrong:
            raise _differs()
        moving.close_for_good(reading)
    return rows, after


def _differs() -> MoveRefused:
    return MoveRefused(
        "move.differs",
        "What was copied does not read back as it was written.",
        "Nothing of the home was changed. Make the PostgreSQL database anew; run `ledger verify`.",
    )
