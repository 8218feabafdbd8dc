"""What the registers ask of officers. `access.officers` has them; a record is not to know how."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from gateway.records.registers.rules import RegisterRefused

_MAY_WRITE = frozenset({"sender", "recipient", "approver", "administrator"})
_MAY_SIGN = "approver"


class Person(Protocol):
    """A named person of a party."""

    @property
    def id(self) -> str: ...
    @property
    def party(self) -> str: ...
    @property
    def roles(self) -> Sequence[str]: ...
    @property
    def key(self) -> str | None: ...


class Staff(Protocol):
    """All officers, and the parties that sign the agreement."""

    @property
    def signatories(self) -> tuple[str, ...]: ...
    def get(self, officer_id: str, /) -> Person: ...
    def __iter__(self) -> Iterator[Person]: ...


def require_writer(officer: Person) -> None:
    """An auditor reads and writes nothing. Raises RegisterRefused."""
    if not _MAY_WRITE & set(officer.roles):
        raise RegisterRefused(
            "register.not-entitled",
            "That officer reads the registers and writes nothing in them.",
            "An officer with the role sender, recipient, approver or administrator does.",
        )


def require_signer(officer: Person) -> str:
    """The key of an officer who may sign for the party. Raises RegisterRefused."""
    if _MAY_SIGN not in officer.roles:
        raise RegisterRefused(
            "register.not-approver",
            "That officer does not sign for the party.",
            "An officer with the role approver signs; `officers` shows who has it.",
        )
    if officer.key is None:
        raise RegisterRefused(
            "register.no-key",
            "No key of that officer is pinned.",
            "Pin it in config/officers.toml (docs/officers.md), then run `init`.",
        )
    return officer.key
