"""Extracts of any working day, of the same made-up people as the samples beside this file.

For the sample history of a rehearsal (`tools/sample_history.py`): dates are moved to the day.
"""

import csv
import io
import random
from datetime import date, timedelta
from pathlib import Path

from make_samples import (
    ANSWERED_ON,
    NOTIFICATION_COLUMNS,
    SENT_ON,
    UPDATE_COLUMNS,
    Cell,
    Column,
    Fault,
    Row,
    notification,
    shuffled,
    spoil,
    update,
    write_csv,
)

HELD: tuple[Fault, ...] = (
    (1, {"authority": "Borsetshire"}),
    (3, {"case": "{case} Recorded under NHS {nhs}."}),
)
_SEED = 20250313


class Extracts:
    """Makes each day's files. No reference comes twice."""

    def __init__(self) -> None:
        self._random = random.Random(_SEED)  # noqa: S311 - the same made-up people every time
        self._made = 0
        self._sent: list[Row] = []  # what updates can be about

    def incidents(self, path: Path, day: date, rows: int, faults: tuple[Fault, ...] = ()) -> None:
        """An extract of new incidents; rows with faults will be held."""
        made = [self._incident(day) for _ in range(rows)]
        self._sent += made
        spoil(made, faults)
        write_csv(path, f"Safeguarding notifications, {day:%d/%m/%Y}", NOTIFICATION_COLUMNS, made)

    def without_references(self, path: Path, day: date, rows: int) -> None:
        """An extract whose column of references was left out: no row of it can be taken."""
        columns = tuple(item for item in NOTIFICATION_COLUMNS if item[1] != "reference")
        made = [self._incident(day) for _ in range(rows)]
        write_csv(path, f"Safeguarding notifications, {day:%d/%m/%Y}", columns, made)

    def nothing(self, path: Path) -> None:
        """A day without incidents, said so: headings alone."""
        _headings(path, NOTIFICATION_COLUMNS)

    def updates(self, path: Path, day: date, rows: int) -> None:
        """Decisions about incidents that were sent."""
        about = self._random.sample(self._sent, min(rows, len(self._sent)))
        made = [_moved(update(self._random, item), day - ANSWERED_ON) for item in about]
        title = f"Serious case reviews: boards' decisions, week to {day:%d/%m/%Y}"
        write_csv(path, title, shuffled(UPDATE_COLUMNS, 3), made)

    def _incident(self, day: date) -> Row:
        self._made += 1
        row = _moved(notification(self._random, self._made), day - SENT_ON)
        return row | {"reference": f"SCN-{day.year}-{self._made:04d}"}


def _moved(row: Row, by: timedelta) -> Row:
    def moved(value: Cell) -> Cell:
        return value + by if isinstance(value, date) else value

    return {key: moved(value) for key, value in row.items()}


def _headings(path: Path, columns: tuple[Column, ...]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerow(heading for heading, _ in columns)
    path.write_text(text.getvalue(), encoding="utf-8-sig", newline="")
