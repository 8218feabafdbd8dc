"""The home page, and what every page shares, in a real browser."""

import re
from collections.abc import Callable

import pytest
from at_the_site import AtTheSite
from flask import Blueprint, render_template_string, request
from flask.typing import ResponseReturnValue
from in_a_browser import NARROW, WIDE, assert_accessible, scrolls_sideways
from playwright.sync_api import Page, expect

from gateway.web.app import PARTS
from gateway.web.visitor import ANYONE, page

EVERY_ROLE = tuple(
    ("ofsted", "*", role)
    for role in ("sender", "recipient", "approver", "administrator", "auditor")
)


def tried_in_a_browser() -> Blueprint:
    """A form, and a page with a table that sorts."""
    part = Blueprint("tried", __name__)

    @page(part, "/form", roles=ANYONE, methods=("GET", "POST"))
    def form() -> ResponseReturnValue:
        return render_template_string(_FORM, taken=request.method == "POST")

    @page(part, "/inline", roles=ANYONE)
    def inline() -> ResponseReturnValue:
        return render_template_string(_INLINE)

    return part


_FORM = """{% extends "layout.html" %}
{% set title = "A form" %}
{% block content %}<h1 class="govuk-heading-l">{{ "Taken" if taken else "A form" }}</h1>
<form method="post"><input type="hidden" name="csrf_token" value="{{ csrf_token() }}">
<button class="govuk-button" data-module="govuk-button">Send</button></form>
<table class="govuk-table" data-module="moj-sortable-table"><caption class="govuk-table__caption">
Days</caption><thead><tr><th scope="col" aria-sort="none">Day</th></tr></thead>
<tbody><tr><td>2</td></tr><tr><td>1</td></tr></tbody></table>{% endblock %}"""
_INLINE = """{% extends "layout.html" %}
{% set title = "Inline" %}
{% block content %}<h1>Inline</h1><p id="it" style="display: none">Seen</p>
<script>document.title = "ran"</script><img src="x" onerror="document.title='ran'" alt="">
{% endblock %}"""


@pytest.fixture
def shown(
    site_set: Callable[..., AtTheSite], serve_here: Callable[[AtTheSite], str]
) -> tuple[AtTheSite, str]:
    """The site with those pages, and its address."""
    at = site_set(parts=(*PARTS, tried_in_a_browser()))
    return at, serve_here(at)


def test_the_home_page_can_be_used_by_all(shown, open_page):
    at, url = shown
    for grants in ((), EVERY_ROLE):
        at.sign_in(*grants) if grants else at.sign_out()
        seen = open_page(url)
        assert seen.title() == "Home — gateway"
        assert_accessible(seen)
        assert not scrolls_sideways(open_page(url, width=WIDE, zoom=4))
    assert open_page.complaints == []


def test_without_scripts_everything_is_there(shown, open_page):
    at, url = shown
    at.sign_in(*EVERY_ROLE)
    seen = open_page(url, javascript=False, width=NARROW)
    expect(seen.get_by_role("navigation").get_by_role("link", name="Home")).to_be_visible()
    assert seen.locator("h1").count() == 1


def test_on_a_phone_the_navigation_folds_and_opens_by_keyboard(shown, open_page):
    at, url = shown
    at.sign_in(*EVERY_ROLE)
    seen: Page = open_page(url, width=NARROW)
    menu = seen.get_by_role("button", name="Menu")
    if menu.count():  # with one entry alone there is nothing to fold
        menu.focus()
        seen.keyboard.press("Enter")
    expect(seen.get_by_role("link", name="Home", exact=True)).to_be_visible()


def test_the_skip_link_comes_first(shown, open_page):
    seen = open_page(shown[1])
    seen.keyboard.press("Tab")
    assert seen.evaluate("document.activeElement.textContent") == "Skip to main content"


def test_a_form_is_sent_with_scripts_and_without(shown, open_page):
    for javascript in (True, False):
        seen = open_page(f"{shown[1]}/form", javascript=javascript)
        seen.get_by_role("button", name="Send").click()
        expect(seen.get_by_role("heading", name="Taken")).to_be_visible()


def test_a_table_sorts_where_scripts_run(shown, open_page):
    seen = open_page(f"{shown[1]}/form")
    seen.get_by_role("button", name=re.compile("Day")).click()
    assert seen.locator("td").all_text_contents() == ["1", "2"]
    assert open_page.complaints == []


def test_nothing_inline_runs_or_is_styled(shown, open_page):
    seen = open_page(f"{shown[1]}/inline")
    assert seen.title() == "Inline — gateway"
    assert seen.locator("#it").is_visible()
    assert any("Content Security Policy" in told for told in open_page.complaints)


def test_everything_comes_from_the_site_itself_and_is_fetched_once(shown, open_page):
    asked: list[str] = []
    seen = open_page("about:blank")
    seen.on("request", lambda request: asked.append(request.url))
    seen.goto(shown[1])
    seen.wait_for_load_state("networkidle")
    assert all(url.startswith(shown[1]) for url in asked), asked
    assert sum("/static/" in url for url in asked) >= 6
    fetched = len(asked)
    seen.goto(f"{shown[1]}/form")
    seen.wait_for_load_state("networkidle")
    weighed = "performance.getEntriesByType('resource').map(it => it.transferSize)"
    assert sum(seen.evaluate(weighed)) == 0, "all from the browser's own store"
    assert fetched < 12
