"""Approvals on the site, by what a session's person proved who they are, the ledger's index."""

import json
from datetime import datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
_LONDON = ZoneInfo("Europe/London")


def upgrade() -> None:
    """Add the columns and the table, and enter the leaves that there are."""
    op.add_column("approvals", sa.Column("statement", sa.LargeBinary(), nullable=True))
    op.add_column(
        "site_sessions",
        sa.Column("way", sa.String(length=80), server_default=sa.text("''"), nullable=False),
    )
    made = op.create_table(
        "ledger_index",
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["seq"], ["ledger.seq"], name=op.f("fk_ledger_index_seq")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_ledger_index")),
    )
    op.create_index("ix_ledger_index_event", "ledger_index", ["event", "seq"])
    op.create_index("ix_ledger_index_subject", "ledger_index", ["subject", "seq"])
    op.create_index("ix_ledger_index_day", "ledger_index", ["day", "seq"])
    for row in op.get_bind().execute(sa.text("SELECT seq, leaf FROM ledger ORDER BY seq")):
        leaf = json.loads(bytes(row.leaf))
        day = datetime.fromisoformat(leaf["at"]).astimezone(_LONDON).date()
        told = {"event": leaf["event"], "subject": leaf["subject"], "day": day}
        op.get_bind().execute(sa.insert(made).values(seq=row.seq, **told))
