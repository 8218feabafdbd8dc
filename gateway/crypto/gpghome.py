"""A GNUPGHOME under a short private name, and agents that end with their last user (design §5.1).

gpg's agent listens on a socket inside the GNUPGHOME, and a socket's path breaks beyond about 107
bytes; a home of the gateway is often deeper than that.
"""

import fcntl
import hashlib
import os
import shutil
import stat
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

from gateway.crypto.faults import CryptoFault

_LONGEST_BASE = 60
_PATIENCE_SECONDS = 30.0


def _short_base() -> str:
    base = tempfile.gettempdir()
    return base if len(os.fsencode(base)) <= _LONGEST_BASE else "/tmp"  # noqa: S108  # nosec B108


def _private_folder(home: Path) -> Path:
    if not home.exists():
        home.mkdir(mode=0o700, parents=True)
    about = home.stat()
    if not stat.S_ISDIR(about.st_mode) or stat.S_IMODE(about.st_mode) & 0o077:
        raise CryptoFault(
            "home.unsafe",
            f"The key folder {home} is not a folder that its owner alone can read.",
            "Make it private: chmod 700 on the folder, then check who could have read it.",
        )
    return home


def _short_name(real: Path) -> Path:
    """A private folder with the link ``h`` to ``real``, the same for every process that opens it.

    An agent keeps the name it was started under, so the name must last as long as the agent does.
    In a temp folder where others write too, a name that is not ours is left to its owner.
    """
    base = _short_base()
    told = f"{os.geteuid()}:{real}".encode()
    short = Path(base, f"gpg-{hashlib.sha256(told).hexdigest()[:16]}")
    with suppress(FileExistsError):
        short.mkdir(mode=0o700)
    if not _is_ours(short):
        short = Path(tempfile.mkdtemp(prefix="gpg-", dir=base))
    with suppress(FileExistsError):
        (short / "h").symlink_to(real, target_is_directory=True)
    return short


def _is_ours(folder: Path) -> bool:
    about = folder.lstat()
    private = stat.S_ISDIR(about.st_mode) and not stat.S_IMODE(about.st_mode) & 0o077
    return private and about.st_uid == os.geteuid()


class GpgHome:
    """An open GNUPGHOME: ``path`` is the short way to it until ``close()``.

    Missing, the folder is made 0700; readable by others, it is refused (``home.unsafe``). Several
    processes may have the same home open: each holds a shared lock, and only the last to close
    ends the agents and drops the short name, so that no signature in hand loses its agent. What a
    killed process leaves behind is used, and tidied away, by the next.
    """

    def __init__(self, home: Path) -> None:
        real = _private_folder(home).resolve()
        self._folder = os.open(real, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(self._folder, fcntl.LOCK_SH)
            self._short = _short_name(real)
        except BaseException:
            os.close(self._folder)
            raise
        self.path = self._short / "h"
        self._open = True

    def close(self) -> None:
        """End the agents and drop the short name, unless another process still uses this home."""
        if not self._open:
            return
        self._open = False
        try:
            fcntl.flock(self._folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._end_agents()
            shutil.rmtree(self._short, ignore_errors=True)
        except BlockingIOError:
            pass  # another process has this home open: its close will tidy up
        finally:
            os.close(self._folder)

    def _end_agents(self) -> None:
        program = shutil.which("gpgconf")
        if program is None:
            return
        with suppress(subprocess.TimeoutExpired):  # an agent that hangs is not ours to wait for
            subprocess.run(
                [program, "--homedir", str(self.path), "--kill", "all"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                timeout=_PATIENCE_SECONDS,
            )
