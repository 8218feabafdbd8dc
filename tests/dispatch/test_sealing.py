"""Sealing: one package, each recipient's protection, self-tested, and no plaintext left."""

import dataclasses
import hashlib
import subprocess
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from pydantic import ValidationError

from gateway.agreement.model import Flow
from gateway.crypto import excel, zips
from gateway.crypto.faults import CryptoFault
from gateway.crypto.openpgp import OpenPGP
from gateway.dispatch.manifest import inner_from_bytes, outer_from_bytes
from gateway.dispatch.sealing import (
    Account,
    Addressee,
    Contents,
    Sealed,
    public_dropped,
    seal,
)
from gateway.dispatch.sheetrows import UnwritableCell

PASSWORD = "abcd-efgh-jkmn-pqrs-tuvw-xyz2-3456"
ALL = {"dfe": "openpgp+password", "panel": "password", "ofsted": "excel-password"}
SealFor = Callable[..., Sealed]


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def unzipped(sealed: Sealed, to: Path) -> dict[str, Path]:
    return zips.unzip_sealed(sealed.zip_path, to, PASSWORD, 10_000_000)


def files_in(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


@pytest.fixture(scope="module")
def sealed(
    tmp_path_factory: pytest.TempPathFactory, contents: Contents, seal_for: SealFor
) -> Sealed:
    """The day's package for three recipients, each with another protection."""
    return seal_for(contents, tmp_path_factory.mktemp("work"), ALL)


def test_each_recipient_gets_its_file_and_a_signed_manifest(
    sealed: Sealed, keyrings: dict[str, Any]
) -> None:
    """Named as design §7 says, hashed and measured as it lies there."""
    suffixes = {"dfe": ".zip.gpg", "panel": ".zip", "ofsted": ".xlsx"}
    assert [delivery.party for delivery in sealed.deliveries] == list(ALL)
    for delivery in sealed.deliveries:
        files = delivery.files
        assert files.file_name == sealed.package_id + suffixes[delivery.party]
        assert files.package.name == files.file_name
        assert (sha256(files.package), files.package.stat().st_size) == (
            delivery.sha256,
            delivery.size,
        )
        keyrings[delivery.party].openpgp.verify_detached(
            files.manifest, files.signature, keyrings["gateway"].key
        )
        outer = outer_from_bytes(files.manifest.read_bytes())
        assert (outer.recipient, outer.protection, outer.file) == (
            delivery.party,
            delivery.protection,
            files.file_name,
        )
        assert (outer.delivery_sha256, outer.size) == (delivery.sha256, delivery.size)
        assert outer.signed_by == keyrings["gateway"].key


def test_the_outer_manifest_tells_no_more_than_it_may(sealed: Sealed) -> None:
    """Listed dropped headings by the agreement's own words; the others as a number."""
    outer = outer_from_bytes(sealed.deliveries[0].files.manifest.read_bytes())
    assert outer.columns_dropped.listed == ("Child's full name",)
    assert outer.columns_dropped.others == 1
    assert b"Shoe" not in sealed.deliveries[0].files.manifest.read_bytes()
    assert outer.zip_sha256 == sealed.zip_sha256 == sha256(sealed.zip_path)
    spreadsheet = outer_from_bytes(sealed.deliveries[2].files.manifest.read_bytes())
    assert spreadsheet.zip_sha256 is None


def test_the_inner_manifest_accounts_for_everything(
    sealed: Sealed, tmp_path: Path, contents: Contents
) -> None:
    """All dropped headings, every drop, the counts, the files' hashes, where the updates stand."""
    members = unzipped(sealed, tmp_path)
    assert sorted(members) == ["data.xlsx", "manifest.json"]
    inner = inner_from_bytes(members["manifest.json"].read_bytes())
    assert inner.files == {"data.xlsx": sha256(members["data.xlsx"])}
    assert inner.updates == (3,)  # the second row below the headings
    assert inner.recipients == ("dfe", "panel", "ofsted")
    certificate = inner.certificate
    assert certificate.columns_dropped == ("child's FULL name", "Shoe size")
    assert certificate.columns_missing == ("Age",)
    assert certificate.columns_sent == tuple(spec.heading for spec in contents.flow.fields)
    assert certificate.drops == contents.account.drops
    counts = certificate.counts
    assert (counts.rows, counts.accepted, counts.held, counts.repeats) == (7, 4, 1, 2)
    assert (counts.left_out, counts.sent, counts.new, counts.updates) == (1, 3, 2, 1)
    assert counts == sealed.counts


def test_no_manifest_holds_a_cell(sealed: Sealed, tmp_path: Path, contents: Contents) -> None:
    """Of any row."""
    manifests = [delivery.files.manifest.read_bytes() for delivery in sealed.deliveries]
    manifests.append(unzipped(sealed, tmp_path)["manifest.json"].read_bytes())
    for row in contents.rows():
        for cell in filter(lambda cell: len(cell) > 4, row):
            assert not any(cell.encode() in text for text in manifests)


def test_every_protection_holds_the_same_workbook(sealed: Sealed, tmp_path: Path) -> None:
    """The zip as it is, and the workbook under Excel's own encryption."""
    inside = sha256(unzipped(sealed, tmp_path)["data.xlsx"])
    assert sha256(sealed.deliveries[1].files.package) == sealed.zip_sha256
    plain = tmp_path / "plain.xlsx"
    excel.unprotect(sealed.deliveries[2].files.package, plain, PASSWORD)
    assert sha256(plain) == inside


def test_the_message_is_for_the_recipient_and_the_sender_alone(
    sealed: Sealed, keyrings: dict[str, Any], tmp_path: Path
) -> None:
    """The sender can always open what was sent; nobody else can."""
    message = sealed.deliveries[0].files.package
    gateway = keyrings["gateway"].key
    for party in ("dfe", "ofsted"):
        target = tmp_path / party
        assert keyrings[party].openpgp.decrypt(message, target, gateway).fingerprint == gateway
        assert sha256(target) == sealed.zip_sha256
    for party in ("panel", "gateway"):
        with pytest.raises(CryptoFault) as caught:
            keyrings[party].openpgp.decrypt(message, tmp_path / party, gateway)
        assert caught.value.code == "message.not-for-us"
    listed = subprocess.run(
        ["gpg", "--homedir", str(tmp_path), "--list-packets", "--list-only", str(message)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert listed.stdout.count("pubkey enc packet") == 2


def test_the_same_contents_make_the_same_workbook(
    sealed: Sealed, contents: Contents, seal_for: SealFor, tmp_path: Path
) -> None:
    """The seal is fresh each time; what is in it is not."""
    again = seal_for(contents, tmp_path / "work", {"dfe": "openpgp+password"})
    assert again.zip_sha256 != sealed.zip_sha256
    first = unzipped(sealed, tmp_path / "first")
    second = unzipped(again, tmp_path / "second")
    assert first["data.xlsx"].read_bytes() == second["data.xlsx"].read_bytes()


def test_nothing_plain_is_left(contents: Contents, seal_for: SealFor, tmp_path: Path) -> None:
    """Only sealed files, manifests and signatures remain."""
    work = tmp_path / "work"
    seal_for(contents, work, ALL)
    assert not (work / "plain").exists()
    assert len(files_in(work)) == 1 + 3 * 3
    everything = b"".join(path.read_bytes() for path in work.rglob("*") if path.is_file())
    for token in (b"SCN0001", b"xl/worksheets", b"call-back"):
        assert token not in everything


def failing_rows() -> Iterator[tuple[str, ...]]:
    yield ("SCN0001", "", "", "", "")
    raise OSError("the store went away")


FAULTS: dict[str, tuple[dict[str, Any], type[Exception]]] = {
    "rows that stop": ({"rows": failing_rows}, OSError),
    "a cell that cannot be": (
        {"rows": lambda: iter([("R", "", "\x00", "", "")] * 3)},
        UnwritableCell,
    ),
    "fewer rows than accounted for": ({"rows": lambda: iter([])}, ValueError),
    "more updates than rows": ({"update_positions": (1, 2, 3, 4)}, ValidationError),
    "a kind that rows belie": ({"kind": "nothing-received"}, ValidationError),
    "more left out than accepted": (
        {"account": Account((), (), (), 1)},
        ValidationError,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_after_a_fault_nothing_plain_is_left(
    contents: Contents, seal_for: SealFor, tmp_path: Path, name: str
) -> None:
    """However it ends."""
    changes, fault = FAULTS[name]
    work = tmp_path / "work"
    with pytest.raises(fault):
        seal_for(dataclasses.replace(contents, **changes), work, ALL)
    assert files_in(work) == []


def test_a_recipient_without_a_usable_key_stops_the_package(
    contents: Contents, keyrings: dict[str, Any], tmp_path: Path
) -> None:
    """No key given, or one that the keyring does not hold: nothing plain is left."""
    gateway = keyrings["gateway"]
    for number, key in enumerate((None, "F" * 40)):
        work = tmp_path / str(number)
        work.mkdir()
        to = Addressee("dfe", "openpgp+password", key)
        with pytest.raises((ValueError, CryptoFault)):
            seal(
                contents, work, gateway.openpgp, gateway.key, keyrings["ofsted"].key, [to], PASSWORD
            )
        assert files_in(work) == ["notifications-2017-05-02-01.zip"]


@pytest.mark.parametrize("kind", ["nil-declared", "nothing-received", "rows-held"])
def test_nothing_to_send_is_a_sealed_return_that_says_why(
    contents: Contents, seal_for: SealFor, tmp_path: Path, drop: Callable[..., Any], kind: str
) -> None:
    """Headings alone in the sheet; the kind and the counts in both manifests."""
    held = 2 if kind == "rows-held" else 0
    drops = () if kind == "nothing-received" else (drop(accepted=0, held=held),)
    changes: dict[str, Any] = {
        "kind": kind,
        "rows": lambda: iter(()),
        "update_positions": (),
        "account": Account(drops, (), (), 0),
        "covers": (date(2017, 4, 28), date(2017, 5, 1)),
    }
    sealed = seal_for(
        dataclasses.replace(contents, **changes), tmp_path / "w", {"panel": "password"}
    )
    outer = outer_from_bytes(sealed.deliveries[0].files.manifest.read_bytes())
    members = unzipped(sealed, tmp_path / "open")
    inner = inner_from_bytes(members["manifest.json"].read_bytes())
    assert outer.kind == inner.kind == kind
    assert outer.covers == inner.covers == (date(2017, 4, 28), date(2017, 5, 1))
    assert (outer.counts.sent, outer.counts.held) == (0, held)
    sheet = openpyxl.load_workbook(members["data.xlsx"]).active
    assert sheet is not None
    assert sheet.max_row == 1


@pytest.mark.parametrize(
    ("formats", "members"),
    [
        (("csv",), ["data.csv", "manifest.json"]),
        (("xlsx", "csv"), ["data.csv", "data.xlsx", "manifest.json"]),
    ],
)
def test_a_flow_may_ask_for_csv(
    contents: Contents, seal_for: SealFor, tmp_path: Path, formats: Any, members: list[str]
) -> None:
    """Beside the workbook or instead of it; Excel's protection has its workbook all the same."""
    flow = contents.flow.model_copy(update={"formats": formats})
    sealed = seal_for(dataclasses.replace(contents, flow=flow), tmp_path / "work", ALL)
    found = unzipped(sealed, tmp_path / "open")
    assert sorted(found) == members
    inner = inner_from_bytes(found["manifest.json"].read_bytes())
    assert inner.files == {n: sha256(p) for n, p in found.items() if n != "manifest.json"}
    excel.unprotect(sealed.deliveries[2].files.package, tmp_path / "plain.xlsx", PASSWORD)


def test_progress_is_told(contents: Contents, seal_for: SealFor, tmp_path: Path) -> None:
    """By stage, with the total."""
    told: list[tuple[str, int, int | None]] = []
    seal_for(contents, tmp_path / "work", {"panel": "password"}, progress=lambda *a: told.append(a))
    assert told == [("writing", 3, 3), ("checking", 3, 3)]


def test_a_dropped_heading_is_matched_as_headings_are(flow: Flow) -> None:
    """Case, spaces and punctuation count for nothing; what is told is the agreement's spelling."""
    told = public_dropped(flow, ["  POST code", "postcode", "CHILD’S full-name", "Postcode of GP"])
    assert told.listed == ("Postcode", "Child's full name")
    assert told.others == 2


class _Disk(OpenPGP):
    """Signs what is then not what lies on the disk."""

    def detach_sign(self, source: Path, target: Path, signer: str) -> None:
        super().detach_sign(source, target, signer)
        source.write_bytes(source.read_bytes() + b"\n")


def test_a_manifest_that_its_signature_does_not_fit_is_not_placed(
    contents: Contents, keyrings: dict[str, Any], tmp_path: Path
) -> None:
    """The gateway's own signature is verified as a recipient will."""
    gateway, dfe = keyrings["gateway"], keyrings["dfe"]
    to = [Addressee("dfe", "openpgp+password", dfe.key)]
    keys = gateway.key, keyrings["ofsted"].key
    with _Disk(gateway.home) as disk, pytest.raises(CryptoFault) as fault:
        seal(contents, tmp_path, disk, *keys, to, PASSWORD)
    assert fault.value.code == "signature.bad"
