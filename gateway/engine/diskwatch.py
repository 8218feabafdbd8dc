"""The disk: an alarm before it is full, while there is still room to finish what has begun."""

import shutil
from datetime import datetime

from gateway.engine.parts import Parts
from gateway.records.alarms import clear_alarm, raise_alarm

_MEGABYTE = 1024 * 1024


def watch_disk(parts: Parts, now: datetime) -> None:
    """Alarm a disk of the home with less free space than the settings ask for; end it after."""
    for name, folder in (("var", parts.home.var), ("outbox", parts.home.outbox)):
        free = shutil.disk_usage(folder).free
        least = parts.settings.minimum_free_bytes
        with parts.database.transaction() as tx:
            if free >= least:
                clear_alarm(tx, "disk.low", f"disk:{name}", now)
                continue
            words = (
                f"The disk of {name}/ has less than {least // _MEGABYTE} MB left. Free some space, "
                "or enlarge it, before drops and packages wait for it."
            )
            raise_alarm(tx, "disk.low", f"disk:{name}", words, now)
