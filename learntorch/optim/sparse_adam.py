"""SparseAdam: Adam for gradients of which only some rows are there."""

from learntorch.core.ambient import enable_grad, no_grad
from learntorch.core.tensor import Tensor
from learntorch.optim.optimizer import Optimizer
from learntorch.optim.stepping import check_betas


class SparseAdam(Optimizer):
    """Adam that touches only the entries a sparse gradient names.

    learntorch has no sparse gradients, so `step` can only say that the gradient is dense, as
    PyTorch does; `Adam` is the optimizer to use. The class is here so that programs which choose
    among optimizers by name find it.

    Raises ValueError for options out of range, RuntimeError at `step` for dense gradients.
    Source: Kingma, Ba: Adam, a method for stochastic optimization, ICLR 2015.
    """

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, maximize=False):
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if not 0.0 < lr:
            raise ValueError(f"Invalid learning rate: {lr}")
        if not 0.0 < eps:
            raise ValueError(f"Invalid epsilon value: {eps}")
        check_betas(betas)
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "maximize": maximize})
        unfit = [[i, j] for i, group in enumerate(self.param_groups)
                 for j, param in enumerate(group["params"]) if param.is_complex()]
        if unfit:
            raise ValueError(f"Complex params at indices {unfit}: SparseAdam does not support "
                             "complex parameters")

    @no_grad()
    def step(self, closure=None):
        """Call `closure()` if given, then refuse the dense gradients."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for group in self.param_groups:
            for param in group["params"]:
                if param.grad is not None:
                    raise RuntimeError("SparseAdam does not support dense gradients, please "
                                       "consider Adam instead")
        return loss
