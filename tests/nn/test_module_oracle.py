"""Module, its hooks and its containers against PyTorch: the same story told to both libraries."""

import warnings

import pytest

from tests.oracle import alike, needs_torch


def names(pairs):
    return [name for name, _ in pairs]


def net(torch):
    """A small network with a shared layer, a buffer of each kind and nested parts."""
    nn = torch.nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(3, 2)
            self.parts = nn.ModuleList([nn.Linear(2, 2), nn.Sequential(nn.Tanh(), self.first)])
            self.scale = nn.Parameter(torch.ones(1))
            self.register_buffer("seen", torch.zeros(1))
            self.register_buffer("hidden", torch.zeros(1), persistent=False)
            self.register_parameter("absent", None)

        def forward(self, x):
            return self.parts[0](self.first(x)) * self.scale

        def extra_repr(self):
            return "two\nlines"

    torch.manual_seed(0)
    return Net()


def broken(torch):
    class Broken(torch.nn.Module):
        def __init__(self):
            pass
    return Broken()


STORIES = {}


def story(function):
    STORIES[function.__name__] = function
    return function


@story
def walks(torch):
    m = net(torch)
    return (names(m.named_parameters()), names(m.named_parameters(remove_duplicate=False)),
            names(m.named_parameters("p", recurse=False)), names(m.named_buffers("b")),
            names(m.named_children()), names(m.named_modules()),
            names(m.named_modules(prefix="x", remove_duplicate=False)), list(m.state_dict()),
            len(list(m.parameters())), len(list(m.buffers())), len(list(m.modules())),
            len(list(m.children())), repr(m), names(m.parts.named_parameters("q")))


@story
def state_dict_metadata(torch):
    m = torch.nn.Sequential(torch.nn.Linear(1, 1), torch.nn.BatchNorm1d(2))
    return list(m.state_dict(prefix="a.")._metadata.items())


@story
def state_dict_shares_memory(torch):
    m = net(torch)
    m.state_dict()["scale"].zero_()
    kept = m.state_dict(keep_vars=True)["scale"]
    return m.scale, kept is m.scale, m.state_dict()["scale"].requires_grad


@story
def modes(torch):
    m = net(torch)
    m.eval()
    first = [part.training for part in m.modules()]
    m.train().parts.eval()
    return first, [part.training for part in m.modules()], m.train() is m


@story
def freezing(torch):
    m = net(torch)
    m.requires_grad_(False).scale.requires_grad_()
    return [p.requires_grad for p in m.parameters()], m(torch.ones(1, 3)).requires_grad


@story
def zeroing_gradients(torch):
    m = net(torch)
    m(torch.ones(1, 3)).sum().backward()
    m.zero_grad(set_to_none=False)
    zeros = [p.grad for p in m.parameters()]
    m.zero_grad()
    return zeros, [p.grad for p in m.parameters()]


@story
def conversions(torch):
    m = net(torch)
    m(torch.ones(1, 3)).sum().backward()
    weight, grad, buffer = m.first.weight, m.first.weight.grad, m.seen
    out = [m.double() is m, m.first.weight is weight, m.first.weight.grad is grad, grad.dtype,
           m.seen is buffer, m.seen.dtype, weight]
    for step in (m.float, m.half, m.bfloat16, m.cpu, lambda: m.to(torch.float64),
                 lambda: m.to("cpu", torch.float32), lambda: m.to(torch.zeros(1).double()),
                 lambda: m.to(device="cpu", dtype=torch.float32), lambda: m.to("cpu"),
                 lambda: m.to(None), lambda: m.to(torch.float64, True), lambda: m.to(),
                 lambda: m.type(torch.float32), lambda: m.type("torch.DoubleTensor")):
        step()
        out.append((m.scale.dtype, m.seen.dtype, m.scale.grad.dtype))
    return out


@story
def integer_buffers_keep_their_type(torch):
    bn = torch.nn.BatchNorm1d(2).double().to(torch.float16)
    return bn.num_batches_tracked.dtype, bn.weight.dtype, bn.type(torch.float64).running_mean.dtype


@story
def applying(torch):
    m, seen = net(torch), []
    m.apply(lambda part: seen.append(type(part).__name__))
    m.apply(lambda part: part.bias.data.fill_(7.0) if hasattr(part, "bias") else None)
    return seen, m.first.bias


@story
def looking_up(torch):
    m = net(torch)
    m.set_submodule("parts.0", torch.nn.ReLU())
    m.set_submodule("fresh", torch.nn.ReLU())
    return (repr(m), m.get_submodule("") is m, repr(m.get_submodule("parts.1.0")),
            m.get_parameter("first.bias") is m.first.bias, m.get_buffer("hidden") is m.hidden,
            m.absent, "first" in dir(m), "weight" in dir(m.first), "0" in dir(m.parts))


@story
def names_mean_one_thing(torch):
    nn = torch.nn
    m = nn.Module()
    m.x = torch.ones(1)
    m.x = nn.Parameter(torch.ones(2))
    first = list(m.state_dict())
    m.x = None
    kept = dict(m._parameters)
    del m.x
    m.x = nn.ReLU()
    m.x = None
    parts = dict(m._modules)
    del m.x
    m.x = nn.Buffer(torch.ones(1), persistent=False)
    hidden = list(m.state_dict())
    m.x = torch.zeros(3)
    m.y = nn.Buffer(torch.ones(1))
    return first, kept, parts, hidden, m.x, list(m.state_dict()), names(m.named_buffers())


@story
def loading(torch):
    a, b = net(torch), net(torch)
    state = {k: v + 1 for k, v in a.state_dict().items()}
    weight = b.first.weight
    answer = b.load_state_dict(state)
    partly = b.load_state_dict({"scale": torch.zeros(1), "other": torch.ones(1)}, strict=False)
    return (repr(answer), repr(partly), answer.missing_keys, partly.unexpected_keys,
            dict(b.state_dict()), b.first.weight is weight)


@story
def loading_converts_types(torch):
    m = torch.nn.Linear(2, 1)
    m.load_state_dict({"weight": torch.ones(1, 2, dtype=torch.int64),
                       "bias": torch.ones(1).double()})
    return m.weight, m.bias


@story
def loading_by_assignment(torch):
    m = torch.nn.Linear(2, 1)
    m.bias.requires_grad_(False)
    given = {"weight": torch.ones(1, 2).double(), "bias": torch.ones(1)}
    m.load_state_dict(given, assign=True)
    given["weight"].zero_()
    return m.weight, m.bias, type(m.weight).__name__


@story
def loading_a_scalar_of_old_files(torch):
    m = torch.nn.Module()
    m.p = torch.nn.Parameter(torch.tensor(1.0))
    m.load_state_dict({"p": torch.ones(1) * 3})
    return m.p


@story
def extra_state(torch):
    class Counting(torch.nn.Module):
        count = 7

        def get_extra_state(self):
            return self.count

        def set_extra_state(self, state):
            self.count = state
    m = torch.nn.Sequential(Counting())
    saved = dict(m.state_dict())
    m.load_state_dict({"0._extra_state": 9})
    return saved, m[0].count


@story
def forward_hooks(torch):
    m, seen = torch.nn.Linear(2, 2), []
    x = torch.ones(1, 2)
    with torch.no_grad():
        m.weight.fill_(0.5)
        m.bias.fill_(1.0)
    m.register_forward_pre_hook(lambda mod, args: seen.append("pre"))
    m.register_forward_pre_hook(lambda mod, args: args[0] * 2)
    m.register_forward_pre_hook(lambda mod, args, kwargs: ((args[0] + 1,), kwargs),
                                with_kwargs=True, prepend=True)
    first = m.register_forward_hook(lambda mod, args, out: out * 10)
    m.register_forward_hook(lambda mod, args, kwargs, out: seen.append(sorted(kwargs)),
                            with_kwargs=True)
    m.register_forward_hook(lambda mod, args, out: seen.append(float(out.detach().sum())),
                            prepend=True)
    one = m(x)
    first.remove()
    first.remove()
    return one, m(x), seen


@story
def hook_handles(torch):
    m = torch.nn.ReLU()
    with m.register_forward_hook(lambda *a: None):
        inside = len(m._forward_hooks)
    handle = m.register_forward_hook(lambda *a: None, with_kwargs=True, always_call=True)
    marked = len(m._forward_hooks_with_kwargs), len(m._forward_hooks_always_called)
    handle.remove()
    return (inside, len(m._forward_hooks), marked, len(m._forward_hooks_with_kwargs),
            len(m._forward_hooks_always_called))


@story
def always_called_hooks(torch):
    class Failing(torch.nn.Module):
        def forward(self, x):
            raise ValueError("boom")
    m, seen = Failing(), []
    m.register_forward_hook(lambda *a: seen.append("never"))
    m.register_forward_hook(lambda mod, args, out: seen.append(out), always_call=True)
    try:
        m(torch.ones(1))
    except ValueError as error:
        seen.append(str(error))
    return seen


@story
def global_hooks(torch):
    at, seen = torch.nn.modules.module, []
    handles = [
        at.register_module_forward_pre_hook(lambda m, a: seen.append("pre")),
        at.register_module_forward_hook(lambda m, a, o: seen.append(type(m).__name__)),
        at.register_module_full_backward_hook(lambda m, gi, go: seen.append("back")),
        at.register_module_full_backward_pre_hook(lambda m, go: seen.append("before")),
        at.register_module_parameter_registration_hook(lambda m, n, p: seen.append(n)),
        at.register_module_buffer_registration_hook(lambda m, n, p: seen.append(n)),
        at.register_module_module_registration_hook(lambda m, n, p: seen.append(n)),
    ]
    try:
        m = torch.nn.Sequential(torch.nn.Linear(1, 2), torch.nn.Tanh())
        m(torch.ones(3, 1).requires_grad_()).sum().backward()
        torch.nn.BatchNorm1d(2)
    finally:
        for handle in handles:
            handle.remove()
    m(torch.ones(3, 1))
    return seen


def gradients(given):
    return [None if g is None else g.tolist() for g in given]


def backward_story(torch, register, forward=None, requires_grad=True):
    """Gradients of a module that returns (2a, c, 3·a·b), seen and left behind."""
    class Three(torch.nn.Module):
        def forward(self, a, k, b):
            return a * 2, k, a * b * 3
    m, seen = Three(), []
    register(m, seen)
    a = torch.ones(2).requires_grad_(requires_grad)
    b = torch.full((2,), 4.0).requires_grad_(requires_grad)
    out = m(a, 5, b)
    if requires_grad:
        (out[0] + out[2]).sum().backward()
    return seen, a.grad, b.grad, out[1]


@story
def full_backward_hook(torch):
    return backward_story(torch, lambda m, seen: m.register_full_backward_hook(
        lambda mod, gi, go: seen.append((gradients(gi), gradients(go)))))


@story
def full_backward_hook_replaces(torch):
    return backward_story(torch, lambda m, seen: m.register_full_backward_hook(
        lambda mod, gi, go: (gi[0] * 10, None, gi[2] * 100)))


@story
def full_backward_pre_hook(torch):
    def register(m, seen):
        m.register_full_backward_pre_hook(lambda mod, go: (go[0] * 10, None, go[2]))
        m.register_full_backward_pre_hook(lambda mod, go: seen.append(gradients(go)))
    return backward_story(torch, register)


@story
def full_backward_hook_order(torch):
    def register(m, seen):
        m.register_full_backward_hook(lambda mod, gi, go: seen.append("a"))
        m.register_full_backward_hook(lambda mod, gi, go: seen.append("b"), prepend=True)
        m.register_full_backward_pre_hook(lambda mod, go: seen.append("pre"))
    return backward_story(torch, register)


@story
def full_backward_hook_without_history(torch):
    return backward_story(torch, lambda m, seen: m.register_full_backward_hook(
        lambda mod, gi, go: seen.append("never")), requires_grad=False)


@story
def state_dict_hooks(torch):
    m, seen = torch.nn.Linear(1, 1), []
    m.register_state_dict_pre_hook(lambda mod, prefix, keep: seen.append((prefix, keep)))
    m.register_state_dict_post_hook(
        lambda mod, sd, prefix, meta: sd.update({prefix + "more": len(sd)}))
    m._register_state_dict_hook(lambda mod, sd, prefix, meta: {k: 1 for k in sd})
    return dict(torch.nn.Sequential(m).state_dict()), dict(m.state_dict(prefix="p.")), seen


@story
def load_state_dict_hooks(torch):
    m, seen = torch.nn.Linear(1, 1), []
    m.register_load_state_dict_pre_hook(
        lambda mod, sd, prefix, *rest: sd.update({"bias": sd.pop("old")}))
    m._register_load_state_dict_pre_hook(lambda sd, prefix, *rest: seen.append((prefix, list(sd))))
    m.register_load_state_dict_post_hook(lambda mod, keys: keys.unexpected_keys.clear())
    answer = m.load_state_dict({"weight": torch.ones(1, 1), "old": torch.ones(1) * 2, "z": 1})
    return seen, m.bias, repr(answer)


@needs_torch
@pytest.mark.parametrize("name", STORIES)
def test_story(name):
    def run(torch):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            return STORIES[name](torch)
    alike(run)


ERRORS = {
    "call without init": lambda t: broken(t)(1),
    "parameters without init": lambda t: list(broken(t).parameters()),
    "buffer without init": lambda t: broken(t).register_buffer("a", None),
    "parameter without init": lambda t: broken(t).register_parameter("a", None),
    "add_module without init": lambda t: broken(t).add_module("a", None),
    "assign parameter without init": lambda t: setattr(broken(t), "a",
                                                       t.nn.Parameter(t.ones(1))),
    "assign module without init": lambda t: setattr(broken(t), "a", t.nn.ReLU()),
    "assign buffer without init": lambda t: setattr(broken(t), "a", t.nn.Buffer(t.ones(1))),
    "unknown attribute": lambda t: net(t).wieght,
    "delete unknown": lambda t: delattr(net(t), "foo"),
    "tensor as parameter": lambda t: setattr(net(t), "scale", t.ones(1)),
    "int as parameter": lambda t: setattr(net(t), "scale", 3),
    "int as module": lambda t: setattr(net(t), "first", 3),
    "int as buffer": lambda t: setattr(net(t), "seen", 3),
    "buffer name int": lambda t: net(t).register_buffer(3, None),
    "buffer name dot": lambda t: net(t).register_buffer("a.b", None),
    "buffer name empty": lambda t: net(t).register_buffer("", None),
    "buffer name taken": lambda t: net(t).register_buffer("scale", None),
    "buffer name of a method": lambda t: net(t).register_buffer("forward", None),
    "buffer is int": lambda t: net(t).register_buffer("zz", 3),
    "parameter name int": lambda t: net(t).register_parameter(3, None),
    "parameter name dot": lambda t: net(t).register_parameter("a.b", None),
    "parameter name empty": lambda t: net(t).register_parameter("", None),
    "parameter name taken": lambda t: net(t).register_parameter("seen", None),
    "parameter is int": lambda t: net(t).register_parameter("zz", 3),
    "parameter is tensor": lambda t: net(t).register_parameter("zz", t.ones(1)),
    "module is int": lambda t: net(t).add_module("zz", 3),
    "module name int": lambda t: net(t).add_module(3, t.nn.ReLU()),
    "module name dot": lambda t: net(t).add_module("a.b", t.nn.ReLU()),
    "module name empty": lambda t: net(t).add_module("", t.nn.ReLU()),
    "module name taken": lambda t: net(t).add_module("scale", t.nn.ReLU()),
    "no such submodule": lambda t: net(t).get_submodule("a.b"),
    "submodule is parameter": lambda t: net(t).get_submodule("scale"),
    "no such parameter": lambda t: net(t).get_parameter("first.zz"),
    "parameter is buffer": lambda t: net(t).get_parameter("seen"),
    "buffer is parameter": lambda t: net(t).get_buffer("first.weight"),
    "set_submodule nowhere": lambda t: net(t).set_submodule("", t.nn.ReLU()),
    "set_submodule int": lambda t: net(t).set_submodule("first", 3),
    "set_submodule strict": lambda t: net(t).set_submodule("zz", t.nn.ReLU(), strict=True),
    "set_submodule parameter": lambda t: net(t).set_submodule("first.weight", t.nn.ReLU()),
    "train(3)": lambda t: net(t).train(3),
    "to int": lambda t: net(t).to(t.int64),
    "to two dtypes": lambda t: net(t).to(t.float32, "cpu"),
    "to unknown keyword": lambda t: net(t).to(foo=3),
    "load int": lambda t: net(t).load_state_dict(3),
    "load nothing": lambda t: net(t).load_state_dict({}),
    "load post hook returns": lambda t: load_post(t, lambda m, k: 5),
    "pre-hook of wrong form": lambda t: forward_pre(t, lambda m, a, k: 3),
    "two kinds of backward hooks": lambda t: both_backward(t),
    "post hook returns": lambda t: post_hook(t),
    "Sequential of a list": lambda t: t.nn.Sequential([t.nn.ReLU()]),
    "Sequential of an int": lambda t: t.nn.Sequential(t.nn.ReLU(), 3),
    "ModuleList of an int": lambda t: t.nn.ModuleList(3),
    "ModuleList of ints": lambda t: t.nn.ModuleList([3]),
    "ModuleList called": lambda t: t.nn.ModuleList([])(1),
    "ModuleDict of an int": lambda t: t.nn.ModuleDict(3),
    "ModuleDict of ints": lambda t: t.nn.ModuleDict([3]),
    "ModuleDict of triples": lambda t: t.nn.ModuleDict([(1, 2, 3)]),
    "ModuleDict key dot": lambda t: t.nn.ModuleDict({"a.b": t.nn.ReLU()}),
    "ModuleDict key of a method": lambda t: t.nn.ModuleDict({"keys": t.nn.ReLU()}),
    "ModuleDict unknown": lambda t: t.nn.ModuleDict()["z"],
    "ParameterList of an int": lambda t: t.nn.ParameterList(3),
    "ParameterList called": lambda t: t.nn.ParameterList([])(1),
    "ParameterList place": lambda t: t.nn.ParameterList([t.ones(1)])[1],
    "ParameterDict called": lambda t: t.nn.ParameterDict()(1),
    "ParameterDict key": lambda t: t.nn.ParameterDict([(1, t.ones(1))]),
    "ParameterDict of an int": lambda t: t.nn.ParameterDict(3),
    "Parameter of a list": lambda t: t.nn.Parameter([1.0, 2.0]),
    "Parameter of ints": lambda t: t.nn.Parameter(t.ones(2, dtype=t.int64)),
    "Buffer of an int": lambda t: t.nn.Buffer(3),
}


def load_post(torch, hook):
    m = torch.nn.ReLU()
    m.register_load_state_dict_post_hook(hook)
    m.load_state_dict({})


def forward_pre(torch, hook):
    m = torch.nn.ReLU()
    m.register_forward_pre_hook(hook, with_kwargs=True)
    m(torch.ones(1))


def both_backward(torch):
    m = torch.nn.ReLU()
    m.register_backward_hook(lambda *a: None)
    m.register_full_backward_hook(lambda *a: None)


def post_hook(torch):
    m = torch.nn.Linear(1, 1)
    m.register_state_dict_post_hook(lambda *a: {})
    m.state_dict()


@needs_torch
@pytest.mark.parametrize("name", ERRORS)
def test_error(name):
    """PyTorch's type, and its words first."""
    def run(torch):
        ERRORS[name](torch)
    alike(run)


@needs_torch
@pytest.mark.parametrize("state", [
    {}, {"weight": (3, 3), "bias": (1,)}, {"weight": (2, 2), "x": (1,)},
    {"weight": (2, 2), "bias": 3},
    {"weight": (2, 2), "bias": (2,), "0.weight": (1,), "_extra_state": (1,)},
])
def test_every_line_of_the_loading_error(state):
    def run(torch):
        given = {k: torch.ones(v) if isinstance(v, tuple) else v for k, v in state.items()}
        try:
            torch.nn.Linear(2, 2).load_state_dict(given)
        except RuntimeError as error:
            return str(error)
    alike(run)
