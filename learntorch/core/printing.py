"""How a tensor looks when printed: PyTorch's text, character for character, from a raw array.

Two ideas carry the file. Only what will be shown is looked at: a large array is cut to its
corners by views before a single number is formatted. And one number style is chosen for all
shown numbers together, so that columns line up.

Numbers are written in one of three styles, decided by the finite non-zero ones among them:

    whole        `3.`          all of them are integers
    fixed        `3.1416`      otherwise
    scientific   `3.1416e+00`  largest / smallest > 1000, or largest > 1e8, or smallest < 1e-4;
                               `sci_mode` overrules

Source: the behaviour of PyTorch 2.13, found by experiment.
"""
import contextlib

import numpy as np

from learntorch.core import dtypes

_PROFILES = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": float("inf"), "edgeitems": 3, "linewidth": 80},
}

# One record for the process and not one per thread, as in PyTorch: a setting made in one
# notebook cell holds for whichever thread prints next.
_options = {**_PROFILES["default"], "sci_mode": None}


def set_printoptions(precision=None, threshold=None, edgeitems=None, linewidth=None,
                     profile=None, sci_mode=None):
    """Sets how tensors are printed; what is not given stays, except `sci_mode`.

    precision: digits after the point (4). threshold: more elements than this are summarised
    (1000). edgeitems: elements shown at each end of a summarised dimension (3). linewidth:
    characters a line (80). profile: "default", "short" or "full", applied first; another name
    changes nothing. sci_mode: True, False, or None to let the numbers decide; as in PyTorch,
    leaving it out resets it.
    """
    if profile is not None:
        _options.update(_PROFILES.get(profile, {}))
    given = {"precision": precision, "threshold": threshold,
             "edgeitems": edgeitems, "linewidth": linewidth}
    _options.update((name, value) for name, value in given.items() if value is not None)
    _options["sci_mode"] = sci_mode


def get_printoptions():
    """The options in force, as a new dict with `set_printoptions`' names."""
    return dict(_options)


@contextlib.contextmanager
def printoptions(**options):
    """`with printoptions(precision=2): ...` prints so inside the block only."""
    before = get_printoptions()
    set_printoptions(**options)
    try:
        yield
    finally:
        _options.update(before)


def tensor_repr(t, contents=None):
    """`repr` of any tensor `t`; `contents` is shown in place of its numbers.

    A class of the library prints as `tensor(...)`, a class of the user by its own name.
    """
    own = type(t)
    name = "tensor" if own.__module__.startswith("learntorch.") else own.__name__
    try:
        node = t.grad_fn
        requires_grad = t.requires_grad
        grad_fn = None if node is None else node.name().rpartition(":")[2]
    except RuntimeError:
        # A view whose base was rewritten where that is forbidden: to look at it must still work.
        requires_grad = True
        grad_fn = "Invalid"
    place = None if t.device.type == "cpu" else str(t.device)
    return tensor_str(t._data, prefix=name + "(", contents=contents, device=place,
                      default_dtype=dtypes.get_default_dtype().name,
                      requires_grad=requires_grad, grad_fn=grad_fn)


def tensor_str(array, *, prefix="tensor(", contents=None, device=None, default_dtype="float32",
               requires_grad=False, grad_fn=None, tangent=None):
    """prefix + numbers + what is not obvious from them + ")", as PyTorch's `repr` has it.

    array: of any backend and any dtype (bfloat16 and float8 of `ml_dtypes` included); for
    `device="meta"` only its shape and dtype are read. prefix: "tensor(", "MyTensor(" or
    "Parameter containing:\\ntensor("; its last line sets the indentation. contents: a text
    to show in place of the numbers. device: a name to show ("cuda:0"), None for the usual one.
    grad_fn: a name ("MulBackward0"), or None. tangent: the text of the forward-mode tangent, or
    None.
    """
    indent = len(prefix) - prefix.rfind("\n") - 1
    dtype = array.dtype.name
    body, sized = _body(array, indent, device) if contents is None else (contents, False)
    notes = []
    if device is not None:
        notes.append(f"device='{device}'")
    if sized:
        notes.append(f"size={tuple(array.shape)}")
    # Without numbers to look at nothing tells the dtype, so only the default is left out.
    silent = {default_dtype}
    if array.size and device != "meta":
        silent |= {"int64", "bool", "complex128" if default_dtype == "float64" else "complex64"}
    if dtype not in silent:
        notes.append(f"dtype=torch.{dtype}")
    if grad_fn is not None:
        notes.append(f"grad_fn=<{grad_fn}>")
    elif requires_grad:
        notes.append("requires_grad=True")
    if tangent is not None:
        notes.append(f"tangent={tangent}")
    return _append(prefix + body, notes, indent)


def format_tensor(t, spec, plain=True):
    """`format(t, spec)`: one number obeys `spec` (f"{loss:.3f}"), anything else is its `repr`.

    t: any tensor. plain: False for subclasses (Parameter), which PyTorch never formats as
    numbers. Raises TypeError when there is a `spec` and `t` is not one number.
    """
    if plain and t.dim() == 0 and t.device.type != "meta":
        return format(t.item(), spec)
    if not spec:
        return str(t)
    name = type(t).__name__
    if t.dim() == 0:
        hint = f"{spec!r} formats plain tensors that hold a number; write .item() first"
    else:
        hint = (f"{spec!r} formats one number, the shape here is {tuple(t.shape)}; "
                f"set_printoptions(precision=...) formats many")
    raise TypeError(f"unsupported format string passed to {name}.__format__: {hint}")


def _body(array, indent, device):
    """(text of the numbers, whether the shape must be told because the text does not show it)."""
    if device == "meta":
        return "...", True
    shape = array.shape
    if not array.size:
        return "[]", len(shape) != 1
    edge = _options["edgeitems"]
    cuts = [False] * len(shape)
    if shape and array.size > _options["threshold"]:
        if edge == 0:
            return "[...]", True
        cuts = [length > 2 * edge for length in shape]
    block = _corners(array, cuts, edge)
    texts, width = _texts(block.reshape(-1))
    if not shape:
        return texts[0], edge == 0
    nested = np.array(texts, dtype=object).reshape(block.shape).tolist()
    return _brackets(nested, cuts, indent, width + 2), edge == 0


def _corners(array, cuts, edge):
    """The first and last `edge` entries along every axis in `cuts`, on the host.

    Only views are taken before the transfer: the cost does not grow with the array.
    """
    if True not in cuts:
        return array.get() if hasattr(array, "get") else np.asarray(array)
    axis = cuts.index(True)
    rest = [cut and later != axis for later, cut in enumerate(cuts)]
    whole = (slice(None),) * axis
    ends = (slice(None, edge), slice(-edge, None))
    return np.concatenate([_corners(array[whole + (end,)], rest, edge) for end in ends], axis)


def _texts(values):
    """(texts of equal width for 1-D `values`, that width); one style for all of them."""
    if values.dtype.kind == "W":
        values = values.astype(np.complex64)
    kind = values.dtype.kind
    if kind == "c":
        return _complex_texts(values)
    if kind in "biu":
        texts = [str(v) for v in values.tolist()]
        width = max(map(len, texts))
    else:
        texts, width = _real_texts(values.astype(np.float64))
    return [text.rjust(width) for text in texts], width


def _complex_texts(values):
    """`1.+2.j`: each part has its own style; only the real one is padded."""
    real, real_width = _texts(values.real)
    imag, imag_width = _texts(values.imag)
    texts = []
    for x, y in zip(real, imag):
        y = y.lstrip()
        texts.append(x + y + "j" if y[0] == "-" else x + "+" + y + "j")
    return texts, real_width + imag_width + 1


def _real_texts(values):
    """(texts of float64 `values`, width of the longest finite non-zero one)."""
    precision = _options["precision"]
    shaping = np.isfinite(values) & (values != 0)
    sizes = np.abs(values[shaping])
    if not sizes.size:
        return [_whole(v) for v in values.tolist()], 1
    if _scientific(sizes):
        spec = f".{precision}e"
    elif (sizes == np.floor(sizes)).all():
        spec = None
    else:
        spec = f".{precision}f"
    texts = [_whole(v) if spec is None else format(v, spec) for v in values.tolist()]
    # inf, nan and 0 may stick out: PyTorch does not let them widen the column.
    return texts, max(len(text) for text, counts in zip(texts, shaping.tolist()) if counts)


def _scientific(sizes):
    """Whether numbers of these absolute `sizes` are written with an exponent."""
    if _options["sci_mode"] is not None:
        return _options["sci_mode"]
    low, high = float(sizes.min()), float(sizes.max())
    return high / low > 1000 or high > 1e8 or low < 1e-4


def _whole(value):
    """`3.`: an integer held in a float keeps its point; inf and nan have none."""
    text = f"{value:.0f}"
    return text if text[-1] in "fn" else text + "."


def _brackets(nested, cuts, indent, cell):
    """Nested lists of texts as nested brackets; `cell` is one text's width with its comma."""
    inner = " " * (indent + 1)
    middle = len(nested) // 2
    if len(cuts) == 1:
        # The gap counts as one element of the row and takes a blank of its own.
        row = nested[:middle] + [" ..."] + nested[middle:] if cuts[0] else nested
        room = min(_options["linewidth"] - indent, len(row) * cell)
        fit = max(1, int(room // cell))
        lines = [", ".join(row[i:i + fit]) for i in range(0, len(row), fit)]
        return "[" + (",\n" + inner).join(lines) + "]"
    parts = [_brackets(part, cuts[1:], indent + 1, cell) for part in nested]
    if cuts[0]:
        parts.insert(middle, "...")
    return "[" + ("," + "\n" * (len(cuts) - 1) + inner).join(parts) + "]"


def _append(text, notes, indent):
    """`text, note, note)`: a note that would pass the line width starts an indented line."""
    used = len(text) - text.rfind("\n") + 1
    for note in notes:
        if used + len(note) + 2 > _options["linewidth"]:
            text += ",\n" + " " * indent + note
            used = indent + len(note)
        else:
            text += ", " + note
            used += len(note) + 2
    return text + ")"
