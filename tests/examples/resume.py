"""Training that can be killed at any moment and goes on as if nothing had happened, bit by bit.

What a run depends on is all of: the weights and buffers, the optimizer's and the schedule's state,
the loss scale, where in the shuffled data it is, and four streams of random numbers (PyTorch's,
NumPy's, Python's and the loader's own). All of it goes into one file, which takes the place of the
old one in a single step, so that there is always a whole one.

    python resume.py --file run.pt              # kill it
    python resume.py --file run.pt              # and start it again
"""

import argparse
import hashlib
import os
import random

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset, Sampler


class Spirals(Dataset):
    """Points of two spirals, a little moved each time they are seen.

    A key is (epoch, index). The noise is drawn from a generator seeded with both, so it does not
    matter which worker loads a point, and what that worker has loaded before.
    """

    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def __getitem__(self, key):
        epoch, i = key
        side, t = i % 2, 0.5 + 5.0 * i / self.n
        angle = t + 3.14159 * side
        point = t / 5.5 * torch.tensor([angle, angle + 1.5708]).cos()
        noise = torch.Generator().manual_seed(1_000_003 * epoch + i)
        return point + 0.02 * torch.randn(2, generator=noise), side


class StatefulSampler(Sampler):
    """The keys of a dataset in a new random order every epoch, from any place in it on.

    With workers a loader asks for more keys than the program has used, so the place is counted by
    the program: `advance(n)` after a step on n samples.
    """

    def __init__(self, n, seed):
        self.n, self.seed, self.epoch, self.done = n, seed, 0, 0

    def __iter__(self):
        order = torch.Generator().manual_seed(self.seed + self.epoch)
        for i in torch.randperm(self.n, generator=order).tolist()[self.done:]:
            yield self.epoch, i

    def __len__(self):
        return self.n - self.done

    def advance(self, n):
        self.done += n
        if self.done >= self.n:
            self.epoch, self.done = self.epoch + 1, 0

    def state_dict(self):
        return {"seed": self.seed, "epoch": self.epoch, "done": self.done}

    def load_state_dict(self, state):
        self.seed, self.epoch, self.done = state["seed"], state["epoch"], state["done"]


def random_states():
    """Where the three global streams are, in kinds of values that any file may hold."""
    numpy = np.random.get_state(legacy=False)
    words = torch.from_numpy(numpy["state"]["key"].astype(np.int64))
    return {"torch": torch.get_rng_state(), "python": random.getstate(),
            "numpy": {**numpy, "state": {"key": words, "pos": numpy["state"]["pos"]}}}


def set_random_states(states):
    """Put the three global streams there again."""
    torch.set_rng_state(states["torch"])
    random.setstate(states["python"])
    numpy = states["numpy"]
    words = numpy["state"]["key"].numpy().astype(np.uint32)
    np.random.set_state({**numpy, "state": {"key": words, "pos": numpy["state"]["pos"]}})


class Run:
    """Everything a run consists of; `parts` are what has a state of its own."""

    def __init__(self, args):
        random.seed(args.seed)
        np.random.seed(args.seed)
        torch.manual_seed(args.seed)
        self.args, self.step = args, 0
        self.model = nn.Sequential(nn.Linear(2, 32), nn.BatchNorm1d(32), nn.ReLU(),
                                   nn.Dropout(0.2), nn.Linear(32, 32), nn.ReLU(), nn.Dropout(0.2),
                                   nn.Linear(32, 2))
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=0.02)
        self.scheduler = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, max_lr=0.02, total_steps=args.steps)
        self.scaler = torch.amp.GradScaler("cpu", init_scale=16.0, growth_interval=7)
        self.sampler = StatefulSampler(args.samples, args.seed)
        self.parts = {"model": self.model, "optimizer": self.optimizer, "sampler": self.sampler,
                      "scheduler": self.scheduler, "scaler": self.scaler}
        # a stream of its own: to begin an epoch draws from it the seeds of the workers
        self.seeds = torch.Generator().manual_seed(args.seed)
        self.before_epoch = self.seeds.get_state()
        self.loader = DataLoader(Spirals(args.samples), args.batch_size, sampler=self.sampler,
                                 num_workers=args.workers, generator=self.seeds)

    def save(self):
        """Write everything beside the old file, and let it take its place when it is whole."""
        state = {name: part.state_dict() for name, part in self.parts.items()}
        begun = self.sampler.done > 0           # else the next epoch has yet to draw its seeds
        state.update(step=self.step, random=random_states(),
                     seeds=self.before_epoch if begun else self.seeds.get_state())
        torch.save(state, self.args.file + ".new")
        os.replace(self.args.file + ".new", self.args.file)

    def load(self):
        """Go on where the file was written; the global streams come last, for making the other
        parts may draw from them."""
        state = torch.load(self.args.file, weights_only=True)
        for name, part in self.parts.items():
            part.load_state_dict(state[name])
        self.step = state["step"]
        self.seeds.set_state(state["seeds"])
        set_random_states(state["random"])

    def epoch(self):
        """The batches that are left of this epoch."""
        self.before_epoch = self.seeds.get_state()
        return self.loader

    def train(self):
        """Steps to the end of the run; a line for each, and a file every few."""
        while self.step < self.args.steps:
            for points, sides in self.epoch():
                loss = self.train_step(points, sides)
                self.step += 1
                self.sampler.advance(len(sides))
                print(f"step {self.step} loss {loss:.6f} {loss.hex()}", flush=True)
                if self.step % self.args.every == 0:
                    print("saving", flush=True)
                    self.save()
                if self.step == self.args.steps:
                    return

    def train_step(self, points, sides):
        """One step, with a share of another point mixed in: that draws from NumPy and Python."""
        self.optimizer.zero_grad()
        share = float(np.random.beta(0.2, 0.2)) if random.random() < 0.5 else 1.0
        other = torch.randperm(len(sides))
        mixed = share * points + (1 - share) * points[other]
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.args.amp):
            out = self.model(mixed)
        out = out.float()
        loss = (share * F.cross_entropy(out, sides)
                + (1 - share) * F.cross_entropy(out, sides[other]))
        self.scaler.scale(loss).backward()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.scheduler.step()
        return loss.item()

    def digest(self):
        """A checksum of all bits of the state: weights, moments, streams."""
        found = hashlib.sha256()

        def add(value):
            if isinstance(value, torch.Tensor):
                found.update(value.contiguous().numpy().tobytes())
            elif isinstance(value, dict):
                for key in value:
                    add(value[key])
            elif isinstance(value, (list, tuple)):
                for part in value:
                    add(part)
            else:
                found.update(repr(value).encode())

        add([part.state_dict() for part in self.parts.values()])
        add([random_states(), self.seeds.get_state()])
        return found.hexdigest()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", default="run.pt")
    parser.add_argument("--samples", type=int, default=500)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--every", type=int, default=10, help="steps from one file to the next")
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--amp", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(1)

    run = Run(args)
    if os.path.exists(args.file):
        run.load()
        print(f"going on after step {run.step}", flush=True)
    run.train()
    print("state", run.digest())


if __name__ == "__main__":
    main()
