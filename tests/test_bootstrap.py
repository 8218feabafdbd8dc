"""The parts of a home are built whole, or refused with a word on what to do; and times are read."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.agreement.load import AgreementFaults
from gateway.bootstrap import default_home, moment, open_examiner, open_parts, require_home
from gateway.crypto.faults import CryptoFault
from gateway.engine.keywatch import watch_keys
from gateway.intake import check
from gateway.intake.memory import NothingSent, SentBefore
from gateway.settings import Home, SettingsFault
from gateway.store.database import StoreFault

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def home(rehearsal_home: Path) -> Home:
    return Home(rehearsal_home)


def test_the_parts_of_a_rehearsal(home: Home) -> None:
    with open_parts(home, NOON) as parts:
        assert list(parts.agreed) == ["notifications", "scr-updates"]
        assert [flow.id for flow in parts.flows()] == list(parts.agreed)
        assert parts.openpgp.now == NOON
        assert parts.reader.flows == ("notifications", "scr-updates")
        watch_keys(parts, NOON)
        intake, dispatch = parts.intake("notifications"), parts.dispatch("scr-updates")
        assert intake.database is dispatch.database is parts.database
        assert dispatch.agreed is parts.agreed["scr-updates"]
        with pytest.raises(KeyError):
            parts.flow("no-such-flow")


def test_each_purpose_has_a_key_of_its_own(home: Home) -> None:
    """What is sealed for one purpose does not open as another, nor in another home."""
    with open_parts(home) as parts:
        staged = parts.staging.key
        sealed = parts.sealer.seal(b"x", "a")
        mac = parts.keyed.reference("notifications", "SCN0001")
    with open_parts(home) as again:
        assert again.staging.key == staged
        assert again.sealer.open(sealed, "a") == b"x"
        assert again.keyed.reference("notifications", "SCN0001") == mac
    home_key = home.keys / "home.key"
    assert staged != home_key.read_bytes()
    home_key.write_bytes(bytes(32))
    with open_parts(home) as other:
        assert other.staging.key != staged
        assert other.keyed.reference("notifications", "SCN0001") != mac
        with pytest.raises(CryptoFault):
            other.sealer.open(sealed, "a")


def refused(home: Home) -> str:
    """The code with which the parts of a home are refused."""
    with (
        pytest.raises((SettingsFault, CryptoFault, StoreFault, AgreementFaults)) as told,
        open_parts(home),
    ):
        pass
    return str(getattr(told.value, "code", "agreement"))


def test_what_is_missing_is_told(home: Home, tmp_path: Path) -> None:
    assert refused(Home(tmp_path / "nowhere")) == "home.absent"
    with pytest.raises(SettingsFault):
        require_home(Home(tmp_path))
    require_home(home)
    pins = home.parties_file.read_bytes()
    home.parties_file.unlink()
    assert refused(home) == "pins.missing"
    home.parties_file.write_bytes(pins)
    home.settings_file.write_text("no_such = 1\n")
    assert refused(home) == "settings.invalid"
    home.settings_file.unlink()
    (home.keys / "home.key").rename(home.keys / "aside")
    assert refused(home) == "home-key.missing"
    (home.keys / "aside").rename(home.keys / "home.key")
    shutil.rmtree(home.config / "agreements")
    assert refused(home) == "agreement"


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-03-02T16:00", "2026-03-02T16:00"),
        ("2026-07-02T16:00", "2026-07-02T15:00"),
        ("2026-07-02T16:00+00:00", "2026-07-02T16:00"),
        ("2026-07-02T16:00Z", "2026-07-02T16:00"),
        ("2026-07-02", "2026-07-01T23:00"),
        ("2026-03-29T02:30", "2026-03-29T01:30"),
        ("2026-10-25T01:30", "2026-10-25T00:30"),
    ],
)
def test_a_time_without_an_offset_is_london_s(home: Home, text: str, utc: str) -> None:
    expected = datetime.fromisoformat(utc).replace(tzinfo=UTC)
    assert moment(home, text) == (expected, expected)


def test_without_a_time_it_is_now(home: Home) -> None:
    before = datetime.now(UTC)
    now, faked = moment(home, None)
    assert before <= now <= datetime.now(UTC)
    assert faked is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("teatime", "now.malformed"),
        ("", "now.malformed"),
        ("2026-02-30", "now.malformed"),
        ("0001-01-01T00:00+14:00", "now.malformed"),
        ("2014-12-31T23:59", "now.too-early"),
    ],
)
def test_what_is_no_time_to_work_at_is_refused(home: Home, text: str, code: str) -> None:
    with pytest.raises(SettingsFault) as told:
        moment(home, text)
    assert told.value.code == code


def test_a_real_home_has_the_real_time(home: Home) -> None:
    home.rehearsal_mark.unlink()
    with pytest.raises(SettingsFault) as told:
        moment(home, "2026-03-02T16:00")
    assert told.value.code == "now.refused"
    assert moment(home, None)[1] is None


def test_a_file_is_checked_without_a_home(checkout: Path, home: Home, tmp_path: Path) -> None:
    shutil.copytree(checkout / "config", tmp_path / "bare" / "config")
    file = tmp_path / "empty.csv"
    file.write_bytes(b"")
    for place, memory in ((Home(tmp_path / "bare"), NothingSent), (home, SentBefore)):
        with open_examiner(place, "notifications") as (agreed, examiner):
            assert isinstance(examiner.memory, memory)
            verdict = check(examiner, agreed.agreement.flow("notifications"), file, NOON)
        assert verdict.by_code() == {"file.empty": 1}
    assert not (tmp_path / "bare" / "var").exists()
    with pytest.raises(KeyError), open_examiner(home, "no-such-flow"):
        pass


def test_the_home_where_none_is_named_is_the_checkout(checkout: Path) -> None:
    assert default_home() == checkout
