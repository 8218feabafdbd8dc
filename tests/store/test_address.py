"""Where PostgreSQL is: what a URL may say, where its password lies, and what is not safe."""

from pathlib import Path

import pytest

from gateway.settings import DatabaseSettings, Home, Settings, SettingsFault
from gateway.store.address import address
from gateway.store.database import Database


def of(url: str, keys: Path, owner: str = "", *, as_owner: bool = False) -> str:
    told = address(DatabaseSettings(url=url, owner=owner), keys, as_owner=as_owner)
    return told.render_as_string(hide_password=False)


def refused(url: str, keys: Path) -> SettingsFault:
    with pytest.raises(SettingsFault) as told:
        of(url, keys)
    return told.value


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://gateway@127.0.0.1:5432/exchange",
        "postgresql://gateway@localhost/exchange",
        "postgresql://gateway@[::1]:5432/exchange",
        "postgresql://gateway@/exchange?host=%2Frun%2Fpostgresql",
        "postgresql://gateway@db.example.gov.uk/exchange?sslmode=verify-full",
        "postgresql://gateway@10.0.0.9/exchange?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem",
    ],
)
def test_a_url_on_this_computer_or_with_a_checked_certificate(url: str, tmp_path: Path) -> None:
    assert of(url, tmp_path) == url.replace("postgresql://", "postgresql+psycopg://")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://gateway@db.example.gov.uk/exchange",
        "postgresql://gateway@db.example.gov.uk/exchange?sslmode=require",
        "postgresql://gateway@db.example.gov.uk/exchange?sslmode=verify-ca",
        "postgresql://gateway@10.0.0.9/exchange?sslmode=disable",
        "postgresql://gateway@localhost.example.gov.uk/exchange",
    ],
)
def test_another_computer_without_a_checked_certificate_is_refused(
    url: str, tmp_path: Path
) -> None:
    assert refused(url, tmp_path).code == "database.not-private"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("postgresql://gateway:swordfish@127.0.0.1/exchange", "database.password-in-url"),
        ("postgresql://gateway:@127.0.0.1/exchange", "database.password-in-url"),
        ("postgresql://gateway@127.0.0.1/exchange?password=swordfish", "database.url"),
        ("postgresql://gateway@127.0.0.1/exchange?options=-cfsync%3Doff", "database.url"),
        ("postgresql://gateway@127.0.0.1/exchange?host=db.example.gov.uk", "database.url"),
        ("postgresql://gateway@/exchange?host=db.example.gov.uk", "database.url"),
        ("postgresql:///exchange", "database.url"),
        ("postgresql://gateway@127.0.0.1", "database.url"),
        ("postgresql+asyncpg://gateway@127.0.0.1/exchange", "database.url"),
        ("mysql://gateway@127.0.0.1/exchange", "database.url"),
        ("sqlite:///var/gateway.db", "database.url"),
        ("postgresql://gateway@127.0.0.1:port/exchange", "database.url"),
        ("somewhere", "database.url"),
    ],
)
def test_what_no_url_may_be_is_refused_and_never_repeated(
    url: str, code: str, tmp_path: Path
) -> None:
    told = refused(url, tmp_path)
    assert told.code == code
    assert "swordfish" not in f"{told.message} {told.hint} {told.__cause__}"


def test_the_password_lies_in_a_private_file_and_is_never_shown(tmp_path: Path) -> None:
    url = "postgresql://gateway@127.0.0.1/exchange"
    for name, secret in (("database.password", "one"), ("database-owner.password", "two")):
        (tmp_path / name).touch(mode=0o600)
        (tmp_path / name).write_text(f"{secret}\n")
    assert ":one@" in of(url, tmp_path)
    assert ":one@" in of(url, tmp_path, as_owner=True), "no owner is set"
    assert "gateway_owner:two@" in of(url, tmp_path, "gateway_owner", as_owner=True)
    assert "one" not in repr(address(DatabaseSettings(url=url), tmp_path))
    (tmp_path / "database.password").chmod(0o640)
    assert refused(url, tmp_path).code == "database.password-open"
    (tmp_path / "database.password").chmod(0o600)
    (tmp_path / "database.password").write_bytes(b"\xff")
    assert refused(url, tmp_path).code == "database.password-unreadable"


def test_without_a_url_the_database_is_the_file_under_var(tmp_path: Path) -> None:
    database = Database.of(Home(tmp_path), Settings())
    assert database.url.database == str(tmp_path / "var" / "gateway.db")
    assert not database.is_made()
    assert not (tmp_path / "var").exists(), "to ask makes nothing"
