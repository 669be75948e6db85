"""Basic set: nn.utils, the optimizer interface, the module interface."""
import numpy as np

from .basics import array, case, mlp, with_grads


@case
def utils_clip_grad_norm(L):
    out = []
    for norm in (2.0, 1.0, float("inf")):
        ps = with_grads(L)
        out.append((L.nn.utils.clip_grad_norm_(ps, 1.5, norm_type=norm), [p.grad for p in ps]))
    return out


@case
def utils_clip_grad_value(L):
    ps = with_grads(L)
    L.nn.utils.clip_grad_value_(ps, 0.7)
    return [p.grad for p in ps]


@case
def utils_get_total_norm(L):
    ps = with_grads(L)
    total = L.nn.utils.get_total_norm([p.grad for p in ps])
    L.nn.utils.clip_grads_with_norm_(ps, 1.0, total)
    return total, [p.grad for p in ps]


@case
def utils_parameters_to_vector(L):
    ps = with_grads(L)
    v = L.nn.utils.parameters_to_vector(ps)
    L.nn.utils.vector_to_parameters(v * 2, ps)
    return v, [p.detach() for p in ps]


@case
def utils_parametrizations_weight_norm(L):
    m = L.nn.Linear(4, 3)
    with L.no_grad():
        m.weight.copy_(L.t(array(3, 4)))
        m.bias.copy_(L.t(array(3)))
    m = L.nn.utils.parametrizations.weight_norm(m)
    y = m(L.t(array(2, 4, seed=3)))
    y.sum().backward()
    return y, m.state_dict(), [p.grad for p in m.parameters()]


@case
def utils_weight_norm(L):
    m = L.nn.Linear(4, 3)
    with L.no_grad():
        m.weight.copy_(L.t(array(3, 4)))
        m.bias.copy_(L.t(array(3)))
    m = L.nn.utils.weight_norm(m, dim=None)
    y = m(L.t(array(2, 4, seed=3)))
    keys = list(m.state_dict())
    L.nn.utils.remove_weight_norm(m)
    return y, keys, m(L.t(array(2, 4, seed=3))), list(m.state_dict())


@case
def utils_parametrizations_spectral_norm(L):
    m = L.nn.Linear(4, 3)
    m = L.nn.utils.parametrizations.spectral_norm(m)
    sd = m.state_dict()
    new = {k: L.t(array(*v.shape, seed=i)) for i, (k, v) in enumerate(sd.items())}
    for k in new:
        if k.endswith("_u") or k.endswith("_v"):
            new[k] = new[k] / (new[k] * new[k]).sum().sqrt()
    m.load_state_dict(new)
    m.eval()
    return list(sd), m(L.t(array(2, 4, seed=3)))


@case
def utils_parametrize_custom(L):
    class Symmetric(L.nn.Module):
        def forward(self, x):
            return x.triu() + x.triu(1).transpose(-1, -2)
    m = L.nn.Linear(3, 3)
    with L.no_grad():
        m.weight.copy_(L.t(array(3, 3)))
    P = L.nn.utils.parametrize
    P.register_parametrization(m, "weight", Symmetric())
    w = m.weight
    keys = list(m.state_dict())
    P.remove_parametrizations(m, "weight")
    return w, keys, list(m.state_dict()), P.is_parametrized(m)


@case
def utils_prune_l1(L):
    m = L.nn.Linear(4, 3)
    with L.no_grad():
        m.weight.copy_(L.t(array(3, 4)))
    L.nn.utils.prune.l1_unstructured(m, "weight", amount=0.5)
    keys = sorted(m.state_dict())
    w = m.weight.detach()
    L.nn.utils.prune.remove(m, "weight")
    return keys, w, sorted(m.state_dict())


@case
def utils_prune_ln_structured(L):
    m = L.nn.Linear(4, 3)
    with L.no_grad():
        m.weight.copy_(L.t(array(3, 4)))
    L.nn.utils.prune.ln_structured(m, "weight", amount=1, n=2, dim=0)
    return m.weight.detach(), dict(m.named_buffers())


@case
def utils_pad_sequence(L):
    xs = [L.t(array(n, 2, seed=n)) for n in (3, 5, 1)]
    R = L.nn.utils.rnn
    padded = R.pad_sequence(xs, batch_first=True, padding_value=-1.0)
    back = R.unpad_sequence(padded, L.t(np.array([3, 5, 1])), batch_first=True)
    return padded, R.pad_sequence(xs, padding_side="left"), back


@case
def utils_pack_padded_sequence(L):
    R = L.nn.utils.rnn
    x = L.t(array(3, 5, 2))
    p = R.pack_padded_sequence(x, L.t(np.array([3, 5, 1])), batch_first=True, enforce_sorted=False)
    y, lengths = R.pad_packed_sequence(p, batch_first=True)
    return p.data, p.batch_sizes, p.sorted_indices, p.unsorted_indices, y, lengths


@case
def utils_pack_sequence_lstm(L):
    R = L.nn.utils.rnn
    m = L.nn.LSTM(2, 3)
    with L.no_grad():
        for i, p in enumerate(m.parameters()):
            p.copy_(L.t(array(*p.shape, seed=i)))
    p = R.pack_sequence([L.t(array(n, 2, seed=n)) for n in (5, 3, 1)])
    out, (h, c) = m(p)
    return out.data, h, c


@case
def utils_fuse_conv_bn(L):
    conv, bn = L.nn.Conv2d(2, 3, 3), L.nn.BatchNorm2d(3)
    with L.no_grad():
        for i, p in enumerate(list(conv.parameters()) + list(bn.parameters())):
            p.copy_(L.t(array(*p.shape, seed=i)))
        bn.running_mean.copy_(L.t(array(3, seed=9)))
        bn.running_var.copy_(L.t(np.abs(array(3, seed=10))))
    conv.eval()
    bn.eval()
    fused = L.nn.utils.fusion.fuse_conv_bn_eval(conv, bn)
    return fused(L.t(array(1, 2, 5, 5, seed=4)))


@case
def utils_swa_averaged_model(L):
    m = mlp(L)
    avg = L.optim.swa_utils.AveragedModel(m)
    ema = L.optim.swa_utils.AveragedModel(
        m, multi_avg_fn=L.optim.swa_utils.get_ema_multi_avg_fn(0.9)
    )
    for k in range(3):
        with L.no_grad():
            for p in m.parameters():
                p.add_(0.5 * (k + 1))
        avg.update_parameters(m)
        ema.update_parameters(m)
    return avg.state_dict(), ema.state_dict()


@case
def optim_param_groups(L):
    m = mlp(L)
    opt = L.optim.SGD(m[0].parameters(), lr=0.1)
    opt.add_param_group({"params": list(m[2].parameters()), "lr": 0.01})
    m(L.t(array(3, 4, seed=5))).square().sum().backward()
    opt.step()
    before = [p.grad is None for p in m.parameters()]
    opt.zero_grad()
    after = [p.grad is None for p in m.parameters()]
    return [g["lr"] for g in opt.param_groups], before, after, [p.detach() for p in m.parameters()]


@case
def optim_zero_grad_keep(L):
    ps = with_grads(L)
    opt = L.optim.Adam(ps)
    opt.zero_grad(set_to_none=False)
    return [p.grad for p in ps]


@case
def optim_hooks(L):
    ps, seen = with_grads(L), []
    opt = L.optim.SGD(ps, lr=0.1)
    opt.register_step_pre_hook(lambda o, a, k: seen.append("pre"))
    handle = opt.register_step_post_hook(lambda o, a, k: seen.append("post"))
    opt.step()
    handle.remove()
    opt.step()
    return seen


@case
def optim_training_loop(L):
    m = mlp(L)
    x, y = L.t(array(16, 4, seed=3)), L.t(np.arange(16) % 2)
    opt = L.optim.AdamW(m.parameters(), lr=0.05)
    sched = L.optim.lr_scheduler.StepLR(opt, 4, 0.5)
    losses = []
    for _ in range(10):
        opt.zero_grad()
        loss = L.nn.functional.cross_entropy(m(x), y)
        loss.backward()
        L.nn.utils.clip_grad_norm_(m.parameters(), 1.0)
        opt.step()
        sched.step()
        losses.append(loss.item())
    return losses


@case
def module_interface(L):
    class Net(L.nn.Module):
        def __init__(self):
            super().__init__()
            self.a = L.nn.Linear(3, 2)
            self.blocks = L.nn.ModuleList([L.nn.Linear(2, 2), L.nn.ReLU()])
            self.scale = L.nn.Parameter(L.ones(1))
            self.register_buffer("count", L.zeros(1))
            self.register_buffer("hidden", L.zeros(1), persistent=False)

        def forward(self, x):
            return self.blocks[1](self.blocks[0](self.a(x))) * self.scale
    m = Net()
    names = [n for n, _ in m.named_modules()], [n for n, _ in m.named_parameters()], \
        [n for n, _ in m.named_buffers()], [n for n, _ in m.named_children()], list(m.state_dict())
    m.eval()
    modes = [x.training for x in m.modules()]
    m.requires_grad_(False)
    flags = [p.requires_grad for p in m.parameters()]
    m.double()
    counted = sum(p.numel() for p in m.parameters())
    m.apply(lambda x: x.bias.data.fill_(7.0) if hasattr(x, "bias") else None)
    return names, modes, flags, [str(p.dtype).split(".")[-1] for p in m.parameters()], counted, \
        m.a.bias.detach(), m.get_submodule("blocks.0").bias.detach(), repr(m)


@case
def module_init_deterministic(L):
    I = L.nn.init
    w = lambda *s: L.zeros(*s)
    return (I.constant_(w(2, 3), 0.3), I.ones_(w(2)), I.zeros_(w(2)), I.eye_(w(3, 4)),
            I.dirac_(w(3, 4, 3)), I.calculate_gain("relu"), I.calculate_gain("leaky_relu", 0.2))
