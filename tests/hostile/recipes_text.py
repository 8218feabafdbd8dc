"""Text files: their records, their encodings, what parts their cells."""

from making import CLEAN, HEADINGS, clean, plain, text
from recipes import Recipe, recipe

QUOTES, ENCODING, EMPTY, NO_HEADINGS = ".quotes", ".encoding", ".empty", ".no-headings"
HEAD = ",".join(HEADINGS)
ROW = ",".join(clean(1))


def lines(*records: str, end: str = "\r\n") -> bytes:
    return (end.join(records) + end).encode()


def author(words: str) -> str:
    return text(clean(1, Report_author=words), clean(2))


def _recipes() -> list[Recipe]:
    family = "CSV: structure"
    made = [
        recipe(family, name, lambda data=data: data, codes, rows)
        for name, data, codes, rows in (
            ("a quote that is not closed", lines(HEAD, ROW, 'SCN2,"Camden,AB'), QUOTES, None),
            ("a quote that is not closed, in the headings", lines(f'"{HEAD}', ROW), QUOTES, None),
            ("words behind a quote", lines(HEAD, ROW.replace("Camden", '"Camden"x')), QUOTES, None),
            ("a quote within a word", lines(HEAD, ROW.replace("Lead", 'Le"ad')), "", 1),
            ("nothing but quotes", b'"' * 9001, QUOTES, None),
            ("a row too short", lines(HEAD, ROW[: ROW.rindex(",")]), "row.short", 1),
            ("a row too long", lines(HEAD, f"{ROW},x"), "row.long", 0),
            ("a row longer by nothing", lines(HEAD, f"{ROW},,,"), "", 1),
            ("a row of one cell", lines(HEAD, ROW, "x"),
             "row.short cell.required rule.one-of reference.malformed", 1),
            ("a row of 5,000 cells", lines(HEAD, ROW + ",x" * 5000), "row.long", 0),
            ("blank lines everywhere", lines("", HEAD, "", ROW, "", ""), "", 1),
            ("lines of commas", lines(HEAD, ROW, ",,,,", ",,,,,,,,,,"), "", 1),
            ("49 lines above", lines(*["title"] * 49, HEAD, ROW), ".preamble", 1),
            ("50 lines above", lines(*["title"] * 50, HEAD, ROW), NO_HEADINGS, None),
            ("the headings again", lines(HEAD, ROW, HEAD), ".headings-repeated", 1),
            ("the headings thirty times", lines(HEAD, ROW, *[HEAD] * 30), ".headings-repeated", 1),
            ("the headings alone", lines(HEAD), "", 0),
            ("the headings without an end", HEAD.encode(), ".cut-short", None),
            ("a total", lines(HEAD, ROW, "Total,1"), ".totals", 1),
            ("a heading twice", lines(f"{HEAD},Gender", f"{ROW},Male"), ".heading-twice", None),
            ("a heading gone", lines(HEAD.replace("Gender", "Sex of sorts"), ROW),
             ".heading-missing", None),
            ("the same row twice", lines(HEAD, ROW, ROW), "row.repeated", None),
            ("one reference for two rows", lines(HEAD, ROW, ROW.replace("Male", "Female")),
             "row.reference-conflict", 0),
            ("1,000 columns", lines(HEAD + "".join(f",h{n}" for n in range(989)), ROW),
             "row.short", 1),
            ("1,001 columns", lines(HEAD + "".join(f",h{n}" for n in range(990)), ROW),
             ".too-wide", None),
            ("records ended by carriage returns", lines(HEAD, ROW, end="\r"), "", 1),
            ("records ended by line feeds", lines(HEAD, ROW, end="\n"), "", 1),
            ("ends of every kind", (HEAD + "\n" + ROW + "\r").encode(), "", 1),
            ("a record separator", lines(HEAD, ROW.replace("Lead", "Le\x1ead")),
             "cell.control-character", 0),
            ("a line separator", lines(HEAD, ROW.replace("Lead", "Le\u2028ad")), "", 1),
            ("a form feed at the end", lines(HEAD, ROW) + b"\x0c", "row.cut-short "
             "cell.required cell.control-character rule.one-of", None),
            ("the end of a file of old", lines(HEAD, ROW) + b"\x1a", "row.cut-short "
             "cell.required cell.control-character rule.one-of", None),
            ("one line of 9 megabytes", b"x" * (9 << 20), ".damaged", None),
            ("cells of nothing", b"," * 200_000 + b"\r\n", NO_HEADINGS, None),
            ("words of no table", b"Dear all,\r\nplease find attached.\r\n", NO_HEADINGS, None),
            ("a JSON table", b'[{"Reference number": "SCN00000001"}]', NO_HEADINGS, None),
            ("a program", b"#!/bin/sh\nrm -rf /\n", NO_HEADINGS, None),
            ("a hint for Excel", b"sep=,\r\n" + lines(HEAD, ROW), ".preamble", 1),
        )
    ]  # fmt: skip
    family = "CSV: delimiters"
    made += [
        recipe(family, name, make, codes, rows)
        for name, make, codes, rows in (
            ("semicolons", lambda: text(clean(1), separator=";").encode(), "", 1),
            ("tabs", lambda: text(clean(1), separator="\t").encode(), "", 1),
            ("pipes", lambda: text(clean(1), separator="|").encode(), NO_HEADINGS, None),
            ("colons", lambda: text(clean(1), separator=":").encode(), NO_HEADINGS, None),
            ("carets", lambda: text(clean(1), separator="^").encode(), NO_HEADINGS, None),
            ("spaces", lambda: text(clean(1), separator=" ").encode(), QUOTES, None),
            ("unit separators", lambda: text(clean(1), separator="\x1f").encode(), NO_HEADINGS,
             None),
            ("semicolons full of commas",
             lambda: text(clean(1, Case_information="a, b, c, " * 50), separator=";").encode(), "",
             1),
            ("commas full of semicolons",
             lambda: text(clean(1, Case_information="a; b; c; " * 50)).encode(), "", 1),
            ("commas, then semicolons",
             lambda: (HEAD + "\r\n" + ";".join(clean(1)) + "\r\n").encode(),
             "row.short cell.required rule.one-of reference.malformed", 0),
            ("single quotes",
             lambda: (",".join(f"'{h}'" for h in HEADINGS) + "\r\n").encode(), "", 0),
        )
    ]  # fmt: skip
    family = "CSV: encodings"
    zoe = "Zo\u00eb and Ren\u00e9e \u2013 \u201cquoted\u201d"
    made += [
        recipe(family, name, make, codes, rows)
        for name, make, codes, rows in (
            ("UTF-8 with a mark", lambda: plain().encode("utf-8-sig"), "", 2),
            ("UTF-8 with two marks", lambda: b"\xef\xbb\xbf" + plain().encode("utf-8-sig"), "", 2),
            ("UTF-16 with a mark", lambda: author(zoe).encode("utf-16"), "", 2),
            ("UTF-16, big end", lambda: b"\xfe\xff" + author(zoe).encode("utf-16-be"), "", 2),
            ("UTF-16 without a mark", lambda: plain().encode("utf-16-le"), ENCODING, None),
            ("UTF-16, big end, without a mark", lambda: plain().encode("utf-16-be"), ENCODING,
             None),
            ("UTF-16 of an odd length", lambda: plain().encode("utf-16") + b"\0", ENCODING, None),
            ("UTF-16 with half a surrogate",
             lambda: plain().encode("utf-16") + b"\x00\xd8\x0a\x00", ENCODING, None),
            ("UTF-16 with a NUL", lambda: (plain() + "\0").encode("utf-16"), ".nul-bytes", None),
            ("UTF-32", lambda: plain().encode("utf-32"), ENCODING, None),
            ("UTF-32, big end, with a mark",
             lambda: b"\0\0\xfe\xff" + plain().encode("utf-32-be"), ENCODING, None),
            ("UTF-7", lambda: author(zoe).encode("utf-7"), "", 2),
            ("EBCDIC", lambda: plain().encode("cp037"), ENCODING, None),
            ("windows-1252", lambda: author(zoe).encode("cp1252"), ".windows-1252", 2),
            ("windows-1252 and UTF-8 mixed",
             lambda: author(zoe).encode("cp1252") + zoe.encode() + b"\r\n", ENCODING, None),
            ("windows-1250", lambda: author("Wa\u0142\u0119sa \u0105\u0142").encode("cp1250"),
             ENCODING, None),
            ("windows-1251", lambda: author("\u0418\u0432\u0430\u043d").encode("cp1251"), ENCODING,
             None),
            ("code page 850", lambda: author("Zo\u00eb").encode("cp850"), ENCODING, None),
            ("Macintosh", lambda: author("Zo\u00eb").encode("mac-roman"), ENCODING, None),
            ("Shift JIS", lambda: author("\u65e5\u672c\u8a9e").encode("shift-jis"), ENCODING, None),
            ("GB 18030", lambda: author("\u4e2d\u6587").encode("gb18030"), ENCODING, None),
            ("ISO 2022", lambda: author("\u65e5\u672c").encode("iso2022_jp"),
             "cell.control-character", 1),
            ("UTF-8 drawn out", lambda: author("x@y").encode().replace(b"@", b"\xc0\xaf"), ENCODING,
             None),
            ("UTF-8 cut in a character", lambda: plain().encode() + b"\xe2\x82", ENCODING, None),
            ("half a surrogate in UTF-8", lambda: author("x").encode() + b"\xed\xa0\x80\r\n",
             ENCODING, None),
            ("beyond all characters", lambda: plain().encode() + b"\xf4\x90\x80\x80\r\n", ENCODING,
             None),
            ("a NUL", lambda: author("a\0b").encode(), ".nul-bytes", None),
            ("nothing but NULs", lambda: bytes(4096), ".nul-bytes", None),
            ("an escape sequence", lambda: author("\x1b[31mred").encode(), "cell.control-character",
             1),
            ("a backspace", lambda: author("good\x08\x08\x08\x08evil").encode(),
             "cell.control-character", 1),
            ("DEL", lambda: author("a\x7fb").encode(), "cell.control-character", 1),
            ("no character", lambda: author("a\ufffeb").encode(), "cell.control-character", 1),
            ("a mark within", lambda: author("a\ufeffb").encode(), "", 2),
            ("a replacement character", lambda: author("a\ufffdb").encode(), "", 2),
            ("characters of a later C1", lambda: author("a\x85b").encode(), "", 2),
            ("a mark alone", lambda: b"\xef\xbb\xbf", EMPTY, None),
            ("a mark of UTF-16 alone", lambda: b"\xff\xfe", EMPTY, None),
            ("spaces alone", lambda: b" \t\r\n" * 3000, EMPTY, None),
            ("no byte", lambda: b"", EMPTY, None),
            ("bytes of all values", lambda: bytes(range(256)) * 16, ENCODING, None),
            ("high bytes alone", lambda: bytes(range(128, 256)) * 16, ENCODING, None),
        )
    ]  # fmt: skip
    assert set(CLEAN) == set(HEADINGS)
    return made


RECIPES = _recipes()
