"""A race of the library's optimizers down a landscape of two numbers."""

import math

import traitlets as t

from course.widgets import landscapes as land
from course.widgets.base import Widget, script, style
from course.widgets.curves_chart import tick_text, ticks
from course.widgets.landscape_svg import race_svg

LOWEST_RATE, HIGHEST_RATE = 1e-4, 10.0
CHART = {"width": 420, "height": 170, "left": 58, "right": 16, "top": 22, "bottom": 24}
FLOOR = 1e-4            # what is nearer to the lowest point is drawn here
NAMES = list(land.RACERS)


class LandscapeRace(Widget):
    """Shows a landscape as a map with contour lines, and the ways of optimizers from one start.

    landscape: a name in LANDSCAPES. start: the two numbers they all begin with. racers: who runs.
    rates: the learning rates of SGD, momentum, Nesterov, RMSprop, Adam. momentum: μ, and Adam's β₁.
    beta: RMSprop's α, and Adam's β₂. steps: how long the race is. at: the step on show.
    """

    kind = "race"
    shared = ("landscape", "start", "racers", "rates", "momentum", "beta", "steps", "at")
    _esm = script("common.js", "landscape_race.js")
    _css = style("landscape_race.css")

    landscape = t.Enum(list(land.LANDSCAPES), default_value="ravine").tag(sync=True)
    start = t.List(t.Float()).tag(sync=True)
    racers = t.List(t.Unicode(), NAMES).tag(sync=True)
    rates = t.List(t.Float()).tag(sync=True)
    momentum = t.Float(0.9, min=0.0, max=0.99).tag(sync=True)
    beta = t.Float(0.99, min=0.0, max=0.999).tag(sync=True)
    steps = t.Int(120, min=10, max=400).tag(sync=True)
    at = t.Int(0).tag(sync=True)
    choices = t.List().tag(sync=True)
    ground = t.Dict().tag(sync=True)
    race = t.Dict().tag(sync=True)
    report = t.List().tag(sync=True)

    def __init__(self, landscape="ravine", **traits):
        if landscape not in land.LANDSCAPES:
            known = ", ".join(land.LANDSCAPES)
            raise ValueError(f"no landscape called {landscape!r}; there are {known}")
        facts = land.LANDSCAPES[landscape]
        self._settling = True       # `at` may be set before `steps` is known
        super().__init__(landscape=landscape, choices=[
            [name, f["label"], f["formula"]] for name, f in land.LANDSCAPES.items()],
            **{"start": list(facts["start"]), "rates": list(facts["rates"]), **traits})
        self._settling = False
        self.at = min(self.at, self.steps)
        self._survey()
        self._run()
        self.observe(self._move, ["landscape"])
        self.observe(self._run, ["start", "racers", "rates", "momentum", "beta", "steps"])
        self.observe(self._tell, ["at"])

    @t.validate("start")
    def _on_the_map(self, proposal):
        left, right, low, high = land.LANDSCAPES[self.landscape]["box"]
        x, y = numbers(proposal["value"], 2, "start")
        return [round(max(left, min(right, x)), 4), round(max(low, min(high, y)), 4)]

    @t.validate("racers")
    def _known(self, proposal):
        strangers = [name for name in proposal["value"] if name not in NAMES]
        if strangers:
            raise t.TraitError(f"there is no racer {strangers[0][:40]!r}")
        return [name for name in NAMES if name in proposal["value"]]

    @t.validate("rates")
    def _possible(self, proposal):
        rates = numbers(proposal["value"], len(NAMES), "rates")
        return [max(LOWEST_RATE, min(HIGHEST_RATE, rate)) for rate in rates]

    @t.validate("at")
    def _during(self, proposal):
        last = 400 if self._settling else self.steps
        return max(0, min(last, proposal["value"]))

    def _survey(self):
        name = self.landscape
        self.ground = {"width": land.WIDTH, "height": land.HEIGHT, "box": list(
            land.LANDSCAPES[name]["box"]), "contours": land.contours(name),
            "lowest": land.lowest(name), "ticks": land.ticks(name),
            "formula": land.LANDSCAPES[name]["formula"]}

    def _move(self, _change=None):
        facts = land.LANDSCAPES[self.landscape]
        self._survey()
        with self.hold_trait_notifications():
            self.start, self.rates, self.at = list(facts["start"]), list(facts["rates"]), 0
        self._run()

    def _run(self, _change=None):
        self.race = run(self.landscape, self.racers, tuple(self.start), self.rates, self.momentum,
                        self.beta, self.steps)
        self.at = min(self.at, self.steps)
        self._tell()

    def _tell(self, _change=None):
        self.report = [row(path, self.at) for path in self.race["paths"]]
        label = land.LANDSCAPES[self.landscape]["label"]
        self.message = sentence(label, self.start, self.at, self.steps, self.report)
        self.alt = f"{self.ground['formula']}. {self.message}"

    def static(self):
        return race_svg(self.ground, self.race, self.report, self.at, self.message)

    def __repr__(self):
        return f"LandscapeRace({self.message})"


def numbers(values, count, name):
    """The values, if they are `count` numbers. TraitError otherwise."""
    if len(values) != count or not all(math.isfinite(v) for v in values):
        raise t.TraitError(f"{name} needs {count} numbers")
    return list(values)


def run(landscape, racers, start, rates, momentum, beta, steps):
    """The whole race as plain data: {"paths", "start", "chart"}.

    A path has "name", "kind" (its place among all racers), "rate", "points" in pixels of the map,
    "losses", and "lost" and "arrived", steps or None.
    """
    paths = []
    for kind, name in enumerate(NAMES):
        if name not in racers:
            continue
        way = land.walk(landscape, name, start, rates[kind], momentum, beta, steps)
        points = [land.pixel(landscape, x, y) for x, y in zip(way["xs"], way["ys"], strict=True)]
        paths.append({
            "name": name, "kind": kind, "rate": f"{rates[kind]:.2g}", "points": points,
            "losses": way["losses"], "lost": way["lost"],
            "arrived": None if way["lost"] is not None
            else land.arrived(landscape, way["losses"])})
    return {"paths": paths, "start": land.pixel(landscape, *start),
            "chart": chart(landscape, paths, steps)}


def chart(landscape, paths, steps):
    """Height above the lowest point against the step, on a logarithmic axis, as lines in pixels."""
    low = min(land.height(landscape, x, y) for x, y in land.LANDSCAPES[landscape]["minima"])
    top = 10 * max([p["losses"][0] - low for p in paths] + [FLOOR * 10])
    left, right = CHART["left"], CHART["width"] - CHART["right"]
    bottom, ceiling = CHART["height"] - CHART["bottom"], CHART["top"]

    def across(step):
        return round(left + step / steps * (right - left), 1)

    def down(value):
        part = math.log10(max(value, FLOOR) / FLOOR) / math.log10(top / FLOOR)
        return round(bottom - min(1.0, part) * (bottom - ceiling), 1)

    lines = [" ".join(f"{across(k):g},{down(v - low):g}" for k, v in enumerate(p["losses"]))
             for p in paths]
    return {**CHART, "lines": lines, "across": [across(0), across(steps)],
            "xticks": [[across(v), tick_text(v)] for v in ticks(0, steps, False, 6)],
            "yticks": [[down(v), tick_text(v)] for v in ticks(FLOOR, top, True, 5)]}


def row(path, at):
    """What is to say about one racer at one step."""
    now = min(at, len(path["losses"]) - 1)
    loss = path["losses"][now]
    if path["lost"] is not None and at >= path["lost"]:
        note, brief = f"lost at step {path['lost']}", f"lost: {path['lost']}"
    elif path["arrived"] is not None and at >= path["arrived"]:
        note, brief = f"arrived at step {path['arrived']}", f"arrived: {path['arrived']}"
    elif loss > path["losses"][0]:
        note, brief = "higher than its start", "higher"
    else:
        note = brief = ""
    return {"name": path["name"], "kind": path["kind"], "rate": path["rate"],
            "loss": "—" if note.startswith("lost") else written(loss), "note": note,
            "brief": brief}


def written(loss):
    """Three digits; what is smaller than a millionth is called 0."""
    return "0" if abs(loss) < 1e-6 else f"{loss:.3g}"


def sentence(label, start, at, steps, report):
    place = ", ".join(f"{v:.3g}" for v in start)
    said = [f"{r['name']} (rate {r['rate']}) {r['note'] or 'at ' + r['loss']}" for r in report]
    return (f"{label}, from ({place}), step {at} of {steps}: "
            f"{'; '.join(said) if said else 'nobody runs'}.")
