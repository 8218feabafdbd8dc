"""A recipient's client: lists, fetches, verifies, opens and receipts packages of a gateway's API.

One file, for Python 3.11 alone: it imports nothing of the gateway, so that a recipient copies it
and runs `python3 client.py`. It needs the programs `gpg` (GnuPG 2.2 or later) and, to open, `7z`
(7-Zip; Debian: `apt install 7zip` or `p7zip-full`), for Python itself has no AES. Settings are an
INI file (``gateway-client.ini``, or ``--settings``), each one also an environment variable
``GATEWAY_CLIENT_<NAME>``; docs/recipient-guide.md tells them all. The token, passwords and
receipts' keys are never words of a command. Exit codes: 0 all well, 1 something was refused or
could not be done, 2 usage or settings, 3 nothing new (`run` alone).
"""

import argparse
import configparser
import hashlib
import http
import http.client
import ipaddress
import json
import os
import re
import secrets
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.parse
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SETTINGS_FILE = "gateway-client.ini"
ALL_WELL, REFUSED, USAGE, NOTHING_NEW = 0, 1, 2, 3
SUFFIXES = {"openpgp+password": ".zip.gpg", "password": ".zip", "excel-password": ".xlsx"}
BY_PARTY, BY_OFFICER = ("collected", "opened"), ("accepted", "queried", "quarantined")
_ID = re.compile(r"[a-z][a-z0-9-]{0,39}-\d{4}-\d\d-\d\d-\d\d")
_FINGERPRINT = re.compile(r"[0-9A-F]{40}")
_SEVEN_ZIP = ("7z", "7zz", "7za", r"C:\Program Files\7-Zip\7z.exe")
_BAD = {"BADSIG", "ERRSIG", "EXPSIG", "EXPKEYSIG", "REVKEYSIG"}
_SAME = ("package", "flow", "kind", "window_day", "covers", "sender", "marking", "rehearsal")
_CERTIFIED = ("agreement", "agreement_version", "agreement_hash", "columns_sent", "counts")
_TRIES, _TIMEOUT, _BLOCK, _LARGEST_ANSWER = 5, 60, 1 << 16, 64 * 1024 * 1024
Manifest = dict[str, Any]


class Refused(Exception):
    """Something was not done: a stable code, what happened, what to do. Quotes no secret."""

    def __init__(self, code: str, message: str, hint: str, exit_code: int = REFUSED) -> None:
        super().__init__(message)
        self.code, self.message, self.hint, self.exit_code = code, message, hint, exit_code


@dataclass(frozen=True)
class Settings:
    """What the client is told. Fingerprints are full; folders of gpg may be empty (its own)."""

    url: str = ""
    token_file: str = ""
    party: str = ""
    folder: str = "packages"
    gateway_key: str = ""
    key: str = ""
    gnupg_home: str = ""
    officer: str = ""
    officer_key: str = ""
    officer_gnupg_home: str = ""
    ca_file: str = ""

    @classmethod
    def load(cls, path: Path | None) -> "Settings":
        """Read the file (named ones must exist) and the environment, which wins."""
        named = path or Path(os.environ.get("GATEWAY_CLIENT_SETTINGS", SETTINGS_FILE))
        parser = configparser.ConfigParser(interpolation=None)
        try:
            read = parser.read(named, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            raise _unset(f"{named} is not an INI file.") from None
        if path is not None and not read:
            raise _unset(f"There is no file {path}.")
        values = dict(parser["gateway"]) if parser.has_section("gateway") else {}
        unknown = sorted(values.keys() - cls.__dataclass_fields__.keys())
        if unknown:
            raise _unset(f"Not a setting: {', '.join(unknown)}.")
        for name in cls.__dataclass_fields__:
            values[name] = os.environ.get(f"GATEWAY_CLIENT_{name.upper()}", values.get(name, ""))
        for name in ("gateway_key", "key", "officer_key"):
            values[name] = "".join(values[name].split()).upper()
            if values[name] and not _FINGERPRINT.fullmatch(values[name]):
                raise _unset(f"{name} is not a full fingerprint of 40 hexadecimal digits.")
        return cls(**{name: value for name, value in values.items() if value})

    def need(self, name: str) -> str:
        """A setting that this command cannot do without. Raises Refused."""
        value: str = getattr(self, name)
        if not value:
            raise _unset(f"The setting {name} is missing.")
        return value

    def place(self, package_id: str) -> Path:
        """The private folder of a package. Raises Refused for what is no package's id."""
        if not _ID.fullmatch(package_id):
            raise Refused("package.unknown", "That is not a package's id.", "See `list`.", USAGE)
        return Path(self.folder).expanduser() / package_id


def _unset(message: str) -> Refused:
    return Refused("client.settings", message, "See docs/recipient-guide.md.", USAGE)


class Api:
    """The gateway's API. No proxy is used and no redirect followed: the token goes nowhere else."""

    def __init__(self, settings: Settings) -> None:
        url = urllib.parse.urlsplit(settings.need("url"))
        self._host, self._port = url.hostname or "", url.port
        self._base = url.path.rstrip("/") + "/api/v1"
        self._tls = url.scheme == "https"
        if not self._host or (not self._tls and not (url.scheme == "http" and self._is_here())):
            raise _unset("The url must begin with https:// (http:// to this computer alone).")
        self._token = _token(Path(settings.need("token_file")).expanduser())
        self._ca_file = settings.ca_file or None

    def _is_here(self) -> bool:
        try:
            return self._host == "localhost" or ipaddress.ip_address(self._host).is_loopback
        except ValueError:
            return False

    def _connection(self) -> http.client.HTTPConnection:
        if not self._tls:
            return http.client.HTTPConnection(self._host, self._port, timeout=_TIMEOUT)
        trusted = ssl.create_default_context(cafile=self._ca_file)
        return http.client.HTTPSConnection(
            self._host, self._port, timeout=_TIMEOUT, context=trusted
        )

    def ask(self, method: str, path: str, body: Manifest | None = None) -> bytes:
        """The answer's body. Raises Refused with the gateway's own code, or client.unreachable."""
        connection = self._connection()
        headers = {"Authorization": f"Bearer {self._token}"}
        data = json.dumps(body).encode() if body is not None else None
        if data is not None:
            headers["Content-Type"] = "application/json"
        try:
            connection.request(method, self._base + path, data, headers)
            answer = connection.getresponse()
            content = answer.read(_LARGEST_ANSWER)
        except (OSError, http.client.HTTPException) as error:
            raise _unreachable(error) from None
        finally:
            connection.close()
        if answer.status >= 300:
            raise _problem(answer.status, content)
        return content

    def download(self, path: str, part: Path, total: int) -> None:
        """Fetch what is still missing of ``part``. May raise OSError: what came is kept."""
        had = part.stat().st_size if part.exists() else 0
        headers = {"Authorization": f"Bearer {self._token}"}
        if had:
            headers["Range"] = f"bytes={had}-"
        connection = self._connection()
        try:
            connection.request("GET", self._base + path, headers=headers)
            answer = connection.getresponse()
            if answer.status not in (200, 206):
                if answer.status == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                    part.unlink()
                raise _problem(answer.status, answer.read(_LARGEST_ANSWER))
            goes_on = (answer.getheader("Content-Range") or "").startswith(f"bytes {had}-")
            with part.open("ab" if had and answer.status == 206 and goes_on else "wb") as file:
                while (block := answer.read(_BLOCK)) and file.tell() <= total:
                    file.write(block)
        finally:
            connection.close()


def _token(path: Path) -> str:
    try:
        if os.name == "posix" and path.stat().st_mode & 0o077:
            raise _unset(f"Others than you can read {path}: run chmod 600 on it.")
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise _unset(f"The token file {path} cannot be read.") from None


def _problem(status: int, content: bytes) -> Refused:
    try:
        told = json.loads(content)
        return Refused(str(told["code"]), str(told["detail"]), str(told["hint"]))
    except (ValueError, KeyError, TypeError):
        return Refused(f"http.{status}", f"The server answered {status}.", "Check the url.")


def _unreachable(error: Exception) -> Refused:
    return Refused(
        "client.unreachable",
        f"The gateway could not be reached ({type(error).__name__}).",
        "Check the url, the network and the server's certificate; then run it again.",
    )


# --- fetching, verifying, opening ----------------------------------------------------------------


def fetch(api: Api, settings: Settings, package_id: str) -> Path:
    """Fetch a package and its signed manifest, going on where an earlier try broke off."""
    place = settings.place(package_id)
    about = json.loads(api.ask("GET", f"/packages/{package_id}"))
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, path in (("manifest.json", "manifest"), ("manifest.json.asc", "manifest.asc")):
        _write(place / f"{package_id}.{name}", api.ask("GET", f"/packages/{package_id}/{path}"))
    target = place / (package_id + SUFFIXES[about["protection"]])
    if target.exists() and _sha256(target) == about["sha256"]:
        return target
    part = _beside(target, ".part")
    tries = 0
    while not part.exists() or part.stat().st_size < about["size"]:
        time.sleep(0.2 * tries)
        tries += 1
        try:
            api.download(f"/packages/{package_id}/content", part, about["size"])
        except (OSError, http.client.HTTPException) as error:
            broken: Exception = error
        else:
            broken = EOFError()
        if tries == _TRIES and (not part.exists() or part.stat().st_size < about["size"]):
            raise _unreachable(broken)
    if _sha256(part) != about["sha256"]:
        part.unlink(missing_ok=True)
        raise Refused("fetch.altered", "What came is not what was announced.", "Fetch it again.")
    part.replace(target)
    return target


def verify(settings: Settings, package_id: str) -> tuple[Path, Manifest]:
    """The package's file and its manifest, once the signature, names, size and hash are right."""
    place, gateway_key = settings.place(package_id), settings.need("gateway_key")
    path = place / f"{package_id}.manifest.json"
    signature = _beside(path, ".asc")
    for beside in (path, signature):
        if not beside.is_file():
            raise Refused("opening.manifest-missing", f"{beside.name} is not there.", "Fetch it.")
    _, said = _gpg(settings.gnupg_home, "--verify", str(signature), str(path))
    _require_signed(said, gateway_key)
    outer: Manifest = json.loads(path.read_bytes())
    if (
        outer["format"] != "gateway-outer-manifest/1"
        or outer["signed_by"] != gateway_key
        or (outer["package"], outer["recipient"]) != (package_id, settings.need("party"))
        or outer["file"] != package_id + SUFFIXES[outer["protection"]]
    ):
        raise Refused("opening.other-package", "The manifest is another package's.", "Fetch anew.")
    package = place / outer["file"]
    if not package.is_file():
        raise Refused("opening.package-missing", f"{package.name} is not there.", "Fetch it.")
    if package.stat().st_size != outer["size"] or _sha256(package) != outer["delivery_sha256"]:
        raise _altered("opening.altered", "The package is not the one the manifest describes.")
    return package, outer


def open_package(settings: Settings, package_id: str, password: str) -> list[Path]:
    """Verify, decrypt, unzip and check a package; its data files, beside it."""
    package, outer = verify(settings, package_id)
    if outer["protection"] == "excel-password":
        raise Refused(
            "open.in-excel",
            "This package is a workbook under Excel's own password: nothing is to be unpacked.",
            f"It is verified. Get its password with `password`, and open {package} in Excel.",
        )
    with tempfile.TemporaryDirectory(prefix=".opening-", dir=package.parent) as work:
        zipped = package
        if outer["protection"] == "openpgp+password":
            zipped = Path(work) / "package.zip"
            _decrypt(settings, package, zipped)
        if _sha256(zipped) != outer["zip_sha256"]:
            raise _altered("opening.zip-differs", "The zip is not the one described.")
        out = Path(work) / "out"
        _unzip(zipped, out, password)
        inner: Manifest = json.loads((out / "manifest.json").read_bytes())
        _require_agreement(inner, outer)
        found = {item.name: _sha256(item) for item in out.iterdir() if item.name != "manifest.json"}
        if found != inner["files"]:
            raise _altered("opening.data-differs", "The data is not what the manifest describes.")
        return [_hand_over(out / name, package.parent / name) for name in sorted(found)]


def _decrypt(settings: Settings, package: Path, target: Path) -> None:
    code, said = _gpg(settings.gnupg_home, "--output", str(target), "--decrypt", str(package))
    words = {line[0] for line in said}
    if code or not {"DECRYPTION_OKAY", "GOODMDC"} <= words:
        known = "NO_SECKEY" in words and "DECRYPTION_OKAY" not in words
        raise Refused(
            "message.not-for-us" if known else "message.damaged",
            "gpg could not decrypt the package.",
            "Check that your key is in the keyring and unlocked, and fetch the package again.",
        )
    _require_signed(said, settings.need("gateway_key"))


def _unzip(zipped: Path, out: Path, password: str) -> None:
    program = next((found for name in _SEVEN_ZIP if (found := shutil.which(name))), None)
    if program is None:
        hint = "Install it: apt install 7zip (or p7zip-full); on Windows from 7-zip.org."
        raise Refused("client.no-7zip", "The program 7z (7-Zip) is not installed.", hint)
    try:
        with zipfile.ZipFile(zipped) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError):
        raise _altered("zip.refused", "The zip cannot be read.") from None
    plain = {"manifest.json", "data.xlsx", "data.csv"}
    whole = sum(item.file_size for item in members) <= zipped.stat().st_size
    if not whole or not all(item.filename in plain and item.flag_bits & 1 for item in members):
        raise _altered("zip.refused", "The zip holds something that a package does not.")
    # A session of its own has no terminal, so 7-Zip takes the password from us and asks nobody.
    done = subprocess.run(
        [program, "x", "-y", "-bd", f"-o{out}", str(zipped)],
        input=password.encode() + b"\n",
        capture_output=True,
        check=False,
        start_new_session=True,
    )
    if done.returncode or not (out / "manifest.json").is_file():
        hint = "Ask for the password of this very package; each has its own."
        raise Refused("password.wrong", "7-Zip could not open it with this password.", hint)


def _require_agreement(inner: Manifest, outer: Manifest) -> None:
    certificate = inner["certificate"]
    same = all(inner[name] == outer[name] for name in _SAME)
    same = same and inner.get("supersedes") == outer.get("supersedes")
    same = same and all(certificate[name] == outer[name] for name in _CERTIFIED)
    if not same or outer["recipient"] not in inner["recipients"]:
        raise _altered("opening.manifests-differ", "The two manifests contradict each other.")


def _hand_over(source: Path, target: Path) -> Path:
    if target.exists() and _sha256(target) != _sha256(source):
        hint = "Move it away; nothing is ever written over."
        raise Refused("opening.exists", f"Another {target.name} is already there.", hint)
    return source.replace(target)


# --- receipts ------------------------------------------------------------------------------------


def receipt_bytes(kind: str, outer: Manifest, officer: str | None) -> bytes:
    """A new receipt for a verified package, in the canonical form that is signed (RFC 8785)."""
    receipt = {
        "agreement_hash": outer["agreement_hash"],
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "digest": outer["delivery_sha256"],
        "format": "gateway-receipt/1",
        "head": outer.get("checkpoint"),
        "id": secrets.token_hex(16),
        "kind": kind,
        "officer": officer,
        "package": outer["package"],
        "party": outer["recipient"],
    }
    text = json.dumps(receipt, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode() + b"\n"


def make_receipt(settings: Settings, package_id: str, kind: str) -> Path:
    """Make and sign a receipt for a package that verifies; one made before is used again."""
    package, outer = verify(settings, package_id)
    path = package.with_name(f"{kind}.receipt.json")
    signature = _beside(path, ".asc")
    if signature.exists():
        return path
    by_officer = kind in BY_OFFICER
    key = settings.need("officer_key" if by_officer else "key")
    home = settings.officer_gnupg_home if by_officer else settings.gnupg_home
    _write(path, receipt_bytes(kind, outer, settings.need("officer") if by_officer else None))
    words = ("--armor", "--local-user", key, "--output", str(signature), "--detach-sign", str(path))
    code, said = _gpg(home, *words)
    if code or not any(line[0] == "SIG_CREATED" for line in said):
        signature.unlink(missing_ok=True)
        hint = f"Check that gpg has the secret key {key}, and that it is unlocked."
        raise Refused("receipt.unsigned", "gpg could not sign the receipt.", hint)
    return path


def send_receipt(api: Api, settings: Settings, package_id: str, kind: str) -> bool:
    """Make, sign and send a receipt once; False where it was sent before.

    It is kept beside the package. Unsent for want of a network, the very same goes next time.
    """
    path = make_receipt(settings, package_id, kind)
    signature, sent = _beside(path, ".asc"), _beside(path, ".sent")
    if sent.exists():
        return False
    body = {"receipt": path.read_text("utf-8"), "signature": signature.read_text("ascii")}
    try:
        api.ask("POST", f"/packages/{package_id}/receipts", body)
    except Refused as refused:
        if refused.code != "receipt.replayed":  # recorded, but its answer never reached us
            if refused.code.startswith("receipt."):
                signature.unlink()  # judged and refused: the next try makes a new one
            raise
    _write(sent, b"")
    return True


def lay_receipt(settings: Settings, package_id: str, kind: str, folder: Path) -> Path:
    """Make, sign and lay a receipt into a folder that the gateway reads, the signature first."""
    path = make_receipt(settings, package_id, kind)
    name = f"{package_id}-{kind}-{json.loads(path.read_bytes())['id'][:8]}.receipt.json"
    for source, target in ((_beside(path, ".asc"), f"{name}.asc"), (path, name)):
        _write(folder / target, source.read_bytes(), 0o640)
    return folder / name


# --- programs and files --------------------------------------------------------------------------


def _gpg(home: str, *words: str) -> tuple[int, list[list[str]]]:
    """Run gpg; its exit code, and what it says on its status channel, a list of words a line."""
    program = shutil.which("gpg")
    if program is None:
        hint = "Install GnuPG 2.2 or later; on Windows Gpg4win."
        raise Refused("gpg.missing", "The program gpg is not installed.", hint)
    where = ["--homedir", str(Path(home).expanduser())] if home else []
    command = [program, *where, "--batch", "--no-tty", "--status-fd", "1", *words]
    done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=False)
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    return done.returncode, [line.split()[1:] for line in lines if line.startswith("[GNUPG:] ")]


def _require_signed(said: list[list[str]], key: str) -> None:
    """One good signature, by the pinned key: gpg's exit code alone tells neither."""
    valid = [line[-1] for line in said if line[0] == "VALIDSIG"]
    good = sum(line[0] == "GOODSIG" for line in said)
    if valid != [key] or good != 1 or any(line[0] in _BAD for line in said):
        raise Refused(
            "signature.refused",
            "It is not signed by the gateway's pinned key alone, or not well.",
            "Import the gateway's current public key and compare its fingerprint by telephone.",
        )


def _altered(code: str, message: str) -> Refused:
    return Refused(code, message, "Do not use it. Fetch it again; tell the administrator.")


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _write(path: Path, content: bytes, mode: int = 0o600) -> None:
    part = _beside(path, ".tmp")
    part.write_bytes(content)
    part.chmod(mode)
    part.replace(path)


# --- commands ------------------------------------------------------------------------------------


def _password(settings: Settings, package_id: str, file: Path | None = None) -> str:
    if file is not None:
        lines = file.read_text(encoding="utf-8").splitlines()
        return lines[0].strip() if lines else ""
    told = json.loads(Api(settings).ask("POST", f"/packages/{package_id}/password"))
    return str(told["password"])


def _list(settings: Settings, words: argparse.Namespace) -> int:
    packages = json.loads(Api(settings).ask("GET", "/packages"))["packages"]
    if words.json:
        _say(json.dumps(packages, indent=2))
        return ALL_WELL
    for item in packages:
        _say(f"{item['id']}  {item['state']:<9}  {item['kind']}, {item['size']} bytes")
    return ALL_WELL


def _fetch(settings: Settings, words: argparse.Namespace) -> int:
    _say(f"Fetched: {fetch(Api(settings), settings, words.package)}")
    return ALL_WELL


def _verify(settings: Settings, words: argparse.Namespace) -> int:
    package, outer = verify(settings, words.package)
    _say(f"Good: {package}, {outer['kind']}, {outer['counts']['sent']} rows, from the gateway.")
    return ALL_WELL


def _open(settings: Settings, words: argparse.Namespace) -> int:
    verify(settings, words.package)  # a password is asked for only where it will be of use
    secret = _password(settings, words.package, words.password_file)
    for path in open_package(settings, words.package, secret):
        _say(f"Opened: {path}")
    for kind in BY_PARTY if words.receipt else ():
        send_receipt(Api(settings), settings, words.package, kind)
    return ALL_WELL


def _get_password(settings: Settings, words: argparse.Namespace) -> int:
    _write(words.to, _password(settings, words.package).encode() + b"\n")
    _say(f"Written, for you alone: {words.to}. Delete it after use.")
    return ALL_WELL


def _receipt(settings: Settings, words: argparse.Namespace) -> int:
    if words.to is not None:
        _say(f"Signed: {lay_receipt(settings, words.package, words.kind, words.to)}")
        return ALL_WELL
    sent = send_receipt(Api(settings), settings, words.package, words.kind)
    _say(f"{'Recorded' if sent else 'Sent before'}: {words.kind}, {words.package}.")
    return ALL_WELL


def _run(settings: Settings, _: argparse.Namespace) -> int:
    """Fetch, verify, open and receipt all that is not opened yet; one fault stops no other."""
    api = Api(settings)
    packages = json.loads(api.ask("GET", "/packages"))["packages"]
    done = refused = 0
    for item in packages:
        if item["state"] not in ("placed", "collected"):
            continue
        try:
            done += _take(api, settings, item)
        except Refused as fault:
            refused += 1
            _say_fault(fault, item["id"])
    return REFUSED if refused else ALL_WELL if done else NOTHING_NEW


def _take(api: Api, settings: Settings, item: Manifest) -> bool:
    """One package, as far as a program may take it: whether anything of it was new."""
    package_id, by_hand = item["id"], item["protection"] == "excel-password"
    if by_hand and settings.place(package_id).joinpath("collected.receipt.json.sent").exists():
        return False
    fetch(api, settings, package_id)
    verify(settings, package_id)
    send_receipt(api, settings, package_id, "collected")
    if by_hand:
        _say(f"Fetched and verified, to be opened in Excel: {package_id}")
        return True
    for path in open_package(settings, package_id, _password(settings, package_id)):
        _say(f"Opened: {path}")
    send_receipt(api, settings, package_id, "opened")
    return True


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


def _say_fault(fault: Refused, about: str = "") -> None:
    where = f"{about}: " if about else ""
    sys.stderr.write(f"{where}{fault.message} [{fault.code}]\n  What to do: {fault.hint}\n")


def _parser() -> argparse.ArgumentParser:
    about = (__doc__ or "").partition("\n")[0]
    parser = argparse.ArgumentParser(prog="gateway client", description=about)
    parser.add_argument("--settings", type=Path, help=f"default: {SETTINGS_FILE} in this folder")
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="show the packages there are for you")
    listing.add_argument("--json", action="store_true", help="as the API tells them")
    listing.set_defaults(act=_list)
    acts = {
        "fetch": (_fetch, "fetch a package; goes on where an earlier try broke off"),
        "verify": (_verify, "check a fetched package's signature and hash"),
        "open": (_open, "decrypt, unzip and check a fetched package"),
        "password": (_get_password, "write a package's password into a private file"),
        "receipt": (_receipt, "sign and send a receipt"),
    }
    made = {}
    for name, (act, words) in acts.items():
        made[name] = commands.add_parser(name, help=words)
        made[name].add_argument("package", help="its id, as `list` shows it")
        made[name].set_defaults(act=act)
    made["open"].add_argument("--password-file", type=Path, help="else the API is asked for it")
    made["open"].add_argument("--receipt", action="store_true", help="send collected and opened")
    made["password"].add_argument("--to", type=Path, required=True, help="the file to write")
    made["receipt"].add_argument("kind", choices=BY_PARTY + BY_OFFICER)
    made["receipt"].add_argument("--to", type=Path, help="lay it into this folder, not to the API")
    running = commands.add_parser("run", help="for a scheduled job: take everything not yet opened")
    running.set_defaults(act=_run)
    return parser


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; its exit code. Files it makes are for their owner alone."""
    before = os.umask(0o077)
    try:
        told = _parser().parse_args(words)
        code: int = told.act(Settings.load(told.settings), told)
    except Refused as fault:
        _say_fault(fault)
        return fault.exit_code
    except (OSError, ValueError, KeyError, TypeError) as error:
        # An answer or a file not as agreed: its kind alone is told, since its text may quote data.
        what = f"It could not be done ({type(error).__name__})."
        hint = "Check the disk and the folder, and fetch the package anew."
        _say_fault(Refused("client.failed", what, hint))
        return REFUSED
    finally:
        os.umask(before)
    return code


if __name__ == "__main__":
    sys.exit(main())
