"""What a tick looks at last: room, deadlines, and who must be told. One fault stops no other."""

from collections.abc import Callable
from datetime import datetime

from gateway.engine.backupwatch import watch_backup
from gateway.engine.clock import read_clock, watch_clock
from gateway.engine.custody import watch_custody
from gateway.engine.digests import make_digests, mark_of
from gateway.engine.diskwatch import watch_disk
from gateway.engine.faults import Fault, as_fault
from gateway.engine.parts import Parts
from gateway.engine.post import send_due
from gateway.engine.registerwatch import watch_registers
from gateway.engine.signinwatch import watch_sign_in
from gateway.engine.tokenwatch import watch_tokens
from gateway.receipts.deadlines import watch_deadlines
from gateway.receipts.notices import queue_notices
from gateway.records.alarms import clear_about


def keep_watch(parts: Parts, now: datetime) -> list[Fault]:
    """Look at each in turn. It comes after all in the tick that could still meet a deadline.

    Returns the faults, each alarmed; a watch that works again ends the alarm of its fault.
    """
    watches: tuple[tuple[str, Callable[[], object]], ...] = (
        ("watch:clock", lambda: watch_clock(parts, now, read_clock())),
        ("watch:disk", lambda: watch_disk(parts, now)),
        ("watch:backup", lambda: watch_backup(parts, now)),
        ("watch:custody", lambda: watch_custody(parts, now)),
        ("watch:tokens", lambda: watch_tokens(parts, now)),
        ("watch:registers", lambda: watch_registers(parts, now)),
        ("watch:sign-in", lambda: watch_sign_in(parts, now)),
        ("watch:deadlines", lambda: watch_deadlines(parts.database, parts.agreed, now)),
        ("watch:digests", lambda: make_digests(parts, now)),
        ("watch:notices", lambda: tell_officers(parts, now)),
        ("watch:post", lambda: send_due(parts, now)),
    )
    faults = []
    for subject, watch in watches:
        try:
            watch()
        except Exception as error:  # the next tick looks again
            fault = as_fault(subject, error)
            fault.alarm(parts.database, now)
            faults.append(fault)
        else:
            with parts.database.transaction() as tx:
                clear_about(tx, subject, now)
    return faults


def tell_officers(parts: Parts, now: datetime) -> int:
    """Queue e-mails about open alarms; how many. Without a mail server there is nobody to tell.

    An alarm that is still open when a server is named is told then.
    """
    if not parts.settings.mail.host:
        return 0
    with parts.database.transaction() as tx:
        return queue_notices(tx, parts.agreed, parts.officers, now, mark_of(parts))
