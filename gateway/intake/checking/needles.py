"""What is looked for in a row's kept text: names, identifiers and phrases of its dropped columns.

Everything is made by whole columns: a batch has hundreds of thousands of such values.
"""

import re
from collections.abc import Sequence
from typing import Literal

import polars as pl

from gateway.agreement.model import Screening
from gateway.intake.checking.column import DistinctValues
from gateway.intake.checking.dates import TRUE_DATE, judge_date
from gateway.intake.checking.folding import APOSTROPHES, HYPHENS, letters_column, plain_column

Kind = Literal["name", "full-name", "phrase", "identifier"]
SCHEMA = {"at": pl.UInt32, "needle": pl.String, "kind": pl.String}
_PARTS = r"[;|\r\n]+|\s+/\s+|\s+or\s+|\s+and\s+|,\s*"
_DATE_LIKE = rf"^(?:{TRUE_DATE}|\d{{1,4}}[-/ ][0-9A-Za-z]{{1,9}}[-/ ]\d{{1,4}})"
_CUT = "\x1f"
# O'Neill is looked for as oneill, and as neill; Anne-Marie as anne, marie and annemarie.
_MARKED = (
    ("", ""),
    (f"[{APOSTROPHES}]", " "),
    (f"[{HYPHENS}]", ""),
)


_WAYS = ("%d/%m/%Y", "%-d/%-m/%Y", "%d/%m/%y", "%Y-%m-%d", "%-d %B %Y", "%-d %b %Y")


class NeedleMaker:
    """Makes needles by the screening rules of a flow."""

    def __init__(self, screening: Screening) -> None:
        self._least = screening.minimum_length
        self._empty = [value.casefold() for value in screening.empty_values]

    def named(self, columns: Sequence[pl.Series]) -> pl.DataFrame:
        """The words of names, at least the minimum long; of shorter words, the name as a whole."""
        said = [self._said(column) for column in columns]
        joined = pl.select(pl.concat_str(said, separator=" ; ", ignore_nulls=True)).to_series()
        names = _at(plain_column(joined))
        found = pl.concat(_words(names, marks, instead) for marks, instead in _MARKED)
        needle = pl.col("needle")
        long = (needle.str.len_chars() >= self._least) & needle.str.contains(r"\p{L}")
        return pl.concat([_of(found.filter(long), "name"), *map(self._short_names, said)])

    def phrases(self, column: pl.Series) -> pl.DataFrame:
        """The whole value, and of several parts those with a number in them (12 High Street)."""
        whole = _at(plain_column(self._said(column)))
        parts = _split(whole, r"[;|,\r\n]+").filter(pl.col("needle").str.contains(r"\d.*\p{L}"))
        return self._run_together(pl.concat([whole, parts]), "phrase")

    def identifiers(self, column: pl.Series, digits: pl.Series) -> pl.DataFrame:
        """The value and its parts, and other ways to write a date or a telephone number.

        ``digits`` says in which rows the text has any digit: elsewhere no number can be found.
        """
        numeric = column.str.contains(r"\d")
        said = column.set(numeric & ~digits, None)
        if not len(said.drop_nulls()):
            return pl.DataFrame(schema=SCHEMA)
        dated = said.str.contains(_DATE_LIKE)
        whole = _at(plain_column(self._said(said.set(dated, None))))
        days = _days(said.set(~dated, None))
        made = self._run_together(pl.concat([whole, _split(whole, _PARTS), days]), "identifier")
        return pl.concat([made, _telephones(made)])

    def _said(self, cells: pl.Series) -> pl.Series:
        """Without the values that say nothing of anyone."""
        return cells.set(cells.str.to_lowercase().is_in(self._empty), None)

    def _short_names(self, said: pl.Series) -> pl.DataFrame:
        """Jo Ng: a name none of whose words is long enough, run together."""
        short = ~said.str.contains(rf"[\p{{L}}\p{{N}}{APOSTROPHES}]{{{self._least},}}")
        return self._run_together(_at(said.set(~short, None)), "full-name")

    def _run_together(self, frame: pl.DataFrame, kind: Kind) -> pl.DataFrame:
        letters = frame.with_columns(letters_column(frame["needle"]).alias("needle"))
        long = letters.filter(pl.col("needle").str.len_chars() >= self._least)
        return _of(long, kind)


def _at(series: pl.Series) -> pl.DataFrame:
    frame = pl.DataFrame({"needle": series}).with_row_index("at")
    return frame.drop_nulls()


def _of(frame: pl.DataFrame, kind: Kind) -> pl.DataFrame:
    return frame.select(pl.col("at").cast(pl.UInt32), "needle", pl.lit(kind).alias("kind"))


def _words(names: pl.DataFrame, marks: str, instead: str) -> pl.DataFrame:
    """The words of names that have any of ``marks``, with something else in their place."""
    marked = names.filter(pl.col("needle").str.contains(marks)) if marks else names
    text = pl.col("needle").str.replace_all(marks or f"[{APOSTROPHES}]", instead)
    words = marked.with_columns(text.str.extract_all(r"[\p{L}\p{N}]+").alias("needle"))
    return words.explode("needle").drop_nulls()


def _split(frame: pl.DataFrame, separators: str) -> pl.DataFrame:
    several = frame.filter(pl.col("needle").str.contains(separators))
    cut = pl.col("needle").str.replace_all(separators, _CUT).str.split(_CUT)
    return several.with_columns(cut.alias("needle")).explode("needle").drop_nulls()


def _days(cells: pl.Series) -> pl.DataFrame:
    """Dates in each way that people write them, and what is no date after all as it stands."""
    if cells.null_count() == len(cells):
        return _at(cells)
    column = DistinctValues(judge_date).column(cells)
    days = column.values.str.to_date("%Y-%m-%d")
    ways = [_at(days.dt.to_string(way)) for way in _WAYS]
    undated = cells.set(column.values.is_not_null(), None).str.strip_prefix(TRUE_DATE)
    return pl.concat([*ways, _at(undated)])


def _telephones(made: pl.DataFrame) -> pl.DataFrame:
    """0 and +44 for each other, and the 0 that a number cell loses."""
    ways = {
        r"^(?:00)?44(\d{9,10})$": ("0${1}",),
        r"^0([1-9]\d{8,9})$": ("44${1}", "0044${1}"),
        r"^([1-9]\d{9})$": ("0${1}", "44${1}"),
    }
    needle = pl.col("needle")
    frames = [made.clear()]
    for pattern, others in ways.items():
        matching = made.filter(needle.str.contains(pattern))
        frames += [matching.with_columns(needle.str.replace(pattern, way)) for way in others]
    return pl.concat(frames)


def needle_pattern(needle: str) -> re.Pattern[str]:
    """A needle run together, found as whole words with any marks and spaces inside."""
    spaced = r"[\W_]*".join(map(re.escape, needle))
    return re.compile(rf"(?<![^\W_]){spaced}(?![^\W_])")
