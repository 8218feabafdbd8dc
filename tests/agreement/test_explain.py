"""The agreement in plain English: every clause, its control and how things stand."""

import re
from typing import Any

import pytest

from gateway.agreement.explain import explain
from gateway.agreement.load import Agreed
from gateway.agreement.prose import counted, listed


@pytest.fixture(scope="module")
def text(memorandum: Agreed) -> str:
    return explain(memorandum)


def flat(text: str) -> str:
    return " ".join(text.split())


def test_it_fits_an_80_column_terminal(text: str) -> None:
    assert max(len(line) for line in text.splitlines()) < 80
    assert not text.endswith("\n")


def test_each_clause_is_followed_by_its_words_and_its_control(
    text: str, memorandum: Agreed
) -> None:
    standing = {"yes": "Enforced", "not-yet": "Not enforced yet", "outside": "An act of people"}
    whole = flat(text)
    at = 0
    for clause in memorandum.agreement.clauses:
        block = flat(
            f"{clause.number} {clause.title} {clause.words} "
            f"{standing[clause.enforced]}: {clause.control}"
        )
        found = whole.find(block, at)
        assert found >= at, clause.number
        at = found + len(block)


def test_what_is_not_built_is_not_called_enforced(memorandum: Agreed) -> None:
    for clause in memorandum.agreement.clauses:
        if clause.enforced == "not-yet":
            assert "not built" in clause.control, clause.number


def test_it_tells_of_flows_columns_windows_and_protection(text: str, memorandum: Agreed) -> None:
    whole = flat(text)
    assert "at 16:00 each working day" in whole
    assert "at 12:00 each Friday, or on the working day before when Friday is none" in whole
    assert "signed and encrypted by OpenPGP" in whole
    for flow in memorandum.agreement.flows:
        for number, field in enumerate(flow.fields, start=1):
            assert f"{number}. {field.heading}" in whole
        for rule in flow.rules:
            assert rule.words in whole
    assert memorandum.hash in whole
    assert "A hold is in force: nothing is destroyed." in whole
    assert "At the latest 12 months after signing." in whole


def test_the_counts_of_clauses_add_up(text: str) -> None:
    found = re.search(
        r"Of (\d+) clauses, (\d+) are enforced by the gateway, (\d+) are not enforced yet, "
        r"and (\d+) are acts",
        flat(text),
    )
    assert found
    total, *shares = map(int, found.groups())
    assert total == sum(shares) == 28


def test_another_agreement_is_explained_as_well(small_home: Any) -> None:
    small_home.edit("hold = false", "hold = true")
    small_home.edit('alone = ["None"]', 'alone = ["None"]\nrequired = true')
    small_home.edit('sender = "school"', 'sender = "school"\nattestable = ["screen.name"]')
    whole = flat(explain(small_home.load()))
    assert "Wednesday 02 January 2030 is no working day: Closed." in whole
    assert "Monday 06 May 2030 is a working day: Open." in whole
    assert "at 09:30 each Friday" in whole
    assert "Excel's own password encryption" in whole
    assert "made, where blank, from Pupil name" in whole
    assert "made, where blank, from Born and Day of absence" in whole
    assert "None alone" in whole
    assert "where its code is screen.name." in whole
    assert "changes its state only" in whole


def test_an_agreement_without_deadlines_rules_or_changes(small_home: Any) -> None:
    text = small_home.file.read_text()
    rules = text.index("[flows.returns.rules.order]")
    text = text[:rules].replace(
        '[deadlines.collected]\nwords = "Collect"\nworking_hours = 1\nclause = "1"\n', ""
    )
    start, end = text.index("[calendar]"), text.index("[retention]")
    small_home.file.write_text(text[:start] + text[end:])
    whole = flat(explain(small_home.load()))
    assert "The parties have agreed no other days." in whole
    assert "No hold is in force." in whole
    assert "Rules across" not in whole


def test_words_for_lists_and_counts() -> None:
    assert listed([]) == ""
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"], "or") == "a, b or c"
    assert counted(1, "day") == "1 day"
    assert counted(2, "day") == "2 days"
    assert counted(0, "entry", "entries") == "0 entries"


def test_it_tells_which_rows_answer(text: str) -> None:
    assert (
        "A row answers what notifications sent where SCR status is "
        "Not required, Commissioned, Published or Not published or SCR decision date is filled."
    ) in flat(text)
    assert flat(text).count("A row answers") == 1
