"""Everything that ratchet.json lists still passes; a failure names the item and the reason."""
import importlib.util
import json
import os
import subprocess
import sys

import pytest

from tests.conformance import ratchet

NEEDED = ("torch", "scipy", "expecttest", "hypothesis")
missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
oracle = pytest.mark.oracle
needs_harness = pytest.mark.skipif(
    bool(missing), reason=f"live oracle not run: {', '.join(missing)} not installed")
LIB = os.environ.get("CONFORMANCE_LIB", "learntorch")


@oracle
@needs_harness
@pytest.mark.parametrize("part", ratchet.CHECKS)
def test_listed_items_still_pass(part):
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.conformance.ratchet", "--lib", LIB,
         "--check", part], cwd=ratchet.run.ROOT, capture_output=True, text=True, timeout=900)
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-3000:]
    assert "Everything listed passes." in run.stdout


def test_file_is_sorted_and_lists_something():
    table = ratchet.load()
    assert list(table) == list(ratchet.SECTIONS)
    for section, items in table.items():
        assert items, f"ratchet.json lists nothing under {section}"
        assert list(items) == sorted(items), f"{section} is not sorted: use --update"
    assert len(ratchet.sampled(table["ops"])) >= 5


def record(ok, n=3, **more):
    """A record of an operator as the harness writes it."""
    unit = {"n": n, "ok": ok, "rng_n": 0, "rng_ok": 0, "fail": [[1, "value", "off by 2"]]}
    return {"group": "main", "main": ["float32"], "units": {"float32": unit}, "variants": more}


def test_a_failing_item_is_named_with_its_reason():
    said = ratchet.lost("ops", {"abs": "main", "add": "main"}, {"abs": record(2), "add": record(3)})
    assert said == ["ops abs [main] no longer passes: float32 sample 1 value: off by 2"]


def test_a_failing_variant_is_named():
    out = {"n": 2, "ok": 1, "fail": [[0, "out", "shape"]]}
    said = ratchet.lost("ops", {"abs": "main out"}, {"abs": record(3, out=out)})
    assert said == ["ops abs [out] no longer passes: out sample 0 out: shape"]


@pytest.mark.parametrize("result", [{}, {"abs": {"crash": "process died (signal 11)"}},
                                    {"abs": {"not_run": True}}, {"abs": record(0, 0)}])
def test_what_was_not_run_counts_as_lost(result):
    assert len(ratchet.lost("ops", {"abs": "main"}, result)) == 1


def test_other_sections_report_losses():
    bad = {"n": {"forward": 2}, "ok": {"forward": 1}, "fail": [["float32", "forward", "differs"]]}
    assert "Linear" in ratchet.lost("modules", {"Linear": "all"}, {"Linear": bad})[0]
    rng = {"n": 2, "grades": [1, 0, 0, 1], "fail": [["seed 0", "rng", "different"]]}
    assert "randn" in ratchet.lost("rng", {"randn": "all"}, {"randn": rng})[0]
    names = {"torch.nn": {"present": 3, "missing": ["Linear"]}}
    assert "Linear" in ratchet.lost("api", {"torch.nn": 4}, names)[0]
    assert ratchet.lost("api", {"torch.nn": 3}, names) == []


def test_update_only_adds_unless_told(tmp_path, monkeypatch):
    monkeypatch.setattr(ratchet, "FILE", tmp_path / "ratchet.json")
    ratchet.save({"ops": {"abs": "main", "add": "main out"}, "modules": {}, "optims": {}, "rng": {},
                  "api": {}})
    monkeypatch.setattr(ratchet, "measured", lambda *_: {"add": "main method", "exp": "main"})
    ratchet.update(["ops"], "none")
    assert json.loads(ratchet.FILE.read_text())["ops"] == {
        "abs": "main", "add": "main method out", "exp": "main"}
    ratchet.update(["ops"], "none", allow_loss=True)
    assert ratchet.load()["ops"] == {"add": "main method", "exp": "main"}
