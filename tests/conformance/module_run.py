"""One run of a module on one side, and what torch alone decides about the checks."""
import copy

import numpy as np
import torch

from .adapter import Converter, dtype_name, jittered
from .limits import TimeUp
from .op_run import backward, cotangents, tensors_in


class ModuleRun:
    """Forward and backward of one module on one side; everything read into numpy."""

    def __init__(self, side, module, forward, cts=None, picks=None, seed=7, **kw):
        conv = Converter(side, **kw)
        args, kwargs = conv(tuple(forward.args)), conv(dict(forward.kwargs))
        for p in module.parameters():
            p.grad = None
        try:
            side.manual_seed(seed)
        except Exception:
            pass
        self.out = module(*args, **kwargs)
        outs = tensors_in(side, self.out)
        self.out_np = [side.numpy(o) for o in outs]
        self.state = {k: side.numpy(v) for k, v in module.state_dict().items() if side.is_tensor(v)}
        self.igrad, self.pgrad, self.grad_error = [], {}, None
        if picks is None:
            picks = [i for i, o in enumerate(outs) if o.requires_grad]
        self.picks = picks
        if not picks:
            return
        if cts is None:
            cts = cotangents([outs[i] for i in picks], np.random.default_rng(1234))
        self.cts = cts
        try:
            conv2 = Converter(side)
            backward(
                side,
                [outs[i] for i in picks],
                [
                    conv2(c.to(getattr(torch, dtype_name(outs[i].dtype))))
                    for c, i in zip(cts, picks)
                ],
            )
            self.igrad = [None if x.grad is None else side.numpy(x.grad) for x in conv.leaves]
            self.pgrad = {n: None if p.grad is None else side.numpy(p.grad)
                          for n, p in module.named_parameters()}
        except TimeUp:
            raise
        except Exception as e:
            self.grad_error = e


class ModuleTruth:
    """Reference in double precision plus the effect of one-ulp changes (compare.check_values)."""

    def __init__(self, ref, module, forward, first):
        self.args, self.first, self.cache = (ref, module, forward), first, None

    def _run(self, upcast=False, jitter=None):
        ref, module, forward = self.args
        m = copy.deepcopy(module)
        if upcast:
            m.double()
        if jitter is not None:
            with torch.no_grad():
                for p in m.parameters():
                    p.copy_(jittered(p, jitter).detach())
        return ModuleRun(ref, m, forward, self.first.cts if self.first.picks else None,
                         self.first.picks, upcast=upcast, jitter=jitter)

    def __call__(self, kind, key):
        if self.cache is None:
            single = any(a.dtype == np.float32 for a in self.first.out_np)
            best, moved = self._run(upcast=True) if single else self.first, []
            for s in (1, 2, 3):
                try:
                    moved.append(self._run(jitter=np.random.default_rng(s)))
                except Exception:
                    pass                                # the change left the domain
            self.cache = best, moved
        best, moved = self.cache
        base = getattr(self.first, kind)[key].astype(float)
        spread = np.zeros(base.shape)
        for run in moved:
            with np.errstate(all="ignore"):
                d = np.abs(getattr(run, kind)[key].astype(float) - base)
            spread = np.maximum(spread, np.where(np.isfinite(d), d, 0.0))
        return getattr(best, kind)[key].astype(float), spread


def zero_dropout(module):
    """Switch every dropout off so that training mode becomes deterministic."""
    for m in module.modules():
        if "Dropout" in type(m).__name__ and hasattr(m, "p"):
            m.p = 0.0
        if isinstance(getattr(m, "dropout", None), float):
            m.dropout = 0.0


def applicable(run):
    """The checks a torch run gives rise to."""
    checks = ["forward", "state after"]
    if run.picks and run.grad_error is None:
        checks += ["input grad"] * bool(run.igrad) + ["param grad"] * bool(run.pgrad)
    return checks


def _differ(a, b):
    return any(x.shape != y.shape or not np.allclose(x, y, equal_nan=True)
               for x, y in zip(a.out_np, b.out_np))


class Plan:
    """What torch does with one module and one input: the reference run and which checks apply.

    ``random`` is the run with dropout active if the result depends on the seed; ``main``
    is deterministic (dropout switched off where needed), ``module`` a copy made before it.
    """

    def __init__(self, ref, m, forward):
        self.random = self.main = self.module = None
        self.checks = []
        if forward is None:
            return
        try:
            main, module = self._twice(ref, copy.deepcopy(m), forward)
            if main is None:
                self.random = ModuleRun(ref, copy.deepcopy(m), forward)
                quiet = copy.deepcopy(m)
                zero_dropout(quiet)
                main, module = self._twice(ref, quiet, forward)
        except Exception:
            return                                  # torch cannot run it
        if main is not None:
            self.main, self.module = main, module
            self.checks = applicable(main)

    @staticmethod
    def _twice(ref, module, forward):
        """(run, pristine module), or (None, None) if the result depends on the seed."""
        pristine = copy.deepcopy(module)
        a = ModuleRun(ref, module, forward)
        b = ModuleRun(ref, copy.deepcopy(pristine), forward, seed=8)
        return (None, None) if _differ(a, b) else (a, pristine)
