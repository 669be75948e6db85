"""`torch.autograd.grad` with all its arguments: the engine's, and many cotangents at once."""

from learntorch.core import engine
from learntorch.core.graph import GradientEdge
from learntorch.core.tensor import Tensor


def several(value):
    """A tensor or an edge as a tuple of one."""
    return (value,) if isinstance(value, (Tensor, GradientEdge)) else tuple(value)


def grad(outputs, inputs, grad_outputs=None, retain_graph=None, create_graph=False,
         only_inputs=True, allow_unused=None, is_grads_batched=False, materialize_grads=False):
    """The gradients of Σ outputs · grad_outputs with respect to `inputs`, as a tuple of tensors.

    is_grads_batched: dimension 0 of `grad_outputs` counts cotangents; the gradients of each are
    computed together (by `vmap` over backward) and have that dimension, too.
    Raises RuntimeError where an input was not used, unless `allow_unused` (then None) or
    `materialize_grads` (then zeros).
    Shapes: grad_outputs as the outputs, the gradients as the inputs.
    """
    if not only_inputs:
        import warnings
        warnings.warn("only_inputs argument is deprecated and is ignored now (defaults to True). "
                      "To accumulate gradient for other parts of the graph, please use "
                      "torch.autograd.backward.", FutureWarning, stacklevel=2)
    if materialize_grads:
        if allow_unused is False:
            raise ValueError("Expected allow_unused to be True or not passed when "
                             "materialize_grads=True, but got: allow_unused=False.")
        allow_unused = True
    outputs, inputs = several(outputs), several(inputs)

    def pull(*given, keep=retain_graph):
        return engine.grad(outputs, inputs, given or None, keep, create_graph,
                           allow_unused=allow_unused, materialize_grads=materialize_grads)
    if not is_grads_batched:
        given = () if grad_outputs is None else (
            (grad_outputs,) if isinstance(grad_outputs, Tensor) else tuple(grad_outputs))
        return pull(*given)
    return batched(pull, outputs, several(grad_outputs))


def batched(pull, outputs, cotangents):
    """`pull` for every row of the cotangents at once."""
    from learntorch.autograd.transforms.vmap import vmap
    for i, (g, t) in enumerate(zip(cotangents, outputs, strict=True)):
        if g is not None and g._data.shape[1:] != t._data.shape:
            raise RuntimeError("If `is_grads_batched=True`, we interpret the first dimension of "
                               "each grad_output as the batch dimension. The sizes of the "
                               "remaining dimensions are expected to match the shape of "
                               "corresponding output, but a mismatch was detected: "
                               f"grad_output[{i}] has a shape of {g.shape} and output[{i}] has a "
                               f"shape of {t.shape}.")
    missing = []

    def rows(*given):
        found = pull(*given)
        missing[:] = [g is None for g in found]
        return tuple(g for g in found if g is not None)
    made = iter(vmap(rows, randomness="same")(*cotangents))
    return tuple(None if none else next(made) for none in missing)
