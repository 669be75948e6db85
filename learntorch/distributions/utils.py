"""What the distributions share: parameters brought to one shape, probabilities and log-odds."""

import math
from numbers import Number

from learntorch.core.ambient import enable_grad
from learntorch.core.dtypes import finfo, get_default_dtype
from learntorch.core.tensor import Tensor
from learntorch.ops.activation import sigmoid
from learntorch.ops.create import ones, tensor, zeros
from learntorch.ops.random import randn
from learntorch.ops.softmax import softmax
from learntorch.ops.views import broadcast_tensors

__all__ = ["broadcast_all", "clamp_probs", "lazy_property", "logits_to_probs", "probs_to_logits",
           "tril_matrix_to_vec", "vec_to_tril_matrix"]

euler_constant = 0.57721566490153286060     # γ, the limit of Σ 1/k − ln n


def broadcast_all(*values):
    """Numbers and tensors as tensors of one shape.

    A number takes the dtype of the first tensor, or the default dtype where there is none.
    Raises ValueError for anything else, RuntimeError for shapes that do not broadcast.
    """
    if not all(isinstance(value, (Tensor, Number)) for value in values):
        raise ValueError("Input arguments must all be instances of Number, torch.Tensor or objects "
                         "implementing __torch_function__.")
    tensors = [value for value in values if isinstance(value, Tensor)]
    dtype = tensors[0].dtype if tensors else get_default_dtype()
    return broadcast_tensors(*[value if isinstance(value, Tensor) else tensor(value, dtype=dtype)
                               for value in values])


def _standard_normal(shape, dtype, device=None):
    """Standard normal numbers."""
    return randn(shape, dtype=dtype, device=device)


def _sum_rightmost(value, dim):
    """The sum over the last `dim` dimensions."""
    if dim == 0:
        return value
    return value.reshape(value.shape[:value.dim() - dim] + (-1,)).sum(-1)


# ---- computed when first asked for --------------------------------------------------------------


class lazy_property:
    """A property computed on first use and then stored under its own name in the instance."""

    def __init__(self, wrapped):
        self.wrapped = wrapped
        self.__name__ = wrapped.__name__
        self.__doc__ = wrapped.__doc__

    def __get__(self, instance, owner=None):
        if instance is None:
            return _UnboundLazyProperty(self.wrapped)
        with enable_grad():                 # the stored value serves later calls that differentiate
            value = self.wrapped(instance)
        vars(instance)[self.wrapped.__name__] = value
        return value


class _UnboundLazyProperty(lazy_property, property):
    """What the class shows under the name of a lazy property: documentation reads it."""

    def __init__(self, wrapped):
        property.__init__(self, wrapped)


# ---- probabilities and logits -------------------------------------------------------------------


def either(probs, logits):
    """Raise ValueError unless exactly one of the two was given."""
    if (probs is None) == (logits is None):
        raise ValueError("Either `probs` or `logits` must be specified, but not both.")


def logits_to_probs(logits, is_binary=False):
    """σ(logits), or softmax over the last dimension."""
    return sigmoid(logits) if is_binary else softmax(logits, -1)


def clamp_probs(probs):
    """`probs` kept ε away from 0 and 1, ε the dtype's, so that their logarithms are finite."""
    eps = finfo(probs.dtype).eps
    return probs.clamp(min=eps, max=1 - eps)


def probs_to_logits(probs, is_binary=False):
    """ln p − ln(1 − p), or ln p for the probabilities of several categories."""
    clamped = clamp_probs(probs)
    if is_binary:
        return clamped.log() - (-clamped).log1p()
    return clamped.log()


class ProbsOrLogits:
    """Two parameters of which one is given and the other computed when it is first asked for."""

    _is_binary = True

    @lazy_property
    def logits(self):
        """The log-odds ln p/(1 − p); for several categories ln p."""
        return probs_to_logits(self.probs, self._is_binary)

    @lazy_property
    def probs(self):
        """The probabilities: σ(logits); for several categories softmax(logits)."""
        return logits_to_probs(self.logits, self._is_binary)

    @property
    def param_shape(self):
        """The shape of the parameter."""
        return self._param.size()


# ---- triangles ----------------------------------------------------------------------------------


def _lower_triangle(n, diag):
    """n × n booleans: True on and below the diagonal number `diag`."""
    return ones(n, n).tril(diag) > 0


def vec_to_tril_matrix(vec, diag=0):
    """(…, n(n + 1)/2) → (…, n, n): the numbers row by row on and below a diagonal, else 0.

    Raises ValueError when the length is no triangular number.
    """
    count = vec.shape[-1]
    # Solved for n: n²/2 + (diag + ½) n − |diag|(diag + 1)/2 numbers lie on or below the diagonal.
    half = 0.5 + diag
    n = round(math.sqrt(half ** 2 + 2 * count + abs(diag) * (diag + 1)) - half)
    inside = _lower_triangle(n, diag)
    if int(inside.sum()) != count:
        raise ValueError(f"The size of last dimension is {count} which cannot be expressed as the "
                         "lower triangular part of a square D x D matrix.")
    matrix = zeros(vec.shape[:-1] + (n, n), dtype=vec.dtype, device=vec.device)
    matrix[..., inside] = vec
    return matrix


def tril_matrix_to_vec(mat, diag=0):
    """(…, n, n) → (…, n(n + 1)/2): the numbers on and below a diagonal, row by row.

    Raises ValueError for a diagonal outside the matrix.
    """
    n = mat.shape[-1]
    if not -n <= diag < n:
        raise ValueError(f"diag ({diag}) provided is outside [{-n}, {n - 1}].")
    return mat[..., _lower_triangle(n, diag)]
