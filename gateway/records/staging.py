"""Rows at rest: written and read in chunks, always encrypted (design §5 step 8).

A chunk is some thousand rows: each row's number in the drop, then its cells in agreed order. It is
kept by column (`chunk`), or as CSV where rows are not all of one width, and of earlier versions.
Chunks are sealed one by one with AES-256-GCM, so memory stays flat whatever the drop's size.
"""

import csv
import io
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Literal

from gateway.crypto.sealing import SealedWriter, read_sealed
from gateway.records import chunk as by_column
from gateway.records.chunk import Chunk, Rows
from gateway.store.folder import sync_folder

# "why": for each held row, the codes of its errors in the place of cells
Part = Literal["accepted", "held", "why"]


def pack(rows: Rows) -> bytes:
    """Rows as the bytes of one chunk."""
    if isinstance(rows, Chunk):
        return by_column.pack(rows)
    text = io.StringIO()
    # With this line end the writer quotes a lone carriage return too, which a cell may hold.
    csv.writer(text, lineterminator="\r\n").writerows((number, *cells) for number, cells in rows)
    return text.getvalue().encode()


def unpack(chunk: bytes) -> Rows:
    """The rows of one chunk. Raises ValueError for what is none."""
    if chunk.startswith(by_column.MARK):
        return by_column.unpack(chunk)
    records = csv.reader(io.StringIO(chunk.decode(), newline=""))
    return [(int(record[0]), tuple(record[1:])) for record in records]


class Draft:
    """Rows between reading and judgement: a nameless temporary file under a key of its own."""

    def __init__(self, folder: Path | None = None) -> None:
        self._file: BinaryIO = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  closed by close()
        self._key = os.urandom(32)
        self._writer = SealedWriter(self._file, self._key, "draft")

    def add(self, rows: Rows) -> None:
        """Add a chunk of rows."""
        self._writer.write(pack(rows))

    def chunks(self) -> Iterator[Rows]:
        """All rows added, chunk by chunk; nothing may be added afterwards."""
        self._writer.close()
        self._file.seek(0)
        for chunk in read_sealed(self._file, self._key, "draft"):
            yield unpack(chunk)

    def close(self) -> None:
        """Forget the rows and their key."""
        self._file.close()
        self._key = b""

    def __enter__(self) -> "Draft":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class StagedRows:
    """The accepted or the held rows of a drop, being written; `keep` makes them durable."""

    def __init__(self, staging: "Staging", drop_id: str, part: Part, attempt: Path | None) -> None:
        self._target = staging.path(drop_id, part)
        self._temporary = (attempt or staging.folder) / f".{self._target.name}.part"
        self._temporary.unlink(missing_ok=True)
        descriptor = os.open(self._temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(descriptor, "wb")
        self._writer = SealedWriter(self._file, staging.key, f"{drop_id}:{part}")
        self.count = 0

    def add(self, rows: Rows) -> None:
        """Add a chunk of rows."""
        if rows:
            self._writer.write(pack(rows))
            self.count += len(rows)

    def keep(self) -> None:
        """Finish, and put the file in its place durably; the same drop staged again replaces it."""
        self._writer.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._temporary.replace(self._target)
        sync_folder(self._target.parent)

    def abandon(self) -> None:
        """Drop what was written; harmless after `keep`."""
        self._file.close()
        self._temporary.unlink(missing_ok=True)


class Staging:
    """Where staged rows lie, sealed under the home's staging key."""

    def __init__(self, folder: Path, key: bytes) -> None:
        self.folder = folder
        self.key = key

    def path(self, drop_id: str, part: Part) -> Path:
        """The file of a drop's accepted or held rows."""
        return self.folder / f"{drop_id}.{part}"

    def open(self, drop_id: str, part: Part, attempt: Path | None = None) -> StagedRows:
        """Begin to stage rows; in that folder, of the same file system, until they are kept."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return StagedRows(self, drop_id, part, attempt)

    def staged(self) -> list[str]:
        """The drops whose accepted rows are staged, oldest first."""
        return sorted(path.stem for path in self.folder.glob("*.accepted"))

    def remove_accepted(self, drop_id: str) -> None:
        """Remove a drop's accepted rows: only once its sealed original was read back whole."""
        self.path(drop_id, "accepted").unlink()
        sync_folder(self.folder)

    def remove(self, drop_id: str) -> None:
        """Remove all of a drop: only once its original was destroyed by both parties' will."""
        for path in self.folder.glob(f"{drop_id}.*"):
            path.unlink()

    def require(self, drop_id: str) -> None:
        """Raises FileNotFoundError unless the drop's accepted rows are staged."""
        self.path(drop_id, "accepted").stat()

    def read(self, drop_id: str, part: Part) -> Iterator[Rows]:
        """The staged rows, chunk by chunk. Raises CryptoFault when they were altered."""
        with self.path(drop_id, part).open("rb") as file:
            for chunk in read_sealed(file, self.key, f"{drop_id}:{part}"):
                yield unpack(chunk)
