"""The signed agreement gates every send: unsigned, altered or withdrawn, nothing leaves."""

import re
import sqlite3
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from rehearsing import NOTIFICATIONS, UPDATES, AtWork, clean_row, csv_of, packed, update_row

from gateway.agreement.load import Agreed
from gateway.crypto.faults import CryptoFault
from gateway.crypto.keys import HomeKeys
from gateway.crypto.openpgp import OpenPGP
from gateway.crypto.pins import load_pins
from gateway.engine.agreementfiles import AgreementFiles
from gateway.engine.agreementwatch import review_due
from gateway.engine.rehearse import RehearsalRefused, rehearse
from gateway.intake.confined.reader import Reader
from gateway.records.agreements import (
    StatementRefused,
    Word,
    sign_statement,
    standing,
    statement_of,
    take_statement,
)

# A rehearsal signs at its `init`, by the real clock; what a party says later comes after it.
MORNING, AT_FOUR = "2040-03-05T09:00", "2040-03-05T16:00"
LATER, NEXT = "2040-03-05T17:00", "2040-03-06T16:00"


def says(work: AtWork, party: str, word: Word, at: str, version: str = "1") -> None:
    """A party signs, or withdraws, with its own key."""
    with work.parts(at) as (parts, now):
        (agreed,) = (item for item in parts.versions if item.agreement.version == version)
        said = statement_of(agreed, party, word, now)
        with OpenPGP(HomeKeys(work.home.root).rehearsal(party), now) as own:
            signed = sign_statement(own, said, parts.pins.exchange_of(party))
        known = parts.database, parts.openpgp, parts.pins
        take_statement(*known, agreed, said, signed, party, word, now)


def edited(work: AtWork, old: str, new: str) -> Callable[[], None]:
    """Edit the home's agreement; what puts it back."""
    file = work.home.config / "agreements" / "ofsted-dfe.toml"
    text = file.read_text(encoding="utf-8")
    assert text.count(old) >= 1
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    return lambda: file.write_text(text, encoding="utf-8") and None


def unsigned(work: AtWork) -> None:
    """As a real home is before anyone has signed."""
    plain = sqlite3.connect(work.home.database)
    with plain:
        plain.execute("DROP TRIGGER agreement_signatures_no_delete")
        plain.execute("DELETE FROM agreement_signatures")
    plain.close()


def test_a_rehearsal_has_signed_its_agreement(work: AtWork) -> None:
    with work.parts(MORNING) as (parts, _):
        (agreed,) = parts.versions
        stands = standing(parts.database, parts.openpgp, parts.pins, agreed)
    assert stands.in_force
    assert {leaf["facts"]["party"] for leaf in work.leaves("agreement.signed")} == {"ofsted", "dfe"}
    work.rows(clean_row(1))
    assert len(packed(work.tick(AT_FOUR))) == 1
    assert "agreement.unsigned" not in work.alarms()


def test_what_nobody_has_signed_sends_nothing_and_loses_nothing(work: AtWork) -> None:
    unsigned(work)
    work.rows(clean_row(1))
    report = work.tick(MORNING)
    assert [item.state for item in report.arrivals.processed] == ["accepted"]
    report = work.tick(AT_FOUR)
    assert (report.dispatched, report.placed, report.faults) == ([], [], [])
    assert work.packages() == []
    assert work.alarms()["agreement.unsigned"] == "agreement:ofsted-dfe"
    says(work, "ofsted", "signed", AT_FOUR)
    assert work.tick(AT_FOUR).dispatched == []  # one party alone agrees nothing
    says(work, "dfe", "signed", LATER)
    (package,) = packed(work.tick(LATER))
    assert package.rows == 1
    assert "agreement.unsigned" not in work.alarms()


def test_a_party_that_withdraws_stops_every_flow_until_it_signs_again(work: AtWork) -> None:
    work.rows(clean_row(1))
    work.drop(csv_of([update_row(1)], update_row(1)), UPDATES)
    work.tick(MORNING)
    says(work, "dfe", "withdrawn", MORNING)
    report = work.tick(AT_FOUR)
    assert report.dispatched == []
    assert work.alarms()["agreement.withdrawn"] == "agreement:ofsted-dfe"
    says(work, "dfe", "signed", LATER)
    assert [item.rows for item in packed(work.tick(LATER))] == [1]
    told = [leaf["event"] for leaf in work.leaves() if leaf["event"].startswith("agreement.")]
    assert told[-2:] == ["agreement.withdrawn", "agreement.signed"]


def test_what_is_sealed_already_is_not_placed_either(work: AtWork) -> None:
    work.rows(clean_row(1))
    outbox = work.home.outbox_of("panel", NOTIFICATIONS)
    outbox.rename(outbox.with_name("away"))
    outbox.write_text("in the way")
    work.tick(AT_FOUR)
    outbox.unlink()
    outbox.with_name("away").rename(outbox)
    says(work, "ofsted", "withdrawn", LATER)
    assert work.tick(LATER).placed == []
    assert work.packages("panel") == []
    says(work, "ofsted", "signed", "2040-03-05T18:00")
    assert [item.party for item in work.tick("2040-03-05T18:00").placed] == ["panel"]


@pytest.mark.parametrize(
    ("old", "new"),
    [('at = "16:00"', 'at = "16:01"'), ("Gender", "Gendes"), ('version = "1"', 'version = "1."')],
)
def test_one_character_edited_stops_dispatch(work: AtWork, old: str, new: str) -> None:
    work.rows(clean_row(1))
    work.tick(MORNING)
    put_back = edited(work, old, new)
    assert work.tick(LATER).dispatched == []
    assert work.alarms()["agreement.changed"] == "agreement:ofsted-dfe"
    put_back()
    assert [item.rows for item in packed(work.tick(LATER))] == [1]
    assert "agreement.changed" not in work.alarms()


def test_comments_and_spaces_change_nothing(work: AtWork) -> None:
    edited(work, 'version = "1"', '# to be read\nversion   =   "1"')
    work.rows(clean_row(1))
    assert len(packed(work.tick(AT_FOUR))) == 1


def test_a_code_list_is_part_of_what_was_signed(work: AtWork) -> None:
    file = work.home.config / "codes" / "gender.csv"
    file.write_text(file.read_text().replace("Male", "Mail", 1))
    work.tick(AT_FOUR)
    assert "agreement.changed" in work.alarms()


def test_no_rehearsal_package_goes_either(work: AtWork) -> None:
    says(work, "dfe", "withdrawn", MORNING)
    with work.parts(AT_FOUR) as (parts, now), pytest.raises(RehearsalRefused) as refused:
        rehearse(parts, "dfe", now)
    assert refused.value.code == "rehearsal.not-agreed"


# --- statements that are not taken ----------------------------------------------------------------


def refused(work: AtWork, change: Callable[[bytes], bytes], signer: str = "dfe") -> str:
    """The code by which a changed statement is refused, signed by a party's own key."""
    with work.parts(MORNING) as (parts, now):
        (agreed,) = parts.versions
        said = change(statement_of(agreed, "dfe", "signed", now))
        with OpenPGP(HomeKeys(work.home.root).rehearsal(signer), now) as own:
            signed = sign_statement(own, said, parts.pins.exchange_of(signer))
        known = parts.database, parts.openpgp, parts.pins
        with pytest.raises((StatementRefused, CryptoFault)) as fault:
            take_statement(*known, agreed, said, signed, "dfe", "signed", now)
        return fault.value.code


def test_only_its_own_key_speaks_for_a_party(work: AtWork) -> None:
    assert refused(work, lambda said: said, "ofsted") == "signature.wrong-key"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda said: said.replace(b"ofsted-dfe", b"ofsted-def"), "statement-of-another"),
        (lambda said: said.replace(b'"version":"1"', b'"version":"2"'), "statement-of-another"),
        (lambda said: said.replace(b'"dfe"', b'"ofsted"'), "statement-of-another"),
        (lambda said: said.replace(b"signed", b"withdrawn"), "statement-of-another"),
        (lambda said: said.replace(b'"dfe"', b'"panel"'), "not-a-party"),
        (lambda said: said.replace(b"signed", b"agreed"), "statement-malformed"),
        (lambda said: said + b" ", "statement-of-another"),
        (lambda _: b"", "statement-malformed"),
        (lambda _: b"[1]", "statement-malformed"),
        (lambda _: b"\xff\xfe", "statement-malformed"),
        (lambda _: b"[" * 60_000, "statement-malformed"),
        (
            lambda said: re.sub(rb'"at":"[^"]*"', b'"at":"0001-01-01T00:00:00+23:59"', said),
            "statement-malformed",
        ),
        (lambda said: said + b" " * 65_536, "statement-malformed"),
    ],
)
def test_a_statement_is_taken_as_it_was_made_or_not_at_all(
    work: AtWork, change: Callable[[bytes], bytes], code: str
) -> None:
    before = work.leaves("agreement.signed")
    assert refused(work, change) == f"agreement.{code}"
    assert work.leaves("agreement.signed") == before


def test_an_earlier_word_does_not_undo_a_later_one(work: AtWork) -> None:
    """A statement kept back, and brought when its party has withdrawn."""
    says(work, "dfe", "withdrawn", LATER)
    with pytest.raises(StatementRefused) as refused:
        says(work, "dfe", "signed", AT_FOUR)
    assert refused.value.code == "agreement.statement-old"


# --- rows that somebody wrote into the database ---------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE agreement_signatures SET kind = 'signed', statement = "
        "replace(statement, 'withdrawn', 'signed') WHERE kind = 'withdrawn'",
        "UPDATE agreement_signatures SET kind = 'signed' WHERE kind = 'withdrawn'",
        "UPDATE agreement_signatures SET party = 'dfe' WHERE party = 'ofsted'",
        "UPDATE agreement_signatures SET statement = x'7b7d' WHERE party = 'dfe'",
        "UPDATE agreement_signatures SET statement = x'ff' WHERE party = 'dfe'",
    ],
)
def test_a_row_written_by_hand_is_worth_nothing(work: AtWork, change: str) -> None:
    says(work, "dfe", "withdrawn", MORNING)
    plain = sqlite3.connect(work.home.database)
    with plain:
        plain.execute("DROP TRIGGER agreement_signatures_no_update")
        plain.execute(change)
    plain.close()
    work.rows(clean_row(1))
    assert work.tick(AT_FOUR).dispatched == []


# --- the review -----------------------------------------------------------------------------------


def test_an_overdue_review_alarms_and_stops_nothing(work: AtWork) -> None:
    says(work, "ofsted", "signed", "2040-01-10T09:00")
    says(work, "dfe", "signed", "2040-01-20T09:00")
    work.tick("2040-12-20T09:00")
    assert "review.due" not in work.alarms()
    work.tick("2040-12-21T09:00")
    assert work.alarms()["review.due"] == "agreement:ofsted-dfe"
    work.tick("2041-01-20T09:00")
    assert "review.overdue" not in work.alarms()
    work.rows(clean_row(1))
    report = work.tick("2041-01-21T16:00")
    assert work.alarms()["review.overdue"] == "agreement:ofsted-dfe"
    assert len(packed(report)) == 1


@pytest.mark.parametrize(
    ("signed", "due"),
    [
        (date(2015, 7, 9), date(2016, 7, 9)),
        (date(2016, 2, 29), date(2017, 2, 28)),
        (date(2015, 12, 31), date(2016, 12, 31)),
    ],
)
def test_a_review_is_due_in_twelve_months(work: AtWork, signed: date, due: date) -> None:
    with work.parts(MORNING) as (parts, _):
        assert review_due(parts.versions[0], signed) == due


@pytest.mark.parametrize(
    ("reviewed", "due"),
    [(date(2016, 6, 1), date(2017, 6, 1)), (date(2015, 6, 1), date(2016, 7, 9))],
)
def test_a_review_signed_off_since_moves_the_next_one(
    work: AtWork, reviewed: date, due: date
) -> None:
    with work.parts(MORNING) as (parts, _):
        assert review_due(parts.versions[0], date(2015, 7, 9), reviewed) == due


# --- a new version at a date ----------------------------------------------------------------------


def second_version(work: AtWork, start: str, *changes: str) -> None:
    """Lay a second version beside the first."""
    first = work.home.config / "agreements" / "ofsted-dfe.toml"
    text = first.read_text(encoding="utf-8").replace('version = "1"', 'version = "2"', 1)
    for old, new in zip(changes[::2], changes[1::2], strict=True):
        assert old in text
        text = text.replace(old, new, 1)
    path = first.with_name("ofsted-dfe-2.toml")
    path.write_text(f"effective_from = {start}\n{text}", encoding="utf-8")


def hashes(work: AtWork) -> list[tuple[str, str]]:
    asked = (
        "SELECT p.day, v.version FROM packages p JOIN agreement_versions v "
        "ON v.hash = p.agreement_hash WHERE p.flow = ? ORDER BY p.day"
    )
    return work.query(asked, NOTIFICATIONS)


def test_a_new_version_takes_effect_at_its_day_and_keeps_the_old_for_old_packages(
    work: AtWork,
) -> None:
    second_version(work, "2040-03-06", 'title = "Memorandum', 'title = "Second memorandum')
    work.tick(MORNING)
    assert work.alarms()["agreement.next-unsigned"] == "agreement:ofsted-dfe"
    says(work, "ofsted", "signed", MORNING, "2")
    says(work, "dfe", "signed", MORNING, "2")
    work.rows(clean_row(1))
    work.tick(AT_FOUR)
    assert "agreement.next-unsigned" not in work.alarms()
    work.rows(clean_row(2))
    work.tick(LATER)  # judged under the first version, and sent under the second
    report = work.tick(NEXT)
    assert report.faults == []
    (package,) = packed(report)
    assert package.rows == 1
    assert hashes(work) == [("2040-03-05", "1"), ("2040-03-06", "2")]


def test_a_new_version_that_was_not_signed_stops_dispatch_on_its_day(work: AtWork) -> None:
    second_version(work, "2040-03-06")
    says(work, "ofsted", "signed", MORNING, "2")
    work.rows(clean_row(1))
    assert len(packed(work.tick(AT_FOUR))) == 1
    assert work.tick(NEXT).dispatched == []
    assert "agreement.changed" in work.alarms()
    says(work, "dfe", "signed", NEXT, "2")
    assert len(packed(work.tick(NEXT))) == 1


def test_rows_of_the_earlier_version_travel_as_agreed_now(work: AtWork) -> None:
    """A column that is agreed no longer stays behind, and a new one is blank."""
    column = '[[flows.notifications.fields]]\nid = "contact"'
    added = '[[flows.notifications.fields]]\nid = "remark"\nheading = "Remark"\nkind = "text"\n\n'
    second_version(work, "2040-03-06", column, f"{added}{column}")
    for party in ("ofsted", "dfe"):
        says(work, party, "signed", MORNING, "2")
    work.tick(AT_FOUR)
    work.rows(clean_row(1), clean_row(2))
    work.tick(LATER)
    with make_own_reader(work, NEXT) as reader:
        own = AtWork(work.home.root, reader)
        (package,) = packed(own.tick(NEXT))
    assert package.rows == 2
    assert work.open_alarms().count(("drop.of-earlier-version", "flow:notifications")) == 0


def test_a_drop_that_lacks_what_is_required_now_waits_and_is_alarmed(work: AtWork) -> None:
    column = '[[flows.notifications.fields]]\nid = "contact"'
    required = (
        '[[flows.notifications.fields]]\nid = "remark"\nheading = "Remark"\nkind = "text"\n'
        "required = true\n\n"
    )
    second_version(work, "2040-03-06", column, f"{required}{column}")
    for party in ("ofsted", "dfe"):
        says(work, party, "signed", MORNING, "2")
    work.tick(AT_FOUR)
    work.rows(clean_row(1))
    work.tick(LATER)
    with make_own_reader(work, NEXT) as reader:
        (package,) = packed(AtWork(work.home.root, reader).tick(NEXT))
    assert (package.kind, package.rows) == ("nothing-received", 0)
    assert work.alarms()["drop.of-earlier-version"] == "flow:notifications"
    assert work.states() == ["accepted"]


def make_own_reader(work: AtWork, at: str) -> Reader:
    """A reader with the rules of the version that holds then."""
    with work.parts(at) as (parts, _):
        agreed: dict[str, Agreed] = dict(parts.agreed)
    return Reader({flow_id: item.rule_book(flow_id) for flow_id, item in agreed.items()})


# --- a key that was renewed -----------------------------------------------------------------------


def test_a_party_whose_key_was_renewed_has_still_signed(work: AtWork) -> None:
    keys = HomeKeys(work.home.root)
    with OpenPGP(keys.rehearsal("dfe")) as own:
        made = datetime(2026, 1, 1, tzinfo=UTC)
        key = own.generate("DfE second exchange", "encrypt-and-sign", made, None)
        keys.party_public("dfe", "exchange").write_bytes(own.export_public(key))
    file = work.home.parties_file
    old = load_pins(file).exchange_of("dfe")
    spaced = " ".join(old[at : at + 4] for at in range(0, 40, 4))
    text = file.read_text()
    assert spaced in text or old in text
    file.write_text(text.replace(spaced, key).replace(old, key))
    with OpenPGP(keys.gateway) as gateway:
        gateway.import_pinned(keys.party_public("dfe", "exchange"), key)
    work.rows(clean_row(1))
    assert len(packed(work.tick(AT_FOUR))) == 1


# --- what `run` watches ---------------------------------------------------------------------------


def test_the_files_tell_when_another_agreement_holds(work: AtWork) -> None:
    today = [date(2040, 3, 5)]
    files = AgreementFiles(work.home.config, lambda: today[0])
    assert not files.changed()
    second_version(work, "2040-03-06")
    assert not files.changed()  # it is not in force yet
    today[0] = date(2040, 3, 6)
    assert files.changed()
    assert not files.changed()
    broken = work.home.config / "agreements" / "ofsted-dfe-2.toml"
    text = broken.read_text()
    broken.write_text(text[:-5])
    assert not files.changed()  # what runs goes by what it read
    broken.write_text(text)
    assert not files.changed()
    Path(broken).unlink()
    assert files.changed()
