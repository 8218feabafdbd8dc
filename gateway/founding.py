"""`init`: makes a home, or brings one up to date. Running it again is always safe."""

import hashlib
import secrets
import shutil
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway import __version__
from gateway.access.officers import Officer, OfficerRole, Officers, load_officers, written
from gateway.access.rehearsal import Shown, make_people, train_people
from gateway.agreement.load import Agreed, load_agreements
from gateway.bootstrap import by_flow
from gateway.crypto.credentials import secret_file
from gateway.crypto.faults import CryptoFault
from gateway.crypto.keys import (
    REHEARSAL_MADE,
    HomeKeys,
    import_officer_keys,
    import_party_keys,
    make_gateway_key,
    make_home_key,
    make_rehearsal_keys,
    make_rehearsal_officer_key,
    make_web_secret,
)
from gateway.crypto.notes import NoteSigner, add_key, make_log_key, read_keys
from gateway.crypto.openpgp import OpenPGP
from gateway.crypto.pins import Pins, load_pins, write_pins
from gateway.crypto.sealing import HomeKey, Sealer
from gateway.crypto.sshkeys import make_host_key
from gateway.records.agreements import (
    is_known,
    note_version,
    sign_statement,
    statement_of,
    take_statement,
)
from gateway.records.checkpoints import signer_name
from gateway.records.holds import begin_by_agreement
from gateway.records.leaf import Fact
from gateway.records.ledger import event, open_first_log, record
from gateway.settings import Home, Settings, SettingsFault
from gateway.store import meta
from gateway.store.database import Database, Transaction
from gateway.store.making import bring_up_to_date

_OWN = (
    "parties.toml",
    "officers.toml",
    "sftp",
    "ledger-keys",
)  # facts of one home, never copied to another
_MARK = """\
REHEARSAL

This home is for trying things out. Its keys were made by the gateway itself, for every party,
without a password: nothing sealed here is secret. Never put real data into it.
"""


_DAYS = 30  # of a month, for the day on which the first hold is looked at again


@dataclass(frozen=True)
class Founded:
    """What `init` made or found. ``to_pin`` names parties whose keys must still be pinned."""

    home: Home
    new: bool
    pins: Pins | None
    to_pin: tuple[str, ...]
    people: tuple[Shown, ...] = ()  # of a rehearsal, with what they sign in with


def found(home: Home, checkout: Path, rehearsal: bool) -> Founded:
    """Make the home's folders, configuration, database and keys.

    Raises SettingsFault, AgreementFaults, CryptoFault, StoreFault or OSError.
    """
    own = home.settings_file
    settings = Settings.load(own if own.exists() else checkout / "config" / own.name)
    with closing(Database.of(home, settings)) as database:
        new = not database.is_made()
    if new and settings.database.url and home.database.is_file():
        raise SettingsFault(
            "database.elsewhere",
            "This home has its records in var/gateway.db, and [database] url names an empty one.",
            "Run `migrate-home`, which moves them there; or take the url out again.",
        )
    _refuse_mixing(home, new, rehearsal)
    _copy_config(home, checkout)
    versions = load_agreements(home.config)
    agreed = by_flow(versions)
    _make_folders(home, agreed)
    if rehearsal:
        home.rehearsal_mark.write_text(_MARK, encoding="utf-8")
    make_home_key(home.root)
    make_host_key(home.root)
    make_web_secret(home.root)
    make_log_key(HomeKeys(home.root).log_key)
    parties = _parties(agreed.values())
    pins = _rehearsal_pins(home, parties) if home.is_rehearsal else _real_pins(home)
    if pins is not None:
        import_party_keys(home.root, pins)
    officers = _rehearsal_officers(home, parties, pins) if home.is_rehearsal else None
    officers = officers or load_officers(home.officers_file)
    import_officer_keys(home.root, {item.id: item.key for item in officers if item.key})
    bring_up_to_date(home, settings)
    with closing(Database.of(home, settings)) as database:
        people = _open_books(home, database, pins, officers, versions)
    if home.database.is_file():
        home.database.chmod(0o600)
    to_pin = tuple(item for item in parties if pins is None or item not in pins.parties)
    return Founded(home, new, pins, to_pin, people)


def _refuse_mixing(home: Home, new: bool, rehearsal: bool) -> None:
    if not new and rehearsal and not home.is_rehearsal:
        raise SettingsFault(
            "home.real",
            "This is a real home, and cannot be turned into a rehearsal.",
            "Make the rehearsal in another folder: --home DIR init --rehearsal.",
        )


def _copy_config(home: Home, checkout: Path) -> None:
    """Copy the checkout's agreements, code lists and settings; what is there already stays."""
    source = checkout / "config"
    for part in sorted(source.rglob("*")):
        target = home.config / part.relative_to(source)
        own = part.relative_to(source).parts[0] in _OWN
        if part.is_file() and not own and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(part, target)


def _make_folders(home: Home, agreed: Mapping[str, Agreed]) -> None:
    private = (home.var, home.vault, home.staged, home.drops_work, home.packages_work)
    for folder in (home.inbox, home.outbox):
        folder.mkdir(parents=True, exist_ok=True)
    home.keys.mkdir(parents=True, exist_ok=True)
    home.keys.chmod(0o700)
    for folder in private:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
    for flow_id, item in agreed.items():
        flow = item.agreement.flow(flow_id)
        home.inbox_of(flow.sender, flow_id).mkdir(parents=True, exist_ok=True)
        home.reports_of(flow.sender).mkdir(parents=True, exist_ok=True)
        home.records_of(flow.sender).mkdir(parents=True, exist_ok=True)
        for recipient in flow.recipients:
            home.outbox_of(recipient.party, flow_id).mkdir(parents=True, exist_ok=True)
    for party in _parties(agreed.values()):
        home.receipts_of(party).mkdir(parents=True, exist_ok=True)
        home.reports_of(party).mkdir(parents=True, exist_ok=True)
    _require_one_file_system(home)


def _require_one_file_system(home: Home) -> None:
    """A claim is a rename, so inboxes and working folders must share a file system."""
    work = home.drops_work.stat().st_dev
    for folder in [home.inbox, *home.inbox.glob("*/*")]:
        if folder.is_dir() and folder.stat().st_dev != work:
            raise SettingsFault(
                "home.two-file-systems",
                "The inbox and var/work lie on different file systems.",
                "Put both on one, so that a file can be claimed by a rename.",
            )


def _parties(agreed: Iterable[Agreed]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for item in agreed:
        found |= dict.fromkeys(party.id for party in item.agreement.parties)
    return tuple(found)


def _rehearsal_pins(home: Home, parties: tuple[str, ...]) -> Pins:
    pins = make_rehearsal_keys(home.root, parties)
    write_pins(home.parties_file, pins)
    return pins


def _real_pins(home: Home) -> Pins | None:
    """A real home's pins: the gateway's own is made here, the parties' are written by officers."""
    fingerprint = make_gateway_key(home.root, datetime.now(UTC))
    if not home.parties_file.exists():
        write_pins(home.parties_file, Pins(fingerprint, {}))
        return None
    pins = load_pins(home.parties_file)
    if pins.gateway != fingerprint:
        raise CryptoFault(
            "key.mismatch",
            "The gateway's key is not the one that config/parties.toml pins.",
            "Restore keys/gateway from its backup, or have two officers pin the new key.",
        )
    return pins


def _rehearsal_officers(home: Home, parties: tuple[str, ...], pins: Pins | None) -> Officers | None:
    """Three officers of each party, with keys of their own; what is written already stays."""
    if home.officers_file.exists() or pins is None:
        return None
    made = []
    for party in parties:
        for number, roles in enumerate(_REHEARSAL_ROLES, start=1):
            who = f"{party}-officer-{number}"
            key = make_rehearsal_officer_key(home.root, who, pins.gateway)
            name = f"Rehearsal officer {number} of {party}"
            email = f"{who}@rehearsal.invalid"
            made.append(Officer(id=who, name=name, party=party, email=email, roles=roles, key=key))
    home.officers_file.write_text(written(made), encoding="utf-8")
    return Officers(made)


_REHEARSAL_ROLES: tuple[tuple[OfficerRole, ...], ...] = (
    ("sender", "recipient", "approver"),
    ("sender", "recipient", "approver"),
    ("approver", "administrator"),
)


def _open_books(
    home: Home,
    database: Database,
    pins: Pins | None,
    officers: Officers,
    versions: tuple[Agreed, ...],
) -> tuple[Shown, ...]:
    with database.transaction() as tx:
        home_id = _home_id(tx)
        open_first_log(tx, home_id, datetime.now(UTC))
        _record_founding(tx, home, pins)
        _record_officers(tx, officers)
        fresh = [item for item in versions if not is_known(tx, item.agreement.id)]
        for item in versions:
            note_version(tx, item, datetime.now(UTC))
        _begin_hold(tx, home, versions)
        people = _rehearsal_people(tx, home, officers, versions) if home.is_rehearsal else ()
    if home.is_rehearsal and pins is not None:
        for item in fresh:  # a version that came later, or was edited, is for people to sign
            sign_rehearsal(home, database, pins, item, datetime.now(UTC))
    signer = NoteSigner.load(HomeKeys(home.root).log_key, signer_name(home_id))
    if not read_keys(home.log_keys):  # another key than those is for `ledger rotate-key` to bring
        add_key(home.log_keys, signer.key)
    return people


def _rehearsal_people(
    tx: Transaction, home: Home, officers: Officers, versions: tuple[Agreed, ...]
) -> tuple[Shown, ...]:
    """One person of each role, for the site: made once, and trained whenever they are not."""
    secret = secret_file(HomeKeys(home.root).web_secret)[0].read_bytes()
    now = datetime.now(UTC)
    shown = make_people(tx, home.root, secret, _parties(versions), now)
    signatories = {party.id for item in versions for party in item.agreement.signatories}
    staff = Officers(tuple(officers), tuple(sorted(signatories)))
    train_people(tx, _sealer(home), staff, shown, now, agreement_hash=versions[0].hash)
    return tuple(shown)


def _sealer(home: Home) -> Sealer:
    return Sealer(HomeKey.load(HomeKeys(home.root).home_key).derive("small secrets"))


def sign_rehearsal(
    home: Home, database: Database, pins: Pins, agreed: Agreed, now: datetime
) -> None:
    """Every party of a rehearsal signs the agreement as it stands, each with its own key.

    Raises CryptoFault, or StatementRefused.
    """
    keys = HomeKeys(home.root)
    with OpenPGP(keys.gateway, REHEARSAL_MADE) as openpgp:
        for party in agreed.agreement.signatories:
            said = statement_of(agreed, party.id, "signed", now)
            with OpenPGP(keys.rehearsal(party.id), REHEARSAL_MADE) as own:
                signed = sign_statement(own, said, pins.exchange_of(party.id))
            take_statement(database, openpgp, pins, agreed, said, signed, party.id, "signed", now)


def _begin_hold(tx: Transaction, home: Home, versions: tuple[Agreed, ...]) -> None:
    """The hold that an agreement asks for: on everything, to be looked at as the agreement is."""
    for item in versions:
        retention, now = item.agreement.retention, datetime.now(UTC)
        if retention.hold:
            review_on = now.date() + timedelta(
                days=_DAYS * item.agreement.review.months_after_signing
            )
            begin_by_agreement(tx, _sealer(home), retention.hold_reason, review_on, now)


def _home_id(tx: Transaction) -> str:
    """What names this home and no other; it is in the name of its log."""
    known = meta.get(tx, "home.id")
    if known is None:
        known = secrets.token_hex(8)
        meta.put(tx, "home.id", known)
    return known


def _record_founding(tx: Transaction, home: Home, pins: Pins | None) -> None:
    now = datetime.now(UTC)
    known = meta.get(tx, "version")
    if known is None:
        made: dict[str, Fact] = {"rehearsal": home.is_rehearsal, "version": __version__}
        record(tx, event("home.made", "home", facts=made), now)
    elif known != __version__:
        record(tx, event("home.upgraded", "home", facts={"version": __version__}), now)
    meta.put(tx, "version", __version__)
    for party, role, fingerprint in pins.each() if pins else ():
        key = f"pinned:{party}:{role}"
        if meta.get(tx, key) == fingerprint:
            continue
        meta.put(tx, key, fingerprint)
        facts: dict[str, Fact] = {"party": party, "role": role, "fingerprint": fingerprint}
        record(tx, event("key.pinned", f"key:{party}:{role}", facts=facts), now)


def _record_officers(tx: Transaction, officers: Officers) -> None:
    now = datetime.now(UTC)
    for officer in officers:
        key = f"officer:{hashlib.sha256(officer.id.encode()).hexdigest()[:24]}"
        pinned = officer.key or ""
        if meta.get(tx, key) == pinned:
            continue
        meta.put(tx, key, pinned)
        facts: dict[str, Fact] = {"party": officer.party, "key": pinned}
        commits: dict[str, Fact] = {"officer": officer.id}
        record(tx, event("officer.pinned", f"officer:{officer.party}", "", facts, commits), now)
