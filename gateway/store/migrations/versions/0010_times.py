"""Indexes for the pages of health: what came, was raised or asked in a stretch of time."""

from alembic import op

revision = "0010"
down_revision = "0007"

_INDEXES = (
    ("ix_drops_flow_received_at", "drops", ["flow", "received_at"]),
    ("ix_alarms_raised_at", "alarms", ["raised_at"]),
    ("ix_threads_opened_at", "threads", ["opened_at"]),
)


def upgrade() -> None:
    """Add them."""
    for name, table, columns in _INDEXES:
        op.create_index(name, table, columns)
