"""Commands that run the service: the supervisor of all its processes, and the worker's own."""

import sys
from datetime import UTC, datetime

import click

from gateway.agreement.windows import london_date
from gateway.cli.context import Cli
from gateway.engine.agreementfiles import AgreementFiles
from gateway.engine.doctor import refuse_unsafe_start
from gateway.engine.logs import log_as_json
from gateway.engine.supervise import chosen, supervise
from gateway.engine.webtls import require_safe
from gateway.engine.worker import work
from gateway.settings import Settings


@click.command()
@click.option("--api", metavar="HOST:PORT", default="", help="Serve the HTTP API there too.")
@click.option("--sftp", metavar="HOST:PORT", default="", help="Serve SFTP there too.")
@click.option("--web", metavar="HOST:PORT", default="", help="Serve the web site there too.")
@click.pass_obj
def run(cli: Cli, api: str, sftp: str, web: str) -> None:
    """Run the service until it is told to stop (SIGTERM or Ctrl-C)."""
    log_as_json()
    settings = Settings.load(cli.home.settings_file)
    if listen := web or settings.web.listen:
        require_safe(cli.home, settings.web, listen)
    refuse_unsafe_start(cli.home)
    if cli.home.is_rehearsal:
        click.echo("This is a REHEARSAL: nothing here is secret or real.", err=True)
    files = AgreementFiles(cli.home.config, lambda: london_date(datetime.now(UTC)))
    services = chosen(settings, api, sftp, web)
    sys.exit(supervise(cli.home.root, services, files.changed))


@click.command(hidden=True)
@click.pass_obj
def worker(cli: Cli) -> None:
    """The worker process of `run`."""
    log_as_json()
    with cli.parts() as (parts, _):
        work(parts)


COMMANDS = (run, worker)
