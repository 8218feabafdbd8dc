"""The table of commands is true: each stands where it says, and no module is left out."""

from importlib import import_module
from pathlib import Path

import click

import gateway.cli
from gateway.cli import gateway as program
from gateway.cli.commands import MODULES


def test_each_module_has_the_commands_that_the_table_says() -> None:
    for module, names in MODULES.items():
        found = import_module(f"gateway.cli.{module}").COMMANDS
        assert tuple(item.name for item in found) == names


def test_no_module_of_commands_is_left_out() -> None:
    folder = Path(str(gateway.cli.__file__)).parent
    having = {path.stem for path in folder.glob("*.py") if "\nCOMMANDS = " in path.read_text()}
    assert having - {"signing"} == set(MODULES)  # signing's belong to the group `agreement`


def test_an_unknown_command_is_none() -> None:
    assert program.get_command(click.Context(program), "commands") is None
