"""Which sent references were answered, and by which packages."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the table; what was answered before it is told again by the next update."""
    op.create_table(
        "answers",
        sa.Column("flow", sa.String(length=40), nullable=False),
        sa.Column("reference_mac", sa.LargeBinary(length=32), nullable=False),
        sa.Column("package_id", sa.String(length=60), nullable=False),
        sa.ForeignKeyConstraint(
            ["package_id"], ["packages.id"], name=op.f("fk_answers_package_id")
        ),
        sa.PrimaryKeyConstraint("flow", "reference_mac", "package_id", name=op.f("pk_answers")),
    )
