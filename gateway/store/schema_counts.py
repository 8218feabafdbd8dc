"""The table of what is counted as it happens, so that figures need not count all rows."""

import sqlalchemy as sa

from gateway.store.columns import metadata

# Triggers keep it (`counts`); it can be made anew from the rows.
state_counts = sa.Table(
    "state_counts",
    metadata,
    sa.Column("subject", sa.String(20), primary_key=True),  # the table that is counted
    sa.Column("kind", sa.String(40), primary_key=True),
    sa.Column("state", sa.String(20), primary_key=True),
    sa.Column("count", sa.Integer, nullable=False),
)
