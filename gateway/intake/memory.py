"""What was sent before, as intake asks it: by keyed hashes, never by value."""

from collections.abc import Sequence

from gateway.agreement.model import Flow
from gateway.crypto.memory import KeyedMemory
from gateway.records.staging import Row
from gateway.store import sent
from gateway.store.database import Database


class NothingSent:
    """The memory of a home that does not exist yet: nothing was ever sent."""

    def already_sent(self, _flow: Flow, _rows: Sequence[Row]) -> set[int]:
        """None."""
        return set()

    def unknown_references(self, flow: Flow, rows: Sequence[Row]) -> set[int]:
        """Every row of a flow that answers another, since that one has sent nothing."""
        return {number for number, _ in rows} if flow.reconcile_with else set()


class SentBefore:
    """Answers whether rows were sent, from the database's keyed hashes (design §5.1)."""

    def __init__(self, database: Database, keyed: KeyedMemory) -> None:
        self._database = database
        self._keyed = keyed

    def already_sent(self, flow: Flow, rows: Sequence[Row]) -> set[int]:
        """The numbers of those rows whose reference was last sent with this very content."""
        place = flow.reference_place
        macs = [self._keyed.reference(flow.id, cells[place]) for _, cells in rows]
        with self._database.transaction() as tx:
            last = sent.last_digests(tx, flow.id, macs)
        return {
            number
            for (number, cells), mac in zip(rows, macs, strict=True)
            if mac in last and last[mac] == self._keyed.row(flow.id, cells)
        }

    def unknown_references(self, flow: Flow, rows: Sequence[Row]) -> set[int]:
        """The numbers of those rows whose reference was never sent to their sender."""
        if flow.reconcile_with is None:
            return set()
        place = flow.reference_place
        answered = flow.reconcile_with
        macs = [self._keyed.reference(answered, cells[place]) for _, cells in rows]
        with self._database.transaction() as tx:
            known = sent.last_digests(tx, answered, macs)
        return {number for (number, _), mac in zip(rows, macs, strict=True) if mac not in known}
