"""The freeze panel: switches for the blocks of a model, and what each choice costs and changes."""

import time

import traitlets as t

from course.widgets.base import Widget, script, style
from course.widgets.freeze_costs import bill, find_blocks, measured, run_once, steady_norms
from course.widgets.freeze_svg import lines, panel_svg
from learntorch import nn

OPTIMIZERS = {"SGD": 0, "SGD with momentum": 1, "Adam": 2}      # numbers kept for each that learns
NORMS = nn.modules.batchnorm._BatchNorm


class FreezePanel(Widget):
    """Freezes and unfreezes the blocks of `model`; `sample` is an input to measure its work with.

    on: the paths of the blocks that learn; setting it changes `requires_grad` in the model.
    optimizer: "SGD", "SGD with momentum" or "Adam". steady: frozen batch norms are put into eval
    mode, all others into training mode (done when a switch is moved). selected: the block whose
    parameters are listed. budget: at most so many numbers should learn. Raises ValueError for a
    model without parameters.
    """

    kind = "freeze"
    shared = ("on", "optimizer", "steady", "selected")
    _esm = script("common.js", "freeze_panel.js")
    _css = style("freeze_panel.css")

    on = t.List(t.Unicode()).tag(sync=True)
    optimizer = t.Unicode("Adam").tag(sync=True)
    steady = t.Bool(True).tag(sync=True)
    selected = t.Unicode().tag(sync=True)
    rows = t.List().tag(sync=True)
    totals = t.Dict().tag(sync=True)
    detail = t.List().tag(sync=True)
    fixed = t.Dict().tag(sync=True)

    def __init__(self, model, sample=None, name="model", budget=None, **traits):
        self.model, self.sample, self.name, self.budget = model, sample, name, budget
        self.reading = False
        self._look()
        if not self.blocks:
            raise ValueError("this model has no parameters to freeze")
        wanted = traits.pop("on", None)
        traits.setdefault("selected", list(self.blocks)[-1])
        super().__init__(on=self._learning(), **traits)
        self.fixed = {"name": name, "optimizers": list(OPTIMIZERS), "budget": budget,
                      "presets": presets(list(self.blocks)), "measurable": bool(self.units)}
        self._show()
        self.observe(self._apply, ["on", "steady"])
        self.observe(self._show, ["optimizer", "selected"])
        self.on_msg(self._asked)
        if wanted is not None:
            self.on = wanted

    @t.validate("on")
    def _known_blocks(self, proposal):
        unknown = [path for path in proposal["value"] if path not in self.blocks]
        if unknown:
            raise t.TraitError(f"there is no block {unknown[0][:60]!r}")
        return [path for path in self.blocks if path in proposal["value"]]

    @t.validate("optimizer")
    def _known_optimizer(self, proposal):
        if proposal["value"] not in OPTIMIZERS:
            raise t.TraitError(f"the optimizers are {', '.join(OPTIMIZERS)}")
        return proposal["value"]

    @t.validate("selected")
    def _known_block(self, proposal):
        if proposal["value"] not in self.blocks:
            raise t.TraitError(f"there is no block {proposal['value'][:60]!r}")
        return proposal["value"]

    def _look(self):
        self.blocks = find_blocks(self.model)
        self.units, self.problem = measured(self.model, self.sample)
        self.used = {id(p) for unit in self.units for p in unit.own}
        self.timed = ""

    def _learning(self):
        """The blocks all of whose parameters require a gradient now."""
        return [path for path, block in self.blocks.items()
                if all(p.requires_grad for p in block.parameters)]

    def _apply(self, change):
        """Switch what has changed, and only that: a block that is partly frozen stays so."""
        if self.reading:
            return
        if change["name"] == "on":
            for path in set(change["old"]) ^ set(change["new"]):
                for p in self.blocks[path].parameters:
                    p.requires_grad_(path in change["new"])
        for norm, still in steady_norms(self.model, NORMS):
            norm.train(not (self.steady and still))
        self.timed = ""
        self._show()

    def _asked(self, _widget, content, _buffers):
        kind = content.get("type")
        if kind == "again":
            self.refresh()
        elif kind == "measure":
            self.measure()
        elif kind == "choose":
            self.choose([path for path in content.get("paths", []) if path in self.blocks])

    def choose(self, paths):
        """Let these blocks learn and freeze all others, those that were partly frozen too."""
        for path, block in self.blocks.items():
            if path not in paths:
                for p in block.parameters:
                    p.requires_grad_(False)
        self.on = paths
        self._apply({"name": "steady"})

    def refresh(self):
        """Look at the model again: cells may have frozen, unfrozen or replaced parts of it."""
        self._look()
        self.reading = True
        try:
            self.on = self._learning()
            if self.selected not in self.blocks:
                self.selected = list(self.blocks)[-1]
        finally:
            self.reading = False
        self.fixed = {**self.fixed, "presets": presets(list(self.blocks)),
                      "measurable": bool(self.units)}
        self._show()

    def measure(self):
        """Take one step of training with the sample, by the clock, and leave no trace of it."""
        if not self.units:
            return
        forward, both = run_once(self.model, self.sample, time.perf_counter)
        self.timed = (f"Just now a step took {1000 * both:,.0f} ms, {1000 * forward:,.0f} of them "
                      "forward.")
        self._show()

    def _show(self, _change=None):
        found = bill(self.blocks, self.units, OPTIMIZERS[self.optimizer])
        fits = self.budget is None or found["trainable"] <= self.budget
        self.totals = {**found, "fits": fits, "lines": lines(found)}
        self.rows = [self._row(path) for path in self.blocks]
        self.detail = self._detail()
        said = sentence(self.totals, self.rows, self.optimizer)
        self.alt = f"Freeze panel of {self.name}. {said}"
        self.message = " ".join(filter(None, [self.problem, said, self.timed]))

    def _row(self, path):
        block = self.blocks[path]
        learning = sum(p.numel() for p in block.parameters if p.requires_grad)
        norms = [m for _, m in block.modules if isinstance(m, NORMS)]
        moving = sum(m.training and m.track_running_stats for m in norms)
        state = ("learns" if learning == block.count else "partly" if learning else "frozen")
        return {"path": path, "class": block.kind, "count": block.count, "state": state,
                "back": self.totals["back"].get(path, ""),
                "norms": "" if not norms else "moving" if moving else "still",
                "warning": bool(moving and not learning)}

    def _detail(self):
        return [[name, str(tuple(p.shape)), f"{p.numel():,}",
                 "frozen" if not p.requires_grad else
                 "gets a gradient" if id(p) in self.used or not self.units else "never used"]
                for name, p in self.blocks[self.selected].named]

    def static(self):
        return panel_svg(self.name, self.rows, self.totals, self.alt)

    def __repr__(self):
        return (f"FreezePanel({len(self.on)} of {len(self.blocks)} blocks learn, "
                f"{self.totals['trainable']:,} of {self.totals['count']:,} numbers)")


def presets(paths):
    """Names of choices and the blocks that learn in them."""
    last = paths[-max(2, len(paths) // 4):]
    return [["Head only", paths[-1:]], ["Last blocks", last], ["All", paths]]


def sentence(totals, rows, optimizer):
    learning = sum(r["state"] != "frozen" for r in rows)
    said = (f"{learning} of {len(rows)} blocks learn: {totals['trainable']:,} of "
            f"{totals['count']:,} numbers.")
    if totals["end"]:
        said += (f" The walk back ends at {totals['end']}; a step is the work of "
                 f"{totals['factor']:.1f} runs forward.")
    warned = [r["path"] for r in rows if r["warning"]]
    if warned:
        said += (f" {len(warned)} frozen block{'s have' if len(warned) > 1 else ' has'} batch "
                 "norms that still move.")
    return said
