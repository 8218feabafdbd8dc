"""What each register is: its steps, and who may take them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from gateway.refusal import Refusal

Who = Literal["own", "other", "either", "gateway"]
State = Literal["open", "informed", "agreed", "closed", "lapsed"]
GATEWAY = "gateway"  # whose step it is, where time alone has brought it


class RegisterRefused(Refusal):
    """An entry or a step of a register is refused. Codes: register.*"""


@dataclass(frozen=True)
class StepRule:
    """One step. ``own``: of the party that answers for the entry; ``other``: of any but that one.

    ``once``: for each party. ``by_hand``: False for what another act brings with it. ``late``: it
    may come after the entry has ended. ``needs``: steps that come before it, by whomever.
    """

    who: Who
    title: str
    words: bool = True
    once: bool = False
    signed: bool = False
    by_hand: bool = True
    late: bool = False
    needs: tuple[str, ...] = ()
    apart_from: tuple[str, ...] = ()  # steps of which only one is ever taken
    to: State | None = None


@dataclass(frozen=True)
class Register:
    """A register that the memorandum asks for. ``ends``: the states in which nothing is owed."""

    id: str
    title: str
    clause: str
    steps: Mapping[str, StepRule]
    begins: State = "open"
    ends: frozenset[str] = frozenset({"closed"})
    proposes: bool = False  # the entry's own words are what both parties are to sign first


_NOTE = StepRule("either", "a note")
_MISTAKEN = StepRule("own", "entered by mistake", to="closed")
_KNOWN = StepRule("other", "the other party knows of it", words=False, once=True, to="informed")
_PROPOSED = StepRule("either", "words that both parties are to sign")
_AGREED = StepRule("either", "signed by a party", words=False, signed=True, to="agreed")
_CLOSED = StepRule("own", "closed with its outcome", to="closed")
_REQUEST: Mapping[str, StepRule] = {
    "informed": StepRule("own", "the other party was told", words=False, once=True),
    "acknowledged": replace(_KNOWN, needs=("informed",), late=True),
    "note": _NOTE,
    "closed": replace(_CLOSED, needs=("informed",)),
    "mistaken": _MISTAKEN,
}
# One of which stops the 72 hours.
ICO = ("ico-reported", "ico-not-reportable")
_INCIDENT: Mapping[str, StepRule] = {
    "acknowledged": _KNOWN,
    "ico-reported": StepRule("own", "reported to the ICO", apart_from=ICO),
    "ico-not-reportable": StepRule("own", "not reportable to the ICO", apart_from=ICO),
    "proposed": _PROPOSED,
    "agreed": _AGREED,
    "action": StepRule("either", "something to be done"),
    "action-done": StepRule("either", "something is done"),
    "note": _NOTE,
    "closed": replace(_CLOSED, needs=("acknowledged",)),
}
REQUESTS = ("foi", "press", "correspondence")
_TITLES = {
    "foi": "Freedom of information requests",
    "press": "Press requests",
    "correspondence": "Correspondence",
}
REGISTERS: Mapping[str, Register] = {
    item.id: item
    for item in (
        *(Register(name, _TITLES[name], "15", _REQUEST) for name in REQUESTS),
        Register("incident", "Loss or wrongful disclosure", "14", _INCIDENT),
        Register(
            "review",
            "Reviews of the agreement",
            "3",
            {"proposed": _PROPOSED, "agreed": _AGREED, "note": _NOTE, "mistaken": _MISTAKEN},
            ends=frozenset({"closed", "agreed"}),
            proposes=True,
        ),
        Register(
            "training",
            "Training in handling what is shared",
            "11(c)",
            {
                "completed": StepRule("own", "trained", words=False, once=True, by_hand=False),
                "left": StepRule("own", "needs it no more", to="closed"),
                "renewed": StepRule("own", "trained anew", words=False, by_hand=False, to="closed"),
                "lapsed": StepRule("gateway", "lapsed", words=False, by_hand=False, to="lapsed"),
                "mistaken": _MISTAKEN,
            },
        ),
        Register(
            "meeting",
            "Meetings of the bodies",
            "10(b)",
            {
                "acknowledged": _KNOWN,
                "note": _NOTE,
                "followed": StepRule(
                    "either", "followed by the next", words=False, by_hand=False, to="closed"
                ),
                "mistaken": _MISTAKEN,
            },
        ),
        Register("monitoring", "Looks at the online account", "13(a)", {}, begins="closed"),
        Register(
            "feedback",
            "Feedback",
            "10(c)",
            {"acknowledged": _KNOWN, "note": _NOTE, "mistaken": _MISTAKEN},
            ends=frozenset({"closed", "informed"}),
        ),
    )
}
