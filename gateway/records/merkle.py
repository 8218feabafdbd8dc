"""The Merkle tree of RFC 9162 §2.1 (that of RFC 6962): roots, proofs, and their verification.

Pure. Hashes are SHA-256, 32 bytes. A tree is whatever gives the hashes of its complete subtrees;
everything here asks it for O(log n) of them.
"""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Protocol

HASH_SIZE = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()


class Tree(Protocol):
    """The hashes of complete subtrees."""

    def node(self, level: int, end: int) -> bytes:
        """The root over the 2**level leaves of which the last is the ``end``-th, from 1.

        2**level divides ``end``; level 0 is a leaf's own hash.
        """
        ...


def parent(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def completed(tree: Tree, size: int, leaf_hash: bytes) -> list[bytes]:
    """The subtrees of level 1 and up that the ``size``-th leaf completes, the lowest first.

    The tree holds the leaves before it.
    """
    found: list[bytes] = []
    node, level = leaf_hash, 0
    while size >> level & 1 == 0:
        node = parent(tree.node(level, size - (1 << level)), node)
        found.append(node)
        level += 1
    return found


def root(tree: Tree, size: int) -> bytes:
    """The root over the first ``size`` leaves."""
    if size == 0:
        return EMPTY_ROOT
    return _over(tree, 0, size)


def inclusion(tree: Tree, index: int, size: int) -> list[bytes]:
    """The path from the leaf of that index (from 0) to the root over ``size`` leaves (§2.1.3.1).

    Raises ValueError where the leaf is not among them.
    """
    if not 0 <= index < size:
        raise ValueError("the leaf is not among those of the tree")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_over(tree, middle, end))
            end = middle
        else:
            path.append(_over(tree, start, middle))
            start = middle
    return path[::-1]


def consistency(tree: Tree, first: int, second: int) -> list[bytes]:
    """The proof that the first ``first`` leaves of ``second`` are those of before (§2.1.4.1).

    Empty where either is nothing or both are the same. Raises ValueError where first > second.
    """
    if not 0 <= first <= second:
        raise ValueError("the earlier tree is larger than the later one")
    if first in (0, second):
        return []
    path: list[bytes] = []
    start, end = 0, second
    while end != first:
        middle = start + _split(end - start)
        if first <= middle:
            path.append(_over(tree, middle, end))
            end = middle
        else:
            path.append(_over(tree, start, middle))
            start = middle
    if start:
        path.append(_over(tree, start, end))
    return path[::-1]


def verify_inclusion(
    leaf_hash: bytes, index: int, size: int, path: Sequence[bytes], claimed: bytes
) -> bool:
    """Whether the path leads from the leaf of that index to the claimed root (§2.1.3.2)."""
    if not 0 <= index < size or not _are_hashes(leaf_hash, claimed, *path):
        return False
    at, last, node = index, size - 1, leaf_hash
    for step in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            node = parent(step, node)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            node = parent(node, step)
        at, last = at >> 1, last >> 1
    return last == 0 and node == claimed


def verify_consistency(
    first: int, first_root: bytes, second: int, second_root: bytes, path: Sequence[bytes]
) -> bool:
    """Whether the second tree only adds to the first (§2.1.4.2).

    Nothing is proven of a first tree without leaves; of one size, only the same root is consistent.
    """
    if first == second:
        return first > 0 and not path and first_root == second_root
    if not 0 < first < second or not _are_hashes(first_root, second_root, *path):
        return False
    steps = list(path)
    if first & (first - 1) == 0:  # a complete subtree: its root is not told again
        steps.insert(0, first_root)
    if not steps:
        return False
    at, last = first - 1, second - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old, new = parent(step, old), parent(step, new)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            new = parent(new, step)
        at, last = at >> 1, last >> 1
    return last == 0 and old == first_root and new == second_root


def _over(tree: Tree, start: int, end: int) -> bytes:
    """The root over the leaves start to end; ``start`` is where a subtree of that size begins."""
    peaks = list(_peaks(tree, start, end))
    node = peaks[-1]
    for peak in reversed(peaks[:-1]):
        node = parent(peak, node)
    return node


def _peaks(tree: Tree, start: int, end: int) -> Iterator[bytes]:
    """The largest complete subtrees from left to right."""
    while start < end:
        level = (end - start).bit_length() - 1
        start += 1 << level
        yield tree.node(level, start)


def _split(count: int) -> int:
    """The largest power of two smaller than ``count``."""
    return 1 << ((count - 1).bit_length() - 1)


def _are_hashes(*values: bytes) -> bool:
    return all(len(value) == HASH_SIZE for value in values)
