"""Excel's own password protection, for people with neither gpg nor 7-Zip (design §5.1).

Agile encryption (MS-OFFCRYPTO §2.3.4.10): AES-256, SHA-512, 100,000 rounds over the password.
"""

from io import BytesIO
from pathlib import Path
from struct import error as StructError
from xml.parsers.expat import ExpatError

from msoffcrypto.exceptions import DecryptionError, EncryptionError, FileFormatError
from msoffcrypto.exceptions import InvalidKeyError as WrongKey
from msoffcrypto.format.ooxml import OOXMLFile

from gateway.crypto.faults import CryptoFault
from gateway.crypto.outputs import kept_if_whole

# What msoffcrypto and the readers of OLE and XML below it raise for a file that is not as it must
# be; olefile's own errors are OSErrors.
_BROKEN = (LookupError, ValueError, TypeError, AttributeError, OSError, StructError, ExpatError)


def protect(source: Path, target: Path, password: str) -> None:
    """Write the workbook ``source`` as ``target``, which Excel opens with ``password`` alone.

    The result is opened again and compared before it gets its name. Held in memory.
    Raises ``excel.not-a-workbook``, ``excel.failed``.
    """
    if not password:
        raise ValueError("A workbook needs a password to be protected.")
    with kept_if_whole(target) as part, source.open("rb") as plain:
        try:
            workbook = OOXMLFile(plain)
            with part.open("wb") as sealed:
                workbook.encrypt(password, sealed)
        except (FileFormatError, EncryptionError) as error:
            raise CryptoFault(
                "excel.not-a-workbook",
                "The file to be protected is not a plain XLSX workbook.",
                "Give an XLSX workbook that has no password yet.",
            ) from error
        plain.seek(0)
        if plain.read() != _opened(part, password):
            raise CryptoFault(
                "excel.failed",
                "The protected workbook does not open to what was put in.",
                "Nothing was sent. Report this as a fault of the gateway.",
            )


def unprotect(source: Path, target: Path, password: str) -> None:
    """Write the workbook inside ``source`` as ``target``; its integrity is verified first.

    Raises ``password.wrong``, ``excel.not-protected``, ``message.damaged``.
    """
    with kept_if_whole(target) as part:
        part.write_bytes(_opened(source, password))


def _opened(source: Path, password: str) -> bytes:
    plain = BytesIO()
    with source.open("rb") as sealed:
        try:
            workbook = OOXMLFile(sealed)
            if workbook.type != "agile":
                raise _not_protected()
            workbook.load_key(password=password, verify_password=True)
        except WrongKey as error:
            raise CryptoFault(
                "password.wrong",
                "The password does not open this workbook.",
                "Ask for the password again; it has small letters and digits, and hyphens count.",
            ) from error
        except (FileFormatError, DecryptionError) as error:
            raise _not_protected() from error
        except _BROKEN as error:
            raise _damaged() from error
        try:
            workbook.decrypt(plain, verify_integrity=True)
        except (WrongKey, DecryptionError, *_BROKEN) as error:
            raise _damaged() from error
    return plain.getvalue()


def _not_protected() -> CryptoFault:
    return CryptoFault(
        "excel.not-protected",
        "The file is not a workbook under Excel's Agile password protection.",
        "Check that it is the file that the gateway placed.",
    )


def _damaged() -> CryptoFault:
    return CryptoFault(
        "message.damaged",
        "The protected workbook is cut short or altered.",
        "Do not use it. Ask the sender to place it again, and tell the administrator.",
    )
