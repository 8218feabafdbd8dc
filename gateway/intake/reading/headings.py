"""Where the heading row is: the one, near the top, that recognises most of the flow's headings."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.agreement.model import RuleBook
from gateway.agreement.normalise import fold_heading
from gateway.intake.reading.refused import refused

HEAD_ROWS = 50  # rows looked at
MOST_COLUMNS = 1000
_ENOUGH = 3  # headings recognised; or two, when they are half of the row


@dataclass(frozen=True, slots=True)
class HeadingRow:
    """The heading row: its index from 0, its cells trimmed, without the blank ones at its end.

    ``recognised`` counts different headings of the flow; ``reference`` is the reference column.
    """

    index: int
    cells: tuple[str, ...]
    recognised: int
    reference: int | None


class KnownHeadings:
    """Every heading that the agreement names for a flow, folded: fields and columns to drop."""

    def __init__(self, book: RuleBook) -> None:
        flow = book.flow
        named = {fold_heading(column.heading) for column in flow.source_columns}
        self._reference: set[str] = set()
        for field in flow.fields:
            also = {fold_heading(heading) for heading in (field.heading, *field.also)}
            named |= also
            if field.id == flow.reference_field:
                self._reference = also
        self._named = named - {""}

    def find(self, head: Sequence[Sequence[str]]) -> HeadingRow | None:
        """The row of ``head`` that recognises most, the first of several; or None."""
        best: HeadingRow | None = None
        for index, row in enumerate(head):
            found = self._judge(index, row)
            if found and (best is None or found.recognised > best.recognised):
                best = found
        return best

    def _judge(self, index: int, row: Sequence[str]) -> HeadingRow | None:
        cells = [cell.strip() for cell in row]
        while cells and not cells[-1]:
            cells.pop()
        folded = [fold_heading(cell) for cell in cells[:MOST_COLUMNS]]
        recognised = len(self._named.intersection(folded))
        filled = sum(1 for cell in cells if cell)
        if recognised < _ENOUGH and not (recognised == 2 and filled <= 4):
            return None
        places = [place for place, cell in enumerate(folded) if cell in self._reference]
        return HeadingRow(index, tuple(cells), recognised, places[0] if places else None)


def narrow_enough(row: HeadingRow) -> HeadingRow:
    """The row itself. Raises Refused ``file.too-wide`` beyond 1,000 columns."""
    if len(row.cells) > MOST_COLUMNS:
        raise refused("file.too-wide", count=MOST_COLUMNS)
    return row
