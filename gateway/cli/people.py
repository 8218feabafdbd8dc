"""Commands of people: the first administrator, invitations, grants, leaving, signing out."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import click

from gateway.access import people as acts
from gateway.access.grants import ALL_FLOWS, ROLES
from gateway.access.invitations import address_of, queue_invitation
from gateway.access.notices import RESET, tell_person
from gateway.access.people import OPERATOR, Newcomer, PersonRefused
from gateway.access.rehearsal import read_people
from gateway.access.secondfactor import code_now, seconds_left
from gateway.access.training import known_as, training_of
from gateway.cli.context import JSON, NOW, Cli
from gateway.cli.words import say, say_error, say_json, say_table
from gateway.engine.parts import Parts
from gateway.store import grants
from gateway.store import people as rows
from gateway.store.database import Transaction
from gateway.store.people import PersonRow

_OFFICER = click.option("--officer", help="Who they are in config/officers.toml, if anybody.")
_PARTY = click.option("--party", required=True, help="Whose person it is.")


@contextmanager
def _acting(cli: Cli, now: str | None) -> Iterator[tuple[Parts, Transaction, datetime]]:
    with cli.parts(now) as (parts, at), parts.database.transaction() as tx:
        yield parts, tx, at


@click.group()
def people() -> None:
    """Who may sign in to the site, and what they may do there."""


@people.command("first-administrator")
@click.argument("name")
@click.argument("email")
@_PARTY
@_OFFICER
@NOW
@click.pass_obj
def first_administrator(
    cli: Cli, name: str, email: str, party: str, officer: str | None, now: str | None
) -> None:
    """Make NAME the administrator who invites the others, and print the link, this once."""
    with _acting(cli, now) as (parts, tx, at):
        _require_party(parts, party, officer)
        token = acts.first_administrator(tx, Newcomer(name, party, email, officer), at)
        _say_link(parts, token)
        _say_untrained(parts, tx, acts.person_of(tx, email), at)


@people.command("invite")
@click.argument("name")
@click.argument("email")
@_PARTY
@_OFFICER
@click.option("--link", "as_link", is_flag=True, help="Print the link; send no e-mail.")
@NOW
@click.pass_obj
def invite(
    cli: Cli,
    name: str,
    email: str,
    party: str,
    officer: str | None,
    as_link: bool,
    now: str | None,
) -> None:
    """Invite NAME by e-mail; again, if they have not set up their account yet."""
    with _acting(cli, now) as (parts, tx, at):
        _require_party(parts, party, officer)
        known = rows.by_email(tx, email)
        who = Newcomer(name, party, email, officer)
        person = known or acts.add_person(tx, who, OPERATOR, at)
        token = acts.invite(tx, person.id, OPERATOR, at)
        _hand_over(parts, tx, person.id, token, as_link, at)
        _say_untrained(parts, tx, person, at)


@people.command("reset")
@click.argument("person")
@click.option("--link", "as_link", is_flag=True, help="Print the link; send no e-mail.")
@NOW
@click.pass_obj
def reset(cli: Cli, person: str, as_link: bool, now: str | None) -> None:
    """Take PERSON's password and second factors away, sign them out, and invite them anew."""
    with _acting(cli, now) as (parts, tx, at):
        found = acts.person_of(tx, person)
        token = acts.reset(tx, found.id, OPERATOR, at)
        tell_person(tx, parts, found, RESET, at)
        _hand_over(parts, tx, found.id, token, as_link, at)


@people.command("list")
@JSON
@NOW
@click.pass_obj
def list_people(cli: Cli, as_json: bool, now: str | None) -> None:
    """List the people, how their accounts stand, until when they are trained, and their grants."""
    told: list[dict[str, Any]] = []
    with _acting(cli, now) as (_, tx, at):
        for person in rows.listed(tx):
            state = "left" if not person.active else "set up" if person.enrolled_at else "invited"
            given = [
                {"grant": row.id, "flow": row.flow, "role": row.role}
                for row in grants.in_force(tx, person.id)
            ]
            named = {"id": person.id, "name": person.name, "party": person.party}
            named |= {"email": person.email, "state": state}
            training = training_of(tx, person, at)
            until = training.until.isoformat() if training.until else None
            known = {"trained_until": until, "trained": training.counts}
            told.append({**named, **known, "grants": given})
    if as_json:
        say_json(told)
        return
    table = []
    for item in told:
        lines = [f"{row['role']} of {row['flow']} ({row['grant']})" for row in item["grants"]]
        columns = [item[key] for key in ("id", "name", "party", "email", "state")]
        table.append([*columns, _trained(item), "\n".join(lines)])
    headings = ("Id", "Name", "Party", "E-mail", "Account", "Trained until", "Grants")
    say_table("People", headings, table)
    if not told:
        say("No people. `people first-administrator` makes the first.")


def _trained(item: dict[str, Any]) -> str:
    until = item["trained_until"]
    if until is None:
        return "Not on record"
    return until if item["trained"] else f"{until} (past)"


@people.command("grant")
@click.argument("person")
@click.argument("role", type=click.Choice(ROLES))
@click.option("--flow", default=ALL_FLOWS, help="The flow; left out: all flows of the party.")
@NOW
@click.pass_obj
def grant(cli: Cli, person: str, role: str, flow: str, now: str | None) -> None:
    """Grant PERSON (id or e-mail address) a ROLE, for their own party."""
    with _acting(cli, now) as (parts, tx, at):
        found = acts.person_of(tx, person)
        made = acts.grant(tx, parts.flows(), found.id, (flow, role), OPERATOR, at)
        say(f"Granted: {made.id}. {found.name} is {role} of {flow} for {made.party}.")
        _say_untrained(parts, tx, found, at)


@people.command("revoke")
@click.argument("grant_id", metavar="GRANT")
@NOW
@click.pass_obj
def revoke(cli: Cli, grant_id: str, now: str | None) -> None:
    """End GRANT, at once."""
    with _acting(cli, now) as (_, tx, at):
        acts.revoke(tx, grant_id, OPERATOR, at)
    say(f"Revoked: {grant_id}.")


@people.command("leave")
@click.argument("person")
@NOW
@click.pass_obj
def leave(cli: Cli, person: str, now: str | None) -> None:
    """Let PERSON go: every grant and session of theirs ends, at once."""
    with _acting(cli, now) as (_, tx, at):
        found = acts.person_of(tx, person)
        acts.leave(tx, found.id, OPERATOR, at)
    say(f"{found.name} has left: they are signed out, and may do nothing here any more.")


@people.command("end-sessions")
@click.argument("person")
@NOW
@click.pass_obj
def end_sessions(cli: Cli, person: str, now: str | None) -> None:
    """Sign PERSON out everywhere."""
    with _acting(cli, now) as (_, tx, at):
        ended = acts.end_sessions(tx, acts.person_of(tx, person).id, OPERATOR, at)
    say(f"Ended: {ended} session{'' if ended == 1 else 's'}.")


@people.command("code")
@click.argument("email")
@NOW
@click.pass_obj
def code(cli: Cli, email: str, now: str | None) -> None:
    """Rehearsal only: the code of EMAIL's authenticator app now."""
    with cli.parts(now) as (parts, at):
        shown = {item.email: item for item in read_people(parts.home.root)}
        if not parts.home.is_rehearsal or email not in shown:
            raise PersonRefused(
                "person.no-code",
                "Only the people that a rehearsal was made with have a code here.",
                "Look at your own authenticator app.",
            )
        click.echo(code_now(shown[email].key, at))
        click.echo(f"It is good for {seconds_left(at)} seconds.", err=True)


def _require_party(parts: Parts, party: str, officer: str | None) -> None:
    known = {item.id for agreed in parts.agreed.values() for item in agreed.agreement.parties}
    if party not in known:
        raise PersonRefused(
            "person.party", "There is no such party here.", f"Parties: {', '.join(sorted(known))}."
        )
    if officer is not None and parts.officers.get(officer).party != party:
        raise PersonRefused(
            "person.officer",
            "That officer is another party's.",
            "`gateway officers` lists them.",
        )


def _hand_over(
    parts: Parts, tx: Transaction, person_id: str, token: str, as_link: bool, at: datetime
) -> None:
    if as_link or not parts.settings.mail.host or not parts.settings.web.origin:
        _say_link(parts, token)
        return
    person = acts.person_of(tx, person_id)
    queue_invitation(tx, person, token, parts.settings.web.origin, at)
    say(f"Invited: {person.name} ({person.id}). The next tick sends the e-mail.")


def _say_untrained(parts: Parts, tx: Transaction, person: PersonRow, at: datetime) -> None:
    """Say of whom no training counts that no grant does either, and what is done about it."""
    if training_of(tx, person, at).counts:
        return
    who = known_as(person)
    others = [item for item in parts.officers.of(person.party) if item.id != who]
    noting = [item.id for item in others if set(item.roles) != {"auditor"}]
    hint = "once they are trained, another officer of their party enters it; FILE says in what:"
    if not noting:
        hint = f"name an officer of {person.party} in config/officers.toml, who then enters it:"
    say_error(
        "person.untrained",
        f"{person.name} may do nothing here yet: no training that counts is on record.",
        f"{hint}\n  gateway register enter training --officer {(noting or ['OFFICER'])[0]}"
        f" --person {who} --completed YYYY-MM-DD --until YYYY-MM-DD --text-file FILE",
    )


def _say_link(parts: Parts, token: str) -> None:
    origin = parts.settings.web.origin or f"http://{parts.settings.web.listen or 'localhost:8481'}"
    click.echo(address_of(origin, token))
    click.echo(
        "Hand it over by a safe way: it is good for three days, and shown this once.", err=True
    )


COMMANDS = (people,)
