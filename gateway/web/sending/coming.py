"""What goes at a flow's next window, as far as it is known now."""

from dataclasses import dataclass
from datetime import datetime

from gateway.agreement.windows import WindowMoment, next_moment
from gateway.store import drops
from gateway.store.database import Transaction
from gateway.store.drops import DropRow
from gateway.web.sending.ours import Ours


@dataclass(frozen=True)
class Coming:
    """The next window, and the drops that wait for it."""

    window: WindowMoment
    waiting: tuple[DropRow, ...]

    @property
    def rows(self) -> int:
        """Accepted rows that wait. Those that stand in two drops are counted in both."""
        return sum(drop.accepted or 0 for drop in self.waiting)

    @property
    def held(self) -> int:
        """Rows of these drops that are held back."""
        return sum(drop.held or 0 for drop in self.waiting)

    @property
    def is_nil(self) -> bool:
        """Whether what waits declares that there is nothing to send."""
        return bool(self.waiting) and not self.rows and not self.held


def coming(tx: Transaction, sent: Ours, now: datetime) -> Coming:
    """What goes at the window that comes next."""
    window = next_moment(sent.flow.window, sent.agreed.working_days, now)
    return Coming(window, tuple(drops.waiting(tx, sent.flow.id)))
