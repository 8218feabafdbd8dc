"""The site's style sheets, scripts and images: read once, packed once, and cached for good.

All of ``static/`` has one hash, which is a part of every address. A file's address thus changes
when any of them does, browsers may keep what they have, and modules find one another by name.
"""

import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flask import Response, abort, request

FOLDER = Path(__file__).parent / "static"
_FOR_GOOD = "public, max-age=31536000, immutable"
_LEAST = 200  # bytes: smaller is not worth packing
_KINDS = {".mjs": "text/javascript", ".js": "text/javascript", ".svg": "image/svg+xml"}


@dataclass(frozen=True)
class Asset:
    """A file as it is served. ``packed``: its bytes in gzip, or empty where that gains nothing."""

    kind: str
    content: bytes
    packed: bytes


class Assets:
    """Every file of a folder, in memory: there are few, and they are small."""

    def __init__(self, folder: Path = FOLDER) -> None:
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        self._files: Mapping[str, Asset] = {
            path.relative_to(folder).as_posix(): _read(path) for path in paths
        }
        digest = hashlib.sha256()
        for name, asset in self._files.items():
            digest.update(f"{name}\0{len(asset.content)}\0".encode() + asset.content)
        self.version = digest.hexdigest()[:16]

    def address(self, name: str) -> str:
        """The address of a file, as ``site.css``. Raises KeyError for one that is not there."""
        if name not in self._files:
            raise KeyError(name)
        return f"/static/{self.version}/{name}"

    def served(self, version: str, name: str) -> Response:
        """A file as an answer. Raises NotFound, also for another version than this."""
        asset = self._files.get(name)
        if asset is None or version != self.version:
            abort(404)
        packed = bool(asset.packed) and request.accept_encodings.quality("gzip") > 0
        answer = Response(asset.packed if packed else asset.content, mimetype=asset.kind)
        answer.headers["Cache-Control"] = _FOR_GOOD
        answer.headers["Vary"] = "Accept-Encoding"
        if packed:
            answer.headers["Content-Encoding"] = "gzip"
        return answer


def _read(path: Path) -> Asset:
    content = path.read_bytes()
    kind = _KINDS.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "text/plain"
    packed = gzip.compress(content, mtime=0) if len(content) >= _LEAST else b""
    return Asset(kind, content, packed if len(packed) < len(content) else b"")
