"""The standalone verifier: what is whole holds, and no single byte can change unseen."""

import importlib.util
import random
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.crypto.notes import NoteSigner, add_key
from gateway.records import merkle
from gateway.records.checkpoints import make_checkpoint
from gateway.records.leaf import make_leaf
from gateway.records.ledger import event, open_first_log, record
from gateway.records.logfiles import export_log
from gateway.store.database import Database

AT = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
SIGNER = NoteSigner("gateway/0123456789abcdef", Ed25519PrivateKey.generate())
FLIPS = 1_000


@pytest.fixture(scope="module")
def verifier(checkout: Path) -> ModuleType:
    """The one file, imported by itself."""
    path = checkout / "tools" / "verify_evidence.py"
    spec = importlib.util.spec_from_file_location("verify_evidence", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exported log of some hundred leaves and four checkpoints. Read it only."""
    root = tmp_path_factory.mktemp("log")
    database = Database.at(root / "gateway.db")
    database.upgrade()
    add_key(root / "ledger-keys", SIGNER.key)
    with database.transaction() as tx:
        open_first_log(tx, "0123456789abcdef", AT)
        for number in range(200):
            record(tx, event("clock.back", "home", facts={"seconds": number}), AT)
            if number % 60 == 59:
                make_checkpoint(tx, SIGNER, AT)
        make_checkpoint(tx, SIGNER, AT)
        export_log(tx, root / "ledger-keys", root / "export")
    database.close()
    return root / "export"


@pytest.fixture
def copy(exported: Path, tmp_path: Path) -> Path:
    """One to change."""
    return Path(shutil.copytree(exported, tmp_path / "export"))


Holds = Callable[..., bool]


@pytest.fixture
def holds(verifier: ModuleType) -> Holds:
    """Whether the verifier is content with a folder."""

    def judged(folder: Path, *kept: str) -> bool:
        keys = SIGNER.key.written() + "\n"
        try:
            verifier.verify(folder, keys, kept, lambda _: None)
        except (verifier.Unproven, UnicodeDecodeError):
            return False
        return True

    return judged


def test_a_whole_log_holds_from_an_empty_folder(
    checkout: Path, exported: Path, tmp_path: Path
) -> None:
    """With Python and `cryptography` alone, and nothing of the gateway beside it."""
    alone = shutil.copy(checkout / "tools" / "verify_evidence.py", tmp_path)
    ran = subprocess.run(
        [sys.executable, "-P", alone, str(exported)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "203 leaves are proven by 4 signed checkpoints." in ran.stdout
    assert "The keys came with the export" in ran.stdout
    source = Path(alone).read_text()
    assert "import gateway" not in source
    assert "from gateway" not in source


def test_no_changed_byte_goes_unseen(copy: Path, holds: Holds) -> None:
    assert holds(copy)
    chosen = random.Random(20260302)
    files = sorted(path for path in copy.rglob("*") if path.is_file())
    assert {path.name for path in files} >= {"leaves.bin", "log.json", "ledger-keys", "60.note"}
    missed = []
    for number in range(FLIPS):
        path = files[number % len(files)]
        whole = path.read_bytes()
        at, change = chosen.randrange(len(whole)), chosen.randrange(1, 256)
        path.write_bytes(whole[:at] + bytes([whole[at] ^ change]) + whole[at + 1 :])
        if holds(copy):
            missed.append((path.name, at, change))
        path.write_bytes(whole)
    assert missed == []


LEAVES = 10_000
LEAF_FIELDS = {
    "length": rb"\x00\x00(.)",
    "agreement": rb'"agreement":"(.)',
    "time": rb'"at":"(.)',
    "name of a commitment": rb'"commits":{"(.)',
    "commitment": rb'"officer":"(.)',
    "event": rb'"event":"(.)',
    "name of a fact": rb'"facts":{"(.)',
    "fact": rb'"party":"(.)',
    "id": rb'"id":"(.)',
    "subject": rb'"subject":"(.)',
    "version": rb'"v":(.)',
    "brace": rb"1(})",
}
FILE_FIELDS = {
    "1/log.json": (rb'"format": "(.)', rb'"origin": "(.)', rb'"size": (.)', rb'"cites": (.)'),
    "1/checkpoints/10000.note": (
        rb"^(.)",
        rb"\n(1)0000\n",
        rb"\n10000\n(.)",
        rb"\n(\n)",
        rb"\n(.)\x80",
        rb"\x94( )",
        rb"\x94 (.)",
        rb"\x94 \S+ (.)",
        rb"\x94 \S+ \S{9}(.)",
        rb"(\n)$",
    ),
    "ledger-keys": (rb"^(.)", rb"\+(.)", rb"\+\S+\+(.)", rb"\+\S+\+\S{9}(.)", rb"(\n)$"),
}


def fill(path: Path, first: int, last: int) -> None:
    """Write leaves as `record` would, at once: one by one they would take a dozen seconds."""
    rows = []
    plain = sqlite3.connect(path)
    known = plain.execute("SELECT seq, leaf_hash, nodes FROM ledger").fetchall()
    tree = {(level, seq): own for seq, own, nodes in known for level, own in levels(own, nodes)}
    for seq in range(first, last + 1):
        facts = {"party": "dfe", "key": f"{seq:040}"}
        leaf = make_leaf("officer.pinned", "officer:dfe", AT, "", facts, {"officer": "x"})
        tree[0, seq], node, nodes = leaf.hash, leaf.hash, b""
        for level in range(1, (seq & -seq).bit_length()):
            node = merkle.parent(tree[level - 1, seq - (1 << level - 1)], node)
            tree[level, seq], nodes = node, nodes + node
        rows.append((seq, leaf.body, leaf.hash, nodes))
    with plain:
        plain.executemany("INSERT INTO ledger (seq, leaf, leaf_hash, nodes) VALUES (?,?,?,?)", rows)
    plain.close()


def levels(own: bytes, nodes: bytes) -> Iterator[tuple[int, bytes]]:
    """A leaf's hash and those of the subtrees that it completes, by level."""
    yield 0, own
    for level in range(len(nodes) // 32):
        yield level + 1, nodes[level * 32 : level * 32 + 32]


@pytest.fixture(scope="module")
def long_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exported log of 10,000 leaves. Whoever changes a file puts it back."""
    root = tmp_path_factory.mktemp("long")
    database = Database.at(root / "gateway.db")
    database.upgrade()
    add_key(root / "ledger-keys", SIGNER.key)
    with database.transaction() as tx:
        open_first_log(tx, "0123456789abcdef", AT)
    fill(root / "gateway.db", 1, 99)
    with database.transaction() as tx:
        make_checkpoint(tx, SIGNER, AT)  # and the leaf that tells of it
    fill(root / "gateway.db", 101, LEAVES)
    with database.transaction() as tx:
        make_checkpoint(tx, SIGNER, AT)
        export_log(tx, root / "ledger-keys", root / "export")
    database.close()
    return root / "export"


def log_of(path: Path) -> Path:
    """The folder of the export that a file is of."""
    return next(folder for folder in path.parents if folder.name == "export")


def unseen(path: Path, whole: bytes, at: int, holds: Holds) -> bool:
    """Whether a changed byte at that place is not found. The file is put back."""
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    missed = holds(log_of(path))
    path.write_bytes(whole)
    return missed


def test_every_kind_of_field_of_ten_thousand_leaves_is_covered(
    long_log: Path, holds: Holds
) -> None:
    """In a leaf near the beginning; and one byte of the last leaf of all."""
    path = long_log / "1" / "leaves.bin"
    whole = path.read_bytes()
    missed = []
    for kind, pattern in LEAF_FIELDS.items():
        found = re.compile(pattern).search(whole, 5_000)
        assert found is not None, kind
        if unseen(path, whole, found.start(1), holds):
            missed.append(kind)
    if unseen(path, whole, len(whole) - 20, holds):
        missed.append("the last leaf")
    assert missed == []
    assert holds(long_log)


@pytest.mark.parametrize("name", FILE_FIELDS)
def test_every_kind_of_field_of_an_export_is_covered(
    long_log: Path, holds: Holds, name: str
) -> None:
    path = long_log / name
    whole = path.read_bytes()
    missed = []
    for pattern in FILE_FIELDS[name]:
        found = re.search(pattern, whole)
        assert found is not None, pattern
        if unseen(path, whole, found.start(1), holds):
            missed.append(pattern)
    assert missed == []


def split(path: Path) -> list[bytes]:
    """The leaves of a file, each with its length."""
    raw, found = path.read_bytes(), []
    while raw:
        size = 4 + int.from_bytes(raw[:4])
        found.append(raw[:size])
        raw = raw[size:]
    return found


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda leaves: leaves[:-1], id="the last taken away"),
        pytest.param(lambda leaves: [*leaves, leaves[0]], id="one added at the end"),
        pytest.param(lambda leaves: leaves[:9] + leaves[10:], id="one taken out"),
        pytest.param(lambda leaves: [*leaves[:9], leaves[3], *leaves[9:]], id="one put between"),
        pytest.param(lambda leaves: [leaves[1], leaves[0], *leaves[2:]], id="two exchanged"),
    ],
)
def test_leaves_are_all_there_in_order(
    copy: Path, holds: Holds, change: Callable[[list[bytes]], list[bytes]]
) -> None:
    path = copy / "1" / "leaves.bin"
    path.write_bytes(b"".join(change(split(path))))
    assert not holds(copy)


def test_a_log_that_stops_before_what_you_kept_is_found(
    exported: Path, copy: Path, holds: Holds
) -> None:
    """A whole, well-signed log of the past proves nothing to who has seen more."""
    notes = sorted(
        (exported / "1" / "checkpoints").iterdir(), key=lambda path: int(path.stem), reverse=True
    )
    last, before = notes[0].read_text(), notes[1]
    leaves = split(copy / "1" / "leaves.bin")
    size = int(before.stem)
    (copy / "1" / "leaves.bin").write_bytes(b"".join(leaves[:size]))
    (copy / "1" / "checkpoints" / notes[0].name).unlink()
    told = (copy / "1" / "log.json").read_text()
    (copy / "1" / "log.json").write_text(told.replace(str(len(leaves)), str(size)))
    assert holds(copy)
    assert holds(exported, last, before.read_text())
    assert not holds(copy, last)


def test_files_are_neither_more_nor_fewer(copy: Path, holds: Holds) -> None:
    (copy / "more").write_text("")
    assert not holds(copy)
    (copy / "more").unlink()
    assert holds(copy)
    for path in (copy / "1" / "checkpoints").iterdir():
        path.unlink()
    assert not holds(copy)
