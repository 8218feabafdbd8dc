"""The pictures of the site: each that the tool makes is there, and none is large."""

import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.append(str(CHECKOUT / "tools"))

from pictures import LARGEST, pictures  # noqa: E402

IMAGES = CHECKOUT / "docs" / "images"


def test_all_ten_are_there_and_small() -> None:
    names = {f"{item.name}.png" for item in pictures("a-drop")}
    assert len(names) == 10
    assert {path.name for path in IMAGES.iterdir()} == names
    assert all(path.stat().st_size <= LARGEST for path in IMAGES.iterdir())
