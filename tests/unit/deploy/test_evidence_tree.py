"""The tree and the verifier's paths are those of RFC 6962."""

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.evidence.tree import Tree
from deploy.evidence.verify_bundle import is_grown, is_included, leaf_hash, node_hash

#: The leaves and roots by which implementations of Certificate Transparency are tried.
LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
SIZES = st.integers(1, 70)


def grown(size: int) -> Tree:
    tree = Tree()
    for n in range(size):
        tree.add(leaf(n))
    return tree


def leaf(n: int) -> bytes:
    return leaf_hash(str(n).encode())


def by_definition(leaves: list[bytes]) -> bytes:
    if not leaves:
        return sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    middle = 1
    while middle * 2 < len(leaves):
        middle *= 2
    return node_hash(by_definition(leaves[:middle]), by_definition(leaves[middle:]))


def test_roots_are_those_that_everybody_knows() -> None:
    tree = Tree()
    for content in LEAVES:
        tree.add(leaf_hash(bytes.fromhex(content)))

    assert [tree.root(size).hex() for size in range(len(LEAVES) + 1)] == ROOTS


@pytest.mark.parametrize("size", range(34))
def test_roots_follow_from_the_definition(size: int) -> None:
    tree = grown(33)

    assert tree.root(size) == by_definition([leaf(n) for n in range(size)])
    assert len(tree) == 33


def test_every_path_of_every_small_tree_leads_to_its_root() -> None:
    tree = grown(40)
    for size in range(1, 41):
        for index in range(size):
            path = tree.inclusion(index, size)
            assert is_included(leaf(index), index, size, path, tree.root(size))
            assert len(path) <= 6
        for later in range(size, 41):
            assert is_grown(size, tree.root(size), later, tree.root(later), tree.growth(size, later))


@settings(max_examples=300)
@given(size=SIZES, data=st.data())
def test_no_other_path_leads_there(size: int, data: st.DataObject) -> None:
    tree, index = grown(size), data.draw(st.integers(0, size - 1))
    path, root = tree.inclusion(index, size), tree.root(size)

    assert not is_included(leaf(index + 1), index, size, path, root)
    assert not is_included(leaf(index), index, size, [*path, root], root)
    other = data.draw(st.integers(-1, size + 1).filter(lambda other: other != index))
    assert not is_included(leaf(index), other, size, path, root) or size == 1
    if path:
        place = data.draw(st.integers(0, len(path) - 1))
        assert not is_included(leaf(index), index, size, [*path[:place], *path[place + 1 :]], root)
        assert not is_included(leaf(index), index, size, [*path[:place], bytes(32), *path[place + 1 :]], root)


@settings(max_examples=300)
@given(size=SIZES, more=st.integers(1, 40), data=st.data())
def test_a_tree_that_has_forgotten_something_has_not_grown(size: int, more: int, data: st.DataObject) -> None:
    tree, changed, later = grown(size + more), Tree(), size + more
    place = data.draw(st.integers(0, size - 1))
    for n in range(later):
        changed.add(leaf(-1 if n == place else n))
    path = changed.growth(size, later)

    assert not is_grown(size, tree.root(size), later, changed.root(later), path)
    assert not is_grown(size, tree.root(size), later, changed.root(later), tree.growth(size, later))
    assert not is_grown(later, tree.root(later), size, tree.root(size), tree.growth(size, later))
    assert not is_grown(size, tree.root(size), later, tree.root(later), [*tree.growth(size, later), bytes(32)])
    assert not is_grown(size, tree.root(size), later, tree.root(later), [])
