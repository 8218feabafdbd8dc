"""Who is told of an alarm by e-mail, and what it says.

One e-mail for each alarm, level and officer. It names parties, flows, packages and days, and says
what to do; it holds no value, no reference, no name of a dropped file. A deputy is told in place
of an officer who is away.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from gateway.access.absences import acting_for
from gateway.access.officers import Officer, Officers
from gateway.agreement.load import Agreed
from gateway.agreement.model import Role
from gateway.agreement.windows import london_date
from gateway.receipts.deadlines import agreed_about
from gateway.store import alarms, mails
from gateway.store.alarms import AlarmRow, Place
from gateway.store.database import Transaction

Side = Literal["sender", "recipient", "home"]
ADMINISTRATOR: Role = "administrator"
_ABOUT_THE_SENDER_ALONE = ("drop.not-by-cut-off",)
TITLES: Mapping[str, str] = {
    "drop.not-by-cut-off": "no drop for today's window yet",
    "update.late": "the weekly update is late",
    "delivery.not-collected": "a package was not collected in time",
    "delivery.not-opened": "a package was not opened in time",
    "delivery.not-accepted": "a package was not accepted in time",
    "query.unanswered": "a query was not answered in time",
    "recall.statement-owed": "a recalled package is to be signed for",
    "request.failed": "what two officers approved could not be done",
    "receipts.stray": "something in the folder for receipts is no receipt",
    "window.missed": "a window was missed",
    "window.went-without": "a window went without a drop",
    "flow.nothing-received": "nothing was received for a window",
    "flow.rows-held": "every row of a window is held",
    "key.expiring": "a key will expire",
    "key.expired": "a key has expired",
    "key.revoked": "a key was revoked",
    "key.missing": "a key is missing",
    "key.mismatched": "a key is not the pinned one",
    "key.unfit": "a key is not fit for its use",
    "token.ending": "a token will end",
    "register.due-soon": "a request is soon to be answered",
    "register.overdue": "a request was not answered in time",
    "register.not-told": "the other party was not told of a request",
    "register.unacknowledged": "an entry of a register is to be acknowledged",
    "register.altered": "an entry of a register was altered",
    "incident.unacknowledged": "an incident is to be acknowledged at once",
    "incident.ico-open": "the ICO's 72 hours are running",
    "incident.ico-late": "the ICO's 72 hours have ended",
    "incident.not-consulted": "the response to an incident is not agreed",
    "training.lapsing": "training will lapse",
    "training.lapsed": "training has lapsed",
    "meeting.overdue": "a meeting of the bodies is due",
    "monitoring.missed": "nobody has looked at the online account",
    "disk.low": "the disk is filling",
    "clock.back": "the clock is wrong",
    "clock.wrong": "the clock is wrong",
    "mail.failing": "e-mail does not leave",
    "sign-in.storm": "somebody tries again and again to sign in",
    "mail.given-up": "an e-mail was given up",
}


@dataclass(frozen=True)
class Audience:
    """A party that an alarm concerns, and on which side of it the party stands."""

    party: str
    side: Side


def queue_notices(
    tx: Transaction, agreed: Mapping[str, Agreed], officers: Officers, now: datetime, mark: str = ""
) -> int:
    """Queue what is to be told of the open alarms and was not told before; how many are new.

    ``mark`` begins every subject, as REHEARSAL does in a rehearsal.
    """
    count = 0
    for alarm in alarms.open_alarms(tx):
        item = agreed_about(agreed, alarm.subject)
        for level in range(alarm.level + 1):
            for party, officer in _told(tx, alarm, level, agreed, officers, now):
                count += mails.add_once(
                    tx,
                    key=f"alarm:{alarm.id}:{level}:{officer.id}",
                    kind="alarm",
                    party=party,
                    officer=officer.id,
                    address=officer.email,
                    subject=f"{mark}Gateway: {TITLES.get(alarm.code, 'an alarm needs you')}",
                    body=_body(alarm, level, item),
                    made_at=now,
                )
    return count


def audiences(
    tx: Transaction, alarm: AlarmRow, agreed: Mapping[str, Agreed]
) -> tuple[Audience, ...]:
    """The parties that an alarm concerns. What concerns the home itself concerns them all."""
    return audiences_of(tx, [alarm], agreed)[0]


def audiences_of(
    tx: Transaction, found: Sequence[AlarmRow], agreed: Mapping[str, Agreed]
) -> list[tuple[Audience, ...]]:
    """The same for each of some alarms, whose subjects are looked up together."""
    known = alarms.places(tx, [alarm.subject for alarm in found])
    return [_audiences(alarm, agreed, known.get(alarm.subject)) for alarm in found]


def _audiences(
    alarm: AlarmRow, agreed: Mapping[str, Agreed], place: Place | None
) -> tuple[Audience, ...]:
    """``place``: of the thread, drop or request that it is about; None where there is none."""
    kind, _, about = alarm.subject.partition(":")
    parts = about.split(":")
    if kind == "delivery":
        return _between(agreed, _flow_of(agreed, parts[0]), parts[-1])
    if kind in ("flow", "window") and parts[0] in agreed:
        if alarm.code in _ABOUT_THE_SENDER_ALONE:
            return (Audience(_sender(agreed, parts[0]), "sender"),)
        return _between(agreed, parts[0], None)
    if kind == "thread":
        return _between(agreed, place.flow, place.party) if place else _home(agreed)
    if kind in ("drop", "request"):
        return (Audience(place.party, "sender"),) if place else _home(agreed)
    if kind == "inbox" and len(parts) > 1 and parts[1] in agreed:
        return (Audience(parts[0], "sender"),)
    if kind in ("key", "token", "register") and parts[0] in _parties(agreed):
        return (Audience(parts[0], "home"),)
    if kind == "receipts" and parts[0] in _parties(agreed):
        return (Audience(parts[0], "recipient"),)
    return _home(agreed)


def _between(agreed: Mapping[str, Agreed], flow_id: str, party: str | None) -> tuple[Audience, ...]:
    """The sender of a flow, and one of its recipients (None: all of them)."""
    if flow_id not in agreed:
        return _home(agreed)
    flow = agreed[flow_id].agreement.flow(flow_id)
    to = [item.party for item in flow.recipients if party in (None, item.party)]
    return (*(Audience(item, "recipient") for item in to), Audience(flow.sender, "sender"))


def _flow_of(agreed: Mapping[str, Agreed], package_id: str) -> str:
    """The flow of a package, whose id is ``<flow>-<day>-<number>``."""
    return next((flow for flow in agreed if package_id.startswith(f"{flow}-2")), "")


def _sender(agreed: Mapping[str, Agreed], flow_id: str) -> str:
    return agreed[flow_id].agreement.flow(flow_id).sender


def _parties(agreed: Mapping[str, Agreed]) -> tuple[str, ...]:
    found = (party.id for item in agreed.values() for party in item.agreement.parties)
    return tuple(dict.fromkeys(found))


def _home(agreed: Mapping[str, Agreed]) -> tuple[Audience, ...]:
    return tuple(Audience(party, "home") for party in _parties(agreed))


def _told(
    tx: Transaction,
    alarm: AlarmRow,
    level: int,
    agreed: Mapping[str, Agreed],
    officers: Officers,
    now: datetime,
) -> Iterator[tuple[str, Officer]]:
    steps = agreed_about(agreed, alarm.subject).agreement.escalation
    tells = steps[min(level, len(steps) - 1)].tells
    for audience in audiences(tx, alarm, agreed):
        for officer in _holding(officers, audience, tells, level):
            acting = acting_for(tx, officers, officer.id, london_date(now))
            yield audience.party, acting


def _holding(
    officers: Officers, audience: Audience, tells: tuple[Role, ...], level: int
) -> tuple[Officer, ...]:
    """A party's officers of the roles told at a level; all of them where no one has such a role.

    What concerns the home itself is for administrators, at once.
    """
    if audience.side == "home":
        roles = {ADMINISTRATOR} if level == 0 else set()
    else:
        other = "recipient" if audience.side == "sender" else "sender"
        roles = set(tells) - {other}
    if not roles:
        return ()
    everybody = officers.of(audience.party)
    return tuple(item for item in everybody if roles & set(item.roles)) or everybody


def _body(alarm: AlarmRow, level: int, agreed: Agreed) -> str:
    zone = agreed.working_days.zone
    raised = f"{alarm.raised_at.astimezone(zone):%A %d %B %Y, %H:%M}"
    lines = [_words(alarm), "", f"Alarm: {alarm.code}", f"Raised: {raised} ({zone.key})"]
    if level:
        hours = agreed.agreement.escalation[level].working_hours
        lines.append(f"It has stood for {hours} working hours, so more people are told of it.")
    lines += [
        "",
        "The alarm ends by itself when what is owed has come. `status` at the gateway shows how",
        "things stand. You are told because of your role, or as the deputy of an officer who is",
        "away. Nobody reads answers to this address.",
        "",
    ]
    return "\n".join(lines)


def _words(alarm: AlarmRow) -> str:
    """The alarm's own words; for what may name a folder or a part of the system, none of them."""
    if alarm.code in TITLES:
        return alarm.words
    return (
        f"The gateway has raised the alarm {alarm.code}. Its words may name folders of the gateway,"
        " so they are not in this message: whoever looks after the gateway runs `status`."
    )
