"""Averaged models, batch norm statistics for them, and the schedule that goes with them."""

import copy

import numpy as np
import pytest

import learntorch
from tests.oracle import alike, needs_torch


def net(torch):
    """A small network with batch norm, the same numbers in both libraries."""
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4),
                                torch.nn.Linear(4, 2))
    rng = np.random.default_rng(0)
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.from_numpy(rng.standard_normal(tuple(p.shape)).astype(np.float32)))
    return model


def moved(torch, model, times):
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.5 * times)
    model(torch.ones(4, 3) * torch.arange(4).reshape(4, 1).float() * times)


def averages(torch):
    tools = torch.optim.swa_utils
    return {
        "equal": {},
        "exponential": {"multi_avg_fn": tools.get_ema_multi_avg_fn(0.9)},
        "exponential one by one": {"avg_fn": tools.get_ema_avg_fn(0.9)},
        "equal together": {"multi_avg_fn": tools.get_swa_multi_avg_fn()},
        "equal one by one": {"avg_fn": tools.get_swa_avg_fn()},
        "with buffers": {"multi_avg_fn": tools.get_ema_multi_avg_fn(0.9), "use_buffers": True},
        "equal with buffers": {"use_buffers": True},
    }


@needs_torch
@pytest.mark.parametrize("name", averages(learntorch))
def test_averages(name):
    def case(torch):
        model = net(torch)
        average = torch.optim.swa_utils.AveragedModel(model, **averages(torch)[name])
        for k in range(4):
            moved(torch, model, k + 1)
            average.update_parameters(model)
        state = average.state_dict()
        return state, average(torch.ones(4, 3)).detach(), average.module is model
    alike(case, rtol=1e-5)


@needs_torch
def test_statistics_for_averaged_weights():
    def case(torch):
        model = net(torch)
        rng = np.random.default_rng(3)
        batches = [torch.from_numpy(rng.standard_normal((5, 3)).astype(np.float32))
                   for _ in range(3)]
        model.eval()
        torch.optim.swa_utils.update_bn([(b, 0) for b in batches], model)
        first = copy.deepcopy(model.state_dict())
        torch.optim.swa_utils.update_bn(batches[:1], model)
        return first, model.state_dict(), model.training, model[1].momentum
    alike(case, rtol=1e-5)


@needs_torch
@pytest.mark.parametrize("options", [
    {"swa_lr": 0.05, "anneal_epochs": 6}, {"swa_lr": [0.05, 0.01], "anneal_strategy": "linear"},
    {"swa_lr": 0.05, "anneal_epochs": 0}, {"swa_lr": 0.05, "anneal_epochs": -1},
    {"swa_lr": 0.05, "anneal_strategy": "sin"}, {"swa_lr": [0.1]}])
def test_swalr(options):
    def case(torch):
        groups = [{"params": [torch.ones(1, requires_grad=True)]},
                  {"params": [torch.ones(1, requires_grad=True)], "lr": 0.2}]
        optimizer = torch.optim.SGD(groups, lr=0.5)
        schedule = torch.optim.swa_utils.SWALR(optimizer, **options)
        track = []
        for _ in range(10):
            optimizer.step()
            schedule.step()
            track.append(schedule.get_last_lr())
        keys = sorted(k for k in schedule.state_dict() if not k.startswith("_"))
        return track, keys
    alike(case, rtol=1e-12)


@needs_torch
@pytest.mark.parametrize("misuse", [
    lambda torch: torch.optim.swa_utils.get_ema_avg_fn(1.5),
    lambda torch: torch.optim.swa_utils.get_ema_multi_avg_fn(-0.5),
    lambda torch: torch.optim.swa_utils.AveragedModel(net(torch), avg_fn=max, multi_avg_fn=max)])
def test_misuse_is_told_as_in_pytorch(misuse):
    assert type(alike(misuse)).__name__ == "Raised"
