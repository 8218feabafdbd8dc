"""How often one token may ask: a bucket that refills evenly, for all threads of the process."""

import math
import threading
import time
from collections.abc import Callable

_SECONDS = 60.0


class Rates:
    """So many requests a minute for each caller; a caller that was quiet may use them at once."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = float(per_minute)
        self._clock = clock
        self._lock = threading.Lock()
        self._left: dict[str, tuple[float, float]] = {}  # caller: requests left, and when so

    def take(self, caller: str) -> int:
        """Count a request. 0: it may go on; else the whole seconds to wait before the next."""
        with self._lock:
            now = self._clock()
            left, at = self._left.get(caller, (self._most, now))
            left = min(self._most, left + (now - at) * self._most / _SECONDS)
            if left >= 1.0:
                self._left[caller] = (left - 1.0, now)
                return 0
            self._left[caller] = (left, now)
            return math.ceil((1.0 - left) * _SECONDS / self._most)
