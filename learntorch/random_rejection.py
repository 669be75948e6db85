"""Samplers that try until they accept: Poisson, binomial, gamma, Dirichlet.

How many words a value takes depends on the words, so these go value by value, each reading on
where the one before stopped. That is also why they are slower than `random_streams`. Results equal
PyTorch's on a CPU bit by bit, except where a docstring says otherwise.
"""

import math

import numpy as np

from learntorch.random_streams import pair, rounded

FLOAT32 = np.dtype(np.float32)
FLOAT64 = np.dtype(np.float64)
THIRD = float(np.float32(1.0) / np.float32(3.0))
SQUEEZE = float(np.float32(0.0331))


# ---- Poisson ------------------------------------------------------------------------------------

def poisson(generator, rates):
    """Counts with mean `rates` (≥ 0): an array of the same shape and dtype.

    Below 10: how many u53 can be multiplied before the product falls to e^−rate (Knuth). From 10
    on: transformed rejection (Hörmann 1993, algorithm PTRS).
    Raises RuntimeError for a negative rate.
    """
    if rates.size and not (rates >= 0).all():
        raise RuntimeError("invalid Poisson rate, expected rate to be non-negative")
    with generator.one_by_one() as following:
        counts = [poisson_large(rate, following) if rate >= 10.0
                  else poisson_small(rate, following) if rate else 0
                  for rate in rates.ravel().tolist()]
    return rounded(np.array(counts, FLOAT64), rates.dtype).reshape(rates.shape)


def poisson_small(rate, following):
    limit = math.exp(-rate)
    count = 0
    product = following()
    while product > limit:
        count += 1
        product *= following()
    return count


def poisson_large(rate, following):
    b = 0.931 + 2.53 * math.sqrt(rate)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    log_rate = math.log(rate)
    while True:
        u = following() - 0.5
        v = following()
        us = 0.5 - abs(u)
        k = math.floor((2 * a / us + b) * u + rate + 0.43) if us else -1
        if us >= 0.07 and v <= 0.9277 - 3.6224 / (b - 2):
            return k
        if k < 0 or (us < 0.013 and v > us):
            continue
        if (math.log(v) + math.log(inverse_alpha) - math.log(a / (us * us) + b)
                <= -rate + k * log_rate - math.lgamma(k + 1.0)):
            return k


# ---- binomial -----------------------------------------------------------------------------------

def binomial(generator, count, prob):
    """Successes among `count` trials of probability `prob`, two arrays that broadcast, one dtype.

    With q = min(p, 1 − p): from count·q = 10 on transformed rejection (Hörmann 1993, algorithm
    BTRS), below by summing geometric waiting times until they exceed `count`. Where p > q the
    result is count minus that number.
    """
    count, prob = np.broadcast_arrays(count, prob)
    dtype = count.dtype
    flips = prob > 0.5
    q = np.where(flips, rounded(1.0 - prob.astype(FLOAT64), dtype), prob)
    settled = (count <= 0) | (prob <= 0) | (prob >= 1)
    large = count * q >= 10.0
    log_miss = rounded(np.log1p(-q.astype(FLOAT64), where=~settled, out=np.zeros(q.shape)), dtype)
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = np.sqrt(count * q * (1 - q))
        odds = q / (1 - q)
    columns = [array.ravel().tolist() for array in (
        settled, large, count, q, log_miss, spread, count * q, odds, np.floor((count + 1) * q))]
    with generator.one_by_one() as following:
        hits = [0.0 if done
                else binomial_large(n, p, *rest, following) if many
                else binomial_small(n, miss, following)
                for done, many, n, p, miss, *rest in zip(*columns, strict=True)]
    hits = np.array(hits, FLOAT64).reshape(count.shape)
    hits = np.where(flips, count - hits, hits)
    hits[settled] = np.where((count > 0) & (prob >= 1), count, 0)[settled]
    return rounded(hits, dtype)


def binomial_small(count, log_miss, following):
    hits = 0
    trials = math.ceil(math.log(following()) / log_miss)
    while trials <= count:
        hits += 1
        trials += math.ceil(math.log(following()) / log_miss)
    return hits


def binomial_large(count, p, spread, mean, odds, mode, following):
    b = 1.15 + 2.53 * spread
    a = -0.0873 + 0.0248 * b + 0.01 * p
    alpha = (2.83 + 5.1 / b) * spread
    while True:
        u = following() - 0.5
        v = following()
        us = 0.5 - abs(u)
        k = math.floor((2 * a / us + b) * u + (mean + 0.5)) if us else -1
        if not 0 <= k <= count:
            continue
        if us >= 0.07 and v <= 0.92 - 4.2 / b:
            return k
        bound = ((mode + 0.5) * math.log((mode + 1) / (odds * (count - mode + 1)))
                 + (count + 1) * math.log((count - mode + 1) / (count - k + 1))
                 + (k + 0.5) * math.log(odds * (count - k + 1) / (k + 1))
                 + stirling_tail(mode) + stirling_tail(count - mode)
                 - stirling_tail(k) - stirling_tail(count - k))
        if math.log(v * alpha / (a / (us * us) + b)) <= bound:
            return k


def stirling_tail(k):
    """log k! − (log √2π + (k + ½) log(k + 1) − (k + 1)); from 10 on its first three terms."""
    if k < 10:
        return _TAILS[int(k)]
    square = (k + 1) * (k + 1)
    return (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (k + 1)


_TAILS = (0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.02079067210376509,
          0.0166446911898211, 0.0138761288230707, 0.0118967099458917, 0.0104112652619720,
          0.00925546218271273, 0.00833056343336287)


# ---- gamma --------------------------------------------------------------------------------------

def gamma(generator, shapes):
    """Gamma numbers of shape parameter `shapes` and scale 1: an array of the same dtype.

    d·(1 + c·z)³, d = α − ⅓, c = 1/√(9d), z standard normal, accepted by Marsaglia and Tsang's test
    (2000); for α < 1 that of α + 1 times (1 − u53)^(1/α). Never below the smallest normal number.
    """
    dtype = shapes.dtype
    small = shapes < 1
    raised = np.where(small, shapes + np.ones((), dtype), shapes)
    d = rounded(raised.astype(FLOAT64) - THIRD, dtype)
    with np.errstate(divide="ignore"):
        power = np.where(small, np.ones((), dtype) / shapes, 0)
    columns = [array.ravel().tolist() for array in (shapes, power, d)]
    with generator.one_by_one() as following:
        draws = [gamma_one(generator, *row, following) for row in zip(*columns, strict=True)]
    draws = rounded(np.array(draws, FLOAT64), dtype).reshape(shapes.shape)
    return np.maximum(draws, tiny(dtype))


def gamma_one(generator, alpha, power, d, following):
    if alpha == 0.0:
        return 0.0
    scale = (1.0 - following()) ** power if power else 1.0
    c = 1.0 / math.sqrt(9.0 * d)
    while True:
        z = normal_one(generator, following)
        root = 1.0 + c * z
        if root <= 0.0:
            continue
        v = root * root * root
        u = 1.0 - following()
        square = z * z
        if u < 1.0 - SQUEEZE * square * square:
            return scale * d * v
        if math.log(u) < 0.5 * square + d * (1.0 - v + math.log(v)):
            return scale * d * v


def normal_one(generator, following):
    """The next standard normal number, the spare one first."""
    if generator.spare is not None:
        z, generator.spare = generator.spare, None
        return z
    z, generator.spare = pair(following(), following())
    return z


def dirichlet(generator, alpha):
    """Gamma numbers of shape `alpha` over their sum along the last dimension: shares of 1.

    The gamma numbers are float64; results lie between the smallest normal number and the largest
    below 1. float64 results may be off by 1 ulp, because PyTorch adds up in another order.
    """
    draws = gamma(generator, alpha.astype(FLOAT64))
    shares = rounded(draws / draws.sum(axis=-1, keepdims=True), alpha.dtype)
    one = np.ones((), alpha.dtype)
    return np.clip(shares, tiny(alpha.dtype), np.nextafter(one, np.zeros((), alpha.dtype)))


def tiny(dtype):
    """The smallest normal number of a floating-point type."""
    return np.finfo(dtype).tiny
