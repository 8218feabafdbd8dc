"""Whether a cell of the minimised table has the form that its field's kind allows.

The confined child has checked all this with the rules; the worker checks the form again because it
believes nothing. Any cell may be blank: what is required is a matter of findings. No word here ever
quotes a cell.
"""

import re
from collections.abc import Callable
from datetime import date

from gateway.agreement.model import CodeList, FieldSpec

Check = Callable[[str], bool]

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_AGE = re.compile(r"0|[1-9][0-9]{0,2}")
_INITIALS = re.compile(r"[^\W\d_](?:[ .'\u2019-]*[^\W\d_]){0,4}[ .]*")
_CONTROL = bytes({*range(32), 127} - set(b"\t\r\n"))
_BREAK = re.compile(r"[\t\r\n]")
_YES_NO = frozenset({"Yes", "No"})
_YES_NO_UNKNOWN = _YES_NO | {"Not known"}
_OTHER = "Other: "
_PARTS = "; "


def has_control(text: bytes) -> bool:
    """Whether UTF-8 text has a control character (C0, DEL) other than a tab or a line break."""
    return len(text.translate(None, _CONTROL)) != len(text)


def _date(cell: str) -> bool:
    if not _DATE.fullmatch(cell):
        return False
    try:
        date.fromisoformat(cell)
    except ValueError:
        return False
    return True


def _initials(cell: str) -> bool:
    return _INITIALS.fullmatch(cell) is not None


def _age(spec: FieldSpec) -> Check:
    lowest = 0 if spec.minimum is None else spec.minimum
    highest = 150 if spec.maximum is None else spec.maximum

    def check(cell: str) -> bool:
        if cell in ("unborn", "under 1"):
            return True
        return _AGE.fullmatch(cell) is not None and lowest <= int(cell) <= highest

    return check


def _label(spec: FieldSpec, lists: dict[str, CodeList]) -> Check:
    codes = lists[spec.list].codes if spec.list else ()
    labels = frozenset(code.label for code in codes)

    def check(cell: str) -> bool:
        if cell in labels:
            return True
        if not spec.other:
            return False
        said = cell.removeprefix(_OTHER)
        return cell == "Other" or (
            said != cell and 0 < len(said) <= spec.other_max_length and not _BREAK.search(said)
        )

    return check


def _reference(spec: FieldSpec) -> Check:
    pattern = re.compile(spec.pattern or r".+")

    def check(cell: str) -> bool:
        return not _BREAK.search(cell) and pattern.fullmatch(cell) is not None

    return check


def _several(check: Check) -> Check:
    return lambda cell: all(check(part) for part in cell.split(_PARTS))


def _anything(_cell: str) -> bool:
    return True


def cell_check(spec: FieldSpec, lists: dict[str, CodeList]) -> Check:
    """The test of one field's filled cells: form, list, pattern and length (in characters).

    Control characters are looked for in the table as a whole, not here (see `has_control`).
    """
    form: Check
    match spec.kind:
        case "date":
            return _date
        case "age":
            return _age(spec)
        case "yes-no":
            return _YES_NO.__contains__
        case "yes-no-unknown":
            return _YES_NO_UNKNOWN.__contains__
        case "code":
            form = _label(spec, lists)
        case "codes":
            form = _several(_label(spec, lists))
        case "initials":
            form = _initials
        case "reference":
            form = _reference(spec)
        case "references":
            form = _several(_reference(spec))
        case _:
            form = _anything
    room = spec.max_length + _expansion(spec, lists)
    return lambda cell: len(cell) <= room and form(cell)


def _expansion(spec: FieldSpec, lists: dict[str, CodeList]) -> int:
    """How much longer than the cell as read it may be: labels for codes, ``; `` for ``;``."""
    labels = sum(len(code.label) for code in lists[spec.list].codes) if spec.list else 0
    return labels + (spec.max_length if spec.kind in ("codes", "references") else 0)


def few_values(spec: FieldSpec) -> bool:
    """Whether a field's distinct cells are few, so that it pays to remember those that passed."""
    return spec.kind not in ("text", "reference", "references")
