"""Dates: every accepted and every refused form of design §6 and §6.1."""

import re
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.intake.checking.dates import TRUE_DATE, judge_date

ACCEPTED = {
    "2016-03-01": "2016-03-01",
    "2016-03-01T00:00": "2016-03-01",
    "2016-03-01T00:00:00": "2016-03-01",
    "2016-03-01 00:00:00.000": "2016-03-01",
    "1/3/2016": "2016-03-01",
    "01/03/2016": "2016-03-01",
    "01/03/2016 00:00": "2016-03-01",
    "01/03/2016 0:00": "2016-03-01",
    "01/03/2016 12:00:00 AM": "2016-03-01",
    "31/12/1999": "1999-12-31",
    "1-3-2016": "2016-03-01",
    "01-03-2016": "2016-03-01",
    "1 Mar 2016": "2016-03-01",
    "01 mar 2016": "2016-03-01",
    "1 March 2016": "2016-03-01",
    "1 SEPTEMBER 2016": "2016-09-01",
    "1-Mar-2016": "2016-03-01",
    "1\u2013Mar\u20132016": "2016-03-01",
    "1\u00a0Mar 2016": "2016-03-01",
    "29/02/2024": "2024-02-29",
    f"{TRUE_DATE}2016-03-01": "2016-03-01",
    f"{TRUE_DATE}2016-03-01T00:00:00": "2016-03-01",
    "01/01/1900": "1900-01-01",
    "31/12/2100": "2100-12-31",
}
REFUSED = {
    "31/02/2022": "date.impossible",
    "29/02/2023": "date.impossible",
    "00/01/2022": "date.impossible",
    "13/13/2022": "date.impossible",
    "2022-13-01": "date.impossible",
    "2022-31-01": "date.impossible",
    "31 Jun 2022": "date.impossible",
    "01/03/16": "date.two-digit-year",
    "1-3-16": "date.two-digit-year",
    "1 Mar 16": "date.two-digit-year",
    "1-Mar-16": "date.two-digit-year",
    "1 Mar '16": "date.two-digit-year",
    "03/25/2016": "date.month-first",
    "3-25-2016": "date.month-first",
    "March 1, 2016": "date.month-first",
    "Mar 1 2016": "date.month-first",
    "42430": "date.number",
    "42430.5": "date.number",
    "20160301": "date.number",
    "-1": "date.number",
    "4.243e4": "date.number",
    "01/03/2016 14:30": "date.time",
    "2016-03-01T00:00:01": "date.time",
    "2016-03-01 00:00:00.001": "date.time",
    "01/03/2016 12:00 PM": "date.time",
    "01/03/2016 12:00": "date.time",
    f"{TRUE_DATE}2016-03-01T09:15:00": "date.time",
    "31/02/2022 09:15": "date.impossible",
    "1.3.2016": "date.unknown-form",
    "2016/03/01": "date.unknown-form",
    "1st March 2016": "date.unknown-form",
    "1 Mar-2016": "date.unknown-form",
    "1/Mar/2016": "date.unknown-form",
    "1/3-2016": "date.unknown-form",
    "Tue 1 Mar 2016": "date.unknown-form",
    "March 2016": "date.unknown-form",
    "2016": "date.number",
    "not known": "date.unknown-form",
    "00:00": "date.unknown-form",
    "01/03/1899": "date.unknown-form",
    "01/03/2101": "date.unknown-form",
    "01/03/0216": "date.unknown-form",
    f"{TRUE_DATE}1899-12-31": "date.unknown-form",
    "01/03/2016 or later": "date.unknown-form",
    "?": "date.unknown-form",
    "\u00b2016-03-01": "date.unknown-form",
    "\uff12\uff10\uff11\uff16-03-01": "date.unknown-form",
}
_TAKEN = re.compile(
    r"\s*(?:\d{4}-\d\d-\d\d|\d{1,2}(?P<by>[/-])\d{1,2}(?P=by)\d{4}"
    r"|\d{1,2}(?P<gap>[\s-]+)[A-Za-z]{3,9}[\s-]+\d{4})"
    r"(?:[T\s]+(?:0?0:00(?::00(?:[.,]0+)?)?|12:00(?::00)?\s*AM)\s*)?\s*",
    re.IGNORECASE,
)


@pytest.mark.parametrize(("text", "day"), ACCEPTED.items())
def test_accepted_forms(text: str, day: str) -> None:
    assert judge_date(text) == (day, None)


@pytest.mark.parametrize(("text", "code"), REFUSED.items())
def test_refused_forms(text: str, code: str) -> None:
    assert judge_date(text) == (None, code)


@given(st.dates(date(1900, 1, 1), date(2100, 12, 31)))
def test_every_day_in_every_form_is_itself(day: date) -> None:
    forms = [
        day.isoformat(),
        f"{day.day}/{day.month}/{day.year}",
        f"{day:%d/%m/%Y}",
        f"{day.day}-{day.month}-{day.year}",
        f"{day.day} {day:%b} {day.year}",
        f"{day.day} {day:%B} {day.year}",
        f"{day.day}-{day:%b}-{day.year}",
        f"{day.day}-{day:%B}-{day.year}",
        TRUE_DATE + day.isoformat(),
    ]
    midnight = [f"{form}{time}" for form in forms for time in ("T00:00", " 00:00:00", " 0:00")]
    for form in (*forms, *midnight):
        assert judge_date(form) == (day.isoformat(), None)
        assert judge_date(f"  {form.upper()} ".replace("  \x01", "\x01")) == (day.isoformat(), None)


@given(st.datetimes(datetime(1900, 1, 1), datetime(2100, 12, 31)))
def test_a_time_other_than_midnight_is_never_taken(moment: datetime) -> None:
    said = judge_date(TRUE_DATE + moment.isoformat(timespec="seconds"))
    midnight = (moment.hour, moment.minute, moment.second) == (0, 0, 0)
    assert said.text == (moment.date().isoformat() if midnight else None)


@given(
    st.one_of(
        st.text(max_size=30),
        st.from_regex(
            r"[0-9]{1,4}[-/. ][0-9A-Za-z]{1,9}[-/. ][0-9]{1,4}([T ][0-9:. apmAPM]{1,9})?"
        ),
    )
)
def test_no_other_text_becomes_a_date(text: str) -> None:
    said = judge_date(text)
    if said.text is not None:
        assert _TAKEN.fullmatch(text.translate({0x2013: "-", 0x2014: "-"})), text
        numbers = re.findall(r"\d+", text)
        assert date.fromisoformat(said.text).year == int(max(numbers[:3], key=len))
