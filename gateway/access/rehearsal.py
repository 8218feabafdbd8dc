"""The people of a rehearsal: one of each role, trained, with a password and an app's secret.

What they sign in with lies in ``keys/rehearsal/people.json``, beside the parties' secret keys: in a
rehearsal nothing is secret.
"""

import json
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from gateway.access.grants import ALL_FLOWS
from gateway.access.officers import Officers
from gateway.access.passwords import hash_password
from gateway.access.people import OPERATOR, Newcomer, add_person
from gateway.access.secondfactor import new_app
from gateway.access.training import known_as, training_of
from gateway.agreement.windows import london_date
from gateway.crypto.sealing import Sealer
from gateway.records.leaf import Fact
from gateway.records.ledger import event, record
from gateway.records.registers import enter
from gateway.records.registers.wanted import LONGEST_TRAINING, training
from gateway.store import grants, people
from gateway.store.database import Transaction

_WORDS = """
amber anchor apple arrow basket beacon birch bridge candle canyon cedar cherry clover
comet copper coral cotton daisy eagle ember falcon feather fern flint forest garden ginger
granite harbour hazel heather island ivory jasmine juniper kettle lantern lemon lilac
linen maple marble meadow mirror mustard nettle oasis olive orchid otter pebble pepper
pigeon poppy quartz raven river rocket saddle salmon silver sparrow thistle tulip velvet
violet walnut willow winter zephyr
"""


@dataclass(frozen=True)
class Shown:
    """Somebody of a rehearsal, and what they sign in with. ``key``: for an authenticator app."""

    who: str
    email: str
    password: str
    key: str


@dataclass(frozen=True)
class _Part:
    who: str
    party: str
    roles: tuple[str, ...]
    officer: str | None = None


_PARTS = (
    _Part("sender", "ofsted", ("sender", "recipient"), "ofsted-officer-1"),
    _Part("recipient", "dfe", ("recipient", "sender"), "dfe-officer-1"),
    _Part("recipient", "panel", ("recipient",), "panel-officer-1"),
    _Part("approver-1", "ofsted", ("approver",), "ofsted-officer-2"),
    _Part("approver-2", "ofsted", ("approver",), "ofsted-officer-3"),
    _Part("approver-1", "dfe", ("approver",), "dfe-officer-2"),
    _Part("approver-2", "dfe", ("approver",), "dfe-officer-3"),
    _Part("administrator", "ofsted", ("administrator",)),
    _Part("administrator", "dfe", ("administrator",)),
    _Part("auditor", "dfe", ("auditor",)),
)


def people_file(home: Path) -> Path:
    """Where a rehearsal at ``home`` keeps what its people sign in with."""
    return home / "keys" / "rehearsal" / "people.json"


def make_people(
    tx: Transaction, home: Path, secret: bytes, parties: tuple[str, ...], now: datetime
) -> list[Shown]:
    """Make the people, once; what they sign in with. ``secret``: the site's own."""
    path = people_file(home)
    if people.listed(tx):
        return read_people(home)
    shown = [_made(tx, part, secret, now) for part in _PARTS if part.party in parties]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(item) for item in shown], indent=2) + "\n", "utf-8")
    path.chmod(0o600)
    return shown


def train_people(
    tx: Transaction,
    sealer: Sealer,
    officers: Officers,
    shown: Iterable[Shown],
    now: datetime,
    lasts: timedelta = LONGEST_TRAINING,
    agreement_hash: str = "",
) -> None:
    """Train those people whose training does not count today: another officer of theirs notes it.

    Where a party has no other officer who may, its person stays untrained, and is told so.
    """
    today = london_date(now)
    for item in shown:
        person = people.by_email(tx, item.email)
        if person is None or not person.active or training_of(tx, person, now).counts:
            continue
        who = known_as(person)
        noting = [it.id for it in officers.of(person.party, "approver") if it.id != who]
        if noting:
            wanted = training(who, today, today + lasts, "Made for the rehearsal.", now)
            enter(tx, sealer, officers, wanted, noting[0], now, agreement_hash)


def read_people(home: Path) -> list[Shown]:
    """What the people of a rehearsal sign in with; nothing where there are none."""
    path = people_file(home)
    if not path.exists():
        return []
    return [Shown(**item) for item in json.loads(path.read_text("utf-8"))]


def _made(tx: Transaction, part: _Part, secret: bytes, now: datetime) -> Shown:
    email = f"{part.who}@{part.party}.invalid"
    words = _WORDS.split()
    password = "-".join(secrets.choice(words) for _ in range(4))
    name = f"Rehearsal {part.who.replace('-', ' ')} of {part.party}"
    who = Newcomer(name, part.party, email, part.officer)
    person = add_person(tx, who, OPERATOR, now)
    sealed, key = new_app(secret)
    people.change(
        tx,
        person.id,
        password=hash_password(password),
        tf_totp_secret=sealed,
        tf_primary_method="authenticator",
        enrolled_at=now,
    )
    for role in part.roles:
        facts: dict[str, Fact] = {"party": part.party, "flow": ALL_FLOWS, "role": role}
        commits: dict[str, Fact] = {"person": person.id, "by": OPERATOR}
        grants.add(
            tx,
            id=f"g-{secrets.token_hex(8)}",
            person_id=person.id,
            party=part.party,
            flow=ALL_FLOWS,
            role=role,
            granted_by=OPERATOR,
            granted_at=now,
        )
        record(tx, event("grant.made", f"person:{part.party}", "", facts, commits), now)
    return Shown(f"{part.who} of {part.party}", email, password, key)
