"""Decompositions: their factors multiply to the matrix, their rules are slopes, their errors teach.

The tables compare with PyTorch where it is installed; the identities and the checks of the rules
against differences need no oracle. Vectors are unique up to signs (phases) only, so what is
compared does not depend on them.
"""
import importlib.util

import numpy as np
import pytest

import learntorch
from learntorch import linalg
from learntorch.autograd import gradcheck, gradgradcheck
from tests.oracle import alike, needs_torch, outcome

SHAPES = {"square": (4, 4), "tall": (5, 3), "wide": (3, 5), "batch": (2, 3, 4, 4),
          "tall batch": (2, 4, 2), "one": (1, 1), "empty": (0, 0), "no rows": (0, 3),
          "no columns": (3, 0), "empty batch": (0, 3, 3)}
SQUARE = {name: shape for name, shape in SHAPES.items() if shape[-1] == shape[-2]}
KINDS = {"real": np.float64, "complex": np.complex128}
needs_scipy = pytest.mark.skipif(importlib.util.find_spec("scipy") is None,
                                 reason="computed by SciPy, which is not installed")


def numbers(shape, kind=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=shape)
    return a + 1j * rng.normal(size=shape) if kind == np.complex128 else a


def matrix(shape, kind=np.float64, seed=0):
    return learntorch.from_numpy(np.asarray(numbers(shape, kind, seed)))


def positive(shape, kind=np.float64):
    """Positive-definite matrices."""
    a = matrix(shape, kind)
    return a @ a.mH + learntorch.eye(shape[-1], dtype=a.dtype)


def close(x, y, atol=1e-10):
    assert x.shape == y.shape
    assert np.allclose(x.detach().numpy(), y.detach().numpy(), atol=atol)


def identity(n, like):
    return learntorch.eye(n, dtype=like.dtype).expand(*like.shape[:-2], n, n)


over_shapes = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
over_squares = pytest.mark.parametrize("shape", SQUARE.values(), ids=SQUARE)
over_kinds = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


# ---- the factors multiply to the matrix ----------------------------------------------------------

@over_kinds
@over_shapes
@pytest.mark.parametrize("mode", ["reduced", "complete"])
def test_qr(shape, kind, mode):
    A = matrix(shape, kind)
    Q, R = linalg.qr(A, mode)
    close(Q @ R, A)
    close(Q.mH @ Q, identity(Q.shape[-1], Q))
    close(R.triu(), R)
    close(linalg.qr(A, "r").R, linalg.qr(A).R)


@over_kinds
@over_shapes
@pytest.mark.parametrize("full", [True, False])
def test_svd(shape, kind, full):
    A = matrix(shape, kind)
    U, S, Vh = linalg.svd(A, full_matrices=full)
    k = S.shape[-1]
    close((U[..., :k] * S.unsqueeze(-2)) @ Vh[..., :k, :], A)
    close(U.mH @ U, identity(U.shape[-1], U))
    close(Vh @ Vh.mH, identity(Vh.shape[-2], Vh))
    close(linalg.svdvals(A), S)
    assert (S[..., 1:] <= S[..., :-1]).all() and (S >= 0).all() and not S.dtype.is_complex
    close(learntorch.svd(A).V.mH, linalg.svd(A, False).Vh)


@over_kinds
@over_squares
@pytest.mark.parametrize("triangle", ["L", "U"])
def test_eigh(shape, kind, triangle):
    A = matrix(shape, kind)
    A = A + A.mH
    values, vectors = linalg.eigh(A.tril() if triangle == "L" else A.triu(), triangle)
    close((vectors * values.unsqueeze(-2)) @ vectors.mH, A)
    close(linalg.eigvalsh(A, triangle), values)


@over_kinds
@over_squares
def test_eig(shape, kind):
    A = matrix(shape, kind)
    values, vectors = linalg.eig(A)
    close(A.to(values.dtype) @ vectors, vectors * values.unsqueeze(-2))
    close(vectors.abs().square().sum(-2), learntorch.ones_like(values.real))
    close(linalg.eigvals(A), values)


@over_kinds
@over_squares
@pytest.mark.parametrize("upper", [False, True])
def test_cholesky(shape, kind, upper):
    A = positive(shape, kind)
    L = linalg.cholesky(A.triu() if upper else A.tril(), upper=upper)
    close(L.triu() if upper else L.tril(), L)
    close(L.mH @ L if upper else L @ L.mH, A)
    B = matrix((*shape[:-1], 2), kind, 1)
    close(A @ learntorch.cholesky_solve(B, L, upper), B)
    close(A @ learntorch.cholesky_inverse(L, upper), identity(shape[-1], A))


@over_kinds
@pytest.mark.parametrize("shape", [*SHAPES.values(), (70, 70), (2, 80, 40), (40, 75)],
                         ids=[*SHAPES, "halved", "tall halved", "wide halved"])
def test_lu(shape, kind):
    A = matrix(shape, kind)
    P, L, U = linalg.lu(A)
    close(P @ L @ U, A)
    close(L.tril(-1) + learntorch.eye(*L.shape[-2:], dtype=L.dtype), L)
    close(U.triu(), U)
    assert (L.abs() < 1.5).all()                 # |Re| + |Im| decides, so |L| may reach √2
    LU, pivots, info = linalg.lu_factor_ex(A)
    assert pivots.dtype is info.dtype is learntorch.int32 and not info.any()
    for mine, unpacked in zip((P, L, U), learntorch.lu_unpack(LU, pivots), strict=True):
        close(mine, unpacked)


@over_kinds
@over_squares
@pytest.mark.parametrize("adjoint", [False, True])
def test_lu_solve(shape, kind, adjoint):
    A = matrix(shape, kind)
    LU, pivots = linalg.lu_factor(A)
    B = matrix((*shape[:-1], 2), kind, 1)
    M = A.mH if adjoint else A
    close(M @ linalg.lu_solve(LU, pivots, B, adjoint=adjoint), B)
    close(linalg.lu_solve(LU, pivots, B.mT, left=False, adjoint=adjoint) @ M, B.mT)


@over_kinds
@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (2, 4, 2), (3, 0)])
def test_reflections(shape, kind):
    A = matrix(shape, kind)
    a, tau = learntorch.geqrf(A)
    Q, R = linalg.qr(A)
    close(a[..., :shape[-1], :].triu(), R)
    close(linalg.householder_product(a, tau), Q)
    close(learntorch.orgqr(a, tau), Q)
    C, full = matrix((*shape[:-1], 2), kind, 1), linalg.qr(A, "complete").Q
    close(learntorch.ormqr(a, tau, C), full @ C)
    close(learntorch.ormqr(a, tau, C, transpose=True), full.mH @ C)
    close(learntorch.ormqr(a, tau, C.mT, left=False), C.mT @ full)
    close(learntorch.ormqr(a, tau, C.mT, left=False, transpose=True), C.mT @ full.mH)


@needs_scipy
@over_kinds
@pytest.mark.parametrize("hermitian", [False, True])
def test_ldl(kind, hermitian):
    A = matrix((2, 4, 4), kind)
    A = A + (A.mH if hermitian else A.mT)
    B = matrix((2, 4, 3), kind, 1)
    LD, pivots = linalg.ldl_factor(A, hermitian=hermitian)
    close(A @ linalg.ldl_solve(LD, pivots, B, hermitian=hermitian), B)


def test_ranks():
    A = learntorch.from_numpy(np.diag([3.0, 1.0, 1e-3, 0.0]))
    assert linalg.matrix_rank(A) == 3
    assert linalg.matrix_rank(A, hermitian=True) == 3
    assert linalg.matrix_rank(A, 0.01) == 2
    assert linalg.matrix_rank(A, rtol=0.5) == 1
    assert linalg.matrix_rank(A, atol=0.01, rtol=0.5) == 1
    assert linalg.matrix_rank(A, atol=learntorch.tensor([0.01, 2.0])).tolist() == [2, 1]


def test_low_rank():
    learntorch.manual_seed(0)
    A = matrix((8, 2)) @ matrix((2, 6), seed=1)
    U, S, V = learntorch.svd_lowrank(A, q=3)
    close((U * S) @ V.mH, A)
    U, S, V = learntorch.pca_lowrank(A, q=2)
    close((U * S) @ V.mH, A - A.mean(0))


def test_largest_eigenpairs():
    learntorch.manual_seed(0)
    A, B = positive((12, 12)), positive((12, 12))
    values, vectors = learntorch.lobpcg(A, k=2, B=B, tol=1e-9, niter=40)
    close(A @ vectors, (B @ vectors) * values, atol=1e-5)
    C = linalg.cholesky(B).inverse()
    close(values, linalg.eigvalsh(C @ A @ C.mT).flip(0)[:2], atol=1e-8)
    smallest, _ = learntorch.lobpcg(A, k=2, largest=False, tol=1e-9, niter=40)
    close(smallest, linalg.eigvalsh(A)[:2], atol=1e-8)


# ---- rules ---------------------------------------------------------------------------------------

def hermitian(A):
    return A + A.mH


def polar(factors):
    """U Vᴴ, the unitary matrix nearest to A."""
    return factors.U @ factors.Vh


RULES = {
    "cholesky": (lambda A: linalg.cholesky(A @ A.mH + identity(3, A)), (3, 3)),
    "cholesky upper": (lambda A: linalg.cholesky(A @ A.mH + identity(3, A), upper=True),
                       (2, 3, 3)),
    "qr": (lambda A: linalg.qr(A), (2, 3, 3)),
    "qr tall": (lambda A: linalg.qr(A), (4, 2)),
    "qr wide": (lambda A: linalg.qr(A), (2, 4)),
    "eigvalsh": (lambda A: linalg.eigvalsh(hermitian(A)), (3, 3)),
    "eigh": (lambda A: linalg.eigh(hermitian(A))[1].abs(), (2, 3, 3)),
    "eigvals": (lambda A: linalg.eigvals(A).abs(), (3, 3)),
    "eig": (lambda A: linalg.eig(A)[1].abs(), (3, 3)),
    "svdvals": (lambda A: linalg.svdvals(A), (3, 4)),
    "svd": (lambda A: [t.abs() for t in linalg.svd(A)], (2, 3, 3)),
    "svd tall": (lambda A: [t.abs() for t in linalg.svd(A, False)], (4, 2)),
    "svd wide": (lambda A: [t.abs() for t in linalg.svd(A, False)], (2, 4)),
    "svd polar": (lambda A: polar(linalg.svd(A)), (3, 3)),
    "lu": (lambda A: linalg.lu(A)[1:], (2, 3, 3)),
    "lu tall": (lambda A: linalg.lu_factor(A)[0], (4, 2)),
    "lu wide": (lambda A: linalg.lu_factor(A)[0], (2, 4)),
    "lu_solve": (lambda A: linalg.lu_solve(*linalg.lu_factor(A), A.mT, left=False), (3, 3)),
    "householder": (lambda A: linalg.householder_product(A, A[0, :2]), (4, 3)),
    "ormqr": (lambda A: learntorch.ormqr(A, A[0], A, transpose=True), (3, 3)),
    "cholesky_solve": (lambda A: learntorch.cholesky_solve(A, A, True), (3, 3)),
    "cholesky_inverse": (lambda A: learntorch.cholesky_inverse(A), (3, 3)),
    "nuclear norm": (lambda A: learntorch.norm(A, "nuc"), (3, 2)),
}


@over_kinds
@pytest.mark.parametrize("name", RULES)
def test_first_and_second_derivative_are_slopes(name, kind):
    call, shape = RULES[name]
    A = matrix(shape, kind, seed=3).requires_grad_()
    assert gradcheck(call, (A,))
    assert gradgradcheck(call, (A,))


def test_equal_values_have_a_gradient_when_no_vector_is_used():
    A = learntorch.eye(3, requires_grad=True)
    for values in (linalg.svd(A).S, linalg.svdvals(A), linalg.eigh(A)[0], linalg.eigvalsh(A)):
        g, = learntorch.autograd.grad(values.sum(), A)
        close(g, learntorch.eye(3), atol=1e-6)
    g, = learntorch.autograd.grad(linalg.eigh(A)[1].square().sum(), A)
    assert g.isnan().all()


def test_a_second_derivative_adds_both_ways_to_an_output():
    """R is used by the loss, and kept by its own rule: both parts of its gradient count."""
    A = learntorch.tensor([[3.0, 1.0], [4.0, 2.0]], dtype=learntorch.float64, requires_grad=True)
    assert gradgradcheck(lambda A: linalg.qr(A).R ** 3, (A,))


@over_kinds
def test_phases_are_free(kind):
    A = matrix((3, 3), kind, 1).requires_grad_()
    for call, name in ((lambda: linalg.svd(A).U, "svd_backward"),
                       (lambda: linalg.eigh(A)[1], "linalg_eigh_backward"),
                       (lambda: linalg.eig(A)[1], "linalg_eig_backward")):
        loss = call().sum()
        loss = loss.real if loss.dtype.is_complex else loss
        if kind == np.float64 and name != "linalg_eig_backward":
            loss.backward()
        elif kind == np.complex128:
            with pytest.raises(RuntimeError, match=f"{name}.*up to multiplication by e"):
                loss.backward()


# ---- errors --------------------------------------------------------------------------------------

def test_indefinite():
    A = learntorch.eye(3)
    A[1, 1] = -1.0
    with pytest.raises(linalg.LinAlgError, match=r"linalg.cholesky: The factorization could not be "
                       r"completed because the input is not positive-definite \(the leading minor "
                       r"of order 2 is not positive-definite\)"):
        linalg.cholesky(A)
    with (pytest.warns(UserWarning, match="torch.cholesky is deprecated in favor of"),
          pytest.raises(linalg.LinAlgError, match=r"cholesky: \(Batch element 1\): The fact")):
        learntorch.cholesky(learntorch.stack([learntorch.eye(3), A]))
    L, info = linalg.cholesky_ex(learntorch.stack([learntorch.eye(3), A]))
    assert info.tolist() == [0, 2] and (L[0] == learntorch.eye(3)).all()
    assert issubclass(linalg.LinAlgError, RuntimeError)


def test_zero_pivot():
    A = learntorch.tensor([[1.0, 2.0], [2.0, 4.0]])
    with pytest.raises(RuntimeError, match=r"torch.linalg.lu_factor: U\[2,2\] is zero"):
        linalg.lu_factor(A)
    assert linalg.lu_factor_ex(A).info == 2


def test_not_a_number():
    A = learntorch.eye(3).repeat(2, 1, 1)
    A[1] = float("nan")
    for call, words in ((linalg.svd, "linalg.svd: (Batch element 1): The algorithm failed"),
                        (linalg.svdvals, "linalg.svd: (Batch element 1): The algorithm failed"),
                        (linalg.eigh, "linalg.eigh: (Batch element 1): The algorithm failed"),
                        (linalg.eigvals, "torch.linalg.eig: input tensor should not contain")):
        raised = outcome(call, A)
        assert raised.words.startswith(words)


@pytest.mark.parametrize("call, words", [
    (lambda A: linalg.qr(A, "complete").R.sum(), "The QR decomposition is not differentiable when "
                                                 "mode='complete' and nrows > ncols."),
    (lambda A: linalg.qr(A, "r").R.sum(), "The derivative of linalg.qr depends on Q, which is not"),
    (lambda A: learntorch.geqrf(A).tau.sum(), "the derivative for 'geqrf' is not implemented")])
def test_no_derivative(call, words):
    loss = call(matrix((3, 2)).requires_grad_())
    with pytest.raises((RuntimeError, NotImplementedError), match=words):
        loss.backward()


def test_repr_and_fields():
    r = linalg.qr(learntorch.eye(2))
    assert repr(r).startswith("torch.return_types.linalg_qr(\nQ=tensor(")
    assert r.R is r[1]
    assert linalg.eigh(input=learntorch.eye(2)).eigenvalues.tolist() == [1, 1]


# ---- against PyTorch -----------------------------------------------------------------------------

def table(t):
    """Arguments that many functions meet: right and wrong ones."""
    eye = t.eye(3)
    return {"scalar": t.ones(()), "vector": t.ones(3), "wide": t.ones(2, 3),
            "whole": eye.long(), "half": eye.half(), "empty": t.ones(0, 0),
            "empty batch": t.ones(0, 3, 3), "negative": -eye, "nan": eye * float("nan"),
            "batch": t.stack([eye, -eye]), "zeros": eye * 0}


ONE = ["linalg.cholesky", "linalg.cholesky_ex", "linalg.qr", "linalg.svd", "linalg.svdvals",
       "linalg.eigh", "linalg.eigvalsh", "linalg.eigvals", "linalg.lu", "linalg.lu_factor",
       "linalg.lu_factor_ex", "linalg.matrix_rank", "cholesky", "qr", "svd", "lu", "geqrf",
       "cholesky_inverse"]
# NaN in eigenvalues: PyTorch says LAPACK's code, or (eigvals) crashes
APART = {("linalg.eigh", "nan"), ("linalg.eigvalsh", "nan"), ("linalg.eigvals", "nan")}


def find(t, name):
    for part in name.split("."):
        t = getattr(t, part)
    return t


def shapes_of(r):
    """Shapes and dtypes of one result or several: the values are tested elsewhere."""
    several = r if isinstance(r, tuple) else (r,)
    return [(tuple(t.shape), str(t.dtype).rsplit(".", 1)[-1]) for t in several]


@needs_torch
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("argument", table(learntorch))
@pytest.mark.parametrize("name", ONE)
def test_one_argument(name, argument):
    if (name, argument) not in APART:
        alike(lambda torch: shapes_of(find(torch, name)(table(torch)[argument])))


def ormqr(*shapes, **options):
    return lambda torch: torch.ormqr(*[torch.ones(s) for s in shapes], **options)


def factors(t, *shape):
    return t.linalg.lu_factor(t.eye(3).expand(*shape, 3, 3))


WRONG = {
    "qr mode": lambda t: t.linalg.qr(t.eye(3), mode="foo"),
    "UPLO": lambda t: t.linalg.eigh(t.eye(3), UPLO="X"),
    "driver": lambda t: t.linalg.svd(t.eye(3), driver="gesvd"),
    "no pivoting": lambda t: t.linalg.lu_factor(t.eye(3), pivot=False),
    "out dtype": lambda t: t.linalg.cholesky(t.eye(3), out=t.ones(3, 3).double()),
    "upper": lambda t: t.cholesky(-t.eye(3), upper=True),
    "check_errors": lambda t: t.linalg.cholesky_ex(-t.eye(3), check_errors=True),
    "zero pivot": lambda t: t.linalg.lu_factor_ex(t.zeros(3, 3), check_errors=True),
    "singular factor": lambda t: t.cholesky_inverse(t.zeros(2, 3, 3)),
    "lu_solve long pivots": lambda t: t.linalg.lu_solve(t.eye(3), t.ones(3).long(), t.eye(3)),
    "lu_solve few pivots": lambda t: t.linalg.lu_solve(t.eye(3), t.ones(2).int(), t.eye(3)),
    "lu_solve shapes": lambda t: t.linalg.lu_solve(*factors(t), t.ones(4, 2)),
    "lu_solve right": lambda t: t.linalg.lu_solve(*factors(t), t.ones(3, 2), left=False),
    "lu_solve vector": lambda t: t.lu_solve(t.ones(3), *factors(t)),
    "lu_solve dtypes": lambda t: t.linalg.lu_solve(*factors(t), t.ones(3, 2).double()),
    "lu_solve batches": lambda t: t.linalg.lu_solve(*factors(t, 4), t.ones(5, 3, 2)),
    "lu_unpack pivots": lambda t: t.lu_unpack(t.eye(3), t.ones(3).long()),
    "lu_unpack vector": lambda t: t.lu_unpack(t.ones(3), t.ones(3).int()),
    "householder vector": lambda t: t.linalg.householder_product(t.ones(3), t.ones(3)),
    "householder wide": lambda t: t.linalg.householder_product(t.ones(2, 3), t.ones(2)),
    "householder tau": lambda t: t.linalg.householder_product(t.ones(3, 3), t.ones(4)),
    "householder ndim": lambda t: t.linalg.householder_product(t.ones(3, 3), t.ones(2, 3)),
    "householder batch": lambda t: t.linalg.householder_product(t.ones(2, 3, 3), t.ones(3, 3)),
    "ormqr vector": ormqr((3,), (3,), (3, 2)),
    "ormqr other vector": ormqr((3, 3), (3,), (3,)),
    "ormqr rows": ormqr((3, 3), (3,), (4, 2)),
    "ormqr columns": ormqr((3, 3), (3,), (3, 2), left=False),
    "ormqr tau": ormqr((3, 3), (4,), (3, 2)),
    "ormqr ndim": ormqr((2, 3, 3), (2, 3), (3, 2)),
    "ormqr batch": ormqr((2, 3, 3), (2, 3), (3, 3, 2)),
    "cholesky_solve vector": lambda t: t.cholesky_solve(t.ones(3), t.eye(3)),
    "cholesky_solve square": lambda t: t.cholesky_solve(t.ones(3, 2), t.ones(2, 3)),
    "cholesky_solve shapes": lambda t: t.cholesky_solve(t.ones(4, 2), t.eye(3)),
    "cholesky_solve dtypes": lambda t: t.cholesky_solve(t.ones(3, 2), t.eye(3).double()),
    "rank of complex": lambda t: t.linalg.matrix_rank(
        t.eye(3), atol=t.ones(2, dtype=t.complex64)),
    "pca q": lambda t: t.pca_lowrank(t.eye(3), q=7),
    "pca niter": lambda t: t.pca_lowrank(t.eye(3), niter=-1),
}


@needs_torch
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", WRONG)
def test_wrong_calls(name):
    alike(WRONG[name])


@needs_torch
@pytest.mark.parametrize("name", ["svd U", "svd V", "eigh", "eig", "svdvals", "qr", "lu"])
@over_kinds
def test_second_derivatives(name, kind):
    """Against PyTorch, of losses that do not see signs and phases."""
    calls = {"svd U": lambda t, A: t.linalg.svd(A[:, :3], full_matrices=False)[0].abs(),
             "svd V": lambda t, A: t.linalg.svd(A[:3], full_matrices=False)[2].abs(),
             "eigh": lambda t, A: t.linalg.eigh(A)[1].abs(),
             "eig": lambda t, A: t.linalg.eig(A)[1].abs(),
             "svdvals": lambda t, A: t.linalg.svdvals(A),
             "qr": lambda t, A: t.linalg.qr(A[:3])[1].abs(),
             "lu": lambda t, A: t.linalg.lu(A[:, :3])[1].abs()}

    def case(torch):
        A = torch.tensor(numbers((4, 4), kind)).requires_grad_()
        y = calls[name](torch, A)
        g, = torch.autograd.grad((y * torch.tensor(numbers(y.shape, seed=1))).sum(), A,
                                 create_graph=True)
        h, = torch.autograd.grad((g.abs() * torch.tensor(numbers((4, 4), seed=2))).sum(), A)
        return y, g, h
    alike(case)
