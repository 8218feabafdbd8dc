"""The site's navigation: what stands at the head of every page, for those who may go there."""

from dataclasses import dataclass

from flask import current_app, request, url_for

from gateway.web.visitor import PAGES, Page, Visitor, Word


@dataclass(frozen=True)
class Entry:
    """A place in the navigation. It shows to those who may see its view, once that is there."""

    words: str
    endpoint: str


ENTRIES = (
    Entry("Home", "home.start"),
    Entry("Send", "sending.start"),
    Entry("Collect", "collecting.start"),
    Entry("Health", "watching.start"),
    Entry("Approvals", "approving.start"),
    Entry("Agreement", "agreement.start"),
    Entry("Registers", "registers.start"),
    Entry("Ledger", "ledger.start"),
    Entry("People", "people.start"),
    Entry("Your account", "signin.account"),
)


def shown(visitor: Visitor | None) -> list[dict[str, object]]:
    """The entries for a visitor, as GOV.UK's service navigation takes them."""
    if visitor is None:
        return []
    part = (request.endpoint or "").partition(".")[0]
    return [
        {
            "text": entry.words,
            "href": url_for(entry.endpoint),
            "active": entry.endpoint.partition(".")[0] == part,
        }
        for entry in ENTRIES
        if _may_go(visitor, entry)
    ]


def _may_go(visitor: Visitor, entry: Entry) -> bool:
    view = current_app.view_functions.get(entry.endpoint)
    if view is None:
        return False
    page: Page = getattr(view, PAGES)
    return isinstance(page.roles, Word) or visitor.may(page.roles)
