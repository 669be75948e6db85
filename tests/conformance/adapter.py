"""Move values and callables between PyTorch (the reference) and a library under test.

Both sides are driven through the *same* class, :class:`Side`.  The reference is
``Side("torch")``; the library under test is ``Side("learntorch")`` (or any other
module name).  A pristine sample made by torch's own test database is converted
afresh for each side, always through numpy, so neither side can see the other's
tensors and in-place mutation never leaks.
"""
import dataclasses
import functools
import importlib
import inspect
import types

import numpy as np
import torch

# dtypes numpy cannot hold: they travel in a wider carrier, and are exact in it
_CARRIER = {"bfloat16": "float32", "complex32": "complex64"}
_PLAIN = frozenset((bool, int, float, complex, str, bytes))
_UPCAST = {"float16": "float64", "bfloat16": "float64", "float32": "float64",
           "complex32": "complex128", "complex64": "complex128"}


class Missing(AttributeError):
    """The library under test has no such public name."""


class Unconvertible(TypeError):
    """A value of the sample cannot be expressed outside torch (e.g. a sparse tensor)."""


class NotATensor(AssertionError):
    """The library returned something that is not its own Tensor."""


# --------------------------------------------------------------------------
# public names of torch objects
# --------------------------------------------------------------------------

_NAMESPACES = ["", "nn.functional", "nn", "linalg", "fft", "special", "nn.init",
               "signal.windows", "nn.utils", "nn.utils.rnn", "optim",
               "optim.lr_scheduler", "autograd", "masked", "sparse", "functional",
               "distributions", "nn.utils.parametrizations"]


def _walk(root, dotted):
    for part in dotted.split(".") if dotted else []:
        root = getattr(root, part)
    return root


@functools.lru_cache(maxsize=None)
def _public_ids():
    """id(torch object) -> dotted public name below ``torch``."""
    table = {}
    for space in _NAMESPACES:
        try:
            mod = _walk(torch, space)
        except AttributeError:
            continue
        for name in dir(mod):
            if name.startswith("_") and space != "":
                continue
            try:
                obj = getattr(mod, name)
            except Exception:
                continue
            if callable(obj) or isinstance(obj, types.ModuleType):
                table.setdefault(id(obj), f"{space}.{name}" if space else name)
    relics = {"__div__", "__rdiv__", "__idiv__", "__long__", "__nonzero__"}       # Python 2
    for name in sorted(set(dir(torch.Tensor)) - relics, key=lambda n: (n.startswith("_"), n)):
        obj = getattr(torch.Tensor, name, None)
        if callable(obj):
            table.setdefault(id(obj), f"Tensor.{name}")
    return table


def public_name(obj):
    """Dotted name (without the ``torch.`` prefix) of a public torch object, or None."""
    name = _public_ids().get(id(obj))
    if name is not None:
        try:
            if _walk(torch, name) is obj:
                return name
        except AttributeError:
            pass
    return None


def function_name(fn, hint=None):
    """Like :func:`public_name`, preferring ``hint`` if that is a name of the same function."""
    if hint is not None:
        try:
            if _walk(torch, hint) is fn:
                return hint
        except AttributeError:
            pass
    return public_name(fn)


def dtype_name(dtype):
    """'float32' for torch.float32, learntorch.float32, numpy float32..."""
    text = str(dtype)
    if text.startswith("<class"):                  # numpy scalar types
        return np.dtype(dtype).name
    return text.rsplit(".", 1)[-1]


# --------------------------------------------------------------------------
# recording how modules inside samples were constructed
# --------------------------------------------------------------------------

_recorders = []                 # one entry for each `with record_module_construction()` now open


def _recording_new(cls, *args, **kwargs):
    obj = object.__new__(cls)
    if _recorders:
        obj.__dict__["_conformance_ctor"] = (args, kwargs)
    return obj


class record_module_construction:
    """While active, every new torch.nn.Module remembers its constructor arguments.

    Some samples carry a live module (a TransformerEncoder takes an encoder layer);
    to build the same thing in another library its arguments must be known.
    """

    def __enter__(self):
        if torch.nn.Module.__new__ is not _recording_new:
            torch.nn.Module.__new__ = _recording_new      # stays; it only records when asked
        _recorders.append(self)
        return self

    def __exit__(self, *exc):
        _recorders.remove(self)


# --------------------------------------------------------------------------
# one side of the comparison
# --------------------------------------------------------------------------

class Side:
    def __init__(self, name, device=None):
        self.name = name
        self.lib = importlib.import_module(name)
        self.device = device or "cpu"
        self.seed = 42               # what a rebuilt "wrapper_set_seed" seeds with
        self.used_seed_wrapper = False
        self._functions = {}

    # ---- names ----------------------------------------------------------
    def resolve(self, dotted):
        """'nn.functional.relu' -> the object of that name in this library."""
        obj, path = self.lib, self.name
        for part in dotted.split("."):
            path += "." + part
            try:
                obj = getattr(obj, part)
            except AttributeError:
                try:
                    obj = importlib.import_module(path)
                except ImportError:
                    raise Missing(f"no {dotted} in {self.name}") from None
        return obj

    def has(self, dotted):
        try:
            self.resolve(dotted)
            return True
        except Exception:
            return False

    # ---- small things ---------------------------------------------------
    def manual_seed(self, seed):
        self.resolve("manual_seed")(seed)

    def dtype(self, d):
        return self.resolve(dtype_name(d))

    # ---- tensors in -----------------------------------------------------
    def from_numpy(self, array):
        for name in ("from_numpy", "as_tensor", "tensor"):
            if hasattr(self.lib, name):
                t = getattr(self.lib, name)(array)
                break
        else:
            raise Missing(f"{self.name} has none of from_numpy, as_tensor, tensor")
        if self.device != "cpu":
            t = t.to(self.device)
        return t

    def tensor(self, t, upcast=False):
        """A torch tensor -> an equal tensor of this library (fresh memory, same strides)."""
        name = dtype_name(t.dtype)
        array = strided_copy(t)
        want = name
        if upcast and name in _UPCAST:
            want = _UPCAST[name]
            array = _astype_keep_strides(array, want)
        x = self.from_numpy(array)
        if want in _CARRIER:
            x = x.to(self.resolve(want))
        if isinstance(t, torch.nn.Parameter):
            x = self.resolve("nn.Parameter")(x, requires_grad=t.requires_grad)
        elif t.requires_grad:
            x = x.requires_grad_(True)
        return x

    # ---- tensors out ----------------------------------------------------
    def is_tensor(self, x):
        cls = getattr(self.lib, "Tensor", None)
        return isinstance(cls, type) and isinstance(x, cls)

    def numpy(self, x):
        """A tensor of this library -> numpy (bfloat16 comes back as float32)."""
        if not self.is_tensor(x):
            raise NotATensor(f"expected a {self.name}.Tensor, got {type(x).__name__}")
        name = dtype_name(x.dtype)
        x = x.detach()
        if self.device != "cpu":
            x = x.cpu()
        if name in _CARRIER:
            x = x.to(self.resolve(_CARRIER[name]))
        if self.lib is torch and x.layout is not torch.strided:
            raise Unconvertible(f"{x.layout} output")
        if hasattr(x, "resolve_conj") and hasattr(x, "resolve_neg"):
            x = x.resolve_conj().resolve_neg()        # torch's lazy conjugate / negative bits
        a = np.asarray(x.numpy())
        return a.copy() if a.size else np.empty(a.shape, a.dtype)

    # ---- functions ------------------------------------------------------
    def function(self, fn, hint=None):
        """The callable of this library that corresponds to a torch callable.

        ``hint`` is the dotted name under which the database knows it (torch gives some
        functions several names, e.g. torch.conv1d and torch.nn.functional.conv1d).
        """
        key = id(fn), hint
        if key not in self._functions:
            self._functions[key] = (fn, self._make_function(fn, hint))
        return self._functions[key][1]

    def _make_function(self, fn, hint=None):
        if isinstance(fn, functools.partial):
            conv = Converter(self)
            return functools.partial(self.function(fn.func), *conv(fn.args), **conv(fn.keywords))
        name = function_name(fn, hint)
        if name is not None:
            return self.resolve(name)
        module = getattr(fn, "__module__", None) or ""
        if isinstance(fn, types.FunctionType):
            if fn.__name__ == "wrapper_set_seed":
                return self._seeded_call
            if module.startswith("torch.testing") or not module.startswith("torch"):
                return self._rebuild(fn)
        if module == "_operator":
            return fn
        if self.lib is torch:
            return fn
        raise Missing(f"no counterpart known for {getattr(fn, '__qualname__', fn)!r}")

    def _seeded_call(self, op, *args, **kwargs):
        self.used_seed_wrapper = True
        self.manual_seed(self.seed)
        return op(*args, **kwargs)

    def _rebuild(self, fn):
        """Re-create a plain Python function with torch's names bound to this library."""
        names = set()
        stack = [fn.__code__]
        while stack:
            code = stack.pop()
            names.update(code.co_names)
            stack.extend(c for c in code.co_consts if isinstance(c, types.CodeType))
        env = {"__builtins__": __builtins__, "__name__": fn.__module__}
        clone = types.FunctionType(fn.__code__, env, fn.__name__, None, self._closure(fn))
        self._functions[id(fn), None] = (fn, clone)      # allow recursion
        for name in names:
            if name in fn.__globals__:
                env[name] = self.value(fn.__globals__[name])
        conv = Converter(self)
        if fn.__defaults__ is not None:
            clone.__defaults__ = tuple(self.value(v, conv) for v in fn.__defaults__)
        if fn.__kwdefaults__ is not None:
            clone.__kwdefaults__ = {k: self.value(v, conv) for k, v in fn.__kwdefaults__.items()}
        return clone

    def _closure(self, fn):
        if fn.__closure__ is None:
            return None
        conv = Converter(self)
        return tuple(types.CellType(self.value(c.cell_contents, conv)) for c in fn.__closure__)

    def value(self, v, conv=None):
        """Map any global / closure value: the torch module becomes the library, and so on."""
        if isinstance(v, types.ModuleType):
            if v is torch:
                return self.lib
            if v.__name__.startswith("torch.") and not v.__name__.startswith("torch.testing"):
                try:
                    return self.resolve(v.__name__[len("torch."):])
                except Missing:
                    return _Absent(v.__name__)
            return v
        try:
            return (conv or Converter(self))(v)
        except (Missing, Unconvertible) as e:
            return _Absent(str(e))


class NullSide(Side):
    """A library with nothing in it: yields the totals of items that could not be run."""

    def __init__(self, name):
        self.name, self.lib, self.device = name, types.SimpleNamespace(), "cpu"
        self.seed, self.used_seed_wrapper, self._functions = 42, False, {}

    def resolve(self, dotted):
        raise Missing(f"no {dotted}")


class _Absent:
    """Stands for something the library lacks; using it raises Missing."""

    def __init__(self, what):
        self.__dict__["what"] = what

    def __getattr__(self, name):
        raise Missing(f"{self.what} (wanted .{name})")

    def __call__(self, *a, **k):
        raise Missing(self.what)


# --------------------------------------------------------------------------
# conversion of nested values, one instance per call
# --------------------------------------------------------------------------

class Converter:
    """torch -> library for nested values.  Remembers the tensors it made, in order."""

    def __init__(self, side, upcast=False, jitter=None):
        self.side = side
        self.upcast = upcast
        self.jitter = jitter          # optional numpy Generator: perturb floats by one ulp
        self.memo = {}
        self.tensors = []             # converted tensors in order of appearance
        self.leaves = []              # those that require grad

    def __call__(self, v):
        side = self.side
        if v is None or v is Ellipsis or type(v) in _PLAIN:
            return v
        if isinstance(v, torch.Tensor):
            key = id(v)
            if key not in self.memo:
                src = v
                if self.jitter is not None and (v.is_floating_point() or v.is_complex()):
                    src = jittered(v, self.jitter)
                x = side.tensor(src, self.upcast)
                self.memo[key] = x
                self.tensors.append(x)
                if v.requires_grad:
                    self.leaves.append(x)
            return self.memo[key]
        if isinstance(v, torch.dtype):
            name = dtype_name(v)
            return side.resolve(_UPCAST.get(name, name) if self.upcast else name)
        if isinstance(v, torch.device):
            return side.resolve("device")(side.device if v.type == "cpu" else str(v))
        if isinstance(v, (torch.memory_format, torch.layout)):
            return side.resolve(dtype_name(v))
        if isinstance(v, torch.Size):
            return side.resolve("Size")(tuple(v)) if side.has("Size") else tuple(v)
        if isinstance(v, torch.Generator):
            return side.resolve("Generator")().manual_seed(v.initial_seed())
        if isinstance(v, torch.nn.Module):
            return self.module(v)
        if isinstance(v, slice):
            return slice(self(v.start), self(v.stop), self(v.step))
        if isinstance(v, tuple):
            items = [self(x) for x in v]
            if hasattr(v, "_fields"):
                return type(v)(*items)
            return tuple(items)
        if isinstance(v, list):
            return [self(x) for x in v]
        if isinstance(v, set):
            return {self(x) for x in v}
        if isinstance(v, dict):
            return type(v)((k, self(x)) for k, x in v.items()) if type(v) is not dict \
                else {k: self(x) for k, x in v.items()}
        if isinstance(v, np.ndarray):
            return v.copy()
        if isinstance(v, np.generic):
            return v
        if dataclasses.is_dataclass(v) and not isinstance(v, type):
            cls = side.resolve(class_path(type(v)))
            return cls(
                **{f.name: self(getattr(v, f.name)) for f in dataclasses.fields(v) if f.init}
            )
        if isinstance(v, type):
            mod = v.__module__ or ""
            if mod == "torch" or mod.startswith("torch."):
                return side.resolve(class_path(v))
            return v
        if callable(v):
            mod = getattr(v, "__module__", None) or ""
            if isinstance(v, types.BuiltinFunctionType) and not mod.startswith("torch"):
                return v
            if isinstance(v, functools.partial) or isinstance(v, types.FunctionType) \
                    or public_name(v) is not None:
                if isinstance(v, types.FunctionType) and not mod.startswith("torch") \
                        and mod != "__main__":
                    return v
                return side.function(v)
            if not mod.startswith("torch"):
                return v
        if side.lib is torch:
            return v
        raise Unconvertible(f"do not know how to convert {type(v).__module__}.{type(v).__name__}")

    def module(self, m):
        key = id(m)
        if key not in self.memo:
            ctor = m.__dict__.get("_conformance_ctor")
            if ctor is None:
                raise Unconvertible(f"module {type(m).__name__} of unknown construction")
            cls = self.side.resolve(class_path(type(m)))
            conv = Converter(self.side)
            new = cls(*conv(ctor[0]), **conv(ctor[1]))
            state = m.state_dict()
            if state:
                new.load_state_dict({k: conv(v) for k, v in state.items()})
            new.train(m.training)
            self.memo[key] = new
        return self.memo[key]


def class_path(cls):
    """Dotted name below torch of a torch class."""
    name = public_name(cls)
    if name is not None:
        return name
    return f"{cls.__module__}.{cls.__qualname__}"[len("torch."):]


# --------------------------------------------------------------------------
# strides
# --------------------------------------------------------------------------

def strided_copy(t):
    """numpy copy of a dense tensor with the same shape *and strides*, in fresh memory."""
    if t.layout is not torch.strided:
        raise Unconvertible(f"{t.layout} tensor")
    t = t.detach().resolve_conj().resolve_neg()
    name = dtype_name(t.dtype)
    if t.numel() == 0:
        t = t.to(getattr(torch, _CARRIER[name])) if name in _CARRIER else t
        return np.empty(tuple(t.shape), t.numpy().dtype)
    extent = 1 + sum((n - 1) * s for n, s in zip(t.shape, t.stride()))
    flat = torch.as_strided(t, (extent,), (1,), t.storage_offset())
    if name in _CARRIER:
        flat = flat.to(getattr(torch, _CARRIER[name]))
    try:
        base = flat.clone().numpy()
    except TypeError as e:
        raise Unconvertible(str(e)) from None
    return np.lib.stride_tricks.as_strided(
        base, tuple(t.shape), tuple(s * base.itemsize for s in t.stride()))


def _astype_keep_strides(a, name):
    out = np.empty_like(a, dtype=name, order="K")
    out[...] = a
    return out


def jittered(t, rng):
    """Move every element by about one unit in the last place, at random.

    Whole numbers stay: they are labels, thresholds, edges of a domain.
    """
    d = t.detach()
    real = d.real.dtype if d.is_complex() else d.dtype
    sign = torch.from_numpy(np.asarray(rng.integers(0, 2, tuple(d.shape)) * 2 - 1)).to(real)
    whole = (torch.view_as_real(d) % 1 == 0).all(-1) if d.is_complex() else d % 1 == 0
    out = torch.where(whole, d, (d + d * sign * torch.finfo(d.dtype).eps).to(d.dtype))
    if isinstance(t, torch.nn.Parameter):
        return torch.nn.Parameter(out, requires_grad=t.requires_grad)
    return out.requires_grad_(t.requires_grad)


def signature_names(obj):
    """(positional names, keyword-only names, has *args, has **kwargs) or None.

    Uses inspect; falls back on the first lines of the docstring, which is where
    torch documents the signature of its built-in functions.
    """
    try:
        sig = inspect.signature(obj)
    except (ValueError, TypeError):
        return _signature_from_doc(obj)
    pos, kw, var, varkw = [], [], False, False
    for p in sig.parameters.values():
        if p.kind is p.VAR_POSITIONAL:
            var = True
        elif p.kind is p.VAR_KEYWORD:
            varkw = True
        elif p.kind is p.KEYWORD_ONLY:
            kw.append(p.name)
        else:
            pos.append(p.name)
    if var and varkw and len(pos) + len(kw) <= 1:
        return _signature_from_doc(obj) or (tuple(pos), tuple(kw), var, varkw)
    return tuple(pos), tuple(kw), var, varkw


def _signature_from_doc(obj):
    doc = getattr(obj, "__doc__", None)
    name = getattr(obj, "__name__", None)
    if not doc or not name:
        return None
    room, _, short = name.partition("_")
    shown = (name, f"{room}.{short}", short) if room in ("linalg", "fft", "special") else (name,)
    for line in doc.strip().splitlines()[:4]:
        line = line.strip()
        if not line.startswith(("torch.", *(s + "(" for s in shown))):
            continue
        body = line[line.index("(") + 1:] if "(" in line else ""
        depth, cut = 1, None
        for i, ch in enumerate(body):
            depth += (ch in "([{") - (ch in ")]}")
            if depth == 0:
                cut = i
                break
        if cut is None:
            continue
        parts, depth, cur = [], 0, ""
        for ch in body[:cut]:
            depth += (ch in "([{") - (ch in ")]}")
            if ch == "," and depth == 0:
                parts.append(cur)
                cur = ""
            else:
                cur += ch
        parts.append(cur)
        pos, kw, var, varkw, only = [], [], False, False, False
        for p in parts:
            p = p.split("=")[0].split(":")[0].strip()
            if not p or p == "/":
                continue
            if p == "*":
                only = True
            elif p.startswith("**"):
                varkw = True
            elif p.startswith("*"):
                var, only = True, True
            elif not p.replace("_", "a").isalnum():
                return None
            else:
                (kw if only else pos).append(p)
        return tuple(pos), tuple(kw), var, varkw
    return None
