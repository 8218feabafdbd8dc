"""On PostgreSQL: the guards, and the triggers that keep count. SQLite has had them before."""

from alembic import op

from gateway.store import serverguards
from gateway.store.counts import made_in_0013

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Make both; on SQLite nothing is to be done."""
    if op.get_bind().dialect.name == "sqlite":
        return
    serverguards.renew(op.get_bind())
    for sql in made_in_0013():
        op.get_bind().exec_driver_sql(sql)
