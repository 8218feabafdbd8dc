"""Faults of the parts themselves (disk, database, gpg), in words, with an alarm each."""

import errno
from dataclasses import dataclass
from datetime import datetime

from gateway.records.alarms import raise_alarm
from gateway.store.database import Database, StoreFault

WORKER = "worker"  # the subject of a fault that ended a tick
_BY_ERRNO = {
    errno.ENOSPC: ("disk.full", "The disk is full.", "Free some space."),
    errno.EDQUOT: ("disk.full", "The disk quota is used up.", "Free some space."),
    errno.EACCES: ("disk.denied", "A folder of the home may not be used.", "Check its rights."),
    errno.EPERM: ("disk.denied", "A folder of the home may not be used.", "Check its rights."),
    errno.EROFS: ("disk.denied", "The disk is read-only.", "Mount it for writing."),
    errno.EXDEV: (
        "disk.two-file-systems",
        "The inbox and var/work lie on different file systems.",
        "Put both on one file system, and run `init` again.",
    ),
    errno.EIO: ("disk.broken", "The disk failed to read or write.", "Look at the disk at once."),
}


@dataclass(frozen=True)
class Fault:
    """What could not be done, and what to do. Words name parts and folders, never a value."""

    code: str
    subject: str
    words: str

    def alarm(self, database: Database, now: datetime) -> None:
        """Raise the fault's alarm; a database that cannot be written has no room for one."""
        try:
            with database.transaction() as tx:
                raise_alarm(tx, self.code, self.subject, self.words, now)
        except StoreFault:
            return


def own_words(error: BaseException) -> tuple[str, str, str] | None:
    """Code, message and hint of an exception of ours; another's text may hold data: None."""
    code = getattr(error, "code", None)
    if not type(error).__module__.startswith("gateway.") or not isinstance(code, str):
        return None
    hint = getattr(error, "hint", "")
    message = getattr(error, "message", error.args[0] if error.args else "")
    return code, str(message), str(hint)


def as_fault(subject: str, error: BaseException) -> Fault:
    """An exception as a fault: its own words where they are ours, its kind alone where not."""
    told = own_words(error)
    if told is not None:
        return Fault(told[0], subject, f"{told[1]} {told[2]}".strip())
    if isinstance(error, OSError) and error.errno in _BY_ERRNO:
        known, what, fix = _BY_ERRNO[error.errno]
        return Fault(known, subject, f"{what} {fix} The next tick tries again.")
    return Fault(
        "internal",
        subject,
        f"The gateway failed in a way it does not know ({type(error).__name__}). Nothing was lost; "
        "the next tick tries again. Tell whoever maintains it.",
    )
