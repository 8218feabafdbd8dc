"""Some thousand rows by column, as they wait at rest: what a column repeats is kept once.

A row by itself is a tuple of Python's, and a large drop has a hundred million cells. So a column of
few values is these values and, for each row, which of them; rows are made when somebody walks them.
"""

import struct
import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, compress
from typing import Literal, Self

Row = tuple[int, tuple[str, ...]]
Width = Literal["B", "H"]
MARK = b"\x01"  # begins a chunk at rest; one of the earlier form, CSV, begins with a digit
_MOST_CODES = 1 << 16
_BETWEEN = "\x1f"
_HEAD = struct.Struct("<II")  # rows, columns
_COLUMN = struct.Struct("<cI")  # how its codes are written, bytes of its values
_NO_CODES = b"-"


@dataclass(frozen=True, slots=True)
class Column:
    """``values`` are the cells themselves, or, with ``codes``, what each row's code stands for."""

    values: Sequence[str]
    codes: "array[int] | None" = None

    @classmethod
    def of(cls, cells: Sequence[str]) -> Self:
        """A column of these cells; where enough of them are the same, each is kept once."""
        distinct = dict.fromkeys(cells)
        if 2 * len(distinct) > len(cells) or len(distinct) > _MOST_CODES:
            return cls(cells)
        places = dict(zip(distinct, range(len(distinct)), strict=True))
        return cls(tuple(distinct), array(width(len(distinct)), map(places.__getitem__, cells)))

    def cells(self) -> Sequence[str]:
        """Every cell, row by row. The same values are the same objects."""
        if self.codes is None:
            return self.values
        return list(map(self.values.__getitem__, self.codes))

    def where(self, wanted: Sequence[object]) -> "Column":
        """The cells of the rows for which ``wanted`` is true, and no value of any other row."""
        if self.codes is None:
            return Column(list(compress(self.values, wanted)))
        taken = list(compress(self.codes, wanted))
        used = dict.fromkeys(taken)
        places = dict(zip(used, range(len(used)), strict=True))
        codes = array(width(len(used)), map(places.__getitem__, taken))
        return Column([self.values[code] for code in used], codes)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows as columns of one length: each row's number in its drop, and its cells."""

    numbers: Sequence[int]
    columns: tuple[Column, ...]

    @classmethod
    def of(cls, rows: "Rows") -> "Chunk":
        """The same rows by column. All must be of one width."""
        if isinstance(rows, Chunk):
            return rows
        cells = zip(*(cells for _, cells in rows), strict=True)
        return cls([number for number, _ in rows], tuple(map(Column.of, cells)))

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[Row]:
        return zip(self.numbers, self.rows(), strict=True)

    def rows(self) -> Iterator[tuple[str, ...]]:
        """The cells of each row."""
        if not self.columns:
            return iter([()] * len(self.numbers))
        return zip(*(column.cells() for column in self.columns), strict=True)

    def where(self, wanted: Sequence[object]) -> "Chunk":
        """The rows for which ``wanted``, one for each row, is true."""
        if all(wanted):
            return self
        columns = tuple(column.where(wanted) for column in self.columns)
        return Chunk(list(compress(self.numbers, wanted)), columns)

    def laid_out(self, places: Sequence[int | None]) -> "Chunk":
        """The same rows with other columns: those at ``places``, and blank where there is none."""
        blank = Column(("",), array("B", bytes(len(self))))
        columns = tuple(blank if place is None else self.columns[place] for place in places)
        return Chunk(self.numbers, columns)


Rows = Chunk | Sequence[Row]


def width(values: int) -> Width:
    """How codes of so many values are written: in a byte, or in two."""
    return "B" if values <= 1 << 8 else "H"


def pack(chunk: Chunk) -> bytes:
    """A chunk as bytes. Raises ValueError where a cell has the mark that parts them."""
    parts = [MARK, _HEAD.pack(len(chunk), len(chunk.columns)), _bytes(array("I", chunk.numbers))]
    for column in chunk.columns:
        text = _BETWEEN.join(column.values)
        if text.count(_BETWEEN) != max(len(column.values) - 1, 0):
            raise ValueError("A cell has the mark that parts the values of a column.")
        told = text.encode()
        codes = column.codes
        form = _NO_CODES if codes is None else codes.typecode.encode()
        parts += [_COLUMN.pack(form, len(told)), told, b"" if codes is None else _bytes(codes)]
    return b"".join(parts)


def unpack(packed: bytes) -> Chunk:
    """What `pack` made. Raises ValueError for anything else."""
    try:
        rows, columns = _HEAD.unpack_from(packed, len(MARK))
        at = len(MARK) + _HEAD.size
        numbers, at = _array("I", packed, at, rows)
        found = []
        for _ in range(columns):
            form, size = _COLUMN.unpack_from(packed, at)
            at += _COLUMN.size
            values = packed[at : at + size].decode().split(_BETWEEN) if rows else []
            at += size
            if form == _NO_CODES:
                found.append(Column(values))
                continue
            codes, at = _array("B" if form == b"B" else "H", packed, at, rows)
            found.append(Column(values, codes))
    except (struct.error, UnicodeDecodeError):
        raise ValueError("This is no chunk of rows.") from None
    if at != len(packed) or not all(_whole(column, rows) for column in found):
        raise ValueError("This is no chunk of rows.")
    return Chunk(numbers, tuple(found))


def _whole(column: Column, rows: int) -> bool:
    if column.codes is None:
        return len(column.values) == rows
    return not rows or max(column.codes) < len(column.values)


def _array(
    form: Literal["B", "H", "I"], packed: bytes, at: int, count: int
) -> tuple["array[int]", int]:
    made = array(form)
    end = at + count * made.itemsize
    if end > len(packed):
        raise ValueError("This is no chunk of rows.")
    made.frombytes(packed[at:end])
    if sys.byteorder == "big":
        made.byteswap()
    return made, end


def _bytes(numbers: "array[int]") -> bytes:
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers.tobytes()


def all_rows(chunks: Iterable[Chunk]) -> Iterator[tuple[str, ...]]:
    """The cells of every row, one after another."""
    return chain.from_iterable(chunk.rows() for chunk in chunks)
