"""What a party may fetch: files of its servable deliveries from the vault, notices and reports.

Everything here blocks (database, disk) and is called away from the event loop.
"""

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from gateway.dispatch.manifest import manifest_file as manifest_name
from gateway.engine.face import FaceParts
from gateway.receipts import serving
from gateway.receipts.notice import is_notice
from gateway.receipts.ranges import Range, union
from gateway.sftp.tree import REPORTS, Place
from gateway.store import packages
from gateway.store.packages import DeliveryRow

_MOST_RANGES = 1_000


@dataclass(frozen=True)
class Shown:
    """A file to fetch. ``size`` in bytes, ``at`` in UTC; ``delivery``: whose package it is of."""

    name: str
    size: int
    at: datetime
    sha256: str = ""
    delivery: DeliveryRow | None = None


class Shelf:
    """The outbox of one party."""

    def __init__(self, parts: FaceParts, party: str) -> None:
        self._parts, self.party = parts, party

    def files(self, place: Place) -> list[Shown]:
        """The files of a folder of the outbox, as they are now."""
        if place.shelf == REPORTS:
            return self._lying(self._folder(place))
        with self._parts.database.transaction() as tx:
            rows = serving.servable(tx, self.party, place.shelf)
        notices = self._lying(self._folder(place), is_notice)
        return [*(shown for row in rows for shown in self._of(row)), *notices]

    def find(self, place: Place) -> Shown | None:
        """The file of that name, or None."""
        return next((item for item in self.files(place) if item.name == place.name), None)

    def _of(self, row: DeliveryRow) -> Iterator[Shown]:
        at = row.placed_at or datetime.now(UTC)
        name = manifest_name(row.package_id)
        vault = self._parts.vault
        yield Shown(row.file_name, row.size, at, row.sha256, row)
        for label, digest in ((name, row.manifest), (f"{name}.asc", row.signature)):
            if vault.has(digest):
                yield Shown(label, vault.path(digest).stat().st_size, at, digest)

    def _folder(self, place: Place) -> Path:
        home = self._parts.home
        if place.shelf == REPORTS:
            return home.reports_of(self.party)
        return home.outbox_of(self.party, place.shelf)

    def _lying(self, folder: Path, wanted: Callable[[str], bool] = lambda _: True) -> list[Shown]:
        """The ordinary, visible files of a folder that are wanted, by name."""
        if not folder.is_dir():
            return []
        found = []
        with os.scandir(folder) as entries:
            for entry in entries:
                seen = entry.stat(follow_symlinks=False)
                visible = not entry.name.startswith(".")
                if visible and stat.S_ISREG(seen.st_mode) and wanted(entry.name):
                    at = datetime.fromtimestamp(seen.st_mtime, UTC)
                    found.append(Shown(entry.name, seen.st_size, at))
        return sorted(found, key=lambda item: item.name)

    def open(self, place: Place, principal: str) -> "Download | None":
        """The file of that name, open to be read; None where there is none. Raises StoreFault."""
        shown = self.find(place)
        if shown is None:
            return None
        if shown.sha256:
            path = self._parts.vault.whole(shown.sha256)
        else:
            path = self._folder(place) / shown.name
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        size = os.fstat(descriptor).st_size
        return Download(self._parts, replace(shown, size=size), principal, descriptor)


class Download:
    """A file being read. What was sent of a package is noted when the reading ends."""

    def __init__(self, parts: FaceParts, shown: Shown, principal: str, descriptor: int) -> None:
        self._parts, self.shown, self._principal = parts, shown, principal
        self._descriptor = descriptor
        self._sent: list[Range] = []

    def read(self, offset: int, size: int) -> bytes:
        """Up to ``size`` bytes from ``offset``; none at the end."""
        data = os.pread(self._descriptor, size, offset)
        if len(self._sent) < _MOST_RANGES:  # what is read in more pieces is no plain download
            self._sent = union([*self._sent, (offset, offset + len(data))])
        return data

    def end(self, by_client: bool) -> bool:
        """Close the file and note what was sent; True when the package is now collected.

        A client closes a file once it has all it asked for. Where the connection broke instead,
        what was sent last may never have arrived: the file's last byte then counts as not sent, so
        that a broken download is no collection, and one that is resumed and closed is.
        """
        os.close(self._descriptor)
        delivery = self.shown.delivery
        if delivery is None:
            return False
        last = delivery.size if by_client else delivery.size - 1
        with self._parts.database.transaction() as tx:
            package = packages.get(tx, delivery.package_id)
        agreement = package.agreement_hash if package is not None else ""
        now = datetime.now(UTC)
        collected = False
        for start, stop in self._sent:
            collected |= serving.note_served(
                self._parts.database,
                delivery,
                agreement,
                self._principal,
                "sftp",
                start,
                min(stop, last),
                now,
            )
        return collected
