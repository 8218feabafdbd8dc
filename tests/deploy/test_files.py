"""nginx, Prometheus's rules, the image's file and the script: each is taken by its own program."""

import re
import shutil
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

CHECKOUT = Path(__file__).parents[2]
DEPLOY = CHECKOUT / "deploy"
RULES = DEPLOY / "prometheus"
TOKEN = "a token that is long enough"


@pytest.mark.parametrize(
    "words", [("check", "rules", "gateway.rules.yml"), ("test", "rules", "gateway.rules.test.yml")]
)
def test_prometheus_takes_the_rules_and_they_say_what_they_should(words, need_program):
    told = subprocess.run(
        [need_program("promtool"), *words], cwd=RULES, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stdout + told.stderr
    assert "SUCCESS" in told.stdout


def test_every_rule_is_tried_both_ways_and_leads_to_a_runbook():
    rules = (RULES / "gateway.rules.yml").read_text()
    tried = (RULES / "gateway.rules.test.yml").read_text()
    alerts = re.findall(r"- alert: (\w+)", rules)
    assert len(alerts) == len(set(alerts)) > 10
    for alert in alerts:
        assert re.search(rf"alertname: {alert}\n +exp_alerts:", tried), f"{alert} is never raised"
        assert re.search(rf"alertname: {alert}\}}", tried), f"{alert} is never silent"
    page = (CHECKOUT / "docs" / "operate.md").read_text()
    anchors = {
        re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", page, re.MULTILINE)
    }
    assert set(re.findall(r"runbook: docs/operate\.md#(\S+)", rules)) <= anchors


@pytest.mark.parametrize("script", ["deploy/gateway-admin", "tools/prepare.sh"])
def test_the_shell_scripts_are_sound(script, need_program):
    subprocess.run(["bash", "-n", str(CHECKOUT / script)], check=True)
    words = ("--severity=warning", str(CHECKOUT / script))
    subprocess.run([need_program("shellcheck"), *words], check=True)


def test_the_image_is_made_of_what_there_is_and_runs_as_nobody_special():
    text = (DEPLOY / "Containerfile").read_text()
    for line in re.findall(r"^COPY (.*) \S+$", text, re.MULTILINE):
        assert all((CHECKOUT / word).exists() for word in line.split()), line
    assert int(re.search(r"^USER (\d+)$", text, re.MULTILINE)[1]) > 0
    ignored = (DEPLOY / "Containerfile.dockerignore").read_text().splitlines()
    assert ignored[1] == "*", "all but what is named"
    own = {"config/parties.toml", "config/officers.toml", "config/ledger-keys", "config/sftp"}
    assert own <= set(ignored), "facts of one home are in no image"


# --- nginx ----------------------------------------------------------------------------------------


@pytest.fixture
def nginx(need_program) -> str:
    """nginx, which lies where an ordinary user's PATH does not lead."""
    return shutil.which("nginx", path="/usr/sbin") or need_program("nginx")


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.fixture
def configured(tmp_path: Path, need_program) -> tuple[Path, dict[int, int]]:
    """nginx's file over ours, with a certificate and ports of the test's own."""
    certificate, key = tmp_path / "site.pem", tmp_path / "site.key"
    subprocess.run(
        [need_program("openssl"), "req", "-x509", "-newkey", "ed25519", "-nodes", "-days", "2",
         "-subj", "/CN=gateway.example.gov.uk",
         "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    ports = {port: free_port() for port in (80, 443, 8480, 8481)}
    text = (DEPLOY / "nginx.conf").read_text()
    text = text.replace("/etc/gateway/tls/site.pem", str(certificate))
    text = text.replace("/etc/gateway/tls/site.key", str(key))
    text = re.sub(r"listen \[::\]:\d+[^;]*;", "", text)
    for port, own in ports.items():
        text = re.sub(rf"(listen |127\.0\.0\.1:){port}\b", rf"\g<1>{own}", text)
    folders = "".join(
        f"{kind}_temp_path {tmp_path}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole = tmp_path / "nginx.conf"
    whole.write_text(
        f"daemon off; master_process off; pid {tmp_path}/pid; error_log stderr;\nevents {{}}\n"
        f"http {{ access_log off;\n{folders}{text}}}\n"
    )
    return whole, ports


def test_nginx_takes_the_example(configured, nginx):
    told = subprocess.run(
        [nginx, "-t", "-c", str(configured[0])],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    assert "warn" not in told.stderr


@pytest.mark.slow
def test_people_reach_the_site_through_it(configured, nginx, rehearsal_home):
    whole, ports = configured
    (rehearsal_home / "config" / "gateway.toml").write_text(
        '[web]\norigin = "https://gateway.example.gov.uk"\nbehind_proxy = ["127.0.0.1"]\n'
        f'listen = "127.0.0.1:{ports[8481]}"\n'
    )
    (rehearsal_home / "keys" / "metrics.token").write_text(TOKEN)
    (rehearsal_home / "keys" / "metrics.token").chmod(0o600)
    command = [sys.executable, "-m", "gateway", "--home", str(rehearsal_home), "web"]
    site = subprocess.Popen(command, cwd=CHECKOUT, stderr=subprocess.PIPE, text=True)
    proxy = subprocess.Popen([nginx, "-c", str(whole)], stderr=subprocess.PIPE)
    trusted = ssl.create_default_context(cafile=str(whole.with_name("site.pem")))
    trusted.check_hostname = False

    def asked(path: str) -> tuple[int, str]:
        request = Request(
            f"https://127.0.0.1:{ports[443]}{path}", headers={"Host": "gateway.example.gov.uk"}
        )
        try:
            with urlopen(request, context=trusted, timeout=60) as answer:  # noqa: S310
                return answer.status, answer.read().decode()
        except OSError as refused:
            return getattr(refused, "code", 0), ""

    try:
        deadline = time.monotonic() + 90
        while asked("/healthz")[0] != 200:
            assert time.monotonic() < deadline and site.poll() is None and proxy.poll() is None
            time.sleep(0.2)
        status, page = asked("/sign-in")
        assert (status, "Sign in" in page) == (200, True)
        assert asked("/metrics")[0] == 404, "not by the proxy"
        watching = Request(
            f"http://127.0.0.1:{ports[8481]}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}
        )
        with urlopen(watching, timeout=60) as answer:  # noqa: S310
            assert b"gateway_worker_answers 0.0" in answer.read()
    finally:
        for process in (proxy, site):
            process.terminate()
            process.communicate(timeout=60)


def test_nothing_that_is_stored_by_it():
    """A drop or a package that lay in the proxy would lie there in the clear, or count as taken."""
    text = (DEPLOY / "nginx.conf").read_text()
    for line in ("proxy_request_buffering off;", "proxy_buffering off;"):
        assert line in text
    assert "proxy_cache" not in text
