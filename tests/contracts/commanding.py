"""A rehearsal home whose settings may name a database server, by the commands that people use."""

import json
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pgserver import PostgreSQL
from rehearsing import clean_row, csv_of

from gateway.settings import Home

RunGateway = Callable[..., "subprocess.CompletedProcess[str]"]


@dataclass
class Commanded:
    """The home, the server, the name of the database there, and how commands are run."""

    home: Home
    server: PostgreSQL
    name: str
    run: RunGateway

    def call(self, *words: str) -> str:
        """A command that must succeed; what it printed."""
        done = self.run(self.home.root, *words)
        assert done.returncode == 0, f"{words}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def refused(self, *words: str) -> str:
        """A command that must be refused; what it said."""
        done = self.run(self.home.root, *words)
        assert done.returncode == 1, f"{words}:\n{done.stdout}\n{done.stderr}"
        return done.stderr

    def tick(self, now: str) -> dict[str, Any]:
        """One tick."""
        told: dict[str, Any] = json.loads(self.call("tick", "--now", now, "--json"))
        return told

    def drop(self, *numbers: int) -> None:
        """Lay a file of those rows into the inbox, settled."""
        path = self.home.inbox_of("ofsted", "notifications") / "extract.csv"
        path.write_bytes(csv_of([clean_row(number) for number in numbers]))
        os.utime(path, (time.time() - 3600,) * 2)

    def use(self, name: str) -> None:
        """The settings name that database from now on."""
        text = f'[database]\nurl = "{self.server.url(name)}"\n'
        self.home.settings_file.write_text(text, encoding="utf-8")

    def head(self) -> tuple[int, str]:
        """The ledger's size and root."""
        told = json.loads(self.call("ledger", "head", "--json"))
        return told["size"], told["root"]
