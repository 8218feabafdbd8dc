"""No plaintext outside ciphertext: what staged rows hold is looked for in every other file.

The gateway can open the staged rows and nothing else, so that their references and texts are the
values it can look for. Drops still in an inbox, or claimed and pending, are plain by their nature.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from gateway.engine.invariants.breach import Breach
from gateway.engine.invariants.home import Looked
from gateway.settings import Home

_CODE = "invariant.plaintext"
_MOST = 96  # values looked for, of all drops
_BLOCK = 4 * 1024 * 1024
_REFERENCE = re.compile(r"(?=.*[A-Za-z])(?=.*\d).{6,}")
_LONG_TEXT = 12


def no_plaintext(looked: Looked) -> Iterator[Breach]:
    """Look for plain work that outlived its work, and for staged values in all other files."""
    home = looked.parts.home
    if home.packages_work.is_dir():
        for folder in sorted(home.packages_work.iterdir()):
            yield Breach(_CODE, f"file:{_named(home, folder)}", "The plain work of a package.")
    needles = sorted(_needles(looked))
    for path in _files(home):
        if needles and _holds(path, needles):
            yield Breach(_CODE, f"file:{_named(home, path)}", "A staged value lies in it.")


def _needles(looked: Looked) -> set[bytes]:
    """References and texts of staged rows, as UTF-8 and UTF-16; spread over all drops."""
    found: list[str] = []
    for drop in looked.drops:
        flow = looked.flow(drop.flow, drop.agreement_hash)
        for part in ("accepted", "held"):
            staged = looked.staged.get((drop.id, part))
            if flow is None or staged is None:
                continue
            texts = [at for at, spec in enumerate(flow.fields) if spec.kind == "text"]
            for cells in staged.sample:
                values = [cells[at] for at in texts if at < len(cells)]
                found += [value for value in values if len(value) >= _LONG_TEXT and " " in value]
                reference = cells[flow.reference_place] if cells else ""
                found += [reference] if _REFERENCE.fullmatch(reference) else []
    spread = found[:: max(1, len(found) // _MOST)]
    known = _agreed_words(looked.parts.home)
    forms = {value.encode(code) for value in spread for code in ("utf-8", "utf-16-le")}
    return {form for form in forms if form not in known}


def _agreed_words(home: Home) -> bytes:
    """What the agreement itself says is no case's value."""
    return b"\n".join(path.read_bytes() for path in sorted(home.config.glob("agreements/*")))


def _files(home: Home) -> Iterator[Path]:
    for top in (home.outbox, home.var):
        for folder, folders, names in os.walk(top):
            if Path(folder) == home.work:
                folders[:] = [name for name in folders if Path(folder, name) != home.drops_work]
            for name in sorted(names):
                path = Path(folder) / name
                if path.is_file() and not path.is_symlink():
                    yield path


def _holds(path: Path, needles: list[bytes]) -> bool:
    longest = max(map(len, needles))
    with path.open("rb") as stream:
        before = b""
        while block := stream.read(_BLOCK):
            window = before + block
            if any(needle in window for needle in needles):
                return True
            before = window[-longest:]
    return False


def _named(home: Home, path: Path) -> str:
    return str(path.relative_to(home.root))
