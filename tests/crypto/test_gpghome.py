import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from key_ring import MADE, Ring

from gateway.crypto.faults import CryptoFault
from gateway.crypto.openpgp import OpenPGP


@pytest.fixture
def temp(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A system temp folder of our own, to see what is left in it."""
    folder = Path(tempfile.mkdtemp(prefix="s-"))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    shutil.rmtree(folder)


def _agents(home: Path) -> list[str]:
    """The command lines of running agents that were started for ``home``, by any name of it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().decode().split("\0")
        except OSError:
            continue
        if words[0].endswith("gpg-agent") and any(Path(word) == home for word in words):
            found.append(" ".join(words))
    return found


def test_a_home_deeper_than_a_socket_path_can_be(tmp_path: Path, plain: Path) -> None:
    deep = tmp_path.joinpath(*["a-folder-with-a-long-name"] * 8) / "gpg"
    assert len(str(deep)) > 200
    with OpenPGP(deep) as openpgp:
        key = openpgp.generate("Deep key", "sign", MADE, None)
        openpgp.detach_sign(plain, tmp_path / "sig", key)
        assert openpgp.verify_detached(plain, tmp_path / "sig", key).fingerprint == key


def test_a_missing_home_is_made_private(tmp_path: Path) -> None:
    with OpenPGP(tmp_path / "new" / "gpg"):
        assert (tmp_path / "new" / "gpg").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o750, 0o705, 0o701, 0o777])
def test_a_home_that_others_can_enter_is_refused(tmp_path: Path, mode: int) -> None:
    home = tmp_path / "gpg"
    home.mkdir()
    home.chmod(mode)
    with pytest.raises(CryptoFault, match="chmod 700") as caught:
        OpenPGP(home)
    assert caught.value.code == "home.unsafe"


def test_a_file_is_no_home(tmp_path: Path) -> None:
    home = tmp_path / "gpg"
    home.write_text("")
    home.chmod(0o600)
    with pytest.raises(CryptoFault) as caught:
        OpenPGP(home)
    assert caught.value.code == "home.unsafe"


def test_closing_leaves_no_name_and_no_agent(temp: Path, ring: Ring, plain: Path) -> None:
    openpgp = OpenPGP(ring.gateway.home)
    (folder,) = temp.glob("gpg-*")
    assert folder.stat().st_mode & 0o777 == 0o700
    openpgp.detach_sign(plain, plain.with_name("sig"), ring.gateway.fingerprint)
    assert _agents(folder / "h")
    openpgp.close()
    openpgp.close()
    assert not list(temp.glob("gpg-*"))


def test_the_last_to_close_ends_the_agents(temp: Path, ring: Ring, plain: Path) -> None:
    first = OpenPGP(ring.gateway.home)
    first.detach_sign(plain, plain.with_name("one"), ring.gateway.fingerprint)
    with OpenPGP(ring.gateway.home) as second:
        first.close()
        assert _agents(next(temp.glob("gpg-*")) / "h")
        second.detach_sign(plain, plain.with_name("two"), ring.gateway.fingerprint)
    assert plain.with_name("two").exists()
    assert not list(temp.glob("gpg-*"))


def test_a_name_that_another_took_is_left_alone(temp: Path, ring: Ring, plain: Path) -> None:
    with OpenPGP(ring.gateway.home):
        (taken,) = temp.glob("gpg-*")
    taken.mkdir(mode=0o755)
    taken.chmod(0o755)
    with OpenPGP(ring.gateway.home) as openpgp:
        openpgp.detach_sign(plain, plain.with_name("sig"), ring.gateway.fingerprint)
    assert list(temp.glob("gpg-*")) == [taken]
    assert not list(taken.iterdir())


def test_what_a_killed_process_left_is_used_and_tidied(temp: Path, ring: Ring, plain: Path) -> None:
    """A process that was killed closed nothing: its lock is gone, its name and agent are not."""
    lost = OpenPGP(ring.gateway.home)
    lost.detach_sign(plain, plain.with_name("one"), ring.gateway.fingerprint)
    os.close(lost._home._folder)
    with OpenPGP(ring.gateway.home) as openpgp:
        openpgp.detach_sign(plain, plain.with_name("two"), ring.gateway.fingerprint)
    assert not list(temp.glob("gpg-*"))


def test_a_long_temp_folder_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ring: Ring, plain: Path
) -> None:
    long = tmp_path / ("t" * 100)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    with OpenPGP(ring.gateway.home) as openpgp:
        assert not list(long.iterdir())
        openpgp.detach_sign(plain, plain.with_name("sig"), ring.gateway.fingerprint)


@pytest.mark.parametrize("present", [[], ["gpgconf"], ["gpg"]])
def test_missing_gpg_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, present: list[str]
) -> None:
    for name in present:
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CryptoFault, match="Install GnuPG") as caught:
        OpenPGP(tmp_path / "home")
    assert caught.value.code == "gpg.missing"


@pytest.mark.parametrize(
    ("script", "code"),
    [("exit 3", "gpg.failed"), ('echo "cfg:version:2.1.18"', "gpg.missing")],
)
def test_a_gpg_that_is_broken_or_old(
    temp: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, code: str
) -> None:
    (tmp_path / "gpg").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "gpg").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(CryptoFault) as caught:
        OpenPGP(tmp_path / "home")
    assert caught.value.code == code
    assert not list(temp.glob("gpg-*"))
