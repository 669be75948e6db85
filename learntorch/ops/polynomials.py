"""Orthogonal polynomials of degree n: Chebyshev, Hermite, Laguerre, Legendre."""

from learntorch.core.op import binary


def degrees(xp, y):
    """Degrees as whole numbers."""
    return y.astype(xp.int64) if hasattr(y, "astype") else int(y)


def evaluated(xp, name, x, n):
    """SciPy's polynomial, 0 for a negative degree."""
    r = xp.special(name)(xp.maximum(n, 0), x)
    return xp.where(n < 0, 0, r)


def family(name, scipy_name, says, shifted=False, second=0):
    """Register a polynomial of x (or of 2x − 1), perhaps with ± the one of degree n − 1 added."""
    def body(xp, x, y):
        n = degrees(xp, y)
        if x.dtype.kind != "f":
            x = x.astype(xp.float64)
        t = 2 * x - 1 if shifted else x
        r = evaluated(xp, scipy_name, t, n)
        return r + second * evaluated(xp, scipy_name, t, n - 1) if second else r
    body.__doc__ = says
    body.__name__ = name
    return binary(body, space="special", result="float", inplace=False, numbers="both",
                  names=("input", "n"))


for _star, _of, _prefix in ((False, "x", ""), (True, "2x − 1", "shifted_")):
    family(_prefix + "chebyshev_polynomial_t", "eval_chebyt",
           f"Chebyshev's polynomial Tₙ of {_of}: cos nθ at cos θ.", _star)
    family(_prefix + "chebyshev_polynomial_u", "eval_chebyu",
           f"Chebyshev's polynomial Uₙ of {_of}: sin (n + 1)θ / sin θ at cos θ.", _star)
    family(_prefix + "chebyshev_polynomial_v", "eval_chebyu",
           f"Chebyshev's polynomial Vₙ = Uₙ − Uₙ₋₁ of {_of}.", _star, -1)
    family(_prefix + "chebyshev_polynomial_w", "eval_chebyu",
           f"Chebyshev's polynomial Wₙ = Uₙ + Uₙ₋₁ of {_of}.", _star, 1)
family("hermite_polynomial_h", "eval_hermite", "The physicists' Hermite polynomial Hₙ of x.")
family("hermite_polynomial_he", "eval_hermitenorm", "The probabilists' Hermite polynomial of x.")
family("laguerre_polynomial_l", "eval_laguerre", "Laguerre's polynomial Lₙ of x.")
family("legendre_polynomial_p", "eval_legendre", "Legendre's polynomial Pₙ of x.")
