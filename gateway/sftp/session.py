"""One SFTP session of a logged-in party: each request answered from its tree, or refused."""

import asyncio
import stat
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import NoReturn, ParamSpec, TypeVar

import asyncssh
import structlog
from asyncssh.constants import FILEXFER_TYPE_DIRECTORY, FILEXFER_TYPE_REGULAR

from gateway.engine.face import FaceParts
from gateway.receipts.refused import ReceiptRefused
from gateway.sftp.refusing import FIXED, Refusing
from gateway.sftp.shelf import Download, Shelf
from gateway.sftp.tree import NoSuchPath, Place, Tree, canonical
from gateway.sftp.uploads import Upload, UploadRefused, Uploads
from gateway.store.database import StoreFault

_WRITING = asyncssh.FXF_WRITE | asyncssh.FXF_APPEND | asyncssh.FXF_CREAT | asyncssh.FXF_TRUNC
_READ_BYTES = 256 * 1024
_UNSENT_BYTES = 4 * 1024 * 1024  # a client that reads slowly is waited for, not stored for
_WAIT_SECONDS = 0.05
_NOT_THERE = "There is no such file or folder here."
_P = ParamSpec("_P")
_T = TypeVar("_T")


class Session(Refusing):
    """What one client of a party may do. ``has_ended()``: whether the client itself is gone."""

    def __init__(
        self,
        chan: "asyncssh.SSHServerChannel[bytes]",
        parts: FaceParts,
        party: str,
        principal: str,
        has_ended: Callable[[], bool],
        active: Callable[[], None],
    ) -> None:
        super().__init__(chan)
        self._tree = Tree.of(party, parts.agreed)
        self._shelf = Shelf(parts, party)
        self._uploads = Uploads(parts, party)
        self._party, self._principal = party, principal
        self._has_ended, self._active = has_ended, active
        self._reading: set[Download] = set()
        self._writing = 0
        self._log = structlog.get_logger("sftp")

    @property
    def is_busy(self) -> bool:
        """Whether a file is being read or written."""
        return bool(self._reading or self._writing)

    # --- files -----------------------------------------------------------------------------------

    async def open(self, path: bytes, pflags: int, _attrs: asyncssh.SFTPAttrs) -> Download | Upload:
        """Start a download from the outbox or an upload into the inbox."""
        place = self._file(path)
        if place.side == "outbox":
            if pflags & _WRITING:
                self._deny(place, "The outbox can only be read.")
            return await self._begin_download(place)
        wanted = pflags & (asyncssh.FXF_WRITE | asyncssh.FXF_CREAT)
        if pflags & (asyncssh.FXF_READ | asyncssh.FXF_APPEND):
            self._deny(place, "The inbox can only be written, each file from its start.")
        if wanted != asyncssh.FXF_WRITE | asyncssh.FXF_CREAT:
            raise asyncssh.SFTPNoSuchFile(_NOT_THERE)
        # A server-side copy from a download into an upload would count bytes as sent that never
        # left: so a session reads or writes.
        if self._reading:
            self._deny(place, "Finish the download first, or use another session for the upload.")
        upload = await self._away(self._uploads.begin, place)
        self._writing += 1
        return upload

    async def _begin_download(self, place: Place) -> Download:
        if self._writing:
            self._deny(place, "Finish the upload first, or use another session for the download.")
        found = await self._away(self._shelf.open, place, self._principal)
        if found is None:
            raise asyncssh.SFTPNoSuchFile(_NOT_THERE)
        self._reading.add(found)
        return found

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        """Bytes of a download; waits while the client has not taken what was sent before."""
        if not isinstance(file_obj, Download):
            raise asyncssh.SFTPPermissionDenied(FIXED)
        while self.channel.get_write_buffer_size() > _UNSENT_BYTES and not self._has_ended():
            await asyncio.sleep(_WAIT_SECONDS)
        self._active()
        return await self._away(file_obj.read, offset, min(size, _READ_BYTES))

    async def write(self, file_obj: object, offset: int, data: bytes) -> int:
        """Bytes of an upload."""
        if not isinstance(file_obj, Upload):
            raise asyncssh.SFTPPermissionDenied(FIXED)
        await self._away(file_obj.write, offset, data)
        return len(data)

    async def close(self, file_obj: object) -> None:
        """The end of a download or an upload: by the client's word, or because it is gone."""
        by_client = not self._has_ended()
        if isinstance(file_obj, Download):
            self._reading.discard(file_obj)
            collected = await self._away(file_obj.end, by_client)
            if collected:
                self._log.info("collected", party=self._party, file=file_obj.shown.name)
        elif isinstance(file_obj, Upload):
            self._writing -= 1
            await self._away(self._uploads.finish, file_obj, by_client)
            shelf, size = file_obj.place.shelf, file_obj.size
            self._log.info("upload", party=self._party, to=shelf, size=size, whole=by_client)

    async def exit(self) -> None:
        """The session is over."""
        await asyncio.to_thread(self._uploads.end)

    async def fsync(self, file_obj: object) -> None:
        """Make an upload durable so far."""
        if isinstance(file_obj, Upload):
            await self._away(file_obj.flush)

    async def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """An unfinished upload gets its own name."""
        old, new = self._file(oldpath), self._file(newpath)
        await self._away(self._uploads.rename, old, new)

    async def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        """As `rename`: nothing is ever replaced."""
        await self.rename(oldpath, newpath)

    async def remove(self, path: bytes) -> None:
        """An unfinished upload is taken back."""
        await self._away(self._uploads.remove, self._file(path))

    # --- looking ---------------------------------------------------------------------------------

    async def stat(self, path: bytes) -> asyncssh.SFTPAttrs:
        """What a path is."""
        place = self._place(path)
        if not place.name:
            return _folder()
        if place.side == "outbox":
            shown = await self._away(self._shelf.find, place)
            if shown is not None:
                return _file(0o440, shown.size, shown.at)
        elif known := self._uploads.known(place):
            return _file(0o200, *known)
        raise asyncssh.SFTPNoSuchFile(_NOT_THERE)

    async def lstat(self, path: bytes) -> asyncssh.SFTPAttrs:
        """As `stat`: there are no links."""
        return await self.stat(path)

    async def fstat(self, file_obj: object) -> asyncssh.SFTPAttrs:
        """What an open file is."""
        if isinstance(file_obj, Download):
            return _file(0o440, file_obj.shown.size, file_obj.shown.at)
        if isinstance(file_obj, Upload):
            return _file(0o200, file_obj.size, datetime.now(UTC))
        raise asyncssh.SFTPFailure(_NOT_THERE)

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        """The names in a folder; of the inbox only what this session uploaded."""
        place = self._place(path)
        if place.name:
            raise asyncssh.SFTPNoSuchFile("That is not a folder.")
        for name in (".", "..", *self._tree.folders(place)):
            yield _named(name, _folder())
        if place.side == "outbox" and place.shelf:
            for shown in await self._away(self._shelf.files, place):
                yield _named(shown.name, _file(0o440, shown.size, shown.at))
        elif place.side == "inbox" and place.shelf:
            for name in self._uploads.within(place):
                known = self._uploads.known(Place("inbox", place.shelf, name))
                if known is not None:
                    yield _named(name, _file(0o200, *known))

    def realpath(self, path: bytes) -> bytes:
        """A path without ``.`` and ``..``."""
        return canonical(path)

    # --- within ----------------------------------------------------------------------------------

    def _place(self, path: bytes) -> Place:
        self._active()
        try:
            return self._tree.place(path)
        except NoSuchPath:
            self._log.warning("no such path", party=self._party)
            raise asyncssh.SFTPNoSuchFile(_NOT_THERE) from None

    def _file(self, path: bytes) -> Place:
        place = self._place(path)
        if not place.name:
            self._deny(place, "That is a folder, and the folders are fixed.")
        return place

    def _deny(self, place: Place, words: str) -> NoReturn:
        self._log.warning("denied", party=self._party, side=place.side, shelf=place.shelf)
        raise asyncssh.SFTPPermissionDenied(words)

    async def _away(self, work: Callable[_P, _T], *args: _P.args, **named: _P.kwargs) -> _T:
        """Do work that blocks on another thread; its refusals and faults in SFTP's terms."""
        self._active()
        try:
            return await asyncio.to_thread(work, *args, **named)
        except (UploadRefused, ReceiptRefused) as refused:
            self._log.warning("refused", party=self._party, why=type(refused).__name__)
            raise asyncssh.SFTPPermissionDenied(str(refused.args[0])) from None
        except (StoreFault, OSError) as fault:
            code = getattr(fault, "code", None) or type(fault).__name__
            self._log.error("fault", party=self._party, code=code)
            raise asyncssh.SFTPFailure("The gateway cannot do that now; try again later.") from None


def _folder() -> asyncssh.SFTPAttrs:
    return asyncssh.SFTPAttrs(
        type=FILEXFER_TYPE_DIRECTORY, permissions=stat.S_IFDIR | 0o550, uid=0, gid=0, nlink=1
    )


def _file(mode: int, size: int, at: datetime) -> asyncssh.SFTPAttrs:
    seconds = int(at.timestamp())
    return asyncssh.SFTPAttrs(
        type=FILEXFER_TYPE_REGULAR,
        permissions=stat.S_IFREG | mode,
        size=size,
        uid=0,
        gid=0,
        atime=seconds,
        mtime=seconds,
        nlink=1,
    )


def _named(name: str, attrs: asyncssh.SFTPAttrs) -> asyncssh.SFTPName:
    mode = stat.filemode(attrs.permissions or 0)
    when = datetime.fromtimestamp(attrs.mtime or 0, UTC).strftime("%b %d  %Y")
    line = f"{mode}    1 gateway  gateway  {attrs.size or 0:>12} {when} {name}"
    return asyncssh.SFTPName(name.encode(), line.encode(), attrs)
