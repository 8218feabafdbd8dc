"""One target under atheris: ``python fuzz/fuzz_one.py TARGET [libFuzzer's own words]``.

libFuzzer starts itself again to merge a corpus: FUZZ_SELF names a program that runs this anew.
"""

import os
import sys
from pathlib import Path

import atheris

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]
# The whole of what a hostile file meets in Python, but none of the libraries: that would be slow.
INSTRUMENTED = ["gateway.intake", "gateway.dispatch.manifest", "gateway.receipts.receipt"]
MOST_CELLS = 1 << 18  # the confined child's limits of memory do not hold here

with atheris.instrument_imports(include=INSTRUMENTED):
    from fuzz_targets import TARGETS

    from gateway.intake.reading import workbook


def main() -> None:
    """Fuzz the target named first until time or input is up."""
    target = TARGETS[sys.argv.pop(1)]
    sys.argv[0] = os.environ.get("FUZZ_SELF", sys.argv[0])
    workbook.MOST_CELLS = MOST_CELLS
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
