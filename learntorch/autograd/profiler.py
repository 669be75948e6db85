"""A profile: how long each op took, forward and backward, and how often it was called.

An interceptor takes the time of every op; the node an op has recorded gets a plan that takes the
time of its rule. Times are those of one CPU thread and include what the profile itself costs, about
a microsecond a call. `self` time is without the ops (and named blocks) called inside.
"""

import contextlib
import json
import time

from learntorch.core.ambient import State, Switch, ambient, intercepted_by
from learntorch.core.graph import Pick, tick
from learntorch.core.record import Plan
from learntorch.core.tensor import Tensor


class FunctionEvent:
    """One call: its name, when it began and ended (microseconds), and who called it."""

    def __init__(self, name, start, parent, shapes=None):
        self.name = self.key = name
        self.start = start
        self.end = start
        self.cpu_parent = parent
        self.input_shapes = shapes or []
        self.cpu_children = []
        self.count = 1
        if parent is not None:
            parent.cpu_children.append(self)

    @property
    def cpu_time_total(self):
        """Microseconds from call to return."""
        return self.end - self.start

    cpu_time = cpu_time_total

    @property
    def self_cpu_time_total(self):
        """Microseconds without what was called inside."""
        return self.cpu_time_total - sum(e.cpu_time_total for e in self.cpu_children)

    def __repr__(self):
        return f"<FunctionEvent name={self.name} cpu_time={duration(self.cpu_time_total)}>"


class Average:
    """All calls of one name together."""

    def __init__(self, key, shapes=None):
        self.key = key
        self.input_shapes = shapes
        self.count = 0
        self.cpu_time_total = 0.0
        self.self_cpu_time_total = 0.0

    def add(self, event):
        self.count += 1
        self.cpu_time_total += event.cpu_time_total
        self.self_cpu_time_total += event.self_cpu_time_total

    @property
    def cpu_time(self):
        """Microseconds of one call on average."""
        return self.cpu_time_total / max(self.count, 1)

    def __repr__(self):
        return (f"<FunctionEventAvg key={self.key} self_cpu_time="
                f"{duration(self.self_cpu_time_total)} cpu_time={duration(self.cpu_time)}>")


def duration(us):
    """Microseconds as text: "12.300us", "1.230ms", "1.230s"."""
    if us >= 1e6:
        return f"{us / 1e6:.3f}s"
    return f"{us / 1e3:.3f}ms" if us >= 1e3 else f"{us:.3f}us"


class EventList(list):
    """Events, or averages of them, that can be shown as a table."""

    @property
    def self_cpu_time_total(self):
        """Microseconds of all events."""
        return sum(e.self_cpu_time_total for e in self)

    def key_averages(self, group_by_input_shape=False, group_by_stack_n=0):
        """One Average for each name (and the shapes of the inputs)."""
        found = {}
        for e in self:
            shapes = e.input_shapes if group_by_input_shape else None
            key = (e.key, str(shapes))
            if key not in found:
                found[key] = Average(e.key, shapes)
            found[key].add(e)
        return EventList(found.values())

    def total_average(self):
        """All events as one Average."""
        total = Average("Total")
        for e in self:
            total.count += 1
            total.self_cpu_time_total += e.self_cpu_time_total
            total.cpu_time_total += e.self_cpu_time_total
        return total

    def table(self, sort_by=None, row_limit=100, max_src_column_width=75,
              max_name_column_width=55, max_shapes_column_width=80, header=None,
              top_level_events_only=False):
        """The events as text, at most `row_limit` lines, the largest `sort_by` first."""
        rows = [e for e in self if not top_level_events_only
                or getattr(e, "cpu_parent", None) is None]
        if sort_by is not None:
            rows.sort(key=lambda e: getattr(e, SORTS.get(sort_by, sort_by)), reverse=True)
        total = self.self_cpu_time_total or 1.0
        heads = ("Name", "Self CPU %", "Self CPU", "CPU total %", "CPU total", "CPU time avg",
                 "# of Calls")
        shaped = any(getattr(e, "input_shapes", None) for e in rows)
        heads = (*heads, "Input Shapes") if shaped else heads
        cells = [(short(e.key, max_name_column_width),
                  f"{100 * e.self_cpu_time_total / total:.2f}%", duration(e.self_cpu_time_total),
                  f"{100 * e.cpu_time_total / total:.2f}%", duration(e.cpu_time_total),
                  duration(e.cpu_time_total / max(e.count, 1)), str(e.count),
                  *((short(str(e.input_shapes or []), max_shapes_column_width),) if shaped else ()))
                 for e in rows[:row_limit if row_limit >= 0 else None]]
        widths = [max(len(row[i]) for row in (heads, *cells)) + 2 for i in range(len(heads))]
        line = "  ".join("-" * w for w in widths)
        text = [line, "  ".join(h.rjust(w) for h, w in zip(heads, widths, strict=True)), line]
        text += ["  ".join(c.rjust(w) for c, w in zip(row, widths, strict=True)) for row in cells]
        head = [header] if header else []
        return "\n".join([*head, *text, line,
                          f"Self CPU time total: {duration(self.self_cpu_time_total)}", ""])

    def export_chrome_trace(self, path):
        """Write the events as a trace for chrome://tracing or ui.perfetto.dev."""
        events = [{"ph": "X", "cat": "cpu_op", "name": e.name, "pid": 0, "tid": 0, "ts": e.start,
                   "dur": e.cpu_time_total, "args": {"Input Dims": e.input_shapes}} for e in self]
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"traceEvents": events}, file)

    def __str__(self):
        return self.table()


SORTS = {"cpu_time": "cpu_time", "count": "count", "self_cpu_time_total": "self_cpu_time_total",
         "cpu_time_total": "cpu_time_total", "self_cpu_time": "self_cpu_time_total"}


def short(text, width):
    """`text` cut to `width` characters."""
    return text if width is None or len(text) <= width else text[:width - 3] + "..."


def now():
    return time.perf_counter_ns() / 1000


class Recorder:
    """Interceptor: one event for every op, and for every rule that backward runs."""

    def __init__(self, outer, shapes=False):
        self.outer = outer
        self.shapes = shapes
        self.on = True
        self.events = EventList()
        self.open = None                # the event inside which we are

    def __call__(self, function, args, kwargs):
        if not self.on:
            with intercepted_by(self.outer):
                return function(*args, **kwargs)
        name = getattr(function.op, "key", function.__name__)
        if function.__name__.endswith("_") and not name.endswith("_"):
            name += "_"
        shapes = [list(a._data.shape) if isinstance(a, Tensor) else [] for a in args
                  ] if self.shapes else None
        start = tick()
        with self.event("aten::" + name.lstrip("_"), shapes), intercepted_by(self.outer):
            result = function(*args, **kwargs)
        for t in result if isinstance(result, (tuple, list)) else (result,):
            if isinstance(t, Tensor) and t._edge is not None:
                node = t._edge.edges[0] if type(t._edge) is Pick else t._edge
                if node.seq > start and type(node.plan) is Plan:
                    node.plan = TimedPlan(node.plan, self)
        return result

    @contextlib.contextmanager
    def event(self, name, shapes=None):
        """An event from here to the end of the block."""
        outer = self.open
        self.open = event = FunctionEvent(name, now(), outer, shapes)
        self.events.append(event)
        try:
            yield event
        finally:
            event.end = now()
            self.open = outer


class TimedPlan(Plan):
    """A plan whose rule is an event of a profile, as long as the profile is on."""

    def __init__(self, plan, recorder):
        self.op = plan.op
        self.title = plan.title
        self.names = plan.names
        self.pack = plan.pack
        self.saves_out = plan.saves_out
        self.keeps = plan.keeps

        def run(xp, g, *saved):
            if not recorder.on or recorder is not recording():
                return plan.run(xp, g, *saved)
            with recorder.event(plan.title):
                return plan.run(xp, g, *saved)
        self.run = run


def recording():
    """The recorder in force, or None."""
    found = ambient.state.intercept
    while found is not None and not isinstance(found, Recorder):
        found = getattr(found, "outer", None)
    return found


class profile(Switch):
    """`with profile() as prof:` records every op; afterwards `prof.key_averages().table()`.

    record_shapes: keep the shapes of the inputs. Use it around something warmed up: the first call
    of an op compiles its rule.
    """

    def __init__(self, enabled=True, *, use_cuda=False, use_device=None, record_shapes=False,
                 with_flops=False, profile_memory=False, with_stack=False, with_modules=False,
                 use_kineto=False, use_cpu=True, experimental_config=None, acc_events=False,
                 custom_trace_id_callback=None, post_processing_timeout_s=None,
                 activity_filters=None):
        self.enabled = enabled
        self.record_shapes = record_shapes
        self.recorder = None

    def state(self, now):
        if not self.enabled:
            return now
        self.recorder = Recorder(now.intercept, self.record_shapes)
        return State(now.grad, now.inference, self.recorder)

    def __enter__(self):
        if self.recorder is not None:
            raise RuntimeError("Profiler context manager is not reentrant")
        super().__enter__()
        return self

    def clone(self):
        return profile(self.enabled, record_shapes=self.record_shapes)

    @property
    def function_events(self):
        """Every call, in order."""
        if self.recorder is None:
            raise RuntimeError("Profiler didn't finish running: use it as `with profile() as "
                               "prof:` first")
        return self.recorder.events

    @property
    def self_cpu_time_total(self):
        """Microseconds of all ops together."""
        return self.function_events.self_cpu_time_total

    def events(self):
        """Every call, in order."""
        return self.function_events

    def key_averages(self, group_by_input_shape=False, group_by_stack_n=0,
                     group_by_overload_name=False):
        """The calls of one name together."""
        return self.function_events.key_averages(group_by_input_shape)

    def total_average(self):
        return self.function_events.total_average()

    def table(self, *args, **kwargs):
        """Every call as a line of text."""
        return self.function_events.table(*args, **kwargs)

    def export_chrome_trace(self, path):
        """Write the calls as a trace for chrome://tracing or ui.perfetto.dev."""
        self.function_events.export_chrome_trace(path)

    def __str__(self):
        return "<unfinished torch.autograd.profile>" if self.recorder is None else self.table()


class record_function(Switch):
    """`with record_function("data"):` a block with a name of its own in the profile."""

    def __init__(self, name, args=None):
        self.name = name
        self.args = args
        self.block = None

    def __enter__(self):
        recorder = recording()
        if recorder is not None and recorder.on:
            self.block = recorder.event(self.name)
            self.block.__enter__()
        return self

    def __exit__(self, *error):
        if self.block is not None:
            self.block.__exit__(None, None, None)
            self.block = None

    def clone(self):
        return record_function(self.name, self.args)


__all__ = ["EventList", "FunctionEvent", "profile", "record_function"]
