"""Hills and valleys of two numbers, their contour lines, and the optimizers' ways through them."""

import functools
import itertools
import math

import learntorch as torch
from learntorch import optim

WIDTH, HEIGHT = 420, 336        # of the map in pixels; every box has this shape too
CELL = 6                        # pixels between two places where a landscape is measured
LEVELS = 13
FAR = 1e3                       # who is further away than this is lost
NEAR = 0.01                     # who is no higher than this above the lowest point has arrived

# f takes two tensors; box: x from, to, y from, to; rates: one for each racer, in order.
LANDSCAPES = {
    "bowl": {
        "label": "bowl", "formula": "½ (x² + y²)",
        "f": lambda x, y: (x * x + y * y) / 2,
        "box": (-3.0, 3.0, -2.4, 2.4), "start": (-2.5, 1.8), "minima": [(0.0, 0.0)],
        "rates": (0.1, 0.1, 0.1, 0.05, 0.1),
    },
    "ravine": {
        "label": "ravine", "formula": "½ (x² + 25 y²)",
        "f": lambda x, y: (x * x + 25 * y * y) / 2,
        "box": (-3.0, 3.0, -2.4, 2.4), "start": (-2.6, 1.5), "minima": [(0.0, 0.0)],
        "rates": (0.03, 0.03, 0.03, 0.05, 0.1),
    },
    "banana": {
        "label": "banana (Rosenbrock)", "formula": "(1 − x)² + 20 (y − x²)²",
        "f": lambda x, y: (1 - x) ** 2 + 20 * (y - x * x) ** 2,
        "box": (-2.0, 2.0, -1.0, 2.2), "start": (-1.5, 0.5), "minima": [(1.0, 1.0)],
        "rates": (0.003, 0.003, 0.003, 0.03, 0.1),
    },
    "saddle": {
        "label": "saddle", "formula": "½ x² − ½ y² + ⅛ y⁴",
        "f": lambda x, y: x * x / 2 - y * y / 2 + y**4 / 8,
        "box": (-3.0, 3.0, -2.4, 2.4), "start": (-2.4, 0.001),
        "minima": [(0.0, -math.sqrt(2.0)), (0.0, math.sqrt(2.0))],
        "rates": (0.1, 0.1, 0.1, 0.05, 0.1),
    },
    "hollows": {
        "label": "many hollows", "formula": "⅙ (x² + y²) + 0.3 (2 − cos 3x − cos 3y)",
        "f": lambda x, y: (x * x + y * y) / 6 + 0.3 * (2 - torch.cos(3 * x) - torch.cos(3 * y)),
        "box": (-3.0, 3.0, -2.4, 2.4), "start": (-2.6, 1.9), "minima": [(0.0, 0.0)],
        "rates": (0.03, 0.03, 0.03, 0.05, 0.1),
    },
}

# Each makes the library's own optimizer. m: momentum, Adam's β₁; b: RMSprop's α, Adam's β₂.
RACERS = {
    "SGD": lambda params, rate, m, b: optim.SGD(params, lr=rate),
    "momentum": lambda params, rate, m, b: optim.SGD(params, lr=rate, momentum=m),
    "Nesterov": lambda params, rate, m, b: optim.SGD(params, lr=rate, momentum=m, nesterov=m > 0),
    "RMSprop": lambda params, rate, m, b: optim.RMSprop(params, lr=rate, alpha=b),
    "Adam": lambda params, rate, m, b: optim.Adam(params, lr=rate, betas=(m, b)),
}


def height(landscape, x, y):
    """The landscape at one place."""
    place = [torch.tensor(v, dtype=torch.float64) for v in (x, y)]
    return LANDSCAPES[landscape]["f"](*place).item()


@functools.lru_cache(maxsize=256)
def walk(landscape, racer, start, rate, momentum, beta, steps):
    """The way of one optimizer: {"xs", "ys", "losses", "lost"}, `lost` the step of its end or None.

    One place more than steps: the first is the start. The slopes are autograd's, the steps the
    optimizer's own.
    """
    f = LANDSCAPES[landscape]["f"]
    x, y = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in start)
    optimizer = RACERS[racer]([x, y], rate, momentum, beta)
    xs, ys, losses, lost = [], [], [], None
    for step in range(steps + 1):
        loss = f(x, y)
        at = x.item(), y.item(), loss.item()
        if not all(map(math.isfinite, at)) or max(map(abs, at[:2])) > FAR:
            lost = step
            break
        for kept, value in zip((xs, ys, losses), at, strict=True):
            kept.append(value)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return {"xs": xs, "ys": ys, "losses": losses, "lost": lost}


def arrived(landscape, losses):
    """The first step from which on the loss stays within NEAR of the lowest point; None if none."""
    low = min(height(landscape, x, y) for x, y in LANDSCAPES[landscape]["minima"])
    step = len(losses)
    while step and losses[step - 1] - low <= NEAR:
        step -= 1
    return step if step < len(losses) else None


# ---- the map ------------------------------------------------------------------------------------


def pixel(landscape, x, y):
    """The pixel of a place: whole tenths, and not so far away that a browser stumbles."""
    left, right, low, high = LANDSCAPES[landscape]["box"]
    across = (x - left) / (right - left) * WIDTH
    down = (high - y) / (high - low) * HEIGHT
    return [round(max(-2000.0, min(2000.0, v)), 1) for v in (across, down)]


@functools.lru_cache(maxsize=16)
def contours(landscape):
    """Contour lines as paths: [{"level", "tone", "d"}], lowest first; tone from 0 to 1."""
    left, right, low, high = LANDSCAPES[landscape]["box"]
    columns, rows = WIDTH // CELL + 1, HEIGHT // CELL + 1
    x = torch.linspace(left, right, columns, dtype=torch.float64)[None]
    y = torch.linspace(high, low, rows, dtype=torch.float64)[:, None]
    z = LANDSCAPES[landscape]["f"](x, y).tolist()
    bottom, top = min(map(min, z)), max(map(max, z))
    made = []
    for k in range(LEVELS):
        level = bottom + (top - bottom) * ((k + 0.6) / LEVELS) ** 2.6
        lines = level_lines(z, level)
        d = "".join("M" + "L".join(f"{tenths(CELL * a)} {tenths(CELL * b)}" for a, b in line)
                    for line in lines)
        made.append({"level": round(level, 3), "tone": round(k / (LEVELS - 1), 2), "d": d})
    return made


def tenths(value):
    """A pixel with one digit after the point, or none where that is 0."""
    return f"{value:.1f}".removesuffix(".0")


def level_lines(z, level):
    """Where a table of heights passes a level: lists of (column, row), joined to long lines.

    Each square between four heights is passed through from one side to another; sides are shared
    by neighbours, so the pieces are chained by the names of their sides.
    """
    above = [[height > level for height in row] for row in z]
    pieces = {}                 # a side → the sides it is joined with
    for i, (row, below) in enumerate(itertools.pairwise(above)):
        for j in range(len(row) - 1):
            corners = row[j], row[j + 1], below[j + 1], below[j]
            if all(corners) or not any(corners):
                continue
            sides = [("h", i, j), ("v", i, j + 1), ("h", i + 1, j), ("v", i, j)]
            cut = [s for k, s in enumerate(sides) if corners[k] != corners[(k + 1) % 4]]
            if len(cut) == 4:   # two corners above, crosswise: the middle decides who is joined
                middle = sum(z[i][j:j + 2] + z[i + 1][j:j + 2]) / 4 > level
                if middle != corners[0]:
                    cut = [*cut[1:], cut[0]]
            for a, b in zip(cut[::2], cut[1::2], strict=True):
                pieces.setdefault(a, []).append(b)
                pieces.setdefault(b, []).append(a)
    lines = []
    ends = [side for side, others in pieces.items() if len(others) == 1]
    for side in [*ends, *list(pieces)]:
        line = []
        while side is not None:
            line.append(side)
            onward = pieces.get(side, [])
            after = onward[0] if onward else None
            if after is not None:
                onward.remove(after)
                pieces[after].remove(side)
            side = after
        if len(line) > 1:
            lines.append([crossing(z, level, *each) for each in line])
    return lines


def crossing(z, level, way, i, j):
    """Where a level passes a side between two heights, as (column, row)."""
    a, b = z[i][j], (z[i][j + 1] if way == "h" else z[i + 1][j])
    part = (level - a) / (b - a)
    return (j + part, i) if way == "h" else (j, i + part)


def lowest(landscape):
    """The pixels of the lowest points."""
    return [pixel(landscape, x, y) for x, y in LANDSCAPES[landscape]["minima"]]


def ticks(landscape):
    """Marks beside the map: whole numbers on both axes as [pixel, text]."""
    left, right, low, high = LANDSCAPES[landscape]["box"]
    across = [[pixel(landscape, v, 0.0)[0], f"{v:g}".replace("-", "−")]
              for v in range(math.ceil(left), math.floor(right) + 1)]
    down = [[pixel(landscape, 0.0, v)[1], f"{v:g}".replace("-", "−")]
            for v in range(math.ceil(low), math.floor(high) + 1)]
    return {"x": across, "y": down}
