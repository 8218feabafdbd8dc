"""Figures for Prometheus, counted from the rows when they are asked for. No value, no person."""

import shutil
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from gateway.engine.backupwatch import last_backup
from gateway.engine.clock import LATEST
from gateway.engine.door import DoorClosed
from gateway.engine.keywatch import key_ends
from gateway.store import checkpoints, counts, ledger, meta
from gateway.store.database import Transaction
from gateway.web.site import Site

_DAY = timedelta(days=1)
_STATED = (
    ("drops", "flow", "Drops, by flow and state"),
    ("windows", "flow", "Windows, by flow and state"),
    ("packages", "flow", "Packages, by flow and state"),
    ("deliveries", "party", "Deliveries, by recipient and state; `placed` waits for collection"),
    ("requests", "act", "Requests of officers, by act and state"),
    ("mails", "kind", "E-mails to officers, by kind and state"),
)


def figures(site: Site) -> bytes:
    """All figures, in Prometheus's own text format. Raises StoreFault."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Counted(site))
    return generate_latest(registry)


class _Counted(Collector):
    """What is counted at each look; nothing is kept between two."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def describe(self) -> Iterable[Metric]:
        """Nothing is known beforehand: counting at registration would count twice."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Count."""
        site, now = self._site, self._site.now()
        with site.parts.database.snapshot() as tx:
            yield from _of_states(tx)
            yield _gauge("open_alarms", "Open alarms", "code", counts.open_alarms(tx))
            waits = {party: _seconds(now, at) for party, at in counts.oldest_waiting(tx).items()}
            words = "How long the oldest delivery waits that its recipient has not collected"
            yield _gauge("oldest_waiting_delivery_seconds", words, "party", waits)
            yield from _of_the_home(tx, now)
        yield from _of_the_computer(site)


def _of_states(tx: Transaction) -> Iterator[Metric]:
    for what, kind, words in _STATED:
        family = GaugeMetricFamily(f"gateway_{what}", words, labels=(kind, "state"))
        for labels, count in counts.by_state(tx, what).items():
            family.add_metric(labels, count)
        yield family


def _of_the_home(tx: Transaction, now: datetime) -> Iterator[Metric]:
    yield _one("ledger_leaves", "Leaves of the ledger", ledger.last_seq(tx))
    tick, checkpoint = meta.get(tx, LATEST), checkpoints.latest(tx)
    if tick is not None:
        ticked = datetime.fromisoformat(tick)
        yield _one("last_tick_age_seconds", "Time since the worker looked", _seconds(now, ticked))
    if checkpoint is not None:
        age = _seconds(now, checkpoint.made_at)
        yield _one("last_checkpoint_age_seconds", "Time since the ledger was signed", age)
    backup = last_backup(tx)
    if backup is not None:
        age = _seconds(now, backup.made_at)
        yield _one("last_backup_age_seconds", "Time since the last backup", age)
    family = GaugeMetricFamily(
        "gateway_key_days_left", "Days until a pinned key ends", labels=("party", "role")
    )
    for labels, ends in key_ends(tx).items():
        family.add_metric(labels, (ends - now) // _DAY)
    yield family


def _of_the_computer(site: Site) -> Iterator[Metric]:
    home = site.parts.home
    folders = {"var": home.var, "outbox": home.outbox, "inbox": home.inbox}
    free = {name: shutil.disk_usage(folder).free for name, folder in folders.items()}
    yield _gauge("disk_free_bytes", "Free bytes of the disk of a folder", "folder", free)
    yield _one("worker_answers", "1 when the worker answers at its door", worker_answers(site))


def worker_answers(site: Site) -> bool:
    """Whether a worker is there. It is asked for nothing, and says so."""
    try:
        site.ask({})
    except DoorClosed:
        return False
    return True


def _gauge(name: str, words: str, label: str, counted: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(f"gateway_{name}", words, labels=(label,))
    for value, count in counted.items():
        family.add_metric((value,), count)
    return family


def _one(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(f"gateway_{name}", words, value=float(value))


def _seconds(now: datetime, since: datetime) -> float:
    return max((now - since).total_seconds(), 0.0)
