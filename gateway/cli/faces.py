"""Hidden commands: the processes that `run` keeps alive beside the worker."""

from importlib import import_module

import click

from gateway.bootstrap import open_face, require_home
from gateway.cli.context import Cli
from gateway.engine.logs import log_as_json
from gateway.settings import Settings


@click.command(hidden=True)
@click.option("--listen", metavar="HOST:PORT", required=True, help="Where to serve; port 0: any.")
@click.pass_obj
def api(cli: Cli, listen: str) -> None:
    """The HTTP API's process of `run`."""
    log_as_json()
    require_home(cli.home)
    # Loaded in its own process alone: every other command starts without it.
    serve = import_module("gateway.api.serve").serve
    serve(listen, Settings.load(cli.home.settings_file).api, open_face(cli.home))


@click.command(hidden=True)
@click.option("--listen", metavar="HOST:PORT", required=True, help="Where to serve; port 0: any.")
@click.pass_obj
def sftp(cli: Cli, listen: str) -> None:
    """The SFTP process of `run`."""
    log_as_json()
    # Loaded here alone: no other command should wait for an SSH library.
    server = import_module("gateway.sftp.server")
    with open_face(cli.home) as parts:
        server.serve(parts, listen)


@click.command(hidden=True)
@click.option("--listen", metavar="HOST:PORT", required=True, help="Where to serve; port 0: any.")
@click.pass_obj
def web(cli: Cli, listen: str) -> None:
    """The web site's process of `run`."""
    log_as_json()
    require_home(cli.home)
    # Loaded in its own process alone: every other command starts without it.
    serve = import_module("gateway.web.serve").serve
    serve(listen, Settings.load(cli.home.settings_file).web, cli.home, open_face(cli.home))


COMMANDS = (api, sftp, web)
