"""Looking at many answers of a site in one page of a browser, as wide as a phone's.

An answer is asked for by a client of Flask, so that anybody's can be had, and of a form that was
sent too; the browser then shows it with its own headers, style sheets and scripts. One window and
one load do for all that is asked of it: 320 pixels are also what 1280 leave at 400 % zoom.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from in_a_browser import HEIGHT, NARROW, RULES, served
from playwright.sync_api import Browser, Page
from werkzeug.test import TestResponse
from werkzeug.wrappers import Response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_SHELF = "/looked-at"
_LOOK = """async rules => {
  const root = document.documentElement;
  const found = await axe.run(document, {
    runOnly: {type: "tag", values: rules}, resultTypes: ["violations"],
  });
  const faults = found.violations.map(
    it => `${it.id}: ${it.help}: ${it.nodes.slice(0, 3).map(node => node.html).join(" ")}`
  );
  const headings = document.querySelectorAll("h1").length;
  if (headings !== 1) faults.push(`${headings} headings of the first level`);
  if (root.scrollWidth > root.clientWidth) faults.push("scrolls sideways");
  if (!document.title.endsWith(" — gateway")) faults.push(`is called ${document.title}`);
  return faults;
}"""


class _Shelf:
    """An app with one page more: the answer that was laid there."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self.held = Response()

    def __call__(self, environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        answer = self.held if environ["PATH_INFO"] == _SHELF else self._app
        return answer(environ, start)


class Looking:
    """The page. ``faults``: what was found in all that it was shown."""

    def __init__(self, page: Page, place: str, shelf: _Shelf) -> None:
        self._page, self._place, self._shelf = page, place, shelf
        self._complaints: list[str] = []
        self.faults: list[str] = []
        page.on("console", lambda told: self._complain(told.type, told.text))
        page.on("pageerror", lambda error: self._complain("error", str(error)))

    def at(self, answer: TestResponse, name: str) -> None:
        """Look at an answer; ``name`` says in a fault which it was."""
        kept = [pair for pair in answer.headers.items() if pair[0] != "Set-Cookie"]
        self._shelf.held = Response(answer.data, answer.status_code, kept)
        self._complaints.clear()
        self._page.goto(f"{self._place}{_SHELF}")
        found = [*self._page.evaluate(_LOOK, list(RULES)), *self._complaints]
        self.faults += [f"{name}: {fault}" for fault in found]

    def _complain(self, kind: str, text: str) -> None:
        of_the_status = text.startswith("Failed to load resource: the server responded with")
        if kind in ("error", "warning") and not of_the_status:
            self._complaints.append(text)


@contextmanager
def looking(browser: Browser, app: Flask) -> Iterator[Looking]:
    """One page for all the looks of a test."""
    shelf = _Shelf(app)
    context = browser.new_context(viewport={"width": NARROW, "height": HEIGHT})
    context.add_init_script(Axe().axe_script)
    try:
        with served(shelf) as place:
            yield Looking(context.new_page(), place, shelf)
    finally:
        context.close()
