"""Products of matrices and vectors."""

from learntorch.core.dtypes import of, said
from learntorch.core.failures import c_name
from learntorch.core.op import composite, entitle, nary
from learntorch.core.shapes import broadcast, count


@nary(tensors=("x", "y"), out="dtype", same_dtype=True, names=("input", "mat2"))
def mm(xp, x, y):
    """x · y: an (n, m) matrix times an (m, p) matrix is (n, p)."""
    if x.ndim != 2 or y.ndim != 2:
        which = "self" if x.ndim != 2 else "mat2"
        raise RuntimeError(f"{which} must be a matrix")
    if x.shape[1] != y.shape[0]:
        raise RuntimeError(inner(x.shape, y.shape))
    return xp.matmul(x, y)
mm.vjp(x=lambda xp, g, y: xp.mm(g, y.swapaxes(0, 1)), y=lambda xp, g, x: xp.mm(x.swapaxes(0, 1), g))


def inner(a, b):
    """PyTorch's sentence for matrices whose inner sizes differ."""
    return (f"mat1 and mat2 shapes cannot be multiplied ({a[0]}x{a[1]} and {b[0]}x{b[1]}): "
            f"the inner sizes {a[1]} and {b[0]} differ.")


@nary(tensors=("x", "y"), out="dtype", same_dtype=True, names=("input", "mat2"))
def bmm(xp, x, y):
    """x[i] · y[i] for every i: (b, n, m) times (b, m, p) is (b, n, p)."""
    if x.ndim != 3 or y.ndim != 3:
        raise RuntimeError("batch1 must be a 3D tensor" if x.ndim != 3 else
                           "batch2 must be a 3D tensor")
    if x.shape[0] != y.shape[0] or x.shape[2] != y.shape[1]:
        raise RuntimeError("Expected size for first two dimensions of batch2 tensor to be: "
                           f"[{x.shape[0]}, {x.shape[2]}] but got: [{y.shape[0]}, {y.shape[1]}].")
    return xp.matmul(x, y)
bmm.vjp(x=lambda xp, g, y: xp.bmm(g, y.swapaxes(1, 2)),
        y=lambda xp, g, x: xp.bmm(x.swapaxes(1, 2), g))


@nary(tensors=("x", "y"), same_dtype=True, names=("input", "tensor"),
      out="result dtype {Got} does not match input dtype {Want}")
def dot(xp, x, y):
    """Σ xᵢ yᵢ of two vectors."""
    if x.ndim != 1 or y.ndim != 1:
        raise RuntimeError(f"1D tensors expected, but got {x.ndim}D and {y.ndim}D tensors")
    if x.shape != y.shape:
        raise RuntimeError("inconsistent tensor size, expected tensor "
                           f"{list(x.shape)} and src {list(y.shape)} to have the same number of "
                           f"elements, but got {x.size} and {y.size} elements respectively")
    return xp.dot(x, y)
dot.vjp(x=lambda g, y: g * y, y=lambda g, x: g * x)


@nary(tensors=("x", "y"), out="dtype", same_dtype=True, names=("input", "vec"))
def mv(xp, x, y):
    """x · y: an (n, m) matrix times a vector of m is a vector of n."""
    if x.ndim != 2 or y.ndim != 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got {x.ndim}, {x.ndim}, {y.ndim}")
    if x.shape[1] != y.shape[0]:
        raise RuntimeError(f"size mismatch, got input ({x.shape[0]}), mat ({x.shape[0]}x"
                           f"{x.shape[1]}), vec ({y.shape[0]})")
    return xp.matmul(x, y)
mv.vjp(x=lambda g, y: g.reshape((-1, 1)) * y, y=lambda xp, g, x: xp.mv(x.swapaxes(0, 1), g))


@nary(tensors=("x", "y"), space="rules", grad="UnsafeView", same_dtype=True)
def batched(xp, x, y):
    """x · y over broadcast leading dimensions."""
    return xp.matmul(x, y)
batched.vjp(x=lambda xp, g, y: xp.batched(g, y.swapaxes(-1, -2)),
            y=lambda xp, g, x: xp.batched(x.swapaxes(-1, -2), g))


@composite(out="dtype", space="torch linalg")
def matmul(input, other):
    """The matrix product, whatever the dimensions: vectors, matrices, batches that broadcast.

    (n,)·(n,) → (); (n, m)·(m,) → (n,); (n,)·(n, m) → (m,); (…, n, m)·(…, m, p) → (…, n, p).
    Raises RuntimeError when the inner sizes differ.
    """
    x, y = input._data.ndim, other._data.ndim
    if x == 2 and y == 2:
        return mm(input, other)
    if x < 2 or y < 2:
        return vector_product(input, other)
    if y == 2 and x > 2:                     # one big product instead of many small ones
        shape = input._data.shape
        rows = count(shape[:-1])
        product = mm(input.reshape(rows, shape[-1]), other)
        return entitle(product.view(*shape[:-1], other._data.shape[1]), "UnsafeViewBackward0")
    a, b = input._data.shape, other._data.shape
    broadcast(a[:-2], b[:-2])
    if a[-1] != b[-2]:
        raise RuntimeError("Expected size for first two dimensions of batch2 tensor to be: "
                           f"[{a[0]}, {a[-1]}] but got: [{b[0]}, {b[-2]}].")
    return batched(input, other)


@composite(space="rules")
def vector_product(input, other):
    """The matrix product where one factor is a vector, whose dimension is not in the result."""
    x, y = input._data.ndim, other._data.ndim
    if x == 0 or y == 0:
        raise RuntimeError("both arguments to matmul need to be at least 1D, but they are "
                           f"{x}D and {y}D")
    if x == 1 and y == 1:
        return dot(input, other)
    if x == 2:
        return mv(input, other)
    if x == 1 and y == 2:
        return entitle(mm(input.unsqueeze(0), other).squeeze(0), "SqueezeBackward4")
    if x == 1:
        return entitle(batched(input.unsqueeze(0), other).squeeze(-2), "UnsafeViewBackward0")
    if input._data.shape[-1] != other._data.shape[0]:
        raise RuntimeError(f"size mismatch, got input ({input._data.shape[-2]}), mat "
                           f"({input._data.shape[-2]}x{input._data.shape[-1]}), vec "
                           f"({other._data.shape[0]})")
    return entitle(batched(input, other.unsqueeze(-1)).squeeze(-1), "UnsafeViewBackward0")


@composite(space="rules")
def rmatmul(self, other):
    """other @ self.

    Shapes and errors: those of `matmul`.
    """
    return matmul(other, self)


def linear_title(x, weight, bias):
    """PyTorch multiplies matrices and reshapes: the name says which of that came last."""
    ndim = x._data.ndim
    if bias is not None:
        return "AddmmBackward0" if ndim == 2 else "ViewBackward0"
    return "MmBackward0" if ndim == 2 else "UnsafeViewBackward0" if ndim > 2 else "SqueezeBackward4"


@nary(tensors=("x", "weight", "bias"), space="nn.functional", grad=linear_title, same_dtype=True,
      out="dtype")
def linear(xp, x, weight, bias=None):
    """x · weightᵀ + bias: (…, in) → (…, out), weight (out, in), bias (out).

    Raises RuntimeError when the last size of x is not `in`.
    """
    if weight.ndim == 1:
        y = xp.matmul(x, weight)
        return y if bias is None else y + bias
    if x.shape[-1:] != weight.shape[1:]:
        rows = x.size // max(x.shape[-1], 1) if x.ndim else 1
        raise RuntimeError(inner((rows, x.shape[-1] if x.ndim else 1), weight.shape[::-1]))
    if x.ndim > 2 and x.size:
        y = xp.matmul(x.reshape(-1, x.shape[-1]), weight.T).reshape(*x.shape[:-1], -1)
    else:
        y = xp.matmul(x, weight.T)
    if bias is not None:
        y += bias
    return y


def linear_weight(xp, g, x, weight_shape):
    """Σ over all rows of g ⊗ x."""
    if len(weight_shape) == 1:
        return (xp.expand_dims(g, -1) * x).reshape((-1, weight_shape[0])).sum(axis=0)
    rows = count(g.shape[:-1])
    return xp.mm(g.reshape((rows, g.shape[-1])).swapaxes(0, 1), x.reshape((rows, x.shape[-1])))


def linear_x(xp, g, weight):
    """g · weight."""
    if weight.ndim == 1:
        return xp.expand_dims(g, -1) * weight
    if g.ndim == 2:
        return xp.mm(g, weight)
    return xp.matmul(g, weight)
linear.vjp(x=linear_x, weight=linear_weight, bias=lambda g: g)


@composite(out="dtype", inplace=True, grad="Addmm")
def addmm(input, mat1, mat2, *, beta=1, alpha=1):
    """beta · input + alpha · mat1 · mat2.

    Shapes: mat1 (n, m), mat2 (m, p), input broadcasts to (n, p). Raises RuntimeError for others, or
    two dtypes.
    """
    return _plus(input, mm(mat1, mat2), beta, alpha)


@composite(out="dtype", inplace=True, grad="Addmv")
def addmv(input, mat, vec, *, beta=1, alpha=1):
    """beta · input + alpha · mat · vec.

    Shapes: mat (n, m), vec (m), input broadcasts to (n). Raises RuntimeError for others, or two
    dtypes.
    """
    return _plus(input, mv(mat, vec), beta, alpha)


@composite(out="dtype", inplace=True, grad="Baddbmm")
def baddbmm(input, batch1, batch2, *, beta=1, alpha=1):
    """beta · input + alpha · batch1[i] · batch2[i].

    Shapes: batch1 (b, n, m), batch2 (b, m, p), input broadcasts to (b, n, p). Raises RuntimeError
    for others, or two dtypes.
    """
    return _plus(input, bmm(batch1, batch2), beta, alpha)


@composite(inplace=True, grad="Addbmm",
           out="self and mat2 must have the same dtype, but got {Got} and {Want}")
def addbmm(input, batch1, batch2, *, beta=1, alpha=1):
    """beta · input + alpha · Σᵢ batch1[i] · batch2[i].

    Shapes: batch1 (b, n, m), batch2 (b, m, p), input broadcasts to (n, p). Raises RuntimeError for
    others, or two dtypes.
    """
    return _plus(input, bmm(batch1, batch2).sum(0, dtype=batch1.dtype), beta, alpha)


def check_expands(shape, target, kind):
    """Raise RuntimeError unless `shape` can be repeated to `target`."""
    if len(shape) > len(target):
        raise RuntimeError(f"expand(torch.{kind}Tensor{{{list(shape)}}}, size={list(target)}): the "
                           f"number of sizes provided ({len(target)}) must be greater or equal to "
                           f"the number of dimensions in the tensor ({len(shape)})")
    for i in range(-1, -len(shape) - 1, -1):
        if shape[i] not in (1, target[i]):
            raise RuntimeError(f"The expanded size of the tensor ({target[i]}) must match the "
                               f"existing size ({shape[i]}) at non-singleton dimension "
                               f"{len(target) + i}.  Target sizes: {list(target)}.  Tensor sizes: "
                               f"{list(shape)}")


def _plus(input, product, beta, alpha):
    """beta · input + alpha · product; with beta 0 not even a NaN of the input counts."""
    a, r = input._data, product._data
    if a.dtype is not r.dtype:
        raise RuntimeError(f"self and mat2 must have the same dtype, but got {said(a.dtype)} and "
                           f"{said(r.dtype)}. Call .to(torch.{of(r.dtype).name}) on the first one.")
    if a.shape != r.shape:
        check_expands(a.shape, r.shape, said(a.dtype))
    if product._data.dtype.kind in "iu":
        alpha, beta = int(alpha), int(beta)
    if alpha != 1:
        product = product * alpha
    if beta == 0:
        return product.expand(broadcast(input._data.shape, product._data.shape)).clone()
    return (input if beta == 1 else input * beta) + product


@composite(out=True)
def outer(input, vec2):
    """xᵢ yⱼ for all i, j: two vectors make a matrix.

    Shapes: (n), (m) → (n, m). Raises RuntimeError for what is no vector.
    """
    if input._data.ndim != 1 or vec2._data.ndim != 1:
        raise RuntimeError(f"outer: Expected 1-D argument self, but got {input._data.ndim}-D"
                           if input._data.ndim != 1 else
                           f"outer: Expected 1-D argument vec2, but got {vec2._data.ndim}-D")
    return input.unsqueeze(1) * vec2


@composite(space="torch nn.functional", method=False)
def bilinear(input1, input2, weight, bias=None):
    """x₁ᵀ · weight[k] · x₂ + bias[k] for every k: (…, n), (…, m) → (…, K), weight (K, n, m).

    Raises RuntimeError for other shapes, or several dtypes.
    """
    a, b, w = input1._data.shape, input2._data.shape, weight._data.shape
    x, y, z = (c_name(t._data.dtype) for t in (input1, input2, weight))
    if not x == y == z:
        raise RuntimeError(f"All tensors must have the same dtype, got input1: {x}, input2: {y}, "
                           f"weight: {z}")
    if a[:-1] != b[:-1]:
        i = next((i for i, (m, n) in enumerate(zip(a, b, strict=False)) if m != n), 0)
        raise RuntimeError("bilinear(): input batch dimensions do not match at dim "
                           f"{i}: got {a[i]} and {b[i]}")
    if len(w) != 3 or a[-1:] != w[1:2] or b[-1:] != w[2:]:
        which, size, needed = (1, a[-1], w[1]) if a[-1] != w[1] else (2, b[-1], w[2])
        raise RuntimeError(f"bilinear(): input{which} size does not match weight size: got {size} "
                           f"but expected {needed}")
    if bias is not None and bias._data.shape[0] != w[0]:
        raise RuntimeError("bilinear(): bias size does not match weight size: got "
                           f"{bias._data.shape[0]} but expected {w[0]}")
    k, n, m = w
    side_by_side = weight.permute(1, 0, 2).reshape(n, k * m)
    half = mm(input1.reshape(count(a[:-1]), n), side_by_side).reshape(count(a[:-1]), k, m)
    y = (half * input2.reshape(count(a[:-1]), 1, m)).sum(2, dtype=half.dtype).reshape(*a[:-1], k)
    return y if bias is None else y + bias
