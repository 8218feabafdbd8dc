"""Whether another agreement is in force than a while ago: a file was edited, or its day has come.

Every process reads the agreements when it starts. So `run` starts them anew when this says so.
"""

from collections.abc import Callable
from datetime import date
from pathlib import Path

from gateway.agreement.load import AgreementFaults, in_force, load_agreements

_Stamp = tuple[date, tuple[tuple[str, int, int], ...]]


class AgreementFiles:
    """The agreements of a config folder, as they are in force on the day that ``today`` gives."""

    def __init__(self, config: Path, today: Callable[[], date]) -> None:
        self._config, self._today = config, today
        self._stamp = self._stamped()
        self._in_force = self._read()

    def changed(self) -> bool:
        """Whether other agreements are in force than when this was last asked, or made.

        Files that cannot be read as agreements change nothing: what runs goes by those it read.
        """
        stamp = self._stamped()
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        found = self._read()
        if found is None or found == self._in_force:
            return False
        self._in_force = found
        return True

    def _read(self) -> frozenset[str] | None:
        try:
            versions = load_agreements(self._config)
        except AgreementFaults:
            return None
        return frozenset(agreed.hash for agreed in in_force(versions, self._today()))

    def _stamped(self) -> _Stamp:
        files = []
        for pattern in ("agreements/*.toml", "codes/*.csv"):
            for path in sorted(self._config.glob(pattern)):
                try:
                    told = path.stat()
                except FileNotFoundError:  # replaced at this very moment: the next look sees it
                    continue
                files.append((path.name, told.st_mtime_ns, told.st_size))
        return self._today(), tuple(files)
