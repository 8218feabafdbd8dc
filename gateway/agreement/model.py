"""The agreement as typed data: what two or more parties signed, in enforceable form.

Every model is frozen and refuses unknown keys, so a slip in the file is a fault with a path and
never a rule that is silently not applied. Nothing here reads a file or a clock.
"""

from datetime import date, time
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

ID_FORM = r"^[a-z][a-z0-9-]{0,39}$"
Id = Annotated[str, StringConstraints(pattern=ID_FORM)]
FieldId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Severity = Literal["error", "query"]
Kind = Literal[
    "reference",
    "references",
    "code",
    "codes",
    "initials",
    "date",
    "age",
    "yes-no",
    "yes-no-unknown",
    "text",
]
Protection = Literal["openpgp+password", "password", "excel-password"]
Role = Literal["sender", "recipient", "approver", "administrator"]
RESERVED_IDS = frozenset({"receipts", "reports", "records"})
# The deadlines at which the gateway can act; any other is for people to keep.
CUT_OFF = "drop-cut-off"
KEPT_DEADLINES = frozenset(
    {
        CUT_OFF,
        "weekly-update",
        "collected",
        "opened",
        "accepted",
        "query-answered",
        "reference-answered",
        "loss-consulted",
        "request-told",
        "request-answered",
        "register-acknowledged",
    }
)


class Frozen(BaseModel):
    """Base of every model: immutable, and an unknown key is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Party(Frozen):
    """A body that is party to the agreement, or acts for one.

    ``agent_of``: the party for which it acts; it signs nothing itself. None for a signatory.
    """

    id: Id
    name: str
    role: str
    agent_of: Id | None = None


class Clause(Frozen):
    """A numbered paragraph (or bullet) of the agreement and the control that enforces it.

    ``enforced`` is ``yes``, ``not-yet`` or ``outside`` (an act of people that no program can do).
    """

    number: str
    title: str
    words: str
    control: str
    enforced: Literal["yes", "not-yet", "outside"]


class DayChange(Frozen):
    """A day the parties agree to add to, or take from, the bank holidays."""

    date: date
    name: str


class Calendar(Frozen):
    """Which days are working days, and which hours of them. Times are local.

    ``country`` and ``subdivision`` are the `holidays` library's.
    """

    country: Literal["GB"] = "GB"
    subdivision: Literal["ENG", "SCT", "WLS", "NIR"] = "ENG"
    timezone: str = "Europe/London"
    opens: time = time(9)
    closes: time = time(17)
    add: tuple[DayChange, ...] = ()
    remove: tuple[DayChange, ...] = ()


class Window(Frozen):
    """When a flow's packages are due, in the calendar's local time.

    ``weekly`` is due on ``weekday``, or on the working day before it when that is no working day.
    ``grace_minutes``: a window acted on later than this counts as missed and is alarmed.
    """

    frequency: Literal["working-day", "weekly"]
    at: time
    weekday: (
        Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] | None
    ) = None
    grace_minutes: int = Field(default=30, ge=1, le=600)


class Recipient(Frozen):
    """A party that receives a flow's packages, and how they are protected (design §5.1)."""

    party: Id
    protection: Protection = "openpgp+password"


class Derivation(Frozen):
    """How a blank or absent field is made from others.

    ``initials`` takes source headings in ``headings``; ``age`` takes two date fields of the flow.
    """

    kind: Literal["initials", "age"]
    headings: tuple[str, ...] = ()
    born: FieldId | None = None
    at: FieldId | None = None


class FieldSpec(Frozen):
    """One column of a field list. Lengths are in characters; ``heading`` is as signed."""

    id: FieldId
    heading: str
    kind: Kind
    required: bool = False
    also: tuple[str, ...] = ()  # other headings that mean this column
    list: Id | None = None  # code list of a code or codes field
    other: bool = False  # bare `Other`, or `Other: text`
    other_max_length: int = 200
    alone: tuple[str, ...] = ()  # labels that may not stand beside another (None)
    valid_on: tuple[FieldId, ...] = ()  # dates of the row at one of which a code must be in being
    pattern: str | None = None  # of a reference, matched whole
    max_length: int = Field(default=10_000, ge=1, le=16_000)  # a sheet's cell holds twice that
    minimum: int | None = None  # of an age, whole years
    maximum: int | None = None
    not_after_today: bool = False  # of a date
    derive: Derivation | None = None
    allow_identifiers: tuple[Literal["phone", "email"], ...] = ()  # not screened for in this field
    note: str = ""  # guidance for senders, shown in the template
    width: int = Field(default=18, ge=4, le=80)  # column width in the workbook, characters


class When(Frozen):
    """True of a row whose ``field`` holds any of ``values`` (labels after resolving)."""

    field: FieldId
    values: tuple[str, ...]


class Rule(Frozen):
    """A rule across fields of one row. Which keys a kind needs is checked on loading.

    ========================  =====================================================================
    ``not-before``            date ``field`` must not be before date ``other``
    ``within-working-days``   date ``field`` at most ``days`` working days after date ``other``
    ``born-before``           date ``field`` after date ``other`` only where ``age_field`` is unborn
    ``one-of``                at least one of ``fields`` is filled
    ``only-when``             ``field`` may be filled only where one of ``when`` holds; with
                              ``values``, only those labels of the field are so restricted
    ``in-order``              the dates in ``fields`` do not decrease, blanks aside
    ``age-matches``           ``age_field`` equals the whole years from ``field`` to ``other``
    ========================  =====================================================================
    """

    id: Id
    kind: Literal[
        "not-before",
        "within-working-days",
        "born-before",
        "one-of",
        "only-when",
        "in-order",
        "age-matches",
    ]
    severity: Severity
    field: FieldId | None = None
    other: FieldId | None = None
    fields: tuple[FieldId, ...] = ()
    age_field: FieldId | None = None
    days: int | None = None
    when: tuple[When, ...] = ()
    values: tuple[str, ...] = ()
    words: str  # the rule in plain English, for findings and explanation


class SourceColumn(Frozen):
    """A column that senders' extracts are known to hold and that must be dropped.

    ``screens`` says what its values are when looked for in kept text: a person's ``name``, an
    ``identifier`` (postcode, NHS number, phone, e-mail: matched without spaces), a ``phrase``
    (address line, town), or ``no`` for everyday columns. ``allowed_in`` names text fields whose
    business its values are (the authority's contact may be the social worker).
    """

    heading: str
    screens: Literal["name", "identifier", "phrase", "no"]
    allowed_in: tuple[FieldId, ...] = ()


class Screening(Frozen):
    """What may not survive inside a kept text (design §6.1, Screening)."""

    patterns: tuple[Literal["nhs-number", "upn", "nino", "postcode", "phone", "email"], ...]
    person_words: tuple[str, ...]  # an unlisted dropped heading with one of these screens as well
    everyday_words: tuple[str, ...]  # names that are ordinary English words, folded
    identifier_words: tuple[str, ...] = ()  # those person_words whose column holds identifiers
    address_words: tuple[str, ...] = ()  # those person_words whose column holds phrases
    empty_values: tuple[str, ...] = ()  # values that say nothing of anyone: not known, n/a
    minimum_length: int = 3  # shorter values of a dropped column are not looked for


class FilePolicy(Frozen):
    """What a file of a flow may be. ``hidden``: hidden sheets, rows and columns; sizes in bytes."""

    formats: tuple[Literal["csv", "xlsx"], ...] = ("csv", "xlsx")
    hidden: Literal["refuse", "report"] = "refuse"
    external_links: Literal["refuse", "report"] = "report"
    pivot_caches: Literal["refuse", "report"] = "refuse"
    maximum_bytes: int = 512 * 1024 * 1024
    totals_words: tuple[str, ...] = ("total", "totals", "grand total")


class Answer(Frozen):
    """True of a row whose ``field`` is filled: with one of ``values``, where any are named."""

    field: FieldId
    values: tuple[str, ...] = ()


class Flow(Frozen):
    """One regular kind of exchange in one direction."""

    id: Id
    title: str
    sender: Id
    recipients: tuple[Recipient, ...] = Field(min_length=1)
    window: Window
    fields: tuple[FieldSpec, ...] = Field(min_length=1)
    rules: tuple[Rule, ...] = ()
    source_columns: tuple[SourceColumn, ...] = ()
    screening: Screening
    files: FilePolicy = FilePolicy()
    on_error: Literal["hold-row", "refuse-drop"] = "hold-row"
    attestable: tuple[str, ...] = ()  # finding codes that two officers may attest to
    reference_field: FieldId = "reference"
    reconcile_with: Id | None = None  # the flow whose sent references this one answers
    answered_when: tuple[Answer, ...] = ()  # a row answers where any holds; none: every row does
    formats: tuple[Literal["xlsx", "csv"], ...] = ("xlsx",)
    marking: str = "OFFICIAL-SENSITIVE"

    def field(self, field_id: str) -> FieldSpec:
        """The field of that id. Raises KeyError when the flow has none."""
        for spec in self.fields:
            if spec.id == field_id:
                return spec
        raise KeyError(field_id)

    @property
    def reference_place(self) -> int:
        """Where in a row the flow's reference stands, from 0."""
        return self.place(self.reference_field)

    def place(self, field_id: str) -> int:
        """Where in a row a field stands, from 0. Raises ValueError when the flow has none such."""
        return [spec.id for spec in self.fields].index(field_id)


class Retention(Frozen):
    """How long things are kept. ``hold`` forbids any destruction while ``hold_reason`` stands."""

    hold: bool
    hold_reason: str
    held_rows_days: int = Field(ge=1)  # a held row expires after so many days, unless under hold
    staged: str


class Review(Frozen):
    """When the parties review the agreement: months after signing (the signatures date it)."""

    months_after_signing: int = Field(ge=1)


class Deadline(Frozen):
    """A deadline in working hours or days, by name, with the clause whose duty it times.

    ``enforced`` is ``yes`` when the gateway acts at the deadline (an alarm, a list), else
    ``not-yet``.
    ``before``: so many working hours before the moment it is counted from, and not after.
    """

    id: Id
    words: str
    working_hours: int | None = Field(default=None, ge=0, le=2_000)
    working_days: int | None = Field(default=None, ge=0, le=250)
    before: bool = False
    clause: str | None = None
    enforced: Literal["yes", "not-yet"] = "not-yet"


class EscalationStep(Frozen):
    """Who is told of an alarm that is still open after so many working hours, by role."""

    working_hours: int = Field(ge=0, le=2_000)
    tells: tuple[Role, ...] = Field(min_length=1)


class Agreement(Frozen):
    """A whole agreement. Its canonical hash is over the JSON of this model (see `load`)."""

    id: Id
    title: str
    version: str
    parties: tuple[Party, ...] = Field(min_length=2)
    clauses: tuple[Clause, ...] = Field(min_length=1)
    calendar: Calendar = Calendar()
    flows: tuple[Flow, ...] = Field(min_length=1)
    retention: Retention
    review: Review
    lawful_basis: tuple[str, ...] = Field(min_length=1)
    deadlines: tuple[Deadline, ...] = ()
    escalation: tuple[EscalationStep, ...] = (
        EscalationStep(working_hours=0, tells=("sender", "recipient")),
    )
    markings: tuple[str, ...] = ()
    effective_from: date | None = None  # from when this version holds; None: always

    @property
    def signatories(self) -> tuple[Party, ...]:
        """The parties that sign the agreement: all but those that act for another."""
        return tuple(party for party in self.parties if party.agent_of is None)

    def flow(self, flow_id: str) -> Flow:
        """The flow of that id. Raises KeyError when the agreement has none."""
        for flow in self.flows:
            if flow.id == flow_id:
                return flow
        raise KeyError(flow_id)

    def deadline(self, deadline_id: str) -> Deadline | None:
        """The deadline of that id where the gateway is to keep it, or None."""
        for deadline in self.deadlines:
            if deadline.id == deadline_id and deadline.enforced == "yes":
                return deadline
        return None


class Code(Frozen):
    """An entry of a code list: its label travels; code, label and synonyms are accepted."""

    code: str
    label: str
    synonyms: tuple[str, ...] = ()
    valid_from: date | None = None
    valid_to: date | None = None  # the last day

    def valid_on(self, day: date) -> bool:
        """Whether the code was in being on that day, both ends included."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_to is None or day <= self.valid_to
        )


class CodeList(Frozen):
    """A dated list of codes, read from ``config/codes/<id>.csv``."""

    id: Id
    codes: tuple[Code, ...]


class RuleBook(Frozen):
    """All that checking one flow needs, and all the confined reader is given beside the file.

    ``non_working`` holds the weekdays that are not working days (bank holidays as agreed), over
    the years the calendar covers. ``flow.fields`` order is the order of the columns sent.
    """

    agreement_hash: str
    flow: Flow
    lists: dict[str, CodeList]
    non_working: frozenset[date]
