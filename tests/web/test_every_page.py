"""Every page, for everybody: who may see it, that it fails for nobody, and that it keeps secrets.

The table says who may see what, apart from the pages' own words: a page that is not in it fails.
"""

import html
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from at_the_offices import Offices, offices_over
from receipting import copied
from rehearsing import make_reader
from werkzeug.routing import Rule

from gateway.intake.confined.reader import Reader
from gateway.store import drops, people

FRIDAY = "2026-11-27T17:30"  # when the history of `lived_in` ends
EVERY = {"sender", "recipient", "approver", "administrator", "auditor"}
WRITERS = EVERY - {"auditor"}
KEEPERS = {"approver", "administrator", "auditor"}
ASKERS = {"sender", "approver", "administrator"}
# Who may see the pages of a part; "part.view" for those of its pages that others may.
TABLE: dict[str, set[str]] = {
    "sending": {"sender"},
    "collecting": {"recipient"},
    "watching": EVERY,
    "agreement": EVERY,
    "registers": EVERY,
    "registers.enter": WRITERS,
    "registers.step": WRITERS,
    "registers.sign": {"approver"},
    "approving": ASKERS | {"auditor"},
    "approving.choose": ASKERS,
    "approving.ask": ASKERS,
    "approving.withdraw": ASKERS,
    "approving.approve": {"approver"},
    "approving.sign": {"approver"},
    "ledger": KEEPERS,
    "ledger.evidence": {"administrator", "auditor"},
    "ledger.fetch": {"administrator", "auditor"},
    "people": {"administrator"},
}
OF_ITSELF = {"home", "signin", "machine", "static"}  # these have tests of their own
PEOPLE = {
    "sender@ofsted": {"sender", "recipient"},
    "recipient@dfe": {"sender", "recipient"},
    "recipient@panel": {"recipient"},
    "approver-1@ofsted": {"approver"},
    "approver-1@dfe": {"approver"},
    "administrator@ofsted": {"administrator"},
    "administrator@dfe": {"administrator"},
    "auditor@dfe": {"auditor"},
}
FLOWS = {  # who sends and who receives what
    ("ofsted", "notifications"): "sender",
    ("dfe", "notifications"): "recipient",
    ("panel", "notifications"): "recipient",
    ("dfe", "scr-updates"): "sender",
    ("ofsted", "scr-updates"): "recipient",
}
UNKNOWN = {"int": "999999", "default": "unknown-1"}
LINK = re.compile(r'(?:href|action|src)="(/[^"#]*)')
LOOKS_PER_VIEW = 2


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    """One confined reader."""
    with make_reader() as made:
        yield made


@pytest.fixture(scope="module")
def offices(
    _lived_in: Path, reader: Reader, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Offices]:
    """The site and its worker over three weeks of history. These tests only look."""
    root = copied(_lived_in, tmp_path_factory.mktemp("every-page") / "home")
    with offices_over(root, reader, FRIDAY) as made:
        yield made


def roles_of(endpoint: str) -> set[str] | None:
    part = endpoint.partition(".")[0]
    return TABLE.get(endpoint, TABLE.get(part))


def rules(offices: Offices) -> list[Rule]:
    every = offices.at.app.url_map.iter_rules()
    return [rule for rule in every if rule.endpoint.partition(".")[0] not in OF_ITSELF]


def address(rule: Rule, party: str, flow: str) -> str:
    """A rule's address, for a party and flow and otherwise what does not exist."""
    given = {"party": party, "flow": flow, "year": "2026", "week": "2026-W47"}
    parts = []
    for is_name, text in rule._trace:
        if not is_name:
            parts.append(text.lstrip("|"))
            continue
        known = given.get(text)
        kind = "int" if rule._converters[text].regex == r"\d+" else "default"
        parts.append(known or ("a" * 64 if text == "sha256" else UNKNOWN[kind]))
    return "".join(parts)


def test_the_table_names_every_page(offices: Offices) -> None:
    assert [rule.endpoint for rule in rules(offices) if roles_of(rule.endpoint) is None] == []


def test_nobody_sees_a_page_without_signing_in(offices: Offices) -> None:
    offices.at.people.who = None
    for rule in rules(offices):
        path = address(rule, "ofsted", "notifications")
        for method in sorted({"GET", "POST"} & (rule.methods or set())):
            told = offices.at.client.open(path, method=method)
            assert told.status_code in (303, 400), (method, path, told.status_code)
            assert method == "POST" or told.location.startswith("/sign-in"), path


@pytest.mark.parametrize("who", PEOPLE)
def test_only_who_may_sees_a_page(offices: Offices, who: str) -> None:
    """Each page, for each party and flow: another's is as unknown as none."""
    offices.enter(who)
    own = who.partition("@")[2]
    token = offices.get("/account").text
    assert token
    for rule in rules(offices):
        allowed = bool(PEOPLE[who] & (roles_of(rule.endpoint) or set()))
        here = "party" in rule.arguments
        for (party, flow), part in FLOWS.items():
            may = allowed and (not here or party == own)
            path = address(rule, party, flow)
            for method in sorted({"GET", "POST"} & (rule.methods or set())):
                told = offices.get(path) if method == "GET" else offices.post(path)
                assert told.status_code < 500, (who, method, path)
                if not may:
                    assert told.status_code == 404, (who, method, path, told.status_code)
                elif here and part not in PEOPLE[who]:
                    assert told.status_code in (303, 400, 404), (who, path)
            if not here:
                break


def names_in_extracts() -> set[str]:
    """Words that stand in the dropped columns of the made-up extracts."""
    folder = Path(__file__).resolve().parents[2] / "samples"
    text = (folder / "notifications-2025-03-13.csv").read_text(encoding="utf-8-sig")
    return set(re.findall(r"\bSCN[-/]?\d{3,}\b", text))


@pytest.mark.parametrize("who", PEOPLE)
def test_whoever_follows_every_link_meets_no_fault_and_nothing_of_others(
    offices: Offices, who: str
) -> None:
    offices.enter(who)
    own = who.partition("@")[2]
    with offices.parts.database.transaction() as tx:
        others = {
            row.id
            for party, flow in (("ofsted", "notifications"), ("dfe", "scr-updates"))
            if party != own
            for row in drops.latest_of(tx, party, flow)
        }
        addresses = {row.email for row in people.listed(tx) if row.party != own}
    assert others
    references = names_in_extracts()
    seen: Counter[str] = Counter()
    waiting, known = ["/"], {"/"}
    adapter = offices.at.app.url_map.bind("localhost")
    while waiting:
        path = waiting.pop(0)
        endpoint = str(adapter.match(path.partition("?")[0])[0])
        seen[endpoint] += 1
        if seen[endpoint] > LOOKS_PER_VIEW or endpoint.startswith(("machine.", "signin.")):
            continue
        told = offices.get(path)
        assert told.status_code < 400, (who, path, told.status_code)
        if told.mimetype not in ("text/html", "text/csv", "application/json"):
            continue
        text = told.text
        if not endpoint.startswith("ledger."):  # the record of events is both parties' own
            assert not {item for item in others if item in text}, (who, path)
        assert not {item for item in references if item in text}, (who, path)
        assert not {item for item in addresses if item in text}, (who, path)
        for found in LINK.findall(text):
            link = html.unescape(found)
            if link not in known and adapter.test(link.partition("?")[0], "GET"):
                known.add(link)
                waiting.append(link)
    assert len(seen) > 12, seen
