"""What one can set for a whole program: threads, precision, determinism, the default device.

Everything here computes the same numbers on every run and with full precision; the switches that
ask for it can be set and read, and change nothing. The number of threads is that of OpenBLAS, which
computes NumPy's matrix products.
"""

from learntorch.core.devices import check_cpu, device
from learntorch.core.dtypes import set_default_dtype
from learntorch.core.warned import warn

DEBUG_MODES = ("default", "warn", "error")
PRECISIONS = ("highest", "high", "medium")


class Settings:
    """What is set now."""

    threads = None
    interop_threads = None
    precision = "highest"
    debug_mode = 0
    warns_always = False
    device = None


# ---- threads --------------------------------------------------------------------------------


def openblas(verb):
    """NumPy's own OpenBLAS's function to "get" or "set" its threads; None where it has another."""
    import ctypes
    from pathlib import Path

    import numpy
    home = Path(numpy.__file__).parent
    for folder in (home.parent / "numpy.libs", home / ".dylibs"):
        for file in folder.glob("*openblas*"):
            library = ctypes.CDLL(str(file))
            for name in (f"scipy_openblas_{verb}_num_threads64_", f"openblas_{verb}_num_threads64_",
                         f"openblas_{verb}_num_threads"):
                if hasattr(library, name):
                    return getattr(library, name)
    return None


def set_num_threads(n):
    """How many threads matrix products use. Raises RuntimeError unless n is a positive int."""
    if isinstance(n, bool) or not isinstance(n, int):
        raise RuntimeError(f"set_num_threads expects an int, but got {type(n).__name__}")
    if n < 1:
        raise RuntimeError("set_num_threads expects a positive integer")
    Settings.threads = n
    function = openblas("set")
    if function is not None:
        function(n)


def get_num_threads():
    """How many threads matrix products use."""
    if Settings.threads is not None:
        return Settings.threads
    function = openblas("get")
    return function() if function is not None else 1


def set_num_interop_threads(n):
    """How many operations may run side by side: recorded, here one runs after the other.

    Raises RuntimeError for a number below 1.
    """
    if n < 1:
        raise RuntimeError("set_num_interop_threads expects a positive integer")
    Settings.interop_threads = n


def get_num_interop_threads():
    """The number set by set_num_interop_threads, else 1."""
    return Settings.interop_threads or 1


# ---- precision and determinism --------------------------------------------------------------


def set_float32_matmul_precision(precision):
    """"highest", "high" or "medium": how far products may be rounded. Here they never are."""
    if precision not in PRECISIONS:
        import warnings
        warnings.warn(f"{precision} is not one of 'highest', 'high', or 'medium'; the current"
                      "setFloat32MatmulPrecision call has no effect.", UserWarning, stacklevel=2)
        return
    Settings.precision = precision


def get_float32_matmul_precision():
    """The precision set for products of float32 matrices."""
    return Settings.precision


def set_flush_denormal(mode):
    """Let numbers below the smallest normal one become 0: False, as that cannot be done here."""
    return not mode


def use_deterministic_algorithms(mode, *, warn_only=False):
    """Ask for algorithms that give the same numbers on every run: all do here.

    Raises TypeError for what is no bool.
    """
    if not isinstance(mode, bool):
        raise TypeError("_set_deterministic_algorithms(): argument 'mode' (position 1) must be "
                        f"bool, not {type(mode).__name__}")
    Settings.debug_mode = (1 if warn_only else 2) if mode else 0


def are_deterministic_algorithms_enabled():
    """Whether deterministic algorithms were asked for."""
    return Settings.debug_mode > 0


def is_deterministic_algorithms_warn_only_enabled():
    """Whether others were to be warned of only."""
    return Settings.debug_mode == 1


def set_deterministic_debug_mode(debug_mode):
    """"default" (0), "warn" (1) or "error" (2): what to do where an algorithm is random.

    Raises RuntimeError for another mode, TypeError for another type.
    """
    if isinstance(debug_mode, str):
        if debug_mode not in DEBUG_MODES:
            raise RuntimeError("invalid value of debug_mode, expected one of `default`, `warn`, "
                               f"`error`, but got {debug_mode}")
        debug_mode = DEBUG_MODES.index(debug_mode)
    elif not isinstance(debug_mode, int):
        raise TypeError(f"debug_mode must be str or int, but got {type(debug_mode)}")
    if debug_mode not in (0, 1, 2):
        raise RuntimeError("invalid value of debug_mode, expected 0, 1, or 2, but got "
                           f"{debug_mode}")
    Settings.debug_mode = debug_mode


def get_deterministic_debug_mode():
    """0, 1 or 2: see set_deterministic_debug_mode."""
    return Settings.debug_mode


def set_warn_always(b, /):
    """Whether a warning appears each time: recorded; `warnings.simplefilter` decides it here.

    Raises RuntimeError for what is no bool.
    """
    if not isinstance(b, bool):
        raise RuntimeError(f"setWarnOnlyOnce expects a bool, but got {type(b).__name__}")
    Settings.warns_always = b


def is_warn_always_enabled():
    """Whether set_warn_always was told so."""
    return Settings.warns_always


# ---- where tensors are made -----------------------------------------------------------------


def set_default_device(device):
    """Where tensors are made that are not told where. Raises where they cannot live there."""
    Settings.device = None if device is None else check_cpu(device)


def get_default_device():
    """The device on which tensors are made."""
    return device("cpu") if Settings.device is None else Settings.device


def set_default_tensor_type(t, /):
    """The older way to set the default dtype: torch.DoubleTensor, or its name."""
    warn("torch.set_default_tensor_type() is deprecated as of PyTorch 2.1, please use "
         "torch.set_default_dtype() and torch.set_default_device() as alternatives.")
    if isinstance(t, str):
        from learntorch.core import legacy
        t = getattr(legacy, t.rpartition(".")[2])
    set_default_dtype(t.dtype)
