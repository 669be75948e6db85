"""More of Module against PyTorch: hooks that change, copies, conversions, loading, global hooks."""

import copy
import pickle
import warnings

import pytest

import learntorch
import learntorch.nn
from tests.oracle import alike, needs_torch


def net(lib):
    lib.manual_seed(0)
    nn = lib.nn
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Sequential(nn.ReLU(),
                                                                           nn.Linear(4, 2)))


def numbers(lib, *shape):
    n = 1
    for size in shape:
        n *= size
    return lib.arange(float(n)).reshape(shape).sin()


STORIES = {}


def story(function):
    STORIES[function.__name__] = function
    return function


@story
def hooks_in_order(lib):
    m, seen = lib.nn.Linear(3, 2), []
    for name in "ab":
        for first in (False, True):
            mark = name + "!" * first
            m.register_forward_pre_hook(lambda *a, k=mark: seen.append("pre " + k), prepend=first)
            m.register_forward_hook(lambda *a, k=mark: seen.append("post " + k), prepend=first)
            m.register_full_backward_hook(lambda *a, k=mark: seen.append("back " + k),
                                          prepend=first)
            m.register_full_backward_pre_hook(lambda *a, k=mark: seen.append("before " + k),
                                              prepend=first)
    m(numbers(lib, 2, 3).requires_grad_()).sum().backward()
    return seen


@story
def hooks_that_change_arguments(lib):
    class Takes(lib.nn.Module):
        def forward(self, x, *, factor=1, shift=0):
            return x * factor + shift

    m = Takes()
    m.register_forward_pre_hook(lambda m, args, kw: ((args[0] + 1,), {**kw, "factor": 3}),
                                with_kwargs=True)
    m.register_forward_pre_hook(lambda m, args: args[0] * 2)
    m.register_forward_hook(lambda m, args, kw, out: (out, kw, len(args)), with_kwargs=True)
    return m(lib.ones(2), shift=5)


@story
def a_hook_that_removes_itself(lib):
    m, seen = lib.nn.ReLU(), []

    def once(*args):
        seen.append(1)
        handle.remove()
    handle = m.register_forward_hook(once)
    m(lib.ones(1)), m(lib.ones(1))
    return seen, len(m._forward_hooks)


@story
def always_called_after_an_error(lib):
    class Fails(lib.nn.Module):
        def forward(self, x):
            raise ValueError("no")

    m, seen = Fails(), []
    m.register_forward_hook(lambda *a: seen.append("plain"))
    m.register_forward_hook(lambda *a: seen.append("always"), always_call=True)
    m.register_forward_hook(lambda m, a, k, out: seen.append(("kwargs", k, out)),
                            always_call=True, with_kwargs=True)
    try:
        m(lib.ones(1))
    except ValueError as error:
        seen.append(str(error))
    return seen


@story
def backward_pre_hook_scales(lib):
    m = lib.nn.Linear(3, 2)
    x = numbers(lib, 2, 3).requires_grad_()
    m.register_full_backward_pre_hook(lambda m, g: (g[0] * 2,))
    m.register_full_backward_hook(lambda m, gi, go: (gi[0] + go[0].sum(),))
    m(x).sum().backward()
    return x.grad.sum() - m.weight.detach().sum() * 4, m.bias.grad


@story
def several_inputs_and_outputs_backward(lib):
    class Two(lib.nn.Module):
        def forward(self, x, y, z=None):
            return x * y, y.detach(), x + y

    seen = []
    m = Two()
    m.register_full_backward_hook(lambda m, gi, go: seen.append((gi, go)))
    x, y = lib.ones(2, requires_grad=True), lib.full((2,), 3.0)
    out = m(x, y)
    (out[0] + out[2]).sum().backward()
    return seen


@story
def registration_hooks(lib):
    module = lib.nn.modules.module
    seen = []
    handles = [
        module.register_module_parameter_registration_hook(
            lambda m, name, p: seen.append(("parameter", type(m).__name__, name))),
        module.register_module_buffer_registration_hook(
            lambda m, name, b: seen.append(("buffer", type(m).__name__, name))),
        module.register_module_module_registration_hook(
            lambda m, name, p: seen.append(("module", type(m).__name__, name)))]
    try:
        net(lib)
        lib.nn.ModuleDict({"a": lib.nn.ReLU()})
    finally:
        for handle in handles:
            handle.remove()
    net(lib)
    return seen


@story
def global_backward_hooks(lib):
    module = lib.nn.modules.module
    seen = []
    handles = [
        module.register_module_full_backward_pre_hook(
            lambda m, g: seen.append(("pre", type(m).__name__))),
        module.register_module_full_backward_hook(
            lambda m, gi, go: seen.append((type(m).__name__, gi[0].shape, go[0].shape)))]
    try:
        net(lib)(numbers(lib, 5, 3).requires_grad_()).sum().backward()
    finally:
        for handle in handles:
            handle.remove()
    return seen


@story
def copies(lib):
    m = net(lib)
    m.register_forward_hook(lambda m, a, out: out + 1)
    m[0].weight.grad = lib.ones(4, 3)
    other = copy.deepcopy(m)
    other[0].weight.data.fill_(7)
    shallow = copy.copy(m)
    shallow.extra = 3
    x = numbers(lib, 5, 3)
    return (other(x) - m(x), other[0].weight.grad, hasattr(m, "extra"),
            shallow[0] is m[0], shallow._modules is m._modules)


@story
def pickles(lib):
    m = net(lib).eval()
    m[0].weight.requires_grad_(False)
    again = pickle.loads(pickle.dumps(m))
    return ([p.requires_grad for p in again.parameters()], again.training, repr(again),
            again(numbers(lib, 2, 3)))


@story
def types(lib):
    m = net(lib)
    found = []
    for change in ("half", "bfloat16", "double", "float"):
        m = getattr(m, change)()
        found.append({k: v.dtype for k, v in m.state_dict().items()})
    m.type(lib.float64)
    found.append([v.dtype for v in m.state_dict().values()])
    m.to(dtype=lib.float32, non_blocking=True).to(lib.ones(1).double()).to("cpu")
    found.append([p.dtype for p in m.parameters()])
    return found


@story
def conversions_keep_identity_and_gradients(lib):
    m = lib.nn.Linear(3, 2)
    before = list(m.parameters())
    m(lib.ones(3)).sum().backward()
    m.double()
    after = list(m.parameters())
    return ([a is b for a, b in zip(before, after)], [p.grad for p in after],
            [p.is_leaf for p in after])


@story
def empty_of_the_same_kind(lib):
    m = net(lib)
    before = list(m.parameters())
    result = m.to_empty(device="cpu")
    return (result is m, [a is b for a, b in zip(before, m.parameters())],
            [p.shape for p in m.parameters()], [p.requires_grad for p in m.parameters()])


@story
def walks_with_what_is_shared(lib):
    m = lib.nn.Module()
    m.a = lib.nn.Linear(2, 2)
    m.b = m.a
    m.c = lib.nn.Linear(2, 2, bias=False)
    m.c.weight = m.a.weight
    m.register_buffer("x", lib.ones(1))
    m.register_buffer("y", m.x)
    return [[name for name, _ in walk(remove_duplicate=keep)] for keep in (True, False)
            for walk in (m.named_parameters, m.named_buffers, m.named_modules)]


@story
def state_of_ones_own_dictionary(lib):
    given = {"old": 1}
    m = net(lib)
    out = m.state_dict(destination=given, prefix="p.", keep_vars=True)
    return out is given, list(out), [type(v).__name__ for v in out.values()]


@story
def old_positional_arguments(lib):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        out = lib.nn.Linear(2, 1).state_dict({}, "p.")
    return list(out), [(w.category.__name__, str(w.message)) for w in said]


@story
def loading_not_strictly(lib):
    m = net(lib)
    state = {"0.weight": lib.ones(4, 3), "foo": lib.ones(1), "2.1.bias": lib.zeros(2)}
    keys = m.load_state_dict(state, strict=False)
    return m[0].weight, m[2][1].bias, str(keys), keys.missing_keys, keys.unexpected_keys


@story
def loading_by_assignment(lib):
    m = net(lib)
    m[0].weight.requires_grad_(False)
    state = {k: v.double() for k, v in net(lib).state_dict().items()}
    given = state["0.bias"] = lib.nn.Parameter(state["0.bias"])
    m.load_state_dict(state, assign=True)
    return ([(k, v.dtype, v.requires_grad) for k, v in m.named_parameters()],
            m[0].bias is given, type(m[0].weight).__name__,
            m[1].running_mean is state["1.running_mean"])


@story
def an_error_names_every_trouble(lib):
    try:
        net(lib).load_state_dict({"0.weight": lib.ones(4, 2), "1.weight": lib.ones(3), "x": 3,
                                  "2.1.bias": "text"})
    except RuntimeError as error:
        return str(error)


@story
def attributes_change_their_kind(lib):
    m = lib.nn.Module()
    m.a = lib.nn.Parameter(lib.ones(1))
    m.a = None
    found = [dict(m.named_parameters()), "a" in m._parameters]
    del m.a
    m.a = lib.nn.Buffer(lib.ones(2), persistent=False)
    found.append(list(m.state_dict()))
    m.a = lib.nn.Buffer(lib.ones(2))
    found.append(list(m.state_dict()))
    m.a = lib.zeros(3)
    found.append((m.a, type(m._buffers["a"]).__name__))
    del m.a
    m.a = lib.nn.ReLU()
    found.append(sorted(n for n in dir(m) if len(n) == 1))
    return found


@story
def parameters_and_buffers(lib):
    p = lib.nn.Parameter(lib.ones(2))
    b = lib.nn.Buffer(lib.ones(2))
    return (repr(p), repr(b), isinstance(b, lib.nn.Buffer), isinstance(p, lib.nn.Buffer),
            isinstance(lib.ones(1), lib.nn.Parameter), type(p * 2).__name__,
            type(p.detach()).__name__, type(p.data).__name__, type(copy.deepcopy(p)).__name__,
            lib.nn.Parameter().shape, type(p[0]).__name__, p.is_leaf,
            lib.nn.Parameter(p * 2).is_leaf, lib.nn.parameter.is_lazy(p))


@story
def representations(lib):
    class Silent(lib.nn.Module):
        pass

    class Told(lib.nn.Module):
        def __init__(self):
            super().__init__()
            self.part = Silent()
            self.none = None
            self.add_module("empty", None)

        def extra_repr(self):
            return "a=1\nb=2"

    nn = lib.nn
    return [repr(m) for m in (
        Silent(), Told(), nn.ModuleList([nn.ReLU()] * 3 + [nn.Tanh()]), nn.ModuleList(),
        nn.ModuleList([nn.Sequential(nn.ReLU())] * 2), nn.Sequential(),
        nn.ModuleDict({"a": Told()}), nn.ParameterList([nn.Parameter(lib.ones(2)), 3]),
        nn.ParameterDict({"a": lib.ones(2)}))]


@story
def old_backward_hooks_warn(lib):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        m = net(lib)
        m.register_backward_hook(lambda m, gi, go: None)
        m(numbers(lib, 5, 3)).sum().backward()
    return [(w.category.__name__, str(w.message)) for w in said]


@story
def without_forward(lib):
    return lib.nn.Module()(3)


@story
def calling_the_constructor_wrongly(lib):
    class Own(lib.nn.Module):
        pass
    found = []
    for call in (lambda: Own(3), lambda: Own(size=3)):
        try:
            call()
        except TypeError as error:
            found.append(str(error))
    return found


@story
def bases_that_share_the_call(lib):
    class Other:
        def __init__(self, size):
            self.size = size

    class Both(lib.nn.Module, Other):
        call_super_init = True

    return Both(size=3).size, Both(4).size


@needs_torch
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", STORIES)
def test_story(name):
    alike(STORIES[name], rtol=1e-5, atol=1e-6)


def test_a_wrong_state_changes_nothing():
    """Not even what fitted and came before the entry that does not."""
    model = net(learntorch)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    wrong = {k: v + 1 for k, v in before.items()}
    wrong["2.1.bias"] = learntorch.ones(7)
    with pytest.raises(RuntimeError, match="size mismatch for 2.1.bias"):
        model.load_state_dict(wrong)
    with pytest.raises(RuntimeError, match="size mismatch"):
        model.load_state_dict(wrong, assign=True)
    for name, value in model.state_dict().items():
        assert value.equal(before[name])


def test_compiling_keeps_the_hooks():
    """A compiled module computes the same, calls its hooks, and is copied without the compiler."""
    model, seen = net(learntorch).eval(), []
    x = numbers(learntorch, 2, 3)
    wanted = model(x)
    model.compile()
    model.register_forward_hook(lambda *a: seen.append(1))
    assert model(x).allclose(wanted)
    assert seen == [1]
    assert copy.deepcopy(model)(x).allclose(wanted)
