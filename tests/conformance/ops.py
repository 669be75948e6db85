"""Operators: every OpInfo of torch's op_db, run on torch and on the library under test."""
import warnings

from .adapter import Missing, Side, dtype_name, function_name
from .limits import Budget
from .op_list import FLOATS, OPTIONAL, RUNNABLE, classify, load_ops, main_dtypes
from .op_tester import OpTester

_OPS = {}


def prepare():
    if not _OPS:
        _OPS.update(load_ops())


def scope():
    """{group: [operator, ...]} over the whole database."""
    groups = {}
    for name, op in _OPS.items():
        groups.setdefault(classify(op), []).append(name)
    return groups


def items(opts):
    names = [n for n, op in _OPS.items() if classify(op) in RUNNABLE]
    if opts.quick:
        names = [n for n in names if classify(_OPS[n]) in ("main", "rng")]
    if opts.match:
        names = [n for n in names if opts.match in n]
    return names


def start(opts, side=None):
    ref = Side("torch")
    lib = side or Side(opts.lib, opts.device)
    if side is None and not isinstance(getattr(lib.lib, "Tensor", None), type):
        raise Missing(f"{opts.lib} has no Tensor class")
    cap = 3 if opts.quick else opts.cap

    def work(name):
        warnings.simplefilter("ignore")
        op = _OPS[name]
        budget = Budget(opts.item_seconds)
        t = OpTester(ref, lib, op, budget)
        mains = main_dtypes(op)[:1] if opts.quick else main_dtypes(op)
        rec = {"group": classify(op), "main": mains, "units": {}, "variants": {}}
        for d in mains:
            rec["units"][d] = t.unit(d, cap)
        few = opts.variant_cap
        if rec["group"] in ("main", "rng") and not opts.quick and few > 0:
            d0, last = mains[0], mains[-1]
            names = {dtype_name(x) for x in op.dtypes}
            for d in OPTIONAL:
                if d in names and d not in mains:
                    rec["units"][d] = t.unit(d, few)
            v, own = rec["variants"], function_name(op.op, op.name)
            if op.method_variant is not None and function_name(op.method_variant) != own:
                v["method"] = t.unit(d0, few, "method_variant")
            if op.inplace_variant is not None:
                v["inplace"] = t.unit(d0, few, "inplace_variant", inplace=True)
            if op.operator_variant is not None:
                v["operator"] = t.unit(d0, few, "operator_variant")
            v["error"] = t.error_inputs(opts.cap)
            if rec["group"] == "main":
                if op.supports_out:
                    v["out"] = t.out_variant(d0, min(few, 3))
                if op.supports_gradgrad and last in FLOATS:
                    v["gradgrad"] = t.second_order(last, min(few, 3))
                if op.reference_inputs_func is not None:
                    v["reference"] = t.unit(d0, 2 * few, source="reference_inputs")
        rec["seconds"] = round(budget.spent, 3)
        return rec

    return work


def summarise(results, opts):
    """Rows (label, passed, total) and a list of failure lines."""
    rows, lines, groups = [], [], {}
    for name, rec in results.items():
        groups.setdefault(rec.get("group") or classify(_OPS[name]), []).append(name)

    def units(name, dtypes=None):
        rec = results[name]
        for d, u in rec.get("units", {}).items():
            if (d in rec["main"]) if dtypes is None else (d in dtypes):
                yield d, u

    def score(names, dtypes=None, key="ok"):
        ops = ops_ok = samples = samples_ok = 0
        for n in names:
            rec = results[n]
            if "units" not in rec:                      # crashed or not run: counts as failed
                if dtypes is None:
                    ops += 1
                continue
            us = [u for _, u in units(n, dtypes) if u["n"]]
            if us:
                ops += 1
                ops_ok += all(u[key] == u["n"] for u in us)
                samples += sum(u["n"] for u in us)
                samples_ok += sum(u[key] for u in us)
        return ops_ok, ops, samples_ok, samples

    main = groups.get("main", [])
    a, b, c, d = score(main)
    rows.append(("ops (main score)", a, b))
    rows.append(("  samples", c, d))
    _, _, f, _ = score(main, key="fwd_ok")
    rows.append(("  samples, forward only", f, d))
    if not opts.quick and opts.variant_cap > 0:
        for dt in OPTIONAL:
            a, b, c, d = score([n for n in main + groups.get("rng", [])
                                if dt not in results[n].get("main", ())], (dt,))
            rows.append((f"  ops {dt}", a, b))
        labels = {
            "method": "method variant",
            "inplace": "in-place variant",
            "operator": "operator variant",
            "out": "out= variant",
            "gradgrad": "second-order gradient",
            "reference": "edge values (reference_inputs)",
        }
        for v, label in labels.items():
            recs = [results[n]["variants"][v] for n in main + groups.get("rng", [])
                    if v in results[n].get("variants", {})]
            recs = [r for r in recs if r["n"]]
            rows.append((f"  {label}", sum(r["ok"] == r["n"] for r in recs), len(recs)))
        n = ok = msg_n = msg_ok = 0
        for name in main + groups.get("rng", []):
            rec = results[name]
            e = rec.get("variants", {}).get("error")
            if e:
                works = any(u["ok"] or u["rng_ok"] for u in rec["units"].values())
                n += e["n"]
                ok += e["ok"] * works      # an op that never works earns nothing by raising
                msg_n += e["msg_n"]
                msg_ok += e["msg_ok"] * works
        rows.append(("  error inputs, exception type", ok, n))
        rows.append(("  error inputs, message", msg_ok, msg_n))
    rng = [(u["rng_ok"], u["rng_n"]) for n in main + groups.get("rng", [])
           for _, u in units(n) if u["rng_n"]]
    rows.append(("  rng parity (samples)", sum(x for x, _ in rng), sum(x for _, x in rng)))
    for g in ("masked", "undocumented", "complex-only"):
        if g in groups:
            a, b, _, _ = score(groups[g])
            rows.append((f"  out of scope: {g}", a, b))

    reasons = {}
    for name in main:
        rec = results[name]
        first = "crash" if "crash" in rec else "not run" if "units" not in rec else next(
            (u["fail"][0][1] for d, u in units(name) if u["ok"] < u["n"] and u["fail"]), None)
        if first:
            reasons[first] = reasons.get(first, 0) + 1
    if reasons:
        lines.append("operators of the main score by first failure: " +
                     ", ".join(f"{k} {v}" for k, v in sorted(reasons.items(), key=lambda x: -x[1])))
    for name in sorted(results):
        rec = results[name]
        if "crash" in rec or "units" not in rec:
            lines.append(f"{name}: {rec.get('crash') or 'not run (time limit of the section)'}")
            continue
        for d, u in list(rec["units"].items()) + list(rec["variants"].items()):
            bad = u["n"] - u["ok"] + u.get("rng_n", 0) - u.get("rng_ok", 0)
            if bad:
                lines.append(
                    f"{name} [{rec['group']}] {d}: {bad} of {u['n'] + u.get('rng_n', 0)} failed"
                )
                lines.extend(f"    sample {i} {kind}: {msg}" for i, kind, msg in u["fail"])
    return rows, lines
