"""Deadlines one by one: what is owed, when it is late, and what alone ends its alarm."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.agreement.load import load_agreements
from gateway.bootstrap import by_flow
from gateway.receipts.deadlines import watch_deadlines
from gateway.receipts.owing import outstanding
from gateway.store import alarms

LONDON = ZoneInfo("Europe/London")
PACKAGE = "notifications-2026-03-02-01"
Look = Callable[[str], list[tuple[str, str]]]


def at(text: str) -> datetime:
    """A London time of March 2026, such as ``03 12:05``."""
    return datetime.fromisoformat(f"2026-03-{text}").replace(tzinfo=LONDON)


@pytest.fixture
def look(recipients: Any) -> Look:
    """``look("03 12:05")``: the deliveries' and queries' alarms that are open after a look then."""

    def looked(text: str) -> list[tuple[str, str]]:
        database = recipients.parts.database
        watch_deadlines(database, recipients.parts.agreed, at(text))
        with database.transaction() as tx:
            found = alarms.open_alarms(tx)
        return [
            (item.code, item.subject.rpartition(":")[2])
            for item in found
            if item.code.startswith(("delivery.", "query."))
        ]

    return looked


def test_late_is_the_very_moment(look: Look) -> None:
    """Placed on Monday at 16:05, so to be collected within four working hours: Tuesday at 12:05."""
    assert look("03 12:04") == []
    assert look("03 12:05") == [
        ("delivery.not-collected", "dfe"),
        ("delivery.not-collected", "panel"),
    ]


def test_a_receipt_ends_it_and_the_next_step_is_owed(look: Look, recipients: Any) -> None:
    look("03 12:05")
    recipients.give("collected")  # recorded on Monday at 16:15
    assert look("03 12:06") == [("delivery.not-collected", "panel")]
    assert ("delivery.not-opened", "dfe") in look("03 12:15")
    recipients.give("opened")
    assert ("delivery.not-accepted", "dfe") not in look("03 16:14")
    assert ("delivery.not-accepted", "dfe") in look("03 16:15")
    recipients.give("accepted")
    assert [party for _, party in look("30 09:00")] == ["panel"]


def test_neither_a_clock_that_goes_back_nor_another_agreement_ends_it(
    look: Look, recipients: Any
) -> None:
    look("03 12:05")
    assert len(look("02 17:00")) == 2
    file = recipients.home.config / "agreements" / "ofsted-dfe.toml"
    text = file.read_text(encoding="utf-8")
    before, after = text.split("[deadlines.collected]")
    later = after.replace("working_hours = 4", "working_hours = 400", 1)
    file.write_text(f"{before}[deadlines.collected]{later}", encoding="utf-8")
    agreed = by_flow(load_agreements(recipients.home.config))
    watch_deadlines(recipients.parts.database, agreed, at("03 12:10"))
    with recipients.parts.database.transaction() as tx:
        assert len(alarms.open_alarms(tx, "delivery.not-collected")) == 2


def test_a_query_by_receipt_alone_is_owed_an_answer(look: Look, recipients: Any) -> None:
    """Queried on Monday: two working days end on Wednesday at 17:00."""
    recipients.give("collected", "opened", "queried")
    assert ("query.unanswered", "dfe") not in look("04 16:59")
    assert ("query.unanswered", "dfe") in look("04 17:00")
    recipients.give("accepted")
    assert ("query.unanswered", "dfe") not in look("04 17:01")


def test_an_agreement_without_deadlines_owes_nothing(recipients: Any) -> None:
    bare = {
        flow: type(item)(item.agreement.model_copy(update={"deadlines": ()}), item.lists, item.hash)
        for flow, item in recipients.parts.agreed.items()
    }
    with recipients.parts.database.transaction() as tx:
        assert outstanding(tx, recipients.parts.agreed, at("30 09:00")) != []
        assert outstanding(tx, bare, at("30 09:00")) == []
    assert watch_deadlines(recipients.parts.database, bare, at("30 09:00")) == []


def test_the_most_urgent_is_told_first_and_words_name_no_file(recipients: Any) -> None:
    with recipients.parts.database.transaction() as tx:
        found = outstanding(tx, recipients.parts.agreed, at("03 09:00"))
    assert [item.due_at for item in found] == sorted(item.due_at for item in found)
    assert [(item.what, item.party) for item in found] == [
        ("collected", "dfe"),
        ("collected", "panel"),
        ("drop", "ofsted"),
        ("update", "dfe"),
    ]
    assert found[0].words == (
        f"dfe has not collected {PACKAGE}, placed 02 March 2026, 16:05. "
        "Collect it from the outbox, by SFTP or by the API."
    )
