"""The password-protected zip of a package: AES-256 (WinZip AE-2) (design §5 step 9).

Members are stored, but for CSV: a workbook is deflated already, and text a sixth as long is quicker
to encrypt, to test, to seal for each recipient, to keep and to place than to leave as it is. Stock
7-Zip opens it; Windows Explorer does not.
"""

import hashlib
import re
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from struct import error as StructError
from typing import IO
from zlib import error as ZlibError

import pyzipper

from gateway.crypto.faults import CryptoFault
from gateway.crypto.outputs import kept_if_whole

# No i, l, o, 0, 1: a password is read aloud. 28 of 31 letters are 138 bits.
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
_GROUPS, _GROUP = 7, 4
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*")
_LONGEST_NAME = 100
_MOST_MEMBERS = 100
_AES_256 = 3
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)
_TEXT = ".csv"
_FAST = 1  # of zlib's levels
_CHUNK = 1024 * 1024
_BROKEN = (
    pyzipper.BadZipFile,
    ZlibError,
    StructError,
    EOFError,
    NotImplementedError,
    ValueError,
)


def new_password() -> str:
    """A fresh password of 138 random bits: seven groups of four small letters and digits."""
    return "-".join(
        "".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS)
    )


def zip_sealed(target: Path, members: Sequence[tuple[str, Path]], password: str) -> None:
    """Write ``members`` (plain name, file) into an encrypted zip at ``target``, in this order.

    Names, times and modes say nothing of this computer. AE-2 leaves out each member's CRC, which
    would tell something of its content. Raises ``OSError``; ``ValueError`` for a name with a path.
    """
    names = [name for name, _ in members]
    if len(set(names)) != len(names) or not all(map(_is_plain, names)):
        raise ValueError("Members of a package's zip have plain names, each once.")
    with (
        kept_if_whole(target) as part,
        part.open("wb") as stream,
        _closed_or_left(
            pyzipper.AESZipFile(
                stream,
                "w",
                compression=pyzipper.ZIP_STORED,
                encryption=pyzipper.WZ_AES,
                encryption_kwargs={"nbits": 256, "force_wz_aes_version": 2},
            )
        ) as archive,
    ):
        archive.setpassword(password.encode())
        for name, path in members:
            about = archive.zipinfo_cls(name, _FIXED_TIME)
            if name.endswith(_TEXT):
                about.compress_type = pyzipper.ZIP_DEFLATED
                about._compresslevel = _FAST
            about.external_attr = 0o600 << 16
            about.file_size = path.stat().st_size
            with path.open("rb") as plain, archive.open(about, "w") as sealed:
                shutil.copyfileobj(plain, sealed, _CHUNK)


@contextmanager
def _closed_or_left(archive: pyzipper.AESZipFile) -> Iterator[pyzipper.AESZipFile]:
    """Close the archive when all is written; after a fault of the disk, leave it for dead.

    Closing it then would raise a ValueError over the disk's own fault, now and when it is freed.
    """
    try:
        yield archive
        archive.close()
    except BaseException:
        archive.fp = None
        raise


def unzip_sealed(source: Path, to: Path, password: str, maximum_bytes: int) -> dict[str, Path]:
    """Open an encrypted zip into the folder ``to``; gives each member's path by its name.

    Nothing appears there until all of it is decrypted and authentic; files of the same name are
    replaced. Raises ``password.wrong``; ``zip.refused`` (a member that is not AES-256, has a path
    or comes twice, or more than ``maximum_bytes`` in all); ``message.damaged``.
    """
    to.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".opening-", suffix=".part", dir=to))
    try:
        with _opened(source, password) as archive:
            members = _members(archive, maximum_bytes)
            for name in members:
                private = folder / name
                private.touch(mode=0o600)
                with private.open("wb") as plain:
                    _read(archive, members[name], plain.write)
        for name in members:
            (folder / name).replace(to / name)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return {name: to / name for name in members}


def test_zip(source: Path, password: str, expected: Mapping[str, str]) -> None:
    """Decrypt every member and compare its SHA-256 (hexadecimal) with ``expected``, name by name.

    pyzipper's own ``testzip`` skips what it cannot decrypt and accepts a wrong password.
    Raises as ``unzip_sealed``, and ``zip.differs``.
    """
    with _opened(source, password) as archive:
        found = {}
        for name, info in _members(archive, None).items():
            digest = hashlib.sha256()
            _read(archive, info, digest.update)
            found[name] = digest.hexdigest()
    if found != dict(expected):
        raise CryptoFault(
            "zip.differs",
            "The zip does not hold exactly what was put in.",
            "Nothing was sent. Report this as a fault of the gateway.",
        )


@contextmanager
def _opened(source: Path, password: str) -> Iterator[pyzipper.AESZipFile]:
    with source.open("rb") as file:
        try:
            with pyzipper.AESZipFile(file) as archive:
                archive.setpassword(password.encode())
                yield archive
        except _BROKEN as error:
            raise CryptoFault(
                "message.damaged",
                "The zip is cut short, altered, or not a zip.",
                "Do not use it. Ask the sender to place it again, and tell the administrator.",
            ) from error


def _members(
    archive: pyzipper.AESZipFile, maximum_bytes: int | None
) -> dict[str, pyzipper.zipfile.ZipInfo]:
    infos = archive.infolist()
    names = [info.filename for info in infos]
    if len(infos) > _MOST_MEMBERS or len(set(names)) != len(names):
        raise _refused("It has too many members, or two of one name.")
    if not all(map(_is_plain, names)):
        raise _refused("A member's name is not a plain file name.")
    if not all(map(_is_sealed, infos)):
        raise _refused("A member is not encrypted with AES-256.")
    if maximum_bytes is not None and sum(info.file_size for info in infos) > maximum_bytes:
        raise _refused("It unpacks to more than is allowed.")
    return dict(zip(names, infos, strict=True))


def _is_plain(name: str) -> bool:
    return len(name) <= _LONGEST_NAME and _NAME.fullmatch(name) is not None


def _is_sealed(info: pyzipper.zipfile.ZipInfo) -> bool:
    return (
        bool(info.flag_bits & 1)
        and info.wz_aes_strength == _AES_256
        and info.compress_type in (pyzipper.ZIP_STORED, pyzipper.ZIP_DEFLATED)
    )


def _read(
    archive: pyzipper.AESZipFile,
    info: pyzipper.zipfile.ZipInfo,
    take: Callable[[bytes], object],
) -> None:
    try:
        member: IO[bytes] = archive.open(info)
    except RuntimeError as error:
        if not str(error).startswith("Bad password"):
            raise
        raise CryptoFault(
            "password.wrong",
            "The password does not open this zip.",
            "Ask for the password again; it has small letters and digits, and hyphens count.",
        ) from error
    left = info.file_size
    with member:
        while chunk := member.read(_CHUNK):
            take(chunk)
            left -= len(chunk)
    if left:
        raise pyzipper.BadZipFile("A member is shorter than the zip says.")


def _refused(why: str) -> CryptoFault:
    return CryptoFault(
        "zip.refused",
        f"The zip is not one that the gateway makes. {why}",
        "Do not open it by other means. Tell the administrator.",
    )
