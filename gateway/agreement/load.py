"""Loading an agreement and its code lists: whole and consistent, or every fault at once."""

import hashlib
import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import rfc8785
from pydantic import ValidationError

from gateway.agreement.codefiles import read_code_list
from gateway.agreement.consistency import inconsistencies
from gateway.agreement.faults import AgreementFaults, Fault
from gateway.agreement.model import ID_FORM, Agreement, CodeList, RuleBook
from gateway.agreement.shape import Shaped, Table, shaped, tables
from gateway.agreement.workingdays import WorkingDays
from gateway.agreement.workinghours import WorkingHours

__all__ = ["Agreed", "AgreementFaults", "Fault", "in_force", "load_agreement", "load_agreements"]

# The years whose bank holidays a rule book carries into the confined reader.
FIRST_YEAR, LAST_YEAR = 2000, 2050


@dataclass(frozen=True)
class Agreed:
    """An agreement as loaded, the code lists that it names, and the hash that identifies both.

    ``hash``: SHA-256, in hex, of the canonical JSON (RFC 8785) of the two. It does not depend on
    how the file is laid out, and changes with any value in it or in its lists.
    """

    agreement: Agreement
    lists: dict[str, CodeList]
    hash: str

    @property
    def canonical(self) -> bytes:
        """The canonical JSON that ``hash`` is of."""
        return _canonical(self.agreement, self.lists)

    @cached_property
    def working_days(self) -> WorkingDays:
        """The agreement's calendar."""
        return WorkingDays(self.agreement.calendar)

    @cached_property
    def working_hours(self) -> WorkingHours:
        """The agreement's working hours."""
        return WorkingHours(self.agreement.calendar)

    def rule_book(self, flow_id: str) -> RuleBook:
        """All that checking the flow needs. Raises KeyError when the agreement has no such flow."""
        flow = self.agreement.flow(flow_id)
        named = {spec.list for spec in flow.fields if spec.list}
        return RuleBook(
            agreement_hash=self.hash,
            flow=flow,
            lists={name: self.lists[name] for name in sorted(named)},
            non_working=self.working_days.non_working(FIRST_YEAR, LAST_YEAR),
        )


def load_agreement(path: Path, codes: Path) -> Agreed:
    """The agreement in the TOML file, with code lists from the folder ``codes``.

    Raises AgreementFaults with every fault of the file and of the lists that it names.
    """
    raw = _read(path)
    written = shaped(raw)
    lists, faults = _read_lists(written, codes)
    agreement, wrong = _validated(written)
    faults += wrong
    known = {name: found for name, found in lists.items() if found.codes}
    faults += [Fault(written.place(loc), words) for loc, words in inconsistencies(written, known)]
    if faults or agreement is None:
        raise AgreementFaults(tuple(dict.fromkeys(faults)))
    return Agreed(agreement, lists, agreement_hash(agreement, lists))


def load_agreements(config: Path) -> tuple[Agreed, ...]:
    """Every ``agreements/*.toml`` of a config folder, by file name, with ``codes/*.csv``.

    Several files of one id are versions of one agreement, each from a day of its own; `in_force`
    chooses. Raises AgreementFaults with the faults of all files, when versions do not follow one
    another, and when two agreements have a flow of one id, for a home keeps one folder for each.
    """
    paths = sorted((config / "agreements").glob("*.toml"))
    if not paths:
        fault = Fault("config/agreements", "there is no agreement (*.toml) in the folder")
        raise AgreementFaults((fault,))
    faults: list[Fault] = []
    loaded: list[tuple[str, Agreed]] = []
    for path in paths:
        try:
            loaded.append((path.name, load_agreement(path, config / "codes")))
        except AgreementFaults as wrong:
            faults += [Fault(f"{path.name}: {fault.path}", fault.message) for fault in wrong.faults]
    faults += _shared_ids(loaded)
    if faults:
        raise AgreementFaults(tuple(faults))
    return tuple(agreed for _, agreed in loaded)


def in_force(versions: Iterable[Agreed], day: date) -> tuple[Agreed, ...]:
    """Of each agreement, the version that holds on that day: the latest to have taken effect."""
    found: dict[str, Agreed] = {}
    for agreed in sorted(versions, key=_start):
        if _start(agreed) <= day:
            found[agreed.agreement.id] = agreed
    return tuple(found.values())


def _start(agreed: Agreed) -> date:
    return agreed.agreement.effective_from or date.min


def agreement_hash(agreement: Agreement, lists: dict[str, CodeList]) -> str:
    """SHA-256, in hex, of the RFC 8785 canonical JSON of an agreement and its code lists."""
    return hashlib.sha256(_canonical(agreement, lists)).hexdigest()


def _canonical(agreement: Agreement, lists: dict[str, CodeList]) -> bytes:
    content = {
        "agreement": agreement.model_dump(mode="json"),
        "lists": {name: lists[name].model_dump(mode="json") for name in lists},
    }
    return rfc8785.dumps(content)


def _read(path: Path) -> Table:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as wrong:
        words = f"is not UTF-8 (byte {wrong.start})"
    except OSError as wrong:
        words = f"cannot be read: {wrong.strerror}"
    except tomllib.TOMLDecodeError as wrong:
        words = f"is not TOML: {wrong}"
    raise AgreementFaults((Fault(path.name, words),))


def _read_lists(written: Shaped, codes: Path) -> tuple[dict[str, CodeList], list[Fault]]:
    lists: dict[str, CodeList] = {}
    faults: list[Fault] = []
    for loc, name in _named_lists(written.data):
        path = codes / f"{name}.csv"
        if not re.fullmatch(ID_FORM, name) or not path.is_file():
            faults.append(Fault(written.place(loc), f"there is no code list codes/{name}.csv"))
        elif name not in lists:
            lists[name], wrong = read_code_list(path)
            faults += wrong
    return lists, faults


def _named_lists(data: Table) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for at, flow in tables(data.get("flows")):
        for index, field in tables(flow.get("fields")):
            if isinstance(field.get("list"), str):
                yield ("flows", at, "fields", index, "list"), field["list"]


def _validated(written: Shaped) -> tuple[Agreement | None, list[Fault]]:
    try:
        return Agreement.model_validate(written.data), []
    except ValidationError as wrong:
        errors = wrong.errors(include_url=False, include_context=False, include_input=False)
        return None, [Fault(written.place(error["loc"]), _plain(error)) for error in errors]


def _plain(error: Any) -> str:
    """Pydantic's words for a fault, the commonest in plainer ones."""
    if error["type"] == "missing":
        return "is missing"
    if error["type"] == "extra_forbidden":
        return "is not a key that an agreement has here; is it misspelt?"
    if error["type"] == "string_pattern_mismatch":
        return "must be a lower-case letter, then lower-case letters, digits and - (in fields, _)"
    words = str(error["msg"])
    return words[:1].lower() + words[1:]


def _shared_ids(loaded: list[tuple[str, Agreed]]) -> list[Fault]:
    """Faults between files: a flow is of one agreement, and its versions follow one another."""
    faults: list[Fault] = []
    flows: dict[str, tuple[str, str]] = {}
    versions: dict[str, list[tuple[str, Agreed]]] = {}
    for name, agreed in loaded:
        agreement = agreed.agreement
        for flow in agreement.flows:
            other, where = flows.setdefault(flow.id, (agreement.id, name))
            if other != agreement.id:
                words = f"the agreement in {where} has a flow of the same id"
                faults.append(Fault(f"{name}: flows.{flow.id}", words))
        versions.setdefault(agreement.id, []).append((name, agreed))
    for found in versions.values():
        faults += _unordered(sorted(found, key=lambda item: (_start(item[1]), item[0])))
    return faults


def _unordered(versions: list[tuple[str, Agreed]]) -> Iterator[Fault]:
    for (earlier, old), (later, new) in pairwise(versions):
        if _start(old) == _start(new):
            words = f"the agreement in {earlier} has the same id, and takes effect on the same day"
            yield Fault(f"{later}: effective_from", words)
        if old.agreement.version == new.agreement.version:
            yield Fault(f"{later}: version", f"the agreement in {earlier} has the same version")
        kept = {flow.id for flow in new.agreement.flows}
        for flow in old.agreement.flows:
            if flow.id not in kept:  # its packages are still acknowledged, asked about and kept
                words = f"is missing: a later version keeps every flow of the one in {earlier}"
                yield Fault(f"{later}: flows.{flow.id}", words)
