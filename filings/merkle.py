"""What does one hash say about a whole list of entries?

The Merkle tree of RFC 6962, section 2.1 (RFC 9162, section 2.1): SHA-256, a leaf is hashed with the
prefix 00, a node with 01, an uneven list is split at the largest power of two below its size.
Pure functions and one value; nothing here keeps all leaves. With the roots of two sizes an
auditor can check that an entry is in the list (inclusion) and that a later list only added to an
earlier one (consistency).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """Hash of a leaf: SHA-256 of 00 and the data."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node: SHA-256 of 01 and both children."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """The complete subtrees of a growing list, largest first: all that is needed to add and to get the root."""

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.peaks) != self.size.bit_count() or any(len(peak) != 32 for peak in self.peaks):
            raise ValueError("a frontier has one 32-byte hash per set bit of its size")

    def extend(self, leaves: Iterable[bytes]) -> Frontier:
        """The frontier after adding the given leaf hashes in order."""
        size, peaks = self.size, list(self.peaks)
        for leaf in leaves:
            peak, carry = leaf, size
            while carry & 1:
                peak = node_hash(peaks.pop(), peak)
                carry >>= 1
            peaks.append(peak)
            size += 1
        return Frontier(size, tuple(peaks))

    def root(self) -> bytes:
        """The Merkle tree hash of everything added so far."""
        if not self.peaks:
            return EMPTY_ROOT
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root


def tree_root(leaves: Iterable[bytes]) -> bytes:
    """The root over leaf hashes, in flat memory."""
    return Frontier().extend(leaves).root()


RangeRoot = Callable[[int, int], bytes]
"""Gives the root over the leaves ``start`` (inclusive) to ``end`` (exclusive)."""


def range_roots(leaves: Sequence[bytes]) -> RangeRoot:
    """A :data:`RangeRoot` over a list in memory."""
    return lambda start, end: tree_root(leaves[start:end])


def _split(size: int) -> int:
    return 1 << ((size - 1).bit_length() - 1)


def inclusion_proof(index: int, size: int, range_root: RangeRoot) -> tuple[bytes, ...]:
    """The audit path of the leaf at ``index`` in a list of ``size``, lowest sibling first (RFC 6962, 2.1.1)."""
    if not 0 <= index < size:
        raise ValueError(f"there is no entry {index} among {size}")
    start, end = 0, size
    path: list[bytes] = []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(range_root(middle, end))
            end = middle
        else:
            path.append(range_root(start, middle))
            start = middle
    return tuple(reversed(path))


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether ``proof`` shows that ``leaf`` is entry ``index`` of the list of this size (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    node, last, value = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            value = node_hash(sibling, value)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            value = node_hash(value, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and value == root


def consistency_proof(first: int, second: int, range_root: RangeRoot) -> tuple[bytes, ...]:
    """The nodes that show that the first ``first`` of ``second`` entries are unchanged (RFC 6962, 2.1.2)."""
    if not 0 < first <= second:
        raise ValueError(f"no consistency proof from {first} to {second}")
    start, end, whole = 0, second, True
    path: list[bytes] = []
    while first != end:
        middle = start + _split(end - start)
        if first <= middle:
            path.append(range_root(middle, end))
            end = middle
        else:
            path.append(range_root(start, middle))
            start, whole = middle, False
    if not whole:
        path.append(range_root(start, end))
    return tuple(reversed(path))


def verify_consistency(first: int, second: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether ``proof`` shows that the newer list only added to the older one (RFC 9162, 2.1.4.2)."""
    if not 0 < first <= second:
        return False
    if first == second:
        return not proof and old_root == new_root
    path = list(proof)
    if first & (first - 1) == 0:
        path.insert(0, old_root)
    if not path:
        return False
    node, last = first - 1, second - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and old == old_root and new == new_root
