"""What PyTorch makes of the generator's words: one sampler for each distribution.

Every sampler takes the generator and a shape (or an array of parameters) and a dtype (NumPy's, or
its name) and returns a new array, equal bit by bit to PyTorch's on a CPU, unless its docstring
says otherwise. u24 is a float32 of 24 random bits, u53 a float64 of 53 (`Generator.uniform24`,
`uniform53`). Values are drawn in the order of the result's memory.

PyTorch computes nearly all of this one number at a time with the C library in float64. NumPy's own
vector functions may round the last bit differently, so where the result keeps all 53 bits the
C library's functions are used here as well; a narrower result rounds the difference away.
"""

import math

import numpy as np

FLOAT32 = np.dtype(np.float32)
FLOAT64 = np.dtype(np.float64)
HALVES = "eE"                       # the codes of float16 and ml_dtypes' bfloat16
CHUNK = 8192                        # values at a time: temporaries stay in the processor's cache
WIDE = 2**28                        # from this range on, integers are made of 64 bits
LONG_PERMUTATION = (2**32 - 1) // 20

# The consecutive integers a floating-point type holds: 0 … 2^digits.
DIGITS = {"float64": 53, "float32": 24, "float16": 11, "bfloat16": 8}


# ---- shared steps ---------------------------------------------------------------------------

def in_chunks(n, dtype, sample):
    """n values as one array, `sample(k)` making k at a time."""
    if n <= CHUNK:
        return rounded(sample(n), dtype)
    values = np.empty(n, dtype)
    for start in range(0, n, CHUNK):
        values[start:start + CHUNK] = rounded(sample(min(CHUNK, n - start)), dtype)
    return values


def rounded(values, dtype):
    """`values` in `dtype`; a half type is reached through float32, as a C++ cast does it."""
    if dtype.char not in HALVES:
        return values.astype(dtype, copy=False)
    with np.errstate(over="ignore"):
        return values.astype(FLOAT32, copy=False).astype(dtype, copy=False)


def elementwise(name, dtype):
    """The function `name` over an array: the C library's if a float64 result keeps its last bit."""
    if dtype != FLOAT64:
        return getattr(np, name)
    function = getattr(math, name)
    return lambda x: np.fromiter(map(function, x.tolist()), FLOAT64, x.size)


def fma32(a, b, c):
    """a·b + c of float32 numbers, rounded once: in float64 their product is exact. `b`: as float64.
    """
    return (a * b + c).astype(FLOAT32)


def fma64(a, b, c):
    """a·b + c of float64 numbers, rounded once: the rounding errors of the product (Dekker 1971)
    and of the sum (Knuth, TAOCP 4.2.2) are computed and added at the end.
    """
    product = a * b
    a_high, b_high = upper_half(a), upper_half(b)
    a_low, b_low = a - a_high, b - b_high
    lost = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    total = product + c
    part = total - product
    return total + (((product - (total - part)) + (c - part)) + lost)


def upper_half(a):
    """The leading 26 bits of float64 numbers."""
    scaled = a * 134217729.0                    # 2²⁷ + 1
    return scaled - (scaled - a)


def affine(values, scale, shift):
    """values·scale + shift with one rounding: processors have an instruction for it."""
    if shift == 0:
        return values * scale
    if values.dtype == FLOAT32:
        return fma32(values, np.float64(scale), np.float64(shift))
    return fma64(values, float(scale), float(shift))


def in_memory_order(a, memory=None):
    """`a` with its dimensions sorted so that reading it row by row walks through memory: its own,
    or that of another array of its shape.
    """
    memory = a if memory is None else memory
    if memory.flags.c_contiguous:
        return a
    return a.transpose(sorted(range(a.ndim), key=lambda i: -memory.strides[i]))


# ---- uniform ----------------------------------------------------------------------------------

def uniform(generator, shape, dtype, low=0.0, high=1.0):
    """u·(high − low) + low, u = u24 (float32 and halves) or u53; half types round a float32.

    A value that rounding lifted to `high` becomes `low`. Complex: real and imaginary part in turn.
    """
    dtype = np.dtype(dtype)
    if dtype.kind == "c":
        return as_complex(uniform, generator, shape, dtype, low, high)
    number, draw = ((np.float64, generator.uniform53) if dtype == FLOAT64 else
                    (np.float32, generator.uniform24))
    if low == 0.0 and high == 1.0 and dtype.char not in HALVES:
        return in_chunks(math.prod(shape), dtype, draw).reshape(shape)
    low, high = number(low), number(high)
    end = high.astype(dtype)

    def sample(n):
        values = affine(draw(n), high - low, low).astype(dtype, copy=False)
        values[values == end] = low
        return values
    return in_chunks(math.prod(shape), dtype, sample).reshape(shape)


def as_complex(sampler, generator, shape, dtype, *parameters):
    """Complex numbers from twice as many real ones."""
    real = FLOAT32 if dtype.itemsize == 8 else FLOAT64
    return sampler(generator, (*shape, 2), real, *parameters).view(dtype)[..., 0]


# ---- normal -----------------------------------------------------------------------------------

def normal(generator, shape, dtype, mean=0.0, std=1.0, contiguous=True):
    """z·std + mean, z standard normal by the method of Box and Muller (1958).

    Fewer than 16 values, and memory with gaps or in another order (`contiguous=False`): pairs of
    u53, z = √(−2 log1p(−u₂)) · (cos 2πu₁, then sin 2πu₁), float64 throughout; a sine left over is
    the generator's `spare`. Otherwise blocks of 16: see `blocks`.
    Complex: both parts with std/√2.
    """
    dtype = np.dtype(dtype)
    if dtype.kind == "c":
        return as_complex(normal, generator, shape, dtype, mean, std / math.sqrt(2.0), contiguous)
    n = math.prod(shape)
    if n < 16:
        values = np.array(few(generator, n), FLOAT64)
    elif contiguous:
        return blocks(generator, n, dtype, mean, std).reshape(shape)
    else:
        values = many(generator, n, dtype)
    if std != 1.0 or mean != 0.0:
        values = affine(values, float(std), float(mean))
    return rounded(values, dtype).reshape(shape)


def few(generator, n):
    """n standard normal numbers in pairs, as Python floats."""
    values = []
    if n and generator.spare is not None:
        values.append(generator.spare)
        generator.spare = None
    while len(values) < n:
        values += pair(generator.one53(), generator.one53())
    if len(values) > n:
        generator.spare = values.pop()
    return values


def pair(u1, u2):
    """√(−2 log1p(−u₂)) · (cos 2πu₁, sin 2πu₁): two independent standard normal numbers."""
    radius = math.sqrt(-2.0 * math.log1p(-u2))
    angle = 2.0 * math.pi * u1
    return radius * math.cos(angle), radius * math.sin(angle)


def many(generator, n, dtype):
    """The same numbers as `few` gives, as a float64 array; for a `dtype` they are rounded to."""
    head = few(generator, 1) if generator.spare is not None else []
    pairs = (n - len(head) + 1) // 2
    u = generator.uniform53(2 * pairs)
    radius = np.sqrt(-2.0 * elementwise("log1p", dtype)(-u[1::2]))
    angle = 2.0 * math.pi * u[0::2]
    values = np.empty(len(head) + 2 * pairs)
    values[:len(head)] = head
    np.multiply(radius, elementwise("cos", dtype)(angle), out=values[len(head)::2])
    np.multiply(radius, elementwise("sin", dtype)(angle), out=values[len(head) + 1::2])
    if values.size > n:
        generator.spare = pair(*u[-2:].tolist())[1]
    return values[:n]


def blocks(generator, n, dtype, mean, std):
    """n ≥ 16 normal numbers. Each 16 uniform numbers d (u24, or u53 for float64) become
    √(−2 log(1 − d[:8])) · cos(2π d[8:]), followed by the same with sin.

    When 16 does not divide n, the last 16 values are made of 16 fresh numbers. The float32 form
    follows PyTorch's code for processors with AVX2 (any x86 since 2013): polynomials for log, cos
    and sin, all but one in 10⁷ values equal in every bit, the others within 1 ulp.
    """
    if dtype == FLOAT64:
        draw, transform = generator.uniform53, block64
    else:
        draw, transform = generator.uniform24, block32
        mean, std = np.float32(mean), np.float32(std)
    whole = n - n % 16
    values = np.empty(n, dtype)
    for start in range(0, whole, CHUNK):
        stop = min(start + CHUNK, whole)
        values[start:stop] = rounded(transform(draw(stop - start), mean, std), dtype)
    if whole < n:
        if dtype.char not in HALVES:
            draw(n - whole)                     # PyTorch fills everything first
        values[-16:] = rounded(transform(draw(16), mean, std), dtype)
    return values


def block64(d, mean, std):
    """`blocks` of float64: the C library's log, cos and sin."""
    d = d.reshape(-1, 2, 8)
    radius = np.sqrt(-2.0 * elementwise("log", FLOAT64)((1.0 - d[:, 0]).ravel()))
    angle = (2.0 * math.pi * d[:, 1]).ravel()
    z = np.empty_like(d)
    z[:, 0] = (radius * elementwise("cos", FLOAT64)(angle)).reshape(-1, 8)
    z[:, 1] = (radius * elementwise("sin", FLOAT64)(angle)).reshape(-1, 8)
    return affine(z, std, mean).ravel() + 0.0


def block32(d, mean, std):
    """`blocks` of float32."""
    d = d.reshape(-1, 2, 8)
    one = np.float32(1.0)
    radius = np.sqrt(np.float32(-2.0) * log32((one - d[:, 0]).ravel()))
    angle = (np.float32(2.0 * math.pi) * d[:, 1]).ravel()
    z = (cos_sin32(angle) * radius).reshape(2, -1, 8).swapaxes(0, 1)
    if std == 1 and mean == 0:
        return (z + np.float32(0.0)).ravel()
    return fma32(z, np.float64(std), np.float64(mean)).ravel()


# log, cos and sin of float32 as in S. L. Moshier's Cephes library (logf.c, sinf.c), every product
# that is added to something fused with that addition.
_SQRT_HALF = np.float32(math.sqrt(0.5))
_LOG = np.array([7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1,
                 1.4249322787e-1, -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1,
                 3.3333331174e-1], FLOAT32).astype(FLOAT64)
_LN2_LOW, _LN2_HIGH = np.array([-2.12194440e-4, 0.693359375], FLOAT32).astype(FLOAT64)
_MINUS_HALF = np.float64(-0.5)
_FOUR_OVER_PI = np.float32(4.0 / math.pi)
_QUARTER_PI = np.array([0.78515625, 2.4187564849853515625e-4, 3.77489497744594108e-8],
                       FLOAT32).astype(FLOAT64)
_COS_SIN = np.array([[2.443315711809948e-5, -1.9515295891e-4],
                     [-1.388731625493765e-3, 8.3321608736e-3],
                     [4.166664568298827e-2, -1.6666654611e-1]],
                    FLOAT32).astype(FLOAT64)[:, :, None]


def log32(x):
    """log x = e·ln 2 + m − m²/2 + m³·P(m), x = 2^e·(1 + m) with 1 + m in [√½, √2)."""
    m, e = np.frexp(x)
    low = m < _SQRT_HALF
    e = e - low
    m = m - np.float32(1.0) + m * low
    exact = m.astype(FLOAT64)
    p = fma32(exact, _LOG[0], _LOG[1])
    for c in _LOG[2:]:
        p = fma32(p, exact, c)
    square = (m * m).astype(FLOAT64)
    p = fma32(p * m, square, (e * _LN2_LOW).astype(FLOAT32))
    p = fma32(square, _MINUS_HALF, p)
    return fma32(e, _LN2_HIGH, m + p)


def cos_sin32(x):
    """cos x and sin x of x ≥ 0, stacked: x reduced by octants j to |r| ≤ π/4, two polynomials."""
    j = (x * _FOUR_OVER_PI).astype(np.int32) + 1 & -2
    octants = j.astype(FLOAT64)
    r = x
    for part in _QUARTER_PI:
        r = (r - octants * part).astype(FLOAT32)
    square = r * r
    exact = square.astype(FLOAT64)
    p = _COS_SIN[0]
    for c in _COS_SIN[1:]:
        p = fma32(p, exact, c)
    cos, sin = p * square
    cos = fma32(cos, exact, -(square * np.float32(0.5))) + np.float32(1.0)
    sin = fma32(sin, r.astype(FLOAT64), r)
    turned = j & 2 != 0
    both = np.array([np.where(turned, sin, cos), np.where(turned, cos, sin)])
    signs = both.view(np.int32)
    signs ^= np.array([j + 2 & 4, j & 4]) << 29             # bit 31 is the sign
    return both


def log_normal(generator, shape, dtype, mean=1.0, std=2.0):
    """exp(z·std + mean), z one by one as in `normal`, float64 throughout."""
    dtype = np.dtype(dtype)
    n = math.prod(shape)
    values = np.array(few(generator, n)) if n < 16 else many(generator, n, dtype)
    values = affine(values, float(std), float(mean))
    finite = np.minimum(values, 709.0)          # math.exp raises where C's exp gives infinity
    with np.errstate(over="ignore"):
        result = np.where(values > finite, np.exp(values), elementwise("exp", dtype)(finite))
        return rounded(result, dtype).reshape(shape)


def normal_around(generator, mean, std):
    """Normal numbers with arrays for mean, std or both: z·std + mean, each step rounded.

    The dtype is that of `mean` where it is an array, else of `std`. Raises RuntimeError for a
    negative std, or a complex one.
    """
    if not isinstance(std, np.ndarray):
        if std < 0.0:
            raise RuntimeError(f"normal expects std >= 0.0, but found std {std:g}")
        return normal(generator, mean.shape, mean.dtype, 0.0, std) + mean
    if std.dtype.kind == "c":
        raise RuntimeError("normal expects standard deviation to be non-complex")
    if std.size and not std.min() >= 0:
        raise RuntimeError("normal expects all elements of std >= 0.0")
    mean = np.asarray(mean, getattr(mean, "dtype", std.dtype))
    z = normal(generator, np.broadcast_shapes(mean.shape, std.shape), mean.dtype)
    z *= std
    z += mean
    return z


# ---- integers ---------------------------------------------------------------------------------

def integers(generator, shape, dtype, low, high):
    """word mod (high − low) + low, one word (64 bits from a range of 2²⁸ on) a value."""
    return wrapped(generator, shape, dtype, (high - low) % 2**64, low)


def wrapped(generator, shape, dtype, span, low):
    dtype = np.dtype(dtype)
    draw = generator.raw if 0 < span < WIDE else generator.words64
    base = np.uint64(low % 2**64)
    modulus = np.uint64(span)

    def sample(n):
        words = draw(n)
        if span:
            words %= modulus
        if low:
            words += base
        words = words.view(np.int64)
        return words != 0 if dtype == np.bool_ else words
    return in_chunks(math.prod(shape), dtype, sample).reshape(shape)


def integers_from(generator, shape, dtype, low):
    """Integers from `low` up to the largest of the dtype (2^digits for a floating-point one)."""
    dtype = np.dtype(dtype)
    if low == -2**63:
        return wrapped(generator, shape, dtype, 0, 0)
    top = largest(dtype)
    return wrapped(generator, shape, dtype, (top - low + 1) % 2**64, low)


def all_integers(generator, shape, dtype):
    """`tensor.random_()`: 0 … the dtype's largest; floating-point types: 0 … 2^digits.

    int64 and float64 take 64-bit words, all others single words; bool takes the lowest bit.
    """
    dtype = np.dtype(dtype)
    span = np.uint64(largest(dtype) + 1)
    draw = generator.words64 if dtype.char in "qld" else generator.raw

    def sample(n):
        return (draw(n) % span).view(np.int64)
    return in_chunks(math.prod(shape), dtype, sample).reshape(shape)


def largest(dtype):
    """The largest number of an integer type; of a floating-point type 2^digits."""
    if dtype == np.bool_:
        return 1
    if dtype.name in DIGITS:
        return 2**DIGITS[dtype.name]
    return int(np.iinfo(dtype).max)


def permutation(generator, n, dtype=np.int64):
    """0 … n − 1 shuffled: for i from 0, swap places i and i + word mod (n − i).

    From n = (2³² − 1)/20 on: for i from 0, place i takes what lies at z = word64 mod (i + 1), and
    place z takes i.
    """
    if n >= LONG_PERMUTATION:
        return long_permutation(generator, n, dtype)
    steps = np.arange(max(n - 1, 0))
    targets = generator.raw(steps.size) % (n - steps).astype(np.uint64)
    values = list(range(n))
    for i, j in enumerate((targets.view(np.int64) + steps).tolist()):
        values[i], values[j] = values[j], values[i]
    return rounded(np.array(values, np.int64), np.dtype(dtype))


def long_permutation(generator, n, dtype):
    values = np.arange(n, dtype=dtype)
    for start in range(0, n, CHUNK):
        places = np.arange(start, min(start + CHUNK, n), dtype=np.uint64)
        targets = generator.words64(places.size) % (places + np.uint64(1))
        for i, j in enumerate(targets.tolist(), start):
            values[i] = values[j]
            values[j] = i
    return values


# ---- other distributions ------------------------------------------------------------------------

def bernoulli(generator, shape, dtype, p):
    """1 where u < p, else 0: u53 for a number p; for an array p u53 if it is float64, else u24."""
    dtype = np.dtype(dtype)
    if isinstance(p, np.ndarray) and p.dtype != FLOAT64:
        u = generator.uniform24(math.prod(shape)).reshape(shape)
        return (u < p.astype(FLOAT32)).astype(dtype)
    if isinstance(p, np.ndarray):
        return (generator.uniform53(math.prod(shape)).reshape(shape) < p).astype(dtype)
    return in_chunks(math.prod(shape), dtype, lambda n: generator.uniform53(n) < p).reshape(shape)


def bernoulli_like(generator, a, p, dtype=None):
    """`bernoulli` in the shape, dtype and layout of an array: the noise of dropout."""
    noise = np.empty_like(a, dtype=dtype)
    memory = in_memory_order(noise)
    memory[...] = bernoulli(generator, memory.shape, noise.dtype, p)
    return noise


def exponential(generator, shape, dtype, rate=1.0):
    """−1/rate · log1p(−u53)."""
    dtype = np.dtype(dtype)
    log1p = elementwise("log1p", dtype)
    scale = -1.0 / rate

    def sample(n):
        return scale * log1p(-generator.uniform53(n))
    return in_chunks(math.prod(shape), dtype, sample).reshape(shape)


def geometric(generator, shape, dtype, p):
    """⌈log u53 / log1p(−p)⌉: how many trials until the first success."""
    scale = math.log1p(-p)

    def sample(n):
        return np.ceil(np.log(generator.uniform53(n)) / scale)
    with np.errstate(invalid="ignore"):         # counts that an integer type cannot hold
        return in_chunks(math.prod(shape), np.dtype(dtype), sample).reshape(shape)


def cauchy(generator, shape, dtype, median=0.0, sigma=1.0):
    """median + sigma · tan(π(u53 − ½))."""
    dtype = np.dtype(dtype)
    tan = elementwise("tan", dtype)

    def sample(n):
        return affine(tan(math.pi * (generator.uniform53(n) - 0.5)), float(sigma), float(median))
    return in_chunks(math.prod(shape), dtype, sample).reshape(shape)


def multinomial(generator, weights, num_samples, replacement=False):
    """Indices drawn in proportion to the rows of `weights` (1-d or 2-d): int64.

    Without replacement, or one sample: the places of the largest weight / exponential(1), a race
    that each category wins with its probability. Equal speeds, which only half types and weights
    of zero have, may come in another order than PyTorch's. With replacement, for each sample: the
    first category whose cumulative share of the row is not below u53.
    Raises RuntimeError for weights that are negative, not finite, or all zero.
    """
    if not replacement or num_samples == 1:
        return race(generator, weights, num_samples)
    rows = np.atleast_2d(weights)
    u = generator.uniform53(len(rows) * num_samples).reshape(len(rows), num_samples)
    drawn = np.empty(u.shape, np.int64)
    for row, shares, indices in zip(rows, u, drawn, strict=True):
        indices[:] = cumulative_shares(row).searchsorted(shares)
    return drawn.reshape(*weights.shape[:-1], num_samples)


def cumulative_shares(row):
    """Running sums of the weights over their total, as float64; the last is 1."""
    if not (row >= 0).all():
        raise RuntimeError("invalid multinomial distribution (encountering probability entry < 0)")
    if not np.isfinite(row).all():
        raise RuntimeError("invalid multinomial distribution (encountering probability entry = "
                           "infinity or NaN)")
    sums = np.add.accumulate(row, dtype=FLOAT32 if row.dtype.char in HALVES else row.dtype)
    if not sums[-1] > 0:
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
    shares = (sums / sums[-1]).astype(FLOAT64)
    shares[-1] = 1.0
    return shares


def race(generator, weights, num_samples):
    """`multinomial` without replacement."""
    if not (weights.max() < np.inf and weights.min() >= 0):
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
    if (weights.sum(axis=-1) == 0).any():
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
    speed = weights / exponential(generator, weights.shape, weights.dtype)
    if num_samples == 1:
        return speed.argmax(axis=-1, keepdims=True)
    return np.argsort(-speed, axis=-1, kind="stable")[..., :num_samples]
