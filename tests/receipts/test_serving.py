"""Serving: which package may be fetched, and when its bytes have been collected whole."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from receipting import Recipients

from gateway.receipts import ReceiptRefused
from gateway.receipts.ranges import covers, union
from gateway.receipts.serving import (
    manifest_file,
    note_served,
    package_file,
    require_servable,
    servable,
    signature_file,
)
from gateway.store import packages, served
from gateway.store.lifecycles import advance

FLOW = "notifications"
RANGES = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=12)


# --- ranges --------------------------------------------------------------------------------------


@given(RANGES, st.integers(1, 40))
def test_ranges_are_sets_of_bytes(ranges: list[tuple[int, int]], size: int) -> None:
    """Against a naive model: overlapping, out of order, empty or backwards."""
    held = {byte for start, stop in ranges for byte in range(start, stop)}
    joined = union(ranges)
    assert {byte for start, stop in joined for byte in range(start, stop)} == held
    assert sum(stop - start for start, stop in joined) == len(held)
    assert all(one[1] < two[0] for one, two in pairwise(joined))
    assert covers(ranges, size) == held.issuperset(range(size))
    assert union(joined) == joined


def test_an_empty_file_is_never_covered() -> None:
    """There is none; and nothing served is no evidence."""
    assert not covers([], 0)
    assert not covers([(0, 0)], 0)


# --- collections ---------------------------------------------------------------------------------


def serve(
    recipients: Recipients, start: int, stop: int, principal: str = "token:one", way: Any = "api"
) -> bool:
    """Serve some bytes of dfe's package."""
    delivery, package = recipients.delivery(), recipients.package()
    return note_served(
        recipients.parts.database,
        delivery,
        package.agreement_hash,
        principal,
        way,
        start,
        stop,
        recipients.now,
    )


def test_a_broken_download_that_is_resumed(recipients: Recipients) -> None:
    """Only the last missing byte makes it a collection, in whatever order the parts came."""
    size = recipients.delivery().size
    assert not serve(recipients, size - 100, size)
    assert not serve(recipients, 0, 300)
    assert not serve(recipients, 200, size - 101)
    assert recipients.delivery().state == "placed"
    assert recipients.kept() == []
    assert serve(recipients, size - 101, size - 50)
    assert recipients.delivery().state == "collected"
    assert recipients.delivery().collected_at == recipients.now
    (receipt,) = recipients.kept()
    assert (receipt.kind, receipt.way, receipt.signature) == ("collected", "api", None)
    with recipients.parts.database.transaction() as tx:
        assert served.ranges(tx, receipt.delivery_id, "token:one") == [(0, size)]
    assert not serve(recipients, 0, size), "it was collected by this principal before"
    assert len(recipients.kept()) == 1


def test_a_truncated_download_is_no_collection(recipients: Recipients) -> None:
    """One byte short, or bytes beyond the end, or nothing at all."""
    size = recipients.delivery().size
    for start, stop in [(0, size - 1), (size, size + 10), (5, 5), (9, 3), (-7, 0)]:
        assert not serve(recipients, start, stop)
    assert recipients.delivery().state == "placed"
    assert serve(recipients, size - 1, size + 10)


def test_two_halves_by_two_principals_are_none(recipients: Recipients) -> None:
    """Each must have it whole; the second then adds its receipt and moves nothing."""
    size = recipients.delivery().size
    half = size // 2
    assert not serve(recipients, 0, half, "token:one")
    assert not serve(recipients, half, size, "key:two", "sftp")
    assert recipients.delivery().state == "placed"
    assert serve(recipients, 0, half, "key:two", "sftp")
    assert serve(recipients, half, size, "token:one")
    assert [item.way for item in recipients.kept()] in (["sftp", "api"], ["api", "sftp"])
    assert recipients.delivery().state == "collected"
    delivery = recipients.delivery()
    with recipients.parts.database.transaction() as tx:
        assert served.served_to(tx, delivery.id) == ["key:two", "token:one"]


def test_two_collectors_at_the_same_time(recipients: Recipients) -> None:
    """Threads, as a web server has them: two receipts, one move, no part lost."""
    size = recipients.delivery().size
    step = size // 8 + 1
    parts = [
        (start, min(start + step, size), principal)
        for start in range(0, size, step)
        for principal in ("token:one", "token:two")
    ]
    with ThreadPoolExecutor(4) as pool:
        whole = list(pool.map(lambda part: serve(recipients, *part), parts))
    assert sum(whole) == 2
    assert len(recipients.kept()) == 2
    assert recipients.delivery().state == "collected"


def test_the_machine_collects_and_the_recipient_opens(recipients: Recipients) -> None:
    """The gateway's own receipt stands for the recipient's."""
    serve(recipients, 0, recipients.delivery().size)
    assert recipients.give("opened", "accepted")[1].state == "accepted"


def test_a_download_that_ends_after_the_recall(recipients: Recipients) -> None:
    """The bytes are out: the receipt is kept as evidence, and the recall stands."""
    size, key = recipients.delivery().size, {"id": recipients.delivery().id}
    serve(recipients, 0, 10)
    with recipients.parts.database.transaction() as tx:
        advance(tx, "delivery", key, "placed", "recalled")
    assert serve(recipients, 0, size)
    assert recipients.delivery().state == "recalled"
    assert recipients.delivery().collected_at is not None
    assert [item.kind for item in recipients.kept()] == ["collected"]
    with recipients.parts.database.transaction() as tx:
        owing = [row.id for row in packages.owing_statement(tx)]
    assert owing == [key["id"]], "whoever has it is asked to sign that it is kept apart"


# --- what may be fetched -------------------------------------------------------------------------


def refused(recipients: Recipients, package: str, party: str) -> str:
    """The code with which it is not served."""
    with pytest.raises(ReceiptRefused) as caught, recipients.parts.database.transaction() as tx:
        require_servable(tx, package, party)
    return caught.value.code


def test_what_may_be_fetched(recipients: Recipients) -> None:
    """From placement until it is withdrawn, by its recipients alone, and whole."""
    package, vault = recipients.package_id, recipients.parts.vault
    for kind in (None, "collected", "opened", "queried", "accepted"):
        if kind:
            recipients.give(kind)  # type: ignore[arg-type]
        with recipients.parts.database.transaction() as tx:
            assert [row.package_id for row in servable(tx, "dfe", FLOW)] == [package]
            assert require_servable(tx, package, "dfe").party == "dfe"
            assert servable(tx, "ofsted", FLOW) == servable(tx, "dfe", "scr-updates") == []
    delivery = recipients.delivery()
    assert package_file(vault, delivery).stat().st_size == delivery.size
    assert manifest_file(vault, delivery).read_bytes().startswith(b'{"agreement":')
    assert b"PGP SIGNATURE" in signature_file(vault, delivery).read_bytes()
    assert refused(recipients, package, "ofsted") == "package.unknown"
    assert refused(recipients, "notifications-2031-01-01-01", "dfe") == "package.unknown"


def test_what_may_not_be_fetched_any_more(recipients: Recipients) -> None:
    """Recalled, or superseded by another."""
    package, key = recipients.package_id, {"id": recipients.delivery().id}
    with recipients.parts.database.transaction() as tx:
        advance(tx, "delivery", key, "placed", "recalled")
    assert refused(recipients, package, "dfe") == "package.recalled"
    with recipients.parts.database.transaction() as tx:
        assert servable(tx, "dfe", FLOW) == []
        assert require_servable(tx, package, "panel").state == "placed"
        advance(tx, "package", {"id": package}, "placed", "superseded")
        assert servable(tx, "panel", FLOW) == []
    assert refused(recipients, package, "panel") == "package.superseded"
