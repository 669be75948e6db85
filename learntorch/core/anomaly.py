"""Anomaly mode: which forward line made the NaN that backward met?"""

import traceback
import warnings

import numpy as np

from learntorch.core.ambient import State, Switch, ambient, intercepted_by
from learntorch.core.tensor import Tensor


class Watch:
    """Interceptor: remembers for each recorded node the lines that led to it."""

    __slots__ = ("outer", "check_nan")

    def __init__(self, outer, check_nan):
        self.outer = outer
        self.check_nan = check_nan

    def __call__(self, function, args, kwargs):
        with intercepted_by(self.outer):
            result = function(*args, **kwargs)
        for made in result if isinstance(result, (tuple, list)) else (result,):
            if isinstance(made, Tensor) and made._edge is not None and made._edge.plan is not None:
                made._edge.metadata.setdefault(
                    "traceback_", traceback.format_stack(limit=30)[:-1])
        return result


def watching(state):
    """The anomaly watch in force, or None."""
    found = state.intercept
    while found is not None and not isinstance(found, Watch):
        found = getattr(found, "outer", None)
    return found


class detect_anomaly(Switch):
    """Inside the block NaN gradients raise RuntimeError, and the forward line is shown."""

    __slots__ = ("check_nan",)

    def __init__(self, check_nan=True):
        self.check_nan = check_nan
        warnings.warn("Anomaly Detection has been enabled. This mode will increase the runtime and "
                      "should only be enabled for debugging.", UserWarning, stacklevel=2)

    def state(self, now):
        return State(now.grad, now.inference, Watch(now.intercept, self.check_nan))

    def clone(self):
        switch = object.__new__(detect_anomaly)
        switch.check_nan = self.check_nan
        return switch


class set_detect_anomaly(Switch):
    """Anomaly mode on or off: at once when called, until the end of the block under `with`."""

    __slots__ = ("mode", "check_nan")

    def __init__(self, mode, check_nan=True):
        self.mode = mode
        self.check_nan = check_nan
        self.outer = now = ambient.state
        ambient.state = self.state(now)

    def state(self, now):
        outer = now.intercept
        if isinstance(outer, Watch):
            outer = outer.outer
        return State(now.grad, now.inference, Watch(outer, self.check_nan) if self.mode else outer)

    def __enter__(self):
        pass


def is_anomaly_enabled():
    """Whether anomaly mode is on."""
    return watching(ambient.state) is not None


def is_anomaly_check_nan_enabled():
    """Whether anomaly mode also looks for NaN."""
    watch = watching(ambient.state)
    return watch is not None and watch.check_nan


def check(n, gradients):
    """Raise RuntimeError when a gradient that node `n` computed holds NaN; show its forward."""
    for i, g in enumerate(gradients):
        a = getattr(g, "_data", g)
        if a is not None and np.isnan(np.asarray(a, np.complex128 if a.dtype.kind == "c"
                                                 else np.float64)).any():
            lines = n.metadata.get("traceback_")
            if lines is not None:
                warnings.warn(f"Error detected in {n.name()}. Traceback of forward call that "
                              "caused the error:\n" + "".join(lines), UserWarning, stacklevel=6)
            raise RuntimeError(f"Function '{n.name()}' returned nan values in its {i}th output.")
