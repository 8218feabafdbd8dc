"""What a request says, and what an approver of it signs: canonical JSON (RFC 8785).

A request's digest is the SHA-256 of ``{"format": "gateway-request/1", id, act, party, subject,
requested_by, at, body, salt}``. The digest is in the ledger for all to read, so 128 random bits of
salt, sealed with the body, keep what is asked from being guessed. An approver signs
``{"format": "gateway-approval/1", id, act, party, subject, requested_by, at, digest}``.
"""

import hashlib
import json
import secrets
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import rfc8785

from gateway.crypto import statements
from gateway.crypto.openpgp import OpenPGP
from gateway.crypto.sealing import Sealer, damaged
from gateway.store.requests import RequestRow

Body = Mapping[str, str | int]


def new_request(
    sealer: Sealer,
    act: str,
    party: str,
    subject: str,
    body: Body,
    requested_by: str,
    at: datetime,
) -> RequestRow:
    """An open request with a new random id, its body sealed and its digest taken."""
    request_id, salt = secrets.token_hex(8), secrets.token_hex(16)
    sealed = sealer.seal(rfc8785.dumps({"body": dict(body), "salt": salt}), f"request:{request_id}")
    bare = RequestRow(
        request_id, act, party, subject, sealed, "", requested_by, at, "open", None, None
    )
    return RequestRow(**(vars(bare) | {"digest": _digest(bare, body, salt)}))


def body_of(sealer: Sealer, request: RequestRow) -> dict[str, str | int]:
    """What the request says. Raises CryptoFault sealed.damaged where it is not what was asked."""
    opened = json.loads(sealer.open(request.body_sealed, f"request:{request.id}"))
    body: dict[str, str | int] = opened["body"]
    if _digest(request, body, opened["salt"]) != request.digest:
        raise damaged()
    return body


def statement(request: RequestRow) -> bytes:
    """What an approver signs: canonical JSON and a line feed."""
    said = named(request) | {"format": "gateway-approval/1", "digest": request.digest}
    return rfc8785.dumps(said) + b"\n"


def signed_statement(openpgp: OpenPGP, request: RequestRow, signer: str) -> bytes:
    """Sign the statement with a key of that keyring. Raises CryptoFault."""
    with tempfile.TemporaryDirectory(prefix="approval-") as folder:
        said, made = Path(folder, "statement"), Path(folder, "signature")
        said.write_bytes(statement(request))
        openpgp.detach_sign(said, made, signer)
        return made.read_bytes()


def verify_statement(openpgp: OpenPGP, request: RequestRow, signature: bytes, signer: str) -> None:
    """Raises CryptoFault (signature.*, key.*) unless ``signer`` signed the statement."""
    verify_bytes(openpgp, statement(request), signature, signer)


def verify_bytes(openpgp: OpenPGP, said: bytes, signature: bytes, signer: str) -> None:
    """Raises CryptoFault (signature.*, key.*) unless ``signer`` signed those bytes."""
    statements.verify_statement(openpgp, said, signature, signer)


def named(request: RequestRow) -> dict[str, str]:
    """What every statement about a request says of it."""
    at = request.requested_at.astimezone(UTC)
    return {
        "id": request.id,
        "act": request.act,
        "party": request.party,
        "subject": request.subject,
        "requested_by": request.requested_by,
        "at": at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
    }


def _digest(request: RequestRow, body: Body, salt: str) -> str:
    said: dict[str, Any] = {**named(request), "body": dict(body), "salt": salt}
    return hashlib.sha256(rfc8785.dumps(said | {"format": "gateway-request/1"})).hexdigest()
