"""What a workbook carries beside its sheets, told by kind: nothing of it is read or travels.

Any part whose name or declared type says macros, links, pivots or pictures is told of, wherever it
lies. Names with values, document properties and sheets that the workbook does not list are looked
for in the parts that hold them. ECMA-376 part 1, 18.2.5 (definedName); part 2, 11 (properties).
"""

import re

from gateway.agreement.model import FilePolicy
from gateway.intake.findings import Finding, finding
from gateway.intake.reading.archive import Archive
from gateway.intake.reading.parts import TYPES, Attributes, SheetPart, parse
from gateway.intake.reading.refused import Refused, refused

_MACROS = ("macroenabled", "vbaproject", "macrosheet")
_LINKS = ("externallink", "querytable", "connections")
_PIVOTS = ("pivotcache", "pivottable", "xl/model/", "datamodel")
_EMBEDDED = ("embeddings", "oleobject", "activex", "ctrlprop", "webextension")
_PICTURES = ("comment", "drawing", "xl/media/", "diagrams", "chart")
_CUSTOM_XML = ("customxml", "xmlmaps", "customproperty")
_REVISIONS = ("xl/revisions/", "revisionheaders", "revisionlog")
_TOLD = (
    (_EMBEDDED, "file.embedded-objects"),
    (_PICTURES, "file.comments"),
    (_CUSTOM_XML, "file.custom-xml"),
    (_REVISIONS, "file.change-history"),
)

# What people type there. Who saved it, for which body and under which title, every workbook says:
# a query that comes each day is read by nobody.
_CORE = frozenset(
    {
        "subject", "description", "keywords", "category", "contentStatus", "identifier", "Manager",
        "HyperlinkBase",
    }
)  # fmt: skip
_QUOTED_SHEET = re.compile(r"'(?:[^']|'')*'")
_CONSTANT = re.compile(r"""=?\s*(?:[-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?%?|TRUE|FALSE)\s*""")


def carried(archive: Archive, policy: FilePolicy) -> list[Finding]:
    """What the workbook carries beside its sheets, as the policy says: findings, errors included.

    Raises Refused ``file.macros`` in any case.
    """
    said = [name.lower() for name in archive.members]

    def on_type(_: str, attributes: Attributes) -> None:
        said.append(attributes.get("ContentType", "").lower())
        said.append(attributes.get("PartName", "").lower())

    parse(archive, TYPES, on_type)

    def says(marks: tuple[str, ...]) -> bool:
        return any(mark in text for text in said for mark in marks)

    if says(_MACROS):
        raise refused("file.macros")
    findings = []
    if says(_LINKS):
        refuse = policy.external_links == "refuse"
        findings.append(finding("file.external-links-refused" if refuse else "file.external-links"))
    if says(_PIVOTS):
        refuse = policy.pivot_caches == "refuse"
        findings.append(finding("file.pivot-refused" if refuse else "file.pivot"))
    findings += [finding(code) for marks, code in _TOLD if says(marks)]
    if count := _properties(archive):
        findings.append(finding("file.properties", count=count))
    return findings


def left_over(archive: Archive, workbook: str, listed: list[SheetPart]) -> list[Finding]:
    """Names that hold values of their own, and sheets that the workbook no longer lists."""
    findings = []
    if names := sum(map(_has_value, _texts(archive, workbook, frozenset({"definedName"})))):
        findings.append(finding("file.defined-names", count=names))
    known = {sheet.part for sheet in listed}
    unlisted = [name for name in archive.members if _is_sheet(name) and name not in known]
    if unlisted:
        findings.append(finding("file.unlisted-sheets", count=len(unlisted)))
    return findings


def _is_sheet(name: str) -> bool:
    folder, _, file = name.lower().rpartition("/")
    return folder == "xl/worksheets" and file.endswith(".xml")


def _has_value(formula: str) -> bool:
    """Whether a name's formula holds a value itself, rather than only saying where one is."""
    text = _QUOTED_SHEET.sub("", formula)
    return '"' in text or "{" in text or _CONSTANT.fullmatch(text) is not None


def _properties(archive: Archive) -> int:
    """How many properties hold what somebody typed there. One, if unreadable."""
    count = 0
    for name in archive.members:
        folder, _, file = name.lower().rpartition("/")
        if not (folder == "docprops" and file.endswith(".xml")) and not file.endswith(".psmdcp"):
            continue
        try:
            texts = _texts(archive, name, None if file.startswith("custom") else _CORE)
        except Refused as fault:
            if any(item.code != "file.damaged" for item in fault.findings):
                raise
            texts = ["unreadable"]  # the programs that show a sheet do not mind
        count += sum(bool(text.strip()) for text in texts)
    return count


def _texts(archive: Archive, name: str, wanted: frozenset[str] | None) -> list[str]:
    """The text of each element of those names, or of any where none is named."""
    texts: list[str] = []
    within = False

    def on_start(name: str, _: Attributes) -> None:
        nonlocal within
        within = wanted is None or name.rpartition(":")[2] in wanted
        if within:
            texts.append("")

    def on_text(text: str) -> None:
        if within:
            texts[-1] += text

    def on_end(_: str) -> None:
        nonlocal within
        within = False

    parse(archive, name, on_start, on_text, on_end)
    return texts
