"""What a window's package carries: of all staged rows, the newest of each reference that is news.

Rows are walked twice and never all held at once: first by keyed hash, to choose; then in order, to
write. The order is that of the drops, then of the rows in them, so the same staged rows always
make the same workbook.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from gateway.agreement.model import Flow
from gateway.crypto.memory import KeyedMemory
from gateway.dispatch.earlier import Layout, layout
from gateway.dispatch.manifest import Kind
from gateway.records.staging import Row, Staging
from gateway.store import sent
from gateway.store.database import Database
from gateway.store.drops import DropRow
from gateway.store.sent import SentReference

SealReference = Callable[[str], bytes]
_ASK = 5_000


@dataclass(frozen=True)
class Chosen:
    """The keyed hashes of a row that travels: of its reference, and of its content."""

    reference_mac: bytes
    row_mac: bytes
    is_update: bool


@dataclass(frozen=True)
class Gathered:
    """The choice of a window. ``repeats`` counts accepted rows that do not travel after all."""

    flow: Flow
    drops: tuple[DropRow, ...]
    chosen: Mapping[tuple[str, int], Chosen]  # by drop and the row's number in it
    repeats: int

    @property
    def kind(self) -> Kind:
        """Data, or which of the three truths when there is none (design §5.1).

        A drop that was taken and brought nothing new declares that there is nothing to send; one
        that was quarantined, or that was seen before to the byte, declares nothing.
        """
        if self.chosen:
            return "data"
        if self.held:
            return "rows-held"
        return "nil-declared" if self.drops else "nothing-received"

    @property
    def held(self) -> int:
        """How many rows of these drops are held back."""
        return sum(drop.held or 0 for drop in self.drops)


class Gatherer:
    """Walks a flow's staged rows."""

    def __init__(
        self, database: Database, staging: Staging, keyed: KeyedMemory, agreement_hash: str
    ) -> None:
        self._database = database
        self._staging = staging
        self._keyed = keyed
        self._agreement_hash = agreement_hash
        self._layouts: dict[tuple[str, str], Layout] = {}

    def choose(self, flow: Flow, drops: Sequence[DropRow], without: str | None = None) -> Gathered:
        """Choose what travels: the newest row of each reference, unless it was sent so before.

        ``without``: a package about to be withdrawn, whose rows do not count as sent.
        """
        with self._database.transaction() as tx:  # no later: rows are walked in transactions too
            for drop in drops:
                judged_by = drop.agreement_hash
                if judged_by != self._agreement_hash and (flow.id, judged_by) not in self._layouts:
                    self._layouts[flow.id, judged_by] = layout(tx, flow, judged_by)
        newest: dict[bytes, tuple[tuple[str, int], bytes]] = {}
        for drop, (number, cells) in self._staged(flow, drops):
            mac = self._keyed.reference(flow.id, cells[flow.reference_place])
            newest[mac] = ((drop.id, number), self._keyed.row(flow.id, cells))
        before = self._digests(flow, list(newest), without)
        chosen = {
            place: Chosen(mac, row_mac, mac in before)
            for mac, (place, row_mac) in newest.items()
            if before.get(mac) != row_mac
        }
        # A row that was sent before is staged too, but was not counted as accepted. It is never
        # chosen here: where what was sent is withdrawn, its drop is counted anew (`withdrawal`).
        accepted = sum(drop.accepted or 0 for drop in drops)
        return Gathered(flow, tuple(drops), chosen, accepted - len(chosen))

    def rows(self, gathered: Gathered) -> Iterator[tuple[str, ...]]:
        """The cells of the rows that travel, in order."""
        for cells, _ in self._going(gathered):
            yield cells

    def update_positions(self, gathered: Gathered) -> tuple[int, ...]:
        """Which rows that travel are updates, counted from 1."""
        if not any(item.is_update for item in gathered.chosen.values()):
            return ()
        going = enumerate(self._going(gathered), start=1)
        return tuple(place for place, (_, item) in going if item.is_update)

    def references(self, gathered: Gathered, seal: SealReference) -> Iterator[SentReference]:
        """What is remembered of the rows that travel."""
        place = gathered.flow.reference_place
        for cells, item in self._going(gathered):
            yield SentReference(item.reference_mac, item.row_mac, seal(cells[place]))

    def answered(self, gathered: Gathered, flow_id: str) -> Iterator[bytes]:
        """The references of another flow that rows answer, as that flow's keyed hashes."""
        flow = gathered.flow
        rules = [(flow.place(item.field), item.values) for item in flow.answered_when]
        for cells in self.rows(gathered):
            if not rules or any(
                cells[place] and (not values or cells[place] in values) for place, values in rules
            ):
                yield self._keyed.reference(flow_id, cells[flow.reference_place])

    def _going(self, gathered: Gathered) -> Iterator[tuple[tuple[str, ...], Chosen]]:
        for drop, (number, cells) in self._staged(gathered.flow, gathered.drops):
            item = gathered.chosen.get((drop.id, number))
            if item is not None:
                yield cells, item

    def _staged(self, flow: Flow, drops: Sequence[DropRow]) -> Iterator[tuple[DropRow, Row]]:
        for drop in drops:
            chunks = self._staging.read(drop.id, "accepted")
            if drop.agreement_hash == self._agreement_hash:
                for chunk in chunks:
                    for row in chunk:
                        yield drop, row
                continue
            now = self._layouts[flow.id, drop.agreement_hash]
            for chunk in chunks:
                for number, cells in chunk:
                    yield drop, (number, now.of(cells))

    def _digests(
        self, flow: Flow, macs: Sequence[bytes], without: str | None
    ) -> dict[bytes, bytes]:
        found: dict[bytes, bytes] = {}
        for start in range(0, len(macs), _ASK):
            with self._database.transaction() as tx:
                found |= sent.last_digests(tx, flow.id, macs[start : start + _ASK], without)
        return found
