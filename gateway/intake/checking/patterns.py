"""Identifiers that may stand in no kept text, known by their form and check digits.

Each is matched whole: never inside a longer word or number. Sources: check digits of NHS numbers
and UPNs by python-stdnum; the forms of National Insurance numbers, postcodes and telephone numbers
as HMRC, Royal Mail and Ofcom publish them.
"""

import re
from collections.abc import Callable

from stdnum.gb import nhs, upn

from gateway.intake.checking.folding import bare

_SEP = r"[\s.\-\u2010-\u2014]{0,2}"
_START = r"(?<![^\W_])"
_END = r"(?![^\W_])"

_NHS = re.compile(rf"(?<![^\W_])(?<!\d[-/.])\d{{3}}{_SEP}\d{{3}}{_SEP}\d{{4}}{_END}(?![-/]\d)")
_UPN = re.compile(rf"{_START}[A-Z](?:[ -]?\d){{11}}[ -]?[0-9A-Z]{_END}", re.IGNORECASE)
_NINO = re.compile(rf"{_START}[A-Z]{{2}}{_SEP}\d\d{_SEP}\d\d{_SEP}\d\d{_SEP}[A-D]{_END}", re.I)
_POSTCODE = re.compile(
    rf"{_START}(?:[A-PR-UWYZ](?:\d{{1,2}}|[A-Z]\d{{1,2}}|\d[A-Z]|[A-Z]\d[A-Z])|GIR)"
    rf"\s{{0,3}}(?P<inward>\d[ABD-HJLNP-UW-Z]{{2}}){_END}",
    re.IGNORECASE,
)
_ORDINAL = re.compile(r"(?:1st|2nd|3rd|[04-9]th)")
_DATE = r"\d{1,2}(?:[-/. ]\d{1,2}[-/. ](?:19|20)|[-/.]\d{1,2}[-/.])\d\d(?!\d)"
_PHONE = re.compile(
    rf"(?<![^\W_])(?<![^\W_][-/.])(?<!\+)(?!{_DATE})"
    r"(?:(?:\+|00)[\s.-]?44[\s.-]{0,2}(?:\(0\)[\s.-]{0,2}|0(?=[1-9]))?|\(?0)"
    r"(?P<rest>(?:[\s().\u2010-\u2014/-]{0,2}\d){9,10})" + _END
)
_EMAIL = re.compile(r"(?<![\w.+%'-])[\w.+%'-]+@[\w-]+(?:\.[\w-]+)+")


def _is_nhs(found: re.Match[str]) -> bool:
    return bool(nhs.is_valid(re.sub(r"\D", "", found[0])))


def _is_upn(found: re.Match[str]) -> bool:
    """By form and check letter; the list of authorities in stdnum is older than some of them."""
    compact = re.sub(r"[ -]", "", found[0]).upper()
    try:
        return bool(upn.calc_check_digit(compact[1:]) == compact[0])
    except ValueError:
        return False


def _is_postcode(found: re.Match[str]) -> bool:
    """ "Stage A1 1st visit" is none."""
    return not _ORDINAL.fullmatch(found["inward"])


def _is_phone(found: re.Match[str]) -> bool:
    """By the first digit after 0, which no area or service leaves out but 4 and 6."""
    return re.sub(r"\D", "", found["rest"])[0] in "1235789"


def _always(_found: re.Match[str]) -> bool:
    return True


_PATTERNS: dict[str, tuple[re.Pattern[str], Callable[[re.Match[str]], bool]]] = {
    "nhs-number": (_NHS, _is_nhs),
    "upn": (_UPN, _is_upn),
    "nino": (_NINO, _always),
    "postcode": (_POSTCODE, _is_postcode),
    "phone": (_PHONE, _is_phone),
    "email": (_EMAIL, _always),
}

_GAP = r"[\s().\-/\x{2010}-\x{2014}]{0,2}"
# For whole columns, without look-around: each finds every text that its like above might.
MAYBE = {
    "nhs-number": rf"(?:\d{_GAP}){{9}}\d",
    "upn": r"(?i)[A-Z](?:[ -]?\d){11}",
    "nino": rf"(?i)[A-Z]{{2}}{_GAP}\d\d{_GAP}\d\d{_GAP}\d\d{_GAP}[A-D]",
    "postcode": r"(?i)[A-Z]\d[A-Z\d]?\s{0,3}\d[A-Z]{2}|GIR\s{0,3}\d[A-Z]{2}",
    "phone": rf"(?:0{_GAP}|44{_GAP})(?:\d{_GAP}){{8}}\d",
    "email": "@",
}


def holds_identifier(text: str, kind: str) -> bool:
    """Whether a text holds an identifier of that kind (a key of `MAYBE`)."""
    pattern, holds = _PATTERNS[kind]
    return any(holds(found) for found in pattern.finditer(bare(text)))


_SPOKEN = {
    "nhs-number": "NHS number",
    "upn": "unique pupil number",
    "nino": "National Insurance number",
    "postcode": "postcode",
    "phone": "telephone number",
    "email": "e-mail address",
}


def identifiers_in(text: str) -> tuple[str, ...]:
    """In words, the kinds of identifier that a text holds; never which."""
    return tuple(spoken for kind, spoken in _SPOKEN.items() if holds_identifier(text, kind))
