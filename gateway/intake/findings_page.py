"""The page of all findings, `docs/findings.md`, written from the codes themselves.

python -m gateway.intake.findings_page > docs/findings.md
"""

import sys

from gateway.intake.findings import KINDS, FindingKind, Scope

COMMAND = "python -m gateway.intake.findings_page > docs/findings.md"
_HEAD = f"""# Findings

<!-- Written by `{COMMAND}`; a test holds the two together. Do not edit by hand. -->

A finding is one fault of a dropped file: a code, a severity, a place and what to do about it. It
never quotes a cell. Codes are stable: programs may rely on them, and none is ever used again for
something else.

- **Severity.** An `error` stops what it is about: the whole file, or the row. A `query` stops
  nothing and asks a person to look. The agreement sets the severity of each `rule.` finding that
  its rules give; the one shown is the usual one.
- **Row** is the spreadsheet's own row, or the CSV record's number, counted from 1 with blank lines
  and lines above the headings included. **Column** is the heading as it stands in the agreement.
- In the words below, *{{column}}* stands for that heading and *{{count}}* for a number.
- One cell has one finding of its own, the first that applies; a rule across cells says nothing of a
  cell that is already at fault. Screening tells each kind of thing that it finds in a text.
- Of rows that are the same the first counts, and each later one is `row.repeated`: it is not taken
  again. A later one that has an error is held, and told with that error instead.
"""
_SECTIONS: tuple[tuple[Scope, str, str], ...] = (
    ("door", "At the door", "The file is not taken and stays where it lies."),
    ("file", "The file as a whole", "An error quarantines the drop; a query is told and no more."),
    ("row", "Rows and cells", "An error holds the row, and the others go (or, where the agreement "
     "says `refuse-drop`, the drop is quarantined)."),
)  # fmt: skip


def findings_page() -> str:
    """The page as Markdown: every code by scope, with its severity, words and fix."""
    parts = [_HEAD]
    for scope, title, words in _SECTIONS:
        rows = [_row(kind) for kind in KINDS.values() if kind.scope == scope]
        table = ["| code | severity | what it says | what to do |", "| --- | --- | --- | --- |"]
        parts.append("\n".join([f"## {title}", "", words, "", *table, *rows]) + "\n")
    return "\n".join(parts)


def _row(kind: FindingKind) -> str:
    return f"| `{kind.code}` | {kind.severity} | {_shown(kind.message)} | {_shown(kind.fix)} |"


def _shown(words: str) -> str:
    """The words with what Markdown would take for its own put right."""
    for plain, marked in (("|", "\\|"), ("<", "&lt;")):
        words = words.replace(plain, marked)
    return words.replace("{column}", "*{column}*").replace("{count}", "*{count}*")


if __name__ == "__main__":
    sys.stdout.write(findings_page())
