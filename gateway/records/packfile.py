"""The file of an evidence pack: a zip of one form alone, and its signed list of files.

Files are stored, one after another, dated 1980-01-01; nothing lies before, between or behind them.
So there is no byte of the zip that could change unseen (docs/evidence.md).
"""

import hashlib
import json
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from gateway.crypto.notes import NoteSigner, sign_note
from gateway.refusal import Refusal

FORMAT = "gateway-evidence/1"
INDEX, INDEX_NOTE = "index.json", "index.note"
_LARGEST = 0xFFFF_FFFF  # bytes, of the whole zip
_MOST = 65_000  # files
_PART = 1 << 20
_UTF8, _FIRST_DAY, _RIGHTS, _UNIX = 0x800, 0x21, 0o100644 << 16, 0x0314


class EvidenceFault(Refusal):
    """A pack cannot be made. Codes: evidence.*"""


def canonical(told: Any) -> bytes:
    """JSON in the one form that packs have: sorted, without spaces, with a line feed behind."""
    plain = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return plain.encode() + b"\n"


class PackFile:
    """A pack that is being written. Use it as a context manager; `close_with` ends it."""

    def __init__(self, path: Path) -> None:
        self.files: list[dict[str, str | int]] = []
        self._out: BinaryIO = path.open("wb")
        self._central: list[bytes] = []
        self._at = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._out.close()

    def add(self, name: str, content: bytes) -> None:
        """Add a file. Raises EvidenceFault evidence.too-large."""
        self._begin(name, len(content), zlib.crc32(content), hashlib.sha256(content).hexdigest())
        self._out.write(content)

    def add_file(self, name: str, path: Path) -> None:
        """Add a file from the disk, a part at a time. Raises EvidenceFault, OSError."""
        crc, digest, size = 0, hashlib.sha256(), 0
        with path.open("rb") as source:
            while part := source.read(_PART):
                crc, size = zlib.crc32(part, crc), size + len(part)
                digest.update(part)
            self._begin(name, size, crc, digest.hexdigest())
            source.seek(0)
            while part := source.read(_PART):
                self._out.write(part)

    def close_with(self, about: Mapping[str, Any], signer: NoteSigner) -> None:
        """Add the index, sign it, and end the zip."""
        listed = sorted(self.files, key=lambda item: str(item["path"]))
        index = canonical({**about, "format": FORMAT, "files": listed})
        text = f"{FORMAT}\n{INDEX} {hashlib.sha256(index).hexdigest()}\n"
        self.add(INDEX, index)
        self.add(INDEX_NOTE, sign_note(text, [signer]).encode())
        central = b"".join(self._central)
        count = len(self._central)
        sizes = (0, 0, count, count, len(central), self._at, 0)
        self._out.write(central + struct.pack("<4s4H2IH", b"PK\5\6", *sizes))

    def _begin(self, name: str, size: int, crc: int, sha256: str) -> None:
        raw = name.encode()
        if self._at + size > _LARGEST - (1 << 27) or len(self._central) >= _MOST:
            raise EvidenceFault(
                "evidence.too-large",
                "The pack would have more than 65,000 files, or more than 4 GB.",
                "Export fewer days at a time.",
            )
        sizes = (crc, size, size, len(raw), 0)
        local = struct.pack("<4s5H3I2H", b"PK\3\4", 20, _UTF8, 0, 0, _FIRST_DAY, *sizes)
        start = struct.pack("<4s6H", b"PK\1\2", _UNIX, 20, _UTF8, 0, 0, _FIRST_DAY)
        rest = struct.pack("<3I5H2I", *sizes, 0, 0, 0, _RIGHTS, self._at)
        self._out.write(local + raw)
        self._central.append(start + rest + raw)
        self._at += len(local) + len(raw) + size
        self.files.append({"path": name, "sha256": sha256, "size": size})
