"""Every recipe of a hostile file is answered by its codes, and the page counts them truly."""

import io
import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest
import recipes_kinds
import recipes_limits
import recipes_parts
import recipes_sheets
import recipes_text
import recipes_values
import recipes_xml
import recipes_zip
from recipes import Recipe

from gateway.agreement.load import load_agreement
from gateway.intake.confined import DoneFrame, FindingsFrame, Reader, ReaderFailed, TableFrame
from gateway.intake.findings import KINDS

TODAY = date(2024, 6, 3)
HARMLESS = {"file.columns-dropped"}
RECIPES: tuple[Recipe, ...] = (
    *recipes_zip.RECIPES,
    *recipes_xml.RECIPES,
    *recipes_parts.RECIPES,
    *recipes_sheets.RECIPES,
    *recipes_values.RECIPES,
    *recipes_text.RECIPES,
    *recipes_kinds.RECIPES,
    *recipes_limits.RECIPES,
)


@pytest.fixture(scope="module")
def reader(checkout: Path) -> Iterator[Reader]:
    """The confined reader, with the rules of the notifications flow."""
    config = checkout / "config"
    agreed = load_agreement(config / "agreements" / "ofsted-dfe.toml", config / "codes")
    with Reader({"notifications": agreed.rule_book("notifications")}) as reader:
        yield reader


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.id)
def test_a_hostile_file_has_its_answer(recipe: Recipe, reader: Reader) -> None:
    codes: set[str] = set()
    read: set[int] = set()
    held: set[int | None] = set()
    with tempfile.TemporaryFile() as file:
        file.write(recipe.make())
        file.flush()
        try:
            for frame in reader.examine("notifications", file, TODAY):
                if isinstance(frame, FindingsFrame):
                    codes |= {item.code for item in frame.items}
                    held |= {item.row for item in frame.items if item.severity == "error"}
                elif isinstance(frame, TableFrame):
                    read |= {row for row, _ in frame.rows}
                elif isinstance(frame, DoneFrame):
                    assert frame.outcome.refused == any(map(_refuses, recipe.codes))
        except ReaderFailed as ended:
            assert ended.code == "file.over-limit", ended
            codes = {ended.code}
    assert codes - HARMLESS == recipe.codes
    if recipe.rows is not None:
        assert len(read - held) == recipe.rows


def _refuses(code: str) -> bool:
    return KINDS[code].scope == "file" and KINDS[code].severity == "error"


def test_no_recipe_stands_twice() -> None:
    assert [name for name, times in Counter(item.id for item in RECIPES).items() if times > 1] == []
    small = [item for item in RECIPES if not item.family.startswith("sizes")]
    made: dict[bytes, str] = {}
    assert [
        (item.id, made[data])
        for item in small
        if made.setdefault(data := sha256(item.make()).digest(), item.id) != item.id
    ] == []


def test_the_page_counts_them_truly(checkout: Path) -> None:
    page = (checkout / "docs" / "security.md").read_text(encoding="utf-8")
    told = {
        family: (int(count), frozenset(re.findall(r"`([a-z.0-9-]+)`", codes)))
        for family, count, codes in re.findall(r"^\| ([^|]+) \| (\d+) \| ([^|]*) \|$", page, re.M)
    }
    counts = Counter(item.family for item in RECIPES)
    codes = {
        family: frozenset().union(*(item.codes for item in RECIPES if item.family == family))
        for family in counts
    }
    assert told == {family: (counts[family], codes[family]) for family in counts}
    assert f"{len(RECIPES)} recipes" in page
    assert len(RECIPES) >= 300


def lines_of_the_page() -> str:
    """The page's table as it should read now: ``python tests/hostile/test_hostile.py``."""
    page = io.StringIO()
    for family in dict.fromkeys(item.family for item in RECIPES):
        mine = [item for item in RECIPES if item.family == family]
        codes = sorted(frozenset().union(*(item.codes for item in mine)))
        taken = "taken whole, " if any(not item.codes for item in mine) else ""
        words = taken + ", ".join(f"`{code}`" for code in codes)
        page.write(f"| {family} | {len(mine)} | {words.removesuffix(', ')} |\n")
    return page.getvalue() + f"{len(RECIPES)} recipes"


if __name__ == "__main__":
    print(lines_of_the_page())
