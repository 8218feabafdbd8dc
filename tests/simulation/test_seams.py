"""The seams: a fault comes where it is planned, and the dead do nothing."""

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
import seams
from seams import Seam, Wrong

from gateway.store.database import Database, StoreFault
from gateway.store.folder import sync_folder


@pytest.fixture(autouse=True)
def _installed() -> Iterator[None]:
    with seams.installed():
        yield


@pytest.fixture
def planned(tmp_path: Path) -> Callable[[Wrong, int], Seam]:
    """``planned("kill", 3)``: a seam over the test's folder."""
    return lambda wrong, at: Seam(tmp_path, Random(1), wrong, at)


def test_the_killed_do_not_tidy_up(tmp_path: Path, planned: Callable[[Wrong, int], Seam]) -> None:
    seam = planned("kill", 3)
    with seams.armed(seam):
        path = tmp_path / "made"
        try:
            path.write_bytes(b"1")
            (tmp_path / "folder").mkdir()
        finally:
            path.unlink()
    assert seam.dead
    assert seam.happened == "kill at call 3 (mkdir)"
    assert [item.name for item in tmp_path.iterdir()] == ["made"]


def test_a_full_disk_leaves_half_of_a_write(
    tmp_path: Path, planned: Callable[[Wrong, int], Seam]
) -> None:
    seam = planned("ENOSPC", 2)
    with seams.armed(seam), pytest.raises(OSError) as refused:
        (tmp_path / "made").write_bytes(b"1234")
    assert refused.value.errno == errno.ENOSPC
    assert (tmp_path / "made").read_bytes() == b"12"


@pytest.mark.parametrize("flushed", [True, False])
def test_a_power_cut_loses_what_was_not_flushed(flushed: bool, tmp_path: Path) -> None:
    lost = set()
    for number in range(20):
        folder = tmp_path / str(number)
        folder.mkdir()
        seam = Seam(folder, Random(number), "power-cut", 1000)
        with seams.armed(seam):
            with (folder / "part").open("wb") as stream:
                stream.write(b"1234")
                if flushed:
                    stream.flush()
                    os.fsync(stream.fileno())
            (folder / "part").rename(folder / "whole")
            if flushed:
                sync_folder(folder)
            seam.at = seam.calls + 1
            (folder / "another").mkdir()
        there = {path.name: path.read_bytes() for path in folder.iterdir()}
        lost.add(tuple(there.items()))
    whole = (("whole", b"1234"),)
    assert (lost == {whole}) is flushed


def test_the_database_fails_and_goes_on(
    tmp_path: Path, planned: Callable[[Wrong, int], Seam]
) -> None:
    database = Database.at(tmp_path / "db", busy_seconds=0)
    seams.Moving(database, database._engine).to(tmp_path / "db")
    with database.transaction() as tx:
        tx.exec_driver_sql("CREATE TABLE kept (value)")
    for wrong, code in (("EIO", "database.unavailable"), ("ENOSPC", "disk.full")):
        for at in (1, 2, 3):  # BEGIN, the statement, the commit
            armed = seams.armed(planned(wrong, at))  # type: ignore[arg-type]
            with armed, pytest.raises(StoreFault) as fault, database.transaction() as tx:
                tx.exec_driver_sql("INSERT INTO kept VALUES (1)")
            assert fault.value.code == code
    with database.transaction() as tx:
        assert tx.exec_driver_sql("SELECT count(*) FROM kept").scalar() == 0
    database.close()
