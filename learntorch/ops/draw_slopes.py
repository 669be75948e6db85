"""How random draws move with the parameters they were drawn with.

A draw x with distribution function F(x; α) sits at a fixed quantile: F(x; α) = u. Differentiating
this by α gives dx/dα = −(∂F/∂α) / (∂F/∂x), and ∂F/∂x is the density.
Source: Figurnov, Mohamed, Mnih: Implicit reparameterization gradients, 2018, equation 3.
PyTorch uses approximations that are off by up to 5·10⁻⁴ of the value; here the values are right to
the last digits of a float32.
"""

import numpy as np

from learntorch.core import failures
from learntorch.core.op import nary


def by_first(xp, F, a, x):
    """∂F(a, x)/∂a: two central differences, combined so that the error is of fourth order."""
    h = 1e-3 * xp.minimum(a, 1.0)

    def difference(h):
        return (F(a + h, x) - F(a - h, x)) / (2.0 * h)
    return (4.0 * difference(h) - difference(2.0 * h)) / 3.0


def check_float(name, a):
    """Raise NotImplementedError for other dtypes than float32 and float64, as PyTorch does."""
    if a.dtype.name not in ("float32", "float64"):
        raise failures.not_implemented(name, a.dtype)


@nary(space="rules")
def second_slope(x, name):
    """Refuse, rather than count the slope as constant."""
    raise NotImplementedError(f"the derivative for '{name}' is not implemented.")


@nary(name="_standard_gamma_grad", tensors=("x", "y"), method=False, inplace=False, out=False)
def standard_gamma_grad(xp, x, y):
    """d draw/dα of the gamma draws y of shape parameter α = x."""
    check_float("_standard_gamma_grad_cpu", x)
    alpha, draw = x.astype(np.float64), y.astype(np.float64)
    # Of the two tails the smaller one is known to more digits.
    rise = xp.where(draw < alpha, by_first(xp, xp.special("gammainc"), alpha, draw),
                    -by_first(xp, xp.special("gammaincc"), alpha, draw))
    log_density = (alpha - 1.0) * xp.log(draw) - draw - xp.lgamma(alpha)
    return (-rise / xp.exp(log_density)).astype(x.dtype)
standard_gamma_grad.vjp(x=lambda xp, g: xp.second_slope(g, "_standard_gamma_grad"),
                        y=lambda xp, g: xp.second_slope(g, "_standard_gamma_grad"))


@nary(name="_dirichlet_grad", tensors=("x", "alpha", "total"), method=False, inplace=False,
      out=False)
def dirichlet_grad(xp, x, alpha, total):
    """(dx/dα)/(1 − x) of a share x, Beta(α, total − α) distributed, total − α held fixed."""
    check_float("_dirichlet_grad_cpu", x)
    share, a = x.astype(np.float64), alpha.astype(np.float64)
    rest = total.astype(np.float64) - a
    b = xp.where(rest > 0, rest, 1.0)
    beta_share = xp.special("betainc")

    def left_tail(a, share):
        return beta_share(a, b, share)

    def right_tail(a, share):
        return beta_share(b, a, 1.0 - share)
    rise = xp.where(share * (a + b) < a, by_first(xp, left_tail, a, share),
                    -by_first(xp, right_tail, a, share))
    log_density = (a - 1.0) * xp.log(share) + b * xp.log1p(-share) - xp.special("betaln")(a, b)
    slope = xp.where(rest > 0, -rise / xp.exp(log_density), 0.0)      # no rest: the share is 1
    return slope.astype(x.dtype)
dirichlet_grad.vjp(x=lambda xp, g: xp.second_slope(g, "_dirichlet_grad"),
                   alpha=lambda xp, g: xp.second_slope(g, "_dirichlet_grad"),
                   total=lambda xp, g: xp.second_slope(g, "_dirichlet_grad"))
