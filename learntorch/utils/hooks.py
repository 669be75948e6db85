"""Hooks: functions that a user hangs onto a module, a tensor or an optimizer, and takes off again.

`RemovableHandle` is what every `register_*` function returns. `BackwardHook` lets a module see the
gradients that enter and leave it.
"""

import warnings

from learntorch.core.handles import RemovableHandle

__all__ = ["BackwardHook", "RemovableHandle", "unserializable_hook"]


def unserializable_hook(f):
    """Mark a hook as one that must not be pickled with its tensor."""
    f.__torch_unserializable__ = True
    return f


def _one_function():
    """The identity that is recorded around a module, made once (autograd is imported late)."""
    from learntorch.autograd import Function

    class BackwardHookFunction(Function):
        """y = x; on the way back the gradients pass through `react`, which may replace them.

        `fill`: a gradient that never came is shown as zeros, else as None.
        """

        @staticmethod
        def forward(ctx, react, fill, *tensors):
            ctx.react = react
            ctx.set_materialize_grads(fill)
            ctx.mark_non_differentiable(*[t for t in tensors if not t.requires_grad])
            return tensors

        @staticmethod
        def backward(ctx, *gradients):
            return (None, None, *ctx.react(gradients))

    return BackwardHookFunction


class BackwardHook:
    """Shows a module's gradients to its hooks while one forward pass is differentiated.

    Two identities are recorded, one around the arguments and one around the results. Backward
    passes the latter first (grad_output is complete: pre-hooks run), the former last (grad_input
    is complete: hooks run).
    """

    _function = None

    def __init__(self, module, user_hooks, user_pre_hooks):
        self.module = module
        self.user_hooks = user_hooks
        self.user_pre_hooks = user_pre_hooks
        self.grad_outputs = None
        self.n_inputs = -1
        self.n_outputs = -1
        self.inputs = None              # positions of the tensors among the arguments
        self.outputs = None

    def _watch(self, values, react, fill):
        """`values` with its tensors passed through the identity, and their positions."""
        from learntorch.core.ambient import ambient
        from learntorch.core.tensor import Tensor
        where = [i for i, v in enumerate(values) if isinstance(v, Tensor)]
        if not ambient.state.grad or not any(values[i].requires_grad for i in where):
            return values, None
        if BackwardHook._function is None:
            BackwardHook._function = _one_function()
        watched = BackwardHook._function.apply(react, fill, *[values[i] for i in where])
        if isinstance(watched, Tensor):
            watched = (watched,)
        found = list(values)
        for i, t in zip(where, watched):
            found[i] = t
        return tuple(found), where

    def setup_input_hook(self, args):
        """The arguments to call forward with."""
        self.n_inputs = len(args)
        args, self.inputs = self._watch(args, self._inputs_done, True)
        return args

    def setup_output_hook(self, result):
        """What the module call returns in place of `result`."""
        from learntorch.core.tensor import Tensor
        single = isinstance(result, Tensor)
        if not single and not isinstance(result, tuple):
            warnings.warn("For backward hooks to be called, module output should be a Tensor or a "
                          f"tuple of Tensors but received {type(result)}", stacklevel=4)
            return result
        values = (result,) if single else result
        self.n_outputs = len(values)
        values, self.outputs = self._watch(values, self._outputs_done, False)
        return values[0] if single else values

    def _outputs_done(self, gradients):
        grad_output = _spread(gradients, self.outputs, self.n_outputs)
        for hook in self.user_pre_hooks:
            answer = hook(self.module, grad_output)
            if answer is not None:
                grad_output = _checked(answer, self.n_outputs, "pre hook", "grad_output")
        self.grad_outputs = grad_output
        if self.inputs is None:
            self._no_input_gradient(grad_output)
        return _picked(grad_output, self.outputs)

    def _no_input_gradient(self, grad_output):
        """The arguments need no gradient, so nothing will arrive there: call the hooks now."""
        warnings.warn("Full backward hook is firing when gradients are computed with respect to "
                      "module outputs since no inputs require gradients. See "
                      "https://docs.pytorch.org/docs/main/generated/torch.nn.Module.html"
                      "#torch.nn.Module.register_full_backward_hook for more details.",
                      stacklevel=5)
        nothing = (None,) * self.n_inputs
        for hook in self.user_hooks:
            answer = hook(self.module, nothing, grad_output)
            if answer is None or (isinstance(answer, tuple) and all(g is None for g in answer)):
                continue
            raise RuntimeError("Backward hook for Modules where no input requires gradient should "
                               "always return None or None for all gradients.")

    def _inputs_done(self, gradients):
        if self.grad_outputs is None:           # differentiated with respect to an inner tensor
            return gradients
        grad_input = _spread(gradients, self.inputs, self.n_inputs)
        for hook in self.user_hooks:
            answer = hook(self.module, grad_input, self.grad_outputs)
            if answer is not None:
                grad_input = _checked(answer, self.n_inputs, "hook", "grad_input")
        self.grad_outputs = None
        return _picked(grad_input, self.inputs)


def _spread(gradients, where, n):
    """One entry for each argument: its gradient, or None where it was no tensor."""
    found = [None] * n
    for i, g in zip(where, gradients):
        found[i] = g
    return tuple(found)


def _picked(gradients, where):
    return tuple(gradients[i] for i in where)


def _checked(answer, n, hook, what):
    if not isinstance(answer, tuple):
        answer = (answer,)
    if len(answer) != n:
        raise RuntimeError(f"Backward {hook} returned an invalid number of {what}, "
                           f"got {len(answer)}, but expected {n}")
    return answer
