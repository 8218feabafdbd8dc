"""Starts the real zygote with `hostile` for an examiner: the file says which attack to make."""

import runpy
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent

if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    entry = runpy.run_path(str(HERE.parents[2] / "gateway/intake/confined/entry.py"))
    entry["main"]("hostile")
