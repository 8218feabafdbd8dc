"""One flow of an agreement in plain English: when, to whom, which columns, which rules."""

from collections import Counter
from collections.abc import Iterator, Mapping

from gateway.agreement.model import CodeList, FieldSpec, Flow, Rule, Window
from gateway.agreement.prose import counted, entry, heading, listed, paragraph

PROTECTIONS = {
    "openpgp+password": (
        "an AES-256 zip under a random password, signed and encrypted by OpenPGP to the "
        "recipient's pinned key (.zip.gpg)"
    ),
    "password": "an AES-256 zip under a random password (.zip)",
    "excel-password": "a workbook under Excel's own password encryption (.xlsx)",
}
KINDS = {
    "reference": "a reference",
    "references": "one or more references",
    "code": "one value of the list",
    "codes": "one or more values of the list",
    "initials": "initials, never a name",
    "date": "a date",
    "age": "whole years, `under 1` or `unborn`",
    "yes-no": "Yes or No",
    "yes-no-unknown": "Yes, No or Not known",
    "text": "text, screened",
}
PATTERNS = {
    "nhs-number": "NHS numbers",
    "upn": "unique pupil numbers",
    "nino": "National Insurance numbers",
    "postcode": "postcodes",
    "phone": "telephone numbers",
    "email": "e-mail addresses",
}
SEVERITIES = {"error": "If not, the row is held.", "query": "If not, a query; the row travels."}


def flow_sections(
    flow: Flow, lists: Mapping[str, CodeList], names: Mapping[str, str]
) -> Iterator[str]:
    """The paragraphs about a flow. ``names``: of the parties, by id."""
    yield heading(f"Flow {flow.id}: {flow.title}")
    yield paragraph(
        f"{names[flow.sender]} sends; the package is due {window_words(flow.window)}. A window "
        f"acted on more than {counted(flow.window.grace_minutes, 'minute')} late counts as missed. "
        f"Marking: {flow.marking}."
    )
    yield "\n".join(
        entry("-", f"To {names[to.party]}: {PROTECTIONS[to.protection]}.", hang=2)
        for to in flow.recipients
    )
    yield paragraph(f"Inside: {listed(form.upper() for form in flow.formats)}. {_files(flow)}")
    if flow.reconcile_with:
        yield paragraph(f"A row answers what {flow.reconcile_with} sent {_answer_words(flow)}.")
    yield heading(f"Columns of {flow.id}")
    yield paragraph(
        f"These {len(flow.fields)} columns travel, in this order, and no others. A column that is "
        "not named here is dropped."
    )
    yield "\n".join(
        entry(f"{number}.", field_words(field, flow, lists))
        for number, field in enumerate(flow.fields, start=1)
    )
    if flow.rules:
        yield heading(f"Rules across columns of {flow.id}")
        yield "\n".join(entry("-", rule_words(rule), hang=2) for rule in flow.rules)
    yield heading(f"What kept text of {flow.id} may not hold")
    yield from _screening(flow)


def window_words(window: Window) -> str:
    """When a flow's packages are due, in words."""
    at = f"{window.at:%H:%M}"
    if window.frequency == "working-day":
        return f"at {at} each working day"
    day = (window.weekday or "").capitalize()
    return f"at {at} each {day}, or on the working day before when {day} is none"


def _files(flow: Flow) -> str:
    files = flow.files
    fault = {
        "hold-row": "A row with an error is held back and the others travel.",
        "refuse-drop": "A file with an error in any row is refused whole.",
    }
    hidden = {"refuse": "is refused", "report": "is taken, and said so"}
    return (
        f"Senders drop {listed((form.upper() for form in files.formats), 'or')} files. A workbook "
        f"with hidden sheets, rows or columns {hidden[files.hidden]}. {fault[flow.on_error]}"
    )


def field_words(field: FieldSpec, flow: Flow, lists: Mapping[str, CodeList]) -> str:
    """What a column holds, in words."""
    words = f"{field.heading}{' (required)' if field.required else ''}: {KINDS[field.kind]}"
    if field.list:
        labels = {code.label for code in lists[field.list].codes}
        words += f" {field.list} ({counted(len(labels), 'value')})"
        words += ", or Other: and a few words" if field.other else ""
    if field.alone:
        words += f"; {listed(field.alone)} alone"
    if field.valid_on:
        dates = listed((flow.field(name).heading for name in field.valid_on), "or")
        words += f"; in being on {dates}"
    if field.minimum is not None and field.maximum is not None:
        words += f", from {field.minimum} to {field.maximum}"
    if field.not_after_today:
        words += ", not after today"
    if field.derive:
        sources = [*field.derive.headings]
        sources += [flow.field(n).heading for n in (field.derive.born, field.derive.at) if n]
        joined = listed(sources, "or" if field.derive.headings else "and")
        words += f"; made, where blank, from {joined}"
    return f"{words}."


def _answer_words(flow: Flow) -> str:
    told = []
    for item in flow.answered_when:
        named = flow.field(item.field).heading
        told.append(
            f"{named} is {listed(item.values, 'or')}" if item.values else f"{named} is filled"
        )
    return f"where {listed(told, 'or')}" if told else "whatever it says"


def rule_words(rule: Rule) -> str:
    """A rule across columns, in words, with what follows where it is broken."""
    return f"{rule.words} {SEVERITIES[rule.severity]}"


def _screening(flow: Flow) -> Iterator[str]:
    kinds = listed(PATTERNS[name] for name in flow.screening.patterns)
    screens = Counter(column.screens != "no" for column in flow.source_columns)
    yield paragraph(
        f"A row is held when its text holds any of these: {kinds}; or the value of a dropped "
        f"column that tells of a person. {counted(screens[True], 'heading')} of such columns are "
        "listed, and an unlisted one counts when it holds a word such as name, mother, address or "
        f"phone. {counted(screens[False], 'heading')} of everyday columns are listed and do not "
        "count."
    )
    if flow.attestable:
        yield paragraph(
            "By the agreement, two officers of the sender may attest that a finding is mistaken "
            f"where its code is {listed(flow.attestable, 'or')}."
        )
