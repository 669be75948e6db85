"""What all optimizers share: groups, state_dicts, hooks, copies, and what they say when misused."""

import copy
import pickle
import warnings

import numpy as np
import pytest

import learntorch
from learntorch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
    required,
)
from tests.oracle import alike, needs_torch

NAMES = ["SGD", "RMSprop", "Adam", "AdamW", "Adagrad", "Adadelta", "Adamax", "NAdam", "RAdam",
         "Rprop", "ASGD", "LBFGS", "Adafactor", "Muon", "SparseAdam"]


def leaf(torch, *shape):
    return torch.ones(*shape).requires_grad_()


def stepped(torch, name="Adam", **options):
    """An optimizer of two groups that has done one step."""
    p, q = leaf(torch, 2, 3), leaf(torch, 3, 1)
    optimizer = getattr(torch.optim, name)([{"params": [p]}, {"params": [q], "lr": 0.5}], **options)
    p.grad, q.grad = torch.ones(2, 3) * 0.1, torch.ones(3, 1) * 0.2
    optimizer.step()
    return optimizer


def searched(torch, how):
    p = leaf(torch, 2)
    p.grad = torch.ones(2)
    torch.optim.LBFGS([p], line_search_fn=how).step(lambda: 1.0)


# ---- misuse ------------------------------------------------------------------------------

MISUSE = {
    "a bare tensor": lambda torch: torch.optim.SGD(leaf(torch, 2), lr=0.1),
    "nothing": lambda torch: torch.optim.SGD([], lr=0.1),
    "an iterator used up": lambda torch: torch.optim.Adam(iter(())),
    "numbers": lambda torch: torch.optim.SGD([3.0], lr=0.1),
    "names": lambda torch: torch.optim.SGD(["weight"], lr=0.1),
    "a state dict": lambda torch: torch.optim.SGD({"weight": leaf(torch, 1)}, lr=0.1),
    "an array": lambda torch: torch.optim.SGD([np.ones(2)], lr=0.1),
    "lists of tensors": lambda torch: torch.optim.SGD([[leaf(torch, 1)]], lr=0.1),
    "a number": lambda torch: torch.optim.SGD(5, lr=0.1),
    "a computed tensor": lambda torch: torch.optim.SGD([leaf(torch, 2) * 2], lr=0.1),
    "a set in a group": lambda torch: torch.optim.SGD([{"params": {leaf(torch, 1)}}], lr=0.1),
    "a group without params": lambda torch: torch.optim.SGD([{"lr": 1}], lr=0.1),
    "some names": lambda torch: torch.optim.SGD([("a", leaf(torch, 1)), leaf(torch, 1)], lr=0.1),
    "a group that is no dict": lambda torch: stepped(torch).add_param_group(3),
    "named after unnamed": lambda torch: stepped(torch).add_param_group(
        {"params": [("a", leaf(torch, 1))]}),
    "SGD lr": lambda torch: torch.optim.SGD([leaf(torch, 1)], lr=-0.1),
    "SGD momentum": lambda torch: torch.optim.SGD([leaf(torch, 1)], momentum=-0.1),
    "SGD weight_decay": lambda torch: torch.optim.SGD([leaf(torch, 1)], weight_decay=-0.1),
    "SGD nesterov": lambda torch: torch.optim.SGD([leaf(torch, 1)], nesterov=True),
    "SGD fused": lambda torch: torch.optim.SGD([leaf(torch, 1)], fused=True, foreach=True),
    "SGD differentiable": lambda torch: torch.optim.SGD([leaf(torch, 1)], fused=True,
                                                        differentiable=True),
    "SGD tensor lr": lambda torch: torch.optim.SGD([leaf(torch, 1)], lr=torch.ones(2)),
    "RMSprop eps": lambda torch: torch.optim.RMSprop([leaf(torch, 1)], eps=-1),
    "RMSprop alpha": lambda torch: torch.optim.RMSprop([leaf(torch, 1)], alpha=-1),
    "RMSprop momentum": lambda torch: torch.optim.RMSprop([leaf(torch, 1)], momentum=-1),
    "RMSprop capturable": lambda torch: stepped(torch, "RMSprop", capturable=True),
    "Adam lr": lambda torch: torch.optim.Adam([leaf(torch, 1)], lr=-1),
    "Adam lr text": lambda torch: torch.optim.Adam([leaf(torch, 1)], lr="fast"),
    "Adam beta 0": lambda torch: torch.optim.Adam([leaf(torch, 1)], betas=(1.0, 0.9)),
    "Adam beta 1": lambda torch: torch.optim.Adam([leaf(torch, 1)], betas=(0.9, -0.1)),
    "Adam integer beta": lambda torch: torch.optim.Adam([leaf(torch, 1)], betas=(0, 0.9)),
    "Adam eps": lambda torch: torch.optim.Adam([leaf(torch, 1)], eps=-1),
    "Adam weight_decay": lambda torch: torch.optim.Adam([leaf(torch, 1)], weight_decay=-1),
    "Adam tensor lr": lambda torch: torch.optim.Adam([leaf(torch, 1)], lr=torch.ones(2)),
    "Adam tensor lr and foreach": lambda torch: torch.optim.Adam(
        [leaf(torch, 1)], lr=torch.ones(()), foreach=True),
    "Adam tensor betas": lambda torch: torch.optim.Adam(
        [leaf(torch, 1)], betas=(torch.ones(2) / 2, torch.ones(1) / 2)),
    "Adam fused": lambda torch: torch.optim.Adam([leaf(torch, 1)], fused=True, foreach=True),
    "Adagrad lr_decay": lambda torch: torch.optim.Adagrad([leaf(torch, 1)], lr_decay=-1),
    "Adagrad start": lambda torch: torch.optim.Adagrad([leaf(torch, 1)],
                                                       initial_accumulator_value=-1),
    "Adadelta rho": lambda torch: torch.optim.Adadelta([leaf(torch, 1)], rho=1.1),
    "NAdam momentum_decay": lambda torch: torch.optim.NAdam([leaf(torch, 1)], momentum_decay=-1),
    "Rprop etas": lambda torch: torch.optim.Rprop([leaf(torch, 1)], etas=(1.0, 0.5)),
    "ASGD weight_decay": lambda torch: torch.optim.ASGD([leaf(torch, 1)], weight_decay=-0.5),
    "LBFGS groups": lambda torch: stepped(torch, "LBFGS"),
    "LBFGS line search": lambda torch: searched(torch, "golden"),
    "Adafactor beta2": lambda torch: torch.optim.Adafactor([leaf(torch, 1)], beta2_decay=0.8),
    "Adafactor eps": lambda torch: torch.optim.Adafactor([leaf(torch, 1)], eps=(-1, 1e-3)),
    "Adafactor d": lambda torch: torch.optim.Adafactor([leaf(torch, 1)], d=0.5),
    "Adafactor weight_decay": lambda torch: torch.optim.Adafactor([leaf(torch, 1)],
                                                                  weight_decay=-1),
    "Muon vector": lambda torch: torch.optim.Muon([leaf(torch, 3)]),
    "Muon lr": lambda torch: torch.optim.Muon([leaf(torch, 3, 2)], lr=-1),
    "Muon adjust": lambda torch: torch.optim.Muon([leaf(torch, 3, 2)], adjust_lr_fn="mine"),
    "SparseAdam dense": lambda torch: stepped(torch, "SparseAdam"),
    "SparseAdam lr": lambda torch: torch.optim.SparseAdam([leaf(torch, 1)], lr=0.0),
    "complex for SparseAdam": lambda torch: torch.optim.SparseAdam(
        [torch.ones(2, dtype=torch.complex64)]),
    "step of the base class": lambda torch: torch.optim.Optimizer([leaf(torch, 1)], {}).step(),
    "too few groups": lambda torch: stepped(torch).load_state_dict(
        {"state": {}, "param_groups": []}),
    "too few parameters": lambda torch: stepped(torch).load_state_dict(
        {"state": {}, "param_groups": [{"params": []}, {"params": [0]}]}),
    "a state dict without groups": lambda torch: stepped(torch).load_state_dict({"state": {}}),
}


@needs_torch
@pytest.mark.parametrize("what", MISUSE)
def test_misuse_is_told_as_in_pytorch(what):
    mine = alike(MISUSE[what])
    assert type(mine).__name__ == "Raised", f"nothing was said about {what}"


@pytest.mark.parametrize("what, advice", [
    ("a bare tensor", r"optim\.SGD\(\[tensor\]"), ("an iterator used up", "call it again"),
    ("names", r"model\.parameters\(\)"), ("a computed tensor", r"\.detach\(\)\.requires_grad_"),
    ("RMSprop capturable", "leave capturable out")])
def test_misuse_is_told_with_advice(what, advice):
    with pytest.raises((TypeError, ValueError, AssertionError), match=advice):
        MISUSE[what](learntorch)


@needs_torch
def test_duplicate_parameters_are_warned_of():
    def case(torch):
        p = leaf(torch, 2)
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            optimizer = torch.optim.SGD([p, p], lr=0.1)
        p.grad = torch.ones(2)
        optimizer.step()
        return [str(w.message) for w in seen], optimizer.state_dict()["param_groups"], p.detach()
    alike(case)


@needs_torch
def test_a_parameter_cannot_be_in_two_groups():
    def case(torch):
        p = leaf(torch, 2)
        torch.optim.SGD([{"params": [p]}, {"params": [leaf(torch, 1), p]}], lr=0.1)
    alike(case)


# ---- groups ------------------------------------------------------------------------------

@needs_torch
def test_groups_and_their_options():
    def case(torch):
        p, q, r = leaf(torch, 2), leaf(torch, 3), leaf(torch, 1)
        optimizer = torch.optim.SGD([{"params": p}, {"params": iter([q]), "momentum": 0.5}], lr=0.1)
        optimizer.add_param_group({"params": [r], "lr": 1.0, "mine": "note"})
        for x in (p, q, r):
            x.grad = torch.ones_like(x)
        optimizer.step()
        optimizer.step()
        return p.detach(), q.detach(), r.detach(), repr(optimizer), optimizer.state_dict()
    alike(case)


@needs_torch
def test_named_parameters():
    def case(torch):
        p, q = leaf(torch, 2), leaf(torch, 3)
        optimizer = torch.optim.Adam([("a", p), ("b", q)])
        plain = torch.optim.Adam([{"params": [("x", p), ("y", q)], "lr": 0.5}])
        state = optimizer.state_dict()
        plain.load_state_dict(state)
        names = plain.param_groups[0]["param_names"]
        for group in state["param_groups"]:
            del group["param_names"]
        optimizer.load_state_dict(state)
        return names, optimizer.param_groups[0]["param_names"], repr(optimizer)
    alike(case)


def test_a_group_may_have_to_say_something():
    class Picky(learntorch.optim.Optimizer):
        def __init__(self, params):
            super().__init__(params, {"lr": required})
    with pytest.raises(ValueError, match="didn't specify a value of required optimization"):
        Picky([leaf(learntorch, 1)])
    assert Picky([{"params": leaf(learntorch, 1), "lr": 3}]).param_groups[0]["lr"] == 3


def test_parameters_without_gradient_are_left_alone():
    p, q = leaf(learntorch, 2), leaf(learntorch, 2)
    p.grad = learntorch.ones(2)
    optimizer = learntorch.optim.Adam([p, q], weight_decay=0.5)
    optimizer.step()
    assert q.detach().tolist() == [1, 1] and q not in optimizer.state
    assert p.detach().tolist() != [1, 1]


@needs_torch
def test_zero_grad():
    def case(torch):
        p, q = leaf(torch, 2), leaf(torch, 2)
        optimizer = torch.optim.SGD([p, q], lr=0.1)
        p.grad = (leaf(torch, 2) * 3)
        memory = p.grad.data_ptr()
        optimizer.zero_grad(set_to_none=False)
        kept = p.grad.data_ptr() == memory
        values, history = p.grad.tolist(), p.grad.requires_grad
        optimizer.zero_grad()
        return kept, values, history, p.grad, q.grad
    alike(case)


# ---- state_dict --------------------------------------------------------------------------

@needs_torch
@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("LBFGS", "SparseAdam", "Muon")])
def test_state_dict_is_pytorchs(name):
    alike(lambda torch: stepped(torch, name).state_dict(), rtol=1e-5)


@needs_torch
def test_state_dict_counts_parameters_and_does_not_copy():
    def case(torch):
        optimizer = stepped(torch)
        first, second = optimizer.state_dict(), optimizer.state_dict()
        same = first["state"][0]["exp_avg"] is second["state"][0]["exp_avg"]
        return [g["params"] for g in first["param_groups"]], sorted(first["state"]), same
    alike(case)


@needs_torch
def test_loading_casts_to_the_parameters():
    def case(torch):
        state = stepped(torch).state_dict()
        p, q = (torch.ones(*s, dtype=torch.float64, requires_grad=True) for s in ((2, 3), (3, 1)))
        other = torch.optim.Adam([{"params": [p]}, {"params": [q]}], lr=7.0)
        other.load_state_dict(state)
        entry = other.state[p]
        return {k: v.dtype for k, v in entry.items()}, [g["lr"] for g in other.param_groups]
    alike(case)


@needs_torch
def test_old_state_dicts_with_numbers_as_counters():
    def case(torch):
        optimizer = stepped(torch)
        state = copy.deepcopy(optimizer.state_dict())
        for entry in state["state"].values():
            entry["step"] = 1
        for group in state["param_groups"]:
            for name in ("maximize", "foreach", "fused", "differentiable", "capturable", "amsgrad",
                         "decoupled_weight_decay"):
                del group[name]
        optimizer.load_state_dict(state)
        optimizer.step()
        return optimizer.state_dict()
    alike(case, rtol=1e-5)


def test_a_wrong_state_dict_changes_nothing():
    optimizer = stepped(learntorch)
    state, groups = optimizer.state, optimizer.param_groups
    good = copy.deepcopy(optimizer.state_dict())
    for spoil in (lambda s: s["param_groups"].pop(), lambda s: s["param_groups"][0].pop("params"),
                  lambda s: s.pop("state"), lambda s: s["state"][0].pop("step")):
        bad = copy.deepcopy(good)
        spoil(bad)
        with pytest.raises((ValueError, KeyError)):
            optimizer.load_state_dict(bad)
        assert optimizer.state is state and optimizer.param_groups is groups


def test_loading_leaves_the_given_dict_as_it_was():
    optimizer = stepped(learntorch)
    state = optimizer.state_dict()
    before = copy.deepcopy(state)
    optimizer.load_state_dict(state)
    assert list(state["param_groups"][0]) == list(before["param_groups"][0])
    assert state["param_groups"][0]["params"] == [0]


@needs_torch
def test_hooks_of_state_dicts():
    def case(torch):
        optimizer, seen = stepped(torch), []
        optimizer.register_state_dict_pre_hook(lambda o: seen.append("before"))
        optimizer.register_state_dict_post_hook(lambda o, s: seen.append("after"))
        optimizer.register_state_dict_post_hook(lambda o, s: {**s, "mine": 1}, prepend=True)
        optimizer.register_load_state_dict_pre_hook(lambda o, s: seen.append(sorted(s)))
        optimizer.register_load_state_dict_post_hook(lambda o: seen.append("loaded"))
        state = optimizer.state_dict()
        optimizer.load_state_dict(state)
        return seen, sorted(state)
    alike(case)


# ---- hooks around a step -----------------------------------------------------------------

@needs_torch
def test_step_hooks_see_and_change_the_arguments():
    def case(torch):
        optimizer, seen = stepped(torch, "SGD"), []
        before = optimizer.register_step_pre_hook(
            lambda o, args, kwargs: seen.append((len(args), sorted(kwargs), args[0] is o)))
        optimizer.register_step_pre_hook(
            lambda o, args, kwargs: (args, {"closure": lambda: 5.0}))
        optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append(sorted(kwargs)))
        result = optimizer.step()
        before.remove()
        optimizer.step()
        return result, seen
    alike(case)


@needs_torch
def test_a_step_hook_must_return_a_pair():
    def case(torch):
        optimizer = stepped(torch, "SGD")
        optimizer.register_step_pre_hook(lambda o, args, kwargs: 3)
        optimizer.step()
    alike(case, wording=False)


def test_global_hooks_run_for_every_optimizer():
    seen = []
    handles = [register_optimizer_step_pre_hook(lambda o, a, k: seen.append("before")),
               register_optimizer_step_post_hook(lambda o, a, k: seen.append("after"))]
    try:
        stepped(learntorch, "SGD")
        stepped(learntorch, "Adam")
    finally:
        for handle in handles:
            handle.remove()
    stepped(learntorch, "SGD")
    assert seen == ["before", "after"] * 2


def test_hooks_run_once_where_a_step_calls_its_parents():
    class Logged(learntorch.optim.SGD):
        def step(self, closure=None):
            return super().step(closure)
    p = leaf(learntorch, 2)
    p.grad = learntorch.ones(2)
    optimizer, seen = Logged([p], lr=0.1), []
    optimizer.register_step_pre_hook(lambda o, a, k: seen.append(1))
    optimizer.step()
    assert seen == [1] and p.detach().tolist() == pytest.approx([0.9, 0.9])


@needs_torch
def test_an_optimizer_of_ones_own():
    def case(torch):
        class Half(torch.optim.Optimizer):
            def __init__(self, params, lr=0.5):
                super().__init__(params, {"lr": lr})

            @torch.no_grad()
            def step(self, closure=None):
                for group in self.param_groups:
                    for p in group["params"]:
                        self.state[p]["n"] = self.state[p].get("n", 0) + 1
                        p.add_(p.grad, alpha=-group["lr"])
        p, seen = leaf(torch, 2), []
        optimizer = Half([p])
        optimizer.register_step_post_hook(lambda o, a, k: seen.append("after"))
        p.grad = torch.ones(2)
        optimizer.step()
        return p.detach(), seen, repr(optimizer), optimizer.state_dict()
    alike(case)


# ---- copies ------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ["SGD", "Adam", "LBFGS"])
@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))],
                         ids=["deepcopy", "pickle"])
def test_copies_go_on_by_themselves(name, duplicate):
    p = leaf(learntorch, 2)
    options = {"momentum": 0.9} if name == "SGD" else {}
    optimizer = getattr(learntorch.optim, name)([p], lr=0.1, **options)

    def closure(optimizer):
        param = optimizer.param_groups[0]["params"][0]
        param.grad = learntorch.from_numpy(param.detach().numpy().copy())
        return 1.0
    optimizer.step(lambda: closure(optimizer))
    twin = duplicate(optimizer)
    assert repr(twin) == repr(optimizer)
    param = twin.param_groups[0]["params"][0]
    assert param is not p and param.tolist() == p.tolist()
    for each in (optimizer, twin):
        each.step(lambda each=each: closure(each))
    assert param.tolist() == p.tolist()
    assert list(twin.state) == [param]


# ---- swapping ----------------------------------------------------------------------------

@needs_torch
def test_a_step_on_other_parameters():
    def case(torch):
        optimizer = stepped(torch)
        before = copy.deepcopy(optimizer.state_dict())
        state = copy.deepcopy(before)
        state["param_groups"][0]["lr"] = 0.25
        others = {"p": leaf(torch, 2, 3), "q": leaf(torch, 3, 1)}
        for p in others.values():
            p.grad = torch.ones_like(p)
        with torch.optim.swap_in_optimizer_params_and_state(optimizer, others, state):
            optimizer.step()
        return ([p.detach() for p in others.values()], state,
                [p.detach() for g in optimizer.param_groups for p in g["params"]],
                [g["lr"] for g in optimizer.param_groups])
    alike(case, rtol=1e-5)


@needs_torch
@pytest.mark.parametrize("spoil", [
    lambda s: s.pop("state"), lambda s: s.pop("param_groups"), lambda s: s["param_groups"].pop(),
    lambda s: s["param_groups"][0].pop("lr"), lambda s: s["state"].update({9: {}})])
def test_swapping_checks_what_it_is_given(spoil):
    def case(torch):
        optimizer = stepped(torch)
        state = copy.deepcopy(optimizer.state_dict())
        spoil(state)
        others = {"p": leaf(torch, 2, 3), "q": leaf(torch, 3, 1)}
        with torch.optim.swap_in_optimizer_params_and_state(optimizer, others, state):
            pass
    alike(case)
