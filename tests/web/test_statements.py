"""No page asks the database more often because there is more to show.

Over all pages, as each role that may see them: of a home that has five packages on their way, each
with its drop, alarm, query, request and entry of a register, and of one that has fifty.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from everypage import NOW, PageToSee, furnish, look, pages_of
from openedsite import OpenedSite, opened_site
from pasthistory import write_history
from pastrows import Often

from gateway.settings import Home
from gateway.store.database import Database

FEW, MANY = 5, 50
Counted = dict[tuple[str, str], int]  # statements, by page and role


def copied(home: Path, target: Path) -> Path:
    shutil.copytree(home, target, symlinks=True, ignore=shutil.ignore_patterns("S.*"))
    return target


def grown(home: Path, packages: int) -> None:
    """So many packages more, all of them on their way still, with all that there can be of each."""
    database = Database.at(Home(home).database)
    try:
        write_history(database, packages, NOW, Often(1, 1, 1, packages, drops_wait=True))
    finally:
        database.close()


@contextmanager
def counting() -> Iterator[list[str]]:
    """All statements from now on, the worker's among them."""
    told: list[str] = []

    def note(*asked: object) -> None:
        told.append(str(asked[2]))

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield told
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)


def statements(site: OpenedSite, page: PageToSee) -> int:
    """How many it takes. Now and then a look takes more, which keeps the session anew."""
    with counting() as told:
        look(site, page)
    return len(told)


def counted(home: Path) -> Counted:
    """How many statements each page takes, once what it keeps in memory is there."""
    found: Counted = {}
    with opened_site(home, NOW) as site:
        for page in pages_of(site):
            look(site, page)
            found[page.rule, page.visitor] = min(statements(site, page) for _ in range(3))
    return found


@pytest.mark.slow
def test_no_page_asks_more_often_where_there_is_more(_lived_in: Path, tmp_path: Path) -> None:
    lived = copied(_lived_in, tmp_path / "lived")
    furnish(lived)
    told = []
    for packages in (FEW, MANY):
        home = copied(lived, tmp_path / str(packages))
        grown(home, packages)
        told.append(counted(home))
    few, many = told
    assert few.keys() == many.keys()
    assert {rule for rule, _ in few} > {"/", "/health", "/approvals", "/registers", "/people"}
    more = {page: (few[page], many[page]) for page in few if many[page] > few[page]}
    assert more == {}
