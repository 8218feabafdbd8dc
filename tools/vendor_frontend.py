#!/usr/bin/env python3
"""Puts what the site serves of GOV.UK's and the Ministry of Justice's front ends into the tree.

    tools/vendor_frontend.py            write gateway/web/static/vendor
    tools/vendor_frontend.py --check    make it again elsewhere, and compare byte by byte

The packages come from npm by name and version, and must have the SHA-512 that stands here. Taken
out on the way: the GDS Transport font and the royal crest, which are for services on GOV.UK alone,
and whatever we do not serve. Nothing is put in.
"""

import argparse
import base64
import hashlib
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

VENDOR = Path(__file__).resolve().parent.parent / "gateway" / "web" / "static" / "vendor"


@dataclass(frozen=True)
class Package:
    """A package of npm. ``sha512``: of its archive, in base64, as npm's lock files have it."""

    name: str
    version: str
    sha512: str
    holder: str  # of its copyright, as its licence says

    @property
    def archive(self) -> str:
        """What `npm pack` calls the file."""
        return f"{self.name.removeprefix('@').replace('/', '-')}-{self.version}.tgz"


GOVUK = Package(
    "govuk-frontend",
    "6.3.0",
    "cXIQxm5PHCsbic47GXZrVBZhAeeshTLRL6ZBKilLsR6rMCjJuWb7Fruq0VUNMBJFlJk/srsRj/q8d5bM9cgKoA==",
    "Copyright (C) 2017 Crown Copyright (Government Digital Service)",
)
MOJ = Package(
    "@ministryofjustice/frontend",
    "11.1.0",
    "1bkUbm2M4DpcpX/pOmumQRBsbJco9W2RwmJv5h/ZC/ZqrAOn2/FjpF+A7vS0gs7oMXBizr9O5huDrSYbLx73Nw==",
    "Copyright (c) 2021 dxw",
)
_MOJ_PARTS = (".moj-badge", ".moj-timeline", "[aria-sort]")

_MIT = """\
{name} {version}

The MIT License (MIT)

{holder}

Permission is hereby granted, free of charge, to any person obtaining a copy of
this software and associated documentation files (the "Software"), to deal in
the Software without restriction, including without limitation the rights to
use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies
of the Software, and to permit persons to whom the Software is furnished to do
so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.

Changed by tools/vendor_frontend.py: parts that we do not serve were left out.
"""


def main() -> int:
    """Write the files, or compare them. 0: done or the same; 1: they differ; 3: no npm."""
    asked = argparse.ArgumentParser(description="Vendored parts of the site's front end.")
    asked.add_argument("--check", action="store_true", help="compare, and write nothing")
    check = asked.parse_args().check
    try:
        made = wanted()
    except (subprocess.CalledProcessError, FileNotFoundError):
        sys.stderr.write("npm is not here, or could not fetch the packages.\n")
        return 3
    if check:
        wrong = sorted(_differences(made))
        for line in wrong:
            sys.stderr.write(line + "\n")
        return 1 if wrong else 0
    VENDOR.mkdir(parents=True, exist_ok=True)
    for path in VENDOR.iterdir():
        if path.name not in made:
            path.unlink()
    for name, content in made.items():
        (VENDOR / name).write_bytes(content)
    return 0


def wanted() -> dict[str, bytes]:
    """Every file of the vendor folder, made anew from the packages."""
    govuk, moj = unpacked(GOVUK), unpacked(MOJ)
    dist, parts = "package/dist/govuk", "package/moj"
    texts = {
        "govuk-frontend.min.css": without_house_style(govuk[f"{dist}/govuk-frontend.min.css"]),
        "govuk-frontend.min.js": _without_map(govuk[f"{dist}/govuk-frontend.min.js"]),
        "moj-frontend.min.css": only_parts(moj[f"{parts}/moj-frontend.min.css"], _MOJ_PARTS),
        "moj-sortable-table.mjs": _beside_govuk(
            moj[f"{parts}/components/sortable-table/sortable-table.mjs"]
        ),
    }
    for package in (GOVUK, MOJ):
        name = f"LICENCE-{package.name.removeprefix('@').replace('/', '-')}.txt"
        texts[name] = _MIT.format(name=package.name, version=package.version, holder=package.holder)
    return {name: text.encode() for name, text in texts.items()}


def unpacked(package: Package) -> Mapping[str, str]:
    """The style sheets and scripts of a package, by their paths in it."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            ["npm", "pack", f"{package.name}@{package.version}", "--silent"],
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        archive = Path(folder) / package.archive
        found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        if found != package.sha512:
            raise SystemExit(f"{package.archive} is not the archive that was pinned here.")
        with tarfile.open(archive) as members:
            return dict(_texts(members))


def _texts(members: tarfile.TarFile) -> Iterator[tuple[str, str]]:
    for member in members:
        if member.isfile() and member.name.endswith((".css", ".js", ".mjs")):
            content = members.extractfile(member)
            if content is not None:
                yield member.name, content.read().decode()


def without_house_style(css: str) -> str:
    """GOV.UK's style sheet without its font and its crest, which only GOV.UK itself may use."""
    css = re.sub(r"/\*!.*?\*/", "", css, flags=re.DOTALL)
    css = re.sub(r"@font-face\{[^}]*\}", "", css)
    css = re.sub(r"@supports [^{]*\{\.govuk-footer__copyright-logo:before\{[^}]*\}\}", "", css)
    css = re.sub(r"\.govuk-footer__copyright-logo:before\{[^}]*\}", "", css)
    css = _without_map(css.replace("GDS Transport,arial", "arial"))
    for word in ("GDS Transport", "url(", "@font-face"):
        if word in css:
            raise SystemExit(f"The style sheet still has {word}: mend without_house_style.")
    return css


def only_parts(css: str, parts: tuple[str, ...]) -> str:
    """The rules of a minified style sheet whose selectors begin with one of those parts."""
    kept = []
    for rule in _rules(css):
        head, _, body = rule.partition("{")
        if head.startswith("@media"):
            inner = "".join(item for item in _rules(body[:-1]) if item.startswith(parts))
            kept += [f"{head}{{{inner}}}"] if inner else []
        elif head.startswith(parts) and "url(" not in body:
            kept.append(rule)
    return "".join(kept).replace("GDS Transport,arial", "arial") + "\n"


def _rules(css: str) -> Iterator[str]:
    """Each rule of a style sheet, with the braces in it balanced."""
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL).strip()
    start = depth = 0
    for at, character in enumerate(css):
        if character == "{":
            depth += 1
        elif character == "}":
            depth -= 1
            if depth == 0:
                yield css[start : at + 1].strip()
                start = at + 1
        elif character == ";" and depth == 0:  # @charset and the like
            start = at + 1


def _beside_govuk(script: str) -> str:
    """A module that takes GOV.UK's classes from the file beside it, not from a package by name."""
    changed = script.replace("from 'govuk-frontend'", "from './govuk-frontend.min.js'")
    if changed == script:
        raise SystemExit("The sortable table no longer takes its class from govuk-frontend.")
    return _without_map(changed)


def _without_map(text: str) -> str:
    return re.sub(r"(//|/\*)# sourceMappingURL=\S+( \*/)?\s*", "", text).rstrip() + "\n"


def _differences(made: Mapping[str, bytes]) -> Iterator[str]:
    there = {path.name: path.read_bytes() for path in VENDOR.iterdir()}
    for name in {*made, *there}:
        if name not in there:
            yield f"{name} is missing."
        elif name not in made:
            yield f"{name} should not be there."
        elif made[name] != there[name]:
            yield f"{name} differs from what the pinned packages give."


if __name__ == "__main__":
    sys.exit(main())
