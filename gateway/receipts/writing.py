"""Writing a signed receipt as a pair of files: what a recipient's own commands do."""

import tempfile
from pathlib import Path

from gateway.crypto.openpgp import OpenPGP
from gateway.receipts.receipt import SUFFIX, Receipt, to_bytes

_TOLD = 8  # digits of the receipt's id in its file's name


def write_signed(receipt: Receipt, openpgp: OpenPGP, signer: str, folder: Path) -> Path:
    """Write ``<package>-<kind>-<id>.receipt.json`` and its ``.asc``; the first one's path.

    ``signer``: full fingerprint of a key in ``openpgp``. The signature appears first, so that who
    sees the receipt may count on it. Raises CryptoFault and OSError; nothing is left then.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{receipt.package}-{receipt.kind}-{receipt.id[:_TOLD]}{SUFFIX}"
    with tempfile.TemporaryDirectory(prefix=".receipt-", suffix=".part", dir=folder) as part:
        body, signature = Path(part) / "receipt", Path(part) / "signature"
        body.write_bytes(to_bytes(receipt))
        openpgp.detach_sign(body, signature, signer)
        for path in (body, signature):
            path.chmod(0o640)
        signature.replace(target.with_name(f"{target.name}.asc"))
        body.replace(target)
    return target
