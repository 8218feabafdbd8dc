"""A bucket on a real S3 server: put once, read back, refused in our own words."""

import dataclasses
import hashlib
import uuid
from pathlib import Path

import pytest
from s3server import GATEWAY, READER, REGION, Account, Gate, S3Server

from gateway.store.database import StoreFault
from gateway.store.s3 import PROBE, S3Place, is_safe

BYTES, OTHER = b"sealed bytes", b"other bytes"


@pytest.fixture
def bucket(s3_server: S3Server) -> str:
    """A bucket of the test's own."""
    return s3_server.make_bucket(f"b-{uuid.uuid4().hex[:12]}")


@pytest.fixture
def place(s3_server: S3Server, bucket: str, tmp_path: Path) -> S3Place:
    """The gateway's place in it."""
    credentials = GATEWAY.credentials(tmp_path / "keys" / "s3" / "dfe.toml")
    return S3Place(s3_server.endpoint, REGION, bucket, "from-ofsted/", credentials)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file to put."""
    path = tmp_path / "package.zip.gpg"
    path.write_bytes(BYTES)
    return path


def code_of(place: S3Place, source: Path) -> str:
    """The code by which placing is refused."""
    with pytest.raises(StoreFault) as caught:
        place.place(source, "package.zip.gpg")
    assert caught.value.hint
    return caught.value.code


def test_what_is_placed_another_client_reads(
    s3_server: S3Server, bucket: str, place: S3Place, source: Path
) -> None:
    found = place.within("notifications").place(source, "package.zip.gpg")
    assert found == hashlib.sha256(BYTES).hexdigest()
    key = "from-ofsted/notifications/package.zip.gpg"
    assert s3_server.names(bucket) == [key]
    assert s3_server.client(READER).get_object(Bucket=bucket, Key=key)["Body"].read() == BYTES


def test_the_same_bytes_again_count_as_placed(place: S3Place, source: Path) -> None:
    assert place.place(source, "a") == place.place(source, "a")
    assert not place.put_if_absent(source, "a", hashlib.sha256(BYTES).hexdigest())


def test_other_bytes_under_the_name_stay_as_they_are(place: S3Place, source: Path) -> None:
    place.place(source, "package.zip.gpg")
    source.write_bytes(OTHER)
    assert code_of(place, source) == "outbox.conflict"
    assert place.read_back("package.zip.gpg") == hashlib.sha256(BYTES).hexdigest()


def test_bytes_that_are_not_what_was_said_are_refused(place: S3Place, source: Path) -> None:
    with pytest.raises(StoreFault) as caught:
        place.put_if_absent(source, "a", hashlib.sha256(OTHER).hexdigest())
    assert caught.value.code == "bucket.bad-checksum"
    with pytest.raises(StoreFault) as missing:
        place.read_back("a")
    assert missing.value.code == "bucket.object-missing"


def test_no_bucket(place: S3Place, source: Path) -> None:
    assert code_of(dataclasses.replace(place, bucket="not-made"), source) == "bucket.missing"


@pytest.mark.parametrize(
    "account",
    [
        pytest.param(READER, id="may only read"),
        pytest.param(dataclasses.replace(GATEWAY, secret_key="wrong"), id="wrong secret"),
        pytest.param(dataclasses.replace(GATEWAY, access_key="nobody"), id="unknown"),
    ],
)
def test_credentials_that_do_not_let_in(place: S3Place, source: Path, account: Account) -> None:
    account.credentials(place.credentials)
    assert code_of(place, source) == "bucket.denied"


@pytest.mark.parametrize("text", ["", "access_key = 'a'", "access_key = ", "\xff"])
def test_a_file_that_holds_no_credentials(place: S3Place, source: Path, text: str) -> None:
    place.credentials.write_text(text, encoding="latin-1")
    assert code_of(place, source) == "bucket.credentials"


def test_credentials_that_others_can_read_are_not_used(place: S3Place, source: Path) -> None:
    place.credentials.chmod(0o640)
    assert code_of(place, source) == "bucket.credentials"
    place.credentials.unlink()
    assert code_of(place, source) == "bucket.credentials"


def test_a_server_that_is_down(s3_server: S3Server, place: S3Place, source: Path) -> None:
    gate = Gate(s3_server)
    behind = dataclasses.replace(place, endpoint=gate.endpoint)
    gate.shut()
    assert code_of(behind, source) == "bucket.unreachable"
    gate.open()
    assert behind.place(source, "package.zip.gpg")
    gate.shut()


@pytest.mark.parametrize("endpoint", ["http://198.51.100.7:8333", "http://bucket.example", "http:"])
def test_plain_http_goes_no_further_than_this_host(
    place: S3Place, source: Path, endpoint: str
) -> None:
    assert not is_safe(endpoint)
    assert code_of(dataclasses.replace(place, endpoint=endpoint), source) == "bucket.plain-http"


@pytest.mark.parametrize(
    "endpoint", ["", "https://s3.example", "http://127.0.0.1:8333", "http://[::1]:1"]
)
def test_https_and_this_host_are_safe(endpoint: str) -> None:
    assert is_safe(endpoint)


def test_a_look_leaves_one_probe(s3_server: S3Server, bucket: str, place: S3Place) -> None:
    place.look()
    place.look()
    assert s3_server.names(bucket) == [f"from-ofsted/{PROBE}"]


def test_a_probe_that_somebody_changed(s3_server: S3Server, bucket: str, place: S3Place) -> None:
    s3_server.client().put_object(Bucket=bucket, Key=f"from-ofsted/{PROBE}", Body=OTHER)
    with pytest.raises(StoreFault) as caught:
        place.look()
    assert caught.value.code == "outbox.conflict"
