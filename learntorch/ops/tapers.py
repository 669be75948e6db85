"""Window functions: numbers that fade a piece of a signal in and out before its spectrum is taken.

Each is a curve over the places k = 0 … M − 1. A symmetric window ends as it begins; a periodic one
(sym=False) is one number short of that, because the next period begins with it: that is what a
Fourier transform, which takes its input for one period, wants.
"""

import numpy as np

from learntorch.core.devices import check_cpu, strided
from learntorch.core.dtypes import float32, float64, get_default_dtype
from learntorch.core.op import composite
from learntorch.ops.create import finish

# Of a general cosine window: how much of 1, of cos, of cos 2·, …
HANN = (0.5, 0.5)
HAMMING = (0.54, 0.46)
BLACKMAN = (0.42, 0.5, 0.08)
NUTTALL = (0.3635819, 0.4891775, 0.1365995, 0.0106411)


# ---- curves ---------------------------------------------------------------------------------


def along(m, sym):
    """The way from 0 to 1 at m places; a periodic window is a step short of 1."""
    return np.arange(m) / (m - 1 if sym else m)


def centred(m, sym):
    """The m places counted from the middle of the window."""
    return np.arange(m) - (m - 1 if sym else m) / 2


def triangle(u):
    """From 0 to 1 in the middle, and down."""
    return 1 - abs(2 * u - 1)


def cosines(u, a):
    """Σᵢ (−1)ⁱ aᵢ cos 2πiu."""
    return sum((-1) ** i * c * np.cos(2 * np.pi * i * u) for i, c in enumerate(a))


def bessel(u, beta):
    """I₀(β √(1 − (2u − 1)²)) / I₀(β), I₀ the modified Bessel function of order 0."""
    return np.i0(beta * np.sqrt(np.maximum(1 - (2 * u - 1) ** 2, 0))) / np.i0(beta)


# ---- torch.signal.windows -------------------------------------------------------------------


def taper(function):
    """Decorator: `torch.signal.windows.<name>`."""
    return composite(function, name=f"signal.windows.{function.__name__}", space="signal.windows")


def check(name, m, dtype, layout):
    """The NumPy dtype of a window. Raises ValueError in PyTorch's words for what it cannot have."""
    dtype = get_default_dtype() if dtype is None else dtype
    if not hasattr(m, "__index__"):
        raise TypeError(f"{name}(): the window length must be int, not {type(m).__name__}")
    if m < 0:
        raise ValueError(f"{name} requires non-negative window length, got M={m}")
    if layout not in (None, strided):
        raise ValueError(f"{name} is implemented for strided tensors only, got: {layout}")
    if dtype not in (float32, float64):
        raise ValueError(f"{name} expects float32 or float64 dtypes, got: {dtype}")
    return dtype.numpy


def made(curve, m, numpy_dtype, device, requires_grad):
    """The numbers of a curve as a tensor; one number alone is 1."""
    check_cpu(device)
    values = curve() if m > 1 else np.ones(m)
    return finish(values.astype(numpy_dtype), requires_grad)


@taper
def bartlett(M, *, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """1 − |2k/(M − 1) − 1|: a triangle, 0 at both ends."""
    d = check("bartlett", M, dtype, layout)
    return made(lambda: triangle(along(M, sym)), M, d, device, requires_grad)


@taper
def cosine(M, *, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """sin(π (k + ½) / M): half a wave."""
    d = check("cosine", M, dtype, layout)
    return made(lambda: np.sin(np.pi * (np.arange(M) + 0.5) / (M if sym else M + 1)), M, d, device,
                requires_grad)


@taper
def exponential(M, *, center=None, tau=1.0, sym=True, dtype=None, layout=None, device=None,
                requires_grad=False):
    """e^(−|k − center| / τ): falls by a factor e in τ places.

    Raises ValueError for τ ≤ 0, and where a symmetric window is given a center.
    """
    d = check("exponential", M, dtype, layout)
    if tau <= 0:
        raise ValueError(f"Tau must be positive, got: {tau} instead.")
    if sym and center is not None:
        raise ValueError("Center must be None for symmetric windows: theirs is (M − 1)/2. "
                         "Set sym=False.")
    return made(lambda: np.exp(-abs(centred(M, sym) if center is None else np.arange(M) - center)
                               / tau), M, d, device, requires_grad)


@taper
def gaussian(M, *, std=1.0, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """e^(−n² / 2std²), n counted from the middle. Raises ValueError for std ≤ 0."""
    d = check("gaussian", M, dtype, layout)
    if std <= 0:
        raise ValueError(f"Standard deviation must be positive, got: {std} instead.")
    return made(lambda: np.exp(-(centred(M, sym) / std) ** 2 / 2), M, d, device, requires_grad)


@taper
def kaiser(M, *, beta=12.0, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """I₀(β √(1 − (2k/(M − 1) − 1)²)) / I₀(β): β trades sharpness for leakage; 0 is no window."""
    d = check("kaiser", M, dtype, layout)
    if beta < 0:
        raise ValueError(f"beta must be non-negative, got: {beta} instead.")
    return made(lambda: bessel(along(M, sym), beta), M, d, device, requires_grad)


@taper
def general_cosine(M, *, a, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """Σᵢ (−1)ⁱ aᵢ cos(2πik / (M − 1)): a sum of cosines."""
    d = check("general_cosine", M, dtype, layout)
    if not isinstance(a, (list, tuple)):
        raise TypeError("Coefficients must be a list/tuple")
    if not a:
        raise ValueError("Coefficients cannot be empty")
    return made(lambda: cosines(along(M, sym), a), M, d, device, requires_grad)


@taper
def general_hamming(M, *, alpha=0.54, sym=True, dtype=None, layout=None, device=None,
                    requires_grad=False):
    """α − (1 − α) cos(2πk / (M − 1))."""
    return general_cosine(M, a=[alpha, 1 - alpha], sym=sym, dtype=dtype, layout=layout,
                          device=device, requires_grad=requires_grad)


@taper
def hamming(M, *, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """0.54 − 0.46 cos(2πk / (M − 1)): the nearest side lobe is cancelled; 0.08 at the ends."""
    return general_cosine(M, a=HAMMING, sym=sym, dtype=dtype, layout=layout, device=device,
                          requires_grad=requires_grad)


@taper
def hann(M, *, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """½ (1 − cos(2πk / (M − 1))): 0 at both ends, and level there."""
    return general_cosine(M, a=HANN, sym=sym, dtype=dtype, layout=layout, device=device,
                          requires_grad=requires_grad)


@taper
def blackman(M, *, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """0.42 − 0.5 cos(2πk / (M − 1)) + 0.08 cos(4πk / (M − 1)): little leakage, a wide peak."""
    d = check("blackman", M, dtype, layout)
    return made(lambda: cosines(along(M, sym), BLACKMAN), M, d, device, requires_grad)


@taper
def nuttall(M, *, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """Four cosines: 0.3635819, 0.4891775, 0.1365995, 0.0106411 (Nuttall 1981)."""
    return general_cosine(M, a=NUTTALL, sym=sym, dtype=dtype, layout=layout, device=device,
                          requires_grad=requires_grad)


# ---- the older torch.*_window ---------------------------------------------------------------


def older(name, curve, n, periodic, dtype, layout, device, requires_grad):
    """A window as torch.hann_window makes it: periodic unless asked otherwise, of any float type.

    Raises RuntimeError where torch.signal.windows raises ValueError.
    """
    dtype = get_default_dtype() if dtype is None else dtype
    if not hasattr(n, "__index__"):
        raise TypeError(f"{name}(): argument 'window_length' (position 1) must be int, not "
                        f"{type(n).__name__}")
    if layout not in (None, strided):
        raise RuntimeError(f"{name} is not implemented for sparse types, got: {layout}")
    if not (dtype.is_floating_point or dtype.is_complex):
        raise RuntimeError(f"{name} expects floating point dtypes, got: {dtype}")
    if n < 0:
        raise RuntimeError(f"{name} requires non-negative window_length, got window_length={n}")
    return made(lambda: curve(along(n, not periodic)), n, dtype.numpy, device, requires_grad)


@composite(method=False)
def bartlett_window(window_length, periodic=True, *, dtype=None, layout=None, device=None,
                    requires_grad=False):
    """1 − |2k/N − 1|, N = window_length (− 1 unless periodic): a triangle.

    Shapes: (window_length). Raises RuntimeError for a negative length and for a dtype without
    fractions, TypeError for a length that is no int.
    """
    return older("bartlett_window", triangle, window_length, periodic, dtype, layout, device,
                 requires_grad)


@composite(method=False)
def hann_window(window_length, periodic=True, *, dtype=None, layout=None, device=None,
                requires_grad=False):
    """½ (1 − cos(2πk/N)), N = window_length (− 1 unless periodic).

    Shapes: (window_length). Raises RuntimeError for a negative length and for a dtype without
    fractions, TypeError for a length that is no int.
    """
    return older("hann_window", lambda u: cosines(u, HANN), window_length, periodic, dtype, layout,
                 device, requires_grad)


@composite(method=False)
def hamming_window(window_length, periodic=True, alpha=0.54, beta=0.46, *, dtype=None, layout=None,
                   device=None, pin_memory=False, requires_grad=False):
    """α − β cos(2πk/N), N = window_length (− 1 unless periodic).

    Shapes: (window_length). Raises RuntimeError for a negative length and for a dtype without
    fractions, TypeError for a length that is no int.
    """
    return older("hamming_window", lambda u: cosines(u, (alpha, beta)), window_length, periodic,
                 dtype, layout, device, requires_grad)


@composite(method=False)
def blackman_window(window_length, periodic=True, *, dtype=None, layout=None, device=None,
                    requires_grad=False):
    """0.42 − 0.5 cos(2πk/N) + 0.08 cos(4πk/N), N = window_length (− 1 unless periodic).

    Shapes: (window_length). Raises RuntimeError for a negative length and for a dtype without
    fractions, TypeError for a length that is no int.
    """
    return older("blackman_window", lambda u: cosines(u, BLACKMAN), window_length, periodic, dtype,
                 layout, device, requires_grad)


@composite(method=False)
def kaiser_window(window_length, periodic=True, beta=12.0, *, dtype=None, layout=None, device=None,
                  requires_grad=False):
    """I₀(β √(1 − (2k/N − 1)²)) / I₀(β), N = window_length (− 1 unless periodic).

    Shapes: (window_length). Raises RuntimeError for a negative length and for a dtype without
    fractions, TypeError for a length that is no int.
    """
    return older("kaiser_window", lambda u: bessel(u, beta), window_length, periodic, dtype,
                 layout, device, requires_grad)
