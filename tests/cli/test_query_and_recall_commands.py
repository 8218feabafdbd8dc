"""From a recipient's query to the package that corrects it, by the commands and real signatures."""

import json
import re

import jsonschema
import pytest
from rehearsing import clean_row

from gateway.store.lifecycles import advance

AT = "2026-03-02T16:05"
LATER = "2026-03-02T17:00"
OLD, NEW = "notifications-2026-03-02-01", "notifications-2026-03-02-02"
NOW = ("--now", LATER)


@pytest.fixture
def said(tmp_path):
    """``said("text")``: a file with that text."""

    def made(text):
        path = tmp_path / "said.txt"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return made


@pytest.fixture
def sent(work):
    """A home whose one package the DfE has opened."""
    work.rows(clean_row(1), clean_row(2))
    work.tick(AT)
    with work.parts(AT) as (parts, now), parts.database.transaction() as tx:
        key = {"id": f"{OLD}:dfe"}
        advance(tx, "delivery", key, "placed", "collected", {"collected_at": now})
        advance(tx, "delivery", key, "collected", "opened", {"opened_at": now})
    return work


def done(answer):
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def number(text):
    return re.search(r"(?:Query|Request) ([0-9a-f-]+):", text)[1]


def test_a_query_is_answered_by_a_corrected_package(sent, call, said, checkout):
    home = sent.home.root
    asker = ("--party", "dfe", "--officer", "dfe-officer-1")
    row = ("--reference", "SCN000002", "--heading", "Gender")
    text = ("--text-file", said("It contradicts what the authority told us."))
    query = number(done(call(home, "query", "open", OLD, *asker, *row, *text, *NOW)))
    assert query in done(call(home, "query", "list"))

    sent.rows(clean_row(2, gender="Male"))
    [fixed] = sent.tick(LATER).arrivals.processed
    asks = ("--officer", "ofsted-officer-1", "--reason-file", said("The gender was wrong."))
    told = done(call(home, "supersede", OLD, "--drop", fixed.drop_id, *asks, *NOW))
    request = number(told)
    for officer in ("ofsted-officer-2", "ofsted-officer-3"):
        done(call(home, "approve", request, "--officer", officer, *NOW))
    assert "Done: the supersede" in done(call(home, "tick", *NOW))

    answer = ("--officer", "ofsted-officer-1", "--drop", fixed.drop_id, "--package", NEW)
    text = ("--text-file", said("Corrected at source."))
    done(call(home, "query", "answer", query, *answer, *text, *NOW))
    shown = done(call(home, "query", "show", query, "--officer", "dfe-officer-1"))
    for word in ("SCN000002", "Gender", "contradicts", "Corrected at source", fixed.drop_id, NEW):
        assert word in shown
    text = ("--text-file", said("And the date?"))
    done(call(home, "query", "again", query, "--officer", "dfe-officer-1", *text, *NOW))
    done(call(home, "query", "close", query, "--officer", "dfe-officer-2", *NOW))

    told = json.loads(done(call(home, "status", "--json", *NOW)))
    schema = json.loads((checkout / "schemas" / "status.schema.json").read_text())
    jsonschema.validate(told, schema)
    assert {item["id"]: item["state"] for item in told["packages"]} == {
        OLD: "superseded",
        NEW: "placed",
    }
    assert [item["state"] for item in told["queries"]] == ["closed"]
    assert json.loads(done(call(home, "query", "list", "--json"))) == told["queries"]


def test_a_recall_that_is_not_approved_does_nothing(sent, call, said):
    home = sent.home.root
    reason = ("--reason-file", said("It went out by mistake."))
    request = number(
        done(call(home, "recall", OLD, "--officer", "ofsted-officer-1", *reason, *NOW))
    )
    own = call(home, "approve", request, "--officer", "ofsted-officer-1", *NOW)
    assert (own.returncode, "approval." in own.stderr) == (1, True)
    done(call(home, "tick", *NOW))
    assert sent.query("SELECT state FROM packages") == [("placed",)]
    for officer in ("ofsted-officer-2", "ofsted-officer-3"):
        done(call(home, "approve", request, "--officer", officer, *NOW))
    assert f"Done: the recall of package:{OLD}" in done(call(home, "tick", *NOW))
    assert "recall.statement-owed" in sent.alarms()


def test_refusals_are_plain(sent, call, said):
    home = sent.home.root
    reason = ("--reason-file", said("Ring 020 7946 0958."))
    words = [
        (("recall", OLD, "--officer", "ofsted-officer-1", *reason), "text.identifier"),
        (("recall", "x", "--officer", "ofsted-officer-1", *reason), "act.unknown-package"),
        (("query", "show", "x", "--officer", "dfe-officer-1"), "query.unknown"),
        (("query", "close", "x", "--officer", "nobody"), "query.unknown"),
    ]
    for command, code in words:
        refused = call(home, *command)
        assert refused.returncode == 1
        assert f"[{code}]" in refused.stderr
        assert "020 7946" not in refused.stderr
        assert "What to do:" in refused.stderr
    assert call(home, "recall", OLD, "--officer", "x").returncode == 2
