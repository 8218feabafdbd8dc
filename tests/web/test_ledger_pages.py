"""The ledger on the site: what is found, an event's proof, the checkpoint, evidence packs."""

import base64
import json
import re
import threading
import zipfile
from io import BytesIO

import pytest
from at_the_offices import PACKAGE, Offices

from gateway.crypto.notes import open_note, read_keys
from gateway.engine import packs
from gateway.records import merkle
from gateway.records.leaf import leaf_hash
from gateway.store import ledger
from gateway.store.ledger import Wanted

AUDITOR = "auditor@dfe"


def test_who_may_look(offices: Offices) -> None:
    for who, status in (
        (AUDITOR, 200),
        ("administrator@ofsted", 200),
        ("approver-1@ofsted", 200),
        ("sender@ofsted", 404),
        ("recipient@panel", 404),
    ):
        offices.enter(who)
        for path in ("/ledger", "/ledger/1", "/ledger/checkpoint", "/ledger/keys"):
            assert offices.get(path).status_code == status, (who, path)


def test_events_are_found_by_name_subject_and_day(offices: Offices) -> None:
    offices.enter(AUDITOR)
    page = offices.get("/ledger").text
    assert "The latest events" in page
    with offices.parts.database.transaction() as tx:
        last = ledger.last_seq(tx)
    assert page.index(f'/ledger/{last}"') < page.index(f'/ledger/{last - 1}"'), "the newest first"
    assert '/ledger/1"' not in page
    while older := re.search(r'href="(/ledger[^"]*)">Older events', page):
        page = offices.get(older[1]).text
    assert '/ledger/1"' in page
    placed = offices.get(f"/ledger?event=package.sealed&subject=package:{PACKAGE}").text
    assert "A package of notifications was signed and sealed" in placed
    assert placed.count('<th scope="row"') == 1
    today = "&day-day=3&day-month=3&day-year=2031"
    assert "package.sealed" in offices.get(f"/ledger?event=package.sealed{today}").text
    before = "&day-day=2&day-month=3&day-year=2031"
    assert "Nothing was found." in offices.get(f"/ledger?event=package.sealed{before}").text
    for wrong in ("event=odd", "day-day=31&day-month=2&day-year=2031", f"subject={'x' * 300}"):
        assert offices.get(f"/ledger?{wrong}").status_code == 422
    assert offices.get("/ledger?before=-1").status_code == 200
    assert offices.get(f"/ledger?before={10**30}").status_code == 200


def test_pages_lead_through_all_of_it(offices: Offices) -> None:
    with offices.parts.database.transaction() as tx:
        size = ledger.last_seq(tx)
        seen, before = [], None
        while rows := ledger.found(tx, Wanted(), before, 7):
            seen += [row.seq for row in rows]
            before = rows[-1].seq
        counts = ledger.counted(tx, 0)
    assert seen == list(range(size, 0, -1))
    assert sum(count for count, _ in counts.values()) == size
    assert max(last for _, last in counts.values()) == size


def test_an_event_s_proof_can_be_verified(offices: Offices) -> None:
    offices.enter(AUDITOR)
    page = offices.get("/ledger/5").text
    assert "Its proof" in page and "gateway/" in page
    told = json.loads(offices.get("/ledger/5/proof").data)
    text, _ = open_note(told["checkpoint"], read_keys(offices.work.home.log_keys))
    _, size, root = text.splitlines()[:3]
    leaf = base64.b64decode(told["leaf"])
    path = [base64.b64decode(step) for step in told["path"]]
    known = leaf_hash(leaf), told["index"], int(size), path
    assert merkle.verify_inclusion(*known, base64.b64decode(root))
    assert offices.get("/ledger/checkpoint").text == told["checkpoint"]
    for seq in (0, 10**6, 10**30):
        assert offices.get(f"/ledger/{seq}").status_code == 404
        assert offices.get(f"/ledger/{seq}/proof").status_code == 404


def test_a_pack_is_made_by_the_worker_and_fetched(offices: Offices) -> None:
    offices.enter(AUDITOR)
    days = {"first-day": "3", "first-month": "3", "first-year": "2031"}
    days |= {name.replace("first", "last"): value for name, value in days.items()}
    assert offices.post("/ledger/evidence", days).status_code == 303
    for thread in threading.enumerate():
        if thread.name == packs.THREAD:
            thread.join(120)
    (pack,) = packs.packs_of(offices.work.home, "dfe")
    assert pack.state == "made", pack.fault
    page = offices.get("/ledger/evidence").text
    assert pack.sha256 in page
    told = offices.get(f"/ledger/evidence/{pack.id}")
    assert told.headers["Content-Disposition"].startswith("attachment")
    names = zipfile.ZipFile(BytesIO(told.data)).namelist()
    assert any(PACKAGE in name for name in names)
    told.close()
    offices.enter("administrator@ofsted")
    assert pack.id not in offices.get("/ledger/evidence").text
    assert offices.get(f"/ledger/evidence/{pack.id}").status_code == 404, "another party's"
    offices.enter("approver-1@dfe")
    assert offices.get("/ledger/evidence").status_code == 404


@pytest.mark.parametrize("last", ["2", "9"])
def test_days_that_make_no_pack(offices: Offices, last: str) -> None:
    offices.enter(AUDITOR)
    first = {"first-day": "3", "first-month": "3", "first-year": "2031"}
    wrong = {"last-day": last, "last-month": "3", "last-year": "2031"}
    assert "none that is still to come" in offices.post("/ledger/evidence", first | wrong).text
    assert offices.post("/ledger/evidence", first).status_code == 422
    assert packs.packs_of(offices.work.home, "dfe") == []
