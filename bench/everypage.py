"""Every page of the site that can be looked at, with an address that has something on it.

A page that the table of addresses does not fill is a fault, so that none is left out.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from openedsite import CHOOSING, HALF_WAY, NOBODY, VISITORS, NotAsExpected, OpenedSite, opened_site
from werkzeug.routing import BuildError

from gateway.access import people as acts
from gateway.access.people import OPERATOR, Newcomer
from gateway.access.rehearsal import read_people
from gateway.agreement.windows import LONDON
from gateway.engine.packs import packs_of
from gateway.settings import Home
from gateway.store import schema
from gateway.store.database import Transaction
from gateway.web.visitor import ANYONE, MACHINE, PAGES, ROLES, SIGNED_IN

CHECKOUT = Path(__file__).resolve().parent.parent
NOW = datetime(2026, 11, 27, 17, 30, tzinfo=LONDON)  # a Friday, after the windows of both flows
_WAITING = ("notifications-2025-03-13.csv", "notifications-2025-03-13-second-team.xlsx")
_PATIENCE_SECONDS = 300.0
# Pages that lead on to another: that is all that they do.
LEADING = {
    "collecting.days",
    "sending.start",
    "signin.set_up",
    "signin.two_factor_rescue",
    "watching.figures",
    "watching.last_report",
}
# As whom a page is looked at that is for anyone, or for whoever is signed in.
_BY: Mapping[str, str] = {
    "signin.login": NOBODY,
    "signin.invitation": NOBODY,
    "signin.wan_signin": HALF_WAY,
    "signin.tf_select": CHOOSING,
    "signin.two_factor_token_validation": HALF_WAY,
    "signin.mf_recovery": HALF_WAY,
    "signin.two_factor_rescue": HALF_WAY,
}
_ACTS: Mapping[str, str] = {"sender": "recall"}  # others: change-keys
Ids = dict[str, Any]


@dataclass(frozen=True)
class PageToSee:
    """A page, as whom to look at it, and where."""

    endpoint: str
    rule: str
    visitor: str
    path: str


def lived_home(root: Path) -> Path:
    """A rehearsal home with three weeks behind it, and something on every page."""
    _run("-m", "gateway", "--home", str(root), "init", "--rehearsal")
    _run("tools/sample_history.py", str(root), NOW.isoformat())
    furnish(root)
    return root


def furnish(root: Path) -> None:
    """Add to a home that was lived in what its pages show besides. Raises NotAsExpected."""
    with Home(root).settings_file.open("a", encoding="utf-8") as settings:
        settings.write('\n[web]\nsecurity_contact = "mailto:security@gateway.example"\n')
    inbox, settled = Home(root).inbox_of("ofsted", "notifications"), time.time() - 3600
    for name in _WAITING:
        shutil.copyfile(CHECKOUT / "samples" / name, inbox / name)
        os.utime(inbox / name, (settled, settled))
    before = (NOW - timedelta(minutes=5)).isoformat()
    _run("-m", "gateway", "--home", str(root), "tick", "--now", before)
    with opened_site(root, NOW - timedelta(minutes=4)) as site:  # no code counts twice
        site.post("recipient", "/registers/monitoring/new", {})
        day = {"day-day": "20", "day-month": "11", "day-year": "2026"}
        held = {**day, "held_by": "Both", "words": "It is kept to."}
        site.post("approver", "/registers/review/new", held)
        period = {"first-day": "16", "first-month": "11", "first-year": "2026"}
        period |= {"last-day": "20", "last-month": "11", "last-year": "2026"}
        site.post("auditor", "/ledger/evidence", period)
        asked = {"reason": "A new year begins."}
        site.post("approver", "/approvals/new/change-keys", asked)
        with site.parts.database.transaction() as tx:
            _give_key(tx, root)
        until = time.monotonic() + _PATIENCE_SECONDS
        while [pack.state for pack in packs_of(Home(root), "dfe")] != ["made"]:
            if time.monotonic() > until:
                raise NotAsExpected("no evidence pack was made")
            time.sleep(0.1)


def _give_key(tx: Transaction, root: Path) -> None:
    """A security key, which nobody has, for whoever is to choose between that and the app."""
    known = {item.who: item.email for item in read_people(root)}
    email = known[VISITORS[CHOOSING]]
    tx.execute(
        sa.insert(schema.schema_people.webauthn_credentials).values(
            person_id=_first(tx, schema.schema_people.people, "id", email=email),
            name="A key",
            credential_id=b"\0" * 32,
            public_key=b"\0" * 77,
            sign_count=0,
            backup_state=False,
            device_type="single_device",
            lastuse_datetime=NOW,
            usage="secondary",
        )
    )


def pages_of(site: OpenedSite) -> Iterator[PageToSee]:
    """Every page, once for each role that may see it. Raises NotAsExpected for one left out."""
    site.post("sender", "/account/app", {"setup": "authenticator"})  # its picture is a page
    with site.parts.database.transaction() as tx:
        ids = _ids(tx, site)
    adapter = site.app.url_map.bind("localhost")
    for rule in site.app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()):
            continue
        for visitor in _visitors(site, rule.endpoint):
            given = {
                name: ids.get(f"{rule.endpoint} {name}", ids.get(name)) for name in rule.arguments
            }
            given |= {"party": "dfe"} if visitor == "recipient" and "party" in given else {}
            if "act" in given:
                given["act"] = _ACTS.get(visitor, "change-keys")
            try:
                path = adapter.build(rule.endpoint, given)
            except BuildError as error:
                raise NotAsExpected(f"{rule.rule}: the table gives no {error.adapter}") from error
            if None in given.values():
                raise NotAsExpected(f"{rule.rule}: {given}: fill it in `everypage`")
            yield PageToSee(rule.endpoint, rule.rule, visitor, path)


def look(site: OpenedSite, page: PageToSee) -> None:
    """Get the page to its last byte. Raises NotAsExpected."""
    answer = site.clients[page.visitor].get(page.path)
    answer.get_data()
    leads = page.endpoint in LEADING
    if answer.status_code != 200 and not (leads and answer.status_code in (302, 303)):
        where = f"{page.path} as {page.visitor}"
        raise NotAsExpected(f"{where} gave {answer.status_code} {answer.location or ''}")
    answer.close()


def _visitors(site: OpenedSite, endpoint: str) -> list[str]:
    roles = getattr(site.app.view_functions[endpoint], PAGES).roles
    if endpoint == "home.start":
        return [*sorted(ROLES), NOBODY]
    if roles is MACHINE:
        return [NOBODY]
    if roles is ANYONE or roles is SIGNED_IN:
        return [_BY.get(endpoint, "sender")]
    return sorted(roles)


def _ids(tx: Transaction, site: OpenedSite) -> Ids:
    """What stands in addresses: an id for a name, or for a page and a name."""
    invited = acts.add_person(
        tx, Newcomer("Sam Sample", "ofsted", "new@example.invalid", None), OPERATOR, site.now
    )
    lived = _first(tx, schema.deliveries, "package_id", party="dfe", state="accepted")
    opened = _first(tx, schema.deliveries, "package_id", party="dfe", state="opened")
    held = _first(tx, schema.drops, "id", "number", package_id=None, state="partly-held")
    thread = _first(tx, schema.threads, "id", party="dfe", order="opened_at")
    week = f"{site.now:%G-W%V}"
    static = site.app.extensions["assets"].version
    return {
        "party": "ofsted",
        "flow": "notifications",
        "flow_id": "notifications",
        "package": lived,
        "collecting.accept package": opened,
        "collecting.query package": opened,
        "collecting.password package": opened,
        "sending.query package": _first(tx, schema.threads, "package_id", id=thread),
        "drop": held,
        "thread": thread,
        "query": thread,
        "after": 10**9,
        "sha256": "a" * 64,
        "request_id": _first(tx, schema.requests, "id", act="change-keys"),
        "seq": 5,
        "pack_id": packs_of(site.parts.home, "dfe")[0].id,
        "ledger.fetch pack_id": packs_of(site.parts.home, "dfe")[0].id,
        "register": "monitoring",
        "entry_id": _first(tx, schema.register_entries, "id", register="review"),
        "person_id": _first(tx, schema.schema_people.people, "id", party="dfe"),
        "token": acts.invite(tx, invited.id, OPERATOR, site.now),
        "version": static,
        "name": "site.css",
        "year": site.now.year,
        "week": week,
    }


def _first(
    tx: Transaction, table: sa.Table, column: str, order: str = "", **where: Any
) -> str | None:
    """A column of the last row that is so; None where there is none."""
    asked = sa.select(table.c[column]).where(
        *(
            table.c[name].is_(None) if value is None else table.c[name] == value
            for name, value in where.items()
        )
    )
    asked = asked.order_by(table.c[order or column].desc()).limit(1)
    found: str | None = tx.execute(asked).scalar()
    return found


def _run(*words: str) -> None:
    ran = subprocess.run(
        [sys.executable, *words], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    if ran.returncode != 0:
        raise NotAsExpected(f"{' '.join(words)} failed:\n{ran.stdout}{ran.stderr}")
