"""What a party reads of a receipt that was not taken; nothing of the file's content is in it."""

import hashlib
import os
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from gateway.engine.parts import Parts
from gateway.receipts import Offered, ReceiptRefused

_LONDON = ZoneInfo("Europe/London")
_REPORT = """\
A receipt was not taken.

What happened: {message}
What to do:    {hint}

Code:          {code}
Package:       {package}
Taken up:      {at:%A} {at.day} {at:%B %Y, %H:%M} (London)
SHA-256 of the receipt's file: {sha256}

The file was removed from the folder for receipts. docs/receipts.md explains every code.
"""


def report_refusal(
    parts: Parts, offered: Offered, refused: ReceiptRefused, key: str, now: datetime
) -> Path:
    """Write the report into the party's reports folder; its path. Raises OSError.

    ``key`` tells this receipt from others of the day.
    """
    at = now.astimezone(_LONDON)
    text = _REPORT.format(
        message=refused.message,
        hint=refused.hint,
        code=refused.code,
        package=refused.about.partition(":")[0] if refused.about else "not told",
        at=at,
        sha256=hashlib.sha256(offered.body).hexdigest(),
    )
    folder = parts.home.reports_of(offered.party)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"receipt-{at.date().isoformat()}-not-taken-{key}.txt"
    temporary = target.with_name(f".{target.name}.part")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(target)
    return target


def stray_words(party: str) -> str:
    """What the alarm says of things that lie where only receipts should."""
    return (
        f"In the folder for receipts of {party} lies something that is no receipt, and stays "
        "there. A receipt is a pair of ordinary files of one name, <name>.receipt.json and "
        "<name>.receipt.json.asc; ask the party to take everything else away."
    )
