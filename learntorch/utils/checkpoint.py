"""Checkpoints: forget the inside of a function in forward, compute it again in backward.

Memory for time: of `function(*args)` only the arguments are kept. Two ways. With
`use_reentrant=False` what the ops would save is replaced by a number each (saved-tensor hooks), and
the first that backward asks for makes the function run again, up to the last one needed. With
`use_reentrant=True` the call is one Function whose backward runs the function and then a backward
inside the backward.
Source: Chen et al., Training deep nets with sublinear memory cost (2016).
"""

import contextlib
import warnings

from learntorch.autograd.function import Function
from learntorch.autograd.graph import saved_tensors_hooks
from learntorch.core.ambient import ambient, enable_grad, no_grad
from learntorch.core.engine import backward
from learntorch.core.tensor import Tensor
from learntorch.random import default_generator, fork_rng

DEFAULT = "default"
HEAD = "torch.utils.checkpoint: "

_settings = {"early_stop": None, "debug": None}


class CheckpointError(RuntimeError):
    """The function did something else when it was run again."""


class _Done(Exception):
    """Everything that backward needs has been computed again."""


def noop_context_fn():
    """Two contexts that do nothing: around forward, and around the second run."""
    return contextlib.nullcontext(), contextlib.nullcontext()


@contextlib.contextmanager
def _set(name, value):
    before = _settings[name]
    _settings[name] = value
    try:
        yield
    finally:
        _settings[name] = before


def set_checkpoint_early_stop(enable):
    """`with set_checkpoint_early_stop(False):` the second run goes to the end of the function."""
    return _set("early_stop", enable)


def set_checkpoint_debug_enabled(enabled):
    """`with …(True):` errors of checkpoints name the ops of both runs."""
    return _set("debug", enabled)


def checkpoint(function, *args, use_reentrant=None, context_fn=noop_context_fn,
               determinism_check=DEFAULT, debug=False, early_stop=True, **kwargs):
    """`function(*args, **kwargs)`, whose inside is computed again when backward needs it.

    preserve_rng_state (True): random numbers are the same the second time. determinism_check:
    "default" compares shapes and dtypes of the two runs, "none" does not. context_fn gives two
    contexts, for the first and the second run. early_stop: stop the second run when all is there.
    Raises CheckpointError (in backward) where the two runs differ.
    """
    preserve = kwargs.pop("preserve_rng_state", True)
    if use_reentrant is None:
        warnings.warn(HEAD + "the use_reentrant parameter should be passed explicitly. Starting in "
                      "PyTorch 2.9, calling checkpoint without use_reentrant will raise an "
                      "exception. use_reentrant=False is recommended, but if you need to preserve "
                      "the current default behavior, you can pass use_reentrant=True.",
                      stacklevel=2)
        use_reentrant = True
    if use_reentrant:
        if kwargs:
            raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
        if context_fn is not noop_context_fn or debug is not False:
            raise ValueError("Passing `context_fn` or `debug` is only supported when "
                             "use_reentrant=False.")
        return CheckpointFunction.apply(function, preserve, *args)
    if determinism_check not in (DEFAULT, "none"):
        raise ValueError(f"determinism_check should be one of ['default', 'none'], got "
                         f"{determinism_check}")
    stop = early_stop if _settings["early_stop"] is None else _settings["early_stop"]
    first, second = context_fn()
    frame = _Frame(function, args, kwargs, preserve, determinism_check == DEFAULT, stop, second)
    if not ambient.state.grad:
        with first:
            return function(*args, **kwargs)
    with saved_tensors_hooks(frame.pack, frame.unpack), first:
        return function(*args, **kwargs)


class _Frame:
    """One checkpointed call: how to run it again, and what its ops saved, by number."""

    def __init__(self, function, args, kwargs, preserve, check, early_stop, context):
        self.function = function
        self.args = args
        self.kwargs = kwargs
        self.random = default_generator.state_bytes() if preserve else None
        self.check = check
        self.early_stop = early_stop
        self.context = context
        self.facts = []             # shape and dtype of what was saved, in order
        self.values = {}            # number → tensor, computed again and not yet used

    def pack(self, t):
        self.facts.append(_facts(t))
        return len(self.facts) - 1

    def unpack(self, number):
        if number not in self.values:
            self.recompute()
        return self.values.pop(number)

    def recompute(self):
        """Run the function again, and catch what its ops save this time."""
        made = []

        def keep(t):
            if len(made) == len(self.facts):
                raise CheckpointError(HEAD + "trying to save more tensors during recomputation than"
                                      " during the original forward pass." + TIP)
            made.append(t.detach())
            if self.early_stop and len(made) == len(self.facts):
                raise _Done
            return t
        with self.same_random(), enable_grad(), self.context, saved_tensors_hooks(
                keep, lambda t: t), contextlib.suppress(_Done):
            self.function(*_again(self.args), **self.kwargs)
        self.compare(made)
        self.values = dict(enumerate(made))

    @contextlib.contextmanager
    def same_random(self):
        if self.random is None:
            yield
            return
        with fork_rng():
            default_generator.load_bytes(self.random)
            yield

    def compare(self, made):
        """Raise CheckpointError where the second run saved something else than the first."""
        if len(made) != len(self.facts):
            raise CheckpointError(
                HEAD + "A different number of tensors was saved during the original forward and "
                "recomputation.\nNumber of tensors saved during forward: "
                f"{len(self.facts)}\nNumber of tensors saved during recomputation: {len(made)}."
                + TIP)
        if not self.check:
            return
        wrong = [(i, a, _facts(t)) for i, (a, t) in enumerate(zip(self.facts, made, strict=True))
                 if a != _facts(t)]
        if wrong:
            lines = "\n".join(f"tensor at position {i}:\nsaved metadata: {a}\n"
                              f"recomputed metadata: {b}" for i, a, b in wrong)
            raise CheckpointError(HEAD + "Recomputed values for the following tensors have "
                                  "different metadata than during the forward pass.\n" + lines
                                  + "\n." + TIP)


TIP = (" The function must do the same each time it is called with the same arguments: look for "
       "global state, counters, or `if`s that depend on the mode.")


def _facts(t):
    return {"shape": t.shape, "dtype": t.dtype, "device": t.device}


def _again(args):
    """The arguments as leaves of their own, so that the second run starts a history of its own."""
    return [a.detach().requires_grad_(a.requires_grad) if isinstance(a, Tensor) else a
            for a in args]


# ---- reentrant -----------------------------------------------------------------------------------


def detach_variable(inputs):
    """Tensors without history that require grad where the given ones did. Raises RuntimeError
    for anything but a tuple."""
    if not isinstance(inputs, tuple):
        raise RuntimeError("Only tuple of tensors is supported. Got Unsupported input type: ",
                           type(inputs).__name__)
    return tuple(_again(inputs))


def check_backward_validity(inputs):
    """Warn where no input requires grad: then nothing inside gets a gradient."""
    if not any(t.requires_grad for t in inputs if isinstance(t, Tensor)):
        warnings.warn("None of the inputs have requires_grad=True. Gradients will be None",
                      stacklevel=2)


def get_device_states(*args):
    """(devices, random states) of the GPUs that the arguments lie on: there are none."""
    return [], []


def set_device_states(devices, states, *, device_type=None):
    """Put the random generators of GPUs back."""


class CheckpointFunction(Function):
    """The reentrant way: forward without history, a backward that runs forward again."""

    @staticmethod
    def forward(ctx, run_function, preserve_rng_state, *args):
        check_backward_validity(args)
        ctx.run_function = run_function
        ctx.random = default_generator.state_bytes() if preserve_rng_state else None
        ctx.places = [i for i, a in enumerate(args) if isinstance(a, Tensor)]
        ctx.args = [None if isinstance(a, Tensor) else a for a in args]
        ctx.save_for_backward(*[args[i] for i in ctx.places])
        with no_grad():
            return run_function(*args)

    @staticmethod
    def backward(ctx, *grads):
        if isinstance(ambient.walk, set):       # the walk of autograd.grad, to chosen inputs
            raise RuntimeError(
                "When use_reentrant=True, torch.utils.checkpoint is incompatible with .grad() or "
                "passing an `inputs` parameter to .backward(). To resolve this error, you can "
                "either set use_reentrant=False, or call .backward() without passing the `inputs` "
                "argument.")
        args = list(ctx.args)
        for i, t in zip(ctx.places, ctx.saved_tensors, strict=True):
            args[i] = t
        args = _again(args)
        with contextlib.ExitStack() as stack:
            if ctx.random is not None:
                stack.enter_context(fork_rng())
                default_generator.load_bytes(ctx.random)
            stack.enter_context(enable_grad())
            outputs = ctx.run_function(*args)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        pairs = [(t, g) for t, g in zip(outputs, grads, strict=True)
                 if isinstance(t, Tensor) and t.requires_grad]
        if not pairs:
            raise RuntimeError("none of output has requires_grad=True, this checkpoint() is not "
                               "necessary")
        backward([t for t, _ in pairs], [g for _, g in pairs])
        return (None, None, *[a.grad if isinstance(a, Tensor) else None for a in args])


# ---- sequences -----------------------------------------------------------------------------------


def checkpoint_sequential(functions, segments, input, use_reentrant=None, **kwargs):
    """The functions (or parts of a Sequential) one after the other, in `segments` checkpoints.

    The last segment is not checkpointed: backward needs it at once. Memory is about that of the
    largest segment and the segments' ends.
    """
    if use_reentrant is None:
        warnings.warn(HEAD + "the use_reentrant parameter should be passed explicitly: "
                      "use_reentrant=False is recommended.", stacklevel=2)
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    functions = list(functions.children() if hasattr(functions, "children") else functions)

    def part(start, end):
        def run(x):
            for function in functions[start:end]:
                x = function(x)
            return x
        return run
    size = len(functions) // segments
    start = 0
    for start in range(0, size * (segments - 1), size):
        input = checkpoint(part(start, start + size), input, use_reentrant=use_reentrant,
                           preserve_rng_state=preserve)
    done = size * (segments - 1)
    return part(done, len(functions))(input)


__all__ = ["CheckpointError", "CheckpointFunction", "check_backward_validity", "checkpoint",
           "checkpoint_sequential", "detach_variable", "get_device_states", "noop_context_fn",
           "set_checkpoint_debug_enabled", "set_checkpoint_early_stop", "set_device_states"]
