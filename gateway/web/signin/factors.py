"""Second factors as Flask-Security asks for them: each code and each challenge counts once."""

import secrets

from flask import Flask, request, session
from flask_security import MfRecoveryCodesUtil, Totp, UserMixin, WebauthnUtil
from webauthn.helpers import structs

from gateway.access.notices import CODES
from gateway.access.secondfactor import make_recovery_codes, use_code, use_recovery_code
from gateway.web.signin.telling import tell_of_proof
from gateway.web.site import site

CHALLENGE = "challenge"


class Codes(Totp):
    """Codes of authenticator apps. The step of each that was used is kept in the database."""

    def verify_totp(self, token: str, totp_secret: str, user: UserMixin, window: int = 0) -> bool:
        """Whether the code is right and nobody has used it; it is used by this."""
        del window  # `use_code` knows how long a code is good
        own = site()
        code = "".join(token.split())
        with own.parts.database.transaction() as tx:
            return use_code(tx, own.secret, totp_secret, str(user.id), code, own.now())


class RecoveryCodes(MfRecoveryCodesUtil):
    """Recovery codes, of which nothing is kept that could be shown again."""

    def __init__(self, app: Flask) -> None:  # noqa: ARG002
        self.cryptor = None

    def create_recovery_codes(self, user: UserMixin) -> list[str]:
        """New codes, shown this once."""
        own = site()
        with own.parts.database.transaction() as tx:
            tell_of_proof(tx, own, str(user.id), CODES)
            return make_recovery_codes(tx, own.secret, str(user.id), own.now())

    def get_recovery_codes(self, user: UserMixin) -> list[str]:  # noqa: ARG002
        """None: they were shown when they were made."""
        return []

    def check_recovery_code(self, user: UserMixin, code: str) -> bool:
        """Whether that is an unused code; it is used by this, so that no two can use it."""
        own = site()
        with own.parts.database.transaction() as tx:
            return use_recovery_code(tx, own.secret, str(user.id), code, own.now())

    def delete_recovery_code(self, user: UserMixin, code: str) -> bool:  # noqa: ARG002
        """It was used up when it was checked."""
        return True


class Keys(WebauthnUtil):
    """Security keys. A challenge is the session's own, and for one answer."""

    def generate_challenge(self, nbytes: int | None = None) -> str:
        """A new challenge; the one before is worth nothing."""
        made = secrets.token_urlsafe(nbytes or 32)
        session[CHALLENGE] = made
        return made

    def origin(self) -> str:
        """Where the site is, as the settings have it; without them, as it was asked for."""
        return site().parts.settings.web.origin or request.host_url.rstrip("/")

    def authenticator_selection(
        self, user: UserMixin, usage: str
    ) -> structs.AuthenticatorSelectionCriteria:
        """Any key will do, a computer's own too: it is the second factor beside the password."""
        del user, usage
        return structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.DISCOURAGED,
            user_verification=structs.UserVerificationRequirement.DISCOURAGED,
        )


def use_challenge(challenge: str) -> bool:
    """Whether this session was given that challenge, and has not answered it."""
    return secrets.compare_digest(str(session.pop(CHALLENGE, "")), challenge)
