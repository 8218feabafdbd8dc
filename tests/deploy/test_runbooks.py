"""docs/operate.md: every alarm has its row, and every command in it is one there is."""

import re
from pathlib import Path

import click
from test_guides import CONTEXT, commands  # tests/exchange: the guides are held to the same

from gateway.cli import gateway

DOCS = Path(__file__).parents[2] / "docs"
CODE = re.compile(r"`([a-z][a-z-]*\.[a-z][a-z-]+)`")


def codes_of_rows(page: str, column: int = 1) -> set[str]:
    """The codes in a column of a page's tables."""
    text = (DOCS / page).read_text(encoding="utf-8")
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| `")]
    return {code for row in rows for code in CODE.findall(row[column])}


def test_every_alarm_has_something_to_look_at_and_to_do():
    alarms, told = codes_of_rows("alarms.md"), codes_of_rows("operate.md")
    assert len(alarms) > 60
    assert alarms - told == set()


def test_every_alarm_that_the_program_raises_has_too():
    """Those that a part raises by name, whatever alarms.md says of them."""
    source = "".join(path.read_text() for path in (DOCS.parent / "gateway").rglob("*.py"))
    raised = set(re.findall(r'raise_alarm\(\s*tx,\s*"([a-z-]+\.[a-z-]+)"', source))
    assert len(raised) > 5
    assert raised - codes_of_rows("operate.md") == set()


def test_every_code_that_is_told_is_one_there_is():
    source = "".join(path.read_text() for path in (DOCS.parent / "gateway").rglob("*.py"))
    for code in codes_of_rows("operate.md") - {"home.key", "web.secret", "ledger.key"}:
        if not code.endswith((".service", ".timer")):
            kind, _, rest = code.partition(".")
            written = f'"{code}"' in source or (f"{kind}.{{" in source and f'"{rest}"' in source)
            assert written, code


def test_every_command_is_one_there_is():
    text = (DOCS / "operate.md").read_text(encoding="utf-8")
    text = text.replace("gateway --home /srv/gateway ", "gateway ")
    seen = list(commands(text.replace("gateway-admin ", "gateway ")))
    assert len(seen) > 30
    for words in seen:
        command = gateway.get_command(CONTEXT, words[0])
        assert command is not None
        if isinstance(command, click.Group) and len(words) > 1:
            assert words[1] in command.commands, words
            command = command.commands[words[1]]
        known = {flag for item in command.params for flag in (*item.opts, *item.secondary_opts)}
        assert {word for word in words if word.startswith("--")} <= known, words


def test_every_unit_that_is_named_is_there():
    text = (DOCS / "operate.md").read_text(encoding="utf-8")
    there = {path.name for path in (DOCS.parent / "deploy" / "systemd").iterdir()}
    named = set(re.findall(r"\bgateway(?:-[a-z]+)?\.(?:service|timer|path|target)\b", text))
    named |= {
        f"{name}.service" for name in re.findall(r"systemctl [a-z]+ (gateway-[a-z]+)\b(?!\.)", text)
    }
    assert named <= there
