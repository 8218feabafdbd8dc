"""Charts as shapes that a template draws: an SVG of rectangles and words, and nothing inline.

No colour says anything alone: what is amiss is hatched as well, and every figure is in a table.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from gateway.web.watching.weeks import WeekFigures

WIDTH, HEIGHT = 720, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 8, 16, 28
_LINES = 4  # across a chart
_LABELS = 8  # of weeks, at most


@dataclass(frozen=True)
class Bar:
    """A bar, or a part of one. ``kind``: how it is drawn, by the style sheet."""

    x: float
    y: float
    width: float
    height: float
    kind: str


@dataclass(frozen=True)
class Mark:
    """Words at a place of a chart."""

    at: float
    text: str


@dataclass(frozen=True)
class Chart:
    """A chart. ``lines``: across it, with what they stand for; ``labels``: under it."""

    id: str
    title: str
    words: str
    bars: tuple[Bar, ...]
    lines: tuple[Mark, ...]
    labels: tuple[Mark, ...]


def on_time_chart(weeks: Sequence[WeekFigures]) -> Chart:
    """Windows of each week: on time below, the rest above it."""
    top = max((week.windows for week in weeks), default=0) or 1
    width, places = _places(len(weeks))
    bars: list[Bar] = []
    for week, x in zip(weeks, places, strict=True):
        kept = _tall(week.on_time, top)
        rest = _tall(week.windows - week.on_time, top)
        base = HEIGHT - _BOTTOM
        if kept:
            bars.append(Bar(x, round(base - kept, 1), width, kept, "kept"))
        if rest:
            bars.append(Bar(x, round(base - kept - rest, 1), width, rest, "amiss"))
    kept_all, of_all = sum(it.on_time for it in weeks), sum(it.windows for it in weeks)
    words = f"{kept_all} of {of_all} windows were on time, in {len(weeks)} weeks."
    return Chart("on-time", "Windows on time", words, tuple(bars), _lines(top), _labels(weeks))


def answer_chart(weeks: Sequence[WeekFigures], party: str, name: str) -> Chart:
    """How long a recipient took to answer, week by week."""
    hours = [week.answering[party].hours for week in weeks]
    top = ceil(max((item for item in hours if item is not None), default=0)) or 1
    width, places = _places(len(weeks))
    bars = tuple(
        Bar(x, round(HEIGHT - _BOTTOM - _tall(item, top), 1), width, _tall(item, top), "kept")
        for item, x in zip(hours, places, strict=True)
        if item is not None
    )
    known = [item for item in hours if item is not None]
    words = (
        f"The weekly medians lie between {min(known)} and {max(known)} working hours."
        if known
        else "No package was answered yet."
    )
    title = f"Working hours until {name} answers"
    return Chart(f"answers-{party}", title, words, bars, _lines(top), _labels(weeks))


def _places(count: int) -> tuple[float, list[float]]:
    step = (WIDTH - _LEFT - _RIGHT) / max(count, 6)
    return round(step * 0.7, 1), [round(_LEFT + step * (turn + 0.15), 1) for turn in range(count)]


def _tall(value: float, top: float) -> float:
    return round(value / top * (HEIGHT - _TOP - _BOTTOM), 1)


def _lines(top: int) -> tuple[Mark, ...]:
    step = ceil(top / _LINES)
    values = range(0, top + 1, step)
    return tuple(Mark(HEIGHT - _BOTTOM - _tall(value, top), str(value)) for value in values)


def _labels(weeks: Sequence[WeekFigures]) -> tuple[Mark, ...]:
    width, places = _places(len(weeks))
    every = ceil(len(weeks) / _LABELS) or 1
    return tuple(
        Mark(round(x + width / 2, 1), f"{week.monday:%-d %b}")
        for week, x in list(zip(weeks, places, strict=True))[::every]
    )
