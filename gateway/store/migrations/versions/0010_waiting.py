"""What waits in a flow is found at once, however many drops there were before."""

from alembic import op

revision = "0010"
down_revision = "0007"


def upgrade() -> None:
    """An index of drops by flow and state."""
    op.create_index("ix_drops_flow_state", "drops", ["flow", "state"])
