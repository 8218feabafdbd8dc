"""The tables of people: who may sign in, with what, what they may do, and their sessions.

No secret lies here as it is: of passwords, invitations, recovery codes and sessions only hashes are
kept, and the secret of an authenticator app is sealed with the site's own key (``keys/web.key``).
"""

import sqlalchemy as sa

from gateway.store.columns import UtcDateTime, metadata

people = sa.Table(
    "people",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("party", sa.String(40), nullable=False, index=True),
    sa.Column("email", sa.String(200), nullable=False, unique=True),  # in lower case
    sa.Column("officer", sa.String(60)),  # who they are in config/officers.toml
    sa.Column("password", sa.String(200)),  # argon2id; null: not chosen yet
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("fs_uniquifier", sa.String(64), nullable=False, unique=True),
    sa.Column("fs_webauthn_user_handle", sa.String(64), nullable=False, unique=True),
    sa.Column("tf_primary_method", sa.String(20)),
    sa.Column("tf_totp_secret", sa.Text),  # sealed
    sa.Column("totp_counter", sa.BigInteger, nullable=False, server_default="-1"),  # the last used
    sa.Column("made_at", UtcDateTime, nullable=False),
    sa.Column("enrolled_at", UtcDateTime),  # password and second factor are set
    sa.Column("left_at", UtcDateTime),
)

webauthn_credentials = sa.Table(
    "webauthn_credentials",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("person_id", sa.ForeignKey("people.id"), nullable=False, index=True),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("credential_id", sa.LargeBinary(1024), nullable=False, unique=True),
    sa.Column("public_key", sa.LargeBinary, nullable=False),
    sa.Column("sign_count", sa.BigInteger, nullable=False),
    sa.Column("transports", sa.JSON),
    sa.Column("backup_state", sa.Boolean, nullable=False),
    sa.Column("device_type", sa.String(64), nullable=False),
    sa.Column("extensions", sa.String(255)),
    sa.Column("create_datetime", UtcDateTime),
    sa.Column("lastuse_datetime", UtcDateTime, nullable=False),
    sa.Column("usage", sa.String(20), nullable=False),
)

recovery_codes = sa.Table(
    "recovery_codes",
    metadata,
    sa.Column("person_id", sa.ForeignKey("people.id"), primary_key=True),
    sa.Column("mac", sa.LargeBinary(32), primary_key=True),
    sa.Column("made_at", UtcDateTime, nullable=False),
    sa.Column("used_at", UtcDateTime),  # used, or put out of use by newer ones
)

grants = sa.Table(
    "grants",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("person_id", sa.ForeignKey("people.id"), nullable=False, index=True),
    sa.Column("party", sa.String(40), nullable=False),
    sa.Column("flow", sa.String(40), nullable=False),  # *: all of the party's flows
    sa.Column("role", sa.String(20), nullable=False),
    sa.Column("granted_by", sa.String(60), nullable=False),
    sa.Column("granted_at", UtcDateTime, nullable=False),
    sa.Column("revoked_by", sa.String(60)),
    sa.Column("revoked_at", UtcDateTime),
)
grant_in_force = sa.Index(
    "uq_grants_in_force",
    grants.c.person_id,
    grants.c.party,
    grants.c.flow,
    grants.c.role,
    unique=True,
    sqlite_where=grants.c.revoked_at.is_(None),
    postgresql_where=grants.c.revoked_at.is_(None),
)

invitations = sa.Table(
    "invitations",
    metadata,
    sa.Column("token_hash", sa.LargeBinary(32), primary_key=True),
    sa.Column("person_id", sa.ForeignKey("people.id"), nullable=False, index=True),
    sa.Column("made_by", sa.String(60), nullable=False),
    sa.Column("made_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),  # used, or followed by another
)

site_sessions = sa.Table(
    "site_sessions",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("secret_hash", sa.LargeBinary(32), nullable=False, unique=True),
    sa.Column("person_id", sa.ForeignKey("people.id"), index=True),  # null: nobody signed in yet
    sa.Column("contents_sealed", sa.LargeBinary, nullable=False),  # to the secret itself
    sa.Column("agent", sa.String(60), nullable=False),  # the browser's family
    sa.Column("begun_at", UtcDateTime, nullable=False),
    sa.Column("seen_at", UtcDateTime, nullable=False, index=True),
    sa.Column("fresh_at", UtcDateTime),  # when the person last proved who they are
    sa.Column("ended_at", UtcDateTime),
    sa.Column("way", sa.String(80), nullable=False, server_default=sa.text("''")),  # what proved it
)

sign_in_counters = sa.Table(
    "sign_in_counters",
    metadata,
    sa.Column("key", sa.LargeBinary(32), primary_key=True),  # a hash of who, or from where
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("last_at", UtcDateTime, nullable=False, index=True),
    sa.Column("paused_until", UtcDateTime),
)

sign_in_places = sa.Table(
    "sign_in_places",
    metadata,
    sa.Column("key", sa.LargeBinary(32), primary_key=True),  # a hash of a person and an address
    sa.Column("seen_at", UtcDateTime, nullable=False),
)
