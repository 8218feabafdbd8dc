"""Every page of the site and every state of it, looked at: axe-core's rules, and 320 pixels.

A part's pages are found by following its links over three weeks of history, as somebody who may see
them; what no link leads to, each form's faults among it, stands in `LOOKS`. A page that nobody has
looked at fails, and so does a form whose faults nobody has seen.
"""

import html
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from at_the_offices import Offices, offices_over
from looking import Looking, looking
from playwright.sync_api import Browser
from receipting import copied
from rehearsing import clean_row, csv_of, make_reader
from test_every_page import FRIDAY, LINK, OF_ITSELF, TABLE
from werkzeug.routing import Rule

from gateway.intake.confined.reader import Reader
from gateway.store import drops

LOOKS_PER_VIEW = 2
OURS, THEIRS = "/ofsted/notifications", "/dfe/notifications"
PACKAGE = "notifications-2026-11-27-01"
SENDER, RECIPIENT, AUDITOR = "sender@ofsted", "recipient@dfe", "auditor@dfe"
ASKER, APPROVER, OTHER = "administrator@ofsted", "approver-1@ofsted", "approver-2@ofsted"
OF_BOTH = "a sender of both parties"  # no such person is in a rehearsal
# Each part, and as whom its links are followed.
PARTS: Mapping[str, tuple[str, ...]] = {
    "sending": (SENDER, RECIPIENT),  # the second sends the other flow
    "collecting": (RECIPIENT, "recipient@panel"),
    "watching": (ASKER,),
    "agreement": (AUDITOR,),
    "approving": (APPROVER, SENDER),
    "registers": (SENDER,),
    "ledger": (AUDITOR,),
    "people": (ASKER,),
    "home": (SENDER, RECIPIENT, APPROVER, ASKER, AUDITOR),
}
GROUPS = (
    ("sending",),
    ("collecting", "home"),
    ("watching", "agreement"),
    ("approving", "registers"),
    ("ledger", "people"),
)
# Downloads, parts of a page, and what only leads on.
NO_PAGES = {
    "agreement.assurance_file", "agreement.assurance_page", "approving.statement_file",
    "collecting.days", "collecting.file", "collecting.manifest", "collecting.signature",
    "ledger.checkpoint_file", "ledger.fetch", "ledger.keys_file", "ledger.proof_file",
    "registers.statement_file", "sending.findings", "sending.template",
    "watching.figures", "watching.figures_csv", "watching.last_report", "watching.live",
}  # fmt: skip
# A button alone, with nothing to fill in wrongly.
BUTTONS = {
    "collecting.accept", "collecting.close", "people.again", "people.end_sessions", "people.leave",
    "people.revoke",
}  # fmt: skip


@dataclass(frozen=True)
class Look:
    """A page that no link leads to, or a form and what is sent with it. Names are of `Busy`."""

    who: str
    path: str
    form: Mapping[str, Any] | None = None
    status: int = 200


NOTHING: Mapping[str, Any] = {}
LOOKS: Mapping[str, tuple[Look, ...]] = {
    "sending": (
        Look(SENDER, f"{OURS}/drops/arriving/999/{'a' * 64}"),
        Look(SENDER, f"{OURS}/drops/{{unread}}"),
        Look(SENDER, f"{OURS}/drops/{{held}}"),
        Look(SENDER, f"{OURS}/drops/{{held}}/held"),
        Look(SENDER, f"{OURS}/drops/{{newer}}/replace"),
        Look(SENDER, f"{OURS}/drops/{{newer}}/replace", NOTHING, 422),
        Look(SENDER, f"{OURS}/drops/{{newer}}/withdraw"),
        Look(SENDER, f"{OURS}/drops/{{held}}/withdraw", NOTHING, 409),
        Look(SENDER, f"{OURS}/sent/{PACKAGE}"),
        Look(SENDER, f"{OURS}/sent/{PACKAGE}/queries/{{query}}"),
        Look(SENDER, f"{OURS}/sent/{PACKAGE}/queries/{{query}}", {"text": "07700 900123"}, 422),
        Look(SENDER, f"{OURS}/send", {"file": (BytesIO(), "empty.csv")}, 422),
        Look(OF_BOTH, "/send"),
    ),
    "collecting": (
        Look(RECIPIENT, f"{THEIRS}/packages/{PACKAGE}"),
        Look(RECIPIENT, f"{THEIRS}/packages/{PACKAGE}/password"),
        Look(RECIPIENT, f"{THEIRS}/packages/{PACKAGE}/password", NOTHING),
        Look(RECIPIENT, f"{THEIRS}/packages/{PACKAGE}/accept"),
        Look(RECIPIENT, f"{THEIRS}/packages/{PACKAGE}/query"),
        Look(RECIPIENT, f"{THEIRS}/packages/{PACKAGE}/query", {"once": "ba9876543210"}, 422),
        Look(RECIPIENT, f"{THEIRS}/queries/{{query}}"),
        Look(RECIPIENT, f"{THEIRS}/queries/{{query}}", NOTHING, 422),
        Look(RECIPIENT, f"{THEIRS}/packages/{{recalled}}"),
    ),
    "watching": (
        Look(ASKER, "/health/notifications/figures"),
        Look(ASKER, "/health/scr-updates/figures"),
        Look(ASKER, "/health/report/2026-W47"),
    ),
    "approving": (
        Look(SENDER, "/approvals/new/recall"),
        Look(SENDER, "/approvals/new/release-held"),
        Look(SENDER, "/approvals/new/supersede"),
        Look(APPROVER, "/approvals/new/end-hold"),
        Look(APPROVER, "/approvals/new/change-keys"),
        Look(SENDER, "/approvals/new/recall", NOTHING, 422),
        Look(SENDER, "/approvals/new/release-held", NOTHING, 422),
        Look(SENDER, "/approvals/new/supersede", NOTHING, 422),
        Look(APPROVER, "/approvals/new/end-hold", NOTHING, 422),
        Look(APPROVER, "/approvals/new/change-keys", NOTHING, 422),
        Look(APPROVER, "/approvals/new?chosen=1", None, 422),
        Look(OTHER, "/approvals/{request}"),
        Look(OTHER, "/approvals/{request}/sign", NOTHING, 422),
        Look(APPROVER, "/approvals/{request}/approve", NOTHING, 422),
        Look(APPROVER, "/approvals/{ended}/withdraw", NOTHING, 422),
    ),
    "registers": (
        *(
            Look(SENDER, f"/registers/{register}/new", NOTHING, 422)
            for register in ("foi", "incident", "review", "training", "meeting", "feedback")
        ),
        Look(SENDER, "/registers/incident/new"),
        Look(SENDER, "/registers/training/new"),
        Look(SENDER, "/registers/meeting/new"),
        Look(SENDER, "/registers/entries/{entry}/step", NOTHING, 422),
        Look(APPROVER, "/registers/entries/{review}"),
        Look(APPROVER, "/registers/entries/{review}/sign", NOTHING, 422),
    ),
    "ledger": (
        Look(AUDITOR, "/ledger?event=odd", None, 422),
        Look(AUDITOR, "/ledger?event=package.accepted&day-day=1&day-month=1&day-year=2020"),
        Look(AUDITOR, "/ledger/evidence", NOTHING, 422),
    ),
    "people": (
        Look(ASKER, "/people/{person}"),
        Look(ASKER, "/people/{person}/leave"),
        Look(ASKER, "/people/{person}/grant", NOTHING, 422),
        Look(ASKER, "/people/invite"),
        Look(ASKER, "/people/invite", NOTHING, 422),
        Look(ASKER, "/people/invite", {"name": "N", "email": "sender@ofsted.invalid"}, 422),
    ),
}
# The first pages of a home in which nothing has happened yet.
EMPTY = (
    Look(SENDER, "/"),
    Look(SENDER, f"{OURS}/send"),
    Look(SENDER, f"{OURS}/drops"),
    Look(SENDER, f"{OURS}/sent"),
    Look(RECIPIENT, "/collect"),
    Look(RECIPIENT, f"{THEIRS}/days/2026"),
    Look(ASKER, "/health"),
    Look(ASKER, "/health/notifications/2026"),
    Look(ASKER, "/health/notifications/figures"),
    Look(ASKER, "/health/report/2026-W48"),
    Look(APPROVER, "/approvals"),
    Look(AUDITOR, "/agreement"),
    Look(AUDITOR, "/registers"),
    Look(AUDITOR, "/registers/foi"),
    Look(AUDITOR, "/ledger"),
    Look(AUDITOR, "/ledger/evidence"),
    Look(ASKER, "/people"),
)


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    """One confined reader."""
    with make_reader() as made:
        yield made


@pytest.fixture(scope="module")
def busy(
    _lived_in: Path, reader: Reader, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Offices, dict[str, str]]]:
    """A Friday evening on which everything is under way, and the names of it. Look, change nothing.

    Drops that wait and one that cannot be read, an open query, a request with one approval, and
    entries in two registers.
    """
    root = copied(_lived_in, tmp_path_factory.mktemp("busy") / "home")
    with offices_over(root, reader, FRIDAY) as offices:
        yield offices, begun(offices)


def begun(offices: Offices) -> dict[str, str]:
    """Begin it all; what is what."""
    for content in (csv_of([clean_row(900)]), csv_of([clean_row(901)]), csv_of([], ("no", "such"))):
        offices.work.drop(content)
        offices.tick()
    with offices.parts.database.snapshot() as tx:
        latest = drops.latest_of(tx, "ofsted", "notifications")
    [(recalled,)] = offices.work.query("SELECT id FROM packages WHERE state = 'recalled'")
    [(ended,)] = offices.work.query("SELECT id FROM requests WHERE state = 'done'")
    offices.enter(APPROVER)
    offices.enter(RECIPIENT)
    question = {"text": "Are these two one and the same?", "once": "0123456789ab"}
    query = made(offices, f"{THEIRS}/packages/{PACKAGE}/query", question)
    person = offices.enter(SENDER).id
    recall = {"subject": PACKAGE, "reason": "It went to the wrong day."}
    request = made(offices, "/approvals/new/recall", recall)
    entry = made(
        offices, "/registers/feedback/new", {"words": "The columns come in another order."}
    )
    held = {"day-day": "26", "day-month": "11", "day-year": "2026", "held_by": "Both bodies"}
    review = made(offices, "/registers/review/new", {**held, "words": "It goes on."})
    offices.enter(APPROVER)
    made(offices, f"/approvals/{request}/approve", NOTHING)
    return {
        "unread": latest[0].id,
        "newer": latest[1].id,
        "held": next(drop.id for drop in latest if drop.held),
        "recalled": recalled,
        "ended": ended,
        "query": query,
        "request": request,
        "entry": entry,
        "review": review,
        "person": person,
    }


def made(offices: Offices, path: str, form: Mapping[str, Any]) -> str:
    """Send a form; the last word of the address that it leads to."""
    told = offices.post(path, dict(form))
    assert told.status_code == 303, told.text
    return str(told.location).rpartition("/")[2]


def endpoint_of(offices: Offices, path: str, method: str = "GET") -> str:
    """The view that answers at an address."""
    adapter = offices.at.app.url_map.bind("localhost")
    return str(adapter.match(path.partition("?")[0], method)[0])


def looked(offices: Offices, look: Look, looks: Looking, names: Mapping[str, str]) -> str:
    """Look at a page of the table; its view."""
    if look.who == OF_BOTH:
        offices.at.sign_in(("ofsted", "*", "sender"), ("dfe", "*", "sender"))
    else:
        offices.enter(look.who)
    path = look.path.format(**names)
    told = offices.get(path) if look.form is None else offices.post(path, dict(look.form))
    assert told.status_code == look.status, (path, told.status_code, told.text)
    name = path if look.form is None else f"{path} with {dict(look.form)}"
    if look.status != 200:
        assert "There is a problem" in told.text, name
    looks.at(told, name)
    return endpoint_of(offices, path, "GET" if look.form is None else "POST")


def followed(offices: Offices, parts: tuple[str, ...], who: str, looks: Looking) -> Counter[str]:
    """Follow every link of the parts, as somebody; how often each view was looked at."""
    offices.enter(who)
    adapter = offices.at.app.url_map.bind("localhost")
    seen: Counter[str] = Counter()
    waiting, known = ["/"], {"/"}
    while waiting:
        path = waiting.pop(0)
        endpoint = endpoint_of(offices, path)
        of_theirs = endpoint.partition(".")[0] in parts
        if endpoint in NO_PAGES or seen[endpoint] == LOOKS_PER_VIEW:
            continue
        if not of_theirs and path != "/":
            continue
        told = offices.get(path)
        if of_theirs and told.status_code == 200:
            looks.at(told, f"{path} of {who}")
            seen[endpoint] += 1
        for found in LINK.findall(told.text):
            link = html.unescape(found)
            if link not in known and adapter.test(link.partition("?")[0], "GET"):
                known.add(link)
                waiting.append(link)
    return seen


def views(offices: Offices, parts: tuple[str, ...], method: str) -> set[str]:
    """The views of the parts that answer to a method."""
    every: Iterator[Rule] = offices.at.app.url_map.iter_rules()
    here = (rule for rule in every if rule.endpoint.partition(".")[0] in parts)
    return {rule.endpoint for rule in here if method in (rule.methods or ())}


def test_every_part_of_the_table_is_looked_at() -> None:
    parts = {name.partition(".")[0] for name in TABLE} | {"home"}
    assert set(PARTS) == parts
    assert sorted(part for group in GROUPS for part in group) == sorted(parts)
    assert {"home", "signin", "machine", "static"} == OF_ITSELF  # `signin`: test_signin_looks


@pytest.mark.slow
@pytest.mark.parametrize("parts", GROUPS, ids="-".join)
def test_all_can_use_every_page_in_every_state(
    busy: tuple[Offices, dict[str, str]], browser: Browser, parts: tuple[str, ...]
) -> None:
    offices, names = busy
    shown: set[str] = set()
    failed: set[str] = set()
    with looking(browser, offices.at.app) as looks:
        for part in parts:
            for who in PARTS[part]:
                shown |= set(followed(offices, (part,), who, looks))
            for look in LOOKS.get(part, ()):
                view = looked(offices, look, looks, names)
                (shown if look.form is None else failed).add(view)
        assert looks.faults == []
    assert views(offices, parts, "GET") - NO_PAGES - shown == set(), "pages not looked at"
    assert views(offices, parts, "POST") - BUTTONS - failed == set(), "forms without a fault"


@pytest.mark.slow
def test_all_can_use_pages_on_which_there_is_nothing_yet(
    template_home: Path, reader: Reader, tmp_path: Path, browser: Browser
) -> None:
    root = copied(template_home, tmp_path / "home")
    with (
        offices_over(root, reader, FRIDAY) as offices,
        looking(browser, offices.at.app) as looks,
    ):
        for look in EMPTY:
            looked(offices, look, looks, {})
        assert looks.faults == []
