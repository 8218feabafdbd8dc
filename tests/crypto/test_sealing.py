"""Encryption at rest: what is sealed opens in its place alone, and whole or not at all."""

import io
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.crypto import sealing
from gateway.crypto.faults import CryptoFault
from gateway.crypto.sealing import HomeKey, SealedWriter, Sealer, read_sealed

KEY = bytes(range(32))
OTHER = bytes(32)
CONTEXT = "drop 17 accepted"


# --- the home key --------------------------------------------------------------------------------


def _key_file(folder: Path, secret: bytes = KEY, mode: int = 0o600) -> Path:
    path = folder / "home.key"
    path.write_bytes(secret)
    path.chmod(mode)
    return path


@pytest.fixture(autouse=True)
def no_credential_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)


def test_each_purpose_has_its_own_key(tmp_path: Path) -> None:
    key = HomeKey.load(_key_file(tmp_path))
    derived = {key.derive(purpose) for purpose in ("staged", "held", "memory", "")}
    assert len(derived) == 4
    assert all(len(one) == 32 and one != KEY for one in derived)
    assert key.derive("staged") == HomeKey(KEY).derive("staged")
    assert key.derive("staged") != HomeKey(OTHER).derive("staged")


def test_a_derived_key_never_changes_between_versions() -> None:
    """What was sealed by an older gateway must open in a newer one (RFC 5869)."""
    assert HomeKey(KEY).derive("staged").hex() == (
        "ed32ed80a98a0698b257b5507de6b960daa55ce0a488b235f706c46f0ef94525"
    )


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_key_of_another_length(tmp_path: Path, length: int) -> None:
    with pytest.raises(CryptoFault) as caught:
        HomeKey.load(_key_file(tmp_path, bytes(length)))
    assert caught.value.code == "home-key.damaged"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o777])
def test_a_key_that_others_can_read(tmp_path: Path, mode: int) -> None:
    with pytest.raises(CryptoFault, match="chmod 600") as caught:
        HomeKey.load(_key_file(tmp_path, mode=mode))
    assert caught.value.code == "home-key.unsafe"


def test_no_key(tmp_path: Path) -> None:
    with pytest.raises(CryptoFault) as caught:
        HomeKey.load(tmp_path / "home.key")
    assert caught.value.code == "home-key.missing"


def test_the_credential_store_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = tmp_path / "credentials"
    store.mkdir()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(store))
    path = _key_file(tmp_path)
    assert HomeKey.load(path).derive("x") == HomeKey(KEY).derive("x")
    _key_file(store, OTHER, 0o440)
    assert HomeKey.load(path).derive("x") == HomeKey(OTHER).derive("x")
    (store / "home.key").chmod(0o444)
    with pytest.raises(CryptoFault) as caught:
        HomeKey.load(path)
    assert caught.value.code == "home-key.unsafe"


# --- single values -------------------------------------------------------------------------------


@given(st.binary(max_size=200), st.text(max_size=20))
def test_a_value_opens_under_its_context(data: bytes, context: str) -> None:
    sealed = Sealer(KEY).seal(data, context)
    assert Sealer(KEY).open(sealed, context) == data
    assert sealed != Sealer(KEY).seal(data, context)


def _refused(key: bytes, sealed: bytes, context: str) -> None:
    with pytest.raises(CryptoFault) as caught:
        Sealer(key).open(sealed, context)
    assert caught.value.code == "sealed.damaged"


@given(st.binary(max_size=50), st.data())
def test_no_altered_value_opens(plain: bytes, data: st.DataObject) -> None:
    sealed = Sealer(KEY).seal(plain, CONTEXT)
    at = data.draw(st.integers(0, len(sealed) - 1))
    flip = data.draw(st.integers(1, 255))
    _refused(KEY, sealed[:at] + bytes([sealed[at] ^ flip]) + sealed[at + 1 :], CONTEXT)
    _refused(KEY, sealed[:at], CONTEXT)
    _refused(KEY, sealed + b"\0", CONTEXT)


def test_a_value_in_another_place_or_under_another_key() -> None:
    sealed = Sealer(KEY).seal(b"value", CONTEXT)
    _refused(KEY, sealed, CONTEXT + "x")
    _refused(OTHER, sealed, CONTEXT)


# --- streams -------------------------------------------------------------------------------------


def _stream(chunks: list[bytes], key: bytes = KEY, context: str = CONTEXT) -> bytes:
    file = io.BytesIO()
    with SealedWriter(file, key, context) as writer:
        for chunk in chunks:
            writer.write(chunk)
    return file.getvalue()


def _parts(stream: bytes) -> tuple[bytes, list[bytes]]:
    """The head of a stream and its (length, ciphertext) records."""
    records, at = [], 33
    while at < len(stream):
        end = at + 4 + int.from_bytes(stream[at : at + 4], "big")
        records.append(stream[at:end])
        at = end
    return stream[:33], records


def _read(stream: bytes, key: bytes = KEY, context: str = CONTEXT) -> list[bytes]:
    return list(read_sealed(io.BytesIO(stream), key, context))


def _damaged(stream: bytes, key: bytes = KEY, context: str = CONTEXT) -> None:
    with pytest.raises(CryptoFault) as caught:
        _read(stream, key, context)
    assert caught.value.code == "sealed.damaged"


many_chunks = st.lists(st.binary(max_size=40), min_size=1, max_size=6)


@given(st.lists(st.binary(max_size=40), max_size=6))
def test_the_same_chunks_come_back(chunks: list[bytes]) -> None:
    stream = _stream(chunks)
    assert _read(stream) == chunks
    assert stream != _stream(chunks)


@given(many_chunks, st.data())
def test_an_altered_byte(chunks: list[bytes], data: st.DataObject) -> None:
    stream = _stream(chunks)
    at = data.draw(st.integers(0, len(stream) - 1))
    flip = data.draw(st.integers(1, 255))
    _damaged(stream[:at] + bytes([stream[at] ^ flip]) + stream[at + 1 :])


@given(many_chunks, st.data())
def test_a_cut(chunks: list[bytes], data: st.DataObject) -> None:
    stream = _stream(chunks)
    _damaged(stream[: data.draw(st.integers(0, len(stream) - 1))])


@given(many_chunks, st.binary(min_size=1, max_size=40))
def test_something_after_the_end(chunks: list[bytes], more: bytes) -> None:
    _damaged(_stream(chunks) + more)


@given(many_chunks, st.data())
def test_records_moved_repeated_or_left_out(chunks: list[bytes], data: st.DataObject) -> None:
    head, records = _parts(_stream(chunks))
    shuffled = data.draw(st.lists(st.sampled_from(records), max_size=len(records) + 2))
    assume(shuffled != records)
    _damaged(head + b"".join(shuffled))


@given(many_chunks, many_chunks, st.data())
def test_a_record_of_another_stream(
    mine: list[bytes], theirs: list[bytes], data: st.DataObject
) -> None:
    """Under the same key and context: each stream has a key of its own."""
    head, records = _parts(_stream(mine))
    _, foreign = _parts(_stream(theirs))
    at = data.draw(st.integers(0, min(len(records), len(foreign)) - 1))
    _damaged(head + b"".join([*records[:at], foreign[at], *records[at + 1 :]]))


def test_a_stream_in_another_place_or_under_another_key() -> None:
    stream = _stream([b"chunk"])
    _damaged(stream, OTHER)
    _damaged(stream, KEY, CONTEXT + "x")


def test_a_stream_that_was_never_ended() -> None:
    file = io.BytesIO()
    with pytest.raises(RuntimeError), SealedWriter(file, KEY, CONTEXT) as writer:
        writer.write(b"chunk")
        raise RuntimeError
    _damaged(file.getvalue())
    writer.close()
    _damaged(file.getvalue())


def test_a_closed_stream_takes_no_more() -> None:
    file = io.BytesIO()
    writer = SealedWriter(file, KEY, CONTEXT)
    writer.close()
    writer.close()
    assert _read(file.getvalue()) == []
    with pytest.raises(ValueError, match="closed"):
        writer.write(b"more")


def test_the_first_chunks_come_before_the_end_is_known() -> None:
    head, records = _parts(_stream([b"one", b"two"]))
    chunks = read_sealed(io.BytesIO(head + records[0] + records[1]), KEY, CONTEXT)
    assert next(chunks) == b"one"
    with pytest.raises(CryptoFault):
        next(chunks)


def test_a_length_that_would_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "LARGEST_CHUNK", 100)
    assert _read(_stream([b"x" * 100])) == [b"x" * 100]
    with pytest.raises(ValueError, match="64 MB"):
        _stream([b"x" * 101])
    head, _ = _parts(_stream([]))
    _damaged(head + (117).to_bytes(4, "big") + bytes(117))
    _damaged(head + (15).to_bytes(4, "big") + bytes(15))


def test_an_end_that_carries_a_chunk_is_not_ours() -> None:
    """Every stream ends with an empty last record; whoever has the key must do the same."""
    file = io.BytesIO()
    writer = SealedWriter(file, KEY, CONTEXT)
    writer._put(writer._chunks.seal(b"chunk", last=True))
    _damaged(file.getvalue())
