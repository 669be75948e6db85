"""Optimizers (torch's optim_db), learning-rate schedulers, and a basic set of helpers.

Gradients are computed here in numpy from the current parameter values, so what is
compared is the optimizer alone and not the library's autograd.
"""
# ruff: noqa: B023 (a closure over a loop variable is called in the turn that makes it)
import copy
import functools
import math
import re
import types
import warnings

import numpy as np
import torch

from . import basics_core, basics_nn, compare  # noqa: F401  (they register their cases)
from .adapter import Converter, Missing, Side, Unconvertible, dtype_name
from .basics import BASICS
from .compare import Mismatch
from .limits import Budget, TimeUp
from .op_run import read, same_exception

STEPS = 20
TOL = {"float64": (1e-7, 1e-9), "float32": (1e-4, 1e-5)}
BF16_ERROR = 0.02     # Muon iterates in bfloat16: allowed error, as a share of the distance moved
OUT_OF_SCOPE = {"SparseAdam"}      # works on sparse gradients only
_INFOS = {}


def prepare():
    if not _INFOS:
        warnings.simplefilter("ignore")
        from torch.testing._internal.common_optimizers import optim_db
        _INFOS.update({info.name: info for info in optim_db})


# --------------------------------------------------------------------------
# the fixed problem
# --------------------------------------------------------------------------

_SHAPES = ((4, 3), (3, 5))                     # matrices only, so that Muon can take part


def _start(name):
    rng = np.random.default_rng(5)
    return [rng.standard_normal(s).astype(name) for s in _SHAPES]


@functools.lru_cache(maxsize=None)
def _problem(name):
    rng = np.random.default_rng(6)
    return [(rng.uniform(0.2, 2.0, s).astype(name), rng.standard_normal(s).astype(name))
            for s in _SHAPES]


def _loss_and_grads(arrays, step=None):
    """A smooth function of the parameters and its gradient; step adds a moving target."""
    loss, grads = 0.0, []
    for a, (curve, goal) in zip(arrays, _problem(arrays[0].dtype.name)):
        d = a - goal
        loss += float((0.5 * curve * d * d - 0.1 / 3 * np.cos(3 * a)).sum())
        g = curve * d + 0.1 * np.sin(3 * a)
        if step is not None:
            wave = np.cos(step + np.arange(a.size).reshape(a.shape)).astype(a.dtype)
            g = g + wave * a.dtype.type(0.3)
        grads.append(g.astype(a.dtype))
    return loss, grads


class Trainer:
    """An optimizer on the fixed problem, on one side."""

    def __init__(self, side, cls_name, kwargs, name, groups=False, start=None):
        self.side, self.name = side, name
        param = side.resolve("nn.Parameter")
        self.params = [param(side.from_numpy(a.copy())) for a in (start or _start(name))]
        kwargs = Converter(side)(dict(kwargs))
        target = self.params
        if groups:
            target = [{"params": [self.params[0]]}, {"params": [self.params[1]], "lr": 0.003}]
        self.opt = side.resolve(f"optim.{cls_name}")(target, **kwargs)
        self.closure = cls_name == "LBFGS"

    def values(self):
        return [self.side.numpy(p) for p in self.params]

    def set_grads(self, step):
        loss, grads = _loss_and_grads(self.values(), step)
        for p, g in zip(self.params, grads):
            p.grad = self.side.from_numpy(g)
        return loss

    def run(self, first, last):
        track = []
        for t in range(first, last):
            if self.closure:
                def closure():
                    return self.side.from_numpy(np.asarray(self.set_grads(None), dtype=self.name))
                self.opt.step(closure)
            else:
                self.opt.zero_grad()
                self.set_grads(t)
                self.opt.step()
            track.append(self.values())
        return track

    def structure(self):
        """Shape of the state_dict: keys, tensor shapes and dtypes, plain hyper-parameters."""
        sd = self.opt.state_dict()
        state = {}
        for k, entry in sd["state"].items():
            state[str(k)] = {n: self._kind(v) for n, v in entry.items()}
        groups = []
        for g in sd["param_groups"]:
            groups.append({k: (float(self.side.numpy(v)) if self.side.is_tensor(v) else v)
                           for k, v in g.items()})
        return {"keys": sorted(sd), "state": state, "param_groups": groups}


    def _kind(self, v):
        if self.side.is_tensor(v) and v.ndim > 0:
            return "tensor", tuple(v.shape), dtype_name(v.dtype)
        if self.side.is_tensor(v) or isinstance(v, (int, float)):
            return "scalar"                     # a step counter may be a number or a 0-d tensor
        return type(v).__name__


def _same_track(a, b, tol):
    for t, (x, y) in enumerate(zip(a, b)):
        for i, (p, q) in enumerate(zip(x, y)):
            compare.check_values(f"parameter {i} after step {t + 1}", str(p.dtype), p, q, tol=tol)


def _same_structure(a, b, path="state_dict"):
    if isinstance(a, dict):
        if not isinstance(b, dict) or set(a) != set(b):
            raise Mismatch(f"{path}: keys {sorted(a)} vs {sorted(b) if isinstance(b, dict) else b}")
        for k in a:
            _same_structure(a[k], b[k], f"{path}[{k!r}]")
    elif isinstance(a, (list, tuple)):
        if not isinstance(b, (list, tuple)) or len(a) != len(b):
            raise Mismatch(f"{path}: {a} vs {b}")
        for i, (x, y) in enumerate(zip(a, b)):
            _same_structure(x, y, f"{path}[{i}]")
    elif isinstance(a, float) and isinstance(b, (int, float)):
        if not math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-12):
            raise Mismatch(f"{path}: {a} vs {b}")
    elif a != b:
        raise Mismatch(f"{path}: {a!r} vs {b!r}")


# --------------------------------------------------------------------------
# checks
# --------------------------------------------------------------------------

class Tally:
    def __init__(self, budget):
        self.n, self.ok, self.fail, self.budget = {}, {}, [], budget

    def attempt(self, check, where, action):
        self.n[check] = self.n.get(check, 0) + 1
        try:
            with self.budget:
                action()
            self.ok[check] = self.ok.get(check, 0) + 1
            return True
        except Mismatch as e:
            message = str(e)
        except TimeUp as e:
            message = str(e)
        except Exception as e:
            message = f"{type(e).__name__}: {e}"
        if len(self.fail) < 4:
            self.fail.append([where, check, message[:300]])
        return False

    def record(self):
        return {
            "n": self.n,
            "ok": self.ok,
            "fail": self.fail,
            "seconds": round(self.budget.spent, 3),
        }


def run_optimizer(ref, lib, name, opts):
    info = _INFOS[name]
    tally = Tally(Budget(opts.item_seconds))
    steps = 4 if opts.quick else 6 if name == "LBFGS" else STEPS
    configs = []
    for oi in info.optim_inputs_func(device="cpu"):
        configs.append((oi.desc, dict(oi.kwargs), False))
    if "foreach" in info.supported_impls:
        configs.append(("foreach", {"foreach": True}, False))
    if "fused" in info.supported_impls and "cpu" in getattr(info, "supports_fused_on", ()):
        configs.append(("fused", {"fused": True}, False))
    if info.supports_param_groups and name != "LBFGS":
        configs.append(("param groups", {}, True))
    for desc, kwargs, groups in configs:
        for dt in ("float64",) if opts.quick else ("float64", "float32"):
            where = f"{dt} {desc}"
            try:
                a = Trainer(ref, name, kwargs, dt, groups)
                track = a.run(0, steps)
                shape = a.structure()
            except Exception as e:
                tally.fail.append([where, "torch", f"{type(e).__name__}: {e}"])
                continue
            tol = TOL[dt]
            if name == "Muon":
                moved = max(np.abs(p - q).max() for p, q in zip(_start(dt), track[-1]))
                tol = (0.0, BF16_ERROR * float(moved))
            holder = {}

            def trajectory(tol=tol):
                b = holder["b"] = Trainer(lib, name, kwargs, dt, groups)
                _same_track(track, b.run(0, steps), tol)

            def state():
                if "b" not in holder:
                    raise Mismatch("not constructed")
                _same_structure(shape, holder["b"].structure())

            def resume(tol=tol):
                half = steps // 2
                one = Trainer(lib, name, kwargs, dt, groups)
                one.run(0, half)
                saved = copy.deepcopy(one.opt.state_dict())
                two = Trainer(lib, name, kwargs, dt, groups, start=one.values())
                two.opt.load_state_dict(saved)
                _same_track(track[half:], two.run(half, steps), tol)

            tally.attempt("trajectory", where, trajectory)
            tally.attempt("state_dict", where, state)
            tally.attempt("resume", where, resume)
            if dt == "float64":
                tally.attempt("repr", where, lambda: _same_structure(
                    repr(a.opt), repr(holder["b"].opt) if "b" in holder else None, "repr"))
    rec = tally.record()
    rec["error"] = optimizer_errors(ref, lib, info, tally.budget)
    return rec


def optimizer_errors(ref, lib, info, budget):
    rec = {"n": 0, "ok": 0, "fail": []}
    if info.optim_error_inputs_func is None:
        return rec
    for i, err in enumerate(info.optim_error_inputs_func(device="cpu", dtype=torch.float32)):
        if err.error_on.name != "CONSTRUCTION_ERROR":
            continue
        oi = err.optimizer_error_input

        def go(side):
            conv = Converter(side)
            params = oi.params if oi.params is not None else [torch.nn.Parameter(torch.ones(2, 2))]
            params, kwargs = conv(params), conv(dict(oi.kwargs))
            cls = side.resolve(f"optim.{info.name}")
            self_reached.append(side)
            cls(params, **kwargs)
        self_reached = []
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                go(ref)
            continue
        except Unconvertible:
            continue
        except Exception as e:
            want = e
        if not isinstance(want, err.error_type) or not re.search(err.error_regex, str(want)):
            continue
        rec["n"] += 1
        try:
            with budget:
                go(lib)
            message = f"expected {type(want).__name__}, nothing was raised"
        except TimeUp as e:
            message = str(e)
        except Exception as e:
            if lib in self_reached and not isinstance(e, Missing) and same_exception(lib, want, e):
                rec["ok"] += 1
                continue
            message = f"expected {type(want).__name__}, got {type(e).__name__}: {str(e)[:120]}"
        if len(rec["fail"]) < 2:
            rec["fail"].append([i, "error", message])
    return rec


# --------------------------------------------------------------------------
# schedulers
# --------------------------------------------------------------------------

def _schedulers():
    """name -> function(lr_scheduler namespace getter, optimizer) -> scheduler"""
    def S(name, **kw):
        return lambda get, opt: get(name)(opt, **kw)

    table = {
        "StepLR": [S("StepLR", step_size=7, gamma=0.5)],
        "MultiStepLR": [S("MultiStepLR", milestones=[3, 10, 10, 22], gamma=0.3)],
        "ConstantLR": [S("ConstantLR", factor=0.25, total_iters=6)],
        "LinearLR": [S("LinearLR", start_factor=0.1, end_factor=0.9, total_iters=12)],
        "ExponentialLR": [S("ExponentialLR", gamma=0.9)],
        "PolynomialLR": [S("PolynomialLR", total_iters=20, power=2.0)],
        "CosineAnnealingLR": [S("CosineAnnealingLR", T_max=10, eta_min=0.001)],
        "CosineAnnealingWarmRestarts": [
            S("CosineAnnealingWarmRestarts", T_0=4, T_mult=2, eta_min=0.01)
        ],
        "LambdaLR": [
            S("LambdaLR", lr_lambda=lambda e: 0.95**e),
            S("LambdaLR", lr_lambda=[lambda e: 0.9**e, lambda e: 1.0 / (1 + e)]),
        ],
        "MultiplicativeLR": [S("MultiplicativeLR", lr_lambda=lambda e: 0.97)],
        "CyclicLR": [
            S("CyclicLR", base_lr=0.01, max_lr=0.2, step_size_up=4, mode=m)
            for m in ("triangular", "triangular2")
        ]
        + [
            S(
                "CyclicLR",
                base_lr=0.01,
                max_lr=0.2,
                step_size_up=3,
                step_size_down=5,
                mode="exp_range",
                gamma=0.98,
            )
        ],
        "OneCycleLR": [
            S("OneCycleLR", max_lr=0.3, total_steps=31),
            S(
                "OneCycleLR",
                max_lr=[0.3, 0.1],
                total_steps=31,
                anneal_strategy="linear",
                three_phase=True,
            ),
        ],
        "ReduceLROnPlateau": [
            S("ReduceLROnPlateau", factor=0.5, patience=2, cooldown=1, min_lr=1e-3),
            S("ReduceLROnPlateau", mode="max", threshold_mode="abs", patience=1),
        ],
        "ChainedScheduler": [
            lambda get, opt: get("ChainedScheduler")(
                [
                    get("ConstantLR")(opt, factor=0.1, total_iters=4),
                    get("ExponentialLR")(opt, gamma=0.9),
                ]
            )
        ],
        "SequentialLR": [
            lambda get, opt: get("SequentialLR")(
                opt,
                [
                    get("LinearLR")(opt, start_factor=0.1, total_iters=5),
                    get("CosineAnnealingLR")(opt, T_max=20),
                ],
                milestones=[5],
            )
        ],
        "SWALR": [
            S("SWALR", swa_lr=0.05, anneal_epochs=6),
            S("SWALR", swa_lr=[0.05, 0.01], anneal_epochs=4, anneal_strategy="linear"),
        ],
    }
    return table


class SchedulerRun:
    EPOCHS = 30

    def __init__(self, side, name, make):
        self.side, self.name = side, name
        param = side.resolve("nn.Parameter")
        self.params = [param(side.from_numpy(a)) for a in _start("float64")]
        self.opt = side.resolve("optim.SGD")(
            [{"params": [self.params[0]]}, {"params": [self.params[1]], "lr": 0.05}],
            lr=0.5, momentum=0.9)
        self.make = make
        self.sched = make(self._get, self.opt)

    def _get(self, name):
        room = "swa_utils" if name == "SWALR" else "lr_scheduler"
        return self.side.resolve(f"optim.{room}.{name}")

    def run(self, first, last):
        track = [self._now()] if first == 0 else []
        for e in range(first, last):
            for p in self.params:
                p.grad = self.side.from_numpy(np.zeros(tuple(p.shape)))
            self.opt.step()
            if self.name == "ReduceLROnPlateau":
                self.sched.step(math.cos(e / 3.0) + 0.2)
            else:
                self.sched.step()
            track.append(self._now())
        return track

    def _now(self):
        groups = [(g["lr"], g["momentum"]) for g in self.opt.param_groups]
        last = list(self.sched.get_last_lr()) if hasattr(self.sched, "get_last_lr") else None
        return [float(x) for pair in groups for x in pair] + [float(x) for x in (last or [])]


def run_scheduler(ref, lib, name, opts):
    tally = Tally(Budget(opts.item_seconds))
    for i, make in enumerate(_schedulers()[name]):
        where = f"#{i}"
        a = SchedulerRun(ref, name, make)
        track = a.run(0, SchedulerRun.EPOCHS)
        keys = sorted(k for k in a.sched.state_dict() if not k.startswith("_"))

        def same(x, y):
            for t, (p, q) in enumerate(zip(x, y)):
                if len(p) != len(q) or not np.allclose(p, q, rtol=1e-9, atol=1e-12):
                    raise Mismatch(f"epoch {t}: lr/momentum {p} vs {q}")

        def sequence():
            b = SchedulerRun(lib, name, make)
            same(track, b.run(0, SchedulerRun.EPOCHS))

        def state():
            b = SchedulerRun(lib, name, make)
            mine = sorted(k for k in b.sched.state_dict() if not k.startswith("_"))
            if keys != mine:
                raise Mismatch(f"state_dict keys {keys} vs {mine}")

        def resume():
            half = 13
            one = SchedulerRun(lib, name, make)
            one.run(0, half)
            saved = copy.deepcopy(one.sched.state_dict())
            saved_opt = copy.deepcopy(one.opt.state_dict())
            two = SchedulerRun(lib, name, make)
            two.sched.load_state_dict(saved)
            two.opt.load_state_dict(saved_opt)
            same(track[half + 1:], two.run(half, SchedulerRun.EPOCHS))

        tally.attempt("sequence", where, sequence)
        tally.attempt("state_dict", where, state)
        tally.attempt("resume", where, resume)
    return tally.record()


def run_basic(ref, lib, name, opts):
    """One function written against the torch API, run on both sides, results compared."""
    tally = Tally(Budget(opts.item_seconds))
    case = BASICS[name]
    want = case(Lib(ref))

    def go():
        got = case(Lib(lib))
        for path, r, g in read(lib, want, got):
            n = dtype_name(r.dtype)
            compare.check_values(path, n, ref.numpy(r), g, tol={"float32": (1e-5, 1e-6)}.get(n))

    tally.attempt("result", "", go)
    return tally.record()


class Lib:
    """``L.nn.utils.clip_grad_norm_`` resolves by dotted name in the library of one side."""

    def __init__(self, side, path=""):
        self._side, self._path = side, path

    def __getattr__(self, name):
        path = f"{self._path}.{name}" if self._path else name
        obj = self._side.resolve(path)
        return Lib(self._side, path) if isinstance(obj, types.ModuleType) else obj

    def t(self, array, grad=False):
        """numpy array (or list) -> tensor."""
        x = self._side.from_numpy(np.array(array))
        return x.requires_grad_(True) if grad else x


# --------------------------------------------------------------------------
# section interface
# --------------------------------------------------------------------------

def items(opts):
    names = (
        [f"optim:{n}" for n in _INFOS if n not in OUT_OF_SCOPE]
        + [f"sched:{n}" for n in _schedulers()]
        + [f"basic:{n}" for n in BASICS]
    )
    return [n for n in names if not opts.match or opts.match in n]


def start(opts, side=None):
    ref, lib = Side("torch"), side or Side(opts.lib, opts.device)

    def work(item):
        warnings.simplefilter("ignore")
        kind, name = item.split(":", 1)
        run = {"optim": run_optimizer, "sched": run_scheduler, "basic": run_basic}[kind]
        return run(ref, lib, name, opts)

    return work


def summarise(results, opts):
    rows, lines = [], []

    def perfect(rec):
        return bool(rec.get("n")) and rec["ok"] == rec["n"]

    def pick(kind):
        return [r for n, r in results.items() if n.startswith(kind)]

    opt, sched, basic = pick("optim:"), pick("sched:"), pick("basic:")
    rows.append(("optimizers (main score)", sum(map(perfect, opt)), len(opt)))
    for c in ("trajectory", "state_dict", "resume", "repr"):
        rows.append((f"  {c} (configurations)", sum(r.get("ok", {}).get(c, 0) for r in opt),
                     sum(r.get("n", {}).get(c, 0) for r in opt)))
    rows.append(
        (
            "  error inputs, exception type",
            sum(r["error"]["ok"] * bool(r["ok"].get("trajectory")) for r in opt if "error" in r),
            sum(r["error"]["n"] for r in opt if "error" in r),
        )
    )
    rows.append(("lr schedulers", sum(map(perfect, sched)), len(sched)))
    kinds = {}
    for n in BASICS:
        if "basic:" + n in results:
            kinds.setdefault(n.split(".")[0], []).append(results["basic:" + n])
    rows.append(("basic set", sum(map(perfect, basic)), len(basic)))
    for k, recs in kinds.items():
        rows.append((f"  {k}", sum(map(perfect, recs)), len(recs)))
    for n in sorted(results):
        rec = results[n]
        if "crash" in rec or "n" not in rec:
            lines.append(f"{n}: {rec.get('crash') or 'not run (time limit of the section)'}")
            continue
        bad = {
            c: rec["n"][c] - rec["ok"].get(c, 0)
            for c in rec["n"]
            if rec["n"][c] != rec["ok"].get(c, 0)
        }
        if bad or rec["fail"]:
            lines.append(
                f"{n}: " + ", ".join(f"{c} {k}/{rec['n'][c]} failed" for c, k in bad.items())
            )
            lines.extend(f"    {w} {c}: {msg}" for w, c, msg in rec["fail"])
        err = rec.get("error")
        if err and err["ok"] != err["n"]:
            lines.append(f"{n}: error inputs {err['n'] - err['ok']}/{err['n']} failed")
            lines.extend(f"    sample {i}: {msg}" for i, _, msg in err["fail"])
    return rows, lines
