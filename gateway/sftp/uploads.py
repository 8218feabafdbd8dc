"""Uploads of one session: hidden private files until they are whole, then drops or receipts.

An upload is written to ``.sftp-<random>.part`` (0600) in the inbox itself, which intake ignores.
Closed under a plain name it becomes visible at once, under a name of ours; closed under a name for
unfinished files (``x.part``) it is held until the client renames it or the session ends. Everything
here blocks and is called away from the event loop.
"""

import os
import re
import secrets
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from gateway.engine.face import FaceParts
from gateway.receipts.ranges import Range, union
from gateway.sftp.tree import RECEIPTS, Place
from gateway.store.folder import sync_folder

RECEIPT_BYTES = 64 * 1024
_UNFINISHED = (".part", ".tmp", ".filepart")
_RECEIPT = re.compile(r"[A-Za-z0-9._-]{1,80}\.receipt\.json(\.asc)?")
_MOST_GAPS = 1_000
_MOST_UPLOADS = 200  # of one session, held or under way
_PART = ".sftp-{}.part"
_giving = threading.Lock()  # a name is looked at and taken by one upload at a time


class UploadRefused(Exception):
    """The upload, or what was asked of it, is not possible; the words say why."""


@dataclass
class Upload:
    """A file being written, or written and held."""

    place: Place
    path: Path
    maximum: int
    descriptor: int
    written: list[Range] = field(default_factory=list)
    refused: str = ""

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self.written[-1][1] if self.written else 0

    def write(self, offset: int, data: bytes) -> None:
        """Write at an offset. Raises UploadRefused beyond the largest size, and ever after."""
        if not self.refused and offset + len(data) > self.maximum:
            self.refused = f"A file here has at most {self.maximum} bytes; this one has more."
            self.path.unlink(missing_ok=True)
            os.ftruncate(self.descriptor, 0)
        if not self.refused and len(self.written) > _MOST_GAPS:
            self.refused = "The file is written in too many pieces; write it from start to end."
        if self.refused:
            raise UploadRefused(self.refused)
        view = memoryview(data)
        while view:
            done = os.pwrite(self.descriptor, view, offset)
            self.written = union([*self.written, (offset, offset + done)])
            view, offset = view[done:], offset + done

    def flush(self) -> None:
        """Make what was written durable."""
        os.fsync(self.descriptor)

    def discard(self) -> None:
        """Leave nothing of it."""
        self.path.unlink(missing_ok=True)


class Uploads:
    """The uploads of one session, by the path its client knows them by."""

    def __init__(self, parts: FaceParts, party: str) -> None:
        self._parts, self._party = parts, party
        self._held: dict[Place, Upload] = {}
        self._open: set[int] = set()
        self._given: dict[Place, tuple[int, datetime]] = {}

    def known(self, place: Place) -> tuple[int, datetime] | None:
        """Size and time of a file that this session uploaded, whether held or given."""
        if place in self._held:
            return self._held[place].size, datetime.now(UTC)
        return self._given.get(place)

    def within(self, folder: Place) -> list[str]:
        """The names in a folder of the inbox that this session uploaded."""
        return sorted({at.name for at in (*self._held, *self._given) if at.shelf == folder.shelf})

    def begin(self, place: Place) -> Upload:
        """Start an upload. Raises UploadRefused or OSError."""
        if len(self._held) + len(self._open) >= _MOST_UPLOADS:
            raise UploadRefused("Too many files are unfinished; finish or remove some first.")
        _require_name(place)
        if place in self._held:
            self._held.pop(place).discard()
        folder = self._folder(place)
        path = folder / _PART.format(secrets.token_hex(12))
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
        self._open.add(descriptor)
        return Upload(place, path, self._maximum(place), descriptor)

    def finish(self, upload: Upload, by_client: bool) -> None:
        """End an upload: given where its client closed it, else gone. Raises UploadRefused."""
        whole = by_client and not upload.refused and _is_whole(upload)
        try:
            if whole:
                upload.flush()
        except OSError:
            upload.discard()
            raise
        finally:
            self._open.discard(upload.descriptor)
            os.close(upload.descriptor)
        if not whole:
            upload.discard()
            if by_client:
                raise UploadRefused(upload.refused or "A part in the middle was never written.")
        elif is_unfinished(upload.place.name):
            self._held[upload.place] = upload
        else:
            self._give(upload, upload.place)

    def rename(self, old: Place, new: Place) -> None:
        """A held upload gets its own name: given where that is a plain one.

        Raises UploadRefused for everything else.
        """
        if old not in self._held or not new.name or new.side != "inbox":
            raise UploadRefused("Only an unfinished upload of this session can be renamed.")
        if new.shelf != old.shelf or new in self._held:
            raise UploadRefused("That name is taken, or lies in another folder.")
        _require_name(new)
        upload = self._held.pop(old)
        upload.place = new
        if is_unfinished(new.name):
            self._held[new] = upload
        else:
            self._give(upload, new)

    def remove(self, place: Place) -> None:
        """Take back a held upload. Raises UploadRefused for what is not held."""
        if place not in self._held:
            raise UploadRefused("Only an unfinished upload of this session can be removed.")
        self._held.pop(place).discard()

    def end(self) -> None:
        """The session is over: what is still held goes."""
        while self._held:
            self._held.popitem()[1].discard()

    def _folder(self, place: Place) -> Path:
        home = self._parts.home
        if place.shelf == RECEIPTS:
            return home.receipts_of(self._party)
        return home.inbox_of(self._party, place.shelf)

    def _maximum(self, place: Place) -> int:
        if place.shelf == RECEIPTS:
            return RECEIPT_BYTES
        return self._parts.flow(place.shelf).files.maximum_bytes

    def _give(self, upload: Upload, place: Place) -> None:
        """Show the whole file under its visible name, unless a receipt's is taken."""
        folder = self._folder(place)
        # A receipt keeps its name, which pairs it with its signature.
        own = place.name if place.shelf == RECEIPTS else f"sftp-{secrets.token_hex(12)}"
        try:
            with _giving:
                if os.path.lexists(folder / own):
                    raise UploadRefused("A file of that name waits here already.")
                upload.path.rename(folder / own)
            sync_folder(folder)
        except (OSError, UploadRefused):
            upload.discard()
            raise
        if len(self._given) < _MOST_UPLOADS:
            self._given[place] = (upload.size, datetime.now(UTC))


def is_unfinished(name: str) -> bool:
    """Whether clients give such names to files that they will rename when these are whole."""
    return name.lower().endswith(_UNFINISHED)


def sweep(inbox: Path) -> None:
    """Remove what uploads left that a dying process could not end. Called before any begins."""
    for part in inbox.glob(f"*/*/{_PART.format('*')}"):
        part.unlink(missing_ok=True)


def _is_whole(upload: Upload) -> bool:
    return not upload.written or (len(upload.written) == 1 and upload.written[0][0] == 0)


def _require_name(place: Place) -> None:
    taken = place.shelf != RECEIPTS or is_unfinished(place.name)
    if not taken and (not _RECEIPT.fullmatch(place.name) or place.name.startswith(".")):
        raise UploadRefused(
            "A receipt's name ends in .receipt.json, its signature's in .receipt.json.asc; before "
            "that up to 80 letters, digits, dots, hyphens and underscores."
        )
