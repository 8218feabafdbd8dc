"""What the gateway relies on outside itself, as the doctor sees it.

The clock, the mail server, buckets, and the list of breached passwords.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from gateway.access.breached import BreachedFault, examine
from gateway.crypto.keys import HomeKeys
from gateway.engine.clock import Reading, latest_moment
from gateway.engine.post import PostFault, password_of, require_private
from gateway.settings import Home, Settings
from gateway.store.database import Database, StoreFault
from gateway.store.s3 import UNSAFE, of_settings, outboxes

_OLD = timedelta(days=365)
Found = tuple[str, Literal["ok", "warn", "fail"], str]


def look_at_clock(home: Home, reading: Reading) -> Iterator[Found]:
    """Whether the clock is kept by a time source, and stands where it was or later."""
    latest = _latest(home)
    if (
        latest is not None
        and latest - reading.wall > timedelta(minutes=1)
        and not home.is_rehearsal
    ):
        words = "The clock stands before a moment that this home has seen. Set it right."
        yield "clock", "warn", words
    elif reading.synchronised is None:
        yield "clock", "warn", "Whether a time source keeps the clock cannot be seen here."
    elif not reading.synchronised:
        words = "No time source keeps the clock. Windows and deadlines go by it: set up NTP."
        yield "clock", "warn", words
    else:
        yield "clock", "ok", "A time source keeps the clock."


def look_at_mail(home: Home) -> Iterator[Found]:
    """Whether e-mail is set, privately; the server itself is not asked."""
    settings = Settings.load(home.settings_file).mail
    if not settings.host:
        words = "No mail server is set: nobody is told of alarms or odd sign-ins. See [mail]."
        yield "mail", "warn", words
        return
    try:
        require_private(settings)
        if settings.username:
            password_of(home.keys)
    except PostFault as fault:
        yield "mail", "fail", f"{fault.args[0]} {fault.hint}"
        return
    yield "mail", "ok", f"By {settings.host}, port {settings.port}, security {settings.security}."


def look_at_breached_passwords(home: Home) -> Iterator[Found]:
    """Whether the list of breached passwords can be searched, and how old it is."""
    name, named = "breached passwords", Settings.load(home.settings_file).web.breached_passwords
    if not named:
        words = "No list is set: a password that was stolen elsewhere is taken. See [web]."
        yield name, "warn", words
        return
    try:
        since = examine(Path(home.root, named))
    except BreachedFault as fault:
        yield name, "fail", f"{fault.args[0]} {fault.hint}"
        return
    old = datetime.now(UTC) - since > _OLD
    words = f"The list is of {since.date().isoformat()}."
    yield name, "warn" if old else "ok", words + (" Fetch a new one." if old else "")


def look_at_buckets(home: Home) -> Iterator[Found]:
    """Whether each bucket lets the gateway put and read, and never write over.

    One that is down is a warning: the folders go on without it. One that is not safe is a failure.
    """
    settings, keys = Settings.load(home.settings_file), HomeKeys(home.root).s3
    taking = "It takes objects, and lets none be written over."
    for party, place in outboxes(keys, settings.s3).items():
        yield _looked(f"bucket {party}", place.look, taking)
    for party, one in settings.records.items():
        place = of_settings(keys, one, f"records-{party}")
        yield _looked(f"bucket records-{party}", place.look, taking)
    if settings.vault.bucket:
        place = of_settings(keys, settings.vault, "vault")
        yield _looked("bucket vault", place.look_locked, "It locks objects; none can be removed.")


def _looked(name: str, look: Callable[[], None], well: str) -> Found:
    try:
        look()
    except StoreFault as fault:
        return name, "fail" if fault.code in UNSAFE else "warn", f"{fault.args[0]} {fault.hint}"
    return name, "ok", well


def _latest(home: Home) -> datetime | None:
    try:
        with closing(Database.of(home, Settings.load(home.settings_file))) as database:
            if not database.is_made():
                return None
            database.require_current()
            return latest_moment(database)
    except StoreFault:  # told by the look at the database
        return None
