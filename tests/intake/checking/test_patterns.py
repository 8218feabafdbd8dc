"""Identifiers by their form: what is one, and what only looks like one."""

import re
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.gb import upn

from gateway.intake.checking.folding import plain_column
from gateway.intake.checking.patterns import MAYBE, holds_identifier

UPN = upn.calc_check_digit("801200001001") + "801200001001"
TEMPORARY = upn.calc_check_digit("80120000100A") + "80120000100A"

IS = {
    "nhs-number": [
        "943 476 5919", "9434765919", "943-476-5919",
        "NHS no.943 476 5919.", "(9434765919)", "943 4765919", "943.476.5919", "NHS:9434765919",
        "943\u00a0476\u00a05919", "943\u2013476\u20135919",
    ],
    "upn": [UPN, UPN.lower(), f"UPN {UPN},", TEMPORARY, f"{UPN[0]} {UPN[1:4]} {UPN[4:]}"],
    "nino": [
        "QQ123456C", "QQ 12 34 56 C", "qq 12 34 56 c", "AB-12-34-56-D", "NI: AB123456A.",
    ],
    "postcode": [
        "M1 1AA", "SW1A 2AA", "sw1a 2aa", "EC1A1BB", "AA12 3BD", "B33 8TH", "W1A 0AX", "DN55 1PT",
        "CR2 6XH.", "at (LS1 4AP)", "GIR 0AA", "S10 2TH", "Sw1a 2Aa",
    ],
    "phone": [
        "07700 900123", "07700900123", "020 7946 0000", "(020) 7946 0000", "0161-496-0000",
        "+44 7700 900123", "+447700900123", "+44 (0)7700 900123", "0044 7700 900123",
        "tel:07700 900123", "0800 123 4567", "01632 960 001 ext 5", "07700.900.123",
        "(+44) 7700 900123", "07700/900123", "01697 71234",
        "\uff10\uff17700 900123",
    ],
    "email": [
        "worker0001@authority.example", "Jane.Doe+x@sub.gov.uk", "<a@b.co>",
        "o'neill@school.sch.uk",
        "mail me:a_b@c-d.example,", "user\uff20host.example",
    ],
}  # fmt: skip
IS_NOT = [
    "9434765918", "19434765919", "94347659190", "A9434765919", "SCN00000012", "CPD-1234567",
    "EY123456", "CR/00000123", "2022-07-01 10:30", "2022-07-01 12 visits", "01/02/2022",
    "01/02/2022 123 456", "01.02.2022 1030 2", "01/02/22 03/04/22", "01-02-2022-03-04-2022",
    "2022-07-01 2022-07-02", "AB123456", "AB 12 34 56", "AB123456E", "XAB123456C",
    "Stage A1 1st visit",
    "Key stage KS2 3rd year", "room B2 4th floor", "1AA", "M1", "Year 11 2 boys",
    "at 09:30 and 10:45",
    "0930 1045 1130", "12345 67890", "0800 1111", "4 of 5", "at home @ 3", "a@b", "@handle",
    "ref 7700900123", "aged 10 11 12 13 14", "p1 1pm", "B123456789012", "A80120000100I",
    "COVID19", "10,000,000,000", "1234567890123456",
]  # fmt: skip


def _kinds(text: str) -> set[str]:
    return {kind for kind in MAYBE if holds_identifier(text, kind)}


def _found_by_columns(text: str) -> set[str]:
    folded = plain_column(pl.Series([text])).str
    return {kind for kind, pattern in MAYBE.items() if folded.contains(pattern)[0]}


@pytest.mark.parametrize(("kind", "text"), [(k, text) for k, texts in IS.items() for text in texts])
def test_identifiers_are_found(kind: str, text: str) -> None:
    for around in (text, f"He said {text} today", f"{text}\nand more", f"see\t{text}"):
        assert _kinds(around) == {kind}, around
        assert kind in _found_by_columns(around), around


@pytest.mark.parametrize("text", IS_NOT)
def test_what_only_looks_like_one_is_not(text: str) -> None:
    assert _kinds(text) == set()
    assert _kinds(f"It was {text}, then.") == set()


@given(st.text(alphabet="AB1290 -./()@+GIRab\u00a0\u2013", max_size=40))
def test_whole_columns_miss_nothing(text: str) -> None:
    assert _kinds(text) <= _found_by_columns(text)


@given(st.integers(10**8, 10**9 - 1), st.sampled_from(("", " ", "-")))
def test_every_nhs_number_with_its_check_digit(stem: int, gap: str) -> None:
    digits = f"{stem:09}"
    check = -sum(int(d) * w for d, w in zip(digits, range(10, 1, -1), strict=True)) % 11
    for last in range(10):
        number = f"{digits}{last}"
        text = gap.join((number[:3], number[3:6], number[6:]))
        assert ("nhs-number" in _kinds(text)) == (last == check)


@given(st.from_regex(re.compile(r"0[1-9][0-9]{8,9}"), fullmatch=True), st.data())
def test_telephone_numbers_however_spaced(number: str, data: Any) -> None:
    if number[1] in "46":
        return
    at = data.draw(st.integers(3, 6))
    for text in (number, f"{number[:at]} {number[at:]}", f"+44 {number[1:]}", f"+44{number[1:]}"):
        assert "phone" in _kinds(text)
