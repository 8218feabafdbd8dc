"""The script that the zygote is started from: ``python -I -B entry.py DESCRIPTOR PACKAGES``.

``-I`` keeps the environment, the user's packages and the working folder out of the import path, so
the script itself adds the checkout, and the folder of the worker's packages where Python's own
start did not.
"""

import os
import socket
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

CHECKOUT = Path(__file__).resolve().parents[3]
# Loaded once here, so that a child needs no file: whatever the examiner loads only when it is used.
WARM = ("polars", "python_calamine")


def main(examiner: str = "gateway.intake.examine") -> None:
    """Give up what can be given up, load everything, and serve. ``examiner`` names a module."""
    importable()
    confinement = import_module("gateway.intake.confined.confinement")
    confinement.gain_nothing()
    network_left = confinement.leave_network()
    for name in WARM:
        import_module(name)
    examine = import_module(examiner).examine
    zygote = import_module("gateway.intake.confined.zygote")
    with socket.socket(fileno=int(sys.argv[1])) as control:
        zygote.serve(control, examine, network_left)
    os._exit(0)


def importable() -> None:
    """Add the checkout and the packages to the import path, and intake without its ``__init__``.

    That one tells the whole journey, and would load the keys' and the database's code into a
    process that must know of neither.
    """
    if str(CHECKOUT) not in sys.path:
        sys.path.insert(0, str(CHECKOUT))
    if sys.argv[2] not in sys.path:
        sys.path.append(sys.argv[2])
    intake = ModuleType("gateway.intake")
    intake.__path__ = [str(CHECKOUT / "gateway" / "intake")]
    sys.modules.setdefault(intake.__name__, intake)


if __name__ == "__main__":
    main()
