"""The Gaussian error linear unit, and how to compute it quickly."""

from learntorch.core.op import nary, unary

SCALE = 0.7978845608028654              # √(2/π)
PEAK = 0.3989422804014327               # 1/√(2π), the density of the normal distribution at 0

# ½ e^{−a²/2} · P(t), t = 1 / (1 + SLOPE · a), is the chance that a normal number exceeds a ≥ 0.
# The form is that of Abramowitz and Stegun 7.1.26; the coefficients of t, t², … are fitted to a
# relative error of 10⁻⁷, for a up to 13, where float32 ends.
SLOPE = 0.23164188
TAIL = (0.09252904353335122, 0.09032496468017748, 0.10319921679158711, 0.011857047797085258,
        0.2282833765904077, -0.20480289464884856, 0.2494410385936003, -0.0708317392296853)
BLOCK = 16384                           # numbers at a time: 64 KB stay in the processor's cache


@nary(space="nn.functional", refuses="GeluKernelImpl", out="found")
def gelu(xp, x, approximate="none"):
    """x · Φ(x), Φ the normal distribution; "tanh" replaces Φ by a formula with tanh.

    Source: Hendrycks and Gimpel, Gaussian error linear units (2016).
    Shapes: any; the result has that of the input. Raises RuntimeError for another `approximate`
    than "none" and "tanh".
    """
    if approximate == "tanh":
        return 0.5 * x * (1 + xp.tanh(SCALE * (x + 0.044715 * x * x * x)))
    if approximate != "none":
        raise RuntimeError("approximate argument must be either none or tanh.")
    if x.dtype != xp.float32:
        from scipy.special import ndtr
        return x * ndtr(x)
    return in_blocks(xp, gelu_block, x)


def gelu_x(xp, g, x, approximate):
    if approximate == "tanh":
        t = xp.tanh(SCALE * (x + 0.044715 * x * x * x))
        inner = SCALE * (1 + 3 * 0.044715 * x * x)
        return g * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * inner)
    return g * xp.gelu_slope(x)
gelu.vjp(x=gelu_x)


@unary(result="float", space="rules", inplace=False, out=False)
def gelu_slope(xp, x):
    """Φ(x) + x φ(x), φ the density of the normal distribution: the derivative of x Φ(x)."""
    if x.dtype != xp.float32:
        from scipy.special import ndtr
        return ndtr(x) + x * (PEAK * xp.exp(-0.5 * x * x))
    return in_blocks(xp, slope_block, x)
gelu_slope.vjp(x=lambda xp, g, x: g * (PEAK * xp.exp(-0.5 * x * x) * (2 - x * x)))


def in_blocks(xp, function, x):
    """`function` of all numbers of x, one block after the other."""
    flat = x.reshape(-1)
    if x.size <= BLOCK:
        return function(xp, flat).reshape(x.shape)
    out = xp.empty(flat.shape, x.dtype)
    for i in range(0, flat.size, BLOCK):
        out[i:i + BLOCK] = function(xp, flat[i:i + BLOCK])
    return out.reshape(x.shape)


def tail(xp, a):
    """The chance that a normal number exceeds a ≥ 0, and e^{−a²/2}."""
    t = SLOPE * a
    t += 1
    t = 1 / t
    p = t * TAIL[-1]
    for c in TAIL[-2::-1]:
        p += c
        p *= t
    e = a * a
    e *= -0.5
    xp.exp(e, out=e)
    p *= e
    return p, e


def gelu_block(xp, x):
    """x Φ(x) = max(x, 0) − |x| · Φ(−|x|), which keeps its precision for very negative x."""
    a = xp.minimum(xp.abs(x), x.dtype.type(100))        # ∞ · 0 would not be a number
    p, _ = tail(xp, a)
    p *= a
    return xp.maximum(x, 0) - p


def slope_block(xp, x):
    """½ ± (½ − Φ(−|x|)) + x φ(x)."""
    p, e = tail(xp, xp.abs(x))
    e *= x
    e *= PEAK
    e += 0.5
    e += xp.copysign(0.5 - p, x)
    return e
