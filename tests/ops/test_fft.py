"""Fourier transforms, spectra of frames, window functions: against PyTorch, and by their laws."""

import warnings
from itertools import product

import numpy as np
import pytest

import learntorch
from learntorch.autograd import gradcheck, gradgradcheck
from tests.oracle import alike, needs_torch

F = learntorch.fft
NORMS = (None, "backward", "ortho", "forward")
REAL_IN = ("rfft", "ihfft")
REAL_OUT = ("irfft", "hfft")
KINDS = ("fft", "ifft", *REAL_IN, *REAL_OUT)


def numbers(seed, *shape, dtype=np.complex128):
    rng = np.random.default_rng(seed)
    values = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        values = values + 1j * rng.standard_normal(shape)
    return values.astype(dtype)


def given(kind, *shape, dtype=None):
    """An input for a transform: real where it has to be."""
    return numbers(0, *shape, dtype=dtype or (np.float64 if kind in REAL_IN else np.complex128))


def kind_of(t):
    return np.complex128 if t.dtype.is_complex else np.float64


def twice(lib, function, x):
    """The result, its gradient, and the gradients of that, for random cotangents."""
    x = lib.from_numpy(x).clone().requires_grad_()
    y = function(x)
    g = lib.from_numpy(numbers(7, *y.shape, dtype=kind_of(y))).requires_grad_()
    first, = lib.autograd.grad(y, x, g, create_graph=True)
    cotangent = lib.from_numpy(numbers(8, *first.shape, dtype=kind_of(first)))
    second, = lib.autograd.grad(first, g, cotangent)
    return [t.detach() for t in (y, first, second)]


# ---- against PyTorch --------------------------------------------------------------------------


@needs_torch
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("n", (None, 1, 2, 4, 5, 9))
@pytest.mark.parametrize("kind", KINDS)
def test_one_dimension(kind, n, norm):
    x = given(kind, 3, 5, 2)
    alike(lambda torch: twice(torch, lambda x: getattr(torch.fft, kind)(x, n, 1, norm), x))


@needs_torch
@pytest.mark.parametrize("s,dim", (
    (None, None), ((4, 3), None), ((3, -1), (0, 2)), ((2,), (-2,)), (None, (2, 0)), (5, 1),
    ((4, 5, 6), (1, 2, 0)), (None, ())))
@pytest.mark.parametrize("norm", (None, "ortho"))
@pytest.mark.parametrize("kind", KINDS)
def test_several_dimensions(kind, s, dim, norm):
    x = given(kind, 3, 4, 5)
    alike(lambda torch: twice(torch, lambda x: getattr(torch.fft, kind + "n")(x, s, dim, norm), x))


@needs_torch
@pytest.mark.parametrize("s,dim", ((None, (-2, -1)), ((3, 8), (0, 1)), ((4, 4), (-1, 1))))
@pytest.mark.parametrize("kind", KINDS)
def test_two_dimensions(kind, s, dim):
    x = given(kind, 3, 4, 5)
    alike(lambda torch: twice(torch, lambda x: getattr(torch.fft, kind + "2")(x, s, dim), x))


@needs_torch
@pytest.mark.parametrize("kind", ("fft", "irfft", "hfft"))
def test_real_where_complex_would_do(kind):
    x = numbers(0, 2, 6, dtype=np.float64)
    alike(lambda torch: twice(torch, getattr(torch.fft, kind), x))


DTYPES = "bool uint8 int8 int32 int64 float16 bfloat16 float32 float64 complex64 complex128".split()


@needs_torch
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_dtypes(kind, dtype):
    for name in (kind, kind + "n"):
        alike(lambda torch, name=name: getattr(torch.fft, name)(
            torch.arange(6).to(getattr(torch, dtype)).reshape(2, 3)))


WRONG = """fft(a, n=0) | fft(a, -1) | fft(a, norm='x') | fft(a, dim=1) | fft(a, dim=-2) | fft(a[:0])
    fft(one) | fft(3) | fft(a, dim=(0,)) | rfft(a + 0j) | ihfft(a + 0j) | irfft(a[:1]) | hfft(a[:1])
    fft2(a) | fft2(m, s=(1, 2, 3)) | fft2(m, dim=(0, 0)) | fft2(m, dim=(0, -2)) | fft2(m, dim=None)
    fft2(m, s=(2., 3)) | fftn(m, s=(0, 2)) | fftn(m, s=(2, 3, 4)) | fftn(m, s=(2,), dim=(0, 1))
    rfftn(m, dim=()) | irfftn(m, dim=()) | hfftn(one) | ihfft2(m, dim=()) | rfftn(m + 0j)
    ihfftn(m + 0j) | irfft2(m, s=(1, -2)) | irfft2(m, s=(1, 0)) | fftn(m, norm='y') | fft2(one)
    fft(a, out=a) | rfft2(m, out=m) | irfft(a, out=a + 0j) | hfftn(m, out=a.long()) | fftfreq(-3)
    fftfreq(4.) | fftfreq(4, dtype=long) | rfftfreq(4, dtype=bool) | fftshift(a, dim=2)
    fftshift(one) | fftfreq(3, out=a.long())"""


@needs_torch
@pytest.mark.parametrize("call", [c.strip() for line in WRONG.split("\n") for c in line.split("|")])
def test_what_is_wrong(call):
    def case(torch):
        names = dict(vars(torch.fft), a=torch.arange(6.), m=torch.ones(3, 4), one=torch.tensor(1.),
                     long=torch.int64, bool=torch.bool)
        return eval(call, names)
    alike(case)


@needs_torch
@pytest.mark.parametrize("n", (0, 1, 2, 5, 8))
@pytest.mark.parametrize("d", (1.0, 0.5, 3))
def test_frequencies(n, d):
    for dtype in (None, "float64", "float16"):
        alike(lambda torch, dtype=dtype: torch.fft.fftfreq(
            n, d, dtype=dtype and getattr(torch, dtype)))
    if n:
        alike(lambda torch: torch.fft.rfftfreq(n, d, requires_grad=True))
        alike(lambda torch: torch.fft.rfftfreq(n, d, out=torch.ones(2).double()[:0]))


@needs_torch
@pytest.mark.parametrize("dim", (None, 0, -1, (0, 2), (0, 0), [1]))
def test_shifts(dim):
    x = numbers(0, 3, 4, 5)
    for name in ("fftshift", "ifftshift"):
        alike(lambda torch, name=name: twice(
            torch, lambda x: getattr(torch.fft, name)(x, dim), x))


# ---- by their laws ------------------------------------------------------------------------------


def close(t, expected, rtol=1e-9, atol=1e-12):
    np.testing.assert_allclose(t.detach().numpy(), np.asarray(expected), rtol, atol)


def test_the_definition():
    """Xₖ = Σⱼ xⱼ e^(−2πi jk/n), as a product with a matrix."""
    x = numbers(0, 7)
    k = np.arange(7)
    close(F.fft(learntorch.from_numpy(x)), np.exp(-2j * np.pi * np.outer(k, k) / 7) @ x)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("n", (1, 2, 6, 7))
def test_there_and_back(n, norm):
    z = learntorch.from_numpy(numbers(0, 3, n))
    x = z.real
    close(F.ifft(F.fft(z, norm=norm), norm=norm), z)
    close(F.irfft(F.rfft(x, norm=norm), n, norm=norm), x)
    close(F.hfft(F.ihfft(x, norm=norm), n, norm=norm), x)
    close(F.ifft2(F.fft2(z, norm=norm), norm=norm), z)
    close(F.irfftn(F.rfftn(x, norm=norm), (3, n), norm=norm), x)
    close(F.hfft2(F.ihfft2(x, norm=norm), (3, n), norm=norm), x)


def test_half_of_the_frequencies_says_everything():
    x = learntorch.from_numpy(numbers(0, 4, 8, dtype=np.float64))
    close(F.rfft2(x), F.fft2(x)[:, :5])
    close(F.ihfft(x), F.ifft(x)[:, :5])


def test_parseval():
    """Σ |x|² = Σ |X|² where the transform is a rotation."""
    x = learntorch.from_numpy(numbers(0, 5, 6))
    close((F.fft2(x, norm="ortho").abs() ** 2).sum(), (x.abs() ** 2).sum())
    close((F.fft2(x).abs() ** 2).sum(), 30 * (x.abs() ** 2).sum())


def test_convolution_becomes_a_product():
    x, w = (learntorch.from_numpy(numbers(i, 9, dtype=np.float64)) for i in (0, 1))
    around = F.irfft(F.rfft(x) * F.rfft(w), 9)
    close(around, [sum(x[j] * w[(k - j) % 9] for j in range(9)) for k in range(9)])


@pytest.mark.parametrize("kind", KINDS)
def test_single_precision_stays(kind):
    x = learntorch.from_numpy(given(kind, 6)).to(
        learntorch.float32 if kind in REAL_IN else learntorch.complex64)
    assert getattr(F, kind)(x).dtype is (
        learntorch.float32 if kind in REAL_OUT else learntorch.complex64)


@pytest.mark.parametrize("kind,n", list(product(KINDS, (None, 4, 7))))
def test_gradients(kind, n):
    x = learntorch.from_numpy(given(kind, 2, 5)).requires_grad_()
    assert gradcheck(lambda x: getattr(F, kind)(x, n), x)
    assert gradgradcheck(lambda x: getattr(F, kind)(x, n), x)


def test_curvature_of_a_spectrum():
    """Σ |X|² = n Σ x², whose second derivative is 2n everywhere, by whatever way it is computed."""
    x = learntorch.from_numpy(numbers(0, 5, dtype=np.float64))

    def power(x):
        return (F.fft(x).abs() ** 2).sum()
    for hessian in (learntorch.autograd.functional.hessian(power, x),
                    learntorch.func.hessian(power)(x)):
        close(hessian, 10 * np.eye(5), atol=1e-9)


def test_the_direction_of_a_complex_number_has_derivatives_of_all_orders():
    def slope(z):
        return learntorch.autograd.grad((z.abs() ** 3).sum(), z, create_graph=True)[0]
    z = learntorch.from_numpy(numbers(0, 3)).requires_grad_()
    assert gradcheck(slope, z) and gradgradcheck(slope, z)


def test_an_operator_names_itself_in_the_graph():
    x = learntorch.ones(3, requires_grad=True)
    assert F.rfft(x).grad_fn.name() == "FftR2CBackward0"
    assert F.irfft(F.rfft(x)).grad_fn.name() == "FftC2RBackward0"


def test_what_a_transform_keeps_for_backward():
    """A linear op needs nothing but sizes."""
    x = learntorch.ones(3, requires_grad=True)
    for y in (F.fft(x + 0j), F.rfft(x), F.irfft(x)):
        assert not y.grad_fn.plan.keeps


def test_shift_and_frequencies():
    assert F.fftshift(F.fftfreq(5, 0.2)).tolist() == [-2.0, -1.0, 0.0, 1.0, 2.0]
    assert F.fftshift(F.fftfreq(4)).tolist() == [-0.5, -0.25, 0.0, 0.25]
    x = learntorch.arange(7)
    assert (F.ifftshift(F.fftshift(x)) == x).all()


def test_out():
    out = learntorch.empty(0, dtype=learntorch.complex64)
    assert F.fft(learntorch.arange(4.), out=out) is out
    assert out.tolist() == [6, -2 + 2j, -2, -2 - 2j]
    with pytest.raises(RuntimeError, match="fftn expects a complex output tensor, but got Float"):
        F.fft2(learntorch.ones(2, 2), out=learntorch.empty(2, 2))


def test_errors_teach():
    with pytest.raises(RuntimeError, match="rfft expects a real input tensor.*use fft"):
        F.rfft(learntorch.ones(3) + 0j)
    with pytest.raises(RuntimeError, match="Invalid normalization mode.*ortho"):
        F.fft(learntorch.ones(3), norm="orth")
    with pytest.raises(RuntimeError, match=r"Unsupported dtype Half.*float\(\)"):
        F.fft(learntorch.ones(3).half())


# ---- spectra of frames ----------------------------------------------------------------------


@needs_torch
@pytest.mark.parametrize("options", (
    {}, {"hop_length": 3}, {"win_length": 5}, {"normalized": True}, {"onesided": False},
    {"center": False}, {"pad_mode": "constant"}, {"pad_mode": "replicate"},
    {"center": False, "align_to_window": True, "win_length": 4},
    {"return_complex": False}), ids=str)
@pytest.mark.parametrize("shape", ((20,), (2, 23)))
@pytest.mark.parametrize("n_fft", (8, 7))
@pytest.mark.filterwarnings("ignore:stft with return_complex=False")
def test_stft(n_fft, shape, options):
    x = numbers(0, *shape, dtype=np.float64)
    window = 0.5 + np.arange(options.get("win_length", n_fft)) / 9
    options = {"return_complex": True, **options}
    if options.get("align_to_window") and n_fft % 2:
        return                                      # PyTorch reads behind the end of the signal
    alike(lambda torch: twice(torch, lambda x: torch.stft(
        x, n_fft, window=torch.from_numpy(window), **options), x))
    alike(lambda torch: twice(torch, lambda w: torch.from_numpy(x).stft(
        n_fft, window=w, **options), window))


@needs_torch
@pytest.mark.parametrize("options", (
    {}, {"hop_length": 3}, {"win_length": 6}, {"normalized": True}, {"center": False},
    {"length": 9}, {"length": 40}, {"onesided": False}, {"return_complex": True}), ids=str)
@pytest.mark.parametrize("shape", ((6,), (2, 6)))
@pytest.mark.parametrize("n_fft", (8, 7))
@pytest.mark.filterwarnings("ignore:The length of signal is shorter")
def test_istft(n_fft, shape, options):
    two_sided = "onesided" in options or "return_complex" in options
    z = numbers(0, *shape[:-1], n_fft if two_sided else n_fft // 2 + 1, shape[-1])
    window = 0.5 + np.arange(options.get("win_length", n_fft)) / 9
    if options == {"win_length": 6} and n_fft == 7:
        window = window[:6]
    alike(lambda torch: twice(torch, lambda z: torch.istft(
        z, n_fft, window=torch.from_numpy(window), **options), z))


FRAMES = """stft(a, 8) | stft(a, 8, win_length=9, **c) | stft(a, 0, **c) | stft(a, 50, **c)
    stft(a, 8, hop_length=0, **c) | stft(a, 8, window=w[:7], **c) | stft(m[None], 8, window=w, **c)
    stft(a, 50, center=False, **c) | stft(a.long(), 8, window=w, **c) | stft(a, 8, pad_mode='x')
    stft(a + 0j, 8, onesided=True, window=w) | stft(a, 8, align_to_window=True) | istft(z.real, 8)
    istft(z, 8, window=w * 0) | istft(z, 8, window=w[:7]) | istft(z, 8, 9, window=w)
    istft(z, 8, 0, window=w) | istft(z, 8, 2, 9) | istft(z, 8, onesided=False) | istft(z, 11)
    istft(z[:0], 8) | istft(z[None, None], 8) | istft(z[0], 8) | istft(z, 8, return_complex=True)
    istft(z, 8, window=w + 0j) | istft(z, 8, 2, 6, center=False)"""


@needs_torch
@pytest.mark.parametrize("call", [c.strip() for s in FRAMES.split("\n") for c in s.split("|")])
def test_frames_that_do_not_fit(call):
    def case(torch):
        names = dict(stft=torch.stft, istft=torch.istft, a=torch.arange(20.), m=torch.ones(2, 20),
                     w=torch.ones(8), z=torch.ones(5, 6) + 0j, c={"return_complex": True})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return eval(call, names)
    alike(case)


@pytest.mark.parametrize("center", (True, False))
@pytest.mark.parametrize("n,hop", ((8, 2), (8, 4), (7, 3)))
def test_frames_there_and_back(n, hop, center):
    x = learntorch.from_numpy(numbers(0, 2, 31, dtype=np.float64))
    w = learntorch.signal.windows.hamming(n, sym=False, dtype=learntorch.float64)
    spectrum = learntorch.stft(x, n, hop, window=w, center=center, return_complex=True)
    back = learntorch.istft(spectrum, n, hop, window=w, center=center)
    close(back, x[:, :back.shape[-1]])
    assert back.shape[-1] > 31 - n


def test_a_tone_is_one_frequency():
    t = learntorch.arange(64, dtype=learntorch.float64)
    spectrum = learntorch.stft((2 * learntorch.pi * t / 8).cos(), 16, center=False,
                               window=learntorch.hann_window(16, dtype=learntorch.float64),
                               return_complex=True)
    assert (spectrum.abs().argmax(0) == 2).all()


def test_frame_warnings():
    x = learntorch.arange(20.)
    with pytest.warns(UserWarning, match="A window was not provided.*hann_window"):
        learntorch.stft(x, 8, return_complex=True)
    with pytest.warns(UserWarning, match="return_complex=False is deprecated"):
        pairs = learntorch.stft(x, 8, window=learntorch.ones(8), return_complex=False)
    assert pairs.shape == (5, 11, 2)
    z = learntorch.view_as_complex(pairs)
    with pytest.warns(UserWarning, match="Please provide the same window"):
        learntorch.istft(z, 8)
    with pytest.warns(UserWarning, match="shorter than the length parameter"):
        assert learntorch.istft(z, 8, window=learntorch.ones(8), length=50).shape == (50,)


# ---- windows ----------------------------------------------------------------------------------

MORE = {"general_cosine": {"a": [0.5, 0.3, 0.1]}}
NAMES = ("bartlett blackman cosine exponential gaussian general_cosine general_hamming hamming "
         "hann kaiser nuttall").split()


@needs_torch
@pytest.mark.parametrize("sym", (True, False))
@pytest.mark.parametrize("name", NAMES)
def test_windows(name, sym):
    more = MORE.get(name, {})
    for m, dtype in product((0, 1, 2, 5, 8), (None, "float32", "float64")):
        alike(lambda torch, m=m, dtype=dtype: getattr(torch.signal.windows, name)(
            m, sym=sym, dtype=dtype and getattr(torch, dtype), **more))
    for m, dtype in ((-1, None), (4, "int64"), (4, "float16")):
        alike(lambda torch, m=m, dtype=dtype: getattr(torch.signal.windows, name)(
            m, sym=sym, dtype=dtype and getattr(torch, dtype), **more))


@needs_torch
@pytest.mark.parametrize("call", """exponential(5, center=1.) | exponential(5, center=1., sym=False)
    exponential(5, tau=0) | exponential(6, tau=2.5) | gaussian(5, std=0) | gaussian(6, std=1.7)
    kaiser(5, beta=-1) | kaiser(5, beta=0) | kaiser(6, beta=3, sym=False) | general_cosine(5, a=3)
    general_cosine(5, a=[]) | general_hamming(5, alpha=.3)""".replace("\n", "|").split("|"))
def test_window_parameters(call):
    alike(lambda torch: eval(call.strip(), dict(vars(torch.signal.windows))))


@needs_torch
@pytest.mark.parametrize("periodic", (True, False))
@pytest.mark.parametrize("name", "bartlett blackman hamming hann kaiser".split())
def test_older_windows(name, periodic):
    for n, dtype in product((-1, 0, 1, 2, 5, 8), (None, "float64")):
        alike(lambda torch, n=n, dtype=dtype: getattr(torch, name + "_window")(
            n, periodic, dtype=dtype and getattr(torch, dtype), requires_grad=True))


@pytest.mark.parametrize("name", NAMES)
def test_a_window_is_symmetric_or_the_start_of_a_longer_one(name):
    window = getattr(learntorch.signal.windows, name)
    double = {"dtype": learntorch.float64, **MORE.get(name, {})}
    whole = window(9, **double)
    close(whole, whole.flip(0))
    close(window(8, sym=False, **double), whole[:8])


def test_old_and_new_windows_are_the_same():
    for name in ("bartlett", "blackman", "hamming", "hann", "kaiser"):
        new = getattr(learntorch.signal.windows, name)(9, sym=False)
        assert (getattr(learntorch, name + "_window")(9) == new).all()
    with pytest.raises(ValueError, match="expects float32 or float64"):
        learntorch.signal.windows.hann(3, dtype=learntorch.int64)
    assert learntorch.signal.windows.hann(3, requires_grad=True).is_leaf
