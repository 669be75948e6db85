"""When a case of random-number parity passes (without PyTorch: the ratchet is tested alone, too).

A record's grades count its sub-cases: different, the same stream (relative difference below 1e-5),
within one unit in the last place, bit-exact.
"""

# The cases where a function that follows the draw is MKL's, and which. What was tried: see README.
CLOSED = {
    "nn.init.orthogonal_": "LAPACK's geqrf and orgqr on normal numbers that are bit-equal",
    "distributions.Gumbel": "a logarithm of a logarithm of uniform numbers that are bit-equal",
    "gumbel_softmax": "softmax of the logarithms of exponential numbers that are bit-equal",
}


def enough(name):
    """The lowest grade with which a sub-case of this case passes."""
    return 1 if name in CLOSED else 2


def passes(name, rec):
    """Did all sub-cases of a case pass?"""
    return "n" in rec and sum(rec["grades"][enough(name):]) == rec["n"]
