"""What passes stays passing: ratchet.json lists it, and this tool measures it again.

    python tests/conformance/ratchet.py --update               # measure everything, add what passes
    python tests/conformance/ratchet.py --update --allow-loss  # also take off what passes no more
    python tests/conformance/ratchet.py --check ops modules    # what CI does: fails, naming losses

An update runs the full harness and then the quick one, and an item enters when both say it
passes. A check runs every listed item in quick mode, and a fixed sample of the operators in full,
with their variants (method, in-place, out=, second order...).
"""
import os

for _var in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"):
    os.environ.setdefault(_var, "1")

import argparse  # noqa: E402
import importlib  # noqa: E402
import json  # noqa: E402
import pathlib  # noqa: E402
import sys  # noqa: E402
import zlib  # noqa: E402

if __package__ in (None, ""):
    sys.path[0] = str(pathlib.Path(__file__).resolve().parents[2])

from tests.conformance import grades, run  # noqa: E402

FILE = run.HERE / "ratchet.json"
SECTIONS = ("ops", "modules", "optims", "rng", "api")
CHECKS = ("ops", "variants", "modules", "optims", "rng", "api")
SAMPLE = 10                     # one operator in so many is checked in full, with its variants
PATIENCE = {True: 20.0, False: 60.0}       # seconds for one item, quick and full: machines are busy


# ---- what a record of the harness says -------------------------------------------------------

def perfect(tally):
    return bool(tally["n"]) and tally["ok"] == tally["n"]


def op_aspects(record):
    """The aspects of an operator that pass completely: 'main', other dtypes, variants."""
    if "units" not in record:
        return set()
    units = record["units"]
    main = [units[d] for d in record["main"] if d in units]
    found = {d for d, u in units.items() if d not in record["main"] and perfect(u)}
    found |= {v for v, tally in record["variants"].items() if perfect(tally)}
    if any(u["n"] for u in main) and all(u["ok"] == u["n"] for u in main):
        found.add("main")
    if any(u["rng_n"] for u in main) and all(u["rng_ok"] == u["rng_n"] for u in main):
        found.add("rng")
    return found


def passing(section, results):
    """Of the harness's records, {item: aspects that pass}; for the API section {item: a count}."""
    if section == "ops":
        found = {name: op_aspects(record) for name, record in results.items()}
        return {name: " ".join(sorted(aspects)) for name, aspects in found.items() if aspects}
    if section == "api":
        return {space: r["present"] for space, r in results.items() if "present" in r}
    if section == "rng":
        return {name: "all" for name, r in results.items() if grades.passes(name, r)}
    return {name: "all" for name, r in results.items()
            if r.get("n") and "crash" not in r and r["ok"] == r["n"]}


def reason(section, record, aspect="main"):
    """One line of what the harness noted about a failed item."""
    if "crash" in record or "not_run" in record:
        return record.get("crash") or "not reached in time"
    if section == "ops":
        names = record["main"] if aspect in ("main", "rng") else [aspect]
        tallies = {**record["units"], **record["variants"]}
        notes = [(d, note) for d in names if d in tallies for note in tallies[d]["fail"]]
        return "; ".join(f"{d} sample {i} {kind}: {text}" for d, (i, kind, text) in notes[:2]) \
            or "no sample of it was run"
    if section == "api":
        return "missing " + ", ".join(record["missing"])
    return "; ".join(" ".join(map(str, note)) for note in record["fail"][:2])


# ---- measuring --------------------------------------------------------------------------------

def measure(section, lib, quick, only=None):
    """The harness's records of a section, for the items in ``only`` (None: all of them)."""
    opts = run.options(["--lib", lib, "--item-seconds", str(PATIENCE[quick])]
                       + ["--quick"] * quick)
    return run.run_section(section, opts, only=only)


def sampled(names):
    """A tenth of the names, the same on every machine and little disturbed by new ones."""
    return [n for n in sorted(names) if zlib.crc32(n.encode()) % SAMPLE == 0]


def lost(section, listed, results, ignore=()):
    """One sentence for each listed item (and aspect) that passes no more."""
    now, said = passing(section, results), []
    for name, had in sorted(listed.items()):
        record = results.get(name, {"crash": "the harness does not know this item any more"})
        if section == "api":
            if now.get(name, 0) < had:
                said.append(f"{name}: {now.get(name, 0)} public names, there were {had}; "
                            + reason(section, record))
            continue
        gone = set(had.split()) - set(now.get(name, "").split()) - set(ignore)
        said.extend(f"{section} {name} [{aspect}] no longer passes: "
                    f"{reason(section, record, aspect)}" for aspect in sorted(gone))
    return said


def check(what, lib="learntorch"):
    """The losses of one part of the ratchet, as sentences (none: all is well)."""
    if what == "variants":
        table = load()["ops"]
        listed = {name: table[name] for name in sampled(table)}
        return lost("ops", listed, measure("ops", lib, False, only=set(listed)))
    listed = load()[what]
    if what == "ops":           # other dtypes and variants are not part of a quick run
        listed = {n: " ".join({"main", "rng"} & set(a.split())) for n, a in listed.items()}
    return lost(what, listed, measure(what, lib, True, only=set(listed)))


# ---- the file --------------------------------------------------------------------------------

def load():
    if not FILE.exists():
        return {section: {} for section in SECTIONS}
    return json.loads(FILE.read_text())


def save(table):
    """One line for an item, so that a change reads as what was won or lost."""
    FILE.write_text(json.dumps({s: dict(sorted(table[s].items())) for s in SECTIONS}, indent=1)
                    + "\n")


def merge(section, old, new, allow_loss):
    """The listed items with what was won; with ``allow_loss`` exactly what passes now."""
    if allow_loss:
        return new
    if section == "api":
        return {k: max(old.get(k, 0), new.get(k, 0)) for k in {**old, **new}}
    return {k: " ".join(sorted({*old.get(k, "").split(), *new.get(k, "").split()}))
            for k in {**old, **new}}


def measured(section, lib):
    """What passes both the full and the quick run."""
    full = passing(section, measure(section, lib, False))
    if section == "api":
        return full
    quick = passing(section, measure(section, lib, True, only=set(full)))
    good = {}
    for name, aspects in full.items():
        core = {"main", "rng"} if section == "ops" else {"all"}
        missing = core & set(aspects.split()) - set(quick.get(name, "").split())
        kept = set(aspects.split()) - missing
        if kept:
            good[name] = " ".join(sorted(kept))
    return good


def update(sections, lib, allow_loss=False):
    table = load()
    for section in sections:
        new = measured(section, lib)
        merged = merge(section, table[section], new, allow_loss)
        if section == "api":
            print(f"{section}: {sum(merged.values())} names")
        else:
            won, gone = set(merged) - set(table[section]), set(table[section]) - set(new)
            print(f"{section}: {len(merged)} items pass, {len(won)} of them new")
            if gone and not allow_loss:
                print(f"  listed, but not passing now (kept): {', '.join(sorted(gone))}")
        table[section] = merged
    save(table)


def main(argv=None):
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--update", action="store_true", help="measure and rewrite ratchet.json")
    p.add_argument("--allow-loss", action="store_true", help="let an update take items off")
    p.add_argument("--check", nargs="*", choices=[*CHECKS, []], help="parts to check (default all)")
    p.add_argument("--only", default="", help="sections to update: " + ", ".join(SECTIONS))
    p.add_argument("--lib", default=os.environ.get("CONFORMANCE_LIB", "learntorch"))
    opts = p.parse_args(argv)
    importlib.import_module("torch").set_num_threads(1)
    if opts.update:
        update([s for s in opts.only.split(",") if s] or SECTIONS, opts.lib, opts.allow_loss)
        return 0
    said = [sentence for what in opts.check or CHECKS for sentence in check(what, opts.lib)]
    print("\n".join(said) or "Everything listed passes.")
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
