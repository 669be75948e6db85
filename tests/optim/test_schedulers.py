"""Every learning rate schedule against PyTorch's, epoch by epoch."""

import copy
import math
import pickle
import warnings

import pytest

import learntorch
from tests.oracle import alike, needs_torch


class Fading:
    """A schedule's function with state of its own."""

    def __init__(self, rate):
        self.rate = rate

    def __call__(self, epoch):
        return self.rate ** epoch


SCHEDULES = {
    "StepLR": [dict(step_size=7, gamma=0.5), dict(step_size=1)],
    "MultiStepLR": [dict(milestones=[3, 10, 10, 22], gamma=0.3), dict(milestones=[])],
    "ConstantLR": [dict(factor=0.25, total_iters=6), dict(), dict(factor=1.0)],
    "LinearLR": [dict(start_factor=0.1, end_factor=0.9, total_iters=12), dict()],
    "ExponentialLR": [dict(gamma=0.9)],
    "PolynomialLR": [dict(total_iters=20, power=2.0), dict()],
    "CosineAnnealingLR": [dict(T_max=10, eta_min=0.001), dict(T_max=4)],
    "CosineAnnealingWarmRestarts": [dict(T_0=4, T_mult=2, eta_min=0.01), dict(T_0=3)],
    "LambdaLR": [dict(lr_lambda=lambda e: 0.95 ** e), dict(lr_lambda=Fading(0.9)),
                 dict(lr_lambda=[lambda e: 0.9 ** e, lambda e: 1.0 / (1 + e)])],
    "MultiplicativeLR": [dict(lr_lambda=lambda e: 0.97), dict(lr_lambda=[Fading(0.9)] * 2)],
    "CyclicLR": [dict(base_lr=0.01, max_lr=0.2, step_size_up=4),
                 dict(base_lr=0.01, max_lr=0.2, step_size_up=4, mode="triangular2"),
                 dict(base_lr=[0.01, 0.02], max_lr=0.2, step_size_up=3, step_size_down=5,
                      mode="exp_range", gamma=0.98),
                 dict(base_lr=0.01, max_lr=0.2, step_size_up=4, cycle_momentum=False,
                      scale_fn=lambda x: 1 / x, scale_mode="cycle"),
                 dict(base_lr=0.01, max_lr=0.2, step_size_up=4, scale_fn=Fading(0.99),
                      scale_mode="iterations")],
    "OneCycleLR": [dict(max_lr=0.3, total_steps=31), dict(max_lr=0.3, epochs=4, steps_per_epoch=8),
                   dict(max_lr=[0.3, 0.1], total_steps=31, anneal_strategy="linear",
                        three_phase=True, pct_start=0.4),
                   dict(max_lr=0.3, total_steps=40, cycle_momentum=False)],
    "ReduceLROnPlateau": [dict(factor=0.5, patience=2, cooldown=1, min_lr=1e-3),
                          dict(mode="max", threshold_mode="abs", patience=1),
                          dict(mode="max", patience=0, min_lr=[0.1, 0.01]),
                          dict(threshold_mode="abs", threshold=0.1, patience=1, eps=0.1)],
}
CASES = [(name, options) for name, table in SCHEDULES.items() for options in table]
IDS = [f"{name}{i}" for name, table in SCHEDULES.items() for i in range(len(table))]
EPOCHS = 30


def optimizer_of(torch, kind="SGD", lr=0.5):
    p, q = torch.ones(2, requires_grad=True), torch.ones(3, requires_grad=True)
    options = {"momentum": 0.9} if kind == "SGD" else {}
    return getattr(torch.optim, kind)([{"params": [p]}, {"params": [q], "lr": 0.05}], lr=lr,
                                      **options)


class Plan:
    """A schedule and its optimizer in one library."""

    def __init__(self, torch, make, kind="SGD"):
        self.optimizer = optimizer_of(torch, kind)
        self.scheduler = make(torch.optim.lr_scheduler, self.optimizer)
        self.watches = type(self.scheduler).__name__ == "ReduceLROnPlateau"

    def now(self):
        groups = self.optimizer.param_groups
        return ([g["lr"] for g in groups], [g.get("momentum") for g in groups],
                [g["betas"][0] if "betas" in g else None for g in groups],
                list(self.scheduler.get_last_lr()))

    def epochs(self, first, last):
        track = [self.now()]
        for epoch in range(first, last):
            self.optimizer.step()
            if self.watches:
                self.scheduler.step(math.cos(epoch / 3) + 0.2)
            else:
                self.scheduler.step()
            track.append(self.now())
        return track


def maker(name, options):
    return lambda space, optimizer: getattr(space, name)(optimizer, **options)


@needs_torch
@pytest.mark.parametrize("kind", ["SGD", "Adam"])
@pytest.mark.parametrize("name, options", CASES, ids=IDS)
def test_rates(name, options, kind):
    alike(lambda torch: Plan(torch, maker(name, options), kind).epochs(0, EPOCHS), rtol=1e-12)


@needs_torch
@pytest.mark.parametrize("name, options", CASES, ids=IDS)
def test_goes_on_from_a_state_dict(name, options):
    make = maker(name, options)

    def case(torch):
        begun = Plan(torch, make)
        begun.epochs(0, 13)
        state = copy.deepcopy(begun.scheduler.state_dict())
        keys = sorted(key for key in state if not key.startswith("_"))
        resumed = Plan(torch, make)
        resumed.scheduler.load_state_dict(state)
        resumed.optimizer.load_state_dict(begun.optimizer.state_dict())
        return keys, sorted(state) == keys, resumed.epochs(13, EPOCHS)
    alike(case, rtol=1e-12)


@needs_torch
@pytest.mark.parametrize("name, options", [
    (name, options) for name, options in CASES
    if name not in ("ReduceLROnPlateau", "CosineAnnealingWarmRestarts", "OneCycleLR")])
def test_goes_on_from_last_epoch(name, options):
    """A schedule made anew at epoch 7, with an optimizer whose state was loaded."""
    if name == "CyclicLR":
        options = {**options, "cycle_momentum": False}

    def case(torch):
        begun = Plan(torch, maker(name, options))
        begun.epochs(0, 7)
        optimizer = optimizer_of(torch)
        optimizer.load_state_dict(begun.optimizer.state_dict())
        scheduler = getattr(torch.optim.lr_scheduler, name)(
            optimizer, **options, last_epoch=begun.scheduler.last_epoch)
        track = []
        for _ in range(5):
            track.append([g["lr"] for g in optimizer.param_groups])
            optimizer.step()
            scheduler.step()
        return track
    alike(case, rtol=1e-12)


@needs_torch
def test_chained_and_sequential():
    def chained(space, optimizer):
        return space.ChainedScheduler([space.ConstantLR(optimizer, factor=0.1, total_iters=4),
                                       space.ExponentialLR(optimizer, gamma=0.9)])

    def sequential(space, optimizer):
        return space.SequentialLR(
            optimizer, [space.LinearLR(optimizer, start_factor=0.1, total_iters=5),
                        space.CosineAnnealingLR(optimizer, T_max=20),
                        space.ExponentialLR(optimizer, gamma=0.5)], milestones=[5, 20])

    def nested(space, optimizer):
        inner = space.SequentialLR(optimizer, [space.ConstantLR(optimizer, total_iters=3),
                                               space.StepLR(optimizer, 2)], milestones=[3])
        return space.ChainedScheduler([inner, space.ExponentialLR(optimizer, gamma=0.99)],
                                      optimizer)
    for make in (chained, sequential, nested):
        alike(lambda torch, make=make: Plan(torch, make).epochs(0, EPOCHS), rtol=1e-12)

        def resumed(torch, make=make):
            begun = Plan(torch, make)
            begun.epochs(0, 13)
            again = Plan(torch, make)
            again.scheduler.load_state_dict(copy.deepcopy(begun.scheduler.state_dict()))
            again.optimizer.load_state_dict(begun.optimizer.state_dict())
            return again.epochs(13, EPOCHS)
        alike(resumed, rtol=1e-12)


@needs_torch
def test_a_tensor_rate_is_changed_in_place():
    def case(torch):
        lr = torch.tensor(0.5)
        p = torch.ones(2, requires_grad=True)
        optimizer = torch.optim.SGD([p], lr=lr)
        scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
        optimizer.step()
        scheduler.step()
        return lr, scheduler.get_last_lr(), optimizer.param_groups[0]["lr"] is lr
    alike(case)


@needs_torch
def test_restarts_at_fractions_of_an_epoch():
    def case(torch):
        optimizer = optimizer_of(torch)
        schedule = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 3, T_mult=2)
        track = []
        for epoch in (0.0, 0.5, 2.9, 3.0, 8.25, 9.0, 30.1, 1.0):
            schedule.step(epoch)
            track.append((schedule.get_last_lr(), schedule.T_cur, schedule.T_i,
                          schedule.last_epoch))
        return track
    alike(case, rtol=1e-12)


def plan(torch, name="ExponentialLR", **options):
    if name == "ExponentialLR":
        options.setdefault("gamma", 0.9)
    return getattr(torch.optim.lr_scheduler, name)(optimizer_of(torch), **options)


MISUSE = {
    "no optimizer": lambda torch: torch.optim.lr_scheduler.StepLR(torch.ones(1), 3),
    "no optimizer for plateau": lambda torch: torch.optim.lr_scheduler.ReduceLROnPlateau(3),
    "no optimizer for a cycle": lambda torch: torch.optim.lr_scheduler.OneCycleLR(3, 0.1, 10),
    "resumed without initial_lr": lambda torch: plan(torch, gamma=0.9, last_epoch=3),
    "lambdas": lambda torch: plan(torch, "LambdaLR", lr_lambda=[abs]),
    "no function": lambda torch: plan(torch, "MultiplicativeLR", lr_lambda=3),
    "constant": lambda torch: plan(torch, "ConstantLR", factor=1.5),
    "linear start": lambda torch: plan(torch, "LinearLR", start_factor=0),
    "linear end": lambda torch: plan(torch, "LinearLR", end_factor=1.5),
    "restarts T_0": lambda torch: plan(torch, "CosineAnnealingWarmRestarts", T_0=0),
    "restarts T_mult": lambda torch: plan(torch, "CosineAnnealingWarmRestarts", T_0=1, T_mult=0.5),
    "restarts eta": lambda torch: plan(torch, "CosineAnnealingWarmRestarts", T_0=1, eta_min="0"),
    "restarts epoch": lambda torch: plan(torch, "CosineAnnealingWarmRestarts", T_0=1).step(-1),
    "plateau factor": lambda torch: plan(torch, "ReduceLROnPlateau", factor=1.0),
    "plateau mode": lambda torch: plan(torch, "ReduceLROnPlateau", mode="best"),
    "plateau threshold": lambda torch: plan(torch, "ReduceLROnPlateau", threshold_mode="best"),
    "plateau min_lr": lambda torch: plan(torch, "ReduceLROnPlateau", min_lr=[1.0]),
    "one cycle without length": lambda torch: plan(torch, "OneCycleLR", max_lr=0.1),
    "one cycle steps": lambda torch: plan(torch, "OneCycleLR", max_lr=0.1, total_steps=-1),
    "one cycle epochs": lambda torch: plan(torch, "OneCycleLR", max_lr=0.1, epochs=0,
                                           steps_per_epoch=3),
    "one cycle start": lambda torch: plan(torch, "OneCycleLR", max_lr=0.1, total_steps=9,
                                          pct_start=2.0),
    "one cycle strategy": lambda torch: plan(torch, "OneCycleLR", max_lr=0.1, total_steps=9,
                                             anneal_strategy="sin"),
    "one cycle rates": lambda torch: plan(torch, "OneCycleLR", max_lr=[0.1] * 3, total_steps=9),
    "cycle mode": lambda torch: plan(torch, "CyclicLR", base_lr=0.1, max_lr=1, mode="round"),
    "cycle without momentum": lambda torch: torch.optim.lr_scheduler.CyclicLR(
        torch.optim.Adagrad([torch.ones(1, requires_grad=True)]), 0.1, 1.0),
    "nothing in sequence": lambda torch: plan(torch, "SequentialLR", schedulers=[], milestones=[]),
    "wrong milestones": lambda torch: torch.optim.lr_scheduler.SequentialLR(
        *_one(torch), milestones=[3]),
    "nothing to chain": lambda torch: torch.optim.lr_scheduler.ChainedScheduler([]),
    "chained with plateau": lambda torch: torch.optim.lr_scheduler.ChainedScheduler(
        [plan(torch, "ReduceLROnPlateau", patience=1)]),
    "chained of two optimizers": lambda torch: torch.optim.lr_scheduler.ChainedScheduler(
        [plan(torch), plan(torch)]),
    "get_lr of the base class": lambda torch: torch.optim.lr_scheduler.LRScheduler(
        optimizer_of(torch)),
}


def _one(torch):
    optimizer = optimizer_of(torch)
    return optimizer, [torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)]


@needs_torch
@pytest.mark.parametrize("what", MISUSE)
def test_misuse_is_told_as_in_pytorch(what):
    assert type(alike(MISUSE[what])).__name__ == "Raised"


@needs_torch
def test_too_many_steps_of_one_cycle():
    def case(torch):
        optimizer = optimizer_of(torch)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=3)
        for _ in range(5):
            optimizer.step()
            schedule.step()
    alike(case)


def warnings_of(case):
    def run(torch):
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            case(torch)
        return [(w.category.__name__, str(w.message)) for w in seen]
    return run


def overridden(torch):
    optimizer = optimizer_of(torch)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
    optimizer.step = lambda: None
    schedule.step()


def stepped_before(torch):
    optimizer = optimizer_of(torch)
    optimizer.step()
    torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9).step()


@needs_torch
@pytest.mark.parametrize("case", [
    lambda torch: plan(torch).step(), lambda torch: plan(torch).get_lr(), overridden,
    stepped_before, lambda torch: plan(torch, "StepLR", step_size=3).step(5),
    lambda torch: plan(torch, "ReduceLROnPlateau", patience=3).step(0.5, epoch=3)],
    ids=["too early", "get_lr", "overridden", "stepped before", "epoch", "plateau epoch"])
def test_warnings(case):
    alike(warnings_of(case))


@needs_torch
def test_the_closed_form_at_a_given_epoch():
    def case(torch):
        rates = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for name in ("StepLR", "MultiStepLR", "ConstantLR", "LinearLR", "ExponentialLR",
                         "PolynomialLR", "CosineAnnealingLR"):
                schedule = plan(torch, name, **SCHEDULES[name][0])
                for epoch in (0, 3, 11, 25):
                    schedule.step(epoch)
                    rates.append(schedule.get_last_lr())
        return rates
    alike(case, rtol=1e-12)


def test_schedules_can_be_pickled_with_their_optimizer():
    for name, options in CASES:
        if any(callable(v) or isinstance(v, list) and v and callable(v[0])
               for v in options.values()):
            continue
        made = plan(learntorch, name, **options)
        twin = pickle.loads(pickle.dumps(made))
        for each in (made, twin):
            each.optimizer.step()
            each.step(*([0.5] if name == "ReduceLROnPlateau" else []))
        assert made.get_last_lr() == twin.get_last_lr()
        assert twin.optimizer.param_groups[0]["lr"] == made.optimizer.param_groups[0]["lr"]


def test_a_schedule_of_ones_own():
    class Halving(learntorch.optim.lr_scheduler.LRScheduler):
        def get_lr(self):
            return [base * 0.5 ** self.last_epoch for base in self.base_lrs]
    optimizer = optimizer_of(learntorch)
    schedule = Halving(optimizer)
    optimizer.step()
    schedule.step()
    assert schedule.get_last_lr() == [0.25, 0.025]
    assert isinstance(schedule, learntorch.optim.lr_scheduler.LRScheduler)
