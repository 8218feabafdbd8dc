"""Bad input, by name: a coded and plain answer, the drop kept, nothing half-sent, the worker alive.

`docs/bad-input.md` tells senders and administrators the same; a test holds the two together.
"""

import pytest
from bad_files import FILES, TABLES
from bad_home import MORNING, TOKEN, Exchange, in_plain_words

from gateway.settings import Home


@pytest.fixture
def exchange(rehearsal_home, tmp_path, extract):
    scratch = tmp_path / "opened"
    scratch.mkdir()
    return Exchange(Home(rehearsal_home), scratch, extract)


@pytest.mark.parametrize("case", FILES, ids=lambda case: case.id)
def test_a_file_with_something_wrong(case, exchange):
    data = case.make(exchange.extract)
    codes = {**case.codes, **({"file.columns-dropped": 1} if case in TABLES else {})}
    exchange.drop(case.file_name, data)
    with exchange.working() as worker:
        told = worker.tick(MORNING)
        (drop,) = told.drops
        assert (drop["state"], drop["findings"]) == (case.state, codes)
        assert drop["accepted"] == case.travels
        (reported,) = exchange.reported().values()
        assert sorted(code for code, _, _ in reported) == sorted(codes)
        in_plain_words(reported)
        assert list(exchange.inbox.iterdir()) == []
        assert worker.sealed_original(drop["id"]) == data
        assert worker.opened() == {"dfe": {}, "panel": {}}
        after = exchange.lives(worker, more=case.travels)
        exchange.says_nothing_of(TOKEN, told, after)
