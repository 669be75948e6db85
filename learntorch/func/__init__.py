"""Functions of functions: gradients, Jacobians, one example made into many (torch.func).

    from learntorch.func import grad, vmap
    per_sample = vmap(grad(loss), in_dims=(None, 0, 0))(parameters, inputs, targets)
"""

from learntorch.autograd.transforms.derivatives import (
    debug_unwrap,
    functionalize,
    grad,
    grad_and_value,
    hessian,
    jacfwd,
    jacrev,
    jvp,
    linearize,
    vjp,
)
from learntorch.autograd.transforms.vmap import vmap
from learntorch.func.modules import (
    functional_call,
    replace_all_batch_norm_modules_,
    stack_module_state,
)
from learntorch.func.rearranging import rearrange

__all__ = ["debug_unwrap", "functional_call", "functionalize", "grad", "grad_and_value", "hessian",
           "jacfwd", "jacrev", "jvp", "linearize", "rearrange",
           "replace_all_batch_norm_modules_", "stack_module_state", "vjp", "vmap"]
