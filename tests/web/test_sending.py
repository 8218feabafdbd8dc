"""The sender's pages: what they show to whom, and what they take."""

import csv
import io
import json
import re

import pytest
import sqlalchemy as sa
from rehearsing import NOTIFICATIONS, clean_row, csv_of
from senders import (
    ASKED,
    HELD,
    HOSTILE,
    OURS,
    PACKAGE,
    PHONE,
    RECIPIENT,
    SENDER,
    Senders,
)
from signing_in import TOKEN

from gateway.agreement.template import template
from gateway.engine.door import ask
from gateway.intake.report import CSV_HEADINGS
from gateway.intake.reported import Line
from gateway.store import drops, packages
from gateway.web.sending import history, results
from gateway.web.sending.findings import csv_blocks

PAGES = (
    f"{OURS}/send",
    f"{OURS}/drops",
    f"{OURS}/sent",
    f"{OURS}/sent/{PACKAGE}",
    f"{OURS}/template.xlsx",
    "{drop}",
    "{drop}/held",
    "{drop}/columns",
    "{drop}/findings.csv",
    "{drop}/withdraw",
    "{query}",
)


def every_page(senders: Senders) -> list[str]:
    """The addresses of all pages of the flow."""
    return [page.format(drop=senders.drop, query=senders.query) for page in PAGES]


def plain(html: str) -> str:
    """The words of a page's main part, without its marks."""
    main = html.split('id="main-content"', 1)[-1].split("</main>", 1)[0]
    return " ".join(re.sub(r"<[^>]+>", " ", main).split())


# --- today ----------------------------------------------------------------------------------------


def test_the_home_page_begins_with_what_must_be_done(onlooker: Senders) -> None:
    told = plain(onlooker.sender.get("/").text)
    assert "Correct 3 rows of 2 March 2026, 10:00" in told
    assert f"Answer the query about {PACKAGE} from Department for Education" in told
    assert "At the next window, 2 March 2026, 16:00: 2 rows; 3 rows are held" in told
    assert "Send the extract" not in told, "one is there"
    assert told.index("Correct 3 rows") < told.index("What is exchanged")


def test_a_drop_that_is_owed_comes_first_and_is_late_after_the_cut_off(senders: Senders) -> None:
    senders.sender.post(f"{senders.drop}/withdraw")
    told = plain(senders.sender.get("/").text)
    assert "Send the extract , or the headings alone" in told
    assert "It is due by 2 March 2026, 14:00" in told
    senders.doorway.later(hours=4, minutes=10)
    senders.sender.sign_in()
    assert "Overdue: Send the extract" in plain(senders.sender.get(f"{OURS}/send").text)


def test_the_start_leads_to_the_only_flow(onlooker: Senders) -> None:
    assert onlooker.sender.get("/send").location == f"{OURS}/send"


# --- sending --------------------------------------------------------------------------------------


def test_a_file_is_sent_waited_for_and_judged(senders: Senders) -> None:
    wait = senders.send(csv_of([clean_row(21), clean_row(22)]))
    assert wait.status_code == 303
    assert len(senders.inbox()) == 1
    page = senders.sender.get(wait.location)
    assert (page.status_code, "Your file is being checked" in page.text) == (200, True)
    assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in page.text
    senders.tick()
    result = senders.sender.get(senders.sender.get(wait.location).location)
    told = plain(result.text)
    assert "Your file was accepted 2 rows will go at 2 March 2026, 16:00" in told
    assert "Findings" in told
    assert senders.inbox() == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (csv_of([]), "Your nil return was accepted"),
        (csv_of([clean_row(1), clean_row(2)]), "This very file was sent before"),
        (csv_of([clean_row(2), clean_row(1)]), "Every row was sent before and has not changed"),
        (csv_of([clean_row(9, gender="Purple")]), "1 row was held back No row will go."),
        (b"no,headings\nat,all\n", "Nothing of your file was taken"),
    ],
)
def test_each_outcome_says_what_it_means(senders: Senders, content: bytes, words: str) -> None:
    wait = senders.send(content).location
    senders.tick()
    told = plain(senders.sender.get(senders.sender.get(wait).location).text)
    assert words in told


def test_a_file_sent_twice_is_taken_once(senders: Senders) -> None:
    content = csv_of([clean_row(31)])
    token = TOKEN.search(senders.sender.get(f"{OURS}/send").text)
    assert token
    fields = {"csrf_token": token[1]}
    waits = [
        senders.sender.client.post(
            f"{OURS}/send", data={**fields, "file": (io.BytesIO(content), "a.csv")}
        ).location
        for _ in range(2)
    ]
    senders.tick()
    first, second = (senders.sender.get(wait).location for wait in waits)
    assert first == second
    assert "1 row will go" in plain(senders.sender.get(first).text)
    assert senders.work.states().count("duplicate") == 1
    assert "3 rows of 2 drops" in plain(senders.sender.get(f"{OURS}/send").text)


@pytest.mark.parametrize(
    "name", ["../../../etc/cron.d/x", "a/b\\c.csv", HOSTILE, "naïve\u202e.csv", "x" * 4000]
)
def test_hostile_file_names_are_never_used(senders: Senders, name: str) -> None:
    content = csv_of([clean_row(41)])
    wait = senders.send(content, name)
    assert wait.status_code == 303
    [lying] = senders.inbox()
    assert re.fullmatch(r"web-[0-9a-f]{32}", lying)
    senders.tick()
    page = senders.sender.get(senders.sender.get(wait.location).location).text
    assert HOSTILE not in page
    assert "cron" not in page


def test_hostile_headings_are_escaped_and_only_shown_where_asked_for(onlooker: Senders) -> None:
    result = onlooker.sender.get(onlooker.drop).text
    assert "3 dropped" in plain(result)
    assert "Child&#39;s full name" in result
    assert "alert(1)" not in result
    columns = onlooker.sender.get(f"{onlooker.drop}/columns").text
    assert HOSTILE not in columns
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in columns


# --- what is not taken ----------------------------------------------------------------------------


@pytest.mark.parametrize("token", [None, "", "forged"])
def test_a_form_without_its_token_leaves_nothing(senders: Senders, token: str | None) -> None:
    fields = {} if token is None else {"csrf_token": token}
    answer = senders.sender.client.post(
        f"{OURS}/send", data={**fields, "file": (io.BytesIO(b"a,b\n"), "a.csv")}
    )
    assert (answer.status_code, senders.inbox()) == (400, [])


def test_no_file_and_an_empty_one_are_told_on_the_form(senders: Senders) -> None:
    answer = senders.send(b"", "")
    assert answer.status_code == 422
    assert "Error: Send an extract" in answer.text
    assert answer.text.count("Choose a file that is not empty") == 2
    assert senders.inbox() == []


def test_two_gigabytes_are_refused_before_they_come(senders: Senders) -> None:
    token = TOKEN.search(senders.sender.get(f"{OURS}/send").text)
    assert token
    field = f'--b\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n{token[1]}\r\n'
    start = f'{field}--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    answer = senders.sender.client.post(
        f"{OURS}/send",
        input_stream=io.BytesIO(start.encode() + bytes(64 * 1024)),
        content_type="multipart/form-data; boundary=b",
        environ_overrides={"CONTENT_LENGTH": str(2 * 1024**3)},
    )
    assert answer.status_code == 413, plain(answer.text)
    assert "The file must be smaller than 512 MB" in answer.text
    assert senders.inbox() == []


def test_an_upload_that_stops_half_way_leaves_nothing(senders: Senders) -> None:
    token = TOKEN.search(senders.sender.get(f"{OURS}/send").text)
    assert token
    field = f'--b\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n{token[1]}\r\n'
    start = f'{field}--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\na,b'
    answer = senders.sender.client.post(
        f"{OURS}/send", data=start.encode(), content_type="multipart/form-data; boundary=b"
    )
    assert answer.status_code == 400
    assert "did not arrive whole" in answer.text
    assert senders.inbox() == []


@pytest.mark.parametrize("sha256", ["a" * 63, "A" * 64, "x" * 64, "..%2f..%2fetc"])
def test_an_address_that_nobody_was_led_to_is_not_there(onlooker: Senders, sha256: str) -> None:
    assert onlooker.sender.get(f"{OURS}/drops/arriving/0/{sha256}").status_code == 404


def test_waiting_without_a_worker_says_so(senders: Senders) -> None:
    wait = senders.send(csv_of([clean_row(51)])).location
    senders.work.home.door.unlink()
    assert "does not answer now" in plain(senders.sender.get(wait).text)
    assert "Not to be shown now" in plain(senders.sender.get(senders.drop).text)


# --- the result -----------------------------------------------------------------------------------


def test_the_result_shows_counts_and_findings_by_rule(onlooker: Senders) -> None:
    told = plain(onlooker.sender.get(onlooker.drop).text)
    assert "3 rows were held back 2 rows will go at 2 March 2026, 16:00" in told
    assert "Rows 5 Accepted 2 Held 3" in told
    assert "Gender holds a value that is not in the agreed list." in told
    assert "Rows 3, 5 What to do Use a label or code of the list." in told
    assert told.index("code.unknown") < told.index("file.columns-dropped"), "errors first"


def test_no_page_quotes_a_cell(onlooker: Senders) -> None:
    secrets = ("Purple", PHONE, "07700", "Quentin", "SCN000012", "A.B.")
    for page in every_page(onlooker):
        if page.endswith(".xlsx"):
            continue
        shown = onlooker.sender.get(page).text
        assert [secret for secret in secrets if secret in shown] == [], page


def test_held_rows_are_named_by_number_and_rule_with_the_way_to_release(onlooker: Senders) -> None:
    page = onlooker.sender.get(f"{onlooker.drop}/held").text
    assert re.findall(r'table__header">(\d+)</th>', page) == ["3", "4", "5"]
    links = re.findall(r'href="(/approvals/new/[^"]+)"', page)
    assert len(links) == 1, "row 4 alone has only what officers may attest to"
    asked = f"subject={onlooker.before.drop}&amp;rows=4&amp;codes=screen.phone"
    assert links[0] == f"/approvals/new/release-held?{asked}"


def test_held_rows_are_paged(onlooker: Senders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "ROWS_A_PAGE", 1)
    first = onlooker.sender.get(f"{onlooker.drop}/held").text
    assert f"{onlooker.drop}/held?after=3" in first
    last = onlooker.sender.get(f"{onlooker.drop}/held?after=4").text
    assert re.findall(r'table__header">(\d+)</th>', last) == ["5"]
    assert "More" not in plain(last)


def test_findings_are_downloaded_as_a_file(onlooker: Senders) -> None:
    answer = onlooker.sender.get(f"{onlooker.drop}/findings.csv")
    name = f"findings-notifications-{onlooker.before.drop}.csv"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert tuple(rows[0]) == CSV_HEADINGS
    assert sorted(row[2] for row in rows[1:]) == ["", "3", "4", "5", "5"]


def test_no_cell_of_the_download_is_a_formula() -> None:
    lines = [Line("error", "code.unknown", 2, start + "1+1", "said", "do") for start in "=+-@\t"]
    text = "".join(csv_blocks(lines))
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
    assert [row[3] for row in rows[1:]] == [f"'{start}1+1" for start in "=+-@\t"]


def test_a_report_that_is_gone_leaves_the_counts(senders: Senders) -> None:
    for path in senders.work.home.reports_of("ofsted").iterdir():
        path.unlink()
    told = plain(senders.sender.get(senders.drop).text)
    assert "no longer lies in the outbox" in told
    assert "code.unknown : 2" in told
    for page in ("held", "findings.csv"):
        answer = senders.sender.get(f"{senders.drop}/{page}")
        assert answer.status_code == 404
        assert "no longer lies in the outbox" in answer.text


def test_the_template_is_the_agreement_s(onlooker: Senders) -> None:
    answer = onlooker.sender.get(f"{OURS}/template.xlsx")
    book = onlooker.parts.agreed[NOTIFICATIONS].rule_book(NOTIFICATIONS)
    assert answer.data == template(book)
    assert "attachment" in answer.headers["Content-Disposition"]


# --- before the window ----------------------------------------------------------------------------


def test_a_drop_is_withdrawn_once(senders: Senders) -> None:
    page = f"{senders.drop}/withdraw"
    assert "2 rows would go" in plain(senders.sender.get(page).text)
    done = senders.sender.post(page)
    assert (done.status_code, done.location) == (303, senders.drop)
    assert "The drop is withdrawn" in plain(senders.sender.get(senders.drop).text)
    again = senders.sender.post(page, page="/account")
    assert again.status_code == 409
    assert "it no longer waits for its window" in plain(again.text)
    assert senders.sender.get(page).location == senders.drop
    assert len(senders.work.leaves("drop.withdrawn")) == 1


def test_a_newer_drop_stands_for_an_earlier_one(senders: Senders) -> None:
    corrected = [row | {"Gender": "Male", "Case information": "Seen."} for row in HELD]
    newer = senders.sent(corrected)
    home = plain(senders.sender.get("/").text)
    assert "Look after 3 rows held back from 2 March 2026, 10:00 , unless" in home
    none = senders.sender.post(f"{newer}/replace")
    assert none.status_code == 422
    assert "Choose the drop that this one stands for" in none.text
    done = senders.sender.post(f"{newer}/replace", {"older": senders.before.drop})
    assert done.location == newer
    assert "Look after" not in plain(senders.sender.get("/").text)
    assert "Another drop stands for this one" in senders.sender.get(senders.drop).text
    assert senders.sender.get(f"{newer}/replace").status_code == 404, "none is left"
    assert "5 rows" in plain(senders.sender.get(f"{OURS}/send").text)


def test_nothing_is_replaced_by_an_older_drop_or_by_itself(senders: Senders) -> None:
    newer = senders.sent([clean_row(61)])
    for named in (
        newer.rpartition("/")[2],
        senders.before.drop,
        "20260302-000000000000",
        "x" * 500,
    ):
        answer = senders.sender.post(f"{senders.drop}/replace", {"older": named}, page="/account")
        assert answer.status_code == 422, named
    assert "replaced" not in senders.work.states()


# --- what was sent --------------------------------------------------------------------------------


def test_packages_show_with_their_recipients_steps(onlooker: Senders) -> None:
    told = plain(onlooker.sender.get(f"{OURS}/sent").text)
    assert "27 February 2026" in told
    assert "Opened Placed" in told, "by the DfE; not yet by the panel"
    package = plain(onlooker.sender.get(f"{OURS}/sent/{PACKAGE}").text)
    assert "Answer the query below." in package
    assert "Drops that went in it 27 February 2026, 16:05" in package


def test_a_query_is_read_and_answered_over_the_door(senders: Senders) -> None:
    page = senders.sender.get(senders.query)
    assert ASKED not in page.text
    assert "&lt;b&gt;two&lt;/b&gt;" in page.text
    assert "the row with reference SCN000001 , the column Gender" in plain(page.text)
    wrong = senders.sender.post(senders.query, {"text": "Ring 07700 900123"})
    assert wrong.status_code == 422
    assert "looks like personal identifiers" in plain(wrong.text)
    assert "Ring 07700 900123" in wrong.text, "what was typed is not lost"
    fields = {"text": "It was wrong; the drop corrects it.", "drop": senders.before.drop}
    done = senders.sender.post(senders.query, fields)
    assert (done.status_code, done.location) == (303, senders.query)
    told = plain(senders.sender.get(senders.query).text)
    assert "It was wrong; the drop corrects it." in told
    assert "The drop that corrects it" in told
    again = senders.sender.post(senders.query, fields, page="/account")
    assert again.status_code == 422, "it is answered: nothing is said twice"
    assert len(senders.work.leaves("query.answered")) == 1
    assert "Answer the query" not in plain(senders.sender.get("/").text)


# --- who may see it -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "who", [RECIPIENT, "approver-1 of ofsted", "administrator of ofsted", "auditor of dfe"]
)
def test_others_are_told_that_there_is_nothing(onlooker: Senders, who: str) -> None:
    other = onlooker.person(who)
    for page in every_page(onlooker):
        assert other.get(page).status_code == 404, page
    assert onlooker.send(b"a,b\n", by=other).status_code == 404
    for act in ("withdraw", "replace"):
        assert other.post(f"{onlooker.drop}/{act}", page="/account").status_code == 404


def test_another_flow_s_drop_and_package_are_not_there(senders: Senders) -> None:
    own = senders.before.drop
    recipient = senders.person(RECIPIENT)  # who sends scr-updates, in the rehearsal
    there = "/dfe/scr-updates"
    assert recipient.get(f"{there}/send").status_code == 200
    for page in (f"drops/{own}", f"drops/{own}/held", f"drops/{own}/columns", f"sent/{PACKAGE}"):
        assert recipient.get(f"{there}/{page}").status_code == 404
    thread = senders.before.thread
    assert recipient.get(f"{there}/sent/{PACKAGE}/queries/{thread}").status_code == 404
    assert senders.sender.get(f"{OURS}/sent/{PACKAGE}/queries/nothing").status_code == 404
    assert senders.sender.get("/ofsted/scr-updates/send").status_code == 404


@pytest.mark.parametrize("op", ["withdraw", "replace", "columns"])
def test_the_worker_judges_who_asks_itself(senders: Senders, op: str) -> None:
    more = {"replace": {"by": senders.before.drop}, "columns": {"names": True}}.get(op, {})
    recipient = senders.person(RECIPIENT)

    def told(session: str, party: str = "ofsted", flow: str = NOTIFICATIONS) -> str:
        about = {"op": op, "session": session, "party": party, "flow": flow}
        return str(
            ask(senders.work.home.door, {**about, "drop": senders.before.drop, **more})["code"]
        )

    assert told("nobody's") == "session.unknown"
    assert told(recipient.cookie) == "session.grant"
    assert told(recipient.cookie, "dfe", "scr-updates") == "drop.unknown"


def test_who_is_not_signed_in_is_sent_to_sign_in(onlooker: Senders) -> None:
    stranger = onlooker.doorway.person(SENDER)
    for page in every_page(onlooker):
        assert stranger.get(page).status_code == 303
    answer = stranger.client.post(f"{OURS}/send", data={"file": (io.BytesIO(b"a"), "a.csv")})
    assert (answer.status_code, onlooker.inbox()) == (303, [])


# --- history --------------------------------------------------------------------------------------


def test_drops_and_packages_are_paged(senders: Senders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "A_PAGE", 1)
    monkeypatch.setattr(history, "A_PAGE", 1)
    senders.work.tick("2026-03-02T16:05")
    for page in ("drops", "sent"):
        first = senders.sender.get(f"{OURS}/{page}").text
        older = re.search(rf'href="({OURS}/{page}\?before=[^"]+)"', first)
        assert older, page
        last = senders.sender.get(older[1]).text
        assert "27 February 2026" in last
        assert "27 February 2026" not in first
        assert "Older" not in plain(last)
        assert senders.sender.get(f"{OURS}/{page}?before=nonsense-9").status_code == 200


def test_questions_to_the_database_do_not_grow_with_history(senders: Senders) -> None:
    asked: list[str] = []

    def note(_connection, _cursor, statement, *_rest) -> None:
        asked.append(statement)

    def counts() -> list[int]:
        found = []
        for page in (
            "/",
            f"{OURS}/send",
            f"{OURS}/drops",
            f"{OURS}/sent",
            f"{OURS}/sent/{PACKAGE}",
        ):
            asked.clear()
            senders.sender.get(page)
            found.append(len(asked))
        return found

    sa.event.listen(sa.engine.Engine, "before_cursor_execute", note)
    try:
        counts()
        before = counts()
        make_history(senders, 40)
        assert counts() == before
    finally:
        sa.event.remove(sa.engine.Engine, "before_cursor_execute", note)


def make_history(senders: Senders, number: int) -> None:
    """So many more drops and packages, copies of those there are."""
    with senders.doorway.database.transaction() as tx:
        found = packages.get(tx, PACKAGE)
        [drop] = drops.of_packages(tx, [PACKAGE])
        to = packages.deliveries_of(tx, PACKAGE)
        assert found
        for item in range(number):
            values = vars(found) | {"id": f"notifications-2025-01-01-{item}", "number": item + 1}
            values["day"] = found.day.replace(year=2025)
            del values["state"]
            packages.add_package(tx, **values)
            for row in to:
                told = vars(row) | {"package_id": values["id"], "placed_at": row.placed_at}
                packages.add_delivery(
                    tx, **{name: told[name] for name in told if name not in ("id", "state")}
                )
            drops.add(
                tx,
                drop_id=f"20250101-{item:012x}",
                **{
                    name: getattr(drop, name)
                    for name in (
                        "flow",
                        "party",
                        "received_at",
                        "size",
                        "sha256",
                        "original",
                        "agreement_hash",
                    )
                },
            )
            tx.execute(
                sa.text("UPDATE drops SET state = 'sent' WHERE id = :id"),
                {"id": f"20250101-{item:012x}"},
            )


def test_what_waits_is_found_by_an_index(senders: Senders) -> None:
    waiting = "SELECT * FROM drops WHERE flow = 'n' AND state IN ('accepted', 'partly-held')"
    listed = (
        "SELECT * FROM drops WHERE flow = 'n' AND party = 'p' AND number < 9 ORDER BY number DESC"
    )
    packed = "SELECT * FROM packages WHERE flow = 'n' ORDER BY day DESC, number DESC LIMIT 9"
    plans = {
        asked: json.dumps(senders.work.query(f"EXPLAIN QUERY PLAN {asked}"))
        for asked in (waiting, listed, packed)
    }
    assert "ix_drops_flow_state" in plans[waiting]
    for plan in plans.values():
        assert "SCAN" not in plan
        assert "TEMP B-TREE" not in plan.replace("FOR LAST TERM", "") or "ix_drops" in plan
