"""Where an entry stands after its steps. Pure.

It is a sum of the steps and of nothing else, so that a state written into the database by hand is
seen to be none.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from gateway.records.registers.rules import (
    ICO,
    REGISTERS,
    Register,
    RegisterRefused,
    State,
    StepRule,
)


@dataclass(frozen=True)
class Progress:
    """Where an entry stands. ``parties``: who signed the agreement when it was made.

    ``proposal``: which step's words are to be signed (0: the entry's own); ``signed``: by whom they
    are. ``actions``: how many are not done. ``ico``: whether the ICO's clock has been stopped.
    """

    register: str
    party: str
    parties: tuple[str, ...]
    state: State
    number: int = 0
    taken: frozenset[tuple[str, str]] = frozenset()
    proposal: int | None = None
    signed: frozenset[str] = field(default=frozenset())
    actions: int = 0

    @property
    def rules(self) -> Register:
        """The entry's register."""
        return REGISTERS[self.register]

    @property
    def ended(self) -> bool:
        """Whether nothing about it is owed any more."""
        return self.state in self.rules.ends

    @property
    def others(self) -> tuple[str, ...]:
        """The parties that do not answer for it."""
        return tuple(item for item in self.parties if item != self.party)

    @property
    def ico(self) -> bool:
        """Whether it is said what becomes of it at the ICO."""
        return any(self.has(step) for step in ICO)

    def has(self, step: str, party: str = "") -> bool:
        """Whether a step was taken: by that party, where one is given."""
        return any(name == step and party in ("", who) for name, who in self.taken)


def begun(register: str, party: str, parties: Sequence[str]) -> Progress:
    """An entry without any step. Raises RegisterRefused register.unknown."""
    if register not in REGISTERS:
        raise RegisterRefused(
            "register.unknown", "There is no such register.", f"Registers: {', '.join(REGISTERS)}."
        )
    rules = REGISTERS[register]
    first = 0 if rules.proposes else None
    return Progress(register, party, tuple(parties), rules.begins, proposal=first)


def after(progress: Progress, step: str, party: str) -> Progress:
    """Where the entry stands when that party has taken the step. Raises RegisterRefused."""
    rule = rule_of(progress, step)
    _require_in_time(progress, step, rule)
    _require_own(progress, rule, party)
    _require_new(progress, step, rule, party)
    _require_ready(progress, step, party)
    number = progress.number + 1
    taken = progress.taken | {(step, party)}
    moved = replace(progress, number=number, taken=taken)
    if step == "proposed":
        moved = replace(moved, proposal=number, signed=frozenset())
    elif step == "agreed":
        moved = replace(moved, signed=progress.signed | {party})
    elif step in ("action", "action-done"):
        moved = replace(moved, actions=progress.actions + (1 if step == "action" else -1))
    if rule.to is None or not _reached(moved, step):
        return moved
    return replace(moved, state=rule.to)


def rule_of(progress: Progress, step: str) -> StepRule:
    """The rule of a step of that entry's register. Raises RegisterRefused register.no-step."""
    rule = progress.rules.steps.get(step)
    if rule is None:
        known = [name for name, item in progress.rules.steps.items() if item.by_hand]
        raise RegisterRefused(
            "register.no-step",
            f"An entry of the register {progress.register} has no such step.",
            f"Its steps: {', '.join(known)}." if known else "It is whole as it was entered.",
        )
    return rule


def steps_left(progress: Progress, party: str) -> list[str]:
    """The steps that an officer of a party may take now: what a page or a command offers."""
    found = []
    for step, rule in progress.rules.steps.items():
        if rule.by_hand:
            try:
                after(progress, step, party)
            except RegisterRefused:
                continue
            found.append(step)
    return found


def _reached(progress: Progress, step: str) -> bool:
    """Whether a step that was just taken moves the entry to where the step leads."""
    if step == "acknowledged":
        told = all(progress.has(step, party) for party in progress.others)
        return told and progress.state == "open"
    if step == "agreed":
        return progress.signed >= set(progress.parties)
    return True


def _require_in_time(progress: Progress, step: str, rule: StepRule) -> None:
    if progress.ended and not rule.late:
        raise RegisterRefused(
            "register.ended",
            f"The entry is {progress.state}: nothing more is done about it.",
            "Make a new entry if there is more to say.",
        )
    if progress.state == "agreed" and step in ("proposed", "agreed"):
        raise RegisterRefused(
            "register.agreed",
            "Both parties have signed the words.",
            "Note what has changed since (`note`).",
        )
    if step == "lapsed" and progress.state == "lapsed":
        raise _repeated()


def _require_own(progress: Progress, rule: StepRule, party: str) -> None:
    if rule.who in ("own", "gateway"):
        fits = party == progress.party
    elif rule.who == "other":
        fits = party in progress.others
    else:
        fits = party in progress.parties
    if not fits:
        whose = f"{progress.party}'s" if rule.who == "own" else f"{' or '.join(progress.others)}'s"
        raise RegisterRefused(
            "register.not-yours",
            "That step is not that party's to take.",
            f"It is {whose}." if rule.who != "either" else "It is for who signs the agreement.",
        )


def _require_new(progress: Progress, step: str, rule: StepRule, party: str) -> None:
    if rule.once and progress.has(step, party):
        raise _repeated()
    if any(progress.has(item) for item in rule.apart_from):
        raise _repeated()
    if step == "agreed" and party in progress.signed:
        raise _repeated()


def _require_ready(progress: Progress, step: str, party: str) -> None:
    missing = [item for item in rule_of(progress, step).needs if not progress.has(item)]
    if step == "agreed" and progress.proposal is None:
        missing.append("proposed")
    if step == "closed" and progress.register == "incident":
        missing += [] if progress.ico else [" or ".join(ICO)]
        missing += [] if progress.state == "agreed" else ["agreed"]
        missing += ["action-done"] * bool(progress.actions)
    if step == "action-done" and not progress.actions:
        missing.append("action")
    if missing:
        raise RegisterRefused(
            "register.too-early",
            f"It is too early for that step of {party}.",
            f"First: {', '.join(missing)}.",
        )


def _repeated() -> RegisterRefused:
    return RegisterRefused(
        "register.repeated",
        "That step was taken already.",
        "`register show` tells the steps. Nothing was changed.",
    )
