"""What every learning rate schedule has: a count of epochs and the groups whose rates it sets."""

import warnings

from learntorch.core.tensor import Tensor
from learntorch.optim.optimizer import Optimizer

_EPOCH_DEPRECATED = (
    "The epoch parameter in `scheduler.step()` was not necessary and is being deprecated where "
    "possible. Please use `scheduler.step()` to step the scheduler. During the deprecation, if "
    "epoch is different from None, the closed form is used instead of the new chainable form, "
    "where available. Please open an issue if you are unable to replicate your use case: "
    "https://github.com/pytorch/pytorch/issues/new/choose.")
_HOW_TO = "https://pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate"


def values(optimizer, key):
    """The option `key` of each group; tensors are copied, so that nobody shares them."""
    return [own(group[key]) for group in optimizer.param_groups]


def own(value):
    return value.clone() if isinstance(value, Tensor) else value


def set_value(group, key, value):
    """Set an option of a group; a tensor is filled, so that who holds it sees the change."""
    if isinstance(group[key], Tensor):
        group[key].fill_(value.squeeze() if isinstance(value, Tensor) else value)
    else:
        group[key] = value


def per_group(name, optimizer, value):
    """One value for each group, from a list of as many or a single one."""
    groups = len(optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        value = [value] * groups
    if len(value) != groups:
        raise ValueError(f"{name} must have the same length as optimizer.param_groups. "
                         f"{name} has {len(value)} values, param_groups has {groups}.")
    return [own(v) for v in value]


def check_optimizer(optimizer):
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")


def warn_epoch(stacklevel=3):
    warnings.warn(_EPOCH_DEPRECATED, UserWarning, stacklevel=stacklevel)


class LRScheduler:
    """Base class of all learning rate schedules.

    A subclass says in `get_lr()` what the rates of the groups shall be at `self.last_epoch`; it may
    compute them from the rates they have now (`group["lr"]`), so that schedules can be chained, or
    from `self.base_lrs`, the rates at the start.

    `optimizer`: whose rates are set, at once when the schedule is made. `last_epoch`: -1 to start;
    else the epoch to go on from, and the groups must have "initial_lr" from a loaded state_dict.

    Call `step()` after `optimizer.step()`.
    """

    _get_lr_called_within_step = False
    _is_initial = False

    def __init__(self, optimizer, last_epoch=-1):
        check_optimizer(optimizer)
        self.optimizer = optimizer
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", own(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{i}] when resuming "
                    "scheduler with last_epoch >= 0.\nThis typically happens when:\n"
                    "1. You're trying to resume training from a checkpoint but haven't properly "
                    "loaded the optimizer state\n"
                    "2. You're using last_epoch >= 0 for a fresh training run (not recommended)")
        self.base_lrs = values(optimizer, "initial_lr")
        self.last_epoch = last_epoch
        watch(optimizer)
        self._initial_step()

    def _initial_step(self):
        """Set the rates of the first epoch."""
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def state_dict(self):
        """All attributes except the optimizer."""
        return {key: value for key, value in self.__dict__.items() if key != "optimizer"}

    def load_state_dict(self, state_dict):
        """Take over what `state_dict()` returned. The rates themselves are the optimizer's."""
        self.__dict__.update(state_dict)

    def get_last_lr(self):
        """The rates set last, one for each group."""
        return self._last_lr

    def get_lr(self):
        """The rates for `last_epoch`, one for each group; called by `step`."""
        raise NotImplementedError

    def step(self, epoch=None):
        """Go on to the next epoch and set its rates (deprecated: to the epoch that is given)."""
        if self._step_count == 1:
            warn_of_order(self.optimizer)
        self._step_count += 1
        if epoch is not None:
            warn_epoch()
        self._update_lr(epoch)

    def _update_lr(self, epoch=None):
        self._get_lr_called_within_step = True
        try:
            if epoch is None:
                self.last_epoch += 1
                rates = self.get_lr()
            else:
                self.last_epoch = epoch
                closed = getattr(self, "_get_closed_form_lr", self.get_lr)
                rates = closed()
        finally:
            self._get_lr_called_within_step = False
        self._set_rates(rates)

    def _set_rates(self, rates):
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            set_value(group, "lr", rate)
        self._last_lr = values(self.optimizer, "lr")

    # ---- for subclasses

    def _warn_outside_step(self):
        """`get_lr` is no way to ask for the rate: it may be one step ahead."""
        if not self._get_lr_called_within_step:
            warnings.warn("To get the last learning rate computed by the scheduler, please use "
                          "`get_last_lr()`.", UserWarning, stacklevel=3)

    def _unchanged(self):
        return values(self.optimizer, "lr")

    def _times(self, factor):
        """The present rates, each times `factor`."""
        return [group["lr"] * factor for group in self.optimizer.param_groups]


class _LRScheduler(LRScheduler):
    """The base class under its older name."""


def watch(optimizer):
    """From now on it is known whether `optimizer.step()` was called since."""
    if not hasattr(optimizer, "_watched_step"):
        optimizer._watched_step = _function(optimizer.step)
        optimizer._opt_called = False


def _function(method):
    return getattr(method, "__func__", method)


def warn_of_order(optimizer):
    """Warn if the schedule is stepped a first time before the optimizer ever was."""
    now = _function(optimizer.step)
    if now is not getattr(optimizer, "_watched_step", now):
        warnings.warn("Seems like `optimizer.step()` has been overridden after learning rate "
                      "scheduler initialization. Please, make sure to call `optimizer.step()` "
                      f"before `lr_scheduler.step()`. See more details at {_HOW_TO}",
                      UserWarning, stacklevel=3)
    elif hasattr(now, "hooked") and not getattr(optimizer, "_opt_called", False):
        warnings.warn("Detected call of `lr_scheduler.step()` before `optimizer.step()`. "
                      "In PyTorch 1.1.0 and later, you should call them in the opposite order: "
                      "`optimizer.step()` before `lr_scheduler.step()`.  Failure to do this "
                      "will result in PyTorch skipping the first value of the learning rate "
                      f"schedule. See more details at {_HOW_TO}", UserWarning, stacklevel=3)
