"""A GNUPGHOME under a short private name, and agents that end with their last user (design §5.1).

gpg's agent listens on a socket inside the GNUPGHOME, and a socket's path breaks beyond about 107
bytes; a home of the gateway is often deeper than that.
"""

import fcntl
import os
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

from gateway.crypto.faults import CryptoFault

_LONGEST_BASE = 60


def _short_base() -> str:
    base = tempfile.gettempdir()
    return base if len(os.fsencode(base)) <= _LONGEST_BASE else "/tmp"  # noqa: S108


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


class GpgHome:
    """An open GNUPGHOME: ``path`` is the short way to it until ``close()``.

    Missing, the folder is made 0700; readable by others, it is refused (``home.unsafe``). Several
    processes may have the same home open: each holds a shared lock, and only the last to close
    ends the agents, so that none is killed under a signature in hand.
    """

    def __init__(self, home: Path) -> None:
        real = _private_folder(home).resolve()
        self._folder = os.open(real, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(self._folder, fcntl.LOCK_SH)
            self._short = Path(tempfile.mkdtemp(prefix="gpg-", dir=_short_base()))
            self.path = self._short / "h"
            self.path.symlink_to(real, target_is_directory=True)
        except BaseException:
            os.close(self._folder)
            raise
        self._open = True

    def close(self) -> None:
        """End the agents, unless another process still uses this home, and drop the short name."""
        if not self._open:
            return
        self._open = False
        try:
            fcntl.flock(self._folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._end_agents()
        except BlockingIOError:
            pass  # another process has this home open: its close will end the agents
        finally:
            os.close(self._folder)
            shutil.rmtree(self._short, ignore_errors=True)

    def _end_agents(self) -> None:
        program = shutil.which("gpgconf")
        if program is not None:
            subprocess.run(
                [program, "--homedir", str(self.path), "--kill", "all"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
            )
