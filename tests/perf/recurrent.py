"""Recurrent networks against PyTorch: a sequence at once, and a cell step by step.

    python -m tests.perf.recurrent [--rounds 9]

LSTM, GRU and RNN from 64 to 128 numbers, 50 steps of a batch of 32 (and small ones), forward, and
forward and backward; seconds are CPU seconds of one thread.
"""
import argparse
import importlib
import sys

from tests.perf import timing

CASES = [(kind, 50, 32, 64, 128) for kind in ("RNN", "GRU", "LSTM")]
CASES += [("LSTM", 35, 20, 200, 200), ("LSTM", 10, 4, 8, 16), ("GRU", 10, 4, 8, 16)]
CASES += [("LSTMCell", 10, 4, 8, 16), ("GRUCell", 10, 32, 64, 128)]


def step(L, kind, steps, batch, inputs, hidden, backward):
    """A function of no arguments that runs the network over a sequence once."""
    network = getattr(L.nn, kind)(inputs, hidden)
    x = L.randn(steps, batch, inputs)

    def run():
        if not kind.endswith("Cell"):
            return network(x)[0]
        state = None
        for row in x:
            state = network(row, state)
        return state[0] if kind == "LSTMCell" else state

    def both():
        run().sum().backward()
        network.zero_grad()
    return both if backward else run


def main(argv=None):
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--rounds", type=int, default=9)
    p.add_argument("--lib", default="learntorch")
    opts = p.parse_args(argv)
    L, torch = importlib.import_module(opts.lib), importlib.import_module("torch")
    torch.set_num_threads(1)
    print(timing.machine(), file=sys.stderr)
    print("ratio (quartiles)      mine      PyTorch   network, steps, batch, sizes")
    for case in CASES:
        for backward in (False, True):
            pair = timing.compare(step(L, *case, backward), step(torch, *case, backward),
                                  opts.rounds, target=0.1)
            kind, *sizes = case
            print(f"{pair.ratio:5.2f} ({pair.spread[0]:.2f}–{pair.spread[1]:.2f})  "
                  f"{pair.mine * 1e3:8.2f} ms {pair.theirs * 1e3:8.2f} ms   {kind} {sizes}"
                  f"{' with backward' if backward else ''}")


if __name__ == "__main__":
    main()
