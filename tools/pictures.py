"""`make pictures`: the pictures of the ten main pages, made anew into docs/images/.

    python tools/pictures.py [FOLDER]

A rehearsal home with its three weeks of history is made in a temporary folder, at a fixed time, so
that a picture changes where a page does. The real site is served over it with a worker at the door,
people sign in by the form, and Debian's chromium takes the pictures.
"""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog
from playwright.sync_api import Browser, Page, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(CHECKOUT), str(CHECKOUT / "tools")]

from smallpng import smaller  # noqa: E402

from gateway.access.rehearsal import Shown, read_people  # noqa: E402
from gateway.access.secondfactor import code_now  # noqa: E402
from gateway.bootstrap import moment, open_face, open_parts  # noqa: E402
from gateway.crypto.keys import HomeKeys  # noqa: E402
from gateway.engine.door import Door, ask  # noqa: E402
from gateway.settings import Home  # noqa: E402
from gateway.store import drops  # noqa: E402
from gateway.web.app import make_site  # noqa: E402
from gateway.web.signin import People  # noqa: E402
from gateway.web.site import Site  # noqa: E402

UNTIL = "2026-11-27T17:30"  # a Friday: the package of the day is on its way
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--font-render-hinting=none")
WIDTH, TALLEST, MARGIN = 1100, 1400, 20  # pixels
LARGEST = 150_000  # bytes
SENDER, RECIPIENT, APPROVER = "sender of ofsted", "recipient of dfe", "approver-1 of ofsted"
ADMINISTRATOR, AUDITOR = "administrator of ofsted", "auditor of dfe"
PACKAGE = "notifications-2026-11-27-01"
REASON = "It was made from the extract of the week before."


@dataclass(frozen=True)
class Picture:
    """One picture: of which page, as whom. ``begins``: the heading at which it begins."""

    name: str
    who: str
    path: str
    begins: str = ""


def pictures(result: str) -> tuple[Picture, ...]:
    """All of them. ``result``: the drop whose findings are shown."""
    return (
        Picture("home-sender", SENDER, "/"),
        Picture("result", SENDER, f"/ofsted/notifications/drops/{result}"),
        Picture("home-recipient", RECIPIENT, "/"),
        Picture("package", RECIPIENT, f"/dfe/notifications/packages/{PACKAGE}"),
        Picture("health", ADMINISTRATOR, "/health", "Today: Notifiable incidents"),
        Picture("calendar", ADMINISTRATOR, "/health/notifications/2026"),
        Picture("figures", ADMINISTRATOR, "/health/notifications/figures"),
        Picture("approvals", APPROVER, "/approvals"),
        Picture("agreement", AUDITOR, "/agreement"),
        Picture("ledger", AUDITOR, "/ledger"),
    )


class Camera:
    """A browser at a site: people sign in, each once, and their pages are taken."""

    def __init__(self, browser: Browser, place: str, home: Home, now: datetime) -> None:
        self._browser, self._place, self._now = browser, place, now
        self._people = {item.who: item for item in read_people(home.root)}
        self._pages: dict[str, Page] = {}

    def take(self, picture: Picture, folder: Path) -> int:
        """Take a picture; its bytes."""
        page = self.page_of(picture.who)
        answer = page.goto(f"{self._place}{picture.path}")
        if answer is None or not answer.ok:
            raise LookupError(f"{picture.path}: no such page for the {picture.who}")
        page.wait_for_load_state("networkidle")
        top = 0
        if picture.begins:
            box = page.get_by_role("heading", name=picture.begins).first.bounding_box()
            top = int(box["y"]) - MARGIN if box else 0
        tall = int(page.evaluate("document.documentElement.scrollHeight")) - top
        content = page.screenshot(
            full_page=True, clip={"x": 0, "y": top, "width": WIDTH, "height": min(tall, TALLEST)}
        )
        return (folder / f"{picture.name}.png").write_bytes(smaller(content))

    def page_of(self, who: str) -> Page:
        """That person's browser."""
        if who not in self._pages:
            self._pages[who] = self._signed_in(self._people[who])
        return self._pages[who]

    def ask_for_a_recall(self) -> None:
        """The sender asks that a package be recalled, so that something waits for approval."""
        page = self.page_of(SENDER)
        page.goto(f"{self._place}/approvals/new/recall")
        page.get_by_label("Package").fill(PACKAGE)
        page.get_by_label("Why?").fill(REASON)
        page.get_by_role("button", name="Ask for it").click()
        page.get_by_text("Your request is made.").wait_for()

    def _signed_in(self, person: Shown) -> Page:
        context = self._browser.new_context(viewport={"width": WIDTH, "height": 800})
        page = context.new_page()
        page.goto(f"{self._place}/sign-in")
        page.get_by_label("E-mail address").fill(person.email)
        page.get_by_label("Password", exact=True).fill(person.password)
        page.get_by_role("button", name="Continue").click()
        page.get_by_label("Enter the code").fill(code_now(person.key, self._now))
        page.get_by_role("button", name="Continue").click()
        page.wait_for_url(f"{self._place}/")
        return page


class _Quiet(WSGIRequestHandler):
    """Says nothing of each request."""

    def log(self, type: str, message: str, *args: object) -> None:
        """Nothing."""


@contextmanager
def served(home: Home, now: datetime) -> Iterator[str]:
    """The site over a home on loopback, with a worker at the home's door; its address."""
    with ExitStack() as stack:
        parts = stack.enter_context(open_parts(home, now))
        stack.callback(Door(parts, lambda: now).close)
        face = stack.enter_context(open_face(home))
        secret = HomeKeys(home.root).web_secret.read_bytes()
        people = People(face, lambda: now)
        app = make_site(
            Site(face, lambda: now, lambda asked: ask(home.door, asked), people, secret)
        )
        server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
        stack.callback(server.server_close)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        stack.callback(thread.join)
        stack.callback(server.shutdown)
        yield f"http://localhost:{server.server_port}"


def make_home(root: Path) -> Home:
    """A rehearsal home with its three weeks of history."""
    history = str(CHECKOUT / "tools" / "sample_history.py")
    for words in (
        ["-m", "gateway", "--home", str(root), "init", "--rehearsal"],
        [history, str(root), UNTIL],
    ):
        subprocess.run([sys.executable, *words], cwd=CHECKOUT, check=True, capture_output=True)
    return Home(root)


def with_held_rows(home: Home) -> str:
    """The drop of the history that had rows held back."""
    with open_face(home) as face, face.database.snapshot() as tx:
        found = drops.latest_of(tx, "ofsted", "notifications")
    return next(drop.id for drop in found if drop.held)


def main() -> int:
    """Make them all, and say how large they are."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else CHECKOUT / "docs" / "images")
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.stderr.write("Cannot go on: chromium is not installed (tools/prepare.sh dev).\n")
        return 1
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    folder.mkdir(parents=True, exist_ok=True)
    too_large = []
    with TemporaryDirectory(prefix="pictures-") as place, ExitStack() as stack:
        os.environ["TMPDIR"] = place
        home = make_home(Path(place) / "home")
        now, _ = moment(home, UNTIL)
        address = stack.enter_context(served(home, now))
        play = stack.enter_context(sync_playwright())
        browser = play.chromium.launch(executable_path=chromium, args=list(FLAGS))
        stack.callback(browser.close)
        camera = Camera(browser, address, home, now)
        camera.ask_for_a_recall()
        for picture in pictures(with_held_rows(home)):
            size = camera.take(picture, folder)
            sys.stdout.write(f"{picture.name}.png  {size // 1024} KB\n")
            if size > LARGEST:
                too_large.append(picture.name)
    if too_large:
        sys.stderr.write(f"Larger than {LARGEST} bytes: {', '.join(too_large)}.\n")
    return 1 if too_large else 0


if __name__ == "__main__":
    sys.exit(main())
