"""Modules: every ModuleInfo of torch's module_db, built in torch and in the library under test."""
# ruff: noqa: B023 (a closure over a loop variable is called in the turn that makes it)
import copy
import pickle
import random
import re
import warnings

import numpy as np
import torch

from . import compare
from .adapter import (
    Converter,
    Missing,
    Side,
    Unconvertible,
    class_path,
    dtype_name,
    record_module_construction,
)
from .compare import Mismatch
from .limits import Budget, TimeUp
from .module_cases import Extra, extra_cases
from .module_run import ModuleRun, ModuleTruth, Plan, applicable, zero_dropout
from .op_run import same_exception

CHECKS = ("construct", "state_dict", "forward", "input grad", "param grad", "state after",
          "repr", "pickle")
_INFOS = {}


def prepare():
    if _INFOS:
        return
    warnings.simplefilter("ignore")
    from torch.testing._internal.common_modules import module_db
    for info in module_db:
        _INFOS[info.name] = info
    for name, cases in extra_cases().items():
        _INFOS[f"extra:{name}"] = Extra(name, cases)


class ModuleTester:
    def __init__(self, ref, lib, info, budget):
        self.ref, self.lib, self.info, self.budget = ref, lib, info, budget
        self.n, self.ok, self.fail = {}, {}, []
        self.rng_n = self.rng_ok = self.init_n = self.init_ok = 0

    def note(self, check, where, error=None):
        self.n[check] = self.n.get(check, 0) + 1
        if error is None:
            self.ok[check] = self.ok.get(check, 0) + 1
        elif len(self.fail) < 6:
            self.fail.append([where, check, str(error)[:300]])

    def attempt(self, check, where, action):
        """Run one check; record it; return (worked, value)."""
        try:
            with self.budget:
                value = action()
        except TimeUp as e:
            self.note(check, where, e)
            return False, None
        except Mismatch as e:
            self.note(check, where, e)
            return False, None
        except Exception as e:
            self.note(check, where, f"{type(e).__name__}: {e}")
            return False, None
        self.note(check, where)
        return True, value

    # ---- one module -------------------------------------------------------
    def run(self, dtypes, cap):
        for name in dtypes:
            for training in (True, False):
                for i, mi in enumerate(self.inputs(name, training, cap)):
                    where = f"{name} {'train' if training else 'eval'} #{i} {mi.desc}".strip()
                    self.config(mi, name, training, where)

    def inputs(self, name, training, cap):
        torch.manual_seed(0)
        np.random.seed(0)
        random.seed(0)
        with record_module_construction():
            found = list(self.info.module_inputs_func(
                self.info, device="cpu", dtype=getattr(torch, name), requires_grad=True,
                training=training))
        if len(found) > cap:
            found = [found[i] for i in np.linspace(0, len(found) - 1, cap).round().astype(int)]
        return found

    def build(self, side, mi, name, training):
        conv = Converter(side)
        cls = side.resolve(class_path(self.info.module_cls))
        args, kwargs = (
            conv(tuple(mi.constructor_input.args)),
            conv(dict(mi.constructor_input.kwargs)),
        )
        try:
            side.manual_seed(11)
        except Exception:
            pass
        m = cls(*args, **kwargs)
        m.to(side.resolve(name))
        if side.device != "cpu":
            m.to(side.device)
        m.train(training)
        return m

    def config(self, mi, name, training, where):
        """All checks of one configuration.  Which checks apply is decided by torch alone."""
        try:
            m = self.build(self.ref, mi, name, training)
            if self.info.is_lazy:
                ModuleRun(self.ref, m, mi.forward_input)
            self.initial = {k: self.ref.numpy(p) for k, p in m.named_parameters()}
        except Exception:
            return                                  # torch cannot build it on this machine
        state, plan = copy.deepcopy(m.state_dict()), Plan(self.ref, m, mi.forward_input)
        good, lm = self.attempt("construct", where, lambda: self._lib_build(mi, name, training))
        if not self.info.is_lazy and any(True for _ in m.parameters()):
            self.init_n += 1
            self.init_ok += good and self._same_init(m, lm)
        if not good:
            for check in ("state_dict", "repr", "pickle", *plan.checks):
                self.note(check, where, "not constructed")
            self.rng_n += plan.random is not None
            return
        loaded, _ = self.attempt("state_dict", where, lambda: self._load(lm, state))
        self.attempt("repr", where, lambda: _equal_repr(m, lm))
        self.attempt("pickle", where, lambda: self._pickle(m, lm))
        if plan.random is not None:
            self.rng_n += 1
            self.rng_ok += loaded and self._same_random(lm, mi.forward_input, plan, state)
        if not loaded:
            for check in plan.checks:
                self.note(check, where, "state_dict was not loaded")
        elif plan.checks:
            self._forward(lm, mi.forward_input, plan, where)

    def _lib_build(self, mi, name, training):
        lm = self.build(self.lib, mi, name, training)
        if self.info.is_lazy:
            ModuleRun(self.lib, lm, mi.forward_input, picks=[])     # forward only: sizes are known
        return lm

    def _same_init(self, m, lm):
        """Same seed, same default initialisation?  Tallied apart from the score."""
        try:
            with self.budget:
                got = dict(lm.named_parameters())
                for k, v in m.named_parameters():
                    compare.check_values(
                        k, dtype_name(v.dtype), self.initial[k], self.lib.numpy(got[k])
                    )
            return True
        except (Exception, TimeUp):
            return False

    def _load(self, lm, state):
        lib = self.lib
        mine = lm.state_dict()
        if list(mine) != list(state):
            raise Mismatch(f"keys {list(state)} vs {list(mine)}")
        for k, v in state.items():
            if isinstance(v, torch.Tensor):
                compare.check_meta(k, v, mine[k])
        new = {
            k: lib.tensor(v.detach()) if isinstance(v, torch.Tensor) else v
            for k, v in state.items()
        }
        lm.load_state_dict(new)
        after = lm.state_dict()
        for k, v in state.items():
            if isinstance(v, torch.Tensor):
                compare.check_values(k, dtype_name(v.dtype), self.ref.numpy(v), lib.numpy(after[k]))

    def _pickle(self, m, lm):
        try:
            pickle.dumps(m)
        except Exception:
            return
        again = pickle.loads(pickle.dumps(lm))
        if type(again) is not type(lm):
            raise Mismatch(f"unpickled as {type(again).__name__}")
        a, b = lm.state_dict(), again.state_dict()
        if list(a) != list(b):
            raise Mismatch("state_dict keys changed by pickling")
        for k in a:
            if self.lib.is_tensor(a[k]) and not np.array_equal(
                self.lib.numpy(a[k]), self.lib.numpy(b[k]), equal_nan=True
            ):
                raise Mismatch(f"{k} changed by pickling")

    def _same_random(self, lm, forward, plan, state):
        """A random forward (dropout) after the same seed.  Tallied apart from the score."""
        try:
            with self.budget:
                a = plan.random
                g = ModuleRun(self.lib, lm, forward, a.cts if a.picks else None, a.picks)
                self._compare(a, g, None, None)
            return True
        except (Exception, TimeUp):
            return False
        finally:
            try:
                with self.budget:
                    self._load(lm, state)            # undo changes of buffers
            except (Exception, TimeUp):
                pass

    def _forward(self, lm, forward, plan, where):
        a = plan.main
        try:
            with self.budget:
                if plan.random is not None:
                    zero_dropout(lm)
                g = ModuleRun(self.lib, lm, forward, a.cts if a.picks else None, a.picks)
        except (Exception, TimeUp) as e:
            for c in plan.checks:
                self.note(c, where, f"{type(e).__name__}: {e}")
            return
        self._compare(a, g, ModuleTruth(self.ref, plan.module, forward, a), where)

    def _compare(self, a, g, truth, where):
        """With ``where`` None raise on the first difference, else record every check."""
        def same_out():
            for path, r, x in compare.pairs(self.lib, a.out, g.out):
                compare.check_meta(path, r, x)
                if bool(r.requires_grad) != bool(x.requires_grad):
                    raise Mismatch(f"{path}: requires_grad {r.requires_grad} vs {x.requires_grad}")
            same("out_np", range(len(a.out_np)))

        def same(kind, keys):
            if g.grad_error is not None and kind in ("igrad", "pgrad"):
                raise Mismatch(f"backward: {type(g.grad_error).__name__}: {g.grad_error}")
            for k in keys:
                w, x = getattr(a, kind)[k], getattr(g, kind)[k]
                if w is None or (x is None and not np.any(w)):
                    if w is None and x is not None and np.any(x):
                        raise Mismatch(f"{kind} {k}: torch has none, library has one")
                    if w is not None:
                        raise Mismatch(f"{kind} {k}: missing (None)")
                    continue
                if x is None:
                    raise Mismatch(f"{kind} {k}: missing (None)")
                compare.check_values(f"{kind} {k}", str(w.dtype), w, x,
                                     truth and (lambda k=k: truth(kind, k)))

        def same_state():
            if list(a.state) != list(g.state):
                raise Mismatch(f"state_dict keys after forward {list(a.state)} vs {list(g.state)}")
            same("state", a.state)

        def same_params():
            if list(a.pgrad) != list(g.pgrad) and g.grad_error is None:
                raise Mismatch(f"parameters {list(a.pgrad)} vs {list(g.pgrad)}")
            same("pgrad", a.pgrad)

        steps = {"forward": same_out, "state after": same_state, "param grad": same_params,
                 "input grad": lambda: same("igrad", range(len(a.igrad)))}
        for check in applicable(a):
            action = steps[check]
            if where is None:
                action()
            else:
                self.attempt(check, where, action)

    # ---- invalid inputs ---------------------------------------------------
    def errors(self):
        rec = {"n": 0, "ok": 0, "fail": []}
        if self.info.module_error_inputs_func is None:
            return rec
        ref, lib = self.ref, self.lib
        torch.manual_seed(0)
        found = self.info.module_error_inputs_func(self.info, device="cpu", dtype=torch.float32,
                                                   requires_grad=False, training=True)
        for i, err in enumerate(found):
            mi = err.module_error_input
            building = err.error_on.name == "CONSTRUCTION_ERROR"

            def go(side):
                conv = Converter(side)
                ctor = mi.constructor_input
                m = side.resolve(class_path(self.info.module_cls))(
                    *conv(tuple(ctor.args)), **conv(dict(ctor.kwargs)))
                if not building:
                    fwd = mi.forward_input
                    args, kwargs = conv(tuple(fwd.args)), conv(dict(fwd.kwargs))
                    self._reached = True
                    m(*args, **kwargs)
            try:
                go(ref)
                continue
            except Unconvertible:
                continue
            except Exception as e:
                want = e
            if not isinstance(want, err.error_type) or not re.search(err.error_regex, str(want)):
                continue
            rec["n"] += 1
            self._reached = building
            try:
                with self.budget:
                    go(lib)
                message = f"expected {type(want).__name__}, nothing was raised"
            except Missing as e:
                message = str(e)
            except TimeUp as e:
                message = str(e)
            except Exception as e:
                if self._reached and same_exception(lib, want, e):
                    rec["ok"] += 1
                    continue
                message = f"expected {type(want).__name__}, got {type(e).__name__}: {str(e)[:120]}"
            if len(rec["fail"]) < 2:
                rec["fail"].append([i, "error", message])
        return rec


def _equal_repr(m, lm):
    if repr(m) != repr(lm):
        raise Mismatch(f"repr {repr(m)!r} vs {repr(lm)!r}")


def items(opts):
    return [n for n in _INFOS if not opts.match or opts.match in n]


def start(opts, side=None):
    ref, lib = Side("torch"), side or Side(opts.lib, opts.device)

    def work(name):
        warnings.simplefilter("ignore")
        info = _INFOS[name]
        t = ModuleTester(ref, lib, info, Budget(opts.item_seconds))
        t.run(("float32",) if opts.quick else ("float32", "float64"), 2 if opts.quick else 12)
        rec = {"n": t.n, "ok": t.ok, "fail": t.fail, "rng_n": t.rng_n, "rng_ok": t.rng_ok,
               "init_n": t.init_n, "init_ok": t.init_ok, "seconds": round(t.budget.spent, 3)}
        if not opts.quick:
            rec["error"] = t.errors()
        return rec

    return work


def summarise(results, opts):
    rows, lines = [], []

    def perfect(rec):
        return bool(rec.get("n")) and "crash" not in rec and rec["ok"] == rec["n"]

    db = [n for n in results if not n.startswith("extra:")]
    extra = [n for n in results if n.startswith("extra:")]
    rows.append(("modules (main score)", sum(perfect(results[n]) for n in db), len(db)))
    count = [
        (sum(results[n]["ok"].values()), sum(results[n]["n"].values()))
        for n in db
        if "n" in results[n]
    ]
    rows.append(("  checks", sum(a for a, _ in count), sum(b for _, b in count)))
    for c in CHECKS:
        having = [results[n] for n in db if c in results[n].get("n", {})]
        rows.append((f"  {c}", sum(r["ok"].get(c, 0) == r["n"][c] for r in having), len(having)))
    rows.append(
        ("  extra classes outside module_db", sum(perfect(results[n]) for n in extra), len(extra))
    )
    every = [results[n] for n in results if "n" in results[n]]
    if not opts.quick:
        errs = [(r["error"]["ok"] * bool(r["ok"].get("forward")), r["error"]["n"]) for r in every]
        rows.append(
            ("  error inputs, exception type", sum(a for a, _ in errs), sum(b for _, b in errs))
        )
    rows.append(
        (
            "  rng parity of random forwards",
            sum(r["rng_ok"] for r in every),
            sum(r["rng_n"] for r in every),
        )
    )
    rows.append(
        (
            "  rng parity of default init",
            sum(r["init_ok"] for r in every),
            sum(r["init_n"] for r in every),
        )
    )
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
        if bad:
            lines.append(
                f"{n}: " + ", ".join(f"{c} {k}/{rec['n'][c]} failed" for c, k in bad.items())
            )
            lines.extend(f"    {w} {c}: {msg}" for w, c, msg in rec["fail"])
        err = rec.get("error")
        if err and err["ok"] != err["n"]:
            lines.append(f"{n}: error inputs {err['n'] - err['ok']}/{err['n']} failed")
            lines.extend(f"    sample {i}: {msg}" for i, _, msg in err["fail"])
    return rows, lines
