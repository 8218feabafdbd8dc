"""Which version the tables are, and which code may work on them (docs/decisions/0021).

A migration that only adds what older code does not notice says so: ``serves`` names the oldest
version whose code can go on with the tables that it makes. The database keeps that, for that code
knows no later migration.
"""

import sqlalchemy as sa
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from gateway.store.faults import StoreFault
from gateway.store.schema import meta

SERVES = "schema.serves"


def note(tx: sa.Connection, scripts: ScriptDirectory) -> None:
    """Keep, with the migrations that were just made, which code may go on."""
    current = _current(tx)
    if current is None:
        return
    serves = getattr(scripts.get_revision(current).module, "serves", current)
    if serves == _served(tx, current):
        return
    there = sa.update(meta).where(meta.c.key == SERVES).values(value=serves)
    if tx.execute(there).rowcount == 0:
        tx.execute(sa.insert(meta).values(key=SERVES, value=serves))


def require(tx: sa.Connection, scripts: ScriptDirectory) -> None:
    """Raises StoreFault unless the tables are those of this version, or serve it as well."""
    head, current = scripts.get_current_head() or "", _current(tx)
    if current == head:
        return
    if current is not None and current > head and _served(tx, current) <= head:
        return
    raise StoreFault(
        "database.version",
        "The database was made by another version of the gateway.",
        "Run `init`: it brings the tables up to date and keeps what is there.",
    )


def _current(tx: sa.Connection) -> str | None:
    return MigrationContext.configure(tx).get_current_revision()


def _served(tx: sa.Connection, current: str) -> str:
    asked = sa.select(meta.c.value).where(meta.c.key == SERVES)
    return tx.execute(asked).scalar_one_or_none() or current
