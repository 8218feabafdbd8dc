"""What people say on the site: in order, once, by the gateway's word, apart from a key's."""

import json
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
from receipting import PLACED_AT, Recipients

from gateway.receipts.onsite import Said, Saying, say_on_site
from gateway.receipts.receipt import from_bytes
from gateway.receipts.refused import ReceiptRefused
from gateway.receipts.sitereceipt import (
    SAID,
    SITE_KINDS,
    SiteReceipt,
    new_site_receipt,
    schema,
    to_bytes,
    write_schema,
)
from gateway.store.people import PersonRow

MADE = datetime(2026, 1, 5, tzinfo=UTC)
JO = PersonRow(
    "p-0123456789abcdef", "Jo Smith", "dfe", "jo@dfe.invalid", None, True, "x", MADE, MADE, None
)


def say(recipients: Recipients, kind: str = "accepted", **change: str) -> Said:
    """Say it as Jo, of the home's package."""
    told = {"party": "dfe", "flow": "notifications", "package": recipients.package_id, **change}
    saying = Saying(JO, kind=kind, **told)  # type: ignore[arg-type]
    return say_on_site(recipients.parts.receipts(), saying, recipients.now)


def test_opened_is_said_in_the_same_breath_where_nobody_has(recipients: Recipients) -> None:
    recipients.give("collected")
    said = say(recipients)
    assert (said.state, said.again) == ("accepted", False)
    given = [(row.kind, row.way, row.person, row.officer) for row in recipients.kept()]
    assert given == [
        ("collected", "api", None, None),
        ("opened", "web", JO.id, None),
        ("accepted", "web", JO.id, None),
    ]


def test_opened_by_a_key_is_not_said_again(recipients: Recipients) -> None:
    recipients.give("collected", "opened")
    say(recipients)
    assert [row.kind for row in recipients.kept()] == ["collected", "opened", "accepted"]
    assert [row.way for row in recipients.kept()] == ["api", "api", "web"]


def test_what_stands_is_not_recorded_twice_whoever_said_it(recipients: Recipients) -> None:
    recipients.give("collected", "opened", "accepted")
    before = recipients.kept()
    said = say(recipients)
    assert (said.receipt, said.again) == (before[-1].id, True)
    assert recipients.kept() == before


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, "receipt.out-of-order"),
        ({"package": "notifications-2026-03-02-09"}, "package.unknown"),
        ({"flow": "scr-updates"}, "package.unknown"),
        ({"party": "ofsted"}, "package.unknown"),
    ],
)
def test_what_does_not_follow_or_is_anothers_is_refused(
    recipients: Recipients, change: dict[str, str], code: str
) -> None:
    with pytest.raises(ReceiptRefused) as told:
        say(recipients, **change)
    assert told.value.code == code
    assert recipients.kept() == []


@pytest.mark.parametrize(("kind", "first"), [("accepted", "queried"), ("queried", "accepted")])
def test_what_is_queried_can_be_accepted_and_what_is_accepted_stays_so(
    recipients: Recipients, kind: str, first: str
) -> None:
    recipients.give("collected")
    say(recipients, first)
    if kind == "accepted":
        assert say(recipients, kind).state == "accepted"
        return
    with pytest.raises(ReceiptRefused, match="follow"):
        say(recipients, kind)


def test_a_failure_of_what_goes_with_it_leaves_nothing(recipients: Recipients) -> None:
    recipients.give("collected")
    saying = Saying(JO, "dfe", "notifications", recipients.package_id, "queried")

    def broken(_tx: object) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        say_on_site(recipients.parts.receipts(), saying, recipients.now, broken)
    assert recipients.delivery().state == "collected"
    assert len(recipients.kept()) == 1


def receipt_of(recipients: Recipients, kind: str = "accepted") -> SiteReceipt:
    """What Jo would say."""
    package, delivery = recipients.package(), recipients.delivery()
    gateway = recipients.pins.gateway
    return new_site_receipt(kind, package, delivery, JO, gateway, PLACED_AT)  # type: ignore[arg-type]


def test_its_form_is_published_and_no_way_in_takes_it(
    recipients: Recipients, checkout: Path, tmp_path: Path
) -> None:
    """After a change: ``write_schema(Path("schemas"))``."""
    write_schema(tmp_path)
    name = "site-receipt.schema.json"
    published = (checkout / "schemas" / name).read_text(encoding="utf-8")
    assert published == schema() == (tmp_path / name).read_text(encoding="utf-8")
    validator = jsonschema.Draft202012Validator(json.loads(published))
    for kind in SITE_KINDS:
        receipt = receipt_of(recipients, kind)
        validator.validate(json.loads(to_bytes(receipt)))
        with pytest.raises(ValueError):
            from_bytes(to_bytes(receipt))


def test_nobody_can_be_made_to_have_said_something_else(recipients: Recipients) -> None:
    told = receipt_of(recipients).model_dump()
    with pytest.raises(ValueError):
        SiteReceipt.model_validate(told | {"said": SAID["opened"]})
    with pytest.raises(ValueError):
        SiteReceipt.model_validate(told | {"kind": "quarantined"})
