"""Held rows that two officers attest to travel; others, and other findings, do not."""

import pytest
from approving import FIRST, SECOND, THIRD, approved_by
from rehearsing import clean_row, packed

from gateway.cli.opening import open_for
from gateway.dispatch.manifest import inner_from_bytes
from gateway.engine.acts import asking_about_drop, carry_out
from gateway.intake.change import withdraw_drop
from gateway.receipts.recall import ActRefused
from gateway.receipts.release import Attested, ask_release

EARLY, SENT, NEXT = "2026-03-02T15:00", "2026-03-02T16:05", "2026-03-03T16:05"
CASE = "The family of Zzyzwick was seen."  # the surname of the column that must not travel
PHONE = "Ring 020 7946 0958, then Zzyzwick."


@pytest.fixture
def held(work):
    """A drop with rows 3 and 4 held by screening, 5 by screening twice, 6 for another reason."""
    work.rows(
        clean_row(1),
        clean_row(2, case=CASE),
        clean_row(3, case=CASE),
        clean_row(4, case=PHONE),
        clean_row(5, case=CASE, gender="Q"),
    )
    [taken] = work.tick(EARLY).arrivals.processed
    assert (taken.verdict.accepted, taken.verdict.held) == (1, 4)
    return work, taken.drop_id


def asked(parts, now, drop, rows, codes="screen.name", officer=FIRST):
    return ask_release(asking_about_drop(parts, drop, officer, now), Attested.of(drop, rows, codes))


def released(work, at, drop, rows, codes="screen.name"):
    """Ask for a release, have it approved, and carry it out; the codes of failures."""
    with work.parts(at) as (parts, now):
        approved_by(parts, now, asked(parts, now, drop, rows, codes), SECOND, THIRD)
        ended, faults = carry_out(parts, now)
    assert faults == []
    return [item.code for item in ended]


def counts(work):
    """Rows, accepted, held and repeats of every drop."""
    asked_for = "SELECT rows, accepted, held, repeats, state FROM drops ORDER BY number"
    return work.query(asked_for)


def test_released_before_the_window_it_travels_with_the_rest(held):
    work, drop = held
    assert released(work, EARLY, drop, "3") == [None]
    assert counts(work) == [(5, 1, 3, 1, "partly-held"), (1, 1, 0, 0, "accepted")]
    [sent] = packed(work.tick(SENT))
    assert (sent.rows, sent.held) == (2, 3)
    [told] = work.leaves("rows.released")
    assert (told["subject"], told["facts"]["drop"][:8]) == (f"drop:{drop}", drop[:8])
    assert "Zzyzwick" not in "\n".join(work.database())


def test_released_after_the_window_it_travels_in_the_next(held, tmp_path):
    work, drop = held
    work.tick(SENT)
    assert released(work, SENT, drop, "3,4,5", "screen.name,screen.phone") == [None]
    [sent] = packed(work.tick(NEXT))
    assert (sent.rows, sent.updates, sent.held) == (3, 0, 0)
    file = work.home.outbox_of("dfe", "notifications") / f"{sent.package_id}.zip.gpg"
    open_for(work.home, file, "dfe", tmp_path / "opened", None)
    inner = inner_from_bytes((tmp_path / "opened" / "manifest.json").read_bytes())
    [account] = inner.certificate.drops
    originals = work.query("SELECT DISTINCT sha256, original FROM drops")
    assert originals == [(account.original_sha256, account.sealed_sha256)]


def test_what_is_not_released(held):
    work, drop = held
    refused = {
        ("2", "screen.name"): "release.row-not-held",  # accepted
        ("99", "screen.name"): "release.row-not-held",
        ("5", "screen.name"): "release.other-findings",  # a telephone number too
        ("6", "screen.name"): "release.other-findings",  # and a code of no list
        ("6", "screen.name,code.unknown"): "release.not-attestable",
        ("3", "screen.nhs-number"): "release.not-attestable",
        ("", "screen.name"): "release.no-rows",
        ("x", "screen.name"): "release.no-rows",
        ("3", " , "): "release.no-rows",
    }
    with work.parts(EARLY) as (parts, now):
        for (rows, codes), code in refused.items():
            with pytest.raises(ActRefused) as told:
                asked(parts, now, drop, rows, codes)
            assert told.value.code == code, (rows, codes)
        for officer in ("dfe-officer-1", THIRD):
            with pytest.raises(ActRefused) as told:
                asked(parts, now, drop, "3", officer=officer)
            assert told.value.code == "act.not-sender"
        with pytest.raises(ActRefused) as told:
            asking_about_drop(parts, "no-such-drop", FIRST, now)
        assert told.value.code == "release.unknown-drop"
        request = asked(parts, now, drop, "3")
        approved_by(parts, now, request, SECOND)
        assert carry_out(parts, now) == ([], [])
    assert counts(work) == [(5, 1, 4, 0, "partly-held")]


def test_a_row_is_released_once(held):
    work, drop = held
    assert released(work, EARLY, drop, "3") == [None]
    assert released(work, "2026-03-02T15:10", drop, "3,4") == ["release.again"]
    assert released(work, "2026-03-02T15:20", drop, "4") == [None]
    assert counts(work)[0] == (5, 1, 2, 2, "partly-held")
    assert "request.failed" not in work.alarms()


@pytest.mark.parametrize("sent_first", [False, True], ids=["waits", "sent"])
def test_a_newer_row_is_not_overtaken(held, sent_first):
    work, drop = held
    work.rows(clean_row(2, gender="Male"))
    work.tick("2026-03-02T15:30")
    at = "2026-03-02T15:40"
    if sent_first:
        at = SENT
        work.tick(SENT)
    assert released(work, at, drop, "3,4") == ["release.overtaken"]
    assert released(work, at, drop, "4") == [None]


def test_a_withdrawn_drop_takes_its_released_rows_back(held):
    work, drop = held
    released(work, EARLY, drop, "3")
    with work.parts(EARLY) as (parts, now):
        withdraw_drop(parts.database, drop, now)
    assert [row[-1] for row in counts(work)] == ["withdrawn", "withdrawn"]
    [sent] = packed(work.tick(SENT))
    assert sent.kind == "nothing-received"
    with work.parts(SENT) as (parts, now), pytest.raises(ActRefused) as told:
        asked(parts, now, drop, "4")
    assert told.value.code == "release.nothing-held"


def test_cut_short_it_is_done_again(held, monkeypatch):
    work, drop = held

    def failing(*_words, **_named):
        raise OSError(28, "No space left on device")

    with work.parts(EARLY) as (parts, now):
        approved_by(parts, now, asked(parts, now, drop, "3"), SECOND, THIRD)
        with monkeypatch.context() as patch:
            patch.setattr("gateway.receipts.release.drops.add", failing)
            ended, faults = carry_out(parts, now)
        assert (ended, [fault.code for fault in faults]) == ([], ["disk.full"])
        assert len(counts(work)) == 1
        ended, faults = carry_out(parts, now)
    assert ([item.code for item in ended], faults) == ([None], [])
    [sent] = packed(work.tick(SENT))
    assert sent.rows == 2
