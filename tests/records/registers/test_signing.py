"""Both parties sign off the same words, each by an approver's own key; nothing else agrees."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.access.officers import Officers
from gateway.bootstrap import moment, open_parts
from gateway.crypto.gpghome import GpgHome
from gateway.crypto.keys import HomeKeys
from gateway.crypto.openpgp import OpenPGP
from gateway.engine.parts import Parts
from gateway.records import registers
from gateway.records.registers import Kept, RegisterRefused, wanted
from gateway.settings import Home
from gateway.store import registers as rows
from gateway.store.registers import StepRow

OURS, OTHERS, THEIRS = "ofsted-officer-1", "ofsted-officer-2", "dfe-officer-1"
HELD = date(2026, 2, 27)


class Table:
    """Where the parties sign: a rehearsal home, and the keys of its officers."""

    def __init__(self, parts: Parts, now: datetime, stack: ExitStack) -> None:
        self.parts, self.now, self.stack = parts, now, stack
        self.officers = parts.officers
        self.hands: dict[str, OpenPGP] = {}

    def review(self) -> str:
        """A review that Ofsted enters."""
        with self.parts.database.transaction() as tx:
            asked = wanted.review(HELD, "Heads of safeguarding", "It works.", self.now)
            return registers.enter(tx, self.parts.sealer, self.officers, asked, OURS, self.now).id

    def take(self, entry: str, step: str, who: str, words: str = "Other words.") -> None:
        """A plain step."""
        with self.parts.database.transaction() as tx:
            known = (self.parts.sealer, self.officers, entry, step, who, words, self.now)
            registers.take(tx, *known)

    def read(self, entry: str) -> Kept:
        """The entry as it stands."""
        with self.parts.database.transaction() as tx:
            return registers.read(tx, self.parts.sealer, entry)

    def signature(self, entry: str, hand: str) -> bytes:
        """A signature of the entry's statement, as it is now, by that officer's keys."""
        if hand not in self.hands:
            keyring = HomeKeys(self.parts.home.root).rehearsal(hand)
            self.hands[hand] = self.stack.enter_context(OpenPGP(keyring, self.now))
        key = self.parts.officers.get(hand).key
        assert key is not None
        return registers.signed_statement(self.hands[hand], self.read(entry), key)

    def sign(self, entry: str, who: str, signature: bytes | None = None) -> Kept:
        """Sign off, with one's own key unless a signature is given."""
        made = self.signature(entry, who) if signature is None else signature
        known = (self.parts.sealer, self.officers, self.parts.openpgp)
        return registers.sign_off(self.parts.database, *known, entry, who, made, self.now)

    def refused(self, entry: str, who: str, signature: bytes | None = None) -> str:
        """The code of a refused sign-off; nothing is changed."""
        before = self.read(entry)
        with pytest.raises(RegisterRefused) as refused:
            self.sign(entry, who, signature)
        assert refused.value.hint
        assert self.read(entry) == before
        return refused.value.code

    def latest(self) -> date | None:
        """The latest review that both have signed."""
        with self.parts.database.transaction() as tx:
            return registers.latest_agreed_review(tx)

    def change(self, who: str, **change: Any) -> None:
        """From now on one of the officers is another."""
        told = [
            item.model_copy(update=change) if item.id == who else item for item in self.officers
        ]
        self.officers = Officers(told, self.officers.signatories)


@pytest.fixture
def table(rehearsal_home: Path) -> Iterator[Table]:
    """A table on Monday 2 March 2026."""
    home = Home(rehearsal_home)
    now, faked = moment(home, "2026-03-02T16:05")
    with open_parts(home, faked) as parts, ExitStack() as stack:
        yield Table(parts, now, stack)


def test_a_review_is_agreed_by_an_approver_of_each(table: Table) -> None:
    entry = table.review()
    first = table.sign(entry, OURS)
    assert (first.row.state, first.progress.signed, table.latest()) == ("open", {"ofsted"}, None)
    assert table.refused(entry, OTHERS) == "register.repeated"
    both = table.sign(entry, THEIRS)
    assert (both.row.state, both.row.ended_at, table.latest()) == ("agreed", table.now, HELD)
    assert table.refused(entry, THEIRS, b"x") == "register.ended"
    for taken in both.of("agreed"):
        assert registers.stands(table.officers, table.parts.openpgp, both, taken)
    table.change(THEIRS, roles=("recipient",))
    ours, theirs = both.of("agreed")
    assert registers.stands(table.officers, table.parts.openpgp, both, ours)
    assert not registers.stands(table.officers, table.parts.openpgp, both, theirs)


def test_words_proposed_anew_are_signed_anew(table: Table) -> None:
    entry = table.review()
    early = table.signature(entry, THEIRS)
    table.sign(entry, OURS)
    table.take(entry, "proposed", THEIRS)
    kept = table.read(entry)
    assert kept.proposal is not None
    assert (kept.proposal[0], kept.progress.signed) == ("Other words.", frozenset())
    assert table.refused(entry, THEIRS, early) == "register.bad-signature"
    table.sign(entry, THEIRS)
    assert table.sign(entry, OTHERS).row.state == "agreed"


def test_one_signature_serves_one_entry(table: Table) -> None:
    entry, other = table.review(), table.review()
    assert table.refused(entry, OURS, table.signature(other, OURS)) == "register.bad-signature"


def test_who_may_not_sign(table: Table) -> None:
    entry = table.review()
    good = table.signature(entry, OURS)
    assert table.refused(entry, OURS, b"") == "register.not-signed"
    assert table.refused(entry, OURS, b"x" * 70_000) == "register.not-signed"
    assert table.refused(entry, OURS, b"nonsense") == "register.not-signed"
    assert table.refused(entry, THEIRS, good) == "register.wrong-key"
    assert table.refused(entry, "panel-officer-1") == "register.not-yours"
    table.change(OTHERS, roles=("sender",))
    assert table.refused(entry, OTHERS) == "register.not-approver"
    table.change(OURS, key=None)
    assert table.refused(entry, OURS, good) == "register.no-key"
    table.change(OURS, key="0" * 40)
    assert table.refused(entry, OURS, good) == "register.key-unusable"


def test_an_earlier_signature_must_still_stand(table: Table) -> None:
    entry = table.review()
    table.sign(entry, OURS)
    table.change(OURS, key=table.officers.get(OTHERS).key)
    assert table.refused(entry, THEIRS) == "register.not-proven"
    table.take(entry, "proposed", THEIRS)
    table.sign(entry, THEIRS)
    assert table.sign(entry, "ofsted-officer-3").row.state == "agreed"


def test_a_sign_off_written_into_the_database_counts_for_nothing(table: Table) -> None:
    entry = table.review()
    table.sign(entry, OURS)
    forged = table.signature(entry, OURS)
    with table.parts.database.transaction() as tx:
        rows.add_step(tx, StepRow(entry, "agreed", "dfe", THEIRS, b"x", forged, table.now))
    with pytest.raises(RegisterRefused) as refused:
        table.read(entry)
    assert refused.value.code == "register.altered"
    assert table.latest() is None


def test_plain_gpg_signs_the_statement(table: Table, tmp_path: Path, need_program: Any) -> None:
    need_program("gpg")
    entry = table.review()
    said = tmp_path / "statement"
    said.write_bytes(registers.statement(table.read(entry)))
    told = json.loads(said.read_bytes())
    assert (told["entry"], told["format"]) == (entry, "gateway-signoff/1")
    for who, words in ((OURS, ["--detach-sign"]), (THEIRS, ["--armor", "--detach-sign"])):
        home = GpgHome(HomeKeys(table.parts.home.root).rehearsal(who))
        try:
            command = ["gpg", "--homedir", str(home.path), "--batch", "--output", "-", *words]
            made = subprocess.run([*command, str(said)], check=True, capture_output=True).stdout
        finally:
            home.close()
        state = table.sign(entry, who, made).row.state
    assert state == "agreed"


def test_an_incident_from_its_entry_to_its_end(table: Table) -> None:
    with table.parts.database.transaction() as tx:
        known = table.parts.sealer, table.officers
        asked = wanted.incident("loss", table.now - timedelta(hours=2), "It is lost.", table.now)
        entry = registers.enter(tx, *known, asked, OURS, table.now).id
    with pytest.raises(RegisterRefused) as refused:
        registers.statement(table.read(entry))
    assert refused.value.code == "register.too-early"
    table.take(entry, "proposed", OURS, "We have lost a file, and are sorry.")
    table.sign(entry, OURS)
    assert table.sign(entry, THEIRS).row.state == "agreed"
    table.take(entry, "acknowledged", THEIRS)
    assert table.read(entry).row.state == "agreed"
    table.take(entry, "action", THEIRS)
    table.take(entry, "ico-not-reportable", OURS, "It was found, unopened.")
    with pytest.raises(RegisterRefused):
        table.take(entry, "closed", OURS)
    with pytest.raises(RegisterRefused) as refused:
        table.take(entry, "proposed", OURS)
    assert refused.value.code == "register.agreed"
    table.take(entry, "action-done", OURS)
    table.take(entry, "closed", OURS, "Found.")
    assert table.read(entry).row.state == "closed"
