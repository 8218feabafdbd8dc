"""E-mail through real SMTP servers: who is told, what it says, servers that will not take it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date, datetime, timedelta
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mailing import Postbox, certified, dripping, knows, rebound, rude, serving, silent
from rehearsing import AtWork

from gateway.access.absences import away
from gateway.engine.parts import Parts
from gateway.engine.post import backoff, send_due
from gateway.engine.watches import keep_watch, tell_officers
from gateway.receipts.notices import audiences
from gateway.records.alarms import clear_alarm, raise_alarm
from gateway.store import alarms

AT = "2026-03-03T09:00"
CODE, SUBJECT = "flow.nothing-received", "flow:notifications"
WORDS = "Nothing was received for the window of 2 March."
FIRST = [
    f"{party}-officer-{n}@rehearsal.invalid" for party in ("dfe", "panel", "ofsted") for n in (1, 2)
]


def set_mail(work: AtWork, port: int, **more: object) -> None:
    """Point the home at a mail server on the loopback."""
    said = {"host": "127.0.0.1", "port": port, "security": "none", "timeout_seconds": 20}
    said |= {"sender": "gateway@example.test"} | more
    lines = [f'{name} = "{value}"' if isinstance(value, str) else f"{name} = {value}"
             for name, value in said.items()]  # fmt: skip
    work.settings("[mail]\n" + "\n".join(lines) + "\n")


@contextmanager
def alarmed(work: AtWork) -> Iterator[tuple[Parts, datetime]]:
    """The home's parts, with one alarm open."""
    with work.parts(AT) as (parts, now):
        with parts.database.transaction() as tx:
            raise_alarm(tx, CODE, SUBJECT, WORDS, now)
        yield parts, now


def states(work: AtWork) -> dict[str, tuple[str, int, str | None]]:
    """State, attempts and last fault of the mail to each officer."""
    asked = "SELECT officer, state, attempts, last_fault FROM mails ORDER BY id"
    return {officer: tuple(rest) for officer, *rest in work.query(asked)}


def all_queued(work: AtWork, fault: str) -> bool:
    found = states(work)
    return len(found) == 6 and set(found.values()) == {("queued", 1, fault)}


# --- who is told, and what it says ---------------------------------------------------------------


def test_each_officer_concerned_is_told_once(work: AtWork) -> None:
    postbox = Postbox()
    with serving(postbox) as port:
        set_mail(work, port)
        with alarmed(work) as (parts, now):
            assert tell_officers(parts, now) == 6
            assert len(send_due(parts, now).sent) == 6
            later = now + timedelta(minutes=5)
            assert tell_officers(parts, later) == 0
            assert send_due(parts, later).sent == []
    assert postbox.addresses() == FIRST
    _is_fit_to_send(postbox.taken[0][1])
    sent = work.leaves("mail.sent")
    assert [leaf["facts"] for leaf in sent] == [
        {"kind": "alarm", "party": party}
        for party in ("dfe", "dfe", "panel", "panel", "ofsted", "ofsted")
    ]
    assert "officer-1" not in str(sent)
    assert len({made["Message-ID"] for _, made in postbox.taken}) == 6


def _is_fit_to_send(made: Message) -> None:
    assert made["From"] == "gateway@example.test"
    assert made["Subject"] == "REHEARSAL: Gateway: nothing was received for a window"
    assert made["Auto-Submitted"] == "auto-generated"
    assert made["Message-ID"].endswith("@example.test>")
    assert made["Date"] == "Tue, 03 Mar 2026 09:00:00 +0000"
    body = made.get_payload(decode=True)
    assert isinstance(body, bytes)
    assert WORDS in body.decode()
    assert f"Alarm: {CODE}" in body.decode()


def test_who_stays_untold_is_told_higher_up(work: AtWork) -> None:
    postbox = Postbox()
    with serving(postbox) as port:
        set_mail(work, port)
        with alarmed(work) as (parts, now):
            for hours, told in ((0, (1, 2)), (7.9, ()), (8, (1, 2, 3)), (31.9, ()), (32, (3,))):
                before = len(postbox.taken)
                keep_watch(parts, now + timedelta(hours=hours))
                fresh = [
                    to
                    for to, made in postbox.taken[before:]
                    if to.startswith("dfe") and "digest" not in made["Subject"]
                ]
                assert fresh == [f"dfe-officer-{n}@rehearsal.invalid" for n in told], hours
    levels = [
        leaf["facts"] for leaf in work.leaves("alarm.escalated") if leaf["subject"] == SUBJECT
    ]
    assert levels == [{"code": CODE, "level": 1}, {"code": CODE, "level": 2}]
    bodies = str([made.get_payload() for _, made in postbox.taken])
    assert "It has stood for 8 working hours" in bodies


def test_a_deputy_is_told_in_place_of_who_is_away(work: AtWork) -> None:
    postbox = Postbox()
    with serving(postbox) as port:
        set_mail(work, port)
        with alarmed(work) as (parts, now):
            with parts.database.transaction() as tx:
                who = ("dfe-officer-1", "dfe-officer-3")
                away(tx, parts.officers, *who, date(2026, 3, 3), date(2026, 3, 4), now)
                who = ("panel-officer-1", "panel-officer-2")  # who is told anyway: once
                away(tx, parts.officers, *who, date(2026, 3, 3), date(2026, 3, 4), now)
            tell_officers(parts, now)
            send_due(parts, now)
    assert [item.removesuffix("@rehearsal.invalid") for item in postbox.addresses()] == [
        "dfe-officer-3",
        "dfe-officer-2",
        "panel-officer-2",
        "ofsted-officer-1",
        "ofsted-officer-2",
    ]


def test_without_a_mail_server_nothing_is_queued_and_open_alarms_are_told_later(
    work: AtWork,
) -> None:
    with alarmed(work) as (parts, now):
        assert keep_watch(parts, now) == []
    assert states(work) == {}
    postbox = Postbox()
    with serving(postbox) as port:
        set_mail(work, port)
        with work.parts("2026-03-03T09:10") as (parts, now):
            keep_watch(parts, now)
    assert set(FIRST) <= set(postbox.addresses())


AUDIENCES = [
    ("delivery:notifications-2026-03-02-01:panel", "delivery.not-collected",
     {"panel": "recipient", "ofsted": "sender"}),
    ("delivery:scr-updates-2026-03-06-01:ofsted", "delivery.not-opened",
     {"ofsted": "recipient", "dfe": "sender"}),
    ("window:notifications:2026-03-02", "window.missed",
     {"dfe": "recipient", "panel": "recipient", "ofsted": "sender"}),
    ("window:notifications:2026-03-02", "drop.not-by-cut-off", {"ofsted": "sender"}),
    ("flow:scr-updates", "update.late", {"ofsted": "recipient", "dfe": "sender"}),
    ("inbox:dfe:scr-updates:0011", "door.symlink", {"dfe": "sender"}),
    ("key:panel:exchange:30", "key.expiring", {"panel": "home"}),
    ("token:panel:0123456789abcdef:14", "token.ending", {"panel": "home"}),
    ("receipts:panel", "receipts.stray", {"panel": "recipient"}),
    ("request:gone", "request.failed", {"ofsted": "home", "dfe": "home", "panel": "home"}),
    ("drop:gone", "drop.stuck", {"ofsted": "home", "dfe": "home", "panel": "home"}),
    ("thread:gone", "query.unanswered", {"ofsted": "home", "dfe": "home", "panel": "home"}),
    ("disk:var", "disk.low", {"ofsted": "home", "dfe": "home", "panel": "home"}),
    ("delivery:gone-2026-03-02-01:dfe", "outbox.missing",
     {"ofsted": "home", "dfe": "home", "panel": "home"}),
]  # fmt: skip


def test_whom_an_alarm_concerns(work: AtWork) -> None:
    with work.parts(AT) as (parts, now), parts.database.transaction() as tx:
        for subject, code, concerned in AUDIENCES:
            raise_alarm(tx, code, subject, "Words.", now)
            found = audiences(tx, alarms.open_alarms(tx)[-1], parts.agreed)
            assert {item.party: item.side for item in found} == concerned, subject
            clear_alarm(tx, code, subject, now)


# --- servers that do not take it -----------------------------------------------------------------


def test_a_refused_recipient_holds_up_nobody_and_is_given_up_after_five_days(work: AtWork) -> None:
    postbox = Postbox(refused={FIRST[0]})
    with serving(postbox) as port:
        set_mail(work, port)
        with alarmed(work) as (parts, now):
            tell_officers(parts, now)
            send_due(parts, now)
            assert postbox.addresses() == FIRST[1:]
            assert states(work)["dfe-officer-1"] == ("queued", 1, "mail.recipient-refused")
            send_due(parts, now + timedelta(seconds=59))
            assert states(work)["dfe-officer-1"][1] == 1  # not before its time
            send_due(parts, now + timedelta(days=4, hours=23))
            assert states(work)["dfe-officer-1"][:2] == ("queued", 2)
            send_due(parts, now + timedelta(days=5, hours=4))
            assert states(work)["dfe-officer-1"][0] == "given-up"
    (leaf,) = work.leaves("mail.given-up")
    assert leaf["facts"] == {"kind": "alarm", "party": "dfe", "code": "mail.recipient-refused"}
    assert work.alarms()["mail.given-up"] == "mail:dfe"
    assert postbox.addresses() == FIRST[1:]


def test_a_server_that_is_down_for_a_day_loses_nothing(work: AtWork) -> None:
    postbox = Postbox()
    with serving(postbox) as port:
        set_mail(work, port)
    with alarmed(work) as (parts, now):
        tell_officers(parts, now)
        for minutes in range(0, 24 * 60, 30):
            posted = send_due(parts, now + timedelta(minutes=minutes))
            assert posted.sent == []
        assert {state for state, *_ in states(work).values()} == {"queued"}
        assert work.alarms()["mail.failing"] == "mail"
        with serving(postbox, rebound(port)):
            send_due(parts, now + timedelta(hours=28))
    assert postbox.addresses() == FIRST
    assert "mail.failing" not in work.alarms()


def test_a_dead_server_is_asked_once_for_all(work: AtWork) -> None:
    calls: list[int] = []

    def hang_up(_line: object, _over: object) -> None:
        calls.append(1)

    with rude(hang_up) as port:
        set_mail(work, port)
        with alarmed(work) as (parts, now):
            tell_officers(parts, now)
            send_due(parts, now)
    assert len(calls) == 1
    assert all_queued(work, "mail.broken-off")


@pytest.mark.parametrize("behaviour", [silent, dripping])
def test_a_server_that_keeps_one_waiting_does_not_hold_up_the_tick(
    work: AtWork, behaviour: Any
) -> None:
    with rude(behaviour) as port:
        set_mail(work, port, timeout_seconds=0.4)
        with alarmed(work) as (parts, now):
            assert keep_watch(parts, now) == []
    assert all_queued(work, "mail.broken-off")


def test_a_message_sent_again_after_a_crash_is_known_for_the_same(work: AtWork) -> None:
    postbox = Postbox()
    with serving(postbox) as port:
        set_mail(work, port)
        with alarmed(work) as (parts, now):
            tell_officers(parts, now)
            send_due(parts, now)
            _as_a_crash_leaves_it(work)
            send_due(parts, now + timedelta(minutes=2))
    first, second = postbox.taken[:6], postbox.taken[6:]
    assert [(to, made["Message-ID"]) for to, made in first] == [
        (to, made["Message-ID"]) for to, made in second
    ]


def _as_a_crash_leaves_it(work: AtWork) -> None:
    with closing(sqlite3.connect(work.home.database)) as plain, plain:
        plain.execute("UPDATE mails SET state = 'queued', sent_at = NULL")


@given(st.integers(1, 500))
def test_the_wait_doubles_up_to_four_hours(attempts: int) -> None:
    assert backoff(1) == timedelta(minutes=1)
    assert backoff(attempts) <= backoff(attempts + 1) <= timedelta(hours=4)
    assert backoff(attempts + 1) in (2 * backoff(attempts), timedelta(hours=4))


# --- TLS and sign-in -----------------------------------------------------------------------------


def _password(work: AtWork, text: str, mode: int = 0o600) -> None:
    path = work.home.keys / "mail.password"
    path.write_text(f"{text}\n")
    path.chmod(mode)


@pytest.mark.filterwarnings(
    "ignore:Requiring AUTH while not requiring TLS"
)  # it knows STARTTLS alone
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_over_tls_with_a_password(
    work: AtWork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, security: str
) -> None:
    context, trusted = certified(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    asked: list[str] = []
    account = {"authenticator": knows("gateway", "a good one", asked), "auth_required": True}
    tls = {"tls_context": context, "require_starttls": True}
    if security == "tls":
        tls = {"ssl_context": context, "auth_require_tls": False}
    postbox = Postbox()
    with serving(postbox, **tls, **account) as port:
        set_mail(
            work, port, host="localhost", security=security, username="gateway", timeout_seconds=10
        )
        with alarmed(work) as (parts, now):
            tell_officers(parts, now)
            send_due(parts, now)
            assert all_queued(work, "mail.password-absent")
            _password(work, "a good one", 0o644)
            send_due(parts, now + timedelta(minutes=2))
            assert {item[2] for item in states(work).values()} == {"mail.password-open"}
            _password(work, "a bad one")
            send_due(parts, now + timedelta(minutes=6))
            assert {item[2] for item in states(work).values()} == {"mail.login-refused"}
            _password(work, "a good one")
            send_due(parts, now + timedelta(minutes=20))
    assert postbox.addresses() == FIRST
    assert set(asked) == {"gateway"}


def test_a_server_that_cannot_be_trusted_gets_neither_password_nor_mail(
    work: AtWork, tmp_path: Path
) -> None:
    context, _ = certified(tmp_path)
    asked: list[str] = []
    postbox = Postbox()
    account = {"authenticator": knows("gateway", "a good one", asked)}
    with serving(postbox, tls_context=context, require_starttls=True, **account) as port:
        set_mail(work, port, host="localhost", security="starttls", username="gateway")
        _password(work, "a good one")
        with alarmed(work) as (parts, now):
            tell_officers(parts, now)
            send_due(parts, now)
    assert all_queued(work, "mail.not-trusted")
    assert (asked, postbox.taken) == ([], [])


def test_a_server_without_tls_gets_nothing_when_tls_is_asked_for(work: AtWork) -> None:
    postbox = Postbox()
    with serving(postbox) as port:
        set_mail(work, port, security="starttls")
        with alarmed(work) as (parts, now):
            tell_officers(parts, now)
            send_due(parts, now)
    assert all_queued(work, "mail.not-supported")
    assert postbox.taken == []


def test_nothing_crosses_the_network_in_the_clear(work: AtWork) -> None:
    set_mail(work, 25, host="mail.example.test", security="none")
    with alarmed(work) as (parts, now):
        tell_officers(parts, now)
        send_due(parts, now)
    assert all_queued(work, "mail.not-private")
