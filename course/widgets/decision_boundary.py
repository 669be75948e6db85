"""Where a small network draws the line between two classes: overfitting to look at, and to mend."""

import functools

import traitlets as t

import learntorch as torch
import learntorch.nn.functional as F
from course.widgets import boundary_picture, toy_points
from course.widgets.base import Widget, script, style
from learntorch import nn

HELD_OUT = 200          # validation points
FINE = 40               # cells of the map along each side
REACH = 1.3             # the map goes from -REACH to REACH
RATE = 0.03             # learning rate of AdamW
SCALES = {
    "noise": (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4),
    "count": (10, 20, 30, 60, 120, 240),
    "hidden": (1, 2, 3, 4, 8, 16, 32),
    "decay": (0.0, 0.3, 1.0, 2.0, 3.0, 5.0),
    "steps": (0, 1, 2, 3, 5, 7, 10, 14, 20, 28, 40, 56, 80, 110, 160, 230, 320, 400),
}
LABELS = {"noise": "noise", "count": "training points", "hidden": "hidden units",
          "decay": "weight decay", "steps": "training steps"}


class DecisionBoundary(Widget):
    """Two classes of points, made on the spot, and a network 2 → hidden → hidden → 2 with tanh.

    points: "moons", "spirals" or "blobs". noise, count (training points), hidden, decay (of AdamW)
    and steps take the nearest of their values in SCALES. seed: of points and weights. validation:
    whether those points are shown.
    """

    kind = "boundary"
    shared = ("points", "noise", "count", "hidden", "decay", "steps", "seed", "validation")
    _esm = script("common.js", "decision_boundary.js")
    _css = style("decision_boundary.css")

    points = t.Enum(list(toy_points.KINDS), "moons").tag(sync=True)
    noise = t.Float(0.2).tag(sync=True)
    count = t.Int(30).tag(sync=True)
    hidden = t.Int(4).tag(sync=True)
    decay = t.Float(0.0).tag(sync=True)
    steps = t.Int(80).tag(sync=True)
    seed = t.Int(0, min=0, max=9999).tag(sync=True)
    validation = t.Bool(True).tag(sync=True)
    controls = t.List().tag(sync=True)
    kinds = t.List(list(toy_points.KINDS)).tag(sync=True)
    picture = t.Dict().tag(sync=True)

    def __init__(self, points="moons", **traits):
        super().__init__(points=points, **traits)
        self._draw()
        self.observe(self._draw, list(self.shared))
        self.on_msg(self._hear)

    @t.validate(*SCALES)
    def _nearest(self, proposal):
        scale = SCALES[proposal["trait"].name]
        return min(scale, key=lambda v: abs(v - proposal["value"]))

    def _hear(self, _widget, content, _buffers):
        name, at = content.get("name"), content.get("at")
        if content.get("type") == "turn" and name in SCALES and isinstance(at, int):
            scale = SCALES[name]
            setattr(self, name, scale[max(0, min(at, len(scale) - 1))])

    def run(self):
        """The training that is shown: a `Run` for the values of now."""
        return train(self.points, self.noise, self.count, self.hidden, self.decay, self.seed)

    def _draw(self, _change=None):
        run = self.run()
        at = SCALES["steps"].index(self.steps)
        self.controls = [control(name, getattr(self, name)) for name in SCALES]
        self.picture = boundary_picture.picture(run, at, self.validation)
        self.message = self.picture["verdict"]
        self.alt = self.words()

    def words(self):
        """The situation in a sentence."""
        return (f"{self.count} training points, {self.points} with noise {self.noise:g}; two "
                f"layers of {counted(self.hidden, 'hidden unit')}, weight decay {self.decay:g}, "
                f"after {counted(self.steps, 'step')}. {self.picture['result']}")

    def static(self):
        return boundary_picture.as_svg(self.picture, self.words())

    def __repr__(self):
        shown = self.picture
        return (f"DecisionBoundary({self.points}, hidden={self.hidden}, decay={self.decay:g}, "
                f"steps={self.steps}, training {shown['train']}, validation {shown['valid']})")


def counted(n, word):
    return f"{n} {word}{'' if n == 1 else 's'}"


def control(name, value):
    """A slider as the view draws it: the texts of its places, and where it stands."""
    scale = SCALES[name]
    return {"name": name, "label": LABELS[name], "texts": [f"{v:g}" for v in scale],
            "at": scale.index(value)}


class Run:
    """A finished training: points, and after each number of steps in SCALES the network's answers.

    x, y: training points; vx, vy: validation points. For place i of the scale: maps[i], the
    probability of class 1 on the grid, (FINE, FINE), rows from the top; train_right[i] and
    valid_right[i], whether each point is called right; train_loss[i] and valid_loss[i].
    """

    def __init__(self, x, y, vx, vy):
        self.x, self.y, self.vx, self.vy = x, y, vx, vy
        self.maps, self.train_right, self.valid_right = [], [], []
        self.train_loss, self.valid_loss = [], []

    def look(self, net):
        with torch.no_grad():
            scores, valid = net(self.x), net(self.vx)
            self.maps.append(torch.softmax(net(grid()), dim=1)[:, 1].reshape(FINE, FINE))
        self.train_right.append(scores.argmax(dim=1) == self.y)
        self.valid_right.append(valid.argmax(dim=1) == self.vy)
        self.train_loss.append(F.cross_entropy(scores, self.y).item())
        self.valid_loss.append(F.cross_entropy(valid, self.vy).item())

    def share(self, part, at):
        right = getattr(self, f"{part}_right")[at]
        return right.double().mean().item()


def grid():
    """The middles of all cells of the map, (FINE², 2), rows from the top."""
    along = (torch.arange(FINE, dtype=torch.float64) + 0.5) / FINE * 2 * REACH - REACH
    y, x = torch.meshgrid(-along, along, indexing="ij")
    return torch.stack([x.reshape(-1), y.reshape(-1)], dim=1)


@functools.lru_cache(maxsize=32)
def train(points, noise, count, hidden, decay, seed):
    """Train on all points at once; the reader's own random numbers are left as they are.

    In float64, so that the picture is the same on every machine.
    """
    generator = torch.Generator().manual_seed(seed)
    x, y = toy_points.make(points, count, noise, generator)
    run = Run(x, y, *toy_points.make(points, HELD_OUT, noise, generator))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = nn.Sequential(nn.Linear(2, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh(),
                            nn.Linear(hidden, 2)).double()
    optimizer = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=decay)
    for step in range(SCALES["steps"][-1] + 1):
        if step in SCALES["steps"]:
            run.look(net)
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()
    return run
