"""Triggers: no record of the exchange is removed, none is replaced, and a hold ends one way."""

from alembic import op

from gateway.store.guards import made_in_0005

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the triggers; the tables stay as they are."""
    if op.get_bind().dialect.name != "sqlite":
        return  # PostgreSQL has its triggers of 0013
    for _, sql in made_in_0005():
        op.execute(sql)
