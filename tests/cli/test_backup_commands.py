"""`backup` and `restore`: a whole home again, or a refusal that names what is wrong."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from receipting import copied
from rehearsing import AtWork, clean_row

from gateway.engine.lock import only_worker
from gateway.engine.tick import tick
from gateway.intake.confined.reader import Reader
from gateway.settings import Home
from gateway.store.folder import BlobFolder

BEFORE, WINDOW, LATER, NEXT = (
    "2026-03-02T09:00",
    "2026-03-02T16:05",
    "2026-03-02T17:00",
    "2026-03-03T16:05",
)


def code_of(answer) -> str:
    """The code of a coded refusal."""
    assert answer.returncode == 1, answer.stdout
    assert "Traceback" not in answer.stderr
    return re.search(r"\[([a-z.-]+)\]$", answer.stderr, re.MULTILINE)[1]


def done(answer) -> str:
    assert answer.returncode == 0, answer.stderr + answer.stdout
    return answer.stdout


@pytest.fixture(scope="session")
def once(template_home, shared_reader, run_gateway, tmp_path_factory) -> Path:
    """``home``, its ``keys`` kept apart as docs/operate.md says, and its ``backup``. Copy them.

    A package is placed, a row is held, and a drop waits for the next window.
    """
    place = tmp_path_factory.mktemp("backed-up")
    work = AtWork(copied(template_home, place / "home"), shared_reader)
    work.rows(clean_row(1), clean_row(2, gender="Q"))
    work.tick(WINDOW)
    work.rows(clean_row(3))
    work.tick(LATER)
    subprocess.run(["cp", "-a", str(work.home.keys), str(place / "keys")], check=True)
    done(run_gateway(work.home.root, "backup", str(place / "backup")))
    return place


@pytest.fixture
def lived(once: Path, shared_reader: Reader, tmp_path: Path) -> AtWork:
    """That home."""
    return AtWork(copied(once / "home", tmp_path / "home"), shared_reader)


@pytest.fixture
def keys(once: Path, tmp_path: Path) -> Path:
    """Its keys."""
    return copied(once / "keys", tmp_path / "keys")


@pytest.fixture
def taken(once: Path, tmp_path: Path) -> Path:
    """Its backup."""
    return copied(once / "backup", tmp_path / "backup")


@pytest.fixture
def to_restore(call, tmp_path: Path, keys: Path):
    """``to_restore(backup, …)``: restores into ``tmp_path/restored``."""

    def run(backup: Path, *words: str, target: str = "restored"):
        to = ("--to", str(tmp_path / target), "--keys", str(keys))
        return call(tmp_path / "none", "restore", str(backup), *to, *words)

    return run


def assert_whole(call, home: Path) -> None:
    """`init`, `doctor --deep` and `ledger verify` find nothing."""
    done(call(home, "init"))
    told = json.loads(done(call(home, "doctor", "--deep", "--json")))
    assert told["ok"]
    assert all(item["holds"] for item in told["invariants"])
    assert json.loads(done(call(home, "ledger", "verify", "--json")))["sound"]


def test_a_restored_backup_is_whole_and_goes_on(lived, taken, to_restore, call, tmp_path):
    told = done(to_restore(taken))
    assert "leaves of the ledger" in told and "Not among the keys" not in told
    home = tmp_path / "restored"
    assert_whole(call, home)
    again = AtWork(home, lived.reader)
    assert again.packages() == lived.packages()
    assert again.states() == lived.states() == ["sent", "accepted"]
    again.tick(NEXT)
    assert again.packages("panel") == [
        "notifications-2026-03-02-01",
        "notifications-2026-03-03-01",
    ]
    assert "ledger.rolled-back" not in again.alarms()
    modes = {name: (home / name).stat().st_mode & 0o777 for name in ("keys", "var", "outbox")}
    assert modes == {"keys": 0o700, "var": 0o700, "outbox": 0o755}


def test_no_secret_and_no_plaintext_is_in_it(lived, call, tmp_path):
    secrets = {
        path.read_bytes()
        for path in lived.home.keys.rglob("*")
        if path.is_file() and path.suffix in (".key", ".secret") and "rehearsal" not in path.parts
    }
    assert len(secrets) >= 4
    lived.settings('[web]\ncertificate = "config/site.pem"\nkey = "config/site.key"\n')
    (lived.home.config / "site.key").write_bytes(b"the site's own private key")
    (lived.home.inbox_of("ofsted", "notifications") / "waiting.csv").write_bytes(b"plain, plain")
    done(call(lived.home.root, "backup", str(tmp_path / "backup")))
    lying = [path for path in (tmp_path / "backup").rglob("*") if path.is_file()]
    for path in lying:
        content = path.read_bytes()
        assert not any(
            secret in content for secret in (*secrets, b"own private key", b"plain, ")
        ), path
        assert path.stat().st_mode & 0o077 == 0
    assert {"rehearsal", "gateway"}.isdisjoint(
        path.name for path in (tmp_path / "backup/home/keys").iterdir()
    )
    assert {path.name for path in (tmp_path / "backup/home/var").iterdir()} == {
        "checkpoint", "gateway.db", "staged", "vault",
    }  # fmt: skip


def test_it_says_what_it_made_and_is_remembered(lived, call, tmp_path):
    told = json.loads(
        done(call(lived.home.root, "backup", str(tmp_path / "one"), "--json", "--now", LATER))
    )
    assert told["folder"] == str(tmp_path / "one")
    assert told["files"] > 10 and told["bytes"] > 100_000
    assert "keys/home.key" in told["kept_apart"]
    assert told["size"] == len(lived.leaves()), "making it added no leaf"


@pytest.mark.parametrize("where", ["there", "no-folder", "inside"])
def test_it_is_put_where_nothing_is(where, lived, call, tmp_path):
    places = {
        "there": (tmp_path, "backup.exists"),
        "no-folder": (tmp_path / "no" / "backup", "backup.no-place"),
        "inside": (lived.home.var / "backup", "backup.inside"),
    }
    place, code = places[where]
    before = sorted(tmp_path.iterdir())
    assert code_of(call(lived.home.root, "backup", str(place))) == code
    assert sorted(tmp_path.iterdir()) == before


# --- while the service works ----------------------------------------------------------------------


@pytest.mark.slow
def test_backups_that_are_made_while_files_are_dropped(lived, call, to_restore, tmp_path):
    """The worker always has a file to take; each of the backups made meanwhile is whole."""
    over, ticked = threading.Event(), []

    def work_on() -> None:
        while not over.is_set():
            minute = len(ticked)
            lived.rows(clean_row(10 + minute), clean_row(1000 + minute, gender="Q"))
            at = f"2026-03-02T{18 + minute // 60}:{minute % 60:02}"
            with lived.parts(at) as (parts, now), only_worker(parts, 60):
                ticked.append(tick(parts, now))

    working = threading.Thread(target=work_on)
    working.start()
    try:
        for number in range(4):
            done(call(lived.home.root, "backup", str(tmp_path / f"while-{number}")))
    finally:
        over.set()
        working.join()
    sizes = [
        json.loads((tmp_path / f"while-{number}" / "manifest.json").read_text())["size"]
        for number in range(4)
    ]
    assert sizes[0] < sizes[3], "it worked on meanwhile"
    for number in (0, 3):
        done(to_restore(tmp_path / f"while-{number}", target=f"restored-{number}"))
        assert_whole(call, tmp_path / f"restored-{number}")
        assert len(AtWork(tmp_path / f"restored-{number}", None).leaves()) >= sizes[number]


@pytest.mark.slow
def test_killed_half_way_it_leaves_nothing_that_looks_whole(lived, to_restore, tmp_path, killing):
    large = tmp_path / "large"
    large.write_bytes(os.urandom(1024 * 1024) * 60)
    BlobFolder(lived.home.vault).put(large)
    command = [sys.executable, "-m", "gateway", "--home", str(lived.home.root), "backup"]
    making = subprocess.Popen(
        [*command, str(tmp_path / "backup")], cwd=Path(__file__).parents[2], start_new_session=True
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(".backup-*.part/home/var/vault/*/*")):
        assert making.poll() is None and time.monotonic() < deadline
        time.sleep(0.002)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(making.pid, signal.SIGKILL)
    assert making.wait() == -signal.SIGKILL
    killing(lived.home.root)
    assert not (tmp_path / "backup").exists()
    [left] = tmp_path.glob(".backup-*.part")
    assert code_of(to_restore(left)) == "backup.incomplete"
    assert not (tmp_path / "restored").exists()


def test_on_a_full_disk_it_leaves_nothing(lived, call, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a small disk")
    try:
        told = call(lived.home.root, "backup", str(disk / "backup"))
        assert code_of(told) == "disk.full"
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)
    done(call(lived.home.root, "backup", str(tmp_path / "backup")))


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize("harm", ["missing", "cut", "altered", "added"])
@pytest.mark.parametrize("what", ["var/gateway.db", "var/vault/*/*", "config/agreements/*.toml"])
def test_a_file_that_is_not_as_it_was_is_named(harm, what, taken, to_restore, tmp_path):
    path = next((taken / "home").glob(what))
    path.chmod(0o600)
    content = path.read_bytes()
    if harm == "missing":
        path.unlink()
    elif harm == "cut":
        path.write_bytes(content[:-1])
    elif harm == "altered":
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    else:
        path = path.with_name("added")
        path.write_bytes(b"of nobody's making")
    told = to_restore(taken)
    assert code_of(told) == "backup.damaged"
    assert path.relative_to(taken / "home").as_posix() in told.stderr.replace("\n", "")
    assert not (tmp_path / "restored").exists()


def test_a_manifest_that_fits_altered_files_is_not_believed(taken, to_restore, tmp_path):
    """Whoever alters a file and its hash has not the home's key: another pinned key is found."""
    pins = taken / "home/config/parties.toml"
    pins.write_bytes(pins.read_bytes() + b"# altered\n")
    told = json.loads((taken / "manifest.json").read_text())
    for entry in told["files"]:
        if entry["path"] == "config/parties.toml":
            entry["size"] = pins.stat().st_size
            entry["sha256"] = subprocess.run(
                ["sha256sum", str(pins)], capture_output=True, text=True, check=True
            ).stdout.split()[0]
    (taken / "manifest.json").write_text(json.dumps(told))
    assert code_of(to_restore(taken)) == "backup.not-ours"
    (taken / "manifest.mac").unlink()
    assert code_of(to_restore(taken)) == "backup.not-ours"
    assert not (tmp_path / "restored").exists()


@pytest.mark.parametrize("path", ["../outside", "/etc/passwd", "var/../../x", "", "a//b"])
def test_a_manifest_leads_out_of_no_home(path, taken, to_restore):
    told = json.loads((taken / "manifest.json").read_text())
    told["files"][0]["path"] = path
    (taken / "manifest.json").write_text(json.dumps(told))
    assert code_of(to_restore(taken)) == "backup.damaged"


def test_other_keys_are_refused_and_lacking_ones_named(taken, keys, to_restore):
    (keys / "web.secret").unlink()
    assert "Not among the keys: keys/web.secret" in done(to_restore(taken))
    own = (keys / "home.key").read_bytes()
    (keys / "home.key").write_bytes(own[::-1])
    assert code_of(to_restore(taken, target="other")) == "backup.not-ours"
    (keys / "home.key").unlink()
    told = to_restore(taken, target="other")
    assert (code_of(told), "home.key" in told.stderr) == ("restore.no-keys", True)


def test_a_home_is_never_restored_over(taken, to_restore, tmp_path):
    (tmp_path / "restored").mkdir()
    (tmp_path / "restored" / "something").touch()
    assert code_of(to_restore(taken)) == "restore.not-empty"
    assert [path.name for path in (tmp_path / "restored").iterdir()] == ["something"]
    (tmp_path / "restored" / "something").unlink()
    done(to_restore(taken))
    assert code_of(to_restore(taken)) == "restore.not-empty"


# --- older than what is known ---------------------------------------------------------------------


@pytest.fixture
def older(lived: AtWork) -> AtWork:
    """The home went on after its backup, and another package went out."""
    lived.tick(NEXT)
    return lived


def test_a_backup_behind_the_last_checkpoint_is_refused(older, taken, to_restore, tmp_path):
    for place in (older.home.checkpoint, older.home.checkpoint_of("dfe")):
        told = to_restore(taken, "--checkpoint", str(place))
        assert code_of(told) == "restore.older"
        assert re.search(r"\d+ events since\s+then", told.stderr)
        assert "ledger recover" in told.stderr.replace("\n", " ")
    assert not (tmp_path / "restored").exists()
    done(to_restore(taken, "--checkpoint", str(taken / "home/var/checkpoint")))


def test_what_is_left_of_the_lost_home_tells_too(older, taken, to_restore, tmp_path):
    left = Home(tmp_path / "restored")
    left.var.mkdir(parents=True)
    shutil.copy(older.home.checkpoint, left.checkpoint)
    assert code_of(to_restore(taken)) == "restore.older"
    shutil.copy(taken / "home/var/checkpoint", left.checkpoint)
    done(to_restore(taken))
    assert (tmp_path / "restored.checkpoints/var/checkpoint").is_file(), "nothing is thrown away"


def test_a_receipt_tells_too(older, taken, to_restore, call, tmp_path):
    package = "notifications-2026-03-03-01"
    place = older.home.outbox_of("dfe", "notifications") / f"{package}.zip.gpg"
    to = ("--party", "dfe", "--to", str(tmp_path / "opened"), "--receipt")
    done(call(older.home.root, "open", str(place), *to, "--now", NEXT))
    receipts = [
        path for path in (tmp_path / "opened").rglob("*.json") if '"head"' in path.read_text()
    ] or [path for path in older.home.inbox.rglob("*.json") if '"head"' in path.read_text()]
    assert receipts
    assert code_of(to_restore(taken, "--checkpoint", str(receipts[0]))) == "restore.older"
    (tmp_path / "no-note").write_text('{"head": null}')
    told = to_restore(taken, "--checkpoint", str(tmp_path / "no-note"))
    assert code_of(told) == "restore.checkpoint"


def test_the_loss_is_accepted_and_dispatch_waits_for_both_parties(
    older, taken, to_restore, call, tmp_path
):
    told = done(to_restore(taken, "--checkpoint", str(older.home.checkpoint), "--accept-loss"))
    assert "events that were shown are gone" in told
    home = tmp_path / "restored"
    done(call(home, "init"))
    again = AtWork(home, older.reader)
    again.rows(clean_row(4))
    again.tick(NEXT)
    assert "ledger.rolled-back" in again.alarms()
    assert len(again.packages()) == 1, "nothing is sent twice"
    asked = done(
        call(home, "ledger", "recover", "--officer", "ofsted-officer-1",
             "--reason", "The disk was lost.", "--now", NEXT)
    )  # fmt: skip
    request = re.search(r"Request (\S+):", asked)[1]
    for officer in ("ofsted-officer-2", "dfe-officer-2"):
        done(call(home, "approve", request, "--officer", officer, "--now", NEXT))
    again.tick(NEXT)
    assert "ledger.rolled-back" not in again.alarms()
    assert json.loads(done(call(home, "ledger", "verify", "--json")))["sound"]


def test_an_overdue_backup_is_alarmed_until_one_is_made(work, call, tmp_path):
    work.settings("[backup]\noverdue_hours = 26\n")
    work.tick(BEFORE)
    work.tick(WINDOW)
    assert "backup.overdue" not in work.alarms()
    work.tick("2026-03-03T12:00")
    assert work.alarms()["backup.overdue"] == "home"
    done(call(work.home.root, "backup", str(tmp_path / "backup"), "--now", "2026-03-03T12:01"))
    work.tick("2026-03-03T12:02")
    assert "backup.overdue" not in work.alarms()
    work.tick("2026-03-04T15:00")
    assert "backup.overdue" in work.alarms()
    work.settings("")
    work.tick("2026-03-04T15:01")
    assert "backup.overdue" not in work.alarms()
