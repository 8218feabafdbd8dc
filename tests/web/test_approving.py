"""Four eyes on the site: asking, approving, withdrawing; and what must not approve anything."""

import io

from at_the_offices import HELD_ROW, PACKAGE, Offices

ONE, OTHER, SENDER = "approver-1@ofsted", "approver-2@ofsted", "sender@ofsted"
THEIRS = "approver-1@dfe"


def approve(offices: Offices, request_id: str, who: str = ONE, fresh: bool = True) -> str:
    """Click; what the page says of it."""
    offices.enter(who, fresh)
    told = offices.post(f"/approvals/{request_id}/approve")
    if told.status_code == 303:
        return offices.get(told.location).text
    return told.text


def test_one_asks_two_approve_and_the_worker_does_it(offices: Offices) -> None:
    request_id = offices.recall()
    page = offices.get("/approvals").text
    assert "What you have asked for" in page
    assert "Nothing waits for your decision." in page
    offices.enter(ONE)
    assert "1 request waits for your decision." in offices.get("/approvals").text
    home = offices.get("/").text
    assert "Waiting for your decision" in home and f'href="/approvals/{request_id}"' in home
    shown = offices.get(f"/approvals/{request_id}").text
    assert "It went to the wrong day." in shown
    assert "Rehearsal" in shown and PACKAGE in shown
    assert "needs another" in approve(offices, request_id)
    assert "You have approved it" in offices.get(f"/approvals/{request_id}").text
    assert "Waiting for your decision" not in offices.get("/").text
    assert "has the approvals it needs" in approve(offices, request_id, OTHER)
    report = offices.tick()
    assert [(act.act, act.code) for act in report.acts] == [("recall", None)]
    assert offices.state(request_id) == "done"
    assert offices.get(f"/approvals/{request_id}").text.count(", on the site, ") == 2


def test_who_cannot_approve_by_the_page(offices: Offices) -> None:
    request_id = offices.recall()
    for who, words in (
        (SENDER, "You asked for it, and nobody approves their own request."),
        (THEIRS, "Page not found"),
        ("administrator@ofsted", "You are no approver."),
        ("auditor@dfe", "Page not found"),
    ):
        offices.enter(who)
        assert words in offices.get(f"/approvals/{request_id}").text.replace("&#39;", "'"), who
        assert offices.post(f"/approvals/{request_id}/approve").status_code == 404
    assert offices.state(request_id) == "open"


JUDGED = (
    (SENDER, {}, "session.grant"),
    (THEIRS, {}, "approval.not-your-party"),
    (THEIRS, {"party": "ofsted"}, "session.grant"),
    (ONE, {"fresh": False}, "session.stale"),
    (ONE, {"lapsed": True}, "session.expired"),
    ("administrator@ofsted", {}, "session.grant"),
    ("auditor@dfe", {"party": "ofsted"}, "session.grant"),
)


def test_the_worker_judges_it_whatever_the_site_has_found(offices: Offices) -> None:
    request_id = offices.recall()
    for who, how, code in JUDGED:
        more = {"party": how["party"]} if "party" in how else {}
        offices.enter(who, bool(how.get("fresh", True)), bool(how.get("lapsed")))
        answer = offices.ask(op="approve", request=request_id, **more)
        assert (answer["ok"], answer["code"]) == (False, code), (who, how)
    assert offices.state(request_id) == "open"
    assert len(offices.work.leaves("access.refused")) >= 5


def test_a_session_that_was_ended_approves_nothing(offices: Offices) -> None:
    request_id = offices.recall()
    offices.at.people.who = None
    assert offices.post(f"/approvals/{request_id}/approve").status_code == 303
    who = offices.enter(ONE)
    secret = who.session.replace(who.session[0], "x", 1) + "y"
    assert offices.ask(op="approve", request=request_id, session=secret)["code"] == (
        "session.unknown"
    )
    assert offices.state(request_id) == "open"


def test_nobody_approves_their_own_nor_twice(offices: Offices) -> None:
    request_id = offices.recall()
    approve(offices, request_id)
    assert "has approved the request already" in approve(offices, request_id)
    assert offices.state(request_id) == "open"


def test_who_has_not_just_proved_who_they_are_does_it_first(offices: Offices) -> None:
    request_id = offices.recall()
    offices.enter(ONE, fresh=False)
    assert "Prove again who you are" in offices.get(f"/approvals/{request_id}").text
    told = offices.post(f"/approvals/{request_id}/approve")
    assert told.location == f"/sign-in/again?next=%2Fapprovals%2F{request_id}"


def test_a_request_is_taken_back(offices: Offices) -> None:
    request_id = offices.recall()
    assert offices.post(f"/approvals/{request_id}/withdraw").status_code == 303
    assert offices.state(request_id) == "withdrawn"
    assert offices.post(f"/approvals/{request_id}/withdraw").status_code == 422, "once is enough"


def test_held_rows_are_released_without_being_shown(offices: Offices) -> None:
    ((drop,),) = offices.work.query("SELECT id FROM drops")
    offices.enter(SENDER)
    form = {"subject": drop, "rows": str(HELD_ROW), "codes": ["screen.name", "screen.value"]}
    told = offices.post("/approvals/new/release-held", form)
    assert told.status_code == 303, told.text
    request_id = told.location.rpartition("/")[2]
    page = offices.get(told.location).text
    assert "Quentin" not in page
    offices.enter(ONE)
    assert "You attest that you have looked" in offices.get(told.location).text
    approve(offices, request_id)
    approve(offices, request_id, OTHER)
    assert [act.code for act in offices.tick().acts] == [None]


WRONG = (
    ("recall", {}, "Enter the package"),
    ("recall", {"subject": PACKAGE}, "Enter the reason"),
    ("recall", {"subject": "nothing-1", "reason": "x"}, "There is no package of that id."),
    ("recall", {"subject": PACKAGE, "reason": "NHS 943 476 5919"}, "personal identifiers"),
    ("supersede", {"subject": PACKAGE, "reason": "x"}, "Enter the corrected drop"),
    ("release-held", {"subject": "d", "rows": "x"}, "Choose the findings"),
    ("release-held", {"subject": "d", "rows": "1", "codes": "screen.name"}, "There is no drop of"),
)


def test_what_is_wrong_with_a_request_is_said_beside_its_field(offices: Offices) -> None:
    offices.enter(SENDER)
    for act, fields, words in WRONG:
        told = offices.post(f"/approvals/new/{act}", fields)
        assert told.status_code == 422, (act, fields)
        assert "There is a problem" in told.text
        assert words in told.text


def test_the_form_is_filled_in_by_the_address(offices: Offices) -> None:
    offices.enter(SENDER)
    page = offices.get("/approvals/new/release-held?subject=d-1&rows=7&codes=screen.name").text
    assert 'value="d-1"' in page and 'value="7"' in page
    assert page.count(" checked") == 1


def test_which_acts_are_offered_to_whom(offices: Offices) -> None:
    for who, offered in (
        (SENDER, {"recall", "supersede", "release-held"}),
        (ONE, {"end-hold", "change-keys"}),
        ("administrator@dfe", {"end-hold", "change-keys"}),
    ):
        offices.enter(who)
        page = offices.get("/approvals/new").text
        every = {"recall", "supersede", "release-held", "end-hold", "change-keys"}
        assert {act for act in every if f'value="{act}"' in page} == offered
        for act in every - offered:
            assert offices.get(f"/approvals/new/{act}").status_code == 404
    assert offices.get("/approvals/new?chosen=1").status_code == 422
    assert offices.get("/approvals/new?chosen=1&act=end-hold").status_code == 303


def test_what_touches_the_evidence_takes_a_key_of_each_party(offices: Offices) -> None:
    ((hold,),) = offices.work.query("SELECT id FROM holds")
    offices.enter(OTHER)
    told = offices.post("/approvals/new/end-hold", {"subject": hold, "reason": "It is over."})
    assert told.status_code == 303, told.text
    request_id = told.location.rpartition("/")[2]
    for who, officer in ((ONE, "ofsted-officer-2"), (THEIRS, "dfe-officer-2")):
        offices.enter(who)
        page = offices.get(told.location).text
        assert "Approve it here" not in page
        assert "gpg --armor --detach-sign" in page
        refused = offices.post(f"/approvals/{request_id}/approve")
        assert "takes the signature of each approver" in refused.text
        said = offices.get(f"/approvals/{request_id}/statement")
        assert said.headers["Content-Disposition"].startswith("attachment")
        empty = offices.post(f"/approvals/{request_id}/sign")
        assert "Choose the file with your signature" in empty.text
        strange = {"signature": (io.BytesIO(b"no signature"), "it.asc")}
        assert offices.post(f"/approvals/{request_id}/sign", strange).status_code == 422
        signed = {"signature": (io.BytesIO(offices.signed(request_id, officer)), "it.asc")}
        assert offices.post(f"/approvals/{request_id}/sign", signed).status_code == 303
    assert offices.state(request_id) == "approved"
    assert [act.code for act in offices.tick().acts] == [None]


def test_another_party_sees_nothing_of_a_request_that_is_not_theirs(offices: Offices) -> None:
    request_id = offices.recall()
    offices.enter(THEIRS)
    assert request_id not in offices.get("/approvals").text
    assert offices.get(f"/approvals/{request_id}").status_code == 404
    answer = offices.ask(op="request-words", request=request_id)
    assert answer["code"] == "request.unknown"


def test_rows_written_by_hand_are_not_carried_out(offices: Offices) -> None:
    request_id = offices.recall()
    approve(offices, request_id)
    with offices.parts.database.transaction() as tx:
        tx.exec_driver_sql(
            "INSERT INTO approvals (request_id, officer, fingerprint, signature, at, statement) "
            "SELECT request_id, 'ofsted-officer-3', 'site:p-0', signature, at, statement "
            "FROM approvals"
        )
        tx.exec_driver_sql("UPDATE requests SET state = 'approved'")
    assert [act.code for act in offices.tick().acts] == ["approval.not-proven"]
    assert offices.state(request_id) == "failed"
