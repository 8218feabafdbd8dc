"""Opening: all being right the very rows come out; anything being wrong, a code and nothing."""

import dataclasses
import hashlib
import os
import random
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from gateway.crypto import excel, zips
from gateway.crypto.openpgp import OpenPGP
from gateway.dispatch import manifest
from gateway.dispatch.manifest import OuterManifest
from gateway.dispatch.opening import Opened, OpeningFault, open_package
from gateway.dispatch.place import file_sha256, place_delivery
from gateway.dispatch.sealing import Contents, Sealed
from gateway.dispatch.workbook import compare

PASSWORD = "abcd-efgh-jkmn-pqrs-tuvw-xyz2-3456"
ALL = {"dfe": "openpgp+password", "panel": "password", "ofsted": "excel-password"}
NAME = "notifications-2017-05-02-01"
MANIFEST = f"{NAME}.manifest.json"
FLIPS = 12  # bytes flipped per file; each try verifies with the real gpg
SealFor = Callable[..., Sealed]


@pytest.fixture(scope="module")
def placed(
    tmp_path_factory: pytest.TempPathFactory, contents: Contents, seal_for: SealFor
) -> dict[str, Path]:
    """Three outboxes, each with its delivery of one package."""
    folder = tmp_path_factory.mktemp("placed")
    sealed = seal_for(contents, folder / "work", ALL)
    outboxes = {}
    for delivery in sealed.deliveries:
        outbox = outboxes[delivery.party] = folder / delivery.party
        outbox.mkdir()
        place_delivery(delivery.files, outbox)
    return outboxes


@pytest.fixture
def outbox(placed: dict[str, Path], tmp_path: Path) -> Callable[[str], Path]:
    """``outbox("dfe")``: a copy of that outbox, to be tampered with."""

    def copy(party: str) -> Path:
        return Path(shutil.copytree(placed[party], tmp_path / f"outbox-{party}"))

    return copy


def package_in(outbox: Path) -> Path:
    (package,) = (p for p in outbox.iterdir() if ".manifest.json" not in p.name)
    return package


def opened(
    outbox: Path, keyrings: dict[str, Any], to: Path, party: str = "dfe", password: str = PASSWORD
) -> Opened:
    ring, gateway = keyrings[party].openpgp, keyrings["gateway"].key
    return open_package(package_in(outbox), ring, gateway, password, to)


def refusal(outbox: Path, keyrings: dict[str, Any], to: Path, **more: str) -> str:
    """The code with which it is refused, once it is sure that nothing was left behind."""
    with pytest.raises(OpeningFault) as caught:
        opened(outbox, keyrings, to, **more)
    assert not to.exists(), "something was left behind"
    assert caught.value.hint
    return caught.value.code


# --- everything right ----------------------------------------------------------------------------


@pytest.mark.parametrize("party", ALL)
def test_the_very_rows_come_out(
    placed: dict[str, Path],
    keyrings: dict[str, Any],
    tmp_path: Path,
    contents: Contents,
    party: str,
) -> None:
    """Under each protection, private, with the manifest, and nothing else."""
    to = tmp_path / "new" / "folder"
    result = opened(placed[party], keyrings, to, party)
    assert sorted(p.name for p in to.iterdir()) == ["data.xlsx", "manifest.json"]
    assert result.files == {name: to / name for name in ("data.xlsx", "manifest.json")}
    assert {p.stat().st_mode & 0o777 for p in to.iterdir()} == {0o600}
    compare(to / "data.xlsx", contents.flow.fields, contents.rows())
    assert (result.outer.package, result.outer.recipient) == (NAME, party)
    assert (result.inner is None) == (party == "ofsted")
    assert result.signed_at.tzinfo is not None
    written = (to / "manifest.json").read_bytes()
    told = result.outer if result.inner is None else result.inner
    assert written == manifest.to_bytes(told)


def test_opening_again_changes_nothing_and_another_package_is_not_written_over(
    placed: dict[str, Path],
    keyrings: dict[str, Any],
    tmp_path: Path,
    contents: Contents,
    seal_for: SealFor,
) -> None:
    """The same files are left; files of another day stop it, and stay as they are."""
    to = tmp_path / "to"
    opened(placed["dfe"], keyrings, to)
    before = {p.name: p.stat().st_mtime_ns for p in to.iterdir()}
    opened(placed["dfe"], keyrings, to)
    assert {p.name: p.stat().st_mtime_ns for p in to.iterdir()} == before
    other = dataclasses.replace(contents, package_id="notifications-2017-05-03-01")
    sealed = seal_for(other, tmp_path / "work", {"dfe": "openpgp+password"})
    outbox = tmp_path / "outbox"
    outbox.mkdir()
    place_delivery(sealed.deliveries[0].files, outbox)
    with pytest.raises(OpeningFault, match="another package") as caught:
        opened(outbox, keyrings, to)
    assert caught.value.code == "opening.exists"
    assert {p.name: p.stat().st_mtime_ns for p in to.iterdir()} == before


def test_when_the_second_file_cannot_be_placed_the_first_goes_again(
    placed: dict[str, Path], keyrings: dict[str, Any], tmp_path: Path
) -> None:
    """All or nothing."""
    to = tmp_path / "to"
    to.mkdir()
    (to / "manifest.json").write_text("mine")
    with pytest.raises(OpeningFault):
        opened(placed["dfe"], keyrings, to)
    assert [p.name for p in to.iterdir()] == ["manifest.json"]
    assert (to / "manifest.json").read_text() == "mine"


def test_a_csv_copy_comes_out_too(
    contents: Contents, seal_for: SealFor, keyrings: dict[str, Any], tmp_path: Path
) -> None:
    """Where the flow has one."""
    flow = contents.flow.model_copy(update={"formats": ("csv", "xlsx")})
    changed = dataclasses.replace(contents, flow=flow)
    sealed = seal_for(changed, tmp_path / "work", {"dfe": "openpgp+password"})
    result = opened(sealed.deliveries[0].files.package.parent, keyrings, tmp_path / "to")
    assert sorted(result.files) == ["data.csv", "data.xlsx", "manifest.json"]


def documented_steps(page: Path) -> list[str]:
    """The commands that docs/package.md gives for Linux, in their order."""
    section = page.read_text(encoding="utf-8").partition("tools: Linux")[2].partition("\n## ")[0]
    commands = [line.strip() for line in section.splitlines() if line.startswith("       ")]
    return [line.replace("notifications-2026-03-02-01", NAME) for line in commands]


def test_stock_tools_open_it(
    placed: dict[str, Path],
    keyrings: dict[str, Any],
    tmp_path: Path,
    contents: Contents,
    need_program: Callable[[str], str],
    checkout: Path,
) -> None:
    """The very commands of docs/package.md: gpg, 7-Zip, and another spreadsheet reader."""
    for program in ("gpg", "7z", "sha256sum"):
        need_program(program)
    folder = Path(shutil.copytree(placed["dfe"], tmp_path / "mine"))
    home = keyrings["dfe"].home
    said: list[str] = []
    for step in documented_steps(checkout / "docs" / "package.md"):
        command = step.replace("7z x", f"7z x -p{PASSWORD}")  # nobody is here to type it
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=folder,
            env={**os.environ, "GNUPGHOME": str(home)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{step}\n{done.stdout}\n{done.stderr}"
        said.append(done.stdout + done.stderr)
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=True)
    verified, package_hash, in_manifest, decrypted, zip_hash, _, data_hash = said
    outer = manifest.outer_from_bytes((folder / MANIFEST).read_bytes())
    inner = manifest.inner_from_bytes((folder / "manifest.json").read_bytes())
    assert "Good signature" in verified
    assert "Good signature" in decrypted
    assert package_hash.split()[0] == outer.delivery_sha256
    assert outer.delivery_sha256 in in_manifest
    assert zip_hash.split()[0] == outer.zip_sha256
    assert data_hash.split()[0] == inner.files["data.xlsx"]
    assert rows_seen(folder / "data.xlsx") == [
        tuple(spec.heading for spec in contents.flow.fields),
        *contents.rows(),
    ]


def rows_seen(workbook: Path) -> list[tuple[str, ...]]:
    """All rows as another reader sees them, in staged form."""
    sheet = openpyxl.load_workbook(workbook).active
    assert sheet is not None
    return [
        tuple("" if c is None else f"{c:%Y-%m-%d}" if hasattr(c, "year") else str(c) for c in row)
        for row in sheet.iter_rows(values_only=True)
    ]


def test_every_refusal_is_documented(checkout: Path) -> None:
    """In docs/package.md, by its code."""
    code = re.compile(r"(?:opening|password)\.[a-z-]+")
    source = (checkout / "gateway" / "dispatch" / "opening.py").read_text(encoding="utf-8")
    page = (checkout / "docs" / "package.md").read_text(encoding="utf-8")
    raised = set(re.findall(rf'"({code.pattern})"', source))
    assert len(raised) > 10
    assert raised <= set(re.findall(rf"`({code.pattern})`", page))


# --- the wrong package, key, password or folder --------------------------------------------------


@pytest.mark.parametrize("missing", [MANIFEST, f"{MANIFEST}.asc"])
def test_without_its_manifest_it_is_not_opened(
    outbox: Callable[[str], Path], keyrings: dict[str, Any], tmp_path: Path, missing: str
) -> None:
    """The manifest is placed last: without it the package may not be whole."""
    folder = outbox("dfe")
    (folder / missing).unlink()
    assert refusal(folder, keyrings, tmp_path / "to") == "opening.manifest-missing"


def test_a_package_that_is_not_there_or_not_one(
    outbox: Callable[[str], Path], keyrings: dict[str, Any], tmp_path: Path
) -> None:
    """Absent; the manifest itself; a folder to write to that is a file."""
    folder = outbox("dfe")
    ring, gateway = keyrings["dfe"].openpgp, keyrings["gateway"].key
    for path, to, code in (
        (folder / MANIFEST, tmp_path / "to", "opening.not-a-package"),
        (folder / ".zip", tmp_path / "to", "opening.not-a-package"),
        (folder / "other-2017-05-02-01.zip", tmp_path / "to", "opening.manifest-missing"),
        (package_in(folder), package_in(folder), "opening.folder"),
    ):
        with pytest.raises(OpeningFault) as caught:
            open_package(path, ring, gateway, PASSWORD, to)
        assert caught.value.code == code
    package_in(folder).unlink()
    with pytest.raises(OpeningFault) as caught:
        open_package(folder / f"{NAME}.zip.gpg", ring, gateway, PASSWORD, tmp_path / "to")
    assert caught.value.code == "opening.unreadable"
    assert not (tmp_path / "to").exists()


@pytest.mark.parametrize(
    ("party", "code"), [("panel", "message.not-for-us"), ("gateway", "message.not-for-us")]
)
def test_another_partys_key_does_not_open_it(
    placed: dict[str, Path], keyrings: dict[str, Any], tmp_path: Path, party: str, code: str
) -> None:
    """Sealed to one recipient, and to the sender."""
    assert refusal(placed["dfe"], keyrings, tmp_path / "to", party=party) == code


def test_the_sender_opens_what_was_sent(
    placed: dict[str, Path], keyrings: dict[str, Any], tmp_path: Path
) -> None:
    """With the records key."""
    assert opened(placed["dfe"], keyrings, tmp_path / "to", party="ofsted").outer.recipient == "dfe"


@pytest.mark.parametrize("party", ALL)
@pytest.mark.parametrize("password", ["wrong", PASSWORD.upper(), PASSWORD + " "])
def test_a_wrong_password_does_not_open_it(
    placed: dict[str, Path], keyrings: dict[str, Any], tmp_path: Path, party: str, password: str
) -> None:
    """Under each protection."""
    to = tmp_path / "to"
    code = refusal(placed[party], keyrings, to, party=party, password=password)
    assert code == "password.wrong"


def test_no_password_at_all_is_told(
    placed: dict[str, Path], keyrings: dict[str, Any], tmp_path: Path
) -> None:
    """Before anything else is tried."""
    assert refusal(placed["dfe"], keyrings, tmp_path / "to", password="") == "password.missing"


def test_a_keyring_without_the_gateways_key_is_told(
    placed: dict[str, Path], tmp_path: Path, keyrings: dict[str, Any]
) -> None:
    """A recipient who has not imported it yet."""
    with OpenPGP(tmp_path / "fresh") as fresh, pytest.raises(OpeningFault) as caught:
        gateway = keyrings["gateway"].key
        open_package(package_in(placed["dfe"]), fresh, gateway, PASSWORD, tmp_path / "to")
    assert caught.value.code == "key.unknown"


def test_manifests_and_packages_may_not_be_swapped(
    outbox: Callable[[str], Path],
    placed: dict[str, Path],
    keyrings: dict[str, Any],
    tmp_path: Path,
    contents: Contents,
    seal_for: SealFor,
) -> None:
    """Between recipients, and between days, whatever is renamed to look right."""
    to = tmp_path / "to"
    folder = outbox("dfe")
    for name in (MANIFEST, f"{MANIFEST}.asc"):
        shutil.copy(placed["panel"] / name, folder / name)
    assert refusal(folder, keyrings, to) == "opening.other-package"

    later = dataclasses.replace(contents, package_id="notifications-2017-05-03-01")
    files = seal_for(later, tmp_path / "w", {"dfe": "openpgp+password"}).deliveries[0].files
    shutil.copy(files.manifest, folder / MANIFEST)
    shutil.copy(files.signature, folder / f"{MANIFEST}.asc")
    assert refusal(folder, keyrings, to) == "opening.other-package"

    shutil.copy(placed["dfe"] / MANIFEST, folder / MANIFEST)
    assert refusal(folder, keyrings, to) == "signature.bad"

    shutil.copy(placed["dfe"] / f"{MANIFEST}.asc", folder / f"{MANIFEST}.asc")
    shutil.copy(files.package, folder / f"{NAME}.zip.gpg")
    assert refusal(folder, keyrings, to) == "opening.altered"


def test_a_manifest_signed_by_anyone_else_is_refused(
    outbox: Callable[[str], Path], keyrings: dict[str, Any], tmp_path: Path
) -> None:
    """Even by another party whose key is known."""
    folder = outbox("dfe")
    (folder / f"{MANIFEST}.asc").unlink()
    panel = keyrings["panel"]
    panel.openpgp.detach_sign(folder / MANIFEST, folder / f"{MANIFEST}.asc", panel.key)
    assert refusal(folder, keyrings, tmp_path / "to") == "signature.wrong-key"


# --- altered bytes -------------------------------------------------------------------------------


def flip(path: Path, at: int, bit: int = 1) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= bit
    path.write_bytes(content)


@pytest.mark.parametrize("party", ALL)
def test_a_flipped_byte_of_the_package_is_seen(
    outbox: Callable[[str], Path], keyrings: dict[str, Any], tmp_path: Path, party: str
) -> None:
    """Anywhere, also the first and the last; so is one that is missing or too many."""
    package = package_in(outbox(party))
    good = package.read_bytes()
    dice = random.Random(party)
    for at in [0, len(good) - 1, *(dice.randrange(len(good)) for _ in range(FLIPS))]:
        package.write_bytes(good)
        flip(package, at, 1 << dice.randrange(8))
        assert refusal(package.parent, keyrings, tmp_path / "to", party=party) == "opening.altered"
    for content in (good[:-1], good + b"\0", b""):
        package.write_bytes(content)
        assert refusal(package.parent, keyrings, tmp_path / "to", party=party) == "opening.altered"


def test_a_flipped_byte_of_the_manifest_is_seen(
    outbox: Callable[[str], Path], keyrings: dict[str, Any], tmp_path: Path
) -> None:
    """Its signature covers every one."""
    folder = outbox("dfe")
    path = folder / MANIFEST
    good = path.read_bytes()
    dice = random.Random("manifest")
    for at in [0, len(good) - 1, *(dice.randrange(len(good)) for _ in range(FLIPS))]:
        path.write_bytes(good)
        flip(path, at)
        assert refusal(folder, keyrings, tmp_path / "to").startswith("signature.")


def test_a_flipped_byte_of_the_signature_never_lets_anything_else_through(
    outbox: Callable[[str], Path], keyrings: dict[str, Any], tmp_path: Path
) -> None:
    """Armour has bytes that mean nothing: then the very same rows come out, else it is refused."""
    folder = outbox("dfe")
    path = folder / f"{MANIFEST}.asc"
    good = path.read_bytes()
    dice = random.Random("signature")
    expected = opened(folder, keyrings, tmp_path / "right").outer.delivery_sha256
    refused = 0
    for number in range(FLIPS):
        path.write_bytes(good)
        flip(path, dice.randrange(len(good)))
        try:
            result = opened(folder, keyrings, tmp_path / str(number))
            assert result.outer.delivery_sha256 == expected
        except OpeningFault as fault:
            refused += 1
            assert fault.code.startswith("signature.")
    assert refused > 0


def resign(folder: Path, keyrings: dict[str, Any], **changes: Any) -> None:
    """The manifest with changes, signed by the gateway: what a gateway gone wrong would place."""
    path = folder / MANIFEST
    outer: OuterManifest = manifest.outer_from_bytes(path.read_bytes())
    package = package_in(folder)
    found = {"delivery_sha256": file_sha256(package), "size": package.stat().st_size}
    path.write_bytes(manifest.to_bytes(outer.model_copy(update=found | changes)))
    (folder / f"{MANIFEST}.asc").unlink()
    gateway = keyrings["gateway"]
    gateway.openpgp.detach_sign(path, folder / f"{MANIFEST}.asc", gateway.key)


def test_behind_the_manifest_each_layer_stands_by_itself(
    outbox: Callable[[str], Path], keyrings: dict[str, Any], tmp_path: Path
) -> None:
    """With a manifest that vouches for altered bytes, the seal of the message still refuses."""
    package = package_in(outbox("dfe"))
    good = package.read_bytes()
    dice = random.Random("layers")
    for at in [len(good) - 1, *(dice.randrange(300, len(good)) for _ in range(4))]:
        package.write_bytes(good)
        flip(package, at)
        resign(package.parent, keyrings)
        assert refusal(package.parent, keyrings, tmp_path / "to") == "message.damaged"


def test_a_zip_or_workbook_altered_with_the_gateways_word_is_refused(
    outbox: Callable[[str], Path], keyrings: dict[str, Any], tmp_path: Path
) -> None:
    """The hash of the zip, its own authentication, and that of Excel's encryption."""
    folder = outbox("panel")
    package = package_in(folder)
    flip(package, package.stat().st_size // 2)
    resign(folder, keyrings)
    assert refusal(folder, keyrings, tmp_path / "to", party="panel") == "opening.zip-differs"
    resign(folder, keyrings, zip_sha256=file_sha256(package))
    assert refusal(folder, keyrings, tmp_path / "to", party="panel") == "message.damaged"
    folder = outbox("ofsted")
    package = package_in(folder)
    flip(package, package.stat().st_size // 2)
    resign(folder, keyrings)
    assert refusal(folder, keyrings, tmp_path / "to", party="ofsted") == "message.damaged"


def test_a_message_that_is_not_signed_is_refused(
    outbox: Callable[[str], Path], placed: dict[str, Path], keyrings: dict[str, Any], tmp_path: Path
) -> None:
    """Sealed to the recipient, by anyone."""
    folder = outbox("dfe")
    panel = keyrings["panel"]
    zipped = package_in(placed["panel"])
    package_in(folder).unlink()
    target = folder / f"{NAME}.zip.gpg"
    panel.openpgp.encrypt(zipped, target, [keyrings["dfe"].key])
    resign(folder, keyrings)
    assert refusal(folder, keyrings, tmp_path / "to") == "signature.missing"
    target.unlink()
    panel.openpgp.sign_and_encrypt(zipped, target, panel.key, [keyrings["dfe"].key])
    resign(folder, keyrings)
    assert refusal(folder, keyrings, tmp_path / "to") == "signature.wrong-key"


# --- manifests and data that contradict each other -----------------------------------------------


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"flow": "scr-updates"}, "opening.manifests-differ"),
        ({"agreement_hash": "b" * 64}, "opening.manifests-differ"),
        ({"recipient": "stranger"}, "opening.manifests-differ"),
        ({"rehearsal": False}, "opening.manifests-differ"),
        ({"columns_sent": ("Reference number",)}, "opening.manifests-differ"),
        ({"signed_by": "F" * 40}, "opening.other-signer"),
        ({"zip_sha256": "0" * 64}, "opening.zip-differs"),
        ({"size": -5}, "opening.not-a-manifest"),
    ],
)
def test_an_outer_manifest_that_says_something_else_is_refused(
    outbox: Callable[[str], Path],
    keyrings: dict[str, Any],
    tmp_path: Path,
    changes: dict[str, Any],
    code: str,
) -> None:
    """Even with the gateway's signature on it."""
    folder = outbox("dfe")
    resign(folder, keyrings, **changes)
    assert refusal(folder, keyrings, tmp_path / "to") == code


def rezipped(
    folder: Path, keyrings: dict[str, Any], work: Path, change: Callable[[dict[str, Path]], None]
) -> None:
    """The panel's zip with other members, vouched for by the manifest beside it."""
    package = package_in(folder)
    members = zips.unzip_sealed(package, work, PASSWORD, 10_000_000)
    change(members)
    package.unlink()
    zips.zip_sealed(package, sorted(members.items()), PASSWORD)
    resign(folder, keyrings, zip_sha256=file_sha256(package))


def other_data(members: dict[str, Path]) -> None:
    shutil.copy(members["manifest.json"], members["data.xlsx"])


def one_member_more(members: dict[str, Path]) -> None:
    members["more.txt"] = members["data.xlsx"]


def no_data(members: dict[str, Path]) -> None:
    del members["data.xlsx"]


def no_manifest(members: dict[str, Path]) -> None:
    del members["manifest.json"]


def another_workbook(members: dict[str, Path]) -> None:
    book = openpyxl.Workbook()
    book.save(members["data.xlsx"])
    inner = manifest.inner_from_bytes(members["manifest.json"].read_bytes())
    files = {"data.xlsx": hashlib.sha256(members["data.xlsx"].read_bytes()).hexdigest()}
    changed = inner.model_copy(update={"files": files})
    members["manifest.json"].write_bytes(manifest.to_bytes(changed))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (other_data, "opening.data-differs"),
        (one_member_more, "opening.data-differs"),
        (no_data, "opening.data-differs"),
        (no_manifest, "opening.not-a-manifest"),
        (another_workbook, "opening.sheet-differs"),
    ],
)
def test_a_zip_that_holds_something_else_is_refused(
    outbox: Callable[[str], Path],
    keyrings: dict[str, Any],
    tmp_path: Path,
    change: Callable[[dict[str, Path]], None],
    code: str,
) -> None:
    """Member by member, down to the headings of the sheet."""
    folder = outbox("panel")
    rezipped(folder, keyrings, tmp_path / "zipwork", change)
    assert refusal(folder, keyrings, tmp_path / "to", party="panel") == code


def test_another_workbook_under_excels_protection_is_refused(
    outbox: Callable[[str], Path], keyrings: dict[str, Any], tmp_path: Path
) -> None:
    """The headings and the number of rows are in the outer manifest."""
    folder = outbox("ofsted")
    package = package_in(folder)
    openpyxl.Workbook().save(tmp_path / "other.xlsx")
    excel.protect(tmp_path / "other.xlsx", package, PASSWORD)
    resign(folder, keyrings)
    assert refusal(folder, keyrings, tmp_path / "to", party="ofsted") == "opening.sheet-differs"


def test_an_oversized_manifest_is_not_read(
    outbox: Callable[[str], Path], keyrings: dict[str, Any], tmp_path: Path
) -> None:
    """A sparse file of 65 MB."""
    folder = outbox("dfe")
    os.truncate(folder / MANIFEST, 65 * 1024 * 1024)
    assert refusal(folder, keyrings, tmp_path / "to") == "opening.not-a-manifest"


def test_a_folder_without_the_right_to_write_is_told(
    placed: dict[str, Path], ordinary_user: Any
) -> None:
    """By a real user: root ignores modes."""
    home = Path(ordinary_user.folder)
    shutil.copytree(placed["panel"], home / "outbox")
    (home / "to").mkdir(mode=0o555)
    code = (
        "from pathlib import Path\n"
        "from gateway.crypto.openpgp import OpenPGP\n"
        "from gateway.dispatch.opening import open_package, OpeningFault\n"
        f"package = Path('outbox/{NAME}.zip')\n"
        "with OpenPGP(Path('keys')) as ring:\n"
        "    try: open_package(package, ring, 'F' * 40, 'x', Path('to'))\n"
        "    except OpeningFault as fault: print(fault.code)\n"
    )
    ordinary_user.own(home)
    done = ordinary_user.run("-c", code)
    assert done.stdout.strip() == "opening.folder", done.stderr
