"""How people reach the web site: by TLS, or from this computer alone."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Literal

from gateway.crypto.certificates import certificate_ends
from gateway.settings import Home, Settings, SettingsFault, WebSettings

_SOON = timedelta(days=30)
_MEND = "Set [web] as docs/web.md says (TLS), or listen on 127.0.0.1."
_CODE = "web.no-tls"


def require_safe(home: Home, settings: WebSettings, listen: str) -> None:
    """Raises SettingsFault unless the site, listening there, is reached by TLS or on loopback."""
    _require_proxies(settings)
    _require_certificate(home, settings)
    guarded = bool(settings.certificate or settings.behind_proxy)
    if guarded and not settings.origin.startswith("https://"):
        raise SettingsFault(
            "web.no-origin",
            "The site is served by TLS, and [web] does not say at which address.",
            'Set [web] origin to what people type, such as "https://gateway.example.gov.uk".',
        )
    if guarded or (_on_loopback(listen) and _origin_on_loopback(settings)):
        return
    raise SettingsFault(
        _CODE,
        f"The web site would be reached without TLS: listen is {listen}, and [web] names neither a "
        "certificate nor a proxy.",
        _MEND,
    )


def look_at_web(home: Home) -> Iterator[tuple[str, Literal["ok", "warn", "fail"], str]]:
    """Whether the site is safe to start as the settings have it, and for how long."""
    settings = Settings.load(home.settings_file).web
    if not settings.listen:
        return
    try:
        require_safe(home, settings, settings.listen)
    except SettingsFault as fault:
        yield "web", "fail", f"{fault.args[0]} {fault.hint}"
        return
    if not settings.certificate:
        how = "behind a proxy that ends TLS" if settings.behind_proxy else "on loopback alone"
        yield "web", "ok", f"{settings.listen}, {how}."
        return
    ends = certificate_ends(Path(home.root, settings.certificate))
    soon = ends - datetime.now(UTC) < _SOON
    words = f"{settings.listen}, by TLS; the certificate ends on {ends.date().isoformat()}."
    yield "web", "warn" if soon else "ok", words + (" Renew it." if soon else "")


def _require_proxies(settings: WebSettings) -> None:
    for address in settings.behind_proxy:
        try:
            ip_address(address)
        except ValueError as error:
            raise SettingsFault(
                "web.proxy-unknown",
                "[web] behind_proxy holds something that is no IP address.",
                "Write the addresses from which the proxies connect, one by one.",
            ) from error


def _require_certificate(home: Home, settings: WebSettings) -> None:
    if bool(settings.certificate) != bool(settings.key):
        raise SettingsFault(
            "web.tls-incomplete",
            "[web] names a certificate without its key, or a key without its certificate.",
            "Name both files, or neither.",
        )
    if not settings.certificate:
        return
    certificate, key = Path(home.root, settings.certificate), Path(home.root, settings.key)
    try:
        exposed = key.stat().st_mode & 0o077
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
            certificate, key, password=_no_passphrase
        )
        ends = certificate_ends(certificate)
    except (OSError, ValueError) as error:
        raise SettingsFault(
            "web.certificate-unusable",
            "The certificate or the key that [web] names cannot be used.",
            "Both are PEM files, the certificate with its chain, the key without a passphrase.",
        ) from error
    if exposed:
        raise SettingsFault(
            "web.key-exposed",
            "The key of the site's certificate can be read by others.",
            f"Run: chmod 600 {settings.key}",
        )
    if ends < datetime.now(UTC):
        raise SettingsFault(
            "web.certificate-ended",
            f"The site's certificate ended on {ends.date().isoformat()}.",
            "Put a new one in its place.",
        )


def _no_passphrase() -> str:
    raise ValueError("a key with a passphrase")


def _on_loopback(listen: str) -> bool:
    host = listen.rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _origin_on_loopback(settings: WebSettings) -> bool:
    host = settings.origin.partition("://")[2]
    return not host or _on_loopback(host if ":" in host.rpartition("]")[2] else f"{host}:")
