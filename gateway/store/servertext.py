"""Text on its way to PostgreSQL, as SQLite takes it. Loads psycopg: for databases on a server."""

from typing import Any

from psycopg.abc import Buffer
from psycopg.types.string import StrDumperUnknown


class WithoutNul(StrDumperUnknown):
    """NUL, which PostgreSQL's text cannot hold, is put and sought as U+FFFD: it finds nothing."""

    def dump(self, obj: str) -> Buffer | None:
        """The text in its encoding."""
        return super().dump(obj.replace("\0", "\ufffd"))


def prepare(connection: Any, _record: Any) -> None:
    """For each new connection."""
    connection.adapters.register_dumper(str, WithoutNul)
