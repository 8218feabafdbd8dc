"""Where a home keeps its things, and how this deployment is set (``config/gateway.toml``)."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gateway.refusal import Refusal

IGNORED_PATTERNS = (
    "~$*",
    "*.part",
    "*.tmp",
    "Thumbs.db",
    "desktop.ini",
    ".DS_Store",
    "._*",
    ".gitkeep",
)
REHEARSAL_MARK = "REHEARSAL"


class SettingsFault(Refusal):
    """The settings or the home cannot be used. ``hint`` says what to do next."""


class Part(BaseModel):
    """A table of the settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ApiSettings(Part):
    """The HTTP API. ``listen``: host:port; empty is off. TLS ends in front of it (docs/api.md)."""

    listen: str = ""
    threads: int = Field(default=8, ge=1, le=64)
    requests_per_minute: int = Field(default=600, ge=1)  # of one token
    requests_at_once: int = Field(default=6, ge=1, le=64)  # of one token


class WebSettings(Part):
    """The web site. ``listen``: host:port; empty is off.

    Off this computer's loopback it is served by TLS alone: with a ``certificate`` and its ``key``
    (files, below the home or absolute), or ``behind_proxy``: the addresses of proxies that end TLS.
    ``origin`` is then the site's address as people have it, such as https://gateway.example.gov.uk.
    ``security_contact``: a URI for who found a hole, which /.well-known/security.txt tells.
    ``breached_passwords``: a file (below the home or absolute) of those that nobody may choose.
    """

    listen: str = ""
    origin: str = Field(default="", pattern=r"^(https?://[A-Za-z0-9.\-\[\]:]+)?$")
    certificate: str = ""
    key: str = ""
    behind_proxy: tuple[str, ...] = ()
    threads: int = Field(default=8, ge=1, le=64)
    security_contact: str = Field(default="", pattern=r"^((https|mailto|tel):[!-~]{1,200})?$")
    breached_passwords: str = ""


class SftpSettings(Part):
    """The SFTP face. ``listen``: host:port; empty is off. ``connections``: of one party at once."""

    listen: str = ""
    connections: int = Field(default=8, ge=1, le=64)
    idle_seconds: float = Field(default=600.0, gt=0, le=86400)
    login_seconds: float = Field(default=30.0, gt=0, le=600)


class S3Outbox(Part):
    """A recipient's outbox in a bucket; its credentials lie in ``keys/s3/<party>.toml``."""

    endpoint: str = ""  # empty: the region's own
    region: str = Field(default="eu-west-2", pattern=r"^[a-z0-9-]{1,64}$")
    bucket: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")
    prefix: str = Field(default="", pattern=r"^([A-Za-z0-9!_.*'()-]+/)*$")


class VaultBucket(S3Outbox):
    """Where the vault is kept as well: a bucket with Object Lock; an empty name is off.

    Its credentials lie in ``keys/s3/vault.toml``.
    """

    bucket: str = Field(default="", pattern=r"^([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])?$")


class MailSettings(Part):
    """How e-mail leaves. ``host`` empty: none is written or sent; open alarms are told later.

    The password of ``username`` lies in ``keys/mail.password``.
    """

    host: str = ""
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    sender: str = "gateway@localhost"
    username: str = ""
    timeout_seconds: float = Field(default=10.0, gt=0, le=120)


class DatabaseSettings(Part):
    """The database. ``url`` empty: SQLite under var; else ``postgresql://user@host:port/name``.

    No password is in it: one lies in ``keys/database.password``, or is libpq's to find.
    ``owner``: the role that owns the tables, as which `init` makes and changes them, with its own
    password in ``keys/database-owner.password``; empty: the role of the URL does.
    """

    url: str = ""
    owner: str = Field(default="", pattern=r"^([a-z_][a-z0-9_]{0,62})?$")


class QueueSettings(Part):
    """Who takes the jobs. ``engine``: ``embedded`` is one worker, which watches as well;
    ``distributed`` is as many as there are, each for one job at a time, in the database on
    PostgreSQL. ``workers``: how many of them `run` starts on this host. ``stalled_seconds``: a
    worker that has not been heard of for so long has its job given to another.
    """

    engine: Literal["embedded", "distributed"] = "embedded"
    workers: int = Field(default=2, ge=1, le=64)
    stalled_seconds: float = Field(default=30.0, ge=1.0, le=3600.0)


class BackupSettings(Part):
    """After how many hours without a backup an alarm is raised; 0 is off (docs/operate.md)."""

    overdue_hours: int = Field(default=0, ge=0, le=24 * 366)


class Settings(BaseModel):
    """This deployment. Times in seconds, sizes in bytes; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    settle_seconds: float = Field(default=1.0, ge=0.0, le=600.0)
    tick_seconds: float = Field(default=15.0, ge=1.0, le=3600.0)
    allowed_owners: tuple[int, ...] = ()  # user ids that may drop files; empty: anyone who can
    ignored: tuple[str, ...] = IGNORED_PATTERNS
    minimum_free_bytes: int = Field(default=256 * 1024 * 1024, ge=0)
    run_without_confinement: str = ""  # a named reason; always shown (design: notes on the reader)
    database: DatabaseSettings = DatabaseSettings()
    queue: QueueSettings = QueueSettings()
    api: ApiSettings = ApiSettings()
    web: WebSettings = WebSettings()
    sftp: SftpSettings = SftpSettings()
    s3: dict[str, S3Outbox] = {}  # by recipient
    records: dict[str, S3Outbox] = {}  # by sender: where its sealed originals are handed over
    vault: VaultBucket = VaultBucket()
    mail: MailSettings = MailSettings()
    backup: BackupSettings = BackupSettings()

    @model_validator(mode="after")
    def _queue_has_a_server(self) -> "Settings":
        if self.queue.engine == "distributed" and not self.database.url:
            raise ValueError("[queue] engine = distributed needs [database] url, a PostgreSQL")
        return self

    @classmethod
    def load(cls, path: Path) -> "Settings":
        """Read the settings; an absent file means the defaults. Raises SettingsFault."""
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return cls()
        except UnicodeDecodeError as error:
            raise SettingsFault(
                "settings.not-toml", f"{path.name} is not UTF-8 text.", "Save it as UTF-8."
            ) from error
        except OSError as error:
            raise SettingsFault(
                "settings.unreadable", f"{path.name} cannot be read.", "Check its mode and owner."
            ) from error
        try:
            return cls.model_validate(tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            raise SettingsFault(
                "settings.not-toml",
                f"{path.name} is not valid TOML: {error}.",
                "Correct that line.",
            ) from error
        except ValidationError as error:
            faults = "; ".join(
                f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}"
                for item in error.errors()
            )
            raise SettingsFault(
                "settings.invalid", f"{path.name}: {faults}.", "See docs/settings.md."
            ) from error


@dataclass(frozen=True)
class Home:
    """The folders of one installation. Only these properties know where a thing lies."""

    root: Path

    @property
    def config(self) -> Path:
        return self.root / "config"

    @property
    def settings_file(self) -> Path:
        return self.config / "gateway.toml"

    @property
    def parties_file(self) -> Path:
        return self.config / "parties.toml"

    @property
    def officers_file(self) -> Path:
        return self.config / "officers.toml"

    @property
    def sftp_keys(self) -> Path:
        """``<party>.pub``: the keys that a party logs in with."""
        return self.config / "sftp"

    @property
    def log_keys(self) -> Path:
        """The public keys of the ledger's checkpoints, a line each."""
        return self.config / "ledger-keys"

    @property
    def checkpoint(self) -> Path:
        """The latest checkpoint, apart from the database: it tells when that was put back."""
        return self.var / "checkpoint"

    def checkpoint_of(self, party: str) -> Path:
        """The latest checkpoint, for a party to see."""
        return self.outbox / party / "checkpoint"

    @property
    def inbox(self) -> Path:
        return self.root / "inbox"

    @property
    def outbox(self) -> Path:
        return self.root / "outbox"

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def var(self) -> Path:
        return self.root / "var"

    @property
    def database(self) -> Path:
        return self.var / "gateway.db"

    @property
    def vault(self) -> Path:
        return self.var / "vault"

    @property
    def staged(self) -> Path:
        return self.var / "staged"

    @property
    def work(self) -> Path:
        return self.var / "work"

    @property
    def drops_work(self) -> Path:
        return self.work / "drops"

    @property
    def packages_work(self) -> Path:
        return self.work / "packages"

    @property
    def lock(self) -> Path:
        return self.var / "worker.lock"

    @property
    def rehearsal_mark(self) -> Path:
        return self.root / REHEARSAL_MARK

    @property
    def is_rehearsal(self) -> bool:
        return self.rehearsal_mark.is_file()

    def inbox_of(self, party: str, flow: str) -> Path:
        return self.inbox / party / flow

    def outbox_of(self, party: str, flow: str) -> Path:
        return self.outbox / party / flow

    def receipts_of(self, party: str) -> Path:
        return self.inbox / party / "receipts"

    def records_of(self, party: str) -> Path:
        """Where a sender's sealed originals are handed over to its own records system."""
        return self.outbox / party / "records"

    @property
    def door(self) -> Path:
        return self.var / "door.sock"

    def reports_of(self, party: str) -> Path:
        return self.outbox / party / "reports"
