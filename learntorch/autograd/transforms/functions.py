"""A user's autograd.Function under `vmap`: by its own `vmap` method, or generated."""

from collections import namedtuple
from contextlib import contextmanager

from learntorch.autograd.function import Function, FunctionCtx, apply_function
from learntorch.autograd.transforms.batched import lift, lower, mapped_over
from learntorch.core.ambient import ambient, intercepted_by
from learntorch.core.tensor import Tensor

VmapInfo = namedtuple("VmapInfo", ("batch_size", "randomness"))

NO_SETUP = ("In order to use an autograd.Function with functorch transforms (vmap, grad, jvp, "
            "jacrev, ...), it must override the setup_context staticmethod: write forward without "
            "ctx, and what ctx needs in setup_context(ctx, inputs, output).")


def mapped(level, cls, args):
    """`cls.apply(*args)` for every example of `level`."""
    if cls.setup_context is Function.setup_context:
        raise RuntimeError(NO_SETUP)
    own = cls.vmap is not Function.vmap
    if own and cls.generate_vmap_rule:
        raise RuntimeError(f"You tried to vmap over {cls.__name__}, but it has both "
                           "generate_vmap_rule=True and an overriden vmap staticmethod. Please set "
                           "generate_vmap_rule=False or delete the overriden vmap staticmethod to "
                           "avoid ambiguity.")
    if own:
        return by_own_rule(level, cls, args)
    if not cls.generate_vmap_rule:
        raise RuntimeError(f"You tried to vmap over {cls.__name__}, but it does not have vmap "
                           "support. Please override and implement the vmap staticmethod or set "
                           "generate_vmap_rule=True.")
    return generated(level, cls, args)


def by_own_rule(level, cls, args):
    """The user's vmap(info, in_dims, *args) on wholes gives (output, out_dims)."""
    in_dims = tuple(0 if getattr(a, "level", None) is level else None for a in args)
    wholes = [a.whole if d == 0 else a for a, d in zip(args, in_dims, strict=True)]
    answer = cls.vmap(VmapInfo(level.size, level.randomness), in_dims, *wholes)
    if not isinstance(answer, tuple) or len(answer) != 2:
        raise RuntimeError("Expected the vmap staticmethod to have two returns, an output and "
                           f"out_dims: {cls.__name__}.vmap gave {type(answer).__name__}")
    output, out_dims = answer
    if not isinstance(output, tuple):
        return outside(level, output, out_dims)
    if not isinstance(out_dims, tuple):
        out_dims = (out_dims,) * len(output)
    return tuple(outside(level, t, d) for t, d in zip(output, out_dims, strict=True))


def outside(level, t, dim):
    return t if dim is None or not isinstance(t, Tensor) else level.wrap(t.movedim(dim, 0))


def generated(level, cls, args):
    """A Function on wholes, whose forward and backward map those of `cls` over the examples."""
    marks = [getattr(a, "level", None) is level for a in args]
    wholes = [a.whole if m else a for a, m in zip(args, marks, strict=True)]
    inner = FunctionCtx()
    shape = {}

    def forward(*given):
        with mapped_over(level.size, level.randomness) as here:
            shape["level"] = here
            examples = [here.wrap(v) if m else v for v, m in zip(given, marks, strict=True)]
            output = cls.forward(*examples)
            inner.needs_input_grad = tuple(isinstance(a, Tensor) for a in args)
            cls.setup_context(inner, tuple(examples), output)
            inner._saved = inner.to_save
            inner._times = tuple(float("inf") for _ in inner.to_save)
            shape["several"] = isinstance(output, tuple)
            outputs = output if shape["several"] else (output,)
            shape["fixed"] = [i for i, t in enumerate(outputs)
                              if any(t is n for n in inner.non_differentiable)]
            made = tuple(lift(t, here) if isinstance(t, Tensor) else t for t in outputs)
        return made if shape["several"] else made[0]

    def backward(ctx, *grads):
        return pulled(cls.backward if cls.backward is not Function.backward else cls.vjp, grads)

    def jvp(ctx, *tangents):
        inner._saved, kept = inner.saved_for_forward or inner._saved, inner._saved
        answer = pushed(tangents)
        inner._saved = kept
        return answer

    @contextmanager
    def again():
        """The level of forward once more, inside what is on now."""
        here = shape["level"]
        here.outer = ambient.state.intercept
        with intercepted_by(here):
            yield here

    def pulled(rule, grads):
        with again() as here:
            answer = rule(inner, *[None if g is None else lower(g, here) for g in grads])
            answer = answer if isinstance(answer, tuple) else (answer,)
            return tuple(summed(here, g, m) for g, m in zip(answer, marks, strict=False))

    def pushed(tangents):
        with again() as here:
            given = [v if v is None else lower(v, here) if m else v
                     for v, m in zip(tangents, marks, strict=True)]
            answer = cls.jvp(inner, *given)
            answer = answer if isinstance(answer, tuple) else (answer,)
            return tuple(None if v is None else lift(v, here) for v in answer)

    def handed_on(ctx, inputs, output):
        """What the user's ctx says that the engine must know."""
        outputs = output if shape["several"] else (output,)
        ctx.mark_non_differentiable(*[outputs[i] for i in shape["fixed"]])
        ctx.materialize_grads = inner.materialize_grads

    whole = type(cls.__name__, (Function,), {
        "forward": staticmethod(forward), "backward": staticmethod(backward),
        "jvp": staticmethod(jvp if cls.jvp is not Function.jvp else Function.jvp),
        "setup_context": staticmethod(handed_on),
        "generate_vmap_rule": True})
    output = apply_function(whole, wholes, {}, [])
    return tuple(level.wrap(t) for t in output) if isinstance(output, tuple) else level.wrap(output)


def summed(level, g, mark):
    """A gradient as one of the whole; for an argument all examples share, their sum."""
    if g is None:
        return None
    return lift(g, level) if mark else lift(g, level).sum(0)

