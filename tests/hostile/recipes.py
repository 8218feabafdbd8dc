"""A recipe: one hostile file, made in memory, and what must come of it."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """A file and every code that it must be answered with (but ``file.columns-dropped``).

    No code: it is taken whole. ``rows`` are those that would travel, where that matters.
    """

    family: str
    name: str
    make: Callable[[], bytes]
    codes: frozenset[str]
    rows: int | None = None

    @property
    def id(self) -> str:
        """How pytest names it."""
        return f"{self.family}: {self.name}"


def recipe(
    family: str, name: str, make: Callable[[], bytes], codes: str = "", rows: int | None = None
) -> Recipe:
    """A recipe, its codes parted by spaces and short of ``file.`` where they begin with ``.``."""
    full = [f"file{code}" if code.startswith(".") else code for code in codes.split()]
    return Recipe(family, name, make, frozenset(full), rows)
