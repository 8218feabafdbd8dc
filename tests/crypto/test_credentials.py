"""Secrets by systemd's credentials: which wins, and what `init` then does not make."""

from pathlib import Path

import pytest

from gateway.crypto.credentials import secret_file
from gateway.crypto.keys import HomeKeys, make_home_key, make_web_secret
from gateway.crypto.sealing import HomeKey
from gateway.engine.post import PostFault, password_of


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that systemd names, empty."""
    folder = tmp_path / "credentials"
    folder.mkdir()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    return folder


def test_a_credential_wins_where_there_is_one(store: Path, tmp_path: Path) -> None:
    path = tmp_path / "keys" / "web.secret"
    assert secret_file(path) == (path, 0o077)
    (store / "web.secret").write_bytes(b"x")
    assert secret_file(path) == (store / "web.secret", 0o007)


def test_what_is_a_credential_is_not_made_anew(store: Path, tmp_path: Path) -> None:
    (store / "home.key").write_bytes(bytes(32))
    (store / "home.key").chmod(0o440)
    (store / "web.secret").write_bytes(bytes(32))
    make_home_key(tmp_path)
    make_web_secret(tmp_path)
    assert not HomeKeys(tmp_path).folder.exists()
    key = HomeKey.load(HomeKeys(tmp_path).home_key)
    assert key.derive("x") == HomeKey(bytes(32)).derive("x")


def test_the_mail_servers_password_is_taken_from_there(store: Path, tmp_path: Path) -> None:
    with pytest.raises(PostFault):
        password_of(tmp_path)
    (store / "mail.password").write_text("the word\n")
    (store / "mail.password").chmod(0o440)
    assert password_of(tmp_path) == "the word"
    (store / "mail.password").chmod(0o444)
    with pytest.raises(PostFault) as told:
        password_of(tmp_path)
    assert told.value.code == "mail.password-open"
