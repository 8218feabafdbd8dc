"""What `doctor` is told of the confinement, through the real zygote."""

import io
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from gateway.agreement.model import RuleBook
from gateway.intake.confined import Layer, Reader, ReaderFailed, probe

REQUIRED = {"landlock", "seccomp"}
NAMES = [
    "landlock",
    "seccomp",
    "network namespace",
    "user",
    "capabilities",
    "no new privileges",
    "memory",
    "time limit",
]


def by_name(layers: tuple[Layer, ...]) -> dict[str, Layer]:
    return {layer.name: layer for layer in layers}


def test_every_layer_is_tried_and_holds(book: RuleBook) -> None:
    with Reader({"notifications": book}) as reader:
        layers = probe(reader)
        assert [layer.name for layer in layers] == NAMES
        assert {layer.name for layer in layers if layer.required} == REQUIRED
        assert all(layer.holds for layer in layers if layer.name != "network namespace")
        assert by_name(layers)["network namespace"].holds == reader.network_left


def test_what_is_waived_is_seen_not_to_hold(book: RuleBook) -> None:
    with Reader({"notifications": book}, waived=frozenset(REQUIRED)) as reader:
        layers = by_name(probe(reader))
    assert not layers["landlock"].holds
    assert "read (allowed)" in layers["landlock"].words
    assert not layers["seccomp"].holds
    assert "socket (allowed)" in layers["seccomp"].words
    assert "fork (allowed)" in layers["seccomp"].words
    assert layers["memory"].holds
    assert layers["time limit"].holds


def test_landlock_alone_still_shuts_files(book: RuleBook) -> None:
    with Reader({"notifications": book}, waived=frozenset({"seccomp"})) as reader:
        layers = by_name(probe(reader))
    assert layers["landlock"].holds
    assert not layers["seccomp"].holds


@pytest.fixture
def lacking_entry() -> Path:
    return Path(__file__).with_name("lacking_entry.py")


def test_a_system_without_the_layers_is_told_and_reads_nothing(
    book: RuleBook, lacking_entry: Path, saying: Callable[..., BinaryIO], today: date
) -> None:
    with Reader({"notifications": book}, entry=lacking_entry) as reader:
        layers = by_name(probe(reader))
        assert not layers["landlock"].holds
        assert "Landlock is not available" in layers["landlock"].words
        assert not layers["seccomp"].holds
        assert "libseccomp is not installed" in layers["seccomp"].words
        with pytest.raises(ReaderFailed, match="code 4") as failed:
            list(reader.examine("notifications", saying("Reference number"), today))
        assert failed.value.code == "file.reader-failed"


def test_a_waived_reader_reads_where_the_layers_are_lacking(
    book: RuleBook, lacking_entry: Path, saying: Callable[..., BinaryIO], today: date
) -> None:
    waived = frozenset(REQUIRED)
    with Reader({"notifications": book}, entry=lacking_entry, waived=waived) as reader:
        assert list(reader.examine("notifications", saying("Reference number"), today))


WORKER = """
import json
import sys
from datetime import date
from pathlib import Path

import gateway
from gateway.agreement.model import RuleBook
from gateway.intake.confined import Limits, Reader, ReaderFailed, probe

HERE = Path(__file__).parent
ENTRY = Path(gateway.__file__).parent / "intake/confined/entry.py"


def came_of(reader, act):
    (HERE / "drop").write_text(act)
    try:
        with (HERE / "drop").open("rb") as file:
            return len(list(reader.examine("notifications", file, date(2016, 4, 1))))
    except ReaderFailed as failed:
        return failed.code


if __name__ == "__main__":
    entry = HERE / "entry.py"
    entry.write_text(
        f"import runpy, sys\\nsys.path.insert(0, {str(HERE)!r})\\n"
        f"runpy.run_path({str(ENTRY)!r})['main']('hostile')\\n"
    )
    books = {"notifications": RuleBook.model_validate_json((HERE / "book").read_bytes())}
    limits = Limits(cpu_seconds=(2, 2), wall_seconds=(4, 4))
    with Reader(books, limits, entry=entry) as reader:
        acts = {act: came_of(reader, act) for act in sys.argv[1:]}
        layers = [[layer.name, layer.holds, layer.words] for layer in probe(reader)]
    print(json.dumps({"acts": acts, "layers": layers}))
"""


def test_an_ordinary_user_has_the_same_confinement(book: RuleBook, ordinary_user: Any) -> None:
    folder = ordinary_user.folder
    (folder / "worker.py").write_text(WORKER)
    (folder / "book").write_text(book.model_dump_json())
    for name in ("hostile.py", "attacks.py"):
        (folder / name).write_bytes(Path(__file__).with_name(name).read_bytes())
    ordinary_user.own(folder)
    refused = ["socket", "open", f"write {folder / 'free'}", f"chmod {folder / 'book'}", "fork"]
    over = ["endless", "four-gigabytes"]
    ran = ordinary_user.run(str(folder / "worker.py"), "fine", *refused, *over, "fine")
    assert ran.returncode == 0, ran.stderr
    told = json.load(io.StringIO(ran.stdout))
    assert told["acts"].pop("fine") == 4
    assert {act: told["acts"][act] for act in refused} == dict.fromkeys(
        refused, "file.reader-failed"
    )
    assert {act: told["acts"][act] for act in over} == dict.fromkeys(over, "file.over-limit")
    assert not (folder / "free").exists()
    assert not [layer for layer in told["layers"] if not layer[1] and layer[0] != NAMES[2]]
