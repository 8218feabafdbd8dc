"""Running the real gpg: one place for its options, its status lines and python-gnupg's traps.

python-gnupg's own ``ok`` is never the last word: an unsigned message decrypts ``ok``, and a bad
signer is replaced by another key ``ok``. So every run is judged by gpg's status lines.

Keys go through python-gnupg's doors; files go to gpg as its standard input, opened by us (``run``).
python-gnupg would copy them through a thread: it may close the file under the copier, takes a
source that fails half way for its end, and loses gpg's verdict when gpg stops reading early. As
standard input a file also has no name that gpg could write into the message.
"""

import os
import shutil
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import gnupg

from gateway.crypto.faults import CryptoFault

# Nothing from a gpg.conf (`encrypt-to`, `default-key`) and nothing from the network may count.
# Trust is decided here, by pinned full fingerprints, and not by gpg's web of trust.
_OPTIONS = (
    "--no-options",
    "--no-encrypt-to",
    "--no-auto-key-retrieve",
    "--no-auto-key-locate",
    "--disable-dirmngr",
    "--trust-model",
    "always",
    "--no-auto-check-trustdb",
)
_PREFIX = "[GNUPG:] "
# Seconds. gpg seals 30 MB in a quarter of one, but waits for ever for a lock that a killed gpg left
# under another host name, as after a container's restart or from a backup, and for a stuck agent.
PATIENCE = 120.0
# Once a run had to be ended, until one ends by itself: a tick asks gpg about a dozen times, and
# what needs no gpg is not to wait for each. What we do with gpg begins with a question to its
# keyring, which it answers at once if it works again.
ONCE_STUCK = 10.0


class _Result(Protocol):
    """What we use of python-gnupg's results."""

    returncode: int
    stderr: str


@dataclass(frozen=True, slots=True)
class Said:
    """What one run of gpg said: its exit code, status lines (keyword, words) and last log line."""

    exit: int
    statuses: tuple[tuple[str, tuple[str, ...]], ...]
    log: tuple[str, ...]

    def all(self, *keywords: str) -> list[tuple[str, ...]]:
        """The words of every status line with one of these keywords, in order."""
        return [words for keyword, words in self.statuses if keyword in keywords]

    def has(self, *keywords: str) -> bool:
        """Whether any of these keywords was said."""
        return any(keyword in keywords for keyword, _ in self.statuses)


def said(result: _Result) -> Said:
    """Read the status lines of a finished run; a full disk is told as the ``OSError`` it is."""
    return _said(result.returncode, result.stderr)


def _said(code: int, stderr: str) -> Said:
    statuses = []
    log = []
    for line in stderr.split("\n"):
        if line.startswith(_PREFIX):
            keyword, *words = line.removeprefix(_PREFIX).split() or [""]
            statuses.append((keyword, tuple(words)))
        elif line.strip():
            log.append(line.strip())
    if any("No space left on device" in line for line in log):
        raise OSError(28, "No space left on device")
    return Said(code, tuple(statuses), tuple(log))


class Gpg(gnupg.GPG):  # type: ignore[misc]  # python-gnupg is untyped
    """python-gnupg, whose runs of gpg are ended as ours are. Raises ``gpg.stuck``.

    ``stuck``: the last run had to be ended.
    """

    stuck = False

    @property
    def patience(self) -> float:
        """How long the next run may take, in seconds."""
        return ONCE_STUCK if self.stuck else PATIENCE

    def _collect_output(self, process: "subprocess.Popen[bytes]", *more: Any, **named: Any) -> None:
        ended = threading.Event()

        def end() -> None:
            ended.set()
            process.kill()

        timer = threading.Timer(self.patience, end)
        timer.daemon = True
        timer.start()
        try:
            super()._collect_output(process, *more, **named)
        finally:
            timer.cancel()
        self.stuck = ended.is_set()
        if self.stuck:
            raise _stuck()


def _stuck() -> CryptoFault:
    return CryptoFault(
        "gpg.stuck",
        "gpg did not finish, and was ended.",
        "If no other gpg uses this key folder, remove the *.lock files in it; then retry.",
    )


def gpg_program() -> str:
    """The path of gpg. Raises ``gpg.missing``."""
    program = shutil.which("gpg")
    if program is None or shutil.which("gpgconf") is None:
        raise _missing()
    return program


def _missing() -> CryptoFault:
    return CryptoFault(
        "gpg.missing",
        "The programs gpg and gpgconf (GnuPG 2.2 or later) are not installed.",
        "Install GnuPG: on Debian or Ubuntu the packages gnupg and gpgconf; on Red Hat gnupg2.",
    )


def open_gpg(home: Path, faked_time: datetime | None) -> Gpg:
    """python-gnupg over ``home`` (a short path). Raises ``gpg.missing``, ``.failed``, ``.stuck``.

    The faked clock is frozen (``!``): a rehearsal's signature bears exactly the moment of
    ``--now``, and the same command judged twice says the same. Nothing we run waits for it to move.
    """
    options = list(_OPTIONS)
    if faked_time is not None:
        options += ["--faked-system-time", f"{_gpg_time(faked_time)}!"]
    environment = {k: v for k, v in os.environ.items() if k not in ("GNUPGHOME", "DEBUG_IPC")}
    try:
        gpg = Gpg(
            gpgbinary=gpg_program(),
            gnupghome=str(home),
            options=options,
            env={**environment, "LC_ALL": "C", "LANGUAGE": ""},
        )
    except (OSError, ValueError) as error:
        raise CryptoFault(
            "gpg.failed", "gpg does not start.", "Run `gpg --version` as the gateway's user."
        ) from error
    if gpg.version is None or gpg.version < (2, 2):
        raise CryptoFault(
            "gpg.missing", "The gpg found is older than 2.2.", "Install GnuPG 2.2 or later."
        )
    return gpg


def run(gpg: Gpg, args: Sequence[str], source: bytes | BinaryIO = b"") -> tuple[Said, str]:
    """Run gpg over ``source``, its standard input; gives what it said and what it printed.

    Raises ``gpg.missing``, ``gpg.stuck``, and ``OSError`` for a full disk.
    """
    given = source if isinstance(source, bytes) else None
    try:
        started = subprocess.Popen(
            gpg.make_args(list(args), False),
            stdin=source if not isinstance(source, bytes) else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=gpg.env,
        )
    except FileNotFoundError as error:
        raise _missing() from error
    with started as process:
        try:
            printed, log = process.communicate(given, timeout=gpg.patience)
        except subprocess.TimeoutExpired as error:
            process.kill()
            gpg.stuck = True
            raise _stuck() from error
    gpg.stuck = False
    return (
        _said(process.returncode, log.decode("latin-1")),
        printed.decode("utf-8", "replace"),
    )


def failed(what: str, heard: Said) -> CryptoFault:
    """The fault for a failure that has no name of its own; gpg's last words are in the hint."""
    last = heard.log[-1] if heard.log else f"exit code {heard.exit}"
    return CryptoFault("gpg.failed", f"gpg could not {what}.", f"gpg said: {last}")


def _gpg_time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%S")
