"""Making a home's database, or bringing it up to date: tables, guards, and the service's rights."""

from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from gateway.settings import Home, Settings
from gateway.store import guards
from gateway.store.address import address
from gateway.store.database import Database

ROLES = Path(__file__).with_name("postgresql_roles.sql")


def bring_up_to_date(home: Home, settings: Settings) -> None:
    """Make what is missing; what is there stays. Raises SettingsFault or StoreFault."""
    with closing(Database.of(home, settings, as_owner=True)) as database:
        database.upgrade()
        with database.transaction() as tx:
            guards.renew(tx)
            if settings.database.url and settings.database.owner:
                give_rights(tx, address(settings.database, home.keys).username or "")


def give_rights(tx: sa.Connection, service: str) -> None:
    """Let a role do the service's work, and no more; for the owner of the tables."""
    quoted = tx.dialect.identifier_preparer.quote_identifier(service)
    tx.exec_driver_sql(ROLES.read_text(encoding="utf-8").replace(':"service"', quoted))
