"""The manifests: canonical, adding up, with the schemas that are published, and no cell's value."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest
from pydantic import ValidationError

from gateway.dispatch.manifest import (
    KIND_WORDS,
    SUFFIXES,
    Certificate,
    Counts,
    DropAccount,
    DroppedColumns,
    InnerManifest,
    Kind,
    OuterManifest,
    inner_from_bytes,
    manifest_file,
    outer_from_bytes,
    package_file,
    schemas,
    to_bytes,
    write_schemas,
)

COUNTS = {
    "rows": 7, "accepted": 4, "held": 1, "repeats": 2, "left_out": 1, "sent": 3, "new": 2,
    "updates": 1,
}  # fmt: skip
DROP: dict[str, Any] = {
    "drop": "d1",
    "received_at": datetime(2017, 5, 2, 10, 30, tzinfo=timezone(timedelta(hours=1))),
    "original_sha256": "1" * 64,
    "sealed_sha256": "2" * 64,
    "rows": 7,
    "accepted": 4,
    "held": 1,
    "repeats": 2,
}


def certificate(**changes: Any) -> Certificate:
    given: dict[str, Any] = {
        "agreement": "ofsted-dfe",
        "agreement_version": "1.0",
        "agreement_hash": "a" * 64,
        "columns_sent": ("Reference number", "Age"),
        "columns_dropped": ("Postcode", "Shoe size"),
        "columns_missing": (),
        "drops": (DropAccount(**DROP),),
        "counts": Counts(**COUNTS),
    }
    return Certificate(**given | changes)


def inner(**changes: Any) -> InnerManifest:
    given: dict[str, Any] = {
        "package": "notifications-2017-05-02-01",
        "flow": "notifications",
        "kind": "data",
        "window_day": date(2017, 5, 2),
        "due_at": datetime(2017, 5, 2, 15, 0, tzinfo=UTC),
        "made_at": datetime(2017, 5, 2, 15, 0, 1, tzinfo=UTC),
        "covers": (date(2017, 4, 28),),
        "sender": "ofsted",
        "recipients": ("dfe", "panel"),
        "marking": "OFFICIAL-SENSITIVE",
        "rehearsal": False,
        "supersedes": None,
        "files": {"data.xlsx": "b" * 64},
        "updates": (3,),
        "certificate": certificate(),
    }
    return InnerManifest(**given | changes)


def outer(**changes: Any) -> OuterManifest:
    given: dict[str, Any] = {
        "package": "notifications-2017-05-02-01",
        "flow": "notifications",
        "kind": "data",
        "window_day": date(2017, 5, 2),
        "covers": (),
        "agreement": "ofsted-dfe",
        "agreement_version": "1.0",
        "agreement_hash": "a" * 64,
        "sender": "ofsted",
        "recipient": "dfe",
        "protection": "openpgp+password",
        "file": "notifications-2017-05-02-01.zip.gpg",
        "size": 12_345,
        "delivery_sha256": "c" * 64,
        "zip_sha256": "d" * 64,
        "columns_sent": ("Reference number", "Age"),
        "columns_dropped": DroppedColumns(listed=("Postcode",), others=1),
        "counts": Counts(**COUNTS),
        "marking": "OFFICIAL-SENSITIVE",
        "rehearsal": True,
        "signed_by": "0123456789ABCDEF0123456789ABCDEF01234567",
    }
    return OuterManifest(**given | changes)


def test_manifests_are_canonical_json_and_come_back() -> None:
    """Sorted keys, no spaces, times in UTC, one line feed at the end."""
    text = to_bytes(inner())
    assert text.endswith(b"}\n")
    assert text.count(b"\n") == 1
    plain = json.loads(text)
    assert list(plain) == sorted(plain)
    assert plain["due_at"] == "2017-05-02T15:00:00Z"
    assert plain["certificate"]["drops"][0]["received_at"] == "2017-05-02T09:30:00Z"
    assert inner_from_bytes(text) == inner()
    assert outer_from_bytes(to_bytes(outer())) == outer()


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text + b"\n",
        lambda text: text.replace(b",", b", ", 1),
        lambda text: text.replace(b'{"', b'{"more":1,"', 1),
        lambda text: text.replace(b"2017-05-02", b"2017-05-32"),
        lambda text: text.replace(b'"held":1', b'"held":2'),
        lambda text: text[:-20],
        lambda _: b"",
        lambda _: b"\xff\xfe",
        lambda _: b"[]\n",
    ],
)
def test_anything_but_our_own_form_is_refused(change: Any) -> None:
    """So that what was signed is what is read."""
    with pytest.raises(ValueError):
        inner_from_bytes(change(to_bytes(inner())))
    with pytest.raises(ValueError):
        outer_from_bytes(change(to_bytes(outer())))


def test_a_moment_outside_the_calendar_is_refused() -> None:
    """Its day in UTC does not exist: a fault of who wrote it, not of who reads it."""
    body = to_bytes(inner()).replace(b"2017-05-02T15:00:00Z", b"0001-01-01T00:00:00+23:59")
    with pytest.raises(ValueError, match="outside the calendar"):
        inner_from_bytes(body)


def test_one_manifest_is_not_the_other() -> None:
    """Nor is one taken for the other."""
    with pytest.raises(ValueError):
        inner_from_bytes(to_bytes(outer()))
    with pytest.raises(ValueError):
        outer_from_bytes(to_bytes(inner()))


@pytest.mark.parametrize("name", ["rows", "accepted", "held", "repeats", "left_out", "sent", "new"])
def test_counts_must_add_up(name: str) -> None:
    """One row more or less anywhere is refused."""
    with pytest.raises(ValueError, match=r"rows|accepted"):
        Counts(**COUNTS | {name: COUNTS[name] + 1})


def test_the_certificate_must_add_up() -> None:
    """Each drop in itself, all drops with the counts, the updates with their number, the kind."""
    with pytest.raises(ValueError, match="rows of a drop"):
        DropAccount(**DROP | {"rows": 8})
    with pytest.raises(ValueError, match="those of its drops together"):
        certificate(drops=())
    with pytest.raises(ValueError, match="as many rows as are counted"):
        inner(updates=())
    with pytest.raises(ValueError, match="kind data"):
        inner(kind="rows-held")


@pytest.mark.parametrize(
    "changes",
    [
        {"file": "notifications-2017-05-03-01.zip.gpg"},
        {"protection": "password"},
        {"zip_sha256": None},
        {"protection": "excel-password", "file": "notifications-2017-05-02-01.xlsx"},
        {"signed_by": "0123"},
        {"package": "../../etc-2017-05-02-01"},
        {"recipient": "../dfe"},
        {"size": -1},
    ],
)
def test_an_outer_manifest_that_contradicts_itself_is_refused(changes: dict[str, Any]) -> None:
    """Names follow from the package and its protection."""
    with pytest.raises(ValidationError):
        outer(**changes)


def test_a_fault_quotes_nothing() -> None:
    """What was wrong is not repeated: it might be anything."""
    with pytest.raises(ValidationError) as caught:
        outer(marking=["canary-7391"])
    assert "canary-7391" not in str(caught.value)
    with pytest.raises(ValidationError) as caught:
        certificate(columns_dropped=("canary-7391", 5))
    assert "canary-7391" not in str(caught.value)


def test_every_kind_has_words_and_only_one_is_a_nil_return() -> None:
    """The three truths of design §5.1 are told apart."""
    assert set(KIND_WORDS) == set(get_args(Kind))
    called_nil = {k for k, words in KIND_WORDS.items() if words.startswith("Nil return")}
    assert called_nil == {"nil-declared"}
    for kind in ("nothing-received", "rows-held"):
        assert KIND_WORDS[kind].endswith("This is not a nil return.")  # type: ignore[index]


def test_file_names_follow_the_package() -> None:
    """As design §7 has them."""
    names = [package_file("scr-updates-2017-05-05-01", protection) for protection in SUFFIXES]
    assert names == [
        "scr-updates-2017-05-05-01.zip.gpg",
        "scr-updates-2017-05-05-01.zip",
        "scr-updates-2017-05-05-01.xlsx",
    ]
    assert manifest_file("x-2017-05-05-01") == "x-2017-05-05-01.manifest.json"


def test_the_published_schemas_are_those_of_the_models(checkout: Path, tmp_path: Path) -> None:
    """After a change: ``write_schemas(Path("schemas"))``."""
    write_schemas(tmp_path)
    for name, text in schemas().items():
        assert (checkout / "schemas" / name).read_text(encoding="utf-8") == text, name
        assert (tmp_path / name).read_text(encoding="utf-8") == text


def test_manifests_fit_the_published_schemas(checkout: Path) -> None:
    """As another program would check them."""
    for name, text in (
        ("manifest-inner.schema.json", to_bytes(inner())),
        ("manifest-outer.schema.json", to_bytes(outer())),
    ):
        schema = json.loads((checkout / "schemas" / name).read_text(encoding="utf-8"))
        jsonschema.Draft202012Validator.check_schema(schema)
        validator = jsonschema.Draft202012Validator(schema)
        validator.validate(json.loads(text))
        with pytest.raises(jsonschema.ValidationError):
            validator.validate(json.loads(text) | {"more": 1})
