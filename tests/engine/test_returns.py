"""Receipts that come back as files: pairs in a folder, judged in order, answered and removed."""

import hashlib
import os
import time
from pathlib import Path
from typing import Any

import pytest
from receipting import Recipients

from gateway.engine.returns import WAIT_SECONDS, Returns, take_returns
from gateway.receipts import Offered
from gateway.receipts.receipt import LARGEST_BODY
from gateway.store import alarms, ledger
from gateway.store.lifecycles import advance

OLD = 60.0


@pytest.fixture(autouse=True)
def nothing_left(recipients: Recipients) -> Any:
    """Every claimed receipt is done with at the end."""
    yield
    assert [path for path in (recipients.home.work / "receipts").rglob("*") if path.is_file()] == []
    assert list(recipients.home.work.glob("receipt-*")) == []


def folder(recipients: Recipients, party: str = "dfe") -> Path:
    return recipients.home.receipts_of(party)


def laid(path: Path, content: bytes, age: float = OLD) -> Path:
    """A file that was written so many seconds ago."""
    path.write_bytes(content)
    then = time.time() - age
    os.utime(path, (then, then))
    return path


def lay(recipients: Recipients, offered: Offered, name: str, age: float = OLD) -> None:
    """A receipt and its signature, as a recipient drops them."""
    path = folder(recipients, offered.party) / f"{name}.receipt.json"
    laid(path, offered.body, age)
    if offered.signature is not None:
        laid(path.with_name(f"{path.name}.asc"), offered.signature, age)


def look(recipients: Recipients) -> Returns:
    """One look at the folders."""
    return take_returns(recipients.parts, recipients.now)


def left(recipients: Recipients, party: str = "dfe") -> list[str]:
    """The names in a folder for receipts."""
    return sorted(path.name for path in folder(recipients, party).iterdir())


def reports(recipients: Recipients, party: str = "dfe") -> list[Path]:
    """The reports on receipts that were not taken."""
    return sorted(recipients.home.reports_of(party).glob("receipt-*"))


def open_alarms(recipients: Recipients) -> list[tuple[str, str]]:
    """Code and subject of the open alarms about receipts."""
    with recipients.parts.database.transaction() as tx:
        found = alarms.open_alarms(tx)
    return [(item.code, item.subject) for item in found if item.subject.startswith("receipts")]


def test_all_three_at_once_in_whatever_order_they_lie(recipients: Recipients) -> None:
    """They are judged in their own order, and their files are removed after the commit."""
    for name, kind in (("a", "accepted"), ("b", "opened"), ("c", "collected")):
        lay(recipients, recipients.offered(recipients.receipt(kind)), name)  # type: ignore[arg-type]
    panel = recipients.offered(recipients.receipt("collected", "panel"))
    lay(recipients, panel, "a")
    returns = look(recipients)
    told = [(item.receipt.kind, item.delivery_id.partition(":")[2]) for item in returns.recorded]
    assert [kind for kind, party in told if party == "dfe"] == ["collected", "opened", "accepted"]
    assert ("collected", "panel") in told
    assert all(item.way == "folder" for item in returns.recorded)
    assert (returns.refused, returns.faults) == ([], [])
    assert recipients.delivery().state == "accepted"
    assert left(recipients) == left(recipients, "panel") == []
    assert reports(recipients) == open_alarms(recipients) == []
    assert look(recipients) == Returns()


def test_a_refused_receipt_is_answered_and_removed(recipients: Recipients) -> None:
    """The report has code, what to do, and which file it was: nothing of what the file said."""
    body = b'{"canary":"Quentin Zzyzwick"}\n'
    lay(recipients, Offered(body, b"x", "folder", "dfe"), "Quentin")
    early = recipients.offered(recipients.receipt("opened"))
    lay(recipients, early, "early")
    returns = look(recipients)
    assert sorted(item.code for item in returns.refused) == [
        "receipt.malformed",
        "receipt.out-of-order",
    ]
    assert left(recipients) == []
    texts = [path.read_text() for path in reports(recipients)]
    assert len(texts) == 2
    told = next(text for text in texts if "receipt.malformed" in text)
    assert hashlib.sha256(body).hexdigest() in told
    assert "docs/receipts.md" in told
    other = next(text for text in texts if "receipt.out-of-order" in text)
    assert recipients.package_id in other
    for text in texts + [path.name for path in reports(recipients)]:
        assert "canary" not in text and "Quentin" not in text and "PGP" not in text


def test_a_receipt_waits_for_its_signature(recipients: Recipients) -> None:
    """Whichever comes first; after five minutes it is refused, and a lone signature is stray."""
    offered = recipients.offered(recipients.receipt("collected"))
    assert offered.signature is not None
    name = folder(recipients) / "one.receipt.json"
    laid(name, offered.body)
    assert look(recipients) == Returns()
    assert left(recipients) == ["one.receipt.json"]
    laid(name.with_name("one.receipt.json.asc"), offered.signature)
    assert len(look(recipients).recorded) == 1
    laid(name, recipients.offered(recipients.receipt("opened")).body, WAIT_SECONDS + 1)
    assert [item.code for item in look(recipients).refused] == ["receipt.not-signed"]
    assert left(recipients) == []
    laid(name.with_name("two.receipt.json.asc"), offered.signature)
    look(recipients)
    assert open_alarms(recipients) == []
    laid(name.with_name("two.receipt.json.asc"), offered.signature, WAIT_SECONDS + 1)
    look(recipients)
    assert open_alarms(recipients) == [("receipts.stray", "receipts:dfe")]


def test_what_is_no_receipt_stays_and_is_alarmed_until_it_goes(recipients: Recipients) -> None:
    """Other names, folders, links, pipes, second names: none is opened. Good ones go on."""
    place, outside = folder(recipients), recipients.home.root / "outside"
    outside.write_bytes(b"not yours")
    laid(place / "~$notes.part", b"ignored by pattern")
    look(recipients)
    assert open_alarms(recipients) == []
    laid(place / "readme.txt", b"hello")
    (place / "folder.receipt.json").mkdir()
    (place / "link.receipt.json").symlink_to(outside)
    os.mkfifo(place / "pipe.receipt.json")
    os.link(laid(recipients.home.root / "first", b"{}"), place / "second.receipt.json")
    strange = left(recipients)
    lay(recipients, recipients.offered(recipients.receipt("collected")), "good")
    assert len(look(recipients).recorded) == 1
    look(recipients)
    assert left(recipients) == strange
    assert open_alarms(recipients) == [("receipts.stray", "receipts:dfe")]
    for name in strange:
        path = place / name
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    look(recipients)
    assert open_alarms(recipients) == []
    assert outside.read_bytes() == b"not yours"


@pytest.mark.parametrize("size", [LARGEST_BODY + 1, 5_000_000])
def test_a_large_file_is_refused_unread(recipients: Recipients, size: int) -> None:
    """Only so much of it is read as shows that it is too large."""
    lay(recipients, Offered(b" " * size, b"x", "folder", "dfe"), "large")
    assert [item.code for item in look(recipients).refused] == ["receipt.too-large"]
    assert left(recipients) == []


def test_a_receipt_in_another_partys_folder(recipients: Recipients) -> None:
    """A folder speaks for its party alone."""
    receipt = recipients.receipt("collected")
    lay(recipients, recipients.offered(receipt, party="panel"), "theirs")
    assert [(item.party, item.code) for item in look(recipients).refused] == [
        ("panel", "receipt.not-yours")
    ]
    assert len(reports(recipients, "panel")) == 1
    assert recipients.delivery().state == "placed"


def test_the_same_receipt_again(recipients: Recipients) -> None:
    """A replay is refused and answered; the first stays as it was."""
    offered = recipients.offered(recipients.receipt("collected"))
    lay(recipients, offered, "first")
    assert len(look(recipients).recorded) == 1
    lay(recipients, offered, "again")
    assert [item.code for item in look(recipients).refused] == ["receipt.replayed"]
    assert len(recipients.kept()) == 1


@pytest.mark.parametrize("committed", [True, False])
def test_a_run_that_was_cut_short(recipients: Recipients, committed: bool) -> None:
    """Claimed before: judged now, unless it had been recorded already. Nobody is told a lie."""
    offered = recipients.offered(recipients.receipt("collected"))
    claimed = recipients.home.work / "receipts" / "dfe" / "0123456789abcdef"
    claimed.mkdir(parents=True)
    (claimed / "receipt").write_bytes(offered.body)
    (claimed / "signature").write_bytes(offered.signature or b"")
    if committed:
        recipients.offer(offered)
    returns = look(recipients)
    assert len(returns.recorded) == (0 if committed else 1)
    assert returns.refused == []
    assert reports(recipients) == []
    assert len(recipients.kept()) == 1
    assert not claimed.exists()
    with recipients.parts.database.transaction() as tx:
        assert ledger.found(tx, ledger.Wanted(event="receipt.refused"), None, 9) == []


def test_what_was_swapped_for_a_link_after_the_claim(recipients: Recipients) -> None:
    """It is not followed: there is no receipt there, and its party is told."""
    claimed = recipients.home.work / "receipts" / "dfe" / "0123456789abcdef"
    claimed.mkdir(parents=True)
    (claimed / "receipt").symlink_to(recipients.home.parties_file)
    (claimed / "signature").mkdir()
    assert [item.code for item in look(recipients).refused] == ["receipt.malformed"]
    assert recipients.home.parties_file.exists()
    assert not claimed.exists()


def test_what_the_gateway_cannot_judge_waits(
    recipients: Recipients, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without gpg nothing is refused: the receipts are taken when it is back."""
    lay(recipients, recipients.offered(recipients.receipt("collected")), "one")
    with monkeypatch.context() as patch:
        patch.setattr(recipients.parts.openpgp._gpg, "gpgbinary", "/no/such/gpg")
        returns = look(recipients)
    assert [item.code for item in returns.faults] == ["gpg.missing"]
    assert open_alarms(recipients) == [("gpg.missing", "receipts:dfe")]
    assert (returns.recorded, returns.refused) == ([], [])
    assert len(look(recipients).recorded) == 1
    assert open_alarms(recipients) == []


def test_what_follows_one_that_cannot_be_judged_waits_with_it(
    recipients: Recipients, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would be refused as out of order, and its party asked to sign again for nothing."""
    lay(recipients, recipients.offered(recipients.receipt("collected")), "one")
    lay(recipients, recipients.offered(recipients.receipt("opened")), "two")
    with monkeypatch.context() as patch:
        patch.setattr(recipients.parts.openpgp._gpg, "gpgbinary", "/no/such/gpg")
        returns = look(recipients)
    assert ([item.code for item in returns.faults], returns.refused) == (["gpg.missing"], [])
    assert [item.receipt.kind for item in look(recipients).recorded] == ["collected", "opened"]


def test_a_report_that_cannot_be_written(recipients: Recipients) -> None:
    """The refusal stands and the receipt is gone; an alarm says that its party was not told."""
    place = recipients.home.reports_of("dfe")
    place.rmdir()
    place.write_bytes(b"")
    lay(recipients, recipients.offered(recipients.receipt("opened")), "early")
    returns = look(recipients)
    assert [item.code for item in returns.refused] == ["receipt.out-of-order"]
    assert len(returns.faults) == 1
    assert left(recipients) == []


def test_receipts_for_a_recalled_package(recipients: Recipients) -> None:
    """By the folder as by any way: quarantined alone is taken."""
    key = {"id": recipients.delivery().id}
    with recipients.parts.database.transaction() as tx:
        advance(tx, "delivery", key, "placed", "recalled")
    for kind in ("collected", "quarantined"):
        offered = recipients.offered(recipients.receipt(kind))  # type: ignore[arg-type]
        lay(recipients, offered, kind)
    returns = look(recipients)
    assert [item.code for item in returns.refused] == ["receipt.recalled"]
    assert [item.state for item in returns.recorded] == ["quarantined"]
