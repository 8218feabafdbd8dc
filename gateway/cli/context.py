"""What every command shares: the home, and the time."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import click

from gateway import __version__
from gateway.bootstrap import default_home, moment, open_parts
from gateway.cli.commands import Commands
from gateway.engine.parts import Parts
from gateway.settings import Home


@dataclass
class Cli:
    """The home that commands work in."""

    home: Home = field(default_factory=lambda: Home(default_home()))

    @contextmanager
    def parts(self, now: str | None = None) -> Iterator[tuple[Parts, datetime]]:
        """The parts of the home, and the time to work at."""
        at, faked = moment(self.home, now)
        with open_parts(self.home, faked) as parts:
            yield parts, at


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    help="The home: config, inbox, outbox, keys and var. Default: this checkout.",
)
@click.version_option(__version__, prog_name="gateway")
@click.pass_obj
def gateway(cli: Cli, home: Path | None) -> None:
    """Sends what an agreement allows, and proves it."""
    if home is not None:
        cli.home = Home(home.absolute())


PATIENCE_SECONDS = 60.0  # how long a command waits for the worker to end its tick
NOW = click.option("--now", metavar="TIME", help="Rehearsal only: the time to work at, ISO 8601.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")
