"""Settle and claim: what is taken, what waits, what stays; never through a link or by a name."""

import hashlib
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.intake.claim import (
    Candidate,
    StillArriving,
    begin_attempt,
    candidates,
    claim,
    claimed_before,
    door_check,
    is_ignored,
    original_of,
    put_away,
    settled,
)
from gateway.records.staging import Staging
from gateway.settings import Home, Settings

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
QUICK = Settings(settle_seconds=0.05)
LIMIT = 1024 * 1024
OLD = time.time() - 3600


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.inbox_of("ofsted", "notifications").mkdir(parents=True)
    made.drops_work.mkdir(parents=True)
    return made


@pytest.fixture
def inbox(home: Home) -> Path:
    return home.inbox_of("ofsted", "notifications")


def look(home: Home, settings: Settings = QUICK) -> list[Candidate]:
    return candidates(home, settings, "ofsted", "notifications")


def dropped(
    folder: Path, name: str = "march.csv", content: bytes = b"a,b\n", at: float = OLD
) -> Path:
    path = folder / name
    path.write_bytes(content)
    os.utime(path, (at, at))
    return path


@contextmanager
def running(code: str, *words: object) -> Iterator["subprocess.Popen[str]"]:
    """Another program at work, which says ``ready`` first; ended afterwards."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, words)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


# --- what is seen --------------------------------------------------------------------------------


LEFT_ABOUT = (
    *("~$march.xlsx", "march.csv.part", "march.TMP", "Thumbs.db", "thumbs.DB", "desktop.ini"),
    *(".DS_Store", "._march.csv", ".gitkeep", ".march.csv.part", "~$.tmp"),
)


@pytest.mark.parametrize("name", LEFT_ABOUT)
def test_what_programs_leave_about_is_ignored(home: Home, inbox: Path, name: str) -> None:
    dropped(inbox, name)
    assert is_ignored(name, Settings())
    assert look(home) == []


@pytest.mark.parametrize(
    "name", ["march.csv", "march.part.csv", "tmp", "~march.csv", "ds_store", ".hidden.csv", "part"]
)
def test_what_only_looks_like_it_is_taken(home: Home, inbox: Path, name: str) -> None:
    path = dropped(inbox, name)
    assert [item.path for item in look(home)] == [path]


def test_the_deployment_says_what_is_ignored(home: Home, inbox: Path) -> None:
    dropped(inbox, "march.draft")
    dropped(inbox, "march.part")
    names = [item.path.name for item in look(home, Settings(ignored=("*.DRAFT",)))]
    assert names == ["march.part"]


def test_entries_come_oldest_first_and_folders_are_left_out(home: Home, inbox: Path) -> None:
    dropped(inbox, "b", at=OLD + 2)
    dropped(inbox, "c", at=OLD + 1)
    dropped(inbox, "a", at=OLD + 2)
    (inbox / "folder").mkdir()
    assert [item.path.name for item in look(home)] == ["c", "a", "b"]


def test_an_inbox_that_is_not_there_is_empty(home: Home) -> None:
    assert candidates(home, QUICK, "dfe", "scr-updates") == []


def test_an_entry_is_told_apart_without_its_name(home: Home, inbox: Path) -> None:
    dropped(inbox, "Quentin Zzyzwick.csv")
    (first,) = look(home)
    (inbox / "Quentin Zzyzwick.csv").rename(inbox / "other.csv")
    (renamed,) = look(home)
    assert renamed.key == first.key
    assert len(first.key) == 16
    os.utime(renamed.path, (OLD + 9, OLD + 9))
    (changed,) = look(home)
    assert changed.key != first.key


# --- at the door ---------------------------------------------------------------------------------


def refused(home: Home, settings: Settings = QUICK, limit: int = LIMIT) -> str | None:
    (item,) = look(home, settings)
    found = door_check(item, settings, limit)
    return found.code if found else None


def test_an_ordinary_file_passes(home: Home, inbox: Path) -> None:
    dropped(inbox)
    assert refused(home) is None


def test_a_link_is_not_followed(home: Home, inbox: Path, tmp_path: Path) -> None:
    target = dropped(tmp_path, "elsewhere.csv")
    (inbox / "march.csv").symlink_to(target)
    assert refused(home) == "door.symlink"
    (inbox / "march.csv").unlink()
    (inbox / "march.csv").symlink_to(tmp_path / "nowhere")
    assert refused(home) == "door.symlink"
    (inbox / "march.csv").unlink()
    (inbox / "march.csv").symlink_to(tmp_path)
    assert refused(home) == "door.symlink"


def test_a_pipe_is_not_opened(home: Home, inbox: Path) -> None:
    os.mkfifo(inbox / "march.csv")
    assert refused(home) == "door.not-a-file"
    still, arriving = settled(look(home), QUICK)
    assert (len(still), arriving) == (1, [])


def test_a_file_with_a_second_name_is_refused(home: Home, inbox: Path, tmp_path: Path) -> None:
    path = dropped(inbox)
    os.link(path, tmp_path / "second name")
    assert refused(home) == "door.hard-link"


def test_the_largest_file_is_taken_and_one_byte_more_is_not(home: Home, inbox: Path) -> None:
    dropped(inbox, content=b"x" * 1000)
    assert refused(home, limit=1000) is None
    assert refused(home, limit=999) == "door.too-large"


def test_only_allowed_owners_may_drop(home: Home, inbox: Path) -> None:
    path = dropped(inbox)
    owner = path.stat().st_uid
    assert refused(home, Settings(allowed_owners=(owner, 4242))) is None
    assert refused(home, Settings(allowed_owners=(4242,))) == "door.owner"


UNREADABLE = """
import sys
from pathlib import Path
from gateway.intake.claim import candidates, door_check
from gateway.settings import Home, Settings
(item,) = candidates(Home(Path(sys.argv[1])), Settings(), "ofsted", "notifications")
print(door_check(item, Settings(), 1000).code)
"""


def test_a_file_that_may_not_be_read_is_refused(ordinary_user) -> None:
    inbox = Home(ordinary_user.folder).inbox_of("ofsted", "notifications")
    inbox.mkdir(parents=True)
    path = dropped(inbox)
    ordinary_user.own(ordinary_user.folder / "inbox")
    path.chmod(0)
    told = ordinary_user.run("-c", UNREADABLE, str(ordinary_user.folder))
    assert told.stdout == "door.unreadable\n", told.stderr


# --- settling ------------------------------------------------------------------------------------


def test_a_file_that_stands_still_settles_without_a_wait(home: Home, inbox: Path) -> None:
    dropped(inbox)
    began = time.monotonic()
    still, arriving = settled(look(home), Settings(settle_seconds=600))
    assert time.monotonic() - began < 300
    assert (len(still), arriving) == (1, [])


def test_a_fresh_file_that_does_not_change_settles_after_the_wait(home: Home, inbox: Path) -> None:
    dropped(inbox, at=time.time())
    still, arriving = settled(look(home), Settings(settle_seconds=0.2))
    assert (len(still), arriving) == (1, [])


def test_a_file_dated_in_the_future_settles_as_well(home: Home, inbox: Path) -> None:
    dropped(inbox, at=time.time() + 86_400)
    still, arriving = settled(look(home), QUICK)
    assert (len(still), arriving) == (1, [])


def test_a_file_that_grows_is_left_to_arrive(home: Home, inbox: Path) -> None:
    """Written by open, append, close, so that nothing but its size and times tells."""
    path = dropped(inbox, at=time.time())
    dropped(inbox, "whole.csv")
    stop = threading.Event()

    def grow() -> None:
        while not stop.wait(0.01):
            with path.open("ab") as file:
                file.write(b"more\n")

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        still, arriving = settled(look(home), Settings(settle_seconds=0.3))
    finally:
        stop.set()
        writer.join()
    assert [item.path.name for item in still] == ["whole.csv"]
    assert [item.path.name for item in arriving] == ["march.csv"]
    still, arriving = settled(look(home), QUICK)
    assert len(still) == 2


def test_a_file_replaced_by_another_is_left_to_arrive(home: Home, inbox: Path) -> None:
    at = time.time()
    dropped(inbox, at=at)
    seen = look(home)
    new = dropped(inbox, "new", at=at)
    new.rename(inbox / "march.csv")
    still, arriving = settled(seen, QUICK)
    assert (still, len(arriving)) == ([], 1)


def test_a_file_that_went_away_meanwhile_is_not_taken(home: Home, inbox: Path) -> None:
    path = dropped(inbox, at=time.time())
    seen = look(home)
    path.unlink()
    still, arriving = settled(seen, QUICK)
    assert (still, len(arriving)) == ([], 1)


HOLDS = """
import sys, time
file = open(sys.argv[1], sys.argv[2])
print("ready", flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize(("mode", "arrives"), [("ab", True), ("r+b", True), ("rb", False)])
def test_a_file_still_open_for_writing_elsewhere_is_left_to_arrive(
    home: Home, inbox: Path, mode: str, arrives: bool
) -> None:
    """A copy that keeps the original's old times looks settled from its first byte on."""
    path = dropped(inbox)
    with running(HOLDS, path, mode):
        still, arriving = settled(look(home), QUICK)
    assert (len(still), len(arriving)) == ((0, 1) if arrives else (1, 0))
    still, arriving = settled(look(home), QUICK)
    assert (len(still), len(arriving)) == (1, 0)


WRITES_ON = """
import sys
print("ready", flush=True)
while True:
    open(sys.argv[1], "ab").close()
"""
SETTLES = """
import sys
from pathlib import Path
from gateway.intake.claim import candidates, settled
from gateway.settings import Home, Settings
at = Settings(settle_seconds=0)
for _ in range(500):
    settled(candidates(Home(Path(sys.argv[1])), at, "ofsted", "notifications"), at)
print("alive")
"""


def test_a_writer_that_opens_the_file_meanwhile_does_not_end_the_gateway(
    home: Home, inbox: Path, checkout: Path
) -> None:
    """Whoever asks for a lease is told by a signal when it is broken: SIGIO would end it."""
    path = dropped(inbox, content=b"")
    with running(WRITES_ON, path):
        told = subprocess.run(
            [sys.executable, "-c", SETTLES, str(home.root)],
            cwd=checkout,
            capture_output=True,
            text=True,
            check=False,
        )
    assert (told.returncode, told.stdout) == (0, "alive\n"), told.stderr


# --- claiming ------------------------------------------------------------------------------------


def test_a_claim_moves_the_file_into_a_folder_of_its_own(home: Home, inbox: Path) -> None:
    dropped(inbox, content=b"whole")
    (item,) = look(home)
    claimed = claim(home, item, NOW)
    assert claimed is not None
    assert claimed.drop_id.startswith("20260302-")
    assert len(claimed.drop_id) == 21
    assert claimed.folder == home.drops_work / "notifications" / claimed.drop_id
    assert stat.S_IMODE(claimed.folder.stat().st_mode) == 0o700
    assert (claimed.folder / "claimed").read_bytes() == b"whole"
    assert list(inbox.iterdir()) == []
    assert list(claimed_before(home)) == [claimed]


def test_the_drop_s_id_has_the_day_in_utc(home: Home, inbox: Path) -> None:
    dropped(inbox)
    (item,) = look(home)
    late = datetime(2026, 3, 3, 0, 30, tzinfo=timezone(timedelta(hours=1)))
    claimed = claim(home, item, late)
    assert claimed is not None
    assert claimed.drop_id.startswith("20260302-")


@given(
    name=st.one_of(
        st.text(
            alphabet=st.characters(codec="utf-8", exclude_characters="/\x00"),
            min_size=1,
            max_size=40,
        ),
        st.sampled_from(
            ["..csv", "...", "a\nb.csv", "-rf", "--", "$(x)", "..\\..\\x.csv", "a\tb", "%2e%2e%2f"]
        ),
        st.binary(min_size=1, max_size=40).filter(lambda b: b"/" not in b and b"\0" not in b),
    ).filter(lambda name: name not in (".", "..", b".", b".."))
)
def test_no_name_builds_a_path(tmp_path_factory: pytest.TempPathFactory, name: str | bytes) -> None:
    home = Home(tmp_path_factory.mktemp("hostile"))
    inbox = home.inbox_of("ofsted", "notifications")
    inbox.mkdir(parents=True)
    path = inbox / os.fsdecode(name)
    if len(os.fsencode(path.name)) > 255:
        return
    path.write_bytes(b"x")
    os.utime(path, (OLD, OLD))
    for item in look(home, Settings(ignored=())):
        assert door_check(item, QUICK, LIMIT) is None
        claimed = claim(home, item, NOW)
        assert claimed is not None
        assert [entry.name for entry in claimed.folder.iterdir()] == ["claimed"]
        put_away(claimed)
    assert sorted(entry.name for entry in home.root.iterdir()) == ["inbox", "var"]
    assert list(inbox.iterdir()) == []
    assert list(home.drops_work.glob("*/*")) == []


def test_a_file_that_has_gone_is_not_claimed(home: Home, inbox: Path) -> None:
    path = dropped(inbox)
    (item,) = look(home)
    path.unlink()
    assert claim(home, item, NOW) is None
    assert list(claimed_before(home)) == []
    assert list(home.drops_work.glob("*/*")) == []


def test_another_file_that_came_under_the_name_is_given_back(home: Home, inbox: Path) -> None:
    """A worker that stood still between its look and its claim: nobody has seen that one settle."""
    dropped(inbox, content=b"seen")
    (item,) = look(home)
    item.path.rename(home.root / "taken-by-another-worker")
    dropped(inbox, content=b"still arriv", at=time.time())
    assert claim(home, item, NOW) is None
    assert (inbox / "march.csv").read_bytes() == b"still arriv"
    assert list(home.drops_work.glob("*/*")) == []


def test_an_attempt_takes_the_ground_from_those_before_it(home: Home, inbox: Path) -> None:
    dropped(inbox)
    (item,) = look(home)
    claimed = claim(home, item, NOW)
    assert claimed is not None
    first = begin_attempt(claimed)
    assert first is not None
    staged = Staging(home.staged, bytes(32)).open(claimed.drop_id, "accepted", first)
    second = begin_attempt(claimed)
    assert second is not None
    assert (first.exists(), second.is_dir()) == (False, True)
    with pytest.raises(FileNotFoundError):
        staged.keep()
    assert list(home.staged.iterdir()) == []
    put_away(claimed)
    assert begin_attempt(claimed) is None


def test_a_claim_that_fails_leaves_no_folder(home: Home, inbox: Path) -> None:
    dropped(inbox)
    (item,) = look(home)
    (inbox / "march.csv").unlink()
    inbox.rmdir()
    inbox.write_bytes(b"a file where the inbox was")
    with pytest.raises(NotADirectoryError):
        claim(home, item, NOW)
    assert list(home.drops_work.glob("*/*")) == []


def test_what_was_claimed_before_comes_oldest_first(home: Home, inbox: Path) -> None:
    claims = []
    for number in range(4):
        dropped(inbox, f"{number}.csv")
        (item,) = look(home)
        claims.append(claim(home, item, NOW))
    ages = [3, 1, 0, 2]
    for item, age in zip(claims, ages, strict=True):
        assert item is not None
        os.utime(item.folder, (OLD + age, OLD + age))
    (home.drops_work / "notifications" / "lost+found").mkdir()
    found = list(claimed_before(home))
    assert found == [claims[ages.index(age)] for age in sorted(ages)]
    assert list(claimed_before(Home(home.root / "elsewhere"))) == []


def claimed_file(home: Home, inbox: Path, content: bytes):
    dropped(inbox, content=content)
    (item,) = look(home)
    claimed = claim(home, item, NOW)
    assert claimed is not None
    return claimed


@pytest.mark.parametrize("size", [0, 1, 1024 * 1024 + 3])
def test_the_original_is_a_private_copy(home: Home, inbox: Path, size: int) -> None:
    content = b"\xff" * size
    claimed = claimed_file(home, inbox, content)
    for _ in range(2):  # a run that was cut short does it again
        original = original_of(claimed)
        assert original is not None
        assert original.path.read_bytes() == content
        assert (original.size, original.sha256) == (size, hashlib.sha256(content).hexdigest())
        assert stat.S_IMODE(original.path.stat().st_mode) == 0o600
    assert original.path.stat().st_ino != (claimed.folder / "claimed").stat().st_ino


def test_a_claim_without_a_file_has_no_original(home: Home, inbox: Path) -> None:
    """The run ended between making the folder and the rename."""
    claimed = claimed_file(home, inbox, b"x")
    (claimed.folder / "claimed").unlink()
    assert original_of(claimed) is None
    put_away(claimed)
    assert not claimed.folder.exists()


def test_what_a_kill_left_of_the_sealing_is_put_away_too(home: Home, inbox: Path) -> None:
    """A killed worker leaves the folder in which it was sealing (`crypto.outputs`)."""
    claimed = claimed_file(home, inbox, b"x")
    part = claimed.folder / ".sealing-abc.part" / "part"
    part.parent.mkdir()
    part.write_bytes(b"sealed")
    put_away(claimed)
    assert not claimed.folder.exists()


def test_a_file_that_changes_while_it_is_copied_waits(home: Home, inbox: Path) -> None:
    """Whoever dropped it may have it open still; here, a writer that appends without end."""
    claimed = claimed_file(home, inbox, b"x" * (8 * 1024 * 1024))
    stop = threading.Event()

    def write_on() -> None:
        with (claimed.folder / "claimed").open("ab", buffering=0) as file:
            while not stop.is_set():
                file.write(b"y")

    writer = threading.Thread(target=write_on)
    writer.start()
    try:
        with pytest.raises(StillArriving):
            original_of(claimed)
    finally:
        stop.set()
        writer.join()
    original = original_of(claimed)
    assert original is not None
    assert original.size > 8 * 1024 * 1024


def test_putting_away_leaves_nothing(home: Home, inbox: Path) -> None:
    claimed = claimed_file(home, inbox, b"x")
    original_of(claimed)
    (claimed.folder / "sealed").write_bytes(b"half")
    put_away(claimed)
    assert not claimed.folder.exists()
    assert list(claimed_before(home)) == []
