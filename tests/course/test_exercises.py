"""Every exercise of every chapter: the solution passes, and likely wrong answers do not."""

import pytest

import learntorch as torch
from course import checks, solutions
from course.checks.framework import run

ALL = [name for chapter in checks.chapters() for name in checks.exercises(chapter)]


def task(name):
    return getattr(checks.module(name[3:5]), name)


def answer(source, name):
    space = {"torch": torch}
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
        lambda index, stride: index[0] * stride[0] + index[1] * stride[1],
        lambda index, stride: sum(index) * sum(stride),
        lambda index, stride: sum(i * s for i, s in zip(index, stride[::-1])),
    ],
    "ex_01_5": [
        lambda shape: (shape[-1], 1),
        lambda shape: tuple(shape[1:]) + (1,),
        lambda shape: torch.empty(shape).t().stride() if len(shape) == 2 else (1,) * len(shape),
    ],
    "ex_05_1": [2, 4, 5],
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
    "ex_12_1": [150, 30, 25, 156.5],
    "ex_12_2": [
        lambda n, k, padding, stride: n - k + 1,
        lambda n, k, padding, stride: (n + padding - k) // stride + 1,
        lambda n, k, padding, stride: (n + 2 * padding - k) / stride + 1,
        lambda n, k, padding, stride: -(-(n + 2 * padding - k + 1) // stride) + 1,
    ],
    "ex_12_3": [
        lambda image, kernel: image,
        lambda image, kernel: torch.nn.functional.conv2d(
            image[None, None], kernel.flip(0, 1)[None, None]
        )[0, 0],
        lambda image, kernel: torch.nn.functional.conv2d(image[None, None], kernel[None, None]),
    ],
    "ex_12_4": [
        lambda table: table[0::2, 0::2],
        lambda table: torch.nn.functional.avg_pool2d(table[None, None], 2)[0, 0],
        lambda table: table.max(),
    ],
    "ex_12_5": [
        lambda scores: torch.softmax(scores, dim=1),
        lambda scores: scores.amax(dim=1),
        lambda scores: torch.softmax(scores, dim=0).amax(dim=1),
        lambda scores: torch.softmax(scores, dim=1).argmax(dim=1),
    ],
}


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


def test_the_list_of_what_is_saved_is_what_the_library_saves():
    a, b = (torch.tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
    results = [a + b, a * b, a - b, torch.tanh(a), a.sum()]
    saves = [
        any(isinstance(kept, torch.Tensor) or name == "out" for name, kept in zip(p.names, n.saved))
        for n in (r.grad_fn for r in results)
        for p in [n.plan]
    ]
    assert run(task("ex_05_4"), saves).status == "passed"
