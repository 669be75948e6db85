"""Linear equations, inverses, determinants, norms, powers: against PyTorch, twice differentiated,
and by what they are defined by; singular matrices; errors."""

import math

import numpy as np
import pytest

import learntorch
from learntorch import linalg
from tests.oracle import alike, needs_torch, outcome


def numbers(*shape, seed=0, dtype="float64"):
    rng = np.random.default_rng(seed)
    a = rng.standard_normal(shape)
    return np.asarray(a + 1j * rng.standard_normal(shape) if dtype[0] == "c" else a, dtype)


def regular(*shape, seed=0, dtype="float64"):
    """Matrices far from singular ones."""
    return numbers(*shape, seed=seed, dtype=dtype) + 3 * np.eye(shape[-1]).astype(dtype)


def twice(lib, function, *arrays):
    """The result, its gradients and the gradients of a mixture of those, for random cotangents."""
    leaves = [lib.from_numpy(a).clone().requires_grad_() for a in arrays]
    outputs = function(lib, *leaves)
    outputs = outputs if isinstance(outputs, (tuple, list)) else [outputs]
    outputs = [y for y in outputs if y.requires_grad]
    weights = [lib.from_numpy(numbers(*y.shape, seed=7 + i, dtype=str(y.dtype).split(".")[1]))
               for i, y in enumerate(outputs)]
    first = lib.autograd.grad(outputs, leaves, weights, create_graph=True)
    mixed = sum((f * lib.from_numpy(numbers(*f.shape, seed=20 + i, dtype=a.dtype.name))).sum()
                for i, (f, a) in enumerate(zip(first, arrays, strict=True)))
    second = lib.autograd.grad(mixed.real if mixed.is_complex() else mixed, leaves,
                               allow_unused=True)
    second = [lib.zeros_like(x) if t is None else t + lib.zeros_like(x)
              for t, x in zip(second, leaves, strict=True)]
    return [t.detach() for t in (*outputs, *first, *second)]


# name: (function of the library and its tensors, shapes; the first is made regular if square)
OPERATIONS = {
    "solve": (lambda t, a, b: t.linalg.solve(a, b), (3, 3), (3, 2)),
    "solve vector": (lambda t, a, b: t.linalg.solve(a, b), (3, 3), (3,)),
    "solve vectors": (lambda t, a, b: t.linalg.solve(a, b), (2, 3, 3), (2, 3)),
    "solve broadcast": (lambda t, a, b: t.linalg.solve(a, b), (2, 1, 3, 3), (4, 3, 2)),
    "solve from the right": (lambda t, a, b: t.linalg.solve(a, b, left=False), (3, 3), (4, 2, 3)),
    "solve nothing": (lambda t, a, b: t.linalg.solve(a, b), (2, 0, 0), (2, 0, 3)),
    "solve_ex": (lambda t, a, b: t.linalg.solve_ex(a, b)[0], (3, 3), (3, 2)),
    "inv": (lambda t, a: t.linalg.inv(a), (2, 3, 3)),
    "inverse": (lambda t, a: a.inverse(), (3, 3)),
    "tensorinv": (lambda t, a: t.linalg.tensorinv(a.reshape(2, 3, 6), 2), (6, 6)),
    "tensorsolve": (lambda t, a, b: t.linalg.tensorsolve(a.reshape(2, 3, 6), b), (6, 6), (2, 3)),
    "det": (lambda t, a: t.linalg.det(a), (2, 3, 3)),
    "slogdet": (lambda t, a: t.linalg.slogdet(a), (2, 3, 3)),
    "logdet of a square": (lambda t, a: t.logdet(a @ a.mH), (3, 3)),
    "pinv tall": (lambda t, a: t.linalg.pinv(a), (2, 4, 3)),
    "pinv wide": (lambda t, a: t.linalg.pinv(a), (2, 4)),
    "pinv hermitian": (lambda t, a: t.linalg.pinv(a + a.mH, hermitian=True), (3, 3)),
    "lstsq": (lambda t, a, b: t.linalg.lstsq(a, b)[0], (2, 4, 3), (2, 4, 2)),
    "lstsq wide": (lambda t, a, b: t.linalg.lstsq(a, b, driver="gelsd")[0], (2, 4), (2, 3)),
    "lstsq residuals": (lambda t, a, b: t.linalg.lstsq(a, b, driver="gelss")[:2], (5, 3), (5, 2)),
    "matrix_exp": (lambda t, a: t.linalg.matrix_exp(a), (2, 3, 3)),
    "matrix_power": (lambda t, a: t.linalg.matrix_power(a, 5), (2, 3, 3)),
    "matrix_power negative": (lambda t, a: a.matrix_power(-3), (3, 3)),
    "multi_dot": (lambda t, *m: t.linalg.multi_dot(m), (3,), (3, 4), (4, 2), (2,)),
    "vecdot": (lambda t, a, b: t.linalg.vecdot(a, b, dim=0), (3, 4), (3, 1)),
    "vander": (lambda t, a: t.linalg.vander(a, N=4), (2, 3)),
    "cross": (lambda t, a, b: t.linalg.cross(a, b), (2, 3), (1, 3)),
    "cond": (lambda t, a: t.linalg.cond(a), (2, 4, 3)),
    "cond smallest": (lambda t, a: t.linalg.cond(a, -2), (3, 3)),
    "cond of the nuclear norm": (lambda t, a: t.linalg.cond(a, "nuc"), (2, 3, 3)),
    **{f"matrix norm {p}": (lambda t, a, p=p: t.linalg.matrix_norm(a, p, (0, 2), True), (4, 2, 3))
       for p in ("fro", "nuc", 1, -1, 2, -2, float("inf"), -float("inf"))},
    **{f"norm {p}": (lambda t, a, p=p: t.linalg.norm(a, p, 1), (4, 3))
       for p in (.5, 1, 2, 3.5, float("inf"), -1, -float("inf"))},
}


def inputs(shapes, dtype):
    first = shapes[0]
    square = len(first) > 1 and first[-1] == first[-2]
    return [(regular if square and not i else numbers)(*s, seed=i, dtype=dtype)
            for i, s in enumerate(shapes)]


@needs_torch
@pytest.mark.parametrize("dtype", ("float64", "complex128"))
@pytest.mark.parametrize("name", OPERATIONS)
def test_twice_differentiated(name, dtype):
    function, *shapes = OPERATIONS[name]
    arrays = inputs(shapes, dtype)
    alike(lambda torch: twice(torch, function, *arrays), rtol=1e-7, atol=1e-8)


@needs_torch
@pytest.mark.parametrize("dtype", ("float64", "complex128"))
@pytest.mark.parametrize("p", ("fro", 1, -1, np.inf, -np.inf))
def test_condition(p, dtype):
    """PyTorch writes over what its own derivative of these would need; ours is checked alone."""
    a = regular(2, 3, 3, dtype=dtype)
    alike(lambda torch: torch.linalg.cond(torch.from_numpy(a), p))
    x = learntorch.from_numpy(a).requires_grad_()
    assert learntorch.autograd.gradcheck(lambda x: linalg.cond(x, p), (x,))
    assert learntorch.autograd.gradgradcheck(lambda x: linalg.cond(x, p), (x,))


@needs_torch
@pytest.mark.filterwarnings("ignore:torch.triangular_solve is deprecated")
@pytest.mark.parametrize("unit", (False, True))
@pytest.mark.parametrize("upper", (False, True))
@pytest.mark.parametrize("left", (False, True))
@pytest.mark.parametrize("dtype", ("float64", "complex128"))
@pytest.mark.parametrize("a,b", (((3, 3), (3, 3)), ((2, 1, 5, 5), (3, 5, 5)), ((1, 1), (1, 1)),
                                 ((0, 0), (0, 0))))
def test_triangular(a, b, dtype, left, upper, unit):
    a, b = regular(*a, dtype=dtype), numbers(*b, seed=1, dtype=dtype)
    alike(lambda torch: twice(torch, lambda t, a, b: t.linalg.solve_triangular(
        a, b, upper=upper, left=left, unitriangular=unit), a, b))
    if left:
        alike(lambda torch: twice(torch, lambda t, a, b: t.triangular_solve(
            b, a, upper, not upper, unit)[0], a, b))


# ---- what they are defined by, without PyTorch -------------------------------------------------


def near(a, b, tolerance=1e-9):
    assert tuple(a.shape) == tuple(b.shape)
    assert float((a - b).abs().max()) < tolerance if a.numel() else True


@pytest.mark.parametrize("dtype", ("float64", "complex128"))
def test_solutions_solve(dtype):
    A = learntorch.from_numpy(regular(2, 4, 4, dtype=dtype))
    B = learntorch.from_numpy(numbers(3, 1, 4, 2, seed=1, dtype=dtype))
    near(A @ linalg.solve(A, B), B.expand(3, 2, 4, 2))
    near(linalg.solve(A, B.mT, left=False) @ A, B.mT.expand(3, 2, 2, 4))
    near(linalg.inv(A) @ A, learntorch.eye(4, dtype=A.dtype).expand(2, 4, 4))
    for upper in (False, True):
        T = A.triu() if upper else A.tril()
        near(T @ linalg.solve_triangular(A, B, upper=upper), B.expand(3, 2, 4, 2))


def test_large_triangles_are_solved_by_halves():
    T = learntorch.from_numpy(np.tril(numbers(70, 70)) + 9 * np.eye(70))
    b = learntorch.from_numpy(numbers(70, 3, seed=1))
    near(T @ linalg.solve_triangular(T, b, upper=False), b)


GRADIENTS = {
    "solve": (lambda a: linalg.solve(a, a[..., :2]), (3, 3)),
    "solve_triangular": (lambda a: linalg.solve_triangular(a, a.mT, upper=True), (3, 3)),
    "inv": (linalg.inv, (2, 3, 3)),
    "det": (linalg.det, (2, 3, 3)),
    "logabsdet": (lambda a: linalg.slogdet(a)[1], (3, 3)),
    "sign": (lambda a: linalg.slogdet(a)[0], (3, 3)),
    "pinv": (linalg.pinv, (4, 2)),
    "lstsq": (lambda a: linalg.lstsq(a, a[..., :1] * a[..., 1:]).solution, (4, 2)),
    "matrix_exp": (linalg.matrix_exp, (3, 3)),
}


@pytest.mark.parametrize("dtype", ("float64", "complex128"))
@pytest.mark.parametrize("name", GRADIENTS)
def test_rules_by_finite_differences(name, dtype):
    function, shape = GRADIENTS[name]
    if (name, dtype) == ("sign", "float64"):
        pytest.skip("the sign of a real determinant is constant")
    a = inputs([shape], dtype)[0]
    x = learntorch.from_numpy(a).requires_grad_()
    assert learntorch.autograd.gradcheck(function, (x,))
    assert learntorch.autograd.gradgradcheck(function, (x,))


def test_determinant_of_singular_matrices():
    """∂ det / ∂A are the cofactors, which exist where there is no inverse; so do their slopes."""
    A = learntorch.tensor([[1., 2, 3], [2, 4, 6], [1, 0, 1]], dtype=learntorch.float64,
                          requires_grad=True)
    linalg.det(A).backward()
    near(A.grad, learntorch.tensor([[4., 4, -4], [-2, -2, 2], [0, 0, 0]], dtype=A.dtype), 1e-12)
    for a in (A, learntorch.zeros(3, 3, dtype=A.dtype, requires_grad=True),
              learntorch.ones(3, 3, dtype=A.dtype, requires_grad=True)):
        assert learntorch.autograd.gradcheck(linalg.det, (a,))
        assert learntorch.autograd.gradgradcheck(linalg.det, (a,))


def test_third_derivative_of_the_determinant():
    """det is linear in each row: three derivatives by one row's numbers leave nothing, by the
    diagonal of a 3 × 3 matrix 1.
    """
    A = learntorch.from_numpy(regular(3, 3)).requires_grad_()
    d = linalg.det(A)
    for i in range(3):
        d = learntorch.autograd.grad(d, A, create_graph=True)[0][i, i]
    assert abs(d.item() - 1) < 1e-9


def test_pseudoinverse_is_penroses():
    for seed, hermitian in ((0, False), (1, True)):
        a = numbers(5, 2, seed=seed, dtype="complex128")
        a = a @ a.conj().T if hermitian else a @ numbers(2, 4, seed=9, dtype="complex128")
        A = learntorch.from_numpy(a)                     # of rank 2
        P = linalg.pinv(A, hermitian=hermitian)
        near(A @ P @ A, A)
        near(P @ A @ P, P)
        near((A @ P).mH, A @ P)
        near((P @ A).mH, P @ A)
        near(linalg.pinv(A, atol=1e9), learntorch.zeros_like(P))
        near(linalg.pinv(A, atol=learntorch.tensor([0., 1e9]), rtol=1e-9)[0], P)


def test_least_squares():
    """What remains is at right angles to all columns; of many solutions the smallest is found."""
    A, B = (learntorch.from_numpy(numbers(6, k, seed=k)) for k in (3, 2))
    X, residuals, rank, values = linalg.lstsq(A, B, driver="gelsd")
    near(A.mT @ (A @ X - B), learntorch.zeros(3, 2, dtype=A.dtype))
    near(residuals, ((A @ X - B) ** 2).sum(0))
    assert int(rank) == 3 and values.shape == (3,)
    twin = learntorch.cat([A, A], 1)                     # each column twice: rank 3 of 6
    halves, residuals, rank, values = linalg.lstsq(twin, B)
    near(halves, learntorch.cat([X, X]) / 2)
    assert int(rank) == 3 and residuals.numel() == 0 and values.numel() == 0
    for poor in (learntorch.ones(3, 2), learntorch.zeros(2, 3, 2)):
        with pytest.raises(linalg.LinAlgError, match="does not have full rank"):
            linalg.lstsq(poor, learntorch.ones(3, 1).expand(*poor.shape[:-1], 1), driver="gels")


def test_exponential():
    double = learntorch.float64
    near(linalg.matrix_exp(learntorch.tensor([[0., 1, 2], [0, 0, 3], [0, 0, 0]])),
         learntorch.tensor([[1., 1, 3.5], [0, 1, 3], [0, 0, 1]]), 1e-6)
    angles = learntorch.tensor([0.3, 40.0, 0.0, 1e-9], dtype=double)     # scaled differently
    turn = learntorch.tensor([[0., -1], [1, 0]], dtype=double) * angles[:, None, None]
    cos, sin = angles.cos(), angles.sin()
    near(linalg.matrix_exp(turn), learntorch.stack([cos, -sin, sin, cos], 1).reshape(4, 2, 2),
         1e-12)
    A = learntorch.from_numpy(numbers(3, 3))
    near(linalg.matrix_exp(-A), linalg.matrix_exp(A).inverse())
    near(linalg.matrix_exp(A.diag().diag()), A.diag().exp().diag())
    assert linalg.matrix_exp(learntorch.zeros(2, 0, 0)).shape == (2, 0, 0)


def test_powers():
    A = learntorch.tensor([[1, 1], [1, 0]])
    assert linalg.matrix_power(A, 10).tolist() == [[89, 55], [55, 34]]    # Fibonacci's numbers
    assert linalg.matrix_power(A, 0).tolist() == [[1, 0], [0, 1]]
    same = linalg.matrix_power(A, 1)
    same[0, 0] = 7
    assert A[0, 0] == 1                                  # the first power is a copy


@pytest.mark.parametrize("ord", ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf))
def test_matrix_norms_are_numpys(ord):
    a = numbers(4, 3)
    near(linalg.matrix_norm(learntorch.from_numpy(a), ord),
         learntorch.tensor(np.linalg.norm(a, ord), dtype=learntorch.float64))
    square = regular(3, 3)
    if ord not in ("fro", "nuc"):
        near(linalg.cond(learntorch.from_numpy(square), ord),
             learntorch.tensor(np.linalg.cond(square, ord), dtype=learntorch.float64))


# ---- singular matrices -------------------------------------------------------------------------


def test_singular_matrices_are_named():
    A = learntorch.stack([learntorch.eye(3), learntorch.tensor([[1., 2, 3], [0, 0, 1], [0, 0, 2]])])
    assert issubclass(linalg.LinAlgError, RuntimeError)
    with pytest.raises(linalg.LinAlgError, match=r"torch.linalg.solve: \(Batch element 1\): The "
                       "solver failed because the input matrix is singular."):
        linalg.solve(A, learntorch.ones(3))
    with pytest.raises(linalg.LinAlgError, match=r"linalg.inv: \(Batch element 1\): The diagonal "
                       "element 2 is zero, the inversion could not be completed"):
        linalg.inv(A)
    result, info = linalg.solve_ex(A, learntorch.ones(3, 1))
    assert info.tolist() == [0, 2] and info.dtype == learntorch.int32
    assert result[0].flatten().tolist() == [1, 1, 1] and not result[1].isfinite().all()
    inverse, info = linalg.inv_ex(A)
    assert info.tolist() == [0, 2]
    near(inverse[0], learntorch.eye(3))
    assert linalg.slogdet(A).sign.tolist() == [1, 0]
    assert linalg.cond(A, 1).tolist() == [1, np.inf]
    assert learntorch.logdet(A[1]) == -np.inf and learntorch.logdet(-learntorch.eye(1)).isnan()


def test_zero_on_a_triangles_diagonal():
    x = linalg.solve_triangular(learntorch.zeros(2, 2), learntorch.ones(2, 1), upper=True)
    assert x[1, 0] == np.inf and x[0, 0].isnan()


ERRORS = {
    "a vector": lambda t: t.linalg.solve(t.ones(3), t.ones(3)),
    "not square": lambda t: t.linalg.inv(t.ones(2, 3)),
    "whole numbers": lambda t: t.linalg.det(t.ones(2, 2, dtype=t.int64)),
    "half": lambda t: t.linalg.inv(t.ones(2, 2, dtype=t.float16)),
    "half to be solved": lambda t: t.linalg.solve(t.ones(2, 2).half(), t.ones(2).half()),
    "two dtypes": lambda t: t.linalg.solve(t.eye(2), t.ones(2).double()),
    "unfit": lambda t: t.linalg.solve(t.eye(3), t.ones(2, 2)),
    "unfit from the right": lambda t: t.linalg.solve(t.eye(3), t.ones(3, 2), left=False),
    "singular": lambda t: t.linalg.solve(t.zeros(2, 2), t.ones(2)),
    "singular of a batch": lambda t: t.linalg.inv_ex(t.zeros(2, 2, 2), check_errors=True),
    "tensorinv": lambda t: t.linalg.tensorinv(t.ones(3, 4), 1),
    "tensorinv nowhere": lambda t: t.linalg.tensorinv(t.ones(3, 3), 0),
    "tensorsolve": lambda t: t.linalg.tensorsolve(t.ones(2, 3, 5), t.ones(2, 3)),
    "slogdet": lambda t: t.slogdet(t.ones(2, 3)),
    "logdet": lambda t: t.logdet(t.ones(2)),
    "power": lambda t: t.linalg.matrix_power(t.eye(2), 1.5),
    "power of a singular matrix": lambda t: t.linalg.matrix_power(t.zeros(2, 2), -1),
    "exponential": lambda t: t.linalg.matrix_exp(t.ones(2, 2, dtype=t.int64)),
    "driver": lambda t: t.linalg.lstsq(t.eye(2), t.ones(2, 1), driver="gauss"),
    "lstsq": lambda t: t.linalg.lstsq(t.eye(3), t.ones(2, 2)),
    "pinv": lambda t: t.linalg.pinv(t.ones(3)),
    "order": lambda t: t.linalg.matrix_norm(t.eye(2), 3),
    "norm of whole numbers": lambda t: t.linalg.matrix_norm(t.eye(2, dtype=t.int64)),
    "norm of one dimension": lambda t: t.linalg.matrix_norm(t.eye(2), dim=(1, 1)),
    "narrowed": lambda t: t.linalg.norm(t.eye(2).double(), dtype=t.float32),
    "norm of three dimensions": lambda t: t.linalg.norm(t.ones(2, 2, 2), 2),
    "condition": lambda t: t.linalg.cond(t.eye(2), 3),
    "condition of an oblong": lambda t: t.linalg.cond(t.ones(3, 2), 1),
    "multi_dot": lambda t: t.linalg.multi_dot([t.eye(2), t.eye(3)]),
    "chain_matmul": lambda t: t.chain_matmul(t.eye(2), t.ones(2)),
    "vander": lambda t: t.linalg.vander(t.ones(3), N=1),
    "vecdot": lambda t: t.linalg.vecdot(t.ones(2), t.ones(2).double()),
    "cross": lambda t: t.linalg.cross(t.ones(2), t.ones(2)),
    "triangular_solve": lambda t: t.triangular_solve(t.eye(3), t.ones(2, 2)),
    "NaN to be pseudo-inverted": lambda t: t.linalg.pinv(t.full((2, 2), math.nan)),
    "complex tolerance": lambda t: t.linalg.matrix_rank(t.eye(2), t.tensor(1j)),
    "complex atol": lambda t: t.linalg.matrix_rank(t.eye(2), atol=t.tensor(1j)),
    "rank of whole numbers": lambda t: t.linalg.matrix_rank(t.eye(2, dtype=t.int64)),
    "det into another dtype": lambda t: t.linalg.det(t.eye(2), out=t.empty(0).double()),
    "inv into whole numbers": lambda t: t.linalg.inv(t.eye(2), out=t.empty(0).int()),
    "solution into another dtype": lambda t: t.linalg.solve(
        t.eye(2), t.ones(2), out=t.empty(0).double()),
    "power into another dtype": lambda t: t.linalg.matrix_power(
        t.eye(2), 2, out=t.empty(0).double()),
    "norm into another dtype": lambda t: t.linalg.vector_norm(t.ones(2), out=t.empty(0).double()),
    "out is no tensor": lambda t: t.linalg.det(t.eye(2), out=3),
    "out is a list": lambda t: t.linalg.inv(t.eye(2), out=[t.empty(0)]),
    "out is no tuple": lambda t: t.linalg.slogdet(t.eye(2), out=t.empty(0)),
    "out is too short": lambda t: t.linalg.eigh(t.eye(2), out=(t.empty(0),)),
}


@needs_torch
@pytest.mark.filterwarnings("ignore:torch.*is deprecated:UserWarning")
@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    import torch
    mine, reference = outcome(ERRORS[name], learntorch), outcome(ERRORS[name], torch)
    assert mine.type == reference.type.lstrip("_")       # PyTorch's LinAlgError has a hidden name
    assert str(mine.error).startswith(reference.words.rstrip("."))
