"""Whole derivatives of functions: vjp, jvp, Jacobian and Hessian matrices."""

import numpy as np

from learntorch.autograd import gradients
from learntorch.core.ambient import enable_grad, set_grad_enabled
from learntorch.core.engine import grad
from learntorch.core.tensor import Tensor, wrap
from learntorch.ops.shape import stack


def _several(value):
    return value if isinstance(value, tuple) else (value,)


def _prepared(inputs, create_graph):
    """The inputs as tensors whose history starts here (or goes on, under create_graph)."""
    made = []
    for t in _several(inputs):
        if create_graph and t.requires_grad:
            made.append(t.view_as(t))
        else:
            made.append(t.detach().requires_grad_(t.dtype.category >= 2))
    return tuple(made)


def _check_outputs(name, outputs, strict):
    for i, t in enumerate(outputs):
        if not isinstance(t, Tensor):
            raise TypeError(f"The outputs of the user-provided function given to {name} must be "
                            f"either a Tensor or a tuple of Tensors but the value at index {i} has "
                            f"type {type(t)}.")
        if strict and not t.requires_grad:
            raise RuntimeError(f"Output {i} of the user-provided function does not require "
                               "gradients. The outputs must be computed in a differentiable manner "
                               "from the input when running in strict mode.")


def _gradient(outputs, inputs, seeds, create_graph, strict=False):
    """Gradients of the outputs that have history, zeros where an input was not used."""
    pairs = [(o, s) for o, s in zip(outputs, seeds, strict=True) if o.requires_grad]
    if not pairs:
        return tuple(wrap(np.zeros_like(t._data)) for t in inputs)
    found = grad([o for o, _ in pairs], inputs, [s for _, s in pairs], create_graph=create_graph,
                 retain_graph=True, allow_unused=True)
    if strict and any(g is None for g in found):
        place = [g is None for g in found].index(True)
        raise RuntimeError(f"The output of the user-provided function is independent of input "
                           f"{place}. This is not allowed in strict mode.")
    return tuple(wrap(np.zeros_like(t._data)) if g is None else g
                 for g, t in zip(found, inputs, strict=True))


def _seeds(name, outputs, v):
    if v is None:
        if len(outputs) != 1 or outputs[0]._data.size != 1:
            raise RuntimeError(f"The vector v can only be None if the user-provided function "
                               f"returns a single Tensor with a single element ({name}).")
        return (wrap(np.ones_like(outputs[0]._data)),)
    v = _several(v)
    for given, out in zip(v, outputs, strict=True):
        if given._data.shape != out._data.shape:
            raise RuntimeError(f"v has invalid size: should be {out.size()} but got "
                               f"{given.size()}.")
    return v


def _same_form(values, example):
    return tuple(values) if isinstance(example, tuple) else values[0]


def vjp(func, inputs, v=None, create_graph=False, strict=False):
    """(f(x), vᵀ J): the output, and the vector v times the Jacobian of f at x."""
    with enable_grad():
        given = _prepared(inputs, create_graph)
        result = func(*given)
        outputs = _several(result)
        _check_outputs("vjp", outputs, strict)
        found = _gradient(outputs, given, _seeds("vjp", outputs, v), create_graph, strict)
    return _plain(result, create_graph), _same_form(found, inputs)


def jvp(func, inputs, v=None, create_graph=False, strict=False):
    """(f(x), J v): the output, and the Jacobian of f at x times v, by differentiating vjp in v.

    Shapes: v as the inputs, J v as the output. Raises RuntimeError where they do not match.
    """
    with enable_grad():
        given = _prepared(inputs, create_graph)
        result = func(*given)
        outputs = _several(result)
        _check_outputs("jvp", outputs, strict)
        if v is None:
            v = tuple(wrap(np.ones_like(t._data)) for t in given)
        dummies = tuple(wrap(np.zeros_like(o._data)).requires_grad_() for o in outputs)
        transposed = _gradient(outputs, given, dummies, True, strict)
        found = _gradient(transposed, dummies, _several(v), create_graph)
    return _plain(result, create_graph), _same_form(found, result)


def _plain(result, create_graph):
    if create_graph:
        return result
    return tuple(t.detach() for t in result) if isinstance(result, tuple) else result.detach()


def jacobian(func, inputs, create_graph=False, strict=False, vectorize=False,
             strategy="reverse-mode"):
    """∂fᵢ/∂xⱼ for all elements: shape of the output followed by the shape of the input.

    vectorize: all rows in one backward (`vmap`) instead of one after the other; needs `strict` off.
    strategy: "reverse-mode", or, with `vectorize`, "forward-mode": columns by forward mode, better
    for functions with more outputs than inputs.
    Raises RuntimeError for `strict` with `vectorize`, and, if `strict`, where an output does not
    depend on an input.
    """
    _check_strategy("jacobian", strategy)
    if strategy == "forward-mode":
        return _by_columns(func, inputs, create_graph, strict, vectorize)
    with enable_grad():
        given = _prepared(inputs, create_graph)
        result = func(*given)
        outputs = _several(result)
        _check_outputs("jacobian", outputs, strict)
        if vectorize:
            if strict:
                raise RuntimeError("torch.autograd.functional.jacobian: `strict=True` and "
                                   "`vectorized=True` are not supported together. Please either "
                                   "set `strict=False` or `vectorize=False`.")
            table = [_rows_at_once(out, given, create_graph) for out in outputs]
        else:
            table = [_rows(out, given, create_graph, strict) for out in outputs]
    if isinstance(result, tuple):
        return tuple(_same_form(row, inputs) for row in table)
    return _same_form(table[0], inputs)


def _check_strategy(name, strategy):
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError('Expected strategy to be either "forward-mode" or "reverse-mode". '
                             'Hint: If your function has more outputs than inputs, "forward-mode" '
                             'tends to be more performant. Otherwise, prefer to use "reverse-mode".'
                             f" ({name} got {strategy!r})")


def _rows(out, given, create_graph, strict):
    """The rows of one Jacobian one by one: for each input the pile of them."""
    flat = out.reshape(-1)
    rows = [_gradient((flat[i],), given, (wrap(np.ones((), out._data.dtype)),), create_graph,
                      strict) for i in range(out._data.size)]
    return tuple(_stacked([row[k] for row in rows], out, t) for k, t in enumerate(given))


def _rows_at_once(out, given, create_graph):
    """The same by one backward with all unit vectors as cotangents."""
    zeros = tuple(wrap(np.zeros((*out._data.shape, *t._data.shape), t._data.dtype)) for t in given)
    if not out.requires_grad or not out._data.size:
        return zeros
    n = out._data.size
    units = wrap(np.eye(n, dtype=out._data.dtype).reshape(n, *out._data.shape))
    found = gradients.grad(out, given, units, retain_graph=True, create_graph=create_graph,
                           allow_unused=True, is_grads_batched=True)
    return tuple(z if g is None else g.reshape(z._data.shape)
                 for g, z in zip(found, zeros, strict=True))


def _by_columns(func, inputs, create_graph, strict, vectorize):
    """The Jacobian by forward mode."""
    if strict:
        raise RuntimeError('torch.autograd.functional.jacobian: `strict=True` and `strategy='
                           '"forward-mode"` are not supported together (yet). Please either set '
                           '`strict=False` or `strategy="reverse-mode"`.')
    if not vectorize:
        raise NotImplementedError("Computing Jacobian using forward-AD or forward-over-reverse "
                                  "Hessian is only implemented for `vectorize=True`.")
    from learntorch.autograd.transforms.derivatives import jacfwd
    given = _several(inputs)
    with set_grad_enabled(create_graph):
        table = jacfwd(func, tuple(range(len(given))))(*given)
    if isinstance(table[0], tuple):
        return tuple(_same_form(row, inputs) for row in table)
    return _same_form(table, inputs)


def _stacked(rows, out, t):
    shape = (*out._data.shape, *t._data.shape)
    if not rows:
        return wrap(np.zeros(shape, out._data.dtype))
    return stack(rows).reshape(shape)


def hessian(func, inputs, create_graph=False, strict=False, vectorize=False,
            outer_jacobian_strategy="reverse-mode"):
    """∂²f/∂xᵢ∂xⱼ of a function with one number as its result.

    vectorize and outer_jacobian_strategy: how the Jacobian of the gradient is computed.
    Shapes: that of xᵢ followed by that of xⱼ. Raises RuntimeError unless the function gives one
    number.
    """
    _check_strategy("hessian", outer_jacobian_strategy)

    def single(*given):
        out = func(*given)
        if not isinstance(out, Tensor) or out._data.size != 1:
            raise RuntimeError("The Tensor returned by the function given to hessian should contain"
                               " a single element")
        return out.reshape(())

    def gradient(*given):
        if outer_jacobian_strategy == "forward-mode":
            from learntorch.autograd.transforms import derivatives
            return derivatives.grad(single, tuple(range(len(given))))(*given)
        out = single(*given)
        return _gradient((out,), given, (wrap(np.ones((), out._data.dtype)),), True)
    table = jacobian(gradient, inputs if isinstance(inputs, tuple) else (inputs,), create_graph,
                     strict, vectorize, outer_jacobian_strategy)
    return table if isinstance(inputs, tuple) else table[0][0]


def vhp(func, inputs, v=None, create_graph=False, strict=False):
    """(f(x), vᵀ H): the output, and v times the Hessian of f at x.

    Shapes: v and vᵀ H as the inputs. Raises RuntimeError unless f gives one number.
    """
    with enable_grad():
        given = _prepared(inputs, create_graph)
        result = func(*given)
        slopes = _gradient((result,), given, (wrap(np.ones_like(result._data)),), True, strict)
        found = _gradient(slopes, given, _seeds("vhp", given, v), create_graph)
    return _plain(result, create_graph), _same_form(found, inputs)


def hvp(func, inputs, v=None, create_graph=False, strict=False):
    """(f(x), H v): the output, and the Hessian of f at x times v (H is symmetric).

    Shapes: v and H v as the inputs. Raises RuntimeError unless f gives one number.
    """
    return vhp(func, inputs, v, create_graph, strict)
