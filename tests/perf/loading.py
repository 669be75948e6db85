"""Samples a second out of a DataLoader, against PyTorch's in the same run.

    python -m tests.perf.loading [--match TEXT] [--rounds 7] [--json FILE]

One pass over 10,000 samples of 1×28×28 float32 with their labels, shuffled, in batches of 64: from
a TensorDataset, and from a Dataset whose `__getitem__` turns half of the images round and changes
their brightness. The time is that of the wall clock, with workers from the first process started
to the last one ended. The libraries take turns, A B B A; the fastest pass of each counts, since
another process on the machine can only make it slower. PyTorch computes on one thread.
"""
import argparse
import importlib
import json
import statistics
import time

from tests.perf import timing

SAMPLES, BATCH = 10_000, 64
GOALS = {0: 1.0, 1: 0.8, 2: 0.8}


def images(L):
    """The samples as two tensors."""
    x = (L.arange(SAMPLES * 784) % 255).float().reshape(SAMPLES, 1, 28, 28) / 255
    return x, L.arange(SAMPLES) % 10


def tensors(L):
    """A TensorDataset."""
    return L.utils.data.TensorDataset(*images(L))


def augmented(L):
    """A dataset that computes its samples."""
    x, y = images(L)

    class Augmented(L.utils.data.Dataset):
        def __len__(self):
            return SAMPLES

        def __getitem__(self, i):
            image = x[i].flip(-1) if i % 2 else x[i]
            return image * 0.9 + 0.05, int(y[i])
    return Augmented()


BENCHES = [(f"{name}, {workers} workers", make, workers)
           for name, make in (("TensorDataset", tensors), ("augmenting Dataset", augmented))
           for workers in GOALS]


def one_pass(L, dataset, workers):
    """Seconds of one pass."""
    L.manual_seed(0)
    begin = time.perf_counter()
    seen = 0
    for batch in L.utils.data.DataLoader(dataset, BATCH, shuffle=True, num_workers=workers):
        seen += len(batch[1])
    assert seen == SAMPLES and tuple(batch[0].shape[1:]) == (1, 28, 28)
    return time.perf_counter() - begin


def compare(sides, make, workers, rounds):
    """The fastest passes of both libraries, and the median of the ratios of neighbours."""
    datasets = [make(L) for L in sides]
    took = [[], []]
    for turn in range(rounds):
        for side in ((0, 1) if turn % 2 == 0 else (1, 0)):
            took[side].append(one_pass(sides[side], datasets[side], workers))
    ratios = [theirs / mine for mine, theirs in zip(*took, strict=True)]
    return min(took[0]), min(took[1]), statistics.median(ratios)


def main(argv=None):
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--lib", default="learntorch")
    p.add_argument("--match", default="", help="only lines with this text")
    p.add_argument("--rounds", type=int, default=7)
    p.add_argument("--json")
    a = p.parse_args(argv)
    import torch
    torch.set_num_threads(1)
    sides = importlib.import_module(a.lib), torch
    print(f"{timing.machine()}\n{'samples a second':<32}{a.lib:>12}{'PyTorch':>12}{'ratio':>8}"
          f"{'median':>8}   goal")
    rows = []
    for name, make, workers in BENCHES:
        if a.match not in name:
            continue
        mine, theirs, median = compare(sides, make, workers, a.rounds)
        ratio, goal = theirs / mine, GOALS[workers]
        print(f"{name:<32}{SAMPLES / mine:>12,.0f}{SAMPLES / theirs:>12,.0f}{ratio:>8.2f}"
              f"{median:>8.2f}   ≥ {goal} {'ok' if ratio >= goal else 'UNDER'}", flush=True)
        rows.append({"name": name, "learntorch": SAMPLES / mine, "pytorch": SAMPLES / theirs,
                     "ratio": ratio, "median": median, "goal": goal})
    if a.json:
        with open(a.json, "w", encoding="utf-8") as file:
            json.dump(rows, file, indent=1)


if __name__ == "__main__":
    main()
