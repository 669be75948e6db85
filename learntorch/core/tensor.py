"""The tensor: an array, whether it takes part in autograd, and the bridges to NumPy and Python.

No mathematics here: ops attach themselves as methods (see methods.py). Attributes that most
tensors never need are class attributes; an instance carries only what differs.
"""

import warnings

import numpy as np

from learntorch.core import dtypes, graph, printing
from learntorch.core.ambient import ambient
from learntorch.core.devices import Named, check_cpu, cpu, strided
from learntorch.core.graph import Leaf, Pick, cell_of, hooks_of, vertex
from learntorch.core.shapes import Size, wrap_dim
from learntorch.core.warned import warn

new = object.__new__


class Tensor:
    """A multi-dimensional array of numbers of one type, which can remember how it was computed.

    Made by `torch.tensor(data)`, `torch.zeros(2, 3)`, `torch.from_numpy(array)` and by operations.
    `torch.Tensor(2, 3)` makes an uninitialised one, `torch.Tensor([1, 2])` one from data; both use
    the default floating-point type.
    """

    _edge = None            # Node, Leaf or Pick: where this tensor's gradient goes
    _live = False           # False: certainly no history, ops need not look
    _cell = None            # shared with all that look at the same memory
    _base = None            # of a view: the tensor it looks into
    _chain = ()             # of a view: the steps that lead from the base to it
    _seen = 0               # of a view: when its history was last brought up to date
    _made = None            # of a view: "no_grad" or "multi" where PyTorch forbids in-place writes
    _inference = False
    _grad = None
    _names = None
    _tangents = None        # forward mode: {level: derivative along the level's direction}

    __array_priority__ = 1000

    def __new__(cls, *args, device=None, dtype=None):
        check_cpu(device)
        t = new(cls)
        t._data = _legacy(args, dtype)
        return t

    # ---- what it is -----------------------------------------------------------------------

    @property
    def shape(self):
        """The sizes of all dimensions, a `torch.Size`."""
        return Size(self._data.shape)

    def size(self, dim=None):
        """The shape, or one size. Raises IndexError for a dimension that is not there."""
        if dim is None:
            return Size(self._data.shape)
        return self._data.shape[wrap_dim(dim, self._data.ndim)]

    @property
    def ndim(self):
        """The number of dimensions."""
        return self._data.ndim

    def dim(self):
        """The number of dimensions."""
        return self._data.ndim

    ndimension = dim

    @property
    def dtype(self):
        """The element type, such as `torch.float32`."""
        return dtypes.of(self._data.dtype)

    @property
    def device(self):
        """Where the memory lies."""
        return cpu

    @property
    def layout(self):
        """How elements lie in memory: always `torch.strided`."""
        return strided

    is_cuda = is_sparse = is_quantized = is_mkldnn = is_meta = is_mps = is_nested = False
    is_sparse_csr = is_xpu = is_vulkan = False
    is_cpu = True

    def numel(self):
        """The number of elements."""
        return self._data.size

    nelement = numel

    @property
    def itemsize(self):
        """Bytes of one element."""
        return self._data.itemsize

    @property
    def nbytes(self):
        """Bytes of all elements."""
        return self._data.nbytes

    def element_size(self):
        """Bytes of one element."""
        return self._data.itemsize

    def stride(self, dim=None):
        """How many elements to move in memory for one step. IndexError for an unknown `dim`."""
        a = self._data
        steps = tuple(s // a.itemsize for s in a.strides)
        if 0 in a.shape:
            steps = _contiguous_steps(a.shape)
        return steps if dim is None else steps[wrap_dim(dim, a.ndim)]

    def storage_offset(self):
        """Where in its storage the first element lies, in elements."""
        a = self._data
        return (a.ctypes.data - owner(a).ctypes.data) // a.itemsize if a.size else 0

    def data_ptr(self):
        """The address of the first element."""
        return self._data.ctypes.data if self._data.size else 0

    def is_contiguous(self, memory_format=None):
        """Whether elements lie in memory in row-major order without gaps."""
        return self._data.flags.c_contiguous

    def is_floating_point(self):
        """Whether the element type is a floating-point one."""
        return self.dtype.is_floating_point

    def is_complex(self):
        """Whether the element type is complex."""
        return self.dtype.is_complex

    def is_signed(self):
        """Whether the element type has negative numbers."""
        return self.dtype.is_signed or self.dtype.is_floating_point

    def is_inference(self):
        """Whether it was made under `torch.inference_mode()`."""
        return self._inference

    def is_conj(self):
        """Whether conjugation is still to be done: never, it is done at once here."""
        return False

    is_neg = is_conj

    def is_pinned(self, device=None):
        """Whether its memory is pinned for a GPU: never."""
        return False

    def resolve_conj(self):
        return self

    resolve_neg = resolve_conj

    def get_device(self):
        """The index of the GPU; −1 on the CPU."""
        return -1

    # ---- its part in autograd -------------------------------------------------------------

    @property
    def requires_grad(self):
        """Whether gradients are computed for it."""
        return vertex(self) is not None

    @requires_grad.setter
    def requires_grad(self, value):
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad=True):
        """Turn recording on or off for this leaf, in place.

        Raises RuntimeError on a non-leaf that would be turned off, and for integer types.
        """
        edge = vertex(self)
        if requires_grad:
            if edge is None:
                if self._data.dtype not in dtypes.FLOATS:
                    raise RuntimeError(
                        "only Tensors of floating point dtype can require gradients: this one is "
                        f"{self.dtype}. Make it with floats (1. instead of 1) or call .float().")
                if self._inference and not ambient.state.inference:
                    raise RuntimeError("Setting requires_grad=True on inference tensor outside "
                                       "InferenceMode is not allowed.")
                self._edge = Leaf(self)
                self._live = True
        elif edge is not None:
            if type(edge) is not Leaf:
                raise RuntimeError("you can only change requires_grad flags of leaf variables. If "
                                   "you want to use a computed variable in a subgraph that doesn't "
                                   "require differentiation use var_no_grad = var.detach().")
            self._edge = None
            self._live = self._base is not None
        return self

    @property
    def is_leaf(self):
        """Whether it was made by the user rather than by a recorded operation."""
        edge = vertex(self)
        return edge is None or type(edge) is Leaf

    @property
    def grad_fn(self):
        """The node that made it; None for a leaf."""
        edge = vertex(self)
        return None if edge is None or type(edge) is Leaf else edge

    @property
    def output_nr(self):
        """Which output of its `grad_fn` it is."""
        return self._edge.index if type(self._edge) is Pick else 0

    @property
    def grad(self):
        """The accumulated gradient, a tensor of the same shape, or None."""
        if self._grad is None and self._live:
            edge = vertex(self)
            if edge is not None and type(edge) is not Leaf and not self.retains_grad:
                warnings.warn(
                    "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. "
                    "Its .grad attribute won't be populated during autograd.backward(). If you "
                    "indeed want the .grad field to be populated for a non-leaf Tensor, use "
                    ".retain_grad() on the non-leaf Tensor. If you access the non-leaf Tensor by "
                    "mistake, make sure you access the leaf Tensor instead.",
                    UserWarning, stacklevel=2)
        return self._grad

    @grad.setter
    def grad(self, value):
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(f"assigned grad expected to be a Tensor or None but got grad of "
                                f"type {type(value).__name__}")
            if value is self:
                raise RuntimeError("can't assign Variable as its own grad")
            if value._data.dtype is not self._data.dtype:
                raise RuntimeError(f"attempting to assign a gradient with dtype '{value.dtype}' to "
                                   f"a tensor with grad_dtype '{self.dtype}'.")
            if value._data.shape != self._data.shape:
                raise RuntimeError("attempting to assign a gradient of size "
                                   f"'{list(value._data.shape)}' to a tensor of size "
                                   f"'{list(self._data.shape)}'. Please ensure that the gradient "
                                   "and the tensor are the same size")
        self._grad = value

    @grad.deleter
    def grad(self):
        self._grad = None

    def retain_grad(self):
        """Keep the gradient of this non-leaf in `.grad` too. Raises RuntimeError without one."""
        edge = vertex(self)
        if edge is None:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        if type(edge) is not Leaf:
            hooks_of(edge).retain = graph.weakref.ref(self)

    @property
    def grad_dtype(self):
        """The dtype that `.grad` has: the tensor's own."""
        return self.dtype

    @property
    def retains_grad(self):
        """Whether `retain_grad()` was called on this non-leaf tensor."""
        edge = vertex(self)
        return (edge is not None and edge.hooks is not None and edge.hooks.retain is not None)

    def register_hook(self, hook):
        """Call `hook(gradient)` when this tensor's gradient is known; its answer replaces it.

        Raises RuntimeError for a tensor that requires no gradient.
        """
        edge = vertex(self)
        if edge is None:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        return graph.register(hooks_of(edge).tensor, hook)

    def register_post_accumulate_grad_hook(self, hook):
        """Call `hook(tensor)` once `.grad` of this leaf is updated. RuntimeError for a non-leaf."""
        edge = vertex(self)
        if type(edge) is not Leaf:
            raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf "
                               "tensors")
        return graph.register(hooks_of(edge).deposited, hook)

    def detach(self):
        """The same memory without history; in-place changes are noticed by both."""
        t = new(Tensor)
        t._data = self._data
        t._cell = cell_of(self)
        return t

    def detach_(self):
        """Forget the history, in place. Raises RuntimeError for a view."""
        if self._base is not None:
            raise RuntimeError("Can't detach views in-place. Use detach() instead.")
        self._edge = None
        self._live = False
        return self

    @property
    def data(self):
        """The same memory without history, whose changes autograd does not notice."""
        t = new(Tensor)
        t._data = self._data
        return t

    @data.setter
    def data(self, value):
        if not isinstance(value, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
        self._data = value._data
        if type(self._edge) is Leaf:
            self._edge.shape = self._data.shape
            self._edge.dtype = self._data.dtype

    @property
    def _version(self):
        return 0 if self._cell is None else self._cell.count

    def _is_view(self):
        return self._base is not None

    # ---- to and from NumPy and Python -----------------------------------------------------

    def numpy(self, *, force=False):
        """The values as a NumPy array that shares this tensor's memory.

        Raises RuntimeError on a tensor that requires grad, unless `force`.
        """
        if force:
            return self.detach()._data
        if vertex(self) is not None:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. "
                               "Use tensor.detach().numpy() instead.")
        if self._data.dtype.kind in "VW":
            raise TypeError(f"Got unsupported ScalarType {dtypes.said(self.dtype)}: NumPy has no "
                            "such type. Use tensor.float().numpy() or .cfloat() instead.")
        return self._data

    def __array__(self, dtype=None, copy=None):
        a = self.numpy()
        if dtype is not None and a.dtype != dtype:
            return a.astype(dtype)
        return a.copy() if copy else a

    def __array_wrap__(self, array, context=None, return_scalar=False):
        if array.dtype == bool:
            array = array.astype("uint8")
        return wrap(np.asarray(array))

    def __dlpack__(self, *, stream=None, max_version=None, dl_device=None, copy=None):
        if vertex(self) is not None:
            raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
        return self._data.__dlpack__()

    def __dlpack_device__(self):
        return self._data.__dlpack_device__()

    def item(self):
        """The one element as a Python number. Raises RuntimeError for more elements or none."""
        a = self._data
        if a.size != 1:
            raise RuntimeError(f"a Tensor with {a.size} elements cannot be converted to Scalar: "
                               "reduce it to one element first, or use .tolist().")
        value = a.item()
        return float(value) if a.dtype.kind == "V" else (
            complex(value) if a.dtype.kind == "W" else value)

    def tolist(self):
        """The values as (nested lists of) Python numbers."""
        a = self._data
        if a.dtype.kind in "VW":
            a = a.astype(np.float32 if a.dtype.kind == "V" else np.complex64)
        return a.tolist()

    def __bool__(self):
        a = self._data
        if a.size != 1:
            if a.size == 0:
                raise RuntimeError("Boolean value of Tensor with no values is ambiguous")
            raise RuntimeError("Boolean value of Tensor with more than one value is ambiguous: "
                               "use .any() or .all()")
        return bool(a.item())

    def __int__(self):
        return int(self.item())

    def __float__(self):
        return float(_number(self))

    def __complex__(self):
        return complex(_number(self))

    def __index__(self):
        if self._data.dtype.kind not in "iub" or self._data.size != 1:
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self._data.item())

    def __len__(self):
        if self._data.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return self._data.shape[0]

    def __iter__(self):
        if self._data.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))

    def __contains__(self, element):
        if isinstance(element, (Tensor, bool, int, float, complex)):
            return bool((element == self).any().item())
        raise RuntimeError(f"Tensor.__contains__ only supports Tensor or scalar, but you passed in "
                           f"a {type(element)}.")

    def __reversed__(self):
        return self.flip(0) if self._data.ndim else self

    def __hash__(self):
        return id(self)

    def __repr__(self, *, tensor_contents=None):
        return printing.tensor_repr(self, tensor_contents)

    def __format__(self, format_spec):
        return printing.format_tensor(self, format_spec, type(self) is Tensor)

    # ---- copies ---------------------------------------------------------------------------

    def __deepcopy__(self, memo):
        if not self.is_leaf:
            raise RuntimeError("Only Tensors created explicitly by the user (graph leaves) support "
                               "the deepcopy protocol at the moment. If you were attempting to "
                               "deepcopy a module, this may be because of a torch.nn.utils."
                               "weight_norm usage: call .detach().clone() instead.")
        if id(self) in memo:
            return memo[id(self)]
        from copy import deepcopy
        t = new(type(self))
        t._data = copy_storage(self._data, memo)
        memo[id(self)] = t
        t.__dict__.update({k: deepcopy(v, memo) for k, v in self.__dict__.items() if k[0] != "_"})
        if self._grad is not None:
            t._grad = deepcopy(self._grad, memo)
        if type(self._edge) is Leaf:
            t._edge = Leaf(t)
            t._live = True
        return t

    def __reduce_ex__(self, proto):
        if not self.is_leaf:
            raise RuntimeError("You can't pickle a tensor that has history: call .detach() first, "
                               "or save it from inside torch.no_grad().")
        own = {k: v for k, v in self.__dict__.items() if k[0] != "_"}
        # of a subclass, the tensor within pickles by itself: between processes as a handle
        data = self._data if type(self) is Tensor else self.detach()
        return (rebuild, (type(self), data, vertex(self) is not None, own))


class memory_format(Named):
    """How a copy lays out its elements. Only `contiguous_format` changes anything here."""

    __slots__ = ()


contiguous_format = memory_format("contiguous_format")
preserve_format = memory_format("preserve_format")
channels_last = memory_format("channels_last")
channels_last_3d = memory_format("channels_last_3d")


def wrap(array):
    """A tensor without history that shares memory with `array`."""
    t = new(Tensor)
    t._data = array
    t._base = None
    t._live = False
    return t


def _number(t):
    """`t.item()`, with PyTorch's warning where history is lost on the way."""
    if t._live and vertex(t) is not None:
        warn("Converting a tensor with requires_grad=True to a scalar may lead to unexpected "
             "behavior.\nConsider using tensor.detach() first.")
    return t.item()


def canonical(array):
    """The array with the one dtype object there is of its kind: unpickled arrays bring their own,
    and fast paths compare dtypes with `is`."""
    d = dtypes.of(array.dtype).numpy
    return array if array.dtype is d else array.view(d)


def rebuild(cls, array, requires_grad, own):
    """A tensor from its pickled parts."""
    t = new(cls)
    t._data = array._data if isinstance(array, Tensor) else canonical(array)
    t.__dict__.update(own)
    return t.requires_grad_(requires_grad)


def owner(a):
    """The array that owns the memory `a` looks at."""
    base = a.base
    while base is not None:
        if isinstance(base, np.ndarray):
            a = base
        base = getattr(base, "base", None)      # as_strided puts an object of its own between
    return a


def copy_storage(a, memo):
    """A copy of an array; arrays that shared memory share it again in the copy."""
    root = owner(a)
    if root is a:
        copied = memo.get(id(a))
        if copied is None:
            copied = memo[id(a)] = a.copy(order="K")
            memo.setdefault(id(memo), []).append(a)
        return copied
    fresh = copy_storage(root, memo)
    offset = a.ctypes.data - root.ctypes.data
    if not (fresh.flags.c_contiguous or fresh.flags.f_contiguous) or root.strides != fresh.strides:
        return a.copy()
    return np.ndarray(a.shape, a.dtype, fresh.data if fresh.flags.c_contiguous else fresh.T.data,
                      offset, a.strides)


def _contiguous_steps(shape):
    steps = []
    step = 1
    for n in reversed(shape):
        steps.append(step)
        step *= max(n, 1)
    return tuple(reversed(steps))


def _legacy(args, dtype):
    """The array of `Tensor(...)`: sizes give uninitialised memory, anything else is data."""
    numpy_type = (dtype or dtypes.get_default_dtype()).numpy
    if not args:
        return np.empty((0,), numpy_type)
    if all(isinstance(n, int) and not isinstance(n, bool) for n in args):
        return np.empty(args, numpy_type)
    if len(args) > 1:
        raise TypeError("new() received an invalid combination of arguments - got "
                        f"({', '.join(type(a).__name__ for a in args)}): give sizes as "
                        "integers, or one sequence of data.")
    data = args[0]
    if isinstance(data, Size):
        return np.empty(tuple(data), numpy_type)
    if isinstance(data, Tensor):
        return data._data
    if not hasattr(data, "__len__"):
        raise TypeError(f"new(): data must be a sequence (got {type(data).__name__})")
    return np.array(data, numpy_type)
