"""The package's zip: opened with its password by stock 7-Zip, and by us only if it is ours."""

import hashlib
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import pyzipper
from Cryptodome.Protocol.KDF import PBKDF2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.crypto import zips
from gateway.crypto.faults import CryptoFault

MEMBERS = {"manifest.json": b'{"package": "CANARY-1"}', "data.xlsx": b"CANARY-2 " * 3000}
EXPECTED = {name: hashlib.sha256(data).hexdigest() for name, data in MEMBERS.items()}
PASSWORD = "abcd-efgh"
LIMIT = 1_000_000


def _zip(folder: Path, members: dict[str, bytes] = MEMBERS, password: str = PASSWORD) -> Path:
    source = folder / "source"
    source.mkdir(exist_ok=True)
    given = []
    for number, (name, data) in enumerate(members.items()):
        path = source / f"a-telling-path-{number}"
        path.write_bytes(data)
        given.append((name, path))
    zips.zip_sealed(folder / "package.zip", given, password)
    return folder / "package.zip"


def _foreign(folder: Path, name: str, *, aes: int | None = 256, times: int = 1) -> Path:
    """A zip that another program might make."""
    path = folder / "foreign.zip"
    if aes is None:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(name, b"data")
        return path
    how = {"encryption": pyzipper.WZ_AES, "encryption_kwargs": {"nbits": aes}}
    with pyzipper.AESZipFile(path, "w", **how) as archive:
        archive.setpassword(PASSWORD.encode())
        for _ in range(times):
            archive.writestr(name, b"data")
    return path


def _refusal(source: Path, to: Path, password: str = PASSWORD, limit: int = LIMIT) -> CryptoFault:
    with pytest.raises(CryptoFault) as caught:
        zips.unzip_sealed(source, to, password, limit)
    assert not to.exists() or list(to.iterdir()) == []
    assert caught.value.hint
    return caught.value


# --- passwords -----------------------------------------------------------------------------------


def test_a_password_is_long_random_and_can_be_read_aloud() -> None:
    passwords = {zips.new_password() for _ in range(200)}
    assert len(passwords) == 200
    for password in passwords:
        groups = password.split("-")
        assert [len(group) for group in groups] == [4] * 7
        assert not set("".join(groups)) & set("ilo01ILO")
    letters = set("".join(passwords)) - {"-"}
    assert len(letters) ** 28 >= 2**128


# --- writing -------------------------------------------------------------------------------------


def test_7_zip_opens_it(tmp_path: Path, need_program: Callable[[str], str]) -> None:
    package = _zip(tmp_path)
    seven = need_program("7z")
    subprocess.run([seven, "x", f"-p{PASSWORD}", f"-o{tmp_path / 'out'}", package], check=True)
    assert {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()} == MEMBERS
    listing = subprocess.run([seven, "l", "-slt", package], capture_output=True, check=True)
    assert listing.stdout.count(b"Method = AES-256 Store") == 2
    wrong = subprocess.run([seven, "t", "-pwrong", package], capture_output=True, check=False)
    assert wrong.returncode != 0


def test_it_says_nothing_of_its_content_or_of_this_computer(tmp_path: Path) -> None:
    package = _zip(tmp_path)
    data = package.read_bytes()
    assert b"CANARY" not in data
    assert b"telling" not in data
    assert package.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(package) as archive:
        infos = archive.infolist()
        assert archive.comment == b""
    assert [info.filename for info in infos] == list(MEMBERS)
    for info in infos:
        assert info.date_time == (1980, 1, 1, 0, 0, 0)
        assert info.CRC == 0  # AE-2: a CRC would confirm a guessed content
        assert info.flag_bits & 1
        assert info.comment == b""


@pytest.mark.parametrize("names", [["../a"], ["/a"], ["a", "a"], [""], ["a/b"], ["a\\b"], [".a"]])
def test_only_plain_names_are_written(tmp_path: Path, names: list[str], plain: Path) -> None:
    with pytest.raises(ValueError, match="plain names"):
        zips.zip_sealed(tmp_path / "z.zip", [(name, plain) for name in names], PASSWORD)
    assert not (tmp_path / "z.zip").exists()


def test_a_member_that_cannot_be_read_leaves_nothing(tmp_path: Path, plain: Path) -> None:
    members = [("a", plain), ("b", tmp_path / "absent")]
    with pytest.raises(FileNotFoundError):
        zips.zip_sealed(tmp_path / "z.zip", members, PASSWORD)
    assert {item.name for item in tmp_path.iterdir()} == {"plain"}


# --- opening -------------------------------------------------------------------------------------


def test_what_was_put_in_comes_out(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    found = zips.unzip_sealed(_zip(tmp_path), out, PASSWORD, LIMIT)
    assert found == {name: out / name for name in MEMBERS}
    assert {p.name: p.read_bytes() for p in out.iterdir()} == MEMBERS
    assert {p.stat().st_mode & 0o777 for p in out.iterdir()} == {0o600}
    assert out.stat().st_mode & 0o777 == 0o700


def test_an_empty_member(tmp_path: Path) -> None:
    package = _zip(tmp_path, {"empty": b""})
    assert zips.unzip_sealed(package, tmp_path / "out", PASSWORD, 0)["empty"].read_bytes() == b""


def test_a_wrong_password(tmp_path: Path) -> None:
    package = _zip(tmp_path)
    assert _refusal(package, tmp_path / "out", "wrong").code == "password.wrong"
    with pytest.raises(CryptoFault) as caught:
        zips.test_zip(package, "wrong", EXPECTED)
    assert caught.value.code == "password.wrong"


def test_a_wrong_password_that_passes_the_short_check(tmp_path: Path) -> None:
    """One in 65,536 wrong passwords passes the zip's own check: the authentication must not."""
    package = _zip(tmp_path, {"a": b"data"})
    whole = package.read_bytes()
    salt = 30 + len("a") + 11  # the local header, the name, the AES extra field
    told = PBKDF2("wrong", whole[salt : salt + 16], dkLen=66, count=1000)
    package.write_bytes(whole[: salt + 16] + told[-2:] + whole[salt + 18 :])
    assert _refusal(package, tmp_path / "out", "wrong").code == "message.damaged"


def test_no_more_than_allowed(tmp_path: Path) -> None:
    package = _zip(tmp_path)
    size = sum(map(len, MEMBERS.values()))
    assert _refusal(package, tmp_path / "out", limit=size - 1).code == "zip.refused"
    assert zips.unzip_sealed(package, tmp_path / "out", PASSWORD, size)


@pytest.mark.parametrize(
    "name", ["../a", "/etc/a", "a/b", "a/", ".a", "a\nb", "x" * 101, "Ü", "a."]
)
def test_a_name_with_a_path_in_it(tmp_path: Path, name: str) -> None:
    refusal = _refusal(_foreign(tmp_path, name), tmp_path / "out")
    assert refusal.code == "zip.refused"
    assert {item.name for item in tmp_path.iterdir()} <= {"foreign.zip", "out"}


@pytest.mark.parametrize("aes", [None, 128, 192])
def test_a_member_without_the_agreed_encryption(tmp_path: Path, aes: int | None) -> None:
    assert _refusal(_foreign(tmp_path, "a", aes=aes), tmp_path / "out").code == "zip.refused"


def test_the_old_zip_encryption(tmp_path: Path, need_program: Callable[[str], str]) -> None:
    (tmp_path / "a").write_bytes(b"data" * 100)
    command = [need_program("7z"), "a", f"-p{PASSWORD}", "-mem=ZipCrypto", "old.zip", "a"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    assert _refusal(tmp_path / "old.zip", tmp_path / "out").code == "zip.refused"


def test_a_deflated_zip_by_7_zip_opens(tmp_path: Path, need_program: Callable[[str], str]) -> None:
    (tmp_path / "a").write_bytes(b"data" * 100)
    command = [need_program("7z"), "a", f"-p{PASSWORD}", "-mem=AES256", "new.zip", "a"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    found = zips.unzip_sealed(tmp_path / "new.zip", tmp_path / "out", PASSWORD, LIMIT)
    assert found["a"].read_bytes() == b"data" * 100


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_twice_or_too_many(tmp_path: Path) -> None:
    assert _refusal(_foreign(tmp_path, "a", times=2), tmp_path / "out").code == "zip.refused"
    many = {f"member-{number}": b"" for number in range(101)}
    assert _refusal(_zip(tmp_path, many), tmp_path / "out").code == "zip.refused"


def test_not_a_zip(tmp_path: Path, plain: Path) -> None:
    assert _refusal(plain, tmp_path / "out").code == "message.damaged"


@given(data=st.data())
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_an_altered_zip_opens_to_the_same_or_not_at_all(
    tmp_path: Path, data: st.DataObject
) -> None:
    whole = _zip(tmp_path).read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    altered = tmp_path / "altered.zip"
    altered.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << data.draw(st.integers(0, 7)))])
                        + whole[at + 1 :])  # fmt: skip
    try:
        zips.test_zip(altered, PASSWORD, EXPECTED)
    except CryptoFault as fault:
        assert fault.code in ("message.damaged", "password.wrong", "zip.refused", "zip.differs")


# --- the self-test -------------------------------------------------------------------------------


def test_the_self_test(tmp_path: Path) -> None:
    package = _zip(tmp_path)
    zips.test_zip(package, PASSWORD, EXPECTED)
    for wrong in (
        {},
        {**EXPECTED, "more": ""},
        {**EXPECTED, "data.xlsx": EXPECTED["manifest.json"]},
    ):
        with pytest.raises(CryptoFault) as caught:
            zips.test_zip(package, PASSWORD, wrong)
        assert caught.value.code == "zip.differs"


def test_a_csv_copy_is_deflated_and_a_workbook_is_not(tmp_path: Path) -> None:
    """A workbook is deflated in itself."""
    members = {"data.csv": b"CANARY,Leeds\r\n" * 3000, "data.xlsx": b"CANARY-2 " * 3000}
    path = _zip(tmp_path, members)
    with pyzipper.AESZipFile(path) as archive:
        small, large = (archive.getinfo(name) for name in members)
    assert small.compress_size < small.file_size / 10
    assert large.compress_size > large.file_size
    zips.test_zip(path, PASSWORD, {n: hashlib.sha256(d).hexdigest() for n, d in members.items()})
    ran = subprocess.run(
        ["7z", "x", "-so", f"-p{PASSWORD}", str(path), "data.csv"], capture_output=True, check=True
    )
    assert ran.stdout == members["data.csv"]
