"""Every op at two sizes against PyTorch eager: which kernels are slow?

    python -m tests.perf.families [--worst 20] [--match TEXT] [--rounds 5] [--json FILE] [--missing]

Inputs are float32 of (64, 128) and (1000, 1000), between 0.1 and 0.9 so that every function is
defined there. An op is a line of Python with `x` and `y`, run forward, and forward and backward.
More lines stand in lines.py. What costs the cube of its size is run on 64 and 128 rows. A whole
run takes about five minutes; `--missing` lists registered ops that no line names.
"""
import argparse
import functools
import gc
import importlib
import json
import math
import re
import sys
import warnings

import numpy as np

from tests.perf import lines, timing

SHAPES = ((64, 128), (1000, 1000))

UNARY = """abs acos acosh asin asinh atan atanh ceil cos cosh deg2rad digamma erf erfc erfinv exp
    exp2 expm1 floor frac lgamma log log10 log1p log2 logit neg positive rad2deg reciprocal relu
    round rsqrt sigmoid sign sin sinc sinh sqrt square tan tanh trunc isnan isinf isfinite signbit
    logical_not i0 clone""".split()
BINARY = """add sub mul div pow atan2 maximum minimum fmax fmin fmod remainder hypot logaddexp
    copysign nextafter eq ne lt le gt ge logical_and logical_or logical_xor
    xlogy ldexp""".split()
FUNCTIONAL = """relu relu6 elu selu celu gelu silu mish softplus softsign tanhshrink hardtanh
    hardsigmoid hardswish leaky_relu logsigmoid sigmoid tanh""".split()
LINES = """x + 1.5
2 * x
x ** 2
x ** 3
x ** 0.5
1 / x
x + y[0]
x * y[:, :1]
x.sum()
x.sum(0)
x.sum(1)
x.mean()
x.mean(1)
x.var(1)
x.std()
x.prod(1)
x.amax(1)
x.max()
x.max(1)[0]
x.min(0)[0]
x.median()
x.argmax(1)
x.argmin(0)
x.norm()
x.norm(dim=1)
x.logsumexp(1)
x.cumsum(1)
x.cumsum(0)
x.cumprod(1)
x.cummax(1)[0]
x.sort(1)[0]
x.argsort(1)
x.topk(5, 1)[0]
(x > 0.5).all(1)
(x > 0.5).any(0)
(x > 0.5).sum()
torch.count_nonzero(x)
torch.unique(x.detach()[0])
x.softmax(1)
x.log_softmax(1)
x.softmax(0)
x @ y.T
x.T @ y
torch.nn.functional.linear(x, y)
torch.einsum('ij,kj->ik', x, y)
torch.outer(x[0], y[0])
torch.cdist(x[:50], y[:50])
x[:, ::2]
x[1:-1, 1:-1].clone()
x[i]
x[:, j]
x[x > 0.5]
x[i, 0]
x.index_select(0, i)
x.gather(1, k)
x.scatter(1, k, y)
x.scatter_add(1, k, y)
x.masked_fill(x > 0.5, 0.0)
x.clamp(0.3, 0.6)
torch.where(x > 0.5, x, y)
torch.cat([x, y])
torch.cat([x, y], 1)
torch.stack([x, y])
torch.stack([x, y], 2)
x.split(16, 1)[1].clone()
x.chunk(4)[1].clone()
x.repeat(2, 1)
x.flip(1)
x.roll(3, 1)
x.T.contiguous()
x.transpose(0, 1).reshape(-1)
x.expand(2, *x.shape).clone()
x.tril()
x.diagonal().clone()
x.unfold(1, 4, 2).clone()
x.flatten()
torch.nn.functional.pad(x, (1, 1, 1, 1))
torch.nn.functional.pad(x, (1, 1), mode='reflect')
torch.nn.functional.dropout(x, 0.5)
torch.nn.functional.layer_norm(x, x.shape[1:])
torch.nn.functional.batch_norm(x, None, None, training=True)
torch.nn.functional.mse_loss(x, y)
torch.nn.functional.l1_loss(x, y)
torch.nn.functional.huber_loss(x, y)
torch.nn.functional.smooth_l1_loss(x, y)
torch.nn.functional.binary_cross_entropy(x, y)
torch.nn.functional.binary_cross_entropy_with_logits(x, y)
torch.nn.functional.kl_div(x, y, reduction='sum')
torch.nn.functional.cross_entropy(x, t)
torch.nn.functional.nll_loss(x, t)
torch.nn.functional.cosine_similarity(x, y)
torch.nn.functional.normalize(x)
torch.nn.functional.one_hot(t, 1000)
torch.nn.functional.embedding(t, y[:t.shape[0]])
torch.nn.functional.glu(x)
torch.nn.functional.max_pool2d(x[None, None], 2)
torch.nn.functional.avg_pool2d(x[None, None], 2)
torch.nn.functional.conv2d(x[None, None], w5)
torch.nn.functional.conv1d(x[None], w1)
torch.zeros_like(x)
torch.rand(x.shape)
torch.randn(x.shape)
torch.arange(x.shape[1])
torch.bernoulli(x)
x.double()
x.to(torch.int64)
x.half()""".splitlines()


def sources():
    """All lines of Python that are timed."""
    found = [f"torch.{n}(x)" for n in UNARY] + [f"torch.{n}(x, y)" for n in BINARY]
    found += [f"torch.nn.functional.{n}(x)" for n in FUNCTIONAL]
    return list(dict.fromkeys(found + LINES + lines.LINES))


def missing():
    """Public ops that no line names: looks at a tensor, aliases and conversions for the most."""
    from learntorch.core.record import registry
    named = set(re.findall(r"\w+", "\n".join(sources())))
    return [key for key, call in sorted(registry.items())
            if "rules" not in call.op.space.split() and key[0] != "_"
            and not {call.op.name, call.op.name.rstrip("_"), *call.op.aliases} & named]


@functools.cache
def inputs(L, shape, grad):
    """The names a line may use, for one library; and those that want gradients."""
    rng = np.random.default_rng(0)
    rows, columns = shape
    x, y = (L.from_numpy(rng.uniform(0.1, 0.9, shape).astype(np.float32)) for _ in "xy")
    small = (rng.standard_normal(s).astype(np.float32) for s in ((1, 1, 5, 5), (4, rows, 3)))
    w5, w1 = map(L.from_numpy, small)
    n = 64 if rows < 100 else 128
    square = [rng.uniform(0.1, 0.9, (n, n)).astype(np.float32) for _ in "AB"]
    A, B, S = map(L.from_numpy, (*square, square[0] @ square[0].T + np.eye(n, dtype=np.float32)))
    channels = rng.uniform(0.1, 0.9, (5, *shape)).astype(np.float32)
    kernels = (rng.standard_normal(s).astype(np.float32)
               for s in ((8, 5, 3, 3), (5, 1, 3, 3), (5, 8, 2, 2)))
    v, w3, wd, wt = map(L.from_numpy, (channels, *kernels))
    z = L.from_numpy((channels[0] + 1j * channels[1]).astype(np.complex64))
    wanting = [a.requires_grad_(grad) for a in (x, y, w5, w1, A, B, S, v, w3, wd, wt, z)]
    places = 4 * columns * np.arange(rows // 2)[:, None] // 2 + 2 * np.arange(columns // 2)
    names = {"torch": L, "x": x, "y": y, "w5": w5, "w1": w1, "A": A, "B": B, "S": S, "v": v,
             "w3": w3, "wd": wd, "wt": wt, "z": z, "b": L.from_numpy(channels[0] > 0.5),
             "n": L.from_numpy(rng.integers(1, 100, shape)),
             "m": L.from_numpy(np.broadcast_to(places, (5, *places.shape)).copy()),
             **{name: getattr(L.nn, name.upper())(32, 32) for name in ("rnn", "gru", "lstm")},
             "t": L.from_numpy(rng.integers(0, min(rows, columns), rows)),
             "i": L.from_numpy(rng.integers(0, rows, rows)),
             "j": L.from_numpy(rng.integers(0, columns, columns)),
             "k": L.from_numpy(rng.integers(0, columns, shape))}
    return names, wanting


def step(L, source, shape, backward):
    """A function of no arguments that runs the line; None where it has nothing to differentiate."""
    names, wanting = inputs(L, shape, backward)
    wanting = list(wanting)
    run = eval(f"lambda: {source}", names)
    if not backward:
        return run
    out = run()
    if not getattr(out, "requires_grad", False):
        return None
    g = L.ones_like(out.detach())
    wanting.extend(p for name in ("rnn", "gru", "lstm") if name in source
                   for p in names[name].parameters())

    def both():
        run().backward(g)
        for a in wanting:
            a.grad = None
    return both


def measure(L, torch, source, shape, backward, rounds):
    try:
        theirs = step(torch, source, shape, backward)
    except (RuntimeError, NotImplementedError):      # PyTorch has no derivative for it
        theirs = None
    if theirs is None:
        return None
    mine = step(L, source, shape, backward)
    if mine is None:
        raise RuntimeError("the result has no history")
    big = math.prod(shape) > 100_000
    if max(timing.seconds(mine, 1), timing.seconds(theirs, 1)) > 0.02:
        return timing.compare(mine, theirs, rounds=1, target=0, warming=0)
    return timing.compare(mine, theirs, rounds=3 if big else rounds, target=0.003, warming=0.002)


def main(argv=None):
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--worst", type=int, default=20, help="rows to print for each shape and mode")
    p.add_argument("--match", default="", help="only lines that contain this text")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--json", help="write all figures to this file")
    p.add_argument("--lib", default="learntorch")
    p.add_argument("--missing", action="store_true", help="print the ops that no line names")
    opts = p.parse_args(argv)
    if opts.missing:
        print("\n".join(missing()))
        return
    warnings.simplefilter("ignore")
    L, torch = importlib.import_module(opts.lib), importlib.import_module("torch")
    torch.set_num_threads(1)
    gc.freeze()                     # the collector need not look at the libraries each time
    print(timing.machine(), file=sys.stderr)
    table, absent = [], set()
    for source in sources():
        for shape in SHAPES:
            for backward in (False, True):
                if opts.match not in source or source in absent:
                    continue
                try:
                    pair = measure(L, torch, source, shape, backward, opts.rounds)
                except Exception as error:                # not there, or not right: no figure
                    absent.add(source)
                    print(f"no figure for {source}: {type(error).__name__}: {str(error)[:80]}",
                          file=sys.stderr)
                    continue
                if pair:
                    table.append({"op": source, "shape": shape, "backward": backward,
                                  "ratio": pair.ratio, "mine": pair.mine, "theirs": pair.theirs})
    for shape in SHAPES:
        for backward in (False, True):
            report([r for r in table if r["shape"] == shape and r["backward"] == backward],
                   shape, backward, opts.worst)
    if opts.json:
        with open(opts.json, "w") as file:
            json.dump({"machine": timing.machine(), "rows": table}, file, indent=1)


def report(rows, shape, backward, worst):
    """The geometric mean of the ratios, and the slowest rows."""
    if not rows:
        return
    mean = math.exp(sum(math.log(r["ratio"]) for r in rows) / len(rows))
    what = "forward + backward" if backward else "forward"
    print(f"\n{shape}, {what}: {len(rows)} ops, geometric mean {mean:.2f}; the slowest:")
    for r in sorted(rows, key=lambda r: -r["ratio"])[:worst]:
        print(f"  {r['ratio']:8.2f}  {r['mine'] * 1e6:10.1f} µs {r['theirs'] * 1e6:10.1f} µs  "
              f"{r['op']}")


if __name__ == "__main__":
    main()
