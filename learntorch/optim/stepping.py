"""How a step goes through the parameters: all that is not the update rule.

An update rule is written for one parameter `p` and its gradient `g` with `+=`, `*=` and the
functions of an array library `xp`, like the lines of its paper. Two readers run it:

- normally `p` and `g` are raw arrays: nothing is recorded, and the write is noted afterwards, so
  that a saved value that has become stale is still found out;
- under `differentiable=True` (and for half precision and complex numbers) they are Tensors, so
  that the step itself has a gradient, or numbers are rounded as the dtype demands.
"""

from learntorch.backend import tensor_xp
from learntorch.backend.dialects import library
from learntorch.core.ambient import enable_grad, set_grad_enabled
from learntorch.core.graph import touch
from learntorch.core.tensor import Tensor, wrap
from learntorch.optim.optimizer import Optimizer


def raw(state, name):
    """The array of one entry of a parameter's state."""
    return state[name]._data


def plain(state, name):
    """One entry of the state, as the Tensor it is."""
    return state[name]


def fresh(state, name):
    """One entry of the state as a new Tensor, since a recorded history may hold on to the old one.

    Reading a second time gives another new one, which may be overwritten.
    """
    value = state[name] = state[name].clone()
    return value


def as_real(read):
    """`read`, with complex entries seen as pairs of real numbers in the same memory."""
    return lambda state, name: pairs(read(state, name))


def pairs(x):
    """A complex Tensor as a real one with a last dimension of 2; a real one as it is."""
    if not x.is_complex():
        return x
    from learntorch import view_as_real
    return view_as_real(x)


def kept(g):
    """A copy of a gradient to be put into the state."""
    return g.detach().clone() if isinstance(g, Tensor) else wrap(g.copy())


def count(state):
    """Count one more step of a parameter; returns the number of this step, from 1 on."""
    step = state["step"]._data
    step += 1
    return step.item()


def number(x):
    """A hyperparameter as a Python number; a tensor that takes part in autograd stays a tensor.

    NumPy's own scalars are converted too: a float64 one would make float64 of everything it meets.
    """
    if type(x) is float or type(x) is int:
        return x
    if isinstance(x, Tensor) and x.requires_grad:
        return x.squeeze()
    return x.item() if hasattr(x, "item") else x


def full_like(x, value):
    """A Tensor filled with `value`, in the shape, dtype and memory layout of `x`."""
    a = x._data
    return wrap(library(type(a)).full_like(a, value))


def zeros_like(x):
    """Zeros in the shape, dtype and memory layout of `x`, without history."""
    a = x._data
    return wrap(library(type(a)).zeros_like(a))


def check_lr(lr):
    """Refuse a learning rate that is negative, or a tensor of more than one number."""
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")
    if not 0.0 <= lr:
        raise ValueError(f"Invalid learning rate: {lr}")


def check_betas(betas):
    """Refuse decay rates outside [0, 1): an average that never forgets, or grows."""
    for i in (0, 1):
        if not 0.0 <= betas[i] < 1.0:
            raise ValueError(f"Invalid beta parameter at index {i}: {betas[i]}")


def check_not_negative(**options):
    """Refuse negative options; `eps` and its kin are named as PyTorch names them."""
    for name, value in options.items():
        if not 0.0 <= value:
            raise ValueError(f"Invalid {_LONG.get(name, name)} value: {value}")


_LONG = {"eps": "epsilon"}


class RuleOptimizer(Optimizer):
    """An optimizer whose step applies one rule to each parameter by itself.

    A subclass says what it remembers of a parameter (`_begin`) and how one group of parameters is
    updated (`_update`, over the items of `_pending`).
    """

    # dtypes (NumPy's letters) of arrays that the rule can be run on as they are
    _raw_dtypes = "fd"

    def _begin(self, param, grad, group):
        """What is remembered of a parameter before its first step: a dict for the state."""
        return {}

    def _decoupled(self, group):
        """Whether weight decay is the rule's own business; if not, it is added to the gradient."""
        return group.get("decoupled_weight_decay", False)

    def _update(self, group):
        """Apply the rule to every parameter of the group that has a gradient."""
        raise NotImplementedError

    def step(self, closure=None):
        """Change every parameter that has a gradient, once.

        `closure()`, if given, is called first with recording on; it clears the gradients, computes
        the loss, calls `backward()` and returns the loss, which is what `step` returns.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        with set_grad_enabled(bool(self.defaults.get("differentiable"))):
            for group in self.param_groups:
                self._update(group)
        return loss

    def _pending(self, group):
        """Yield (xp, read, p, g, state) for each parameter with a gradient, ready for the rule.

        `g` has its sign turned under maximize, and the L2 penalty in it. `read(state, name)` gives
        an entry of the state in the form `p` has.
        """
        self._check_group(group)
        maximize = group.get("maximize")
        decay = 0 if self._decoupled(group) else number(group.get("weight_decay", 0))
        letters = "" if group.get("differentiable") else self._raw_dtypes
        states = self.state
        for param in group["params"]:
            grad = param.grad
            if grad is None:
                continue
            state = states.get(param)
            if not state:
                state = self._begin(param, grad, group)
                if state:
                    states[param] = state
            p = param._data
            if p.dtype.char in letters:
                xp, read, g = library(type(p)), raw, grad._data
            else:
                xp, read, p, g = self._tensors(param, grad, group)
            if maximize:
                g = -g
            if decay:
                g = g + decay * p
            yield xp, read, p, g, state
            if read is raw:
                touch(param)

    def _tensors(self, param, grad, group):
        """The same four for a rule that runs on Tensors."""
        read = fresh if group.get("differentiable") else plain
        if param.is_complex() and "F" not in self._raw_dtypes:
            return tensor_xp, as_real(read), pairs(param), pairs(grad)
        return tensor_xp, read, param, grad

    def _check_group(self, group):
        """Refuse options that cannot work for the parameters of the group."""
        if group.get("capturable"):
            _check_capturable(group)
        if group.get("fused"):
            _check_fused(group)


def _check_capturable(group):
    for param in group["params"]:
        if param.grad is not None and param.device.type not in _CAPTURING:
            raise AssertionError("If capturable=True, params and state_steps must be on supported "
                                 f"devices: {_CAPTURING}. On the {param.device.type} there is no "
                                 "graph to be captured: leave capturable out.")


_CAPTURING = ["cuda", "xpu", "hpu", "privateuseone", "xla"]


def _check_fused(group):
    for param in group["params"]:
        if param.grad is not None and not param.is_floating_point():
            raise RuntimeError("`fused=True` requires all the params to be floating point Tensors "
                               f"of supported devices: {_FUSING} but {param.dtype} and "
                               f"{param.device.type}")


_FUSING = ["mps", "cuda", "xpu", "hpu", "cpu", "mtia", "privateuseone"]


def check_fused(optimizer, fused, foreach, differentiable):
    """Refuse combinations of ways to run a step that contradict each other."""
    if fused and differentiable:
        raise RuntimeError("`fused` does not support `differentiable`")
    if fused and foreach:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
