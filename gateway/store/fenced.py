"""A database for work that may have been given to somebody else meanwhile."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gateway.store.database import Database, Transaction


class FencedDatabase(Database):
    """The same database; each transaction that may write first asks whether it may go on.

    ``require`` raises where it may not: nothing is then written. It is asked in the transaction,
    while nobody else writes, so that the answer holds until its end.
    """

    def __init__(self, database: Database, require: Callable[[Transaction], None]) -> None:
        vars(self).update(vars(database))
        self._require = require

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Begin if that is allowed still, then commit or roll back."""
        with super().transaction() as tx:
            self._require(tx)
            yield tx

    def confirm(self) -> None:
        """Raise where it may not go on: for what is done outside of the database."""
        with self.transaction():
            pass
