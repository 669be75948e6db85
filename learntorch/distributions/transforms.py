"""Transforms: invertible functions that turn one distribution into another.

If X has density p and y = f(x), then Y = f(X) has density p(x) / |det ∂y/∂x|. Here are the
functions; `TransformedDistribution` puts them to use, `biject_to` and `transform_to` choose one
for a constraint.
"""

import math
from numbers import Number

from learntorch.core.dtypes import finfo
from learntorch.distributions import constraints
from learntorch.distributions.transform_base import (
    ComposeTransform,
    IndependentTransform,
    ReshapeTransform,
    Transform,
    _InverseTransform,
    identity_transform,
)
from learntorch.distributions.utils import (
    _sum_rightmost,
    broadcast_all,
    tril_matrix_to_vec,
    vec_to_tril_matrix,
)
from learntorch.ops.activation import logsigmoid, sigmoid, softplus
from learntorch.ops.create import eye, full_like
from learntorch.ops.pad import pad
from learntorch.ops.pieces import broadcast_shapes
from learntorch.ops.shape import cat, stack
from learntorch.ops.softmax import softmax

__all__ = ["AbsTransform", "AffineTransform", "CatTransform", "ComposeTransform",
           "CorrCholeskyTransform", "CumulativeDistributionTransform", "ExpTransform",
           "IndependentTransform", "LowerCholeskyTransform", "PositiveDefiniteTransform",
           "PowerTransform", "ReshapeTransform", "SigmoidTransform", "SoftmaxTransform",
           "SoftplusTransform", "StackTransform", "StickBreakingTransform", "TanhTransform",
           "Transform", "_InverseTransform", "identity_transform"]


class _Plain(Transform):
    """A transform without parameters: equal to every other of its class."""

    def __eq__(self, other):
        return isinstance(other, type(self))


# ---- functions of one number ---------------------------------------------------------------------


class ExpTransform(_Plain):
    """y = eˣ, ln |dy/dx| = x."""

    domain = constraints.real
    codomain = constraints.positive
    bijective = True
    sign = +1

    def _call(self, x):
        return x.exp()

    def _inverse(self, y):
        return y.log()

    def log_abs_det_jacobian(self, x, y):
        return x


class PowerTransform(Transform):
    """y = x^a on the positive numbers, ln |dy/dx| = ln |a y / x|."""

    domain = constraints.positive
    codomain = constraints.positive
    bijective = True

    def __init__(self, exponent, cache_size=0):
        super().__init__(cache_size=cache_size)
        self.exponent, = broadcast_all(exponent)

    def with_cache(self, cache_size=1):
        if self._cache_size == cache_size:
            return self
        return PowerTransform(self.exponent, cache_size=cache_size)

    @property
    def sign(self):
        return self.exponent.sign()

    def __eq__(self, other):
        return isinstance(other, PowerTransform) and bool(self.exponent.eq(other.exponent).all())

    def _call(self, x):
        return x.pow(self.exponent)

    def _inverse(self, y):
        return y.pow(1 / self.exponent)

    def log_abs_det_jacobian(self, x, y):
        return (self.exponent * y / x).abs().log()

    def forward_shape(self, shape):
        return broadcast_shapes(shape, self.exponent.shape)

    inverse_shape = forward_shape


def _clipped_sigmoid(x):
    """σ(x), kept off 0 and 1 by the least that the dtype can tell apart."""
    limits = finfo(x.dtype)
    return sigmoid(x).clamp(min=limits.tiny, max=1.0 - limits.eps)


class SigmoidTransform(_Plain):
    """y = 1/(1 + e⁻ˣ), x = ln y − ln(1 − y), ln |dy/dx| = ln σ(x) + ln σ(−x)."""

    domain = constraints.real
    codomain = constraints.unit_interval
    bijective = True
    sign = +1

    def _call(self, x):
        return _clipped_sigmoid(x)

    def _inverse(self, y):
        limits = finfo(y.dtype)
        y = y.clamp(min=limits.tiny, max=1.0 - limits.eps)
        return y.log() - (-y).log1p()

    def log_abs_det_jacobian(self, x, y):
        return -softplus(-x) - softplus(x)


class SoftplusTransform(_Plain):
    """y = ln(1 + eˣ), x = y + ln(1 − e⁻ʸ), ln |dy/dx| = ln σ(x)."""

    domain = constraints.real
    codomain = constraints.positive
    bijective = True
    sign = +1

    def _call(self, x):
        return softplus(x)

    def _inverse(self, y):
        return (-(-y).expm1()).log() + y

    def log_abs_det_jacobian(self, x, y):
        return -softplus(-x)


class TanhTransform(_Plain):
    """y = tanh x, ln |dy/dx| = ln(1 − y²) = 2(ln 2 − x − ln(1 + e⁻²ˣ)).

    For large |x| y is ±1 and x cannot be found back: give the transform a cache.
    """

    domain = constraints.real
    codomain = constraints.interval(-1.0, 1.0)
    bijective = True
    sign = +1

    def _call(self, x):
        return x.tanh()

    def _inverse(self, y):
        return y.atanh()

    def log_abs_det_jacobian(self, x, y):
        return 2.0 * (math.log(2.0) - x - softplus(-2.0 * x))


class AbsTransform(_Plain):
    """y = |x|; of the two x that fit, the inverse gives y."""

    domain = constraints.real
    codomain = constraints.positive

    def _call(self, x):
        return x.abs()

    def _inverse(self, y):
        return y


class AffineTransform(Transform):
    """y = loc + scale · x, ln |dy/dx| = ln |scale|.

    `loc`, `scale`: numbers or tensors; `event_dim`: how many last dimensions make up an event.
    """

    bijective = True

    def __init__(self, loc, scale, event_dim=0, cache_size=0):
        super().__init__(cache_size=cache_size)
        self.loc = loc
        self.scale = scale
        self._event_dim = event_dim

    @property
    def event_dim(self):
        return self._event_dim

    @property
    def domain(self):
        return constraints.independent(constraints.real, self.event_dim) if self.event_dim else (
            constraints.real)

    codomain = domain

    def with_cache(self, cache_size=1):
        if self._cache_size == cache_size:
            return self
        return AffineTransform(self.loc, self.scale, self.event_dim, cache_size=cache_size)

    def __eq__(self, other):
        return (isinstance(other, AffineTransform) and _same(self.loc, other.loc)
                and _same(self.scale, other.scale))

    @property
    def sign(self):
        if isinstance(self.scale, Number):
            return (self.scale > 0) - (self.scale < 0)
        return self.scale.sign()

    def _call(self, x):
        return self.loc + self.scale * x

    def _inverse(self, y):
        return (y - self.loc) / self.scale

    def log_abs_det_jacobian(self, x, y):
        if isinstance(self.scale, Number):
            result = full_like(x, math.log(abs(self.scale)))
        else:
            result = self.scale.abs().log()
        event_dim = self.event_dim
        return _sum_rightmost(result, event_dim).expand(x.shape[:x.dim() - event_dim])

    def forward_shape(self, shape):
        return broadcast_shapes(shape, getattr(self.loc, "shape", ()),
                                getattr(self.scale, "shape", ()))

    inverse_shape = forward_shape


def _same(a, b):
    """Whether two parameters, numbers or tensors, are equal."""
    if isinstance(a, Number) and isinstance(b, Number):
        return a == b
    return bool((a == b).all())


class CumulativeDistributionTransform(Transform):
    """y = F(x), F the distribution function of `distribution`: its draws become uniform.

    ln |dy/dx| is the log density. The distribution needs `cdf`, for the inverse `icdf`.
    """

    bijective = True
    codomain = constraints.unit_interval
    sign = +1

    def __init__(self, distribution, cache_size=0):
        super().__init__(cache_size=cache_size)
        self.distribution = distribution

    @property
    def domain(self):
        return self.distribution.support

    def _call(self, x):
        return self.distribution.cdf(x)

    def _inverse(self, y):
        return self.distribution.icdf(y)

    def log_abs_det_jacobian(self, x, y):
        return self.distribution.log_prob(x)

    def with_cache(self, cache_size=1):
        if self._cache_size == cache_size:
            return self
        return CumulativeDistributionTransform(self.distribution, cache_size=cache_size)


# ---- vectors -------------------------------------------------------------------------------------


class SoftmaxTransform(_Plain):
    """y = softmax(x) along the last dimension; the inverse gives ln y, one of the x that fit."""

    domain = constraints.real_vector
    codomain = constraints.simplex

    def _call(self, x):
        return softmax(x, -1)

    def _inverse(self, y):
        return y.log()

    def forward_shape(self, shape):
        _need_dimensions(shape, 1)
        return shape

    inverse_shape = forward_shape


def _need_dimensions(shape, count):
    if len(shape) < count:
        raise ValueError("Too few dimensions on input")


class StickBreakingTransform(_Plain):
    """n numbers → n + 1 shares: each σ(xₖ − ln(n + 1 − k)) is the part broken off what is left.

    zₖ = σ(xₖ − ln(n + 1 − k)), yₖ = zₖ Πⱼ₍ⱼ<ₖ₎ (1 − zⱼ), the last share is what remains; x = 0
    gives equal shares. It is a bijection, as softmax is not.
    """

    domain = constraints.real_vector
    codomain = constraints.simplex
    bijective = True

    def _call(self, x):
        z = _clipped_sigmoid(x - _pieces_left(x).log())
        left = (1 - z).cumprod(-1)
        return pad(z, (0, 1), value=1.0) * pad(left, (1, 0), value=1.0)

    def _inverse(self, y):
        y = y[..., :-1]
        # what is left after piece k, in place of 1 − zₖ times what was left before it
        left = (1 - y.cumsum(-1)).clamp(min=finfo(y.dtype).tiny)
        return y.log() - left.log() + _pieces_left(y).log()

    def log_abs_det_jacobian(self, x, y):
        """The matrix ∂y/∂x is triangular: Σ ln ∂yₖ/∂xₖ = Σ ln yₖ + ln(1 − zₖ)."""
        x = x - _pieces_left(x).log()
        return (logsigmoid(x) - x + y[..., :-1].log()).sum(-1)

    def forward_shape(self, shape):
        _need_dimensions(shape, 1)
        return shape[:-1] + (shape[-1] + 1,)

    def inverse_shape(self, shape):
        _need_dimensions(shape, 1)
        return shape[:-1] + (shape[-1] - 1,)


def _pieces_left(x):
    """n, n − 1, …, 1 for the n last elements of x."""
    return x.shape[-1] + 1 - x.new_ones(x.shape[-1]).cumsum(-1)


class CorrCholeskyTransform(Transform):
    """n(n − 1)/2 numbers → the Cholesky factor of an n × n correlation matrix.

    tanh x fills the triangle below the diagonal with partial correlations zᵢⱼ; row by row,
    Lᵢⱼ = zᵢⱼ √Πₖ₍ₖ<ⱼ₎ (1 − zᵢₖ²), and Lᵢᵢ is what brings the row to length 1.
    Source: Stan reference manual, Cholesky factors of correlation matrices; Lewandowski, Kurowicka,
    Joe, 2009.
    """

    domain = constraints.real_vector
    codomain = constraints.corr_cholesky
    bijective = True

    def _call(self, x):
        eps = finfo(x.dtype).eps
        z = x.tanh().clamp(min=-1 + eps, max=1 - eps)
        z = vec_to_tril_matrix(z, diag=-1)
        left = (1 - z ** 2).sqrt().cumprod(-1)
        z = z + eye(z.shape[-1], dtype=z.dtype, device=z.device)
        return z * pad(left[..., :-1], (1, 0), value=1.0)

    def _inverse(self, y):
        left = 1 - (y * y).cumsum(-1)
        left = tril_matrix_to_vec(pad(left[..., :-1], (1, 0), value=1.0), diag=-1)
        z = tril_matrix_to_vec(y, diag=-1) / left.sqrt()
        return (z.log1p() - (-z).log1p()) / 2

    def log_abs_det_jacobian(self, x, y):
        """½ Σ ln(what is left of row i before column j), and Σ ln(1 − tanh² x)."""
        left = tril_matrix_to_vec(1 - (y * y).cumsum(-1), diag=-2)
        rows = 0.5 * left.log().sum(-1)
        return rows - 2 * (x + softplus(-2 * x) - math.log(2.0)).sum(-1)

    def forward_shape(self, shape):
        _need_dimensions(shape, 1)
        n = round((0.25 + 2 * shape[-1]) ** 0.5 + 0.5)
        if n * (n - 1) // 2 != shape[-1]:
            raise ValueError("Input is not a flattened lower-diagonal number")
        return shape[:-1] + (n, n)

    def inverse_shape(self, shape):
        _need_dimensions(shape, 2)
        if shape[-2] != shape[-1]:
            raise ValueError("Input is not square")
        n = shape[-1]
        return shape[:-2] + (n * (n - 1) // 2,)


# ---- matrices ------------------------------------------------------------------------------------


class LowerCholeskyTransform(_Plain):
    """The lower triangle of a matrix, its diagonal through exp: a Cholesky factor."""

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.lower_cholesky

    def _call(self, x):
        return x.tril(-1) + x.diagonal(dim1=-2, dim2=-1).exp().diag_embed()

    def _inverse(self, y):
        return y.tril(-1) + y.diagonal(dim1=-2, dim2=-1).log().diag_embed()


class PositiveDefiniteTransform(_Plain):
    """L Lᵀ, L the Cholesky factor that `LowerCholeskyTransform` makes of the matrix."""

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.positive_definite

    def _call(self, x):
        factor = LowerCholeskyTransform()(x)
        return factor @ factor.mT

    def _inverse(self, y):
        from learntorch.linalg import cholesky
        return LowerCholeskyTransform().inv(cholesky(y))


# ---- several transforms side by side -------------------------------------------------------------


class CatTransform(Transform):
    """One transform for each stretch of `lengths` along dimension `dim`, joined as by `cat`."""

    def __init__(self, tseq, dim=0, lengths=None, cache_size=0):
        if not all(isinstance(t, Transform) for t in tseq):
            raise AssertionError("All elements of tseq must be Transform instances")
        if cache_size:
            tseq = [t.with_cache(cache_size) for t in tseq]
        super().__init__(cache_size=cache_size)
        self.transforms = list(tseq)
        self.lengths = [1] * len(self.transforms) if lengths is None else list(lengths)
        if len(self.lengths) != len(self.transforms):
            raise AssertionError(f"lengths ({len(self.lengths)}) must have the same length as "
                                 f"tseq ({len(self.transforms)})")
        self.dim = dim

    @property
    def event_dim(self):
        return max(t.event_dim for t in self.transforms)

    @property
    def length(self):
        """The size of dimension `dim`."""
        return sum(self.lengths)

    def with_cache(self, cache_size=1):
        if self._cache_size == cache_size:
            return self
        return CatTransform(self.transforms, self.dim, self.lengths, cache_size)

    def _pieces(self, name, x):
        """The stretches of x, each with its transform. Raises AssertionError for a wrong size."""
        if not -x.dim() <= self.dim < x.dim():
            raise AssertionError(f"dim {self.dim} out of range for {name} with {x.dim()} "
                                 "dimensions")
        if x.size(self.dim) != self.length:
            raise AssertionError(f"{name}.size({self.dim}) = {x.size(self.dim)} must equal length "
                                 f"{self.length}")
        return zip(self.transforms, x.split(self.lengths, self.dim), strict=True)

    def _call(self, x):
        return cat([t(piece) for t, piece in self._pieces("x", x)], self.dim)

    def _inverse(self, y):
        return cat([t.inv(piece) for t, piece in self._pieces("y", y)], self.dim)

    def log_abs_det_jacobian(self, x, y):
        terms = []
        for (t, a), (_, b) in zip(self._pieces("x", x), self._pieces("y", y), strict=True):
            term = t.log_abs_det_jacobian(a, b)
            terms.append(_sum_rightmost(term, self.event_dim - t.event_dim))
        dim = self.dim - x.dim() if self.dim >= 0 else self.dim
        dim += self.event_dim
        return cat(terms, dim) if dim < 0 else sum(terms)

    @property
    def bijective(self):
        return all(t.bijective for t in self.transforms)

    @property
    def domain(self):
        return constraints.cat([t.domain for t in self.transforms], self.dim, self.lengths)

    @property
    def codomain(self):
        return constraints.cat([t.codomain for t in self.transforms], self.dim, self.lengths)


class StackTransform(Transform):
    """One transform for each index along dimension `dim`."""

    def __init__(self, tseq, dim=0, cache_size=0):
        if not all(isinstance(t, Transform) for t in tseq):
            raise AssertionError("All elements of tseq must be Transform instances")
        if cache_size:
            tseq = [t.with_cache(cache_size) for t in tseq]
        super().__init__(cache_size=cache_size)
        self.transforms = list(tseq)
        self.dim = dim

    def with_cache(self, cache_size=1):
        if self._cache_size == cache_size:
            return self
        return StackTransform(self.transforms, self.dim, cache_size)

    def _layers(self, name, x):
        """The layers of x, each with its transform. Raises AssertionError for a wrong size."""
        if not -x.dim() <= self.dim < x.dim():
            raise AssertionError(f"dim {self.dim} out of range for {name} with {x.dim()} "
                                 "dimensions")
        if x.size(self.dim) != len(self.transforms):
            raise AssertionError(f"{name}.size({self.dim}) = {x.size(self.dim)} must equal "
                                 f"len(transforms) {len(self.transforms)}")
        return zip(self.transforms, x.unbind(self.dim), strict=True)

    def _call(self, x):
        return stack([t(layer) for t, layer in self._layers("x", x)], self.dim)

    def _inverse(self, y):
        return stack([t.inv(layer) for t, layer in self._layers("y", y)], self.dim)

    def log_abs_det_jacobian(self, x, y):
        pairs = zip(self._layers("x", x), self._layers("y", y), strict=True)
        return stack([t.log_abs_det_jacobian(a, b) for (t, a), (_, b) in pairs], self.dim)

    @property
    def bijective(self):
        return all(t.bijective for t in self.transforms)

    @property
    def domain(self):
        return constraints.stack([t.domain for t in self.transforms], self.dim)

    @property
    def codomain(self):
        return constraints.stack([t.codomain for t in self.transforms], self.dim)
