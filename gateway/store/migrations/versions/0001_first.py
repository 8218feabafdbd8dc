"""The first tables, and the triggers that refuse to change or remove what is only ever added to."""

import sqlalchemy as sa
from alembic import op

from gateway.store.schema import UtcDateTime

revision = "0001"
down_revision = None

APPEND_ONLY = ("ledger", "ledger_salts", "vault")


def upgrade() -> None:
    """Make every table as it was in this version."""
    op.create_table(
        "alarms",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("raised_at", UtcDateTime(), nullable=False),
        sa.Column("cleared_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarms")),
    )
    op.create_index(
        "uq_alarms_open",
        "alarms",
        ["code", "subject"],
        unique=True,
        sqlite_where=sa.text("cleared_at IS NULL"),
        postgresql_where=sa.text("cleared_at IS NULL"),
    )
    op.create_table(
        "drops",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("flow", sa.String(length=40), nullable=False),
        sa.Column("party", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("original", sa.String(length=64), nullable=False),
        sa.Column("agreement_hash", sa.String(length=64), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=True),
        sa.Column("accepted", sa.Integer(), nullable=True),
        sa.Column("held", sa.Integer(), nullable=True),
        sa.Column("repeats", sa.Integer(), nullable=True),
        sa.Column("already_sent", sa.Integer(), nullable=True),
        sa.Column("findings", sa.JSON(), nullable=True),
        sa.Column("columns_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("package_id", sa.String(length=60), nullable=True),
        sa.Column("replaced_by", sa.String(length=40), nullable=True),
        sa.CheckConstraint(
            "rows IS NULL OR rows = accepted + held + repeats", name=op.f("ck_drops_rows_add_up")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_drops")),
        sa.UniqueConstraint("id", name=op.f("uq_drops_id")),
    )
    op.create_index(op.f("ix_drops_flow"), "drops", ["flow"], unique=False)
    op.create_index(op.f("ix_drops_sha256"), "drops", ["sha256"], unique=False)
    op.create_index(op.f("ix_drops_state"), "drops", ["state"], unique=False)
    op.create_table(
        "ledger",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_ledger")),
        sa.UniqueConstraint("leaf_hash", name=op.f("uq_ledger_leaf_hash")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "meta",
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_meta")),
    )
    op.create_table(
        "packages",
        sa.Column("id", sa.String(length=60), nullable=False),
        sa.Column("flow", sa.String(length=40), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("agreement_hash", sa.String(length=64), nullable=False),
        sa.Column("zip_sha256", sa.String(length=64), nullable=False),
        sa.Column("password_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("updates", sa.Integer(), nullable=False),
        sa.Column("held", sa.Integer(), nullable=False),
        sa.Column("repeats", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_packages")),
        sa.UniqueConstraint("flow", "day", "number", name=op.f("uq_packages_flow_day_number")),
    )
    op.create_index(op.f("ix_packages_flow"), "packages", ["flow"], unique=False)
    op.create_index(op.f("ix_packages_state"), "packages", ["state"], unique=False)
    op.create_table(
        "sent_references",
        sa.Column("flow", sa.String(length=40), nullable=False),
        sa.Column("reference_mac", sa.LargeBinary(length=32), nullable=False),
        sa.Column("row_mac", sa.LargeBinary(length=32), nullable=False),
        sa.Column("reference_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("first_package_id", sa.String(length=60), nullable=False),
        sa.Column("package_id", sa.String(length=60), nullable=False),
        sa.PrimaryKeyConstraint("flow", "reference_mac", name=op.f("pk_sent_references")),
    )
    op.create_table(
        "vault",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("put_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_vault")),
    )
    op.create_table(
        "windows",
        sa.Column("flow", sa.String(length=40), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("missed", sa.Boolean(), nullable=False),
        sa.Column("package_id", sa.String(length=60), nullable=True),
        sa.PrimaryKeyConstraint("flow", "day", name=op.f("pk_windows")),
    )
    op.create_index(op.f("ix_windows_state"), "windows", ["state"], unique=False)
    op.create_table(
        "deliveries",
        sa.Column("id", sa.String(length=100), nullable=False),
        sa.Column("package_id", sa.String(length=60), nullable=False),
        sa.Column("party", sa.String(length=40), nullable=False),
        sa.Column("protection", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("file_name", sa.String(length=80), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("manifest", sa.String(length=64), nullable=False),
        sa.Column("signature", sa.String(length=64), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_fault", sa.String(length=60), nullable=True),
        sa.Column("placed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["package_id"], ["packages.id"], name=op.f("fk_deliveries_package_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("package_id", "party", name=op.f("uq_deliveries_package_id_party")),
    )
    op.create_index(op.f("ix_deliveries_package_id"), "deliveries", ["package_id"], unique=False)
    op.create_index(op.f("ix_deliveries_state"), "deliveries", ["state"], unique=False)
    op.create_table(
        "ledger_salts",
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("salt", sa.LargeBinary(length=16), nullable=False),
        sa.ForeignKeyConstraint(["seq"], ["ledger.seq"], name=op.f("fk_ledger_salts_seq")),
        sa.PrimaryKeyConstraint("seq", "name", name=op.f("pk_ledger_salts")),
    )
    if op.get_bind().dialect.name != "sqlite":
        return  # PostgreSQL has its triggers of 0013
    for table in APPEND_ONLY:
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is only ever added to'); END"
            )
