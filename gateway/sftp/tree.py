"""The tree that a party sees. Paths of a client are names in it and never reach a file system.

``/outbox/<flow>/<file>`` of the flows it receives, ``/outbox/reports/<file>``,
``/inbox/<flow>/<name>`` of the flows it sends, ``/inbox/receipts/<name>``. Nothing else exists.
"""

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from gateway.agreement.load import Agreed

REPORTS, RECEIPTS = "reports", "receipts"
_LONGEST_NAME = 200
Side = Literal["", "outbox", "inbox"]


class NoSuchPath(Exception):
    """The party's tree has no such place."""


@dataclass(frozen=True)
class Place:
    """A place in the tree: a folder where ``name`` is empty, else a (possible) file in one.

    ``side`` and ``shelf`` are empty for the folders above; ``shelf`` is a flow, or a reserved id.
    """

    side: Side = ""
    shelf: str = ""
    name: str = ""

    @property
    def path(self) -> str:
        """The place as a client writes it."""
        return "/" + "/".join(part for part in (self.side, self.shelf, self.name) if part)


@dataclass(frozen=True)
class Tree:
    """A party's tree: the shelves of its outbox and of its inbox."""

    outbox: tuple[str, ...]
    inbox: tuple[str, ...]

    @classmethod
    def of(cls, party: str, agreed: Mapping[str, Agreed]) -> "Tree":
        """The tree of a party of those agreements, each by its flow."""
        flows = [item.agreement.flow(flow_id) for flow_id, item in agreed.items()]
        gets = [flow.id for flow in flows if party in {item.party for item in flow.recipients}]
        sends = [flow.id for flow in flows if flow.sender == party]
        return cls((*gets, REPORTS), (*sends, RECEIPTS))

    def place(self, path: bytes) -> Place:
        """The place that a client's path means. Raises NoSuchPath."""
        parts = _parts(path)
        if not parts:
            return Place()
        side = parts[0]
        if side == "outbox":
            found = _within("outbox", self.outbox, parts[1:])
        elif side == "inbox":
            found = _within("inbox", self.inbox, parts[1:])
        else:
            raise NoSuchPath
        return found

    def folders(self, place: Place) -> tuple[str, ...]:
        """The names of the folders in a folder."""
        if not place.side:
            return ("inbox", "outbox")
        if not place.shelf:
            return self.outbox if place.side == "outbox" else self.inbox
        return ()


def canonical(path: bytes) -> bytes:
    """A client's path without ``.`` and ``..``, from the root; it need not exist."""
    return b"/" + posixpath.normpath(b"/" + path).lstrip(b"/")


def _within(side: Side, shelves: tuple[str, ...], rest: list[str]) -> Place:
    if not rest:
        return Place(side)
    if rest[0] not in shelves or len(rest) > 2:
        raise NoSuchPath
    return Place(side, *rest)


def _parts(path: bytes) -> list[str]:
    try:
        text = canonical(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise NoSuchPath from error
    parts = [part for part in text.split("/") if part]
    if any(len(part) > _LONGEST_NAME or not part.isprintable() for part in parts):
        raise NoSuchPath
    return parts
