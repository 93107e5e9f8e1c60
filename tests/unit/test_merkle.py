"""The Merkle tree against known values, and against a second, plainer reading of the RFC."""

from __future__ import annotations

import hashlib

import pytest

from filings.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    range_roots,
    tree_root,
    verify_consistency,
    verify_inclusion,
)

# The eight leaves and roots that implementations of RFC 6962 share as test vectors.
LEAVES = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657",
                                           "606162636465666768696a6b6c6d6e6f")]  # fmt: skip
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def plain_root(leaves: list[bytes]) -> bytes:
    """The definition of RFC 6962, 2.1, word for word: our second opinion."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return hashlib.sha256(b"\x01" + plain_root(leaves[:half]) + plain_root(leaves[half:])).digest()


@pytest.mark.parametrize("size", range(1, 9))
def test_shared_vectors(size: int) -> None:
    """The roots over the shared leaves are the published ones."""
    assert tree_root(leaf_hash(leaf) for leaf in LEAVES[:size]).hex() == ROOTS[size - 1]


def test_empty_tree() -> None:
    """The root of no entries is the hash of nothing."""
    assert tree_root([]) == EMPTY_ROOT == hashlib.sha256(b"").digest()


@pytest.mark.parametrize("size", range(1, 40))
def test_every_inclusion_proof_holds_and_no_other_leaf_fits(size: int) -> None:
    """Each entry's proof verifies at its own place, and at no other place or with another leaf."""
    data = [bytes([n]) for n in range(size)]
    leaves = [leaf_hash(leaf) for leaf in data]
    root = plain_root(data)
    for index in range(size):
        proof = inclusion_proof(index, size, range_roots(leaves))

        assert verify_inclusion(leaves[index], index, size, proof, root)
        assert not verify_inclusion(leaf_hash(b"other"), index, size, proof, root)
        assert not verify_inclusion(leaves[index], index + 1, size, proof, root)
        assert not verify_inclusion(leaves[index], index, size, (*proof, root), root)


@pytest.mark.parametrize("second", range(1, 24))
def test_every_consistency_proof_holds_and_a_changed_past_does_not(second: int) -> None:
    """A longer list is shown to contain a shorter one, unless the shorter one was another."""
    data = [bytes([n]) for n in range(second)]
    leaves = [leaf_hash(leaf) for leaf in data]
    for first in range(1, second + 1):
        proof = consistency_proof(first, second, range_roots(leaves))
        old, new = plain_root(data[:first]), plain_root(data)

        assert verify_consistency(first, second, old, new, proof)
        assert not verify_consistency(first, second, plain_root([b"x", *data[1:first]]), new, proof)
        assert not verify_consistency(first, second, old, plain_root([*data, b"x"]), proof)


def test_frontier_refuses_nonsense() -> None:
    """A frontier whose hashes do not belong to its size is not accepted."""
    with pytest.raises(ValueError, match="one 32-byte hash per set bit"):
        Frontier(3, (b"\x00" * 32,))


@pytest.mark.parametrize(("index", "size"), [(0, 0), (3, 3), (-1, 2)])
def test_no_proof_for_what_is_not_there(index: int, size: int) -> None:
    """There is no proof for an entry outside the list."""
    with pytest.raises(ValueError, match="there is no entry"):
        inclusion_proof(index, size, range_roots([]))
