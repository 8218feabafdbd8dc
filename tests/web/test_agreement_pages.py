"""The agreement on the site: every clause with its figure, who has signed, and what stops it."""

import json

from at_the_offices import Offices

from gateway.engine.assurance import assurance_of
from gateway.records.alarms import raise_alarm


def test_every_clause_is_there_with_the_figure_of_the_command_line(offices: Offices) -> None:
    offices.enter("recipient@dfe")
    page = offices.get("/agreement").text
    told = json.loads(offices.get("/agreement/assurance.json").data)
    wanted = assurance_of(offices.parts, offices.now).as_json()
    assert told["clauses"] == wanted["clauses"]
    assert told["hash"] == wanted["hash"]
    for item in wanted["clauses"]:
        assert f"{item['number']}. {item['title']}".replace("'", "&#39;") in page
    html = offices.get("/agreement/assurance.html")
    assert html.headers["Content-Disposition"].startswith("attachment")
    assert "is signed and in force" in page
    assert page.count(" has signed, ") == 2
    more = offices.get("/agreement/assurance.json").data
    assert json.loads(more)["clauses"] == told["clauses"], "counted on, and not anew"


def test_what_stops_it_is_said_first(offices: Offices) -> None:
    agreed = next(iter(offices.parts.agreed.values()))
    with offices.parts.database.transaction() as tx:
        about = f"agreement:{agreed.agreement.id}"
        raise_alarm(tx, "agreement.withdrawn", about, "dfe withdrew from it.", offices.now)
    offices.enter("auditor@dfe")
    page = offices.get("/agreement").text
    assert "dfe withdrew from it." in page
    assert "in force." not in page.partition("Who has signed")[0]


def test_a_flow_s_columns_and_rules(offices: Offices) -> None:
    offices.enter("recipient@panel")
    page = offices.get("/agreement/flows/notifications").text
    for words in ("Only these 33 columns travel", "Reference number (required)", "at 16:00 each"):
        assert words in page
    assert offices.get("/agreement/flows/odd").status_code == 404


def test_nobody_without_a_grant_sees_it(offices: Offices) -> None:
    offices.at.sign_in()
    for path in ("/agreement", "/agreement/flows/notifications", "/agreement/assurance.json"):
        assert offices.get(path).status_code == 404
