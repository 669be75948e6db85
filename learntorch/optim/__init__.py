"""Optimizers: how parameters follow their gradients; and schedules for the learning rate."""

from learntorch.optim import lr_scheduler, swa_utils
from learntorch.optim.adadelta import Adadelta
from learntorch.optim.adafactor import Adafactor
from learntorch.optim.adagrad import Adagrad
from learntorch.optim.adam import Adam
from learntorch.optim.adamax import Adamax
from learntorch.optim.adamw import AdamW
from learntorch.optim.asgd import ASGD
from learntorch.optim.lbfgs import LBFGS
from learntorch.optim.muon import Muon
from learntorch.optim.nadam import NAdam
from learntorch.optim.optimizer import Optimizer
from learntorch.optim.radam import RAdam
from learntorch.optim.rmsprop import RMSprop
from learntorch.optim.rprop import Rprop
from learntorch.optim.sgd import SGD
from learntorch.optim.sparse_adam import SparseAdam
from learntorch.optim.swap import swap_in_optimizer_params_and_state

__all__ = ["ASGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "LBFGS", "Muon",
           "NAdam", "Optimizer", "RAdam", "RMSprop", "Rprop", "SGD", "SparseAdam", "lr_scheduler",
           "swa_utils", "swap_in_optimizer_params_and_state"]
