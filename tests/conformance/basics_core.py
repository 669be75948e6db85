"""Basic set: autograd, data loading, saving, and tensors as Python objects."""
import collections
import io
import pickle

import numpy as np

from .basics import array, case, mlp


@case
def autograd_grad_and_backward(L):
    x, y = L.t(array(3), True), L.t(array(3, seed=1), True)
    z = (x * y).sum() + (x ** 3).sum()
    gx, = L.autograd.grad(z, x, create_graph=True)
    ggx, = L.autograd.grad(gx.sum(), x, retain_graph=True)
    z.backward()
    z2 = (x * 2).sum()
    z2.backward()
    return gx, ggx, x.grad, y.grad


@case
def autograd_no_grad_modes(L):
    x = L.t(array(3), True)
    with L.no_grad():
        a = x * 2
        with L.enable_grad():
            b = x * 2
    with L.set_grad_enabled(False):
        c = x * 2
    with L.inference_mode():
        d = x * 2

    @L.no_grad()
    def f(v):
        return v * 2
    return [t.requires_grad for t in (a, b, c, d, f(x))], L.is_grad_enabled(), x.is_leaf, b.is_leaf


@case
def autograd_custom_function(L):
    class Cube(L.autograd.Function):
        @staticmethod
        def forward(ctx, x, k):
            ctx.save_for_backward(x)
            ctx.k = k
            return x ** 3 * k

        @staticmethod
        def backward(ctx, g):
            x, = ctx.saved_tensors
            return g * 3 * x ** 2 * ctx.k, None
    x = L.t(array(3), True)
    y = Cube.apply(x, 2.0)
    y.sum().backward()
    return y, x.grad


@case
def autograd_setup_context(L):
    class Two(L.autograd.Function):
        @staticmethod
        def forward(x, y):
            return x * y, x + y

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx, ga, gb):
            x, y = ctx.saved_tensors
            return (ga * y + gb if ctx.needs_input_grad[0] else None), None
    x, y = L.t(array(3), True), L.t(array(3, seed=1))
    a, b = Two.apply(x, y)
    (a + 2 * b).sum().backward()
    return a, b, x.grad


@case
def autograd_hooks(L):
    x = L.t(array(3), True)
    h = x * 2
    h.retain_grad()
    handle = h.register_hook(lambda g: g * 10)
    (h ** 2).sum().backward()
    first = x.grad.clone()
    handle.remove()
    x.grad = None
    (x * 2).sum().backward()
    return first, h.grad, x.grad


@case
def autograd_module_hooks(L):
    m, seen = mlp(L), []
    m[0].register_forward_pre_hook(lambda mod, i: seen.append("pre"))
    m[0].register_forward_hook(lambda mod, i, o: o * 2)
    m[2].register_full_backward_hook(lambda mod, gi, go: seen.append("bwd"))
    x = L.t(array(2, 4, seed=3), True)
    y = m(x)
    y.sum().backward()
    return y, x.grad, seen


@case
def autograd_functional(L):
    F = L.autograd.functional
    x = L.t(array(3))

    def f(v):
        return (v ** 2).sum() * v
    return (F.jacobian(f, x), F.hessian(lambda v: (v ** 3).sum(), x),
            F.vjp(f, x, L.t(array(3, seed=2))), F.jvp(f, x, L.t(array(3, seed=2))))


@case
def autograd_func_transforms(L):
    x = L.t(array(4))
    g = L.func.grad(lambda v: (v ** 3).sum())(x)
    jac = L.func.jacrev(lambda v: v ** 2)(x)
    batched = L.func.vmap(lambda v: v * 2 + 1)(L.t(array(3, 4)))
    return g, jac, batched


@case
def autograd_gradcheck(L):
    x = L.t(np.random.default_rng(0).standard_normal(3), True)
    return L.autograd.gradcheck(lambda v: (v ** 2).sin(), (x,))


@case
def autograd_checkpoint(L):
    m = mlp(L)
    x = L.t(array(2, 4, seed=3), True)
    y = L.utils.checkpoint.checkpoint(m, x, use_reentrant=False)
    y.sum().backward()
    return y, x.grad, [p.grad for p in m.parameters()]


@case
def autograd_errors(L):
    out = []

    def kind(f):
        try:
            f()
            return "nothing"
        except Exception as e:
            return type(e).__name__
    x = L.t(array(3), True)
    out.append(kind(lambda: (x * 2).backward()))                    # not a scalar
    y = (x * x).sum()
    y.backward()
    out.append(kind(y.backward))                                    # second time
    out.append(kind(lambda: x.add_(1)))                             # in-place on a leaf
    out.append(kind(lambda: L.t(array(3)).sum().backward()))           # no graph
    out.append(kind(lambda: (x * 2).numpy()))                       # needs detach
    z = x * 2
    w = z * z
    z.add_(1)
    out.append(kind(lambda: w.sum().backward()))                    # saved tensor was modified
    return out


@case
def data_loader(L):
    D = L.utils.data
    ds = D.TensorDataset(L.t(array(10, 2)), L.t(np.arange(10)))
    out = [list(b) for b in D.DataLoader(ds, batch_size=4)]
    out += [list(b) for b in D.DataLoader(ds, batch_size=4, drop_last=True)]
    return out, len(D.DataLoader(ds, batch_size=3)), len(ds), list(ds[3])


@case
def data_collate(L):
    batch = [{"x": array(2, seed=i), "y": i, "z": (float(i), "s")} for i in range(3)]
    return L.utils.data.default_collate(batch)


@case
def data_datasets(L):
    D = L.utils.data

    class Squares(D.Dataset):
        def __init__(self, n):
            self.n = n

        def __len__(self):
            return self.n

        def __getitem__(self, i):
            if i >= self.n:
                raise IndexError(i)
            return i * i

    class Stream(D.IterableDataset):
        def __iter__(self):
            return iter(range(5))
    both = Squares(4) + Squares(3)
    sub = D.Subset(both, [1, 5, 2])
    return (
        len(both),
        [both[i] for i in range(7)],
        [sub[i] for i in range(3)],
        list(D.DataLoader(Stream(), batch_size=2)),
        list(D.DataLoader(D.ChainDataset([Stream(), Stream()]), batch_size=4)),
        list(D.DataLoader(both, batch_size=3, collate_fn=sum)),
    )


@case
def data_samplers(L):
    D = L.utils.data
    seq = D.SequentialSampler(range(7))
    return (list(seq), list(D.BatchSampler(seq, 3, False)), list(D.BatchSampler(seq, 3, True)),
            list(D.DataLoader(D.TensorDataset(L.t(np.arange(7))), sampler=[3, 1, 2])),
            list(D.DataLoader(D.TensorDataset(L.t(np.arange(7))), batch_sampler=[[0, 1], [5]])))


@case
def io_save_load(L):
    buf = io.BytesIO()
    obj = {"w": L.t(array(3, 4)), "n": [1, 2.5, "x"], "h": L.t(np.arange(5))}
    L.save(obj, buf)
    buf.seek(0)
    return L.load(buf)


@case
def io_read_torch_file(L):
    """A checkpoint written by torch.save must be readable."""
    import torch
    buf = io.BytesIO()
    base = torch.from_numpy(array(3, 4))
    torch.save({"w": base, "t": base.t(), "b": torch.arange(3), "h": base.to(torch.bfloat16),
                "o": collections.OrderedDict(a=torch.nn.Parameter(base[0].clone()))}, buf)
    buf.seek(0)
    out = L.load(buf, weights_only=True)
    return out["w"], out["t"], out["b"], out["h"].float(), out["o"]["a"].detach()


@case
def io_write_torch_file(L):
    """torch.load must be able to read what the library saves."""
    import torch
    buf = io.BytesIO()
    L.save({"w": L.t(array(3, 4)), "b": L.t(np.arange(3))}, buf)
    buf.seek(0)
    out = torch.load(buf, weights_only=True)
    return L.t(out["w"].numpy()), L.t(out["b"].numpy())


@case
def io_pickle_tensor(L):
    x = L.t(array(3, 4), True)
    y = pickle.loads(pickle.dumps(x))
    return y, y.requires_grad


@case
def io_module_state(L):
    m, n = mlp(L), L.nn.Sequential(L.nn.Linear(4, 5), L.nn.Tanh(), L.nn.Linear(5, 2))
    buf = io.BytesIO()
    L.save(m.state_dict(), buf)
    buf.seek(0)
    result = n.load_state_dict(L.load(buf))
    bad = n.load_state_dict({"0.weight": L.t(array(5, 4)), "q": L.t(array(1))}, strict=False)
    return (
        list(result.missing_keys),
        list(bad.missing_keys),
        list(bad.unexpected_keys),
        n.state_dict(),
    )


@case
def tensor_indexing(L):
    x = L.t(np.arange(24, dtype=np.float32).reshape(2, 3, 4))
    i = L.t(np.array([1, 0]))
    y = x.clone()
    y[0, 1] = -1
    y[..., 0] += 100
    y[y > 110] = 0
    y[i, :, 2] = L.t(np.zeros((2, 3), np.float32))
    return (
        x[1],
        x[:, ::2],
        x[..., None, 1],
        x[i],
        x[:, i, i],
        x[x > 5],
        x[0, 1:, -1],
        x[None].shape,
        y,
        x[1, 2, 3].item(),
        [r.sum().item() for r in x],
    )


@case
def tensor_views_share_memory(L):
    x = L.zeros(2, 3)
    x.view(-1)[0] = 1
    x.t()[2, 1] = 2
    x[0].add_(5)
    x.reshape(6)[3] = 9
    a = np.zeros(3, np.float32)
    shared = L.from_numpy(a)
    shared[1] = 4
    return (
        x,
        float(a[1]),
        x.t().is_contiguous(),
        tuple(x.t().stride()),
        x.data_ptr() == x.view(6).data_ptr(),
    )


@case
def tensor_repr(L):
    return (
        repr(L.t(np.array([1.0, 2.5, -3.0], np.float32))),
        repr(L.t(np.arange(3))),
        repr(L.zeros(2, 2)),
        repr(L.t(np.array([True, False]))),
        repr(L.t(np.array([1e-8, 1e6], np.float32))),
        repr(L.t(array(2), True)),
        repr(L.ones(()) * 3),
        str(L.t(np.array([np.nan, np.inf], np.float32))),
    )


@case
def tensor_promotion(L):
    i, f, d = L.t(np.arange(3)), L.t(array(3)), L.t(np.ones(3))
    b = L.t(np.array([True, False, True]))
    name = lambda t: str(t.dtype).split(".")[-1]
    return [
        name(v)
        for v in (
            i + f,
            f + d,
            i + 1.5,
            i / 2,
            b + b,
            b * 1,
            f * 2,
            i // 2,
            i**2,
            L.t(np.float64(2.0)) * f,
            i.sum(),
            b.sum(),
            i.float().mean(),
        )
    ] + [
        name(L.tensor([1, 2])),
        name(L.tensor([1.0])),
        name(L.tensor([True])),
        name(L.arange(3)),
        name(L.arange(3.0)),
    ]


@case
def tensor_python_protocols(L):
    x = L.t(array(3, 2))
    return (
        len(x),
        bool(L.t(np.array([1]))),
        int(L.t(np.array([3]))),
        float(L.t(np.array(2.5))),
        x.tolist(),
        x.shape == (3, 2),
        x.size(),
        x.size(1),
        x.dim(),
        x.numel(),
        x.nelement(),
        x.ndim,
        1 - x,
        2 / x,
        2**x,
        -x,
        abs(x),
        x @ x.T,
        (x == x).all(),
        x.is_floating_point(),
        [t.shape for t in x.unbind(0)],
        x in [x],
        np.asarray(x.numpy()).shape,
        x.element_size(),
    )


@case
def tensor_default_dtype(L):
    name = lambda t: str(t.dtype).split(".")[-1]
    L.set_default_dtype(L.float64)
    try:
        out = [name(L.zeros(1)), name(L.tensor(1.5)), name(L.t(np.arange(2)) / 2)]
    finally:
        L.set_default_dtype(L.float32)
    return out + [
        name(L.zeros(1)),
        str(L.get_default_dtype()).split(".")[-1],
        L.finfo(L.float32).eps,
        L.iinfo(L.int8).max,
    ]
