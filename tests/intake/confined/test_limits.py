"""Allowances by size: small files little, large files enough, none without end."""

from itertools import pairwise

from gateway.intake.confined import Limits
from gateway.intake.confined.limits import MIB


def test_a_small_file_gets_the_least() -> None:
    allowed = Limits().for_size(0)
    assert (allowed.data_bytes, allowed.address_bytes) == (384 * MIB, 1408 * MIB)
    assert (allowed.cpu_seconds, allowed.wall_seconds) == (45, 60)


def test_a_large_file_gets_the_most() -> None:
    allowed = Limits().for_size(512 * MIB)
    assert (allowed.data_bytes, allowed.address_bytes) == (2560 * MIB, 3584 * MIB)
    assert (allowed.cpu_seconds, allowed.wall_seconds) == (180, 240)


def test_between_them_it_grows_with_the_file() -> None:
    sizes = [Limits().for_size(size * MIB) for size in range(0, 64, 4)]
    for less, more in pairwise(sizes):
        assert less.data_bytes <= more.data_bytes
        assert less.cpu_seconds <= more.cpu_seconds < more.wall_seconds
