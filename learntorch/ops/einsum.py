"""Products of tensors over named dimensions: einsum, tensordot and their relatives."""

from learntorch.core.dtypes import FLOATS, of, said
from learntorch.core.failures import c_name, not_implemented
from learntorch.core.op import composite, nary
from learntorch.core.outputs import write_out
from learntorch.core.shapes import broadcast, count, wrap_dim, wrap_dims
from learntorch.core.tensor import Tensor
from learntorch.core.warned import warn
from learntorch.ops.distance import p_norm
from learntorch.ops.matmul import bmm, dot, mm, outer
from learntorch.ops.scatter import index_select
from learntorch.ops.views import diagonal

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@composite(method=False, out=False)
def einsum(*args):
    """Σ over the subscripts that the output does not name of the product of the operands.

    einsum("ij,jk->ik", a, b) is the matrix product; "..." stands for dimensions that broadcast.
    Raises RuntimeError for equations that do not fit the operands.
    """
    equation, operands = _arguments(args)
    terms, output = _read(equation, operands)
    terms = [_named(term, t._data.ndim, n, not output or "..." in output)
             for n, (term, t) in enumerate(zip(terms, operands, strict=True))]
    output = _result(equation, terms, output)
    sizes = {}
    parts = []
    for n, (labels, t) in enumerate(zip(terms, operands, strict=True)):
        parts.append(_distinct(labels, t, n, sizes))
    labels, t = parts[0]
    for n, (more, other) in enumerate(parts[1:], 2):
        later = set(output).union(*[p[0] for p in parts[n:]])
        labels, t = _contract(labels, t, more, other, later)
    return _arranged(labels, t, output, sizes)


def _arguments(args):
    """The equation and the operands, from either way of calling."""
    if args and isinstance(args[0], str):
        operands = args[1:]
        if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
            operands = tuple(operands[0])
        if operands:
            return args[0].replace(" ", ""), operands
    if len(args) < 2:
        raise ValueError("einsum(): must specify the equation string and at least one operand, or "
                         "at least one operand and its subscripts list")

    def spelled(numbers):
        return "".join("..." if i is Ellipsis else LETTERS[i] for i in numbers)
    equation = ",".join(spelled(numbers) for numbers in args[1::2][:len(args) // 2])
    if len(args) % 2:
        equation += "->" + spelled(args[-1])
    return equation, args[0:len(args) // 2 * 2:2]


def _read(equation, operands):
    """The terms of the operands, and that of the output ("" where it is left out)."""
    left, arrow, right = equation.partition("->")
    terms = left.split(",")
    for n, term in enumerate((*terms, right)):
        bare = term.replace("...", "", 1)
        where = f"operand {n}" if n < len(terms) else "output"
        if "." in bare:
            raise RuntimeError(f"einsum(): found '.' for {where} that is not part of any ellipsis"
                               + (" (...)" if n == len(terms) else ""))
        for c in bare:
            if c not in LETTERS:
                raise RuntimeError(f"einsum(): invalid subscript given at index "
                                   f"{equation.index(c)} in the equation string, subscripts must "
                                   "be in [a-zA-Z]")
    if len(terms) != len(operands):
        raise RuntimeError(f"einsum(): {'more' if len(operands) > len(terms) else 'fewer'} operands"
                           " were provided than specified in the equation")
    return terms, right if arrow else None


def _named(term, ndim, n, wanted):
    """One label per dimension; dimensions under "..." are numbered from the last, −1."""
    named = len(term.replace("...", ""))
    if "..." not in term:
        if named != ndim:
            raise RuntimeError(f"einsum(): the number of subscripts in the equation ({named}) does "
                               f"not match the number of dimensions ({ndim}) for operand {n} and "
                               "no ellipsis was given")
        return list(term)
    if named > ndim:
        raise RuntimeError(f"einsum(): the number of subscripts in the equation ({named}) is more "
                           f"than the number of dimensions ({ndim}) for operand {n}")
    before, _, after = term.partition("...")
    return [*before, *range(named - ndim, 0), *after]


def _result(equation, terms, output):
    """The labels of the output."""
    dots = sorted({i for labels in terms for i in labels if isinstance(i, int)})
    seen = [c for labels in terms for c in labels if isinstance(c, str)]
    if output is None:
        return [*dots, *sorted(c for c in set(seen) if seen.count(c) == 1)]
    before, has_dots, after = output.partition("...")
    for c in before + after:
        if (before + after).count(c) > 1:
            raise RuntimeError(f"einsum(): output subscript {c} appears more than once in the "
                               "output")
        if c not in seen:
            raise RuntimeError(f"einsum(): output subscript {c} does not appear in the equation "
                               "for any input operand")
    return [*before, *(dots if has_dots else ()), *after]


def _distinct(labels, t, n, sizes):
    """The operand with each label once: repeated ones take the diagonal; sizes of 1 drop out."""
    labels = list(labels)
    for c in list(dict.fromkeys(labels)):
        while labels.count(c) > 1:
            i = labels.index(c)
            j = labels.index(c, i + 1)
            a, b = t._data.shape[i], t._data.shape[j]
            if a != b:
                raise RuntimeError(f"einsum(): subscript {c} is repeated for operand {n} but the "
                                   f"sizes don't match, {b} != {a}")
            t = diagonal(t, 0, i, j)
            labels = [*labels[:i], *labels[i + 1:j], *labels[j + 1:], c]
    for c, size in zip(labels, t._data.shape, strict=True):
        old = sizes.get(c, 1)
        if size != old and 1 not in (size, old):
            what = "dimension covered by ellipsis" if isinstance(c, int) else f"subscript {c}"
            raise RuntimeError(f"einsum(): {what} has size {size} for operand {n} which does not "
                               f"broadcast with previously seen size {old}")
        sizes[c] = old if size == 1 else size
    ones = [i for i, size in enumerate(t._data.shape) if size == 1]
    return [c for i, c in enumerate(labels) if i not in ones], t.squeeze(ones) if ones else t


def _contract(labels, x, more, y, later):
    """The product of two operands, summed over the labels that nobody needs later."""
    both = [c for c in labels if c in more]
    batch = [c for c in both if c in later]
    summed = [c for c in both if c not in later]
    labels, x = _without(labels, x, {c for c in labels if c not in more and c not in later})
    more, y = _without(more, y, {c for c in more if c not in labels and c not in later
                                 and c not in both})
    left = [c for c in labels if c not in both]
    right = [c for c in more if c not in both]
    size = dict(zip(labels, x._data.shape, strict=True)) | dict(zip(more, y._data.shape,
                                                                    strict=True))

    def total(names):
        return count([size[c] for c in names])
    x = x.permute([labels.index(c) for c in (*batch, *left, *summed)])
    y = y.permute([more.index(c) for c in (*batch, *summed, *right)])
    if not batch:
        r = mm(x.reshape(total(left), total(summed)), y.reshape(total(summed), total(right)))
    else:
        r = bmm(x.reshape(total(batch), total(left), total(summed)),
                y.reshape(total(batch), total(summed), total(right)))
    names = [*batch, *left, *right]
    return names, r.reshape([size[c] for c in names])


def _without(labels, t, gone):
    """Summed over the labels in `gone`."""
    if not gone:
        return labels, t
    t = t.sum([i for i, c in enumerate(labels) if c in gone], dtype=t.dtype)
    return [c for c in labels if c not in gone], t


def _arranged(labels, t, output, sizes):
    """The result in the order of the output; labels of size 1 come back."""
    if t._data.dtype.kind in "iub" and not set(labels) <= set(output):
        t = t.long()                        # PyTorch's own sum of what is left
    labels, t = _without(labels, t, {c for c in labels if c not in output})
    t = t.permute([labels.index(c) for c in output if c in labels])
    return t.reshape([t._data.shape[[d for d in output if d in labels].index(c)] if c in labels
                      else 1 for c in output])


# ---- relatives ------------------------------------------------------------------------------


@composite(method=False,
           out="tensordot: Expected the output tensor to have dtype {Want}, but got an output "
               "tensor with dtype {Got}")
def tensordot(a, b, dims=2, out=None):
    """Σ over pairs of dimensions: the last `dims` of a with the first of b, or two lists of them.

    Raises RuntimeError where their sizes differ.
    """
    if isinstance(dims, Tensor):
        dims = dims.tolist()
    if isinstance(dims, int):
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > min(a._data.ndim, b._data.ndim):
            raise RuntimeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")
        dims = list(range(-dims, 0)), list(range(dims))
    first, second = ([d] if isinstance(d, int) else list(d) for d in dims)
    if len(first) != len(second):
        raise RuntimeError("both dimension lists should have same length")
    if a.dtype is not b.dtype:
        raise RuntimeError("both inputs should have same dtype")
    for i, j in zip(first, second, strict=True):
        m, n = a._data.shape[i], b._data.shape[j]
        if m != n and 1 not in (m, n):
            raise RuntimeError("contracted dimensions need to match, but first has size "
                               f"{m} in dim {i} and second has size {n} in dim {j}")
        if m != n:
            a, b = (a.sum(i, True, dtype=a.dtype), b) if n == 1 else (
                a, b.sum(j, True, dtype=b.dtype))
    first, second = wrap_dims(first, a._data.ndim), wrap_dims(second, b._data.ndim)
    rest = [d for d in range(a._data.ndim) if d not in first]
    more = [d for d in range(b._data.ndim) if d not in second]
    inner_size = count([a._data.shape[d] for d in first])
    shape = [a._data.shape[d] for d in rest], [b._data.shape[d] for d in more]
    x = a.permute((*rest, *first)).reshape(count(shape[0]), inner_size)
    y = b.permute((*second, *more)).reshape(inner_size, count(shape[1]))
    r = mm(x, y).reshape(shape[0] + shape[1])
    return r if out is None else write_out(tensordot.op, out, r, (a, b))


@composite(out=True)
def inner(input, other):
    """Σ over the last dimension of both; the product where one is a number.

    Shapes: (…, n), (…, n) → all dimensions but the last of both. Raises RuntimeError where the last
    sizes differ.
    """
    a, b = input._data, other._data
    if not a.ndim or not b.ndim:
        return input * other
    if a.shape[-1] != b.shape[-1]:
        raise RuntimeError("inner() the last dimension must match on both input tensors but got "
                           f"shapes {list(a.shape)} and {list(b.shape)}")
    return tensordot(input, other, ([-1], [-1]))


@composite(out="result dtype {Got} does not match input dtype {Want}", grad="Vdot")
def vdot(input, other):
    """Σ conj(xᵢ) yᵢ of two vectors."""
    return dot(input.conj(), other)


@composite(space="linalg", name="linalg.vecdot", method=False,
           grad=lambda x: "VdotBackward0" if x.ndim == 1 else "SumBackward1",
           out="linalg.vecdot: Expected out of dtype{Want} but found {Got}")
def vecdot(x, y, *, dim=-1):
    """Σ conj(x) y along `dim`."""
    for t in (x, y):
        if not (t.dtype.is_floating_point or t.dtype.is_complex):
            raise RuntimeError("linalg.vecdot: Expected a floating point or complex tensor as "
                               f"input. Got {said(t.dtype)}")
    if x.dtype is not y.dtype:
        raise RuntimeError("linalg.vecdot: Expected x and y to have the same dtype, but found x of "
                           f"type {said(x.dtype)} and y of type {said(y.dtype)} instead")
    return (x.conj() * y).sum(dim)


@composite(out=True)
def ger(input, vec2):
    """xᵢ yⱼ for all i, j: another name of `outer`.

    Shapes: (n), (m) → (n, m). Raises RuntimeError for what is no vector.
    """
    return outer(input, vec2)


@composite(out=True, inplace=True, grad="Addr")
def addr(input, vec1, vec2, *, beta=1, alpha=1):
    """beta · input + alpha · vec1 ⊗ vec2.

    Shapes: vec1 (n), vec2 (m), input broadcasts to (n, m). Raises RuntimeError for other shapes.
    """
    for name, v in (("vec1", vec1), ("vec2", vec2)):
        if v._data.ndim != 1:
            raise RuntimeError(f"addr: Expected 1-D argument {name}, but got {v._data.ndim}-D")
    shape = (vec1._data.size, vec2._data.size)
    if broadcast(input._data.shape, shape) != shape:
        raise RuntimeError(f"output with shape {list(shape)} doesn't match the broadcast shape")
    product = outer(vec1, vec2)
    if product.dtype.name == "bool":
        product = product & bool(alpha)
        return (input & bool(beta)) | product
    if alpha != 1:
        product = product * alpha
    if beta == 0:
        return product
    return (input if beta == 1 else input * beta) + product


@composite(out=True, grad="UnsafeView")
def kron(input, other):
    """The blocks xᵢⱼ · other, laid out as one tensor: Kronecker's product.

    Shapes: (a₁, …, aₖ), (b₁, …, bₖ) → (a₁ b₁, …, aₖ bₖ).
    """
    n = max(input._data.ndim, other._data.ndim)
    a = (1,) * (n - input._data.ndim) + input._data.shape
    b = (1,) * (n - other._data.ndim) + other._data.shape
    x = input.reshape([m for size in a for m in (size, 1)])
    y = other.reshape([m for size in b for m in (1, size)])
    return (x * y).reshape([i * j for i, j in zip(a, b, strict=True)])


@composite(method=False, out="multi_dot(): expected out tensor to have dtype {want} but got {got}")
def chain_matmul(*matrices):
    """The product of several matrices.

    Shapes: (a, b), (b, c), … → (a, …). Raises RuntimeError for what is no matrix, and for inner
    sizes that differ.
    """
    if len(matrices) == 1 and isinstance(matrices[0], (list, tuple)):
        matrices = matrices[0]
    if not matrices:
        raise RuntimeError("chain_matmul(): Expected one or more matrices")
    warn("torch.chain_matmul is deprecated and will be removed in a future PyTorch release. Use "
         "torch.linalg.multi_dot instead, which accepts a list of two or more tensors rather than "
         "multiple parameters.")
    for t in matrices:
        if t._data.ndim != 2:
            raise RuntimeError(f"Tensor dimension is {t._data.ndim}, expected 2 instead.")
    return matrices[0] if len(matrices) == 1 else multi_dot(matrices)


@composite(space="linalg", name="linalg.multi_dot", method=False,
           out="multi_dot(): expected out tensor to have dtype {want} but got {got}")
def multi_dot(tensors):
    """The product of several matrices, in the cheapest order; vectors may stand at the ends.

    Shapes: (a, b), (b, c), … → (a, …). Raises RuntimeError for other shapes, two dtypes and fewer
    than two tensors.
    """
    if isinstance(tensors, Tensor):
        raise TypeError("linalg_multi_dot(): argument 'tensors' (position 1) must be tuple of "
                        "Tensors, not Tensor")
    tensors = list(tensors)
    if len(tensors) < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {len(tensors)}")
    for i, t in enumerate(tensors):
        if i in (0, len(tensors) - 1):
            if t._data.ndim not in (1, 2):
                raise RuntimeError(f"multi_dot(): the {'first' if i == 0 else 'last'} tensor must "
                                   f"be 1D or 2D but got {t._data.ndim}D")
        elif t._data.ndim != 2:
            raise RuntimeError(f"multi_dot(): tensor {i} must be 2D but got {t._data.ndim}D")
        if t.dtype is not tensors[0].dtype:
            raise RuntimeError(f"multi_dot(): all tensors must have be the same dtype but tensor 0 "
                               f"is {c_name(tensors[0]._data.dtype)} and tensor {i} "
                               f"{c_name(t._data.dtype)}")
    first, last = tensors[0]._data.ndim == 1, tensors[-1]._data.ndim == 1
    if first:
        tensors[0] = tensors[0].unsqueeze(0)
    if last:
        tensors[-1] = tensors[-1].unsqueeze(1)
    for i, (a, b) in enumerate(zip(tensors, tensors[1:], strict=False)):
        if a._data.shape[1] != b._data.shape[0]:
            raise RuntimeError(f"multi_dot(): tensors {i} and {i + 1} with shapes "
                               f"{list(a._data.shape)} and {list(b._data.shape)} cannot be "
                               "multiplied")
    r = _chained(tensors)
    r = r.squeeze(1) if last else r
    return r.squeeze(0) if first else r


def _chained(matrices):
    """The product in the order that needs the fewest multiplications."""
    n = len(matrices)
    sizes = [m._data.shape[0] for m in matrices] + [matrices[-1]._data.shape[1]]
    cost = {(i, i): (0, i) for i in range(n)}
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            cost[i, j] = min((cost[i, k][0] + cost[k + 1, j][0]
                              + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j))

    def product(i, j):
        if i == j:
            return matrices[i]
        k = cost[i, j][1]
        return mm(product(i, k), product(k + 1, j))
    return product(0, n - 1)


# ---- cross products and distances -----------------------------------------------------------


@composite(space="linalg", name="linalg.cross", out="dtype", method=False, grad="LinalgCross")
def cross_along(input, other, *, dim=-1):
    """The vector at right angles to both along `dim`, of length |x| |y| sin of their angle."""
    a, b = input._data, other._data
    if a.ndim != b.ndim:
        raise RuntimeError("linalg.cross: inputs must have the same number of dimensions.")
    if input.dtype is not other.dtype:
        raise RuntimeError(f"expected scalar type {said(input.dtype)} but found "
                           f"{said(other.dtype)}")
    if input.dtype.name == "bool":
        raise not_implemented("cross", a.dtype)
    wrap_dim(dim, a.ndim)
    if a.shape[dim] != 3 or b.shape[dim] != 3:
        raise RuntimeError(f"linalg.cross: inputs dimension {dim} must have length 3. Got "
                           f"{a.shape[dim]} and {b.shape[dim]}")
    after, before = (input.new_tensor(i, dtype=int) for i in ([1, 2, 0], [2, 0, 1]))

    def turned(t, order):
        return index_select(t, dim, order)
    return turned(input, after) * turned(other, before) - turned(input, before) * turned(
        other, after)


@composite(out="dtype")
def cross(input, other, dim=None):
    """The vector at right angles to both, along `dim` or the first dimension of size 3."""
    if dim is None:
        warn("Using torch.cross without specifying the dim arg is deprecated.\nPlease "
             "either pass the dim explicitly or simply use torch.linalg.cross.\nThe "
             "default value of dim will change to agree with that of linalg.cross in a "
             "future release.")
        dim = next((i for i, n in enumerate(input._data.shape) if n == 3), None)
        if dim is None:
            raise RuntimeError("no dimension of size 3 in input")
    return cross_along(input, other, dim=dim)


# From how many rows on distances are made of one matrix product, by the name of the mode.
EUCLIDEAN = {"use_mm_for_euclid_dist_if_necessary": 25, "use_mm_for_euclid_dist": 0}


@nary(tensors=("x", "y"), space="rules", grad="Cdist")
def euclidean(xp, x, y):
    """‖xᵢ − yⱼ‖ of all rows, as √(‖xᵢ‖² − 2 xᵢ · yⱼ + ‖yⱼ‖²): small memory, rounded more."""
    squares = xp.add.reduce(x * x, axis=-1)[..., :, None] - 2 * xp.matmul(x, y.swapaxes(-1, -2))
    squares += xp.add.reduce(y * y, axis=-1)[..., None, :]
    return xp.sqrt(xp.maximum(squares, 0))


def euclidean_x(xp, g, x, y, out):
    """Σⱼ wᵢⱼ (xᵢ − yⱼ), wᵢⱼ = gᵢⱼ / ‖xᵢ − yⱼ‖; 0 where two rows are equal."""
    w = xp.where(xp.eq(out, 0), xp.zeros_like(out), g / out)
    return w.sum(axis=-1, keepdims=True) * x - xp.matmul(w, y)
euclidean.vjp(x=euclidean_x,
              y=lambda xp, g, x, y, out: euclidean_x(xp, g.swapaxes(-1, -2), y, x,
                                                     out.swapaxes(-1, -2)))


@composite(method=False, out=False, grad="Cdist")
def cdist(x1, x2, p=2.0, compute_mode="use_mm_for_euclid_dist_if_necessary"):
    """The p-norm distance of every row of x1 to every row of x2.

    Shapes: (…, n, d), (…, m, d) → (…, n, m). Raises RuntimeError for other shapes, p < 0, and whole
    numbers.
    """
    a, b = x1._data, x2._data
    for name, v in (("X1", a), ("X2", b)):
        if v.ndim < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, {name} got: {v.ndim}D")
    if a.shape[-1] != b.shape[-1]:
        raise RuntimeError("X1 and X2 must have the same number of columns. X1: "
                           f"{a.shape[-1]} X2: {b.shape[-1]}")
    if p < 0:
        raise RuntimeError("cdist only supports non-negative p values")
    for name, v in (("X1", a), ("X2", b)):
        if v.dtype not in FLOATS:
            raise RuntimeError(f"cdist only supports floating-point dtypes, {name} got: "
                               f"{said(v.dtype)}")
    if a.dtype is not b.dtype:
        raise RuntimeError(f"expected scalar type {said(a.dtype)} but found {said(b.dtype)}: call "
                           f".to(torch.{of(a.dtype).name}) on x2")
    if p == 2 and compute_mode in EUCLIDEAN and max(a.shape[-2], b.shape[-2]) > EUCLIDEAN[
            compute_mode]:
        return euclidean(x1, x2)
    away = x1.unsqueeze(-2) - x2.unsqueeze(-3)
    return p_norm(away, p, (away._data.ndim - 1,), False)
