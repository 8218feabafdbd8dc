"""What goes over the wire as JSON: every body that is sent or taken, each member described."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

PACKAGE_ID = r"[a-z][a-z0-9-]{0,79}"
DROP_ID = r"[0-9]{8}-[0-9a-f]{12}"
Sha256 = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]


class Shape(BaseModel):
    """A JSON object; members that are not named are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ProblemShape(Shape):
    """Why something was not done (RFC 9457)."""

    type: str
    title: str = Field(description="the status in words")
    status: int = Field(ge=400, le=599)
    detail: str = Field(description="what happened")
    code: str = Field(description="what to tell programs apart by, such as `token.refused`")
    hint: str = Field(description="what to do next")


class HealthShape(Shape):
    """Whether the API, and the worker behind it, answer."""

    ok: bool = Field(description="whether everything answers")
    worker: Literal["answers", "absent"]


class PackageShape(Shape):
    """A package as it stands with the caller's party."""

    id: str = Field(pattern=f"^{PACKAGE_ID}$")
    flow: str
    kind: str = Field(description="what the package carries, such as `data` or `nil`")
    day: date = Field(description="the day of its window")
    state: Literal["placed", "collected", "opened", "accepted", "queried"]
    protection: str = Field(description="how it is protected, such as `openpgp+password`")
    file: str = Field(description="the name of its file")
    size: Count = Field(description="bytes of its file")
    sha256: Sha256 = Field(description="of its file")
    placed_at: datetime | None
    collected_at: datetime | None
    opened_at: datetime | None
    acknowledged_at: datetime | None


class PackagesShape(Shape):
    """The packages of the token's party and flow, oldest first."""

    packages: list[PackageShape]


class PasswordShape(Shape):
    """The password of a package. It is told, and not kept anywhere that it could be read."""

    password: str


class ReceiptBody(Shape):
    """A signed receipt."""

    receipt: str = Field(
        min_length=1, max_length=16_384, description="the receipt's file, as it was signed"
    )
    signature: str = Field(
        min_length=1, max_length=16_384, description="the detached OpenPGP signature, armoured"
    )


class RecordedShape(Shape):
    """The receipt was good, and is kept."""

    kind: str
    package: str
    party: str
    way: str
    state: str = Field(description="of the package with that party, after it")


class TakenShape(Shape):
    """The file was taken whole. The worker judges it next: look for its hash among the drops."""

    sha256: Sha256
    size: Count


class DropShape(Shape):
    """A drop of the token's party and flow."""

    id: str = Field(pattern=f"^{DROP_ID}$")
    flow: str
    state: str
    received_at: datetime
    size: Count = Field(description="bytes")
    sha256: Sha256
    rows: Count | None
    accepted: Count | None
    held: Count | None
    repeats: Count | None
    findings: dict[str, int] = Field(description="how many findings there are of each code")
    package: str | None = Field(description="the package that its rows went with")
    replaced_by: str | None


class DropsShape(Shape):
    """The latest drops, newest first."""

    drops: list[DropShape]


class WithdrawnShape(Shape):
    """The drop goes into no package. Its sealed original stays in the vault."""

    drop: str
    state: Literal["withdrawn"]


class StatusShape(Shape):
    """Where the token's flow stands, for its party."""

    party: str
    flow: str
    now: datetime
    packages: dict[str, int] = Field(description="how many packages are in each state")
    drops: dict[str, int] = Field(description="how many of the latest drops are in each state")
    next_day: date = Field(description="the day of the flow's next window")
    next_due_at: datetime


SHAPES: tuple[type[Shape], ...] = (
    ProblemShape,
    HealthShape,
    PackageShape,
    PackagesShape,
    PasswordShape,
    ReceiptBody,
    RecordedShape,
    TakenShape,
    DropShape,
    DropsShape,
    WithdrawnShape,
    StatusShape,
)
