"""Training curves that grow while the loop runs, and buttons that pause, step and stop it.

    curves = LossCurves()
    curves                                      # last line of a cell: the widget appears
    for step in curves.loop(range(100)):
        …
        curves.log(step, loss=loss.item(), lr=0.1)
"""

import math
import threading
import time
from pathlib import Path

import traitlets as t

from course.widgets import curves_chart
from course.widgets.base import Widget, script, style
from course.widgets.dial import Dial
from course.widgets.polling import kernel, poll

EVERY = 0.1             # seconds between two updates of the picture
LISTEN = 0.03           # seconds between two looks at the page
LARGEST = 3.4028234e38      # what an event file can hold
COMMANDS = ("pause", "go", "step", "stop")


class Clock:
    """Counts the steps of a loop, and the seconds it worked: pauses are not counted."""

    def __init__(self, total=None):
        self.done, self.total = 0, total
        self.worked, self.since = 0.0, time.monotonic()

    def count(self):
        self.done += 1

    def rest(self):
        self.worked, self.since = self.seconds(), None

    def go(self):
        self.worked, self.since = self.seconds(), time.monotonic()

    def seconds(self):
        return self.worked + (0.0 if self.since is None else time.monotonic() - self.since)

    def steps(self):
        return f"{self.done} step{'' if self.done == 1 else 's'}"

    def as_data(self):
        """{"done", "total", "text"}: how far the loop is, and how long it will go on."""
        return {"done": self.done, "total": self.total, "text": self.text()}

    def text(self):
        if not self.done:
            return ""
        if not self.total:
            return self.steps()
        said = f"step {self.done} of {self.total}"
        left = self.seconds() / self.done * (self.total - self.done)
        return said if self.done >= self.total else f"{said}, {about(left)} left"


def about(seconds):
    """A stretch of time as a person says it: "40 s", "3 min", "40 h"."""
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


class LossCurves(Widget):
    """Curves of several runs: losses above, learning rate, gradient norm and others below.

    smoothing: 0 (none) to 0.99. log_x, log_y: axes. hidden: runs not shown.
    status: "idle", "running", "paused", "stopped" (by the reader) or "finished".
    pace: steps a second while somebody looks at the picture, 0 for as many as there can be.
    folder: where TensorBoard's event files are written too, a folder in it for each run.
    """

    kind = "curves"
    shared = ("smoothing", "log_x", "log_y", "hidden", "cursor", "pace")
    _esm = script("common.js", "loss_curves.js")
    _css = style("loss_curves.css")

    smoothing = t.Float(0.0, min=0.0, max=0.99).tag(sync=True)
    log_x = t.Bool(False).tag(sync=True)
    log_y = t.Bool(False).tag(sync=True)
    hidden = t.List(t.Unicode()).tag(sync=True)
    cursor = t.Float(None, allow_none=True).tag(sync=True)
    pace = t.Float(0.0, min=0.0, max=1000.0).tag(sync=True)
    width = t.Int(720, min=260, max=1600).tag(sync=True)
    status = t.Unicode("idle").tag(sync=True)
    chart = t.Dict().tag(sync=True)
    readout = t.Dict().tag(sync=True)
    progress = t.Dict({"done": 0, "total": None, "text": ""}).tag(sync=True)
    dials = t.List().tag(sync=True)
    palette = t.Dict({"colours": list(curves_chart.COLOURS),
                      "dashes": list(curves_chart.DASHES)}).tag(sync=True)

    def __init__(self, title="Training curves", folder=None, **traits):
        self.title = title
        self.folder = None if folder is None else Path(folder)
        self.runs = {}
        self.current = "run"
        self._files = {}
        self._dials = {}
        self._clock = Clock()
        self._lock = threading.RLock()
        self._drawn_at = 0.0
        self._wait = EVERY
        self._listened_at = 0.0
        self._command = "go"
        self._seen = False
        self._stepped_at = 0.0
        self._dirty = False
        self._watched = None
        super().__init__(**traits)
        self._draw()
        self.observe(self._draw, ["smoothing", "log_x", "log_y", "hidden", "width"])
        self.observe(self._read, ["cursor", "hidden"])
        self.on_msg(self._hear)

    # ---- what a training loop calls ----------------------------------------------------------

    def log(self, step, run=None, **values):
        """Add one point to each named series: `curves.log(step, loss=0.3, lr=0.1)`.

        Values are numbers (a tensor with one element will do); NaN and infinity are kept and
        marked with ×. Raises TypeError for what is no number.
        """
        name = str(self.current if run is None else run)
        found = {series: float(value.detach() if hasattr(value, "detach") else value)
                 for series, value in values.items()}
        with self._lock:
            table = self.runs.setdefault(name, {})
            for series, number in found.items():
                steps, numbers = table.setdefault(series, ([], []))
                steps.append(float(step))
                numbers.append(number)
            self._dirty = True
            if self.folder is not None:
                self._write_events(name, step, found)
        if time.monotonic() - self._drawn_at >= self._wait:
            self._draw()
        self._flush_later()

    def loop(self, steps, run=None):
        """Go through `steps` as the reader wishes: Pause, Step and Stop in the page act here.

        run: the name under which `log` files its points, "run" at first. A name used before
        starts afresh.
        """
        if run is not None:
            self.current = str(run)
        self._begin(self.current, len(steps) if hasattr(steps, "__len__") else None)
        try:
            for step in steps:
                if not self._may_go_on():
                    break
                yield step
                self._clock.count()
        finally:
            self._end()

    def reporter(self, run="run", series="loss", total=None):
        """A function to call with each new value: `report(0.3)`, or `report(loss=0.3, lr=0.1)`.

        It counts the steps itself; `total` says how many there will be. Its first call begins the
        run afresh. Pause and Step in the page hold the loop inside the call; Stop ends it with
        KeyboardInterrupt, as the kernel's own stop button does.
        """
        run = str(run)

        def report(value=None, **values):
            if report.step == 0:
                self._begin(run, total)
            elif self.status not in ("running", "paused"):
                self._command = "go"
                self.status = "running"
                self._clock.go()
            if value is not None:
                values[series] = value
            self._clock.count()
            self.log(report.step, run=run, **values)
            report.step += 1
            if not self._may_go_on():
                self._end()
                raise KeyboardInterrupt("stopped from the page")
        report.step = 0
        return report

    def dial(self, name, value, low, high):
        """A number that the reader turns in the page while the loop runs: `rate = curves.dial(…)`.

        `rate()` is the number now. The scale is logarithmic, 0 < low <= value <= high; ValueError
        otherwise. A name used before is replaced.
        """
        made = Dial(str(name), value, low, high, self._show_dials)
        self._dials[made.name] = made
        self._show_dials()
        return made

    def _show_dials(self):
        self.dials = [d.as_data() for d in self._dials.values()]

    def _begin(self, run, total):
        with self._lock:
            self.runs.pop(run, None)
            self._files.pop(run, None)
            self._clock = Clock(total)
        self._command = "go"
        self.status = "running"

    def _end(self):
        self._clock.rest()
        stopped = self._command == "stop"
        self.status = "stopped" if stopped else "finished"
        if stopped:
            self.message = f"Stopped after {self._clock.steps()}. What was learned is still there."
        self._draw()

    def _write_events(self, run, step, values):
        """Add one point to the run's event file; a new one cuts off what is there from `step`."""
        if run not in self._files:
            from learntorch.utils.tensorboard import SummaryWriter
            folder = self.folder / curves_chart.folder_name(run)
            self._files[run] = SummaryWriter(folder, purge_step=int(step))
        for series, number in values.items():
            number = math.copysign(math.inf, number) if abs(number) > LARGEST else number
            self._files[run].add_scalar(series, number, int(step))

    def _may_go_on(self):
        self._listen()
        if self._command == "pause":
            self.message = f"Paused after {self._clock.steps()}."
            self._clock.rest()
            self._draw()
            while self._command == "pause":
                self.status = "paused"
                self.flush()
                time.sleep(LISTEN / 2)
                self._listen()
            self._clock.go()
        if self._command == "stop":
            return False
        if self._command == "step":
            self._command = "pause"
        else:
            self.status = "running"
            self._keep_pace()
        return self._command != "stop"

    def _keep_pace(self):
        """Wait for the time of the next step; not where no page shows the picture."""
        while self._seen and self.pace and self._command == "go":
            wait = self._stepped_at + 1 / self.pace - time.monotonic()
            if wait <= 0:
                break
            self.flush()
            time.sleep(min(wait, LISTEN))
            self._listen()
        self._stepped_at = time.monotonic()

    def _listen(self):
        now = time.monotonic()
        if now - self._listened_at >= LISTEN:
            self._listened_at = now
            poll()

    def _hear(self, _widget, content, _buffers):
        """What the page asks for: a command to the loop, a place on the axis, a file."""
        kind = content.get("type")
        if kind == "command" and content.get("command") in COMMANDS:
            if self.status in ("running", "paused"):
                self._command = content["command"]
        elif kind == "here":
            self._seen = True
        elif kind == "point":
            self.cursor = self._step_at(content.get("x"))
        elif kind == "move":
            self._move(content.get("by"))
        elif kind == "dial" and content.get("name") in self._dials:
            self._dials[content["name"]].turn(content.get("at"))
        elif kind == "export" and content.get("format") in ("svg", "csv", "png"):
            form = content["format"]
            text = self.csv() if form == "csv" else self.svg()
            self.send({"type": "export", "format": form, "text": text})

    # ---- the picture -------------------------------------------------------------------------

    def _draw(self, _change=None):
        with self._lock:
            began = time.monotonic()
            self.chart = self._chart(self.width)
            self.alt = f"{self.title}: {curves_chart.words(self.runs)}"
            self.progress = self._clock.as_data()
            for writer in self._files.values():
                writer.close()          # it opens again with the next point
            self._dirty = False
            self._drawn_at = time.monotonic()
            self._wait = max(EVERY, 10 * (self._drawn_at - began))
            self._place_cursor()

    def _chart(self, width):
        return curves_chart.chart(self.runs, width, self.smoothing, self.log_x, self.log_y,
                                  self.hidden)

    def flush(self):
        """Draw what is waiting, and write it into the event files."""
        with self._lock:
            if self._dirty:
                self._draw()

    def _flush_later(self):
        """The last points of a cell are drawn when the cell ends."""
        running = kernel()
        shell = getattr(running, "shell", None)
        if shell is not None and self._watched is None:
            self._watched = shell
            shell.events.register("post_run_cell", self._cell_ended)

    def _cell_ended(self, *_result):
        self._watched.events.unregister("post_run_cell", self._cell_ended)
        self._watched = None
        if self.status in ("running", "paused"):
            self.status = "finished"
            self._clock.rest()
        self.flush()

    # ---- reading off values ------------------------------------------------------------------

    def _steps_shown(self):
        with self._lock:
            return sorted({s for run, table in self.runs.items() if run not in self.hidden
                           for steps, _ in table.values() for s in steps})

    def _axis(self):
        panel = self.chart["panels"][0]
        steps = [s for s in self._steps_shown() if s > 0 or not self.log_x]
        return steps, curves_chart.Axis(steps, panel["x"], panel["x"] + panel["w"], self.log_x)

    def _step_at(self, x):
        steps, axis = self._axis()
        if not steps or not isinstance(x, (int, float)):
            return None
        return min(steps, key=lambda s: abs(axis.at(s) - x))

    def _move(self, by):
        steps = self._steps_shown()
        if not steps or by not in (-1, 1, -10, 10):
            return
        if self.cursor is None:
            self.cursor = steps[0] if by > 0 else steps[-1]
            return
        near = min(range(len(steps)), key=lambda i: abs(steps[i] - self.cursor))
        self.cursor = steps[max(0, min(len(steps) - 1, near + by))]

    def _read(self, _change=None):
        with self._lock:
            self._place_cursor()
            if self.cursor is not None:
                rows = curves_chart.readout(self.runs, self.cursor, self.hidden)
                self.message = f"step {self.cursor:g}: " + "; ".join(
                    f"{run} {series} {text}" for run, series, text in rows[:8])

    def _place_cursor(self):
        steps, axis = self._axis()
        x = None if self.cursor is None or not steps else axis.at(self.cursor)
        self.readout = {"x": x}

    # ---- taking it away ----------------------------------------------------------------------

    def csv(self):
        """All points as comma-separated text: run, step, series, value."""
        with self._lock:
            return curves_chart.csv(self.runs)

    def svg(self):
        """The picture as it is now, as SVG text."""
        with self._lock:
            return curves_chart.as_svg(self._chart(720), self.title,
                                       curves_chart.words(self.runs))

    def static(self):
        return self.svg()

    def __repr__(self):
        return f"LossCurves({self.title!r})"
