"""A whole exchange whose settings name PostgreSQL, by the commands that people use."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from commanding import Commanded, RunGateway
from pgserver import PostgreSQL

from gateway.settings import Home

MORNING, WINDOW, LATER = "2026-03-02T10:00", "2026-03-02T16:00", "2026-03-02T16:30"


@pytest.fixture(scope="module")
def template(
    template_home: Path,
    tmp_path_factory: pytest.TempPathFactory,
    postgresql_server: PostgreSQL,
    run_gateway: RunGateway,
) -> Iterator[Commanded]:
    """A home as `init` makes it; only its keys come from another. Copy it; do not use it."""
    root, name = tmp_path_factory.mktemp("server") / "home", postgresql_server.make_empty()
    shutil.copytree(template_home, root, ignore=shutil.ignore_patterns("S.*", "gateway.db*"))
    made = Commanded(Home(root), postgresql_server, name, run_gateway)
    made.home.log_keys.unlink()  # they name the other home's log
    postgresql_server.write_password(made.home.keys)
    made.use(name)
    made.call("init", "--rehearsal")
    yield made
    postgresql_server.drop(name)


@pytest.fixture
def exchange(template: Commanded, rehearsal_home: Path) -> Iterator[Commanded]:
    """A fresh home with its database on a server."""
    shutil.rmtree(rehearsal_home)
    ignored = shutil.ignore_patterns("S.*")
    home = Home(shutil.copytree(template.home.root, rehearsal_home, symlinks=True, ignore=ignored))
    name = template.server.make(template.name)
    made = replace(template, home=home, name=name)
    made.use(name)
    yield made
    template.server.drop(name)


def test_a_whole_exchange(exchange: Commanded) -> None:
    exchange.drop(1, 2)
    assert exchange.tick(MORNING)["drops"][0]["accepted"] == 2
    report = exchange.tick(WINDOW)
    assert report["faults"] == []
    placed = {item["party"]: item["file"] for item in report["deliveries"]}
    assert placed.keys() == {"dfe", "panel"}
    for party, file in placed.items():
        who = ("--party", party, "--now", LATER)
        exchange.call("open", file, "--to", str(exchange.home.root / party), "--receipt", *who)
        exchange.call("acknowledge", file, *who, "--officer", f"{party}-officer-1")
    states = [item["state"] for item in json.loads(exchange.call("status", "--json"))["deliveries"]]
    assert states == ["placed", "placed"]
    assert len(exchange.tick("2026-03-02T16:40")["receipts"]) == 6
    told = json.loads(exchange.call("status", "--json"))
    assert [item["state"] for item in told["deliveries"]] == ["accepted", "accepted"]
    exchange.call("ledger", "verify")
    said = exchange.call("doctor", "--deep")
    assert "PostgreSQL" in said
    assert not exchange.home.database.exists(), "no file was made beside the server's database"


def test_an_older_database_put_back_is_found_and_stops_dispatch(exchange: Commanded) -> None:
    exchange.tick(MORNING)
    older = exchange.server.make(exchange.name)
    exchange.drop(1, 2)
    exchange.tick("2026-03-02T10:30")
    assert len(exchange.tick(WINDOW)["packages"]) == 1
    exchange.use(older)
    report = exchange.tick("2026-03-03T16:00")
    assert report["packages"] == []
    alarms = json.loads(exchange.call("status", "--json"))["alarms"]
    assert "ledger.rolled-back" in {item["code"] for item in alarms}
    exchange.use(exchange.name)
    assert exchange.tick("2026-03-03T16:01")["packages"] != []
    exchange.server.drop(older)


def test_without_its_server_every_command_says_so(exchange: Commanded) -> None:
    exchange.server.stop()
    try:
        said = [
            exchange.run(exchange.home.root, *words)
            for words in (("status",), ("tick",), ("doctor",))
        ]
    finally:
        exchange.server.begin()
    for done in said:
        assert done.returncode != 0
        assert "The database cannot be used." in done.stdout + done.stderr
        assert "Traceback" not in done.stderr


def test_what_the_settings_may_not_say_is_refused(exchange: Commanded) -> None:
    text = exchange.home.settings_file.read_text()
    exchange.home.settings_file.write_text(text.replace("gateway@", "gateway:swordfish@"))
    done = exchange.run(exchange.home.root, "status")
    assert done.returncode == 1
    assert "[database.password-in-url]" in done.stderr
    assert "swordfish" not in done.stdout + done.stderr


def test_a_home_that_has_a_database_begins_no_other(exchange: Commanded) -> None:
    """What it holds is not moved: an empty one would be another ledger under the same keys."""
    empty = exchange.server.make_empty()
    exchange.use(empty)
    exchange.home.database.touch()
    done = exchange.run(exchange.home.root, "init")
    assert done.returncode == 1
    assert "[database.elsewhere]" in done.stderr
    exchange.server.drop(empty)
