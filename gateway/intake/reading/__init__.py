"""Reading: a file of unknown kind becomes one table, or a refusal by code (design §5 step 3).

Runs in the confined child: it is given an open file and opens none, and loads nothing after import.
"""

from typing import BinaryIO

from gateway.agreement.model import RuleBook
from gateway.intake.reading.container import judge
from gateway.intake.reading.delimited import open_delimited
from gateway.intake.reading.refused import Refused
from gateway.intake.reading.table import Batch, OpenedTable
from gateway.intake.reading.workbook import open_workbook

__all__ = ["Batch", "OpenedTable", "Refused", "open_table"]


def open_table(stream: BinaryIO, book: RuleBook) -> OpenedTable:
    """The table in a file: judged by its content, opened, its heading row found.

    ``stream`` is a seekable binary file; it must stay open until the last batch is read. Raises
    Refused with the faults of the file as a whole.
    """
    kind = judge(stream)
    opened = open_workbook(stream, book) if kind == "zip" else open_delimited(stream, book)
    return OpenedTable(opened, book)
