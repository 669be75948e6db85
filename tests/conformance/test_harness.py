"""The harness sees what is wrong: PyTorch with one thing spoilt, measured against PyTorch."""
import importlib.util
import sys
import types
import warnings

import pytest

NEEDED = ("torch", "scipy", "expecttest", "hypothesis")
missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
if missing:
    pytest.skip(f"live oracle not run: {', '.join(missing)} not installed",
                allow_module_level=True)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import torch

    from tests.conformance import op_list, ratchet, run
    from tests.conformance.adapter import Side
    from tests.conformance.limits import Budget
    from tests.conformance.op_tester import OpTester

    OPS = op_list.load_ops()

pytestmark = pytest.mark.oracle


class Spoilt(types.ModuleType):
    """PyTorch under another name, with some functions replaced."""

    def __init__(self, **functions):
        super().__init__("spoilt")
        self.__dict__.update(functions)

    def __getattr__(self, name):
        return getattr(torch, name)


class WrongGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return torch.exp(x)

    @staticmethod
    def backward(ctx, g):
        return g * 1.001


class Unrecorded(torch.autograd.Function):
    """exp with a right gradient that cannot be differentiated again."""

    @staticmethod
    def forward(ctx, x):
        ctx.out = torch.exp(x).detach()
        return ctx.out.clone()

    @staticmethod
    def backward(ctx, g):
        return g * ctx.out


def raises(x, *args, **kwargs):
    raise RuntimeError("not today")


def spoil(monkeypatch, name, **functions):
    monkeypatch.setitem(sys.modules, "spoilt", Spoilt(**functions))
    return OpTester(Side("torch"), Side("spoilt"), OPS[name], Budget(30))


def kinds(tally):
    return {kind for _, kind, _ in tally["fail"]}


@pytest.mark.parametrize("wrong, kind", [
    (lambda x, **kw: torch.exp(x, **kw) * 1.001, "value"),
    (lambda x, **kw: torch.exp(x, **kw).double(), "value"),
    (lambda x, **kw: torch.exp(x, **kw).detach(), "value"),
    (lambda x, **kw: torch.exp(x, **kw).unsqueeze(0), "value"),
    (lambda x, **kw: torch.exp(x, **kw).tolist(), "value"),
    (lambda x, **kw: torch.exp(x.mul_(1.5), **kw) if not x.requires_grad else raises(x), "raised"),
    (WrongGradient.apply, "grad"),
    (raises, "raised"),
])
def test_a_wrong_function_fails(monkeypatch, wrong, kind):
    tally = spoil(monkeypatch, "exp", exp=wrong).unit("float32", 5)
    assert tally["ok"] < tally["n"]              # empty samples have no values to be wrong
    assert kinds(tally) == {kind}


def test_a_right_function_passes(monkeypatch):
    tally = spoil(monkeypatch, "exp", exp=lambda x, **kw: torch.exp(x, **kw)).unit("float32", 5)
    assert tally["n"] == tally["ok"] > 0


def test_second_order_is_seen(monkeypatch):
    tally = spoil(monkeypatch, "exp", exp=Unrecorded.apply).second_order("float64", 3)
    assert tally["n"] and tally["ok"] < tally["n"]
    assert spoil(monkeypatch, "exp").second_order("float64", 3)["ok"] == tally["n"]


def test_out_is_seen(monkeypatch):
    def forgets(x, out=None):
        return torch.exp(x)
    tally = spoil(monkeypatch, "exp", exp=forgets).out_variant("float32", 3)
    assert tally["ok"] < tally["n"]


@pytest.mark.parametrize("source", ["noncontiguous", "0-d", "empty"])
def test_edge_samples_are_run_and_seen(monkeypatch, source):
    def fails(x, **kw):
        bad = {"noncontiguous": x.ndim and x.numel() and not x.is_contiguous(),
               "0-d": x.ndim == 0, "empty": x.numel() == 0}[source]
        return raises(x) if bad else torch.exp(x, **kw)
    tally = spoil(monkeypatch, "exp", exp=fails).unit("float32", 20, source=source)
    assert tally["ok"] < tally["n"]
    fine = spoil(monkeypatch, "exp").unit("float32", 20, source=source)
    assert fine["ok"] == fine["n"] == tally["n"]


def test_errors_are_seen(monkeypatch):
    def lenient(*args, **kwargs):
        try:
            return torch.cat(*args, **kwargs)
        except RuntimeError:
            raise ValueError("no") from None

    def mute(*args, **kwargs):
        try:
            return torch.cat(*args, **kwargs)
        except RuntimeError:
            raise RuntimeError("no") from None
    fine = spoil(monkeypatch, "cat").error_inputs(40)
    assert fine["ok"] == fine["n"] > 3 and not fine["msg_fail"]
    assert spoil(monkeypatch, "cat", cat=lenient).error_inputs(40)["ok"] < fine["ok"]
    silent = spoil(monkeypatch, "cat", cat=mute).error_inputs(40)
    assert silent["ok"] == fine["ok"] and silent["msg_fail"]


def test_randomness_is_seen(monkeypatch):
    def other(x, *args, **kwargs):
        torch.rand(1)
        return torch.bernoulli(x, *args, **kwargs)
    tally = spoil(monkeypatch, "bernoulli", bernoulli=other).unit("float32", 5)
    assert tally["rng_n"] and not tally["rng_ok"]


def test_a_wrong_module_optimizer_and_seed_fail(monkeypatch, tmp_path):
    """Through the real runner: forked children, a library found by name."""
    (tmp_path / "spoilt_library.py").write_text(
        "import torch\n"
        "from torch import *\n"
        "from torch import nn, optim, autograd, Tensor, utils, random, linalg, special, fft\n"
        "def manual_seed(seed):\n"
        "    return torch.manual_seed(seed + 1)\n")
    monkeypatch.syspath_prepend(tmp_path)
    for section, only, passes in (("rng", {"rand", "randperm"}, False),
                                  ("optims", {"optim:SGD"}, True),
                                  ("modules", {"nn.Linear"}, True)):
        opts = run.options(["--lib", "spoilt_library", "--quick"])
        results = run.run_section(section, opts, only=only)
        assert set(results) == only
        assert bool(ratchet.passing(section, results)) == passes, results


def test_a_crash_is_recorded_and_the_rest_measured(monkeypatch, tmp_path):
    (tmp_path / "crashing_library.py").write_text(
        "import os\n"
        "from torch import *\n"
        "from torch import nn, autograd, Tensor, special, linalg, fft\n"
        "def exp2(x, **kw):\n"
        "    os.kill(os.getpid(), 9)\n")
    monkeypatch.syspath_prepend(tmp_path)
    opts = run.options(["--lib", "crashing_library", "--quick", "--match", "exp"])
    results = run.run_section("ops", opts, only={"exp", "exp2", "expm1"})
    assert "signal 9" in results["exp2"]["crash"]
    assert set(ratchet.passing("ops", results)) == {"exp", "expm1"}
