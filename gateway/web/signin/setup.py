"""Flask-Security over our database: what it is told to do, and what it is not let do.

Its blueprint is not used: its views are added one by one (`views`), each saying who may see it, so
that there is no registration, no JSON, no token and no e-mail of its own.
"""

from datetime import timedelta
from typing import Any

from flask import Flask, request, session
from flask_security import (
    RoleMixin,
    Security,
    SQLAlchemyUserDatastore,
    password_changed,
    tf_profile_changed,
    user_authenticated,
    wan_deleted,
    wan_registered,
)

from gateway.access import pauses
from gateway.access import people as acts
from gateway.access.models import Credential, Person, Rows
from gateway.access.notices import (
    APP,
    CODE_USED,
    KEY_ADDED,
    KEY_REMOVED,
    PASSWORD,
)
from gateway.access.passwords import LANES, MEMORY_KIB, PASSES, SHORTEST
from gateway.access.secondfactor import ISSUER, app_keys
from gateway.access.sessions import FRESH
from gateway.crypto.sitekey import derive
from gateway.store import sessions as rows
from gateway.web.signin import factors, forms
from gateway.web.signin.keptsessions import KeptSession, KeptSessions, browser_words
from gateway.web.signin.suspicion import address
from gateway.web.signin.telling import tell, tell_of_proof
from gateway.web.site import Site

_WAYS = {
    "signin.two_factor_token_validation": "app",
    "signin.wan_signin_response": "key",
    "signin.mf_recovery": "recovery-code",
}


def install(app: Flask, site: Site) -> None:
    """Let people sign in to an app. Its forgery checks must be set up before."""
    app.session_interface = KeptSessions(site)
    app.config.update(_settings(site))
    rows_of_people = Rows(site.parts.database)
    app.teardown_appcontext(lambda _: rows_of_people.close())
    security = Security(
        app,
        SQLAlchemyUserDatastore(rows_of_people, Person, RoleMixin, Credential),
        register_blueprint=False,
        login_form=forms.SignInForm,
        verify_form=forms.AgainForm,
        change_password_form=forms.NewPasswordForm,
        two_factor_verify_code_form=forms.CodeForm,
        two_factor_setup_form=forms.AppForm,
        two_factor_rescue_form=forms.HelpForm,
        mf_recovery_form=forms.RecoveryForm,
        wan_signin_response_form=forms.KeyForm,
        wan_register_form=forms.NameKeyForm,
        wan_register_response_form=forms.NewKeyForm,
        wan_delete_form=forms.NoKeyForm,
        mail_util_cls=forms.Addresses,
        password_util_cls=forms.Passwords,
        totp_cls=factors.Codes,
        webauthn_util_cls=factors.Keys,
        mf_recovery_codes_util_cls=factors.RecoveryCodes,
    )
    security.want_json(lambda _: False)
    security.login_manager._request_callback = None  # no token in a header or an address
    _listen(app, site)


def _settings(site: Site) -> dict[str, Any]:
    hour = timedelta(hours=1)
    asked: dict[str, Any] = {
        "BLUEPRINT_NAME": "signin",
        "PASSWORD_HASH": "argon2",
        "PASSWORD_SCHEMES": ["argon2"],
        "PASSWORD_SINGLE_HASH": ["argon2"],
        "PASSWORD_HASH_PASSLIB_OPTIONS": {
            "argon2__type": "ID",
            "argon2__memory_cost": MEMORY_KIB,
            "argon2__time_cost": PASSES,
            "argon2__parallelism": LANES,
        },
        "PASSWORD_LENGTH_MIN": SHORTEST,
        "RETURN_GENERIC_RESPONSES": True,
        "API_ENABLED_METHODS": ["session"],
        "JOIN_USER_ROLES": False,
        "CHANGEABLE": True,
        "SEND_PASSWORD_CHANGE_EMAIL": False,
        "TWO_FACTOR": True,
        "TWO_FACTOR_REQUIRED": True,
        "TWO_FACTOR_ENABLED_METHODS": ["authenticator"],
        "TWO_FACTOR_RESCUE_EMAIL": False,
        "TWO_FACTOR_IMPLEMENTATIONS": {  # security keys are offered first
            "webauthn": "flask_security.webauthn.WebAuthnTfPlugin",
            "code": "flask_security.twofactor.CodeTfPlugin",
        },
        "TOTP_SECRETS": app_keys(site.secret),
        "TOTP_ISSUER": ISSUER,
        "MULTI_FACTOR_RECOVERY_CODES": True,
        "WEBAUTHN": True,
        "WAN_RP_NAME": "Gateway",
        "WAN_ALLOW_AS_FIRST_FACTOR": False,
        "WAN_ALLOW_AS_MULTI_FACTOR": False,
        "WAN_ALLOW_USER_HINTS": False,
        "WAN_ALLOW_AS_VERIFY": ["secondary"],
        "WAN_SIGNIN_WITHIN": timedelta(minutes=5),
        "FRESHNESS": FRESH,
        "FRESHNESS_GRACE_PERIOD": timedelta(0),
        "DEFAULT_REMEMBER_ME": False,
        "DATETIME_FACTORY": site.now,
        "TWO_FACTOR_LOGIN_VALIDITY": hour,
        "CLI_USERS_NAME": None,
        "CLI_ROLES_NAME": None,
        "TWO_FACTOR_POST_SETUP_VIEW": "/account/set-up",
        "WAN_POST_REGISTER_VIEW": "/account/set-up",
        "POST_CHANGE_VIEW": "/account",
        "LOGIN_USER_TEMPLATE": "signin/sign-in.html",
        "VERIFY_TEMPLATE": "signin/again.html",
        "TWO_FACTOR_VERIFY_CODE_TEMPLATE": "signin/code.html",
        "TWO_FACTOR_SELECT_TEMPLATE": "signin/choose.html",
        "TWO_FACTOR_SETUP_TEMPLATE": "signin/app.html",
        "MULTI_FACTOR_RECOVERY_TEMPLATE": "signin/recovery.html",
        "MULTI_FACTOR_RECOVERY_CODES_TEMPLATE": "signin/recovery-codes.html",
        "CHANGE_PASSWORD_TEMPLATE": "signin/password.html",
        "WAN_REGISTER_TEMPLATE": "signin/new-key.html",
        "WAN_SIGNIN_TEMPLATE": "signin/key.html",
        "WAN_VERIFY_TEMPLATE": "signin/key-again.html",
    }
    named = {f"SECURITY_{name}": value for name, value in (asked | _words()).items()}
    secret = derive(site.secret, "forms").hex()
    return {**named, "SECRET_KEY": secret}


def _words() -> dict[str, tuple[str, str]]:
    """What Flask-Security says, in this site's words. What a page shows anyway is not said."""
    again = "Start again, and use your security key when asked."
    said = {
        "GENERIC_AUTHN_FAILED": "The e-mail address or the password is wrong.",
        "INVALID_PASSWORD": "The password is wrong.",
        "TWO_FACTOR_INVALID_TOKEN": "The code is wrong, too old, or was used before.",
        "INVALID_RECOVERY_CODE": "The code is wrong, or was used before.",
        "TWO_FACTOR_PERMISSION_DENIED": "Sign in with your e-mail address and password first.",
        "UNAUTHENTICATED": "Sign in to see this page.",
        "REAUTHENTICATION_REQUIRED": "Prove again who you are.",
        "REAUTHENTICATION_SUCCESSFUL": "",
        "TWO_FACTOR_LOGIN_SUCCESSFUL": "",
        "TWO_FACTOR_CHANGE_METHOD_SUCCESSFUL": "Your authenticator app is set up.",
        "TWO_FACTOR_SETUP_EXPIRED": "That took too long. Start again.",
        "PASSWORD_CHANGE": "Your password is changed. You are signed out everywhere else.",
        "PASSWORD_IS_THE_SAME": "Your new password must be another one.",
        "RETYPE_PASSWORD_MISMATCH": "The two passwords are not the same.",
        "PASSWORD_NOT_PROVIDED": "Enter your password.",
        "EMAIL_NOT_PROVIDED": "Enter your e-mail address.",
        "INVALID_EMAIL_ADDRESS": "Enter an e-mail address.",
        "WEBAUTHN_EXPIRED": again,
        "WEBAUTHN_NO_VERIFY": again,
        "WEBAUTHN_UNKNOWN_CREDENTIAL_ID": "That key is not set up here.",
        "WEBAUTHN_NAME_REQUIRED": "Enter a name for the key.",
        "WEBAUTHN_NAME_INUSE": "You have a key of that name. Choose another.",
        "WEBAUTHN_REGISTER_SUCCESSFUL": "Your security key is set up.",
        "WEBAUTHN_CREDENTIAL_DELETED": "The security key was taken away.",
        "API_ERROR": "That could not be read. Start again.",
    }
    return {f"MSG_{key}": (words, "info") for key, words in said.items()}


# --- what is recorded -----------------------------------------------------------------------------


def _listen(app: Flask, site: Site) -> None:
    """Record what Flask-Security tells of. The app keeps what listens: signals hold it weakly."""

    def signed_in(_: Flask, user: Person, **__: Any) -> None:
        way = _WAYS.get(request.endpoint or "")
        if way is None:
            return
        with site.parts.database.transaction() as tx:
            pauses.signed_in(tx, str(user.email), address(), site.now(), browser_words())
            news = CODE_USED if way == "recovery-code" else None
            tell(tx, site, str(user.id), "session.begun", {"way": way}, news)

    def enrolled(_: Flask, user: Person, **more: Any) -> None:
        news = KEY_ADDED if "name" in more else APP
        app.extensions["security"].datastore.commit()
        with site.parts.database.transaction() as tx:
            tell_of_proof(tx, site, str(user.id), news)
            acts.enrol(tx, str(user.id), site.now())
            pauses.note_usual(tx, str(user.email), address(), browser_words(), site.now())

    def key_gone(_: Flask, user: Person, **__: Any) -> None:
        with site.parts.database.transaction() as tx:
            tell_of_proof(tx, site, str(user.id), KEY_REMOVED)

    def password_new(_: Flask, user: Person, **__: Any) -> None:
        held = session._get_current_object()  # type: ignore[attr-defined]
        own = held.row.id if isinstance(held, KeptSession) and held.row else None
        with site.parts.database.transaction() as tx:
            tell_of_proof(tx, site, str(user.id), PASSWORD)
            rows.end_all(tx, str(user.id), site.now(), own)

    listeners = (
        (user_authenticated, signed_in),
        (tf_profile_changed, enrolled),
        (wan_registered, enrolled),
        (wan_deleted, key_gone),
        (password_changed, password_new),
    )
    for signal, listener in listeners:
        signal.connect(listener, app)
    app.extensions["gateway-listeners"] = listeners
