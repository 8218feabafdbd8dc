"""The page of an evidence pack that people read: what went when, and a timeline. No scripts.

It is the gateway's own telling, from the leaves and rows that the pack holds; the proofs lie in
the other files. It names no officer, and no case.
"""

import html
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from gateway.agreement.windows import LONDON
from gateway.store.evidence import Row

_MOST = 2_000  # events on the page; the others lie in leaves.bin
_WORDS = {
    "home.made": "The gateway's home was made",
    "key.pinned": "A key of {party} was pinned: {role}",
    "drop.received": "{party} dropped an extract for {flow}",
    "drop.judged": "The extract was judged: {state}",
    "window.due": "The window of {flow} fell due",
    "window.packed": "The window of {flow} was packed as {package}",
    "window.covered": "The window of {flow} is covered by {package}",
    "package.sealed": "A package of {flow} was signed and sealed: {kind}",
    "delivery.placed": "{package} was placed for {party}",
    "package.accepted": "Every recipient has accepted the package",
    "receipt.recorded": "{party}: {kind} {package}",
    "receipt.refused": "A receipt of {party} was refused: {code}",
    "password.released": "The password of {package} was released to {party}",
    "request.made": "An officer of {party} asked: {act}",
    "request.approved": "An officer of {party} approved: {act}",
    "request.done": "It was carried out: {act}",
    "package.recalled": "The package was recalled",
    "package.superseded": "The package was replaced by {by}",
    "query.opened": "{party} asked about {package}",
    "query.answered": "{party} answered about {package}",
    "query.closed": "{party} closed its query about {package}",
    "alarm.raised": "Alarm: {code}",
    "alarm.escalated": "Alarm told higher up: {code}",
    "alarm.cleared": "Alarm ended: {code}",
    "reconciliation.placed": "The weekly list was placed for {party}",
    "checkpoint.made": "The record was signed: {size} events",
    "witness.seen": "{party} has seen {size} events of the record",
    "agreement.signed": "{party} signed the agreement",
    "agreement.withdrawn": "{party} withdrew its signature",
    "agreement.effective": "The agreement took effect: version {version}",
    "hold.begun": "A hold began: {scope}",
    "hold.ended": "A hold ended: {scope}",
    "vault.audited": "The vault was audited: {objects} objects, {wrong} altered, {missing} missing",
    "original.handed-over": "A sealed original was handed over to {party}",
    "object.destroyed": "An object was destroyed: {kind}",
    "deletion.refused": "A deletion was refused",
    "register.entered": "Register of {register}: {party} made an entry",
    "register.step": "Register of {register}: {party}, {step}",
    "register.moved": "Register of {register}: {party}, now {to}",
    "home.upgraded": "The gateway was upgraded to {version}",
    "drop.sent": "An extract's rows went in {package}",
    "drop.withdrawn": "{party} withdrew an extract for {flow}",
    "drop.replaced": "{party} replaced an extract for {flow}",
    "drop.recounted": "An extract's rows were counted anew",
    "package.placed": "The package was placed with all its recipients",
    "officer.pinned": "The key of an officer of {party} was pinned",
    "officer.away": "An officer of {party} is away from {from} until {until}, with a deputy",
    "request.refused": "An act for {party} was refused: {act}, {code}",
    "request.withdrawn": "An officer of {party} withdrew a request: {act}",
    "request.failed": "An act could not be carried out: {act}, {code}",
    "token.made": "A token was made for a program of {party}, until {expires}",
    "token.revoked": "A token of {party} was revoked",
    "access.refused": "A login as {party} was refused: {code}",
    "password.refused": "A password was refused to {party}: {code}",
    "delivery.recalled": "{package} was withdrawn from {party}",
    "rows.released": "Held rows were released by two officers",
    "reconciliation.listed": "The weekly list for {party} was made",
    "rehearsal.begun": "A test package for {party} was sent",
    "rehearsal.passed": "{party} opened the test package",
    "mail.sent": "An e-mail went to an officer of {party}: {kind}",
    "mail.given-up": "An e-mail to an officer of {party} could not be sent: {code}",
    "clock.back": "The clock had been set back by {seconds} seconds",
    "log.opened": "A new log was opened by both parties: leaves {lost_from} to {lost_to} are lost",
    "ledger.key-changed": "The key that signs the record was changed by both parties",
    "witness.lost": "{party} had seen {size} events of log {log}, some of which are lost",
    "package.lost": "A package lies in an outbox, and the record of it is lost",
    "agreement.seen": "The agreement was read: version {version}",
    "hold.reviewed": "A hold was reviewed: {scope}, next on {review}",
    "person.invited": "A person of {party} was invited to the site",
    "person.enrolled": "A person of {party} set up their account",
    "person.reset": "The second factor of a person of {party} was taken away",
    "person.left": "A person of {party} left: every grant and session ended",
    "person.proof": "A person of {party} changed how they sign in: {what}",
    "grant.made": "A grant of {party} was made: {role} of {flow}",
    "grant.revoked": "A grant of {party} was revoked: {role} of {flow}",
    "session.begun": "A person of {party} signed in: {way}",
    "session.ended": "A person of {party} was signed out of {count} sessions",
    "sign-in.paused": "Sign-in was paused after too many attempts: {kind}",
    "evidence.exported": "An evidence pack of {from} to {until} was made",
}
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  color: #0b0c0c; background: #fff }
table { border-collapse: collapse; width: 100%; margin: 1rem 0 }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid #b1b4b6;
  vertical-align: top; overflow-wrap: anywhere }
ol.line { list-style: none; margin: 0 0 0 .5rem; padding: 0; border-left: 3px solid #1d70b8 }
ol.line li { margin: 0 0 .4rem; padding: 0 0 0 1rem; position: relative; overflow-wrap: anywhere }
ol.line li::before { content: ""; position: absolute; left: -8px; top: .5rem; width: 12px;
  height: 12px; border-radius: 50%; background: #1d70b8 }
ol.line li.alarm::before { background: #d4351c }
ol.line li.signed::before { background: #00703c }
ol.line li.package::before { background: #4c2c92 }
time { color: #505a5f; font-variant-numeric: tabular-nums; margin-right: .6rem }
.rehearsal { border-left: 6px solid #d4351c; padding-left: .8rem; font-weight: bold }
"""


class Summary:
    """Gathers what the page tells, leaf by leaf."""

    def __init__(
        self, packages: Iterable[Row], deliveries: Iterable[Row], receipts: Iterable[Row]
    ) -> None:
        self._packages = {row["id"]: row for row in packages}
        self._deliveries = list(deliveries)
        self._receipts: dict[str, list[Row]] = {}
        for row in receipts:
            self._receipts.setdefault(row["delivery_id"], []).append(row)
        self._leaves: list[tuple[str, str, str, str]] = []
        self._events: Counter[str] = Counter()

    def hear(self, leaf: Mapping[str, Any]) -> None:
        """Take in a leaf of the slice."""
        event = leaf["event"]
        self._events[event] += 1
        if len(self._leaves) < _MOST:
            self._leaves.append((leaf["at"], event, told_of(leaf), leaf["subject"]))

    def page(self, about: Mapping[str, Any], logs: int) -> str:
        """The whole page."""
        title = f"Evidence of {about['from']} to {about['until']}"
        body = [
            f"<h1>{title}</h1>",
            self._opening(about, logs),
            "<h2>Packages</h2>",
            self._sent(),
            "<h2>Timeline</h2>",
            self._line(),
        ]
        return (
            '<!doctype html>\n<html lang="en-GB"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            '<meta http-equiv="Content-Security-Policy" '
            "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
            f"<title>{title}</title><style>{_STYLE}</style></head>\n<body>\n"
            + "\n".join(body)
            + "\n</body></html>\n"
        )

    def _opening(self, about: Mapping[str, Any], logs: int) -> str:
        told = []
        if about["rehearsal"]:
            told.append('<p class="rehearsal">A rehearsal: nothing here is of a real exchange.</p>')
        named = " Only packages that are known to have carried one case." if about["case"] else ""
        told.append(
            f"<p>Made {_clock(about['made_at'])} by gateway {_safe(about['home'])}.{named} "
            f"{sum(self._events.values())} events of {logs} "
            f"{'log' if logs == 1 else 'logs'}; {len(self._packages)} packages.</p>"
            "<p>This page is the gateway's own telling. To prove it, take verify_evidence.py from "
            "a source of your own and run <code>python verify_evidence.py PACK.zip</code>, with "
            "the keys and checkpoints that you hold. Times are London's.</p>"
        )
        return "\n".join(told)

    def _sent(self) -> str:
        if not self._deliveries:
            return "<p>None in these days.</p>"
        lines = [
            "<table><thead><tr><th>Package</th><th>Kind</th><th>For</th><th>Placed</th>"
            "<th>Receipts</th><th>State when this was made</th></tr></thead><tbody>"
        ]
        for row in self._deliveries:
            package = self._packages[row["package_id"]]
            receipts = "<br>".join(
                f"{_safe(item['kind'])} {_clock(item['at'])}" + _by_whose_word(item)
                for item in self._receipts.get(row["id"], [])
            )
            cells = (
                _safe(package["id"]),
                _safe(package["kind"]),
                _safe(row["party"]),
                _clock(row["placed_at"]) if row["placed_at"] else "not yet",
                receipts or "none",
                _safe(row["state"]),
            )
            lines.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
        return "\n".join([*lines, "</tbody></table>"])

    def _line(self) -> str:
        told, day = [], ""
        for at, event, words, subject in self._leaves:
            moment = _moment(at)
            if (now := f"{moment:%A %-d %B %Y}") != day:
                told += ["</ol>"] if day else []
                told += [f"<h3>{now}</h3>", '<ol class="line">']
                day = now
            told.append(
                f'<li class="{_kind(event)}"><time>{moment:%H:%M:%S}</time>{_safe(words)} '
                f"<small>{_safe(subject)}</small></li>"
            )
        told += ["</ol>"] if day else ["<p>Nothing in these days.</p>"]
        more = sum(self._events.values()) - len(self._leaves)
        if more:
            told.append(f"<p>{more} further events are in ledger/*/leaves.bin.</p>")
        return "\n".join(told)


def told_of(leaf: Mapping[str, Any]) -> str:
    """What happened, in words; an event without words of its own is told by its name."""
    facts = {name.replace("-", "_"): told for name, told in leaf["facts"].items()}
    event: str = leaf["event"]
    return _WORDS.get(event, event).format_map(facts)


def _by_whose_word(receipt: Row) -> str:
    """What is said behind a receipt that its giver has not signed."""
    if receipt["person"] is not None:
        return " (on the site, by the gateway's word)"
    return "" if receipt["signature"] else " (unsigned)"


def _kind(event: str) -> str:
    if event.startswith("alarm.") or event.endswith((".refused", ".failed")):
        return "alarm"
    if event.startswith(("receipt.", "witness.", "agreement.", "checkpoint.")):
        return "signed"
    return "package" if event.startswith(("package.", "delivery.")) else "other"


def _moment(at: str | datetime) -> datetime:
    moment = datetime.fromisoformat(at) if isinstance(at, str) else at
    return moment.astimezone(UTC).astimezone(LONDON)


def _clock(at: str | datetime) -> str:
    return f"{_moment(at):%-d %b %Y, %H:%M:%S}"


def _safe(text: object) -> str:
    return html.escape(str(text))
