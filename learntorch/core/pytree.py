"""Nested tuples, lists and dictionaries as a flat list of leaves and a description of the nest."""

from collections import OrderedDict, defaultdict


class TreeSpec:
    """How a nest looks without its leaves: the type, the keys (or field names), the parts."""

    __slots__ = ("kind", "keys", "parts", "count")

    def __init__(self, kind, keys, parts):
        self.kind = kind
        self.keys = keys
        self.parts = parts
        self.count = 1 if kind is None else sum(p.count for p in parts)

    @property
    def num_leaves(self):
        """How many leaves a nest of this form has."""
        return self.count

    def __eq__(self, other):
        return (isinstance(other, TreeSpec) and self.kind is other.kind and self.keys == other.keys
                and self.parts == other.parts)

    def __hash__(self):
        return hash((self.kind, self.count))

    def __repr__(self):
        if self.kind is None:
            return "*"
        return f"TreeSpec({self.kind.__name__}, {self.keys}, [{', '.join(map(repr, self.parts))}])"


LEAF = TreeSpec(None, None, ())
DICTS = (dict, OrderedDict, defaultdict)


def is_named(value):
    """Whether `value` is a namedtuple."""
    return isinstance(value, tuple) and hasattr(value, "_fields")


def children(value):
    """(type, keys, parts) of a nest, or None for a leaf."""
    if type(value) in DICTS:
        return type(value), list(value), list(value.values())
    if type(value) in (tuple, list):
        return type(value), None, list(value)
    return (type(value), None, list(value)) if is_named(value) else None


def shown(spec):
    """A form with stars for its leaves: "(*, [*, *])"."""
    if spec.kind is None:
        return "*"
    parts = [shown(p) for p in spec.parts]
    if spec.kind in DICTS:
        return "{" + ", ".join(f"{k!r}: {p}" for k, p in zip(spec.keys, parts, strict=True)) + "}"
    if spec.kind is list:
        return "[" + ", ".join(parts) + "]"
    return "(" + ", ".join(parts) + ("," if len(parts) == 1 else "") + ")"


def tree_flatten(tree):
    """(leaves, spec): the leaves from left to right, and what `tree_unflatten` needs."""
    found = children(tree)
    if found is None:
        return [tree], LEAF
    kind, keys, parts = found
    leaves, specs = [], []
    for part in parts:
        some, spec = tree_flatten(part)
        leaves += some
        specs.append(spec)
    return leaves, TreeSpec(kind, keys, specs)


def tree_unflatten(leaves, spec):
    """The nest of form `spec` with these leaves."""
    rest = iter(leaves)
    return _built(rest, spec)


def _built(rest, spec):
    if spec.kind is None:
        return next(rest)
    parts = [_built(rest, p) for p in spec.parts]
    if spec.kind in DICTS:
        pairs = zip(spec.keys, parts, strict=True)
        return OrderedDict(pairs) if spec.kind is OrderedDict else dict(pairs)
    if spec.kind in (tuple, list):
        return spec.kind(parts)
    return spec.kind._make(parts)


def tree_leaves(tree):
    """The leaves from left to right."""
    return tree_flatten(tree)[0]


def tree_structure(tree):
    """The form of a nest."""
    return tree_flatten(tree)[1]


def tree_map(function, tree, *others):
    """`function` on every leaf (and the leaves of `others` at the same places)."""
    leaves, spec = tree_flatten(tree)
    rows = [tree_leaves(other) for other in others]
    return tree_unflatten([function(*row) for row in zip(leaves, *rows, strict=True)], spec)


def tree_map_only(kind, function, tree):
    """`function` on every leaf of type `kind`; the others stay."""
    return tree_map(lambda leaf: function(leaf) if isinstance(leaf, kind) else leaf, tree)


def broadcast_prefix(prefix, tree):
    """The leaves of `prefix`, each repeated for all leaves of `tree` below it; None if unfit.

    `(0, None)` over `((a, b), c)` is [0, 0, None].
    """
    found = children(prefix)
    if found is None:
        return [prefix] * len(tree_leaves(tree))
    kind, keys, parts = found
    below = children(tree)
    if below is None or below[0] is not kind or below[1] != keys or len(below[2]) != len(parts):
        return None
    flat = []
    for part, branch in zip(parts, below[2], strict=True):
        some = broadcast_prefix(part, branch)
        if some is None:
            return None
        flat += some
    return flat
