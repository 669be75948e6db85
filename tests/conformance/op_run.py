"""One call of an operator on one side: run it, read what it gave, judge it against torch."""
import types

import numpy as np
import torch

from . import compare
from .adapter import Converter, dtype_name
from .compare import STRICT, Mismatch


class Skip(Exception):
    """Torch itself cannot run this: the sample does not count."""


class Fail(Exception):
    """The library under test failed; kind says in which way."""

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind


class Run:
    """Outcome of calling a function on one side."""

    def __init__(self, out, conv, first=None):
        self.out, self.conv, self.first = out, conv, first


def set_seed(side):
    try:
        side.manual_seed(side.seed)
    except Exception:
        pass


def call(side, fn, sample, inplace=False, **kw):
    conv = Converter(side, **kw)
    first = conv(sample.input)
    args = conv(tuple(sample.args))
    kwargs = conv(dict(sample.kwargs))
    set_seed(side)
    if inplace and side.is_tensor(first) and getattr(first, "requires_grad", False):
        first = first.clone()
    return Run(fn(first, *args, **kwargs), conv, first)


def tensors_in(side, out):
    """Tensors of a nested result, in order."""
    if side.is_tensor(out):
        return [out]
    if isinstance(out, (tuple, list)):
        return [t for x in out for t in tensors_in(side, x)]
    if isinstance(out, dict):
        return [t for x in out.values() for t in tensors_in(side, x)]
    return []


def cotangents(outs, rng):
    """Fixed random cotangents (numpy) for the differentiable torch outputs."""
    cts = []
    for o in outs:
        a = rng.standard_normal(tuple(o.shape))
        if o.is_complex():
            a = a + 1j * rng.standard_normal(tuple(o.shape))
        cts.append(torch.from_numpy(np.asarray(a)).to(o.dtype))
    return cts


def backward(side, outs, cts):
    """Accumulate gradients into the leaves, using the library's own backward."""
    if side.has("autograd.backward"):
        side.resolve("autograd.backward")(outs, cts)
    elif len(outs) == 1:
        outs[0].backward(cts[0])
    else:
        total = None
        for o, c in zip(outs, cts):
            term = (o * c).sum()
            total = term if total is None else total + term
        total.backward()


def leaf_grads(side, leaves):
    return [None if x.grad is None else side.numpy(x.grad) for x in leaves]


class Truth:
    """A better reference than torch's own result, made only when a comparison fails.

    It is torch in double precision (if ``wide``; where random numbers are drawn they would
    be others), and the error estimate is how far one-ulp changes of the inputs move torch.
    """

    def __init__(self, ref, fn, sample, name, picks=None, cts=None, inplace=False, wide=True):
        self.args = (ref, fn, sample, inplace)
        self.wide = wide and name not in ("float64", "complex128")
        self.picks, self.cts = picks, cts
        self.cache = {}

    def _results(self, what, **kw):
        ref, fn, sample, inplace = self.args
        run = call(ref, fn, sample, inplace, **kw)
        if what == "out":
            return [ref.numpy(t).astype(np.complex128 if t.is_complex() else np.float64)
                    for t in tensors_in(ref, run.out)]
        outs = [tensors_in(ref, run.out)[i] for i in self.picks]
        backward(ref, outs, [c.to(o.dtype) for c, o in zip(self.cts, outs)])
        return [None if g is None else g.astype(np.complex128 if np.iscomplexobj(g) else np.float64)
                for g in leaf_grads(ref, run.conv.leaves)]

    def __call__(self, what, i):
        if what not in self.cache:
            base = self._results(what)
            best = self._results(what, upcast=True) if self.wide else base
            spread = [0.0 if a is None else np.zeros(a.shape) for a in base]
            for seed in (1, 2, 3):
                try:
                    moved = self._results(what, jitter=np.random.default_rng(seed))
                except Exception:
                    continue                            # the change left the domain
                for k, (a, b) in enumerate(zip(base, moved)):
                    if a is None or b is None or a.shape != b.shape or not a.size:
                        continue
                    with np.errstate(all="ignore"):
                        d = np.abs(a - b)
                    spread[k] = np.maximum(spread[k], np.where(np.isfinite(d), d, 0.0))
            self.cache[what] = (best, spread)
        best, spread = self.cache[what]
        return best[i], spread[i]


def read(lib, ref_out, lib_out, values=True):
    """Pair up the tensors of both results and read the library's (this is charged to it)."""
    found = []
    for path, r, g in compare.pairs(lib, ref_out, lib_out):
        compare.check_meta(path, r, g)
        if bool(r.requires_grad) != bool(getattr(g, "requires_grad", False)):
            raise Mismatch(f"{path}: requires_grad {r.requires_grad} vs {g.requires_grad}")
        found.append((path, r, lib.numpy(g) if values else None))
    return found


def judge(ref, found, truth=None, elementwise=False):
    """Compare what :func:`read` found; return the loosest level used or raise Mismatch."""
    level = STRICT
    for k, (path, r, g) in enumerate(found):
        if g is not None:
            level = max(level, compare.check_values(
                path, dtype_name(r.dtype), ref.numpy(r), g,
                truth and (lambda k=k: truth("out", k)), elementwise))
    return level


def same_exception(lib, want, got):
    """Same type, or a subclass -- but a stub's NotImplementedError is not a RuntimeError here."""
    if type(want).__name__ == "LinAlgError" and lib.has("linalg.LinAlgError"):
        return isinstance(got, lib.resolve("linalg.LinAlgError"))
    if type(got).__name__ == type(want).__name__:
        return True
    if isinstance(got, (NotImplementedError, RecursionError)):
        return False
    base = type(want)
    if (base.__module__ or "").startswith("torch"):
        base = next((b for b in base.__mro__ if b.__module__ == "builtins"), Exception)
    return isinstance(got, base)


def same_result(side, x, y):
    xs, ys = tensors_in(side, x), tensors_in(side, y)
    if not xs:
        return x == y or (x != x and y != y)
    if len(xs) != len(ys):
        return False
    for s, t in zip(xs, ys):
        if s.shape != t.shape:
            return False
        rtol, atol = compare.tolerances(dtype_name(s.dtype))
        if not torch.allclose(s.detach(), t.detach(), rtol=max(rtol, 1e-4), atol=max(atol, 1e-4),
                              equal_nan=True):
            return False
    return True


def numel(sample):
    """Number of elements of all tensors of a sample; 0 if any of them is empty."""
    total, stack = 0, [sample.input, tuple(sample.args), dict(sample.kwargs)]
    while stack:
        v = stack.pop()
        if isinstance(v, torch.Tensor):
            if v.numel() == 0:
                return 0
            total += v.numel()
        elif isinstance(v, (list, tuple)):
            stack.extend(v)
        elif isinstance(v, dict):
            stack.extend(v.values())
    return total


def has_process(sample):
    fn = sample.output_process_fn_grad
    return not getattr(fn, "__qualname__", "").startswith("SampleInput.__init__")


def has_wrapper(op):
    fn = op.gradcheck_wrapper
    return not getattr(fn, "__qualname__", "").startswith("OpInfo.<lambda>")


def detached(sample):
    def strip(v):
        if isinstance(v, torch.Tensor):
            return v.detach() if v.layout is torch.strided else v
        if (
            isinstance(v, (list, tuple))
            and not isinstance(v, torch.Size)
            and not hasattr(v, "_fields")
        ):
            return type(v)(strip(x) for x in v)
        if isinstance(v, dict):
            return {k: strip(x) for k, x in v.items()}
        return v
    return types.SimpleNamespace(input=strip(sample.input), args=strip(tuple(sample.args)),
                                 kwargs=strip(dict(sample.kwargs)))
