"""Where a tensor's memory lies, and how."""

_TYPES = ("cpu", "cuda", "meta", "mps", "xpu")
_NAMES = ("cpu", "cuda", "ipu", "xpu", "mkldnn", "opengl", "opencl", "ideep", "hip", "ve", "fpga",
          "maia", "xla", "lazy", "vulkan", "mps", "meta", "hpu", "mtia", "privateuseone")


class device:
    """A place for tensors: `device("cpu")`, `device("cuda", 1)`, `device("cuda:1")`."""

    __slots__ = ("type", "index")

    def __init__(self, type, index=None):
        if isinstance(type, device):
            type, index = type.type, type.index
        elif isinstance(type, int):
            type, index = "cuda", type
        elif not isinstance(type, str):
            raise TypeError(f"device(): argument 'type' must be str, not {type.__class__.__name__}")
        name, colon, number = type.partition(":")
        if name not in _TYPES:
            raise RuntimeError(f"Expected one of {', '.join(_NAMES)} device type at start of "
                               f"device string: {name}. 'cpu' is the one that is always there.")
        if colon:
            if index is not None:
                raise RuntimeError(f"type (string) must not include an index because index was "
                                   f"passed explicitly: {type}")
            if not number.isdigit():
                raise RuntimeError(f"Invalid device string: '{type}'")
            index = int(number)
        self.type = name
        self.index = index

    def __repr__(self):
        if self.index is None:
            return f"device(type='{self.type}')"
        return f"device(type='{self.type}', index={self.index})"

    def __str__(self):
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other):
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self):
        return hash((self.type, self.index))

    def __enter__(self):
        check_cpu(self)
        return self

    def __exit__(self, *error):
        """Tensors made in a `with torch.device("cpu")` block are where all tensors are."""

    def __reduce__(self):
        return (device, (self.type, self.index))


cpu = device("cpu")


class Named:
    """A constant of PyTorch's that is known by its name alone."""

    __slots__ = ("name",)

    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return f"torch.{self.name}"

    def __reduce__(self):
        return self.name


class layout(Named):
    """How a tensor's elements are stored. `torch.strided` (all of them, in steps) is the kind that
    tensors here have; the sparse kinds are names to compare with."""

    __slots__ = ()


strided = layout("strided")
sparse_coo = layout("sparse_coo")
sparse_csr = layout("sparse_csr")
sparse_csc = layout("sparse_csc")
sparse_bsr = layout("sparse_bsr")
sparse_bsc = layout("sparse_bsc")


def check_cpu(place, kind=None):
    """The device meant by `place` (None: cpu). Raises where tensors cannot live here.

    `kind` is the layout asked for: RuntimeError for a sparse one, TypeError for no layout at all.
    """
    if kind is not None and kind is not strided:
        check_strided(kind)
    if place is None or place is cpu:
        return cpu
    found = device(place)
    if found.type == "cuda":
        raise AssertionError("Torch not compiled with CUDA enabled. There is no GPU backend on "
                             "this machine: use device='cpu', or write "
                             "device = 'cuda' if torch.cuda.is_available() else 'cpu'.")
    if found.type != "cpu":
        raise RuntimeError(f"device '{found}' is not available: tensors live on 'cpu' here")
    return cpu


def check_strided(kind):
    """Raise for any layout but `torch.strided`."""
    if not isinstance(kind, layout):
        raise TypeError(f"argument 'layout' must be torch.layout, not {type(kind).__name__}")
    raise RuntimeError(f"layout {kind} is not implemented for sparse layout: every element is "
                       "stored here, zeros too. Leave `layout` out.")
