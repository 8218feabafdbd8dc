"""What the pages say of packages, in plain words. Nothing here is decided."""

from collections.abc import Mapping
from datetime import date, datetime

from gateway.agreement.windows import LONDON
from gateway.store.packages import FIRST_REHEARSAL
from gateway.store.receipts import ReceiptRow
from gateway.store.received import Received

STATES: Mapping[str, str] = {
    "sealed": "Not placed yet",
    "placed": "Ready to collect",
    "collected": "Collected, not opened yet",
    "opened": "Opened, not accepted yet",
    "accepted": "Accepted",
    "queried": "Queried",
    "recalled": "Recalled by its sender",
    "quarantined": "Recalled, and kept apart",
}
# The GOV.UK tag of each state; the words say the same.
TAGS: Mapping[str, str] = {
    "placed": "govuk-tag--blue",
    "collected": "govuk-tag--yellow",
    "opened": "govuk-tag--yellow",
    "accepted": "govuk-tag--green",
    "queried": "govuk-tag--purple",
    "recalled": "govuk-tag--red",
    "quarantined": "govuk-tag--grey",
}
KINDS: Mapping[str, str] = {
    "nil-declared": "Nil return: the sender says that there is nothing to send",
    "nothing-received": "Nothing received: no extract came, so this is not a nil return",
    "rows-held": "Rows held: all rows are held back for correction, so this is not a nil return",
}
TO_DO: Mapping[str, str] = {
    "collected": "Download it",
    "opened": "Open it and accept it",
    "accepted": "Accept it, or ask a question",
}
HOW_TO_OPEN: Mapping[str, str] = {
    "openpgp+password": (
        "Decrypt it with Kleopatra or gpg. Then extract the zip with 7-Zip and the password; "
        "Windows Explorer cannot."
    ),
    "password": "Extract it with 7-Zip and the password; Windows Explorer cannot.",
    "excel-password": "Double-click it. Excel asks for the password.",
}
_STEPS: Mapping[str, str] = {
    "collected": "Collected",
    "opened": "Opened",
    "accepted": "Accepted",
    "queried": "Queried",
    "quarantined": "Kept apart",
}
_WAYS: Mapping[str, str] = {
    "folder": "by a signed file",
    "api": "by the API",
    "sftp": "by SFTP",
    "s3": "from the bucket",
    "web": "on the site",
}


def what(received: Received) -> str:
    """What a package carries, in words."""
    if received.number >= FIRST_REHEARSAL:
        return "A rehearsal, with made-up rows"
    if received.kind != "data":
        return KINDS[received.kind]
    rows = "1 row" if received.rows == 1 else f"{received.rows:,} rows"
    return f"{rows}, {received.held:,} held back" if received.held else rows


def state(received: Received) -> str:
    """How a package stands with its recipient, in words."""
    if received.package_state == "superseded":
        return f"Replaced by {received.superseded_by}"
    return STATES[received.state]


def step(receipt: ReceiptRow, names: Mapping[str, str]) -> str:
    """A receipt in words: what was done, by whom where that is told, and by which way."""
    who = receipt.person or receipt.officer
    by = f" by {names.get(who, who)}" if who else ""
    return f"{_STEPS[receipt.kind]}{by}, {_WAYS[receipt.way]}"


def long_day(day: date) -> str:
    """A day as people read it."""
    return f"{day:%A %-d %B %Y}"


def moment(at: datetime) -> str:
    """A point in time as people here read it, with the day of the week."""
    return f"{at.astimezone(LONDON):%A %-d %B, %H:%M}"


def size(count: int) -> str:
    """Bytes in words."""
    if count < 1_000_000:
        return f"{max(round(count / 1000), 1):,} KB"
    return f"{count / 1_000_000:,.1f} MB"
