"""What wakes a worker: jobs, each a hint to look at a flow or at the home, and never more.

The rows of the database say what is due. A job that runs twice, or late, therefore changes nothing,
and one that is lost costs no more than the time until the next. Two queues keep this: `embedded`,
in the memory of the one worker, and `distributed`, in PostgreSQL, for as many as there are.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from gateway.store.database import Database, Transaction


@dataclass(frozen=True)
class Job:
    """A hint to look. ``subject``: the id of the flow, of a look at one."""

    kind: Literal["flow", "home", "all"]
    subject: str = ""


ALL = Job("all")  # the one worker of an embedded home looks at everything at once (`tick`)
HOME = Job("home")


def flow_job(flow_id: str) -> Job:
    """A hint to look at a flow."""
    return Job("flow", flow_id)


class LeaseLost(Exception):
    """This worker stood still for so long that its job was given to another: it may do no more."""

    code = "queue.lease-lost"
    hint = "Nothing is to be done: another worker goes on with the job."


Look = Callable[[Job, Database], None]  # with the database that the job's work is to be done in


class Queue(Protocol):
    """Where hints wait. Any thread may call any method."""

    def put(self, tx: Transaction, job: Job) -> None:
        """Ask for a look once ``tx`` is committed, and not at all where it is rolled back.

        While a hint of the same job waits, another is nothing new.
        """

    def hint(self, job: Job) -> None:
        """Ask for a look now."""

    def work(self, look: Look) -> None:
        """Take jobs, one at a time, until told to `stop`; the job in hand is finished first.

        No flow, and not the home, is looked at by two workers at once. ``look`` raises nothing
        but LeaseLost.
        """

    def stop(self) -> None:
        """Let `work` come to its end. May be called by the handler of a signal."""

    def rescue(self) -> int:
        """Ask again for the jobs of workers that have died or stand still; how many."""

    def close(self) -> None:
        """Let go of what the queue holds."""
