"""A signature over a statement: what officers and parties sign, byte for byte."""

import tempfile
from pathlib import Path

from gateway.crypto.faults import CryptoFault
from gateway.crypto.openpgp import OpenPGP

LARGEST_SIGNATURE = 64 * 1024  # bytes; a real one has a few hundred


def verify_statement(openpgp: OpenPGP, said: bytes, signature: bytes, signer: str) -> None:
    """Raises CryptoFault (signature.*, key.*) unless ``signer`` signed exactly those bytes."""
    if not 0 < len(signature) <= LARGEST_SIGNATURE:
        raise CryptoFault("signature.missing", "That is no signature.", "Sign the statement.")
    with tempfile.TemporaryDirectory(prefix="statement-") as folder:
        told, made = Path(folder, "statement"), Path(folder, "signature")
        told.write_bytes(said)
        made.write_bytes(signature)
        openpgp.verify_detached(told, made, signer)
