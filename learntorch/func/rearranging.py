"""rearrange: dimensions by name. Source: the notation is that of einops (Rogozhnikov 2022)."""

from math import prod

from learntorch.core.record import registry
from learntorch.core.tensor import Tensor


def rearrange(tensor, pattern, **axes_lengths):
    """`tensor` with its dimensions reordered, split and joined as the pattern says.

    "b h w c -> b c h w" reorders, "(h p) w -> h p w" splits (p=2 says how), "b h w -> b (h w)"
    joins, "…" stands for all others, `1` or `()` for a dimension of size 1. A list of tensors is
    stacked first. Raises ValueError where the pattern does not fit.
    """
    if not isinstance(tensor, Tensor):
        tensor = registry["stack"].op.public(list(tensor), 0)
    left, arrow, right = pattern.replace("...", "…").partition("->")
    if not arrow:
        raise ValueError("Pattern must contain exactly one '->' separator")
    left, right = parsed(left, pattern), parsed(right, pattern)
    rest = tensor.dim() - sum("…" not in group for group in left)
    if "…" not in flat(left) and rest:
        raise ValueError(f"Number of dimensions in pattern ({len(left)}) and tensor "
                         f"({tensor.dim()}) must be equal")
    names = [f"…{i}" for i in range(rest)]
    left, right = spread(left, names), spread(right, names)
    check(left, right, pattern)
    sizes = sizes_of(tensor.shape, left, axes_lengths)
    x = tensor.reshape([sizes[name] for group in left for name in group])
    order = flat(left)
    x = x.permute([order.index(name) for name in flat(right)])
    return x.reshape([prod(sizes[name] for name in group) for group in right])


def parsed(side, pattern):
    """One side of a pattern as groups of names: "b (h w) 1" is [[b], [h, w], []]."""
    groups = []
    inside = None
    for word in side.replace("(", " ( ").replace(")", " ) ").split():
        if word == "(":
            if inside is not None:
                raise ValueError(f"Brackets inside brackets in pattern '{pattern}'")
            inside = []
        elif word == ")":
            if inside is None:
                raise ValueError(f"A bracket is closed that was not opened: '{pattern}'")
            groups.append(inside)
            inside = None
        elif inside is None:
            groups.append([] if word == "1" else [word])
        elif word != "1":
            inside.append(word)
    if inside is not None:
        raise ValueError(f"A bracket is not closed in pattern '{pattern}'")
    return groups


def flat(groups):
    return [name for group in groups for name in group]


def spread(groups, names):
    """The groups with "…" replaced by the names of the dimensions it stands for."""
    made = []
    for group in groups:
        if group == ["…"]:
            made += [[name] for name in names]
        else:
            made.append([n for name in group for n in (names if name == "…" else [name])])
    return made


def check(left, right, pattern):
    a, b = flat(left), flat(right)
    if len(set(a)) != len(a) or len(set(b)) != len(b):
        raise ValueError(f"A name stands twice on one side of pattern '{pattern}'")
    if set(a) != set(b):
        raise ValueError("Identifiers only on one side of expression (should be on both): "
                         f"{set(a) ^ set(b)}")


def sizes_of(shape, left, given):
    """The size of every name; of one in each group it may be left open."""
    sizes = dict(given)
    for n, group in zip(shape, left, strict=True):
        unknown = [name for name in group if name not in sizes]
        known = prod(sizes[name] for name in group if name in sizes)
        if len(unknown) > 1:
            raise ValueError(f"Could not infer sizes for {set(unknown)}: give all but one of them "
                             "as keywords")
        if unknown:
            sizes[unknown[0]] = n // known if known else 0
        if prod(sizes[name] for name in group) != n:
            raise ValueError(f"Shape mismatch, {n} is not the product of the sizes of {group}")
    return sizes
