"""The queue of a home that several workers share; what it needs is loaded only where it is used."""

from contextlib import closing
from importlib import import_module
from typing import cast

from gateway.engine.parts import Parts
from gateway.engine.queue import Queue
from gateway.settings import Home, Settings
from gateway.store.address import address
from gateway.store.database import Database

_DISTRIBUTED = "gateway.engine.queue.distributed"


def open_shared(parts: Parts) -> Queue:
    """The queue, for one process of a home whose settings say that it is distributed."""
    opened = import_module(_DISTRIBUTED).DistributedQueue
    return cast(Queue, opened(parts.database, parts.settings.queue.stalled_seconds))


def make_shared(home: Home) -> None:
    """Make its tables, or bring them up to date, where the settings want it. Raises StoreFault."""
    settings = Settings.load(home.settings_file)
    if settings.queue.engine == "embedded":
        return
    service = address(settings.database, home.keys).username if settings.database.owner else ""
    with closing(Database.of(home, settings, as_owner=True)) as database:
        import_module(_DISTRIBUTED).make_queue(database, service)
