"""Solutions of chapter 05, Dynamic computational graphs."""

# %% ex_05_1
ex_05_1 = [3, 10, -6]


# %% ex_05_2
def ex_05_2(t):
    seen = set()
    to_visit = [t.grad_fn]
    while to_visit:
        node = to_visit.pop()
        if node is None or node in seen or node.name().endswith("AccumulateGrad"):
            continue
        seen.add(node)
        for behind, _ in node.next_functions:
            to_visit.append(behind)
    return len(seen)


# %% ex_05_3
def ex_05_3(x):
    while x > 1:
        x = x / 2
    return x


# %% ex_05_4
ex_05_4 = [False, True, False, True, False]


# %% ex_05_5
def ex_05_5(f, inputs):
    total = 0.0
    for x in inputs:
        total = total + f(x).item()
    return total / len(inputs)
