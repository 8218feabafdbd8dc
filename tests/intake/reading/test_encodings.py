"""Which encodings are taken, and when windows-1252 is beyond doubt."""

import pytest

HEAD = "Reference number,Gender,Date of birth,Case information\r\n"


def _file(text, codec="cp1252", reference="A1"):
    return (HEAD + f"{reference},Male,,{text}\r\n").encode(codec)


@pytest.mark.parametrize(
    "text",
    [
        "Zoë",
        "José Núñez",
        "Siân O’Neill",
        "François Müller",
        "Élodie",
        "créée",
        "Süß",
        "à la carte",
        "café—bar",
        "mother–child",
        "“quoted” and ‘quoted’",
        "£5 or €5",
        "• one … two",
        "½ an hour at 37°",
        "20m² and 5µg",
        "Ångström",
        "no\u00a0break",
        "§ 47",
        "5€",
    ],
)
def test_text_as_typed_in_britain(read, text):
    reading = read(_file(text))
    assert reading.values[0][3] == text
    assert reading.codes == ["file.windows-1252"]


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        ("Wałęsa", "cp1250"),
        ("Życie", "cp1250"),
        ("Привет", "cp1251"),
        ("на", "cp1251"),
        ("Γεια", "iso8859_7"),
        ("Zoë", "cp850"),
        ("Renée", "cp850"),
        ("père", "cp850"),
        ("Björn", "cp850"),
        ("Zoë", "mac_roman"),
        ("Renée", "mac_roman"),
        ("it’s", "mac_roman"),
        ("père", "mac_roman"),
        ("こんにちは", "shift_jis"),
        ("你好", "gbk"),
        ("안녕", "euc_kr"),
    ],
)
def test_text_of_other_encodings_is_in_doubt(refusal, text, codec):
    assert refusal(_file(text, codec)) == ["file.encoding"]


@pytest.mark.parametrize("byte", [0x81, 0x8D, 0x8F, 0x90, 0x9D, 0xB3, 0xB9, 0xBF, 0xA5, 0xD7])
def test_a_byte_that_is_undefined_or_rare(refusal, byte):
    assert refusal(_file("x").replace(b"x\r\n", bytes([120, byte, 120, 13, 10]))) == [
        "file.encoding"
    ]


def test_two_encodings_in_one_file(refusal):
    assert refusal(_file("Zoë") + "B2,Male,,Zoë\r\n".encode()) == ["file.encoding"]


def test_a_macintosh_file_is_in_doubt(refusal, read):
    data = _file("Zoë").replace(b"\r\n", b"\r")
    assert refusal(data) == ["file.encoding"]
    assert read(data.replace(b"\xeb", b"e")).rows


@pytest.mark.parametrize("size", [1 << 20, 2 << 20])
def test_a_doubt_or_an_accent_across_two_blocks(read, refusal, size):
    """The same bytes at each place near the end of a block, as the file is read in blocks."""
    for shift in range(-12, 4):
        filler = (b"B2,Male,," + b"z" * 9989 + b"\r\n") * (size // 10_000 - 1)
        head = _file("x") + filler
        head += b"C3,Male,," + b"y" * (size + shift - len(head) - 9)
        assert read(head + "Zoë “so”\r\n".encode("cp1252")).codes == ["file.windows-1252"]
        assert refusal(head + b"Zo\xeb\xeb\xeb\r\n") == ["file.encoding"]


def test_a_doubt_in_the_very_last_byte(refusal):
    assert refusal(_file("Zoë")[:-2] + b"\x81") == ["file.encoding"]
    assert refusal(_file("Zoë") + b"\xeb") == ["file.encoding"]


@pytest.mark.parametrize("codec", ["utf-32", "utf-16-le", "utf-16-be"])
def test_wide_text_without_its_mark(refusal, codec):
    assert refusal(_file("x", codec)) == ["file.encoding"]


def test_a_broken_end_of_wide_text(refusal):
    whole = b"\xff\xfe" + _file("x", "utf-16-le")
    assert refusal(whole[:-1]) == ["file.encoding"]
    assert refusal(whole + b"\x00\xd8") == ["file.encoding"]


def test_utf_8_cut_in_the_middle_of_a_letter(refusal):
    assert refusal(_file("Zoë Zoë", "utf-8").rstrip(b"\r\n")[:-1]) == ["file.encoding"]
