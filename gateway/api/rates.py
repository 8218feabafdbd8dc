"""How often and how much at once one token may ask, for all threads of the process."""

import math
import threading
import time
from collections import Counter
from collections.abc import Callable

_SECONDS = 60.0


class AtOnce:
    """So many requests in hand for each caller, so that one leaves threads for the others."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._in_hand: Counter[str] = Counter()

    def begin(self, caller: str) -> bool:
        """Count a request as in hand until `end`; False, and not counted: there are enough."""
        with self._lock:
            if self._in_hand[caller] >= self._most:
                return False
            self._in_hand[caller] += 1
            return True

    def end(self, caller: str) -> None:
        """A request that had begun is over, its answer sent or broken off."""
        with self._lock:
            self._in_hand[caller] -= 1
            if not self._in_hand[caller]:
                del self._in_hand[caller]


class Rates:
    """So many requests a minute for each caller, from a bucket that refills evenly.

    A caller that was quiet may use a minute's worth at once.
    """

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
