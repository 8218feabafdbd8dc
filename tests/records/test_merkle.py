"""The tree: against RFC 9162 as it is written, its vectors, and every proof that is not one."""

import base64
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.records.merkle import (
    EMPTY_ROOT,
    completed,
    consistency,
    inclusion,
    root,
    verify_consistency,
    verify_inclusion,
)


def leaf(number: int) -> bytes:
    """A leaf's hash."""
    return hashlib.sha256(b"\x00" + str(number).encode()).digest()


def naive_root(leaves: Sequence[bytes]) -> bytes:
    """MTH of §2.1.1, as it is written there."""
    if len(leaves) < 2:
        return leaves[0] if leaves else EMPTY_ROOT
    middle = 1
    while middle * 2 < len(leaves):
        middle *= 2
    both = naive_root(leaves[:middle]) + naive_root(leaves[middle:])
    return hashlib.sha256(b"\x01" + both).digest()


class Kept:
    """A tree as the ledger keeps one: with each leaf, the subtrees that it completes."""

    def __init__(self, size: int) -> None:
        self.rows: list[list[bytes]] = []
        for number in range(size):
            self.rows.append([leaf(number), *completed(self, number + 1, leaf(number))])

    def node(self, level: int, end: int) -> bytes:
        """As `merkle.Tree` says."""
        return self.rows[end - 1][level]


LARGEST = 130
TREE = Kept(LARGEST)
LEAVES = [leaf(number) for number in range(LARGEST)]
sizes = st.integers(0, LARGEST)


@pytest.mark.parametrize("size", range(LARGEST + 1))
def test_every_root_is_as_written(size: int) -> None:
    assert root(TREE, size) == naive_root(LEAVES[:size])


def test_every_leaf_of_every_small_tree_is_proven_and_nowhere_else() -> None:
    for size in range(1, 34):
        top = root(TREE, size)
        for index in range(size):
            path = inclusion(TREE, index, size)
            for claimed in range(size + 1):
                proven = verify_inclusion(leaf(index), claimed, size, path, top)
                assert proven == (claimed == index)


def test_every_pair_of_small_trees_is_consistent() -> None:
    for second in range(34):
        for first in range(1, second + 1):
            path = consistency(TREE, first, second)
            roots = root(TREE, first), root(TREE, second)
            assert verify_consistency(first, roots[0], second, roots[1], path)
            if path:
                assert not verify_consistency(first, roots[0], second, roots[1], path[:-1])
                assert not verify_consistency(first, roots[0], second, roots[1], [*path, path[0]])


@given(first=sizes, second=sizes, data=st.data())
@settings(max_examples=200)
def test_no_other_root_is_consistent(first: int, second: int, data: st.DataObject) -> None:
    first, second = sorted((first, second))
    path = consistency(TREE, first, second)
    told = [root(TREE, first), root(TREE, second), *path]
    at = data.draw(st.integers(0, len(told) - 1), label="which hash")
    bit = data.draw(st.integers(0, 255), label="which bit")
    told[at] = (int.from_bytes(told[at]) ^ (1 << bit)).to_bytes(32)
    assert not verify_consistency(first, told[0], second, told[1], told[2:])


@given(size=st.integers(1, LARGEST), data=st.data())
@settings(max_examples=200)
def test_no_altered_path_includes(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1), label="index")
    told = [leaf(index), root(TREE, size), *inclusion(TREE, index, size)]
    assert verify_inclusion(told[0], index, size, told[2:], told[1])
    at = data.draw(st.integers(0, len(told) - 1), label="which hash")
    bit = data.draw(st.integers(0, 255), label="which bit")
    told[at] = (int.from_bytes(told[at]) ^ (1 << bit)).to_bytes(32)
    assert not verify_inclusion(told[0], index, size, told[2:], told[1])


def test_hashes_of_another_length_prove_nothing() -> None:
    top = root(TREE, 2)
    assert verify_inclusion(leaf(0), 0, 2, [leaf(1)], top)
    assert not verify_inclusion(leaf(0), 0, 2, [leaf(1) + b"\x00"], top)
    assert not verify_inclusion(b"", 0, 1, [], b"")
    assert not verify_consistency(1, b"", 2, b"", [leaf(0)])


@pytest.mark.parametrize(("index", "size"), [(0, 0), (3, 3), (-1, 3)])
def test_what_is_not_in_the_tree_has_no_path(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="not among"):
        inclusion(TREE, index, size)


def test_a_tree_is_not_consistent_with_its_future() -> None:
    with pytest.raises(ValueError, match="larger"):
        consistency(TREE, 3, 2)
    assert not verify_consistency(3, root(TREE, 3), 2, root(TREE, 2), [])


def _hashes(told: list[str] | None) -> list[bytes]:
    return [base64.b64decode(item) for item in told or []]


def _holds(vector: dict[str, Any]) -> bool:
    path = _hashes(vector["proof"])
    if "leafIdx" in vector:
        leaf_hash, top = _hashes([vector["leafHash"], vector["root"]])
        return verify_inclusion(leaf_hash, vector["leafIdx"], vector["treeSize"], path, top)
    old, new = _hashes([vector["root1"], vector["root2"]])
    return verify_consistency(vector["size1"], old, vector["size2"], new, path)


def test_the_public_vectors(shared_folder: Path) -> None:
    """Those of the transparency-dev project: 12 hold, 184 do not."""
    folder = shared_folder / "corpus" / "merkle-vectors" / "testdata"
    files = [path for kind in ("inclusion", "consistency") for path in folder.glob(f"{kind}/**/*")]
    vectors = [json.loads(path.read_text()) for path in files if path.is_file()]
    wrong = [one["desc"] for one in vectors if _holds(one) == one["wantErr"]]
    assert wrong == []
    assert [one["wantErr"] for one in vectors].count(False) == 12
    assert len(vectors) == 196
