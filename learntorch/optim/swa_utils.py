"""Averages of a model over the course of its training: stochastic weight averaging and EMA."""

import itertools
import math
from copy import deepcopy

from learntorch.core.ambient import no_grad
from learntorch.core.tensor import wrap
from learntorch.nn import Module
from learntorch.optim.lr_scheduler.base import LRScheduler, per_group

__all__ = ["AveragedModel", "SWALR", "get_ema_avg_fn", "get_ema_multi_avg_fn", "get_swa_avg_fn",
           "get_swa_multi_avg_fn", "update_bn"]


def _check_decay(decay):
    if decay < 0.0 or decay > 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. "
                         "Please provide a value in [0,1] range.")


def get_ema_avg_fn(decay=0.999):
    """A function (average, parameter, n) → d · average + (1 − d) · parameter; d is `decay`."""
    _check_decay(decay)

    @no_grad()
    def ema_update(ema_param, current_param, num_averaged):
        return decay * ema_param + (1 - decay) * current_param
    return ema_update


def get_swa_avg_fn():
    """A function (average, parameter, n) → average + (parameter − average) / (n + 1)."""

    @no_grad()
    def swa_update(averaged_param, current_param, num_averaged):
        return averaged_param + (current_param - averaged_param) / (num_averaged + 1)
    return swa_update


def get_ema_multi_avg_fn(decay=0.999):
    """`get_ema_avg_fn` for lists of tensors, which it changes in place."""
    _check_decay(decay)

    @no_grad()
    def ema_update(ema_param_list, current_param_list, _):
        for average, current in zip(ema_param_list, current_param_list, strict=True):
            _blend(average, current, 1 - decay)
    return ema_update


def get_swa_multi_avg_fn():
    """`get_swa_avg_fn` for lists of tensors, which it changes in place."""

    @no_grad()
    def swa_update(averaged_param_list, current_param_list, num_averaged):
        weight = 1 / (int(num_averaged) + 1)
        for average, current in zip(averaged_param_list, current_param_list, strict=True):
            _blend(average, current, weight)
    return swa_update


def _blend(average, current, weight):
    """a ← a + w (c − a); rounded to the dtype of a where that is not a float."""
    average.copy_(average + weight * (current - average))


class AveragedModel(Module):
    """A copy of a model that holds the average of the parameters the model has had.

    `update_parameters(model)` takes the model's present parameters into the average: the first time
    they are copied, later ā ← ā + (θ − ā) / (n + 1) (SWA), or what `avg_fn(average, parameter, n)`
    returns, or `multi_avg_fn(averages, parameters, n)` does in place. The number n of models is the
    buffer `n_averaged`.

    With `use_buffers` buffers (running statistics) are averaged too, else copied. `device`: where
    the copy is kept. Calling it calls the averaged model.

    Source: Izmailov et al.: Averaging weights leads to wider optima and better generalization,
    UAI 2018; Polyak, Juditsky 1992 for exponential weights.
    """

    def __init__(self, model, device=None, avg_fn=None, multi_avg_fn=None, use_buffers=False):
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", _integer(0, device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args, **kwargs):
        """The averaged model on the arguments."""
        return self.module(*args, **kwargs)

    def _pairs(self, model):
        """(average, present value) of all that is averaged, without history."""
        if self.use_buffers:
            mine = itertools.chain(self.module.parameters(), self.module.buffers())
            theirs = itertools.chain(model.parameters(), model.buffers())
        else:
            mine, theirs = self.parameters(), model.parameters()
        return [(average.detach(), current.detach().to(average.device))
                for average, current in zip(mine, theirs, strict=False)]

    def update_parameters(self, model):
        """Take the present parameters of `model` into the average."""
        pairs = self._pairs(model)
        if self.n_averaged == 0:
            for average, current in pairs:
                average.copy_(current)
        else:
            self._average(pairs)
        if not self.use_buffers:
            for mine, theirs in zip(self.module.buffers(), model.buffers(), strict=True):
                mine.detach().copy_(theirs.detach().to(mine.device))
        self.n_averaged += 1

    def _average(self, pairs):
        n = self.n_averaged
        if self.multi_avg_fn is not None:
            kinds = {}
            for average, current in pairs:
                averages, currents = kinds.setdefault((average.device, average.dtype), ([], []))
                averages.append(average)
                currents.append(current)
            for (device, _), (averages, currents) in kinds.items():
                self.multi_avg_fn(averages, currents, n.to(device))
            return
        avg_fn = self.avg_fn or get_swa_avg_fn()
        for average, current in pairs:
            average.copy_(avg_fn(average, current, n.to(average.device)))


def _integer(value, device):
    import numpy as np
    number = wrap(np.array(value, np.int64))
    return number if device is None else number.to(device)


@no_grad()
def update_bn(loader, model, device=None):
    """Compute the running mean and variance of the model's batch norms anew, in one pass of data.

    Averaged weights have never seen data, so their batch norms' statistics do not fit them.
    `loader` yields tensors, or lists and tuples whose first entry goes into the model; with
    `device` it is moved there before.
    """
    from learntorch.nn.modules.batchnorm import _BatchNorm
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    was_training = model.training
    model.train()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None                # all batches count the same
    for batch in loader:
        if isinstance(batch, (list, tuple)):
            batch = batch[0]
        if device is not None:
            batch = batch.to(device)
        model(batch)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """From the present rate to `swa_lr` within `anneal_epochs`, then constant.

    γₜ = α γ_swa + (1 − α) γ₀, where α goes from 0 to 1 along half a cosine (`anneal_strategy`
    "cos") or a line ("linear"). `swa_lr`: a number or one for each group.
    """

    def __init__(self, optimizer, swa_lr, anneal_epochs=10, anneal_strategy="cos", last_epoch=-1):
        rates = per_group("swa_lr", optimizer, swa_lr)
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError("anneal_strategy must be one of 'cos' or 'linear', "
                             f"instead got {anneal_strategy}")
        self._anneal_strategy = anneal_strategy
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError("anneal_epochs must be equal or greater than 0, "
                             f"got {anneal_epochs}")
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def anneal_func(self, t):
        """How much of the way is done at the share t of the epochs."""
        return t if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * t)) / 2

    def _alpha(self, step):
        return self.anneal_func(max(0, min(1, step / max(1, self.anneal_epochs))))

    def get_lr(self):
        self._warn_outside_step()
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._alpha(step - 1), self._alpha(step)
        rates = []
        for group in self.optimizer.param_groups:
            rate, end = group["lr"], group["swa_lr"]
            start = end if before == 1 else (rate - before * end) / (1 - before)
            rates.append(end * now + start * (1 - now))
        return rates
