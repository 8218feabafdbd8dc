"""The evidence pack: it proves what happened, names no case, and no byte of it changes unseen."""

import base64
import hashlib
import importlib.util
import json
import random
import re
import shutil
import sqlite3
import string
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from receipting import PLACED_AT, Keyring, Recipients, at_work, copied

from gateway.crypto.issuers import issuer_of
from gateway.crypto.keys import HomeKeys
from gateway.crypto.notes import NoteSigner, sign_note
from gateway.engine.evidence import bodies_of, export_pack
from gateway.records.checkpoints import signer_name
from gateway.records.leaf import EVENTS
from gateway.records.ledger import event, record
from gateway.records.packfile import EvidenceFault
from gateway.records.summary import _WORDS
from gateway.store import ledger, meta

DAY = date(2026, 3, 2)
DAYS = (DAY, DAY)
FLIPS = 1_100
REFERENCE = "SCN000001"


@pytest.fixture(scope="module")
def verifier(checkout: Path) -> ModuleType:
    """The one file, imported by itself."""
    path = checkout / "tools" / "verify_evidence.py"
    spec = importlib.util.spec_from_file_location("verify_evidence_pack", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def given(
    placed_home: tuple[Path, str], keyring: Keyring, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Recipients]:
    """A home whose package DfE has accepted and the panel's secretariat has opened."""
    root = copied(placed_home[0], tmp_path_factory.mktemp("evidence") / "home")
    with at_work(root, keyring, placed_home[1]) as found:
        head = found.home.checkpoint.read_text()
        receipts = [found.receipt(kind, head=head) for kind in ("collected", "opened", "accepted")]
        receipts += [found.receipt(kind, "panel") for kind in ("collected", "opened")]
        for receipt in receipts:
            found.offer(found.offered(receipt))
        yield found


@pytest.fixture(scope="module")
def pack(given: Recipients, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pack of that day. Read it only."""
    target = tmp_path_factory.mktemp("pack") / "pack.zip"
    made = export_pack(given.parts, target, DAYS, None, given.now)
    assert made.sha256 == hashlib.sha256(target.read_bytes()).hexdigest()
    return target


@pytest.fixture(scope="module")
def files(pack: Path) -> dict[str, bytes]:
    """Every file of the pack."""
    with zipfile.ZipFile(pack) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


@pytest.fixture(scope="module")
def signer(given: Recipients) -> NoteSigner:
    """The gateway's own ledger key: a gateway that lies has it."""
    with given.parts.database.transaction() as tx:
        name = signer_name(meta.get(tx, "home.id") or "")
    return NoteSigner.load(HomeKeys(given.home.root).log_key, name)


Verdict = Callable[..., str]


@pytest.fixture(scope="module")
def verdict(verifier: ModuleType) -> Verdict:
    """What the verifier says of a pack: "" where it holds, else why not."""

    def judged(path: Path, *kept: str, said: list[str] | None = None) -> str:
        try:
            said = [] if said is None else said
            verifier.verify_pack(path, None, kept, set(), said.append)
        except (verifier.Unproven, UnicodeDecodeError, zipfile.BadZipFile) as why:
            return str(why) or "no"
        return ""

    return judged


def written(folder: Path, files: dict[str, bytes]) -> Path:
    """A pack unpacked into a folder."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def signed_again(files: dict[str, bytes], signer: NoteSigner) -> dict[str, bytes]:
    """The pack with its index made and signed anew, as a lying gateway would."""
    index = json.loads(files["index.json"])
    rest = {name: body for name, body in files.items() if not name.startswith("index.")}
    index["files"] = [
        {"path": name, "sha256": hashlib.sha256(body).hexdigest(), "size": len(body)}
        for name, body in sorted(rest.items())
    ]
    told = canonical(index)
    text = f"gateway-evidence/1\nindex.json {hashlib.sha256(told).hexdigest()}\n"
    return {**rest, "index.json": told, "index.note": sign_note(text, [signer]).encode()}


def canonical(told: Any) -> bytes:
    """As the pack writes JSON."""
    plain = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return plain.encode() + b"\n"


# --- what it proves ------------------------------------------------------------------------------


def test_a_pack_holds_from_an_empty_folder(
    checkout: Path, pack: Path, given: Recipients, tmp_path: Path
) -> None:
    """With Python, `cryptography` and gpg alone; keys and a checkpoint that the reader keeps."""
    alone = shutil.copy(checkout / "tools" / "verify_evidence.py", tmp_path)
    keys = ["--keys", str(given.home.log_keys), "--fingerprint", given.pins.gateway]
    kept = ["--checkpoint", str(given.home.checkpoint)]
    ran = subprocess.run(
        [sys.executable, "-P", alone, str(pack), *keys, *kept],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    proven, _, unproven = ran.stdout.partition("NOT PROVEN by this pack")
    assert "dfe-officer-1 of dfe (by a key that you have not given): 1 accepted" in proven
    assert ": 1 collected, 1 opened, for the very bytes" in proven
    assert "- by the checkpoints that you kept" in proven
    assert "are unchanged, in order, none left out" in proven
    assert "It saw the first " in proven
    assert "ledger key" not in unproven
    assert given.pins.gateway not in unproven
    assert given.pins.exchange_of("dfe") in unproven
    assert ran.stdout.rstrip().endswith("Everything that is signed holds.")
    source = Path(alone).read_text()
    assert "import gateway" not in source
    assert "from gateway" not in source


def test_a_key_slipped_in_beside_the_gateways_own_is_found(
    files: dict[str, bytes],
    signer: NoteSigner,
    given: Recipients,
    verifier: ModuleType,
    tmp_path: Path,
) -> None:
    """Whoever has the ledger's key alone cannot speak for a gateway whose key the reader knows."""
    pins = json.loads(files["keys/keys.json"])
    party = given.pins.exchange_of("dfe")
    body = canonical({**pins, "gateway": [given.pins.gateway, party]})
    name = find(files, "manifests/", ".manifest.json")
    forged = edited(files[name], marking="OFFICIAL")
    made = given.keyring.sign(forged, "dfe", party, PLACED_AT + timedelta(minutes=5))
    changed = {**files, "keys/keys.json": body, name: forged, f"{name}.asc": made}
    folder = written(tmp_path / "pack", signed_again(changed, signer))
    verifier.verify_pack(folder, None, [], set(), lambda _: None)
    with pytest.raises(verifier.Unproven, match="with a key that you know"):
        verifier.verify_pack(folder, None, [], {given.pins.gateway}, lambda _: None)


def test_it_holds_unpacked_as_well(
    files: dict[str, bytes], verdict: Verdict, tmp_path: Path
) -> None:
    said: list[str] = []
    assert verdict(written(tmp_path / "pack", files), said=said) == ""
    assert any("that the ledger key is the gateway's" in line for line in said)


def test_the_pack_has_its_own_verifier_and_a_leaf_tells_of_it(
    checkout: Path, pack: Path, files: dict[str, bytes], given: Recipients
) -> None:
    assert files["verify_evidence.py"] == (checkout / "tools/verify_evidence.py").read_bytes()
    with given.parts.database.transaction() as tx:
        leaves = [json.loads(row.leaf) for row in ledger.leaves(tx)]
    told = [leaf["facts"] for leaf in leaves if leaf["event"] == "evidence.exported"]
    assert hashlib.sha256(pack.read_bytes()).hexdigest() in {facts["sha256"] for facts in told}


# --- what it does not tell -----------------------------------------------------------------------


def test_it_names_no_case_and_officers_in_receipts_alone(
    files: dict[str, bytes], given: Recipients
) -> None:
    secrets = ("Zzyzwick", REFERENCE, "A referral was received")
    names = [officer.name for officer in given.parts.officers]
    names += [officer.id for officer in given.parts.officers]
    for name, body in files.items():
        for secret in secrets:
            assert secret.encode() not in body, (name, secret)
        if not name.startswith("receipts/"):
            assert [told for told in names if told.encode() in body] == [], name
    assert any(b"dfe-officer-1" in body for body in files.values())
    page = files["summary.html"].decode()
    assert "<script" not in page
    assert "dfe: accepted" in page
    assert "A rehearsal" in page


def test_a_case_is_not_named_and_its_packages_are(
    given: Recipients, verdict: Verdict, tmp_path: Path
) -> None:
    target = tmp_path / "case.zip"
    made = export_pack(given.parts, target, DAYS, f" {REFERENCE}", given.now)
    assert made.packages == (given.package_id,)
    assert REFERENCE.encode() not in target.read_bytes()
    assert verdict(target) == ""
    with pytest.raises(EvidenceFault) as refused:
        export_pack(given.parts, tmp_path / "none.zip", DAYS, "SCN777777", given.now)
    assert refused.value.code == "evidence.no-such-case"
    assert "777777" not in str(refused.value)
    assert not (tmp_path / "none.zip").exists()


def test_days_without_anything_and_days_the_wrong_way_round(
    given: Recipients, verdict: Verdict, tmp_path: Path
) -> None:
    target = tmp_path / "quiet.zip"
    made = export_pack(given.parts, target, (date(2020, 1, 1),) * 2, None, given.now)
    assert (made.leaves, made.packages) == (0, ())
    assert verdict(target) == ""
    with pytest.raises(EvidenceFault, match="before the first"):
        export_pack(given.parts, tmp_path / "no.zip", (DAY, date(2026, 3, 1)), None, given.now)


def test_every_event_can_be_told() -> None:
    assert set(_WORDS) <= set(EVENTS)
    for name, words in _WORDS.items():
        fields = {field for _, field, _, _ in string.Formatter().parse(words) if field}
        asked = {field.replace("_", "-") for field in fields}
        assert asked <= set(EVENTS[name].facts), name


# --- what changes is found -----------------------------------------------------------------------


def test_no_changed_byte_of_any_file_goes_unseen(
    files: dict[str, bytes], verdict: Verdict, tmp_path: Path
) -> None:
    chosen = random.Random(20260302)
    folder = written(tmp_path / "pack", files)
    kinds = {Path(name).suffix for name in files}
    assert kinds >= {".json", ".asc", ".note", ".bin", ".html", ".py", ""}
    missed = []
    for number in range(FLIPS):
        name = sorted(files)[number % len(files)]
        whole = files[name]
        at, change = chosen.randrange(len(whole)), chosen.randrange(1, 256)
        (folder / name).write_bytes(whole[:at] + bytes([whole[at] ^ change]) + whole[at + 1 :])
        if verdict(folder) == "":
            missed.append((name, at, change))
        (folder / name).write_bytes(whole)
    assert missed == []
    assert verdict(folder) == ""


def test_no_changed_byte_of_the_zip_goes_unseen(
    pack: Path, verdict: Verdict, tmp_path: Path
) -> None:
    """Least of all in its own headers: the zip has one form alone."""
    chosen = random.Random(20260303)
    whole, copy = pack.read_bytes(), tmp_path / "pack.zip"
    end = whole.rindex(b"PK\1\2")
    places = [chosen.randrange(len(whole)) for _ in range(60)]
    places += [*range(30), *range(end, len(whole))]
    missed = []
    for at in places:
        copy.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :])
        if verdict(copy) == "":
            missed.append(at)
    assert missed == []
    for longer in (whole + b"\0", b"\0" + whole):
        copy.write_bytes(longer)
        assert verdict(copy) != ""


def find(files: dict[str, bytes], start: str, end: str) -> str:
    """The first file that starts and ends so."""
    return next(name for name in sorted(files) if name.startswith(start) and name.endswith(end))


def edited(body: bytes, **change: object) -> bytes:
    return canonical(json.loads(body) | change)


LIES: dict[str, tuple[str, str, Callable[[bytes], bytes], str]] = {
    "a leaf changed": (
        "ledger/1/leaves",
        ".bin",
        lambda body: body.replace(b'"party":"dfe"', b'"party":"efd"', 1),
        "not those of checkpoint|not that of the log",
    ),
    "the last leaf taken away": (
        "ledger/1/leaves",
        ".bin",
        lambda body: body[: -4 - int.from_bytes(body[:4])],
        "cut short|missing",
    ),
    "a slice said to begin elsewhere": (
        "ledger/1/slice",
        ".json",
        lambda body: edited(body, first=json.loads(body)["first"] + 1),
        "not under its latest|proof|leaf",
    ),
    "a consistency proof replaced": (
        "ledger/1/slice",
        ".json",
        lambda body: body.replace(
            json.loads(body)["consistency"][0]["path"][0].encode(),
            base64.b64encode(b"x" * 32),
        ),
        "does not add",
    ),
    "a checkpoint of another root": (
        "ledger/1/checkpoints/",
        ".note",
        lambda body: body.replace(body.split(b"\n")[2], base64.b64encode(b"x" * 32)),
        "its signature is false",
    ),
    "a manifest changed": (
        "manifests/",
        ".manifest.json",
        lambda body: edited(body, marking="OFFICIAL"),
        "signature under manifests/.* is false",
    ),
    "a receipt changed": (
        "receipts/notifications",
        ".receipt.json",
        lambda body: edited(body, at="2026-03-02T16:15:00Z"),
        "signature under receipts/.* is false",
    ),
    "a receipt's signature of another": (
        "receipts/notifications",
        ".receipt.json.asc",
        lambda _: b"-----BEGIN PGP SIGNATURE-----\n\n=twTO\n-----END PGP SIGNATURE-----\n",
        "signature under receipts/.* is false",
    ),
    "an agreement changed": (
        "agreements/",
        ".json",
        lambda body: body.replace(b"Ofsted", b"ofsted", 1),
        "not the agreement of that hash",
    ),
    "a key under another's name": (
        "keys/",
        ".key.asc",
        lambda _: b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n",
        "not the key",
    ),
    "an officer of another party": (
        "receipts/signers",
        ".json",
        lambda body: body.replace(b'"party":"dfe"', b'"party":"panel"'),
        "nobody is known",
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_gateway_that_lies_and_signs_again_is_found(
    files: dict[str, bytes], signer: NoteSigner, verdict: Verdict, tmp_path: Path, lie: str
) -> None:
    """The index holds; the proofs and the signatures of others do not."""
    start, end, change, why = LIES[lie]
    name = find(files, start, end)
    changed = {**files, name: change(files[name])}
    assert changed != files
    folder = written(tmp_path / "pack", signed_again(changed, signer))
    assert re.search(why, verdict(folder)), verdict(folder)


@pytest.mark.parametrize(
    ("start", "end", "why"),
    [
        ("receipts/notifications", ".receipt.json", "it is left out"),
        ("manifests/", ".manifest.json", "manifest is not"),
        ("ledger/1/checkpoints/", ".note", "consistency proofs"),
        ("agreements/", ".json", ""),
    ],
)
def test_what_the_record_tells_of_cannot_be_left_out(
    files: dict[str, bytes],
    signer: NoteSigner,
    verdict: Verdict,
    tmp_path: Path,
    start: str,
    end: str,
    why: str,
) -> None:
    name = find(files, start, end)
    fewer = {key: body for key, body in files.items() if not key.startswith(name)}
    said: list[str] = []
    told = verdict(written(tmp_path / "pack", signed_again(fewer, signer)), said=said)
    assert why in told
    if not told:  # what an agreement says is no part of the proof, and is said to be missing
        assert any("it is not in the pack" in line for line in said)


def test_a_history_that_you_have_not_seen_is_found(
    pack: Path, files: dict[str, bytes], signer: NoteSigner, verdict: Verdict
) -> None:
    told = json.loads(files["ledger/1/slice.json"])
    origin, size = told["origin"], told["size"]
    other = base64.b64encode(b"x" * 32).decode()
    forked = sign_note(f"{origin}\n{size - 1}\n{other}\n", [signer])
    ahead = sign_note(f"{origin}\n{size + 900}\n{other}\n", [signer])
    assert "rewritten" in verdict(pack, forked)
    assert "it was cut" in verdict(pack, ahead)
    stranger = NoteSigner(signer.name, Ed25519PrivateKey.generate())
    assert verdict(pack, sign_note(f"{origin}\n1\n{other}\n", [stranger])) != ""


def test_the_key_that_a_signature_names_is_read(given: Recipients) -> None:
    receipt = given.kept("dfe")[0]
    assert receipt.signature is not None
    known = given.parts.openpgp.keys()
    states = {part.fingerprint for key in known for part in key.parts}
    assert issuer_of(receipt.signature) in states
    assert issuer_of(b"") is None
    assert issuer_of(b"\x88\xff") is None
    assert issuer_of(b"-----BEGIN PGP SIGNATURE-----\n\n!\n") is None


# --- agreements, registers, holds -----------------------------------------------------------------


def noted(home: Recipients) -> str:
    """The registers have an entry; the hash of the agreement, which all signed at the founding."""
    home.parts.database.upgrade()
    (told,) = bodies_of(home.parts)
    at = "2026-03-02 16:10:00"
    plain = sqlite3.connect(home.home.database)
    with plain:
        plain.execute(
            "INSERT INTO register_entries VALUES "
            "('e1', 'foi', 'dfe', 'open', '2026-03-02', ?, x'00', ?, NULL)",
            (at, at),
        )
        plain.execute(
            "INSERT INTO register_steps VALUES (900, 'e1', 'inform', 'dfe', 'dfe-officer-1', "
            "x'00', NULL, ?)",
            (at,),
        )
    plain.close()
    facts = {"register": "foi", "party": "dfe"}
    with home.parts.database.transaction() as tx:
        entered = event("register.entered", "register:e1", "", facts, {"officer": "x"})
        record(tx, entered, PLACED_AT + timedelta(minutes=5))
    return told


def test_who_signed_the_agreement_and_what_the_registers_hold(
    recipients: Recipients, verdict: Verdict, signer: NoteSigner, tmp_path: Path
) -> None:
    told = noted(recipients)
    target = tmp_path / "pack.zip"
    export_pack(recipients.parts, target, DAYS, None, recipients.now)
    said: list[str] = []
    assert verdict(target, said=said) == ""
    (line,) = (line for line in said if f"agreement {told[:16]}… is signed." in line)
    assert "dfe" in line and "ofsted" in line
    with zipfile.ZipFile(target) as opened:
        files = {name: opened.read(name) for name in opened.namelist()}
    assert b"dfe-officer" not in files["registers.json"]
    assert json.loads(files["registers.json"])["entries"][0]["steps"][0]["step"] == "inform"
    lies = {
        find(files, f"agreements/{told}/", "-dfe-signed.json"): b'"party":"dfe"|"party":"ofsted"',
        "registers.json": b'"register":"foi"|"register":"press"',
        "keys/keys.json": b'"dfe":[|"panel":[',
    }
    for number, (name, change) in enumerate(lies.items()):
        old, new = change.split(b"|")
        assert old in files[name]
        changed = signed_again({**files, name: files[name].replace(old, new)}, signer)
        assert verdict(written(tmp_path / str(number), changed)) != "", name
