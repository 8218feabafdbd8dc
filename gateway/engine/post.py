"""The post: queued e-mails go to the mail server, within a time that no server can stretch.

An attempt is counted before it is made, with the time of the next, so that a worker that is killed
between the server's answer and the commit sends the same message again: with the same Message-ID,
by which mail systems know a duplicate. A server that is down for a day loses nothing: what is
queued is tried again after 1, 2, 4 … minutes, at most 4 hours apart, and given up after 5 days.
"""

import hashlib
import smtplib
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from threading import Event, Timer
from typing import Any

from gateway.crypto.credentials import secret_file
from gateway.engine.parts import Parts
from gateway.records.alarms import clear_alarm, raise_alarm
from gateway.records.leaf import Fact
from gateway.records.ledger import event, record
from gateway.refusal import Refusal
from gateway.settings import MailSettings
from gateway.store import mails
from gateway.store.database import Transaction
from gateway.store.mails import MailRow

_FIRST_WAIT, _LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=4)
_GIVE_UP_AFTER = timedelta(days=5)
_TELL_AFTER = timedelta(hours=4)
_BUDGET_IN_TIMEOUTS = 2  # all of one tick's post, in times of one answer
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class PostFault(Refusal):
    """The post cannot leave as the settings and keys are. Codes: mail.*"""


@dataclass
class Posted:
    """What one round of the post did: ids of rows."""

    sent: list[int] = field(default_factory=list)
    failed: dict[int, str] = field(default_factory=dict)  # row: code


def send_due(parts: Parts, now: datetime) -> Posted:
    """Send what is due, as far as the time of one tick goes. Nothing without a mail server.

    Raises StoreFault; whatever the server does is counted, and tried again later.
    """
    posted = Posted()
    if not parts.settings.mail.host:
        return posted
    with parts.database.transaction() as tx:
        waiting = mails.due(tx, now)
    if waiting:
        _send(parts, waiting, now, posted)
    with parts.database.transaction() as tx:
        _tell_of_failing(tx, now)
    return posted


def backoff(attempts: int) -> timedelta:
    """How long to wait after so many attempts in vain."""
    doubled: timedelta = _FIRST_WAIT * (1 << min(max(attempts - 1, 0), 16))
    return min(doubled, _LONGEST_WAIT)


def password_of(keys: Path) -> str:
    """The mail server's password, from ``keys/mail.password``.

    Raises PostFault when it is not there or not private.
    """
    path, forbidden = secret_file(keys / "mail.password")
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise PostFault(
            "mail.password-absent",
            "The password of the mail server cannot be read.",
            "Write it into keys/mail.password, mode 0600, or take `username` out of [mail].",
        ) from error
    if mode & forbidden:
        raise PostFault(
            "mail.password-open",
            "The password of the mail server can be read by others.",
            "Run: chmod 600 keys/mail.password; and change the password.",
        )
    return text


def _send(parts: Parts, waiting: list[MailRow], now: datetime, posted: Posted) -> None:
    left = list(waiting)
    try:
        with _connected(parts.settings.mail, parts.home.keys) as (line, over):
            while left and not over.is_set():
                row = left[0]
                if not _claimed(parts, row, now):
                    left.pop(0)
                    continue
                fault = _offer(line, row, parts.settings.mail)
                left.pop(0)
                _settle(parts, row, fault, now, posted)
                if fault in ("mail.broken-off", "mail.unreachable"):
                    break
    except (OSError, PostFault) as error:  # SMTPException is an OSError
        # Nobody was reached: all that is due waits together, so that a dead server is asked once.
        for row in left:
            if _claimed(parts, row, now):
                _settle(parts, row, _code(error), now, posted)


def _claimed(parts: Parts, row: MailRow, now: datetime) -> bool:
    budget = timedelta(seconds=parts.settings.mail.timeout_seconds * _BUDGET_IN_TIMEOUTS)
    with parts.database.transaction() as tx:
        return mails.claim(tx, row, now + max(backoff(row.attempts + 1), budget))


def _offer(line: smtplib.SMTP, row: MailRow, settings: MailSettings) -> str | None:
    """Offer one e-mail to the server; the code of what went wrong, or None."""
    try:
        line.send_message(message(row, settings), settings.sender, [row.address])
    except (OSError, ValueError) as error:
        return _code(error)
    return None


def _settle(parts: Parts, row: MailRow, fault: str | None, now: datetime, posted: Posted) -> None:
    commits: dict[str, Fact] = {"officer": row.officer}
    facts: dict[str, Fact] = {"kind": row.kind, "party": row.party}
    subject = f"mail:{row.id}"
    with parts.database.transaction() as tx:
        if fault is None:
            posted.sent.append(row.id)
            if mails.mark_sent(tx, row, now):
                record(tx, event("mail.sent", subject, "", facts, commits), now)
                clear_alarm(tx, "mail.given-up", f"mail:{row.party}", now)
            return
        posted.failed[row.id] = fault
        given_up = now - row.made_at >= _GIVE_UP_AFTER
        if mails.mark_failed(tx, row, fault, given_up) and given_up:
            facts["code"] = fault
            record(tx, event("mail.given-up", subject, "", facts, commits), now)
            words = (
                f"An e-mail to an officer of {row.party} was tried for five days in vain "
                f"({fault}). Check the officers' addresses; the alarms themselves still stand."
            )
            raise_alarm(tx, "mail.given-up", f"mail:{row.party}", words, now)


def _tell_of_failing(tx: Transaction, now: datetime) -> None:
    since = mails.failing_since(tx)
    if since is None:
        clear_alarm(tx, "mail.failing", "mail", now)
    elif now - since >= _TELL_AFTER:
        words = (
            "E-mail has not left for four hours or longer. What waits is tried again by itself, "
            "for five days. Check the mail server and [mail] in the settings; `doctor` helps."
        )
        raise_alarm(tx, "mail.failing", "mail", words, now)


def message(row: MailRow, settings: MailSettings) -> EmailMessage:
    """The e-mail itself: the same row always gives the same message, its Message-ID included."""
    made = EmailMessage(policy=SMTP)
    made["From"] = settings.sender
    made["To"] = row.address
    made["Subject"] = row.subject
    made["Date"] = format_datetime(row.made_at)
    named = hashlib.sha256(f"{row.key}|{row.made_at.isoformat()}".encode()).hexdigest()[:32]
    made["Message-ID"] = f"<{named}.{row.id}@{_domain(settings)}>"
    made["Auto-Submitted"] = "auto-generated"
    made["X-Auto-Response-Suppress"] = "All"
    made.set_content(row.body)
    return made


def _domain(settings: MailSettings) -> str:
    return settings.sender.rpartition("@")[2] or "localhost"


@contextmanager
def _connected(settings: MailSettings, keys: Path) -> Iterator[tuple[smtplib.SMTP, Event]]:
    """A line to the mail server, cut when the tick's time for post is over (the event is set)."""
    require_private(settings)
    password = password_of(keys) if settings.username else ""
    over = Event()
    open_lines: list[smtplib.SMTP] = []

    def cut() -> None:
        over.set()
        for line in open_lines:
            if line.sock is not None:
                with suppress(OSError):
                    line.sock.shutdown(socket.SHUT_RDWR)

    seconds = settings.timeout_seconds * _BUDGET_IN_TIMEOUTS
    timer = Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        line = _line(settings, open_lines, time.monotonic() + seconds)
        if settings.username:
            line.login(settings.username, password)
        yield line, over
        with suppress(OSError):
            line.quit()
    finally:
        timer.cancel()
        for line in open_lines:
            line.close()


def _line(settings: MailSettings, open_lines: list[smtplib.SMTP], until: float) -> smtplib.SMTP:
    class Plain(smtplib.SMTP):
        def send(self, s: Any) -> None:
            """Not a byte after the time is over: a worker that stood still ends nothing here.

            By then the next attempt may have been made, and by another worker.
            """
            if time.monotonic() > until:
                self.close()
                raise TimeoutError("the time of this attempt is over")
            super().send(s)

        def connect(self, *args: object, **more: object) -> tuple[int, bytes]:
            open_lines.append(self)  # so that it can be cut while the server is still silent
            return super().connect(*args, **more)  # type: ignore[arg-type]

    class Secure(Plain, smtplib.SMTP_SSL):
        pass

    where, name = (settings.host, settings.port), _domain(settings)
    if settings.security == "tls":
        context = ssl.create_default_context()
        return Secure(*where, name, timeout=settings.timeout_seconds, context=context)
    line = Plain(*where, name, timeout=settings.timeout_seconds)
    if settings.security == "starttls":
        line.starttls(context=ssl.create_default_context())
    return line


def require_private(settings: MailSettings) -> None:
    """Raises PostFault where e-mail would leave this computer in the clear."""
    if settings.security == "none" and settings.host not in _LOOPBACK:
        raise PostFault(
            "mail.not-private",
            "E-mail would cross the network in the clear.",
            'Set security = "starttls" or "tls" in [mail]; "none" is for this computer alone.',
        )


def _code(error: Exception) -> str:
    """What went wrong, as a code: a server's own words may hold anything."""
    if isinstance(error, PostFault):
        return error.code
    kinds: tuple[tuple[type[Exception], str], ...] = (
        (smtplib.SMTPRecipientsRefused, "mail.recipient-refused"),
        (smtplib.SMTPAuthenticationError, "mail.login-refused"),
        (smtplib.SMTPNotSupportedError, "mail.not-supported"),
        (smtplib.SMTPServerDisconnected, "mail.broken-off"),
        (smtplib.SMTPResponseException, "mail.refused"),
        (ssl.SSLError, "mail.not-trusted"),
        (OSError, "mail.unreachable"),
    )
    return next((code for kind, code in kinds if isinstance(error, kind)), "mail.malformed")
