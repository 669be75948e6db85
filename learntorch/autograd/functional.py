"""Whole derivatives of functions: vjp, jvp, Jacobian and Hessian matrices."""

import numpy as np

from learntorch.core.ambient import enable_grad
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
    """(f(x), J v): the output, and the Jacobian of f at x times v, by differentiating vjp in v."""
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
    """∂fᵢ/∂xⱼ for all elements: shape of the output followed by the shape of the input."""
    with enable_grad():
        given = _prepared(inputs, create_graph)
        result = func(*given)
        outputs = _several(result)
        _check_outputs("jacobian", outputs, strict)
        table = []
        for out in outputs:
            flat = out.reshape(-1)
            rows = [_gradient((flat[i],), given, (wrap(np.ones((), out._data.dtype)),),
                              create_graph, strict) for i in range(out._data.size)]
            table.append(tuple(_stacked([row[k] for row in rows], out, t)
                               for k, t in enumerate(given)))
    if isinstance(result, tuple):
        return tuple(_same_form(row, inputs) for row in table)
    return _same_form(table[0], inputs)


def _stacked(rows, out, t):
    shape = (*out._data.shape, *t._data.shape)
    if not rows:
        return wrap(np.zeros(shape, out._data.dtype))
    return stack(rows).reshape(shape)


def hessian(func, inputs, create_graph=False, strict=False, vectorize=False,
            outer_jacobian_strategy="reverse-mode"):
    """∂²f/∂xᵢ∂xⱼ of a function with one number as its result."""
    def gradient(*given):
        out = func(*given)
        if not isinstance(out, Tensor) or out._data.size != 1:
            raise RuntimeError("The Tensor returned by the function given to hessian should contain"
                               " a single element")
        return _gradient((out.reshape(()),), given, (wrap(np.ones((), out._data.dtype)),), True)
    table = jacobian(gradient, inputs if isinstance(inputs, tuple) else (inputs,), create_graph,
                     strict)
    return table if isinstance(inputs, tuple) else table[0][0]


def vhp(func, inputs, v=None, create_graph=False, strict=False):
    """(f(x), vᵀ H): the output, and v times the Hessian of f at x."""
    with enable_grad():
        given = _prepared(inputs, create_graph)
        result = func(*given)
        slopes = _gradient((result,), given, (wrap(np.ones_like(result._data)),), True, strict)
        found = _gradient(slopes, given, _seeds("vhp", given, v), create_graph)
    return _plain(result, create_graph), _same_form(found, inputs)


def hvp(func, inputs, v=None, create_graph=False, strict=False):
    """(f(x), H v): the output, and the Hessian of f at x times v (H is symmetric)."""
    return vhp(func, inputs, v, create_graph, strict)
