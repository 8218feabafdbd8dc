"""Laying plain English out for a terminal of 80 columns."""

import textwrap
from collections.abc import Iterable

WIDTH = 78


def heading(text: str) -> str:
    """A section's heading, underlined."""
    lines = textwrap.wrap(text, WIDTH)
    return "\n".join([*lines, "-" * max(len(line) for line in lines)])


def paragraph(text: str, indent: int = 0) -> str:
    """Words wrapped to the width, every line indented by so many spaces."""
    margin = " " * indent
    return textwrap.fill(text, WIDTH, initial_indent=margin, subsequent_indent=margin)


def entry(mark: str, text: str, indent: int = 2, hang: int = 4) -> str:
    """A mark such as ``-`` or ``12.`` with words that hang beside it, ``hang`` columns in."""
    first = " " * indent + mark.ljust(hang)
    return textwrap.fill(text, WIDTH, initial_indent=first, subsequent_indent=" " * (indent + hang))


def listed(items: Iterable[str], last: str = "and") -> str:
    """``a, b and c``."""
    words = list(items)
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def counted(count: int, one: str, many: str = "") -> str:
    """``1 day``, ``5 days``."""
    return f"{count} {one if count == 1 else many or one + 's'}"
