"""The vault in a bucket with Object Lock, on a real server, with the service's account."""

import hashlib
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from s3server import KEEPER, OWNER, REGION, VAULT, S3Server, vault_policy

from gateway.records.audit import audit
from gateway.records.vault import Vault
from gateway.store.database import Database, StoreFault
from gateway.store.lockedfolder import LockedFolder
from gateway.store.s3 import S3Place

BYTES = b"a sealed original"
NAME = hashlib.sha256(BYTES).hexdigest()
KEY = f"v/{NAME[:2]}/{NAME}"


@pytest.fixture
def bucket(s3_server: S3Server) -> str:
    name = s3_server.make_bucket(f"v-{uuid.uuid4().hex[:12]}", locked=True)
    s3_server.client(OWNER).put_bucket_policy(Bucket=name, Policy=vault_policy(name))
    return name


@pytest.fixture
def locked(s3_server: S3Server, bucket: str, tmp_path: Path) -> LockedFolder:
    keys = tmp_path / "keys"
    place = S3Place(s3_server.endpoint, REGION, bucket, "v/", VAULT.credentials(keys / "v.toml"))
    return LockedFolder(tmp_path / "vault", place, keys / "keeper.toml")


@pytest.fixture
def kept(locked: LockedFolder, tmp_path: Path) -> LockedFolder:
    source = tmp_path / "sealed"
    source.write_bytes(BYTES)
    assert locked.put(source).sha256 == NAME
    assert locked.put(source).sha256 == NAME  # again: the same object, and harmless
    return locked


def refused(act: Callable[[], Any]) -> str:
    with pytest.raises(ClientError) as caught:
        act()
    return str(caught.value.response["Error"]["Code"])


def test_what_is_kept_is_held_and_nobody_can_remove_it(
    kept: LockedFolder, s3_server: S3Server, bucket: str
) -> None:
    service, owner = s3_server.client(VAULT), s3_server.client(OWNER)
    where = {"Bucket": bucket, "Key": KEY}
    version = {**where, "VersionId": service.head_object(**where)["VersionId"]}
    assert service.get_object_legal_hold(**where)["LegalHold"]["Status"] == "ON"
    for act in (
        lambda: service.delete_object(**where),
        lambda: service.delete_object(**version),
        lambda: service.delete_object(**version, BypassGovernanceRetention=True),
        lambda: owner.delete_object(**version),  # not even the bucket's owner, while it is held
        lambda: owner.delete_object(**version, BypassGovernanceRetention=True),
        lambda: service.delete_bucket(Bucket=bucket),
        lambda: service.delete_bucket_policy(Bucket=bucket),
        lambda: service.put_bucket_lifecycle_configuration(
            Bucket=bucket,
            LifecycleConfiguration={
                "Rules": [{"ID": "x", "Status": "Enabled", "Filter": {}, "Expiration": {"Days": 1}}]
            },
        ),
    ):
        assert refused(act) in ("AccessDenied", "BucketNotEmpty")
    suspend = {"Bucket": bucket, "VersioningConfiguration": {"Status": "Suspended"}}
    refused(lambda: service.put_bucket_versioning(**suspend))
    assert kept.look(NAME, len(BYTES)) == "whole"


def test_a_hold_lifted_is_told_and_still_nothing_goes(
    kept: LockedFolder, s3_server: S3Server, bucket: str
) -> None:
    service = s3_server.client(VAULT)
    where = {"Bucket": bucket, "Key": KEY}
    version = {**where, "VersionId": service.head_object(**where)["VersionId"]}
    service.put_object_legal_hold(**version, LegalHold={"Status": "OFF"})
    assert refused(lambda: service.delete_object(**version)) == "AccessDenied"
    assert kept.look(NAME, len(BYTES)) == "not-held"


def test_a_newer_version_hides_nothing_from_the_audit(
    kept: LockedFolder, s3_server: S3Server, bucket: str
) -> None:
    """Written over by others, the version that was kept is there, and the audit tells."""
    where = {"Bucket": bucket, "Key": KEY}
    first = s3_server.client(VAULT).head_object(**where)["VersionId"]
    s3_server.client(OWNER).put_object(**where, Body=b"other bytes")
    assert kept.look(NAME, len(BYTES)) == "altered"
    found = s3_server.client(VAULT).get_object(**where, VersionId=first)
    assert found["Body"].read() == BYTES


def test_what_the_folder_lost_comes_back_from_the_bucket(kept: LockedFolder) -> None:
    kept.path(NAME).unlink()
    assert kept.has(NAME)
    assert kept.path(NAME).read_bytes() == BYTES
    assert not kept.has("0" * 64)


def test_only_the_keeper_removes(kept: LockedFolder, tmp_path: Path) -> None:
    with pytest.raises(StoreFault) as fault:
        kept.remove(NAME)
    assert fault.value.code == "vault.no-keeper"
    assert kept.has(NAME)
    KEEPER.credentials(tmp_path / "keys" / "keeper.toml")
    kept.remove(NAME)
    assert not kept.has(NAME)
    assert kept.look(NAME, len(BYTES)) == "missing"


def test_a_bucket_that_is_not_locked_is_told(
    s3_server: S3Server, bucket: str, tmp_path: Path
) -> None:
    credentials = VAULT.credentials(tmp_path / "v.toml")
    good = S3Place(s3_server.endpoint, REGION, bucket, "v/", credentials)
    good.look_locked()
    for locked in (False, True):  # the second has Object Lock, and no policy
        name = s3_server.make_bucket(f"v-{uuid.uuid4().hex[:12]}", locked=locked)
        with pytest.raises(StoreFault) as fault:
            replace(good, bucket=name).look_locked()
        assert fault.value.code == "bucket.not-locked"


def test_an_audit_reads_the_bucket_too(
    kept: LockedFolder, tmp_path: Path, s3_server: S3Server, bucket: str
) -> None:
    database = Database.at(tmp_path / "gateway.db")
    database.upgrade()
    now = datetime(2026, 3, 2, tzinfo=UTC)
    vault = Vault(kept)
    with database.transaction() as tx:
        vault.enter(tx, vault.keep(kept.path(NAME)), "original", now)
    try:
        assert audit(database, vault, now).wrong == ()
        KEEPER.credentials(tmp_path / "keys" / "keeper.toml")
        version = s3_server.client(OWNER).head_object(Bucket=bucket, Key=KEY)["VersionId"]
        own = s3_server.client(KEEPER)
        own.put_object_legal_hold(
            Bucket=bucket, Key=KEY, VersionId=version, LegalHold={"Status": "OFF"}
        )
        own.delete_object(Bucket=bucket, Key=KEY, VersionId=version)
        [wrong] = audit(database, vault, now).wrong
        assert (wrong.sha256, wrong.how) == (NAME, "missing")
    finally:
        database.close()
