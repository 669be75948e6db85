"""What an operation costs beside its arithmetic, against PyTorch eager in the same run.

    python -m tests.perf.overhead [--json FILE] [--rounds 9] [--match TEXT]

Prints a table: learntorch's time, PyTorch's time, their ratio (median over rounds, with the middle
half of the rounds in brackets), the ratio of the fastest rounds, and the ratio aimed at. Nothing
here is a test.
"""
import argparse
import importlib
import json
import math
import os
import statistics
import subprocess
import sys

import numpy as np

from tests.perf import timing

LINKS = 20                      # of a chain; each link is three operations
STEPS = 2000                    # of the polynomial fit
BENCHES = []


def bench(name, per=1, unit="µs", target=None, rounds=None):
    """Register `make(L)`, which returns a step; its time is divided by `per`, shown in `unit`."""
    def register(make):
        BENCHES.append((name, make, per, unit, target, rounds))
        return make
    return register


def four(L, seed, grad=False):
    """Four float32 values."""
    a = np.random.default_rng(seed).standard_normal(4).astype(np.float32)
    return L.from_numpy(a).requires_grad_(grad)


def chain(L, x, w, b):
    tanh = L.tanh
    for _ in range(LINKS):
        x = tanh(x * w + b)
    return x


@bench("op, no grad: tanh(x*w+b) on 4 float32", per=3 * LINKS, target=0.75)
def op_plain(L):
    x, w, b = four(L, 0), four(L, 1), four(L, 2)
    return lambda: chain(L, x, w, b)


@bench("op, under no_grad, weights want gradients", per=3 * LINKS)
def op_no_grad(L):
    x, w, b = four(L, 0), four(L, 1, True), four(L, 2, True)

    def step():
        with L.no_grad():
            chain(L, x, w, b)
    return step


@bench("op, recorded", per=3 * LINKS, target=0.85)
def op_recorded(L):
    x, w, b = four(L, 0), four(L, 1, True), four(L, 2, True)
    return lambda: chain(L, x, w, b)


@bench("op, forward + backward", per=3 * LINKS, target=0.75)
def op_backward(L):
    x, w, b = four(L, 0), four(L, 1, True), four(L, 2, True)
    g = L.ones(4)

    def step():
        chain(L, x, w, b).backward(g)
        w.grad = None
        b.grad = None
    return step


@bench("polynomial fit by autograd, 2000 steps", unit="ms", target=0.8, rounds=5)
def polynomial(L):
    x = L.linspace(-math.pi, math.pi, 2000, dtype=L.float)
    y = L.sin(x)
    start = np.random.default_rng(0).standard_normal(4).astype(np.float32)

    def step():
        a, b, c, d = (L.tensor(float(v), requires_grad=True) for v in start)
        rate = 1e-6
        for t in range(STEPS):
            y_pred = a + b * x + c * x * 2 + d * x * 3
            loss = (y_pred - y).pow(2).sum()
            if t % 100 == 99:
                loss.item()
            loss.backward()
            with L.no_grad():
                a -= rate * a.grad
                b -= rate * b.grad
                c -= rate * c.grad
                d -= rate * d.grad
                a.grad = None
                b.grad = None
                c.grad = None
                d.grad = None
    return step


def lenet(L):
    nn, F = L.nn, L.nn.functional

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(1, 6, 5)
            self.conv2 = nn.Conv2d(6, 16, 5)
            self.fc1 = nn.Linear(16 * 5 * 5, 120)
            self.fc2 = nn.Linear(120, 84)
            self.fc3 = nn.Linear(84, 10)

        def forward(self, x):
            x = F.max_pool2d(F.relu(self.conv1(x)), (2, 2))
            x = F.max_pool2d(F.relu(self.conv2(x)), (2, 2))
            x = x.view(-1, 400)
            x = F.relu(self.fc1(x))
            x = F.relu(self.fc2(x))
            return self.fc3(x)
    L.manual_seed(0)
    return Net()


def digits(L, n=64):
    rng = np.random.default_rng(0)
    images = rng.standard_normal((n, 1, 32, 32)).astype(np.float32)
    return L.from_numpy(images), L.from_numpy(rng.integers(0, 10, n))


@bench("LeNet training step, batch 64", unit="ms", target=2.0)
def lenet_train(L):
    net, (x, y) = lenet(L), digits(L)
    criterion = L.nn.CrossEntropyLoss()
    optimizer = L.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)

    def step():
        optimizer.zero_grad()
        criterion(net(x), y).backward()
        optimizer.step()
    return step


@bench("LeNet inference, batch 64", unit="ms")
def lenet_infer(L):
    net, (x, _) = lenet(L), digits(L)

    def step():
        with L.no_grad():
            net(x)
    return step


@bench("backward(), fixed cost: (x*x).sum() kept")
def backward_fixed(L):
    x = four(L, 0, True)
    loss = (x * x).sum()

    def step():
        loss.backward(retain_graph=True)
        x.grad = None
    return step


@bench("Module.__call__ over its forward", per=10)
def module_call(L):
    class Same(L.nn.Module):
        def forward(self, x):
            return x
    net, x = L.nn.Sequential(*[Same() for _ in range(10)]), four(L, 0)
    return lambda: net(x)


@bench("with no_grad(): pass")
def no_grad_context(L):
    def step():
        with L.no_grad():
            pass
    return step


def view_bench(label, act):
    for grad in (False, True):
        def make(L, grad=grad):
            x = four(L, 0).reshape(2, 2).clone().requires_grad_(grad)
            return lambda: act(x)
        bench(f"view {label}" + (", recorded" if grad else ""))(make)


view_bench("x[0]", lambda x: x[0])
view_bench("x.reshape(4)", lambda x: x.reshape(4))
view_bench("x.transpose(0, 1)", lambda x: x.transpose(0, 1))


@bench("x.add_(w), in place")
def in_place(L):
    x, w = four(L, 0), four(L, 1) * 1e-6
    return lambda: x.add_(w)


@bench("SGD step, a small tensor", per=20)
def sgd_step(L):
    return optimizer_step(L, lambda params: L.optim.SGD(params, lr=1e-6, momentum=0.9))


@bench("Adam step, a small tensor", per=20)
def adam_step(L):
    return optimizer_step(L, lambda params: L.optim.Adam(params, lr=1e-6))


def optimizer_step(L, make):
    params = [L.nn.Parameter(four(L, i)) for i in range(20)]
    for p in params:
        p.grad = L.ones(4)
    return make(params).step


# ---- import ------------------------------------------------------------------------------------

IMPORT = ("import numpy, time; t = time.perf_counter(); import {}; "
          "print(time.perf_counter() - t)")


def import_seconds(name):
    """Seconds that `import name` takes in a fresh interpreter in which NumPy is imported."""
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    run = subprocess.run([sys.executable, "-W", "ignore", "-c", IMPORT.format(name)],
                         capture_output=True, text=True, check=True, env=env)
    return float(run.stdout)


def import_row(lib, rounds):
    """The table's row for import time; its target is absolute, 0.25 s."""
    import_seconds(lib)                                    # writes the byte code once
    mine = [import_seconds(lib) for _ in range(rounds)]
    theirs = [import_seconds("torch") for _ in range(max(3, rounds // 3))]
    pair = timing.Pair(mine, theirs, [m / statistics.median(theirs) for m in mine])
    return row("import beyond NumPy's (aim: 250 ms)", pair, 1, "ms", None)


# ---- the table ---------------------------------------------------------------------------------

SCALE = {"µs": 1e6, "ms": 1e3, "s": 1.0}


def row(name, pair, per, unit, target):
    scale = SCALE[unit] / per
    return {"name": name, "unit": unit, "learntorch": pair.mine * scale,
            "pytorch": pair.theirs * scale, "ratio": pair.ratio, "best": pair.best,
            "spread": pair.spread, "target": target}


def shown(r):
    low, high = r["spread"]
    verdict = "" if r["target"] is None else \
        f"≤ {r['target']:.2f} " + ("ok" if r["ratio"] <= r["target"] else "OVER")
    return (f"{r['name']:<44}{r['learntorch']:>10.2f}{r['pytorch']:>10.2f} {r['unit']:<3}"
            f"{r['ratio']:>7.2f} [{low:.2f}, {high:.2f}] {r['best']:>7.2f}  {verdict}")


def main(argv=None):
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--json", help="write the table to this file ('-': print it)")
    p.add_argument("--rounds", type=int, default=11)
    p.add_argument("--match", default="", help="only rows whose name contains this text")
    p.add_argument("--lib", default="learntorch")
    opts = p.parse_args(argv)
    L, torch = importlib.import_module(opts.lib), importlib.import_module("torch")
    torch.set_num_threads(1)
    print(timing.machine(), file=sys.stderr)
    print(f"{'':<44}{opts.lib:>10}{'PyTorch':>10}      ratio [middle half]  best")
    rows = []
    for name, make, per, unit, target, rounds in BENCHES:
        if opts.match not in name:
            continue
        try:
            pair = timing.compare(make(L), make(torch), rounds or opts.rounds)
        except Exception as error:                # not there, or not right: no figure
            print(f"{name:<44}  no figure: {type(error).__name__}: {str(error)[:80]}")
            continue
        rows.append(row(name, pair, per, unit, target))
        print(shown(rows[-1]), flush=True)
    if opts.match in "import":
        rows.append(import_row(opts.lib, opts.rounds))
        print(shown(rows[-1]))
    if opts.json:
        text = json.dumps({"machine": timing.machine(), "rows": rows}, indent=1)
        if opts.json == "-":
            print(text)
        else:
            with open(opts.json, "w") as file:
                file.write(text + "\n")


if __name__ == "__main__":
    main()
