"""A hint that something arrived: watchdog tells where, and whoever is told looks for itself."""

from collections.abc import Callable
from os import fsdecode
from pathlib import Path

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

_TELLING = ("created", "moved", "closed")


class _Tell(FileSystemEventHandler):
    def __init__(self, tell: Callable[[Path], None]) -> None:
        self._tell = tell

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type in _TELLING and not event.is_directory:
            self._tell(Path(fsdecode(event.dest_path or event.src_path)))


def watch(inbox: Path, tell: Callable[[Path], None]) -> BaseObserver:
    """Start to watch the inboxes; ``tell`` is called from another thread. End with ``stop()``."""
    observer = Observer()
    observer.schedule(_Tell(tell), str(inbox), recursive=True)
    observer.start()
    return observer
