"""Settings of a deployment: defaults, refusals with the setting's name."""

import tomllib

import pytest

from gateway.settings import Home, Settings, SettingsFault


def test_no_file_means_the_defaults(tmp_path):
    assert Settings.load(tmp_path / "gateway.toml") == Settings()


def test_the_committed_file_shows_every_default(checkout):
    path = checkout / "config" / "gateway.toml"
    assert Settings.load(path) == Settings(), "every line of it is commented out"
    lines = path.read_text().splitlines()
    uncommented = "\n".join(
        line.removeprefix("# ") for line in lines if " = " in line or line.startswith("# [")
    )
    shown = tomllib.loads(uncommented)
    assert shown == Settings().model_dump(mode="json"), "every setting, with its default"


def test_every_setting_is_documented(checkout):
    page = (checkout / "docs" / "settings.md").read_text()
    for name, default in Settings().model_dump().items():
        if isinstance(default, dict):
            assert f"`[{name}]`" in page
            assert all(f"`{inner}`" in page for inner in default)
        else:
            assert f"`{name}`" in page


@pytest.mark.parametrize(
    ("text", "code", "named"),
    [
        ("tick_seconds = ", "settings.not-toml", "gateway.toml"),
        ("tick_seconds = 0", "settings.invalid", "tick_seconds"),
        ('settle_seconds = "soon"', "settings.invalid", "settle_seconds"),
        ("unheard_of = 1", "settings.invalid", "unheard_of"),
    ],
)
def test_a_bad_file_is_refused(text, code, named, tmp_path):
    path = tmp_path / "gateway.toml"
    path.write_text(text)
    with pytest.raises(SettingsFault) as refused:
        Settings.load(path)
    assert refused.value.code == code
    assert named in str(refused.value)


def test_a_folder_in_its_place_is_refused(tmp_path):
    with pytest.raises(SettingsFault) as refused:
        Settings.load(tmp_path)
    assert refused.value.code == "settings.unreadable"


def test_a_home_is_a_rehearsal_by_its_mark(tmp_path):
    home = Home(tmp_path)
    assert not home.is_rehearsal
    home.rehearsal_mark.write_text("REHEARSAL\n")
    assert home.is_rehearsal
