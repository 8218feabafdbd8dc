"""The ledger's tree, its checkpoints and witnesses; agreements signed; holds; registers."""

import hashlib

import sqlalchemy as sa
from alembic import op

from gateway.store.schema import UtcDateTime

revision = "0003"
down_revision = "0002"

APPEND_ONLY = (
    "logs",
    "checkpoints",
    "witnesses",
    "agreement_versions",
    "agreement_signatures",
    "destructions",
    "handovers",
    "register_steps",
)


def upgrade() -> None:
    """Add the tables of this version, and to every leaf the subtrees that it completes."""
    op.create_table(
        "agreement_versions",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("agreement", sa.String(length=40), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=True),
        sa.Column("first_seen_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_agreement_versions")),
    )
    op.create_index(
        op.f("ix_agreement_versions_agreement"), "agreement_versions", ["agreement"], unique=False
    )
    op.create_table(
        "handovers",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("party", sa.String(length=40), nullable=False),
        sa.Column("placed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_handovers")),
    )
    op.create_table(
        "register_entries",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("register", sa.String(length=20), nullable=False),
        sa.Column("party", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=True),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_register_entries")),
    )
    op.create_index(
        op.f("ix_register_entries_register"), "register_entries", ["register"], unique=False
    )
    op.create_index(op.f("ix_register_entries_state"), "register_entries", ["state"], unique=False)
    op.create_table(
        "witnesses",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("party", sa.String(length=40), nullable=False),
        sa.Column("log", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("receipt_id", sa.String(length=40), nullable=False),
        sa.Column("verdict", sa.String(length=20), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_witnesses")),
    )
    op.create_index(op.f("ix_witnesses_party"), "witnesses", ["party"], unique=False)
    op.create_table(
        "agreement_signatures",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("party", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("fingerprint", sa.String(length=40), nullable=False),
        sa.Column("statement", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("signed_at", UtcDateTime(), nullable=False),
        sa.Column("taken_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["hash"], ["agreement_versions.hash"], name=op.f("fk_agreement_signatures_hash")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreement_signatures")),
    )
    op.create_index(
        op.f("ix_agreement_signatures_hash"), "agreement_signatures", ["hash"], unique=False
    )
    op.create_table(
        "destructions",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("destroyed_at", UtcDateTime(), nullable=False),
        sa.Column("certificate", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"], ["requests.id"], name=op.f("fk_destructions_request_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_destructions")),
        sa.UniqueConstraint("sha256", name=op.f("uq_destructions_sha256")),
    )
    op.create_table(
        "holds",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("scope", sa.String(length=20), nullable=False),
        sa.Column("flow", sa.String(length=40), nullable=True),
        sa.Column("reference_mac", sa.LargeBinary(length=32), nullable=True),
        sa.Column("reference_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("reason_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("begun_at", UtcDateTime(), nullable=False),
        sa.Column("review_on", sa.Date(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("request_id", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], name=op.f("fk_holds_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holds")),
    )
    op.create_index(op.f("ix_holds_state"), "holds", ["state"], unique=False)
    op.create_table(
        "logs",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("origin", sa.String(length=200), nullable=False),
        sa.Column("first_seq", sa.Integer(), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("cites", sa.Text(), nullable=True),
        sa.Column("request_id", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], name=op.f("fk_logs_request_id")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_logs")),
        sa.UniqueConstraint("origin", name=op.f("uq_logs_origin")),
    )
    op.create_table(
        "register_steps",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("entry_id", sa.String(length=40), nullable=False),
        sa.Column("step", sa.String(length=40), nullable=False),
        sa.Column("party", sa.String(length=40), nullable=False),
        sa.Column("officer", sa.String(length=60), nullable=False),
        sa.Column("words_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("signature", sa.LargeBinary(), nullable=True),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["register_entries.id"], name=op.f("fk_register_steps_entry_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_register_steps")),
    )
    op.create_index(
        op.f("ix_register_steps_entry_id"), "register_steps", ["entry_id"], unique=False
    )
    op.create_table(
        "checkpoints",
        sa.Column("log", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["log"], ["logs.number"], name=op.f("fk_checkpoints_log")),
        sa.PrimaryKeyConstraint("log", "size", name=op.f("pk_checkpoints")),
    )
    if op.get_bind().dialect.name != "sqlite":
        op.add_column("ledger", _nodes())
        return  # no leaves are there yet, and PostgreSQL has its triggers of 0013
    _complete_the_tree()
    for table in APPEND_ONLY:
        for verb in ("UPDATE", "DELETE"):
            _refuse(table, verb)


def _refuse(table: str, verb: str) -> None:
    op.execute(
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is only ever added to'); END"
    )


def _nodes() -> "sa.Column[bytes]":
    return sa.Column("nodes", sa.LargeBinary(), server_default=sa.text("''"), nullable=False)


def _complete_the_tree() -> None:
    """Leaf n completes one subtree for each time that 2 divides n (RFC 9162 §2.1)."""
    op.add_column("ledger", _nodes())
    op.execute("DROP TRIGGER ledger_no_update")
    connection = op.get_bind()
    waiting: list[bytes] = []  # roots of the complete subtrees so far, the largest first
    rows = connection.execute(sa.text("SELECT seq, leaf_hash FROM ledger ORDER BY seq")).all()
    for count, (seq, leaf_hash) in enumerate(rows, start=1):
        node, completed = bytes(leaf_hash), []
        while count % 2 == 0:
            node = hashlib.sha256(b"\x01" + waiting.pop() + node).digest()
            completed.append(node)
            count //= 2
        waiting.append(node)
        filled = sa.text("UPDATE ledger SET nodes = :nodes WHERE seq = :seq")
        connection.execute(filled, {"nodes": b"".join(completed), "seq": seq})
    _refuse("ledger", "UPDATE")
