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
from gateway.records.chunk import Chunk, all_rows
from gateway.records.staging import Staging
from gateway.store import sent
from gateway.store.database import Database
from gateway.store.drops import DropRow
from gateway.store.sent import SentReference

SealReference = Callable[[str], bytes]
_ASK = 5_000
_MAC = 32  # bytes of a keyed hash
_NEW, _UPDATE = 1, 2


@dataclass(frozen=True)
class Chosen:
    """Which of the staged rows travel, and their keyed hashes; as many rows as it is long.

    ``marks`` has a byte for each staged row, in the order in which they are walked: 0 for one that
    stays. The hashes are of the rows that travel, in that order, one after another.
    """

    marks: bytes
    reference_macs: bytes
    row_macs: bytes

    def __len__(self) -> int:
        return len(self.row_macs) // _MAC

    def updates(self) -> list[int]:
        """Which of the rows that travel are updates, counted from 1."""
        going = filter(None, self.marks)
        return [place for place, mark in enumerate(going, start=1) if mark == _UPDATE]


@dataclass(frozen=True)
class Gathered:
    """The choice of a window. ``repeats`` counts accepted rows that do not travel after all."""

    flow: Flow
    drops: tuple[DropRow, ...]
    chosen: Chosen
    repeats: int

    @property
    def kind(self) -> Kind:
        """Data, or which of the three truths when there is none (design §5.1).

        A drop that was taken and brought nothing new declares that there is nothing to send; one
        that was quarantined, or that was seen before to the byte, declares nothing.
        """
        if len(self.chosen):
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
        self._know_layouts(flow, drops)
        newest: dict[bytes, int] = {}  # by reference: the row, as they are walked
        row_macs = bytearray()
        for chunk in self._staged(flow, drops):
            references = chunk.columns[flow.reference_place].cells()
            places = range(len(row_macs) // _MAC, len(row_macs) // _MAC + len(chunk))
            newest.update(zip(self._keyed.references(flow.id, references), places, strict=True))
            row_macs += b"".join(self._keyed.rows(flow.id, chunk.rows()))
        chosen = _chosen(newest, row_macs, self._digests(flow, list(newest), without))
        # A row that was sent before is staged too, but was not counted as accepted. It is never
        # chosen here: where what was sent is withdrawn, its drop is counted anew (`withdrawal`).
        accepted = sum(drop.accepted or 0 for drop in drops)
        return Gathered(flow, tuple(drops), chosen, accepted - len(chosen))

    def _know_layouts(self, flow: Flow, drops: Sequence[DropRow]) -> None:
        """Ask beforehand how rows of earlier versions lie: they are walked in transactions too."""
        earlier = {drop.agreement_hash for drop in drops} - {self._agreement_hash}
        if earlier:
            with self._database.transaction() as tx:
                found = {(flow.id, judged_by): layout(tx, flow, judged_by) for judged_by in earlier}
            self._layouts |= found

    def rows(self, gathered: Gathered) -> Iterator[tuple[str, ...]]:
        """The cells of the rows that travel, in order."""
        return all_rows(self._going(gathered))

    def update_positions(self, gathered: Gathered) -> tuple[int, ...]:
        """Which rows that travel are updates, counted from 1."""
        return tuple(gathered.chosen.updates())

    def references(self, gathered: Gathered, seal: SealReference) -> Iterator[SentReference]:
        """What is remembered of the rows that travel."""
        place, chosen = gathered.flow.reference_place, gathered.chosen
        at = 0
        for chunk in self._going(gathered):
            for reference in chunk.columns[place].cells():
                macs = chosen.reference_macs[at : at + _MAC], chosen.row_macs[at : at + _MAC]
                yield SentReference(*macs, seal(reference))
                at += _MAC

    def answered(self, gathered: Gathered, flow_id: str) -> Iterator[bytes]:
        """The references of another flow that rows answer, as that flow's keyed hashes."""
        flow = gathered.flow
        rules = [(flow.place(item.field), item.values) for item in flow.answered_when]
        for cells in self.rows(gathered):
            if not rules or any(
                cells[place] and (not values or cells[place] in values) for place, values in rules
            ):
                yield self._keyed.reference(flow_id, cells[flow.reference_place])

    def _going(self, gathered: Gathered) -> Iterator[Chunk]:
        """The staged rows that travel."""
        at = 0
        for chunk in self._staged(gathered.flow, gathered.drops):
            marks = gathered.chosen.marks[at : at + len(chunk)]
            at += len(chunk)
            yield chunk.where(marks)

    def _staged(self, flow: Flow, drops: Sequence[DropRow]) -> Iterator[Chunk]:
        """All staged rows of these drops, as the agreement has them now."""
        for drop in drops:
            chunks = map(Chunk.of, self._staging.read(drop.id, "accepted"))
            if drop.agreement_hash == self._agreement_hash:
                yield from chunks
                continue
            now = self._layouts[flow.id, drop.agreement_hash]
            for chunk in chunks:
                yield chunk.laid_out(now.places)

    def _digests(
        self, flow: Flow, macs: Sequence[bytes], without: str | None
    ) -> dict[bytes, bytes]:
        found: dict[bytes, bytes] = {}
        for start in range(0, len(macs), _ASK):
            with self._database.transaction() as tx:
                found |= sent.last_digests(tx, flow.id, macs[start : start + _ASK], without)
        return found


def _chosen(
    newest: Mapping[bytes, int], row_macs: bytes | bytearray, before: Mapping[bytes, bytes]
) -> Chosen:
    """Of the newest rows those that are news, by what their references were last sent with."""
    marks = bytearray(len(row_macs) // _MAC)
    going: list[tuple[int, bytes]] = []
    for mac, place in newest.items():
        last = before.get(mac)
        if last is None or last != row_macs[_MAC * place : _MAC * (place + 1)]:
            marks[place] = _NEW if last is None else _UPDATE
            going.append((place, mac))
    going.sort()
    return Chosen(
        bytes(marks),
        b"".join(mac for _, mac in going),
        b"".join(bytes(row_macs[_MAC * place : _MAC * (place + 1)]) for place, _ in going),
    )
