"""The site as it really runs: `gateway web`, a process of its own, with TLS where it is set."""

import datetime as dt
import re
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

CHECKOUT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 90.0
_LISTENING = re.compile(r'"address": "127\.0\.0\.1:([0-9]+)", "event": "web listening"')
_HURRIED = (
    "import gateway.serving.headway as headway;"
    "headway.HEAD_SECONDS = headway.BLOCK_SECONDS = 0.3;"
    "from gateway.cli import main; main()"
)


@contextmanager
def running(root: Path, log: Path, hurried: bool = False) -> Iterator["subprocess.Popen[bytes]"]:
    """`gateway web` on a free port, ended at the end; ``hurried``: clients have little time."""
    how = ["-c", _HURRIED] if hurried else ["-m", "gateway"]
    words = ["--home", str(root), "web", "--listen", "127.0.0.1:0"]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, *how, *words], cwd=CHECKOUT, stderr=stream, stdout=stream
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(PATIENCE_SECONDS)
        finally:
            process.kill()
            process.wait()


def port_of(log: Path, process: "subprocess.Popen[bytes]") -> int:
    """The port that the site says it listens on."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        said = log.read_text()
        if found := _LISTENING.search(said):
            return int(found[1])
        assert process.poll() is None, said
        assert time.monotonic() < until, said
        time.sleep(0.05)


def asked(port: int, path: str, tls: ssl.SSLContext | None = None) -> tuple[HTTPResponse, bytes]:
    """GET; the answer and its body."""
    if tls is None:
        to = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    else:
        to = HTTPSConnection("localhost", port, timeout=PATIENCE_SECONDS, context=tls)
    try:
        to.request("GET", path, headers={"Host": "localhost"})
        heard = to.getresponse()
        return heard, heard.read()
    finally:
        to.close()


def make_certificate(folder: Path, days: int = 30) -> tuple[Path, Path]:
    """A certificate for this computer that nobody else vouches for, and its key; PEM files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    begins = dt.datetime.now(dt.UTC) - dt.timedelta(days=60)
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + dt.timedelta(days=60 + days))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(parents=True, exist_ok=True)
    certificate, private = folder / "site.pem", folder / "site.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.touch(0o600)
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate, private
