"""Fourier transforms. Three ops do the work, each linear, so each rule is the transposed transform:

    fft_c2c   all frequencies                   e^(∓2πi jk/n) is symmetric in j and k: its own rule
    fft_r2c   of real numbers, the half of the frequencies that says everything: Xₙ₋ₖ = conj(Xₖ)
    fft_c2r   back: each frequency but 0 and n/2 counts for two, itself and its mirror image

`inverse` turns the sign of the exponent from − to +; `norm` says where 1/n stands: "backward" with
the inverse transform, "forward" with the forward one, "ortho" 1/√n with both.
"""

from learntorch.core.dtypes import FLOATS, HALF, get_default_dtype, of, said
from learntorch.core.op import composite, nary
from learntorch.core.shapes import wrap_dim
from learntorch.core.tensor import Tensor
from learntorch.ops.create import numpy_type, tensor
from learntorch.ops.pad import pad
from learntorch.ops.shape import roll

MIRRORED = {"backward": "forward", "forward": "backward", "ortho": "ortho"}


def c2c_title(x, dims, inverse):
    """PyTorch transforms real numbers by fft_r2c, and puts the mirror images beside the result."""
    if x.dtype.is_complex or len(dims) > 1:
        return "FftC2CBackward0"
    return "ConjBackward0" if inverse else "FftR2CBackward0"


@nary(space="rules", grad=c2c_title, result=None)
def fft_c2c(xp, x, dims, norm, inverse):
    """Xₖ = Σⱼ xⱼ e^(∓2πi jk/n) along each of `dims`: (…, n, …) → (…, n, …)."""
    transform, plain = (xp.fft.ifft, "forward") if inverse else (xp.fft.fft, "backward")
    x = x.astype(xp.result_type(x.dtype, xp.complex64), copy=False)
    for d in dims:
        x = computed(transform, x, None, d, norm, plain)
    return x
fft_c2c.vjp(x=lambda xp, g, dims, norm, inverse: xp.fft_c2c(g, dims, norm, inverse))


def computed(transform, x, n, d, norm, plain):
    """NumPy's transform along d, to length n where that changes.

    With the norm `plain`, without a factor, NumPy 2.4 goes through double precision and takes up to
    eight times as long for float32: let it divide, and undo that where it is exact.
    """
    size = n or x.shape[d]
    power_of_two = size & (size - 1) == 0
    if norm == plain and power_of_two and x.real.dtype.itemsize == 4:
        fresh = transform(x, n, d, MIRRORED[norm])
        fresh *= size
        return fresh
    return transform(x, n, d, norm)


def r2c_title(dims, inverse):
    """PyTorch has no inverse fft_r2c: it conjugates, or goes on in the other dimensions."""
    if not inverse:
        return "FftR2CBackward0"
    return "ConjBackward0" if len(dims) == 1 else "FftC2CBackward0"


@nary(space="rules", grad=r2c_title, result=None)
def fft_r2c(xp, x, dims, norm, inverse):
    """fft_c2c of real numbers, frequencies 0 … n/2 of the last of `dims`: n → n//2 + 1."""
    if inverse:
        half = computed(xp.fft.rfft, x, None, dims[-1], MIRRORED[norm], "backward").conj()
    else:
        half = computed(xp.fft.rfft, x, None, dims[-1], norm, "backward")
    return xp.fft_c2c(half, dims[:-1], norm, inverse)
fft_r2c.vjp(x=lambda xp, g, x_shape, dims, norm, inverse: xp.fft_c2r(
    xp.paired(g, dims[-1], x_shape[dims[-1]], 0.5), dims, x_shape[dims[-1]], norm, inverse))


@nary(space="rules", grad="FftC2R", result=None)
def fft_c2r(xp, x, dims, n, norm, inverse):
    """fft_c2c of what half the frequencies stand for, real: n//2 + 1 → n along the last of `dims`.

    The imaginary parts of frequencies 0 and n/2 do not count.
    """
    half = xp.fft_c2c(x, dims[:-1], norm, inverse)
    if inverse:
        return computed(xp.fft.irfft, half, n, dims[-1], norm, "forward")
    return computed(xp.fft.irfft, half.conj(), n, dims[-1], MIRRORED[norm], "forward")
fft_c2r.vjp(x=lambda xp, g, dims, n, norm, inverse: xp.paired(
    xp.fft_r2c(g, dims, norm, inverse), dims[-1], n, 2.0))


@nary(space="rules", result=None)
def paired(xp, x, dim, n, factor):
    """x times `factor` at the frequencies of n numbers that have a mirror image: not 0, not n/2."""
    k = xp.arange(x.shape[dim])
    weights = xp.where((k > 0) & (2 * k < n), factor, 1.0).astype(x.real.dtype)
    return x * weights.reshape(-1, *(1,) * (x.ndim - 1 - dim))
paired.vjp(x=lambda xp, g, dim, n, factor: xp.paired(g, dim, n, factor))


# ---- arguments ------------------------------------------------------------------------------


def transform(function):
    """Decorator: a public transform, `torch.fft.<name>`."""
    return composite(function, name=f"fft.{function.__name__}", space="fft", out="kind")


def floating(name, input):
    """The input, whole numbers in the default dtype. Raises for half precision and non-tensors."""
    if not isinstance(input, Tensor):
        raise TypeError(f"fft_{name}(): argument 'input' (position 1) must be Tensor, not "
                        f"{type(input).__name__}")
    d = input._data.dtype
    if d in HALF:
        raise RuntimeError(f"Unsupported dtype {said(d)}. Transform .float() of it.")
    return input if d in FLOATS else input.to(get_default_dtype())


def only_real(input, sentence):
    """Raise RuntimeError for complex input."""
    if isinstance(input, Tensor) and input._data.dtype.kind == "c":
        raise RuntimeError(f"{sentence} {said(input._data.dtype)}. Its frequencies have no mirror "
                           "images: use fft or ifft.")


def mode(norm):
    """The normalization, "backward" where none is named. Raises RuntimeError for unknown ones."""
    if norm is not None and norm not in MIRRORED:
        if not isinstance(norm, str):
            raise TypeError(f"argument 'norm' must be str, not {type(norm).__name__}")
        raise RuntimeError(f'Invalid normalization mode: "{norm}". It is "backward", "forward" or '
                           '"ortho".')
    return norm or "backward"


def line(name, input, n, dim):
    """Dimension and length of a transform along one dimension: −1 where the length stays."""
    for what, value in (("n", n), ("dim", dim)):
        if value is not None and not hasattr(value, "__index__"):
            raise TypeError(f"fft_{name}(): argument '{what}' must be int, not "
                            f"{type(value).__name__}")
    return placed(input, dim), -1 if n is None else positive(n)


def placed(input, dim):
    """`dim` counted from 0. Raises IndexError where there is no such dimension."""
    if input.ndim == 0:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    return wrap_dim(dim, input.ndim)


def positive(n):
    """A length, checked. Raises RuntimeError unless there is something to transform."""
    if n < 1:
        raise RuntimeError(f"Invalid number of data points ({n}) specified")
    return n


def lines(name, input, s, dim):
    """Dimensions and lengths of a transform along several; −1 keeps the length that is there."""
    s = several(name, "s", s)
    dims = several(name, "dim", dim)
    if dims is None and name[-1] == "2":
        raise TypeError(f"fft_{name}(): argument 'dim' must be tuple of ints, not NoneType")
    ndim = input.ndim
    if dims is not None:
        dims = tuple([placed(input, d) for d in dims])
        if len(set(dims)) != len(dims):
            raise RuntimeError("FFT dims must be unique")
        if s is not None and len(s) != len(dims):
            raise RuntimeError("When given, dim and shape arguments must have the same length: "
                               f"here {len(dims)} and {len(s)}")
    elif s is not None:
        if len(s) > ndim:
            raise RuntimeError(f"Got shape with {len(s)} values but input tensor only has {ndim} "
                               "dimensions.")
        dims = tuple(range(ndim - len(s), ndim))
    else:
        dims = tuple(range(ndim))
    return dims, list(s) if s is not None else [-1] * len(dims)


def several(name, what, values):
    """One int or several as a tuple of ints, None as it is. Raises TypeError for others."""
    if values is None or isinstance(values, int):
        return values if values is None else (values,)
    if not isinstance(values, (tuple, list)) or not all(hasattr(v, "__index__") for v in values):
        raise TypeError(f"fft_{name}(): argument '{what}' must be tuple of ints, not "
                        f"{type(values).__name__}")
    return tuple(values)


def fitted(input, dims, sizes):
    """The input cut off, or filled up with zeros, to `sizes` along `dims`; −1 leaves it."""
    extra = [0] * (2 * input.ndim)
    for d, n in zip(dims, sizes, strict=True):
        have = input.shape[d]
        if positive(have if n == -1 else n) < have:
            input = input.narrow(d, 0, n)
        elif n > have:
            extra[2 * (input.ndim - 1 - d) + 1] = n - have
    return pad(input, extra) if any(extra) else input


def at_least_one(name, dims):
    """Raise RuntimeError where there is no dimension to halve or to double."""
    if not dims:
        raise RuntimeError(f"{name.replace('2', 'n')} must transform at least one axis")


def whole(name, input, s, dim, norm, inverse):
    """Complex to complex along several dimensions."""
    x = floating(name, input)
    dims, sizes = lines(name, x, s, dim)
    x = fitted(x, dims, sizes)
    if not dims:
        return x.to(x.dtype.to_complex(), copy=True)
    return fft_c2c(x, dims, mode(norm), inverse)


def halved(name, input, s, dim, norm, inverse):
    """Real to half the frequencies along several dimensions."""
    x = floating(name, input)
    dims, sizes = lines(name, x, s, dim)
    at_least_one(name, dims)
    return fft_r2c(fitted(x, dims, sizes), dims, mode(norm), inverse)


def doubled(name, input, s, dim, norm, inverse):
    """Half the frequencies to real along several dimensions."""
    x = floating(name, input)
    dims, sizes = lines(name, x, s, dim)
    at_least_one(name, dims)
    n = sizes[-1] if sizes[-1] != -1 else 2 * (x.shape[dims[-1]] - 1)
    sizes[-1] = positive(n) // 2 + 1
    return fft_c2r(fitted(x, dims, sizes), dims, n, mode(norm), inverse)


# ---- one dimension --------------------------------------------------------------------------


@transform
def fft(input, n=None, dim=-1, norm=None):
    """Xₖ = Σⱼ xⱼ e^(−2πi jk/n): how much of each frequency is in x. (…, n, …) → (…, n, …).

    The input is cut off or filled up with zeros to length n where n is given; times 1/n with
    norm="forward", 1/√n with "ortho". Raises RuntimeError for half precision and n < 1.
    """
    x = floating("fft", input)
    d, n = line("fft", x, n, dim)
    return fft_c2c(fitted(x, (d,), (n,)), (d,), mode(norm), False)


@transform
def ifft(input, n=None, dim=-1, norm=None):
    """xⱼ = 1/n Σₖ Xₖ e^(2πi jk/n): undoes fft. (…, n, …) → (…, n, …)."""
    x = floating("ifft", input)
    d, n = line("ifft", x, n, dim)
    return fft_c2c(fitted(x, (d,), (n,)), (d,), mode(norm), True)


@transform
def rfft(input, n=None, dim=-1, norm=None):
    """fft of real numbers, without the mirrored half: (…, n, …) → (…, n//2 + 1, …).

    Raises RuntimeError for complex input.
    """
    only_real(input, "rfft expects a real input tensor, but got")
    x = floating("rfft", input)
    d, n = line("rfft", x, n, dim)
    return fft_r2c(fitted(x, (d,), (n,)), (d,), mode(norm), False)


@transform
def irfft(input, n=None, dim=-1, norm=None):
    """Undoes rfft: (…, n//2 + 1, …) → (…, n, …), n even unless it is given."""
    x = floating("irfft", input)
    d, n = line("irfft", x, n, dim)
    n = positive(2 * (x.shape[d] - 1) if n == -1 else n)
    return fft_c2r(fitted(x, (d,), (n // 2 + 1,)), (d,), n, mode(norm), True)


@transform
def hfft(input, n=None, dim=-1, norm=None):
    """fft of numbers mirrored in time (xₙ₋ⱼ = conj(xⱼ)): real; (…, n//2 + 1, …) → (…, n, …)."""
    x = floating("hfft", input)
    d, n = line("hfft", x, n, dim)
    n = positive(2 * (x.shape[d] - 1) if n == -1 else n)
    return fft_c2r(fitted(x, (d,), (n // 2 + 1,)), (d,), n, mode(norm), False)


@transform
def ihfft(input, n=None, dim=-1, norm=None):
    """Undoes hfft: (…, n, …) real → (…, n//2 + 1, …). Raises RuntimeError for complex input."""
    only_real(input, "ihfft expects a real input tensor, but got")
    x = floating("ihfft", input)
    d, n = line("ihfft", x, n, dim)
    return fft_r2c(fitted(x, (d,), (n,)), (d,), mode(norm), True)


# ---- several dimensions ---------------------------------------------------------------------


@transform
def fftn(input, s=None, dim=None, norm=None):
    """fft along each of `dim` (all where none is named), lengths `s`."""
    return whole("fftn", input, s, dim, norm, False)


@transform
def ifftn(input, s=None, dim=None, norm=None):
    """ifft along each of `dim`: undoes fftn."""
    return whole("ifftn", input, s, dim, norm, True)


@transform
def rfftn(input, s=None, dim=None, norm=None):
    """rfft along the last of `dim`, then fft along the others."""
    only_real(input, "rfftn expects a real-valued input tensor, but got")
    return halved("rfftn", input, s, dim, norm, False)


@transform
def irfftn(input, s=None, dim=None, norm=None):
    """ifft along all but the last of `dim`, then irfft along the last: undoes rfftn."""
    return doubled("irfftn", input, s, dim, norm, True)


@transform
def hfftn(input, s=None, dim=None, norm=None):
    """fft along all but the last of `dim`, then hfft along the last."""
    return doubled("hfftn", input, s, dim, norm, False)


@transform
def ihfftn(input, s=None, dim=None, norm=None):
    """ihfft along the last of `dim`, then ifft along the others: undoes hfftn."""
    only_real(input, "Only supports floating-point dtypes, but found:")
    return halved("ihfftn", input, s, dim, norm, True)


@transform
def fft2(input, s=None, dim=(-2, -1), norm=None):
    """fft along two dimensions: the frequencies of pictures."""
    return whole("fft2", input, s, dim, norm, False)


@transform
def ifft2(input, s=None, dim=(-2, -1), norm=None):
    """ifft along two dimensions: undoes fft2."""
    return whole("ifft2", input, s, dim, norm, True)


@transform
def rfft2(input, s=None, dim=(-2, -1), norm=None):
    """rfft along the last of two dimensions, then fft along the other."""
    only_real(input, "rfftn expects a real-valued input tensor, but got")
    return halved("rfft2", input, s, dim, norm, False)


@transform
def irfft2(input, s=None, dim=(-2, -1), norm=None):
    """ifft along the first of two dimensions, then irfft along the other: undoes rfft2."""
    return doubled("irfft2", input, s, dim, norm, True)


@transform
def hfft2(input, s=None, dim=(-2, -1), norm=None):
    """fft along the first of two dimensions, then hfft along the other."""
    return doubled("hfft2", input, s, dim, norm, False)


@transform
def ihfft2(input, s=None, dim=(-2, -1), norm=None):
    """ihfft along the last of two dimensions, then ifft along the other: undoes hfft2."""
    only_real(input, "Only supports floating-point dtypes, but found:")
    return halved("ihfft2", input, s, dim, norm, True)


# ---- frequencies and order ------------------------------------------------------------------


def cycles(name, k, n, d, out, dtype, device, requires_grad):
    """k / (n·d) for k of a range, a new tensor or `out`. Raises RuntimeError for integer dtypes."""
    d_type = numpy_type(dtype) if out is None or dtype is not None else out._data.dtype
    if d_type not in FLOATS:
        raise RuntimeError(f"{name} requires a floating point or complex dtype")
    t = tensor(k, dtype=of(d_type), device=device) / (n * d)
    if out is not None:
        return out.resize_(t.shape).copy_(t)
    return t.requires_grad_() if requires_grad else t


def count(name, n):
    """A number of frequencies, checked: an int, not negative."""
    if not hasattr(n, "__index__"):
        raise TypeError(f"fft_{name}(): argument 'n' (position 1) must be int, not "
                        f"{type(n).__name__}")
    if n < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {n}: [{n}]")
    return n


@composite(name="fft.fftfreq", space="fft")
def fftfreq(n, d=1.0, *, out=None, dtype=None, layout=None, device=None, requires_grad=False):
    """The frequencies of fft's n results, in cycles per unit of the sample spacing d: k / (n·d).

    They count 0, 1, …, then from −n/2 to −1: frequency n − k is the same as −k.
    Raises RuntimeError for a negative n and for a dtype of whole numbers, TypeError for an n that
    is none.
    Shapes: (n).
    """
    half = (count("fftfreq", n) + 1) // 2
    k = [*range(half), *range(half - n, 0)]
    return cycles("fftfreq", k, n, d, out, dtype, device, requires_grad)


@composite(name="fft.rfftfreq", space="fft")
def rfftfreq(n, d=1.0, *, out=None, dtype=None, layout=None, device=None, requires_grad=False):
    """The frequencies of rfft's n//2 + 1 results, in cycles per unit of spacing d: k / (n·d).

    Raises RuntimeError for a negative n and for a dtype of whole numbers, TypeError for an n that
    is none.
    Shapes: (n // 2 + 1).
    """
    k = [*range(count("rfftfreq", n) // 2 + 1)]
    return cycles("rfftfreq", k, n, d, out, dtype, device, requires_grad)


@composite(name="fft.fftshift", space="fft")
def fftshift(input, dim=None):
    """fft's order with frequency 0 in the middle: each of `dim` rolled on by half its size."""
    dims = several("fftshift", "dim", dim)
    dims = tuple(range(input.ndim)) if dims is None else tuple(placed(input, d) for d in dims)
    return roll(input, [input.shape[d] // 2 for d in dims], dims)


@composite(name="fft.ifftshift", space="fft")
def ifftshift(input, dim=None):
    """Undoes fftshift: frequency 0 comes first again."""
    dims = several("ifftshift", "dim", dim)
    dims = tuple(range(input.ndim)) if dims is None else tuple(placed(input, d) for d in dims)
    return roll(input, [(input.shape[d] + 1) // 2 for d in dims], dims)
