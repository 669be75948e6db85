"""Transforms, constraints and the registry between them: against PyTorch, and by round trips."""
import copy
import pickle

import pytest

import learntorch
from learntorch.autograd.functional import jacobian
from learntorch.distributions import constraints as C
from learntorch.distributions import transforms as T
from tests.oracle import alike, needs_torch

# Each entry makes a transform; beside it shapes of x that it takes.
TRANSFORMS = {
    "Abs": (lambda L, D: D.AbsTransform(), [(), (3,), (2, 3)]),
    "Affine": (lambda L, D: D.AffineTransform(1, 2.0), [(), (3,), (2, 3)]),
    "Affine(negative)": (lambda L, D: D.AffineTransform(0, -1), [(), (3,)]),
    "Affine(tensors)": (lambda L, D: D.AffineTransform(L.tensor([1.0, 2.0]), L.tensor([2.0, -3.0])),
                        [(), (2,), (3, 1)]),
    "Affine(vector)": (lambda L, D: D.AffineTransform(L.tensor([1.0, 2.0]), 2, event_dim=1),
                       [(2,), (3, 2)]),
    "Affine(vector, tensor)": (lambda L, D: D.AffineTransform(0.5, L.tensor([2.0, 3.0]),
                                                              event_dim=1), [(2,), (3, 2)]),
    "Cat": (lambda L, D: D.CatTransform([D.ExpTransform(), D.TanhTransform()], dim=0,
                                        lengths=[1, 2]), [(3,), (3, 2)]),
    "Cat(last)": (lambda L, D: D.CatTransform([D.ExpTransform(), D.AffineTransform(1, 3.0)],
                                              dim=-1), [(2,), (3, 2)]),
    "Compose": (lambda L, D: D.ComposeTransform([D.ExpTransform(), D.AffineTransform(0, -2.0),
                                                 D.SigmoidTransform()]), [(), (3,), (2, 3)]),
    "Compose(simplex)": (lambda L, D: D.ComposeTransform(
        [D.AffineTransform(1, 0.5), D.StickBreakingTransform()]), [(3,), (2, 3)]),
    "Compose(nothing)": (lambda L, D: D.ComposeTransform([]), [(), (3,)]),
    "CorrCholesky": (lambda L, D: D.CorrCholeskyTransform(), [(1,), (3,), (2, 6)]),
    "CumulativeDistribution": (lambda L, D: D.CumulativeDistributionTransform(D.Normal(0.5, 2.0)),
                               [(), (3,)]),
    "Exp": (lambda L, D: D.ExpTransform(), [(), (3,), (2, 3)]),
    "Exp(inverse)": (lambda L, D: D.SoftplusTransform().inv, []),
    "Independent": (lambda L, D: D.IndependentTransform(D.ExpTransform(), 1), [(3,), (2, 3)]),
    "LowerCholesky": (lambda L, D: D.LowerCholeskyTransform(), [(2, 2), (4, 3, 3)]),
    "PositiveDefinite": (lambda L, D: D.PositiveDefiniteTransform(), [(2, 2), (4, 3, 3)]),
    "Power": (lambda L, D: D.ComposeTransform([D.ExpTransform(), D.PowerTransform(2.5)]),
              [(), (3,)]),
    "Power(tensor)": (lambda L, D: D.PowerTransform(L.tensor([2.0, -1.0])), []),
    "Reshape": (lambda L, D: D.ReshapeTransform((4,), (2, 2)), [(4,), (3, 4)]),
    "Sigmoid": (lambda L, D: D.SigmoidTransform(), [(), (3,), (2, 3)]),
    "Softmax": (lambda L, D: D.SoftmaxTransform(), [(3,), (2, 3)]),
    "Softplus": (lambda L, D: D.SoftplusTransform(), [(), (3,)]),
    "Stack": (lambda L, D: D.StackTransform([D.ExpTransform(), D.AffineTransform(1, 3.0)]),
              [(2,), (2, 3)]),
    "StickBreaking": (lambda L, D: D.StickBreakingTransform(), [(1,), (3,), (2, 3)]),
    "Tanh": (lambda L, D: D.TanhTransform(), [(), (3,)]),
}
PLACES = [(name, shape) for name, (_, shapes) in TRANSFORMS.items() for shape in shapes]
INVERTIBLE = [(name, shape) for name, shape in PLACES
              if not name.startswith(("Abs", "Softmax", "LowerCh", "PositiveD"))]
each = pytest.mark.parametrize("name", TRANSFORMS)
placed = pytest.mark.parametrize("name, shape", PLACES, ids=str)


def make(L, name):
    return TRANSFORMS[name][0](L, L.distributions)


def points(L, shape):
    """Numbers between −1.4 and 1.4 in float64."""
    count = 1
    for n in shape:
        count *= n
    return L.tensor([((7 * i + 3) % 11 - 5) / 3.6 for i in range(count)],
                    dtype=L.float64).reshape(shape)


# ---- against PyTorch ----------------------------------------------------------------------------


@needs_torch
@each
def test_prints_and_knows(name):
    for what in ("domain", "codomain", "bijective", "sign", "event_dim", "inv"):
        alike(lambda L, what=what: repr(getattr(make(L, name), what)))
    alike(lambda L: repr(make(L, name)))
    alike(lambda L: (make(L, name) == make(L, name), make(L, name) != make(L, name)))
    alike(lambda L: make(L, name).with_cache(1)._cache_size)


@needs_torch
@each
def test_shapes(name):
    for shape in [(), (1,), (2,), (3,), (4,), (6,), (2, 2), (2, 3), (5, 3, 3)]:
        alike(lambda L, shape=shape: list(make(L, name).forward_shape(L.Size(shape))))
        alike(lambda L, shape=shape: list(make(L, name).inverse_shape(L.Size(shape))))


@needs_torch
@placed
def test_values_and_jacobians(name, shape):
    def run(L):
        t = make(L, name)
        x = points(L, shape).requires_grad_()
        y = t(x)
        (y * y.detach().cos()).sum().backward()
        return y, x.grad, t.inv(y)
    alike(run)

    def jac(L):
        t = make(L, name)
        x = points(L, shape).requires_grad_()
        log_det = t.log_abs_det_jacobian(x, t(x))
        return log_det, L.autograd.grad(log_det.sum(), x, allow_unused=True)[0] \
            if log_det.requires_grad else None
    if name != "Reshape":
        alike(jac)


MISUSES = {
    "cache": lambda L, T: T.Transform(2),
    "no call": lambda L, T: T.Transform()(L.tensor(1.0)),
    "no inverse": lambda L, T: T.Transform().inv(L.tensor(1.0)),
    "no jacobian": lambda L, T: T.AbsTransform().log_abs_det_jacobian(L.ones(2), L.ones(2)),
    "reshape": lambda L, T: T.ReshapeTransform((4,), (3, 2)),
    "reshape 5": lambda L, T: T.ReshapeTransform((4,), (2, 2))(L.zeros(5)),
    "cat of 3": lambda L, T: T.CatTransform([3]),
    "cat length": lambda L, T: T.CatTransform([T.ExpTransform()], lengths=[1])(L.zeros(3)),
    "stack of 3": lambda L, T: T.StackTransform([3]),
    "stack size": lambda L, T: T.StackTransform([T.ExpTransform()])(L.zeros(3)),
    "independent": lambda L, T: T.IndependentTransform(T.ExpTransform(), 1)(L.tensor(1.0)),
    "hash": lambda L, T: hash(T.ExpTransform()),
    "biject boolean": lambda L, T: L.distributions.biject_to(L.distributions.constraints.boolean),
    "biject 3": lambda L, T: L.distributions.biject_to(3),
    "biject cholesky": lambda L, T: L.distributions.biject_to(
        L.distributions.constraints.lower_cholesky),
    "register int": lambda L, T: L.distributions.biject_to.register(int, lambda c: 3),
    "dependent check": lambda L, T: L.distributions.constraints.dependent.check(1),
    "dependent discrete": lambda L, T: L.distributions.constraints.dependent.is_discrete,
    "dependent event": lambda L, T: L.distributions.constraints.dependent.event_dim,
    "abstract check": lambda L, T: L.distributions.constraints.Constraint().check(1),
    "too few": lambda L, T: L.distributions.constraints.independent(
        L.distributions.constraints.real, 2).check(L.zeros(3)),
    "vector to triangle": lambda L, T: L.distributions.utils.vec_to_tril_matrix(L.ones(5)),
    "triangle to vector": lambda L, T: L.distributions.utils.tril_matrix_to_vec(L.eye(3), -4),
}


@needs_torch
@pytest.mark.parametrize("case", MISUSES)
def test_misuse(case):
    alike(lambda L: MISUSES[case](L, L.distributions.transforms))


# Constraints, with values to check: (inside and outside alike).
CONSTRAINTS = {
    "boolean": (lambda L, C: C.boolean, [0, 1, 2, 0.5]),
    "one_hot": (lambda L, C: C.one_hot, [[1, 0], [1, 1], [0, 0], [0.5, 0.5]]),
    "nonnegative_integer": (lambda L, C: C.nonnegative_integer, [0, 1.5, -1, 7]),
    "positive_integer": (lambda L, C: C.positive_integer, [0, 1.5, -1, 7]),
    "integer_interval": (lambda L, C: C.integer_interval(1, 3), [0, 1, 2.5, 3, 4]),
    "_IntegerLessThan": (lambda L, C: C._IntegerLessThan(3), [0, 3, 2.5, 4]),
    "real": (lambda L, C: C.real, [0.0, float("nan"), float("inf")]),
    "real_vector": (lambda L, C: C.real_vector, [[0.0, 1.0], [0.0, float("nan")]]),
    "positive": (lambda L, C: C.positive, [0.0, -1.0, 2.0]),
    "nonnegative": (lambda L, C: C.nonnegative, [0.0, -1.0, 2.0]),
    "greater_than": (lambda L, C: C.greater_than(L.tensor(1.0)), [0.0, 1.0, 2.0]),
    "greater_than_eq": (lambda L, C: C.greater_than_eq(1), [0.0, 1.0, 2.0]),
    "less_than": (lambda L, C: C.less_than(1), [0.0, 1.0, 2.0]),
    "unit_interval": (lambda L, C: C.unit_interval, [-0.1, 0.0, 1.0, 1.1]),
    "interval": (lambda L, C: C.interval(L.tensor([0.0, 1.0, 2.0]), 2), [-0.1, 1.0, 2.0]),
    "half_open_interval": (lambda L, C: C.half_open_interval(0, 1), [-0.1, 0.0, 1.0]),
    "simplex": (lambda L, C: C.simplex, [[0.5, 0.5], [0.6, 0.5], [1.5, -0.5]]),
    "multinomial": (lambda L, C: C.multinomial(3), [[1, 2], [3, 1], [-1, 4]]),
    "lower_triangular": (lambda L, C: C.lower_triangular, [[[1, 0], [2, 3]], [[1, 1], [0, 1]]]),
    "lower_cholesky": (lambda L, C: C.lower_cholesky, [[[1, 0], [2, 3]], [[1, 0], [0, -1]]]),
    "corr_cholesky": (lambda L, C: C.corr_cholesky, [[[1, 0], [0.6, 0.8]], [[1, 0], [0, 2]]]),
    "square": (lambda L, C: C.square, [[[1, 0, 2], [2, 3, 1]]]),
    "symmetric": (lambda L, C: C.symmetric, [[[1, 2], [2, 3]], [[1, 2], [1, 1]]]),
    "positive_semidefinite": (lambda L, C: C.positive_semidefinite,
                              [[[1, 0], [0, 1]], [[0, 0], [0, 0]], [[-1, 0], [0, 1]]]),
    "positive_definite": (lambda L, C: C.positive_definite,
                          [[[1, 0], [0, 1]], [[0, 0], [0, 0]], [[-1, 0], [0, 1]]]),
    "cat": (lambda L, C: C.cat([C.positive, C.real], 0, [1, 2]), [-1.0, 1.0, -1.0]),
    "stack": (lambda L, C: C.stack([C.positive, C.less_than(0)], -1), [[1.0, 1.0], [2.0, -2.0]]),
    "independent": (lambda L, C: C.independent(C.positive, 1), [[1.0, 1.0], [2.0, -2.0]]),
    "mixture": (lambda L, C: C.MixtureSameFamilyConstraint(
        C.interval(L.zeros(3), L.tensor([1.0, 2.0, 3.0]))), [0.5, 1.5, 4.0]),
}


@needs_torch
@pytest.mark.parametrize("name", CONSTRAINTS)
def test_constraint(name):
    made, values = CONSTRAINTS[name]

    def run(L):
        c = made(L, L.distributions.constraints)
        value = L.tensor(values, dtype=L.float32)
        return c.check(value), repr(c), c.is_discrete, c.event_dim
    alike(run)


@needs_torch
@pytest.mark.parametrize("registry", ["biject_to", "transform_to"])
@pytest.mark.parametrize("name", CONSTRAINTS)
def test_registry(name, registry):
    alike(lambda L: repr(getattr(L.distributions, registry)(
        CONSTRAINTS[name][0](L, L.distributions.constraints))))


@needs_torch
def test_dependent_constraints_know_what_they_are_told():
    for name in ("Uniform", "Binomial", "Categorical", "Pareto", "Multinomial", "Independent"):
        alike(lambda L, name=name: repr(getattr(L.distributions, name).support))
        alike(lambda L, name=name: L.distributions.constraints.is_dependent(
            getattr(L.distributions, name).support))
        alike(lambda L, name=name: getattr(L.distributions, name).support.event_dim)
    alike(lambda L: L.distributions.constraints.dependent(event_dim=2).event_dim)


@needs_torch
def test_helpers():
    alike(lambda L: L.distributions.utils.vec_to_tril_matrix(L.arange(1.0, 7)))
    alike(lambda L: L.distributions.utils.vec_to_tril_matrix(L.arange(1.0, 13).view(2, 6), -1))
    alike(lambda L: L.distributions.utils.tril_matrix_to_vec(L.arange(9.0).view(3, 3)))
    alike(lambda L: L.distributions.utils.tril_matrix_to_vec(L.arange(18.0).view(2, 3, 3), -1))
    alike(lambda L: L.distributions.utils.broadcast_all(L.ones(2, 1), 3, L.zeros(3)))
    alike(lambda L: L.distributions.utils.clamp_probs(L.tensor([0.0, 0.3, 1.0])))
    alike(lambda L: L.distributions.utils.probs_to_logits(L.tensor([0.0, 0.3, 1.0]), True))
    alike(lambda L: L.distributions.utils.probs_to_logits(L.tensor([0.0, 0.3, 0.7])))


# ---- without PyTorch ----------------------------------------------------------------------------


@pytest.mark.parametrize("name, shape", INVERTIBLE, ids=str)
def test_inverse_finds_back(name, shape):
    t = make(learntorch, name)
    x = points(learntorch, shape)
    back = t.inv(t(x)).double()
    assert learntorch.allclose(back, x.expand(back.shape), atol=1e-6)


SQUARE = [(name, shape) for name, shape in INVERTIBLE if len(shape) == 1
          and name not in ("CorrCholesky", "StickBreaking", "Compose(simplex)")]


@pytest.mark.parametrize("name, shape", SQUARE, ids=str)
def test_log_det_is_that_of_the_jacobian(name, shape):
    t = make(learntorch, name)
    x = points(learntorch, shape)
    y = t(x)
    matrix = jacobian(t, x).reshape(y.numel(), x.numel())
    log_det = t.log_abs_det_jacobian(x, y).sum()
    assert learntorch.allclose(matrix.det().abs().log(), log_det.double())


@pytest.mark.parametrize("name", ["StickBreaking", "Compose(simplex)"])
def test_log_det_onto_the_simplex(name):
    t = make(learntorch, name)
    x = points(learntorch, (3,))
    matrix = jacobian(t, x)[:-1]                    # the last share follows from the others
    assert learntorch.allclose(matrix.det().abs().log(), t.log_abs_det_jacobian(x, t(x)))


def test_log_det_of_correlation_factors():
    t = T.CorrCholeskyTransform()
    x = points(learntorch, (3,))
    below = jacobian(lambda x: T.tril_matrix_to_vec(t(x), -1), x)
    assert learntorch.allclose(below.det().abs().log(), t.log_abs_det_jacobian(x, t(x)))


BOUNDED = ["real", "positive", "nonnegative", "greater_than", "less_than", "unit_interval",
           "half_open_interval", "real_vector", "simplex", "corr_cholesky", "independent"]


@pytest.mark.parametrize("registry", ["biject_to", "transform_to"])
@pytest.mark.parametrize("name", BOUNDED)
def test_registry_keeps_its_promise(name, registry):
    constraint = CONSTRAINTS[name][0](learntorch, C)
    t = getattr(learntorch.distributions, registry)(constraint)
    x = points(learntorch, (5, 3)) * 3
    y = t(x)
    assert constraint.check(y).all()
    again = t(t.inv(y))
    assert learntorch.allclose(again, y)
    if registry == "biject_to":
        assert t.bijective
        assert learntorch.allclose(t.inv(y), x, atol=1e-6)


def test_matrices_are_made_definite():
    t = learntorch.distributions.transform_to(C.positive_definite)
    y = t(points(learntorch, (4, 3, 3)))
    assert C.positive_definite.check(y).all()
    assert learntorch.allclose(t(t.inv(y)), y)


def test_cache_gives_back_the_very_tensor():
    t = T.TanhTransform(cache_size=1)
    x = learntorch.tensor([30.0])                   # tanh 30 = 1: atanh could not find it back
    y = t(x)
    assert t(x) is y
    assert t.inv(y) is x
    assert t.inv.inv is t
    assert t.inv is t.inv
    other = learntorch.tensor([1.0])
    assert t(other) is not y
    assert T.TanhTransform().inv(y).isinf().all()


def test_transforms_can_be_pickled_and_copied():
    for t in (T.ExpTransform(1), T.AffineTransform(1.0, 2.0), T.ComposeTransform([])):
        assert t.inv.inv is t
        assert pickle.loads(pickle.dumps(t)) == t
        assert copy.deepcopy(t) == t


def test_own_constraints_can_be_registered():
    class Even(C.Constraint):
        is_discrete = True

        def check(self, value):
            return value % 2 == 0
    registry = learntorch.distributions.constraint_registry.ConstraintRegistry()

    @registry.register(Even)
    def onto_even(constraint):
        return T.AffineTransform(0, 2)
    assert registry(Even()).scale == 2
    assert Even().check(learntorch.tensor([1, 2])).tolist() == [False, True]
