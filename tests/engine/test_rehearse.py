"""A rehearsal with a party: real in all but its rows, and over when its three receipts are back."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta

import openpyxl
import pytest
from receipting import Keyring, Recipients
from rehearsing import NOTIFICATIONS, AtWork, clean_row, packed, update_row

from gateway.crypto.openpgp import OpenPGP
from gateway.dispatch.opening import open_package
from gateway.dispatch.password import released_password
from gateway.engine.lock import only_worker
from gateway.engine.rehearse import RehearsalRefused, rehearse
from gateway.engine.status import status_of
from gateway.engine.tick import tick
from gateway.intake import check as check_file
from gateway.receipts.digest import digest_of

AT, LATER = "2026-03-02T16:05", "2026-03-02T16:15"
ID = "notifications-2026-03-02-90"


def begin(work: AtWork, party: str = "dfe", flow: str | None = None, at: str = AT) -> str:
    with work.parts(at) as (parts, now), only_worker(parts, 0):
        begun = rehearse(parts, party, now, flow)
    assert [(item.party, item.fault) for item in begun.placed] == [(party, None)]
    return begun.package_id


@pytest.fixture
def keyring(work: AtWork) -> Iterator[Keyring]:
    with ExitStack() as stack:
        yield Keyring(work.home.root, stack)


def given(work: AtWork, keyring: Keyring, package: str, *kinds: str, party: str = "dfe") -> None:
    with work.parts(LATER) as (parts, _):
        Recipients(work.home.root, parts, keyring, package).give(*kinds, party=party)


def shown(work: AtWork, at: str = LATER) -> list[tuple[str, str, str, bool]]:
    with work.parts(at) as (parts, now):
        told = status_of(parts, now)["rehearsals"]
    return [
        (row["package"], row["party"], row["state"], row["passed_at"] is not None) for row in told
    ]


def test_the_digest_counts_no_rehearsal(work: AtWork, keyring: Keyring) -> None:
    def counted(at: str) -> tuple[int, int, int]:
        with work.parts(at) as (parts, now), parts.database.transaction() as tx:
            told = digest_of(tx, parts.agreed, "ofsted", now.date(), now)
        return sum(line.sent + line.collected for line in told.lines), told.on_time, told.steps

    package = begin(work)
    given(work, keyring, package, "collected", "opened")
    assert counted("2026-03-02T16:30") == (0, 0, 0)
    assert counted("2026-03-05T16:30") == (0, 0, 0), "what is late of it is no late step either"


def test_it_ends_when_its_three_receipts_are_back(work: AtWork, keyring: Keyring) -> None:
    assert begin(work) == ID
    assert work.packages("dfe") == [ID]
    assert work.outbox("panel") == [], "it is for one party alone"
    assert shown(work) == [(ID, "dfe", "placed", False)]
    for kinds, state in ((("collected",), "collected"), (("opened",), "opened")):
        given(work, keyring, ID, *kinds)
        assert work.tick(LATER).rehearsed == []
        assert shown(work) == [(ID, "dfe", state, False)]
    given(work, keyring, ID, "accepted")
    (ended,) = work.tick(LATER).rehearsed
    assert (ended.package_id, ended.party) == (ID, "dfe")
    assert shown(work) == [(ID, "dfe", "accepted", True)]
    assert work.tick("2026-03-02T16:20").rehearsed == []
    (begun,), (passed,) = work.leaves("rehearsal.begun"), work.leaves("rehearsal.passed")
    assert begun["facts"] == passed["facts"] == {"party": "dfe", "package": ID}


def test_a_query_is_a_receipt_too(work: AtWork, keyring: Keyring) -> None:
    begin(work, "panel")
    given(work, keyring, ID, "collected", "opened", "queried", party="panel")
    assert len(work.tick(LATER).rehearsed) == 1


@pytest.mark.parametrize(
    ("party", "flow"), [("dfe", NOTIFICATIONS), ("panel", None), ("ofsted", "scr-updates")]
)
def test_it_opens_like_any_package_and_says_what_it_is(
    work: AtWork, party: str, flow: str | None
) -> None:
    package = begin(work, party, flow)
    sent_in = flow or NOTIFICATIONS
    to = work.home.root / "opened"
    with work.parts(LATER) as (parts, _), parts.database.transaction() as tx:
        password = released_password(tx, parts.sealer, package, party)
        gateway = parts.pins.gateway
    path = work.home.outbox_of(party, sent_in) / f"{package}.zip.gpg"
    with OpenPGP(work.home.keys / "rehearsal" / party) as openpgp:
        opened = open_package(path, openpgp, gateway, password, to)
    assert opened.outer.rehearsal is True
    assert opened.inner is not None and opened.inner.recipients == (party,)
    sheet = openpyxl.load_workbook(to / "data.xlsx").active
    headings, *rows = sheet.iter_rows(values_only=True)
    assert headings[0] == "Reference number"
    assert [row[0] for row in rows] == ["REHEARSAL-1", "REHEARSAL-2"]
    for row in rows:
        assert any(str(cell).startswith("REHEARSAL: made up.") for cell in row)


def test_its_rows_would_pass_as_references_of_the_flow(work: AtWork) -> None:
    """So a recipient's own programs, which know the field list, take them."""
    for flow, row in ((NOTIFICATIONS, clean_row(1)), ("scr-updates", update_row(1))):
        with work.parts(AT) as (parts, now):
            from_made_up = {**row, "Reference number": "REHEARSAL-1"}
            lines = [",".join(from_made_up), ",".join(from_made_up.values())]
            file = work.home.root / f"{flow}.csv"
            file.write_text("\r\n".join(lines) + "\r\n")
            intake = parts.intake(flow)
            verdict = check_file(intake.examiner, parts.flow(flow), file, now)
        codes = {item.code for item in verdict.findings if item.severity == "error"}
        assert codes == set(), codes


def test_windows_and_what_was_sent_are_not_touched(work: AtWork, keyring: Keyring) -> None:
    work.tick("2026-03-02T09:00")
    begin(work, at="2026-03-02T10:00")
    begin(work, at="2026-03-02T10:30")
    begin(work, "ofsted", at="2026-03-02T10:30")
    assert work.query("SELECT count(*) FROM sent_references") == [(0,)]
    assert work.windows() == []
    work.rows(clean_row(1))
    (package,) = packed(work.tick("2026-03-02T16:05"))
    assert package.package_id == "notifications-2026-03-02-01"
    assert work.packages("dfe") == [f"notifications-2026-03-02-{end}" for end in ("01", "90", "91")]
    given(work, keyring, "notifications-2026-03-02-91", "collected", "opened", "accepted")
    assert [row.package_id[-2:] for row in work.tick(LATER).rehearsed] == ["91"]


def test_what_cannot_be_placed_is_placed_by_the_next_tick(work: AtWork) -> None:
    outbox = work.home.outbox_of("dfe", NOTIFICATIONS)
    aside = outbox.with_name("aside")
    outbox.rename(aside)
    with work.parts(AT) as (parts, now):
        begun = rehearse(parts, "dfe", now)
    assert begun.placed[0].fault is not None
    aside.rename(outbox)
    assert begun.package_id in {item.package_id for item in work.tick(LATER).placed}


def test_a_party_that_receives_nothing_and_a_day_of_too_many(work: AtWork) -> None:
    for party, flow in (("nobody", None), ("panel", "scr-updates"), ("dfe", "nothing")):
        with pytest.raises(RehearsalRefused) as refused:
            begin(work, party, flow)
        assert refused.value.code == "rehearsal.no-flow"
    with work.parts(AT) as (parts, now):
        for number in range(90, 100):
            assert rehearse(parts, "dfe", now).package_id[-2:] == str(number)
        with pytest.raises(RehearsalRefused) as refused:
            rehearse(parts, "dfe", now)
    assert refused.value.code == "rehearsal.too-many"


def test_a_real_home_rehearses_too(work: AtWork) -> None:
    with work.parts(AT) as (parts, now):
        work.home.rehearsal_mark.unlink()  # gpg's clock stays the test's, but the home is real
        begun = rehearse(parts, "dfe", now)
    manifest = work.home.outbox_of("dfe", NOTIFICATIONS) / f"{begun.package_id}.manifest.json"
    assert json.loads(manifest.read_text())["rehearsal"] is True


def test_deadlines_hold_for_it_as_for_any_package(work: AtWork) -> None:
    begin(work)
    with work.parts(AT) as (parts, now):
        tick(parts, now + timedelta(days=3))
    about = [subject for _, subject in work.open_alarms()]
    assert any(ID in subject for subject in about), about
