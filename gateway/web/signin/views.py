"""The pages of signing in: Flask-Security's views, each with its address and who may see it."""

from typing import Any

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_security import recovery_codes, tf_plugin, views, webauthn

from gateway.web.visitor import ANYONE, SIGN_IN, SIGN_IN_AGAIN, page

PART = Blueprint("signin", __name__)
_BOTH = ("GET", "POST")


def _add(rule: str, name: str, view: Any, methods: tuple[str, ...] = _BOTH) -> None:
    """Add one of Flask-Security's views under the name by which it finds it again.

    They are for anyone as far as grants go: each judges itself whether somebody must be signed in,
    be about to, or have proved lately who they are.
    """

    def shown(**ids: str) -> ResponseReturnValue:
        answer: ResponseReturnValue = view(**ids)
        return answer

    shown.__name__ = name
    page(PART, rule, roles=ANYONE, methods=methods)(shown)


_add(SIGN_IN, "login", views.login)
_add("/sign-out", "logout", views.logout, ("POST",))
_add(SIGN_IN_AGAIN, "verify", views.verify)
_add(f"{SIGN_IN_AGAIN}/key", "wan_verify", webauthn.webauthn_verify)
_add(
    f"{SIGN_IN_AGAIN}/key/<token>",
    "wan_verify_response",
    webauthn.webauthn_verify_response,
    ("POST",),
)
_add("/sign-in/choose", "tf_select", tf_plugin.tf_select)
_add("/sign-in/code", "two_factor_token_validation", views.two_factor_token_validation)
_add("/sign-in/key", "wan_signin", webauthn.webauthn_signin)
_add("/sign-in/key/<token>", "wan_signin_response", webauthn.webauthn_signin_response, ("POST",))
_add("/sign-in/recovery", "mf_recovery", recovery_codes.mf_recovery)
_add("/account/app", "two_factor_setup", views.two_factor_setup)
_add(
    "/account/app/<token>",
    "two_factor_setup_validate",
    views.two_factor_setup_validate,
    ("POST",),
)
_add("/account/key", "wan_register", webauthn.webauthn_register)
_add(
    "/account/key/<token>",
    "wan_register_response",
    webauthn.webauthn_register_response,
    ("POST",),
)
_add("/account/key/remove", "wan_delete", webauthn.webauthn_delete, ("POST",))
_add("/account/recovery-codes", "mf_recovery_codes", recovery_codes.mf_recovery_codes)
_add("/account/password", "change_password", views.change_password)


@page(PART, "/sign-in/help", roles=ANYONE)
def two_factor_rescue() -> ResponseReturnValue:
    """Who cannot give a code goes on with a recovery code."""
    return redirect(url_for("signin.mf_recovery"), 303)
