"""The invariants: what holds between two ticks, whatever happened before. `examine` checks all.

`doctor --deep` and the tests call the same code. Nothing is changed, and nothing found quotes a
cell's value. Recovery being idempotent takes two recoveries to see: `recovery` is for whoever
makes them.
"""

from collections.abc import Callable, Iterator, Mapping

from gateway.engine.invariants.agreeing import state_and_ledger
from gateway.engine.invariants.breach import WORDS, Breach
from gateway.engine.invariants.checkpoints import checkpoints_hold
from gateway.engine.invariants.fields import in_field_list
from gateway.engine.invariants.home import Looked, look
from gateway.engine.invariants.inputs import one_place
from gateway.engine.invariants.kept import vault_is_whole
from gateway.engine.invariants.outboxes import one_package, visible_is_good
from gateway.engine.invariants.plaintext import no_plaintext
from gateway.engine.parts import Parts

__all__ = ["WORDS", "Breach", "by_code", "examine"]

_CHECKS: tuple[Callable[[Looked], Iterator[Breach]], ...] = (
    one_place,
    vault_is_whole,
    one_package,
    visible_is_good,
    in_field_list,
    no_plaintext,
    state_and_ledger,
    checkpoints_hold,
)


def examine(parts: Parts) -> list[Breach]:
    """Everything in the home that does not hold. The caller holds its lock (`lock.only_worker`).

    Raises StoreFault, CryptoFault or OSError where the home cannot be looked at.
    """
    looked = look(parts)
    return [breach for check in _CHECKS for breach in check(looked)]


def by_code(found: list[Breach]) -> Mapping[str, list[Breach]]:
    """Every invariant that `examine` checks, with its breaches: none where it holds."""
    codes = [code for code in WORDS if code != "invariant.recovery"]
    return {code: [item for item in found if item.code == code] for code in codes}
