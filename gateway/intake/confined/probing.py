"""What the confinement really does here, found out by trying from within (for `gateway doctor`)."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from gateway.intake.confined.frames import Layer, ReaderFailed
from gateway.intake.confined.limits import Limits
from gateway.intake.confined.reader import Reader

NO_DAY = date(2000, 1, 1)
# By which error a layer is known to have refused: the filter and Landlock come before the files'
# own modes, which would have allowed what was tried.
REFUSALS = {"landlock": "EACCES", "seccomp": "EPERM", "memory": "ENOMEM"}
REQUIRED = ("landlock", "seccomp")


def probe(reader: Reader) -> tuple[Layer, ...]:
    """Send two probes through the reader's own zygote and say of each layer what was seen.

    Takes about a second, which is the time limit tried. Raises ReaderFailed when no probe could be
    run at all; a layer that does not hold is an answer, not an error.
    """
    seen = _observed(reader)
    here = Path("/proc/self/ns/net").stat().st_ino
    return (
        _tried("landlock", seen),
        _tried("seccomp", seen),
        _fact(
            "network namespace",
            seen["network"] != here and reader.network_left,
            "the reader has a network of its own, with nothing in it",
            "the reader shares the system's network; the filter of system calls still forbids it",
        ),
        _fact(
            "user",
            seen["user"] != 0,
            f"the reader runs as user {seen['user']}",
            "the reader runs as root",
        ),
        _fact(
            "capabilities",
            seen["capabilities"] == 0,
            "the reader has none",
            "the reader has capabilities",
        ),
        _fact(
            "no new privileges",
            seen["no-new-privs"] == 1,
            "no program could give it more rights",
            "a program could give it more rights",
        ),
        _tried("memory", seen),
        _time_limit(reader),
    )


def _observed(reader: Reader) -> Mapping[str, Any]:
    observed: dict[str, Any] = {}
    with tempfile.TemporaryFile() as nothing:
        for kind, payload in reader.converse("probe", reader.flows[0], nothing, NO_DAY):
            if kind == b"P":
                observed = json.loads(payload)
    if not observed:
        raise ReaderFailed("file.reader-failed", "the probe saw nothing")
    return observed


def _time_limit(reader: Reader) -> Layer:
    second = replace(Limits().for_size(0), wall_seconds=1)
    held = False
    with tempfile.TemporaryFile() as nothing:
        try:
            for _ in reader.converse("loop", reader.flows[0], nothing, NO_DAY, second):
                pass
        except ReaderFailed as failed:
            held = failed.code == "file.over-limit"
    words = ("a probe without end was ended at its limit", "a probe without end was not ended")
    return _fact("time limit", held, *words)


def _tried(name: str, seen: Mapping[str, Any]) -> Layer:
    """A layer that must have refused, with its own error, whatever was tried against it."""
    tries = {key.partition(":")[2]: came for key, came in seen.items() if key.startswith(name)}
    open_ones = [f"{what} ({came})" for what, came in tries.items() if came != REFUSALS[name]]
    holds = bool(tries) and not open_ones
    words = f"not refused: {', '.join(open_ones)}" if open_ones else f"refused: {', '.join(tries)}"
    return Layer(name, holds, name in REQUIRED, words)


def _fact(name: str, holds: bool, yes: str, no: str) -> Layer:
    return Layer(name, holds, name in REQUIRED, yes if holds else no)
