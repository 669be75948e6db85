"""Schedules that follow half a cosine from the top to the bottom."""

import math

from learntorch.optim.lr_scheduler.base import LRScheduler


class CosineAnnealingLR(LRScheduler):
    """γₜ = η + (γ₀ − η) (1 + cos(π t / T)) / 2; η is `eta_min`, T `T_max`.

    It is computed from the rate before, so that other schedules may act too:
    γₜ = η + (γₜ₋₁ − η) (1 + cos(π t / T)) / (1 + cos(π (t − 1) / T)).
    After T epochs the rate rises again.

    Source: Loshchilov, Hutter: SGDR, stochastic gradient descent with warm restarts, ICLR 2017.
    """

    def __init__(self, optimizer, T_max, eta_min=0.0, last_epoch=-1):
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        self._warn_outside_step()
        if self._is_initial:
            return self._unchanged()
        t, low = self.last_epoch, self.eta_min
        if self._step_count == 1 and t > 0:
            return self._get_closed_form_lr()
        if (t - 1 - self.T_max) % (2 * self.T_max) == 0:        # it was at the bottom: 0 / 0
            rise = (1 - math.cos(math.pi / self.T_max)) / 2
            return [group["lr"] + (base - low) * rise for base, group
                    in zip(self.base_lrs, self.optimizer.param_groups, strict=True)]
        now = 1 + math.cos(math.pi * t / self.T_max)
        before = 1 + math.cos(math.pi * (t - 1) / self.T_max)
        return [now / before * (group["lr"] - low) + low for group in self.optimizer.param_groups]

    def _get_closed_form_lr(self):
        low, wave = self.eta_min, 1 + math.cos(math.pi * self.last_epoch / self.T_max)
        return [low + (base - low) * wave / 2 for base in self.base_lrs]


class CosineAnnealingWarmRestarts(LRScheduler):
    """γ = η + (γ₀ − η) (1 + cos(π T / Tᵢ)) / 2, where T counts the epochs since the last restart.

    The first restart comes after T₀ epochs (`T_0`), each later one after `T_mult` times as many as
    the one before; η is `eta_min`. `step` may be given a fraction of an epoch.

    Source: Loshchilov, Hutter: SGDR, stochastic gradient descent with warm restarts, ICLR 2017.
    """

    def __init__(self, optimizer, T_0, T_mult=1, eta_min=0.0, last_epoch=-1):
        if T_0 <= 0 or not isinstance(T_0, int):
            raise ValueError(f"Expected positive integer T_0, but got {T_0}")
        if T_mult < 1 or not isinstance(T_mult, int):
            raise ValueError(f"Expected integer T_mult >= 1, but got {T_mult}")
        if not isinstance(eta_min, (float, int)):
            raise ValueError(f"Expected float or int eta_min, but got {eta_min} "
                             f"of type {type(eta_min)}")
        self.T_0 = T_0
        self.T_i = T_0
        self.T_mult = T_mult
        self.eta_min = eta_min
        self.T_cur = last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        self._warn_outside_step()
        low, wave = self.eta_min, 1 + math.cos(math.pi * self.T_cur / self.T_i)
        return [low + (base - low) * wave / 2 for base in self.base_lrs]

    def step(self, epoch=None):
        """Go on by one epoch, or to `epoch`, which may be a fraction: epoch + batch / batches."""
        if epoch is None and self.last_epoch < 0:
            epoch = 0
        if epoch is None:
            epoch = self.last_epoch + 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur %= self.T_i
                self.T_i *= self.T_mult
        elif epoch < 0:
            raise ValueError(f"Expected non-negative epoch, but got {epoch}")
        else:
            self.T_cur, self.T_i = self._place(epoch)
        self.last_epoch = math.floor(epoch)
        self._get_lr_called_within_step = True
        try:
            rates = self.get_lr()
        finally:
            self._get_lr_called_within_step = False
        self._set_rates(rates)

    def _place(self, epoch):
        """(epochs since the last restart, epochs between restarts) at any epoch."""
        if epoch < self.T_0:
            return epoch, self.T_0
        if self.T_mult == 1:
            return epoch % self.T_0, self.T_i
        ratio = self.T_mult
        n = int(math.log(epoch / self.T_0 * (ratio - 1) + 1, ratio))
        return epoch - self.T_0 * (ratio ** n - 1) / (ratio - 1), self.T_0 * ratio ** n
