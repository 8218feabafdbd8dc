"""Jobs of the queue, as far as our own transactions have to do with them.

On PostgreSQL they are procrastinate's rows. Whatever of ours changes them does so in a transaction
that may write, and so alone (`Database.transaction`); what procrastinate itself does, taking a job
and ending it, needs no more than its own functions see to.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from gateway.store.database import Transaction

QUEUE, TASK = "gateway", "look"

# FOR SHARE: who takes jobs passes over a row that we hold, so that the one that waits is taken
# after our commit and sees what we did. One that is just being taken waits no longer then.
_WAITING = sa.text(
    "SELECT id FROM procrastinate_jobs WHERE queueing_lock = :lock AND status = 'todo' FOR SHARE"
)
_PUT = sa.text(
    "SELECT procrastinate_defer_jobs_v1(ARRAY[CAST(ROW(:queue, :task, 0, CAST(:lock AS text),"
    " CAST(:lock AS text), jsonb_build_object('kind', CAST(:kind AS text), 'subject',"
    " CAST(:subject AS text)), NULL) AS procrastinate_job_to_defer_v1)])"
)
_IN_HAND = sa.text("SELECT 1 FROM procrastinate_jobs WHERE id = :id AND status = 'doing'")
_STALLED = sa.text(
    "DELETE FROM procrastinate_jobs WHERE queue_name = :queue AND status = 'doing'"
    " AND (worker_id IS NULL OR worker_id IN (SELECT id FROM procrastinate_workers"
    " WHERE last_heartbeat < now() - make_interval(secs => :seconds)))"
    " RETURNING args->>'kind' AS kind, args->>'subject' AS subject"
)
_TABLES = (
    "procrastinate_jobs, procrastinate_events, procrastinate_workers, procrastinate_periodic_defers"
)


def after_commit(tx: Transaction, call: Callable[[], None]) -> None:
    """Call when the transaction is committed; never, where it is rolled back."""
    sa.event.listen(tx, "commit", lambda _: call(), once=True)


@dataclass(frozen=True)
class Waiting:
    """What a job is about."""

    kind: str
    subject: str


def put(tx: Transaction, about: Waiting) -> None:
    """Have the job wait once the transaction is committed, unless the same waits already."""
    lock = f"{about.kind}:{about.subject}"
    if tx.execute(_WAITING, {"lock": lock}).first() is None:
        values = {"kind": about.kind, "subject": about.subject, "lock": lock}
        tx.execute(_PUT, {"queue": QUEUE, "task": TASK, **values})


def is_in_hand(tx: Transaction, job_id: int) -> bool:
    """Whether the job is still with the worker that took it; nobody takes it away meanwhile."""
    return tx.execute(_IN_HAND, {"id": job_id}).first() is not None


def put_again(tx: Transaction, stalled_seconds: float) -> int:
    """Put the jobs of workers not heard of for so long anew, as other jobs; how many."""
    found = tx.execute(_STALLED, {"queue": QUEUE, "seconds": stalled_seconds})
    stalled = [Waiting(row.kind, row.subject) for row in found]
    for about in stalled:
        put(tx, about)
    return len(stalled)


def make_tables(tx: Transaction, scripts: Iterable[str]) -> None:
    """Run procrastinate's own scripts, in order."""
    options: dict[str, Any] = {"no_parameters": True}  # they are full of per cent signs
    for script in scripts:
        tx.exec_driver_sql(script, execution_options=options)


def give_rights(tx: Transaction, service: str) -> None:
    """Let a role work with the queue; for the owner of the tables."""
    to = tx.dialect.identifier_preparer.quote_identifier(service)
    tx.exec_driver_sql(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {_TABLES} TO {to}")
    tx.exec_driver_sql(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {to}")
