"""The tree a party sees, uploads piece by piece, and no operation of the library left in."""

import asyncssh
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rehearsing import CONFIG

from gateway.agreement.load import load_agreements
from gateway.bootstrap import by_flow, open_face
from gateway.sftp.session import Session
from gateway.sftp.tree import NoSuchPath, Place, Tree, canonical
from gateway.sftp.uploads import RECEIPT_BYTES, UploadRefused, Uploads

AGREED = by_flow(load_agreements(CONFIG))
DFE = Tree.of("dfe", AGREED)
PIECES = st.sampled_from(
    [
        b"outbox",
        b"inbox",
        b"notifications",
        b"scr-updates",
        b"reports",
        b"receipts",
        b"..",
        b".",
        b"",
    ]
)
PATHS = st.lists(PIECES | st.binary(max_size=8), max_size=6).map(b"/".join)


@given(PATHS)
def test_every_path_is_a_place_of_the_tree_or_nothing(path):
    assert canonical(path).startswith(b"/")
    assert b".." not in canonical(path).split(b"/")
    try:
        place = DFE.place(path)
    except NoSuchPath:
        return
    assert place.side in ("", "outbox", "inbox")
    assert place.shelf in ("", *(DFE.outbox if place.side == "outbox" else DFE.inbox))
    assert "/" not in place.name
    assert place.name not in (".", "..")
    assert DFE.place(place.path.encode()) == place


def test_each_party_has_its_own():
    assert Tree.of("dfe", AGREED) == Tree(("notifications", "reports"), ("scr-updates", "receipts"))
    assert Tree.of("panel", AGREED) == Tree(("notifications", "reports"), ("receipts",))
    assert Tree.of("nobody", AGREED) == Tree(("reports",), ("receipts",))
    for path in (b"/outbox/scr-updates", b"/inbox/notifications/x", b"/keys", b"/outbox/a/b/c"):
        with pytest.raises(NoSuchPath):
            DFE.place(path)
    for path in (b"/outbox/notifications/\xff", b"/inbox/receipts/a\nb", b"/inbox/receipts/a\0"):
        with pytest.raises(NoSuchPath):
            DFE.place(path)


def test_no_operation_of_the_library_is_left_in():
    theirs = {name for name in vars(asyncssh.SFTPServer) if not name.startswith("_")}
    harmless = {"channel", "connection", "env", "logger", "convert_attrs"}
    left = {name for name in theirs if getattr(Session, name) is getattr(asyncssh.SFTPServer, name)}
    assert left - harmless == set()


@pytest.fixture
def uploads(work):
    """The uploads of a session of dfe."""
    with open_face(work.home) as parts:
        yield Uploads(parts, "dfe")


def lying(work):
    """Every file in the inboxes, hidden ones as well."""
    found = [path for path in work.home.inbox.rglob("*") if path.is_file()]
    return [path for path in found if path.name != ".gitkeep"]


WEEK = Place("inbox", "scr-updates", "week.csv")
PART = Place("inbox", "scr-updates", "week.csv.part")
RECEIPT = Place("inbox", "receipts", "a.receipt.json")


def test_pieces_in_any_order_make_a_whole_and_a_gap_does_not(uploads, work):
    upload = uploads.begin(WEEK)
    upload.write(2, b"cd")
    upload.write(0, b"ab")
    uploads.finish(upload, by_client=True)
    (given_,) = lying(work)
    assert given_.read_bytes() == b"abcd"
    assert uploads.known(WEEK) is not None
    gapped = uploads.begin(WEEK)
    gapped.write(3, b"x")
    with pytest.raises(UploadRefused, match="never written"):
        uploads.finish(gapped, by_client=True)
    assert lying(work) == [given_]


def test_too_large_is_refused_while_it_comes_and_gone_at_once(uploads, work):
    upload = uploads.begin(RECEIPT)
    upload.write(0, b"x" * RECEIPT_BYTES)
    for _ in range(2):
        with pytest.raises(UploadRefused, match="at most 65536 bytes"):
            upload.write(RECEIPT_BYTES, b"x")
    assert lying(work) == []
    with pytest.raises(UploadRefused, match="at most"):
        uploads.finish(upload, by_client=True)


def test_a_lost_connection_leaves_nothing(uploads, work):
    upload = uploads.begin(WEEK)
    upload.write(0, b"whole?")
    uploads.finish(upload, by_client=False)
    held = uploads.begin(PART)
    uploads.finish(held, by_client=True)
    assert len(lying(work)) == 1
    uploads.end()
    assert lying(work) == []


def test_only_what_is_held_is_renamed_and_only_within_its_folder(uploads, work):
    held = uploads.begin(PART)
    held.write(0, b"x")
    uploads.finish(held, by_client=True)
    for new in (Place("inbox", "receipts", "week.csv"), Place("outbox", "scr-updates", "week.csv")):
        with pytest.raises(UploadRefused):
            uploads.rename(PART, new)
    with pytest.raises(UploadRefused):
        uploads.rename(WEEK, PART)
    uploads.rename(PART, WEEK)
    assert len(lying(work)) == 1
    for done in (lambda: uploads.rename(WEEK, PART), lambda: uploads.remove(WEEK)):
        with pytest.raises(UploadRefused):
            done()
    many = [uploads.begin(Place("inbox", "scr-updates", f"{n}.part")) for n in range(200)]
    with pytest.raises(UploadRefused, match="Too many"):
        uploads.begin(WEEK)
    for upload in many:
        uploads.finish(upload, by_client=False)
