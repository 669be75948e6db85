"""Tensors of random numbers: for the same seed, the same numbers as PyTorch's on a CPU."""

import operator

import numpy as np

from learntorch import random_rejection as rejection
from learntorch import random_streams as streams
from learntorch.core import failures
from learntorch.core.devices import check_cpu
from learntorch.core.dtypes import FLOATS, finfo, int64, of, said, too_much
from learntorch.core.op import composite, entitle, nary
from learntorch.core.shapes import broadcast
from learntorch.core.tensor import Tensor, wrap
from learntorch.core.warned import warn
from learntorch.ops.create import creator, finish, numpy_type, shape_of
from learntorch.ops.draw_slopes import check_float
from learntorch.random import Generator, default_generator


def source(generator):
    """The generator to draw from: the default one unless another is given."""
    if generator is None:
        return default_generator
    if isinstance(generator, Generator):
        return generator
    raise TypeError(f"argument 'generator' must be torch.Generator, not {type(generator).__name__}."
                    " Make one with torch.Generator().manual_seed(0).")


def only_floats(numpy_dtype, kernel):
    """Raise NotImplementedError, naming PyTorch's kernel, for a dtype without fractions."""
    if numpy_dtype not in FLOATS:
        raise failures.not_implemented(kernel, numpy_dtype)


def only_real(numpy_dtype, kernel):
    """Raise NotImplementedError, naming PyTorch's kernel, for a complex or integer dtype."""
    if numpy_dtype not in FLOATS or numpy_dtype.kind == "c":
        raise failures.not_implemented(kernel, numpy_dtype)


# ---- from sizes -------------------------------------------------------------------------------


def sized(function, sampler, shape, generator, out, dtype, device, requires_grad, default=None):
    """The tensor of `function`: drawn by `sampler(generator, shape, numpy dtype)`."""
    check_cpu(device)
    d = numpy_type(dtype, default, out)
    return finish(sampler(source(generator), shape, d), requires_grad, out, function.op)


def uniform_floats(generator, shape, d):
    """Numbers of [0, 1). Raises NotImplementedError for integer types."""
    only_floats(d, "check_uniform_bounds")
    return streams.uniform(generator, shape, d)


def normal_floats(generator, shape, d, mean=0.0, std=1.0, contiguous=True):
    """Normal numbers. Raises NotImplementedError for integers, RuntimeError for std < 0."""
    if std < 0.0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std:g}")
    only_floats(d, "normal_kernel_cpu")
    return streams.normal(generator, shape, d, mean, std, contiguous)


@creator
def rand(*sizes, size=None, generator=None, out=None, dtype=None, layout=None, device=None,
         requires_grad=False, pin_memory=False):
    """Numbers drawn evenly from [0, 1): `rand(2, 3)`.

    Shapes: the sizes. Raises TypeError where the sizes are no whole numbers, RuntimeError for a
    negative one and for a dtype of whole numbers.
    """
    shape = shape_of("rand", sizes, size)
    return sized(rand, uniform_floats, shape, generator, out, dtype, device, requires_grad)


@creator
def randn(*sizes, size=None, generator=None, out=None, dtype=None, layout=None, device=None,
          requires_grad=False, pin_memory=False):
    """Standard normal numbers: mean 0, variance 1 (complex: half of it in each part).

    Shapes: the sizes. Raises TypeError where the sizes are no whole numbers, RuntimeError for a
    negative one and for a dtype of whole numbers.
    """
    shape = shape_of("randn", sizes, size)
    return sized(randn, normal_floats, shape, generator, out, dtype, device, requires_grad)


@creator
def randint(low=0, high=None, size=None, *, generator=None, out=None, dtype=None, layout=None,
            device=None, requires_grad=False, pin_memory=False):
    """Integers drawn evenly from low … high − 1: `randint(6, (2,))`, `randint(1, 7, (2,))`.

    Raises RuntimeError for an empty range, or one that the dtype cannot hold.
    Shapes: `size`.
    """
    place = 2
    if isinstance(high, (tuple, list)):
        low, high, size, place = 0, low, high, 1
    elif high is None:
        low, high, place = 0, low, 1
    low, high = whole("randint", "low", 1, low), whole("randint", "high", place, high)
    if size is None or isinstance(size, int):
        raise TypeError("randint(): argument 'size' must be tuple of ints, not "
                        f"{type(size).__name__}: randint(6, (2,)) rolls two dice.")
    shape = shape_of("randint", (tuple(size),))

    def draw(source, shape, d):
        return streams.integers(source, shape, d, *integer_range(d, low, high))
    return sized(randint, draw, shape, generator, out, dtype, device, requires_grad, int64)


@creator
def randperm(n, *, generator=None, out=None, dtype=None, layout=None, device=None,
             requires_grad=False, pin_memory=False):
    """The integers 0 … n − 1 in random order. Raises RuntimeError where the dtype is too narrow.

    Shapes: (n).
    """
    n = whole("randperm", "n", 1, n)

    def draw(source, shape, d):
        check_permutation(n, d)
        return streams.permutation(source, n, d)
    shape = shape_of("randperm", ((n,),))
    return sized(randperm, draw, shape, generator, out, dtype, device, requires_grad, int64)


def whole(name, argument, position, value):
    """`value` as an int. Raises TypeError for a float, ValueError beyond 64 bits."""
    try:
        value = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}(): argument '{argument}' (position {position}) must be int, not "
                        f"{type(value).__name__}") from None
    if not -2**63 <= value < 2**63:
        raise ValueError("Overflow when unpacking long long")
    return value


def check_permutation(n, d):
    """Raise where the numbers 0 … n − 1 do not fit the dtype."""
    if d.kind in "cb":
        raise failures.not_implemented("randperm", d)
    largest = streams.largest(d)
    if d in FLOATS and n > largest + 1:
        bound = {"Float": "2^24+1", "Double": "2^53+1"}.get(said(d), largest + 1)
        raise RuntimeError(f"n cannot be greater than {bound} for {said(d)} type.")
    if n > largest:
        raise too_much(d, n)


# ---- from another tensor's shape ----------------------------------------------------------------


def alike(name, sampler, input, dtype, device, requires_grad, memory_format, generator):
    """A tensor laid out in memory as `input` is, drawn in the order of memory."""
    check_cpu(device)
    if not isinstance(input, Tensor):
        raise TypeError(f"{name}(): argument 'input' (position 1) must be Tensor, not "
                        f"{type(input).__name__}")
    a = input._data
    d = a.dtype if dtype is None else numpy_type(dtype)
    if a.flags.c_contiguous or "contiguous" in str(memory_format):
        return finish(sampler(source(generator), a.shape, d), requires_grad)
    made = np.empty_like(a, dtype=d)
    memory = streams.in_memory_order(made)
    if sampler is normal_floats:
        memory[...] = sampler(source(generator), memory.shape, d,
                              contiguous=made.flags.c_contiguous)
    else:
        memory[...] = sampler(source(generator), memory.shape, d)
    return finish(made, requires_grad)


@creator
def rand_like(input, *, generator=None, dtype=None, layout=None, device=None, requires_grad=False,
              memory_format=None):
    """Numbers drawn evenly from [0, 1), in `input`'s shape and dtype.

    Raises TypeError for what is no tensor.
    """
    return alike("rand_like", uniform_floats, input, dtype, device, requires_grad, memory_format,
                 generator)


@creator
def randn_like(input, *, generator=None, dtype=None, layout=None, device=None,
               requires_grad=False, memory_format=None):
    """Standard normal numbers in `input`'s shape and dtype.

    Raises TypeError for what is no tensor.
    """
    return alike("randn_like", normal_floats, input, dtype, device, requires_grad, memory_format,
                 generator)


@creator
def randint_like(input, low=0, high=None, *, generator=None, dtype=None, layout=None, device=None,
                 requires_grad=False, memory_format=None):
    """Integers drawn evenly from low … high − 1, in `input`'s shape and dtype.

    Raises TypeError for what is no tensor, RuntimeError for an empty range, or one that the dtype
    cannot hold.
    """
    if high is None:
        low, high = 0, low
    low, high = whole("randint_like", "low", 2, low), whole("randint_like", "high", 3, high)

    def draw(source, shape, d):
        return streams.integers(source, shape, d, *integer_range(d, low, high))
    return alike("randint_like", draw, input, dtype, device, requires_grad, memory_format,
                 generator)


# ---- ranges of integers -------------------------------------------------------------------------

def integer_range(d, low, high):
    """(low, high) with bounds that a floating-point type would round outwards moved inwards.

    Raises RuntimeError for an empty range, one outside the dtype, or a complex dtype; warns where
    a floating-point type has gaps between integers.
    """
    if low >= high:
        raise RuntimeError("random_ expects 'from' to be less than 'to', but got "
                           f"from={low} >= to={high}")
    if d.kind == "c":
        raise RuntimeError("check_random_bounds handles only integral, floating-point and boolean "
                           "types")
    if d in FLOATS:
        low, high = inwards(d, low, high)
    check_bounds(d, low, high - 1)
    return low, high


def inwards(d, low, high):
    digits = streams.DIGITS[d.name]
    above, below = _represented(low + 1, d), _represented(high - 1, d)
    if above < low:
        low = above + 2 ** (abs(low + 1).bit_length() - digits)
    if below >= high:
        high = below - 2 ** (abs(high - 1).bit_length() - digits)
    if low >= high:
        raise RuntimeError("random_ expects 'from' casted to dtype to be less than 'to' casted to "
                           f"dtype, but got from={low} >= to={high}")
    return low, high


def _represented(number, d):
    value = float(streams.rounded(np.array(number, np.int64), d))
    return int(value) if abs(value) < np.inf else number


def check_bounds(d, low, last):
    """Raise RuntimeError unless low … last lie within the dtype; warn where it has gaps."""
    real = d in FLOATS
    if real:
        top = int(finfo(of(d)).max)
        bottom = -top
    else:
        top = streams.largest(d)
        bottom = 0 if d.kind in "bu" else -top - 1
    for name, value in (("from", low), ("to - 1", last)):
        if not bottom <= value <= min(top, 2**63 - 1):
            raise RuntimeError(f"{name} is out of bounds for {failures.c_name(d)}")
    if real:
        digits = streams.DIGITS[d.name]
        for name, value in (("from", low), ("to - 1", last)):
            if abs(value) > 2**digits:
                warn(f"{name} is out of bounds [-(2^{digits}), 2^{digits}]. Due to precision "
                     f"limitations {failures.c_name(d)} can support discrete uniform distribution "
                     "only within this range. This warning will become an error in version 1.7 "
                     "release, please fix the code in advance")


# ---- with a tensor of parameters ----------------------------------------------------------------


@nary(tensors=("x", "y"), space="rules", halves="body",
      grad=lambda y: f"NormalBackward{3 if isinstance(y, Tensor) else 1}")
def normal_around(x, y, generator):
    """x + y·z, z standard normal. PyTorch lets no gradient through: z·g would be the one of y."""
    only_floats(x.dtype, "normal_kernel_cpu")
    if isinstance(y, np.ndarray):
        broadcast(x.shape, y.shape)
    return streams.normal_around(source(generator), x, y)
normal_around.vjp(x=lambda g: g * 0, y=lambda g: g.real * 0)


@creator
def normal(mean=0.0, std=1.0, size=None, *, generator=None, out=None, dtype=None, layout=None,
           device=None, requires_grad=False, pin_memory=False):
    """Normal numbers: `normal(mean, std)` with a tensor among them, or `normal(0.0, 1.0, (2, 3))`.

    Raises RuntimeError for a negative std, TypeError when no size can be told.
    Shapes: mean and std broadcast, or `size`.
    """
    if size is not None:
        def draw(source, shape, d):
            return normal_floats(source, shape, d, mean, std)
        shape = shape_of("normal", (size,))
        return sized(normal, draw, shape, generator, out, dtype, device, requires_grad)
    number = not isinstance(mean, Tensor)
    if number:
        if not isinstance(std, Tensor):
            raise TypeError(f"normal() received an invalid combination of arguments - got "
                            f"({type(mean).__name__}, {type(std).__name__}): give a tensor of "
                            "means or of standard deviations, or the size of the result.")
        only_floats(std._data.dtype, "normal_kernel_cpu")
        mean = wrap(np.array(mean, std._data.dtype))
    r = normal_around(mean, std, generator)
    if number:
        entitle(r, "NormalBackward2")
    return r if out is None else finish(r._data, False, out, normal.op)


@nary(inplace=False, out=True)
def bernoulli(x, p=None, generator=None):
    """1 with probability x (or the number p), else 0. Its gradient is 0.

    Raises RuntimeError for probabilities outside [0, 1].
    """
    if p is not None:
        return coins(source(generator), x.shape, x.dtype, p)
    only_floats(x.dtype, "bernoulli_tensor_cpu_p_")
    return coins(source(generator), x.shape, x.dtype, x)
bernoulli.vjp(x=lambda g: g * 0)


@bernoulli.public
def bernoulli_of(input, p=None, *, generator=None, out=None):
    """1 with probability `input` (or the number p), else 0. Its gradient is 0.

    Shapes: any; the result has that of the input. Raises RuntimeError for probabilities outside [0,
    1], NotImplementedError for whole numbers.
    """
    return bernoulli(input, p, generator, out=out)


def coins(generator, shape, d, p):
    """1 with probability `p`, a number or an array that broadcasts to `shape`."""
    if d.kind == "c":
        raise failures.not_implemented("bernoulli_scalar_cpu_", d)
    if isinstance(p, np.ndarray):
        only_real(p.dtype, "bernoulli_tensor_cpu_p_")
        if not ((p >= 0) & (p <= 1)).all():
            raise RuntimeError("Expected p_in >= 0 && p_in <= 1 to be true, but got false: "
                               "probabilities lie between 0 and 1.")
    elif not 0 <= p <= 1:
        raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p:g}")
    return streams.bernoulli(generator, shape, d, p)


@composite(inplace=False, out=False)
def multinomial(input, num_samples, replacement=False, *, generator=None, out=None):
    """Indices drawn in proportion to the weights in (each row of) `input`.

    Raises RuntimeError for negative, infinite or all-zero weights, and for more samples than
    weights without replacement.
    Shapes: (n) → (num_samples), (m, n) → (m, num_samples).
    """
    a = input._data
    if a.ndim not in (1, 2):
        raise RuntimeError("prob_dist must be 1 or 2 dim")
    if a.dtype not in FLOATS or a.dtype.kind == "c":
        raise RuntimeError("multinomial only supports floating-point dtypes for input, got: "
                           f"{said(a.dtype)}")
    if out is not None and out.dtype is not int64:
        raise RuntimeError(f"multinomial expects Long tensor out, got: {said(out.dtype)}")
    if a.shape[-1] > 2 ** 24:
        raise RuntimeError("number of categories cannot exceed 2^24")
    if num_samples <= 0:
        raise RuntimeError("cannot sample n_sample <= 0 samples")
    if not replacement and num_samples > a.shape[-1]:
        raise RuntimeError("cannot sample n_sample > prob_dist.size(-1) samples without "
                           f"replacement: {num_samples} samples of {a.shape[-1]} categories.")
    if a.size == 0:
        r = np.empty((*a.shape[:-1], num_samples), np.int64)
    else:
        r = streams.multinomial(source(generator), a, num_samples, replacement)
    return finish(r, False, out, multinomial.op)


@nary(method=False, inplace=False, out=False)
def poisson(x, generator=None):
    """Poisson counts of mean x. Its gradient is 0. Raises RuntimeError for negative rates."""
    only_real(x.dtype, "poisson_cpu")
    return rejection.poisson(source(generator), x)
poisson.vjp(x=lambda g: g * 0)


@poisson.public
def poisson_of(input, generator=None):
    """Poisson counts of mean `input`. Raises RuntimeError for negative rates.

    Shapes: any; the result has that of the input.
    """
    return poisson(input, generator)


@nary(tensors=("x", "y"), method=False, inplace=False, out=False)
def binomial(x, y, generator=None):
    """Successes among x trials that succeed with probability y. Its gradient is 0.

    Shapes: any two that broadcast. Raises RuntimeError for a negative count and a probability
    outside [0, 1].
    """
    for what, a in (("count", x), ("prob", y)):
        if a.dtype not in FLOATS:
            raise ValueError(f"binomial only supports floating-point dtypes for {what}, got: "
                             f"{said(a.dtype)}")
    if x.dtype is not y.dtype:
        raise RuntimeError(f"Found dtype {said(y.dtype)} but expected {said(x.dtype)}")
    only_real(x.dtype, "binomial_cpu")
    broadcast(x.shape, y.shape)
    return rejection.binomial(source(generator), x, y)
binomial.vjp(x=lambda g: g * 0, y=lambda g: g * 0)


@nary(name="_standard_gamma", grad="StandardGamma", method=False, inplace=False, out=False)
def standard_gamma(x, generator=None):
    """Gamma numbers of shape parameter x and scale 1."""
    check_float("gamma_cpu", x)
    return rejection.gamma(source(generator), x)
standard_gamma.vjp(x=lambda xp, g, x, out: g * xp._standard_gamma_grad(x, out))


@nary(name="_sample_dirichlet", grad="SampleDirichlet", method=False, inplace=False, out=False)
def sample_dirichlet(x, generator=None):
    """Shares of 1 along the last dimension, Dirichlet distributed with parameters x."""
    check_float("dirichlet", x)
    return rejection.dirichlet(source(generator), x)
def sample_dirichlet_x(xp, g, x, out):
    """More αᵢ moves share i by dxᵢ/dαᵢ and takes it from the others in proportion to them."""
    total = x.sum(axis=-1, keepdims=True)
    return xp._dirichlet_grad(out, x, total) * (g - (out * g).sum(axis=-1, keepdims=True))
sample_dirichlet.vjp(x=sample_dirichlet_x)
