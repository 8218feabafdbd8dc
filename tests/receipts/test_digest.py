"""The digest of one day: who is shown what, what is on time, and what the command prints."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest
from rehearsing import AtWork

from gateway.cli import main
from gateway.engine.watches import keep_watch
from gateway.store.lifecycles import advance

PACKAGE = "notifications-2026-03-02-01"
MONDAY, TUESDAY = "2026-03-02", "2026-03-03"


@pytest.fixture
def sent(recipients: Any) -> SimpleNamespace:
    """A package that went out on Monday at 16:05; the DfE accepts it, the panel does nothing."""
    recipients.give("collected", "opened", "accepted")
    return SimpleNamespace(root=recipients.home.root, parts=recipients.parts)


def command(capsys: Any, monkeypatch: Any, root: Path, *words: str) -> SimpleNamespace:
    """A command in this process."""
    with monkeypatch.context() as patch:
        patch.setattr(sys, "argv", ["gateway", "--home", str(root), *words])
        with pytest.raises(SystemExit) as ended:
            main()
    said = capsys.readouterr()
    return SimpleNamespace(code=ended.value.code, out=said.out, err=said.err)


@pytest.fixture
def told(sent: SimpleNamespace, capsys: Any, monkeypatch: Any, checkout: Path) -> Any:
    """``told("dfe", MONDAY, now)``: that digest as JSON, held against its schema."""
    schema = json.loads((checkout / "schemas" / "digest.schema.json").read_text())

    def ask(party: str, day: str, now: str) -> dict[str, Any]:
        words = ("digest", "--day", day, "--party", party, "--now", now, "--json")
        done = command(capsys, monkeypatch, sent.root, *words)
        assert done.code == 0, done.err
        found = json.loads(done.out)
        jsonschema.validate(found, schema, format_checker=jsonschema.FormatChecker())
        (digest,) = found["digests"]
        return digest

    return ask


def line(digest: dict[str, Any], recipient: str) -> list[int]:
    """Sent, collected, opened, accepted and queried of the daily flow to one recipient."""
    (found,) = [
        item
        for item in digest["flows"]
        if (item["flow"], item["recipient"]) == ("notifications", recipient)
    ]
    return [found[name] for name in ("sent", "collected", "opened", "accepted", "queried")]


def owed(digest: dict[str, Any]) -> list[tuple[str, str, bool]]:
    return [(item["owed"], item["party"], item["late"]) for item in digest["outstanding"]]


def test_each_side_is_shown_what_concerns_it(told: Any) -> None:
    sender, dfe, panel = (
        told(who, MONDAY, f"{MONDAY}T17:00") for who in ("ofsted", "dfe", "panel")
    )
    assert line(sender, "dfe") == line(dfe, "dfe") == [1, 1, 1, 1, 0]
    assert line(sender, "panel") == line(panel, "panel") == [1, 0, 0, 0, 0]
    assert [item["recipient"] for item in dfe["flows"]] == ["dfe", "ofsted"]
    assert ("collected", "panel", False) in owed(sender)
    assert ("collected", "panel", False) in owed(panel)
    assert ("collected", "panel", False) not in owed(dfe)
    assert (sender["drops"], panel["drops"]) == ({"sent": 1}, {})
    assert dfe["on_time"] == {"steps": 3, "of": 3}
    assert panel["on_time"] == {"steps": 0, "of": 0}
    assert sender["windows"] == {"due": 1, "missed": 0}


def test_what_is_late_is_not_on_time(told: Any) -> None:
    later = f"{TUESDAY}T17:00"
    panel = told("panel", TUESDAY, later)
    assert ("collected", "panel", True) in owed(panel)
    assert panel["on_time"] == {"steps": 0, "of": 1}
    assert line(told("dfe", TUESDAY, later), "dfe") == [0, 0, 0, 0, 0]
    assert line(told("dfe", MONDAY, later), "dfe") == [1, 1, 1, 1, 0]  # a day past stays as it was


def test_as_text_for_every_party(sent: Any, capsys: Any, monkeypatch: Any) -> None:
    done = command(capsys, monkeypatch, sent.root, "digest", "--now", f"{MONDAY}T17:00")
    assert done.code == 0
    assert done.out.count("REHEARSAL: The gateway's digest for") == 3
    assert "sent 1, collected 1, opened 1, accepted 1, queried 0" in done.out
    assert f"{PACKAGE}: collected, by panel; due Tue 03 March 2026, 12:05" in done.out
    assert "On time: 3 of 3 steps (100 %)" in done.out


@pytest.mark.parametrize(
    ("words", "said"),
    [(("--party", "nobody"), "no party nobody"), (("--day", "2026-03-03"), "not come yet"),
     (("--day", "soon"), "soon")],
)  # fmt: skip
def test_wrong_usage(
    sent: Any, capsys: Any, monkeypatch: Any, words: tuple[str, ...], said: str
) -> None:
    done = command(capsys, monkeypatch, sent.root, "digest", *words, "--now", f"{MONDAY}T17:00")
    assert done.code == 2
    assert said in done.err


def test_it_is_placed_once_when_the_day_closes(work: AtWork) -> None:
    def names(at: str) -> list[str]:
        with work.parts(at) as (parts, now):
            assert keep_watch(parts, now) == []
        return sorted(path.name for path in work.home.reports_of("dfe").glob("digest-*"))

    assert names(f"{MONDAY}T12:00") == []  # the first look takes note of the day
    assert names(f"{MONDAY}T16:59") == []
    assert names(f"{MONDAY}T17:00") == [f"digest-{MONDAY}.txt"]
    path = work.home.reports_of("dfe") / f"digest-{MONDAY}.txt"
    before = path.stat().st_mtime_ns
    assert names(f"{TUESDAY}T16:00") == [f"digest-{MONDAY}.txt"]
    assert path.stat().st_mtime_ns == before
    # an outage, over a weekend: what was missed is made up for, five working days at most
    made = names("2026-03-16T09:00")
    assert made == [f"digest-2026-03-{day}.txt" for day in ("02", "09", "10", "11", "12", "13")]


def test_a_recalled_package_owes_nothing(told: Any, sent: Any) -> None:
    with sent.parts.database.transaction() as tx:
        advance(tx, "package", {"id": PACKAGE}, "placed", "recalled")
    assert "collected" not in [
        what for what, *_ in owed(told("panel", TUESDAY, f"{TUESDAY}T17:00"))
    ]
