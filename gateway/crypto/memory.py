"""What was sent before, remembered without keeping it: keyed digests (design §5.1).

A reference or a row can be recognised by whoever holds the key and guessed by nobody who does not:
references are short, so a bare hash of one would be found by trying them all.
"""

import hashlib
from collections.abc import Iterable, Sequence

from gateway.agreement.normalise import fold

_BLOCK = 64  # bytes of SHA-256's block (RFC 2104)
_SHORT = [str(length) for length in range(10_000)]  # the lengths of nearly every cell, as text


class KeyedMemory:
    """HMAC-SHA256 digests (32 bytes) under one key, apart by kind and by flow.

    Hundreds of thousands are made at a time, so the key's part of the hash is made once.
    """

    def __init__(self, key: bytes) -> None:
        padded = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded))

    def reference(self, flow_id: str, reference: str) -> bytes:
        """The digest of a reference, however it is spaced or capitalised."""
        return self.references(flow_id, [reference])[0]

    def references(self, flow_id: str, references: Iterable[str]) -> list[bytes]:
        """The digest of each of several references."""
        return self._digests("reference", flow_id, zip(map(fold, references), strict=True))

    def row(self, flow_id: str, cells: Sequence[str]) -> bytes:
        """The digest of a row's cells, in order, exactly as they travel."""
        return self.rows(flow_id, [cells])[0]

    def rows(self, flow_id: str, rows: Iterable[Sequence[str]]) -> list[bytes]:
        """The digest of each of several rows."""
        return self._digests("row", flow_id, rows)

    def _digests(self, kind: str, flow_id: str, rows: Iterable[Sequence[str]]) -> list[bytes]:
        # The lengths come first, so no two different sequences give the same bytes.
        first, then = f"{len(kind)},{len(flow_id)}", f"\x00{kind}{flow_id}"
        begun, ended, length_of = self._inner.copy, self._outer.copy, _SHORT.__getitem__
        made = []
        for cells in rows:
            try:
                lengths = ",".join(map(length_of, map(len, cells)))
            except IndexError:
                lengths = ",".join(map(str, map(len, cells)))
            told = f"{first}{',' if cells else ''}{lengths}{then}{''.join(cells)}"
            inner, outer = begun(), ended()
            inner.update(told.encode("utf-8", "surrogatepass"))
            outer.update(inner.digest())
            made.append(outer.digest())
        return made
