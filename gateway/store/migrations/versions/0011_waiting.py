"""What waits in a flow is found at once, however many drops there were before."""

from alembic import op

revision = "0011"
down_revision = "0008"


def upgrade() -> None:
    """An index of drops by flow and state."""
    op.create_index("ix_drops_flow_state", "drops", ["flow", "state"])
