"""Validate an extract by frictionless: ``by_frictionless.py FILE`` prints rows and failures."""

import csv
import sys
from pathlib import Path

import frictionless
from fields import agreed_fields


def main() -> None:
    """A schema over all the file's columns; what is not agreed is any text."""
    fields = {field.heading: field for field in agreed_fields("notifications")}
    path = Path(sys.argv[1])
    with path.open(encoding="utf-8", newline="") as file:
        headings = next(csv.reader(file))
    described = []
    for heading in headings:
        told: dict[str, object] = {"name": heading, "type": "string"}
        if (field := fields.get(heading)) is not None:
            constraints = {"required": field.required, "unique": field.unique}
            told["constraints"] = (
                {**constraints, "pattern": field.pattern} if field.pattern else constraints
            )
        described.append(told)
    schema = frictionless.Schema.from_descriptor({"fields": described})
    resource = frictionless.Resource(path=path.name, basepath=str(path.parent), schema=schema)
    report = resource.validate(limit_errors=1_000_000)
    sys.stdout.write(f"{report.tasks[0].stats['rows']} {report.stats['errors']}\n")


if __name__ == "__main__":
    main()
