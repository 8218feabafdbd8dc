"""Builds the real parts from a home's settings, once, for every face."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from gateway.access.officers import load_officers
from gateway.agreement.load import Agreed, in_force, load_agreements
from gateway.agreement.windows import london_date
from gateway.crypto.keys import REHEARSAL_MADE, HomeKeys
from gateway.crypto.memory import KeyedMemory
from gateway.crypto.openpgp import OpenPGP
from gateway.crypto.pins import load_pins
from gateway.crypto.sealing import HomeKey, Sealer
from gateway.engine.face import FaceParts
from gateway.engine.parts import Parts
from gateway.intake import Examiner
from gateway.intake.confined.reader import Reader
from gateway.intake.judge import Memory
from gateway.intake.memory import NothingSent, SentBefore
from gateway.records.staging import Staging
from gateway.records.vault import Vault
from gateway.settings import Home, Settings, SettingsFault
from gateway.store.database import Database
from gateway.store.folder import BlobFolder
from gateway.store.lockedfolder import LockedFolder
from gateway.store.s3 import of_settings

_LAYERS = ("landlock", "seccomp")


@contextmanager
def open_parts(home: Home, faked: datetime | None = None) -> Iterator[Parts]:
    """The parts of a home that `init` has made, closed at the end.

    ``faked`` is the time that gpg is told; only a rehearsal has one. Raises SettingsFault,
    AgreementFaults, CryptoFault or StoreFault, each saying what to do.
    """
    require_home(home)
    settings = Settings.load(home.settings_file)
    versions = load_agreements(home.config)
    agreed = by_flow(in_force(versions, london_date(faked or datetime.now(UTC))))
    pins = load_pins(home.parties_file)
    keys = HomeKeys(home.root)
    home_key = HomeKey.load(keys.home_key)
    with ExitStack() as stack:
        database = stack.enter_context(closing(Database.of(home, settings)))
        database.require_current()
        reader = Reader(
            {flow_id: item.rule_book(flow_id) for flow_id, item in agreed.items()},
            waived=frozenset(_LAYERS) if settings.run_without_confinement else frozenset(),
        )
        stack.callback(reader.close)  # it starts when it is first needed
        yield Parts(
            home=home,
            settings=settings,
            agreed=agreed,
            versions=versions,
            pins=pins,
            officers=load_officers(home.officers_file, _signatories(agreed)),
            database=database,
            vault=vault_of(home, settings),
            staging=Staging(home.staged, home_key.derive("staged rows")),
            keyed=_keyed(home_key),
            sealer=Sealer(home_key.derive("small secrets")),
            openpgp=stack.enter_context(OpenPGP(keys.gateway, faked)),
            reader=reader,
        )


@contextmanager
def open_examiner(home: Home, flow_id: str) -> Iterator[tuple[Agreed, Examiner]]:
    """What `check` needs for a flow: it works before `init` as well, from the agreement alone.

    Raises KeyError when no agreement has the flow, and whatever `open_parts` raises.
    """
    agreed = agreed_now(home)[flow_id]
    settings = Settings.load(home.settings_file)
    waived = frozenset(_LAYERS) if settings.run_without_confinement else frozenset()
    with ExitStack() as stack:
        memory: Memory = NothingSent()
        database = stack.enter_context(closing(Database.of(home, settings)))
        if database.is_made():
            database.require_current()
            home_key = HomeKey.load(HomeKeys(home.root).home_key)
            memory = SentBefore(database, _keyed(home_key))
        reader = Reader({flow_id: agreed.rule_book(flow_id)}, waived=waived)
        stack.callback(reader.close)
        yield agreed, Examiner(reader, memory)


@contextmanager
def open_face(home: Home) -> Iterator[FaceParts]:
    """What a face of the home works with, closed at the end: no key is opened for it.

    Raises SettingsFault, AgreementFaults or StoreFault, each saying what to do.
    """
    require_home(home)
    settings = Settings.load(home.settings_file)
    agreed = agreed_now(home)
    with closing(Database.of(home, settings)) as database:
        database.require_current()
        officers = load_officers(home.officers_file, _signatories(agreed))
        yield FaceParts(home, settings, agreed, database, Vault(BlobFolder(home.vault)), officers)


def vault_of(home: Home, settings: Settings) -> Vault:
    """The vault: a folder, and a bucket as well where one is set. A face reads the folder alone."""
    if not settings.vault.bucket:
        return Vault(BlobFolder(home.vault))
    keys = HomeKeys(home.root).s3
    bucket = of_settings(keys, settings.vault, "vault")
    return Vault(LockedFolder(home.vault, bucket, keys / "vault-keeper.toml"))


def _keyed(home_key: HomeKey) -> KeyedMemory:
    return KeyedMemory(home_key.derive("what was sent"))


def agreed_now(home: Home) -> dict[str, Agreed]:
    """The agreement in force of each flow of a home, made or not. Raises AgreementFaults."""
    today = london_date(datetime.now(UTC))
    return by_flow(in_force(load_agreements(home.config), today))


def by_flow(agreements: tuple[Agreed, ...]) -> dict[str, Agreed]:
    """The agreement of each flow, in the order of the files and of the flows in them."""
    return {flow.id: agreed for agreed in agreements for flow in agreed.agreement.flows}


def _signatories(agreed: dict[str, Agreed]) -> tuple[str, ...]:
    """The parties that sign any of the agreements."""
    agreements = [item.agreement for item in agreed.values()]
    return tuple(sorted({party.id for item in agreements for party in item.signatories}))


def require_home(home: Home) -> None:
    """Raises SettingsFault unless `init` has made this home, or StoreFault."""
    with closing(Database.of(home, Settings.load(home.settings_file))) as database:
        if not database.is_made():
            raise SettingsFault(
                "home.absent",
                f"There is no gateway home in {home.root}.",
                "Make one with `init` (or `init --rehearsal` to try things out).",
            )


def moment(home: Home, text: str | None) -> tuple[datetime, datetime | None]:
    """The time to work at, and the time to tell gpg (None for the real one).

    ``text`` is ISO 8601; without an offset it is London's time. Raises SettingsFault where a time
    is given outside a rehearsal, is not a time, or is before rehearsal keys exist.
    """
    if text is None:
        return datetime.now(UTC), None
    if not home.is_rehearsal:
        raise SettingsFault(
            "now.refused",
            "Only a rehearsal obeys --now; this is a real home.",
            "Leave --now out, or try things in a home made with `init --rehearsal`.",
        )
    try:
        parsed = datetime.fromisoformat(text)
        if parsed.tzinfo is None:
            parsed = parsed.replace(tzinfo=ZoneInfo("Europe/London"))
        parsed = parsed.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise SettingsFault(
            "now.malformed", "--now is not a time.", "Write it like 2026-03-02T16:00."
        ) from error
    if parsed < REHEARSAL_MADE:
        raise SettingsFault(
            "now.too-early", "Rehearsal keys exist from 2015 on.", "Choose a later time."
        )
    return parsed, parsed


def default_home() -> Path:
    """The home that is meant where none is named: this checkout."""
    return Path(__file__).resolve().parent.parent
