"""The form of a receipt: one way to write it, and a published schema."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.receipts.receipt import (
    BY_OFFICER,
    KINDS,
    Receipt,
    from_bytes,
    new_receipt,
    schema,
    to_bytes,
    write_schema,
)
from gateway.receipts.refused import WORDS, refusal

AT = datetime(2026, 3, 2, 16, 30, 5, 999_000, tzinfo=UTC)


def receipt(kind: Any = "collected", **change: Any) -> Receipt:
    """A receipt, with some members changed."""
    officer = "dfe-jo-smith" if kind in BY_OFFICER else None
    made = new_receipt(kind, "notifications-2026-03-02-01", "dfe", "a" * 64, "b" * 64, AT, officer)
    return Receipt.model_validate(made.model_dump() | change)


def test_the_form() -> None:
    """Canonical JSON, as docs/receipts.md shows it, and a line feed."""
    body = to_bytes(receipt(id="0" * 32))
    assert body == (
        b'{"agreement_hash":"' + b"b" * 64 + b'","at":"2026-03-02T16:30:05Z","digest":"'
        b"" + b"a" * 64 + b'","format":"gateway-receipt/1","head":null,"id":"' + b"0" * 32 + b'",'
        b'"kind":"collected","officer":null,"package":"notifications-2026-03-02-01",'
        b'"party":"dfe"}\n'
    )
    told = json.loads(body)
    plain = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"
    assert plain.encode() == body  # what a script with a standard library writes


@given(
    kind=st.sampled_from(KINDS),
    id_=st.text("0123456789abcdef", min_size=32, max_size=32),
    at=st.datetimes(timezones=st.just(UTC), min_value=datetime(1970, 1, 1)),
    head=st.none() | st.text(max_size=300),
)
def test_what_is_written_is_read(kind: Any, id_: str, at: datetime, head: str | None) -> None:
    """Any receipt comes back as it was."""
    made = receipt(kind, id=id_, at=at.replace(microsecond=0), head=head)
    assert from_bytes(to_bytes(made)) == made


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_a_moment_outside_the_calendar_is_refused(at: str) -> None:
    """Its day in UTC does not exist: a fault of who wrote it, not of who reads it."""
    body = to_bytes(receipt()).replace(b"2026-03-02T16:30:05Z", at.encode())
    with pytest.raises(ValueError, match="outside the calendar"):
        from_bytes(body)


@given(st.binary(max_size=400) | st.text(max_size=400).map(str.encode))
def test_anything_else_is_refused(content: bytes) -> None:
    """As a ValueError, whatever it is."""
    with pytest.raises(ValueError):
        from_bytes(content)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text + b"\n",
        lambda text: text.replace(b",", b", ", 1),
        lambda text: text.replace(b'{"', b'{"more":1,"', 1),
        lambda text: text.replace(b'{"', b'{"agreement_hash":"' + b"b" * 64 + b'","', 1),
        lambda text: text.replace(b"05Z", b"05.5Z"),
        lambda text: text.replace(b"05Z", b"05+00:00"),
        lambda text: text.replace(b"05Z", b"05"),
        lambda text: text.replace(b"a" * 64, b"A" * 64),
        lambda text: text.replace(b'"dfe"', b'"../dfe"'),
        lambda text: text.replace(b"receipt/1", b"receipt/2"),
        lambda text: text.replace(b'"collected"', b'"accepted"'),
        lambda text: text.replace(b'"officer":null', b'"officer":"dfe-jo-smith"'),
        lambda text: text.replace(b'"head":null', b'"head":{"root":"' + b"c" * 64 + b'"}'),
        lambda text: text.replace(b'"head":null', b'"head":"' + b"c" * 4097 + b'"'),
    ],
)
def test_anything_but_our_own_form_is_refused(change: Any) -> None:
    """So that what was signed is what is read."""
    body = to_bytes(receipt())
    assert change(body) != body
    with pytest.raises(ValueError):
        from_bytes(change(body))


def test_a_fault_quotes_nothing() -> None:
    """What was wrong is not repeated: it might be anything."""
    with pytest.raises(ValueError) as caught:
        from_bytes(to_bytes(receipt()).replace(b'"dfe"', b'"canary-7391/"'))
    assert "canary" not in str(caught.value)


def test_no_two_receipts_are_the_same() -> None:
    """Made in the same second for the same package, they still differ."""
    assert receipt().id != receipt().id


def test_the_published_schema_is_that_of_the_model(checkout: Path, tmp_path: Path) -> None:
    """After a change: ``write_schema(Path("schemas"))``."""
    write_schema(tmp_path)
    name = "receipt.schema.json"
    published = (checkout / "schemas" / name).read_text(encoding="utf-8")
    assert published == schema() == (tmp_path / name).read_text(encoding="utf-8")
    jsonschema.Draft202012Validator.check_schema(json.loads(published))
    validator = jsonschema.Draft202012Validator(json.loads(published))
    for kind in KINDS:
        validator.validate(json.loads(to_bytes(receipt(kind))))
    with pytest.raises(jsonschema.ValidationError):
        validator.validate(json.loads(to_bytes(receipt())) | {"more": 1})


def test_every_refusal_says_what_happened_and_what_to_do(checkout: Path) -> None:
    """In plain English, and on the page for recipients."""
    page = (checkout / "docs" / "receipts.md").read_text(encoding="utf-8")
    for code in WORDS:
        told = refusal(code)
        assert told.message.endswith(".") and told.hint.endswith(".")
        assert f"`{code}`" in page, code
    with pytest.raises(KeyError):
        refusal("receipt.no-such-code")
