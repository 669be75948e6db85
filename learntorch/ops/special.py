"""Special functions: of errors, gammas, Bessel; entropies. Computed by SciPy, slopes by ours."""

import math

from learntorch.core.dtypes import FLOATS, get_default_dtype
from learntorch.core.op import binary, composite, nary, unary
from learntorch.core.tensor import Tensor

BOTH = "torch special"
HALF_ROOT_PI = math.sqrt(math.pi) / 2


def floating(input):
    """The input, whole numbers in the default floating-point type."""
    return input if input._data.dtype in FLOATS else input.to(get_default_dtype())


@unary(space=BOTH, result="float")
def erf(xp, x):
    """2/√π ∫₀ˣ e^(−t²) dt: the error function."""
    return xp.special("erf")(x)
erf.vjp(x=lambda xp, g, x: g * (xp.exp(-x * x) / HALF_ROOT_PI))


@unary(space=BOTH, result="float")
def erfc(xp, x):
    """1 − erf x, exact for large x."""
    return xp.special("erfc")(x)
erfc.vjp(x=lambda xp, g, x: -g * (xp.exp(-x * x) / HALF_ROOT_PI))


@unary(space=BOTH, result="float")
def erfinv(xp, x):
    """The number whose erf is x."""
    return xp.special("erfinv")(x)
erfinv.vjp(x=lambda xp, g, out: g * (xp.exp(out * out) * HALF_ROOT_PI))


@unary(space="special", result="float", inplace=False, grad="SpecialErfcx")
def erfcx(xp, x):
    """e^(x²) · erfc x: the scaled complement of the error function."""
    return xp.special("erfcx")(x)
erfcx.vjp(x=lambda g, x, out: g * (2 * x * out - 1 / HALF_ROOT_PI))


@unary(space="special", result="float", inplace=False, grad="MulBackward1")
def ndtr(xp, x):
    """The area under the standard normal density left of x."""
    return xp.special("ndtr")(x)
ndtr.vjp(x=lambda xp, g, x: g * (xp.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)))


@unary(space="special", result="float", inplace=False, grad="SpecialNdtri")
def ndtri(xp, x):
    """The place left of which the area under the standard normal density is x."""
    return xp.special("ndtri")(x)
ndtri.vjp(x=lambda xp, g, out: g * (xp.exp(0.5 * out * out) * math.sqrt(2 * math.pi)))


@unary(space="special", result="float", inplace=False, grad="SpecialLogNdtr")
def log_ndtr(xp, x):
    """ln of the area under the standard normal density left of x."""
    return xp.special("log_ndtr")(x)
log_ndtr.vjp(x=lambda xp, g, x: g * (math.sqrt(2 / math.pi) / xp.erfcx(x * -math.sqrt(0.5))))


# ---- gamma ----------------------------------------------------------------------------------


@unary(result="float")
def lgamma(xp, x):
    """ln |Γ(x)|."""
    return xp.where(xp.isinf(x), xp.abs(x), xp.special("gammaln")(x))
lgamma.vjp(x=lambda xp, g, x: g * xp.digamma(x))


@unary(space=BOTH, result="float")
def digamma(xp, x):
    """Γ′(x) / Γ(x)."""
    return xp.special("psi")(x)
digamma.vjp(x=lambda xp, g, x: g * xp.polygamma(x, 1))


@nary(name="polygamma", space=BOTH, out=True, inplace=True)
def digamma_slope(xp, x, n):
    """The n-th derivative of digamma; of degree 1 by reflection: ψ₁(x) + ψ₁(1 − x) = π²/sin²πx."""
    if n > 1:
        return xp.special("polygamma")(n, xp.where(x == xp.inf, xp.nan, x))
    low = x < 0.5
    r = xp.special("polygamma")(1, xp.where(low, 1 - x, x)).astype(x.dtype)
    return xp.where(low, (math.pi / xp.sin(math.pi * x)) ** 2 - r, r)
digamma_slope.vjp(x=lambda xp, g, x, n: g * xp.polygamma(x, n + 1))


@digamma_slope.public
def polygamma(n, input):
    """The n-th derivative of digamma; as a method x.polygamma(n).

    Shapes: any; the result has that of the input. Raises RuntimeError for a negative n.
    """
    if isinstance(n, Tensor):
        n, input = input, n
    if n < 0:
        raise RuntimeError("polygamma(n, x) does not support negative n.")
    return digamma(input) if n == 0 else digamma_slope(floating(input), n)


@composite(out=True, inplace=True, grad="Mvlgamma")
def mvlgamma(input, p):
    """ln of the p-dimensional gamma function: Σᵢ ln Γ(x − i/2) + p(p − 1)/4 · ln π.

    Shapes: any; the result has that of the input. Raises RuntimeError for p < 1.
    """
    if p < 1:
        raise RuntimeError("p has to be greater than or equal to 1")
    input = floating(input)
    steps = input.new_tensor([-0.5 * i for i in range(p)])
    return lgamma(input.unsqueeze(-1) + steps).sum(-1) + p * (p - 1) / 4 * math.log(math.pi)


@composite(space="special", out=True)
def multigammaln(input, p):
    """ln of the p-dimensional gamma function."""
    return mvlgamma(input, p)


@composite(space="special", out=True)
def gammaln(input):
    """ln |Γ(x)|.

    Shapes: any; the result has that of the input.
    """
    return lgamma(input)


@composite(space="special", out=True)
def psi(input):
    """Γ′(x) / Γ(x).

    Shapes: any; the result has that of the input.
    """
    return digamma(input)


@binary(numbers=False)
def igamma(xp, x, y):
    """The regularised lower incomplete gamma function: 1/Γ(x) ∫₀ʸ t^(x−1) e^(−t) dt."""
    return xp.special("gammainc")(x, y)
igamma.vjp(y=lambda xp, g, x, y: g * xp.exp((x - 1) * xp.log(y) - y - xp.lgamma(x)))


@binary(numbers=False)
def igammac(xp, x, y):
    """1 − igamma: the regularised upper incomplete gamma function."""
    return xp.special("gammaincc")(x, y)
igammac.vjp(y=lambda xp, g, x, y: -g * xp.exp((x - 1) * xp.log(y) - y - xp.lgamma(x)))


@composite(space="special", out=True)
def gammainc(input, other):
    """The regularised lower incomplete gamma function.

    Shapes: any two that broadcast. Raises TypeError for a number.
    """
    return igamma(input, other)


@composite(space="special", out=True)
def gammaincc(input, other):
    """The regularised upper incomplete gamma function.

    Shapes: any two that broadcast. Raises TypeError for a number.
    """
    return igammac(input, other)


@binary(space="special", result="float", inplace=False, numbers="both", grad="SpecialZeta")
def zeta(xp, x, y):
    """Σ over k ≥ 0 of (k + y)^(−x): the Hurwitz zeta function."""
    return xp.special("zeta")(x, y)
zeta.vjp(y=lambda xp, g, x, y: -g * x * xp.zeta(x + 1, y))


# ---- logarithms -----------------------------------------------------------------------------


@binary(space=BOTH, result="float", numbers="both")
def xlogy(xp, x, y):
    """x · ln y, 0 where x is 0 (unless y is NaN)."""
    return xp.where((x == 0) & (y == y), 0 * x, x * xp.log(y))
xlogy.vjp(x=lambda xp, g, x, y: g * xp.log(xp.where(empty_term(xp, x, y), xp.ones_like(y * x), y)),
          y=lambda g, x, y: g * x / y)


def empty_term(xp, x, y):
    """Where x is 0 and y is not positive."""
    return xp.logical_and(xp.eq(x, 0), xp.le(y, 0))


@binary(space="special", result="float", inplace=False, numbers="both", grad="SpecialXlog1Py")
def xlog1py(xp, x, y):
    """x · ln(1 + y), 0 where x is 0 (unless y is NaN)."""
    return xp.where((x == 0) & (y == y), 0 * x, x * xp.log1p(y))
xlog1py.vjp(x=lambda xp, g, x, y: g * xp.log1p(
    xp.where(xp.logical_and(xp.eq(x, 0), xp.le(y, -1)), xp.zeros_like(y * x), y)),
    y=lambda g, x, y: g * x / (y + 1))


@unary(space="special", result="float", inplace=False, grad="SpecialEntr")
def entr(xp, x):
    """−x · ln x; 0 at 0, −∞ below."""
    return xp.special("entr")(x)
entr.vjp(x=lambda xp, g, x: g * (-xp.log(x) - 1))


@nary(name="logit", space=BOTH, out=True, inplace=True)
def log_odds(xp, x, eps):
    """ln(x / (1 − x)), x limited to [eps, 1 − eps] where eps is given."""
    if eps is not None:
        x = xp.clip(x, eps, 1 - eps)
    return xp.log(x / (1 - x))


def logit_x(xp, g, x, eps):
    """g / (x · (1 − x)) inside the limits; outside 0, or NaN where there are none."""
    low = 0 if eps is None else eps
    inside = xp.logical_and(xp.ge(x, low), xp.le(x, 1 - low))
    outside = float("nan") if eps is None else 0.0
    return xp.where(inside, g / (x * (1 - x)), xp.zeros_like(x) + outside)
log_odds.vjp(x=logit_x)


@log_odds.public
def logit(input, eps=None):
    """ln(x / (1 − x)): the number whose sigmoid is x, x limited to [eps, 1 − eps].

    Shapes: any; the result has that of the input.
    """
    return log_odds(floating(input), eps)


@composite(space="special", out=True)
def expit(input):
    """1 / (1 + e^(−x)).

    Shapes: any; the result has that of the input.
    """
    return input.sigmoid()


@unary(space=BOTH, result="float")
def sinc(xp, x):
    """sin(πx) / (πx), 1 at 0."""
    return xp.sinc(x)


def sinc_x(xp, g, x, out):
    """(cos πx − sinc x) / x, 0 at 0."""
    zero = xp.eq(x, 0)
    return g * xp.where(zero, xp.zeros_like(x), (xp.cos(x * math.pi) - out) / xp.where(
        zero, xp.ones_like(x), x))
sinc.vjp(x=sinc_x)


# ---- Bessel ---------------------------------------------------------------------------------


@unary(space=BOTH, result="float")
def i0(xp, x):
    """The modified Bessel function of the first kind of order 0."""
    return xp.special("i0")(x)
i0.vjp(x=lambda xp, g, x: g * xp.i1(x))


@unary(space="special", result="float", inplace=False, grad="SpecialI1")
def i1(xp, x):
    """The modified Bessel function of the first kind of order 1."""
    return xp.special("i1")(x)
i1.vjp(x=lambda xp, g, x, out: g * (xp.i0(x) - ratio(xp, out, x, 0.5)))


@unary(space="special", result="float", inplace=False, grad="SpecialI0E")
def i0e(xp, x):
    """e^(−|x|) · i0(x)."""
    return xp.special("i0e")(x)
i0e.vjp(x=lambda xp, g, x, out: g * (xp.i1e(x) - xp.sgn(x) * out))


@unary(space="special", result="float", inplace=False, grad="SpecialI1E")
def i1e(xp, x):
    """e^(−|x|) · i1(x)."""
    return xp.special("i1e")(x)
i1e.vjp(x=lambda xp, g, x, out: g * (xp.i0e(x) - xp.sgn(x) * out - ratio(xp, out, x, 0.5)))


def ratio(xp, y, x, limit):
    """y / x, and its limit at 0."""
    zero = xp.eq(x, 0)
    return xp.where(zero, xp.zeros_like(x) + limit, y / xp.where(zero, xp.ones_like(x), x))


def without_slope(name, scipy_name, says):
    """Register a special function that PyTorch does not differentiate."""
    def body(xp, x):
        return xp.special(scipy_name)(x)
    body.__doc__ = says
    body.__name__ = name
    return unary(body, space="special", result="float", inplace=False)


for _name, _scipy, _says in (
        ("modified_bessel_i0", "i0", "The modified Bessel function of the first kind, order 0."),
        ("modified_bessel_i1", "i1", "The modified Bessel function of the first kind, order 1."),
        ("modified_bessel_k0", "k0", "The modified Bessel function of the second kind, order 0."),
        ("modified_bessel_k1", "k1", "The modified Bessel function of the second kind, order 1."),
        ("scaled_modified_bessel_k0", "k0e", "eˣ · modified_bessel_k0(x)."),
        ("scaled_modified_bessel_k1", "k1e", "eˣ · modified_bessel_k1(x).")):
    without_slope(_name, _scipy, _says)


# Beyond 5 Bessel functions are computed as √(2/πx) (P cos a − Q sin a), a the phase, with P and Q
# rational in z = 25/x² (S. L. Moshier, Cephes). The denominator of Q is z⁷ + DENOMINATOR(z), but
# PyTorch leaves out its first term: its values are off by up to 9e-7 just above 5, and so are ours.
DENOMINATOR = {
    0: (6.43178256118178023184e1, 8.56430025976980587198e2, 3.88240183605401609683e3,
        7.24046774195652478189e3, 5.93072701187316984827e3, 2.06209331660327847417e3,
        2.42005740240291393179e2),
    1: (7.42373277035675149943e1, 1.05644886038262816351e3, 4.98641058337653607651e3,
        9.56231892404756170795e3, 7.99704160447350683650e3, 2.82619278517639096600e3,
        3.36093607810698293419e2),
}


def bessel(xp, x, order, kind):
    """SciPy's J (kind "j") or Y ("y") of order 0 or 1, off where PyTorch's is: see DENOMINATOR."""
    a = xp.abs(x)
    far = xp.where(a > 5, a, 5)
    phase = far - math.pi / 4 * (1 + 2 * order)
    j, y = xp.special(f"j{order}")(far), xp.special(f"y{order}")(far)
    z = 25 / (far * far)
    below = 0 * z
    for c in DENOMINATOR[order]:
        below = below * z + c
    q = (y * xp.cos(phase) - j * xp.sin(phase)) * z ** 7 / below
    if kind == "j":
        odd = xp.sign(x) if order else 1
        return xp.special(f"j{order}")(x) - odd * xp.where(a > 5, q * xp.sin(phase), 0)
    return xp.special(f"y{order}")(x) + xp.where(a > 5, q * xp.cos(phase), 0)


@unary(space="special", result="float", inplace=False)
def bessel_j0(xp, x):
    """The Bessel function of the first kind of order 0."""
    return bessel(xp, x, 0, "j")


@unary(space="special", result="float", inplace=False)
def bessel_j1(xp, x):
    """The Bessel function of the first kind of order 1."""
    return bessel(xp, x, 1, "j")


@unary(space="special", result="float", inplace=False)
def bessel_y0(xp, x):
    """The Bessel function of the second kind of order 0."""
    return bessel(xp, x, 0, "y")


@unary(space="special", result="float", inplace=False)
def bessel_y1(xp, x):
    """The Bessel function of the second kind of order 1."""
    return bessel(xp, x, 1, "y")


@unary(space="special", result="float", inplace=False)
def airy_ai(xp, x):
    """The Airy function Ai."""
    return xp.special("airy")(x)[0]


@unary(space="special", result="float", inplace=False)
def spherical_bessel_j0(xp, x):
    """sin x / x, 1 at 0."""
    return xp.special("spherical_jn")(0, x)
