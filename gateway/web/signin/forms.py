"""Flask-Security's forms, with what it leaves to us: pauses, one use, and no way around."""

from collections.abc import Callable
from typing import Any

from flask import current_app, session
from flask_login import current_user
from flask_security import (
    ChangePasswordForm,
    LoginForm,
    MailUtil,
    MfRecoveryForm,
    PasswordUtil,
    TwoFactorRescueForm,
    TwoFactorSetupForm,
    TwoFactorVerifyCodeForm,
    VerifyForm,
    WebAuthnDeleteForm,
    WebAuthnRegisterForm,
    WebAuthnRegisterResponseForm,
    WebAuthnSigninResponseForm,
)
from wtforms import RadioField, SelectChoice

from gateway.access.models import Person
from gateway.access.passwords import normal, password_faults
from gateway.access.pauses import SignInPaused, count_attempt, count_factor, proved_again
from gateway.web.signin.factors import use_challenge
from gateway.web.signin.suspicion import (
    address,
    after_right_password,
    after_wrong_factor,
    after_wrong_password,
)
from gateway.web.site import site

_PENDING = "tf_user_id"  # who has given their password, and owes the second factor


def paused(count: Callable[..., None], identity: str, errors: Any) -> bool:
    """Count an attempt; whether there were too many, which is then told."""
    own = site()
    try:
        with own.parts.database.transaction() as tx:
            count(tx, identity, address(), own.now())
    except SignInPaused as told:
        errors.append(f"{told} {told.hint}")
        return True
    return False


def proved(person: Any) -> bool:
    """Whoever is signed in has proved again who they are: what went wrong before is forgotten."""
    own = site()
    with own.parts.database.transaction() as tx:
        proved_again(tx, str(person.email), address())
    return True


class Passwords(PasswordUtil):
    """The rules of `access.passwords`."""

    def normalize(self, password: str) -> str:
        """The same password however it is typed."""
        return normal(password)

    def validate(
        self, password: str, is_register: bool, **kwargs: Any
    ) -> tuple[list[str] | None, str]:
        """What is wrong with it, and the password as it is hashed."""
        del is_register
        person = kwargs.get("user")
        own = (str(person.name), str(person.email)) if person else ()
        return password_faults(password, own, site().breached) or None, normal(password)


class Addresses(MailUtil):
    """An e-mail address is what it was invited as; nothing is looked up, and nothing is sent."""

    def normalize(self, email: str) -> str:
        """As addresses are kept."""
        return email.strip().lower()

    def validate(self, email: str) -> str:
        """As addresses are kept."""
        return self.normalize(email)


class SignInForm(LoginForm):
    """Address and password. Every attempt counts before it is judged."""

    def validate(self, **kwargs: Any) -> bool:
        """Whether the password is right, and the account whole."""
        if not self.email.data or not self.password.data:
            return bool(super().validate(**kwargs))
        self.errors_of_pause: list[str] = []
        if paused(count_attempt, str(self.email.data), self.errors_of_pause):
            self.form_errors = self.errors_of_pause
            return False
        if not super().validate(**kwargs):
            after_wrong_password(str(self.email.data))
            return False
        user: Any = self.user
        if user is None or user.enrolled_at is None:  # the invitation leads to the end
            self.email.errors = ["unfinished"]
            return False
        after_right_password(user)
        return True


class CodeForm(TwoFactorVerifyCodeForm):
    """A code of an authenticator app."""

    def validate(self, **kwargs: Any) -> bool:
        """Whether it is right, not used, and asked for in time."""
        errors: list[str] = []
        if self.user is not None and paused(count_factor, str(self.user.email), errors):
            self.code.errors = errors
            return False
        good = bool(super().validate(**kwargs))
        if not good and not self.is_setup:
            after_wrong_factor(self.user)
        return good and (not self.is_setup or proved(self.user))


class AppForm(TwoFactorSetupForm):
    """Setting up an authenticator app, which is the one choice that there is."""

    setup = RadioField(choices=[SelectChoice("authenticator")], validate_choice=False)


class HelpForm(TwoFactorRescueForm):
    """For whoever cannot give a code. No page of ours shows it: a recovery code does as much."""

    help_setup = RadioField(choices=[SelectChoice("help")])


class RecoveryForm(MfRecoveryForm):
    """A recovery code."""

    def validate(self, **kwargs: Any) -> bool:
        """Whether it is right; it is used by this."""
        errors: list[str] = []
        if self.user is not None and paused(count_factor, str(self.user.email), errors):
            self.code.errors = errors
            return False
        good = bool(super().validate(**kwargs))
        if not good:
            after_wrong_factor(self.user)
        return good


class AgainForm(VerifyForm):
    """The password once more, for a sensitive act."""

    def validate(self, **kwargs: Any) -> bool:
        """Whether it is right."""
        errors: list[str] = []
        if paused(count_factor, str(self.user.email), errors):
            self.password.errors = errors
            return False
        if not super().validate(**kwargs):
            after_wrong_password(str(self.user.email))
            return False
        return proved(self.user)


class NewPasswordForm(ChangePasswordForm):
    """Another password, for whoever knows the one before."""

    def validate(self, **kwargs: Any) -> bool:
        """Whether the old one is right, and the new one will do."""
        errors: list[str] = []
        if paused(count_factor, str(current_user.email), errors):
            self.password.errors = errors
            return False
        return bool(super().validate(**kwargs)) and proved(current_user)


class KeyForm(WebAuthnSigninResponseForm):
    """What a security key answered to this session's challenge, for the person who is to use it."""

    def validate(self, **kwargs: Any) -> bool:
        """Whether it is a key of that person, and the answer is new."""
        errors: list[str] = []
        person = self._expected()
        if person is None or not use_challenge(self.challenge):
            self.credential.errors = ["Start again, and use your security key when asked."]
            return False
        if paused(count_factor, str(person.email), errors):
            self.credential.errors = errors
            return False
        good = bool(super().validate(**kwargs))
        if good and (self.user is None or self.user.id != person.id):
            self.credential.errors = ["That key is another person's."]
            good = False
        if self.is_verify:
            return good and proved(person)
        if not good:
            after_wrong_factor(person)
        return good

    def _expected(self) -> Any:
        if self.is_verify:
            return current_user
        from_password = session.get(_PENDING)
        if not self.is_secondary or from_password is None:
            return None
        return pending_person(str(from_password))


class NameKeyForm(WebAuthnRegisterForm):
    """The name of a new security key, which can be a second factor alone."""

    usage = RadioField(choices=[SelectChoice("secondary")], default="secondary")


class NewKeyForm(WebAuthnRegisterResponseForm):
    """A new security key: the answer to this session's challenge."""

    def validate(self, **kwargs: Any) -> bool:
        """Whether it may be added."""
        if not use_challenge(self.challenge):
            self.credential.errors = ["Start again, and use your security key when asked."]
            return False
        return bool(super().validate(**kwargs))


class NoKeyForm(WebAuthnDeleteForm):
    """A security key to be taken away, unless it is the last second factor."""

    def validate(self, **kwargs: Any) -> bool:
        """Whether it may go."""
        if not super().validate(**kwargs):
            return False
        if len(current_user.webauthn) == 1 and not current_user.tf_totp_secret:
            self.name.errors = ["This is your only second factor. Set up another one first."]
            return False
        return True


def pending_person(uniquifier: str) -> Person | None:
    """Who has given their password, and owes the second factor."""
    found: Person | None = current_app.extensions["security"].datastore.find_user(
        fs_uniquifier=uniquifier
    )
    return found
