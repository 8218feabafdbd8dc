"""Queries: who may ask, answer, read and close; what is sealed; what never shows anywhere."""

import json

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rehearsing import clean_row

from gateway.engine.status import status_of
from gateway.receipts import threads
from gateway.receipts.texts import LONGEST, TextRefused, taken
from gateway.receipts.threads import Correction, Place, QueryRefused
from gateway.store import threads as rows
from gateway.store.lifecycles import advance

AT = "2026-03-02T16:05"
LATER = "2026-03-03T10:00"
PACKAGE = "notifications-2026-03-02-01"
ASKED = b"The gender and the initials seem to belong to two children."
ANSWERED = b"The gender was wrong at source; it is corrected."
DFE, PANEL, OFSTED = "dfe-officer-1", "panel-officer-1", "ofsted-officer-1"


@pytest.fixture
def sent(work):
    """A home that has sent one package, which the DfE has opened and the panel has not."""
    work.rows(clean_row(1), clean_row(2))
    work.tick(AT)
    with work.parts(AT) as (parts, now), parts.database.transaction() as tx:
        key = {"id": f"{PACKAGE}:dfe"}
        advance(tx, "delivery", key, "placed", "collected", {"collected_at": now})
        advance(tx, "delivery", key, "collected", "opened", {"opened_at": now})
    return work


WHOLE = Place()


def ask(work, party="dfe", officer=DFE, text=ASKED, place=WHOLE, package=PACKAGE):
    with work.parts(AT) as (parts, now):
        return threads.ask(parts.queries(), package, party, officer, text, now, place).id


def test_a_query_is_asked_answered_asked_again_and_closed(sent):
    place = Place("SCN000001", "gender")
    query = ask(sent, place=place)
    with sent.parts(LATER) as (parts, now):
        queries = parts.queries()
        threads.answer(queries, query, OFSTED, b"It is as the authority gave it.", now)
        threads.ask_again(queries, query, "dfe-officer-2", b"Please look at the date too.", now)
        threads.answer(queries, query, OFSTED, ANSWERED, now, Correction(package=PACKAGE))
        for officer in (DFE, OFSTED):
            told = threads.read(queries, query, officer)
            assert told.place == Place("SCN000001", "Gender")
            assert [item.party for item in told.said] == ["dfe", "ofsted", "dfe", "ofsted"]
            assert told.said[0].text == ASKED.decode()
            assert told.said[3].correction == Correction(package=PACKAGE)
        threads.close(queries, query, DFE, now)
    events = [leaf["event"] for leaf in sent.leaves() if leaf["event"].startswith("query.")]
    assert events == [
        "query.opened",
        "query.answered",
        "query.opened",
        "query.answered",
        "query.closed",
    ]
    assert sent.query("SELECT state FROM threads") == [("closed",)]
    assert sent.query("SELECT state FROM deliveries ORDER BY id") == [("opened",), ("placed",)]


def test_nothing_that_is_said_shows_anywhere(sent, checkout):
    query = ask(sent, place=Place("SCN000001", "Gender"))
    with sent.parts(LATER) as (parts, now):
        threads.answer(parts.queries(), query, OFSTED, ANSWERED, now)
        told = status_of(parts, now)
    schema = json.loads((checkout / "schemas" / "status.schema.json").read_text())
    jsonschema.validate(told, schema)
    assert [(item["id"], item["package"], item["party"]) for item in told["queries"]] == [
        (query, PACKAGE, "dfe")
    ]
    everything = "\n".join([*sent.database(), json.dumps(told), json.dumps(sent.leaves())])
    for word in ("initials seem", "wrong at source", "SCN000001", "Gender"):
        assert word not in everything
    assert DFE not in json.dumps([told, sent.leaves()])


REFUSED = [
    ({"party": "panel", "officer": PANEL}, "query.not-opened"),
    ({"party": "ofsted", "officer": OFSTED}, "query.unknown-package"),
    ({"package": "notifications-2026-03-02-02"}, "query.unknown-package"),
    ({"officer": PANEL}, "query.wrong-officer"),
    ({"officer": "dfe-officer-3"}, "query.wrong-officer"),
    ({"place": Place("SCN000001", "Female")}, "query.unknown-heading"),
    ({"place": Place("SCN000001", "Child's full name")}, "query.unknown-heading"),
    ({"place": Place("SCN000009", "Gender")}, "query.unknown-reference"),
    ({"place": Place("Quentin Zzyzwick", None)}, "query.unknown-reference"),
]


def test_a_query_is_refused(sent):
    for change, code in REFUSED:
        with pytest.raises(QueryRefused) as refused:
            ask(sent, **change)
        assert refused.value.code == code, change
        for word in ("Female", "Zzyzwick", "SCN000009"):
            assert word not in str(refused.value) + refused.value.hint
    assert sent.query("SELECT count(*) FROM threads") == [(0,)]


def test_only_its_two_parties_may_take_part(sent):
    query = ask(sent)
    with sent.parts(LATER) as (parts, now):
        queries = parts.queries()
        attempts = [
            (lambda: threads.answer(queries, query, DFE, b"no", now), "query.wrong-officer"),
            (lambda: threads.close(queries, query, OFSTED, now), "query.wrong-officer"),
            (lambda: threads.read(queries, query, PANEL), "query.wrong-officer"),
            (lambda: threads.read(queries, query, "ofsted-officer-3"), "query.wrong-officer"),
            (lambda: threads.ask_again(queries, query, DFE, b"and?", now), "query.wrong-state"),
            (lambda: threads.close(queries, "20260302-0", DFE, now), "query.unknown"),
            (
                lambda: threads.answer(queries, query, OFSTED, b"x", now, Correction(drop="no")),
                "query.unknown-correction",
            ),
            (
                lambda: threads.answer(queries, query, OFSTED, b"x", now, Correction(package="n")),
                "query.unknown-correction",
            ),
        ]
        for attempt, code in attempts:
            with pytest.raises(QueryRefused) as refused:
                attempt()
            assert refused.value.code == code
        threads.close(queries, query, DFE, now)
        with pytest.raises(QueryRefused) as refused:
            threads.answer(queries, query, OFSTED, b"too late", now)
    assert refused.value.code == "query.wrong-state"
    assert sent.query("SELECT count(*) FROM thread_entries") == [(1,)]


def test_open_threads_age_from_when_they_were_last_asked(sent):
    first, second = ask(sent), ask(sent)
    with sent.parts(LATER) as (parts, now):
        threads.answer(parts.queries(), first, OFSTED, ANSWERED, now)
        threads.ask_again(parts.queries(), first, DFE, b"Not yet clear.", now)
        with parts.database.transaction() as tx:
            waiting = rows.open_threads(tx)
    assert [item.id for item in waiting] == [second, first]
    assert [item.asked_at > item.opened_at for item in waiting] == [False, True]


# --- texts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b" \n\t ", "text.empty"),
        (b"x" * (LONGEST + 1), "text.too-long"),
        (b"x" * 1_000_000, "text.too-long"),
        (b"caf\xe9", "text.unreadable"),
        (b"one\x00two", "text.unreadable"),
        (b"one\x1b[2Jtwo", "text.unreadable"),
        (b"The number is 943 476 5919.", "text.identifier"),
        (b"Their NINO is AB123456C", "text.identifier"),
        (b"They moved to SW1A 2AA", "text.identifier"),
        (b"Ring 020 7946 0958", "text.identifier"),
        (b"Write to someone@example.org", "text.identifier"),
    ],
    ids=[f"text {n}" for n in range(11)],
)
def test_texts_that_are_not_taken(content, code):
    with pytest.raises(TextRefused) as refused:
        taken(content)
    assert refused.value.code == code


def test_a_text_is_kept_as_it_was_meant():
    assert taken("\ufeff One\r\ntwo \u2013 three \n".encode()) == "One\ntwo \u2013 three"


@given(st.binary(max_size=200))
def test_any_bytes_are_taken_or_refused(content):
    try:
        text = taken(content)
    except TextRefused as refused:
        assert refused.code.startswith("text.")
    else:
        assert text == text.strip()
        assert 0 < len(text) <= LONGEST
