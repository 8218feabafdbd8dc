"""One package as its recipient sees it: what it is, what is in it, what was said of it."""

from dataclasses import dataclass
from datetime import datetime

from flask import abort, g

from gateway.crypto.faults import CryptoFault
from gateway.dispatch.manifest import OuterManifest, outer_from_bytes
from gateway.receipts.serving import SERVABLE, manifest_file
from gateway.serving.content import Ours
from gateway.store import packages, people, receipts, threads
from gateway.store.database import StoreFault, Transaction
from gateway.store.packages import WITHDRAWN, DeliveryRow, PackageRow
from gateway.store.threads import ThreadRow
from gateway.web.collecting import words
from gateway.web.site import Site
from gateway.web.visitor import Visitors, visitor


@dataclass(frozen=True)
class Step:
    """Something that was said or done about the package."""

    words: str
    at: datetime


@dataclass(frozen=True)
class Shown:
    """A package with all that its page tells. ``manifest``: None where it cannot be read."""

    ours: Ours
    party: str
    flow: str
    title: str
    sender: str
    manifest: OuterManifest | None
    steps: tuple[Step, ...]
    queries: tuple[ThreadRow, ...]

    @property
    def package(self) -> PackageRow:
        """Its row."""
        return self.ours.package

    @property
    def delivery(self) -> DeliveryRow:
        """The delivery to this party."""
        return self.ours.delivery

    @property
    def href(self) -> str:
        """Where its pages are."""
        return f"/{self.party}/{self.flow}/packages/{self.package.id}"

    @property
    def standing(self) -> bool:
        """Whether it may be fetched still."""
        return self.delivery.state in SERVABLE and self.package.state != "superseded"

    @property
    def collected(self) -> bool:
        """Whether its bytes were had."""
        return self.delivery.state not in ("placed", *WITHDRAWN)

    @property
    def owes_statement(self) -> bool:
        """Whether it was recalled after it was had, and nobody has said that it is kept apart."""
        return self.delivery.state == "recalled" and self.delivery.collected_at is not None

    @property
    def day(self) -> str:
        """Its day in words."""
        return words.long_day(self.package.day)

    @property
    def state(self) -> str:
        """How it stands, in words."""
        if self.package.state == "superseded":
            return f"Replaced by {self.package.superseded_by}"
        return words.STATES[self.delivery.state]

    @property
    def tag(self) -> str:
        """The tag's class."""
        standing = self.package.state != "superseded"
        return words.TAGS.get(self.delivery.state, "") if standing else "govuk-tag--grey"


def require(site: Site, party: str, flow: str, package_id: str) -> Ours:
    """A package that was placed for the party in the flow, recalled since or not.

    Any other is as unknown as one that never was, and that it was asked for is in the ledger.
    """
    with site.parts.database.snapshot() as tx:
        package = packages.get(tx, package_id)
        delivery = packages.delivery(tx, package_id, party)
    if package is None or delivery is None or package.flow != flow or delivery.placed_at is None:
        visitors: Visitors = g.visitors
        visitors.refused(visitor(), party, flow)
        abort(404)
    return Ours(package, delivery)


def shown(site: Site, party: str, flow_id: str, package_id: str) -> Shown:
    """All that the package's page tells."""
    ours = require(site, party, flow_id, package_id)
    flow = site.parts.flow(flow_id)
    with site.parts.database.snapshot() as tx:
        steps = _steps(tx, ours)
        queries = tuple(threads.of_package(tx, package_id, party))
    sender = site.parties().get(flow.sender, flow.sender)
    manifest = _manifest(site, ours)
    return Shown(ours, party, flow_id, flow.title, sender, manifest, tuple(steps), queries)


def _steps(tx: Transaction, ours: Ours) -> list[Step]:
    given = receipts.of_delivery(tx, ours.delivery.id)
    known = {item: people.get(tx, item) for item in {row.person for row in given if row.person}}
    names = {item: person.name for item, person in known.items() if person is not None}
    steps = [Step(words.step(row, names), row.recorded_at) for row in given]
    placed = ours.delivery.placed_at
    return [Step("Placed for you", placed), *steps] if placed else steps


def _manifest(site: Site, ours: Ours) -> OuterManifest | None:
    """What the package says of itself; the page is of use without it."""
    try:
        return outer_from_bytes(manifest_file(site.parts.vault, ours.delivery).read_bytes())
    except (StoreFault, CryptoFault, OSError, ValueError):
        return None
