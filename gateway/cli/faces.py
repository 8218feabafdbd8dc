"""Hidden commands: the processes that `run` keeps alive beside the worker."""

from importlib import import_module

import click

from gateway.bootstrap import open_face, require_home
from gateway.cli.context import Cli
from gateway.engine.logs import log_as_json
from gateway.settings import Settings, SettingsFault

_LISTEN = click.option(
    "--listen", metavar="HOST:PORT", default="", help="Where to serve; port 0: any. Else as set."
)


def _settings(cli: Cli) -> Settings:
    require_home(cli.home)
    return Settings.load(cli.home.settings_file)


def _listen(given: str, set_there: str, face: str) -> str:
    """Where to serve. Raises SettingsFault where neither says it."""
    if listen := given or set_there:
        return listen
    raise SettingsFault(
        f"{face}.no-listen",
        f"Nothing says where {face} is to be served.",
        f"Set [{face}] listen in config/gateway.toml, or give --listen.",
    )


@click.command(hidden=True)
@_LISTEN
@click.pass_obj
def api(cli: Cli, listen: str) -> None:
    """The HTTP API's process of `run`."""
    log_as_json()
    settings = _settings(cli).api
    listen = _listen(listen, settings.listen, "api")
    # Loaded in its own process alone: every other command starts without it.
    serve = import_module("gateway.api.serve").serve
    serve(listen, settings, open_face(cli.home))


@click.command(hidden=True)
@_LISTEN
@click.pass_obj
def sftp(cli: Cli, listen: str) -> None:
    """The SFTP process of `run`."""
    log_as_json()
    listen = _listen(listen, _settings(cli).sftp.listen, "sftp")
    # Loaded here alone: no other command should wait for an SSH library.
    server = import_module("gateway.sftp.server")
    with open_face(cli.home) as parts:
        server.serve(parts, listen)


@click.command(hidden=True)
@_LISTEN
@click.pass_obj
def web(cli: Cli, listen: str) -> None:
    """The web site's process of `run`."""
    log_as_json()
    settings = _settings(cli).web
    listen = _listen(listen, settings.listen, "web")
    # Loaded in its own process alone: every other command starts without it.
    serve = import_module("gateway.web.serve").serve
    serve(listen, settings, cli.home, open_face(cli.home))


COMMANDS = (api, sftp, web)
