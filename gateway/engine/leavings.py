"""What an interrupted run leaves behind: plain work files, half-written objects and checkpoints.

Claimed drops are not leavings: intake goes on with them.
"""

import shutil

from gateway.engine.parts import Parts


def sweep(parts: Parts) -> None:
    """Remove half-made things of an earlier run. Call only under the home's lock."""
    folder = parts.home.packages_work
    if folder.is_dir():
        for leftover in folder.iterdir():
            shutil.rmtree(leftover)
    for place in (parts.home.var, *parts.home.outbox.glob("*")):
        for leftover in place.glob(".sealing-*.part"):  # of a checkpoint (`crypto.outputs`)
            shutil.rmtree(leftover, ignore_errors=True)
    parts.vault.sweep()
