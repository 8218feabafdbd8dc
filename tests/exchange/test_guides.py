"""The guides tell the truth: their settings, commands, codes and recipes are those there are."""

import configparser
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest

from gateway import client
from gateway.bootstrap import open_parts
from gateway.cli import gateway
from gateway.crypto.gpghome import GpgHome
from gateway.engine.returns import take_returns
from gateway.receipts.refused import WORDS
from gateway.settings import Home

GUIDES = ("recipient-guide.md", "sender-guide.md")
CODE = re.compile(r"`([a-z0-9]+\.[a-z0-9-]+)`")
NO_CODES = {"data.xlsx", "client.py"}
AT = "2025-03-03T16:00"
ID = "notifications-2025-03-03-01"


def guide(checkout: Path, name: str) -> str:
    return (checkout / "docs" / name).read_text(encoding="utf-8")


def blocks(text: str, kind: str) -> list[str]:
    """The fenced blocks of a kind."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


CONTEXT = click.Context(gateway)


def commands(text: str) -> Iterator[list[str]]:
    """The words of every command of ours that a guide shows, in blocks and in lines."""
    shown = [line.strip() for block in blocks(text, "sh") for line in block.splitlines()]
    shown += [line.strip() for line in re.findall(r"^ {4,}(\S.*)$", text, re.MULTILINE)]
    shown += re.findall(r"`([a-z]+ [^`]+)`", text)
    for line in shown:
        words = line.removeprefix("python -m ").removeprefix("gateway ")
        if words.split()[0] in gateway.list_commands(CONTEXT):
            yield [word for word in shlex.split(words) if word != "…"]


def test_the_settings_are_those_of_the_client(checkout: Path, tmp_path: Path) -> None:
    (shown,) = blocks(guide(checkout, GUIDES[0]), "ini")
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(shown)
    assert set(parser["gateway"]) == set(client.Settings.__dataclass_fields__)
    (tmp_path / "client.ini").write_text(shown)
    read = client.Settings.load(tmp_path / "client.ini")
    assert read.url == "https://gateway.example" and len(read.gateway_key) == 40
    assert read.gnupg_home == ""


@pytest.mark.parametrize("name", GUIDES)
def test_every_command_is_one_there_is(name: str, checkout: Path) -> None:
    seen = list(commands(guide(checkout, name)))
    assert len(seen) > 5
    for words in seen:
        command = gateway.get_command(CONTEXT, words[0])
        assert command is not None
        if words[0] == "client":
            if len(words) > 1:
                client._parser().parse_args(["accepted" if w == "KIND" else w for w in words[1:]])
            continue
        if isinstance(command, click.Group) and len(words) > 1:
            assert words[1] in command.commands, words
            command = command.commands[words[1]]
        known = {flag for item in command.params for flag in (*item.opts, *item.secondary_opts)}
        assert {word for word in words if word.startswith("--")} <= known, words


def test_every_code_of_client_and_receipts_is_told(checkout: Path) -> None:
    told = set(CODE.findall(guide(checkout, GUIDES[0]))) - NO_CODES
    source = Path(client.__file__).read_text(encoding="utf-8")
    own = set(re.findall(r'"([a-z0-9]+\.[a-z0-9-]+)"', source))
    own -= {"data.xlsx", "data.csv", "package.zip", "manifest.json", "manifest.asc"}
    assert own | set(WORDS) <= told
    everywhere = "".join(path.read_text() for path in (checkout / "gateway").rglob("*.py"))
    for code in told:
        assert f'"{code}"' in everywhere, code


@pytest.fixture
def placed(rehearsal_home: Path, inbox, extract, run_gateway) -> Path:  # type: ignore[no-untyped-def]
    """A home with one package placed."""
    dates = {"Date of incident": "10/02/2025", "Date notification was received": "11/02/2025"}
    (inbox / "extract.csv").write_text(extract(1, change=lambda _: dates), encoding="utf-8")
    os.utime(inbox / "extract.csv", (1_700_000_000, 1_700_000_000))
    assert run_gateway(rehearsal_home, "tick", "--now", AT).returncode == 0
    return rehearsal_home


def test_receipts_by_gpg_alone(checkout: Path, placed: Path, tmp_path: Path) -> None:
    (recipe,) = [block for block in blocks(guide(checkout, GUIDES[0]), "sh") if "printf" in block]
    home = Home(placed)
    outbox, here = home.outbox_of("dfe", "notifications"), tmp_path / "here"
    here.mkdir()
    manifest = outbox / f"{ID}.manifest.json"
    (here / manifest.name).write_bytes(manifest.read_bytes())
    with open_parts(home) as parts:
        officer = parts.officers.of("dfe", "recipient")[0]
        exchange = parts.pins.exchange_of("dfe")
        for kind, named in (("collected", None), ("opened", None), ("accepted", officer)):
            keys = GpgHome(home.keys / "rehearsal" / (named.id if named else "dfe"))
            values = {
                "id": ID,
                "kind": kind,
                "officer": f'"{named.id}"' if named else "null",
                "key": (named.key or "") if named else exchange,
                "GNUPGHOME": str(keys.path),
            }
            try:
                subprocess.run(
                    ["bash", "-eu", "-c", recipe],
                    cwd=here,
                    check=True,
                    env={**os.environ, **values},
                )
            finally:
                keys.close()
        for path in here.glob("*.receipt.json*"):
            os.utime(path, (1_700_000_000, 1_700_000_000))
            path.rename(home.receipts_of("dfe") / path.name)
        taken = take_returns(parts, datetime.now(UTC))
    assert [item.code for item in taken.refused] == []
    assert [item.receipt.kind for item in taken.recorded] == ["collected", "opened", "accepted"]
