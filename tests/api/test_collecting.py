"""Collecting: what is listed, fetched whole or in parts, opened, receipted; and what counts."""

import base64
import hashlib

import pytest
from at_the_api import Api
from receipting import ORDER

from gateway.receipts.receipt import to_bytes


def sha256(content: bytes) -> str:
    """In hex."""
    return hashlib.sha256(content).hexdigest()


def test_the_list_holds_the_partys_packages_of_the_tokens_flow(shared_api: Api) -> None:
    told = shared_api.get("/packages", shared_api.token())
    listed = told.json["packages"]
    assert [item["day"] for item in listed] == sorted(item["day"] for item in listed)
    assert {item["flow"] for item in listed} == {"notifications"}
    [package] = [item for item in listed if item["id"] == shared_api.package]
    assert package["day"] == "2026-03-02"
    assert package["protection"] == "openpgp+password"
    assert shared_api.get(f"/packages/{shared_api.package}", shared_api.token()).json == package
    other = shared_api.get("/packages", shared_api.token("ofsted", "scr-updates")).json["packages"]
    assert [item["id"] for item in other] == [shared_api.placed.other]


def test_what_is_fetched_is_what_lies_in_the_outbox(shared_api: Api) -> None:
    token, base = shared_api.token("panel"), f"/packages/{shared_api.placed.packages[2]}"
    outbox = shared_api.home.outbox_of("panel", "notifications")
    file = shared_api.get(base, token).json
    whole = shared_api.get(f"{base}/content", token)
    assert whole.body == (outbox / file["file"]).read_bytes()
    assert (sha256(whole.body), len(whole.body)) == (file["sha256"], file["size"])
    digest = base64.b64encode(bytes.fromhex(file["sha256"])).decode()
    assert whole.headers["repr-digest"] == f"sha-256=:{digest}:"
    assert whole.headers["content-disposition"] == f'attachment; filename="{file["file"]}"'
    assert whole.headers["cache-control"] == "no-store"
    assert whole.headers["x-content-type-options"] == "nosniff"
    assert whole.headers["server"] == "gateway"
    manifest = outbox / f"{shared_api.placed.packages[2]}.manifest.json"
    assert shared_api.get(f"{base}/manifest", token).body == manifest.read_bytes()
    signature = manifest.with_name(f"{manifest.name}.asc")
    assert shared_api.get(f"{base}/manifest.asc", token).body == signature.read_bytes()


def test_parts_of_the_file(shared_api: Api) -> None:
    token, path = shared_api.token("panel"), f"/packages/{shared_api.placed.packages[2]}/content"
    whole = shared_api.get(path, token)
    size, etag = len(whole.body), whole.headers["etag"]
    part = shared_api.get(path, token, Range="bytes=5-9")
    assert (part.status, part.body) == (206, whole.body[5:10])
    assert part.headers["content-range"] == f"bytes 5-9/{size}"
    assert shared_api.get(path, token, Range="bytes=-7").body == whole.body[-7:]
    rest = shared_api.get(path, token, Range=f"bytes={size - 3}-", If_Range=etag)
    assert (rest.status, rest.body) == (206, whole.body[-3:])
    for ignored in ("bytes=0-1,3-4", "lines=1-2", "bytes=9-5"):
        assert shared_api.get(path, token, Range=ignored).status == 200
    for condition in ('"other"', f"W/{etag}", "Mon, 02 Mar 2026 16:05:00 GMT"):
        assert shared_api.get(path, token, Range="bytes=5-9", If_Range=condition).status == 200
    beyond = shared_api.get(path, token, Range=f"bytes={size}-")
    assert (beyond.status, beyond.code) == (416, "range.outside")
    assert beyond.headers["content-range"] == f"bytes */{size}"
    other = shared_api.get(path, token, If_Match='"other"')
    assert (other.status, other.code) == (412, "package.other-bytes")


def test_only_the_whole_file_is_a_collection_and_once(shared_api: Api) -> None:
    api, package = shared_api, shared_api.placed.packages[1]
    token, base = api.token(), f"/packages/{package}"
    size = api.get(base, token).json["size"]

    def state(of: str = token) -> str:
        return str(api.get(base, of).json["state"])

    head = api.call("HEAD", f"{base}/content", token)
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(size))
    assert state() == "placed"
    api.get(f"{base}/content", token, Range=f"bytes=0-{size // 2}")
    second = api.fresh("dfe", "notifications", "collect")
    api.get(f"{base}/content", second, Range=f"bytes={size // 2}-")
    assert state() == "placed", "two halves of two principals are no collection"
    api.get(f"{base}/content", token, Range=f"bytes={size // 2}-")
    assert state() == "collected"
    assert state(api.token("panel")) == "placed"
    api.get(f"{base}/content", token)
    api.get(f"{base}/content", second)
    assert state(second) == "collected"
    kinds = api.receipts(package, "dfe")
    assert kinds == [("collected", "api")] * 2, "one for each collector, none twice"
    subject = f"delivery:{package}:dfe"
    recorded = [leaf for leaf in api.leaves("receipt.recorded") if leaf["subject"] == subject]
    assert [leaf["facts"]["kind"] for leaf in recorded] == ["collected"] * 2


def test_from_password_to_acceptance(shared_api: Api) -> None:
    api, recipients = shared_api, shared_api.recipients()
    token, base = api.token(), f"/packages/{api.package}"
    told = api.call("POST", f"{base}/password", token)
    assert (told.status, list(told.json)) == (200, ["password"])
    assert told.json["password"].encode() not in api.log.read_bytes()
    [released] = api.leaves("password.released")
    assert released["facts"] == {"package": api.package, "party": "dfe", "way": "api"}
    api.get(f"{base}/content", token)
    for kind in ORDER[1:]:
        made = recipients.receipt(kind)
        body = {
            "receipt": to_bytes(made).decode(),
            "signature": recipients.signed(made).decode(),
        }
        answer = api.call("POST", f"{base}/receipts", token, body)
        assert (answer.status, answer.json["state"]) == (201, kind)
        again = api.call("POST", f"{base}/receipts", token, body)
        assert (again.status, again.code) == (409, "receipt.replayed")
    package = api.get(base, token).json
    assert package["state"] == "accepted"
    assert package["collected_at"] <= package["opened_at"] <= package["acknowledged_at"]
    assert api.get("/status", token).json["packages"]["accepted"] == 1
    assert api.get("/checkpoint", token).body == api.home.checkpoint.read_bytes()


def test_receipts_that_are_not_taken(shared_api: Api) -> None:
    api, recipients = shared_api, shared_api.recipients()
    token, path = api.token("panel"), f"/packages/{api.package}/receipts"
    made = recipients.receipt("opened", "panel")
    good = {"receipt": to_bytes(made).decode(), "signature": recipients.signed(made).decode()}
    early = api.call("POST", path, token, good)
    assert (early.status, early.code) == (409, "receipt.out-of-order")
    api.get(f"/packages/{api.package}/content", token)
    forged = {**good, "signature": recipients.signed(made, by="dfe").decode()}
    wrong = api.call("POST", path, token, forged)
    assert (wrong.status, wrong.code) == (422, "receipt.wrong-key")
    nonsense = api.call("POST", path, token, {**good, "receipt": "{}"})
    assert (nonsense.status, nonsense.code) == (422, "receipt.malformed")
    refused = [leaf["facts"] for leaf in api.leaves("receipt.refused")]
    told = [facts["code"] for facts in refused if facts["party"] == "panel"]
    assert told == ["receipt.out-of-order", "receipt.wrong-key", "receipt.malformed"]
    elsewhere = made.model_copy(update={"package": "notifications-2026-03-03-01"})
    other = api.call("POST", path, token, {**good, "receipt": to_bytes(elsewhere).decode()})
    assert (other.status, other.code) == (422, "receipt.other-package")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"receipt": "x"}, 422, "body.invalid"),
        ({"receipt": "x", "signature": "y", "more": 1}, 422, "body.invalid"),
        ({"receipt": 5, "signature": []}, 422, "body.invalid"),
        ({"receipt": "x" * 70_000, "signature": "y"}, 413, "body.too-large"),
    ],
)
def test_bodies_of_receipts_without_sense(
    shared_api: Api, body: dict[str, object], status: int, code: str
) -> None:
    told = shared_api.call(
        "POST", f"/packages/{shared_api.package}/receipts", shared_api.token(), body
    )
    assert (told.status, told.code) == (status, code)


def test_a_body_that_is_no_json(shared_api: Api) -> None:
    path, token = f"/packages/{shared_api.package}/receipts", shared_api.token()
    plain = shared_api.call("POST", path, token, b"{}", Content_Type="text/plain")
    assert (plain.status, plain.code) == (415, "body.not-json")
    for torn in (b'{"receipt": "\xff', b'{"receipt": "\\ud800", "signature": "y"}'):
        told = shared_api.call("POST", path, token, torn, Content_Type="application/json")
        assert (told.status, told.code) == (422, "body.invalid")


def test_without_a_worker_packages_are_served_but_no_password(api: Api) -> None:
    assert api.get("/health").json == {"ok": True, "worker": "answers"}
    api.home.door.unlink()
    assert api.get("/health").json == {"ok": False, "worker": "absent"}
    token, base = api.token(), f"/packages/{api.package}"
    assert api.get(f"{base}/content", token).status == 200
    absent = api.call("POST", f"{base}/password", token)
    assert (absent.status, absent.code) == (503, "worker.absent")
    assert int(absent.headers["retry-after"]) > 0
