"""Indexes for health: what came, was raised or asked in a time, and how many are in each state."""

from alembic import op

revision = "0010"
down_revision = "0009"

_INDEXES = (
    ("ix_drops_flow_received_at", "drops", ["flow", "received_at"]),
    ("ix_alarms_raised_at", "alarms", ["raised_at"]),
    ("ix_threads_opened_at", "threads", ["opened_at"]),
    ("ix_drops_flow_state", "drops", ["flow", "state"]),
    ("ix_windows_flow_state", "windows", ["flow", "state"]),
    ("ix_packages_flow_state", "packages", ["flow", "state"]),
    ("ix_deliveries_party_state", "deliveries", ["party", "state"]),
)


def upgrade() -> None:
    """Add them."""
    for name, table, columns in _INDEXES:
        op.create_index(name, table, columns)
