"""What is switched on around an op: one record per thread.

`ambient.state` is read once by every op. It is replaced, never changed, so that leaving a `with`
block is one assignment. A `threading.local` and not a ContextVar: notebook kernels run each cell
in a copy of the context, so what one cell sets with a ContextVar is lost in the next.
"""

import functools
import threading


class State:
    """The switches an op reads: is history recorded, and does anyone want to see each call?"""

    __slots__ = ("grad", "inference", "intercept")

    def __init__(self, grad=True, inference=False, intercept=None):
        self.grad = grad
        self.inference = inference
        self.intercept = intercept


class Ambient(threading.local):
    def __init__(self):
        self.state = State()
        self.walk = ()          # while backward runs: the nodes it will pass


ambient = Ambient()


class Switch:
    """A `with` block (or a decorator) that puts another State in place and takes it back."""

    __slots__ = ("outer",)

    def state(self, now):
        """The State inside the block, from the one outside it."""
        raise NotImplementedError

    def __enter__(self):
        self.outer = now = ambient.state
        ambient.state = self.state(now)

    def __exit__(self, *error):
        ambient.state = self.outer

    def __call__(self, function):
        if isinstance(function, type):
            raise RuntimeError(f"{type(self).__name__} decorates functions, not classes: "
                               f"put it on the methods of {function.__name__}")
        if _is_generator(function):
            return self._guard_generator(function)

        @functools.wraps(function)
        def guarded(*args, **kwargs):
            with self.clone():
                return function(*args, **kwargs)
        return guarded

    def clone(self):
        """A fresh block of the same kind: a decorated function may call itself."""
        return type(self)()

    def _guard_generator(self, function):
        @functools.wraps(function)
        def guarded(*args, **kwargs):
            steps = function(*args, **kwargs)
            sent = None
            while True:         # the caller's own mode must hold between two steps
                with self.clone():
                    try:
                        value = steps.send(sent)
                    except StopIteration as end:
                        return end.value
                try:
                    sent = yield value
                except GeneratorExit:
                    steps.close()
                    raise
        return guarded


def _is_generator(function):
    code = getattr(function, "__code__", None)
    return code is not None and bool(code.co_flags & 0x20)


class no_grad(Switch):
    """Inside the block (or the decorated function) operations leave no history."""

    __slots__ = ()

    def __new__(cls, orig_func=None):
        switch = object.__new__(cls)
        return switch if orig_func is None else switch(orig_func)

    def state(self, now):
        return State(False, now.inference, now.intercept)


class enable_grad(no_grad):
    """Inside the block operations are recorded again, even within `no_grad`."""

    __slots__ = ()

    def state(self, now):
        return State(True, now.inference, now.intercept)


class set_grad_enabled(Switch):
    """Recording on or off: at once when called, and until the end of the block under `with`."""

    __slots__ = ("mode",)

    def __init__(self, mode):
        self.mode = mode
        self.outer = now = ambient.state
        ambient.state = self.state(now)

    def state(self, now):
        return State(bool(self.mode), now.inference, now.intercept)

    def __enter__(self):
        ambient.state = self.state(self.outer)

    def __call__(self, function):
        ambient.state = self.outer      # used as a decorator: outside the function nothing changes
        return super().__call__(function)

    def clone(self):
        switch = object.__new__(set_grad_enabled)
        switch.mode = self.mode
        switch.outer = ambient.state
        return switch


class inference_mode(Switch):
    """Like `no_grad`, and what is made inside can never take part in autograd later."""

    __slots__ = ("mode",)

    def __new__(cls, mode=True):
        switch = object.__new__(cls)
        if callable(mode):
            switch.mode = True
            return switch(mode)
        switch.mode = mode
        return switch

    def state(self, now):
        if not self.mode:
            return State(True if now.inference else now.grad, False, _without_mark(now.intercept))
        return State(False, True, Mark(now.intercept))

    def clone(self):
        return inference_mode(self.mode)


class Mark:
    """Interceptor of `inference_mode`: what an op makes is marked as an inference tensor."""

    __slots__ = ("outer",)

    def __init__(self, outer):
        self.outer = outer

    def __call__(self, function, args, kwargs):
        with intercepted_by(self.outer):
            result = function(*args, **kwargs)
        for made in result if isinstance(result, (tuple, list)) else (result,):
            if hasattr(made, "_data") and not any(made is given for given in args):
                made._inference = True
        return result


def _without_mark(intercept):
    return intercept.outer if isinstance(intercept, Mark) else intercept


class intercepted_by(Switch):
    """Inside the block every op call goes to `intercept(function, args, kwargs)` instead.

    An interceptor that wants the op to happen calls `function` itself, inside another
    `intercepted_by` block that names the next one outwards (`None`: nobody).
    """

    __slots__ = ("intercept",)

    def __init__(self, intercept):
        self.intercept = intercept

    def state(self, now):
        return State(now.grad, now.inference, self.intercept)

    def clone(self):
        return intercepted_by(self.intercept)


def transform_in(state):
    """The innermost interceptor that is a transform of learntorch.func (`vmap`, `jvp`), or None."""
    asked = state.intercept
    while asked is not None and not getattr(asked, "transforms", False):
        asked = getattr(asked, "outer", None)
    return asked


def is_grad_enabled():
    """Whether operations are being recorded now."""
    return ambient.state.grad


def is_inference_mode_enabled():
    """Whether `inference_mode` is on now."""
    return ambient.state.inference
