"""The vault keeps sealed things, and the database knows what it keeps."""

import hashlib
import os
from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.records.vault import Vault
from gateway.store.database import Database, StoreFault
from gateway.store.folder import BlobFolder
from gateway.store.schema import vault as table


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(BlobFolder(tmp_path / "vault"))


def sealed(folder: Path, content: bytes) -> Path:
    path = folder / "sealed"
    path.write_bytes(content)
    return path


def test_what_is_kept_can_be_read_and_is_known(
    tmp_path: Path, vault: Vault, database: Database, at: datetime
) -> None:
    blob = vault.keep(sealed(tmp_path, b"sealed bytes"))
    with database.transaction() as tx:
        vault.enter(tx, blob, "original", at)
        vault.enter(tx, blob, "original", at)
        rows = [tuple(row) for row in tx.execute(sa.select(table))]
    assert rows == [(blob.sha256, "original", 12, at)]
    assert vault.has(blob.sha256)
    assert vault.path(blob.sha256).read_bytes() == b"sealed bytes"
    vault.sweep()
    assert vault.has(blob.sha256)


def test_what_was_not_entered_is_kept_all_the_same(
    tmp_path: Path, vault: Vault, database: Database, at: datetime
) -> None:
    """A run that ends between keeping and entering does both again, to the same object."""
    first = vault.keep(sealed(tmp_path, b"sealed bytes"))
    again = vault.keep(sealed(tmp_path, b"sealed bytes"))
    assert first == again
    with database.transaction() as tx:
        vault.enter(tx, again, "original", at)


def test_a_vault_that_cannot_keep_says_so(tmp_path: Path) -> None:
    (tmp_path / "vault").write_bytes(b"")
    with pytest.raises(StoreFault):
        Vault(BlobFolder(tmp_path / "vault")).keep(sealed(tmp_path, b"x"))


def test_what_was_read_whole_is_read_again_only_when_it_has_changed(
    tmp_path: Path, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    blob = vault.keep(sealed(tmp_path, b"sealed bytes"))
    reads = []

    def counted(path: Path) -> str:
        reads.append(path)
        return hashlib.sha256(path.read_bytes()).hexdigest()

    monkeypatch.setattr("gateway.records.vault.sha256_of", counted)
    path = vault.seen_whole(blob.sha256)
    assert path.read_bytes() == b"sealed bytes"
    assert vault.seen_whole(blob.sha256) == path
    assert len(reads) == 1
    before = path.stat()
    path.chmod(0o600)
    path.write_bytes(b"SEALED BYTES")  # as long as it was, and made to look as old
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    for _ in range(2):
        with pytest.raises(StoreFault) as fault:
            vault.seen_whole(blob.sha256)
        assert fault.value.code == "vault.damaged"
    path.unlink()
    with pytest.raises(StoreFault):
        vault.seen_whole(blob.sha256)
