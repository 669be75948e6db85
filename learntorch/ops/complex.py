"""Complex numbers: their parts, and making them from parts."""

from learntorch.core.dtypes import COMPLEX, of
from learntorch.core.op import composite, nary, unary, view


@unary(space="rules", name="conjugate", grad="Conj", inplace=False, out=False)
def conjugate(x):
    """The complex conjugate."""
    return x.conj()
conjugate.vjp(x=lambda xp, g: xp.conj(g))


@composite(out=False)
def conj(input):
    """The complex conjugate; a real tensor is its own.

    Shapes: any; the result has that of the input.
    """
    return conjugate(input) if input._data.dtype.kind in COMPLEX else input


@composite(out="found", inplace=True)
def conj_physical(input):
    """The complex conjugate, in memory of its own.

    Shapes: any; the result has that of the input.
    """
    return conjugate(input)


@view(space="rules", name="real", grad="Select")
def real_part(x):
    """The real parts, sharing memory."""
    return x.real if x.dtype.kind == "c" else halves(x)[..., 0]
real_part.vjp(x=lambda xp, g: xp.to_complex(g))


@view(space="rules", name="imag", grad="Select")
def imaginary_part(x):
    """The imaginary parts, sharing memory."""
    return x.imag if x.dtype.kind == "c" else halves(x)[..., 1]
imaginary_part.vjp(x=lambda xp, g: xp.to_complex(g) * -1j)


@nary(space="rules", result=None)
def to_complex(xp, x):
    """x as a complex number with imaginary part 0."""
    return x.astype(xp.result_type(x.dtype, xp.complex64))
to_complex.vjp(x=lambda g: g.real)


@composite(method=False)
def real(input):
    """The real part: a view of a complex tensor, a real tensor itself.

    Shapes: any; the result has that of the input.
    """
    return real_part(input) if input._data.dtype.kind in COMPLEX else input


@composite(method=False)
def imag(input):
    """The imaginary part, a view. Raises RuntimeError for real tensors.

    Shapes: any; the result has that of the input.
    """
    if input._data.dtype.kind not in COMPLEX:
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    return imaginary_part(input)


@nary(tensors=("x", "y"), space="rules", grad="Complex", result=None)
def make_complex(xp, x, y):
    """x + i·y."""
    parts = xp.stack(xp.broadcast_arrays(x, y), axis=-1)        # 1j * ∞ would be NaN + ∞j
    return parts.view(xp.result_type(x.dtype, xp.complex64))[..., 0]
make_complex.vjp(x=lambda g: g.real, y=lambda g: -g.imag)


def halves(x):
    """The two real numbers of each complex one, in a new last dimension, sharing memory."""
    return x.reshape((*x.shape, 1), copy=False).view(of(x.dtype).to_real().numpy)


@view
def view_as_real(x):
    """Each complex number as two real ones in a new last dimension, sharing memory.

    Shapes: (…) → (…, 2). Raises RuntimeError for real tensors.
    """
    if x.dtype.kind not in COMPLEX:
        raise RuntimeError("view_as_real is only supported for complex tensors")
    return halves(x)
view_as_real.vjp(x=lambda g: g[..., 0] - 1j * g[..., 1])


@view
def view_as_complex(x):
    """Pairs of real numbers in the last dimension as complex ones, sharing memory.

    Shapes: (…, 2) → (…). Raises RuntimeError for another last size.
    """
    if x.ndim == 0:
        raise RuntimeError("Input tensor must have one or more dimensions")
    if x.shape[-1] != 2:
        raise RuntimeError("Tensor must have a last dimension of size 2")
    return x.view(of(x.dtype).to_complex().numpy)[..., 0]
view_as_complex.vjp(x=lambda xp, g: xp.stack([g.real, -g.imag], -1))
