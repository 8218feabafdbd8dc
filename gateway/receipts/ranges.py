"""Which bytes of a file were served: unions of ranges, in any order, overlapping or not.

A range is ``(start, stop)``, its stop not included.
"""

from collections.abc import Iterable

Range = tuple[int, int]


def union(ranges: Iterable[Range]) -> list[Range]:
    """The same bytes as the fewest ranges, in order; empty ranges count for nothing."""
    found: list[Range] = []
    for start, stop in sorted(ranges):
        if start >= stop:
            continue
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], stop))
        else:
            found.append((start, stop))
    return found


def covers(ranges: Iterable[Range], size: int) -> bool:
    """Whether the ranges together hold every byte of a file of ``size`` bytes."""
    return size > 0 and any(start <= 0 and stop >= size for start, stop in union(ranges))
