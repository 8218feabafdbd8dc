"""What the store says when it cannot: in the same words whichever database it is."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from gateway.refusal import Refusal
from gateway.store.kept import APPEND_ONLY

# What the triggers say that refuse (`guards`).
_GUARDED = (" is only ever added to", " is never removed from")
MOVED = "this home has moved to another database"  # what a file says that `moving` has closed
# PostgreSQL's own codes (SQLSTATE), where they are not of what the caller did.
_LOCKED = ("55P03", "40P01", "40001")
_FULL = ("53100",)
_DAMAGED = ("XX001", "XX002")
_RIGHTS = ("42501",)
_NO_TABLES = ("42P01",)
_TAKEN = "23505"


class StoreFault(Refusal):
    """The database or a blob store could not do what was asked. ``hint`` says what to do next."""


@contextmanager
def told_plainly() -> Iterator[None]:
    """What the database says as a StoreFault, but for what is the caller's own fault."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        fault = _fault(error)
        if fault is None:
            raise  # such as a broken constraint
        raise fault from error


def _fault(error: sa.exc.DBAPIError) -> StoreFault | None:
    text, state = str(error.orig), getattr(error.orig, "sqlstate", None)
    if any(words in text for words in _GUARDED) or _replaces(error.orig, state):
        return StoreFault(
            "deletion.refused",
            "Something tried to remove or rewrite what is kept. The database refused it.",
            "Nothing was changed. Report this as a fault of the gateway.",
        )
    if MOVED in text:
        return StoreFault(
            "database.moved",
            "The records of this home have moved to PostgreSQL.",
            "Name that database in [database] url again (docs/postgresql.md).",
        )
    if state is not None:
        return _of_postgresql(error, state)
    if isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError):
        return _of_words(text.lower())
    return _damaged() if type(error) is sa.exc.DatabaseError else None


def _replaces(error: BaseException | None, state: str | None) -> bool:
    """Whether PostgreSQL refused another row in the place of one that is only ever added to."""
    return state == _TAKEN and error.diag.table_name in APPEND_ONLY  # type: ignore[union-attr]


def _of_postgresql(error: sa.exc.DBAPIError, state: str) -> StoreFault | None:
    if state in _LOCKED:
        return _of_words("locked")
    if state in _FULL:
        return _of_words("full")
    if state in _DAMAGED:
        return _damaged()
    if state in _RIGHTS:
        return StoreFault(
            "database.rights",
            "The gateway's role in the database may not do this.",
            "Run `init`: it gives the role of [database] url its rights (docs/postgresql.md).",
        )
    of_the_server = isinstance(error, sa.exc.OperationalError | sa.exc.InternalError)
    return _of_words("") if of_the_server or state in _NO_TABLES else None


def _of_words(text: str) -> StoreFault:
    if "locked" in text or "busy" in text:
        return StoreFault(
            "database.locked",
            "Another program holds the database.",
            "Nothing was lost. Close the program that has it open; the next tick tries again.",
        )
    if "full" in text:
        return StoreFault(
            "disk.full", "The disk is full.", "Free some space; the next tick goes on where it was."
        )
    return StoreFault(
        "database.unavailable",
        "The database cannot be used.",
        "Run `init` if this home is new; otherwise run `doctor` and check the disk and its rights.",
    )


def _damaged() -> StoreFault:
    return StoreFault(
        "database.damaged",
        "The database file is damaged, or is not a database at all.",
        "Stop the gateway, keep the file as it is, and restore the latest backup.",
    )
