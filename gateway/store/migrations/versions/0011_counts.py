"""How many rows are in each state, kept as they move: figures need not count them all."""

import sqlalchemy as sa
from alembic import op

from gateway.store.counts import STATED, made_in_0011

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Make the table, count what there is, and keep count from now on."""
    op.create_table(
        "state_counts",
        sa.Column("subject", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "kind", "state", name=op.f("pk_state_counts")),
    )
    for table, kind in STATED.items():
        op.execute(
            "INSERT INTO state_counts (subject, kind, state, count) "  # noqa: S608
            f"SELECT '{table}', {kind}, state, count(*) FROM {table} GROUP BY {kind}, state"
        )
    if op.get_bind().dialect.name == "sqlite":
        for _, sql in made_in_0011():
            op.execute(sql)
