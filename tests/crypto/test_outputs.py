import os
from pathlib import Path

import pytest

from gateway.crypto.faults import CryptoFault
from gateway.crypto.outputs import kept_if_whole


def test_a_whole_result_gets_its_name_and_is_private(tmp_path: Path) -> None:
    target = tmp_path / "target"
    old = os.umask(0)
    try:
        with kept_if_whole(target) as part:
            part.write_text("new")
            assert not target.exists()
            assert part.parent.stat().st_mode & 0o777 == 0o700
            assert part.parent.name.endswith(".part")  # watchers and senders ignore such names
    finally:
        os.umask(old)
    assert target.read_text() == "new"
    assert target.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [target]


def test_a_failure_leaves_the_older_one(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("older")
    with pytest.raises(RuntimeError), kept_if_whole(target) as part:
        part.write_text("new")
        raise RuntimeError
    with pytest.raises(FileNotFoundError), kept_if_whole(target):
        pass
    assert target.read_text() == "older"
    assert list(tmp_path.iterdir()) == [target]


def test_no_folder_to_write_to(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), kept_if_whole(tmp_path / "absent" / "target"):
        pass


def test_a_fault_says_what_happened_and_what_to_do() -> None:
    fault = CryptoFault("key.expired", "The key expired.", "Ask for a new one.")
    assert (fault.code, fault.hint) == ("key.expired", "Ask for a new one.")
    assert str(fault) == "The key expired. Ask for a new one."
    assert str(CryptoFault("x", "Only this.")) == "Only this."
