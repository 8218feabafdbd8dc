"""The pages of health, over a home that was lived in: what they show, and to whom."""

import csv
import io
import re

import pytest
from at_the_site import AtTheSite

from gateway.crypto.keys import HomeKeys

ADMINISTRATOR = ("ofsted", "*", "administrator")
SENDER = [("ofsted", "*", "sender"), ("ofsted", "*", "recipient")]
DFE = [("dfe", "*", "recipient"), ("dfe", "*", "sender")]
PANEL = [("panel", "*", "recipient")]
PANEL_NAME = "Secretariat to the national panel"


def text_of(at: AtTheSite, path: str) -> str:
    """A page's words, without marks or needless space."""
    answer = at.client.get(path)
    assert answer.status_code == 200, path
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def section(words: str, start: str, end: str = "") -> str:
    """The words between two headings."""
    found = words[words.index(start) :]
    return found[: found.index(end)] if end else found


@pytest.mark.slow
def test_an_administrator_sees_all_of_today(lived_in):
    lived_in.sign_in(ADMINISTRATOR)
    told = text_of(lived_in, "/health")
    assert "One thing is late. 2 alarms are open." in told
    day = section(told, "Today: Notifiable incidents", "Today: Decisions")
    for step in (
        "An extract arrived from Ofsted 27 November 2026, 09:20 Judged: 4 of 4 rows accepted",
        "The window came due 27 November 2026, 16:00",
        "Collected by Department for Education 27 November 2026, 16:45",
        "Opened by Department for Education 27 November 2026, 16:45",
        "Answered by Department for Education 27 November 2026, 09:20 notifications-2026-11-26-01",
    ):
        assert step in day
    assert "The next window comes due on 30 November 2026, 16:00." in day
    owed = section(told, "What is owed", "Open alarms")
    assert "Late 27 November 2026, 16:00 Ofsted ofsted has not collected scr-updates" in owed
    assert "panel has not collected notifications-2026-11-27-01" in owed
    alarms = section(told, "Open alarms, and whose they are", "Today:")
    assert "A recalled package is to be signed for" in alarms
    assert "officers with the role" in alarms


@pytest.mark.slow
def test_the_gateway_itself_is_shown_to_those_who_look_after_it(lived_in):
    for role in ("administrator", "auditor", "approver"):
        lived_in.sign_in(("dfe", "*", role))
        told = section(text_of(lived_in, "/health"), "The gateway itself", "More about it")
        assert re.search(r"Worker Look It last looked 45 minutes ago", told)
        assert "Queue Drops being read: 0." in told
        assert "Last backup Look None was made yet" in told
        assert re.search(r"Last checkpoint 45 minutes ago, over \d+ leaves", told)
        assert told.count("Good, without an end") == 7
    lived_in.sign_in(*SENDER)
    assert "The gateway itself" not in text_of(lived_in, "/health")


@pytest.mark.slow
def test_a_sender_sees_what_is_theirs_to_do_first(lived_in):
    lived_in.sign_in(*SENDER)
    told = text_of(lived_in, "/health")
    assert "2 things are for you to do, 1 late. 2 alarms are open." in told
    assert "An extract arrived from Ofsted" in told
    assert "An extract arrived from Department" not in told, "the other flow's drops are not theirs"


@pytest.mark.slow
def test_a_recipient_sees_nothing_of_another_recipient(lived_in):
    lived_in.sign_in(*PANEL)
    told = text_of(lived_in, "/health")
    assert "One thing is for you to do. One" not in told
    assert "Department for Education" not in told
    assert "Decisions on serious case reviews" not in told
    assert "An extract arrived" not in told
    lived_in.sign_in(*DFE)
    pages = ["/health", "/health/notifications/figures", "/health/report/2026-W48"]
    for page in [*pages, "/health/now", "/health/notifications/2026", "/health/report/2026-W47"]:
        assert PANEL_NAME not in text_of(lived_in, page), page
        assert "panel" not in text_of(lived_in, page), page


@pytest.mark.slow
@pytest.mark.parametrize("page", ["2026", "figures", "figures.csv"])
def test_a_flow_of_others_is_told_as_if_there_were_none(page, lived_in):
    lived_in.sign_in(*PANEL)
    assert lived_in.client.get(f"/health/scr-updates/{page}").status_code == 404
    assert lived_in.people.refusals == [("p-1", "", "scr-updates")]
    assert lived_in.client.get(f"/health/no-such-flow/{page}").status_code == 404


@pytest.mark.slow
def test_the_year_says_of_every_day_what_became_of_it(lived_in):
    lived_in.sign_in(ADMINISTRATOR)
    told = text_of(lived_in, "/health/notifications/2026")
    assert "On time: 13, Late: 1, Missed: 1, Nil: 1, Nothing received: 1, Recalled: 1" in told
    for day in ("12 On time Nil", "17 On time Recalled", "19 Missed", "23 Late", "30 To come"):
        assert day in told, day
    assert "24 On time Nothing received" in told
    assert "25 Closed" in section(told, "December 2026"), "Christmas Day"
    assert "October 2026" not in told
    for absent in ("2025", "2028", "26"):
        assert lived_in.client.get(f"/health/notifications/{absent}").status_code == 404
    assert "To come" in text_of(lived_in, "/health/notifications/2027")


@pytest.mark.slow
def test_the_figures_are_the_same_in_charts_table_and_csv(lived_in):
    lived_in.sign_in(ADMINISTRATOR)
    moved_on = lived_in.client.get("/health/figures")
    assert (moved_on.status_code, moved_on.location) == (303, "/health/notifications/figures")
    told = text_of(lived_in, moved_on.location)
    assert "13 of 15 windows were on time, in 3 weeks." in told
    page = lived_in.client.get(moved_on.location).text
    assert page.count('role="img"') == 3
    assert page.count("<title id=") == page.count("<desc id=") == 3
    assert "<style" not in page
    assert "style=" not in page
    answer = lived_in.client.get("/health/notifications/figures.csv")
    assert answer.mimetype == "text/csv"
    assert "attachment" in answer.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert [row["week"] for row in rows] == ["2026-W46", "2026-W47", "2026-W48"]
    assert [(row["on time"], row["late"], row["missed"]) for row in rows] == [
        ("5", "0", "0"),
        ("4", "0", "1"),
        ("4", "1", "0"),
    ]
    assert [row["answered by dfe"] for row in rows] == ["5", "5", "4"]
    for row in rows:
        assert f"{row['median working hours of dfe']}" in told


@pytest.mark.slow
def test_the_report_of_a_week(lived_in):
    lived_in.sign_in(ADMINISTRATOR)
    moved_on = lived_in.client.get("/health/report")
    assert moved_on.location == "/health/report/2026-W47"
    told = text_of(lived_in, moved_on.location)
    assert "The exchange in the week from 16 to 20 November 2026" in told
    assert "4 of 5 on time (80%)" in told
    assert "Drops quarantined: 1, sent: 5" in told
    assert "A window was missed 20 November 2026, 09:20" in told
    first = text_of(lived_in, "/health/report/2026-W46")
    assert "Queries asked 1, now closed" in first
    assert "The week before" not in first
    assert "The week before" in told
    assert "The week has not ended." in text_of(lived_in, "/health/report/2026-W48")
    for absent in ("2026-W49", "2026-W99", "2026-W4x", "9999-W01", "0000-W01"):
        assert lived_in.client.get(f"/health/report/{absent}").status_code == 404, absent


@pytest.mark.slow
def test_the_fragment_is_what_the_page_shows(lived_in):
    lived_in.sign_in(ADMINISTRATOR)
    page, fragment = (lived_in.client.get(path).text for path in ("/health", "/health/now"))
    assert fragment.strip() in page
    assert "<html" not in fragment


def test_a_new_home_has_nothing_to_show_and_says_so(at):
    at.sign_in(ADMINISTRATOR)
    told = text_of(at, "/health")
    assert "No alarm is open." in told
    assert "It has never looked. Start it with `gateway run`." in told
    assert "The worker has not looked at the keys yet." in told
    assert "so there are no figures" in text_of(at, "/health/notifications/figures")
    for path in ("/health/report", "/health/figures"):
        text_of(at, at.client.get(path).location)


@pytest.mark.slow
def test_metrics_have_what_people_must_be_woken_for(lived_in):
    lived_in.worker.answers.append({"ok": False, "code": "asked.malformed"})
    token = HomeKeys(lived_in.site.parts.home.root).metrics_token
    headers = {"Authorization": f"Bearer {token.read_text()}"} if token.exists() else {}
    told = lived_in.client.get("/metrics", headers=headers).text
    for figure in (
        'gateway_open_alarms{code="recall.statement-owed"} 1.0',
        "gateway_last_tick_age_seconds 2700.0",
        "gateway_last_checkpoint_age_seconds 2700.0",
        'gateway_windows{flow="notifications",state="packed"} 15.0',
        'gateway_disk_free_bytes{folder="var"}',
    ):
        assert figure in told
