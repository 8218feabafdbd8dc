"""The administrator's pages of people: invite, grant, revoke, sign out, let go."""

from at_the_offices import Offices

from gateway.access import people as acts
from gateway.records import registers
from gateway.store import grants, people

ADMINISTRATOR = "administrator@ofsted"


def id_of(offices: Offices, email: str) -> str:
    """The id of whoever has that address."""
    with offices.parts.database.transaction() as tx:
        found = people.by_email(tx, email)
    assert found is not None
    return found.id


def granted(offices: Offices, person_id: str) -> list[str]:
    """The roles that somebody has now."""
    with offices.parts.database.transaction() as tx:
        return [row.role for row in grants.in_force(tx, person_id)]


def test_only_administrators_see_people_and_only_their_own(offices: Offices) -> None:
    theirs = id_of(offices, "approver-1@dfe.invalid")
    for who, status in ((ADMINISTRATOR, 200), ("approver-1@ofsted", 404), ("auditor@dfe", 404)):
        offices.enter(who)
        assert offices.get("/people").status_code == status
    offices.enter(ADMINISTRATOR)
    page = offices.get("/people").text
    assert "approver 1 of ofsted" in page
    assert "of dfe" not in page
    assert offices.get(f"/people/{theirs}").status_code == 404
    for act in ("grant", "revoke", "end-sessions", "again", "leave"):
        assert offices.post(f"/people/{theirs}/{act}", {"role": "sender"}).status_code == 404
    assert granted(offices, theirs) == ["approver"]


def test_somebody_is_invited_granted_revoked_and_let_go(offices: Offices) -> None:
    offices.enter(ADMINISTRATOR)
    form = {"name": "Robin Sample", "email": "robin@ofsted.invalid", "officer": ""}
    told = offices.post("/people/invite", form)
    assert told.status_code == 303
    robin = id_of(offices, "robin@ofsted.invalid")
    page = offices.get(told.location).text
    assert "/invitation/" in page, "no mail server is set, so that the link is shown"
    assert "/invitation/" not in offices.get(told.location).text, "this once"
    assert offices.post("/people/invite", form).status_code == 422, "known already"
    place = f"/people/{robin}"
    assert offices.post(f"{place}/grant", {}).status_code == 422
    given = {"role": "sender", "flow": "notifications"}
    assert offices.post(f"{place}/grant", given).status_code == 303
    assert "They have that grant already" in offices.post(f"{place}/grant", given).text
    assert granted(offices, robin) == ["sender"]
    with offices.parts.database.transaction() as tx:
        (row,) = grants.in_force(tx, robin)
    assert offices.post(f"{place}/revoke", {"grant": row.id}).status_code == 303
    assert offices.post(f"{place}/revoke", {"grant": row.id}).status_code == 404
    assert granted(offices, robin) == []
    assert "leave?" in offices.get(f"{place}/leave").text
    assert offices.post(f"{place}/leave").status_code == 303
    assert "Left" in offices.get(place).text
    facts = [leaf["facts"] for leaf in offices.work.leaves("person.left")]
    assert facts == [{"party": "ofsted"}]


def test_whose_training_does_not_count_is_named_and_may_do_nothing(offices: Offices) -> None:
    admin = offices.enter(ADMINISTRATOR)
    assert "Everybody’s training is on record." in offices.get("/people").text
    sender = id_of(offices, "sender@ofsted.invalid")
    with offices.parts.database.transaction() as tx:
        for row in registers.trained_people(tx):
            if row.person == "ofsted-officer-1":
                known = offices.parts.sealer, offices.parts.officers, row.entry_id
                last = "ofsted-officer-2", "It was somebody else.", offices.now
                registers.take(tx, *known, "mistaken", *last)
    page = offices.get("/people").text
    assert "1 person has no training on record that counts today: Rehearsal sender of ofsted." in (
        page
    )
    page = offices.get(f"/people/{sender}").text
    assert "they may do nothing here" in page
    assert "/registers/training/new?person=ofsted-officer-1" in page
    offices.enter("sender@ofsted")
    visitor = offices.at.people.who
    assert visitor is not None
    asked = {"op": "register-read", "entry": "foi-0", "party": "ofsted", "session": visitor.session}
    assert offices.at.site.ask(asked)["code"] == "session.training"
    assert offices.get("/send").status_code == 404
    assert 'for <span class="gateway-code">ofsted-officer-1</span>' in offices.get("/").text
    offices.at.people.who = admin
    assert offices.get("/people").status_code == 200


def test_nobody_grants_anything_to_themself(offices: Offices) -> None:
    me = offices.enter(ADMINISTRATOR)
    assert "Nobody grants anything to themself" in offices.get(f"/people/{me.id}").text
    told = offices.post(f"/people/{me.id}/grant", {"role": "approver", "flow": "*"})
    assert told.status_code == 422
    assert granted(offices, me.id) == ["administrator"]


def test_signing_out_and_inviting_anew(offices: Offices) -> None:
    offices.enter("sender@ofsted")
    sender = id_of(offices, "sender@ofsted.invalid")
    offices.enter(ADMINISTRATOR)
    assert "Sign them out everywhere" in offices.get(f"/people/{sender}").text
    assert offices.post(f"/people/{sender}/end-sessions").status_code == 303
    assert "Sign them out everywhere" not in offices.get(f"/people/{sender}").text
    assert offices.post(f"/people/{sender}/again").status_code == 303
    with offices.parts.database.transaction() as tx:
        assert acts.person_of(tx, sender).enrolled_at is None


def test_what_is_missing_in_an_invitation_is_said(offices: Offices) -> None:
    offices.enter(ADMINISTRATOR)
    told = offices.post("/people/invite", {})
    assert told.status_code == 422
    assert "Enter their name" in told.text and "Enter their e-mail address" in told.text
    odd = {"name": "X", "email": "no address", "officer": "dfe-officer-1"}
    assert "There is no such officer" in offices.post("/people/invite", odd).text
    assert "no e-mail address" in offices.post("/people/invite", odd | {"officer": ""}).text


def test_acts_about_people_take_a_new_proof(offices: Offices) -> None:
    offices.enter(ADMINISTRATOR, fresh=False)
    sender = id_of(offices, "sender@ofsted.invalid")
    assert offices.get("/people").status_code == 200
    sent = offices.get(f"/people/{sender}")
    assert sent.location == f"/sign-in/again?next=%2Fpeople%2F{sender}"
    sent = offices.post(f"/people/{sender}/leave")
    assert sent.location == f"/sign-in/again?next=%2Fpeople%2F{sender}%2Fleave"
    assert granted(offices, sender) != []
