"""What people do about signing in: put into the ledger and, where it is news, told to them."""

from gateway.access.notices import News, tell_person
from gateway.records.ledger import event, record
from gateway.store import people
from gateway.store.database import Transaction
from gateway.web.signin.keptsessions import browser_words
from gateway.web.site import Site


def tell(
    tx: Transaction,
    site: Site,
    person_id: str,
    name: str,
    facts: dict[str, str],
    news: News | None = None,
) -> None:
    """Record the event ``name`` of a person; ``news``: what they hear of it by e-mail."""
    person = people.get(tx, person_id)
    if person is None:
        return
    about = {"party": person.party, **facts}
    record(tx, event(name, f"person:{person.party}", "", about, {"person": person.id}), site.now())
    if news is not None:
        tell_person(tx, site.parts, person, news, site.now(), browser_words())


def tell_of_proof(tx: Transaction, site: Site, person_id: str, news: News) -> None:
    """The person changed what proves who they are."""
    tell(tx, site, person_id, "person.proof", {"what": news.name}, news)
