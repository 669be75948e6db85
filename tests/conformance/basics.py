"""A basic set of everyday helpers that torch's operator and module databases do not cover.

Every case is a function of ``L`` (the library, addressed exactly like torch; ``L.t`` makes
a tensor from numpy) and returns nested results, which are compared between the two sides.
The cases stand in basics_nn.py and basics_core.py.
"""
import numpy as np

BASICS = {}


def case(fn):
    group, name = fn.__name__.split("_", 1)
    BASICS[f"{group}.{name}"] = fn
    return fn


def array(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def mlp(L):
    m = L.nn.Sequential(L.nn.Linear(4, 5), L.nn.Tanh(), L.nn.Linear(5, 2))
    with L.no_grad():
        for i, p in enumerate(m.parameters()):
            p.copy_(L.t(array(*p.shape, seed=i)))
    return m


def with_grads(L):
    ps = [L.nn.Parameter(L.t(array(3, 4, seed=1))), L.nn.Parameter(L.t(array(5, seed=2)))]
    for i, p in enumerate(ps):
        p.grad = L.t(3 * array(*p.shape, seed=7 + i))
    return ps
