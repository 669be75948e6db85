"""learntorch: learn deep learning by reading it. PyTorch's API in readable Python on NumPy."""

import warnings as _warnings
from math import e, inf, nan, pi

from learntorch import ops as _ops
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
from learntorch.core.devices import device
from learntorch.core.dtypes import (
    bfloat16,
    can_cast,
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
from learntorch.core.shapes import Size
from learntorch.core.tensor import (
    Tensor,
    channels_last,
    channels_last_3d,
    contiguous_format,
    layout,
    memory_format,
    preserve_format,
    strided,
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
from learntorch.version import __version__

# 0/0 is NaN without further ado, as in PyTorch: NumPy's warnings from our frames say nothing new.
_warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"learntorch\.")

_attach_all()
globals().update(_face("torch"))

from learntorch import (
    autograd,
    cuda,
    linalg,
    nn,
    optim,
    random,
    special,
    utils,
    version,
)

__all__ = [_name for _name in globals() if _name[0] != "_"]


def __getattr__(name):
    from learntorch.core.failures import no_such_name
    raise no_such_name("torch", name, __all__)
