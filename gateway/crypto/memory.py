"""What was sent before, remembered without keeping it: keyed digests (design §5.1).

A reference or a row can be recognised by whoever holds the key and guessed by nobody who does not:
references are short, so a bare hash of one would be found by trying them all.
"""

import hmac
from collections.abc import Sequence

from gateway.agreement.normalise import fold


class KeyedMemory:
    """HMAC-SHA256 digests (32 bytes) under one key, apart by kind and by flow."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def reference(self, flow_id: str, reference: str) -> bytes:
        """The digest of a reference, however it is spaced or capitalised."""
        return self._digest("reference", flow_id, fold(reference))

    def row(self, flow_id: str, cells: Sequence[str]) -> bytes:
        """The digest of a row's cells, in order, exactly as they travel."""
        return self._digest("row", flow_id, *cells)

    def _digest(self, *parts: str) -> bytes:
        # The lengths come first, so no two different sequences give the same bytes.
        lengths = ",".join(map(str, map(len, parts)))
        told = f"{lengths}\x00{''.join(parts)}".encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, told, "sha256")
