"""Receipts given on the site: who gave them."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the column; SQLite adds it in place, so that the table keeps its triggers."""
    op.add_column("receipts", sa.Column("person", sa.String(length=40), nullable=True))
