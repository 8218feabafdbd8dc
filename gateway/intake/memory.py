"""What was sent before, as intake asks it: by keyed hashes, never by value."""

import operator
from itertools import compress

from gateway.agreement.model import Flow
from gateway.crypto.memory import KeyedMemory
from gateway.records.chunk import Chunk
from gateway.store import sent
from gateway.store.database import Database


class NothingSent:
    """The memory of a home that does not exist yet: nothing was ever sent."""

    def already_sent(self, _flow: Flow, _rows: Chunk) -> set[int]:
        """None."""
        return set()

    def unknown_references(self, flow: Flow, rows: Chunk) -> set[int]:
        """Every row of a flow that answers another, since that one has sent nothing."""
        return set(rows.numbers) if flow.reconcile_with else set()


class SentBefore:
    """Answers whether rows were sent, from the database's keyed hashes (design §5.1)."""

    def __init__(self, database: Database, keyed: KeyedMemory) -> None:
        self._database = database
        self._keyed = keyed

    def already_sent(self, flow: Flow, rows: Chunk) -> set[int]:
        """The numbers of those rows whose reference was last sent with this very content."""
        macs, last = self._last(flow, flow.id, rows)
        known = rows.where([mac in last for mac in macs])
        wanted = [last[mac] for mac in macs if mac in last]
        found = self._keyed.rows(flow.id, known.rows())
        same = map(operator.eq, found, wanted)
        return set(compress(known.numbers, same))

    def unknown_references(self, flow: Flow, rows: Chunk) -> set[int]:
        """The numbers of those rows whose reference was never sent to their sender."""
        if flow.reconcile_with is None:
            return set()
        macs, known = self._last(flow, flow.reconcile_with, rows)
        return {number for number, mac in zip(rows.numbers, macs, strict=True) if mac not in known}

    def _last(
        self, flow: Flow, sent_in: str, rows: Chunk
    ) -> tuple[list[bytes], dict[bytes, bytes]]:
        """The digests of the rows' references, and what those of them were last sent with."""
        if not len(rows):
            return [], {}
        macs = self._keyed.references(sent_in, rows.columns[flow.reference_place].cells())
        with self._database.transaction() as tx:
            return macs, sent.last_digests(tx, sent_in, macs)
