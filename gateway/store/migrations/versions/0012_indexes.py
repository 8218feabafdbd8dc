"""Indexes for what pages ask, so that none of them reads all that ever was."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_INDEXES = (
    ("ix_drops_package_id_state", "drops", ["package_id", "state"]),
    ("ix_drops_party_received_at", "drops", ["party", "received_at"]),
    ("ix_windows_due_at", "windows", ["due_at"]),
    ("ix_packages_made_at", "packages", ["made_at"]),
    ("ix_deliveries_placed_at", "deliveries", ["placed_at"]),
    ("ix_receipts_recorded_at", "receipts", ["recorded_at"]),
    ("ix_requests_requested_at", "requests", ["requested_at"]),
    ("ix_register_entries_register_opened_on", "register_entries", ["register", "opened_on"]),
)


def upgrade() -> None:
    """Add them; the last one is of those entries alone that have not ended."""
    for name, table, columns in _INDEXES:
        op.create_index(name, table, columns)
    op.create_index(
        "ix_register_entries_going",
        "register_entries",
        ["register", "made_at"],
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
