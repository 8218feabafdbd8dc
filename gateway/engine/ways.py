"""What the doctor looks at of the ways beside the folders: SFTP, and outboxes in buckets."""

from collections.abc import Iterator
from typing import Literal

from gateway.agreement.load import AgreementFaults, load_agreements
from gateway.crypto.sshkeys import all_party_keys, host_fingerprint
from gateway.settings import Home, Settings

Told = tuple[str, Literal["ok", "warn", "fail"], str]  # what, how it stands, in words


def look_at_sftp(home: Home) -> Iterator[Told]:
    """The host key, and who can log in. Raises CryptoFault for a bad key, SettingsFault."""
    fingerprint = host_fingerprint(home.root)
    if fingerprint is not None:
        yield "sftp host key", "ok", f"{fingerprint}; tell it to whoever connects."
    parties = _parties(home)
    for path in (home.sftp_keys, *sorted(home.sftp_keys.glob("*"))):
        where = path.relative_to(home.root)
        if path.exists() and path.stat().st_mode & 0o022:
            yield "sftp keys", "fail", f"{where} can be changed by others. Run: chmod go-w {where}"
        if path.suffix == ".pub" and path.stem not in parties:
            yield "sftp keys", "warn", f"{where} is no party's, so it lets nobody in. Rename it."
    found = all_party_keys(home.sftp_keys, sorted(parties))
    with_keys = [f"{party} ({len(keys)})" for party, keys in found.items() if keys]
    if with_keys:
        yield "sftp keys", "ok", f"Who can log in, with how many keys: {', '.join(with_keys)}."
    elif Settings.load(home.settings_file).sftp.listen:
        words = "Nobody can log in: config/sftp/<party>.pub holds no key (docs/sftp.md)."
        yield "sftp keys", "warn", words


def _parties(home: Home) -> set[str]:
    try:
        agreements = load_agreements(home.config)
    except AgreementFaults:  # told of by another look
        return set()
    return {item.id for agreed in agreements for item in agreed.agreement.parties}
