"""Dates as senders write them. What is not plainly a date in an agreed form is a fault, no guess.

Taken (design §6, §6.1): true date cells, ``YYYY-MM-DD``, ``D/M/YYYY``, ``D-M-YYYY``,
``D Mon YYYY``, ``D-Mon-YYYY`` and the same with the month in full, each with an optional midnight
time.
"""

import re
from datetime import date

from gateway.agreement.normalise import fold
from gateway.intake.checking.column import Judged

TRUE_DATE = "\x01"  # the reader's mark of a workbook's date cell
FIRST_YEAR, LAST_YEAR = 1900, 2100

_FULL = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_MONTHS = {name: number for number, name in enumerate(_FULL, 1)}
_MONTHS |= {name[:3]: number for name, number in _MONTHS.items()}
_NAME = "|".join(sorted(_MONTHS, key=len, reverse=True))

# Beyond ASCII only spaces, dashes and quotes: folding would make 2 of a superscript two.
_ODD = re.compile(r"[^\x00-\x7f\s\u2010-\u2014\u2212\u2018\u2019]")
_TIME = re.compile(
    r"(?P<day>.*?[0-9])(?:t| )"
    r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})"
    r"(?::(?P<second>[0-9]{2})(?:[.,](?P<part>[0-9]+))?)? ?(?P<half>am|pm)?"
)
_ISO = re.compile(r"(?P<y>[0-9]{4})-(?P<m>[0-9]{2})-(?P<d>[0-9]{2})")
_NUMBERS = re.compile(r"(?P<d>[0-9]{1,2})(?P<by>[/-])(?P<m>[0-9]{1,2})(?P=by)(?P<y>[0-9]{4})")
_NAMED = re.compile(rf"(?P<d>[0-9]{{1,2}})(?P<by>[ -])(?P<m>{_NAME})(?P=by)(?P<y>[0-9]{{4}})")
_SHORT_YEAR = re.compile(rf"[0-9]{{1,2}}(?P<by>[ /.-])(?:[0-9]{{1,2}}|{_NAME})(?P=by)'?[0-9]{{2}}")
_MONTH_FIRST = re.compile(rf"(?:{_NAME})[ -][0-9]{{1,2}},?[ -][0-9]{{2,4}}")
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]*)?(?:e[+-]?[0-9]+)?")


def judge_date(cell: str) -> Judged:
    """The day that a cell of a date column means, as ``YYYY-MM-DD``, or what is wrong with it."""
    if _ODD.search(cell):
        return Judged(fault="date.unknown-form")
    text = fold(cell.removeprefix(TRUE_DATE))
    timed = _TIME.fullmatch(text)
    judged = _judge_day(timed["day"] if timed else text)
    if judged.fault is None and timed and not _midnight(timed):
        return Judged(fault="date.time")
    return judged


def _midnight(timed: re.Match[str]) -> bool:
    hour, half = int(timed["hour"]), timed["half"]
    rest = int(timed["minute"]), int(timed["second"] or 0), int(timed["part"] or 0)
    return rest == (0, 0, 0) and (hour == 0 if half is None else (hour, half) == (12, "am"))


def _judge_day(text: str) -> Judged:
    if found := _ISO.fullmatch(text) or _NUMBERS.fullmatch(text) or _NAMED.fullmatch(text):
        month = int(_MONTHS.get(found["m"], 0) or found["m"])
        return _judge_numbers(int(found["y"]), month, int(found["d"]), _NUMBERS is found.re)
    if _NUMBER.fullmatch(text):
        return Judged(fault="date.number")
    if _SHORT_YEAR.fullmatch(text):
        return Judged(fault="date.two-digit-year")
    if _MONTH_FIRST.fullmatch(text):
        return Judged(fault="date.month-first")
    return Judged(fault="date.unknown-form")


def _judge_numbers(year: int, month: int, day: int, day_comes_first: bool) -> Judged:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return Judged(fault="date.unknown-form")
    try:
        return Judged(date(year, month, day).isoformat())
    except ValueError:
        swapped = day_comes_first and 1 <= day <= 12 < month <= 31
        return Judged(fault="date.month-first" if swapped else "date.impossible")
