"""Line search: how far to go in a given direction (strong Wolfe conditions).

Along the line the loss is a function φ(t) of one number. A step t is good when φ has come down
enough, φ(t) ≤ φ(0) + c₁ t φ′(0), and its slope has flattened, |φ′(t)| ≤ −c₂ φ′(0). First the search
walks outwards until two points enclose a good step, then it narrows the bracket.

Source: Nocedal, Wright: Numerical optimization, 2nd edition, algorithms 3.5 and 3.6.
"""

from collections import namedtuple

import numpy as np

Point = namedtuple("Point", "t loss grad slope")


def cubic_minimum(a, b, low=None, high=None):
    """Where the cubic through two points with their slopes is least, kept within low..high.

    d₁ = a′ + b′ − 3 (φ(a) − φ(b)) / (a − b),  d₂ = √(d₁² − a′ b′),
    t = b − (b − a) (b′ + d₂ − d₁) / (b′ − a′ + 2 d₂) for a ≤ b.
    """
    if a.t > b.t:
        a, b = b, a
    if low is None:
        low, high = a.t, b.t
    d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = d1 ** 2 - a.slope * b.slope
    if square >= 0:
        d2 = np.sqrt(square)
        t = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2))
        return min(max(t, low), high)
    return (low + high) / 2.0


class Search:
    """The search along one line: `phi(t)` gives the Point at t, `start` is the Point at 0.

    `extent` is the largest entry of the direction; the search ends when the bracket times it is
    below `tolerance`, or after `limit` steps.
    """

    c1 = 1e-4
    c2 = 0.9

    def __init__(self, phi, start, extent, tolerance, limit):
        self.phi = phi
        self.start = start
        self.extent = extent
        self.tolerance = tolerance
        self.limit = limit
        self.steps = 0
        self.evaluations = 0

    def look(self, t):
        self.evaluations += 1
        return self.phi(t)

    def too_high(self, point):
        return point.loss > self.start.loss + self.c1 * point.t * self.start.slope

    def flat(self, point):
        return abs(point.slope) <= -self.c2 * self.start.slope

    def run(self, t):
        """The Point of a good step, tried first at `t`."""
        bracket = self.enclose(t)
        return bracket[0] if len(bracket) == 1 else self.narrow(bracket)

    def enclose(self, t):
        """Two points with a good step between them; one, if it is good itself."""
        before, now = self.start, self.look(t)
        while self.steps < self.limit:
            if self.too_high(now) or (self.steps > 1 and now.loss >= before.loss):
                return [before, now]
            if self.flat(now):
                return [now]
            if now.slope >= 0:
                return [before, now]
            t = cubic_minimum(before, now, now.t + 0.01 * (now.t - before.t), now.t * 10)
            before, now = now, self.look(t)
            self.steps += 1
        return [self.start, now]

    def narrow(self, bracket):
        """The best point found while the bracket shrinks around a good one."""
        low, high = order(bracket)
        slow = False
        while self.steps < self.limit:
            if abs(bracket[1].t - bracket[0].t) * self.extent < self.tolerance:
                break
            t, slow = away_from_ends(cubic_minimum(*bracket), bracket, slow)
            new = self.look(t)
            self.steps += 1
            if self.too_high(new) or new.loss >= bracket[low].loss:
                bracket[high] = new
                low, high = order(bracket)
                continue
            done = self.flat(new)
            if not done and new.slope * (bracket[high].t - bracket[low].t) >= 0:
                bracket[high] = bracket[low]
            bracket[low] = new
            if done:
                break
        return bracket[low]


def order(bracket):
    """Positions of the lower and the higher point."""
    return (0, 1) if bracket[0].loss <= bracket[1].loss else (1, 0)


def away_from_ends(t, bracket, slow):
    """`t` moved a tenth inwards if it hugs an end of the bracket for the second time."""
    ends = [point.t for point in bracket]
    first, last = min(ends), max(ends)
    margin = 0.1 * (last - first)
    if min(last - t, t - first) >= margin:
        return t, False
    if not (slow or t >= last or t <= first):
        return t, True
    return (last - margin if abs(t - last) < abs(t - first) else first + margin), False
