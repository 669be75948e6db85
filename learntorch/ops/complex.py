"""Complex numbers: their parts, and making them from parts."""

from learntorch.core.op import composite, nary, unary, view


@unary(space="rules", name="conjugate", grad="Conj", inplace=False, out=False)
def conjugate(x):
    """The complex conjugate."""
    return x.conj()
conjugate.vjp(x=lambda xp, g: xp.conj(g))


@composite(out=False)
def conj(input):
    """The complex conjugate; a real tensor is its own."""
    return conjugate(input) if input._data.dtype.kind == "c" else input


@composite(out=True, inplace=True)
def conj_physical(input):
    """The complex conjugate, in memory of its own."""
    return conjugate(input)


@view(space="rules", name="real", grad="Real")
def real_part(x):
    """The real parts, sharing memory."""
    return x.real
real_part.vjp(x=lambda xp, g: xp.to_complex(g))


@view(space="rules", name="imag", grad="Imag")
def imaginary_part(x):
    """The imaginary parts, sharing memory."""
    return x.imag
imaginary_part.vjp(x=lambda xp, g: xp.to_complex(g) * -1j)


@nary(space="rules", result=None)
def to_complex(xp, x):
    """x as a complex number with imaginary part 0."""
    return x.astype(xp.result_type(x.dtype, xp.complex64))
to_complex.vjp(x=lambda g: g.real)


@composite(method=False)
def real(input):
    """The real part: a view of a complex tensor, a real tensor itself."""
    return real_part(input) if input._data.dtype.kind == "c" else input


@composite(method=False)
def imag(input):
    """The imaginary part, a view. Raises RuntimeError for real tensors."""
    if input._data.dtype.kind != "c":
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    return imaginary_part(input)


@nary(tensors=("x", "y"), space="rules", grad="Complex", result=None)
def make_complex(xp, x, y):
    """x + i·y."""
    parts = xp.stack(xp.broadcast_arrays(x, y), axis=-1)        # 1j * ∞ would be NaN + ∞j
    return parts.view(xp.result_type(x.dtype, xp.complex64))[..., 0]
make_complex.vjp(x=lambda g: g.real, y=lambda g: -g.imag)


@view
def view_as_real(x):
    """Each complex number as two real ones in a new last dimension, sharing memory."""
    if x.dtype.kind != "c":
        raise RuntimeError("view_as_real is only supported for complex tensors")
    return x.reshape((*x.shape, 1), copy=False).view(x.real.dtype)
view_as_real.vjp(x=lambda g: g[..., 0] - 1j * g[..., 1])


@view
def view_as_complex(x):
    """Pairs of real numbers in the last dimension as complex ones, sharing memory."""
    if x.ndim == 0:
        raise RuntimeError("Input tensor must have one or more dimensions")
    if x.shape[-1] != 2:
        raise RuntimeError("Tensor must have a last dimension of size 2")
    return x.view(f"c{2 * x.dtype.itemsize}")[..., 0]
view_as_complex.vjp(x=lambda xp, g: xp.stack([g.real, -g.imag], -1))
