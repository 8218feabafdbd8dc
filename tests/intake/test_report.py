"""The findings report: it opens, names what it may, and shows no cell and no markup."""

import csv
import json
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.agreement.load import load_agreement
from gateway.agreement.model import RuleBook
from gateway.intake.findings import KINDS, Finding, finding
from gateway.intake.judge import Judgement
from gateway.intake.report import SHOWN_ON_PAGE, Received, Wording, as_json, as_text, write_report

CONFIG = Path(__file__).resolve().parents[2] / "config"
RECEIVED = Received(
    "20260702-0123456789ab", datetime(2026, 7, 2, 15, 5, tzinfo=UTC), 12_345, "ab" * 32
)
STATES = ("accepted", "partly-held", "quarantined", "duplicate", "refused")


@pytest.fixture(scope="module")
def book() -> RuleBook:
    agreed = load_agreement(CONFIG / "agreements" / "ofsted-dfe.toml", CONFIG / "codes")
    return agreed.rule_book("notifications")


@pytest.fixture(scope="module")
def wording(book: RuleBook) -> Wording:
    return Wording(book)


def verdict(*items: Finding, **more: object) -> Judgement:
    values = {"state": "partly-held", "rows": 10, "accepted": 7, "held": 2, "repeats": 1, **more}
    return Judgement("notifications", findings=list(items), **values)  # type: ignore[arg-type]


class Page(HTMLParser):
    """The text of a page, its elements, and the rows of its last table."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.rows: list[list[str]] = []
        self.text = ""
        self.in_cell = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not [name for name, _ in attrs if name.startswith("on")]
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        self.in_cell = tag in ("td", "th")

    def handle_endtag(self, _tag: str) -> None:
        self.in_cell = False

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.in_cell:
            self.rows[-1][-1] += data


KNOWN_TAGS = {
    *("html", "head", "meta", "title", "style", "body"),
    *("h1", "h2", "p", "strong", "table", "caption", "tr", "th", "td"),
}


def written(tmp_path: Path, said: Judgement, wording: Wording, state: str = "") -> tuple[str, Page]:
    sheet, page = write_report(
        tmp_path / "reports", "notifications-x", RECEIVED, said, state or said.state, wording
    )
    assert sorted(path.name for path in (tmp_path / "reports").iterdir()) == [
        "notifications-x.csv",
        "notifications-x.html",
    ]
    return sheet.read_bytes().decode("utf-8"), Page(page.read_text(encoding="utf-8"))


def test_the_csv_opens_in_a_spreadsheet_program(tmp_path: Path, wording: Wording) -> None:
    """It has the mark by which Excel knows UTF-8, and one record for each finding."""
    items = (finding("file.totals", count=2), finding("age.malformed", 51, "Age"))
    text, _ = written(tmp_path, verdict(*items), wording)
    assert text.startswith("\ufeffseverity,")
    records = list(csv.reader(text.removeprefix("\ufeff").splitlines()))
    assert records[0] == ["severity", "code", "row", "column", "what is wrong", "what to do"]
    assert [record[:4] for record in records[1:]] == [
        ["query", "file.totals", "", ""],
        ["error", "age.malformed", "51", "Age"],
    ]
    assert records[1][4] == "2 totals rows were passed over."


def test_the_page_says_what_happened(tmp_path: Path, wording: Wording) -> None:
    said = verdict(
        finding("rule.late", 4, "Date notification was received"),
        finding("age.malformed", 51, "Age"),
        dropped=("Pupil name", "Address"),
        missing=("Ethnicity",),
        kept=("Age",),
    )
    _, page = written(tmp_path, said, wording)
    assert "Partly held" in page.text
    assert "Thursday 2 July 2026, 16:05" in page.text  # London's summer time
    assert "12,345 bytes, SHA-256 begins abababababab" in page.text
    assert "10: 7 accepted, 2 held, 1 repeats or sent before" in page.text
    assert "1 kept, 2 dropped, absent: Ethnicity" in page.text
    found = [row for row in page.rows if row[0] in ("error", "query")]
    assert [row[:3] for row in found] == [
        ["error", "51", "Age"],
        ["query", "4", "Date notification was received"],
    ]
    assert set(page.tags) <= KNOWN_TAGS


@pytest.mark.parametrize("state", STATES)
def test_every_state_has_its_sentence(tmp_path: Path, wording: Wording, state: str) -> None:
    _, page = written(tmp_path, verdict(state="accepted"), wording, state)
    assert "None. Nothing needs doing." in page.text
    (line, _) = as_text(verdict(), state, wording)
    assert line in page.text


def test_a_report_written_again_replaces_the_first(tmp_path: Path, wording: Wording) -> None:
    written(tmp_path, verdict(finding("age.malformed", 5, "Age")), wording)
    text, page = written(tmp_path, verdict(), wording)
    assert len(text.splitlines()) == 1
    assert "None. Nothing needs doing." in page.text


HOSTILE = ("<script>alert(1)</script>", "=HYPERLINK(1)", 'O\'Neil & "Sons"', "\u202eevil", "{sha}")


def test_unknown_headings_and_the_sheet_s_name_stay_out(tmp_path: Path, wording: Wording) -> None:
    """They are the sender's own text: a name of a child, or markup."""
    said = verdict(dropped=HOSTILE, sheet="Quentin Zzyzwick", kept=("Age",))
    text, page = written(tmp_path, said, wording)
    html = (tmp_path / "reports" / "notifications-x.html").read_text(encoding="utf-8")
    for word in (*HOSTILE, "Zzyzwick"):
        assert word not in text
        assert word not in html
    assert "5 dropped" in page.text


@given(
    column=st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=60)
)
def test_a_heading_is_only_ever_text(
    tmp_path_factory: pytest.TempPathFactory, wording: Wording, column: str
) -> None:
    """Headings come from the agreement: markup in one is shown, and never run."""
    folder = tmp_path_factory.mktemp("page")
    hostile = f"<img src=x onerror=alert(1)>{column}"
    said = verdict(finding("age.malformed", 5, hostile), missing=(hostile,))
    _, page = written(folder, said, wording)
    assert set(page.tags) <= KNOWN_TAGS
    assert "<img src=x onerror=alert(1)>" in page.text


def test_the_page_stops_at_its_limit_and_the_csv_does_not(tmp_path: Path, wording: Wording) -> None:
    queries = [finding("rule.late", row, "Age") for row in range(2, SHOWN_ON_PAGE + 2)]
    errors = [finding("age.malformed", row, "Age") for row in range(600, 610)]
    text, page = written(tmp_path, verdict(*queries, *errors), wording)
    shown = [row[0] for row in page.rows if row[0] in ("error", "query")]
    assert (len(shown), shown.count("error")) == (SHOWN_ON_PAGE, 10)
    assert shown[:10] == ["error"] * 10
    assert f"{SHOWN_ON_PAGE + 10} in all; the CSV beside this page has them all." in page.text
    assert len(text.splitlines()) == 1 + SHOWN_ON_PAGE + 10


@pytest.mark.parametrize("code", sorted(KINDS))
def test_every_finding_has_words_for_people(wording: Wording, code: str) -> None:
    message, fix = wording.of(finding(code, 5, "Gender", 3))
    assert message and fix
    assert "{" not in message + fix


def test_a_short_list_is_spelt_out_and_a_long_one_pointed_to(wording: Wording) -> None:
    _, gender = wording.of(finding("code.unknown", 5, "Gender"))
    assert "The list: Male; Female;" in gender
    _, authority = wording.of(finding("code.unknown", 5, "Local authority"))
    assert re.search(r"The list has 1\d\d values: see `gateway template`\.", authority)
    _, plain = wording.of(finding("yes-no.unknown", 5, "Death of child: yes or no"))
    assert "The list" not in plain
    _, stranger = wording.of(finding("code.unknown", 5, "No such heading"))
    assert "The list" not in stranger
    _, age = wording.of(finding("age.malformed", 5, "Gender"))
    assert "Male" not in age


def test_the_json_of_a_check(wording: Wording) -> None:
    said = verdict(
        finding("file.preamble", count=2),
        finding("age.malformed", 51, "Age"),
        sheet="March",
        kept=("Age",),
        dropped=("Pupil name",),
        missing=("Ethnicity",),
    )
    told = json.loads(json.dumps(as_json(said, wording)))
    assert list(told) == [
        *("flow", "sheet", "rows", "accepted", "held", "repeats", "state", "columns", "findings")
    ]
    assert told["columns"] == {"kept": ["Age"], "dropped": ["Pupil name"], "missing": ["Ethnicity"]}
    assert [list(item) for item in told["findings"]] == [
        ["code", "severity", "row", "column", "message", "fix"]
    ] * 2
    assert told["findings"][0]["row"] is None
    assert told["findings"][1]["row"] == 51


def test_the_text_groups_by_kind_errors_first(wording: Wording) -> None:
    said = verdict(
        *(finding("rule.late", row, "Age") for row in range(2, 30)),
        finding("age.malformed", 51, "Age"),
        finding("file.totals", count=1),
        dropped=("a",),
    )
    lines = list(as_text(said, said.state, wording))
    assert lines[1].startswith("10 rows: 7 accepted, 2 held, 1 repeats. 1 columns dropped")
    assert lines[2].strip() == "error age.malformed (row 51)"
    assert lines[4].strip() == "query file.totals"
    assert lines[6].strip().startswith("query rule.late (rows 2, 3,")
    assert lines[6].endswith("and 16 more)")


def test_the_text_stops_after_so_many_kinds(wording: Wording) -> None:
    said = verdict(*(finding(code, 5, "Age") for code in sorted(KINDS) if "." in code))
    lines = list(as_text(said, said.state, wording, limit=3))
    assert len(lines) == 2 + 3 * 2 + 1
    assert lines[-1].strip() == "… and more kinds: see the report's CSV."


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path, wording: Wording) -> None:
    (tmp_path / "reports").write_bytes(b"in the way")
    with pytest.raises(OSError):
        write_report(tmp_path / "reports", "x", RECEIVED, verdict(), "accepted", wording)
