"""How much time, memory and talk one file may cost, by its size.

A small file gets little, so that a small bomb cannot take what only a large extract needs. The
figures were measured: 50 rows pass under 99 MiB of data and 446 MiB of addresses, 200,000 rows of
61 columns under 2,560 and 3,584. A cgroup around the service is the real ceiling.
"""

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one child may use. ``data`` and ``addresses`` are RLIMIT_DATA and RLIMIT_AS."""

    data_bytes: int
    address_bytes: int
    cpu_seconds: int
    wall_seconds: int


@dataclass(frozen=True, slots=True)
class Limits:
    """The least and the most of each allowance, and what each MiB of the file adds to the least.

    ``wall_seconds`` includes the time in which the worker is not yet ready for more frames.
    ``answer_bytes`` caps all that the child may say about one file.
    """

    data_bytes: tuple[int, int] = (384 * MIB, 2560 * MIB)
    data_per_mib: int = 48 * MIB
    addresses_beyond_data: int = 1024 * MIB
    cpu_seconds: tuple[int, int] = (45, 180)
    cpu_per_mib: float = 3.0
    wall_seconds: tuple[int, int] = (60, 240)
    wall_per_mib: float = 4.0
    answer_bytes: int = 256 * MIB

    def for_size(self, size: int) -> Allowance:
        """The allowance of a file of ``size`` bytes."""
        mib = size / MIB
        data = min(self.data_bytes[0] + int(mib * self.data_per_mib), self.data_bytes[1])
        return Allowance(
            data_bytes=data,
            address_bytes=data + self.addresses_beyond_data,
            cpu_seconds=min(self.cpu_seconds[0] + int(mib * self.cpu_per_mib), self.cpu_seconds[1]),
            wall_seconds=min(
                self.wall_seconds[0] + int(mib * self.wall_per_mib), self.wall_seconds[1]
            ),
        )
