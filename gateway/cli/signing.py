"""`agreement status | versions | statement | sign | withdraw`: what parties say of an agreement."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import click

from gateway.agreement.load import Agreed, in_force
from gateway.agreement.windows import london_date
from gateway.cli.context import NOW, PATIENCE_SECONDS, Cli
from gateway.cli.opening import keyring_of
from gateway.cli.words import say
from gateway.crypto.openpgp import OpenPGP
from gateway.engine.agreementwatch import review_due
from gateway.engine.lock import only_worker
from gateway.engine.parts import Parts
from gateway.records.agreements import (
    LARGEST,
    Standing,
    Word,
    sign_statement,
    standing,
    statement_of,
    take_statement,
)
from gateway.records.registers import latest_agreed_review
from gateway.store import agreements as rows

_THERE = click.Path(dir_okay=False, path_type=Path, exists=True)
_PARTY = click.option("--party", required=True, help="A party that signs the agreement.")
_WHICH = click.option("--agreement", "which", help="Which, where the home has several.")
_VERSION = click.option("--version", help="Which version; without it, the one that holds now.")
_STATEMENT = click.option("--statement", type=_THERE, help="What was signed elsewhere.")
_SIGNATURE = click.option("--signature", type=_THERE, help="The signature made elsewhere.")


@click.command("status")
@NOW
@click.pass_obj
def status_command(cli: Cli, now: str | None) -> None:
    """Show who has signed each agreement as it stands, since when, and when it is reviewed."""
    with cli.parts(now) as (parts, at):
        holding = in_force(parts.versions, london_date(at))
        for agreed in holding:
            _tell(parts, agreed, "It is in force.")
        for agreed in parts.versions:
            start = agreed.agreement.effective_from
            if start is not None and start > london_date(at):
                _tell(parts, agreed, f"It takes effect on {start:%-d %B %Y}.")


def _tell(parts: Parts, agreed: Agreed, signed: str) -> None:
    stands = _standing(parts, agreed)
    say(f"{agreed.agreement.title}, version {agreed.agreement.version}")
    say(f"  Hash: {agreed.hash}")
    for party in agreed.agreement.signatories:
        word = "not signed" if party.id in stands.unsigned else "signed"
        say(f"  {party.id}: {'withdrawn' if party.id in stands.withdrawn else word}")
    if stands.signed_on is None:
        say("  Nothing of its flows can be dispatched until each party has signed it.")
        return
    with parts.database.transaction() as tx:
        due = review_due(agreed, stands.signed_on, latest_agreed_review(tx))
    say(f"  {signed} Signed on {stands.signed_on:%-d %B %Y}; its review is due by {due:%-d %B %Y}.")


@click.command("versions")
@click.pass_obj
def versions_command(cli: Cli) -> None:
    """List every version that was seen here: packages name theirs by its hash."""
    with cli.parts() as (parts, at), parts.database.transaction() as tx:
        held = {agreed.hash for agreed in in_force(parts.versions, london_date(at))}
        for name in dict.fromkeys(agreed.agreement.id for agreed in parts.versions):
            for row in rows.versions(tx, name):
                told = f"first seen {row.first_seen_at:%Y-%m-%d %H:%M} UTC"
                start = f", from {row.effective_from}" if row.effective_from else ""
                now = " (in the files, for now)" if row.hash in held else ""
                say(f"{row.hash}  {row.agreement} {row.version}{start}, {told}{now}")


@click.command("statement")
@_PARTY
@_WHICH
@_VERSION
@click.option("--withdraw", is_flag=True, help="That the party withdraws, not that it signs.")
@click.option("--to", type=click.Path(dir_okay=False, path_type=Path), required=True)
@NOW
@click.pass_obj
def statement_command(
    cli: Cli,
    party: str,
    which: str | None,
    version: str | None,
    withdraw: bool,
    to: Path,
    now: str | None,
) -> None:
    """Write the statement that a party signs elsewhere, byte for byte, with its exchange key."""
    word: Word = "withdrawn" if withdraw else "signed"
    with cli.parts(now) as (parts, at):
        to.write_bytes(statement_of(_chosen(parts, which, version, at), party, word, at))
    say(f"Sign it with: gpg --armor --detach-sign {to}")
    verb = "withdraw" if withdraw else "sign"
    say(f"Then: agreement {verb} --party {party} --statement {to} --signature {to}.asc")


@dataclass(frozen=True)
class _Said:
    """A party's word on a version, and where it was signed elsewhere the two files of it."""

    party: str
    which: str | None
    version: str | None
    statement: Path | None
    signature: Path | None

    @property
    def made(self) -> tuple[bytes, bytes] | None:
        """The statement and its signature; None to sign here. Raises click.UsageError."""
        if self.statement is None and self.signature is None:
            return None
        if self.statement is None or self.signature is None:
            raise click.UsageError("Give both --statement and --signature, or neither.")
        return _bytes(self.statement), _bytes(self.signature)


def _saying(word: Word, words: str) -> click.Command:
    @_PARTY
    @_WHICH
    @_VERSION
    @_STATEMENT
    @_SIGNATURE
    @NOW
    @click.pass_obj
    def command(
        cli: Cli,
        party: str,
        which: str | None,
        version: str | None,
        statement: Path | None,
        signature: Path | None,
        now: str | None,
    ) -> None:
        _take(cli, word, _Said(party, which, version, statement, signature), now)

    name = "sign" if word == "signed" else "withdraw"
    return click.command(name, help=words)(command)


def _take(cli: Cli, word: Word, said: _Said, now: str | None) -> None:
    with cli.parts(now) as (parts, at), only_worker(parts, PATIENCE_SECONDS):
        agreed = _chosen(parts, said.which, said.version, at)
        made = said.made or _signed_here(parts, agreed, said.party, word, at, bool(now))
        known = parts.database, parts.openpgp, parts.pins
        take_statement(*known, agreed, *made, said.party, word, at)
        stands = _standing(parts, agreed)
    say(f"Taken: {said.party} has {word} {agreed.agreement.title}, hash {agreed.hash}.")
    whole = "Every party has signed it." if stands.in_force else "See `agreement status`."
    say(whole)


def _signed_here(
    parts: Parts, agreed: Agreed, party: str, word: Word, at: datetime, faked: bool
) -> tuple[bytes, bytes]:
    statement = statement_of(agreed, party, word, at)
    with OpenPGP(keyring_of(parts.home, party), at if faked else None) as own:
        return statement, sign_statement(own, statement, parts.pins.exchange_of(party))


def _standing(parts: Parts, agreed: Agreed) -> Standing:
    return standing(parts.database, parts.openpgp, parts.pins, agreed)


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(LARGEST + 1)


def _chosen(parts: Parts, which: str | None, version: str | None, at: datetime) -> Agreed:
    """The version that is meant: the one that holds now, unless another is named."""
    some = parts.versions if version else in_force(parts.versions, london_date(at))
    found = [
        item
        for item in some
        if which in (None, item.agreement.id) and version in (None, item.agreement.version)
    ]
    if len(found) != 1:
        names = ", ".join(f"{item.agreement.id} {item.agreement.version}" for item in some)
        raise click.UsageError(f"Name one with --agreement and --version: {names}.")
    return found[0]


COMMANDS = (
    status_command,
    versions_command,
    statement_command,
    _saying("signed", "Sign the agreement as it stands, here or by a signature made elsewhere."),
    _saying("withdrawn", "Withdraw from the agreement: nothing of its flows is dispatched then."),
)
