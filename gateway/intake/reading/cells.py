"""A workbook's cells as text: what a value reads as, and the marks that only the reader may make.

calamine gives a number as float, a date by its format as ``date`` or ``datetime`` (1904 workbooks
put right), an empty or failed cell as ``""``; the failed ones are put in by ``workbook``.
"""

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

import polars as pl

TRUE_DATE = "\x01"  # before the ISO form of a date cell
ERROR_CELL = "\x02"  # the whole of a failed cell
CONTROL = "\x03"  # in place of each control character of a text cell
CONTROLS = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f"

_CONTROLS = re.compile(f"[{CONTROLS}]")
_KEPT = 4096  # readings kept: the same few days and numbers come again and again
_WHOLE_BELOW = 1e15  # beyond it a float no longer tells whole numbers apart in decimal


class _Failed:
    """Stands for an error cell, or a formula saved without its result."""


FAILED = _Failed()


def _from_text(cell: str) -> str:
    return _CONTROLS.sub(CONTROL, cell)


@lru_cache(_KEPT)
def _from_number(cell: float) -> str:
    if cell.is_integer() and abs(cell) < _WHOLE_BELOW:
        return str(int(cell))
    return repr(cell)


def _from_moment(cell: datetime) -> str:
    """To the nearest second: a day's fraction in floating point misses it by a little."""
    if cell.microsecond >= 500_000 and cell < datetime.max.replace(microsecond=0):
        cell += timedelta(seconds=1)
    if cell.time().replace(microsecond=0) == time():
        return _from_day(cell.date())
    return TRUE_DATE + cell.isoformat(timespec="seconds")


@lru_cache(_KEPT)
def _from_day(cell: date) -> str:
    return TRUE_DATE + cell.isoformat()


def _from_duration(cell: timedelta) -> str:
    seconds = round(cell.total_seconds())
    sign = "-" if seconds < 0 else ""
    minutes, second = divmod(abs(seconds), 60)
    return f"{sign}{minutes // 60}:{minutes % 60:02}:{second:02}"


_READINGS: dict[type, Callable[[Any], str]] = {
    str: _from_text,
    float: _from_number,
    int: str,
    bool: lambda cell: "true" if cell else "false",
    date: _from_day,
    datetime: _from_moment,
    time: lambda cell: cell.isoformat(timespec="seconds"),
    timedelta: _from_duration,
    _Failed: lambda _: ERROR_CELL,
}


def cell_text(cell: object) -> str:
    """A cell as text. Raises KeyError for a type that calamine does not give."""
    return _READINGS[type(cell)](cell)


def cell_series(name: str, cells: Sequence[object]) -> pl.Series:
    """A column of cells as a String series; columns of text alone take the short way."""
    if set(map(type, cells)) <= {str}:
        series = pl.Series(name, cells, dtype=pl.String)
        if series.str.contains(f"[{CONTROLS}]").any():
            series = series.str.replace_all(f"[{CONTROLS}]", CONTROL)
        return series
    return pl.Series(name, [_READINGS[type(cell)](cell) for cell in cells], dtype=pl.String)
