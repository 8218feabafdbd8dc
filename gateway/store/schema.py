"""The tables. State lives here alone; every column is a fact about a transfer, never about a child.

Times are UTC. ``*_sealed`` columns are AES-256-GCM ciphertext; ``*_mac`` columns are keyed HMACs.
The migrations in ``migrations/`` make these tables; a test compares the two.
"""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """A point in time: aware in Python, UTC in the database. Raises ValueError for a naive one."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone was about to be stored")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any, _: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

meta = sa.Table(
    "meta",
    metadata,
    sa.Column("key", sa.String(40), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

drops = sa.Table(
    "drops",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String(40), nullable=False, unique=True),
    sa.Column("flow", sa.String(40), nullable=False, index=True),
    sa.Column("party", sa.String(40), nullable=False),
    sa.Column("state", sa.String(20), nullable=False, index=True),
    sa.Column("received_at", UtcDateTime, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False, index=True),
    sa.Column("original", sa.String(64), nullable=False),
    sa.Column("agreement_hash", sa.String(64), nullable=False),
    sa.Column("rows", sa.Integer),
    sa.Column("accepted", sa.Integer),
    sa.Column("held", sa.Integer),
    sa.Column("repeats", sa.Integer),
    sa.Column("already_sent", sa.Integer),
    sa.Column("findings", sa.JSON),  # counts by finding code
    sa.Column("columns_sealed", sa.LargeBinary),  # kept, dropped and missing headings
    sa.Column("package_id", sa.String(60)),
    sa.Column("replaced_by", sa.String(40)),
    sa.CheckConstraint("rows IS NULL OR rows = accepted + held + repeats", name="rows_add_up"),
)

windows = sa.Table(
    "windows",
    metadata,
    sa.Column("flow", sa.String(40), primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("due_at", UtcDateTime, nullable=False),
    sa.Column("state", sa.String(20), nullable=False, index=True),
    sa.Column("missed", sa.Boolean, nullable=False),
    sa.Column("package_id", sa.String(60)),
)

packages = sa.Table(
    "packages",
    metadata,
    sa.Column("id", sa.String(60), primary_key=True),
    sa.Column("flow", sa.String(40), nullable=False, index=True),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("state", sa.String(20), nullable=False, index=True),
    sa.Column("made_at", UtcDateTime, nullable=False),
    sa.Column("agreement_hash", sa.String(64), nullable=False),
    sa.Column("zip_sha256", sa.String(64), nullable=False),
    sa.Column("password_sealed", sa.LargeBinary, nullable=False),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("updates", sa.Integer, nullable=False),
    sa.Column("held", sa.Integer, nullable=False),
    sa.Column("repeats", sa.Integer, nullable=False),
    sa.UniqueConstraint("flow", "day", "number"),
)

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("id", sa.String(100), primary_key=True),  # <package>:<party>
    sa.Column("package_id", sa.ForeignKey("packages.id"), nullable=False, index=True),
    sa.Column("party", sa.String(40), nullable=False),
    sa.Column("protection", sa.String(20), nullable=False),
    sa.Column("state", sa.String(20), nullable=False, index=True),
    sa.Column("file_name", sa.String(80), nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("manifest", sa.String(64), nullable=False),
    sa.Column("signature", sa.String(64), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("last_fault", sa.String(60)),
    sa.Column("placed_at", UtcDateTime),
    sa.UniqueConstraint("package_id", "party"),
)

sent_references = sa.Table(
    "sent_references",
    metadata,
    sa.Column("flow", sa.String(40), primary_key=True),
    sa.Column("reference_mac", sa.LargeBinary(32), primary_key=True),
    sa.Column("row_mac", sa.LargeBinary(32), nullable=False),
    sa.Column("reference_sealed", sa.LargeBinary, nullable=False),
    sa.Column("first_package_id", sa.String(60), nullable=False),
    sa.Column("package_id", sa.String(60), nullable=False),
)

vault = sa.Table(
    "vault",
    metadata,
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("put_at", UtcDateTime, nullable=False),
)

ledger = sa.Table(
    "ledger",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("leaf", sa.LargeBinary, nullable=False),
    sa.Column("leaf_hash", sa.LargeBinary(32), nullable=False, unique=True),
    sqlite_autoincrement=True,
)

ledger_salts = sa.Table(
    "ledger_salts",
    metadata,
    sa.Column("seq", sa.ForeignKey("ledger.seq"), primary_key=True),
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("salt", sa.LargeBinary(16), nullable=False),
)

alarms = sa.Table(
    "alarms",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("code", sa.String(60), nullable=False),
    sa.Column("subject", sa.String(120), nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("raised_at", UtcDateTime, nullable=False),
    sa.Column("cleared_at", UtcDateTime),
)
open_alarm = sa.Index(
    "uq_alarms_open",
    alarms.c.code,
    alarms.c.subject,
    unique=True,
    sqlite_where=alarms.c.cleared_at.is_(None),
    postgresql_where=alarms.c.cleared_at.is_(None),
)
