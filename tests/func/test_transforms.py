"""grad, vjp, jvp, Jacobians, vmap and their nests: the same code under learntorch and PyTorch.

A scenario is a function of the library; what it returns must be equal under both.
"""

import functools

import numpy as np
import pytest

import learntorch
from tests.oracle import alike, needs_torch

A = np.linspace(0.3, 1.7, 6).reshape(2, 3)
B = np.linspace(-1.1, 2, 3)
SCENARIOS = {}


def scenario(function):
    SCENARIOS[function.__name__] = function
    return function


def t(lib, values, dtype=None):
    return lib.tensor(values, dtype=dtype or lib.float64)


def random(lib, *shape, seed=0):
    return lib.from_numpy(np.random.default_rng(seed).standard_normal(shape))


def functional(lib):
    return lib.nn.functional


# ---- one level: every transform on many functions -----------------------------------------------

FUNCTIONS = {
    "polynomial": lambda lib, x: (x ** 3).sum() + (x[0] * x[1]).sum(),
    "trigonometry": lambda lib, x: (x.sin() * x.exp() / (x + 3)).sum(),
    "softmax": lambda lib, x: (x.softmax(-1) * lib.arange(3.0, dtype=x.dtype)).sum(),
    "logsumexp": lambda lib, x: x.logsumexp(0).prod(),
    "matrices": lambda lib, x: (x @ x.mT).tanh().sum(),
    "norm": lambda lib, x: x.norm(),
    "reductions": lambda lib, x: x.var() + x.amax(1).sum() + x.prod() + x.cumsum(0).mean(),
    "sorted": lambda lib, x: (x.sort(1).values * x.topk(2, 1).values[:, :1]).sum(),
    "views": lambda lib, x: x.reshape(3, 2).t()[1].unsqueeze(0).expand(2, 3).flatten().sum() ** 2,
    "pieces": lambda lib, x: (lib.cat(x.split(1, 0), 1) * lib.stack([x[0], x[1]]).reshape(1, 6)
                              ).sum(),
    "indices": lambda lib, x: x[lib.tensor([1, 1, 0]), lib.tensor([0, 2, 1])].prod(),
    "where": lambda lib, x: lib.where(x > 0.8, x * x, -x).sum(),
    "gather": lambda lib, x: x.gather(1, lib.tensor([[2, 0], [1, 1]])).exp().sum(),
    "layer_norm": lambda lib, x: lib.nn.functional.layer_norm(x, (3,))[0, 1] ** 2,
    "gelu": lambda lib, x: lib.nn.functional.gelu(x, approximate="tanh").square().sum(),
    "cross_entropy": lambda lib, x: lib.nn.functional.cross_entropy(x, lib.tensor([2, 0])),
    "mse": lambda lib, x: lib.nn.functional.mse_loss(x.sin(), x * 2),
    "in_place": lambda lib, x: (x * 1).mul_(x).add_(1).log().sum(),
    "written_view": lambda lib, x: written(lib, x).square().sum(),
    "inverse": lambda lib, x: lib.linalg.inv(x @ x.mT + lib.eye(2, dtype=x.dtype)).sum(),
}


# PyTorch cannot write into a tangent that is zero; test_linearize and the others look at these.
TWICE_FORWARD = ("in_place", "written_view")


def written(lib, x):
    y = x.new_zeros(4, 3)
    y[1:3] = x * 2
    y[0] = y[1].clone() * x[0]
    return y


def every(lib, name):
    """All transforms of one function at one point."""
    f = lib.func

    def function(x):
        return FUNCTIONS[name](lib, x)
    x, v = t(lib, A), random(lib, 2, 3)
    many = random(lib, 4, 2, 3, seed=1).abs() + 0.3
    return [f.grad(function)(x), f.grad_and_value(function)(x), f.jvp(function, (x,), (v,)),
            f.hessian(function)(x), f.jacrev(f.jacrev(function))(x),
            None if name in TWICE_FORWARD else f.jacfwd(f.jacfwd(function))(x),
            f.jacrev(f.jacfwd(function))(x),
            f.vmap(function)(many), f.vmap(f.grad(function))(many),
            f.vmap(lambda y: f.jvp(function, (y,), (v,)))(many), f.vmap(f.hessian(function))(many),
            f.jvp(f.grad(function), (x,), (v,))]


@needs_torch
@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_transform(name):
    alike(lambda lib: every(lib, name))


# ---- forms ---------------------------------------------------------------------------------------


@scenario
def several_arguments(lib):
    f = lib.func
    x, y = t(lib, A), t(lib, B)

    def function(a, b):
        return (a * b).sin().sum()
    return [f.grad(function, argnums=1)(x, y), f.grad(function, argnums=(0, 1))(x, y),
            f.grad(function, argnums=-1)(x, y), f.jacrev(function, (1, 0))(x, y),
            f.hessian(function, (0, 1))(x, y)]


@scenario
def dictionaries(lib):
    f = lib.func
    p = {"w": t(lib, A), "b": t(lib, [0.5, 1.0])}

    def function(p, x):
        return {"y": p["w"] @ x + p["b"], "s": (p["w"].sum(), x)}
    out, pull = f.vjp(function, p, t(lib, B))
    jac = f.jacrev(function)(p, t(lib, B))
    fwd = f.jacfwd(function)(p, t(lib, B))
    loss = f.grad(lambda p, x: function(p, x)["y"].sum())(p, t(lib, B))
    return [out, pull(out), jac["y"]["w"], jac["s"][0]["b"], jac["s"][1]["w"], fwd["y"]["w"],
            fwd["s"][1]["w"], loss["w"], loss["b"]]


@scenario
def auxiliary(lib):
    f = lib.func
    x = t(lib, A)

    def function(x):
        y = x.sin()
        return y.sum(), (y, {"k": x * 2})
    g, aux = f.grad(function, has_aux=True)(x)
    g2, (value, aux2) = f.grad_and_value(function, has_aux=True)(x)
    out, pull, aux3 = f.vjp(function, x, has_aux=True)
    jv = f.jvp(function, (x,), (x,), has_aux=True)
    return [g, aux[0], g2, value, aux2[1]["k"], out, pull(out), aux3[0], jv[0], jv[1], jv[2][0],
            f.jacrev(lambda x: (x * x, x), has_aux=True)(x),
            f.jacfwd(lambda x: (x * x, x), has_aux=True)(x)]


@scenario
def requires_grad_of_results(lib):
    f = lib.func
    x = t(lib, A)
    live = t(lib, A).requires_grad_()

    def function(x):
        return (x ** 3).sum()
    inside = f.grad(lambda x: (x * live).sum())(x)
    with lib.no_grad():
        quiet = f.grad(function)(live)
    return [f.grad(function)(x).requires_grad, f.grad(function)(live).requires_grad,
            inside.requires_grad, quiet.requires_grad, quiet,
            f.grad_and_value(function)(x)[1].requires_grad,
            lib.autograd.grad(f.grad(function)(live).sum(), live)[0],
            f.vjp(function, live)[0].requires_grad, f.jvp(function, (live,), (x,))[1].requires_grad]


@scenario
def unrelated(lib):
    f = lib.func
    x = t(lib, A)
    c = t(lib, B)
    return [f.grad(lambda x: c.sum())(x), f.jvp(lambda x: c * 2, (x,), (x,)),
            f.jacrev(lambda x: c)(x), f.vjp(lambda x: c, x)[1](c), f.hessian(lambda x: x.sum())(x)]


@scenario
def complex_numbers(lib):
    f = lib.func
    z = lib.complex(random(lib, 3), random(lib, 3, seed=1))
    v = lib.complex(random(lib, 3, seed=2), random(lib, 3, seed=3))
    functions = [lambda z: z.exp() * z, lambda z: z.abs(), lambda z: z.conj() * 2j,
                 lambda z: z.real * z, lambda z: z.angle(), lambda z: (z * z.conj()).sum(),
                 lambda z: lib.view_as_real(z).prod(1), lambda z: lib.fft.fft(z)]
    return [f.jvp(function, (z,), (v,)) for function in functions] + [
        f.vmap(function)(lib.stack([z, v])) for function in functions]


@scenario
def nested_maps(lib):
    f = lib.func
    x, y = random(lib, 3, 4), random(lib, 5, 4)
    pairs = f.vmap(f.vmap(lib.dot, (None, 0)), (0, None))
    return [pairs(x, y), f.vmap(f.vmap(lambda a: a * a.sin()))(x),
            f.vmap(f.grad(lambda a: f.vmap(lambda b: (a * b).sum().sin())(y).sum()))(x),
            f.grad(lambda a: f.vmap(lambda b: (b ** 2 * a.sum()))(y).sum())(x),
            f.vmap(lambda a: f.vmap(f.grad(lambda b: (a * b).prod()))(y))(x)]


@scenario
def dimensions(lib):
    f = lib.func
    x = random(lib, 2, 3, 4)
    return [f.vmap(lambda a: a.sum(0), in_dims=2)(x), f.vmap(lambda a: a * 2, 1, 2)(x),
            f.vmap(lambda a: (a, a.sum()), -1, (1, 0))(x),
            f.vmap(lambda a, b: a + b, (0, None))(x, x[0]),
            f.vmap(lambda d: d["a"] * d["b"], ({"a": 0, "b": None},))({"a": x, "b": x[1]}),
            f.vmap(lambda a: {"k": a, "m": [a * 2]})(x)["m"][0],
            f.vmap(lambda a: a.cos(), chunk_size=2)(random(lib, 5, 2)),
            f.vmap(lambda a, k: a * k["f"], (1, None), 1)(x, {"f": 2})]


@scenario
def indices_in_maps(lib):
    f = lib.func
    x, table = random(lib, 4, 5, 3), random(lib, 7, 3)
    i = lib.tensor([0, 3, 1, 4])
    rows = lib.tensor([[0, 1], [2, 2], [4, 0], [1, 1]])
    F = functional(lib)

    def write(a, k):
        b = a.clone()
        b[0] = k
        b[1:3, 0] *= 2
        return b
    return [f.vmap(lambda a, k: a[k])(x, i), f.vmap(lambda k: table[k])(i),
            f.vmap(lambda k: table[:, k % 3])(i), f.vmap(lambda a, r: a[r])(x, rows),
            f.vmap(lambda a, r: a[:, r % 3])(x, rows),
            f.vmap(lambda r: F.embedding(r, table))(rows),
            f.vmap(lambda a, r: F.embedding(r, a))(x, rows), f.vmap(lambda a: a[1:, ::2])(x),
            f.vmap(lambda a, r: a.index_select(0, r))(x, rows), f.vmap(write)(x, i.double()),
            f.vmap(lambda a: a[[2, 0]])(x), f.vmap(lambda r: F.one_hot(r, 5))(rows),
            f.vmap(lambda a, r: a.gather(0, r.unsqueeze(-1)))(x, rows),
            f.vmap(lambda a, r: lib.zeros(5, 1, dtype=a.dtype).scatter_add(
                0, r.unsqueeze(-1), a[:2, :1]))(x, rows)]


@scenario
def products_in_maps(lib):
    f = lib.func
    F = functional(lib)
    x, w, b = random(lib, 3, 4, 5), random(lib, 3, 6, 5), random(lib, 3, 6)
    made = [f.vmap(F.linear, dims)(*args) for dims, args in [
        ((0, 0, 0), (x, w, b)), ((0, None, None), (x, w[0], b[0])),
        ((None, 0, None), (x[0], w, b[0])),
        ((0, None, 0), (x, w[0], b)), ((0, 0, None), (x[:, 0], w, b[0]))]]
    m = random(lib, 3, 5, 4)
    for dims in ((0, 0), (0, None), (None, 0)):
        pick = [lambda q, d=d: q if d == 0 else q[0] for d in dims]
        made += [f.vmap(lib.mm, dims)(pick[0](x), pick[1](m)),
                 f.vmap(lib.mv, dims)(pick[0](x), pick[1](m[:, :, 0])),
                 f.vmap(lib.dot, dims)(pick[0](x[:, 0]), pick[1](x[:, 1])),
                 f.vmap(lib.matmul, dims)(pick[0](x[:, None]), pick[1](m))]
    image, kernel, bias = random(lib, 3, 2, 4, 6, 6), random(lib, 3, 6, 2, 3, 3), b
    for dims in ((0, 0, 0), (0, None, None), (None, 0, None), (None, 0, 0), (0, 0, None),
                 (0, None, 0)):
        args = [q if d == 0 else q[0] for q, d in zip((image, kernel, bias), dims)]
        made.append(f.vmap(lambda i, k, c: F.conv2d(i, k, c, stride=2, padding=1, groups=2), dims)(
            *args))
    up = random(lib, 3, 4, 2, 3, 3)
    made.append(f.vmap(lambda i, k: F.conv_transpose2d(i, k, stride=2))(image, up))
    return made


@scenario
def layers_in_maps(lib):
    f = lib.func
    F = functional(lib)
    x = random(lib, 3, 4, 6, 5)
    w, b = random(lib, 3, 6), random(lib, 3, 6, seed=3)
    return [f.vmap(lambda x: F.layer_norm(x, (6, 5)))(x),
            f.vmap(lambda x, w, b: F.layer_norm(x.mT, (6,), w, b))(x, w, b),
            f.vmap(lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True))(x, w, b),
            f.vmap(lambda x: F.group_norm(x, 3))(x),
            f.vmap(lambda x, w, b: F.group_norm(x, 2, w, b))(x, w, b),
            f.vmap(lambda x: F.max_pool1d(x, 2))(x), f.vmap(lambda x: F.avg_pool2d(x, 2))(x),
            f.vmap(lambda x: F.adaptive_avg_pool2d(x, 2))(x),
            f.vmap(lambda x: F.interpolate(x, scale_factor=2))(x),
            f.vmap(lambda x: F.pad(x, (1, 2)))(x), f.vmap(lambda x: F.softmax(x, 1))(x),
            f.vmap(lambda x: F.scaled_dot_product_attention(x, x, x))(x)]


@scenario
def losses_in_maps(lib):
    return [losses(lib, reduction) for reduction in ("mean", "sum", "none")]


def losses(lib, reduction):
    f = lib.func
    F = functional(lib)
    x = random(lib, 3, 4, 5)
    c = lib.tensor([[0, 1, 2, 3], [4, 4, 4, 0], [-100, 1, 0, 2]])
    w = t(lib, [1.0, 2, 3, 4, 5])
    return [f.vmap(lambda x, c: F.cross_entropy(x, c, reduction=reduction))(x, c),
            f.vmap(lambda x, c: F.cross_entropy(    # PyTorch cannot smooth a weighted mean
                x, c, w, reduction=reduction,
                label_smoothing=0 if reduction == "mean" else 0.1))(x, c),
            f.vmap(lambda x: F.cross_entropy(x, c[0], w, reduction=reduction))(x),
            f.vmap(lambda x, c: F.nll_loss(x, c, reduction=reduction))(x, c),
            f.vmap(lambda x, y: F.mse_loss(x, y, reduction=reduction))(x, x.sin()),
            f.vmap(lambda x, y: F.binary_cross_entropy(x.sigmoid(), y.sigmoid(),
                                                       reduction=reduction))(x, x.sin()),
            f.vmap(lambda x: F.l1_loss(x, x[:1].expand(4, 5), reduction=reduction))(x),
            f.vmap(lambda x, c: F.cross_entropy(x[0], c[0], reduction=reduction))(x, c % 5)]


@scenario
def in_place_in_maps(lib):
    f = lib.func
    x, y = random(lib, 3, 4), random(lib, 3, 4, seed=1)

    def function(a, b):
        c = a.clone()
        c += b
        c[0] = 7
        c[1:].mul_(b[1:])
        d = lib.zeros_like(c)
        d.add_(c)
        return d
    z = x.clone()
    f.vmap(lambda a: a.mul_(2))(z)
    return [f.vmap(function)(x, y), z,
            f.vmap(f.grad(lambda a, b: function(a, b).sin().sum()))(x, y)]


@scenario
def dtypes_in_maps(lib):
    f = lib.func
    i = lib.arange(3)
    x = t(lib, [1.0, 2, 3], lib.float32)
    d = t(lib, [1.0, 2, 3])
    big = lib.ones(2, dtype=lib.float32)
    return [f.vmap(lambda a: a * 2.5)(i), f.vmap(lambda a: a + big)(d),
            f.vmap(lambda a, b: a + b)(x, d), f.vmap(lambda a: a > 1)(i),
            f.vmap(lambda a: big * a)(i), f.vmap(lambda a: a.mean())(lib.ones(2, 3)),
            f.vmap(lambda a: lib.where(a > 1, a, 0))(d), f.vmap(lambda a: a.double())(i)]


# ---- networks ------------------------------------------------------------------------------------


def network(lib, kind):
    lib.manual_seed(0)
    nn = lib.nn
    if kind == "mlp":
        return nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 4)).double()
    return nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                         nn.GroupNorm(1, 3), nn.Flatten(), nn.Linear(12, 4)).double()


def per_sample(lib, kind):
    f = lib.func
    model = network(lib, kind)
    params = {k: v.detach() for k, v in model.named_parameters()}
    x = random(lib, 5, 6) if kind == "mlp" else random(lib, 5, 1, 4, 4)
    y = lib.tensor([0, 3, 1, 2, 2])

    def loss(p, x, y):
        out = f.functional_call(model, p, (x.unsqueeze(0),))
        return lib.nn.functional.cross_entropy(out, y.unsqueeze(0))
    found = f.vmap(f.grad(loss), in_dims=(None, 0, 0))(params, x, y)
    trace = f.vmap(lambda x: f.jacrev(lambda x: f.functional_call(model, params, x[None]))(x))(x)
    return [found[k] for k in params] + [trace]


@scenario
def per_sample_gradients_of_an_mlp(lib):
    return per_sample(lib, "mlp")


@scenario
def per_sample_gradients_of_a_cnn(lib):
    return per_sample(lib, "cnn")


@scenario
def ensemble(lib):
    f = lib.func
    models = [network(lib, "mlp") for _ in range(3)]
    params, buffers = f.stack_module_state(models)
    x = random(lib, 5, 6)

    def call(p, b, x):
        return f.functional_call(models[0], (p, b), (x,))
    out = f.vmap(call, (0, 0, None))(params, buffers, x)
    out.sum().backward()
    return [out.detach(), params["0.weight"].grad, params["0.weight"].is_leaf]


@scenario
def tangent_kernel(lib):
    f = lib.func
    model = network(lib, "mlp")
    params = {k: v.detach() for k, v in model.named_parameters()}
    x = random(lib, 3, 6)

    def call(p, x):
        return f.functional_call(model, p, x)
    jac = f.vmap(f.jacrev(call), (None, 0))(params, x)
    jac = [j.flatten(2) for j in jac.values()]
    return sum(lib.einsum("Naf,Mbf->NMab", j, j) for j in jac)


@scenario
def batched_cotangents(lib):
    x = t(lib, A).requires_grad_()
    y = (x.sin() @ x.mT).exp()
    eye = lib.eye(4, dtype=lib.float64).reshape(4, 2, 2)
    unused = t(lib, B).requires_grad_()
    return [lib.autograd.grad(y, x, eye, is_grads_batched=True, retain_graph=True),
            lib.autograd.grad(y, (x, unused), eye, is_grads_batched=True, allow_unused=True)[0]]


@scenario
def a_functions_own_rules(lib):
    f = lib.func

    class Cube(lib.autograd.Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(x, k):
            return x ** 3 * k

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.k = inputs[1]
            ctx.save_for_backward(inputs[0])
            ctx.save_for_forward(inputs[0])

        @staticmethod
        def backward(ctx, g):
            return g * 3 * ctx.saved_tensors[0] ** 2 * ctx.k, None

        @staticmethod
        def jvp(ctx, v, _):
            return v * 3 * ctx.saved_tensors[0] ** 2 * ctx.k

    class Own(Cube):
        generate_vmap_rule = False

        @staticmethod
        def vmap(info, in_dims, x, k):
            assert info.batch_size == 3 and in_dims == (0, None)
            return Own.apply(x, k), 0
    x = t(lib, B)
    made = []
    for cls in (Cube, Own):
        def call(x, cls=cls):
            return cls.apply(x, 2.0)
        made += [f.vmap(call)(x), f.vmap(f.grad(call))(x), f.jvp(call, (x,), (x,)),
                 f.vmap(f.grad(f.grad(call)))(x), f.jacrev(call)(x) if cls is Cube else x,
                 f.hessian(lambda x: call(x).sum())(x) if cls is Cube else x]
    return made


ERRORS = {
    "item": lambda f, x: f.vmap(lambda a: a.sum().item())(x),
    "branch": lambda f, x: f.vmap(lambda a: a if a.sum() > 0 else -a)(x),
    "sizes": lambda f, x: f.vmap(lambda a, b: a)(x, x.mT),
    "no_tensor": lambda f, x: f.vmap(lambda a: a)(3),
    "no_input": lambda f, x: f.vmap(lambda: 1)(),
    "all_none": lambda f, x: f.vmap(lambda a: a, None)(x),
    "in_dim": lambda f, x: f.vmap(lambda a: a, 2)(x),
    "structure": lambda f, x: f.vmap(lambda a: a, (0, 0))(x),
    "in_dims_type": lambda f, x: f.vmap(lambda a: a, "0")(x),
    "returns_number": lambda f, x: f.vmap(lambda a: 3)(x),
    "out_dims": lambda f, x: f.vmap(lambda a: (a, a), out_dims=(0,))(x),
    "chunk": lambda f, x: f.vmap(lambda a: a, chunk_size=0)(x),
    "randomness": lambda f, x: f.vmap(lambda a: a, randomness="x")(x),
    "mask": lambda f, x: f.vmap(lambda a: a[a > 0])(x),
    "nonzero": lambda f, x: f.vmap(lambda a: a.nonzero())(x),
    "backward": lambda f, x: f.vmap(lambda a: a.sum().backward())(x),
    "no_scalar": lambda f, x: f.grad(lambda a: a)(x),
    "no_result": lambda f, x: f.grad(lambda a: 3)(x),
    "argnum": lambda f, x: f.grad(lambda a: a.sum(), 1)(x),
    "not_aux": lambda f, x: f.grad(lambda a: a.sum(), has_aux=True)(x),
    "number": lambda f, x: f.grad(lambda a: a)(3),
    "primals": lambda f, x: f.jvp(lambda a: a, x, x),
    "tangent_shape": lambda f, x: f.jvp(lambda a: a, (x,), (x[0],)),
    "tangent_form": lambda f, x: f.jvp(lambda a: a, (x,), (x, x)),
    "strict": lambda f, x: f.jvp(lambda a: x * 1, (x,), (x,), strict=True),
    "cotangent_shape": lambda f, x: f.vjp(lambda a: a, x)[1](x[0]),
    "cotangent_form": lambda f, x: f.vjp(lambda a: (a, a), x)[1](x),
    "not_tensors": lambda f, x: f.vjp(lambda a: 3, x),
}


@needs_torch
@pytest.mark.parametrize("name", ERRORS)
def test_error(name):
    alike(lambda lib: ERRORS[name](lib.func, t(lib, A)))


@needs_torch
@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(name):
    alike(SCENARIOS[name])


# ---- what PyTorch need not be asked --------------------------------------------------------------


def test_in_place_needs_room():
    total = learntorch.zeros(())
    with pytest.raises(RuntimeError, match="vmap: inplace arithmetic"):
        learntorch.func.vmap(lambda a: total.add_(a))(learntorch.ones(3))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_linearize(name):
    """What `linearize` gives is the jvp, for any tangent."""
    x = t(learntorch, A)
    function = functools.partial(FUNCTIONS[name], learntorch)
    output, push = learntorch.func.linearize(function, x)
    for seed in range(2):
        v = random(learntorch, 2, 3, seed=seed)
        value, expected = learntorch.func.jvp(function, (x,), (v,))
        assert np.allclose(push(v)._data, expected._data)
        assert np.allclose(output._data, value._data)


def test_randomness():
    x = learntorch.ones(4, 3)
    dropout = learntorch.nn.functional.dropout
    with pytest.raises(RuntimeError, match="randomness error mode"):
        learntorch.vmap(dropout)(x)
    with pytest.raises(RuntimeError, match="randomness error mode"):
        learntorch.vmap(lambda a: a + learntorch.rand(3))(x)
    learntorch.manual_seed(0)
    same = learntorch.vmap(lambda a: a + learntorch.rand(3), randomness="same")(x)
    assert (same == same[0]).all()
    other = learntorch.vmap(lambda a: a + learntorch.rand(3), randomness="different")(x)
    assert not (other == other[0]).all()
    same = learntorch.vmap(dropout, randomness="same")(x.expand(50, 4, 3))
    assert (same == same[0]).all() and not (same == same[0, 0]).all()
    assert not (learntorch.vmap(dropout, randomness="different")(x) == dropout(x)).all()


def test_a_function_that_looks_at_numbers_is_run_for_each_example():
    calls = []

    def function(a):
        calls.append(1)
        return learntorch.from_numpy(learntorch.linalg.norm(a)._data * learntorch.ones(2)._data)
    x = learntorch.arange(6.0).reshape(3, 2)
    got = learntorch.vmap(lambda a: learntorch.repeat_interleave(a, 2))(x)
    assert got.tolist() == x.repeat_interleave(2, dim=1).tolist()
    got = learntorch.vmap(function)(x)
    assert len(calls) == 4
    assert np.allclose(got[:, 0]._data, x.norm(dim=1)._data)


def test_other_interceptors_between():
    """autocast, anomaly and inference modes inside a mapped function."""
    x, i = learntorch.randn(3, 4), learntorch.tensor([0, 2, 1])

    def function(a, k):
        with learntorch.autocast("cpu"), learntorch.inference_mode():
            return learntorch.nn.functional.cross_entropy(a, k) + a[k]
    got = learntorch.vmap(function)(x, i)
    expected = learntorch.stack([function(a, k) for a, k in zip(x, i)])
    assert np.allclose(got._data, expected._data)


def test_no_history_is_left_behind():
    x = learntorch.ones(3)
    w = learntorch.ones(3, requires_grad=True)
    g = learntorch.func.grad(lambda x: (x * w.detach()).sum())(x)
    assert g.grad_fn is None and w.grad is None
    assert not learntorch.func.jvp(lambda x: x * 2, (x,), (x,))[1].requires_grad
    assert x._tangents is None or not x._tangents


def test_only_asked_gradients_are_computed():
    """autograd.grad(y, x) runs no rule for the other inputs."""
    seen = []
    registry = learntorch.core.record.registry
    mul = registry["mul"].op
    before = mul.vjps["y"]
    x = learntorch.ones(2, requires_grad=True)
    w = learntorch.ones(2, requires_grad=True)
    y = (x * w).sum()
    plan = y.grad_fn.next_functions[0][0].plan
    assert plan is mul.find(3)
    narrow = mul.find(1)
    run = narrow.run
    narrow.run = lambda *args: seen.append(len([a for a in run(*args) if a is not None])) or \
        run(*args)
    try:
        learntorch.autograd.grad(y, x)
    finally:
        narrow.run = run
    assert seen == [1] and mul.vjps["y"] is before
