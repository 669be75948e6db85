"""Two libraries timed in turns, A B A B, so that what disturbs one disturbs the other.

Times are CPU seconds of this process, so that other processes on the machine count little. A
ratio is the median of the ratios of neighbouring turns; `best` compares the fastest turns.
"""
import gc
import statistics
import time

clock = time.process_time


class Pair:
    """What one comparison found: seconds of both sides, and the ratio with its spread."""

    def __init__(self, mine, theirs, ratios):
        self.mine = statistics.median(mine)
        self.theirs = statistics.median(theirs)
        self.ratio = statistics.median(ratios)
        self.best = min(mine) / min(theirs)
        low, _, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
        self.spread = (low, high)


def seconds(step, times):
    """CPU seconds of one call, over `times` of them."""
    start = clock()
    for _ in range(times):
        step()
    return (clock() - start) / times


def calibrate(step, target):
    """How many calls take about `target` seconds (at least one)."""
    times = 1
    while True:
        took = seconds(step, times) * times
        if took >= target / 4 or times >= 1 << 20:
            return max(1, round(times * target / max(took, 1e-9)))
        times *= 4


def warm(step, target):
    """Run a step for `target` seconds: PyTorch's first thousand backward passes are slower."""
    end = clock() + target
    while clock() < end:
        step()


def compare(mine, theirs, rounds=9, target=0.03, warming=0.3):
    """Time two steps in turns for `rounds` rounds of about `target` seconds each."""
    warm(mine, warming)
    warm(theirs, warming)
    counts = calibrate(mine, target), calibrate(theirs, target)
    found = ([], [], [])
    gc.collect()
    for turn in range(rounds):
        order = (0, 1) if turn % 2 == 0 else (1, 0)
        took = [0.0, 0.0]
        for side in order:
            took[side] = seconds((mine, theirs)[side], counts[side])
        found[0].append(took[0])
        found[1].append(took[1])
        found[2].append(took[0] / took[1])
    return Pair(*found)


def machine():
    """One line that says where the figures come from."""
    import platform

    import numpy
    import torch
    cpu = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as info:
            cpu = next(line.split(":")[1].strip() for line in info if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return (f"{cpu}, 1 thread, Python {platform.python_version()}, NumPy {numpy.__version__}, "
            f"PyTorch {torch.__version__}")
