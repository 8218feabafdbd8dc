"""The table of docs/reliability.md: cells that held, of those struck, by point and fault."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from points import FAULTS, POINTS, Cell

BEGIN, END = "<!-- faults: begin -->", "<!-- faults: end -->"


def written(file: Path, cells: list[Cell], well: Mapping[str, bool]) -> None:
    """Put the table between its marks."""
    text = file.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN)
    tail = rest.split(END)[1]
    file.write_text(f"{head}{BEGIN}\n{table(cells, well)}{END}{tail}", encoding="utf-8")


def table(cells: list[Cell], well: Mapping[str, bool]) -> str:
    """The table as Markdown, with its totals above it. A cell that was not run is not counted."""
    run = [cell for cell in cells if cell.name in well]
    held = sum(well[cell.name] for cell in run)
    day = datetime.now(UTC).date()
    lines = [
        f"{held} of {len(run)} cells held, measured on {day} by `tools/faults`.\n",
        f"| part | point | {' | '.join(FAULTS)} |",
        "|---|---|---|---|---|",
    ]
    for point in POINTS:
        told = []
        for fault in FAULTS:
            these = [cell for cell in run if cell.point == point and cell.fault == fault]
            told.append(f"{sum(well[cell.name] for cell in these)}/{len(these)}")
        lines.append(f"| {point.part} | {point.name} | {' | '.join(told)} |")
    return "\n".join(lines) + "\n"
