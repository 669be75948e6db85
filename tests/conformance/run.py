"""Measure how much of PyTorch a library implements.

    python -m tests.conformance.run --lib learntorch [--only ops,api] [--quick] [--json out.json]

Prints one summary table and writes a list of failures.  See README.md.
"""
import os

for _var in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"):
    os.environ.setdefault(_var, "1")

import argparse  # noqa: E402
import importlib  # noqa: E402
import importlib.util  # noqa: E402
import json  # noqa: E402
import pathlib  # noqa: E402
import re  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PACKAGE = "tests.conformance"

# share of the time limit each section may use; what a section leaves unused goes to the next
SECTIONS = {"api": 3, "rng": 7, "optims": 10, "modules": 22, "ops": 58}
ORDER = ("ops", "modules", "optims", "api", "rng")         # in the table
QUICK_SECONDS, FULL_SECONDS = 52.0, 28 * 60.0


def find_package():
    """Started as a file, Python puts this folder on sys.path; the project's root belongs there."""
    sys.path[:] = [p for p in sys.path if pathlib.Path(p or ".").resolve() != HERE]
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))


def parser():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = p.add_argument
    add("--lib", default=os.environ.get("CONFORMANCE_LIB", "learntorch"),
        help="module name of the library under test ('torch' checks the harness itself)")
    add("--path", action="append", default=[], help="folder to put first on sys.path")
    add("--device", help="device of the library under test, e.g. cuda (torch stays on the CPU)")
    add("--only", default="", help="comma-separated sections: " + ", ".join(SECTIONS))
    add("--match", help="only items whose name contains this text")
    add("--quick", action="store_true", help="a subset that takes less than 55 s")
    add("--json", help="write every result to this file")
    add("--failures", help="file for the list of failures (default: conformance-failures-LIB.txt "
                           "in the current folder)")
    add("--cap", type=int, default=40, help="samples per operator and dtype (default 40)")
    add("--variant-cap", type=int, default=8,
        help="samples for the optional tallies; 0 leaves them out (default 8)")
    add("--item-seconds", type=float,
        help="time the library may spend on one operator or module (default 5 quick, 20 full)")
    add("--seconds", type=float,
        help=f"limit of the whole run (default {QUICK_SECONDS:.0f} quick, {FULL_SECONDS:.0f} full)")
    add("--fail-under", type=float,
        help="exit with status 1 if the main ops score is below this percentage")
    add("--verbose", action="store_true", help="show progress and the library's own output")
    return p


def options(argv=None):
    p = parser()
    opts = p.parse_args(argv)
    opts.item_seconds = opts.item_seconds or (5.0 if opts.quick else 20.0)
    opts.limit = opts.seconds or (QUICK_SECONDS if opts.quick else FULL_SECONDS)
    opts.sections = [s.strip() for s in opts.only.split(",") if s.strip()] or list(SECTIONS)
    for s in opts.sections:
        if s not in SECTIONS:
            p.error(f"unknown section {s!r}")
    return opts


def borrowed_torch(lib):
    """Files of the library that import torch (an independent library has none)."""
    if lib.split(".")[0] == "torch":
        return []
    try:
        spec = importlib.util.find_spec(lib)
    except (ImportError, ValueError):
        return []
    pattern = re.compile(
        r"^\s*(import torch\b|from torch\b)|import_module\(\s*['\"]torch['\"]", re.M)
    found = []
    for root in (spec.submodule_search_locations or []) if spec else []:
        for f in sorted(pathlib.Path(root).rglob("*.py")):
            if pattern.search(f.read_text(errors="replace")):
                found.append(str(f.relative_to(root)))
    return found


def percent(passed, total):
    if not total:
        return "-"
    value = 100.0 * passed / total
    text = f"{value:.1f}"
    return "99.9" if text == "100.0" and passed < total else text


def table(rows):
    width = max(len(label) for label, _, _ in rows) + 2
    out = [f"{'section':<{width}}{'passed':>8}{'total':>8}{'percent':>9}", "-" * (width + 25)]
    for label, passed, total in rows:
        out.append(f"{label:<{width}}{passed:>8}{total:>8}{percent(passed, total):>9}")
    return "\n".join(out)


def run_section(name, opts, deadline=None, only=None):
    """Results of one section, {item: record}; ``only`` limits it to these items."""
    runner = importlib.import_module(f"{PACKAGE}.runner")
    adapter = importlib.import_module(f"{PACKAGE}.adapter")
    section = importlib.import_module(f"{PACKAGE}.{name}")
    section.prepare()
    items = [i for i in section.items(opts) if only is None or i in only]
    start, hard_limit = time.monotonic(), 6 * opts.item_seconds

    def progress(item, result):
        if opts.verbose:
            seconds = time.monotonic() - start
            print(f"[{seconds:7.1f}s] {name} {item}", file=sys.stderr, flush=True)

    results = runner.run_items(items, lambda: section.start(opts), hard_limit=hard_limit,
                               deadline=deadline, verbose=opts.verbose, on_result=progress)
    # items that crashed the library still count: get their totals from an empty library
    crashed = [i for i in items if "crash" in results[i]]
    if crashed:
        empty = runner.run_items(
            crashed, lambda: section.start(opts, adapter.NullSide(opts.lib)),
            hard_limit=hard_limit, deadline=deadline)
        for i in crashed:
            if "crash" not in empty[i] and "not_run" not in empty[i]:
                results[i] = {**empty[i], "crash": results[i]["crash"]}
    return {i: results[i] for i in items}


def main(argv=None):
    opts = options(argv)
    start = time.monotonic()
    find_package()
    sys.path[:0] = [str(pathlib.Path(p).resolve()) for p in opts.path]
    import torch
    torch.set_num_threads(1)
    borrowed = borrowed_torch(opts.lib)
    tables, failures, report, not_run = {}, [], {}, 0
    shares = {s: SECTIONS[s] for s in SECTIONS if s in opts.sections}
    main_score = None
    while shares:
        name = next(iter(shares))
        t0 = time.monotonic()
        left = start + opts.limit - t0
        share = shares.pop(name) / (sum(shares.values()) + SECTIONS[name])
        results = run_section(name, opts, deadline=t0 + max(0.5, left * share))
        section = importlib.import_module(f"{PACKAGE}.{name}")
        found, lines = section.summarise(results, opts)
        skipped = sum(1 for r in results.values() if "not_run" in r)
        not_run += skipped
        tables[name] = found
        failures.append(f"== {name} ==")
        failures.extend(lines or ["no failures"])
        seconds = round(time.monotonic() - t0, 1)
        report[name] = {"seconds": seconds, "not_run": skipped, "rows": found, "items": results}
        if name == "ops":
            main_score = found[0]
            reasons = importlib.import_module(f"{PACKAGE}.op_list").GROUP_REASON
            report[name]["groups"] = {g: {"reason": reasons[g], "operators": ops}
                                      for g, ops in section.scope().items()}

    took = time.monotonic() - start
    path = pathlib.Path(opts.failures or f"conformance-failures-{opts.lib.replace('.', '_')}.txt")
    path.write_text("\n".join(failures) + "\n")
    if opts.json:
        score = main_score and {"passed": main_score[1], "total": main_score[2]}
        out = {"lib": opts.lib, "torch": torch.__version__, "quick": opts.quick,
               "seconds": round(took, 1), "not_run": not_run, "imports_torch": borrowed,
               "main_score": score, "sections": report}
        pathlib.Path(opts.json).write_text(json.dumps(out, indent=1, default=str) + "\n")
    print(f"Conformance of {opts.lib} with torch {torch.__version__.split('+')[0]}"
          f" ({'quick' if opts.quick else 'full'} run, {took:.0f} s)")
    print(table([row for name in ORDER if name in tables for row in tables[name]]))
    if not_run:
        print(f"{not_run} items were not reached within {opts.limit:.0f} s and count as failed.")
    if borrowed:
        where = ", ".join(borrowed[:5])
        print(f"WARNING: {opts.lib} imports torch itself, in {where}: these scores mean nothing.")
    print(f"Failures: {path}")
    if opts.fail_under is not None and main_score is not None:
        if 100.0 * main_score[1] / max(1, main_score[2]) < opts.fail_under:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
