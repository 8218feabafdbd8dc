"""A DfE analyst's morning in a real browser, with scripts and without, and who else can use it."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from in_a_browser import served
from playwright.sync_api import Page, expect
from recipients import DFE, HERE, Recipients

from gateway.access.secondfactor import code_now
from gateway.crypto.gpghome import GpgHome
from gateway.crypto.keys import HomeKeys
from gateway.settings import Home

Open = Any
Needs = Callable[[str], str]


@pytest.fixture
def place(recipients: Recipients) -> Iterator[str]:
    """Where the site is served."""
    with served(recipients.doorway.app) as address:
        yield address


def sign_in(page: Page, recipients: Recipients, place: str) -> None:
    """Sign in with a password and an app's code, as people do."""
    shown = recipients.doorway.people[DFE]
    recipients.doorway.later(seconds=31)
    page.goto(f"{place}/sign-in")
    page.get_by_label("E-mail address").fill(shown.email)
    page.get_by_label("Password", exact=True).fill(shown.password)
    page.get_by_role("button", name="Continue").click()
    code = code_now(shown.key, recipients.doorway.now)
    page.get_by_label("Enter the code of your authenticator app").fill(code)
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url(f"{place}/")


def signed_in(open_page: Open, recipients: Recipients, place: str, path: str) -> Page:
    """A page of the recipient's."""
    page: Page = open_page("about:blank")
    cookie = {"name": "gateway", "value": recipients.jo.cookie, "url": place}
    page.context.add_cookies([cookie])  # type: ignore[list-item]
    page.goto(f"{place}{path}")
    return page


def opened(home: Home, package: Path, password: str, needs: Needs) -> list[object]:
    """The references in a downloaded package, opened with gpg and 7-Zip."""
    archive = package.with_name("package.zip")
    with closing(GpgHome(HomeKeys(home.root).rehearsal("dfe"))) as keys:
        words = [needs("gpg"), "--homedir", str(keys.path), "--batch", "--output", str(archive)]
        done = subprocess.run([*words, "--decrypt", str(package)], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    unzip = [needs("7z"), "x", f"-p{password}", f"-o{package.parent}", str(archive)]
    done = subprocess.run(unzip, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout
    sheet = openpyxl.load_workbook(package.with_name("data.xlsx")).active
    assert sheet is not None
    return [row[0] for row in sheet.iter_rows(min_row=2, values_only=True)]


@pytest.mark.parametrize("javascript", [True, False])
def test_a_morning_from_signing_in_to_accepting(
    recipients: Recipients,
    place: str,
    open_page: Open,
    javascript: bool,
    tmp_path: Path,
    need_program: Needs,
) -> None:
    page = open_page("about:blank", javascript=javascript)
    sign_in(page, recipients, place)
    expect(page.get_by_role("heading", name="Overdue")).to_be_visible()
    page.get_by_role("link", name="Monday 2 March 2026").click()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download the package").click()
    package = tmp_path / saved.value.suggested_filename
    saved.value.save_as(package)
    page.get_by_role("button", name="Show the password").click()
    page.get_by_role("button", name="Show the password").click()
    password = page.locator("#password").inner_text()
    assert opened(recipients.work.home, package, password, need_program) == [
        "SCN000002",
        "SCN000003",
    ]
    page.get_by_role("button", name="Back to the package").click()
    page.get_by_role("button", name="Accept", exact=True).click()
    page.get_by_role("button", name="Accept this package").click()
    expect(page.get_by_text("It is accepted. Nothing more is to do.")).to_be_visible()
    assert recipients.state() == "accepted"
    page.go_back()
    page.reload()
    assert [row.kind for row in recipients.receipts()] == ["collected", "opened", "accepted"]
    assert open_page.complaints == []


def test_a_package_is_reached_and_accepted_by_keyboard_alone(
    recipients: Recipients, place: str, open_page: Open
) -> None:
    recipients.collect()
    page = signed_in(open_page, recipients, place, f"{HERE}/accept")
    button = page.get_by_role("button", name="Accept this package")
    for _ in range(20):
        if button.evaluate("node => node === document.activeElement"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("It is accepted. Nothing more is to do.")).to_be_visible()
