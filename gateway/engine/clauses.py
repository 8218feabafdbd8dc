"""Each clause of the memorandum: its live figure and what bears it out, or why it has none.

The clauses themselves, with their controls, are the agreement's (config/agreements). A function
here takes the figures and says how its clause stands now.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.agreement.prose import counted
from gateway.agreement.windows import london_date
from gateway.engine.figures import Figures, Rate
from gateway.records.registers.rules import REQUESTS
from gateway.store.evidence import Row

Number = int | float | str | None
_NOTIFICATIONS, _UPDATES = "notifications", "scr-updates"


@dataclass(frozen=True)
class Standing:
    """How a clause stands. ``applies`` is False where ``figure`` says why there is none."""

    figure: str
    evidence: str
    numbers: Mapping[str, Number]
    applies: bool = True


Tells = Callable[[Figures], Standing]


def not_applicable(because: str) -> Tells:
    """A clause that nothing in a gateway can measure."""
    return lambda _: Standing(f"Not applicable because {because}.", "", {}, applies=False)


def _what_is_shared(now: Figures) -> Standing:
    flows, refused = now.agreed.agreement.flows, now.drops.get("quarantined", 0)
    columns = sum(len(flow.fields) for flow in flows)
    return Standing(
        f"{counted(len(flows), 'flow')} with {columns} columns are agreed; "
        f"{counted(len(now.packages), 'package')} "
        f"made under them in twelve months, and {counted(refused, 'file')} refused whole.",
        "the agreement file; ledger: drop.judged, package.sealed",
        {"flows": len(flows), "packages": len(now.packages), "refused_files": refused},
    )


def _review(now: Figures) -> Standing:
    signed, reviews = now.signed_by(), now.register("review")
    last = max((row["opened_on"] for row in reviews if row["state"] == "agreed"), default=None)
    by = " and ".join(sorted(signed)) or "nobody"
    return Standing(
        f"Signed by {by}{_since(max(signed.values(), default=None))}; last review signed off by "
        f"both: {_day(last)}; {len(now.still_open('review'))} open, "
        f"{now.open_alarms('review.')} alarms.",
        "`agreement status`; register of reviews; ledger: agreement.signed, register.moved",
        {
            "signed_by": len(signed),
            "reviews": sum(row["state"] == "agreed" for row in reviews),
            "last_review": last.isoformat() if last else None,
            "alarms": now.open_alarms("review."),
        },
    )


def _lawful(now: Figures) -> Standing:
    count = len(now.agreed.agreement.lawful_basis)
    sent = sum(row["rows"] for row in now.packages.values())
    held = sum(row["held"] for row in now.packages.values())
    return Standing(
        f"{count} lawful bases are named in the agreement. Minimising: {counted(sent, 'row')} "
        f"travelled, in agreed columns alone; {counted(held, 'row')} with faults held back.",
        "the agreement's lawful_basis; manifests: columns left out; ledger: drop.judged",
        {"lawful_bases": count, "rows_sent": sent, "rows_held": held},
    )


def _work_together(now: Figures) -> Standing:
    missed = sum(item.missed for item in now.windows)
    due = len(now.windows)
    return Standing(
        f"{counted(due, 'window')} fell due in twelve months, {missed} of them missed by the "
        f"gateway and then "
        f"covered; {counted(len(now.owed), 'thing')} owed now, {now.late()} late.",
        "`digest`, `status`; ledger: window.due, window.packed, window.covered",
        {"windows": due, "missed": missed, "owed": len(now.owed), "late": now.late()},
    )


def _meet(now: Figures) -> Standing:
    meetings = now.stand("meeting")
    last = max((row["opened_on"] for row in meetings), default=None)
    late = now.overdue("meeting")
    return Standing(
        f"{counted(len(meetings), 'meeting')} on record; the last: {_day(last)}; overdue: {late}.",
        "register of meetings; ledger: register.entered, register.step",
        {
            "meetings": len(meetings),
            "last_meeting": last.isoformat() if last else None,
            "overdue": late,
        },
    )


def _feedback(now: Figures) -> Standing:
    rate = now.steps_on_time("accepted", "opened_at", "acknowledged_at")
    hours, given = now.working_hours_to_answer(), now.stand("feedback")
    known = sum(row["state"] == "informed" for row in given)
    shown = "none yet" if hours is None else f"{hours} working hours, the middle one"
    return Standing(
        f"Packages accepted or queried by a named officer: {rate}; from placing to that answer: "
        f"{shown}; open queries: {now.open_queries}; feedback of three years: {len(given)}, "
        f"acknowledged: {known}.",
        "receipts; `query list`; register of feedback; ledger: receipt.recorded, query.opened, "
        "query.answered, register.step",
        {
            "answered_on_time": rate.kept,
            "answers": rate.of,
            "working_hours_to_answer": hours,
            "open_queries": now.open_queries,
            "feedback": len(given),
            "feedback_acknowledged": known,
        },
    )


def _disclose(now: Figures) -> Standing:
    sent = sum(row["placed_at"] is not None for row in now.deliveries)
    return Standing(
        f"{counted(sent, 'delivery', 'deliveries')} placed in twelve months, each under a named "
        f"agreement hash.",
        "manifests: agreement_hash, columns; ledger: delivery.placed",
        {"deliveries": sent},
    )


def _secure(now: Figures) -> Standing:
    refused = now.events.get("receipt.refused", 0) + now.events.get("access.refused", 0)
    return Standing(
        f"{now.good_keys} of {now.keys} pinned keys are in order; {refused} receipts or logins "
        f"were refused, ever; {now.open_alarms('key.')} alarms about keys.",
        "`doctor`; config/parties.toml; ledger: key.pinned, receipt.refused, access.refused",
        {"keys": now.keys, "good_keys": now.good_keys, "refused": refused},
    )


def _trained(now: Figures) -> Standing:
    trained = len(now.still_open("training")) - (lapsed := now.overdue("training"))
    return Standing(
        f"People trained now: {trained}, lapsed: {lapsed}; {now.officers_trained} of the "
        f"{now.officers} officers, who hold {now.roles} roles, are. The grants of "
        f"{now.people_trained} of {now.people} people on the site count by their training; "
        f"{now.events.get('password.released', 0)} passwords were released to them or to their "
        "programs, ever.",
        "register of training; config/officers.toml; ledger: officer.pinned, grant.made, "
        "password.released",
        {
            "trained": trained,
            "lapsed": lapsed,
            "officers": now.officers,
            "officers_trained": now.officers_trained,
            "people": now.people,
            "people_trained": now.people_trained,
        },
    )


def _panel(now: Figures) -> Standing:
    agents = {item.id for item in now.agreed.agreement.parties if item.agent_of}
    sent = now.sent(_NOTIFICATIONS)
    theirs = sum(row["party"] in agents for row in sent)
    packages = len({row["package_id"] for row in sent})
    return Standing(
        f"The secretariat was sent {theirs} of {counted(packages, 'package')} of notifications.",
        "manifests of the panel; ledger: delivery.placed",
        {"sent_to_agents": theirs, "packages": packages},
    )


def _stored_by_ofsted(now: Figures) -> Standing:
    received = sum(now.drops.values())
    return Standing(
        f"{counted(received, 'extract')} taken in twelve months, each sealed to its sender's "
        f"records "
        f"key first; {counted(now.handovers, 'sealed original')} handed over to the senders' own "
        "records. How Ofsted stores and analyses them is Ofsted's.",
        "vault; outbox records; ledger: drop.received, original.handed-over",
        {"extracts": received, "handed_over": now.handovers},
    )


def _summary(now: Figures) -> Standing:
    flow = now.flow(_NOTIFICATIONS)
    certified = len(now.sent(_NOTIFICATIONS))
    return Standing(
        f"{len(flow.fields)} columns travel and no other; each of "
        f"{counted(certified, 'delivery', 'deliveries')} has a signed "
        "manifest that certifies which columns and how many rows were left out.",
        "manifests: columns_sent, columns_dropped, counts",
        {"columns": len(flow.fields), "manifests": certified},
    )


def _each_working_day(now: Figures) -> Standing:
    rate, kinds = now.windows_on_time(_NOTIFICATIONS), now.kinds(_NOTIFICATIONS)
    nil = sum(kinds.values()) - kinds["data"]
    protected = {item.protection for item in now.flow(_NOTIFICATIONS).recipients}
    return Standing(
        f"Windows of the working days: {rate}; packages with rows: {kinds['data']}, signed "
        f"returns without: {nil}; protection: {', '.join(sorted(protected))}.",
        "manifests: protection, kind; ledger: window.due, delivery.placed",
        {"windows": rate.of, "on_time": rate.kept, "with_rows": kinds["data"], "without": nil},
    )


def _watched(now: Figures) -> Standing:
    collected = now.steps_on_time("collected", "placed_at", "collected_at")
    opened = now.steps_on_time("opened", "collected_at", "opened_at")
    seen, of = now.days_watched()
    last = max(seen, default=None)
    return Standing(
        f"Collected: {collected}; opened: {opened}; working days on which those who receive each "
        f"day looked: {len(seen & of)} of {len(of)}; the account was last seen: {_day(last)}.",
        "receipts; register of monitoring; ledger: receipt.recorded, register.entered",
        {
            "collected_on_time": collected.kept,
            "collections": collected.of,
            "opened_on_time": opened.kept,
            "openings": opened.of,
            "days_seen": len(seen & of),
            "days": len(of),
            "last_seen": last.isoformat() if last else None,
        },
    )


def _nothing_destroyed(now: Figures) -> Standing:
    held, audited = now.held(), now.last.get("vault.audited")
    review = min((row["review_on"] for row in held), default=None)
    rows = "the agreement sets a hold" if now.agreed.agreement.retention.hold else "no hold is set"
    return Standing(
        f"holds that are on: {len(held)}, to be looked at next {_day(review)} ({rows}); "
        f"objects destroyed, ever: {now.destructions}; the vault was last audited "
        f"{audited[:10] if audited else 'never'}; {now.seals} events are in the record.",
        "`hold list`, `vault audit`, `ledger verify`; ledger: hold.begun, object.destroyed",
        {
            "holds": len(held),
            "destroyed": now.destructions,
            "last_audit": audited,
            "events": now.seals,
        },
    )


def _weekly(now: Figures) -> Standing:
    rate = now.windows_on_time(_UPDATES)
    lists = [item for item in now.lists if item.flow == _UPDATES]
    unanswered = lists[0].unanswered if lists else None
    waiting = (
        "no list yet"
        if unanswered is None
        else f"references that wait for a decision: {unanswered}"
    )
    return Standing(
        f"Weekly windows: {rate}; {waiting}.",
        "manifests; reconciliation lists; ledger: window.due, reconciliation.listed",
        {"windows": rate.of, "on_time": rate.kept, "unanswered": unanswered},
    )


def _loss(now: Figures) -> Standing:
    incidents, waiting = now.register("incident"), len(now.still_open("incident"))
    count = len(incidents)
    agreed = sum(len({item["party"] for item in _taken(row, "agreed")}) > 1 for row in incidents)
    return Standing(
        f"incidents on record: {count}, open: {waiting}, past the ICO's 72 hours: "
        f"{now.overdue('incident')}; with a public response that both have signed: {agreed}.",
        "register of incidents; ledger: register.entered, register.step, register.moved",
        {
            "incidents": count,
            "open": waiting,
            "overdue": now.overdue("incident"),
            "responses_agreed": agreed,
        },
    )


def _answers_for(now: Figures) -> Standing:
    requests = now.stand(*REQUESTS)
    return Standing(
        f"requests of three years, or open still: {len(requests)}, each with the party that "
        f"answers for it; the record shows {len(now.deliveries)} deliveries of twelve months, and "
        "who had which.",
        "registers of requests; receipts; ledger: register.entered, delivery.placed",
        {"requests": len(requests), "deliveries": len(now.deliveries)},
    )


def _requests_of(party: str) -> Tells:
    def told(now: Figures) -> Standing:
        own = [row for row in now.stand(*REQUESTS) if row["party"] == party]
        waiting = [row for row in own if row["ended_at"] is None]
        late = sum(row["due_at"] is not None and row["due_at"] <= now.now for row in waiting)
        informed = sum(bool(_taken(row, "informed")) for row in own)
        known = sum(bool(_taken(row, "acknowledged")) for row in own)
        answered = [row for row in own if row["ended_at"] is not None and row["due_at"]]
        rate = Rate(sum(row["ended_at"] < row["due_at"] for row in answered), len(answered))
        return Standing(
            f"requests to {party} of three years, or open still: {len(own)}, open: {len(waiting)}, "
            f"past their time: {late}; closed: {rate}; the other party was told of {informed}, and "
            f"has acknowledged {known}.",
            "registers of foi, press and correspondence; ledger: register.entered, register.step",
            {
                "requests": len(own),
                "open": len(waiting),
                "late": late,
                "closed": rate.of,
                "closed_on_time": rate.kept,
                "informed": informed,
                "acknowledged": known,
            },
        )

    return told


def _annex(now: Figures) -> Standing:
    flow = now.flow(_NOTIFICATIONS)
    lists = len({field.list for field in flow.fields if field.list})
    rules = len(flow.rules)
    return Standing(
        f"{len(flow.fields)} headings, checked by {lists} code lists and {rules} rules; "
        f"spreadsheets with rows in twelve months: {now.kinds(_NOTIFICATIONS)['data']}.",
        "`agreement explain`; manifests: columns_sent",
        {"headings": len(flow.fields), "code_lists": lists, "rules": rules},
    )


CLAUSES: Mapping[str, Tells] = {
    "1": _what_is_shared,
    "2": not_applicable("it states what the memorandum is for, which no program measures"),
    "3": _review,
    "4": not_applicable("it describes Ofsted's role, which is not the gateway's to judge"),
    "5": not_applicable("it describes the DfE's role and its use of what it has opened"),
    "6": not_applicable("it is a duty of local authorities, whom the gateway does not see"),
    "7": not_applicable("it is law that gives Ofsted its powers, and nothing here can change"),
    "8": not_applicable("it is law that binds Ofsted, which no program can judge"),
    "9": _lawful,
    "10(a)": _work_together,
    "10(b)": _meet,
    "10(c)": _feedback,
    "11(a)": _disclose,
    "11(b)": _secure,
    "11(c)": _trained,
    "11(d)": _panel,
    "12(a)": not_applicable("the portal for local authorities is no part of this gateway yet"),
    "12(b)": _stored_by_ofsted,
    "12(c)": _summary,
    "12(d)": _each_working_day,
    "13(a)": _watched,
    "13(b)": _nothing_destroyed,
    "13(c)": _weekly,
    "14": _loss,
    "15(a)": _answers_for,
    "15(b)": _requests_of("dfe"),
    "15(c)": _requests_of("ofsted"),
    "Annex A": _annex,
}


def _taken(row: Row, step: str) -> list[Row]:
    return [item for item in row["steps"] if item["step"] == step]


def _day(moment: datetime | object) -> str:
    if moment is None:
        return "none yet"
    if isinstance(moment, datetime):
        moment = london_date(moment)
    return f"{moment:%-d %B %Y}"


def _since(moment: datetime | None) -> str:
    return "" if moment is None else f" since {_day(moment)}"
