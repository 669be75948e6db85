"""Gradients against finite differences: the test every gradient rule has to pass."""

import numpy as np

from learntorch.core.engine import grad
from learntorch.core.tensor import Tensor, wrap


class GradcheckError(RuntimeError):
    """The analytical and the numerical gradient differ."""


def _outputs(value):
    several = value if isinstance(value, (tuple, list)) else (value,)
    return [t for t in several if isinstance(t, Tensor) and t.dtype.category >= 2]


def _refuse(raise_exception, text):
    if raise_exception:
        raise GradcheckError(text)
    return False


def numerical_jacobian(function, inputs, place, eps):
    """(f(x + ε eⱼ) − f(x − ε eⱼ)) / 2ε for every element j of input `place`: one column each."""
    x = inputs[place]._data
    columns = []
    steps = (eps,) if x.dtype.kind != "c" else (eps, eps * 1j)
    for j in range(x.size):
        where = np.unravel_index(j, x.shape)
        parts = []
        for step in steps:
            before = x[where]
            x[where] = before + step
            up = [t._data.copy() for t in _outputs(function(*inputs))]
            x[where] = before - step
            down = [t._data.copy() for t in _outputs(function(*inputs))]
            x[where] = before
            parts.append([(u - d) / (2 * eps) for u, d in zip(up, down, strict=True)])
        columns.append(parts)
    return columns


def gradcheck(func, inputs, *, eps=1e-6, atol=1e-5, rtol=1e-3, raise_exception=True,
              nondet_tol=0.0, check_undefined_grad=True, check_grad_dtypes=False,
              check_batched_grad=False, check_batched_forward_grad=False, check_forward_ad=False,
              check_backward_ad=True, fast_mode=False, masked=None):
    """Whether the gradients of `func` at `inputs` (float64, requiring grad) match differences.

    Raises GradcheckError with both numbers, or returns False when not `raise_exception`.
    Shapes: any. Raises ValueError where no input requires a gradient.
    """
    inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    checked = [i for i, t in enumerate(inputs) if isinstance(t, Tensor) and t.requires_grad]
    if not checked:
        raise ValueError("gradcheck expects at least one input tensor to require gradient, but "
                         "none of the them have requires_grad=True.")
    for i in checked:
        if inputs[i].dtype.name not in ("float64", "complex128"):
            import warnings
            warnings.warn(f"Input #{i} requires gradient and is not a double precision floating "
                          "point or complex. This check will likely fail if all the inputs are not "
                          "of double precision floating point or complex. ", UserWarning,
                          stacklevel=2)
    outputs = _outputs(func(*inputs))
    if not any(t.requires_grad for t in outputs):
        return _independent(func, inputs, checked, eps, raise_exception)
    for i in checked:
        numerical = numerical_jacobian(func, inputs, i, eps)
        for k, out in enumerate(outputs):
            if not out.requires_grad:
                continue
            wrong = _compare(func, inputs, i, k, numerical, atol, rtol)
            if wrong and check_backward_ad:
                return _refuse(raise_exception, wrong)
        if check_forward_ad:
            wrong = _forward_differs(func, inputs, i, numerical, atol, rtol)
            if wrong:
                return _refuse(raise_exception, wrong)
    if check_batched_grad or check_batched_forward_grad:
        wrong = _batches_differ(func, inputs, checked, check_batched_grad,
                                check_batched_forward_grad, atol, rtol)
        if wrong:
            return _refuse(raise_exception, wrong)
    return True


def _forward_differs(func, inputs, i, numerical, atol, rtol):
    """The sentence for the first slope in input i that forward mode has otherwise, or None."""
    from learntorch.autograd.transforms.derivatives import jvp
    x = inputs[i]
    units = (1,) if x._data.dtype.kind != "c" else (1, 1j)
    for j, parts in enumerate(numerical):
        for unit, slopes in zip(units, parts, strict=True):
            direction = np.zeros(x._data.shape, x._data.dtype)
            direction[np.unravel_index(j, x._data.shape)] = unit

            def single(t):
                return tuple(_outputs(func(*inputs[:i], t, *inputs[i + 1:])))
            found = jvp(single, (x.detach(),), (wrap(direction),))[1]
            for k, (got, expected) in enumerate(zip(found, slopes, strict=True)):
                if not np.allclose(got._data, expected, rtol, atol, equal_nan=True):
                    return (f"Jacobian computed with forward mode mismatch for output {k} with "
                            f"respect to input {i},\nnumerical:{expected}\nanalytical:{got._data}")
    return None


def _batches_differ(func, inputs, checked, backward, forward, atol, rtol):
    """Whether Jacobians by rows (or columns) at once differ from those one by one."""
    from learntorch.autograd import functional
    given = tuple(inputs[i].detach() for i in checked)

    def single(*some):
        full = list(inputs)
        for i, t in zip(checked, some, strict=True):
            full[i] = t
        return tuple(_outputs(func(*full)))
    plain = functional.jacobian(single, given)
    for wanted, strategy in ((backward, "reverse-mode"), (forward, "forward-mode")):
        if not wanted:
            continue
        table = functional.jacobian(single, given, vectorize=True, strategy=strategy)
        for k, (row, expected) in enumerate(zip(table, plain, strict=True)):
            for i, (a, b) in enumerate(zip(row, expected, strict=True)):
                if not np.allclose(a._data, b._data, rtol, atol, equal_nan=True):
                    return (f"While computing batched gradients, got: {a._data}\nExpected: "
                            f"{b._data}\nfor output {k} and input {i}")
    return None


def _independent(func, inputs, checked, eps, raise_exception):
    for i in checked:
        for parts in numerical_jacobian(func, inputs, i, eps):
            if any(np.abs(p).max(initial=0) > 1e-6 for part in parts for p in part):
                return _refuse(raise_exception, "Numerical gradient for function expected to be "
                                                "zero")
    return True


def _compare(func, inputs, i, k, numerical, atol, rtol):
    """The sentence for the first gradient of output k in input i that differs, or None."""
    out = _outputs(func(*inputs))[k]
    shape = out._data.shape
    kinds = (1,) if out._data.dtype.kind != "c" else (1, 1j)
    x = inputs[i]
    for row in range(out._data.size):
        where = np.unravel_index(row, shape)
        for unit in kinds:
            seed = np.zeros(shape, out._data.dtype)
            seed[where] = unit
            g = grad(out, x, wrap(seed), retain_graph=True, allow_unused=True)[0]
            got = np.zeros(x._data.shape, x._data.dtype) if g is None else g._data
            for j in range(x._data.size):
                slopes = [part[k][where] for part in numerical[j]]
                expected = _expected(slopes, unit)
                value = got[np.unravel_index(j, got.shape)]
                if not np.isclose(value, expected, rtol, atol, equal_nan=True):
                    return (f"Jacobian mismatch for output {k} with respect to input {i},\n"
                            f"numerical: {expected} at output element {where}, input element "
                            f"{np.unravel_index(j, got.shape)}\nanalytical: {value}")
    return None


def _expected(slopes, unit):
    """The gradient PyTorch defines, from real slopes along the real and imaginary axis."""
    seed = np.conj(unit)
    parts = [np.real(seed * s) for s in slopes]
    return parts[0] if len(parts) == 1 else parts[0] + 1j * parts[1]


def gradgradcheck(func, inputs, grad_outputs=None, *, eps=1e-6, atol=1e-5, rtol=1e-3,
                  gen_non_contig_grad_outputs=False, raise_exception=True, nondet_tol=0.0,
                  check_undefined_grad=True, check_grad_dtypes=False, check_batched_grad=False,
                  check_fwd_over_rev=False, check_rev_over_rev=True, fast_mode=False,
                  masked=False):
    """Whether the gradients of the gradients of `func` match finite differences.

    Raises GradcheckError with both numbers, or returns False when not `raise_exception`.
    Shapes: any. Raises ValueError where no input requires a gradient.
    """
    inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    if grad_outputs is None:
        rng = np.random.default_rng(0)
        grad_outputs = [_seed(rng, t) for t in _outputs(func(*inputs))]
    grad_outputs = ((grad_outputs,) if isinstance(grad_outputs, Tensor) else tuple(grad_outputs))
    checked = [i for i, t in enumerate(inputs) if isinstance(t, Tensor) and t.requires_grad]
    count = len(inputs)

    def gradients(*args):
        outputs = [t for t in _outputs(func(*args[:count]))]
        pairs = [(t, g) for t, g in zip(outputs, args[count:], strict=True) if t.requires_grad]
        return grad([t for t, _ in pairs], [args[i] for i in checked], [g for _, g in pairs],
                    create_graph=True, allow_unused=True, materialize_grads=True)
    return gradcheck(gradients, (*inputs, *grad_outputs), eps=eps, atol=atol, rtol=rtol,
                     raise_exception=raise_exception)


def _seed(rng, t):
    values = rng.standard_normal(t._data.shape)
    if t._data.dtype.kind == "c":
        values = values + 1j * rng.standard_normal(t._data.shape)
    return wrap(np.asarray(values, t._data.dtype)).requires_grad_()
