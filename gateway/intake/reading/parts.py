"""The parts of a workbook: which sheets it has, where they lie, and what else it carries.

What calamine will read is what is looked at: the workbook is found as it finds it, by the package's
one relation to an office document, and the sheets by the attribute ``r:id``. Any part whose name or
declared type says macros, links, pivots or pictures is told of, wherever it lies.
"""

from collections.abc import Callable
from dataclasses import dataclass
from xml.parsers import expat

from gateway.agreement.model import FilePolicy
from gateway.intake.findings import Finding, finding
from gateway.intake.reading.archive import Archive
from gateway.intake.reading.refused import Refused, refused
from gateway.intake.reading.xmlguard import guarded

_MOST_BYTES = 8 * 1024 * 1024  # of each of these small parts
_MOST_SHEETS = 255
_TYPES, _ROOT = "[Content_Types].xml", "_rels/.rels"
_DOCUMENT, _WORKSHEET = "/relationships/officeDocument", "/relationships/worksheet"
_FOLDER = "xl/"
_MACROS = ("macroenabled", "vbaproject", "macrosheet")
_LINKS = ("externallink", "querytable", "connections")
_PIVOTS = ("pivotcache", "pivottable", "xl/model/", "datamodel")
_PICTURES = (
    "comment",
    "drawing",
    "xl/media/",
    "embeddings",
    "activex",
    "ctrlprop",
    "diagrams",
    "chart",
)

Attributes = dict[str, str]


@dataclass(frozen=True, slots=True)
class SheetPart:
    """A sheet as the workbook lists it. ``part`` is None for what is no worksheet (a chart)."""

    name: str
    visible: bool
    part: str | None


def is_workbook(archive: Archive) -> bool:
    """Whether the zip is an XLSX workbook, rather than a document, an ODS, an XLSB or any zip."""
    names = {name.replace("\\", "/").lstrip("./").lower() for name in archive.members}
    books = [name for name in names if name.startswith("xl/workbook") and name.endswith(".xml")]
    return bool(books) and _TYPES.lower() in names


def sheets(archive: Archive) -> list[SheetPart]:
    """The workbook's sheets, in order. Raises Refused ``file.damaged``, ``file.unsafe-xml``."""
    workbook = _workbook(archive)
    folder, _, file = workbook.rpartition("/")
    relations = _relations(archive, f"{folder}/_rels/{file}.rels")
    listed: list[tuple[str, str, str]] = []

    def on_sheet(name: str, attributes: Attributes) -> None:
        if name.rpartition(":")[2] == "sheet":
            relation = attributes.get("r:id") or attributes.get("relationships:id") or ""
            state = attributes.get("state", "visible")
            listed.append((attributes.get("name", ""), state, relation))

    _parse(archive, workbook, on_sheet)
    names = [name for name, _, _ in listed]
    if not names or len(names) > _MOST_SHEETS or len(set(names)) != len(names):
        raise refused("file.damaged")
    return [
        SheetPart(name, state == "visible", _part(archive, *relations.get(relation, ("", ""))))
        for name, state, relation in listed
    ]


def carried(archive: Archive, policy: FilePolicy) -> list[Finding]:
    """What the workbook carries beside its sheets, as the policy says: findings, errors included.

    Raises Refused ``file.macros`` in any case.
    """
    said = [name.lower() for name in archive.members]

    def on_type(_: str, attributes: Attributes) -> None:
        said.append(attributes.get("ContentType", "").lower())
        said.append(attributes.get("PartName", "").lower())

    _parse(archive, _TYPES, on_type)

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
    if says(_PICTURES):
        findings.append(finding("file.comments"))
    return findings


def _workbook(archive: Archive) -> str:
    """The workbook's own part. Raises Refused ``file.unsafe-zip`` unless it is one in ``xl/``."""
    relations = _relations(archive, _ROOT)
    targets = [target for kind, target in relations.values() if kind.endswith(_DOCUMENT)]
    path = targets[0].removeprefix("/") if targets else ""
    if len(targets) != 1 or not path.startswith(_FOLDER) or path.count("/") != 1:
        raise refused("file.unsafe-zip")
    return path


def _relations(archive: Archive, name: str) -> dict[str, tuple[str, str]]:
    """The relations that a part lists: by id, type and target."""
    relations: dict[str, tuple[str, str]] = {}

    def on_relation(name: str, attributes: Attributes) -> None:
        if name.rpartition(":")[2] == "Relationship":
            key = attributes.get("Id", "")
            if key in relations:
                raise refused("file.unsafe-zip")
            relations[key] = (attributes.get("Type", ""), attributes.get("Target", ""))

    _parse(archive, name, on_relation)
    return relations


def _part(archive: Archive, kind: str, target: str) -> str | None:
    """The member that calamine reads for a sheet's relation, or None when it is no worksheet."""
    if not kind.endswith(_WORKSHEET):
        return None
    path = target[1:] if target.startswith("/") else _FOLDER + target
    for name in archive.members:
        if name.lower() == path.lower():
            return name
    raise refused("file.damaged")


def _parse(archive: Archive, name: str, on_start: Callable[[str, Attributes], None]) -> None:
    if name not in archive.members:
        raise refused("file.damaged")
    part = archive.read(name, _MOST_BYTES)
    data = b"".join(guarded([part], len(part)))
    parser = expat.ParserCreate("UTF-8")
    parser.StartElementHandler = on_start
    parser.StartDoctypeDeclHandler = _no_dtd
    try:
        parser.Parse(data, True)
    except expat.ExpatError:
        raise refused("file.damaged") from None


def _no_dtd(*_: object) -> None:
    raise Refused(finding("file.unsafe-xml"))
