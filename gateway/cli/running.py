"""Commands that run the service: the supervisor of all its processes, and the worker's own."""

import ctypes
import sys
from datetime import UTC, datetime

import click

from gateway.agreement.windows import london_date
from gateway.cli.context import Cli
from gateway.engine.agreementfiles import AgreementFiles
from gateway.engine.doctor import refuse_unsafe_start
from gateway.engine.logs import log_as_json
from gateway.engine.supervise import WORKER_ALONE, chosen, supervise
from gateway.engine.webtls import require_safe
from gateway.engine.worker import work
from gateway.settings import Settings

_PR_SET_DUMPABLE = 4  # prctl(2)


@click.command()
@click.option("--api", metavar="HOST:PORT", default="", help="Serve the HTTP API there too.")
@click.option("--sftp", metavar="HOST:PORT", default="", help="Serve SFTP there too.")
@click.option("--web", metavar="HOST:PORT", default="", help="Serve the web site there too.")
@click.option("--alone", is_flag=True, help="The worker alone: faces are services of their own.")
@click.pass_obj
def run(cli: Cli, api: str, sftp: str, web: str, alone: bool) -> None:
    """Run the service until it is told to stop (SIGTERM or Ctrl-C)."""
    log_as_json()
    settings = Settings.load(cli.home.settings_file)
    if listen := web or settings.web.listen:
        require_safe(cli.home, settings.web, listen)
    refuse_unsafe_start(cli.home)
    if cli.home.is_rehearsal:
        click.echo("This is a REHEARSAL: nothing here is secret or real.", err=True)
    files = AgreementFiles(cli.home.config, lambda: london_date(datetime.now(UTC)))
    services = WORKER_ALONE if alone else chosen(settings, api, sftp, web)
    sys.exit(supervise(cli.home.root, services, files.changed))


@click.command(hidden=True)
@click.pass_obj
def worker(cli: Cli) -> None:
    """The worker process of `run`."""
    log_as_json()
    _shut_memory()
    with cli.parts() as (parts, _):
        work(parts)


def _shut_memory() -> None:
    """Nobody but root looks into this process: /proc would lead its own user to what it holds."""
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


COMMANDS = (run, worker)
