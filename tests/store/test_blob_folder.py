"""The blob store in a folder: put once, whole or not at all, read back."""

import hashlib
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.store.database import StoreFault
from gateway.store.folder import BlobFolder, sha256_of


@pytest.fixture
def blobs(tmp_path: Path) -> BlobFolder:
    return BlobFolder(tmp_path / "vault")


def source(folder: Path, content: bytes, name: str = "sealed") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def everything(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("size", [0, 1, 1024 * 1024, 1024 * 1024 * 2 + 7])
def test_what_is_put_lies_under_its_own_hash(tmp_path: Path, blobs: BlobFolder, size: int) -> None:
    content = b"\x5a" * size
    blob = blobs.put(source(tmp_path, content))
    digest = hashlib.sha256(content).hexdigest()
    assert (blob.sha256, blob.size) == (digest, size)
    assert blobs.path(digest).read_bytes() == content
    assert blobs.has(digest)
    assert not blobs.has("0" * 64)
    assert everything(blobs.root) == {f"{digest[:2]}/{digest}"}
    assert stat.S_IMODE(blobs.path(digest).stat().st_mode) == 0o400


def test_the_same_content_again_is_left_as_it_lies(tmp_path: Path, blobs: BlobFolder) -> None:
    first = blobs.put(source(tmp_path, b"sealed bytes"))
    before = blobs.path(first.sha256).stat()
    again = blobs.put(source(tmp_path, b"sealed bytes", "another"))
    after = blobs.path(first.sha256).stat()
    assert again == first
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert len(everything(blobs.root)) == 1


def test_an_object_that_was_damaged_is_not_counted_as_kept(
    tmp_path: Path, blobs: BlobFolder
) -> None:
    """Put-if-absent, and what is there must read back: a changed object is never written over."""
    blob = blobs.put(source(tmp_path, b"sealed bytes"))
    blobs.path(blob.sha256).write_bytes(b"sealed byteZ")
    with pytest.raises(StoreFault) as told:
        blobs.put(source(tmp_path, b"sealed bytes"))
    assert told.value.code == "vault.damaged"
    assert blobs.path(blob.sha256).read_bytes() == b"sealed byteZ"
    assert len(everything(blobs.root)) == 1


def test_a_source_that_is_not_there_leaves_nothing(tmp_path: Path, blobs: BlobFolder) -> None:
    with pytest.raises(StoreFault):
        blobs.put(tmp_path / "absent")
    assert everything(blobs.root) == set()


INTERRUPTED = """
import os, sys
from pathlib import Path
from gateway.store import folder
put = folder.BlobFolder(Path(sys.argv[2])).put
os.link = lambda *_: os._exit(9)  # the machine stops just before the object gets its name
put(Path(sys.argv[1]))
"""


def test_an_interrupted_put_leaves_a_part_that_is_swept(
    tmp_path: Path, blobs: BlobFolder, checkout: Path
) -> None:
    file = source(tmp_path, b"sealed bytes")
    kept = blobs.put(source(tmp_path, b"kept before", "before"))
    ended = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, str(file), str(blobs.root)],
        cwd=checkout,
        check=False,
        capture_output=True,
    )
    assert ended.returncode == 9, ended.stderr
    (part,) = blobs.root.glob("*.part")
    assert part.name.startswith(".")
    assert not blobs.has(sha256_of(file))
    blobs.sweep()
    assert everything(blobs.root) == {f"{kept.sha256[:2]}/{kept.sha256}"}
    blob = blobs.put(file)
    assert blobs.path(blob.sha256).read_bytes() == b"sealed bytes"


def test_sweeping_a_store_that_is_not_there_is_harmless(blobs: BlobFolder) -> None:
    blobs.sweep()
    assert not blobs.root.exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_is_told_plainly(
    tmp_path: Path, blobs: BlobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The temporary file is /dev/full, which answers every write as a full disk does."""
    really_open = os.open

    def open_full(path: Path, flags: int, *more: int) -> int:
        return really_open("/dev/full" if ".part" in str(path) else path, flags & ~os.O_EXCL, *more)

    monkeypatch.setattr(os, "open", open_full)
    with pytest.raises(StoreFault) as told:
        blobs.put(source(tmp_path, b"sealed bytes"))
    assert told.value.code == "disk.full"


def test_a_vault_that_cannot_be_written_is_told_plainly(tmp_path: Path) -> None:
    in_the_way = source(tmp_path, b"a file where the folder should be", "vault")
    with pytest.raises(StoreFault) as told:
        BlobFolder(in_the_way).put(source(tmp_path, b"sealed bytes"))
    assert told.value.code == "vault.unwritable"
    assert "next tick" in told.value.hint


@settings(max_examples=20)
@given(contents=st.lists(st.binary(max_size=64), max_size=12))
def test_any_contents_read_back(
    tmp_path_factory: pytest.TempPathFactory, contents: list[bytes]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    blobs = BlobFolder(folder / "vault")
    names = [blobs.put(source(folder, content)).sha256 for content in contents]
    assert [blobs.path(name).read_bytes() for name in names] == contents
    assert len(everything(blobs.root) if contents else set()) == len(set(contents))


def test_bytes_and_folders_are_on_the_disk_before_a_put_is_answered(
    tmp_path: Path, blobs: BlobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system's own calls, looked at as they go by: a power cut must find nothing half."""
    told: list[str] = []
    flush, link = os.fsync, os.link

    def seen_fsync(descriptor: int) -> None:
        kind = os.fstat(descriptor).st_mode
        told.append("folder" if stat.S_ISDIR(kind) else "bytes")
        flush(descriptor)

    def seen_link(*names: Path) -> None:
        told.append("name")
        link(*names)

    monkeypatch.setattr(os, "fsync", seen_fsync)
    monkeypatch.setattr(os, "link", seen_link)
    blobs.put(source(tmp_path, b"sealed bytes"))
    assert told == ["bytes", "name", "folder", "folder"]
