"""The spectrum of each moment: Fourier transforms of overlapping frames, and the way back."""


from learntorch.core.op import composite
from learntorch.core.warned import warn
from learntorch.ops.complex import view_as_real
from learntorch.ops.create import ones
from learntorch.ops.fft import fft, ifft, irfft, rfft
from learntorch.ops.pad import pad
from learntorch.ops.views import fold_windows


@composite
def stft(input, n_fft, hop_length=None, win_length=None, window=None, center=True,
         pad_mode="reflect", normalized=False, onesided=None, return_complex=None,
         align_to_window=None):
    """X[ω, t] = Σₖ window[k] · input[t·hop + k] e^(−2πi kω/n): (…, samples) → (…, ω, t) complex.

    n = `n_fft` frequencies of frames of n samples, `hop_length` (n/4) apart, weighed by a `window`
    of `win_length` (n) numbers. Frame t has its middle at t·hop when `center`, the signal being
    continued by n/2 on both sides as `pad_mode` says. Of a real signal the frequencies 0 … n/2 are
    kept; `normalized` divides by √n. Raises RuntimeError where the sizes do not fit.
    """
    if center:
        if align_to_window is not None:
            raise RuntimeError("stft align_to_window should only be set when center = false")
        input = widened(input, n_fft // 2, pad_mode)
    if window is None:
        warn_rectangular("is known to cause spectral leakage. Other windows such as "
                         "torch.hann_window or torch.hamming_window are recommended to reduce "
                         "spectral leakage.", "which ")
    hop = n_fft // 4 if hop_length is None else hop_length
    length = n_fft if win_length is None else win_length
    two_sided = is_complex(input) or is_complex(window)
    as_complex = two_sided if return_complex is None else return_complex
    if not as_complex:
        refuse_missing(return_complex)
    described = (f"stft({kind(input)}{list(input.shape)}, n_fft={n_fft}, hop_length={hop}, "
                 f"win_length={length}, window={shown(window)}, normalized={int(normalized)}, "
                 f"onesided={flag(onesided)}, return_complex={flag(return_complex)}, "
                 f"align_to_window={flag(align_to_window)}) : ")
    check_signal(described, input, n_fft, hop, length)
    check_window(window, length, f"{described}expected a 1D window tensor of size equal to "
                 f"win_length={length}, but got window with size ")
    onesided = not two_sided if onesided is None else onesided
    refuse_half(onesided, two_sided)
    if not center and align_to_window:
        left = (n_fft - length) // 2
        input = pad(input, [left, n_fft - length - left])
    frames = input.unfold(-1, n_fft, hop)
    frames = frames * in_middle(window, length, n_fft, input)
    transformed = (rfft if onesided else fft)(frames, norm="ortho" if normalized else None)
    result = transformed.transpose(-1, -2)
    return result if as_complex else view_as_real(result)


@composite
def istft(input, n_fft, hop_length=None, win_length=None, window=None, center=True,
          normalized=False, onesided=None, length=None, return_complex=False):
    """Undoes stft: Σₜ window[k − t·hop] · frame[t, k − t·hop] / Σₜ window[k − t·hop]².

    The frames overlap and are added: (…, ω, t) complex → (…, samples). Weighing by the window a
    second time and dividing by the sum of its squares gives the signal that fits best (Griffin &
    Lim 1984). Raises RuntimeError where no window reaches a sample.
    """
    if not is_complex(input):
        raise RuntimeError("istft requires a complex-valued input tensor matching the output from "
                           "stft with return_complex=True.")
    if window is None:
        warn_rectangular("Please provide the same window used by stft to make the inversion "
                         "lossless.")
    hop = n_fft // 4 if hop_length is None else hop_length
    width = n_fft if win_length is None else win_length
    described = (f"istft({kind(input)}{list(input.shape)}, n_fft={n_fft}, hop_length={hop}, "
                 f"win_length={width}, window={shown(window)}, center={int(center)}, "
                 f"normalized={int(normalized)}, onesided={flag(onesided)}, "
                 f"length={length}, return_complex={int(return_complex)})")
    onesided = check_spectrum(f"{described} : ", input, n_fft, hop, width, onesided)
    check_window(window, width, f"{described} : Invalid window shape. window has to be 1D and "
                 "length of `win_length`: here ")
    weights = in_middle(window, width, n_fft, input.real)
    if return_complex:
        refuse_half(onesided, True)
    elif is_complex(window):
        raise RuntimeError("Complex windows are incompatible with return_complex=False")
    norm = "ortho" if normalized else None
    spectra = input.transpose(-1, -2)
    frames = ifft(spectra, norm=norm) if return_complex else irfft(spectra, n_fft, norm=norm)
    count = input.shape[-1]
    start = n_fft // 2 if center else 0
    wanted = n_fft + hop * (count - 1) - 2 * start if length is None else length
    end = start + wanted
    total = added(frames * weights, n_fft, hop)[..., start:end]
    envelope = added((weights * weights).expand(count, n_fft), n_fft, hop)[start:end]
    if envelope.abs().min() < 1e-11:
        raise RuntimeError(f"{described} window overlap add min: 1: some samples lie under no "
                           "window, or under its zeros. Use a smaller hop_length, or center=True.")
    result = total / envelope
    missing = wanted - result.shape[-1]
    if missing > 0:
        warn("The length of signal is shorter than the length parameter. Result is being "
             "padded with zeros in the tail. Please check your center and hop_length "
             "settings.")
        result = pad(result, [0, missing])
    return result


def widened(input, margin, pad_mode):
    """The signal with `margin` more samples on both sides."""
    lifted = input.reshape((1,) * (3 - input.ndim) + tuple(input.shape))
    return pad(lifted, [margin, margin], pad_mode).reshape(*input.shape[:-1], -1)


def in_middle(window, length, n_fft, like):
    """The window (of ones where there is none) with zeros around it, n_fft numbers."""
    if window is None:
        window = ones(length, dtype=like.dtype)
    left = (n_fft - length) // 2
    return pad(window, [left, n_fft - length - left]) if length < n_fft else window


def added(frames, n_fft, hop):
    """Frames (…, t, n) laid `hop` apart over each other and added: (…, n + hop · (t − 1))."""
    size = n_fft + hop * (frames.shape[-2] - 1)
    return fold_windows(frames, (*frames.shape[:-2], size), -1, n_fft, hop)


def is_complex(t):
    return t is not None and t.dtype.is_complex


# ---- refusals -------------------------------------------------------------------------------


def warn_rectangular(advice, link=""):
    """Warn that no window means one of ones."""
    warn("A window was not provided. A rectangular window will be applied," + link
         + advice + "To suppress this warning and use a rectangular window, explicitly "
         "set `window=torch.ones(n_fft, device=<device>)`.")


def refuse_missing(return_complex):
    """Raise RuntimeError unless the caller asked for pairs of real numbers; warn if so."""
    if return_complex is None:
        raise RuntimeError("stft requires the return_complex parameter be given for real inputs, "
                           "and will further require that return_complex=True in a future PyTorch "
                           "release.")
    warn("stft with return_complex=False is deprecated. In a future pytorch release, stft "
         "will return complex tensors for all inputs, and return_complex=False will raise "
         "an error.\nNote: you can still call torch.view_as_real on the complex output to "
         "recover the old return format.")


def refuse_half(onesided, two_sided):
    """Raise RuntimeError for half the frequencies of something complex."""
    if onesided and two_sided:
        raise RuntimeError("Cannot have onesided output if window or input is complex")


def check_signal(described, input, n_fft, hop, length):
    """Raise RuntimeError in PyTorch's words unless frames of n_fft can be cut out of the signal."""
    if not (input.is_floating_point() or is_complex(input)):
        raise RuntimeError(described + "expected a tensor of floating point or complex values")
    if input.ndim not in (1, 2):
        raise RuntimeError(described + "expected a 1D or 2D tensor")
    samples = input.shape[-1]
    if not 0 < n_fft <= samples:
        raise RuntimeError(f"{described}expected 0 < n_fft < {samples}, but got n_fft={n_fft}")
    if hop <= 0:
        raise RuntimeError(f"{described}expected hop_length > 0, but got hop_length={hop}")
    if not 0 < length <= n_fft:
        raise RuntimeError(f"{described}expected 0 < win_length <= n_fft, but got "
                           f"win_length={length}")


def check_spectrum(described, input, n_fft, hop, length, onesided):
    """Whether the spectrum is half of one. Raises RuntimeError where the sizes do not fit."""
    if input.ndim < 2:
        raise IndexError("Dimension out of range (expected to be in range of [-2, 1], but got -3): "
                         "a spectrum has a dimension of frequencies and one of frames")
    if input.numel() == 0:
        raise RuntimeError(described + "input tensor cannot be empty.")
    if input.ndim > 3:
        raise RuntimeError(f"{described}expected a tensor with 3 or 4 dimensions, but got "
                           f"{input.ndim + 1}, the parts of complex numbers counted as one")
    size = input.shape[-2]
    onesided = size != n_fft if onesided is None else onesided
    if size != (n_fft // 2 + 1 if onesided else n_fft):
        match = "n_fft / 2 + 1 when onesided=True" if onesided else "n_fft when onesided=False"
        raise RuntimeError(f"{described}expected the frequency dimension (3rd to the last) of the "
                           f"input tensor to match {match}, but got {size}")
    if not 0 < hop <= length:
        raise RuntimeError(described + "expected 0 < hop_length <= win_length")
    if not 0 < length <= n_fft:
        raise RuntimeError(described + "expected 0 < win_length <= n_fft")
    return onesided


def check_window(window, length, sentence):
    """Raise RuntimeError unless the window is a row of `length` numbers."""
    if window is not None and window.shape != (length,):
        raise RuntimeError(sentence + str(list(window.shape)))


def kind(t):
    """What PyTorch's messages call a tensor's type: torch.FloatTensor."""
    return f"CPU{t.type().removeprefix('torch.').removesuffix('Tensor')}Type" if is_complex(
        t) else t.type()


def shown(window):
    return window if window is None else f"{kind(window)}{{{list(window.shape)}}}"


def flag(value):
    return value if value is None else int(value)
