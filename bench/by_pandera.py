"""Validate an extract by pandera over polars: ``by_pandera.py FILE`` prints rows and failures."""

import sys

import pandera.polars as pandera
import polars as pl
from fields import agreed_fields


def main() -> None:
    """Read as text, validate every column lazily, so that all failures are found."""
    fields = agreed_fields("notifications")
    schema = pandera.DataFrameSchema(
        {
            field.heading: pandera.Column(
                str,
                pandera.Check.str_matches(f"^(?:{field.pattern})$") if field.pattern else None,
                nullable=not field.required,
                unique=field.unique,
            )
            for field in fields
        }
    )
    table = pl.read_csv(sys.argv[1], infer_schema=False)
    failures = 0
    try:
        schema.validate(table, lazy=True)
    except pandera.errors.SchemaErrors as errors:
        failures = len(errors.failure_cases)
    sys.stdout.write(f"{table.height} {failures}\n")


if __name__ == "__main__":
    main()
