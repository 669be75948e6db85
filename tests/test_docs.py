"""What `help()` says of every public function: the mathematics, the shapes, the errors.

Every function of the namespaces below is looked at; those that make no statement about shapes or
errors although they have some are named. What is said of whole families is tried out as well.
"""
import ast
import functools
import inspect
import re
import textwrap
import types

import pytest

import learntorch
from learntorch.core.op import registry

SPACES = ["torch", "torch.Tensor", "torch.linalg", "torch.fft", "torch.special",
          "torch.nn.functional", "torch.func", "torch.autograd", "torch.autograd.functional",
          "torch.distributions", "torch.random"]
# They ask or set something, or read and write files: there are no shapes to speak of.
SHAPELESS = {"learntorch.core.settings", "learntorch.core.dtypes", "learntorch.core.ambient",
             "learntorch.core.tensor", "learntorch.core.storage", "learntorch.core.storage_kinds",
             "learntorch.core.pytree", "learntorch.core.devices", "learntorch.ops.query",
             "learntorch.random", "learntorch.distributions.kl", "learntorch.io.loading",
             "learntorch.io.saving", "learntorch.core.legacy", "learntorch.core.printing",
             "learntorch.core.anomaly", "learntorch.core.autocast", "learntorch.amp.autocast_mode"}
ALONE = {"functionalize": "gives back the function", "debug_unwrap": "gives back the tensor",
         "is_storage": "asks a type", "is_shared": "asks where the memory is",
         "share_memory_": "moves the memory", "alias": "a name for the whole library"}
SHAPE = re.compile(r"[Ss]hapes?\b|→|broadcast|\((n|m|N|C|b|k|L|c|…|\*|how many)[,)]|0-d|one number"
                   r"|vector|matri|one element|dimension|sizes?\b|\(window_length\)")


def home(space):
    found = learntorch
    for part in space.split(".")[1:]:
        found = getattr(found, part)
    return found


def public():
    """(name, function) of every public function, each once."""
    seen = set()
    for space in SPACES:
        place = home(space)
        for name in getattr(place, "__all__", None) or dir(place):
            thing = getattr(place, name, None)
            if name.startswith("_") or not isinstance(thing, types.FunctionType):
                continue
            own = getattr(thing, "__module__", "") or ""
            known = id(getattr(thing, "op", None) or inspect.unwrap(thing)), name.endswith("_")
            if own.startswith("learntorch") and known not in seen:
                seen.add(known)
                yield f"{space}.{name}", thing


FUNCTIONS = dict(public())


def documented(thing):
    return inspect.getdoc(thing) or ""


# ---- what a function can raise -----------------------------------------------------------------


@functools.lru_cache(maxsize=None)
def syntax(function):
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, SyntaxError):
        return None


def raises(function, seen):
    """Whether a function, or one of the helpers that it calls, has a `raise` of its own."""
    function = inspect.unwrap(function)
    if function in seen or syntax(function) is None:
        return False
    seen.add(function)
    calls = []
    for node in ast.walk(syntax(function)):
        if isinstance(node, ast.Raise) and node.exc is not None:
            return True
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            calls.append(function.__globals__.get(node.func.id))
    return any(raises(f, seen) for f in calls if isinstance(f, types.FunctionType)
               and not hasattr(f, "op") and f.__module__.startswith("learntorch.ops"))


def sources(thing):
    """The functions that were written for a public one."""
    op = getattr(thing, "op", None)
    found = [thing] if op is None else [op.forward, op.public]
    return [f for f in found if f is not None and f.__name__ != "call"]


# ---- every function ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FUNCTIONS)
def test_first_sentence(name):
    """A sentence that says what is computed, and that fits a line or two."""
    sentence = documented(FUNCTIONS[name]).split("\n\n")[0]
    assert sentence.endswith((".", ":", "…")), f"{name}: {sentence!r}"
    assert len(sentence) > 2 and len(sentence.splitlines()) < 6


@pytest.mark.parametrize("name", FUNCTIONS)
def test_shapes(name):
    thing = FUNCTIONS[name]
    where = {f.__module__ for f in map(inspect.unwrap, sources(thing))}
    if where & SHAPELESS or name.rpartition(".")[2] in ALONE:
        return
    assert SHAPE.search(documented(thing)), f"{name} says nothing of shapes: {documented(thing)!r}"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_errors(name):
    thing = FUNCTIONS[name]
    says = re.search("[Rr]aise|[Ee]rrors|Error for", documented(thing))
    if not says:
        guilty = [f.__name__ for f in sources(thing) if raises(f, set())]
        assert not guilty, f"{name} raises, and does not say what: {documented(thing)!r}"


@pytest.mark.parametrize("name", [n for n in dir(learntorch.distributions) if n[0].isupper()])
def test_distributions(name):
    thing = getattr(learntorch.distributions, name)
    if isinstance(thing, type):
        assert "hape" in thing.__doc__ and "Raises ValueError" in thing.__doc__


# ---- what is said of many is tried out -----------------------------------------------------------

SAME, PAIR = "the result has that of the input", "any two that broadcast"
NO_DIMENSION = "IndexError for a dimension that is not there"


def required(thing):
    empty = inspect.Parameter.empty
    return [p.name for p in inspect.signature(thing).parameters.values()
            if p.default is empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]


def tried(thing, *arguments, **named):
    """The result; in other dtypes where floats are refused; None where SciPy is missing."""
    for convert in ("float", "double", "long", "bool", "cfloat"):
        given = [getattr(a, convert)() if isinstance(a, learntorch.Tensor) else a
                 for a in arguments]
        try:
            return thing(*given, **named)
        except ModuleNotFoundError:
            return None
        except NotImplementedError:
            continue
        except RuntimeError as error:
            if not re.search("dtype|type|complex|float|integer|bool|Boolean", str(error)):
                raise
    return None


@pytest.mark.parametrize("name", [n for n, f in FUNCTIONS.items() if SAME in documented(f)
                                  and len(required(f)) == 1])
@pytest.mark.parametrize("shape", [(2, 3), (), (0, 2)], ids=str)
def test_the_shape_stays(name, shape):
    made = tried(FUNCTIONS[name], learntorch.full(shape, 0.5))
    for t in made if isinstance(made, tuple) else (made,):
        assert not isinstance(t, learntorch.Tensor) or t.shape == shape


@pytest.mark.parametrize("name", [n for n, f in FUNCTIONS.items() if PAIR in documented(f)
                                  and len(required(f)) == 2 and "reduction" not in documented(f)])
def test_two_shapes_broadcast(name):
    made = tried(FUNCTIONS[name], learntorch.full((2, 1), 0.5), learntorch.full((3,), 0.5))
    assert made is None or made.shape in ((2, 3), ())
    with pytest.raises((RuntimeError, ModuleNotFoundError, NotImplementedError)):
        FUNCTIONS[name](learntorch.full((2,), 0.5), learntorch.full((3,), 0.5))


# What is taken as a tensor before `dim`, by the names of the other parameters.
BESIDE = {"index": learntorch.tensor([0]), "source": learntorch.ones(1, 3), "value": 1.0,
          "src": learntorch.ones(1, 3), "other": learntorch.ones(2, 3), "p": 2, "maxnorm": 1.0,
          "k": 1, "start": 0, "length": 1, "size": 1, "step": 1, "shifts": 1, "sizes": (3,),
          "dims": (7,), "indices": learntorch.tensor([[0]]), "values": 1.0, "reduce": "amax",
          "repeats": 1, "tensors": [learntorch.ones(2, 3)], "split_size": 1, "chunks": 1, "n": 1,
          "split_size_or_sections": 1, "split_sizes": [2], "dim0": 7, "dim1": 0, "axis0": 7,
          "axis1": 0, "start_dim": 7, "dim": 7, "q": 0.5, "indices_or_sections": 1, "target": 1}


MORE = {"matrix_norm": {"dim": (7, 0)}, "repeat_interleave": {"repeats": 1}}


def wanting_dimension(thing):
    names = list(inspect.signature(thing).parameters)
    return [n for n in ("dim", "dim0", "dim1", "axis0", "start_dim", "dims") if n in names]


@pytest.mark.parametrize("name", [n for n, f in FUNCTIONS.items() if NO_DIMENSION in documented(f)])
def test_no_such_dimension(name):
    thing = FUNCTIONS[name]
    where = wanting_dimension(thing)[0]
    arguments = {}
    for p in required(thing)[1:]:
        if p not in BESIDE:
            pytest.skip(f"no value for {p}")
        arguments[p] = BESIDE[p]
    arguments[where] = (7,) if where == "dims" else 7
    arguments.update(MORE.get(name.rpartition(".")[2], {}))
    first = required(thing)[0] if required(thing) else "input"
    x = BESIDE["tensors"] if first == "tensors" else learntorch.ones(2, 3)
    with pytest.raises(IndexError):
        thing(x, **arguments)


# ---- and these tests see what they look for ------------------------------------------------------


def refuses(x):
    """x, unless it is negative."""
    if x < 0:
        raise ValueError("negative")
    return x


def test_there_is_something_to_check():
    assert len(FUNCTIONS) > 700 and len(registry) > 700
    assert raises(refuses, set()) and not raises(documented, set())
    assert not SHAPE.search("The sine of x.") and SHAPE.search("Shapes: any.")
    assert "torch.linalg.svd" in FUNCTIONS and "torch.Tensor.uniform_" in FUNCTIONS
