"""The doctor: every setting and dependency, what is unsafe, and how to mend it.

`refuse_unsafe_start` is the same look, made before `run`: it refuses what the doctor fails.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from gateway.access.officers import Officer, Officers, OfficersFault, load_officers
from gateway.agreement.load import AgreementFaults, in_force, load_agreements
from gateway.agreement.windows import london_date
from gateway.crypto.faults import CryptoFault
from gateway.crypto.keys import HomeKeys, examine_keys, unsafe_modes
from gateway.crypto.keystate import KeyState
from gateway.crypto.openpgp import OpenPGP, pick, refuse_unusable
from gateway.crypto.pins import load_pins
from gateway.engine.clock import read_clock
from gateway.engine.outside import (
    look_at_breached_passwords,
    look_at_buckets,
    look_at_clock,
    look_at_mail,
)
from gateway.engine.ways import look_at_sftp
from gateway.engine.webtls import look_at_web
from gateway.intake.confined.frames import ReaderFailed
from gateway.intake.confined.probing import probe
from gateway.intake.confined.reader import Reader
from gateway.records.agreements import standing
from gateway.settings import Home, Settings, SettingsFault
from gateway.store.database import Database, StoreFault

State = Literal["ok", "warn", "fail"]
_APPROVERS = 3  # one asks, two others approve


@dataclass(frozen=True)
class Look:
    """One thing looked at. ``words`` say what was found and, where it is not well, the mend."""

    name: str
    state: State
    words: str

    def as_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


def examine_home(home: Home) -> list[Look]:
    """Look at everything; one fault hides no other."""
    looks: list[Look] = []
    parts: tuple[Callable[[Home], Iterator[Look]], ...] = (
        _python,
        _settings,
        _folders,
        _agreements,
        _database,
        _keys,
        _signed,
        _officers,
        _sftp,
        _web,
        _clock,
        _mail,
        _breached_passwords,
        _buckets,
        _reader,
    )
    for part in parts:
        try:
            looks.extend(part(home))
        except (SettingsFault, CryptoFault, StoreFault, OfficersFault) as fault:
            name = part.__name__.strip("_")
            looks.append(Look(name, "fail", f"{fault.args[0]} {fault.hint}"))
        except ReaderFailed as failure:
            name = part.__name__.strip("_")
            looks.append(Look(name, "fail", f"The confined reader does not work: {failure.why}."))
        except OSError as error:
            name = part.__name__.strip("_")
            looks.append(Look(name, "fail", f"Could not be looked at ({error.strerror})."))
    return looks


def refuse_unsafe_start(home: Home) -> None:
    """Raises SettingsFault naming everything that makes a start unsafe."""
    settings = Settings.load(home.settings_file)
    failed = [look for look in examine_home(home) if look.state == "fail"]
    waived = settings.run_without_confinement
    if waived:
        failed = [look for look in failed if not look.name.startswith("reader")]
    if failed:
        raise SettingsFault(
            "start.unsafe",
            "It is not safe to start: "
            + " ".join(f"[{look.name}] {look.words}" for look in failed),
            "Mend these; `doctor` shows the whole picture.",
        )


def _python(_home: Home) -> Iterator[Look]:
    version = ".".join(map(str, sys.version_info[:3]))
    fits = sys.version_info[:2] == (3, 11)
    yield Look("python", "ok" if fits else "warn", f"Python {version}; made for 3.11.")
    debugging = bool(sys.flags.dev_mode or os.environ.get("PYTHONDEVMODE"))
    if debugging:
        yield Look("python mode", "fail", "Development mode is on. Unset PYTHONDEVMODE.")


def _settings(home: Home) -> Iterator[Look]:
    settings = Settings.load(home.settings_file)
    kind = "a REHEARSAL home: nothing in it is secret" if home.is_rehearsal else "a real home"
    yield Look("home", "ok", f"{home.root} is {kind}.")
    if settings.run_without_confinement:
        yield Look(
            "settings",
            "warn",
            f"Runs without confinement, because: {settings.run_without_confinement}. "
            "Take run_without_confinement out of config/gateway.toml as soon as you can.",
        )


def _folders(home: Home) -> Iterator[Look]:
    settings = Settings.load(home.settings_file)
    for folder in (home.inbox, home.outbox, home.var, home.keys):
        usable = folder.is_dir() and os.access(folder, os.R_OK | os.W_OK | os.X_OK)
        if not usable:
            words = (
                f"{folder.name}/ is missing or may not be written. Run `init`, or mend its rights."
            )
            yield Look(f"folder {folder.name}", "fail", words)
    if home.var.is_dir():
        free = shutil.disk_usage(home.var).free
        enough = free >= settings.minimum_free_bytes
        words = f"{free // 1024**2} MiB free."
        mend = "" if enough else " That is little: free some space."
        yield Look("disk", "ok" if enough else "warn", words + mend)
        if home.inbox.is_dir() and home.inbox.stat().st_dev != home.var.stat().st_dev:
            words = "The inbox and var lie on different file systems. Put both on one."
            yield Look("disk", "fail", words)
        if home.var.stat().st_mode & 0o077:
            yield Look("folder var", "fail", "var/ can be read by others. Run: chmod 700 var")


def _agreements(home: Home) -> Iterator[Look]:
    try:
        for agreed in load_agreements(home.config):
            flows = ", ".join(flow.id for flow in agreed.agreement.flows)
            start = agreed.agreement.effective_from
            since = f", in force from {start:%-d %B %Y}" if start else ""
            version = f"version {agreed.agreement.version}{since}"
            words = f"{agreed.agreement.title}: {version}; flows {flows}; hash {agreed.hash[:16]}…"
            yield Look("agreement", "ok", words)
    except AgreementFaults as faults:
        yield Look("agreement", "fail", str(faults))


def _database(home: Home) -> Iterator[Look]:
    with closing(Database.of(home, Settings.load(home.settings_file))) as database:
        if not database.is_made():
            yield Look("database", "fail", "There is no database. Run `init`.")
            return
        database.require_current()
        yield from (Look("database", *found) for found in database.look())


def _keys(home: Home) -> Iterator[Look]:
    for line in unsafe_modes(home.root):
        yield Look("keys", "fail", line)
    pins = load_pins(home.parties_file)
    keys = HomeKeys(home.root)
    with OpenPGP(keys.gateway) as openpgp:
        for report in examine_keys(openpgp, pins, datetime.now(UTC), keys.parties):
            state: State = "ok" if report.state == "ok" else "fail"
            if report.state == "expiring":
                state = "warn"
            words = report.words or f"{report.fingerprint[-16:]} is well."
            yield Look(f"key {report.party} {report.role}", state, words)


def _signed(home: Home) -> Iterator[Look]:
    """Whether every party has signed; without it the service starts, takes drops and sends none."""
    try:
        versions = load_agreements(home.config)
    except AgreementFaults:
        return  # told already
    pins = load_pins(home.parties_file)
    with closing(Database.of(home, Settings.load(home.settings_file))) as database:
        if not database.is_made():
            return  # likewise
        with OpenPGP(HomeKeys(home.root).gateway) as openpgp:
            for agreed in in_force(versions, london_date(datetime.now(UTC))):
                stands = standing(database, openpgp, pins, agreed)
                late = ", ".join(stands.unsigned + stands.withdrawn)
                words = f"{late} has not signed it as it stands: `agreement sign`. Nothing is sent."
                well = f"Signed by every party, last on {stands.signed_on}."
                name = f"agreement {agreed.agreement.id}"
                yield Look(name, "warn" if late else "ok", words if late else well)


def _officers(home: Home) -> Iterator[Look]:
    """Whether somebody can acknowledge for each recipient, and two can approve for each sender.

    A lack is a warning: it stops no package, but receipts and acts of two officers would wait.
    """
    officers = load_officers(home.officers_file)
    try:
        agreements = load_agreements(home.config)
    except AgreementFaults:
        return  # told already
    with OpenPGP(HomeKeys(home.root).gateway) as openpgp:
        known = openpgp.keys()
    unfit: set[str] = set()
    for officer in officers:
        if words := _unfit_key(officer, known):
            unfit.add(officer.id)
            yield Look(f"officer {officer.id}", "warn", words)
    able = Officers([officer for officer in officers if officer.id not in unfit])
    flows = [flow for agreed in agreements for flow in agreed.agreement.flows]
    senders = dict.fromkeys(flow.sender for flow in flows)
    recipients = dict.fromkeys(item.party for flow in flows for item in flow.recipients)
    for party in dict.fromkeys([*senders, *recipients]):
        lacks = []
        if party in recipients and not able.of(party, "recipient"):
            lacks.append("Nobody can acknowledge what it receives.")
        if party in senders and (count := len(able.of(party, "approver"))) < _APPROVERS:
            lacks.append(f"{count} can approve: {_APPROVERS} must, one to ask and two to approve.")
        words = " ".join([*lacks, "Name officers with keys (docs/officers.md), then run `init`."])
        well = f"{len(able.of(party))} with a usable key."
        yield Look(f"officers {party}", "warn" if lacks else "ok", words if lacks else well)


def _unfit_key(officer: Officer, known: Sequence[KeyState]) -> str:
    """Why an officer's key cannot sign, with the mend; "" where it can."""
    if officer.key is None:
        return "No key is pinned in config/officers.toml (docs/officers.md)."
    try:
        refuse_unusable(pick(known, officer.key), "sign", datetime.now(UTC))
    except CryptoFault as fault:
        if fault.code == "key.unknown":
            return f"The pinned key is not known. Put it into keys/officers/{officer.id}.asc."
        return str(fault)
    return ""


def _sftp(home: Home) -> Iterator[Look]:
    return (Look(*told) for told in look_at_sftp(home))


def _web(home: Home) -> Iterator[Look]:
    return (Look(*told) for told in look_at_web(home))


def _clock(home: Home) -> Iterator[Look]:
    yield from (Look(*found) for found in look_at_clock(home, read_clock()))


def _mail(home: Home) -> Iterator[Look]:
    yield from (Look(*found) for found in look_at_mail(home))


def _breached_passwords(home: Home) -> Iterator[Look]:
    yield from (Look(*found) for found in look_at_breached_passwords(home))


def _buckets(home: Home) -> Iterator[Look]:
    yield from (Look(*found) for found in look_at_buckets(home))


def _reader(home: Home) -> Iterator[Look]:
    try:
        agreements = load_agreements(home.config)
    except AgreementFaults:
        return
    books = {
        flow.id: agreed.rule_book(flow.id)
        for agreed in in_force(agreements, london_date(datetime.now(UTC)))
        for flow in agreed.agreement.flows
    }
    with Reader(books) as reader:
        for layer in probe(reader):
            state: State = "ok" if layer.holds else ("fail" if layer.required else "warn")
            yield Look(f"reader {layer.name}", state, layer.words)
