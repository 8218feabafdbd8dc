"""From the shape an officer writes to the shape the model has, remembering where each part lay.

Written: tables keyed by id (``[parties.dfe]``, ``[flows.notifications]``), and ``[screening]`` and
``[source_columns]`` once for all flows. In the model: lists of things that hold their id, and both
of those in each flow. A flow may have its own ``screening``, and source columns beside the shared.
"""

from dataclasses import dataclass
from typing import Any

Table = dict[str, Any]
Loc = tuple[str | int, ...]
KEYED = ("parties", "flows", "deadlines")


@dataclass(frozen=True)
class Shaped:
    """An agreement in the model's shape, not yet judged, with the written place of its parts."""

    data: Table
    written: dict[Loc, str]

    def place(self, loc: Loc) -> str:
        """The path of a part as the file has it, such as ``flows.notifications.fields[3].list``."""
        for length in range(len(loc), -1, -1):
            known = self.written.get(loc[:length])
            if known is not None:
                return known + _rendered(loc[length:], bare=not known)
        return _rendered(loc, bare=True)


def shaped(raw: Table) -> Shaped:
    """The raw TOML in the model's shape. What has not the expected type is left as it stands."""
    data = dict(raw)
    written: dict[Loc, str] = {}
    for key in KEYED:
        data[key] = _keyed(data.get(key), (key,), key, written) if key in data else []
        if key in raw and not isinstance(raw[key], dict):
            data[key] = raw[key]
    shared_screening = data.pop("screening", None)
    shared_columns = data.pop("source_columns", None)
    for index, flow in tables(data["flows"]):
        loc: Loc = ("flows", index)
        if isinstance(flow.get("rules"), dict):
            path = f"{written[loc]}.rules"
            flow["rules"] = _keyed(flow["rules"], (*loc, "rules"), path, written)
        if shared_screening is not None and "screening" not in flow:
            flow["screening"] = shared_screening
            written[(*loc, "screening")] = "screening"
        own_columns = flow.get("source_columns")
        sources = [("source_columns", shared_columns)]
        sources.append((f"{written[loc]}.source_columns", own_columns))
        flow["source_columns"] = _columns(sources, (*loc, "source_columns"), written)
    return Shaped(data, written)


def tables(value: Any) -> list[tuple[int, Table]]:
    """The tables of a list with their places in it; nothing when it is no list of tables."""
    if not isinstance(value, list):
        return []
    return [(index, item) for index, item in enumerate(value) if isinstance(item, dict)]


def texts(value: Any) -> list[str]:
    """The texts of a list; nothing when it is no list of texts."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _keyed(value: Any, loc: Loc, path: str, written: dict[Loc, str]) -> Any:
    if not isinstance(value, dict):
        return value
    items: list[Any] = []
    for key, item in value.items():
        written[(*loc, len(items))] = f"{path}.{key}"
        items.append({"id": key, **item} if isinstance(item, dict) else item)
    return items


def _columns(
    sources: list[tuple[str, Any]], loc: Loc, written: dict[Loc, str]
) -> list[Table] | Any:
    """Lists of headings by how they screen, as the list of source columns that the model has."""
    columns: list[Table] = []
    for path, source in sources:
        if source is None:
            continue
        if not isinstance(source, dict):
            written[loc] = path
            return source
        for screens, headings in source.items():
            for index, heading in enumerate(headings if isinstance(headings, list) else [headings]):
                written[(*loc, len(columns))] = f"{path}.{screens}[{index}]"
                column = heading if isinstance(heading, dict) else {"heading": heading}
                columns.append({**column, "screens": screens})
    return columns


def _rendered(loc: Loc, bare: bool) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)
    return path.removeprefix(".") if bare else path
