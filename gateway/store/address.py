"""Where a home's PostgreSQL is, from its settings: what is not safe to connect to is refused."""

import stat
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path

import sqlalchemy as sa

from gateway.settings import DatabaseSettings, SettingsFault

# What a URL may say beside user, host, port and name. All else is libpq's, or the gateway's to say.
_ALLOWED = ("host", "sslmode", "sslrootcert", "sslcert", "sslkey")
_FORM = "Write it like postgresql://user@host:5432/name (docs/postgresql.md)."
PASSWORD, OWNER_PASSWORD = "database.password", "database-owner.password"


def address(settings: DatabaseSettings, keys: Path, *, as_owner: bool = False) -> sa.URL:
    """The URL to connect by, with the password that lies in ``keys``, if any.

    ``as_owner``: as the role that owns the tables, where one is set. Raises SettingsFault.
    """
    url = _read(settings.url)
    _refuse_unsafe(url)
    owning = as_owner and bool(settings.owner)
    if owning:
        url = url.set(username=settings.owner)
    password = _password(keys / (OWNER_PASSWORD if owning else PASSWORD))
    return url.set(drivername="postgresql+psycopg", password=password)


def _read(text: str) -> sa.URL:
    try:
        url = sa.make_url(text)
    except (sa.exc.ArgumentError, ValueError) as error:
        raise SettingsFault("database.url", "[database] url is no URL.", _FORM) from error
    if url.drivername != "postgresql" or not url.database:
        words = "[database] url names no PostgreSQL database."
        raise SettingsFault("database.url", words, _FORM)
    if url.password is not None:
        raise SettingsFault(
            "database.password-in-url",
            "[database] url holds a password, and settings are no place for one.",
            "Change that password, and write the new one into keys/database.password, mode 0600.",
        )
    if unknown := sorted(set(url.query) - set(_ALLOWED)):
        raise SettingsFault(
            "database.url",
            f"[database] url says {', '.join(unknown)}, which is not taken there.",
            f"It may say {', '.join(_ALLOWED)} after the question mark.",
        )
    return url


def _refuse_unsafe(url: sa.URL) -> None:
    """Off this computer, the server must prove who it is, and nobody may listen."""
    socket = _one(url.query, "host")
    if (url.host is None) == (socket is None) or (socket and not socket.startswith("/")):
        words = "[database] url names no host, or a host and a socket's folder as well."
        hint = "Name one: a host before the name, or the folder as ?host=/run/postgresql."
        raise SettingsFault("database.url", words, hint)
    if url.host is None or _on_loopback(url.host):
        return
    if _one(url.query, "sslmode") != "verify-full":
        raise SettingsFault(
            "database.not-private",
            "The database is on another computer, and its certificate would not be checked.",
            "Add ?sslmode=verify-full to [database] url, with sslrootcert=… for your authority.",
        )


def _one(query: Mapping[str, Sequence[str] | str], name: str) -> str | None:
    said = query.get(name)
    return said if said is None or isinstance(said, str) else ",".join(said)


def _on_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _password(path: Path) -> str | None:
    """The one line of that file; None where there is none, and libpq looks in its own places."""
    try:
        mode, text = path.stat().st_mode, path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsFault(
            "database.password-unreadable",
            f"The database's password in keys/{path.name} cannot be read.",
            "Check its owner, and that it is one line of UTF-8.",
        ) from error
    if stat.S_IMODE(mode) & 0o077:
        raise SettingsFault(
            "database.password-open",
            "The database's password can be read by others.",
            f"Run: chmod 600 keys/{path.name}; and change the password.",
        )
    return text or None
