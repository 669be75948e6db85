"""learntorch: learn deep learning by reading it. PyTorch's API in readable Python on NumPy."""

import warnings as _warnings
from math import e, inf, nan, pi

from learntorch import ops as _ops
from learntorch._script import alias
from learntorch.core.ambient import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from learntorch.core.anomaly import (
    is_anomaly_check_nan_enabled,
    is_anomaly_enabled,
)
from learntorch.core.devices import (
    device,
    layout,
    sparse_bsc,
    sparse_bsr,
    sparse_coo,
    sparse_csc,
    sparse_csr,
    strided,
)
from learntorch.core.dtypes import (
    bfloat16,
    can_cast,
    complex32,
    complex64,
    complex128,
    dtype,
    finfo,
    float16,
    float32,
    float64,
    get_default_dtype,
    iinfo,
    int8,
    int16,
    int32,
    int64,
    promote_types,
    result_type,
    set_default_dtype,
    uint8,
    uint16,
    uint32,
    uint64,
)
from learntorch.core.dtypes import bool_ as bool
from learntorch.core.dtypes import complex32 as chalf
from learntorch.core.dtypes import complex64 as cfloat
from learntorch.core.dtypes import complex128 as cdouble
from learntorch.core.dtypes import float16 as half
from learntorch.core.dtypes import float32 as float
from learntorch.core.dtypes import float64 as double
from learntorch.core.dtypes import int16 as short
from learntorch.core.dtypes import int32 as int
from learntorch.core.dtypes import int64 as long
from learntorch.core.legacy import (
    BFloat16Tensor,
    BoolTensor,
    ByteTensor,
    CharTensor,
    DoubleTensor,
    FloatTensor,
    HalfTensor,
    IntTensor,
    LongTensor,
    ShortTensor,
)
from learntorch.core.methods import attach_all as _attach_all
from learntorch.core.op import face as _face
from learntorch.core.printing import set_printoptions
from learntorch.core.settings import (
    are_deterministic_algorithms_enabled,
    get_default_device,
    get_deterministic_debug_mode,
    get_float32_matmul_precision,
    get_num_interop_threads,
    get_num_threads,
    is_deterministic_algorithms_warn_only_enabled,
    is_warn_always_enabled,
    set_default_device,
    set_default_tensor_type,
    set_deterministic_debug_mode,
    set_float32_matmul_precision,
    set_flush_denormal,
    set_num_interop_threads,
    set_num_threads,
    set_warn_always,
    use_deterministic_algorithms,
)
from learntorch.core.failures import OutOfMemoryError
from learntorch.core.shapes import Size
from learntorch.core.storage import TypedStorage, UntypedStorage
from learntorch.core.storage_kinds import (
    BFloat16Storage,
    BoolStorage,
    ByteStorage,
    CharStorage,
    ComplexDoubleStorage,
    ComplexFloatStorage,
    DoubleStorage,
    FloatStorage,
    HalfStorage,
    IntStorage,
    LongStorage,
    ShortStorage,
)
from learntorch.core.storage_kinds import FloatStorage as Storage
from learntorch.core.tensor import (
    Tensor,
    channels_last,
    channels_last_3d,
    contiguous_format,
    memory_format,
    preserve_format,
)
from learntorch.random import (
    Generator,
    default_generator,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)
from learntorch.torch_version import __version__

# 0/0 is NaN without further ado, as in PyTorch: NumPy's warnings from our frames say nothing new.
_warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"learntorch\.")

newaxis = None

_attach_all()
globals().update(_face("torch"))

from learntorch import (
    accelerator,
    amp,
    autograd,
    backends,
    cpu,
    cuda,
    fft,
    linalg,
    nn,
    optim,
    random,
    special,
    utils,
    version,
)

from learntorch.amp import GradScaler
from learntorch.amp.autocast_mode import (
    autocast,
    clear_autocast_cache,
    get_autocast_cpu_dtype,
    get_autocast_dtype,
    get_autocast_gpu_dtype,
    is_autocast_cache_enabled,
    is_autocast_cpu_enabled,
    is_autocast_enabled,
    set_autocast_cache_enabled,
    set_autocast_dtype,
    set_autocast_enabled,
)

# What `import learntorch` does without: rooms, and names in them, loaded when first named.
_ROOMS = ("distributions", "func", "hub", "masked", "multiprocessing", "profiler", "return_types",
          "serialization", "signal", "storage", "testing")
_ELSEWHERE = {"load": "serialization", "save": "serialization", "vmap": "func"}

__all__ = [_name for _name in [*globals(), *_ROOMS, *_ELSEWHERE] if _name[0] != "_"]


def __getattr__(name):
    if name in _ROOMS or name in _ELSEWHERE:
        import importlib
        found = importlib.import_module(f"learntorch.{_ELSEWHERE.get(name, name)}")
        if name in _ELSEWHERE:
            found = globals()[name] = getattr(found, name)
        return found
    from learntorch._script import ABSENT, aliased
    if f"torch.{name}" in ABSENT:
        if not aliased():
            raise AttributeError(f"module 'torch' has no attribute '{name}'. PyTorch has it, and "
                                 "learntorch does not.")
        import importlib
        return importlib.import_module(f"torch.{name}")
    from learntorch.core.failures import no_such_name
    raise no_such_name("torch", name, __all__)


def __dir__():
    return sorted({*globals(), *__all__})
