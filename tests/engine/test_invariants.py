"""The invariants: a healthy home breaks none, and each deliberate breach is found by its code."""

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from receipting import copied
from rehearsing import AtWork, clean_row

from gateway.bootstrap import open_parts
from gateway.engine.invariants import WORDS, by_code, examine
from gateway.engine.invariants.recovery import picture, unchanged
from gateway.engine.parts import Parts
from gateway.intake.confined.reader import Reader
from gateway.settings import Home

PACKAGE = "notifications-2026-03-02-01"
TUESDAY = "2026-03-03T10:00"
Break = Callable[[Home], None]


@pytest.fixture(scope="session")
def lived_in(
    placed_home: tuple[Path, str], shared_reader: Reader, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A home with a package placed, rows staged and held, a drop quarantined. Copy it."""
    root = copied(placed_home[0], tmp_path_factory.mktemp("lived-in") / "home")
    work = AtWork(root, shared_reader)
    work.rows(clean_row(2), clean_row(3), clean_row(4, gender="Q"))
    work.drop(b"no table at all\x00")
    report = work.tick(TUESDAY)
    assert [item.state for item in report.arrivals.processed] == ["partly-held", "quarantined"]
    return root


@pytest.fixture
def home(lived_in: Path, tmp_path: Path) -> Home:
    """A lived-in home of the test's own."""
    return Home(copied(lived_in, tmp_path / "home"))


def codes(home: Home) -> set[str]:
    """The codes of all that does not hold in a home."""
    with open_parts(home) as parts:
        return {breach.code for breach in examine(parts)}


def test_a_healthy_home_breaks_none(home: Home) -> None:
    before = picture(home)
    with open_parts(home) as parts:
        found = examine(parts)
    assert found == []
    assert picture(home) == before, "to look changes nothing"
    assert set(by_code(found)) == set(WORDS) - {"invariant.recovery"}


# --- deliberate breaches --------------------------------------------------------------------------


@contextmanager
def plain(home: Home) -> Iterator[sqlite3.Connection]:
    """The database, opened past the gateway, its triggers out of the way and then back."""
    with closing(sqlite3.connect(home.database)) as opened:
        asked = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
        made = opened.execute(asked).fetchall()
        for name, _ in made:
            opened.execute(f"DROP TRIGGER {name}")
        yield opened
        for _, sql in made:
            opened.execute(sql)
        opened.commit()


def edited(question: str) -> Break:
    """A row changed behind the gateway's back."""

    def act(home: Home) -> None:
        with plain(home) as opened:
            assert opened.execute(question).rowcount == 1

    return act


def flipped(path: Path) -> None:
    """One bit of a file, in its middle, is another."""
    path.chmod(0o600)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def kept(home: Home, kind: str) -> Path:
    """An object of the vault."""
    with closing(sqlite3.connect(home.database)) as opened:
        asked = "SELECT sha256 FROM vault WHERE kind = ? ORDER BY put_at, sha256"
        (sha256,) = opened.execute(asked, (kind,)).fetchone()
    return home.vault / sha256[:2] / sha256


def shown(home: Home, end: str) -> Path:
    """A file of the package in the DfE's outbox."""
    return home.outbox_of("dfe", "notifications") / f"{PACKAGE}{end}"


def staged(home: Home, end: str) -> Path:
    """A staged file of Tuesday's drop."""
    return sorted(home.staged.glob(f"*.{end}"))[-1]


def with_parts(act: Callable[[Parts, str], None]) -> Break:
    """Do something to Tuesday's drop with the home's own keys."""

    def done(home: Home) -> None:
        with open_parts(home) as parts:
            act(parts, staged(home, "accepted").stem)

    return done


def foreign_column(parts: Parts, drop_id: str) -> None:
    rows = [row for chunk in parts.staging.read(drop_id, "accepted") for row in chunk]
    number, cells = rows[0]
    again = parts.staging.open(drop_id, "accepted")
    again.add([(number, (*cells, "12 Quarrystone Mews")), *rows[1:]])
    again.keep()


def foreign_heading(parts: Parts, drop_id: str) -> None:
    told = json.dumps({"kept": ["Address line 1"], "dropped": [], "missing": []})
    sealed = parts.sealer.seal(told.encode(), f"columns:{drop_id}")
    with closing(sqlite3.connect(parts.home.database)) as opened:
        asked = "UPDATE drops SET columns_sealed = ? WHERE id = ?"
        opened.execute(asked, (sealed, drop_id))
        opened.commit()


def second_package(home: Home) -> None:
    for end in (".zip.gpg", ".manifest.json.asc", ".manifest.json"):
        again = shown(home, end)
        shutil.copyfile(again, again.with_name(again.name.replace("-01.", "-02.")))


def other_window(home: Home) -> None:
    with plain(home) as opened:
        asked = "INSERT INTO windows VALUES ('notifications', '2026-03-04', ?, 'due', 0, NULL)"
        opened.execute(asked, ("2026-03-04 16:00:00",))


def a_leak(form: str) -> Break:
    def act(home: Home) -> None:
        (home.var / "debug.log").write_bytes("took SCN000002 in".encode(form))

    return act


def work_left(home: Home) -> None:
    (home.packages_work / PACKAGE / "plain").mkdir(parents=True)


def pending_left(home: Home) -> None:
    folder = home.drops_work / "notifications" / staged(home, "accepted").stem
    folder.mkdir(parents=True)
    (folder / "original").write_bytes(b"rows")


def no_trigger(home: Home) -> None:
    with closing(sqlite3.connect(home.database)) as opened:
        opened.execute("DROP TRIGGER ledger_no_delete")
        opened.commit()


def later_checkpoint(home: Home) -> None:
    """Another home's note lies where ours did."""
    told = home.checkpoint.read_text(encoding="utf-8")
    origin, size, rest = told.split("\n", 2)
    home.checkpoint.write_text(f"{origin}\n{int(size) + 9}\n{rest}", encoding="utf-8")


ALTER_LEAF = """
UPDATE ledger SET leaf = CAST(replace(leaf, 'point.made', 'point.mode') AS BLOB)
WHERE seq = (SELECT max(seq) FROM ledger_index WHERE event = 'checkpoint.made')
"""
BREACHES: dict[str, tuple[str, Break]] = {
    "a staged file removed": ("one-place", lambda home: staged(home, "accepted").unlink()),
    "a staged file altered": ("one-place", lambda home: flipped(staged(home, "accepted"))),
    "held rows removed": ("one-place", lambda home: staged(home, "held").unlink()),
    "pending and staged": ("one-place", pending_left),
    "a sealed original removed": ("original", lambda home: kept(home, "original").unlink()),
    "a sealed original altered": ("original", lambda home: flipped(kept(home, "original"))),
    "a kept package removed": ("retained", lambda home: kept(home, "delivery").unlink()),
    "a kept manifest altered": ("retained", lambda home: flipped(kept(home, "manifest"))),
    "a second package visible": ("one-package", second_package),
    "a visible package altered": ("visible", lambda home: flipped(shown(home, ".zip.gpg"))),
    "a visible manifest removed": ("visible", lambda home: shown(home, ".manifest.json").unlink()),
    "a foreign column staged": ("field-list", with_parts(foreign_column)),
    "a foreign heading kept": ("field-list", with_parts(foreign_heading)),
    "a value in a log": ("plaintext", a_leak("utf-8")),
    "a value in UTF-16": ("plaintext", a_leak("utf-16-le")),
    "plain work left": ("plaintext", work_left),
    "a state edited": (
        "state-and-ledger",
        edited("UPDATE deliveries SET state = 'collected' WHERE id LIKE '%:dfe'"),
    ),
    "a count edited": ("state-and-ledger", edited("UPDATE packages SET rows = 7, held = 1")),
    "a size edited": ("state-and-ledger", edited("UPDATE drops SET size = 1 WHERE number = 1")),
    "a row without its leaf": ("state-and-ledger", other_window),
    "a leaf without its row": (
        "state-and-ledger",
        edited("DELETE FROM holds"),
    ),
    "a leaf altered": ("checkpoints", edited(ALTER_LEAF)),
    "a checkpoint altered": (
        "checkpoints",
        edited(
            "UPDATE checkpoints SET root = zeroblob(32) "
            "WHERE size = (SELECT min(size) FROM checkpoints)"
        ),
    ),
    "a later checkpoint given out": ("checkpoints", later_checkpoint),
    "a trigger dropped": ("checkpoints", no_trigger),
}


@pytest.mark.parametrize("breach", list(BREACHES))
def test_a_breach_is_found_by_its_code_and_no_other(breach: str, home: Home) -> None:
    code, act = BREACHES[breach]
    act(home)
    assert codes(home) == {f"invariant.{code}"}


def test_every_invariant_has_a_breach_that_finds_it() -> None:
    tried = {f"invariant.{code}" for code, _ in BREACHES.values()}
    assert tried == set(WORDS) - {"invariant.recovery"}


def test_what_is_found_quotes_no_value(home: Home) -> None:
    for name in ("a foreign column staged", "a value in a log", "a state edited"):
        BREACHES[name][1](home)
    with open_parts(home) as parts:
        told = json.dumps([breach.as_json() for breach in examine(parts)])
    assert "SCN000002" not in told
    assert "Quarrystone" not in told


# --- recovery -------------------------------------------------------------------------------------


def test_a_second_recovery_changes_nothing(home: Home, shared_reader: Reader) -> None:
    work = AtWork(home.root, shared_reader)
    work.tick(TUESDAY)
    once = picture(home)
    work.tick(TUESDAY)
    assert list(unchanged(once, picture(home))) == []
    work.tick("2026-03-03T16:05")
    found = list(unchanged(once, picture(home)))
    assert {item.code for item in found} == {"invariant.recovery"}
    assert "table:packages" in {item.subject for item in found}
