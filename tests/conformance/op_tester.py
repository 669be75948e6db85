"""The tests of one operator: every sample, its gradients, its variants, its invalid inputs."""
import itertools
import random
import re

import numpy as np
import torch
from torch.testing._internal.opinfo.core import BinaryUfuncInfo, UnaryUfuncInfo

from . import compare, op_edges
from .adapter import (
    Converter,
    Missing,
    NotATensor,
    Unconvertible,
    dtype_name,
    record_module_construction,
)
from .compare import ARBITER, LOOSE, STRICT, Mismatch
from .limits import TimeUp
from .op_run import (
    Fail,
    Skip,
    Truth,
    backward,
    call,
    cotangents,
    detached,
    has_process,
    has_wrapper,
    judge,
    leaf_grads,
    numel,
    read,
    same_exception,
    same_result,
    set_seed,
    tensors_in,
)

# Decompositions that are unique only up to signs / phases: torch's own tests compare
# them after the sample's output_process_fn_grad, which removes that freedom.
GAUGE_FREE = {"linalg.eig", "linalg.eigh", "linalg.svd", "svd", "svd_lowrank", "pca_lowrank"}


class OpTester:
    """Runs the tests of one OpInfo."""

    def __init__(self, ref, lib, op, budget):
        self.ref, self.lib, self.op, self.budget = ref, lib, op, budget
        self.elementwise = isinstance(op, (UnaryUfuncInfo, BinaryUfuncInfo))

    # ---- samples --------------------------------------------------------
    def samples(self, name, cap, source="sample_inputs"):
        """Up to ``cap`` samples, evenly spread over the list, the largest always among them."""
        op, dtype = self.op, getattr(torch, name)
        grad = (source != "reference_inputs" and op.supports_autograd
                and dtype in op.supported_backward_dtypes("cpu"))
        torch.manual_seed(0)
        np.random.seed(0)
        random.seed(0)
        with record_module_construction():
            found = list(itertools.islice(op_edges.samples(op, source, dtype, grad), 2000))
        if source == "reference_inputs":
            found = [x for x in found if numel(x) <= 20000]
        if len(found) > cap:
            sizes = [numel(s) for s in found]
            order = sorted(range(len(found)), key=lambda i: (sizes[i], i), reverse=True)
            rest = [i for i in range(len(found)) if i != order[0] and sizes[i] > 0] or order[1:]
            picks = {order[0]} | {rest[int(j)] for j in
                                  np.linspace(0, len(rest) - 1, cap - 1).round()}
            found = [found[i] for i in sorted(picks)]
        return found

    # ---- the core: forward and gradient of one sample --------------------
    def one(self, fn_ref, fn_lib, sample, name, inplace=False, lib_error=None):
        """Returns (level, had gradient, is rng).  Raises Skip or Fail."""
        ref, lib, op = self.ref, self.lib, self.op
        ref.seed = lib.seed = 42
        ref.used_seed_wrapper = False
        try:
            a = call(ref, fn_ref, sample, inplace)
        except Exception as e:
            raise Skip(f"torch raised {type(e).__name__}: {e}") from None
        is_rng = False
        if ref.used_seed_wrapper and not op.has_nondeterministic_output:
            ref.seed = 43
            other = call(ref, fn_ref, sample, inplace)
            ref.seed = 42
            x, y = a.out, other.out
            if op.name in GAUGE_FREE and has_process(sample):
                process = ref.function(sample.output_process_fn_grad)
                x, y = process(x), process(y)
            is_rng = not same_result(ref, x, y)
        try:
            try:
                level = self._forward(fn_ref, fn_lib, sample, name, a, inplace, is_rng, lib_error)
                lib_run = self._last
                g_level, had_grad = self._gradient(
                    fn_ref, fn_lib, sample, name, a, lib_run, inplace, is_rng
                )
            except Fail as first:
                first.is_rng = is_rng
                raise
        finally:
            self._last = None
        return max(level, g_level), had_grad, is_rng

    def _forward(self, fn_ref, fn_lib, sample, name, a, inplace, is_rng, lib_error):
        ref, lib, op = self.ref, self.lib, self.op
        if lib_error is not None:
            raise Fail("missing", str(lib_error))
        meta_only = op.has_nondeterministic_output
        try:
            with self.budget:
                b = call(lib, fn_lib, sample, inplace)
        except TimeUp as e:
            raise Fail("time", str(e)) from None
        except Missing as e:
            raise Fail("missing", str(e)) from None
        except Exception as e:
            raise Fail("raised", f"{type(e).__name__}: {str(e)[:200]}") from None
        self._last = b
        truth = Truth(ref, fn_ref, sample, name, inplace=inplace, wide=not is_rng)
        try:
            with self.budget:
                found = read(lib, a.out, b.out, not meta_only)
            level = judge(ref, found, truth, self.elementwise)
            with self.budget:
                if inplace:
                    self._check_inplace(a, b)
                elif not meta_only:
                    self._check_arguments(a, b)
        except TimeUp as e:
            raise Fail("time", str(e)) from None
        except (Mismatch, NotATensor) as e:
            if self._gauge_retry(fn_ref, fn_lib, sample, name):
                return ARBITER
            raise Fail("value", str(e)) from None
        except Exception as e:
            raise Fail("value", f"reading the result: {type(e).__name__}: {str(e)[:200]}") from None
        return level

    def _check_inplace(self, a, b):
        if (a.out is a.first) != (b.out is b.first):
            raise Mismatch("in-place call: the result is not the input object")
        if b.out is not b.first:
            name = dtype_name(a.first.dtype)
            compare.check_meta("input", a.first, b.first)
            compare.check_values("input after in-place call", name, self.ref.numpy(a.first),
                                 self.lib.numpy(b.first), tol=LOOSE.get(name))

    def _check_arguments(self, a, b):
        """Arguments must be left as torch leaves them (untouched, or updated buffers)."""
        for i, (r, g) in enumerate(zip(a.conv.tensors, b.conv.tensors)):
            name = dtype_name(r.dtype)
            compare.check_values(f"argument tensor {i} after the call", name,
                                 self.ref.numpy(r), self.lib.numpy(g), tol=LOOSE.get(name))

    def _gauge_retry(self, fn_ref, fn_lib, sample, name):
        """Outputs unique up to sign: compare the invariants torch's own tests compare."""
        if self.op.name not in GAUGE_FREE or not has_process(sample):
            return False
        try:
            self._processed(fn_ref, fn_lib, sample, name, forward=True)
            return True
        except (Fail, Skip):
            return False

    def _gradient(self, fn_ref, fn_lib, sample, name, a, b, inplace, is_rng):
        ref = self.ref
        outs = tensors_in(ref, a.out)
        picks = [i for i, o in enumerate(outs) if o.requires_grad]
        if not picks or not a.conv.leaves or self.op.has_nondeterministic_output:
            return STRICT, False
        rng = np.random.default_rng(1234)
        cts = cotangents([outs[i] for i in picks], rng)
        try:
            backward(ref, [outs[i] for i in picks], cts)
            want = leaf_grads(ref, a.conv.leaves)
        except Exception:
            want = None                 # torch cannot differentiate this result directly
        if want is not None:
            try:
                return self._compare_grads(fn_ref, fn_lib, sample, name, b, picks, cts, want,
                                           inplace, is_rng), True
            except Fail as e:
                if e.kind == "time" or inplace or not (has_process(sample) or has_wrapper(self.op)):
                    raise
                first = e
            try:
                return self._processed(fn_ref, fn_lib, sample, name), True
            except (Fail, Skip):
                raise first from None
        if inplace or not (has_process(sample) or has_wrapper(self.op)):
            return STRICT, False
        try:
            return self._processed(fn_ref, fn_lib, sample, name), True
        except Skip:
            return STRICT, False

    def _compare_grads(self, fn_ref, fn_lib, sample, name, b, picks, cts, want, inplace=False,
                       is_rng=False):
        ref, lib = self.ref, self.lib
        truth = Truth(ref, fn_ref, sample, name, picks, cts, inplace, wide=not is_rng)
        level = STRICT
        try:
            with self.budget:
                outs = tensors_in(lib, b.out)
                conv = Converter(lib)
                backward(lib, [outs[i] for i in picks], [conv(c) for c in cts])
                got = leaf_grads(lib, b.conv.leaves)
                names = [dtype_name(x.dtype) for x in b.conv.leaves]
                for x, g, n in zip(b.conv.leaves, got, names):
                    if g is not None and dtype_name(x.grad.dtype) != n:
                        raise Mismatch(f"grad dtype {x.grad.dtype} for input {x.dtype}")
            for i, (w, g) in enumerate(zip(want, got)):
                path = f"grad of input {i}"
                if w is None:
                    if g is not None and np.any(g):
                        raise Mismatch(f"{path}: torch has none, library has one")
                    continue
                if g is None:
                    raise Mismatch(f"{path}: missing (None)")
                level = max(level, compare.check_values(
                    path, names[i], w, g, lambda i=i: truth("grad", i), self.elementwise))
        except TimeUp as e:
            raise Fail("time", str(e)) from None
        except (Mismatch, NotATensor) as e:
            raise Fail("grad", str(e)) from None
        except Exception as e:
            raise Fail("grad", f"backward: {type(e).__name__}: {str(e)[:200]}") from None
        return level

    def _processed(self, fn_ref, fn_lib, sample, name, forward=False):
        """Compare through gradcheck_wrapper and output_process_fn_grad, as torch's tests do."""
        ref, lib = self.ref, self.lib
        f_ref, f_lib = self._wrap(ref, fn_ref, sample), None
        try:
            a = call(ref, f_ref, sample)
        except Exception as e:
            raise Skip(str(e)) from None
        try:
            with self.budget:
                f_lib = self._wrap(lib, fn_lib, sample)
                b = call(lib, f_lib, sample)
        except TimeUp as e:
            raise Fail("time", str(e)) from None
        except Exception as e:
            raise Fail("grad", f"{type(e).__name__}: {str(e)[:200]}") from None
        try:
            with self.budget:
                found = read(lib, a.out, b.out)
            level = judge(ref, found, Truth(ref, f_ref, sample, name), self.elementwise)
        except TimeUp as e:
            raise Fail("time", str(e)) from None
        except Exception as e:
            raise Fail("grad", f"processed output: {e}") from None
        if forward:
            return level
        outs = tensors_in(ref, a.out)
        picks = [i for i, o in enumerate(outs) if o.requires_grad]
        if not picks:
            raise Skip("nothing to differentiate")
        cts = cotangents([outs[i] for i in picks], np.random.default_rng(1234))
        try:
            backward(ref, [outs[i] for i in picks], cts)
            want = leaf_grads(ref, a.conv.leaves)
        except Exception as e:
            raise Skip(str(e)) from None
        return max(level, self._compare_grads(f_ref, f_lib, sample, name, b, picks, cts, want))

    def _wrap(self, side, fn, sample):
        process = side.function(sample.output_process_fn_grad) if has_process(sample) else None
        wrapper = side.function(self.op.gradcheck_wrapper) if has_wrapper(self.op) else None

        def run(*args, **kwargs):
            out = wrapper(fn, *args, **kwargs) if wrapper else fn(*args, **kwargs)
            return process(out) if process else out
        return run

    # ---- units ----------------------------------------------------------
    def unit(self, name, cap, which="op", inplace=False, source="sample_inputs"):
        """All samples of one dtype: counts that do not depend on the library, and passes."""
        rec = {"n": 0, "ok": 0, "fwd_ok": 0, "grad_n": 0, "strict": 0, "arbiter": 0,
               "rng_n": 0, "rng_ok": 0, "skipped": 0, "fail": []}
        op = self.op
        target = getattr(op, which)
        fn_ref, fn_lib, lib_error = self.ref.function(target, op.name), None, None
        try:
            fn_lib = self.lib.function(target, op.name)
        except Exception as e:
            lib_error = e
        try:
            samples = self.samples(name, cap, source)
        except Exception as e:
            rec["no_samples"] = f"{type(e).__name__}: {str(e)[:200]}"
            return rec
        for i, sample in enumerate(samples):
            if inplace and (sample.broadcasts_input or not isinstance(sample.input, torch.Tensor)):
                continue
            try:
                level, had_grad, is_rng = self.one(fn_ref, fn_lib, sample, name, inplace, lib_error)
            except Skip as e:
                rec["skipped"] += 1
                rec.setdefault("skip_reason", str(e)[:200])
                continue
            except Fail as e:
                is_rng = getattr(e, "is_rng", False)
                if is_rng:
                    rec["rng_n"] += 1
                else:
                    rec["n"] += 1
                    rec["fwd_ok"] += e.kind == "grad"
                if len(rec["fail"]) < 3:
                    rec["fail"].append([i, e.kind, str(e)])
                continue
            if is_rng:
                rec["rng_n"] += 1
                rec["rng_ok"] += 1
                continue
            rec["n"] += 1
            rec["ok"] += 1
            rec["fwd_ok"] += 1
            rec["grad_n"] += had_grad
            rec["strict"] += level == STRICT
            rec["arbiter"] += level == ARBITER
        return rec

    def out_variant(self, name, cap):
        """op(..., out=t) must fill and return t."""
        rec = {"n": 0, "ok": 0, "fail": []}
        ref, lib, op = self.ref, self.lib, self.op
        fn_ref = ref.function(op.op, op.name)
        try:
            fn_lib, lib_error = lib.function(op.op, op.name), None
        except Exception as e:
            fn_lib, lib_error = None, e
        for i, original in enumerate(self.samples(name, cap)):
            sample = detached(original)
            try:
                plain = call(ref, fn_ref, sample)
                shapes = plain.out
                if not (ref.is_tensor(shapes) or isinstance(shapes, tuple)
                        and shapes and all(ref.is_tensor(t) for t in shapes)):
                    continue
                if op.has_nondeterministic_output or ref.used_seed_wrapper:
                    continue
                a = self._call_out(ref, fn_ref, sample, shapes)
            except Exception:
                continue
            rec["n"] += 1
            try:
                if lib_error is not None:
                    raise Fail("missing", str(lib_error))
                with self.budget:
                    b = self._call_out(lib, fn_lib, sample, shapes)
                    for x, y in zip(a, b):              # what is returned, what was filled
                        for path, r, g in compare.pairs(lib, x, y):
                            compare.check_meta(path, r, g)
                        for path, r, g in compare.pairs(lib, *self._fixed(original, x, y)):
                            n = dtype_name(r.dtype)
                            compare.check_values(path, n, ref.numpy(r), lib.numpy(g),
                                                 tol=LOOSE.get(n))
                rec["ok"] += 1
            except (Exception, TimeUp) as e:
                if len(rec["fail"]) < 2:
                    rec["fail"].append([i, "out", f"{type(e).__name__}: {str(e)[:200]}"])
        return rec

    def _fixed(self, sample, x, y):
        """Two results without their freedom of signs and phases, where there is one."""
        if self.op.name not in GAUGE_FREE or not has_process(sample):
            return x, y
        process = sample.output_process_fn_grad
        return self.ref.function(process)(x), self.lib.function(process)(y)

    def _call_out(self, side, fn, sample, shapes):
        conv = Converter(side)
        first, args = conv(sample.input), conv(tuple(sample.args))
        kwargs = conv(dict(sample.kwargs))
        made = [side.tensor(torch.zeros(tuple(t.shape), dtype=t.dtype)) for t in
                ([shapes] if isinstance(shapes, torch.Tensor) else shapes)]
        out = made[0] if isinstance(shapes, torch.Tensor) else tuple(made)
        set_seed(side)
        return fn(first, *args, out=out, **kwargs), out

    def second_order(self, name, cap):
        """Gradient of a gradient, on the samples torch can differentiate twice."""
        rec = {"n": 0, "ok": 0, "fail": []}
        ref, lib, op = self.ref, self.lib, self.op
        fn_ref = ref.function(op.op, op.name)
        try:
            fn_lib, lib_error = lib.function(op.op, op.name), None
        except Exception as e:
            fn_lib, lib_error = None, e
        for i, sample in enumerate(self.samples(name, cap)):
            ref.seed = lib.seed = 42
            ref.used_seed_wrapper = False
            try:
                want, plan = self._twice(ref, self._wrap(ref, fn_ref, sample), sample)
            except Exception:
                continue                                   # not twice differentiable in torch
            if ref.used_seed_wrapper:
                continue
            rec["n"] += 1
            try:
                if lib_error is not None:
                    raise Fail("missing", str(lib_error))
                with self.budget:
                    got, _ = self._twice(lib, self._wrap(lib, fn_lib, sample), sample, plan)
                for k, (w, g) in enumerate(zip(want, got)):
                    if g is None and w is not None:
                        g = np.zeros_like(w)               # torch: zeros, library: nothing
                    if w is None and g is not None:
                        w = np.zeros_like(g)
                    if w is not None:
                        compare.check_values(f"second-order grad of input {k}", name, w, g,
                                             tol=LOOSE[name])
                rec["ok"] += 1
            except (Exception, TimeUp) as e:
                if len(rec["fail"]) < 2:
                    rec["fail"].append([i, "gradgrad", f"{type(e).__name__}: {str(e)[:200]}"])
        return rec

    def _twice(self, side, fn, sample, plan=None):
        run = call(side, fn, sample)
        outs = tensors_in(side, run.out)
        grad = side.resolve("autograd.grad")
        if plan is None:
            picks = [i for i, o in enumerate(outs) if o.requires_grad]
            cts = cotangents([outs[i] for i in picks], np.random.default_rng(1234))
        else:
            picks, cts, chosen, seconds = plan
        conv = Converter(side)
        first = grad([outs[i] for i in picks], run.conv.leaves, [conv(c) for c in cts],
                     create_graph=True, allow_unused=True)
        if plan is None:
            chosen = [i for i, g in enumerate(first) if g is not None and g.requires_grad]
            if not chosen:
                raise Skip("nothing to differentiate a second time")
            seconds = cotangents([first[i] for i in chosen], np.random.default_rng(4321))
            plan = picks, cts, chosen, seconds
        # a gradient that torch records although it is constant may have no history here: it adds 0
        live = [(first[i], conv(c)) for i, c in zip(chosen, seconds)
                if first[i] is not None and first[i].requires_grad]
        if not live:
            return [None] * len(run.conv.leaves), plan
        second = grad([g for g, _ in live], run.conv.leaves, [c for _, c in live],
                      allow_unused=True)
        return [None if g is None else side.numpy(g) for g in second], plan

    def error_inputs(self, cap):
        """Does the library raise the same type of exception as torch on invalid input?"""
        rec = {"n": 0, "ok": 0, "msg_n": 0, "msg_ok": 0, "fail": [], "msg_fail": []}
        op, ref, lib = self.op, self.ref, self.lib
        if op.error_inputs_func is None:
            return rec
        try:
            with record_module_construction():
                errors = list(itertools.islice(op.error_inputs("cpu"), 500))
        except Exception:
            return rec
        if len(errors) > cap:
            picks = np.linspace(0, len(errors) - 1, cap).round().astype(int)
            errors = [errors[i] for i in picks]
        fn_ref = ref.function(op.op, op.name)
        try:
            fn_lib, lib_error = lib.function(op.op, op.name), None
        except Exception as e:
            fn_lib, lib_error = None, e
        for i, err in enumerate(errors):
            sample = err.sample_input
            try:
                call(ref, fn_ref, sample)
                continue                              # torch accepts it when called this way
            except Unconvertible:
                continue
            except Exception as e:
                want = e
            if not isinstance(want, err.error_type) or not re.search(err.error_regex, str(want)):
                continue                              # an artefact of going through numpy
            rec["n"] += 1
            rec["msg_n"] += bool(err.error_regex)
            try:
                if lib_error is not None:
                    raise Fail("missing", str(lib_error))
                try:
                    with self.budget:
                        call(lib, fn_lib, sample)
                except (Missing, Unconvertible) as e:
                    raise Fail("missing", str(e)) from None
                except TimeUp as e:
                    raise Fail("time", str(e)) from None
                except Exception as e:
                    if not same_exception(lib, want, e):
                        raise Fail("error", f"expected {type(want).__name__}, got "
                                            f"{type(e).__name__}: {str(e)[:120]}") from None
                    rec["ok"] += 1
                    said = bool(re.search(err.error_regex, str(e)))
                    rec["msg_ok"] += bool(err.error_regex) and said
                    if not said and len(rec["msg_fail"]) < 2:
                        rec["msg_fail"].append([i, "wording", f"expected /{err.error_regex}/, "
                                                              f"says {str(e)[:200]!r}"])
                else:
                    raise Fail("error", f"expected {type(want).__name__} ({str(want)[:80]}), "
                                        "nothing was raised")
            except Fail as e:
                if len(rec["fail"]) < 2:
                    rec["fail"].append([i, e.kind, str(e)])
        return rec
