"""A token that soon ends is alarmed at 14 and at 3 days, until it is followed, revoked or ended."""

from datetime import UTC, datetime, timedelta

import pytest
from rehearsing import AtWork

from gateway.access.tokens import make_token, revoke_token
from gateway.engine.tokenwatch import watch_tokens

MADE = datetime(2026, 3, 2, 9, tzinfo=UTC)


def made(work: AtWork, *scopes: str, days: int = 90, after: int = 0, party: str = "dfe") -> str:
    """A token made so many days later; its public half."""
    with work.parts("2026-03-02T09:00") as (parts, _), parts.database.transaction() as tx:
        at = MADE + timedelta(days=after)
        text = make_token(tx, party, "notifications", scopes or ("collect",), days, at)
    return text.partition(".")[0]


def alarmed(work: AtWork, days: float) -> list[str]:
    """The subjects of alarms that stand so many days after."""
    with work.parts("2026-03-02T09:00") as (parts, _):
        for _ in range(2):
            watch_tokens(parts, MADE + timedelta(days=days))
    return sorted(subject for code, subject in work.open_alarms() if code == "token.ending")


def test_each_level_is_told_once_and_ends_with_the_token(work: AtWork) -> None:
    token = made(work)
    assert alarmed(work, 75.9) == []
    assert alarmed(work, 76) == alarmed(work, 86.9) == [f"token:dfe:{token}:14"]
    assert alarmed(work, 87) == [f"token:dfe:{token}:3"]
    assert alarmed(work, 90) == []
    raised = [leaf["subject"] for leaf in work.leaves("alarm.raised")]
    assert raised == [f"token:dfe:{token}:14", f"token:dfe:{token}:3"]
    [(words,)] = work.query("SELECT words FROM alarms WHERE subject LIKE '%:14'")
    assert "ends on 31 May 2026" in words
    assert "`token make`" in words


@pytest.mark.parametrize(
    ("scopes", "party", "follows"),
    [
        (("collect", "receipt", "status"), "dfe", True),
        (("collect",), "dfe", False),
        (("collect", "receipt"), "panel", False),
    ],
)
def test_it_ends_when_another_token_can_do_as_much(
    work: AtWork, scopes: tuple[str, ...], party: str, follows: bool
) -> None:
    token = made(work, "collect", "receipt")
    assert alarmed(work, 80) == [f"token:dfe:{token}:14"]
    made(work, *scopes, after=80, party=party)
    assert (alarmed(work, 80) == []) is follows


def test_it_ends_when_the_token_is_revoked(work: AtWork) -> None:
    token = made(work)
    assert len(alarmed(work, 80)) == 1
    with work.parts("2026-03-02T09:00") as (parts, _), parts.database.transaction() as tx:
        revoke_token(tx, token, MADE)
    assert alarmed(work, 80) == []


def test_a_token_made_for_few_days_is_told_of_only_before_its_end(work: AtWork) -> None:
    token = made(work, days=10)
    assert alarmed(work, 0) == alarmed(work, 6.9) == []
    assert alarmed(work, 7) == [f"token:dfe:{token}:3"]
    made(work, days=1, party="panel")
    assert alarmed(work, 0.5) == []


def test_a_tick_looks(work: AtWork) -> None:
    with work.parts("2026-03-02T09:00") as (parts, _), parts.database.transaction() as tx:
        make_token(tx, "dfe", "notifications", ("collect",), 90, MADE - timedelta(days=80))
    work.tick("2026-03-02T09:00")
    assert "token.ending" in work.alarms()
