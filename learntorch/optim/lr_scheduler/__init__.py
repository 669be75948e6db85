"""Schedules: the learning rate as a function of the epoch, or of how training goes."""

from learntorch.optim.lr_scheduler.base import LRScheduler, _LRScheduler
from learntorch.optim.lr_scheduler.composed import ChainedScheduler, SequentialLR
from learntorch.optim.lr_scheduler.cosine import CosineAnnealingLR, CosineAnnealingWarmRestarts
from learntorch.optim.lr_scheduler.cycles import CyclicLR, OneCycleLR
from learntorch.optim.lr_scheduler.factors import (
                                                   ConstantLR,
                                                   ExponentialLR,
                                                   LambdaLR,
                                                   LinearLR,
                                                   MultiplicativeLR,
                                                   MultiStepLR,
                                                   PolynomialLR,
                                                   StepLR,
)
from learntorch.optim.lr_scheduler.plateau import ReduceLROnPlateau

__all__ = ["ChainedScheduler", "ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts",
           "CyclicLR", "ExponentialLR", "LRScheduler", "LambdaLR", "LinearLR", "MultiStepLR",
           "MultiplicativeLR", "OneCycleLR", "PolynomialLR", "ReduceLROnPlateau", "SequentialLR",
           "StepLR", "_LRScheduler"]
