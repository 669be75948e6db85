"""Schedules that go up and down within a run, after every batch, and momentum against them."""

import math
import types

from learntorch.optim.lr_scheduler.base import LRScheduler, check_optimizer, per_group, set_value


class _WithMomentum(LRScheduler):
    """A schedule that moves momentum (or β₁) against the learning rate."""

    def _start_momentum(self, optimizer, base_momentum, max_momentum, last_epoch):
        """Set each group to its highest momentum; returns (lowest, highest) for the groups."""
        if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
            raise ValueError("optimizer must support momentum or beta1 with `cycle_momentum` "
                             "option enabled")
        self.use_beta1 = "betas" in optimizer.defaults
        lowest = per_group("base_momentum", optimizer, base_momentum)
        highest = per_group("max_momentum", optimizer, max_momentum)
        if last_epoch == -1:
            for group, low, high in zip(optimizer.param_groups, lowest, highest, strict=True):
                self._set_momentum(group, high)
                group["max_momentum"] = high
                group["base_momentum"] = low
        return lowest, highest

    def _set_momentum(self, group, momentum):
        if self.use_beta1:
            group["betas"] = (momentum, *group["betas"][1:])
        else:
            group["momentum"] = momentum


class CyclicLR(_WithMomentum):
    """γ = γ_low + (γ_high − γ_low) · h · s: h goes 0 → 1 → 0 in each cycle, s scales the cycles.

    `base_lr` is γ_low, `max_lr` γ_high (a number or one for each group); h rises for `step_size_up`
    batches and falls for `step_size_down` (None: as many). `mode`: "triangular" s = 1,
    "triangular2" s = 1, ½, ¼ … from cycle to cycle, "exp_range" s = gᵗ with g = `gamma`. A function
    `scale_fn` takes the place of the mode; it is given the number of the cycle (`scale_mode`
    "cycle", from 1) or the batch t ("iterations").

    With `cycle_momentum` the momentum (or β₁) falls from `max_momentum` to `base_momentum` as the
    rate rises. Call `step` after every batch.

    Source: Smith: Cyclical learning rates for training neural networks, WACV 2017.
    """

    def __init__(self, optimizer, base_lr, max_lr, step_size_up=2000, step_size_down=None,
                 mode="triangular", gamma=1.0, scale_fn=None, scale_mode="cycle",
                 cycle_momentum=True, base_momentum=0.8, max_momentum=0.9, last_epoch=-1):
        check_optimizer(optimizer)
        self.optimizer = optimizer
        base_lrs = per_group("base_lr", optimizer, base_lr)
        if last_epoch == -1:
            for group, rate in zip(optimizer.param_groups, base_lrs, strict=True):
                set_value(group, "lr", rate)
        self.max_lrs = per_group("max_lr", optimizer, max_lr)
        up = float(step_size_up)
        down = up if step_size_down is None else float(step_size_down)
        self.total_size = up + down
        self.step_ratio = up / self.total_size
        if mode not in ("triangular", "triangular2", "exp_range") and scale_fn is None:
            raise ValueError("mode is invalid and scale_fn is None")
        self.mode = mode
        self.gamma = gamma
        self._scale_fn_custom = scale_fn
        self.scale_mode = scale_mode
        if scale_fn is None:
            self.scale_mode = "iterations" if mode == "exp_range" else "cycle"
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.base_momentums, self.max_momentums = self._start_momentum(
                optimizer, base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def scale_fn(self, x):
        """The scale s of a cycle or a batch."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "triangular":
            return 1.0
        if self.mode == "triangular2":
            return 1 / 2.0 ** (x - 1)
        return self.gamma ** x

    def get_lr(self):
        self._warn_outside_step()
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        if x <= self.step_ratio:
            height = x / self.step_ratio
        else:
            height = (x - 1) / (self.step_ratio - 1)
        scale = self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            for group, low, high in zip(self.optimizer.param_groups, self.base_momentums,
                                        self.max_momentums, strict=True):
                self._set_momentum(group, high - (high - low) * height * scale)
        return [low + (high - low) * height * scale
                for low, high in zip(self.base_lrs, self.max_lrs, strict=True)]

    def state_dict(self):
        """All attributes except the optimizer; of a scale function that is an object, its own."""
        state = super().state_dict()
        scale_fn = self._scale_fn_custom
        kept = scale_fn is not None and not isinstance(scale_fn, types.FunctionType)
        state["_scale_fn_custom"] = scale_fn.__dict__.copy() if kept else None
        return state

    def load_state_dict(self, state_dict):
        """Take over what `state_dict()` returned; a plain scale function must be given anew."""
        attributes = state_dict.get("_scale_fn_custom")
        rest = {key: value for key, value in state_dict.items() if key != "_scale_fn_custom"}
        super().load_state_dict(rest)
        if attributes is not None:
            self._scale_fn_custom.__dict__.update(attributes)


class OneCycleLR(_WithMomentum):
    """Up from γ_high / a to γ_high, then down to γ_high / (a b): one cycle for the whole run.

    `max_lr` is γ_high (a number or one for each group), a is `div_factor`, b `final_div_factor`.
    The run has `total_steps` batches, or `epochs` · `steps_per_epoch`; the share `pct_start` of
    them goes up. `anneal_strategy` "cos" follows half a cosine between two ends, "linear" a line.
    With `three_phase` the way down first mirrors the way up, then goes on to the end.

    With `cycle_momentum` the momentum (or β₁) falls from `max_momentum` to `base_momentum` as the
    rate rises. Call `step` after every batch.

    Source: Smith, Topin: Super-convergence, very fast training of neural networks using large
    learning rates, 2017.
    """

    def __init__(self, optimizer, max_lr, total_steps=None, epochs=None, steps_per_epoch=None,
                 pct_start=0.3, anneal_strategy="cos", cycle_momentum=True, base_momentum=0.85,
                 max_momentum=0.95, div_factor=25.0, final_div_factor=1e4, three_phase=False,
                 last_epoch=-1):
        check_optimizer(optimizer)
        self.optimizer = optimizer
        self.total_steps = _total(total_steps, epochs, steps_per_epoch)
        self._schedule_phases = _phases(pct_start, self.total_steps, three_phase)
        if pct_start < 0 or pct_start > 1 or not isinstance(pct_start, float):
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError("anneal_strategy must be one of 'cos' or 'linear', "
                             f"instead got {anneal_strategy}")
        self._anneal_func_type = anneal_strategy
        max_lrs = per_group("max_lr", optimizer, max_lr)
        if last_epoch == -1:
            for group, high in zip(optimizer.param_groups, max_lrs, strict=True):
                group["initial_lr"] = high / div_factor
                group["max_lr"] = high
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._start_momentum(optimizer, base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)

    def _anneal_func(self, start, end, share):
        """A value between `start` (share 0) and `end` (share 1)."""
        if self._anneal_func_type == "cos":
            return end + (start - end) / 2.0 * (math.cos(math.pi * share) + 1)
        return (end - start) * share + start

    def get_lr(self):
        self._warn_outside_step()
        t = self.last_epoch
        if t > self.total_steps:
            raise ValueError(f"Tried to step {t} times. The specified number of total steps is "
                             f"{self.total_steps}")
        start = 0.0
        for phase in self._schedule_phases:
            end = phase["end_step"]
            if t <= end or phase is self._schedule_phases[-1]:
                break
            start = end
        share = (t - start) / (end - start)
        rates = []
        for group in self.optimizer.param_groups:
            rates.append(self._anneal_func(group[phase["start_lr"]], group[phase["end_lr"]], share))
            if self.cycle_momentum:
                self._set_momentum(group, self._anneal_func(
                    group[phase["start_momentum"]], group[phase["end_momentum"]], share))
        return rates


def _total(total_steps, epochs, steps_per_epoch):
    if total_steps is not None:
        _check_positive("total_steps", total_steps)
        return total_steps
    if epochs is None or steps_per_epoch is None:
        raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
    _check_positive("epochs", epochs)
    _check_positive("steps_per_epoch", steps_per_epoch)
    return epochs * steps_per_epoch


def _check_positive(name, value):
    if not isinstance(value, int) or value <= 0:
        raise ValueError(f"Expected positive integer {name}, but got {value}")


def _phases(pct_start, total, three_phase):
    """The stretches of the cycle: where each ends, and what it leads from and to."""
    up = _phase(float(pct_start * total) - 1, "initial", "max", "max", "base")
    if not three_phase:
        return [up, _phase(total - 1, "max", "min", "base", "max")]
    return [up, _phase(float(2 * pct_start * total) - 2, "max", "initial", "base", "max"),
            _phase(total - 1, "initial", "min", "max", "max")]


def _phase(end, start_lr, end_lr, start_momentum, end_momentum):
    return {"end_step": end, "start_lr": f"{start_lr}_lr", "end_lr": f"{end_lr}_lr",
            "start_momentum": f"{start_momentum}_momentum",
            "end_momentum": f"{end_momentum}_momentum"}
