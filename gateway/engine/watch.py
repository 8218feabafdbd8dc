"""A hint that something arrived: watchdog wakes the worker, which then looks for itself."""

from collections.abc import Callable
from pathlib import Path

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

_TELLING = ("created", "moved", "closed")


class _Wake(FileSystemEventHandler):
    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type in _TELLING and not event.is_directory:
            self._wake()


def watch(inbox: Path, wake: Callable[[], None]) -> BaseObserver:
    """Start to watch the inboxes; ``wake`` is called from another thread. End with ``stop()``."""
    observer = Observer()
    observer.schedule(_Wake(wake), str(inbox), recursive=True)
    observer.start()
    return observer
