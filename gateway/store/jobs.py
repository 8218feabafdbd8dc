"""Jobs of the queue, as far as they are part of our own transactions."""

from collections.abc import Callable

import sqlalchemy as sa

from gateway.store.database import Transaction


def after_commit(tx: Transaction, call: Callable[[], None]) -> None:
    """Call when the transaction is committed; never, where it is rolled back."""
    sa.event.listen(tx, "commit", lambda _: call(), once=True)
