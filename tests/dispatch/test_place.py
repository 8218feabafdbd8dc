"""Placing: whole or not at all, never over something else, and the same again on a retry."""

import errno
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.dispatch import place as placing
from gateway.dispatch.place import (
    DeliveryFiles,
    PlacementConflict,
    PlacementFailed,
    place,
    place_delivery,
)

CONTENT = b"sealed bytes" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def outbox(tmp_path: Path) -> Path:
    folder = tmp_path / "outbox"
    folder.mkdir()
    return folder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_bytes_are_placed_and_read_back(source: Path, outbox: Path) -> None:
    """One visible file, one name, readable by the collecting group."""
    assert place(source, outbox, "a.zip.gpg") == SHA256
    assert names(outbox) == ["a.zip.gpg"]
    placed = outbox / "a.zip.gpg"
    assert placed.read_bytes() == CONTENT
    assert (placed.stat().st_nlink, placed.stat().st_mode & 0o777) == (1, 0o640)


def test_the_same_bytes_again_change_nothing(source: Path, outbox: Path) -> None:
    """A retry is harmless: the file is not even touched."""
    place(source, outbox, "a.zip.gpg")
    before = (outbox / "a.zip.gpg").stat()
    assert place(source, outbox, "a.zip.gpg") == SHA256
    after = (outbox / "a.zip.gpg").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


@pytest.mark.parametrize("mode", ["file", "link", "dangling", "folder", "link to the same"])
def test_anything_else_of_that_name_is_left_alone(source: Path, outbox: Path, mode: str) -> None:
    """Never over something else, and never through a link."""
    target = outbox / "a.zip.gpg"
    if mode == "file":
        target.write_bytes(CONTENT + b"!")
    elif mode == "folder":
        target.mkdir()
    else:
        target.symlink_to(source if mode == "link to the same" else outbox.parent / mode)
        if mode == "link":
            (outbox.parent / mode).write_bytes(b"mine")
    with pytest.raises(PlacementConflict, match="was left as it is") as caught:
        place(source, outbox, "a.zip.gpg")
    assert (caught.value.code, caught.value.name) == ("outbox.conflict", "a.zip.gpg")
    assert names(outbox) == ["a.zip.gpg"]
    if mode == "file":
        assert target.read_bytes() == CONTENT + b"!"
    if mode == "dangling":
        assert not (outbox.parent / mode).exists()


def test_what_a_killed_attempt_left_is_replaced(source: Path, outbox: Path) -> None:
    """Before the name was given, and between giving it and dropping the hidden one."""
    part = outbox / ".a.zip.gpg.part"
    part.write_bytes(b"half")
    assert place(source, outbox, "a.zip.gpg") == SHA256
    os.link(outbox / "a.zip.gpg", part)
    assert place(source, outbox, "a.zip.gpg") == SHA256
    assert names(outbox) == ["a.zip.gpg"]
    assert (outbox / "a.zip.gpg").stat().st_nlink == 1


def test_a_hidden_name_that_is_a_link_is_not_written_through(source: Path, outbox: Path) -> None:
    """A link laid in wait under the hidden name is removed, not followed."""
    victim = outbox.parent / "victim"
    victim.write_bytes(b"precious")
    (outbox / ".a.zip.gpg.part").symlink_to(victim)
    place(source, outbox, "a.zip.gpg")
    assert victim.read_bytes() == b"precious"


@pytest.mark.parametrize("name", ["", ".", "..", ".hidden", "a/b", "../a", "/etc/a"])
def test_only_plain_visible_names_are_placed(source: Path, outbox: Path, name: str) -> None:
    """A name never becomes a path."""
    with pytest.raises(ValueError, match="plain"):
        place(source, outbox, name)
    assert names(outbox) == []


def test_a_missing_folder_is_told(source: Path, outbox: Path) -> None:
    """Not there, or a file in its place."""
    for folder in (outbox / "absent", source):
        with pytest.raises(PlacementFailed, match="could not be placed") as caught:
            place(source, folder, "a.zip.gpg")
        assert caught.value.code == "outbox.missing"


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "disk.full"),
        (errno.EDQUOT, "disk.full"),
        (errno.EACCES, "outbox.unwritable"),
        (errno.EROFS, "outbox.unwritable"),
        (errno.EIO, "outbox.failed"),
    ],
)
@pytest.mark.parametrize("call", ["fsync", "open", "link"])
def test_every_fault_of_the_disk_has_a_code_and_leaves_nothing(
    source: Path, outbox: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int, code: str
) -> None:
    """The system's own answers, put in its mouth where no test can make a disk give them."""

    def fails(*_: object, **__: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, call, fails)
    with pytest.raises(PlacementFailed, match="will be tried again") as caught:
        place(source, outbox, "a.zip.gpg")
    monkeypatch.undo()
    assert caught.value.code == code
    assert names(outbox) == []
    assert place(source, outbox, "a.zip.gpg") == SHA256


def test_what_does_not_read_back_is_never_shown(
    source: Path, outbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that changes bytes."""

    def lossy(data: Any, out: Any, _length: int) -> None:
        out.write(data.read()[:-1])

    monkeypatch.setattr(shutil, "copyfileobj", lossy)
    with pytest.raises(PlacementFailed) as caught:
        place(source, outbox, "a.zip.gpg")
    assert caught.value.code == "outbox.altered"
    assert names(outbox) == []


@pytest.mark.parametrize("number", [errno.EPERM, errno.EOPNOTSUPP])
def test_a_share_without_hard_links_is_served_too(
    source: Path, outbox: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """As many network shares are."""

    def refused(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", refused)
    assert place(source, outbox, "a.zip.gpg") == SHA256
    assert names(outbox) == ["a.zip.gpg"]


def test_a_name_taken_at_the_last_moment_is_judged_by_its_content(
    source: Path, outbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two at once: the same bytes are a success, others a conflict."""
    link = os.link
    for content, fits in ((CONTENT, True), (b"other", False)):
        target = outbox / f"{fits}.zip"

        def first(part: Path, to: Path, content: bytes = content, **more: Any) -> None:
            Path(to).write_bytes(content)
            link(part, to, **more)

        monkeypatch.setattr(os, "link", first)
        if fits:
            assert place(source, outbox, target.name) == SHA256
        else:
            with pytest.raises(PlacementConflict):
                place(source, outbox, target.name)
        assert target.read_bytes() == content


def test_an_unwritable_outbox_is_told(source: Path, outbox: Path, ordinary_user: Any) -> None:
    """By a real user without the right: root ignores modes."""
    home = Path(ordinary_user.folder)
    outbox = home / "outbox"
    outbox.mkdir(mode=0o555)
    shutil.copy(source, home / "source")
    (home / "source").chmod(0o644)
    code = (
        "from pathlib import Path; from gateway.dispatch.place import place, PlacementFailed\n"
        "try: place(Path('source'), Path('outbox'), 'a.zip')\n"
        "except PlacementFailed as fault: print(fault.code)"
    )
    done = ordinary_user.run("-c", code)
    assert (done.stdout.strip(), done.returncode) == ("outbox.unwritable", 0), done.stderr
    assert names(outbox) == []


def test_a_full_disk_is_told(tmp_path: Path, need_program: Callable[[str], str]) -> None:
    """A real one of 64 kB, in a mount namespace of its own."""
    unshare = need_program("unshare")
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from gateway.dispatch.place import place, PlacementFailed\n"
        "folder = Path(sys.argv[2])\n"
        "try: place(Path(sys.argv[1]), folder, 'a.zip')\n"
        "except PlacementFailed as fault: print(fault.code, [p.name for p in folder.iterdir()])"
    )
    big, disk = tmp_path / "big", tmp_path / "disk"
    big.write_bytes(os.urandom(200_000))
    disk.mkdir()
    mount = f'mount -t tmpfs -o size=64k tmpfs "{disk}" || exit 77; exec "$@"'
    command = [unshare, "--user", "--map-root-user", "--mount", "sh", "-c", mount, "sh"]
    done = subprocess.run(
        [*command, sys.executable, "-c", code, str(big), str(disk)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip("no mount namespace may be made here")
    assert done.stdout.strip() == "disk.full []", done.stderr


class Refused(Exception):
    """Raised in the place of whoever may not go on."""


def test_what_may_not_be_shown_any_more_is_not(source: Path, outbox: Path) -> None:
    def confirm() -> None:
        assert names(outbox) == [".a.zip.gpg.part"], "whoever takes over finds it"
        raise Refused

    with pytest.raises(Refused):
        place(source, outbox, "a.zip.gpg", confirm=confirm)
    assert names(outbox) == []


@pytest.mark.parametrize("anew", [None, b"half of ano"])
def test_a_copy_taken_away_before_it_is_shown_stays_unseen(
    source: Path, outbox: Path, anew: bytes | None
) -> None:
    """Even where another worker has begun a copy under the same hidden name, which stays."""
    part = outbox / ".a.zip.gpg.part"

    def taken_over() -> None:
        part.unlink()
        if anew is not None:
            part.write_bytes(anew)

    with pytest.raises(PlacementFailed):
        place(source, outbox, "a.zip.gpg", confirm=taken_over)
    assert names(outbox) == ([] if anew is None else [part.name])
    assert anew is None or part.read_bytes() == anew


def test_a_delivery_shows_its_manifest_last(
    tmp_path: Path, outbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who sees the manifest may count on the rest."""
    package, signature, manifest = (tmp_path / name for name in ("p", "s", "m"))
    for path in (package, signature, manifest):
        path.write_bytes(path.name.encode())
    files = DeliveryFiles(
        "notifications-2017-05-02-01",
        "notifications-2017-05-02-01.zip.gpg",
        package,
        manifest,
        signature,
    )
    order: list[str] = []
    one = placing.place

    def noted(source: Path, folder: Path, name: str, **more: Any) -> str:
        order.append(name)
        return one(source, folder, name, **more)

    monkeypatch.setattr(placing, "place", noted)
    assert place_delivery(files, outbox) == hashlib.sha256(b"p").hexdigest()
    assert order == [
        "notifications-2017-05-02-01.zip.gpg",
        "notifications-2017-05-02-01.manifest.json.asc",
        "notifications-2017-05-02-01.manifest.json",
    ]
    assert names(outbox) == sorted(order)
    assert (outbox / order[2]).read_bytes() == b"m"
