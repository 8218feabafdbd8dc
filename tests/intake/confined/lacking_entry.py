"""Starts the real zygote as it would start on a system without Landlock and libseccomp.

No such system is to be had where the tests run, so the two discoveries are answered here.
"""

import runpy
from importlib import import_module
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[3]


def main() -> None:
    """Run the entry as it is, but for what the confinement finds when it looks."""
    entry = runpy.run_path(str(CHECKOUT / "gateway/intake/confined/entry.py"))
    entry["importable"]()
    confinement = import_module("gateway.intake.confined.confinement")
    confinement.landlock_version = lambda: 0
    confinement.seccomp = None
    entry["main"]()


if __name__ == "__main__":
    main()
