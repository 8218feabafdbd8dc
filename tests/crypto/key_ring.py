"""Who holds which key in these tests, and when."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

MADE = datetime(2015, 1, 1, tzinfo=UTC)
NOW = datetime(2016, 3, 1, 16, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Holder:
    """A GNUPGHOME and its key."""

    home: Path
    fingerprint: str
    public: bytes


@dataclass(frozen=True)
class Ring:
    """The gateway, which knows everyone; two recipients who know the gateway; and a stranger."""

    gateway: Holder
    dfe: Holder
    panel: Holder
    stranger: Holder


# run(home, *args, at=None, typed=b"") -> what gpg printed
BareGpg = Callable[..., bytes]
