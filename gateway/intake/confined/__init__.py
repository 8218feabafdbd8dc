"""Reading a file that may be hostile, in a process that can do nothing but read it (design §5).

The worker uses `Reader` and `probe`; everything else here is either the worker's checking of the
answer (`wire`, `validate`, `cells`) or runs in the confined processes (`entry`, `zygote`, `child`).
"""

from gateway.intake.confined.frames import (
    DoneFrame,
    Examined,
    FindingsFrame,
    Frame,
    Layer,
    ReaderFailed,
    TableFrame,
)
from gateway.intake.confined.limits import Limits
from gateway.intake.confined.probing import probe
from gateway.intake.confined.reader import Reader

__all__ = [
    "DoneFrame",
    "Examined",
    "FindingsFrame",
    "Frame",
    "Layer",
    "Limits",
    "Reader",
    "ReaderFailed",
    "TableFrame",
    "probe",
]
