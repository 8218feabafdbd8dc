"""Until when somebody's training counts: grants are worth nothing without it.

The register of training knows people by their officer's id, or by their own where they are none.
"""

from collections.abc import Callable
from datetime import date

from gateway.records import registers
from gateway.store.database import Transaction

Training = Callable[[Transaction, str], date | None]


# Each door takes another as a parameter.
trained_until: Training = registers.trained_until
