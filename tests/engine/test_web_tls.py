"""How people reach the site: by TLS, or from this computer alone; anything else is refused."""

import pytest
from site_process import make_certificate

from gateway.engine.webtls import look_at_web, require_safe
from gateway.settings import Home, SettingsFault, WebSettings

ORIGIN = "https://gateway.example"


@pytest.fixture
def home(tmp_path) -> Home:
    """A home that is only a folder with a certificate."""
    (tmp_path / "config").mkdir()
    make_certificate(tmp_path / "tls")
    return Home(tmp_path)


def own(**more) -> WebSettings:
    """TLS by our own certificate."""
    return WebSettings(
        **{"origin": ORIGIN, "certificate": "tls/site.pem", "key": "tls/site.key", **more}
    )


@pytest.mark.parametrize(
    "listen", ["127.0.0.1:8481", "[::1]:8481", "localhost:8481", "127.0.0.9:0"]
)
def test_on_loopback_it_needs_no_tls(listen, home):
    require_safe(home, WebSettings(), listen)
    require_safe(home, WebSettings(origin="http://localhost:8481"), listen)


@pytest.mark.parametrize(
    "listen", ["0.0.0.0:8481", ":8481", "192.0.2.1:80", "[::]:8481", "gateway.example:80", "8481"]
)
def test_off_loopback_it_needs_tls(listen, home):
    with pytest.raises(SettingsFault) as refused:
        require_safe(home, WebSettings(), listen)
    assert refused.value.code == "web.no-tls"
    require_safe(home, own(), listen)
    require_safe(home, WebSettings(origin=ORIGIN, behind_proxy=("192.0.2.2",)), listen)


def test_a_public_address_on_loopback_needs_its_proxy_named(home):
    for origin in (ORIGIN, "http://gateway.example"):
        with pytest.raises(SettingsFault) as refused:
            require_safe(home, WebSettings(origin=origin), "127.0.0.1:8481")
        assert refused.value.code == "web.no-tls"


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        (own(origin=""), "web.no-origin"),
        (own(origin="http://gateway.example"), "web.no-origin"),
        (own(key=""), "web.tls-incomplete"),
        (own(certificate=""), "web.tls-incomplete"),
        (own(certificate="tls/none.pem"), "web.certificate-unusable"),
        (own(certificate="tls/site.key"), "web.certificate-unusable"),
        (WebSettings(behind_proxy=("proxy.example",), origin=ORIGIN), "web.proxy-unknown"),
        (WebSettings(behind_proxy=("192.0.2.2",)), "web.no-origin"),
    ],
)
def test_half_a_setting_is_refused_by_name(settings, code, home):
    with pytest.raises(SettingsFault) as refused:
        require_safe(home, settings, "0.0.0.0:443")
    assert refused.value.code == code
    assert refused.value.hint


def test_a_key_that_others_can_read_and_one_that_does_not_fit_are_refused(home):
    key = home.root / "tls" / "site.key"
    key.chmod(0o644)
    with pytest.raises(SettingsFault) as refused:
        require_safe(home, own(), "0.0.0.0:443")
    assert refused.value.code == "web.key-exposed"
    _, other = make_certificate(home.root / "other")
    key.write_bytes(other.read_bytes())
    with pytest.raises(SettingsFault) as refused:
        require_safe(home, own(), "0.0.0.0:443")
    assert refused.value.code == "web.certificate-unusable"


def test_a_certificate_that_has_ended_is_refused(home):
    make_certificate(home.root / "tls", days=-1)
    with pytest.raises(SettingsFault) as refused:
        require_safe(home, own(), "0.0.0.0:443")
    assert refused.value.code == "web.certificate-ended"


def told(home: Home, settings: str) -> list[tuple[str, str, str]]:
    """What the doctor says of the site."""
    home.settings_file.write_text(settings)
    return list(look_at_web(home))


def test_the_doctor_says_how_it_stands(home):
    assert told(home, "") == []
    assert told(home, '[web]\nlisten = "127.0.0.1:8481"')[0][1] == "ok"
    [(_, state, words)] = told(home, '[web]\nlisten = "0.0.0.0:8481"')
    assert state == "fail"
    assert "without TLS" in words
    tls = (
        f'[web]\nlisten = "0.0.0.0:443"\norigin = "{ORIGIN}"\n'
        'certificate = "tls/site.pem"\nkey = "tls/site.key"'
    )
    make_certificate(home.root / "tls", days=90)
    assert told(home, tls)[0][1] == "ok"
    make_certificate(home.root / "tls", days=10)
    [(_, state, words)] = told(home, tls)
    assert state == "warn"
    assert "Renew it." in words
