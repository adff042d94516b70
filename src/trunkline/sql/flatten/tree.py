"""The source record as the catalogue sees it: which keys are known where, and what kind of value each holds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from trunkline.objects.model import Column, Object, Type


@dataclass(frozen=True, slots=True)
class Leaf:
    """A path of the source record that feeds one or more columns; `type` is what the value must be."""

    path: tuple[str, ...]
    type: Type
    columns: tuple[Column, ...]

    @property
    def pointer(self) -> str:
        """JSON pointer (RFC 6901) of the path."""
        return pointer(self.path)


@dataclass(frozen=True, slots=True)
class Tree:
    """All known paths. `objects` are the paths that must be JSON objects (the root is the empty path)."""

    leaves: tuple[Leaf, ...]
    objects: tuple[tuple[str, ...], ...]

    def known_keys(self, path: tuple[str, ...]) -> frozenset[str]:
        """The keys the catalogue knows in the object at this path."""
        depth = len(path)
        below = [leaf.path for leaf in self.leaves if len(leaf.path) > depth and leaf.path[:depth] == path]
        return frozenset(found[depth] for found in below)


def pointer(path: tuple[str, ...]) -> str:
    """JSON pointer (RFC 6901) of a key path."""
    return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in path)


def _leaf_type(columns: list[Column]) -> Type:
    # Two columns may read one path (an ARN and the id in it); they agree that it is plain.
    return columns[0].type


@cache
def leaves_by_path(obj: Object) -> dict[tuple[str, ...], Leaf]:
    """The leaves of an object's tree by their paths."""
    return {leaf.path: leaf for leaf in tree_of(obj).leaves}


@cache
def tree_of(obj: Object) -> Tree:
    """The tree of an object's paths, in catalogue order. Raises ValueError if one path is both value and object."""
    by_path: dict[tuple[str, ...], list[Column]] = {}
    for column in obj.columns:
        if column.path is not None:
            by_path.setdefault(column.path, []).append(column)
    objects: dict[tuple[str, ...], None] = {(): None}
    for path in by_path:
        for depth in range(1, len(path)):
            objects[path[:depth]] = None
    both = set(by_path) & set(objects)
    if both:
        raise ValueError(f"{obj.name}: {sorted(both)} are read both as a value and as an object")
    leaves = tuple(Leaf(path, _leaf_type(columns), tuple(columns)) for path, columns in by_path.items())
    return Tree(leaves, tuple(objects))
