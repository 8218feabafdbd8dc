"""What the reader raises when a file cannot be taken at all."""

from gateway.intake.findings import Finding, finding


class Refused(Exception):
    """The file is refused whole. ``findings`` are its faults, each of scope ``file``, by code.

    The text of the exception is the codes alone: nothing of the file's content is ever in it.
    """

    def __init__(self, *findings: Finding) -> None:
        super().__init__(", ".join(item.code for item in findings))
        self.findings: tuple[Finding, ...] = findings


def refused(code: str, count: int | None = None) -> Refused:
    """A refusal for one fault of the file as a whole."""
    return Refused(finding(code, count=count))
