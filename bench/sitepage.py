"""The page docs/benchmarks-site.md, of which each bench of the site writes its own section."""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "docs" / "benchmarks-site.md"


def replace_section(name: str, text: str) -> None:
    """Put that text between the marks of the section."""
    begin, end = f"<!-- {name}: written by make bench -->\n", f"<!-- end of {name} -->"
    marked = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    told, count = marked.subn(lambda _: f"{begin}{text}{end}", PAGE.read_text())
    if count != 1:
        raise ValueError(f"{PAGE} has no section {name}")
    PAGE.write_text(told)
