"""What the soak calls growth, and how it and the bench of recovery write their sections."""

import random

import pytest
from section import write_section
from soak_figures import grown

STEADY = [float(at) for at in range(0, 300, 2)]


def noisy(at: float, slope: float, level: float = 130.0) -> float:
    """A figure in MiB with a little noise, the same each time."""
    return level + slope * at + random.Random(at).uniform(-0.3, 0.3)


def test_what_only_wavers_is_flat():
    told = grown("worker", "MiB", [(at, 1, noisy(at, 0.0)) for at in STEADY])
    assert not told.grows
    assert abs(told.per_hour) < 10


def test_what_leaks_grows():
    told = grown("worker", "MiB", [(at, 1, noisy(at, 0.05)) for at in STEADY])
    assert told.grows
    assert told.per_hour == pytest.approx(180, rel=0.1)


def test_one_descriptor_that_stays_open_is_growth():
    points = [(at, 1, 13.0 if at < 200 else 14.0) for at in STEADY]
    assert grown("api", "descriptors", points).grows


def test_another_process_of_the_role_is_no_growth():
    """A process that was started again is compared with itself alone."""
    points = [(at, 1, 100.0) for at in STEADY[:50]] + [(at, 2, 130.0) for at in STEADY[50:]]
    told = grown("worker", "MiB", points)
    assert not told.grows
    assert told.per_hour == 0.0


def test_a_section_is_replaced_and_the_others_stay(tmp_path):
    page = tmp_path / "page.md"
    write_section("Soak", "first", page)
    write_section("Recovery", "measured", page)
    write_section("Soak", "second", page)
    told = page.read_text()
    assert told.split("\n\n")[1:] == ["## Soak", "second", "## Recovery", "measured\n"]
    assert told.startswith("# ")
