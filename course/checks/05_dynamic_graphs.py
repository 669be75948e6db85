"""Checks of chapter 05, Dynamic computational graphs."""

import math
import weakref

import learntorch as torch
from course.checks.framework import exercise


def behind(t):
    """The operations recorded behind a tensor, each once."""
    found = []
    waiting = [t.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is None or node.name().endswith("AccumulateGrad") or node in found:
            continue
        found.append(node)
        waiting += [edge for edge, _ in node.next_functions]
    return found


@exercise(
    "list",
    hints=[
        "count every sign that calculates; then walk back from y with 1, and multiply as you go",
        "a sum, a difference, a product; the product passes on 1 · (a - b) = 2 to the sum and "
        "1 · (a + b) = 8 to the difference",
        "the sum passes 2 on to a and to b; the difference passes 8 on to a, and -8 to b; where "
        "two ways meet, add",
    ],
)
def ex_05_1(trial):
    """Operations in (a + b) * (a - b), and both slopes."""
    a, b = torch.tensor(5.0, requires_grad=True), torch.tensor(3.0, requires_grad=True)
    y = (a + b) * (a - b)
    y.backward()
    trial.equal(len(trial.answer), 3, about="the length of your list")
    wanted = [len(behind(y)), a.grad.item(), b.grad.item()]
    words = ["the number of operations", "the slope for a", "the slope for b"]
    said = trial.answer
    trial.true(
        all(isinstance(n, (int, float)) and not isinstance(n, bool) for n in said),
        f"your list should hold three Python numbers, and is {said!r}",
    )
    trial.true(said[0] == wanted[0], f"not {said[0]:g} operations are recorded")
    for number, want, word, leaf in zip(said[1:], wanted[1:], words[1:], (a, b), strict=True):
        step = 0.001
        moved = [t.item() + step * (t is leaf) for t in (a, b)]
        change = (moved[0] + moved[1]) * (moved[0] - moved[1]) - y.item()
        trial.true(
            abs(number - want) < 1e-5,
            f"{word} is not {number:g}: if it grows by {step}, y changes by {change:.4f}",
        )


@exercise(
    "function",
    hints=[
        "start with t.grad_fn, and follow next_functions; what if there is no grad_fn?",
        "remember the nodes you have counted, in a set, and skip a node that is in it",
        "keep a list of nodes to visit; take one out, skip it if it is None, a leaf or known; "
        "else count it and add the nodes behind it to the list",
    ],
)
def ex_05_2(trial):
    """How many operations are behind a tensor."""

    def leaf():
        return torch.tensor([1.0, 2.0], requires_grad=True)

    def twice(x):
        y = x * x
        return y * y

    def ladder(x, steps):
        for _ in range(steps):
            x = x + x
        return x

    a, b, plain = leaf(), leaf(), torch.tensor([3.0, 4.0])
    cases = [
        ("a leaf", a),
        ("a tensor without gradient", plain + 1),
        ("a + b", a + b),
        ("a * plain", a * plain),
        ("a * b + a", a * b + a),
        ("y = a * a; y * y", twice(a)),
        ("(a * b).sum() + torch.exp(a).sum()", (a * b).sum() + torch.exp(a).sum()),
        ("six times x = x + x", ladder(a, 6)),
    ]
    for words, t in cases:
        got = trial.do(trial.answer, t, shown="ex_05_2")
        trial.equal(got, len(behind(t)), about=f"for {words}, ex_05_2")
    # Sixty doublings have 2 to the power of 60 ways, and 60 nodes.
    tall = ladder(leaf(), 60)
    trial.said = "ex_05_2 of sixty times x = x + x (60 nodes, and a great many ways)"
    trial.equal(trial.answer(tall), 60)


@exercise(
    "function",
    hints=[
        "the loop asks `while x > 1`",
        "x = x / 2 makes a new tensor; x /= 2 would change the one that was given",
        "return x at the end, outside the loop, and do not use .item(): it cuts the trail",
    ],
)
def ex_05_3(trial):
    """Halve while larger than 1; slope one half for each halving."""
    for start in [0.5, 1.0, 1.5, 2.0, 3.0, 10.0, 100.0, -4.0, 1000.0]:
        x = torch.tensor(start, requires_grad=True)
        got = trial.call(x)
        value, slope = start, 1.0
        while value > 1:
            value, slope = value / 2, slope / 2
        right = torch.tensor(value)
        trial.equal(got.detach() if isinstance(got, torch.Tensor) else got, right)
        trial.true(got.requires_grad, f"the trail is cut: {trial.said} does not need a gradient")
        got.backward()
        trial.equal(x.grad, torch.tensor(slope), about=f"the slope of {trial.said}")


@exercise(
    "list",
    hints=[
        "look at the rules with reveal: which of them name something besides g?",
        "a rule that names x, y or out saves numbers; a rule that only names g does not",
        "the slopes of sums and differences do not depend on the numbers",
    ],
)
def ex_05_4(trial):
    """Which operations save numbers."""
    words = ["a + b", "a * b", "a - b", "torch.tanh(a)", "a.sum()"]
    right = [False, True, False, True, False]
    trial.equal(len(trial.answer), len(right), about="the length of your list")
    for said, word, truth in zip(trial.answer, words, right, strict=True):
        trial.true(
            isinstance(said, bool),
            f"for {word} your list says {said!r}; it should be True or False",
        )
        trial.true(said is truth, f"{said} is not right for {word}")


@exercise(
    "function",
    hints=[
        "what does the sum hold, if you add tensors that have a grad_fn?",
        "take the Python number out of each result at once, with .item(), and add those",
        "total = total + f(x).item() in a loop; at the end divide by len(inputs)",
    ],
)
def ex_05_5(trial):
    """A mean that holds no graph."""
    for numbers in [[2.0], [1.0, 3.0], [1.0, 2.0, 6.0], [-1.0, 0.5, 4.0, 4.0, 2.5, 1.0]]:
        w = torch.tensor(2.0, requires_grad=True)
        inputs = [torch.tensor(number) for number in numbers]
        calls, graphs, held = [], [], [0]

        def f(x, w=w, calls=calls, graphs=graphs, held=held):
            calls.append(x.item())
            held.append(sum(graph() is not None for graph in graphs))
            y = torch.exp(w * x * 0.1)
            if y.grad_fn is not None:
                graphs.append(weakref.ref(y.grad_fn))
            return y

        got = trial.do(trial.answer, f, inputs, shown="ex_05_5")
        trial.said = f"ex_05_5(f, inputs) with inputs {numbers} and f(x) = exp(0.2 · x)"
        trial.equal(
            got, sum(math.exp(0.2 * n) for n in numbers) / len(numbers), about=trial.said
        )
        trial.true(
            sorted(calls) == sorted(numbers),
            f"{trial.said} should call f once for each input, and calls it with {calls}",
        )
        trial.true(
            max(held) <= 1,
            f"{trial.said}: when f was called for the last time, {max(held)} graphs of calls "
            "before were still held",
        )
        trial.true(
            w.grad is None,
            f"{trial.said} has put a gradient into a leaf: no backward is needed for a mean",
        )
