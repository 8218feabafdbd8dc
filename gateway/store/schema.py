"""The tables. State lives here alone; every column is a fact about a transfer, never about a child.

Times are UTC. ``*_sealed`` columns are AES-256-GCM ciphertext; ``*_mac`` columns are keyed HMACs.
The migrations in ``migrations/`` make these tables; a test compares the two.
"""

import sqlalchemy as sa

from gateway.store import schema_counts, schema_people
from gateway.store.columns import UtcDateTime, metadata

__all__ = ["UtcDateTime", "metadata", "schema_counts", "schema_people"]  # of the same metadata

meta = sa.Table(
    "meta",
    metadata,
    sa.Column("key", sa.String(40), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

drops = sa.Table(
    "drops",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String(40), nullable=False, unique=True),
    sa.Column("flow", sa.String(40), nullable=False, index=True),
    sa.Column("party", sa.String(40), nullable=False),
    sa.Column("state", sa.String(20), nullable=False, index=True),
    sa.Column("received_at", UtcDateTime, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False, index=True),
    sa.Column("original", sa.String(64), nullable=False),
    sa.Column("agreement_hash", sa.String(64), nullable=False),
    sa.Column("rows", sa.Integer),
    sa.Column("accepted", sa.Integer),
    sa.Column("held", sa.Integer),
    sa.Column("repeats", sa.Integer),
    sa.Column("already_sent", sa.Integer),
    sa.Column("findings", sa.JSON),  # counts by finding code
    sa.Column("columns_sealed", sa.LargeBinary),  # kept, dropped and missing headings
    sa.Column("package_id", sa.String(60)),
    sa.Column("replaced_by", sa.String(40)),
    sa.CheckConstraint("rows IS NULL OR rows = accepted + held + repeats", name="rows_add_up"),
)

# What came in a time, and what waits in a flow, is asked for at every page.
drops_came = sa.Index("ix_drops_flow_received_at", drops.c.flow, drops.c.received_at)
drops_waiting = sa.Index("ix_drops_flow_state", drops.c.flow, drops.c.state)
drops_carried = sa.Index("ix_drops_package_id_state", drops.c.package_id, drops.c.state)
drops_counted = sa.Index("ix_drops_party_received_at", drops.c.party, drops.c.received_at)

windows = sa.Table(
    "windows",
    metadata,
    sa.Column("flow", sa.String(40), primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("due_at", UtcDateTime, nullable=False, index=True),
    sa.Column("state", sa.String(20), nullable=False, index=True),
    sa.Column("missed", sa.Boolean, nullable=False),
    sa.Column("package_id", sa.String(60)),
)

windows_counted = sa.Index("ix_windows_flow_state", windows.c.flow, windows.c.state)

packages = sa.Table(
    "packages",
    metadata,
    sa.Column("id", sa.String(60), primary_key=True),
    sa.Column("flow", sa.String(40), nullable=False, index=True),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("state", sa.String(20), nullable=False, index=True),
    sa.Column("made_at", UtcDateTime, nullable=False, index=True),
    sa.Column("agreement_hash", sa.String(64), nullable=False),
    sa.Column("zip_sha256", sa.String(64), nullable=False),
    sa.Column("password_sealed", sa.LargeBinary, nullable=False),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("updates", sa.Integer, nullable=False),
    sa.Column("held", sa.Integer, nullable=False),
    sa.Column("repeats", sa.Integer, nullable=False),
    sa.Column("superseded_by", sa.String(60)),
    sa.UniqueConstraint("flow", "day", "number"),
)

packages_counted = sa.Index("ix_packages_flow_state", packages.c.flow, packages.c.state)

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("id", sa.String(100), primary_key=True),  # <package>:<party>
    sa.Column("package_id", sa.ForeignKey("packages.id"), nullable=False, index=True),
    sa.Column("party", sa.String(40), nullable=False),
    sa.Column("protection", sa.String(20), nullable=False),
    sa.Column("state", sa.String(20), nullable=False, index=True),
    sa.Column("file_name", sa.String(80), nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("manifest", sa.String(64), nullable=False),
    sa.Column("signature", sa.String(64), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("last_fault", sa.String(60)),
    sa.Column("placed_at", UtcDateTime, index=True),
    sa.Column("collected_at", UtcDateTime),
    sa.Column("opened_at", UtcDateTime),
    sa.Column("acknowledged_at", UtcDateTime),  # accepted or queried, by a named officer
    sa.Column("withheld_at", UtcDateTime),  # recalled: its files are out of the outbox
    sa.UniqueConstraint("package_id", "party"),
)

deliveries_counted = sa.Index("ix_deliveries_party_state", deliveries.c.party, deliveries.c.state)

sent_references = sa.Table(
    "sent_references",
    metadata,
    sa.Column("flow", sa.String(40), primary_key=True),
    sa.Column("reference_mac", sa.LargeBinary(32), primary_key=True),
    sa.Column("row_mac", sa.LargeBinary(32), nullable=False),
    sa.Column("reference_sealed", sa.LargeBinary, nullable=False),
    sa.Column("first_package_id", sa.String(60), nullable=False),
    sa.Column("package_id", sa.String(60), nullable=False),
)

answers = sa.Table(
    "answers",
    metadata,
    sa.Column("flow", sa.String(40), primary_key=True),  # the flow that is answered
    sa.Column("reference_mac", sa.LargeBinary(32), primary_key=True),  # as that flow's sent one
    sa.Column("package_id", sa.ForeignKey("packages.id"), primary_key=True),
)

vault = sa.Table(
    "vault",
    metadata,
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("put_at", UtcDateTime, nullable=False),
)

ledger = sa.Table(
    "ledger",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("leaf", sa.LargeBinary, nullable=False),
    sa.Column("leaf_hash", sa.LargeBinary(32), nullable=False, unique=True),
    # SHA-256s of the subtrees above it that it completes, the lowest first (RFC 9162 §2.1)
    sa.Column("nodes", sa.LargeBinary, nullable=False, server_default=sa.text("''")),
    sqlite_autoincrement=True,
)

# By what a leaf is looked for. It proves nothing, and can be made anew from the leaves.
ledger_index = sa.Table(
    "ledger_index",
    metadata,
    sa.Column("seq", sa.ForeignKey("ledger.seq"), primary_key=True),
    sa.Column("event", sa.String(40), nullable=False),
    sa.Column("subject", sa.String(200), nullable=False),
    sa.Column("day", sa.Date, nullable=False),  # London's
    sa.Index("ix_ledger_index_event", "event", "seq"),
    sa.Index("ix_ledger_index_subject", "subject", "seq"),
    sa.Index("ix_ledger_index_day", "day", "seq"),
)

ledger_salts = sa.Table(
    "ledger_salts",
    metadata,
    sa.Column("seq", sa.ForeignKey("ledger.seq"), primary_key=True),
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("salt", sa.LargeBinary(16), nullable=False),
)

alarms = sa.Table(
    "alarms",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("code", sa.String(60), nullable=False),
    sa.Column("subject", sa.String(120), nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("raised_at", UtcDateTime, nullable=False, index=True),
    sa.Column("cleared_at", UtcDateTime),
    sa.Column("level", sa.Integer, nullable=False, server_default="0"),
    sa.Column("escalates_at", UtcDateTime),  # when the next level is told; null: no further one
)
open_alarm = sa.Index(
    "uq_alarms_open",
    alarms.c.code,
    alarms.c.subject,
    unique=True,
    sqlite_where=alarms.c.cleared_at.is_(None),
    postgresql_where=alarms.c.cleared_at.is_(None),
)

# --- officers and what two of them approve -------------------------------------------------------

requests = sa.Table(
    "requests",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("act", sa.String(40), nullable=False),
    sa.Column("party", sa.String(40), nullable=False),
    sa.Column("subject", sa.String(120), nullable=False),
    sa.Column("body_sealed", sa.LargeBinary, nullable=False),  # canonical JSON, reasons included
    sa.Column("digest", sa.String(64), nullable=False, unique=True),
    sa.Column("requested_by", sa.String(60), nullable=False),
    sa.Column("requested_at", UtcDateTime, nullable=False, index=True),
    sa.Column("state", sa.String(20), nullable=False, index=True),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("fault", sa.String(60)),
)

approvals = sa.Table(
    "approvals",
    metadata,
    sa.Column("request_id", sa.ForeignKey("requests.id"), primary_key=True),
    sa.Column("officer", sa.String(60), primary_key=True),
    sa.Column("fingerprint", sa.String(40), nullable=False),
    sa.Column("signature", sa.LargeBinary, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("statement", sa.LargeBinary),  # what the gateway signed of an approval on the site
    sa.UniqueConstraint("request_id", "fingerprint"),
)

absences = sa.Table(
    "absences",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("officer", sa.String(60), nullable=False, index=True),
    sa.Column("deputy", sa.String(60), nullable=False),
    sa.Column("first_day", sa.Date, nullable=False),
    sa.Column("last_day", sa.Date, nullable=False),
    sa.Column("made_at", UtcDateTime, nullable=False),
    sa.CheckConstraint("first_day <= last_day", name="in_order"),
)

tokens = sa.Table(
    "tokens",
    metadata,
    sa.Column("prefix", sa.String(16), primary_key=True),
    sa.Column("secret_hash", sa.LargeBinary(32), nullable=False),
    sa.Column("party", sa.String(40), nullable=False),
    sa.Column("flow", sa.String(40), nullable=False),
    sa.Column("scopes", sa.Text, nullable=False),  # words, parted by spaces
    sa.Column("made_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Column("revoked_at", UtcDateTime),
    sa.Column("last_used_at", UtcDateTime),
)

# --- receipts ------------------------------------------------------------------------------------

receipts = sa.Table(
    "receipts",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("delivery_id", sa.ForeignKey("deliveries.id"), nullable=False, index=True),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("officer", sa.String(60)),
    sa.Column("way", sa.String(20), nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),  # as its signer has it
    sa.Column("recorded_at", UtcDateTime, nullable=False, index=True),
    sa.Column("sha256", sa.String(64), nullable=False, unique=True),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("signature", sa.LargeBinary),
    sa.Column("person", sa.String(40)),  # who gave it, or collected, on the site
)

served = sa.Table(
    "served",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("delivery_id", sa.ForeignKey("deliveries.id"), nullable=False),
    sa.Column("principal", sa.String(80), nullable=False),
    sa.Column("way", sa.String(20), nullable=False),
    sa.Column("start", sa.BigInteger, nullable=False),  # bytes start..stop, stop not included
    sa.Column("stop", sa.BigInteger, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.CheckConstraint("0 <= start AND start < stop", name="range"),
)
served_to = sa.Index("ix_served_delivery_principal", served.c.delivery_id, served.c.principal)

threads = sa.Table(
    "threads",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("package_id", sa.ForeignKey("packages.id"), nullable=False, index=True),
    sa.Column("flow", sa.String(40), nullable=False),
    sa.Column("party", sa.String(40), nullable=False),  # who asked
    sa.Column("place_sealed", sa.LargeBinary),  # reference and heading; null: the whole package
    sa.Column("state", sa.String(20), nullable=False, index=True),
    sa.Column("opened_at", UtcDateTime, nullable=False, index=True),
    sa.Column("answered_at", UtcDateTime),
    sa.Column("closed_at", UtcDateTime),
)

thread_entries = sa.Table(
    "thread_entries",
    metadata,
    sa.Column("thread_id", sa.ForeignKey("threads.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("party", sa.String(40), nullable=False),
    sa.Column("officer", sa.String(60), nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("text_sealed", sa.LargeBinary, nullable=False),
)

mails = sa.Table(
    "mails",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("key", sa.String(200), nullable=False, unique=True),  # the same news goes once
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("party", sa.String(40), nullable=False),
    sa.Column("officer", sa.String(60), nullable=False),
    sa.Column("address", sa.String(200), nullable=False),
    sa.Column("subject", sa.String(200), nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("state", sa.String(20), nullable=False, index=True),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("last_fault", sa.String(60)),
    sa.Column("made_at", UtcDateTime, nullable=False),
    sa.Column("next_at", UtcDateTime, nullable=False),
    sa.Column("sent_at", UtcDateTime),
)

rehearsals = sa.Table(
    "rehearsals",
    metadata,
    sa.Column("package_id", sa.ForeignKey("packages.id"), primary_key=True),
    sa.Column("party", sa.String(40), nullable=False),
    sa.Column("begun_at", UtcDateTime, nullable=False),
    sa.Column("passed_at", UtcDateTime),
)

reconciliations = sa.Table(
    "reconciliations",
    metadata,
    sa.Column("id", sa.String(100), primary_key=True),  # <flow>-<day>:<party>
    sa.Column("flow", sa.String(40), nullable=False),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("party", sa.String(40), nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("unknown", sa.Integer, nullable=False),
    sa.Column("unanswered", sa.Integer, nullable=False),
    sa.Column("made_at", UtcDateTime, nullable=False),
)

# --- evidence and custody ------------------------------------------------------------------------

logs = sa.Table(
    "logs",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),  # 1, 2, …: the latest
    sa.Column("origin", sa.String(200), nullable=False, unique=True),
    sa.Column("first_seq", sa.Integer, nullable=False),  # the ledger's place of its first leaf
    sa.Column("opened_at", UtcDateTime, nullable=False),
    sa.Column("cites", sa.Text),  # the last witnessed checkpoint of the log before it
    sa.Column("request_id", sa.ForeignKey("requests.id")),
)

checkpoints = sa.Table(
    "checkpoints",
    metadata,
    sa.Column("log", sa.ForeignKey("logs.number"), primary_key=True),
    sa.Column("size", sa.Integer, primary_key=True),
    sa.Column("root", sa.LargeBinary(32), nullable=False),
    sa.Column("note", sa.Text, nullable=False),  # a signed note, as it was first given out
    sa.Column("made_at", UtcDateTime, nullable=False),
)

witnesses = sa.Table(
    "witnesses",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("party", sa.String(40), nullable=False, index=True),
    sa.Column("log", sa.Integer, nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("root", sa.LargeBinary(32), nullable=False),
    sa.Column("receipt_id", sa.String(40), nullable=False),
    sa.Column("verdict", sa.String(20), nullable=False),  # consistent, ahead, forked
    sa.Column("seen_at", UtcDateTime, nullable=False),
)

agreement_versions = sa.Table(
    "agreement_versions",
    metadata,
    sa.Column("hash", sa.String(64), primary_key=True),
    sa.Column("agreement", sa.String(40), nullable=False, index=True),
    sa.Column("version", sa.String(40), nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),  # the canonical JSON that the hash is of
    sa.Column("effective_from", sa.Date),
    sa.Column("first_seen_at", UtcDateTime, nullable=False),
)

agreement_signatures = sa.Table(
    "agreement_signatures",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("hash", sa.ForeignKey("agreement_versions.hash"), nullable=False, index=True),
    sa.Column("party", sa.String(40), nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),  # signed, withdrawn
    sa.Column("fingerprint", sa.String(40), nullable=False),
    sa.Column("statement", sa.LargeBinary, nullable=False),
    sa.Column("signature", sa.LargeBinary, nullable=False),
    sa.Column("signed_at", UtcDateTime, nullable=False),
    sa.Column("taken_at", UtcDateTime, nullable=False),
)

holds = sa.Table(
    "holds",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("scope", sa.String(20), nullable=False),  # everything, flow, case
    sa.Column("flow", sa.String(40)),
    sa.Column("reference_mac", sa.LargeBinary(32)),
    sa.Column("reference_sealed", sa.LargeBinary),
    sa.Column("reason_sealed", sa.LargeBinary, nullable=False),
    sa.Column("state", sa.String(20), nullable=False, index=True),  # on, ended
    sa.Column("begun_at", UtcDateTime, nullable=False),
    sa.Column("review_on", sa.Date, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("request_id", sa.ForeignKey("requests.id")),  # by which it was ended
)

destructions = sa.Table(
    "destructions",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("request_id", sa.ForeignKey("requests.id"), nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False, unique=True),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("subject", sa.String(120), nullable=False),
    sa.Column("destroyed_at", UtcDateTime, nullable=False),
    sa.Column("certificate", sa.LargeBinary, nullable=False),
)

handovers = sa.Table(
    "handovers",
    metadata,
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("party", sa.String(40), nullable=False),
    sa.Column("placed_at", UtcDateTime, nullable=False),
)

register_entries = sa.Table(
    "register_entries",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("register", sa.String(20), nullable=False, index=True),
    sa.Column("party", sa.String(40), nullable=False),  # who answers for it
    sa.Column("state", sa.String(20), nullable=False, index=True),
    sa.Column("opened_on", sa.Date, nullable=False),  # when it came in, happened or was held
    sa.Column("due_at", UtcDateTime),
    sa.Column("body_sealed", sa.LargeBinary, nullable=False),
    sa.Column("made_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    sa.Index("ix_register_entries_register_opened_on", "register", "opened_on"),
)
entries_going = sa.Index(
    "ix_register_entries_going",
    register_entries.c.register,
    register_entries.c.made_at,
    sqlite_where=register_entries.c.ended_at.is_(None),
    postgresql_where=register_entries.c.ended_at.is_(None),
)

register_steps = sa.Table(
    "register_steps",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("entry_id", sa.ForeignKey("register_entries.id"), nullable=False, index=True),
    sa.Column("step", sa.String(40), nullable=False),
    sa.Column("party", sa.String(40), nullable=False),
    sa.Column("officer", sa.String(60), nullable=False),
    sa.Column("words_sealed", sa.LargeBinary),
    sa.Column("signature", sa.LargeBinary),
    sa.Column("made_at", UtcDateTime, nullable=False),
)
