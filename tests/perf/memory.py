"""Peak memory of a training step against PyTorch's.

    python -m tests.perf.memory [--match TEXT] [--rounds 3] [--json FILE]

Each figure is taken in a process of its own, which has one library imported and runs the same
program on one thread:

1. one step of the same net with a batch of 2: what a library loads and sets up on first use
   (kernels, buffers of BLAS) is no longer counted after this;
2. the resident memory is noted, net, optimizer and batch are made, and three steps are run;
3. the kernel's high-water mark of resident memory (VmHWM) minus the noted figure is the answer:
   parameters, gradients, state of the optimizer, all that is kept for backward, and temporaries.

The C library is told (in the same way for both) to take arrays of 64 kB and more straight from the
kernel and to give them back at once, so that what was freed is not counted. The fewest MB of
`--rounds` processes count. Linux only.
"""
import argparse
import importlib
import json
import os
import subprocess
import sys

NETS = {}
GOAL = 1.2
ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536",
             "MALLOC_ARENA_MAX": "1"}


def net(make):
    NETS[make.__name__] = make
    return make


@net
def mlp(L, batch=256):
    """784-1024-1024-10 with ReLU, batch 256, Adam."""
    nn = L.nn
    model = nn.Sequential(nn.Linear(784, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(),
                          nn.Linear(1024, 10))
    return model, (batch, 784), L.optim.Adam(model.parameters())


@net
def lenet(L, batch=64):
    """LeNet on 1x32x32, batch 64, SGD with momentum."""
    from tests.perf.overhead import lenet
    model = lenet(L)
    return model, (batch, 1, 32, 32), sgd(L, model)


@net
def resnet(L, batch=64):
    """A stem and four residual blocks (16 to 64 channels) on 3x32x32, batch 64, SGD."""
    nn = L.nn

    class Block(nn.Module):
        def __init__(self, c, d, stride):
            super().__init__()
            self.conv1 = nn.Conv2d(c, d, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(d)
            self.conv2 = nn.Conv2d(d, d, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(d)
            self.short = nn.Identity() if c == d else nn.Conv2d(c, d, 1, stride, bias=False)

        def forward(self, x):
            out = self.bn1(self.conv1(x)).relu()
            return (self.bn2(self.conv2(out)) + self.short(x)).relu()
    model = nn.Sequential(nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(),
                          Block(16, 16, 1), Block(16, 16, 1), Block(16, 32, 2), Block(32, 64, 2),
                          nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))
    return model, (batch, 3, 32, 32), sgd(L, model)


@net
def transformer(L, batch=16):
    """Two encoder layers of width 128 with 4 heads on 64 positions, dropout 0.1, batch 16, Adam."""
    nn = L.nn
    layer = nn.TransformerEncoderLayer(128, 4, 512, 0.1, batch_first=True)
    model = nn.Sequential(nn.TransformerEncoder(layer, 2), nn.Flatten(), nn.Linear(64 * 128, 10))
    return model, (batch, 64, 128), L.optim.Adam(model.parameters())


def sgd(L, model):
    return L.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)


def training(L, name, **size):
    """The step of a net: a function of no arguments."""
    L.manual_seed(0)
    model, shape, optimizer = NETS[name](L, **size)
    x = L.rand(*shape)
    y = L.randint(0, 10, shape[:1])
    criterion = L.nn.CrossEntropyLoss()

    def step():
        optimizer.zero_grad()
        criterion(model(x), y).backward()
        optimizer.step()
    return step


def resident(field):
    """A figure of this process in bytes: "VmRSS" now, "VmHWM" the most so far."""
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith(field + ":"))
    return int(line.split()[1]) * 1024


def forget_peak():
    """The high-water mark starts again from what is resident now."""
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def peak(lib, name, steps=3):
    """The bytes that training a net takes at its peak, beyond the library itself."""
    L = importlib.import_module(lib)
    if lib == "torch":
        L.set_num_threads(1)
    training(L, name, batch=2)()
    forget_peak()
    before = resident("VmRSS")
    step = training(L, name)
    for _ in range(steps):
        step()
    return resident("VmHWM") - before


def measured(lib, name):
    """`peak` in a fresh process."""
    run = subprocess.run([sys.executable, "-W", "ignore", "-m", "tests.perf.memory",
                          "--one", lib, name],
                         capture_output=True, text=True, check=True,
                         env={**os.environ, **ALLOCATOR})
    return int(run.stdout)


def main(argv=None):
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--match", default="", help="only nets whose name contains this text")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--json", help="write the figures to this file")
    p.add_argument("--one", nargs=2, metavar=("LIBRARY", "NET"), help="print one figure in bytes")
    opts = p.parse_args(argv)
    if opts.one:
        print(peak(*opts.one))
        return
    rows = []
    for name, make in NETS.items():
        if opts.match not in name:
            continue
        mine, theirs = (min(measured(lib, name) for _ in range(opts.rounds))
                        for lib in ("learntorch", "torch"))
        ratio = mine / theirs
        rows.append({"net": name, "learntorch": mine, "pytorch": theirs, "ratio": ratio})
        print(f"{name:<12}{mine / 1e6:8.1f} MB {theirs / 1e6:8.1f} MB {ratio:6.2f}  "
              f"≤ {GOAL} {'ok' if ratio <= GOAL else 'OVER'}  {make.__doc__}", flush=True)
    if opts.json:
        with open(opts.json, "w") as file:
            json.dump({"goal": GOAL, "rows": rows}, file, indent=1)


if __name__ == "__main__":
    main()
