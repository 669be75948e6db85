"""Every exercise of every chapter: the solution passes, and likely wrong answers do not."""

import copy
import importlib
import math
from pathlib import Path

import numpy as np
import pytest

import learntorch as torch
from course import checks, solutions
from course.checks.framework import run

ALL = [name for chapter in checks.chapters() for name in checks.exercises(chapter)]


def task(name):
    return getattr(checks.module(name[3:5]), name)


def answer(source, name):
    space = {"torch": torch, "nn": torch.nn, "np": np, "F": torch.nn.functional, "math": math,
             "copy": copy}
    exec(source, space)
    return space[name]


@pytest.mark.parametrize("name", ALL)
def test_the_solution_passes(name):
    result = run(task(name), answer(solutions.solution(name), name))
    assert result.status == "passed", result
    assert result.cases


@pytest.mark.parametrize("name", ALL)
def test_three_hints_or_more_and_a_docstring(name):
    assert len(task(name).hints) >= 3
    assert task(name).__doc__


def quadratic(start, forward=None):
    """A class with parameters a, b and c that begin at `start`."""

    class Quadratic(torch.nn.Module):
        def __init__(self):
            super().__init__()
            for name in "abc":
                setattr(self, name, torch.nn.Parameter(start.clone()))

    Quadratic.forward = forward or (lambda self, x: self.a * x**2 + self.b * x + self.c)
    return Quadratic


def backward_and_add(f, inputs):
    """An answer to 05.5 that walks back through each graph, which a mean does not need."""
    total = 0.0
    for x in inputs:
        loss = f(x)
        loss.backward()
        total += loss.item()
    return total


def hooked(remove, twice=False, every=False):
    """An answer to 06.5 that forgets its hooks, calls the model again, or hooks every module."""

    def answer(model, x):
        shapes = []
        hooks = [
            m.register_forward_hook(lambda m, given, out: shapes.append(tuple(out.shape)))
            for m in model.modules()
            if every or isinstance(m, torch.nn.Linear)
        ]
        model(x)
        for hook in hooks if remove else ():
            hook.remove()
        if twice:
            model(x)
        return shapes

    return answer


WRONG = {
    "ex_00_1": [6, 5, 8.5, torch.tensor(8)],
    "ex_00_2": [
        lambda x: 2 * x,
        lambda x: 2 * (x + 1),
        lambda x: x * x + 1,
        lambda x: 2 * x.float() + 1,
    ],
    "ex_00_3": [
        lambda at: 3 * at,
        lambda at: at**3,
        lambda at: torch.tensor(3 * at * at),
        lambda at: abs(3 * at * at) if at > 0 else 0.0,
    ],
    "ex_01_1": [
        torch.arange(1.0, 7.0).reshape(2, 3),
        torch.arange(6).reshape(2, 3),
        torch.arange(1, 7),
        torch.arange(1, 7).reshape(3, 2),
    ],
    "ex_01_2": [
        lambda n, low, high: torch.rand(n),
        lambda n, low, high: torch.rand(n) * high + low,
        lambda n, low, high: torch.randn(n).clamp(low, high),
        lambda n, low, high: torch.full((n,), (low + high) / 2),
        lambda n, low, high: (torch.manual_seed(0), low + (high - low) * torch.rand(n))[1],
        lambda n, low, high: torch.linspace(low, high, n),
        lambda n, low, high: low + (high - low) * torch.rand(n) ** 2,
        lambda n, low, high: [low] * n,
        lambda n, low, high: low,
    ],
    "ex_01_3": [
        lambda t: t.numel() * 4,
        lambda t: t.element_size(),
        lambda t: len(t) * t.element_size(),
        lambda t: float(t.numel()),
    ],
    "ex_01_4": [
        lambda picture, more: picture + more,
        lambda picture, more: (picture + more).clamp(0, 255),
        lambda picture, more: (picture.float() + more).clamp(0, 255),
        lambda picture, more: (picture.float() + more).to(torch.uint8),
        lambda picture, more: (picture.float() + more).clamp(max=255).to(torch.uint8),
        lambda picture, more: (picture.to(torch.int8).long() + more).clamp(0, 255).to(torch.uint8),
        lambda picture, more: (picture.float() + more).clamp(0, 255).to(torch.uint8).reshape(-1),
        lambda picture, more: picture.copy_((picture.float() + more).clamp(0, 255)),
    ],
    "ex_01_5": [
        lambda shape, index: index[0] * shape[1] + index[1],
        lambda shape, index: sum(i * n for i, n in zip(index, shape[1:] + (1,))),
        lambda shape, index: sum(i * n for i, n in zip(index, shape)),
        lambda shape, index: sum(index),
        lambda shape, index: math.prod(index),
        lambda shape, index: sum(
            i * math.prod(shape[:k]) for k, i in enumerate(index)
        ),
        lambda shape, index: torch.arange(math.prod(shape)).view(shape)[index],
    ],
    "ex_02_1": [
        torch.tensor([[20.5, 21.0, 19.5], [18.0, 22.5, 23.0]], dtype=torch.float64),
        torch.tensor([20.5, 21.0, 19.5, 18.0, 22.5, 23.0]),
        torch.tensor([[20, 21, 19], [18, 22, 23]]),
        torch.zeros(2, 3),
    ],
    "ex_02_2": [
        lambda array: torch.from_numpy(array),
        lambda array: torch.from_numpy(array).float(),
        lambda array: torch.tensor(array),
        lambda array: torch.as_tensor(array, dtype=torch.float32),
        lambda array: torch.tensor(array.tolist(), dtype=torch.float32).reshape(-1),
        lambda array: (torch.tensor(array, dtype=torch.float32), array.fill(0))[0],
    ],
    "ex_02_3": [
        lambda t: t.numpy(),
        lambda t: t.detach(),
        lambda t: t.detach().clone().numpy(),
        lambda t: np.array(t.tolist()),
        lambda t: t.detach().numpy().reshape(-1),
    ],
    "ex_02_4": [
        lambda picture: torch.from_numpy(picture[:, ::-1]),
        lambda picture: torch.from_numpy(picture[::-1].copy()),
        lambda picture: torch.from_numpy(picture).flip(0),
        lambda picture: torch.from_numpy(picture[:, ::-1].copy()).float(),
        lambda picture: torch.from_numpy(picture),
    ],
    "ex_02_5": [
        lambda t, array: t.tolist() == array.tolist(),
        lambda t, array: t.data_ptr() == array.ctypes.data,
        lambda t, array: np.may_share_memory(t.numpy(), array),
        lambda t, array: t.dtype == torch.float64,
        lambda t, array: True,
        lambda t, array: (array.fill(99), bool((t == 99).any()))[1],
    ],
    "ex_04_1": [
        lambda f, at: (f(at + 0.01) - f(at)) / 0.01,
        lambda f, at: torch.tensor(2.0 * at),
        lambda f, at: float(torch.autograd.functional.jacobian(f, torch.tensor(at))),
        lambda f, at: 2.0 * at,
    ],
    "ex_04_2": [
        lambda f, x, v: (f(x.requires_grad_()).backward(v), x.grad)[1],
        lambda f, x, v: torch.autograd.functional.jacobian(f, x) @ torch.ones(len(x)),
        lambda f, x, v: torch.autograd.functional.jacobian(f, x).sum(0),
        lambda f, x, v: f(x) * v,
        lambda f, x, v: torch.autograd.grad(f(x.requires_grad_()), x, v)[0],
    ],
    "ex_04_3": [
        lambda f, x: torch.autograd.functional.jacobian(f, x).t(),
        lambda f, x: torch.autograd.functional.jacobian(f, x).cumsum(0),
        lambda f, x: torch.autograd.functional.jacobian(f, x).sum(0),
        lambda f, x: torch.autograd.functional.jacobian(f, x).tolist(),
    ],
    "ex_04_4": [
        lambda f, start, rate, steps: start,
        lambda f, start, rate, steps: start
        - steps * rate * torch.autograd.functional.jacobian(f, start),
        lambda f, start, rate, steps: start
        + rate * torch.autograd.functional.jacobian(f, start),
        lambda f, start, rate, steps: start.zero_(),
    ],
    "ex_04_5": [
        lambda g, a, b: (g / b, g * a / (b * b)),
        lambda g, a, b: (1 / b, -a / (b * b)),
        lambda g, a, b: (g * b, g * a),
        lambda g, a, b: g / b,
    ],
    "ex_03_1": [
        lambda picture: picture[1:-1],
        lambda picture: picture[1:, 1:],
        lambda picture: picture[1:-1, 1:-1].clone(),
        lambda picture: picture[1:3, 1:3],
        lambda picture: picture[:-2, :-2],
    ],
    "ex_03_2": [
        lambda t, low, high: t[(t > low) & (t < high)],
        lambda t, low, high: t[(t >= low) | (t <= high)],
        lambda t, low, high: t[t >= low],
        lambda t, low, high: t.clamp(low, high).reshape(-1),
        lambda t, low, high: t[(t >= low) & (t <= high)].sort().values,
        lambda t, low, high: (t >= low) & (t <= high),
    ],
    "ex_03_3": [
        lambda points: points - points.mean(),
        lambda points: points - points.mean(dim=1),
        lambda points: points - points.mean(dim=0),
        lambda points: points - points.mean(dim=0, keepdim=True),
        lambda points: points - points.sum(dim=1, keepdim=True),
        lambda points: points.sub_(points.mean(dim=1, keepdim=True)),
    ],
    "ex_03_4": [
        lambda pictures: pictures.reshape(-1, pictures.shape[1]),
        lambda pictures: pictures.permute(0, 2, 3, 1),
        lambda pictures: pictures.permute(0, 3, 2, 1).reshape(-1, pictures.shape[1]),
        lambda pictures: pictures.permute(2, 3, 0, 1).reshape(-1, pictures.shape[1]),
        lambda pictures: pictures.permute(0, 2, 3, 1).view(-1, pictures.shape[1]),
    ],
    "ex_03_5": [
        lambda a, b: ((a - b) ** 2).sum(dim=1),
        lambda a, b: ((a.unsqueeze(1) - b) ** 2).sum(dim=1),
        lambda a, b: ((b.unsqueeze(1) - a) ** 2).sum(dim=2),
        lambda a, b: (a.unsqueeze(1) - b).abs().sum(dim=2),
        lambda a, b: ((a.unsqueeze(1) - b) ** 2).sum(dim=2).sqrt(),
        lambda a, b: ((a.unsqueeze(0) - b) ** 2).sum(dim=2),
    ],
    "ex_05_1": [
        [5, 10, -6],
        [2, 10, -6],
        [3, 2, 2],
        [3, 10, 6],
        [3, 2, 8],
        [3, -6, 10],
        [3, 10],
        ["3", 10, -6],
        [3, torch.tensor(10.0), -6],
    ],
    "ex_05_2": [
        lambda t: 0 if t.grad_fn is None else 1 + len(t.grad_fn.next_functions),
        lambda t: 3,
    ],
    "ex_05_3": [
        lambda x: x / 2,
        lambda x: x.detach() / 2 if x > 1 else x,
        lambda x: torch.where(x > 1, x / 2, x),
        lambda x: x.detach(),
    ],
    "ex_05_4": [
        [True] * 5,
        [False, True, False, True, True],
        [False, True, False, True],
        [0, 1, 0, 1, 0],
        [False, True, False, "True", False],
    ],
    "ex_05_5": [
        lambda f, inputs: (sum(f(x) for x in inputs) / len(inputs)).item(),
        lambda f, inputs: sum([f(x) for x in inputs]).item() / len(inputs),
        lambda f, inputs: torch.stack([f(x) for x in inputs]).mean().item(),
        lambda f, inputs: sum(f(x).item() for x in inputs),
        lambda f, inputs: sum(f(x).detach() for x in inputs) / len(inputs),
        lambda f, inputs: f(sum(inputs) / len(inputs)).item(),
        lambda f, inputs: sum(f(x).item() for x in inputs) / sum(1 for x in inputs if f(x) > 0),
        lambda f, inputs: sum((f(x).backward(), f(x).item())[1] for x in inputs) / len(inputs),
        lambda f, inputs: backward_and_add(f, inputs) / len(inputs),
    ],
    "ex_06_1": [300, 325, 220, 320.5],
    "ex_06_2": [
        lambda model: (sum(p.numel() for p in model.parameters()), 0),
        lambda model: sum(p.numel() for p in model.parameters()),
        lambda model: (
            sum(p.requires_grad for p in model.parameters()),
            sum(not p.requires_grad for p in model.parameters()),
        ),
        lambda model: (sum(p.numel() for m in model.modules() for p in m.parameters()), 0),
    ],
    "ex_06_3": [
        torch.nn.Linear(2, 1),
        torch.nn.Tanh,
        type("PlainTensors", (torch.nn.Module,), {"a": 0.0, "forward": lambda self, x: x}),
        quadratic(torch.ones(())),
        quadratic(torch.zeros(()), forward=lambda self, x: self.a * x + self.b * x + self.c),
        quadratic(torch.zeros(()), forward=lambda self, x: self.a.item() * x**2 + self.b.item() * x
                  + self.c.item()),
    ],
    "ex_06_4": [
        lambda sizes: torch.nn.Sequential(
            *(torch.nn.Linear(n, m) for n, m in zip(sizes, sizes[1:], strict=False))
        ),
        lambda sizes: torch.nn.Sequential(torch.nn.Linear(sizes[0], sizes[-1])),
        lambda sizes: [torch.nn.Linear(sizes[0], sizes[-1])],
        lambda sizes: torch.nn.Sequential(
            *(
                part
                for n, m in zip(sizes, sizes[1:], strict=False)
                for part in (torch.nn.Linear(n, m), torch.nn.Tanh())
            )
        ),
    ],
    "ex_06_5": [
        lambda model, x: [tuple(model(x).shape)],
        lambda model, x: [(len(x), m.out_features) for m in model.modules()
                          if isinstance(m, torch.nn.Linear)],
        hooked(remove=False),
        hooked(remove=True, twice=True),
        hooked(remove=True, every=True),
    ],
}


# Later chapters keep theirs in files of their own: wrong_answers_NN.py, with a WRONG like this one.
for file in sorted(Path(__file__).parent.glob("wrong_answers_[0-9][0-9].py")):
    WRONG |= importlib.import_module(f"{__package__}.{file.stem}").WRONG


def test_there_are_wrong_answers_for_every_exercise():
    assert sorted(WRONG) == sorted(ALL)


@pytest.mark.parametrize(("name", "number"), [(n, i) for n in WRONG for i in range(len(WRONG[n]))])
def test_a_wrong_answer_fails(name, number):
    result = run(task(name), WRONG[name][number])
    assert result.status == "failed"
    assert result.reason


def test_counting_ways_in_place_of_nodes_is_found_out():
    def ways(t):
        def count(node):
            if node is None or node.name().endswith("AccumulateGrad"):
                return 0
            return 1 + sum(count(behind) for behind, _ in node.next_functions)

        return count(t.grad_fn)

    result = run(task("ex_05_2"), ways)
    assert result.status == "failed"
    assert "y = a * a; y * y" in result.reason


def quiet_mean(f, inputs):
    with torch.no_grad():
        return sum(f(x) for x in inputs).item() / len(inputs)


def detached_mean(f, inputs):
    kept = []
    for x in inputs:
        loss = f(x)
        kept.append(loss.detach())
    return torch.stack(kept).mean().item()


@pytest.mark.parametrize("answer", [quiet_mean, detached_mean])
def test_a_mean_without_graphs_may_be_written_in_other_ways(answer):
    assert run(task("ex_05_5"), answer).status == "passed"


def test_a_sum_that_holds_its_graphs_is_told_how_many():
    result = run(task("ex_05_5"), WRONG["ex_05_5"][0])
    assert result.status == "failed"
    assert "2 graphs of calls before were still held" in result.reason


def test_the_list_of_what_is_saved_is_what_the_library_saves():
    a, b = (torch.tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
    results = [a + b, a * b, a - b, torch.tanh(a), a.sum()]
    saves = [
        any(isinstance(kept, torch.Tensor) or name == "out" for name, kept in zip(p.names, n.saved))
        for n in (r.grad_fn for r in results)
        for p in [n.plan]
    ]
    assert run(task("ex_05_4"), saves).status == "passed"
