"""A recipient with a bucket: placed means that folder and bucket hold the package."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from approving import recalled
from rehearsing import PLACED, AtWork, clean_row
from s3server import GATEWAY, READER, REGION, Gate, S3Server

from gateway.engine.doctor import Look, examine_home

BEFORE, WINDOW, LATER = "2026-03-02T09:00", "2026-03-02T16:00", "2026-03-02T16:10"


@pytest.fixture
def gate(s3_server: S3Server) -> Iterator[Gate]:
    """The way to the server; it can be shut."""
    made = Gate(s3_server)
    yield made
    made.shut()


@pytest.fixture
def bucket(s3_server: S3Server, gate: Gate, work: AtWork) -> str:
    """dfe's bucket, as the home's settings have it."""
    name = s3_server.make_bucket(f"b-{uuid.uuid4().hex[:12]}")
    work.home.settings_file.write_text(
        f'[s3.dfe]\nendpoint = "{gate.endpoint}"\nregion = "{REGION}"\nbucket = "{name}"\n'
    )
    GATEWAY.credentials(work.home.keys / "s3" / "dfe.toml")
    return name


def states(work: AtWork) -> dict[str, str]:
    """The state of each delivery, by recipient."""
    return dict(work.query("SELECT party, state FROM deliveries"))


def look(work: AtWork) -> Look:
    """What the doctor says of the bucket."""
    (found,) = [look for look in examine_home(work.home) if look.name == "bucket dfe"]
    return found


def test_a_package_lies_in_folder_and_bucket(
    work: AtWork, s3_server: S3Server, bucket: str
) -> None:
    work.tick(BEFORE)
    work.rows(clean_row(1))
    work.tick(WINDOW)
    assert set(states(work).values()) == {"placed"}
    folder = work.home.outbox_of("dfe", "notifications")
    names = sorted(path.name for path in folder.iterdir() if path.is_file())
    assert len(names) == 3
    keys = [f"notifications/{name}" for name in names]
    assert sorted(s3_server.names(bucket)) == keys
    client = s3_server.client(READER)
    for name, key in zip(names, keys, strict=True):
        kept = client.get_object(Bucket=bucket, Key=key)["Body"].read()
        assert kept == (folder / name).read_bytes()
    assert look(work).state == "ok"


def test_a_bucket_that_is_down_makes_its_recipient_wait_and_nobody_else(
    work: AtWork, s3_server: S3Server, bucket: str, gate: Gate
) -> None:
    work.tick(BEFORE)
    work.rows(clean_row(1))
    gate.shut()
    work.tick(WINDOW)
    assert states(work) == {"dfe": "sealed", "panel": "placed"}
    assert "bucket.unreachable" in work.alarms()
    manifests = list(work.home.outbox_of("dfe", "notifications").glob("*.manifest.json"))
    assert manifests == [], "nothing says that the package is whole"
    assert look(work).state == "warn"
    gate.open()
    work.tick(LATER)
    assert set(states(work)) == PLACED
    assert set(states(work).values()) == {"placed"}
    assert "bucket.unreachable" not in work.alarms()
    assert len(s3_server.names(bucket)) == 3


def test_another_object_under_the_name_is_left_and_told(
    work: AtWork, s3_server: S3Server, bucket: str
) -> None:
    work.tick(BEFORE)
    work.rows(clean_row(1))
    key = "notifications/notifications-2026-03-02-01.zip.gpg"
    s3_server.client().put_object(Bucket=bucket, Key=key, Body=b"not ours")
    work.tick(WINDOW)
    assert states(work)["dfe"] == "sealed"
    assert "outbox.conflict" in work.alarms()
    assert s3_server.client().get_object(Bucket=bucket, Key=key)["Body"].read() == b"not ours"


@pytest.mark.usefixtures("bucket")
def test_the_doctor_fails_what_is_not_safe(work: AtWork) -> None:
    path: Path = work.home.keys / "s3" / "dfe.toml"
    path.chmod(0o644)
    assert look(work).state == "fail"
    READER.credentials(path)
    path.chmod(0o600)
    assert look(work).state == "warn"


def test_a_recall_asks_for_a_statement_and_leaves_a_notice_in_the_bucket(
    work: AtWork, s3_server: S3Server, bucket: str
) -> None:
    work.tick(BEFORE)
    work.rows(clean_row(1))
    work.tick(WINDOW)
    package = "notifications-2026-03-02-01"
    with work.parts(LATER) as (parts, now):
        recalled(parts, now, package)
    work.tick(LATER)
    notice = f"notifications/{package}.recalled.json"
    assert {notice, f"{notice}.asc"} <= set(s3_server.names(bucket))
    assert len(s3_server.names(bucket)) == 5, "what was placed stays"
    owed = [subject for code, subject in work.open_alarms() if code == "recall.statement-owed"]
    assert owed == [f"delivery:{package}:dfe"], "the panel, whose collections are seen, took none"
