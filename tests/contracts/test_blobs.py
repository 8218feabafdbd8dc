"""Both stores of sealed objects, and both kinds of outbox, keep the same rules: put once, whole."""

import hashlib
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from s3server import GATEWAY, OWNER, REGION, VAULT, Gate, S3Server, vault_policy

from gateway.dispatch.place import PlacementConflict, PlacementFailed, place
from gateway.store.database import StoreFault
from gateway.store.folder import BlobFolder
from gateway.store.lockedfolder import LockedFolder
from gateway.store.s3 import S3Place

ABSENT = "0" * 64
KINDS = ("folder", "bucket")


@dataclass(frozen=True)
class Twin:
    """A store, and how it is taken away from the gateway and given back."""

    store: BlobFolder
    lose: Callable[[], object]
    give_back: Callable[[], object]


@pytest.fixture
def gate(s3_server: S3Server) -> Iterator[Gate]:
    """A way to the S3 server that can be shut."""
    made = Gate(s3_server)
    yield made
    made.shut()


def bucket_of(
    request: pytest.FixtureRequest, folder: Path, *, locked: bool
) -> tuple[S3Place, Gate]:
    server: S3Server = request.getfixturevalue("s3_server")
    gate: Gate = request.getfixturevalue("gate")
    name = server.make_bucket(f"c-{uuid.uuid4().hex[:12]}", locked=locked)
    if locked:
        server.client(OWNER).put_bucket_policy(Bucket=name, Policy=vault_policy(name))
    credentials = (VAULT if locked else GATEWAY).credentials(folder / "keys" / "s3.toml")
    return S3Place(gate.endpoint, REGION, name, "c/", credentials), gate


@pytest.fixture(params=KINDS)
def twin(request: pytest.FixtureRequest, tmp_path: Path) -> Twin:
    """The vault's store: a folder, or a folder with a bucket under Object Lock."""
    root, aside = tmp_path / "vault", tmp_path / "aside"
    if request.param == "folder":
        return Twin(
            BlobFolder(root),
            lambda: (root.exists() and root.rename(aside), root.touch()),
            lambda: (root.unlink(), aside.exists() and aside.rename(root)),
        )
    place, gate = bucket_of(request, tmp_path, locked=True)
    return Twin(LockedFolder(root, place, tmp_path / "none"), gate.shut, gate.open)


def source(folder: Path, content: bytes) -> Path:
    path = folder / f"sealed-{uuid.uuid4().hex}"
    path.write_bytes(content)
    return path


# --- what the vault keeps -------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 3 * 1024 * 1024 + 7])
def test_what_is_put_is_named_by_its_content_and_reads_back(
    twin: Twin, tmp_path: Path, size: int
) -> None:
    content = b"\x5a" * size
    blob = twin.store.put(source(tmp_path, content))
    assert (blob.sha256, blob.size) == (hashlib.sha256(content).hexdigest(), size)
    assert twin.store.has(blob.sha256)
    assert twin.store.size(blob.sha256) == size
    assert twin.store.look(blob.sha256, size) == "whole"
    assert twin.store.path(blob.sha256).read_bytes() == content
    assert list(twin.store.names()) == [blob.sha256]


def test_the_same_again_is_harmless(twin: Twin, tmp_path: Path) -> None:
    first = twin.store.put(source(tmp_path, b"sealed bytes"))
    assert twin.store.put(source(tmp_path, b"sealed bytes")) == first
    assert list(twin.store.names()) == [first.sha256]


def test_several_at_once_put_one_object(twin: Twin, tmp_path: Path) -> None:
    found: list[object] = []

    def put(path: Path) -> None:
        found.append(twin.store.put(path))

    sources = [source(tmp_path, b"sealed bytes") for _ in range(4)]
    threads = [threading.Thread(target=put, args=(path,)) for path in sources]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == len(threads)
    assert len(set(found)) == len(list(twin.store.names())) == 1


def test_what_is_not_there_is_told(twin: Twin, tmp_path: Path) -> None:
    twin.store.put(source(tmp_path, b"sealed bytes"))
    assert twin.store.look(ABSENT, 12) == "missing"
    assert not twin.store.has(ABSENT)
    assert twin.store.size(ABSENT) is None


@pytest.mark.parametrize("name", ["", "..", "../keys/s3.toml", "a/../../keys/s3.toml"])
def test_a_name_that_is_no_hash_finds_nothing(twin: Twin, tmp_path: Path, name: str) -> None:
    twin.store.put(source(tmp_path, b"sealed bytes"))
    found = ""
    with suppress(StoreFault):  # a bucket's service takes no such name
        found = twin.store.look(name, 12)
    assert found != "whole"


def test_an_object_that_was_altered_is_told_and_never_written_over(
    twin: Twin, tmp_path: Path
) -> None:
    blob = twin.store.put(source(tmp_path, b"sealed bytes"))
    path = twin.store.path(blob.sha256)
    path.chmod(0o600)
    path.write_bytes(b"sealed byteZ")
    assert twin.store.look(blob.sha256, blob.size) == "altered"
    with pytest.raises(StoreFault) as told:
        twin.store.put(source(tmp_path, b"sealed bytes"))
    assert told.value.code == "vault.damaged"
    assert path.read_bytes() == b"sealed byteZ"


def test_a_source_that_is_not_there_leaves_nothing(twin: Twin, tmp_path: Path) -> None:
    with pytest.raises(StoreFault):
        twin.store.put(tmp_path / "absent")
    assert list(twin.store.names()) == []


def test_a_store_that_is_lost_is_told_and_takes_again_when_it_is_back(
    twin: Twin, tmp_path: Path
) -> None:
    kept = twin.store.put(source(tmp_path, b"kept before"))
    twin.lose()
    with pytest.raises(StoreFault):
        twin.store.put(source(tmp_path, b"sealed bytes"))
    twin.give_back()
    blob = twin.store.put(source(tmp_path, b"sealed bytes"))
    for one in (kept, blob):
        assert twin.store.look(one.sha256, one.size) == "whole"


# --- what lies in an outbox -----------------------------------------------------------------------


@dataclass(frozen=True)
class Outbox:
    """Where packages are placed: ``put`` a file under a name, ``read`` what lies there."""

    put: Callable[[Path, str], str]
    read: Callable[[str], bytes]
    lose: Callable[[], object]
    give_back: Callable[[], object]


@pytest.fixture(params=KINDS)
def outbox(request: pytest.FixtureRequest, tmp_path: Path) -> Outbox:
    """A recipient's outbox: a folder, or a bucket."""
    if request.param == "folder":
        root, aside = tmp_path / "outbox", tmp_path / "aside"
        root.mkdir()
        return Outbox(
            lambda file, name: place(file, root, name),
            lambda name: (root / name).read_bytes(),
            lambda: root.rename(aside),
            lambda: aside.rename(root),
        )
    bucket, gate = bucket_of(request, tmp_path, locked=False)
    client = request.getfixturevalue("s3_server").client()

    def read(name: str) -> bytes:
        found = client.get_object(Bucket=bucket.bucket, Key=f"c/{name}")
        return bytes(found["Body"].read())

    return Outbox(bucket.place, read, gate.shut, gate.open)


def test_what_is_placed_reads_back_and_a_retry_is_harmless(outbox: Outbox, tmp_path: Path) -> None:
    wanted = hashlib.sha256(b"a package").hexdigest()
    for _ in range(2):
        assert outbox.put(source(tmp_path, b"a package"), "p.zip.gpg") == wanted
    assert outbox.read("p.zip.gpg") == b"a package"


def test_a_name_that_is_taken_by_other_bytes_keeps_them(outbox: Outbox, tmp_path: Path) -> None:
    outbox.put(source(tmp_path, b"a package"), "p.zip.gpg")
    with pytest.raises((PlacementConflict, StoreFault)) as told:
        outbox.put(source(tmp_path, b"another"), "p.zip.gpg")
    assert told.value.code == "outbox.conflict"
    assert outbox.read("p.zip.gpg") == b"a package"


def test_an_outbox_that_is_lost_is_told_and_takes_again_when_it_is_back(
    outbox: Outbox, tmp_path: Path
) -> None:
    outbox.lose()
    with pytest.raises((PlacementFailed, StoreFault)):
        outbox.put(source(tmp_path, b"a package"), "p.zip.gpg")
    outbox.give_back()
    outbox.put(source(tmp_path, b"a package"), "p.zip.gpg")
    assert outbox.read("p.zip.gpg") == b"a package"
