"""Every drop is in exactly one place, with its rows there."""

from collections.abc import Iterator

from gateway.engine.invariants.breach import Breach
from gateway.engine.invariants.home import Looked
from gateway.intake.claim import claimed_before
from gateway.store.drops import WAITING, DropRow

_CODE = "invariant.one-place"
_WITHOUT_ROWS = ("received", "quarantined", "duplicate")


def one_place(looked: Looked) -> Iterator[Breach]:
    """Hold each drop's state against what lies there of it."""
    working = {claimed.drop_id: claimed for claimed in claimed_before(looked.parts.home)}
    known = {drop.id for drop in looked.drops}
    for drop in looked.drops:
        for how in _wrong(looked, drop, drop.id in working):
            yield Breach(_CODE, f"drop:{drop.id}", how)
    for drop_id, claimed in working.items():
        if drop_id not in known and not (claimed.folder / "claimed").is_file():
            yield Breach(_CODE, f"drop:{drop_id}", "It was claimed, and its file is not there.")
    for drop_id in {drop_id for drop_id, _ in looked.staged} - known:
        if drop_id not in working:
            yield Breach(_CODE, f"drop:{drop_id}", "Rows are staged of a drop that nobody knows.")


def _wrong(looked: Looked, drop: DropRow, is_working: bool) -> Iterator[str]:
    there = {part: looked.staged.get((drop.id, part)) for part in ("accepted", "held")}
    if drop.state == "received":
        if not is_working:
            yield "It is pending, and its working file is gone."
        return
    if is_working:
        yield f"It is {drop.state}, and pending as well: its working file is still there."
    if drop.state in _WITHOUT_ROWS:
        if any(there.values()):
            yield f"It is {drop.state}, and rows of it are staged."
        return
    if drop.state in WAITING:
        needed = drop.state
    elif drop.state == "sent":
        package = looked.packages.get(drop.package_id or "")
        if package is None:
            yield "It is sent, and the package that carried it is not known."
            return
        needed = "" if _is_settled(looked, package.id) else "sent and not yet accepted by all"
    else:
        needed = ""
    yield from _rows(looked, drop, needed)


def _rows(looked: Looked, drop: DropRow, needed: str) -> Iterator[str]:
    accepted, held = (looked.staged.get((drop.id, part)) for part in ("accepted", "held"))
    if needed and accepted is None:
        yield f"It is {needed}, and its accepted rows are not staged."
    if accepted is not None:
        if not accepted.opens:
            yield "Its staged rows do not open."
        elif accepted.rows != (drop.accepted or 0) + (drop.already_sent or 0):
            yield "Its staged rows are not as many as were accepted."
    if drop.held and needed and held is None:
        yield "Rows of it are held, and they are not there."
    if held is not None:
        if not held.opens:
            yield "Its held rows do not open."
        elif held.rows < (drop.held or 0):  # those released since are still in the file
            yield "Fewer rows of it are held than were counted."


def _is_settled(looked: Looked, package_id: str) -> bool:
    """Whether all had accepted it, or what stands for it: its rows may be gone, then and since."""
    package = looked.packages.get(package_id)
    while package is not None:
        if package.id in looked.accepted:
            return True
        package = looked.packages.get(package.superseded_by or "")
    return False
