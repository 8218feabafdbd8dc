"""Compares the pinned packages with published advisories: `make check` runs it, and `make audit`.

pip-audit asks OSV (https://osv.dev). Where that cannot be reached, the answer stored by the last
audit that could (`--store`) serves for the pins that have not changed since; and what neither
covers is said, since silence would read as a clean answer. Exit: 0 nothing known against a pin, or
not audited; 1 an advisory names one.
"""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
STORED = CHECKOUT / "tools" / "advisories.json"
_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)
_PATIENCE_SECONDS = 60
Pin = tuple[str, str]


@dataclass(frozen=True)
class Answer:
    """Advisories by pin, as of a day; a pin that is not in it was not audited."""

    as_of: date
    known: Mapping[Pin, Sequence[str]]


def pins_of(texts: Sequence[str]) -> list[Pin]:
    """Names (in lower case) and versions that requirements files pin."""
    return sorted(
        {(name.lower(), version) for text in texts for name, version in _PIN.findall(text)}
    )


def asked(files: Sequence[Path], service: str = "osv") -> Answer | None:
    """What pip-audit answers for those files; None where no advisories could be had."""
    words = ["--vulnerability-service", service, "--disable-pip", "--no-deps", "--format", "json"]
    named = [word for path in files for word in ("--requirement", str(path))]
    quiet = ["--progress-spinner", "off", "--timeout", "5"]
    command = [sys.executable, "-m", "pip_audit", *words, *quiet, *named]
    try:
        ran = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_PATIENCE_SECONDS
        )
        told = json.loads(ran.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        return None
    known = {
        (item["name"].lower(), item["version"]): [found["id"] for found in item["vulns"]]
        for item in told
        if "vulns" in item
    }
    return Answer(datetime.now(UTC).date(), known) if known else None


def stored(path: Path) -> Answer | None:
    """The answer kept by an audit before; None where there is none."""
    if not path.exists():
        return None
    told = json.loads(path.read_text(encoding="utf-8"))
    known = {(item["name"], item["version"]): item["advisories"] for item in told["pins"]}
    return Answer(date.fromisoformat(told["as_of"]), known)


def keep(answer: Answer, path: Path) -> None:
    """Store an answer for times without a network."""
    pins = [
        {"name": name, "version": version, "advisories": list(found)}
        for (name, version), found in sorted(answer.known.items())
    ]
    text = json.dumps({"as_of": answer.as_of.isoformat(), "pins": pins}, indent=1)
    path.write_text(text + "\n", encoding="utf-8")


def report(pins: Sequence[Pin], answer: Answer | None) -> tuple[str, bool]:
    """What is said, and whether an advisory names a pin."""
    if answer is None:
        return (
            f"The {len(pins)} pinned packages were NOT compared with advisories: none can be "
            "reached from here, and none are stored.",
            False,
        )
    bad = [(*pin, ", ".join(answer.known[pin])) for pin in pins if answer.known.get(pin)]
    lines = [f"{name} {version}: {ids}. Take a newer version." for name, version, ids in bad]
    left = sum(pin not in answer.known for pin in pins)
    missed = f" NOT compared: {left}, which are newer than that." if left else ""
    covered = len(pins) - left
    lines.append(f"{covered} pinned packages compared with advisories of {answer.as_of}.{missed}")
    return "\n".join(lines), bool(bad)


def main() -> int:
    """Audit, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--store", action="store_true", help="keep the answer in the checkout")
    parser.add_argument(
        "--offline", action="store_true", help="ask nobody: the stored answer alone"
    )
    chosen = parser.parse_args()
    files = [CHECKOUT / "requirements.txt", CHECKOUT / "requirements-dev.txt"]
    answer = None if chosen.offline else asked(files)
    if answer is not None and chosen.store:
        keep(answer, STORED)
    pins = pins_of([path.read_text(encoding="utf-8") for path in files])
    said, bad = report(pins, answer or stored(STORED))
    sys.stdout.write(f"{said}\n")
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
