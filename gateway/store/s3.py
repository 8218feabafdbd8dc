"""Objects in an S3 bucket: put once, whole, and read back. The only importer of boto3.

boto3 is loaded when a bucket is first used: no other work waits for it. An object is put with
``If-None-Match: *``, so that nothing is ever written over, and with its SHA-256, which the service
checks. None is removed, but for those of the vault by what `records.retention` does.
"""

import base64
import hashlib
import io
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import import_module
from ipaddress import ip_address
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from gateway.settings import S3Outbox
from gateway.store.database import StoreFault
from gateway.store.folder import sha256_of

PROBE = "gateway-probe.txt"
UNREACHABLE = "bucket.unreachable"
UNSAFE = (
    "bucket.plain-http",
    "bucket.credentials",
    "bucket.overwrites",
    "bucket.not-locked",
)  # never to start with
_PROBE_TEXT = b"The gateway put this here to see that it can. It is put once, and may stay.\n"
_OTHER_TEXT = b"The bucket's service let this be written over another object.\n"
_BLOCK = 1024 * 1024
_OTHERS = 0o077  # the modes that a file of credentials must not have
_TAKEN = "bucket.taken"  # inside this module
_LATER = "It is tried again at the next tick."
_FAULTS = {
    ("PreconditionFailed", "412"): (_TAKEN, "The object is there already.", ""),
    ("ObjectLockConfigurationNotFoundError",): (
        "bucket.not-locked",
        "The vault's bucket has no Object Lock.",
        "Make another with Object Lock, as docs/security.md says.",
    ),
    ("NoSuchBucket",): (
        "bucket.missing",
        "The bucket is not there.",
        "Have it made, or correct its name in config/gateway.toml.",
    ),
    ("NoSuchKey", "404"): (
        "bucket.object-missing",
        "An object that was put into the bucket is gone.",
        "Ask whoever looks after the bucket who removed it.",
    ),
    ("BadDigest", "XAmzContentChecksumMismatch", "InvalidDigest"): (
        "bucket.bad-checksum",
        "The bucket received other bytes than were sent.",
        f"{_LATER} If it stays so, have the network looked at.",
    ),
    ("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "403", "ExpiredToken"): (
        "bucket.denied",
        "The bucket does not let the gateway in.",
        "Check its file in keys/s3, and that its policy allows to put and get objects.",
    ),
}


@dataclass(frozen=True)
class Patience:
    """How long to wait for a connection and for each answer, in seconds, and how often to try."""

    connect: float
    read: float
    tries: int


_AT_WORK = Patience(connect=5, read=30, tries=2)
_AT_A_LOOK = Patience(connect=3, read=5, tries=1)  # a start waits for it


@dataclass(frozen=True)
class S3Place:
    """A place in a bucket: objects are named ``<prefix><name>``.

    ``endpoint``: empty for the region's own; https, or on this host. ``credentials``: a TOML file
    (0600) with access_key and secret_key.
    """

    endpoint: str
    region: str
    bucket: str
    prefix: str
    credentials: Path
    patience: Patience = _AT_WORK
    held: bool = False  # what is put is put under a legal hold (Object Lock)

    def within(self, shelf: str) -> "S3Place":
        """The place ``shelf`` in this place."""
        return replace(self, prefix=f"{self.prefix}{shelf}/")

    def place(self, source: Path, name: str) -> str:
        """Put a file, read it back, and return its SHA-256 (hex).

        The same bytes already there count as placed, so that a retry is harmless. Raises
        StoreFault: outbox.conflict where other bytes are there, which stay; outbox.altered where
        what was put does not read back; others as `reach` does. Raises OSError for the source.
        """
        wanted = sha256_of(source)
        new = self.put_if_absent(source, name, wanted)
        if self.read_back(name) == wanted:
            return wanted
        if new:
            raise StoreFault(
                "outbox.altered",
                f"{name} does not read back from the bucket as it was put there.",
                "Have the bucket's service looked at. Nothing counts as placed.",
            )
        raise StoreFault(
            "outbox.conflict",
            f"{name} already lies in the bucket with other content. It was left as it is.",
            "Find out who put it there before it is moved away.",
        )

    def put_if_absent(self, source: Path, name: str, sha256: str) -> bool:
        """Put a file's bytes unless the name is taken; whether they were put. Raises StoreFault."""
        with source.open("rb") as body:
            return self._put(body, name, sha256)

    def read_back(self, name: str) -> str:
        """The SHA-256 (hex) of an object's bytes, read whole. Raises StoreFault."""
        digest = hashlib.sha256()
        for block in self._blocks(name):
            digest.update(block)
        return digest.hexdigest()

    def fetch(self, name: str, out: BinaryIO) -> None:
        """Write an object's bytes to an open file. Raises StoreFault."""
        for block in self._blocks(name):
            out.write(block)

    def is_held(self, name: str) -> bool:
        """Whether an object is under a legal hold. Raises StoreFault."""
        with self.reach() as s3:
            told = s3.get_object_legal_hold(Bucket=self.bucket, Key=f"{self.prefix}{name}")
        return bool(told.get("LegalHold", {}).get("Status") == "ON")

    def look_locked(self) -> None:
        """See that the bucket locks objects, and that this account may not remove any.

        Raises StoreFault. It asks to remove a name that is not there.
        """
        quick = replace(self, patience=_AT_A_LOOK)
        with quick.reach() as s3:
            told = s3.get_object_lock_configuration(Bucket=self.bucket)
        if told.get("ObjectLockConfiguration", {}).get("ObjectLockEnabled") != "Enabled":
            raise _unlocked("has no Object Lock")
        try:
            with quick.reach() as s3:
                s3.delete_object(Bucket=self.bucket, Key=f"{self.prefix}gateway-no-such-object")
        except StoreFault as fault:
            if fault.code == "bucket.denied":
                return
            raise
        raise _unlocked("lets the service's account remove objects")

    def remove_held(self, name: str) -> None:
        """Lift the hold of every version of an object, and remove it. Raises StoreFault."""
        key = f"{self.prefix}{name}"
        with self.reach() as s3:
            told = s3.list_object_versions(Bucket=self.bucket, Prefix=key)
            for version in told.get("Versions", []):
                which = {"Bucket": self.bucket, "Key": key, "VersionId": version["VersionId"]}
                s3.put_object_legal_hold(**which, LegalHold={"Status": "OFF"})
                s3.delete_object(**which)
            for marker in told.get("DeleteMarkers", []):
                s3.delete_object(Bucket=self.bucket, Key=key, VersionId=marker["VersionId"])

    def _blocks(self, name: str) -> Iterator[bytes]:
        with self.reach() as s3:
            found = s3.get_object(Bucket=self.bucket, Key=f"{self.prefix}{name}")
            with found["Body"] as stream:
                while block := stream.read(_BLOCK):
                    yield block

    def look(self) -> None:
        """Put `PROBE`, once, and see that it can be read and not written over. Raises StoreFault.

        Waits less than work does.
        """
        quick = replace(self, patience=_AT_A_LOOK)
        kept = hashlib.sha256(_PROBE_TEXT).hexdigest()
        quick._put(io.BytesIO(_PROBE_TEXT), PROBE, kept)
        over = quick._put(io.BytesIO(_OTHER_TEXT), PROBE, hashlib.sha256(_OTHER_TEXT).hexdigest())
        if over:
            raise StoreFault(
                "bucket.overwrites",
                "The bucket's service lets one object be written over another.",
                "Use one that knows If-None-Match for puts (docs/s3.md).",
            )
        if quick.read_back(PROBE) != kept:
            raise StoreFault(
                "outbox.conflict",
                f"{PROBE} in the bucket is not what the gateway put there.",
                "Find out who put it there before it is moved away.",
            )

    @contextmanager
    def reach(self) -> Iterator[Any]:
        """The service's client; what it raises in the block becomes a StoreFault in our words.

        Its codes: bucket.unreachable, .denied, .missing, .object-missing, .bad-checksum, .failed,
        .plain-http, .credentials. The library's own words are dropped: they may name keys.
        """
        errors = import_module("botocore.exceptions")
        client = self._client()
        try:
            yield client
        except errors.ClientError as error:
            raise _fault(str(error.response.get("Error", {}).get("Code", ""))) from None
        except errors.BotoCoreError as error:
            raise _unreachable(type(error).__name__) from None

    def _put(self, body: BinaryIO, name: str, sha256: str) -> bool:
        held = {"ObjectLockLegalHoldStatus": "ON"} if self.held else {}
        try:
            with self.reach() as s3:
                s3.put_object(
                    Bucket=self.bucket,
                    Key=f"{self.prefix}{name}",
                    Body=body,
                    IfNoneMatch="*",
                    ChecksumSHA256=base64.b64encode(bytes.fromhex(sha256)).decode(),
                    ContentType="application/octet-stream",
                    **held,
                )
        except StoreFault as fault:
            if fault.code == _TAKEN:
                return False
            raise
        return True

    def _client(self) -> Any:
        if not is_safe(self.endpoint):
            raise StoreFault(
                "bucket.plain-http",
                "The bucket's endpoint is not https.",
                "Write an https:// endpoint into config/gateway.toml; http is for this host alone.",
            )
        access, secret = _read_credentials(self.credentials)
        try:
            return _made_client(self.endpoint, self.region, access, secret, self.patience)
        except ValueError:
            raise _unreachable("its endpoint is no address") from None


def outboxes(folder: Path, settings: Mapping[str, S3Outbox]) -> dict[str, S3Place]:
    """The buckets of recipients, by party. ``folder``: where their credentials lie."""
    return {party: of_settings(folder, one, party) for party, one in settings.items()}


def of_settings(folder: Path, settings: S3Outbox, name: str) -> S3Place:
    """The place that settings name, with its credentials in ``folder/<name>.toml``."""
    credentials = folder / f"{name}.toml"
    return S3Place(
        settings.endpoint, settings.region, settings.bucket, settings.prefix, credentials
    )


def is_safe(endpoint: str) -> bool:
    """Whether what travels to the endpoint is encrypted, or stays on this host."""
    try:
        parts = urlsplit(endpoint)
        if not endpoint or parts.scheme == "https":
            return True
        return parts.hostname == "localhost" or ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


def _read_credentials(path: Path) -> tuple[str, str]:
    try:
        if path.stat().st_mode & _OTHERS:
            raise _credentials(path, "can be read by others", f"Run: chmod 600 keys/s3/{path.name}")
        told = tomllib.loads(path.read_text(encoding="utf-8"))
        return str(told["access_key"]), str(told["secret_key"])
    except (OSError, UnicodeDecodeError):
        raise _credentials(path, "cannot be read", "Write it as docs/s3.md says") from None
    except (tomllib.TOMLDecodeError, KeyError):
        mend = "Write it as docs/s3.md says"
        raise _credentials(path, "does not hold both keys", mend) from None


def _credentials(path: Path, what: str, mend: str) -> StoreFault:
    return StoreFault("bucket.credentials", f"keys/s3/{path.name} {what}.", f"{mend}.")


@lru_cache(maxsize=16)
def _made_client(endpoint: str, region: str, access: str, secret: str, patience: Patience) -> Any:
    config = import_module("botocore.config").Config(
        connect_timeout=patience.connect,
        read_timeout=patience.read,
        retries={"total_max_attempts": patience.tries, "mode": "standard"},
        s3={"addressing_style": "path" if endpoint else "auto"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        ignore_configured_endpoint_urls=True,  # config/gateway.toml alone says where it goes
    )
    session = import_module("boto3.session").Session()
    return session.client(
        "s3",
        endpoint_url=endpoint or None,
        region_name=region,
        aws_access_key_id=access,
        aws_secret_access_key=secret,
        config=config,
    )


def _unlocked(why: str) -> StoreFault:
    return StoreFault(
        "bucket.not-locked",
        f"The vault's bucket {why}.",
        "Set it up as docs/security.md says, with Object Lock and the policy.",
    )


def _unreachable(why: str) -> StoreFault:
    return StoreFault(
        UNREACHABLE,
        f"The bucket's service does not answer ({why}).",
        f"Check the network, and the endpoint in config/gateway.toml. {_LATER}",
    )


def _fault(code: str) -> StoreFault:
    for codes, told in _FAULTS.items():
        if code in codes:
            return StoreFault(*told)
    return StoreFault(
        "bucket.failed",
        f"The bucket's service answered {code or 'with a fault'}.",
        f"{_LATER} If it stays so, ask whoever runs it.",
    )
