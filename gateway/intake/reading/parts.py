"""The parts of a workbook: which sheets it has, and where they lie.

What calamine will read is what is looked at: the workbook is found as it finds it, by the package's
one relation to an office document, and the sheets by the attribute ``r:id``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from xml.parsers import expat

from gateway.intake.findings import finding
from gateway.intake.reading.archive import Archive
from gateway.intake.reading.refused import Refused, refused
from gateway.intake.reading.xmlguard import guarded

_MOST_BYTES = 8 * 1024 * 1024  # of each of these small parts
_MOST_SHEETS = 255
TYPES, _ROOT = "[Content_Types].xml", "_rels/.rels"
_DOCUMENT, _WORKSHEET = "/relationships/officeDocument", "/relationships/worksheet"
_FOLDER = "xl/"

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
    return bool(books) and TYPES.lower() in names


def sheets(archive: Archive, workbook: str) -> list[SheetPart]:
    """The sheets that the workbook's own part lists, in order.

    Raises Refused ``file.damaged``, ``file.unsafe-xml``.
    """
    folder, _, file = workbook.rpartition("/")
    relations = _relations(archive, f"{folder}/_rels/{file}.rels")
    listed: list[tuple[str, str, str]] = []

    def on_sheet(name: str, attributes: Attributes) -> None:
        if name.rpartition(":")[2] == "sheet":
            relation = attributes.get("r:id") or attributes.get("relationships:id") or ""
            state = attributes.get("state", "visible")
            listed.append((attributes.get("name", ""), state, relation))

    parse(archive, workbook, on_sheet)
    names = [name for name, _, _ in listed]
    if not names or len(names) > _MOST_SHEETS or len(set(names)) != len(names):
        raise refused("file.damaged")
    return [
        SheetPart(name, state == "visible", _part(archive, *relations.get(relation, ("", ""))))
        for name, state, relation in listed
    ]


def workbook_part(archive: Archive) -> str:
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

    parse(archive, name, on_relation)
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


def parse(
    archive: Archive,
    name: str,
    on_start: Callable[[str, Attributes], None],
    on_text: Callable[[str], None] | None = None,
    on_end: Callable[[str], None] | None = None,
) -> None:
    """Parse one small XML part, telling what stands in it.

    Raises Refused ``file.damaged`` when it is absent or no XML, ``file.unsafe-xml``.
    """
    if name not in archive.members:
        raise refused("file.damaged")
    part = archive.read(name, _MOST_BYTES)
    data = b"".join(guarded([part], len(part)))
    parser = expat.ParserCreate("UTF-8")
    parser.StartElementHandler = on_start
    parser.CharacterDataHandler = on_text
    parser.EndElementHandler = on_end
    parser.StartDoctypeDeclHandler = _no_dtd
    try:
        parser.Parse(data, True)
    except expat.ExpatError:
        raise refused("file.damaged") from None


def _no_dtd(*_: object) -> None:
    raise Refused(finding("file.unsafe-xml"))
