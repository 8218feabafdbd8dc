"""Checkpoints: made once for each state of the log, and held against it afterwards."""

import base64
import json
import sqlite3
from datetime import datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.crypto.faults import CryptoFault
from gateway.crypto.notes import NoteSigner, add_key, sign_note
from gateway.records.checkpoints import (
    Seen,
    compare,
    give_out,
    make_checkpoint,
    read,
    read_text,
    unsound,
    unverified,
)
from gateway.records.leaf import leaf_hash
from gateway.records.ledger import event, head, open_first_log, record
from gateway.records.logfiles import export_log, proof_of
from gateway.records.merkle import verify_inclusion
from gateway.store.database import Database, Transaction

HOME = "0123456789abcdef"
SIGNER = NoteSigner(f"gateway/{HOME}", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
KNOWN = [SIGNER.key]


def written(tx: Transaction, at: datetime, count: int) -> None:
    """Some events."""
    for number in range(count):
        record(tx, event("clock.back", "home", facts={"seconds": number}), at)


@pytest.fixture
def book(database: Database, at: datetime) -> Database:
    """A database whose log is open and has nine leaves."""
    with database.transaction() as tx:
        open_first_log(tx, HOME, at)
        written(tx, at, 9)
    return database


def test_a_checkpoint_says_what_the_log_was(book: Database, at: datetime) -> None:
    with book.transaction() as tx:
        stood = head(tx)
        row = make_checkpoint(tx, SIGNER, at)
        seen = read(row.note, KNOWN)
        assert seen == unverified(row.note) == Seen(f"gateway/{HOME}/1", 9, stood.root)
        assert compare(tx, seen) == "consistent"
        assert head(tx).size == 10, "a leaf tells of it"
        assert make_checkpoint(tx, SIGNER, at) == row, "nothing was added"
        written(tx, at, 1)
        assert make_checkpoint(tx, SIGNER, at).size == 11
        assert compare(tx, seen) == "consistent"


def test_whoever_has_seen_more_or_other_is_told_apart(book: Database, at: datetime) -> None:
    with book.transaction() as tx:
        seen = read(make_checkpoint(tx, SIGNER, at).note, KNOWN)
        assert compare(tx, Seen(seen.origin, 11, seen.root)) == "ahead"
        assert compare(tx, Seen(seen.origin, 8, seen.root)) == "forked"
        assert compare(tx, Seen("gateway/other/1", 9, seen.root)) == "unknown"


def test_a_changed_leaf_makes_its_checkpoint_unsound(
    book: Database, tmp_path: Path, at: datetime
) -> None:
    with book.transaction() as tx:
        make_checkpoint(tx, SIGNER, at)
        written(tx, at, 4)
        make_checkpoint(tx, SIGNER, at)
    assert unsound(book, KNOWN) == []
    other = NoteSigner(SIGNER.name, Ed25519PrivateKey.generate())
    assert unsound(book, [other.key]) == [9, 14]
    plain = sqlite3.connect(tmp_path / "gateway.db")
    plain.execute("DROP TRIGGER ledger_no_update")
    with plain:
        plain.execute("UPDATE ledger SET nodes = zeroblob(32) WHERE seq = 14")
    plain.close()
    assert unsound(book, KNOWN) == [14], "9 does not cover it"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n\n",
        "o\n-1\nAAAA\n",
        "o\n01\n" + base64.b64encode(bytes(32)).decode() + "\n",
        "o\n1\nx\n",
    ],
)
def test_what_is_no_checkpoint(text: str) -> None:
    with pytest.raises(CryptoFault) as caught:
        read_text(text)
    assert caught.value.code == "checkpoint.malformed"


def test_lines_that_later_versions_may_add_are_passed_over() -> None:
    text = "o\n1\n" + base64.b64encode(bytes(32)).decode() + "\nmore\n"
    assert read(sign_note(text, [SIGNER]), KNOWN) == Seen("o", 1, bytes(32))


def test_a_checkpoint_is_given_out_in_place_of_the_one_before(
    book: Database, tmp_path: Path, at: datetime
) -> None:
    places = [tmp_path / "a", tmp_path / "b"]
    with book.transaction() as tx:
        first = make_checkpoint(tx, SIGNER, at)
        give_out(first, places)
        written(tx, at, 1)
        second = make_checkpoint(tx, SIGNER, at)
    give_out(second, places)
    give_out(second, places)
    assert [path.read_text() for path in places] == [second.note] * 2
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == []


def test_a_proof_leads_from_a_leaf_to_a_signed_root(book: Database, at: datetime) -> None:
    with book.transaction() as tx:
        assert proof_of(tx, 3) is None, "no checkpoint yet"
        row = make_checkpoint(tx, SIGNER, at)
        proof = proof_of(tx, 3)
        assert proof is not None
        assert proof_of(tx, 10) is None, "the leaf that tells of the checkpoint is after it"
        assert proof_of(tx, 11) is None
        assert proof_of(tx, 0) is None
    leaf = base64.b64decode(proof["leaf"])
    path = [base64.b64decode(step) for step in proof["path"]]
    assert verify_inclusion(leaf_hash(leaf), 2, 9, path, row.root)
    assert proof["checkpoint"] == row.note


def test_the_whole_log_is_given_out(book: Database, tmp_path: Path, at: datetime) -> None:
    keys, folder = tmp_path / "ledger-keys", tmp_path / "given"
    add_key(keys, SIGNER.key)
    add_key(keys, SIGNER.key)
    with book.transaction() as tx:
        row = make_checkpoint(tx, SIGNER, at)
        assert export_log(tx, keys, folder) == 9
    told = json.loads((folder / "1" / "log.json").read_text())
    assert told == {
        "format": "gateway-log/1",
        "origin": f"gateway/{HOME}/1",
        "size": 9,
        "cites": None,
    }
    assert (folder / "1" / "checkpoints" / "9.note").read_text() == row.note
    assert (folder / "ledger-keys").read_text() == SIGNER.key.written() + "\n"
    raw, leaves = (folder / "1" / "leaves.bin").read_bytes(), []
    while raw:
        size = int.from_bytes(raw[:4])
        leaves.append(json.loads(raw[4 : 4 + size]))
        raw = raw[4 + size :]
    assert [leaf["event"] for leaf in leaves] == ["clock.back"] * 9
