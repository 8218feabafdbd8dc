"""How drops and a flow stand, for the party whose token asks."""

from collections import Counter

from gateway.agreement.windows import next_moment
from gateway.agreement.workingdays import WorkingDays
from gateway.api.callers import Caller
from gateway.api.face import Face
from gateway.api.problem import problem_for
from gateway.api.shapes import DropShape, DropsShape, StatusShape
from gateway.receipts.serving import servable
from gateway.store import checkpoints, drops
from gateway.store.drops import DropRow


def listed_drops(face: Face, caller: Caller) -> DropsShape:
    """The latest drops of the caller's party and flow, newest first."""
    who = caller.principal
    with face.parts.database.transaction() as tx:
        rows = drops.latest_of(tx, who.party, who.flow)
    return DropsShape(drops=[_shape(row) for row in rows])


def shown_drop(face: Face, caller: Caller, drop_id: str) -> DropShape:
    """A drop of the caller's. Raises Problem: another's is as unknown as none."""
    who = caller.principal
    with face.parts.database.transaction() as tx:
        row = drops.get(tx, drop_id)
    if row is None or (row.party, row.flow) != (who.party, who.flow):
        problem = problem_for(
            "drop.unknown",
            "There is no such drop of this party and flow.",
            "The list of drops shows those there are.",
        )
        raise face.callers.refuse(caller, problem)
    return _shape(row)


def status(face: Face, caller: Caller) -> StatusShape:
    """Counts by state, and the flow's next window."""
    who, now = caller.principal, face.now()
    with face.parts.database.transaction() as tx:
        deliveries = Counter(row.state for row in servable(tx, who.party, who.flow))
        dropped = Counter(row.state for row in drops.latest_of(tx, who.party, who.flow))
    days = WorkingDays(face.parts.agreed[who.flow].agreement.calendar)
    due = next_moment(face.parts.flow(who.flow).window, days, now)
    return StatusShape(
        party=who.party,
        flow=who.flow,
        now=now,
        packages=dict(deliveries),
        drops=dict(dropped),
        next_day=due.day,
        next_due_at=due.at,
    )


def checkpoint(face: Face) -> str:
    """The latest signed checkpoint of the ledger. Raises Problem: none has been made yet."""
    with face.parts.database.transaction() as tx:
        row = checkpoints.latest(tx)
    if row is None:
        raise problem_for(
            "checkpoint.none",
            "No checkpoint of the ledger has been made yet.",
            "The gateway makes one at its next tick: ask again in a few minutes.",
        )
    return row.note


def _shape(row: DropRow) -> DropShape:
    return DropShape(
        id=row.id,
        flow=row.flow,
        state=row.state,
        received_at=row.received_at,
        size=row.size,
        sha256=row.sha256,
        rows=row.rows,
        accepted=row.accepted,
        held=row.held,
        repeats=row.repeats,
        findings=row.findings or {},
        package=row.package_id,
        replaced_by=row.replaced_by,
    )
