"""Commands of the administrator: making a home, running the service, looking after it."""

import sys

import click

from gateway.bootstrap import default_home
from gateway.cli.context import Cli
from gateway.cli.words import say, say_json, say_table
from gateway.engine.doctor import examine_home, refuse_unsafe_start
from gateway.engine.logs import log_as_json
from gateway.engine.supervise import chosen, supervise
from gateway.engine.webtls import require_safe
from gateway.engine.worker import work
from gateway.founding import found
from gateway.settings import Settings


@click.command()
@click.option("--rehearsal", is_flag=True, help="Make every party's keys too, to try things out.")
@click.pass_obj
def init(cli: Cli, rehearsal: bool) -> None:
    """Make the home, or bring it up to date. Safe to run again."""
    founded = found(cli.home, default_home(), rehearsal)
    kind = "rehearsal" if cli.home.is_rehearsal else "home"
    say(f"{'Made' if founded.new else 'Brought up to date'}: the {kind} in {cli.home.root}")
    if founded.pins is not None:
        rows = [(party, role, print_) for party, role, print_ in founded.pins.each()]
        say_table("Pinned keys", ("Party", "Role", "Fingerprint"), rows)
    if founded.to_pin:
        say(f"Still to pin: {', '.join(founded.to_pin)}.")
        say("Put each party's public keys into keys/parties/<party>-exchange.asc and")
        say("<party>-records.asc, write their full fingerprints into config/parties.toml as")
        say("docs/keys.md says, and run `init` again.")
    if founded.people:
        say("People of the rehearsal: e-mail address, password, key for an authenticator app")
        for item in founded.people:
            say(f"  {item.email}  {item.password}  {item.key}")
        say("Each signs in with the password and a code; `people code EMAIL` shows the code now.")
    say("Next: `doctor` looks everything over; `run` starts the service.")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")
@click.pass_obj
def doctor(cli: Cli, as_json: bool) -> None:
    """Look over every setting and dependency: what is unsafe, and how to mend it."""
    looks = examine_home(cli.home)
    bad = any(look.state == "fail" for look in looks)
    if as_json:
        say_json({"ok": not bad, "looks": [look.as_json() for look in looks]})
    else:
        marks = {"ok": "ok", "warn": "look", "fail": "MEND"}
        rows = [(marks[look.state], look.name, look.words) for look in looks]
        say_table("Doctor", ("", "What", "Found"), rows)
    sys.exit(1 if bad else 0)


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
    sys.exit(supervise(cli.home.root, chosen(settings, api, sftp, web)))


@click.command(hidden=True)
@click.pass_obj
def worker(cli: Cli) -> None:
    """The worker process of `run`."""
    log_as_json()
    with cli.parts() as (parts, _):
        work(parts)


COMMANDS = (init, doctor, run, worker)
