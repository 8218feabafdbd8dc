"""The assurance report: each clause with its control, a live figure, and what bears it out."""

import html
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.agreement.explain import STANDING
from gateway.agreement.model import Clause
from gateway.engine.clauses import CLAUSES, Standing, not_applicable
from gateway.engine.figures import Figures, count_keys, figures_of
from gateway.engine.parts import Parts

_NO_FIGURE = not_applicable("this report knows no figure for a clause of that number")


@dataclass(frozen=True)
class Assured:
    """A clause, and how it stands."""

    clause: Clause
    standing: Standing

    def as_json(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "number": self.clause.number,
            "title": self.clause.title,
            "words": self.clause.words,
            "enforced": self.clause.enforced,
            "control": self.clause.control,
            "applies": self.standing.applies,
            "figure": self.standing.figure,
            "evidence": self.standing.evidence,
            "numbers": dict(self.standing.numbers),
        }


@dataclass(frozen=True)
class Assurance:
    """The whole report."""

    figures: Figures
    clauses: tuple[Assured, ...]
    rehearsal: bool

    def as_json(self) -> dict[str, Any]:
        """As ``assurance --json`` prints it."""
        agreed = self.figures.agreed
        return {
            "format": "gateway-assurance/1",
            "agreement": agreed.agreement.id,
            "version": agreed.agreement.version,
            "hash": agreed.hash,
            "since": self.figures.since.isoformat(),
            "until": self.figures.now.isoformat(),
            "rehearsal": self.rehearsal,
            "clauses": [item.as_json() for item in self.clauses],
        }


def assurance_of(parts: Parts, now: datetime) -> Assurance:
    """How every clause of the agreement stands at that time, over the last twelve months."""
    return assured(figures_of(parts, now, count_keys(parts, now)), parts.home.is_rehearsal)


def assured(figures: Figures, rehearsal: bool) -> Assurance:
    """How every clause stands by those figures."""
    clauses = tuple(
        Assured(clause, CLAUSES.get(clause.number, _NO_FIGURE)(figures))
        for clause in figures.agreed.agreement.clauses
    )
    return Assurance(figures, clauses, rehearsal)


_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem;
  color: #0b0c0c; background: #fff }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .5rem .6rem; border-bottom: 1px solid #b1b4b6;
  vertical-align: top; overflow-wrap: anywhere }
th[scope=row] { white-space: nowrap }
.yes { color: #00703c } .not-yet { color: #942514 } .outside, small { color: #505a5f }
.rehearsal { border-left: 6px solid #d4351c; padding-left: .8rem; font-weight: bold }
@media (max-width: 45rem) { td, th { display: block; border: 0; padding: .2rem 0 }
  tr { display: block; border-bottom: 1px solid #b1b4b6; padding: .6rem 0 }
  thead { display: none } }
"""


def as_html(report: Assurance) -> str:
    """The report as one page, without scripts; nothing is fetched."""
    agreement = report.figures.agreed.agreement
    counts = Counter[str](item.clause.enforced for item in report.clauses)
    told = "; ".join(f"{counts[key]} {words.lower()}" for key, words in STANDING.items())
    rehearsal = '<p class="rehearsal">A rehearsal: nothing here is of a real exchange.</p>'
    rows = "\n".join(_row(item) for item in report.clauses)
    return (
        '<!doctype html>\n<html lang="en-GB"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>Assurance: {_safe(agreement.id)}</title><style>{_STYLE}</style></head>\n<body>"
        f"<h1>Assurance</h1><p>{_safe(agreement.title)}</p>"
        f"{rehearsal if report.rehearsal else ''}"
        f"<p>As it stood on {report.figures.now:%-d %B %Y at %H:%M} UTC, over twelve months. "
        f"Version {_safe(agreement.version)}, hash <code>{report.figures.agreed.hash}</code>. "
        f"{len(report.clauses)} clauses: {told}.</p>\n"
        '<table><thead><tr><th scope="col">Clause</th><th scope="col">Control</th>'
        '<th scope="col">How it stands</th></tr></thead><tbody>\n'
        f"{rows}\n</tbody></table></body></html>\n"
    )


def _row(item: Assured) -> str:
    clause, standing = item.clause, item.standing
    borne = f"<br><small>Borne out by {_safe(standing.evidence)}.</small>"
    return (
        f'<tr><th scope="row">{_safe(clause.number)}</th>'
        f"<td><b>{_safe(clause.title)}</b><br><small>{_safe(clause.words)}</small><br>"
        f'<span class="{clause.enforced}">{STANDING[clause.enforced]}:</span> '
        f"{_safe(clause.control)}</td>"
        f"<td>{_safe(standing.figure)}{borne if standing.evidence else ''}</td></tr>"
    )


def _safe(text: object) -> str:
    return html.escape(str(text))
