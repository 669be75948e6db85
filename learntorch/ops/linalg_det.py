"""Determinants, their logarithms, and their derivatives, which exist for singular matrices too."""

from learntorch.core.op import composite, multi, nary
from learntorch.ops.linalg_solve import inexact, matrices, square
from learntorch.ops.reduce import named


@nary(space="rules", grad="LinalgDet")
def volume(xp, x):
    """det x."""
    with xp.errstate(over="ignore", invalid="ignore"):      # NumPy would warn from its own module
        return xp.linalg.det(x)
volume.vjp(x=lambda xp, g, x: xp.expand_dims(g, (-2, -1)) * xp.cofactors(x))


@nary(space="rules")
def cofactors(xp, x):
    """∂ det x / ∂xᵢⱼ = (det x · x⁻¹)ⱼᵢ, also where there is no x⁻¹.

    With x = u diag(s) v this is det u · det v · ū diag(Π of the other s) v̄.
    """
    u, s, v = xp.linalg.svd(x)
    others = xp.product_of_others(s, -1)
    turn = (xp.linalg.det(u) * xp.linalg.det(v))[..., None, None]
    return turn * xp.matmul(u.conj() * others[..., None, :], v.conj())
cofactors.vjp(x=lambda xp, g, x: xp.cofactors_change(g, x))


@nary(tensors=("x", "y"), space="rules")
def cofactors_change(xp, x, y):
    """How the cofactors of y change when y moves along x: Σ xᵢⱼ ∂² det y / ∂yᵢⱼ ∂y.

    In the coordinates of y's singular vectors, where y = diag(s), a product of all s but two,
    times xⱼⱼ for the places (i, i) and −xⱼᵢ for (i, j).
    """
    u, s, v = xp.linalg.svd(y)
    n = s.shape[-1]
    one = xp.eye(n, dtype=s.dtype)
    but_two = xp.product_of_others(xp.where(one == 1, one, s[..., None, :]), -1) * (1 - one)
    h = xp.matmul(xp.matmul(u.conj().swapaxes(-1, -2), x), v.conj().swapaxes(-1, -2))
    along = xp.matmul(but_two, xp.diagonal(h, 0, -2, -1)[..., None])
    m = one * along - but_two * h.swapaxes(-1, -2)
    turn = (xp.linalg.det(u) * xp.linalg.det(v))[..., None, None]
    return turn * xp.matmul(xp.matmul(u.conj(), m), v.conj())


def cofactors_change_y(xp, g, x, y):
    """The third derivative, of regular matrices only: products and traces of y⁻¹x and y⁻¹g."""
    inverse = xp.inverted(y)
    h, k = xp.batched(inverse, x), xp.batched(inverse, g)
    hk = xp.batched(h, k)
    both = hk + xp.batched(k, h) - traced(xp, h) * k - traced(xp, k) * h
    alone = (traced(xp, h) * traced(xp, k) - traced(xp, hk)) * inverse
    turned = alone + xp.batched(both, inverse)
    return xp.expand_dims(xp.volume(y), (-2, -1)) * turned.swapaxes(-1, -2)


def traced(xp, x):
    """The sum of the diagonal, ready to multiply matrices."""
    return xp.expand_dims(xp.diagonal(x, 0, -2, -1).sum(axis=-1), (-2, -1))
cofactors_change.vjp(x=lambda xp, g, y: xp.cofactors_change(g, y), y=cofactors_change_y)


@multi(space="rules", grad="LinalgSlogdet", outputs=("sign", "logabsdet"))
def log_volume(xp, x):
    """det x / |det x| and ln |det x|."""
    with xp.errstate(invalid="ignore"):
        return tuple(xp.linalg.slogdet(x))


def log_volume_x(xp, g, x, sign):
    """ln det x moves by the trace of x⁻¹dx: its real part is ln |det x|, i times its imaginary part
    the relative change of the sign.
    """
    turn = g[0] * sign
    factor = g[1] + (turn - xp.conj(turn)) / 2
    return (xp.expand_dims(factor, (-2, -1)) * xp.inverted(x).swapaxes(-1, -2),)
log_volume.vjp_all(log_volume_x)


def checked(name, A, first="A", kernel=None):
    """Raise RuntimeError unless A is square matrices of floating-point or complex numbers."""
    matrices(name, A, first=first)
    square(name, A)
    inexact(name, A, kernel)
    return A


slogdet_returned = named("linalg_slogdet", ("sign", "logabsdet"))
old_slogdet_returned = named("slogdet", ("sign", "logabsdet"))


@composite(space="linalg", name="linalg.det", out="dtype", method=False)
def linalg_det(A):
    """The determinant of each matrix: (…, n, n) → (…).

    Raises RuntimeError unless the matrices are square, float32, float64 or complex.
    """
    return volume(checked("linalg.det", A, kernel="lu_cpu"))


@composite(space="linalg", name="linalg.slogdet", out="dtype", method=False)
def linalg_slogdet(A):
    """det A / |det A| and ln |det A|, which neither over- nor underflows; 0 and −∞ if singular.

    Shapes: (…, n, n) → (…), (…). Raises RuntimeError unless the matrices are square, float32,
    float64 or complex.
    """
    return slogdet_returned(*log_volume(checked("linalg.slogdet", A)))


@composite(out=False)
def det(input):
    """The determinant of each matrix: another name of linalg.det.

    Raises RuntimeError unless the matrices are square, float32, float64 or complex.
    """
    return volume(checked("linalg.det", input, "input", "lu_cpu"))


@composite(out=False)
def slogdet(input):
    """The sign and ln |det| of each matrix: another name of linalg.slogdet.

    Shapes: (…, n, n) → (…), (…). Raises RuntimeError unless the matrices are square, float32,
    float64 or complex.
    """
    return old_slogdet_returned(*log_volume(checked("linalg.slogdet", input, "input")))


@composite(out=False)
def logdet(input):
    """ln det of each matrix: (…, n, n) → (…). NaN for a negative determinant, −∞ for 0.

    Raises RuntimeError unless the matrices are square, float32, float64 or complex.
    """
    sign, size = log_volume(checked("logdet", input, "input"))
    if sign.dtype.is_complex:
        return sign.log() + size
    return size.where(sign != -1, float("nan"))
