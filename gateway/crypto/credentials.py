"""Secrets that systemd hands over, as credentials, instead of files under ``keys/``."""

import os
from pathlib import Path

_OTHERS = 0o077
# systemd grants its credentials by an access list, which shows in the group's bits.
_OTHERS_OF_A_CREDENTIAL = 0o007


def secret_file(path: Path) -> tuple[Path, int]:
    """Where the secret of that name lies, and the mode bits that it must not have.

    ``$CREDENTIALS_DIRECTORY/<name>`` (systemd's LoadCredential) wins where it exists.
    """
    store = os.environ.get("CREDENTIALS_DIRECTORY")
    if store and (credential := Path(store, path.name)).exists():
        return credential, _OTHERS_OF_A_CREDENTIAL
    return path, _OTHERS
