"""The site as a process of its own: it answers, ends cleanly, and speaks TLS."""

import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from site_process import PATIENCE_SECONDS, asked, make_certificate, port_of, running

_TLS = """
[web]
origin = "https://localhost"
certificate = "keys/tls/site.pem"
key = "keys/tls/site.key"
"""


@pytest.fixture
def tls_home(rehearsal_home: Path) -> Path:
    """A home with a certificate of its own."""
    make_certificate(rehearsal_home / "keys" / "tls")
    (rehearsal_home / "config" / "gateway.toml").write_text(_TLS)
    return rehearsal_home


def trusting(home: Path) -> ssl.SSLContext:
    """What a client needs that trusts the home's certificate."""
    return ssl.create_default_context(cafile=home / "keys" / "tls" / "site.pem")


def test_it_answers_and_a_request_in_hand_is_answered_before_it_ends(rehearsal_home, tmp_path):
    log = tmp_path / "web.log"
    with running(rehearsal_home, log) as process:
        port = port_of(log, process)
        told, body = asked(port, "/")
        assert told.status == 200
        assert told.headers["Server"] == "gateway"
        assert b"<h1" in body
        with socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS) as to:
            to.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
            asked(port, "/healthz")  # the other has been taken in hand by now
            process.send_signal(signal.SIGTERM)
            to.sendall(b"Connection: close\r\n\r\n")
            heard = b"".join(iter(lambda: to.recv(65536), b""))
        assert heard.startswith(b"HTTP/1.1 200 OK")
        assert heard.endswith(b"</html>")
        assert process.wait(PATIENCE_SECONDS) == 0
    assert "Traceback" not in log.read_text()


def test_what_is_no_http_is_refused_and_nothing_of_it_is_repeated(rehearsal_home, tmp_path):
    log = tmp_path / "web.log"
    with running(rehearsal_home, log) as process:
        port = port_of(log, process)
        for sent in (b"canary-4d\r\n\r\n", b"GET /" + b"a" * 3000 + b" HTTP/1.1\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS) as to:
                to.sendall(sent)
                heard = b""
                with suppress(ConnectionResetError):
                    heard = b"".join(iter(lambda to=to: to.recv(65536), b""))
            assert heard.startswith(b"HTTP/1.1 400 ")
            assert b"canary" not in heard
        assert asked(port, "/healthz")[0].status == 200
    assert "canary" not in log.read_text()


def test_it_speaks_tls_and_takes_a_renewed_certificate_without_a_restart(tls_home, tmp_path):
    log = tmp_path / "web.log"
    with running(tls_home, log) as process:
        port = port_of(log, process)
        old = trusting(tls_home)
        told, _ = asked(port, "/", old)
        assert told.status == 200
        assert told.headers["Strict-Transport-Security"]
        assert asked(port, "/", old)[0].status == 200
        make_certificate(tls_home / "keys" / "tls")
        assert asked(port, "/", trusting(tls_home))[0].status == 200
        with pytest.raises(ssl.SSLCertVerificationError):
            asked(port, "/", old)
    assert "Traceback" not in log.read_text()


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_it_speaks_no_old_tls_and_no_plain_http_there(tls_home, tmp_path):
    log = tmp_path / "web.log"
    with running(tls_home, log) as process:
        port = port_of(log, process)
        old = trusting(tls_home)
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        with suppress(ssl.SSLError):
            old.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.raises((ssl.SSLError, OSError)):
            asked(port, "/", old)
        with socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS) as to:
            to.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            heard = b""
            with suppress(ConnectionResetError):
                heard = b"".join(iter(lambda: to.recv(65536), b""))
        assert b"<h1" not in heard
        assert asked(port, "/", trusting(tls_home))[0].status == 200
    assert "Traceback" not in log.read_text()


def test_a_handshake_that_does_not_get_on_is_cut_off(tls_home, tmp_path):
    log = tmp_path / "web.log"
    with running(tls_home, log, hurried=True) as process:
        port = port_of(log, process)
        stuck = [socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS) for _ in range(8)]
        for to in stuck:
            to.sendall(b"\x16")
        for to in stuck:
            with suppress(ConnectionResetError):
                assert to.recv(100) == b""
            to.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0


def test_off_loopback_it_does_not_start_without_tls(rehearsal_home, run_gateway: Callable):
    for words in (("web", "--listen", "0.0.0.0:0"), ("run", "--web", "0.0.0.0:8481")):
        told = run_gateway(rehearsal_home, *words)
        assert told.returncode == 1
        assert "web.no-tls" in told.stderr
        assert "without TLS" in told.stderr


def test_a_home_of_an_older_version_is_told_to_be_brought_up_to_date(rehearsal_home, run_gateway):
    secret = rehearsal_home / "keys" / "web.secret"
    assert secret.stat().st_mode & 0o777 == 0o600
    assert len(secret.read_bytes()) == 32
    secret.unlink()
    told = run_gateway(rehearsal_home, "web", "--listen", "127.0.0.1:0")
    assert told.returncode == 1
    assert "web.no-secret" in told.stderr


def test_run_starts_it_and_ends_it(rehearsal_home, tmp_path):
    words = [sys.executable, "-m", "gateway", "--home", str(rehearsal_home), "run", "--web"]
    log = tmp_path / "run.log"
    with log.open("wb") as stream:
        process = subprocess.Popen([*words, "127.0.0.1:0"], stdout=stream, stderr=stream)
    try:
        port = port_of(log, process)
        assert asked(port, "/healthz")[1] == b"ok\n"
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0
