"""``config/officers.toml``: the named people who act for a party, and their pinned keys.

The agreement names parties only; who acts for them is a fact of this home, like the pins of
`crypto.pins`. A signature counts by the officer's full fingerprint here and by nothing else.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from gateway.refusal import Refusal

OfficerRole = Literal["sender", "recipient", "approver", "administrator", "auditor"]
ROLES: tuple[OfficerRole, ...] = get_args(OfficerRole)
_HEAD = """\
# Who acts for each party: the officers, their roles, and the full fingerprints of their own keys.
# Two officers change this file, after reading each fingerprint to its owner by telephone
# (docs/officers.md). The public keys themselves lie in keys/officers/<officer>.asc.
#
# [officers.dfe-jo-smith]
# name = "Jo Smith"
# party = "dfe"
# email = "jo.smith@example.org"
# roles = ["recipient", "approver"]   # sender, recipient, approver, administrator, auditor
# key = "0123 4567 89AB CDEF 0123 4567 89AB CDEF 0123 4567"
"""


class OfficersFault(Refusal):
    """The officers cannot be used as they are written, or one is not known. Codes: officers.*"""


class Officer(BaseModel):
    """A named person of a party. ``key``: full fingerprint (40 capitals), or None."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z][a-z0-9-]{1,59}$")
    name: str = Field(pattern=r"^[^\p{Cc}\p{Zl}\p{Zp}]+$", max_length=100)  # one line
    party: str = Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")
    email: str = Field(pattern=r"^[^@\s<>]+@[^@\s<>]+$", max_length=200)
    roles: tuple[OfficerRole, ...] = Field(min_length=1)
    key: str | None = None

    @field_validator("key")
    @classmethod
    def _full(cls, value: str | None) -> str | None:
        if value is None:
            return None
        plain = "".join(value.split()).upper()
        if len(plain) != 40 or any(digit not in "0123456789ABCDEF" for digit in plain):
            raise ValueError("not a full fingerprint (40 hexadecimal digits)")
        return plain

    def has(self, role: OfficerRole) -> bool:
        """Whether the officer has the role."""
        return role in self.roles


class Officers:
    """All officers of a home. ``signatories``: the parties that sign the agreements themselves."""

    def __init__(self, officers: Sequence[Officer] = (), signatories: Sequence[str] = ()) -> None:
        self._by_id = {officer.id: officer for officer in officers}
        self.signatories = tuple(signatories)

    def __iter__(self) -> Iterator[Officer]:
        return iter(self._by_id.values())

    def get(self, officer_id: str) -> Officer:
        """The officer of that id. Raises ``officers.unknown``."""
        officer = self._by_id.get(officer_id)
        if officer is None:
            raise OfficersFault(
                "officers.unknown",
                "There is no such officer here.",
                "`gateway officers` lists them; config/officers.toml names them.",
            )
        return officer

    def of(self, party: str, role: OfficerRole | None = None) -> tuple[Officer, ...]:
        """A party's officers, of one role where given, in the order of the file."""
        return tuple(
            officer
            for officer in self
            if officer.party == party and (role is None or officer.has(role))
        )

    def by_key(self, fingerprint: str) -> Officer | None:
        """The officer whose pinned key that is, or None."""
        return next((officer for officer in self if officer.key == fingerprint), None)


def load_officers(path: Path, signatories: Sequence[str] = ()) -> Officers:
    """Read the officers; an absent file means none. Raises OfficersFault with every fault."""
    if not path.exists():
        return Officers((), signatories)
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _faulty(path, [f"not TOML: {error}"]) from error
    faults = [f"{key}: not a known key" for key in document if key != "officers"]
    tables = document.get("officers", {})
    if not isinstance(tables, dict):
        raise _faulty(path, ["officers: a table [officers.<id>] for each"])
    found: list[Officer] = []
    for officer_id, table in tables.items():
        try:
            found.append(Officer.model_validate({**_table(table), "id": officer_id}))
        except ValidationError as error:
            faults += [
                f"officers.{officer_id}.{'.'.join(map(str, item['loc']))}: {item['msg']}"
                for item in error.errors()
            ]
    faults += _shared(found)
    if faults:
        raise _faulty(path, faults)
    return Officers(found, signatories)


def _table(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _shared(officers: Sequence[Officer]) -> Iterator[str]:
    """One key, one person: otherwise two signatures could come from one hand."""
    owner: dict[str, str] = {}
    for officer in officers:
        if officer.key and owner.setdefault(officer.key, officer.id) != officer.id:
            yield f"officers.{officer.id}.key: the same key as {owner[officer.key]}'s"


def _faulty(path: Path, faults: Sequence[str]) -> OfficersFault:
    lines = "\n".join(f"  {fault}" for fault in faults)
    return OfficersFault(
        "officers.faulty",
        f"{path.name} names officers wrongly:\n{lines}\n",
        "Mend each line; docs/officers.md shows how the file is written.",
    )


def written(officers: Sequence[Officer]) -> str:
    """The file's text for those officers: the same officers always give the same text."""
    blocks = [_HEAD]
    for officer in officers:
        lines = [f"[officers.{officer.id}]"]
        lines += [f"{name} = {_quoted(getattr(officer, name))}" for name in _TEXTS]
        lines.append(f"roles = [{', '.join(map(_quoted, officer.roles))}]")
        if officer.key is not None:
            groups = (officer.key[at : at + 4] for at in range(0, 40, 4))
            lines.append(f"key = {_quoted(' '.join(groups))}")
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


_TEXTS = ("name", "party", "email")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
