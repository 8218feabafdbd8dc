"""Excel's own protection: opens with its password alone, to the very same bytes."""

import io
import zipfile
from pathlib import Path

import msoffcrypto
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.crypto import excel
from gateway.crypto.faults import CryptoFault

PASSWORD = "abcd-efgh-2345"


@pytest.fixture
def workbook(tmp_path: Path) -> Path:
    path = tmp_path / "data.xlsx"
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet("Notifications")
    for row in range(300):
        sheet.write_row(row, 0, ["CANARY", str(row), "x" * (row % 50)])
    book.close()
    return path


@pytest.fixture
def protected(workbook: Path) -> Path:
    path = workbook.with_name("protected.xlsx")
    excel.protect(workbook, path, PASSWORD)
    return path


def _refused(source: Path, password: str = PASSWORD) -> str:
    target = source.with_name("opened.xlsx")
    with pytest.raises(CryptoFault) as caught:
        excel.unprotect(source, target, password)
    assert not target.exists()
    assert not list(source.parent.glob(".sealing*"))
    return caught.value.code


def test_it_opens_to_the_very_same_bytes(workbook: Path, protected: Path) -> None:
    assert not zipfile.is_zipfile(protected)
    assert protected.stat().st_mode & 0o777 == 0o600
    opened = workbook.with_name("opened.xlsx")
    excel.unprotect(protected, opened, PASSWORD)
    assert opened.read_bytes() == workbook.read_bytes()


def test_it_is_agile_aes_256(protected: Path) -> None:
    with protected.open("rb") as file:
        book = msoffcrypto.OfficeFile(file)
        assert (book.type, book.info["passwordKeyBits"]) == ("agile", 256)
        assert book.info["spinValue"] == 100_000


def test_the_wrong_password(protected: Path) -> None:
    assert _refused(protected, "wrong") == "password.wrong"
    assert _refused(protected, PASSWORD.upper()) == "password.wrong"


def test_a_workbook_without_protection(workbook: Path) -> None:
    assert _refused(workbook) == "excel.not-protected"


def test_not_a_workbook(plain: Path) -> None:
    assert _refused(plain) == "excel.not-protected"
    for source in (plain,):
        with pytest.raises(CryptoFault) as caught:
            excel.protect(source, plain.with_name("out"), PASSWORD)
        assert caught.value.code == "excel.not-a-workbook"
    assert {item.name for item in plain.parent.iterdir()} == {"plain"}


def test_a_workbook_protected_already(protected: Path) -> None:
    with pytest.raises(CryptoFault) as caught:
        excel.protect(protected, protected.with_name("twice.xlsx"), PASSWORD)
    assert caught.value.code == "excel.not-a-workbook"


def test_no_password(workbook: Path) -> None:
    with pytest.raises(ValueError, match="password"):
        excel.protect(workbook, workbook.with_name("out.xlsx"), "")


def _spoil(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def test_altered_content(protected: Path) -> None:
    data = protected.read_bytes()
    for at in (len(data) // 2, len(data) // 3):
        _spoil(protected, at)
        assert _refused(protected) == "message.damaged"
        protected.write_bytes(data)


@given(data=st.data())
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_an_altered_workbook_opens_to_the_same_or_not_at_all(
    workbook: Path, protected: Path, data: st.DataObject
) -> None:
    whole = bytearray(protected.read_bytes())
    for _ in range(3):
        at = data.draw(st.integers(0, 4000) | st.integers(0, len(whole) - 1), label="at")
        whole[at] ^= 1 << data.draw(st.integers(0, 7), label="bit")
    altered, opened = workbook.with_name("altered"), workbook.with_name("opened")
    altered.write_bytes(whole)
    try:
        excel.unprotect(altered, opened, PASSWORD)
    except CryptoFault as fault:
        assert fault.code in ("message.damaged", "password.wrong", "excel.not-protected")
    else:
        assert opened.read_bytes() == workbook.read_bytes()
    opened.unlink(missing_ok=True)


@pytest.mark.parametrize("part", [0.05, 0.3, 0.6, 0.9])
def test_cut_short(protected: Path, part: float) -> None:
    data = protected.read_bytes()
    protected.write_bytes(data[: int(len(data) * part)])
    assert _refused(protected) in ("message.damaged", "excel.not-protected")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'spinCount="100000"', b'spinCount="999999999"'),
        (b'saltValue="', b'saltVxlue="'),
        (b"</encryption>", b"<encryption!>"),
    ],
)
def test_a_forged_description_of_the_encryption(protected: Path, old: bytes, new: bytes) -> None:
    """An absurd number of rounds would keep the reader busy for days."""
    data = protected.read_bytes()
    assert old in data
    padding = len(old) - len(new)
    data = data.replace(old, new, 1)
    if padding < 0:  # keep the file's length: take it from the blanks between the attributes
        at = data.index(b"            <p:encryptedKey")
        data = data[:at] + data[at - padding :]
    protected.write_bytes(data)
    assert _refused(protected) in ("message.damaged", "excel.not-protected")


def test_what_protect_wrote_is_opened_again_first(
    workbook: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A library that seals something else is noticed before the file gets its name."""
    real = excel.OOXMLFile

    class Careless(real):  # type: ignore[misc,valid-type]
        def encrypt(self, password: str, outfile: io.BytesIO) -> None:
            self.file = io.BytesIO(self.file.read() + b"!")
            super().encrypt(password, outfile)

    monkeypatch.setattr(excel, "OOXMLFile", Careless)
    with pytest.raises(CryptoFault) as caught:
        excel.protect(workbook, workbook.with_name("out.xlsx"), PASSWORD)
    assert caught.value.code == "excel.failed"
    assert {item.name for item in workbook.parent.iterdir()} == {"data.xlsx"}
