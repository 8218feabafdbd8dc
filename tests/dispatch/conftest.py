"""Keys, a small flow and sealed packages for the tests of dispatch."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from gateway.agreement.model import (
    FieldSpec,
    Flow,
    Recipient,
    Screening,
    SourceColumn,
    Window,
)
from gateway.crypto.openpgp import OpenPGP
from gateway.dispatch.manifest import DropAccount
from gateway.dispatch.sealing import Account, Addressee, Contents, Sealed, seal

KEYS_MADE = datetime(2015, 1, 1, tzinfo=UTC)
PASSWORD = "abcd-efgh-jkmn-pqrs-tuvw-xyz2-3456"
DATA_ROWS = (
    ("SCN0001", "2017-03-01", "=1+1", "0012", "http://example.org/a"),
    ("SCN0002", "", "+44 call-back @ desk", "", "first line\nsecond line"),
    ("SCN0003", "2016-02-29", "Señor O'Neil-Brown & co <x>", "-3", "tab\there"),
)


@pytest.fixture(scope="session")
def fields() -> tuple[FieldSpec, ...]:
    """Five columns: a reference, a date, and three texts."""
    return (
        FieldSpec(id="reference", heading="Reference number", kind="reference", width=16),
        FieldSpec(id="incident", heading="Date of incident", kind="date", width=12),
        FieldSpec(id="contact", heading="Local authority contact", kind="text", width=30),
        FieldSpec(id="age", heading="Age", kind="age", width=8),
        FieldSpec(id="case", heading="Child's case: what happened", kind="text", width=60),
    )


@pytest.fixture(scope="session")
def flow(fields: tuple[FieldSpec, ...]) -> Flow:
    """A flow of those columns from ofsted to two recipients."""
    return Flow(
        id="notifications",
        title="Notifications",
        sender="ofsted",
        recipients=(Recipient(party="dfe"), Recipient(party="panel")),
        window=Window.model_validate({"frequency": "working-day", "at": "16:00"}),
        fields=fields,
        source_columns=(
            SourceColumn(heading="Child's full name", screens="name"),
            SourceColumn(heading="Postcode", screens="identifier"),
        ),
        screening=Screening(patterns=(), person_words=(), everyday_words=()),
    )


@dataclass(frozen=True)
class Keyring:
    """A party's GNUPGHOME, opened, and the fingerprint of its own key."""

    home: Path
    openpgp: OpenPGP
    key: str


@pytest.fixture(scope="session")
def keyrings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Keyring]]:
    """The gateway, the sender and two recipients, each knowing the others' public keys."""
    folder = tmp_path_factory.mktemp("keys")
    rings: dict[str, Keyring] = {}
    try:
        for party in ("gateway", "ofsted", "dfe", "panel"):
            openpgp = OpenPGP(folder / party)
            key = openpgp.generate(f"{party} test key", "encrypt-and-sign", KEYS_MADE, None)
            rings[party] = Keyring(folder / party, openpgp, key)
        for ring in rings.values():
            for other in rings.values():
                if other is not ring:
                    public = other.openpgp.export_public(other.key)
                    ring.openpgp.import_pinned(public, other.key)
        yield rings
    finally:
        for ring in rings.values():
            ring.openpgp.close()


def _drop(accepted: int, held: int = 0, repeats: int = 0) -> DropAccount:
    return DropAccount(
        drop="d" * 16,
        received_at=datetime(2017, 5, 2, 9, 30, tzinfo=UTC),
        original_sha256="1" * 64,
        sealed_sha256="2" * 64,
        rows=accepted + held + repeats,
        accepted=accepted,
        held=held,
        repeats=repeats,
    )


@pytest.fixture(scope="session")
def drop() -> Callable[..., DropAccount]:
    """``drop(accepted, held, repeats)``: a drop with those counts."""
    return _drop


@pytest.fixture(scope="session")
def contents(flow: Flow) -> Contents:
    """A day's package of three rows, the second of them an update."""
    return Contents(
        package_id="notifications-2017-05-02-01",
        flow=flow,
        agreement_id="ofsted-dfe",
        agreement_version="1.0",
        agreement_hash="a" * 64,
        kind="data",
        window_day=date(2017, 5, 2),
        due_at=datetime(2017, 5, 2, 15, 0, tzinfo=UTC),
        made_at=datetime(2017, 5, 2, 15, 0, 1, tzinfo=UTC),
        covers=(),
        rows=lambda: iter(DATA_ROWS),
        update_positions=(2,),
        account=Account(
            drops=(_drop(accepted=4, held=1, repeats=2),),
            dropped=("child's FULL name", "Shoe size"),
            missing=("Age",),
            left_out=1,
        ),
        rehearsal=True,
    )


SealFor = Callable[..., Sealed]


@pytest.fixture(scope="session")
def seal_for(keyrings: dict[str, Keyring]) -> SealFor:
    """``seal_for(contents, work, {"dfe": "openpgp+password"})``: sealed by the gateway's key."""

    def sealed(
        contents: Contents, work: Path, protections: dict[str, str], **more: object
    ) -> Sealed:
        work.mkdir(mode=0o700, exist_ok=True)
        recipients = [
            Addressee(party, protection, keyrings[party].key)  # type: ignore[arg-type]
            for party, protection in protections.items()
        ]
        gateway = keyrings["gateway"]
        records = keyrings["ofsted"].key
        return seal(
            contents,
            work,
            gateway.openpgp,
            gateway.key,
            records,
            recipients,
            PASSWORD,
            **more,  # type: ignore[arg-type]
        )

    return sealed
