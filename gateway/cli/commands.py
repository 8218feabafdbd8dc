"""The commands by name, and the module of each: a command loads its own part of the house alone.

Loading all of them takes longer than most of them take to run.
"""

from collections.abc import Mapping
from importlib import import_module

import click

MODULES: Mapping[str, tuple[str, ...]] = {
    "administration": ("init", "doctor"),
    "running": ("run", "worker"),
    "faces": ("api", "sftp", "web"),
    "exchange": ("check", "tick", "withdraw", "replace", "open", "password"),
    "look": ("status",),
    "ledger": ("ledger",),
    "backup": ("backup", "restore"),
    "evidence": ("evidence", "assurance"),
    "vault": ("vault", "hold", "retention"),
    "officers": ("officers", "away", "request", "approve", "token"),
    "people": ("people",),
    "agreement": ("agreement", "template"),
    "queries": ("query",),
    "recalls": ("recall", "supersede", "release"),
    "registers": ("register",),
    "client": ("client",),
    "digest": ("digest",),
    "rehearsing": ("rehearse",),
    "returns": ("acknowledge",),
}
_WHERE = {name: module for module, names in MODULES.items() for name in names}


class Commands(click.Group):
    """A group whose commands are loaded when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's own
        """All names, in order."""
        return sorted(_WHERE)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's own
        cmd_name: str,
    ) -> click.Command | None:
        """The command of that name; None where there is none."""
        if cmd_name not in _WHERE:
            return None
        module = import_module(f"gateway.cli.{_WHERE[cmd_name]}")
        found: dict[str, click.Command] = {item.name: item for item in module.COMMANDS}
        return found[cmd_name]
