"""Pruning: every method against PyTorch, and what the masks do."""

import importlib
import pickle
import warnings

import numpy as np
import pytest

import learntorch
import learntorch.nn
from learntorch.nn.utils import prune
from tests.oracle import alike, needs_torch

nn = learntorch.nn


def numbers(lib, *shape):
    return lib.arange(float(np.prod(shape))).reshape(shape).sin()


CASES = {
    "l1": "prune.l1_unstructured(m, 'weight', .4)",
    "l1, a number": "prune.l1_unstructured(m, 'weight', 5)",
    "l1, nothing": "prune.l1_unstructured(m, 'weight', 0)",
    "l1, all": "prune.l1_unstructured(m, 'weight', 1.)",
    "l1, by scores": "prune.l1_unstructured(m, 'weight', 3, numbers(lib, 4, 6).cos())",
    "l1, wrong scores": "prune.l1_unstructured(m, 'weight', 3, numbers(lib, 4))",
    "random": "prune.random_unstructured(m, 'weight', .5)",
    "random rows": "prune.random_structured(m, 'weight', 2, 0)",
    "random columns": "prune.random_structured(m, 'weight', .5, dim=1)",
    "ln rows": "prune.ln_structured(m, 'weight', 1, 2, 0)",
    "ln columns": "prune.ln_structured(m, 'weight', .5, 1, -1)",
    "ln infinity": "prune.ln_structured(m, 'weight', .5, float('inf'), 0)",
    "ln nothing": "prune.ln_structured(m, 'weight', 0, 2, 0)",
    "identity": "prune.identity(m, 'bias')",
    "mask": "prune.custom_from_mask(m, 'bias', lib.tensor([1, 0, 1, 1]))",
    "wrong mask": "prune.custom_from_mask(m, 'bias', lib.tensor([1, 0, 1]))",
    "twice": "prune.l1_unstructured(m, 'weight', 5); prune.l1_unstructured(m, 'weight', .5)",
    "three times": "prune.random_unstructured(m, 'weight', .3); "
                   "prune.ln_structured(m, 'weight', 1, 2, 0); "
                   "prune.ln_structured(m, 'weight', 2, 1, 1)",
    "rows, then more rows": "prune.random_structured(m, 'weight', 1, 0); "
                            "prune.random_structured(m, 'weight', 1, 0)",
    "both tensors": "prune.l1_unstructured(m, 'weight', 5); prune.l1_unstructured(m, 'bias', 1)",
    "removed": "prune.l1_unstructured(m, 'weight', .4); prune.remove(m, 'weight')",
    "twice, removed": "prune.l1_unstructured(m, 'weight', .4); "
                      "prune.random_unstructured(m, 'weight', .2); prune.remove(m, 'weight')",
    "not pruned": "prune.remove(m, 'weight')",
    "together": "prune.global_unstructured([(m, 'weight'), (m, 'bias')], "
                "prune.L1Unstructured, amount=.3)",
    "together, by scores": "prune.global_unstructured([(m, 'weight'), (m, 'bias')], "
                           "prune.L1Unstructured, {(m, 'bias'): lib.ones(4) * 9}, amount=.3)",
    "together, on top": "prune.random_unstructured(m, 'weight', 6); "
                        "prune.global_unstructured(((m, 'weight'), (m, 'bias')), "
                        "prune.L1Unstructured, amount=8)",
    "together, channels": "prune.global_unstructured([(m, 'weight')], prune.LnStructured, "
                          "amount=1, n=2)",
    "together, no list": "prune.global_unstructured(3, prune.L1Unstructured, amount=1)",
    "too many": "prune.l1_unstructured(m, 'weight', 30)",
    "too much": "prune.l1_unstructured(m, 'weight', 1.5)",
    "negative": "prune.random_unstructured(m, 'weight', -1)",
    "text": "prune.random_unstructured(m, 'weight', 'all')",
    "channels of a vector": "prune.random_structured(m, 'bias', 1, 0)",
    "no such dimension": "prune.random_structured(m, 'weight', 1, 2)",
    "a tensor alone": "prune.L1Unstructured(2).prune(numbers(lib, 6))",
    "a container of nothing much": "prune.PruningContainer(3)",
    "no method": "prune.PruningContainer().add_pruning_method(3)",
}


@needs_torch
@pytest.mark.parametrize("case", CASES)
def test_is_pytorchs(case):
    """Weights, gradients, names and values of the state, hooks; after an error nothing is left."""
    def run(lib):
        importlib.import_module(lib.__name__ + ".nn.utils.prune")
        lib.manual_seed(2)
        m = lib.nn.Linear(6, 4)
        said = None
        try:
            exec(CASES[case], {"prune": lib.nn.utils.prune, "m": m, "lib": lib, "numbers": numbers})
        except Exception as error:
            said = f"{type(error).__name__}: {error}".replace("learntorch", "torch").split(
                " object")[0]
        lib.manual_seed(0)
        out = m(numbers(lib, 3, 6))
        (out * out.detach().cos()).sum().backward()
        return (out, [p.grad for p in m.parameters()], list(m.state_dict()), list(m.buffers()),
                [type(h).__name__ for h in m._forward_pre_hooks.values()],
                lib.nn.utils.prune.is_pruned(lib.nn.Sequential(m)), said)
    alike(run, rtol=1e-5, atol=1e-6)


def test_pruned_entries_stay_zero_while_it_learns():
    learntorch.manual_seed(0)
    layer = prune.l1_unstructured(nn.Linear(6, 4), "weight", 0.5)
    optimizer = learntorch.optim.SGD(layer.parameters(), 0.1)
    x, before = learntorch.randn(8, 6), layer.weight.detach().clone()
    for _ in range(3):
        optimizer.zero_grad()
        layer(x).pow(2).sum().backward()
        optimizer.step()
    layer(x)
    assert (layer.weight == 0).sum() == 12
    assert (layer.weight == 0).equal(before == 0)
    assert not layer.weight.equal(before)
    prune.remove(layer, "weight")
    assert (layer.weight == 0).sum() == 12
    assert isinstance(layer.weight, nn.Parameter)


def test_survives_saving():
    layer = prune.l1_unstructured(nn.Linear(6, 4), "weight", 0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layer.weight = layer.weight.detach()            # a computed weight cannot be pickled
        again = pickle.loads(pickle.dumps(layer))
    assert prune.is_pruned(again)
    other = prune.identity(nn.Linear(6, 4), "weight")
    other.load_state_dict(layer.state_dict())
    x = learntorch.ones(6)
    assert other(x).equal(layer(x))


def test_a_method_of_ones_own():
    class EveryOther(prune.BasePruningMethod):
        PRUNING_TYPE = "unstructured"

        def compute_mask(self, t, default_mask):
            mask = default_mask.clone()
            mask.view(-1)[::2] = 0
            return mask

    layer = nn.Linear(4, 2)
    EveryOther.apply(layer, "weight")
    assert (layer.weight[:, ::2] == 0).all()
    assert (layer.weight[:, 1::2] != 0).all()
    EveryOther.apply(layer, "weight")                   # of those that are left, every other
    assert (layer.weight != 0).sum() == 2
    assert type(next(iter(layer._forward_pre_hooks.values()))) is prune.PruningContainer
