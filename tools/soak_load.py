"""What the soak does to a service: drops, collections and receipts, and faults among them."""

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

import psutil  # type: ignore[import-untyped]
from soak_figures import Looks, role_of

from gateway.crypto.keys import HomeKeys
from gateway.crypto.openpgp import OpenPGP
from gateway.crypto.pins import load_pins
from gateway.receipts.receipt import ReceiptKind, new_receipt
from gateway.receipts.writing import write_signed
from gateway.settings import Home
from gateway.store import packages
from gateway.store.database import Database

HEADINGS = (
    "Reference number,Local authority,Child's initials,Gender,Date of birth,Date of incident,"
    "Date notification was received,Nature of notification,Death of child: yes or no,"
    "Case information,Child's full name"
)
ROW = (
    "SCN9{number:07d},Camden,A.B.,Female,04/05/2016,10/02/2026,11/02/2026,"
    "Looked after child has died,Yes,A referral was received and the plan was agreed.,Nobody Atall"
)
_ROWS = 5
_QUEUE = 4
_SEEKING = 15.0
_STEPS: tuple[ReceiptKind, ...] = ("collected", "opened")
_PATIENCE = 20.0


class Load:
    """A thread for each kind of steady work, until told to stop; what was done is counted."""

    def __init__(self, home: Home, api: str, web: str, tokens: dict[str, str]) -> None:
        self._home, self._api, self._web, self._tokens = home, api, web, tokens
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self.count: Counter[str] = Counter()
        self.dropped: set[str] = set()  # SHA-256 of what was given over

    def start(self) -> None:
        """Begin."""
        for act, pause in ((self._drop, 4.0), (self._collect, 2.0), (self._receive, 8.0)):
            thread = threading.Thread(target=self._repeat, args=(act, pause))
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """End, after what is in hand."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _repeat(self, act: Callable[[int], None], pause: float) -> None:
        number = 0
        while not self._over.wait(pause):
            number += 1
            act(number)

    def _drop(self, number: int) -> None:
        """A file into the folder; every third by the API. A slow machine gets fewer."""
        if len(list(self._home.inbox_of("ofsted", "notifications").glob("*.csv"))) >= _QUEUE:
            return
        rows = [ROW.format(number=number * 100 + row) for row in range(_ROWS)]
        data = "\n".join((HEADINGS, *rows, "")).encode()
        if number % 3 == 0:
            headers = {"Content-Type": "application/octet-stream"}
            if self._asked(f"{self._api}/api/v1/drops", "ofsted", data, headers) is None:
                self.count["drops refused while a part was down"] += 1
                return
        else:
            inbox = self._home.inbox_of("ofsted", "notifications")
            part = inbox / f"soak-{number}.part"
            part.write_bytes(data)
            part.rename(inbox / f"soak-{number}.csv")
        self.dropped.add(hashlib.sha256(data).hexdigest())
        self.count["drops"] += 1

    def _collect(self, number: int) -> None:
        """The recipient's program lists and fetches; somebody looks at the site's first page."""
        told = self._asked(f"{self._api}/api/v1/packages", "dfe")
        found = json.loads(told)["packages"] if told else []
        if found:
            which = found[number % len(found)]["id"]
            if self._asked(f"{self._api}/api/v1/packages/{which}/content", "dfe"):
                self.count["collections"] += 1
        if self._asked(f"{self._web}/sign-in", ""):
            self.count["pages"] += 1

    def _receive(self, number: int) -> None:
        """A party signs a receipt for one of its packages, many for the second time."""
        with closing(Database.at(self._home.database)) as database, database.snapshot() as tx:
            latest = [row for row in packages.latest(tx) if row.flow == "notifications"]
            package = latest[number % len(latest)]
            row = packages.delivery(tx, package.id, "panel")
        if row is None:
            return
        at = datetime.now(UTC).replace(microsecond=0)
        kind = _STEPS[number % len(_STEPS)]
        facts = (package.id, "panel", row.sha256, package.agreement_hash, at)
        key = load_pins(self._home.parties_file).exchange_of("panel")
        with OpenPGP(HomeKeys(self._home.root).rehearsal("panel")) as openpgp:
            write_signed(
                new_receipt(kind, *facts, None), openpgp, key, self._home.receipts_of("panel")
            )
        self.count["receipts"] += 1

    def _asked(
        self, url: str, party: str, data: bytes | None = None, headers: dict[str, str] | None = None
    ) -> bytes | None:
        known = {"Authorization": f"Bearer {self._tokens[party]}"} if party else {}
        known |= headers or {}
        request = urllib.request.Request(url, data, known)  # noqa: S310  # nosec B310
        try:
            with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:  # noqa: S310  # nosec B310
                body: bytes = answer.read()
                return body
        except urllib.error.HTTPError as error:
            self.count[f"answers {error.code}"] += 1
        except OSError:
            self.count["requests while a part was down"] += 1
        return None


class Faults:
    """What is done to the service on purpose, a kind after the other."""

    def __init__(self, home: Home, looks: Looks) -> None:
        self._home, self._looks = home, looks
        self.count: Counter[str] = Counter()
        self.disk = small_disk(home.reports_of("ofsted"))

    def kill(self, role: str) -> None:
        """End a process of that role as the kernel would, wherever it is in its work."""
        end = time.monotonic() + _SEEKING
        while time.monotonic() < end:
            for process in self._looks.alive():
                with suppress(psutil.Error):
                    if role_of(process) == role:
                        process.kill()
                        self.count[f"kill -9 of {role}"] += 1
                        return
            time.sleep(0.1)

    def full_outbox(self, seconds: float) -> None:
        """The disk of Ofsted's outbox is full for a while."""
        if not self.disk:
            return
        ballast = self._home.reports_of("ofsted") / "ballast.tmp"
        with suppress(OSError), ballast.open("wb", buffering=0) as stream:
            while True:
                stream.write(b"\0" * 65536)
        time.sleep(seconds)
        ballast.unlink()
        self.count[f"full outbox, {seconds:.0f} s"] += 1

    def locked_database(self, seconds: float) -> None:
        """Another program holds the database for so long."""
        held = sqlite3.connect(self._home.database, timeout=60, isolation_level=None)
        held.execute("BEGIN IMMEDIATE")
        time.sleep(seconds)
        held.execute("ROLLBACK")
        held.close()
        self.count[f"locked database, {seconds:.0f} s"] += 1

    def close(self) -> None:
        """Give the outbox its own disk again, with all that lies there."""
        if not self.disk:
            return
        folder = self._home.reports_of("ofsted")
        kept = folder.with_name("reports-kept")
        shutil.copytree(folder, kept)
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        shutil.copytree(kept, folder, dirs_exist_ok=True)
        shutil.rmtree(kept)


def small_disk(folder: Path) -> bool:
    """A disk of a few megabytes at ``folder``; False where this user may mount none."""
    folder.mkdir(parents=True, exist_ok=True)
    about = folder.stat()
    words = f"size=24m,mode=0{about.st_mode & 0o777:o},uid={about.st_uid},gid={about.st_gid}"
    command = ["mount", "-t", "tmpfs", "-o", words, "none", str(folder)]
    return os.geteuid() == 0 and not subprocess.run(command, capture_output=True).returncode


def gateway(home: Home, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run one of the gateway's commands to its end; nothing is checked."""
    command = [sys.executable, "-m", "gateway", "--home", str(home.root), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def token(home: Home, party: str, *scopes: str) -> str:
    """A token of a party for the flow `notifications`."""
    asked = [word for scope in scopes for word in ("--scope", scope)]
    made = gateway(home, "token", "make", "--party", party, "--flow", "notifications", *asked)
    if made.returncode:
        sys.exit(f"No token: {made.stderr}")
    return next(word for word in made.stdout.split() if word.count(".") == 1 and len(word) > 40)
