"""Commands of the administrator: making a home, and looking after it."""

import sys

import click

from gateway.bootstrap import default_home
from gateway.cli.context import PATIENCE_SECONDS, Cli
from gateway.cli.words import say, say_error, say_json, say_table
from gateway.engine.doctor import Look, examine_home
from gateway.engine.invariants import WORDS, Breach, by_code, examine
from gateway.engine.lock import only_worker
from gateway.founding import found


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
@click.option("--deep", is_flag=True, help="Check the invariants too: all that is kept and shown.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")
@click.pass_obj
def doctor(cli: Cli, deep: bool, as_json: bool) -> None:
    """Look over every setting and dependency: what is unsafe, and how to mend it.

    Exit code: 0 all well, 1 something is to be mended.
    """
    looks = examine_home(cli.home)
    bad = any(look.state == "fail" for look in looks)
    breaches = _breaches(cli) if deep and not _is_unusable(looks) else None
    bad = bad or bool(breaches)
    if as_json:
        told: dict[str, object] = {"ok": not bad, "looks": [look.as_json() for look in looks]}
        if breaches is not None:
            told["invariants"] = [
                {"code": code, "holds": not found, "breaches": [item.as_json() for item in found]}
                for code, found in by_code(breaches).items()
            ]
        say_json(told)
    else:
        marks = {"ok": "ok", "warn": "look", "fail": "MEND"}
        rows = [(marks[look.state], look.name, look.words) for look in looks]
        say_table("Doctor", ("", "What", "Found"), rows)
        if breaches is not None:
            _say_invariants(breaches)
    sys.exit(1 if bad else 0)


def _is_unusable(looks: list[Look]) -> bool:
    """Whether the home cannot be opened at all: then the looks say so, and nothing is deeper."""
    needed = ("settings", "agreement", "database", "keys", "officers")
    return any(look.state == "fail" and look.name in needed for look in looks)


def _breaches(cli: Cli) -> list[Breach]:
    with cli.parts() as (parts, _), only_worker(parts.home.lock, PATIENCE_SECONDS):
        return examine(parts)


def _say_invariants(breaches: list[Breach]) -> None:
    rows = [
        ("MEND" if found else "ok", code.removeprefix("invariant."), WORDS[code])
        for code, found in by_code(breaches).items()
    ]
    say_table("Invariants", ("", "What", "Holds"), rows)
    for item in breaches:
        say_error(item.code, f"{item.subject}: {item.how}", "See docs/reliability.md.")


COMMANDS = (init, doctor)
