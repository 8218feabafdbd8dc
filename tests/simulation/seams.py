"""The seams to disk and database: every call a worker makes there is counted, and may go wrong.

A seam stands between the real code and the real calls (`os`, opened files, SQLite), and acts only
while `armed`. What goes wrong comes from a plan: at the k-th call an error, or the worker's end.
Who has been killed calls nothing any more, not even to tidy up, as after SIGKILL; in a power cut,
what was written or renamed and not yet flushed may be lost as well.
"""

import builtins
import errno
import gc
import io
import os
import sqlite3
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Literal

import sqlalchemy as sa

from gateway.store.database import Database

Wrong = Literal["kill", "kill-after", "power-cut", "ENOSPC", "EIO", "meanwhile"]
_ERRNO = {"ENOSPC": errno.ENOSPC, "EIO": errno.EIO}
_WANT_ROOM = frozenset({"open", "write", "mkdir", "link", "rename", "fsync", "execute", "commit"})
_TO_WRITE = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_IN_SQLITE = {"ENOSPC": "database or disk is full", "EIO": "disk I/O error"}
# what a fault is not laid on: without these two nobody could clean up, and no disk fails so
_NEVER_FAIL = frozenset({"unlink", "rmdir"})


class Killed(BaseException):
    """The worker is no more. No code of the gateway's catches it."""


@dataclass
class Seam:
    """What is to go wrong, and where: at which call, counted from 1, and for how many of them."""

    root: Path
    rng: Random
    wrong: Wrong | None = None
    at: int = 0
    lasting: int = 1
    statements: bool = True  # whether statements to the database count, or its commits alone
    meanwhile: Callable[[], None] | None = None
    calls: int = 0
    happened: str = ""
    dead: bool = False
    writing: bool = False  # a write transaction is open
    disk: "Disk" = field(init=False)

    def __post_init__(self) -> None:
        self.disk = Disk(self.root)

    def call(self, kind: str, act: Callable[[], Any]) -> Any:
        """Do one call, or have it go wrong."""
        if self.dead:
            raise Killed
        if kind == "execute" and not self.statements:
            return act()
        self.calls += 1
        due = self.wrong is not None and self.at <= self.calls < self.at + self.lasting
        if not due:
            return act()
        assert self.wrong is not None
        if self.wrong == "meanwhile":
            if self.writing or self.meanwhile is None:
                self.lasting += 1  # others wait for the database: a call later, then
            else:
                others, self.meanwhile = self.meanwhile, None
                self._note(kind)
                with disarmed():
                    others()
            return act()
        if self.wrong in _ERRNO:
            return self._fail(kind, act)
        return self._end(kind, act)

    def _note(self, kind: str) -> None:
        self.happened = self.happened or f"{self.wrong} at call {self.calls} ({kind})"

    def _fail(self, kind: str, act: Callable[[], Any]) -> Any:
        assert self.wrong is not None
        if kind in _NEVER_FAIL or (self.wrong == "ENOSPC" and kind not in _WANT_ROOM):
            return act()
        self._note(kind)
        if kind in ("execute", "commit"):
            raise sqlite3.OperationalError(_IN_SQLITE[self.wrong])
        raise OSError(_ERRNO[self.wrong], os.strerror(_ERRNO[self.wrong]))

    def _end(self, kind: str, act: Callable[[], Any]) -> Any:
        self._note(kind)
        if self.wrong == "kill-after":
            act()
        self.dead = True
        if self.wrong == "power-cut":
            with disarmed():
                self.disk.cut(self.rng)
        raise Killed


# --- a disk that loses what was not flushed -------------------------------------------------------


@dataclass
class Disk:
    """What a power cut may take: bytes of files not flushed, and names of folders not flushed.

    The database is not among it: SQLite flushes each commit (synchronous=FULL).
    """

    root: Path
    dirty: dict[tuple[int, int], int] = field(default_factory=dict)  # by inode: bytes flushed
    names: list[tuple[str, tuple[int, int], Callable[[], None]]] = field(default_factory=list)

    def wrote(self, descriptor: int, had: int) -> None:
        """Bytes went into a file that had so many flushed ones."""
        self.dirty.setdefault(_inode(os.fstat(descriptor)), had)

    def flushed(self, descriptor: int) -> None:
        """A file's bytes, or a folder's names, are on the disk now."""
        about = os.fstat(descriptor)
        if stat.S_ISDIR(about.st_mode):
            self.names = [item for item in self.names if item[1] != _inode(about)]
        else:
            self.dirty.pop(_inode(about), None)

    def named(self, what: str, folder: Path, undo: Callable[[], None]) -> None:
        """A name was given or taken in a folder; how that is undone."""
        if folder.is_relative_to(self.root):
            self.names.append((what, _inode(folder.stat()), undo))

    def cut(self, rng: Random) -> None:
        """The power fails. A folder's names go in the order they came, from some moment on."""
        lost = {inode for _, inode, _ in self.names if rng.random() < 0.5}
        for _, inode, undo in reversed(self.names):
            if inode in lost:
                try:
                    undo()
                except OSError:
                    continue  # what it was about has gone another way
        for folder, _, files in os.walk(self.root):
            for name in files:
                path = Path(folder) / name
                kept = self.dirty.get(_inode(path.lstat()))
                if kept is not None and rng.random() < 0.5:
                    path.chmod(0o600)
                    os.truncate(path, kept)


def _inode(about: os.stat_result) -> tuple[int, int]:
    return about.st_dev, about.st_ino


# --- laying it between ----------------------------------------------------------------------------

_current: Seam | None = None


class _File(io.FileIO):
    """A file opened for writing, whose writes the seam sees; a fault leaves half of one."""

    def write(self, data: Any) -> int:
        seam = _current
        if seam is None:
            return super().write(data)
        block = memoryview(data).cast("B")
        before = os.fstat(self.fileno()).st_size
        try:
            done: int = seam.call("write", lambda: super(_File, self).write(block))
        except OSError:
            super().write(block[: len(block) // 2])
            raise
        except Killed:
            if seam.happened.endswith("(write)") and seam.wrong == "kill":
                super().write(block[: len(block) // 2])
            raise
        finally:
            seam.disk.wrote(self.fileno(), min(before, seam.disk.dirty.get(self._key(), before)))
        return done

    def _key(self) -> tuple[int, int]:
        return _inode(os.fstat(self.fileno()))


_real_open = io.open
_REAL = {
    name: getattr(os, name)
    for name in ("open", "fsync", "rename", "replace", "link", "unlink", "remove", "mkdir", "rmdir")
}


def _open(
    file: Any,
    mode: str = "r",
    buffering: int = -1,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    closefd: bool = True,
    opener: Any = None,
) -> Any:
    seam = _current
    if seam is None or not set(mode) & set("wax+"):
        return _real_open(file, mode, buffering, encoding, errors, newline, closefd, opener)
    plain = mode.replace("b", "").replace("t", "")
    if isinstance(file, int):
        raw: Any = _File(file, plain, closefd=closefd)
    else:
        raw = seam.call("open", lambda: _File(file, plain, closefd=closefd, opener=opener))
    if buffering == 0:
        return raw
    kind = io.BufferedRandom if "+" in mode else io.BufferedWriter
    buffered = kind(raw)
    if "b" in mode:
        return buffered
    text = io.TextIOWrapper(buffered, encoding, errors, newline)
    text.mode = mode
    return text


def _path(of: Any, folder: int | None = None) -> Path:
    if folder is not None:
        return Path(f"/proc/self/fd/{folder}").readlink() / os.fsdecode(of)
    return Path(os.fsdecode(of))


def _seamed(name: str) -> Callable[..., Any]:
    real = _REAL[name]
    kind = {"replace": "rename", "remove": "unlink"}.get(name, name)

    def act(*words: Any, **more: Any) -> Any:
        seam = _current
        if seam is None:
            return real(*words, **more)
        told = "look" if kind == "open" and not words[1] & _TO_WRITE else kind
        return seam.call(told, lambda: _DO.get(kind, _plainly)(seam, real, words, more))

    return act


def _plainly(_seam: Seam, real: Callable[..., Any], words: Any, more: Any) -> Any:
    return real(*words, **more)


def _fsync(seam: Seam, real: Callable[..., Any], words: Any, _more: Any) -> None:
    real(*words)
    seam.disk.flushed(words[0] if isinstance(words[0], int) else words[0].fileno())


def _rename(seam: Seam, real: Callable[..., Any], words: Any, more: Any) -> None:
    source, target = _path(words[0]), _path(words[1])
    replaced = target.read_bytes() if target.is_file() else None
    real(*words, **more)

    def undo() -> None:
        _REAL["rename"](target, source)
        if replaced is not None:
            target.write_bytes(replaced)

    seam.disk.named("rename", target.parent, undo)


def _link(seam: Seam, real: Callable[..., Any], words: Any, more: Any) -> None:
    real(*words, **more)
    target = _path(words[1])
    seam.disk.named("link", target.parent, lambda: _REAL["unlink"](target))


def _unlink(seam: Seam, real: Callable[..., Any], words: Any, more: Any) -> None:
    path = _path(words[0], more.get("dir_fd"))
    had = path.read_bytes() if path.is_file() and not path.is_symlink() else None
    mode = stat.S_IMODE(path.lstat().st_mode) if had is not None else 0
    real(*words, **more)

    def undo() -> None:
        if had is not None and not path.exists():
            path.write_bytes(had)
            path.chmod(mode)

    seam.disk.named("unlink", path.parent, undo)


_DO = {"fsync": _fsync, "rename": _rename, "link": _link, "unlink": _unlink}


class _Cursor(sqlite3.Cursor):
    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        seam = _current
        if seam is None or statement.startswith("ROLLBACK"):
            return super().execute(statement, *values)
        done = seam.call("execute", lambda: super(_Cursor, self).execute(statement, *values))
        seam.writing = self.connection.in_transaction
        return done


class _Connection(sqlite3.Connection):
    def cursor(self, factory: Any = _Cursor) -> Any:
        return super().cursor(factory)

    def commit(self) -> None:
        seam = _current
        if seam is None or not self.in_transaction:
            super().commit()
            return
        seam.call("commit", super().commit)
        seam.writing = False

    def rollback(self) -> None:
        super().rollback()
        if _current is not None:
            _current.writing = False


class Moving:
    """A database whose connections go through the seam, and to the file of whichever run it is.

    ``made``: the connections since it last moved. Whoever ends a worker closes them: its death
    does.
    """

    def __init__(self, database: Database, engine: sa.Engine) -> None:
        self.database = database
        self._path = ""
        self._made: list[sqlite3.Connection] = []
        sa.event.listen(engine, "do_connect", self._connect)

    def to(self, path: Path) -> list[sqlite3.Connection]:
        """Go to that file from now on. Returns the connections to it, as they come."""
        self._path, self._made = str(path), []
        return self._made

    def _connect(self, _dialect: Any, _record: Any, _words: Any, more: dict[str, Any]) -> Any:
        connection = sqlite3.connect(self._path, **more, factory=_Connection)
        self._made.append(connection)
        return connection


@contextmanager
def armed(seam: Seam) -> Iterator[None]:
    """Let the seam act. A worker's end goes no further than this."""
    global _current
    was, _current = _current, seam
    hook, sys.unraisablehook = sys.unraisablehook, lambda _: None
    try:
        yield
    except Killed:
        pass
    finally:
        _current = was
        sys.unraisablehook = hook


def bury(seam: Seam) -> None:
    """End what a killed worker left in memory, such as generators, while it can call nothing."""
    with armed(seam):
        gc.collect()


@contextmanager
def disarmed() -> Iterator[None]:
    """What others do meanwhile is not the worker's."""
    global _current
    was, _current = _current, None
    try:
        yield
    finally:
        _current = was


@contextmanager
def installed() -> Iterator[None]:
    """Put the seams in: `os`, opened files. One run at a time in a process."""
    for name in _REAL:
        setattr(os, name, _seamed(name))
    io.open = builtins.open = _open  # type: ignore[assignment]
    try:
        yield
    finally:
        for name, real in _REAL.items():
            setattr(os, name, real)
        io.open = builtins.open = _real_open
