"""Four eyes, registers, ledger, agreement and people in a real browser, and without scripts."""

import re
from collections.abc import Callable

import pytest
from at_the_offices import PACKAGE, Offices
from at_the_site import AtTheSite
from in_a_browser import NARROW
from playwright.sync_api import Page, expect


@pytest.fixture
def url(offices: Offices, serve_here: Callable[[AtTheSite], str]) -> str:
    """The address of the site."""
    return serve_here(offices.at)


def test_one_asks_two_approve_without_scripts(
    offices: Offices, url: str, open_page: Callable[..., Page]
) -> None:
    offices.enter("sender@ofsted")
    seen = open_page(f"{url}/approvals", javascript=False)
    seen.get_by_role("button", name="Ask for something").click()
    seen.get_by_label("Recall a package").check()
    seen.get_by_role("button", name="Continue").click()
    seen.get_by_role("button", name="Ask for it").click()
    expect(seen.get_by_role("alert")).to_contain_text("Enter the package")
    seen.get_by_role("link", name="Enter the package").click()
    seen.get_by_label("Package").fill(PACKAGE)
    seen.get_by_label("Why?").fill("It went to the wrong day.")
    seen.get_by_role("button", name="Ask for it").click()
    expect(seen.get_by_text("Your request is made.")).to_be_visible()
    place = seen.url
    for who, words in (("approver-1", "It needs another"), ("approver-2", "has the approvals")):
        offices.enter(f"{who}@ofsted")
        seen = open_page(f"{url}/approvals", width=NARROW)
        seen.get_by_role("link", name=re.compile("Recall a package")).click()
        assert seen.url == place
        seen.get_by_role("button", name="Approve", exact=True).click()
        expect(seen.get_by_text(words)).to_be_visible()
    assert [act.code for act in offices.tick().acts] == [None]
    seen.reload()
    expect(seen.get_by_text("Done", exact=True).first).to_be_visible()
