"""Authenticator apps and recovery codes: how their secrets are kept, and used once each.

A code of an app is good for its own half minute by the gateway's clock, and for one sign-in: the
step that was used is kept, and neither it nor an earlier one is taken again. Recovery codes are
kept as HMACs by a key of the site's, so that the database alone tells nobody a code.
"""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime

from passlib.exc import TokenError
from passlib.totp import TOTP

from gateway.crypto.sitekey import derive
from gateway.store import people
from gateway.store.database import Transaction

ISSUER = "gateway"
HALF_A_MINUTE = 30  # seconds that a code is shown for
CODES = 8
_WINDOW = 0  # seconds before and after its own half minute
_CODE_BYTES = 15  # 120 bits: none can be found from its HMAC, even by who has the key


def app_keys(secret: bytes) -> dict[str, str]:
    """The keys that app secrets are sealed with, as passlib takes them: by their number."""
    return {"1": derive(secret, "authenticator apps").hex()}


def new_app(secret: bytes) -> tuple[str, str]:
    """A new app's secret: as it is kept, and as its person types it into the app (base32)."""
    made = _factory(secret).new()
    return made.to_json(encrypt=True), made.base32_key


def use_code(
    tx: Transaction, secret: bytes, sealed: str, person_id: str, code: str, now: datetime
) -> bool:
    """Whether that is a code of the app for now that nobody has used; it is used by this."""
    try:
        match = _factory(secret).verify(code, sealed, time=now, window=_WINDOW)
    except (TokenError, ValueError, TypeError):
        return False
    return people.use_counter(tx, person_id, match.counter)


def code_now(key: str, now: datetime) -> str:
    """The code that an app with that key (base32) shows now."""
    code: str = TOTP(key).generate(time=now).token
    return code


def seconds_left(now: datetime) -> int:
    """How long the code that an app shows now is good."""
    return HALF_A_MINUTE - int(now.timestamp()) % HALF_A_MINUTE


def make_recovery_codes(tx: Transaction, secret: bytes, person_id: str, now: datetime) -> list[str]:
    """New recovery codes, to be shown this once; those before are worth nothing."""
    random = [base64.b32encode(secrets.token_bytes(_CODE_BYTES)).decode() for _ in range(CODES)]
    codes = [_readable(text.lower()) for text in random]
    people.put_recovery_codes(tx, person_id, [_mac(secret, code) for code in codes], now)
    return codes


def use_recovery_code(
    tx: Transaction, secret: bytes, person_id: str, code: str, now: datetime
) -> bool:
    """Whether that is a recovery code that nobody has used; it is used by this."""
    return people.use_recovery_code(tx, person_id, _mac(secret, code), now)


def _factory(secret: bytes) -> type[TOTP]:
    made: type[TOTP] = TOTP.using(issuer=ISSUER, secrets=app_keys(secret))
    return made


def _readable(text: str) -> str:
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))


def _mac(secret: bytes, code: str) -> bytes:
    plain = "".join(character for character in code.lower() if character.isalnum())
    key = derive(secret, "recovery codes")
    return hmac.new(key, plain.encode(), hashlib.sha256).digest()
