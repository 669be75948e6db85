"""Every operator under forward mode and under vmap, on the samples of PyTorch's own database.

Forward mode is compared with PyTorch's (`torch.func.jvp`), vmap with a loop over the examples. Used
by test_sweep.py; `python -m tests.func.sweep [words] [jvp|vmap] [start:stop:step]` prints what
fails.
"""
import sys
import warnings

import numpy as np
import torch

import learntorch
from tests.conformance import op_list
from tests.conformance.adapter import Converter, Side
from tests.conformance.limits import Budget
from tests.conformance.op_tester import OpTester

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    OPS = op_list.load_ops()

torch.set_num_threads(1)
REF, LIB = Side("torch"), Side("learntorch")
GROUPS = ("main", "complex-only", "undocumented")
EXAMPLES = 3


def cases(aspect):
    """The operators that an aspect applies to."""
    for name, op in sorted(OPS.items()):
        if op_list.classify(op) not in GROUPS:
            continue
        if aspect == "jvp" and not (op.supports_forward_ad and op.supports_autograd):
            continue
        try:
            LIB.function(op.op, op.name)
        except Exception:
            continue
        yield name


def samples(op, cap):
    dtype = "float64" if torch.float64 in op.dtypes else op_list.main_dtypes(op)[0]
    return OpTester(REF, LIB, op, Budget(20)).samples(dtype, cap)


def tensors(side, value):
    if side.is_tensor(value):
        return [value]
    if isinstance(value, (tuple, list)):
        return [t for v in value for t in tensors(side, v)]
    return []


def fill(side, value, rest):
    """`value` with its tensors replaced, in order, by those of the iterator `rest`."""
    if side.is_tensor(value):
        return next(rest)
    if isinstance(value, (tuple, list)):
        made = [fill(side, v, rest) for v in value]
        return type(value)(*made) if hasattr(value, "_fields") else type(value)(made)
    if isinstance(value, dict):
        return {k: fill(side, v, rest) for k, v in value.items()}
    return value


def prepared(side, op, sample):
    """(function of all tensors of the sample, these tensors)."""
    conv = Converter(side)
    call = (conv(sample.input), conv(tuple(sample.args)), conv(dict(sample.kwargs)))
    fn = side.function(op.op, op.name)
    flat = tensors(side, (call[0], call[1], list(call[2].values())))

    def function(*given):
        first, args, kwargs = fill(side, call, iter(given))
        made = fn(first, *args, **kwargs)
        return tuple(t for t in tensors(side, made))
    return function, flat


def close(a, b, tol=1e-6):
    """Whether two arrays agree; NaN equals NaN."""
    if a.shape != b.shape:
        return f"shapes {a.shape} and {b.shape}"
    if a.dtype != b.dtype:
        return f"dtypes {a.dtype} and {b.dtype}"
    if a.dtype.kind in "fc":
        with np.errstate(all="ignore"):
            if np.allclose(a, b, tol, tol * max(1, float(np.nanmax(np.abs(a), initial=0))),
                           equal_nan=True):
                return None
    elif (a == b).all():
        return None
    return f"values {a.reshape(-1)[:4]} and {b.reshape(-1)[:4]}"


def tangent(a, rng):
    v = rng.standard_normal(a.shape)
    v = v + 1j * rng.standard_normal(a.shape) if a.dtype.kind == "c" else v
    return np.asarray(v, a.dtype)


def forward_mode(name, cap=3):
    """What is wrong with jvp of one operator: a list of sentences; None where nothing applied."""
    op, said, done = OPS[name], [], 0
    for sample in samples(op, cap):
        answers = []
        for side in (REF, LIB):
            function, flat = prepared(side, op, sample)
            places = [i for i, t in enumerate(flat) if t.requires_grad]
            flat = [t.detach() for t in flat]
            rng = np.random.default_rng(0)
            primals = tuple(flat[i] for i in places)
            along = tuple(side.from_numpy(tangent(side.numpy(t), rng)) for t in primals)

            def partial(*given, flat=flat, places=places, function=function):
                full = list(flat)
                for i, t in zip(places, given):
                    full[i] = t
                return tuple(t for t in function(*full)
                             if t.is_floating_point() or t.is_complex())
            try:
                side.manual_seed(0)
                found = side.lib.func.jvp(partial, primals, along)
                answers.append([side.numpy(t) for part in found for t in part])
            except Exception as error:
                answers.append(f"{type(error).__name__}: {str(error)[:150]}")
            if isinstance(answers[0], str):
                break
        if isinstance(answers[0], str) or not places:
            continue
        done += 1
        if isinstance(answers[1], str):
            said.append(answers[1])
            continue
        wrong = [close(a, b) for a, b in zip(*answers)]
        said += [w for w in wrong if w][:1]
    return said if done else None


def examples(a, rng):
    """Some arrays like `a`."""
    if a.dtype.kind in "fc":
        return np.stack([a * (1 - 0.01 * i) for i in range(EXAMPLES)])
    return np.stack([a] * EXAMPLES)


def mapped(name, cap=3):
    """What is wrong with vmap of one operator: a list of sentences; None where nothing applied."""
    op, said, done = OPS[name], [], 0
    for sample in samples(op, cap):
        function, flat = prepared(LIB, op, sample)
        flat = [t.detach() for t in flat]
        rng = np.random.default_rng(0)
        for which in ("all", "first"):
            if not flat or (which == "first" and len(flat) < 2):
                continue
            many = [LIB.from_numpy(examples(LIB.numpy(t), rng)) if which == "all" or i == 0 else t
                    for i, t in enumerate(flat)]
            dims = tuple(0 if which == "all" or i == 0 else None for i in range(len(flat)))

            def loop(many=many, dims=dims, function=function):
                rows = [function(*[t if d is None else t[k].clone() for t, d in zip(many, dims)])
                        for k in range(EXAMPLES)]
                return [learntorch.stack(list(column)) for column in zip(*rows)]
            try:
                expected = [LIB.numpy(t) for t in loop()]
            except Exception:
                continue
            done += 1
            try:
                many = [t.clone() for t in many]
                got = learntorch.func.vmap(function, dims, randomness="same")(*many)
                wrong = [close(a, LIB.numpy(b)) for a, b in zip(expected, got)]
            except Exception as error:
                wrong = [f"{which}: {type(error).__name__}: {str(error)[:150]}"]
            said += [w for w in wrong if w][:1]
    return said if done else None


ASPECTS = {"jvp": forward_mode, "vmap": mapped}


def main(words):
    aspects = [w for w in words if w in ASPECTS] or list(ASPECTS)
    cut = next((slice(*[int(n) if n else None for n in w.split(":")]) for w in words if ":" in w),
               slice(None))
    words = [w for w in words if w not in ASPECTS and ":" not in w]
    for aspect in aspects:
        good = bad = none = 0
        for name in list(cases(aspect))[cut]:
            if words and not any(w in name for w in words):
                continue
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                said = ASPECTS[aspect](name)
            if said is None:
                none += 1
            elif said:
                bad += 1
                print(aspect, name, said[0][:200], flush=True)
            else:
                good += 1
        print(f"{aspect}: {good} agree, {bad} do not, {none} do not apply", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
