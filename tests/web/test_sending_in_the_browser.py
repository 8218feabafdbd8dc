"""The sender's day in a real browser, with scripts and without, and who else can use its pages."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from in_a_browser import assert_accessible, served
from playwright.sync_api import Page, expect
from rehearsing import csv_of
from senders import HELD, PACKAGE, Senders

Open = Any
FAULTY = csv_of(HELD)
CORRECTED = csv_of([row | {"Gender": "Male", "Case information": "Seen."} for row in HELD])


@pytest.fixture
def place(senders: Senders) -> Iterator[str]:
    """Where the site is served."""
    with served(senders.doorway.app) as address:
        yield address


def signed_in(open_page: Open, senders: Senders, place: str, path: str, **more: Any) -> Page:
    """A page of the sender's."""
    page: Page = open_page("about:blank", **more)
    cookie = {"name": "gateway", "value": senders.sender.cookie, "url": place}
    page.context.add_cookies([cookie])  # type: ignore[list-item]
    page.goto(f"{place}{path}")
    return page


def choose(page: Page, content: bytes, name: str = "extract.csv") -> None:
    """Choose a file and send it."""
    file = {"name": name, "mimeType": "text/csv", "buffer": content}
    page.locator("input[type=file]").set_input_files(file)  # type: ignore[arg-type]
    page.get_by_role("button", name="Send", exact=True).click()


@pytest.mark.parametrize("javascript", [True, False])
def test_from_a_faulty_extract_to_what_goes(
    senders: Senders, place: str, open_page: Open, javascript: bool
) -> None:
    page = signed_in(open_page, senders, place, "/", javascript=javascript)
    page.get_by_role("button", name="Send an extract: Notifiable incidents").click()
    choose(page, FAULTY, "<img src=x onerror=alert(1)>.csv")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your file is being checked")
    senders.tick()
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text("3 rows were held back")  # by itself
    page.get_by_role("link", name="Show held rows").click()
    expect(page.get_by_role("link", name="Ask for release of row 4")).to_be_visible()
    page.get_by_role("link", name="The result of this drop").click()
    with page.expect_download() as saved:
        page.get_by_role("link", name="Download all findings").click()
    assert re.fullmatch(r"findings-notifications-[0-9a-f-]+\.csv", saved.value.suggested_filename)
    page.get_by_role("button", name="Send the corrected file").click()
    choose(page, CORRECTED)
    expect(heading).to_have_text("Your file is being checked")
    senders.tick()
    expect(heading).to_have_text("Your file was accepted")
    page.get_by_role("link", name="Let it stand for an earlier drop").click()
    page.get_by_role("radio").first.check()
    page.get_by_role("button", name="Let it stand for that drop").click()
    expect(page.get_by_text("It stands for the earlier drop")).to_be_visible()
    page.get_by_role("link", name="Withdraw this drop").click()
    page.get_by_role("button", name="Withdraw it").click()
    expect(heading).to_have_text("This drop was withdrawn")
    assert open_page.complaints == []


def test_a_query_is_answered(senders: Senders, place: str, open_page: Open) -> None:
    page = signed_in(open_page, senders, place, "/")
    page.get_by_role("link", name=f"Answer the query about {PACKAGE}").click()
    page.get_by_label("Your answer").fill("Ring 07700 900123")
    page.get_by_role("button", name="Send the answer").click()
    expect(page.get_by_role("alert")).to_contain_text("personal identifiers")
    assert_accessible(page)
    page.get_by_label("Your answer").fill("It was wrong at source.")
    page.get_by_role("button", name="Send the answer").click()
    expect(page.get_by_text("Your answer is sent.")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("link", name=PACKAGE, exact=True).click()
    expect(page.get_by_role("link", name="Read the query")).to_be_visible()
