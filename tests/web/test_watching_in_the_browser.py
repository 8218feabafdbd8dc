"""The pages of health in a real browser: without scripts, and looked at anew."""

import json

import pytest
from in_a_browser import NARROW
from playwright.sync_api import expect


@pytest.mark.slow
def test_they_can_be_walked_without_scripts(lived_in, serve_here, open_page):
    lived_in.sign_in(("ofsted", "*", "administrator"))
    url = serve_here(lived_in)
    seen = open_page(f"{url}/health", javascript=False, width=NARROW)
    seen.get_by_role("link", name="Look again").click()
    expect(seen.get_by_role("heading", name="Health of the exchange")).to_be_visible()
    seen.get_by_role("link", name="Figures, week by week").click()
    expect(seen.get_by_role("img", name="Windows on time")).to_be_visible()
    assert open_page.complaints == []


@pytest.mark.slow
def test_the_page_looks_again_by_itself_and_keeps_the_focus(lived_in, serve_here, open_page):
    lived_in.sign_in(("ofsted", "*", "administrator"))
    url = serve_here(lived_in)
    seen = open_page("about:blank")
    seen.clock.install()
    seen.goto(f"{url}/health")
    seen.get_by_role("link", name="Look again").focus()
    fresh = lived_in.client.get("/health/now").text
    fresh = fresh.replace("One thing is late.", "Nothing is late.")
    seen.route("**/health/now", lambda route: route.fulfill(body=fresh, content_type="text/html"))
    seen.clock.run_for(16_000)
    expect(seen.get_by_text("Nothing is late. 2 alarms are open.").first).to_be_visible()
    expect(seen.get_by_role("status")).to_have_text("Nothing is late. 2 alarms are open.")
    assert seen.evaluate("document.activeElement.textContent") == "Look again"
    assert json.dumps(open_page.complaints) == "[]"


@pytest.mark.slow
def test_whoever_is_signed_out_meanwhile_is_not_asked_for_again(lived_in, serve_here, open_page):
    lived_in.sign_in(("ofsted", "*", "administrator"))
    url = serve_here(lived_in)
    asked: list[str] = []
    seen = open_page("about:blank")
    seen.on("request", lambda request: asked.append(request.url))
    seen.clock.install()
    seen.goto(f"{url}/health")
    lived_in.sign_out()
    with seen.expect_response("**/health/now"):
        seen.clock.run_for(16_000)
    seen.wait_for_load_state("networkidle")
    seen.clock.run_for(60_000)
    assert len([item for item in asked if item.endswith("/health/now")]) == 1
    expect(seen.get_by_role("heading", name="Health of the exchange")).to_be_visible()
