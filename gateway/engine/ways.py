"""What the doctor looks at of the ways beside the folders: SFTP, and outboxes in buckets."""

from collections.abc import Iterator
from typing import Literal

from gateway.agreement.load import AgreementFaults, load_agreements
from gateway.crypto.sshkeys import HOST_KEY, all_party_keys, host_fingerprint
from gateway.settings import Home, Settings

Told = tuple[str, Literal["ok", "warn", "fail"], str]  # what, how it stands, in words


def look_at_sftp(home: Home) -> Iterator[Told]:
    """The host key, and who can log in. Raises CryptoFault for a bad key, SettingsFault."""
    listens = bool(Settings.load(home.settings_file).sftp.listen)
    fingerprint = host_fingerprint(home.root)
    if fingerprint is not None:
        yield "sftp host key", "ok", f"{fingerprint} (keys/{HOST_KEY}); tell it to who connects."
    elif listens:
        yield "sftp host key", "warn", f"There is no keys/{HOST_KEY} yet. `init` makes it."
    parties = _parties(home)
    for path in (home.sftp_keys, *sorted(home.sftp_keys.glob("*"))):
        where = path.relative_to(home.root)
        if path.exists() and path.stat().st_mode & 0o022:
            yield "sftp keys", "fail", f"{where} can be changed by others. Run: chmod go-w {where}"
        if path.suffix == ".pub" and path.stem not in parties:
            yield "sftp keys", "warn", f"{where} is no party's, so it lets nobody in. Rename it."
    found = all_party_keys(home.sftp_keys, sorted(parties))
    for party, keys in found.items():
        file = f"config/sftp/{party}.pub"
        if keys:
            yield "sftp keys", "ok", f"{party} logs in with {', '.join(sorted(keys))} ({file})."
        elif listens:  # a party may well use another way; that nobody uses this one is odd
            words = f"{party} cannot log in: {file} holds no key (docs/sftp.md)."
            yield "sftp keys", "ok" if any(found.values()) else "warn", words


def _parties(home: Home) -> set[str]:
    try:
        agreements = load_agreements(home.config)
    except AgreementFaults:  # told of by another look
        return set()
    return {item.id for agreed in agreements for item in agreed.agreement.parties}
