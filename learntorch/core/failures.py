"""What happens when a call goes wrong: the slow road that ends in a helpful sentence.

A front end tries the fast road first. Whatever it raises comes here: some failures have a cure
(0-d tensors, NumPy scalars, half types NumPy has no loop for), the others become PyTorch's
exception with PyTorch's wording, and one more sentence that says what to do.
"""

import numbers

import numpy as np

from learntorch.core.dtypes import C_NAMES, HALF, bool_, float32, of, of_number, promote, said
from learntorch.core.shapes import broadcast, wrap_dim
from learntorch.core.tensor import Tensor, wrap
from learntorch.core.warned import warn

AxisError = np.exceptions.AxisError
OPERATORS = {"add": "+", "sub": "-", "rsub": "-", "mul": "*", "div": "/", "pow": "** or pow()",
             "floor_divide": "//", "remainder": "%", "matmul": "@", "bitwise_and": "&",
             "bitwise_or": "|", "bitwise_xor": "^", "lt": "<", "gt": ">", "le": "<=", "ge": ">="}


class LinAlgError(RuntimeError):
    """What linear algebra raises for a matrix it can do nothing with: torch.linalg.LinAlgError."""


class OutOfMemoryError(RuntimeError):
    """What a GPU without enough memory raises: torch.OutOfMemoryError. A CPU raises MemoryError."""


def rescue(op, call, error, args, out):
    """Cure a failed call and return its result, or raise the error a PyTorch user expects."""
    named = {} if out is None else {"out": out}
    if isinstance(error, RuntimeWarning):       # warnings are errors here: 0/0 is not one
        with np.errstate(all="ignore"):
            return call(*args, **named)
    if isinstance(error, KeyError) and bound(op, args):
        return call(*args, **named)
    if op.kind == "binary":
        cured = _binary_operand(op, args)
        if cured is not None:
            return call(*cured, **named)
    if not isinstance(args[0], (Tensor, list, tuple)):
        raise not_a_tensor(op, 0, args[0]) from None
    tensors = [t for t in _flat(args) if isinstance(t, Tensor)]
    if isinstance(error, AxisError):
        return _dimension(op, call, args, named, error)
    if isinstance(error, AttributeError):
        raise (misused(op, args, {}, error) or error) from None
    for i in op.places:
        if isinstance(args[i], (str, list, tuple)) and op.kind != "listed":
            raise not_a_tensor(op, i, args[i]) from None
    if isinstance(error, (TypeError, ValueError, OverflowError)) and not _is_ours(error):
        return _array_error(op, call, error, args, tensors, named)
    raise error


def bound(op, args):
    """Bind the body to an array class met for the first time. False when all were known."""
    met = {type(t._data) for t in _flat(args) if isinstance(t, Tensor)} - set(op.kernels)
    for array_class in met:
        op.kernels[array_class] = op.kernel(array_class)
    return bool(met)


def _flat(args):
    for value in args:
        if isinstance(value, (list, tuple)):
            yield from value
        else:
            yield value


def _is_ours(error):
    """Bodies raise errors in PyTorch's words; NumPy's come from its own frames."""
    text = str(error)
    return not (text.startswith(("ufunc", "operands", "matmul:", "numpy boolean", "Python integer",
                                 "The numpy boolean", "cannot", "loop of", "No loop", "Cannot",
                                 "output array", "assignment destination", "non-broadcastable",
                                 "int too large", "Python int", "Integers to negative",
                                 "data type", "did not contain", "setting an array"))
                or "dtype(" in text)


def _binary_operand(op, args):
    """(input, other) with NumPy scalars and arrays replaced by what they stand for, or None."""
    x, y = args
    if isinstance(y, Tensor):
        return (_number_tensor(x, y), y) if op.numbers == "both" and _is_number(x) else None
    if not isinstance(x, Tensor):
        return None
    if isinstance(y, np.ndarray):
        return x, wrap(y)
    if type(y) in (bool, int, float, complex):
        return None
    if isinstance(y, (np.generic, numbers.Number)):
        plain = y.item() if isinstance(y, np.generic) else _plain(y)
        return x, plain
    symbol = OPERATORS.get(op.name)
    if symbol and not isinstance(y, (list, tuple)):
        raise TypeError(f"unsupported operand type(s) for {symbol}: 'Tensor' and "
                        f"'{type(y).__name__}'") from None
    raise not_a_tensor(op, 1, y) from None


def _is_number(value):
    return isinstance(value, numbers.Number) or isinstance(value, np.generic)


def _plain(number):
    for kind in (bool, int, float, complex):
        if isinstance(number, kind):
            return kind(number)
    return float(number)


def _number_tensor(number, beside):
    """A Python number as a 0-d tensor, of the dtype it gives to the tensor beside it."""
    d, n = of(beside._data.dtype), of_number(number)
    d = promote(d, None, n) if beside._data.ndim else promote(None, d, n)
    return wrap(np.asarray(number, d.numpy))


def said_type(value):
    """A type as PyTorch's messages say it: "list", "numpy.ndarray"."""
    kind = type(value)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def said_name(op):
    """What PyTorch's messages call an op: "linalg_det" for linalg.det, else its name."""
    return op.key.replace(".", "_") if op.space in ("linalg", "fft", "special") else op.name


def not_a_tensor(op, place, value):
    """The TypeError for an argument that should have been a tensor."""
    name = op.names[place] if op.names else "input"
    error = TypeError(f"{said_name(op)}(): argument '{name}' (position {place + 1}) must be "
                      f"Tensor, not {said_type(value)}. Make one with torch.tensor(...) or "
                      "torch.from_numpy(...).")
    error.value = value         # an outer op that was given the same value says it of itself
    return error


def misused(op, args, named, error):
    """What to raise for an AttributeError or TypeError that says nothing to the caller, or None.

    An attribute was asked of an argument that is no tensor; or a composite, plain Python, could not
    be called with these arguments at all.
    """
    if isinstance(error, ValueError):
        return _misfit(args, named, str(error))
    if isinstance(error, AttributeError) or hasattr(error, "value"):
        wrong = getattr(error, "obj", None) if isinstance(error, AttributeError) else error.value
        if isinstance(wrong, Tensor):
            return None
        for i, value in enumerate(args):
            if value is wrong and i >= len(op.names):
                return TypeError(f"expected Tensor as element {i} in argument 0, but got "
                                 f"{type(wrong).__name__}")
            if value is wrong and (wrong is not None or i < op.required):
                return not_a_tensor(op, i, value)
            if isinstance(value, (list, tuple)) and any(v is wrong for v in value):
                return TypeError(f"expected Tensor as element "
                                 f"{[v is wrong for v in value].index(True)} in argument {i}, but "
                                 f"got {type(wrong).__name__}")
        for name, value in named.items():
            if value is wrong and wrong is not None:
                return TypeError(f"{said_name(op)}(): argument '{name}' must be Tensor, not "
                                 f"{said_type(value)}. Make one with torch.tensor(...).")
        return None
    text = str(error)
    if "must be Tensor, not " in text and text[-1] != ".":      # a body's own check
        return TypeError(text.replace("not ndarray", "not numpy.ndarray") + ". Make one with "
                         "torch.tensor(...) or torch.from_numpy(...).")
    if text.startswith("dim must be"):
        return TypeError(f"{said_name(op)}(): argument 'dim'{text.removeprefix('dim')}")
    if op.space == "nn.functional" or "()" not in text or not _while_calling(error):
        return None
    rest = text.partition("()")[2]
    if " missing " in rest:
        return missing(op, [n for p, n in zip(op.params, op.names, strict=True) if repr(p) in rest])
    return TypeError(said_name(op) + "()" + rest)


def _misfit(args, named, text):
    """NumPy's ValueError about shapes that do not broadcast, as PyTorch's RuntimeError, or None."""
    if text.startswith("operands could not be broadcast"):
        tensors = [t._data.shape for t in (*args, *named.values()) if isinstance(t, Tensor)]
        try:
            broadcast(*tensors)
        except RuntimeError as error:
            return error
    if text.startswith("shape mismatch: value array of shape"):
        value, _, target = text.partition(" could not be broadcast to indexing result of shape ")
        shapes = [[int(n) for n in s.strip("() ").split(",") if n]
                  for s in (value.rpartition("shape ")[2], target)]
        return RuntimeError(f"shape mismatch: value tensor of shape {shapes[0]} cannot be "
                            f"broadcast to indexing result of shape {shapes[1]}")
    return None


FRAMES = ("op", "record", "autocast", "watched", "spellings")


def _while_calling(error):
    """Whether Python raised it when it bound a composite's arguments, not inside of it."""
    last = error.__traceback__
    while last.tb_next is not None:
        last = last.tb_next
    home, _, name = last.tb_frame.f_globals["__name__"].rpartition(".")
    return home == "learntorch.core" and name in FRAMES


def wrong_keyword(op, name, place):
    """The TypeError for a keyword nobody knows, or given twice."""
    if place is not None:
        return TypeError(f"{said_name(op)}() got multiple values for argument '{name}'")
    return TypeError(f"{said_name(op)}() got an unexpected keyword argument '{name}'. It knows: "
                     f"{', '.join(op.names)}.")


WEIGHTS = {"add": ("alpha",), "sub": ("alpha",), "addcmul": ("value",), "addcdiv": ("value",),
           **dict.fromkeys(("addmm", "addmv", "addr", "addbmm", "baddbmm"), ("beta", "alpha"))}


def older_order(op, args, most):
    """(tensors, weights by name) of a call in PyTorch's order before 1.5: `x.add_(0.1, other)`,
    the number before the tensor it weighs. Raises TypeError for calls that have too many arguments.
    """
    tensors = [t for t in args if isinstance(t, Tensor)]
    numbers_ = [n for n in args if isinstance(n, numbers.Number)]
    names = WEIGHTS.get(op.name, ())
    if len(tensors) != most or len(numbers_) > len(names) or len(args) != most + len(numbers_):
        raise TypeError(f"{op.name}() received an invalid combination of arguments - got "
                        f"({', '.join(type(a).__name__ for a in args)}): it takes {most} "
                        "positional arguments.")
    names = names[:len(numbers_)]
    now = ", ".join(f"Number {n} = 1" for n in names)
    warn(f"This overload of {op.name} is deprecated:\n\t{op.name}(Number {names[0]}, …)\nConsider "
         f"using one of the following signatures instead:\n\t{op.name}(Tensor …, *, {now})")
    return tensors, dict(zip(names, numbers_, strict=True))


def missing_argument(op, args, named):
    """The TypeError for a required argument that is not there."""
    return missing(op, [n for n in op.names[len(args):op.required] if n not in named])


def missing(op, names):
    """The TypeError for arguments that must be there."""
    plural = "s" if len(names) == 1 else ""                 # the wrong way round, as in PyTorch
    return TypeError(f"{said_name(op)}() missing {len(names)} required positional "
                     f"argument{plural}: " + ", ".join(f'"{n}"' for n in names))


def not_implemented(kernel, dtype):
    """The RuntimeError of a kernel that has no version for a dtype."""
    return NotImplementedError(f"\"{kernel}\" not implemented for '{said(dtype)}'. "
                               "Convert the tensor first, for example with .float().")


def check_same_dtype(op, values):
    """Raise RuntimeError unless all tensors of the call have one dtype."""
    a = values[0]
    for i in op.places[1:]:
        b = values[i]
        if b is not None and hasattr(b, "dtype") and b.dtype is not a.dtype:
            raise RuntimeError(two_dtypes(op, values, b) + f" {op.name} does not convert: call "
                               f".to(torch.{of(a.dtype).name}) on the second one.")


def two_dtypes(op, values, other):
    """PyTorch's sentence, for each product another one, for operands of two dtypes."""
    a, b = said(values[0].dtype), said(other.dtype)
    if op.name == "dot":
        return f"dot : expected both vectors to have same dtype, but found {a} and {b}."
    if op.name == "bmm":
        return f"expected scalar type {a} but found {b}."
    if op.name == "mv":
        return f"addmv input tensors must have the same dtype, but got {b}, {a}, and {b}."
    if op.name == "linear" and values[2] is not None:
        weight = values[1]
        if weight is other:
            return f"mat1 and mat2 must have the same dtype, but got {a} and {b}."
        return f"self and mat2 must have the same dtype, but got {b} and {said(weight.dtype)}."
    return ("expected m1 and m2 to have the same dtype, but got: "
            f"{c_name(values[0].dtype)} != {c_name(other.dtype)}.")


def c_name(dtype):
    """What PyTorch's messages about kernels call an array's dtype: "float", "long int"."""
    name = of(dtype).name
    return C_NAMES.get(name, name)


def _dimension(op, call, args, named, error):
    """A dimension that is not there: PyTorch's sentence, or the cure for 0-d tensors."""
    t = next(t for t in _flat(args) if isinstance(t, Tensor))
    ndim = t._data.ndim
    if ndim == 0:
        dims = _dims(op, args)
        if dims is not None and all(d in (0, -1) for d in dims):
            return _on_scalar(op, call, args, named)
    for d in _dims(op, args) or ():
        wrap_dim(d, ndim)
    raise IndexError(f"Dimension out of range (expected to be in range of [{-max(ndim, 1)}, "
                     f"{max(ndim, 1) - 1}], but got {error.axis})") from None


def _dims(op, args):
    for name in ("dim", "dims", "dim0", "axis"):
        if name in op.params:
            value = args[op.params.index(name)]
            if isinstance(value, int):
                return (value,)
            if value is not None:
                return tuple(value)
    return None


def _on_scalar(op, call, args, named):
    """PyTorch lets a 0-d tensor be reduced over dim 0: do it on one element, drop the dimension."""
    lifted = [t.reshape(1) if isinstance(t, Tensor) and t._data.ndim == 0 else t for t in args]
    result = call(*lifted, **named)
    if isinstance(result, Tensor):
        return result.reshape(()) if result._data.size == 1 else result
    return type(result)._make(r.reshape(()) for r in result) if hasattr(result, "_make") else tuple(
        r.reshape(()) for r in result)


def _array_error(op, call, error, args, tensors, named):
    """An error of the array library: shapes, a missing loop for a dtype, a number too large."""
    arrays = [t._data for t in tensors]
    if isinstance(error, OverflowError):
        return call(*_wrapped_numbers(args, arrays), **named)
    if op.kind in ("unary", "binary", "nary"):
        if any(a.dtype in HALF for a in arrays):
            return _in_float32(call, args, named, arrays)
        if isinstance(error, ValueError) and "broadcast" in str(error):
            broadcast(*[a.shape for a in arrays])
    if "read-only" in str(error):
        raise RuntimeError(OVERLAP) from None
    if isinstance(error, TypeError) and arrays:
        refuse_dtype(op, arrays, error)
    raise RuntimeError(f"{op.name}: {error}") from None


OVERLAP = ("unsupported operation: more than one element of the written-to tensor refers to a "
           "single memory location. Please clone() the tensor before performing the operation.")


def _wrapped_numbers(args, arrays):
    d = arrays[0].dtype
    return [np.asarray(v).astype(d).item() if isinstance(v, int) else v for v in args]


def _in_float32(call, args, named, arrays):
    half = next(of(a.dtype) for a in arrays if a.dtype in HALF)
    wide = [t.to(float32) if isinstance(t, Tensor) and t._data.dtype in HALF else t for t in args]
    result = call(*wide, **named)
    if isinstance(result, Tensor) and result._data.dtype == np.float32:
        return result.to(half)
    return result


def check_no_bools(*arrays):
    """Raise RuntimeError if True and False stand on one side of a minus."""
    if any(a.dtype.kind == "b" for a in arrays):
        raise RuntimeError("Subtraction, the `-` operator, with a bool tensor is not supported. If "
                           "you are trying to invert a mask, use the `~` or `logical_not()` "
                           "operator instead.")


def refuse_dtype(op, arrays, error):
    """Raise the RuntimeError for an op that has no meaning for a dtype."""
    bools = all(of(a.dtype) is bool_ for a in arrays)
    if op.name == "sub" and bools:
        raise RuntimeError("Subtraction, the `-` operator, with two bool tensors is not supported. "
                           "Use the `^` or `logical_xor()` operator instead.") from None
    if op.name == "neg" and bools:
        raise RuntimeError("Negation, the `-` operator, on a bool tensor is not supported. If you "
                           "are trying to invert a mask, use the `~` or `logical_not()` operator "
                           "instead.") from None
    raise not_implemented(op.name + "_cpu", arrays[0].dtype) from error


def tensor_list(op, tensors):
    """A list of tensors, checked. Raises TypeError or RuntimeError like torch.cat."""
    if isinstance(tensors, Tensor) or not isinstance(tensors, (list, tuple)):
        raise TypeError(f"{op.name}(): argument 'tensors' (position 1) must be tuple of Tensors, "
                        f"not {type(tensors).__name__}")
    if not tensors:
        if op.name == "cat":
            raise ValueError("torch.cat(): expected a non-empty list of Tensors")
        raise RuntimeError(f"{op.name} expects a non-empty TensorList")
    for i, t in enumerate(tensors):
        if not isinstance(t, Tensor):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got "
                            f"{type(t).__name__}")
    return tensors


def no_such_name(module, name, known):
    """The AttributeError for a name a module does not have, with the nearest one it has."""
    if name.startswith("__"):
        return AttributeError(f"module '{module}' has no attribute '{name}'")
    from difflib import get_close_matches
    near = get_close_matches(name, known, n=1, cutoff=0.7)
    hint = f" Did you mean: '{near[0]}'?" if near else ""
    return AttributeError(f"module '{module}' has no attribute '{name}'.{hint}")
