"""Autocast: which ops run in a shorter float, and the interceptor that casts their tensors.

Products are fast and safe in 16 bits, sums of many terms and losses are not. So inside
`torch.autocast` the ops named in `LOWER` get their float tensors in the chosen short type, those in
`FULL` in float32, those in `WIDEST` in the widest type among them; every other op takes what it is
given. float64, integers and complex numbers are left alone. The lists are PyTorch's for the CPU.
"""

import functools

from learntorch.core.ambient import State, ambient, intercepted_by
from learntorch.core.dtypes import bfloat16, float16, float32, float64
from learntorch.core.graph import Leaf
from learntorch.core.tensor import Tensor

LOWER = frozenset((
    "mm", "bmm", "batched", "vector_product", "addmm", "addbmm", "baddbmm", "linear",
    "linalg.vecdot", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d",
    "conv_transpose3d", "prelu", "scaled_dot_product_attention", "lstm",
    "rnn_tanh", "rnn_relu", "rnn_tanh_cell", "rnn_relu_cell",
))

FULL = frozenset((
    "prod", "trace", "quantile", "nanquantile", "cdist", "polar", "view_as_complex", "stft",
    "grid_sample", "grid_sampler_2d", "grid_sampler_3d", "avg_pool3d", "max_pool3d",
    "adaptive_avg_pool3d", "adaptive_max_pool3d", "fractional_max_pool2d", "fractional_max_pool3d",
    "max_unpool1d", "max_unpool2d", "max_unpool3d", "reflection_pad1d", "reflection_pad2d",
    "replication_pad1d", "replication_pad2d", "replication_pad3d",
    "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "nll_loss", "cross_entropy",
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "kl_div",
    "ctc_loss", "poisson_nll_loss", "cosine_embedding_loss", "hinge_embedding_loss",
    "margin_ranking_loss", "multi_margin_loss", "multilabel_margin_loss", "soft_margin_loss",
    "triplet_margin_loss",
    "cholesky", "cholesky_inverse", "cholesky_solve", "inverse", "lu", "lu_solve", "geqrf",
    "orgqr", "ormqr", "pinverse", "qr", "svd", "triangular_solve", "linalg.cholesky",
    "linalg.cholesky_ex", "linalg.cond", "linalg.eig", "linalg.eigh", "linalg.eigvals",
    "linalg.eigvalsh", "linalg.householder_product", "linalg.inv", "linalg.inv_ex",
    "linalg.lstsq", "linalg.matrix_rank", "linalg.qr", "linalg.solve", "linalg.svd",
    "linalg.svdvals", "linalg.tensorinv", "linalg.tensorsolve",
    "fft.fft", "fft.ifft", "fft.fft2", "fft.ifft2", "fft.fftn", "fft.ifftn", "fft.rfft",
    "fft.irfft", "fft.rfft2", "fft.irfft2", "fft.rfftn", "fft.irfftn", "fft.hfft", "fft.ihfft",
))

WIDEST = frozenset(("cat", "stack", "index_copy"))
LISTED = LOWER | FULL | WIDEST


class Casting:
    """Interceptor: casts the tensors of a listed op, then lets it happen.

    `dtypes` holds the short type for each type of device, `enabled` where autocast is on. A leaf
    that requires grad, such as a weight, is cast once and kept in `cache` until the outermost
    block ends, so that its uses share one node. While it is `paused` it lets everything pass:
    inside a listed op, and beneath a later Casting, whose settings count instead.
    """

    __slots__ = ("outer", "beneath", "dtypes", "enabled", "cache_enabled", "cache", "paused")

    def __init__(self, outer, old, **what):
        self.outer = outer
        self.beneath = casting_in(outer)
        self.dtypes = what.get("dtypes", old.dtypes if old else DEFAULTS)
        self.enabled = what.get("enabled", old.enabled if old else {})
        self.cache_enabled = what.get("cache_enabled", old.cache_enabled if old else True)
        self.cache = old.cache if old else {}
        self.paused = 0

    def __call__(self, function, args, kwargs):
        key = function.op.key
        with intercepted_by(self.outer), pause(self.beneath):
            if key in LISTED and not self.paused and function.__name__[-1] != "_":
                args, kwargs = self.cast(key, args, kwargs)
            return function(*args, **kwargs)

    def cast(self, key, args, kwargs):
        """The arguments of the op `key`, each tensor in the type it is to be computed in."""
        if kwargs.get("out") is not None:
            return args, kwargs
        wanted = float32 if key in FULL else self.widest((*args, *kwargs.values())) \
            if key in WIDEST else None
        return ([self.converted(value, wanted) for value in args],
                {name: self.converted(value, wanted) for name, value in kwargs.items()})

    def converted(self, value, wanted):
        """`value` with its tensors in the type `wanted`, None: in the short type."""
        if isinstance(value, (list, tuple)):
            return type(value)([self.converted(v, wanted) for v in value]) \
                if any(isinstance(v, Tensor) for v in value) else value
        short = self.short_type(value)
        if short is None:
            return value
        dtype = wanted or short
        if value.dtype is dtype:
            return value
        if wanted is None and self.cache_enabled and type(value._edge) is Leaf \
                and value.dtype is float32:
            return self.cached(value, dtype)
        return value.to(dtype)

    def cached(self, t, dtype):
        """A leaf in the type `dtype`: converted when it is met for the first time."""
        key = (id(t), ambient.state.grad)
        found = self.cache.get(key)
        if found is None or found[1].dtype is not dtype:
            found = self.cache[key] = (t, t.to(dtype))      # with `t`, so that its id stays its own
        return found[1]

    def short_type(self, value):
        """The short type for a tensor that autocast touches, else None."""
        if not isinstance(value, Tensor) or not value.is_floating_point():
            return None
        if value.dtype is float64 or not self.enabled.get(value.device.type):
            return None
        return self.dtypes[value.device.type]

    def widest(self, values):
        """The type in which tensors of several types meet: float32 if there is one."""
        widest = None
        for value in values:
            for t in value if isinstance(value, (list, tuple)) else (value,):
                short = self.short_type(t)
                if short is None:
                    continue
                if t.dtype is float32:
                    return float32
                if t.dtype is not short:
                    raise RuntimeError("Unexpected floating ScalarType in at::autocast::prioritize"
                                       f": {t.dtype} and {short} do not meet.")
                widest = short
        return widest or float32


DEFAULTS = {"cpu": bfloat16, "cuda": float16}


class pause:
    """Inside the block the Casting (None: there is none) casts nothing."""

    __slots__ = ("casting",)

    def __init__(self, casting):
        self.casting = casting

    def __enter__(self):
        if self.casting is not None:
            self.casting.paused += 1

    def __exit__(self, *error):
        if self.casting is not None:
            self.casting.paused -= 1


def autocasting(state):
    """The Casting that is in force in a State, or None where autocast is off."""
    found = casting_in(state.intercept)
    return found if found is not None and any(found.enabled.values()) else None


def casting_in(intercept):
    """The first Casting in a chain of interceptors, or None."""
    while intercept is not None and type(intercept) is not Casting:
        intercept = getattr(intercept, "outer", None)
    return intercept


def settings():
    """The Casting in force in this thread, or one in which everything is off."""
    return casting_in(ambient.state.intercept) or Casting(None, None)


def put_on(**what):
    """Change settings (attributes of Casting) in this thread; return the Casting, for `take_off`.

    None where autocast was off and stays so: then no op has to ask.
    """
    now = ambient.state
    old = casting_in(now.intercept)
    casting = Casting(now.intercept, old, **what)
    plain = casting.cache_enabled and casting.dtypes == DEFAULTS
    if old is None and plain and not any(casting.enabled.values()):
        return None
    ambient.state = State(now.grad, now.inference, casting)
    return casting


def take_off(casting):
    """Take the settings back; everything else that was switched since stays."""
    now = ambient.state
    if now.intercept is casting:
        ambient.state = State(now.grad, now.inference, casting.outer)
        return
    above = now.intercept
    while above is not None and getattr(above, "outer", None) is not casting:
        above = getattr(above, "outer", None)
    if above is not None:
        above.outer = casting.outer


def watched(op, function):
    """A composite whose name is in a list: its tensors are cast, its inner ops are left alone."""
    if op.key not in LISTED:
        return function

    @functools.wraps(function)
    def call(*args, **named):
        intercept = ambient.state.intercept
        if intercept is None:
            return function(*args, **named)
        casting = casting_in(intercept)
        if casting is None or casting.paused:
            return function(*args, **named)
        args, named = casting.cast(op.key, args, named)
        with pause(casting):
            return function(*args, **named)
    return call
