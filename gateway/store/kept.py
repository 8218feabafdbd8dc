"""What is kept for good, table by table: what the guards refuse is read from here.

A list is never changed, only added to by another: migrations made triggers of them as they are.
"""

# Of 0001 to 0003: neither changed nor removed.
APPEND_ONLY = (
    "ledger",
    "ledger_salts",
    "vault",
    "approvals",
    "receipts",
    "thread_entries",
    "logs",
    "checkpoints",
    "witnesses",
    "agreement_versions",
    "agreement_signatures",
    "destructions",
    "handovers",
    "register_steps",
)
# Of 0005: changed by their lifecycles, never removed.
NEVER_REMOVED = (
    "drops",
    "windows",
    "packages",
    "deliveries",
    "sent_references",
    "answers",
    "requests",
    "threads",
    "reconciliations",
    "alarms",
    "tokens",
    "holds",
    "register_entries",
)
# Of 0005: what a row may not be replaced by. INSERT OR REPLACE removes without a DELETE.
KEYS = {
    "ledger": ("seq", "leaf_hash"),
    "ledger_salts": ("seq, name",),
    "vault": ("sha256",),
    "approvals": ("request_id, officer", "request_id, fingerprint"),
    "receipts": ("id", "sha256"),
    "thread_entries": ("thread_id, number",),
    "logs": ("number", "origin"),
    "checkpoints": ("log, size",),
    "witnesses": ("id",),
    "agreement_versions": ("hash",),
    "agreement_signatures": ("id",),
    "destructions": ("id", "sha256"),
    "handovers": ("sha256",),
    "register_steps": ("id",),
    "drops": ("number", "id"),
    "packages": ("id", "flow, day, number"),
    "deliveries": ("id", "package_id, party"),
    "requests": ("id", "digest"),
    "holds": ("id",),
    "register_entries": ("id",),
}
# Of 0007: a person, a grant and an invitation stay, and each ends one way.
KEPT_PEOPLE = {
    "people": ("id", "email"),
    "grants": ("id",),
    "invitations": ("token_hash",),
    "recovery_codes": ("person_id, mac",),
}
# What of a row stays as it is, whatever becomes of the rest.
_HOLD = ("id", "scope", "flow", "reference_mac", "reference_sealed", "reason_sealed", "begun_at")
_GRANT = ("id", "person_id", "party", "flow", "role", "granted_by", "granted_at")
_INVITATION = ("token_hash", "person_id", "made_by", "made_at", "expires_at")
_HOLD_ENDED = "NEW.state = 'ended' AND NEW.request_id IS NOT NULL AND NEW.ended_at IS NOT NULL"
_HOLD_REVIEWED = "NEW.state = 'on' AND NEW.review_on >= OLD.review_on"


def hold_changes(same: str) -> str:
    """The one way in which a hold may change; ``same``: how the database says "is equal to"."""
    changes = f"OLD.state = 'on' AND ({_HOLD_ENDED} OR {_HOLD_REVIEWED})"
    return f"{changes} AND {_stays(_HOLD, same)}"


def grant_changes(same: str) -> str:
    """Likewise for a grant: it is ended, once."""
    ended = "OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL"
    return f"{ended} AND {_stays(_GRANT, same)}"


def invitation_changes(same: str) -> str:
    """Likewise for an invitation."""
    ended = "OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL"
    return f"{ended} AND {_stays(_INVITATION, same)}"


def _stays(names: tuple[str, ...], same: str) -> str:
    return " AND ".join(f"NEW.{name} {same} OLD.{name}" for name in names)
