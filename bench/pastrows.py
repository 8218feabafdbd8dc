"""What the modules of a past history share: rows by table, and how often what is rare happens."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

Rows = dict[sa.Table, list[dict[str, Any]]]


@dataclass(frozen=True)
class Often:
    """Every how many packages something happens. ``open_still``: of the last, so many are.

    ``drops_wait``: the drops of those that are open wait for their window.
    """

    late: int = 20
    query: int = 100
    register: int = 50
    open_still: int = 2
    drops_wait: bool = False


def put(rows: Rows, table: sa.Table, /, **values: Any) -> None:
    """Add a row."""
    rows.setdefault(table, []).append(values)
