"""SFTP as OpenSSH's own clients see it: what a party may do, what is refused, what is recorded."""

import os
import signal
import sqlite3
import stat
import subprocess
import time

import pytest
from rehearsing import UPDATES, clean_row, csv_of

PATIENCE_SECONDS = 60


def eventually(true_now, what):
    """Wait until it is so."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true_now():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def states(work):
    """The deliveries' states by party."""
    return dict(work.query("SELECT party, state FROM deliveries"))


def test_what_a_party_fetches_whole_it_has_collected(sftp, package, work):
    files = [f"{package}{end}" for end in (".manifest.json", ".manifest.json.asc", ".zip.gpg")]
    assert sftp.names("dfe", "/") == ["inbox", "outbox"]
    assert sftp.names("dfe", "/outbox") == ["notifications", "reports"]
    assert sftp.names("dfe", "/outbox/notifications") == files
    done = sftp.do("dfe", f"get /outbox/notifications/{package}*", "ls -l outbox/notifications")
    assert done.returncode == 0, done.stderr
    assert "-r--r-----" in done.stdout
    for name in files:
        placed = work.home.outbox_of("dfe", "notifications") / name
        assert (sftp.folder / name).read_bytes() == placed.read_bytes()
    assert states(work) == {"dfe": "collected", "panel": "placed"}
    ((principal, way),) = set(work.query("SELECT principal, way FROM served"))
    key = subprocess.run(
        ["ssh-keygen", "-lf", str(sftp.keys["dfe"])], capture_output=True, text=True, check=True
    )
    assert (way, principal) == ("sftp", f"sftp:dfe:{key.stdout.split()[1][7:]}")
    (leaf,) = work.leaves("receipt.recorded")
    assert (leaf["facts"]["kind"], leaf["facts"]["party"]) == ("collected", "dfe")
    # What has been recalled is no longer there.
    with sqlite3.connect(work.home.database) as plain:
        plain.execute("UPDATE deliveries SET state = 'recalled' WHERE party = 'dfe'")
    plain.close()
    assert sftp.names("dfe", "/outbox/notifications") == []
    assert sftp.do("dfe", f"get /outbox/notifications/{files[2]} again").returncode != 0
    # The notice that the worker lays in its place is.
    notice = f"{package}.recalled.json"
    (work.home.outbox_of("dfe", "notifications") / notice).write_bytes(b"{}\n")
    assert sftp.names("dfe", "/outbox/notifications") == [notice]
    assert sftp.do("dfe", f"get /outbox/notifications/{notice}").returncode == 0
    assert (sftp.folder / notice).read_bytes() == b"{}\n"


def test_a_broken_download_is_no_collection_and_a_resumed_one_is(sftp, package, work):
    name = f"{package}.zip.gpg"
    whole = (work.home.outbox_of("dfe", "notifications") / name).read_bytes()
    slowly = sftp.command("dfe", "-B", "512", "-R", "2", "-l", "24")
    with subprocess.Popen(slowly, cwd=sftp.folder, stdin=subprocess.PIPE, text=True) as client:
        client.stdin.write(f"get /outbox/notifications/{name}\n")
        client.stdin.flush()
        local = sftp.folder / name
        eventually(lambda: local.exists() and local.stat().st_size > 1024, "nothing came")
        client.kill()
    got = local.stat().st_size
    assert 0 < got < len(whole)
    eventually(lambda: work.query("SELECT * FROM served"), "what was sent was not noted")
    assert states(work)["dfe"] == "placed"
    done = sftp.do("dfe", f"reget /outbox/notifications/{name}")
    assert done.returncode == 0, done.stderr
    assert local.read_bytes() == whole
    assert states(work)["dfe"] == "collected"
    # Another key of the same party would have to fetch it all: two halves are no whole.
    assert len({principal for (principal,) in work.query("SELECT principal FROM served")}) == 1


def test_an_upload_is_a_drop_once_it_is_closed(sftp, work):
    work.tick("2026-03-02T15:00")
    inbox = work.home.inbox_of("ofsted", "notifications")
    (sftp.folder / "monday.csv").write_bytes(csv_of([clean_row(1), clean_row(2)]))
    done = sftp.do(
        "ofsted",
        "put monday.csv /inbox/notifications/",
        "put monday.csv inbox/notifications/second.csv.part",
        "ls -1 inbox/notifications",
    )
    assert done.returncode == 0, done.stderr
    assert "second.csv.part" in done.stdout, "the client sees what it has begun"
    (taken,) = [path for path in inbox.iterdir() if path.name != ".gitkeep"]
    assert taken.name.startswith("sftp-"), "the held one went with its session"
    assert stat.S_IMODE(taken.stat().st_mode) == 0o600
    os.utime(taken, (1e9, 1e9))
    report = work.tick("2026-03-02T15:10")
    assert [item.verdict.accepted for item in report.arrivals.processed] == [2]
    assert sftp.names("ofsted", "/inbox/notifications") == [], "another session sees nothing"
    told = [name for name in sftp.names("ofsted", "/outbox/reports") if name != ".gitkeep"]
    assert told
    assert sftp.do("ofsted", f"get /outbox/reports/{told[0]}").returncode == 0


def test_an_upload_is_renamed_by_its_client(sftp, work):
    inbox = work.home.inbox_of("dfe", UPDATES)
    (sftp.folder / "week.csv").write_bytes(b"Reference number\n")
    done = sftp.do(
        "dfe",
        f"cd /inbox/{UPDATES}",
        "put week.csv week.csv.tmp",
        "rename week.csv.tmp week.csv",
        "put week.csv other.part",
        "rm other.part",
    )
    assert done.returncode == 0, done.stderr
    (taken,) = [path for path in inbox.iterdir() if path.name != ".gitkeep"]
    assert taken.read_bytes() == b"Reference number\n"


def test_a_cut_short_upload_leaves_nothing(sftp, work):
    inbox = work.home.inbox_of("ofsted", "notifications")
    (sftp.folder / "large.csv").write_bytes(b"x" * 200_000)
    slowly = sftp.command("ofsted", "-B", "512", "-R", "2", "-l", "80")
    with subprocess.Popen(slowly, cwd=sftp.folder, stdin=subprocess.PIPE, text=True) as client:
        client.stdin.write("put large.csv /inbox/notifications/\n")
        client.stdin.flush()
        parts = lambda: list(inbox.glob(".sftp-*.part"))  # noqa: E731
        eventually(lambda: parts() and parts()[0].stat().st_size > 1024, "nothing came")
        client.kill()
    eventually(lambda: not parts(), "the part is still there")
    assert [path.name for path in inbox.iterdir() if path.name != ".gitkeep"] == []


def test_receipts_keep_their_names_and_are_small(sftp, work):
    waiting = work.home.receipts_of("dfe")
    (sftp.folder / "one.receipt.json").write_bytes(b"{}\n")
    (sftp.folder / "one.receipt.json.asc").write_bytes(b"signature\n")
    (sftp.folder / "big.receipt.json").write_bytes(b"x" * 70_000)
    done = sftp.do("dfe", "put one.receipt.json* /inbox/receipts/")
    assert done.returncode == 0, done.stderr
    for line in (
        "put big.receipt.json /inbox/receipts/",
        "put one.receipt.json /inbox/receipts/",  # waits there already
        "put one.receipt.json /inbox/receipts/other.txt",
        "put one.receipt.json /inbox/receipts/.hidden.receipt.json",
    ):
        assert sftp.do("dfe", line).returncode != 0, line
    names = sorted(path.name for path in waiting.iterdir() if path.name != ".gitkeep")
    assert names == ["one.receipt.json", "one.receipt.json.asc"]
    assert (waiting / "one.receipt.json").read_bytes() == b"{}\n"


REFUSED = (
    "put local /outbox/notifications/new.csv",
    "put local /outbox/notifications/{package}.manifest.json",
    "put local /inbox/notifications/",  # ofsted's to send
    "put local /inbox/new/file",
    "put local /new",
    "put local /inbox/../../../tmp/new",
    "get /inbox/scr-updates/local",
    "get /outbox/scr-updates/x",  # ofsted's to receive
    "ls /outbox/scr-updates",
    "ls /var",
    "get /../../../../etc/passwd",
    "get /outbox/notifications/../../../config/gateway.toml",
    "get /outbox/reports/../../../keys/home.key",
    "get /outbox/reports/link",
    "rm /outbox/notifications/{package}.zip.gpg",
    "rename /outbox/notifications/{package}.zip.gpg /outbox/notifications/x",
    "rename /outbox/notifications/{package}.zip.gpg /inbox/scr-updates/x",
    "chmod 777 /outbox/notifications/{package}.zip.gpg",
    "symlink /etc/passwd /inbox/scr-updates/passwd",
    "ln /outbox/notifications/{package}.zip.gpg /inbox/scr-updates/x",
    "mkdir /inbox/new",
    "rmdir /inbox/scr-updates",
)


def test_everything_else_is_refused(sftp, package, work):
    (sftp.folder / "local").write_bytes(b"x\n")
    (work.home.reports_of("dfe") / "link").symlink_to(work.home.settings_file)
    before = work.files()
    lines = [line.format(package=package) for line in REFUSED]
    done = sftp.do("dfe", *(f"-{line}" for line in lines))  # "-": go on after a refusal
    assert done.returncode == 0, done.stderr
    assert work.files() == before
    assert [path for path in work.home.inbox.rglob("*") if path.is_file()] == []
    assert sorted(path.name for path in sftp.folder.iterdir()) == [
        "known_hosts",
        "local",
        "sftp.log",
    ]
    told = [line for line in done.stderr.splitlines() if not line.startswith("Connected")]
    assert len(told) >= len(lines), done.stderr
    assert states(work) == {"dfe": "placed", "panel": "placed"}


def ssh(sftp, *words):
    """Run OpenSSH's `ssh` as dfe."""
    command = ["ssh", "-p", str(sftp.port), *sftp.options("dfe"), "-o", "BatchMode=yes", *words]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL
    )


def test_only_a_party_s_own_key_and_only_sftp(sftp):
    assert sftp.do("dfe", "ls", key="dfe").returncode == 0
    for party, key in (("dfe", "stranger"), ("dfe", "panel"), ("root", "dfe"), ("..", "dfe")):
        done = sftp.do(party, "ls", key=key)
        assert done.returncode != 0
        assert "Permission denied (publickey)" in done.stderr, "keys are the only way"
    shell = ssh(sftp, "127.0.0.1")
    assert shell.returncode != 0
    command = ssh(sftp, "127.0.0.1", "id")
    assert (command.returncode != 0, "uid=" in command.stdout) == (True, False)
    assert ssh(sftp, "-tt", "127.0.0.1").returncode != 0
    forwarded = ssh(sftp, "-W", f"127.0.0.1:{sftp.port}", "127.0.0.1")
    assert forwarded.returncode != 0
    assert "SSH-2.0" not in forwarded.stdout
    back = ssh(
        sftp, "-o", "ExitOnForwardFailure=yes", "-N", "-R", "127.0.0.1:0:127.0.0.1:1", "127.0.0.1"
    )
    assert back.returncode != 0
    # A key taken out of the file lets nobody in from then on.
    (sftp.home / "config" / "sftp" / "dfe.pub").write_text("# nobody\n")
    assert sftp.do("dfe", "ls").returncode != 0


@pytest.fixture
def tight(work):
    """Settings that end patience soon; in force before the service starts."""
    work.settings("[sftp]\nconnections = 1\nidle_seconds = 2\n")


@pytest.mark.usefixtures("tight")
def test_one_party_takes_no_more_than_its_share(sftp):
    with subprocess.Popen(
        sftp.command("dfe"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as idle:
        sftp.wait_for("login")
        assert sftp.do("dfe", "ls").returncode != 0
        sftp.wait_for("too many connections")
        assert sftp.do("panel", "ls").returncode == 0, "others are not held up"
        sftp.wait_for("idle")
        idle.stdin.close()
        idle.wait(PATIENCE_SECONDS)
    sftp.process.send_signal(signal.SIGTERM)
    assert sftp.process.wait(PATIENCE_SECONDS) == 0
    assert sftp.events("stopped")
