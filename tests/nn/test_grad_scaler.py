"""GradScaler: scaling, skipped steps, growth and backoff, state; and training with it."""

import copy
import pickle

import numpy as np
import pytest

import learntorch
import learntorch.nn
import learntorch.optim
from tests.oracle import alike, needs_torch

INF, NAN = float("inf"), float("nan")


def problem(lib, **options):
    p = lib.nn.Parameter(lib.tensor([1.0, -2.0]))
    q = lib.nn.Parameter(lib.tensor([[3.0]]))
    scaler = lib.amp.GradScaler("cpu", init_scale=8.0, growth_interval=2, **options)
    return p, q, lib.optim.SGD([p, q], lr=0.1), scaler


CASES = {
    "grows and backs off": """
        for factor in (1.0, 2.0, INF, 1.0, NAN, 1.0, 1.0, 1.0):
            o.zero_grad()
            s.scale((p * p).sum() * factor).backward()
            s.step(o)
            s.update()
            out.append((p.detach().clone(), s.get_scale(), s.state_dict()))""",
    "unscaled to be clipped": """
        s.scale((p * p).sum() + q.sum()).backward()
        s.unscale_(o)
        out.append((p.grad.clone(), q.grad.clone()))
        out.append(lib.nn.utils.clip_grad_norm_([p, q], 1.0))
        s.step(o)
        s.update()
        out.append((p, q))""",
    "lists": """
        out += s.scale([p.sum(), (q.sum(), p.prod())])""",
    "a generator": """
        out += list(s.scale(t for t in (p.sum(), q.sum())))""",
    "no tensor": "s.scale(3)",
    "unscaled twice": "s.scale(p.sum()).backward(); s.unscale_(o); s.unscale_(o)",
    "stepped twice": "s.scale(p.sum()).backward(); s.step(o); s.step(o)",
    "unscaled after the step": "s.scale(p.sum()).backward(); s.step(o); s.unscale_(o)",
    "a closure": "s.scale(p.sum()).backward(); s.step(o, closure=lambda: 1)",
    "never scaled": "p.sum().backward(); s.step(o)",
    "update, never scaled": "s.update()",
    "no gradients": "s.scale(p.sum()); s.step(o)",
    "update without step": "s.scale(p.sum()).backward(); s.update()",
    "half gradients": """
        h = lib.nn.Parameter(lib.ones(2, dtype=lib.float16))
        s.scale(h.sum()).backward()
        s.unscale_(lib.optim.SGD([h], lr=.1))""",
    "a scale of one's own": """
        s.scale(p.sum()).backward()
        s.update(3.0)
        out.append(s.get_scale())
        s.update(lib.tensor(5.0))
        out.append(s.get_scale())""",
    "a scale that is no scalar": "s.scale(p.sum()); s.update(lib.ones(2))",
    "loaded": """
        s.load_state_dict({"scale": 4.0, "growth_factor": 3.0, "backoff_factor": .25,
                           "growth_interval": 7, "_growth_tracker": 5})
        out.append((s.state_dict(), s.scale(p.sum())))
        s.load_state_dict({**s.state_dict(), "scale": 2.0})
        out.append((s.get_scale(), s.get_growth_factor(), s.get_backoff_factor(),
                    s.get_growth_interval()))""",
    "loaded from nothing": "s.load_state_dict({})",
    "pickled": """
        s.scale(p.sum()).backward()
        s.step(o)
        s.update()
        again = pickle.loads(pickle.dumps(s))
        out.append((again.state_dict(), again.is_enabled(), again.scale(p.sum())))""",
    "pickled in the middle": "s.scale(p.sum()).backward(); s.unscale_(o); pickle.dumps(s)",
    "settings": """
        s.set_growth_factor(4.0)
        s.set_backoff_factor(.1)
        s.set_growth_interval(9)
        out.append(s.state_dict())""",
    "wrong growth": "lib.amp.GradScaler('cpu', growth_factor=1.0)",
    "wrong backoff": "lib.amp.GradScaler('cpu', backoff_factor=1.0)",
    "disabled": """
        d = lib.amp.GradScaler("cpu", enabled=False)
        d.scale(p.sum()).backward()
        d.unscale_(o)
        d.step(o)
        d.update()
        out.append((p, d.get_scale(), d.state_dict(), d.is_enabled(), d._get_growth_tracker()))""",
    "an optimizer that divides": """
        class Own(lib.optim.SGD):
            _step_supports_amp_scaling = True
            def step(self):
                out.append((self.grad_scale, self.found_inf))
        own = Own([p, q], lr=.1)
        s.scale(p.sum() * INF).backward()
        s.step(own)
        s.update()
        out.append((s.get_scale(), hasattr(own, "grad_scale")))""",
}


@needs_torch
@pytest.mark.parametrize("case", CASES)
def test_case_is_pytorchs(case):
    def run(lib):
        p, q, o, s = problem(lib)
        names = {"lib": lib, "p": p, "q": q, "o": o, "s": s, "out": [], "INF": INF, "NAN": NAN,
                 "pickle": pickle}
        exec("if True:" + CASES[case] if CASES[case][0] == "\n" else CASES[case], names)
        return names["out"]
    alike(run)


def test_a_skipped_step_changes_nothing():
    """Not the parameters, and not the optimizer's memory either."""
    p, q, _, scaler = problem(learntorch)
    optimizer = learntorch.optim.Adam([p, q], lr=0.1)
    for factor in (1.0, INF):
        before = p.detach().clone(), copy.deepcopy(optimizer.state_dict()["state"])
        optimizer.zero_grad()
        scaler.scale((p * factor).sum()).backward()
        scaler.step(optimizer)
        scaler.update()
    assert p.equal(before[0])
    assert optimizer.state_dict()["state"][0]["step"] == before[1][0]["step"]
    assert scaler.get_scale() == 4.0


def test_small_gradients_survive():
    """1e-4 · 1e-4 is 0 in float16; with a scale the gradient arrives."""
    x = learntorch.full((1,), 1e-4, dtype=learntorch.float16)
    found = []
    for scale in (1.0, 2.0**12):
        w = learntorch.nn.Parameter(learntorch.zeros(1, dtype=learntorch.float16))
        scaler = learntorch.amp.GradScaler("cpu", init_scale=scale)
        scaler.scale((w * x * x).float().sum()).backward()
        found.append(w.grad.item() / scale)
    assert found[0] == 0
    assert abs(found[1] - 1e-8) < 1e-10


@needs_torch
def test_training_with_both_is_pytorchs():
    """autocast in float16 and a scaler: the same scales and nearly the same losses."""
    def run(lib):
        lib.manual_seed(0)
        model = lib.nn.Sequential(lib.nn.Linear(6, 16), lib.nn.ReLU(), lib.nn.Linear(16, 3))
        optimizer = lib.optim.AdamW(model.parameters(), lr=1e-2)
        scaler = lib.amp.GradScaler("cpu", growth_interval=3)
        x = lib.arange(60.).reshape(10, 6).sin()
        y = lib.arange(10) % 3
        losses, scales = [], []
        for _ in range(12):
            optimizer.zero_grad()
            with lib.autocast("cpu", dtype=lib.float16):
                loss = lib.nn.functional.cross_entropy(model(x), y)
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
            losses.append(loss.item())
            scales.append(scaler.get_scale())
        return scales, lib.tensor(losses)
    scales, losses = alike(run, rtol=2e-3, atol=0)
    assert np.isfinite(losses.numpy()).all() and losses[-1] < losses[0]
    assert scales[0] != scales[-1]
