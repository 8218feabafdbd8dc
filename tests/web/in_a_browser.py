"""Pages in a real browser: who looks at them, how wide, and whether all people can use them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page
from werkzeug.serving import make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WIDE, NARROW = 1280, 320  # CSS pixels; 320 is also what 1280 leave at 400 % zoom
HEIGHT = 1024
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
_PATIENCE_MS = 15_000


@contextmanager
def served(app: "WSGIApplication") -> Iterator[str]:
    """An app served on loopback from a thread, for a browser of the same test."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Opened:
    """Opens pages, each in a session of its own unless one is given, and closes them at the end.

    What a page refuses to load, and what its scripts complain of, is kept in ``complaints``.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self.complaints: list[str] = []

    def __call__(
        self,
        url: str,
        *,
        javascript: bool = True,
        width: int = WIDE,
        zoom: int = 1,
        **more: Any,
    ) -> Page:
        """Open a page in a new session; ``zoom`` 4 is 400 %."""
        context = self._browser.new_context(
            java_script_enabled=javascript,
            viewport={"width": width // zoom, "height": HEIGHT // zoom},
            device_scale_factor=zoom,
            **more,
        )
        context.set_default_timeout(_PATIENCE_MS)
        self._contexts.append(context)
        page = context.new_page()
        page.on("console", lambda told: self._complain(told.type, told.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(url)
        return page

    def _complain(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(text)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for context in self._contexts:
            context.close()


def assert_accessible(page: Page) -> None:
    """No fault of WCAG 2.2 A or AA that axe-core finds, one h1, and no scrolling sideways.

    The width is that of the page's window, and then 320 pixels, which is also 400 % zoom.
    """
    assert page.locator("h1").count() == 1, "one h1 a page"
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": list(RULES)}})
    faults = [
        f"{item['id']}: {item['help']}: {[node['html'] for node in item['nodes']][:3]}"
        for item in found.response["violations"]
    ]
    assert not faults, "\n".join(faults)
    before = page.viewport_size
    for width in dict.fromkeys((before["width"] if before else WIDE, NARROW)):
        page.set_viewport_size({"width": width, "height": HEIGHT})
        assert not scrolls_sideways(page), f"scrolls sideways at {width} pixels"
    if before:
        page.set_viewport_size(before)


def scrolls_sideways(page: Page) -> bool:
    """Whether the page is wider than its window."""
    return bool(
        page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    )
