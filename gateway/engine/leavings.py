"""What an interrupted run leaves behind: plain work files, half-written objects and checkpoints.

Claimed drops are not leavings: intake goes on with them.
"""

import re
import shutil

from gateway.engine.parts import Parts

_AN_HOUR = 3600.0


def sweep(parts: Parts) -> None:
    """Remove half-made things of an earlier run. Call only under the home's lock."""
    folder = parts.home.packages_work
    if folder.is_dir():
        for leftover in folder.iterdir():
            shutil.rmtree(leftover)
    _sweep_checkpoints(parts)
    parts.vault.sweep()


def sweep_flow(parts: Parts, flow_id: str) -> None:
    """Remove half-made packages and lists of a flow. Call only where nobody else looks at it."""
    of_flow = re.compile(rf"(reconciliation-)?{re.escape(flow_id)}-\d{{4}}-\d\d-\d\d")
    for leftover in parts.home.packages_work.glob("*"):
        if of_flow.match(leftover.name):
            shutil.rmtree(leftover)


def sweep_home(parts: Parts) -> None:
    """Remove what belongs to no flow; of what others may be writing, only what is long at rest."""
    _sweep_checkpoints(parts)
    parts.vault.sweep(_AN_HOUR)


def _sweep_checkpoints(parts: Parts) -> None:
    for place in (parts.home.var, *parts.home.outbox.glob("*")):
        for leftover in place.glob(".sealing-*.part"):  # of a checkpoint (`crypto.outputs`)
            shutil.rmtree(leftover, ignore_errors=True)
