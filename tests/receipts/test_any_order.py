"""Any receipts, in any order, again and again: none is counted twice, none skips another."""

import shutil
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from receipting import Keyring, Recipients, at_work, copied

from gateway.receipts import Offered, ReceiptRefused
from gateway.receipts.receipt import KINDS, ReceiptKind

BEFORE: dict[str, tuple[str, ...]] = {
    "collected": (),
    "opened": ("collected",),
    "queried": ("collected", "opened"),
    "accepted": ("collected", "opened"),
}


class AnyOrder(RuleBasedStateMachine):
    """Offers new, replayed and ill-signed receipts of dfe; says what must hold after each."""

    recipients: Recipients
    pool: dict[ReceiptKind, list[Offered]]

    def __init__(self) -> None:
        super().__init__()
        self.recorded: list[str] = []
        self.used: list[Offered] = []
        self.next = Counter[str]()
        reset(self.recipients)

    @rule(kind=st.sampled_from(KINDS))
    def offer(self, kind: ReceiptKind) -> None:
        """A receipt not offered before, rightly signed."""
        ready = self.pool[kind]
        offered = ready[self.next[kind] % len(ready)]
        self.next[kind] += 1
        self.used.append(offered)
        self._offer(kind, offered)

    @precondition(lambda self: self.used)
    @rule(data=st.data())
    def replay(self, data: Any) -> None:
        """One that was offered before, whether it was recorded then or refused."""
        offered = data.draw(st.sampled_from(self.used))
        kind = next(kind for kind, ready in self.pool.items() if offered in ready)
        self._offer(kind, offered)

    @rule(kind=st.sampled_from(KINDS))
    def ill_signed(self, kind: ReceiptKind) -> None:
        """One whose signature is over other bytes."""
        one, two = self.pool[kind][:2]
        swapped = Offered(one.body, two.signature, "api", "dfe")
        with pytest.raises(ReceiptRefused):
            self.recipients.offer(swapped)
        self._holds()

    def _offer(self, kind: ReceiptKind, offered: Offered) -> None:
        before = self.recipients.delivery().state
        try:
            recorded = self.recipients.offer(offered)
        except ReceiptRefused:
            assert self.recipients.delivery().state == before
        else:
            assert set(BEFORE[kind]) <= set(self.recorded)
            assert recorded.moved == (recorded.state != before)
            self.recorded.append(kind)
        self._holds()

    def _holds(self) -> None:
        """The rows are those recorded, once each; the state follows from them."""
        kept = self.recipients.kept()
        assert Counter(row.kind for row in kept) == Counter(self.recorded)
        assert len({row.sha256 for row in kept}) == len(kept)
        state = self.recipients.delivery().state
        furthest = ("accepted", "queried", "opened", "collected")
        found = next((kind for kind in furthest if kind in self.recorded), "placed")
        assert state == found
        assert self.recorded.count("accepted") <= 1


CLEAN = "clean.db"


def reset(recipients: Recipients) -> None:
    """The home's database as it was when the package had just been placed."""
    recipients.parts.database.close()
    home = recipients.home
    for end in ("-wal", "-shm"):
        Path(f"{home.database}{end}").unlink(missing_ok=True)
    shutil.copyfile(home.var / CLEAN, home.database)


def test_any_receipts_in_any_order(
    placed_home: tuple[Path, str], keyring: Keyring, tmp_path: Path
) -> None:
    """No sequence reaches accepted without collected and opened before it."""
    root = copied(placed_home[0], tmp_path / "home")
    with ExitStack() as stack:
        recipients = stack.enter_context(at_work(root, keyring, placed_home[1]))
        recipients.parts.database.close()
        shutil.copyfile(recipients.home.database, recipients.home.var / CLEAN)
        AnyOrder.recipients = recipients
        AnyOrder.pool = {
            kind: [recipients.offered(recipients.receipt(kind)) for _ in range(3)] for kind in KINDS
        }
        run_state_machine_as_test(
            AnyOrder,
            settings=settings(
                max_examples=20,
                stateful_step_count=16,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
