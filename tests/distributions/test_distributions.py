"""Every distribution against PyTorch: what it prints, knows of itself, draws, and how it moves."""
import warnings

import pytest

import learntorch
from tests.distributions.tables import DISTRIBUTIONS, make
from tests.oracle import Raised, alike, needs_torch, ours, outcome, same, torch

pytestmark = pytest.mark.filterwarnings("ignore:Singular sample detected")
each = pytest.mark.parametrize("name", DISTRIBUTIONS)

# Here learntorch gives what the formula says and PyTorch does not.
BETTER = {
    ("Kumaraswamy", "mode"): "PyTorch: NaN, ln(1 − b) of b > 1",
    ("GeneralizedPareto", "log_prob"): "PyTorch: mixes float32 into float64",
    ("GeneralizedPareto", "cdf"): "PyTorch: mixes float32 into float64",
    ("Wishart", "rsample"): "PyTorch: writes into what backward needs",
    ("Wishart(batch)", "rsample"): "PyTorch: writes into what backward needs",
    ("Wishart(precision)", "rsample"): "PyTorch: writes into what backward needs",
    ("Wishart(batch)", "log_prob"): "PyTorch: a gradient above the diagonal that nothing reads",
}


def known(name, what):
    if (name, what) in BETTER:
        pytest.skip(BETTER[name, what])


def draws(name, shape=(7,)):
    """Draws of PyTorch's, in float64, for both libraries to evaluate."""
    torch.manual_seed(1)
    return make(torch, name, "float64").sample(shape)


def for_library(L, value):
    return value if L is torch else ours(value)


@needs_torch
@each
def test_prints_and_shapes(name):
    def facts(L):
        d = make(L, name)
        return (repr(d), repr(d.support), repr(d.arg_constraints), list(d.batch_shape),
                list(d.event_shape), d.has_rsample, d.has_enumerate_support, d._validate_args)
    alike(facts)


@needs_torch
@pytest.mark.parametrize("what", ["mean", "mode", "variance", "stddev"])
@each
def test_summaries(name, what):
    known(name, what)
    alike(lambda L: getattr(make(L, name), what))


@needs_torch
@pytest.mark.parametrize("what", ["entropy", "perplexity", "enumerate_support"])
@each
def test_functions_of_the_parameters(name, what):
    alike(lambda L: getattr(make(L, name), what)())


@needs_torch
@each
def test_support_without_expanding(name):
    if make(torch, name).has_enumerate_support:
        alike(lambda L: make(L, name).enumerate_support(expand=False))


@needs_torch
@pytest.mark.parametrize("what", ["log_prob", "cdf"])
@each
def test_densities(name, what):
    known(name, what)
    x = draws(name)
    alike(lambda L: getattr(make(L, name, "float64"), what)(for_library(L, x)))


@needs_torch
@each
def test_inverse_of_the_distribution_function(name):
    torch.manual_seed(2)
    u = torch.rand(5, *make(torch, name).batch_shape, dtype=torch.float64)
    alike(lambda L: make(L, name, "float64").icdf(for_library(L, u)))


@needs_torch
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@each
def test_same_seed_same_draws(name, dtype):
    close = 1e-5 if dtype == "float32" else 1e-12
    if name == "LKJCholesky":
        close = 2e-5                            # √(1 − Σ) of a sum near 1

    def run(L):
        L.manual_seed(5)
        d = make(L, name, dtype)
        return [d.sample(), d.sample((3,)), d.sample((20,)), d.sample((2, 40)), L.rand(2)]
    alike(run, rtol=close, atol=close)


@needs_torch
@each
def test_gradient_of_log_prob(name):
    known(name, "log_prob")
    x = draws(name)

    def run(L):
        leaves = []
        make(L, name, "float64", leaves).log_prob(for_library(L, x)).sum().backward()
        return [leaf.grad for leaf in leaves]
    # PyTorch computes the Bessel function of VonMises to single precision
    alike(run, rtol=1e-6 if name == "VonMises" else None)


@needs_torch
@each
def test_gradient_of_the_entropy(name):
    def run(L):
        leaves = []
        make(L, name, "float64", leaves).entropy().sum().backward()
        return [leaf.grad for leaf in leaves]
    alike(run)


GAMMAS = ("Beta", "Chi2", "Dirichlet", "FisherSnedecor", "Gamma", "InverseGamma", "StudentT")


@needs_torch
@each
def test_gradient_of_draws(name):
    known(name, "rsample")
    if not make(torch, name).has_rsample:
        alike(lambda L: make(L, name).rsample())
        return

    def run(L):
        leaves = []
        L.manual_seed(3)
        x = make(L, name, "float64", leaves).rsample((5,))
        (x * x.detach().cos()).sum().backward()
        return [leaf.grad for leaf in leaves]
    # PyTorch approximates the slopes of gamma numbers
    close = 2e-3 if name in GAMMAS else 1e-7
    alike(run, rtol=close, atol=close)


@needs_torch
@each
def test_expand(name):
    def run(L):
        d = make(L, name)
        larger = d.expand((4,) + tuple(d.batch_shape))
        L.manual_seed(0)
        return (type(larger).__name__, repr(larger), list(larger.batch_shape),
                list(larger.event_shape), larger._validate_args, larger.sample((3,)))
    alike(run, rtol=2e-5, atol=2e-5)


@needs_torch
@each
def test_expanded_log_prob(name):
    known(name, "log_prob")
    x = draws(name, (1,))

    def run(L):
        d = make(L, name, "float64")
        return d.expand((4,) + tuple(d.batch_shape)).log_prob(for_library(L, x))
    alike(run)


@needs_torch
@each
def test_a_value_that_is_no_tensor_or_has_another_shape(name):
    alike(lambda L: make(L, name).log_prob(0.5))
    alike(lambda L: make(L, name).log_prob(L.zeros(5, 4, 7)))


BAD_VALUE = {"Bernoulli": 0.5, "Beta": 1.5, "Binomial": 6.0, "Categorical": 3.0,
             "Exponential": -1.0, "Gamma": -1.0, "Geometric": -1.0, "HalfNormal": -1.0,
             "Kumaraswamy": 1.5,
             "LogNormal": -1.0, "Normal": float("nan"), "Pareto": 0.1, "Poisson": 0.5,
             "RelaxedBernoulli": 2.0, "StudentT": float("nan"), "Uniform": 4.0, "Weibull": -1.0,
             "NegativeBinomial": -1.0, "InverseGamma": -1.0, "FisherSnedecor": -1.0}


@needs_torch
@pytest.mark.parametrize("name", BAD_VALUE)
def test_a_value_outside_the_support(name):
    alike(lambda L: make(L, name).log_prob(L.tensor(BAD_VALUE[name])))


CONSTRUCTIONS = {
    "negative scale": lambda L, D: D.Normal(0, -1),
    "NaN": lambda L, D: D.Normal(L.tensor([0.0, float("nan")]), 1),
    "several values": lambda L, D: D.Normal(L.zeros(3), L.tensor([-1.0, 1.0, 0.0])),
    "shapes": lambda L, D: D.Normal(L.zeros(2), L.ones(3)),
    "string": lambda L, D: D.Normal("a", 1),
    "not a number": lambda L, D: D.Uniform([0.0], 1.0),
    "low above high": lambda L, D: D.Uniform(2, 1),
    "neither": lambda L, D: D.Bernoulli(),
    "both": lambda L, D: D.Bernoulli(0.2, 0.3),
    "neither, categorical": lambda L, D: D.Categorical(),
    "0-d probs": lambda L, D: D.Categorical(L.tensor(0.5)),
    "0-d logits": lambda L, D: D.Categorical(logits=L.tensor(0.5)),
    "negative probs": lambda L, D: D.Categorical(L.tensor([-0.5, 1.5])),
    "binomial without probs": lambda L, D: D.Binomial(3),
    "count of a tensor": lambda L, D: D.Multinomial(L.tensor(3), L.tensor([0.5, 0.5])),
    "0-d concentration": lambda L, D: D.Dirichlet(L.tensor(3.0)),
    "geometric of 0": lambda L, D: D.Geometric(L.tensor([0.0, 0.5])),
    "continuous bernoulli": lambda L, D: D.ContinuousBernoulli(
        L.tensor(1.5), validate_args=True),
    "relaxed, neither": lambda L, D: D.RelaxedBernoulli(L.tensor(1.0)),
    "negative df": lambda L, D: D.StudentT(-1.0),
    "mvn 0-d": lambda L, D: D.MultivariateNormal(L.tensor(3.0), L.eye(2)),
    "mvn none": lambda L, D: D.MultivariateNormal(L.zeros(2)),
    "mvn two": lambda L, D: D.MultivariateNormal(L.zeros(2), L.eye(2), L.eye(2)),
    "mvn vector": lambda L, D: D.MultivariateNormal(L.zeros(2), L.ones(2)),
    "mvn precision vector": lambda L, D: D.MultivariateNormal(L.zeros(2),
                                                              precision_matrix=L.ones(2)),
    "mvn factor vector": lambda L, D: D.MultivariateNormal(L.zeros(2), scale_tril=L.ones(2)),
    "mvn not definite": lambda L, D: D.MultivariateNormal(L.zeros(2), -L.eye(2)),
    "mvn upper": lambda L, D: D.MultivariateNormal(L.zeros(2), scale_tril=L.ones(2, 2)),
    "low rank 0-d": lambda L, D: D.LowRankMultivariateNormal(L.tensor(0.0), L.ones(2), L.ones(2)),
    "low rank vector": lambda L, D: D.LowRankMultivariateNormal(L.zeros(2), L.ones(2), L.ones(2)),
    "low rank rows": lambda L, D: D.LowRankMultivariateNormal(L.zeros(2), L.ones(3, 1), L.ones(2)),
    "low rank diag": lambda L, D: D.LowRankMultivariateNormal(L.zeros(2), L.ones(2, 1), L.ones(3)),
    "wishart none": lambda L, D: D.Wishart(L.tensor(3.0)),
    "wishart vector": lambda L, D: D.Wishart(L.tensor(3.0), L.ones(3)),
    "wishart df": lambda L, D: D.Wishart(L.tensor(1.0), L.eye(3)),
    "lkj": lambda L, D: D.LKJCholesky(1),
    "independent": lambda L, D: D.Independent(D.Normal(L.zeros(3), 1), 2),
    "mixture of no categorical": lambda L, D: D.MixtureSameFamily(D.Normal(0, 1), D.Normal(0, 1)),
    "mixture of no distribution": lambda L, D: D.MixtureSameFamily(D.Categorical(L.ones(3)), 3),
    "mixture count": lambda L, D: D.MixtureSameFamily(D.Categorical(L.ones(3)),
                                                      D.Normal(L.zeros(2), 1)),
    "mixture batch": lambda L, D: D.MixtureSameFamily(D.Categorical(L.ones(2, 3)),
                                                      D.Normal(L.zeros(4, 3), 1)),
    "transform 3": lambda L, D: D.TransformedDistribution(D.Normal(0, 1), 3),
    "transforms [3]": lambda L, D: D.TransformedDistribution(D.Normal(0, 1), [3]),
    "base without dimensions": lambda L, D: D.TransformedDistribution(D.Normal(0, 1),
                                                                      D.StickBreakingTransform()),
    "cdf of no monotone function": lambda L, D: D.TransformedDistribution(
        D.Normal(0, 1), [D.AbsTransform()]).cdf(L.tensor(1.0)),
    "mode": lambda L, D: D.Multinomial(3, L.ones(2)).mode,
    "inhomogeneous entropy": lambda L, D: D.Binomial(L.tensor([2, 3]), L.tensor(0.5)).entropy(),
    "inhomogeneous support": lambda L, D: D.Binomial(
        L.tensor([2, 3]), L.tensor(0.5)).enumerate_support(),
    "cartesian product": lambda L, D: D.Independent(
        D.Bernoulli(L.zeros(2)), 1).enumerate_support(),
    "event of another size": lambda L, D: D.MultivariateNormal(
        L.zeros(2), L.eye(2)).log_prob(L.zeros(3)),
    "expand": lambda L, D: D.Normal(L.zeros(3), 1).expand([2]),
    "default of validate_args": lambda L, D: D.Distribution.set_default_validate_args(3),
    "register": lambda L, D: D.register_kl(1, 2),
    "kl of numbers": lambda L, D: D.kl_divergence(1, 2),
    "kl unknown": lambda L, D: D.kl_divergence(D.Chi2(2.0), D.Weibull(1.0, 1.0)),
    "kl of two families": lambda L, D: D.kl_divergence(D.Normal(0.0, 1.0), D.Poisson(1.0)),
    "mixture support": lambda L, D: D.MixtureSameFamily(
        D.Categorical(L.ones(2)), D.Uniform(L.zeros(2), L.tensor([1.0, 2.0]))
    ).log_prob(L.tensor(1.5)),
}


@needs_torch
@pytest.mark.parametrize("case", CONSTRUCTIONS)
def test_errors(case):
    reference = outcome(CONSTRUCTIONS[case], torch, torch.distributions)
    assert isinstance(reference, Raised), f"PyTorch gave {reference!r}"
    same(outcome(CONSTRUCTIONS[case], learntorch, learntorch.distributions), reference)


VALUES = {
    "numbers": lambda L, D: (D.Normal(0, 1).loc, D.Normal(0, 1).log_prob(L.tensor(0.3))),
    "integer tensors": lambda L, D: D.Poisson(L.tensor(3)).rate,
    "double and number": lambda L, D: D.Normal(L.tensor(0.0, dtype=L.float64), 1).scale,
    "count becomes float": lambda L, D: D.Binomial(L.tensor(3), L.tensor(0.5)).total_count,
    "float value of a category": lambda L, D: D.Categorical(L.ones(3)).log_prob(L.tensor(1.0)),
    "categories broadcast": lambda L, D: D.Categorical(L.ones(2, 3)).log_prob(
        L.tensor([[1], [2]])),
    "number given to Gamma": lambda L, D: D.Gamma(1, 1, validate_args=False).log_prob(0.5),
    "half normal below 0": lambda L, D: D.HalfNormal(
        1.0, validate_args=False).log_prob(L.tensor(-1.0)),
    "half Cauchy below 0": lambda L, D: D.HalfCauchy(
        1.0, validate_args=False).log_prob(L.tensor(-1.0)),
    "lims": lambda L, D: D.ContinuousBernoulli(0.3, lims=(0.2, 0.6)).log_prob(L.tensor(0.2)),
    "bernoulli at the ends": lambda L, D: D.Bernoulli(L.tensor([0.0, 1.0])).log_prob(L.ones(2)),
    "bernoulli half": lambda L, D: D.Bernoulli(L.tensor([0.5, 0.3])).mode,
    "geometric of 1": lambda L, D: D.Geometric(L.tensor([1.0, 0.5])).log_prob(L.zeros(2)),
    "multinomial of 0": lambda L, D: D.Multinomial(
        2, L.tensor([0.0, 1.0])).log_prob(L.tensor([0.0, 2.0])),
    "negative binomial of 0": lambda L, D: D.NegativeBinomial(
        L.tensor(0.0), L.tensor(0.3)).log_prob(L.tensor(0.0)),
    "poisson of 0": lambda L, D: D.Poisson(L.tensor(0.0)).log_prob(L.tensor([0.0, 2.0])),
    "poisson draws of 0": lambda L, D: D.Poisson(L.zeros(3)).sample(),
    "binomial at the ends": lambda L, D: D.Binomial(
        3, L.tensor([0.0, 1.0])).log_prob(L.tensor([0.0, 3.0])),
    "certain category": lambda L, D: D.Categorical(L.tensor([0.0, 1.0])).entropy(),
    "uniform outside": lambda L, D: D.Uniform(0.0, 1.0, validate_args=False).log_prob(
        L.tensor([-1.0, 0.0, 1.0, 2.0])),
    "uniform cdf": lambda L, D: D.Uniform(0.0, 1.0, validate_args=False).cdf(
        L.tensor([-1.0, 0.2, 2.0])),
    "dirichlet corner": lambda L, D: D.Dirichlet(L.tensor([[0.5, 0.9], [0.3, 3.0]])).mode,
    "pareto means": lambda L, D: (D.Pareto(1.0, L.tensor([0.5, 1.0, 2.0, 3.0])).mean,
                                  D.Pareto(1.0, L.tensor([0.5, 1.0, 2.0, 3.0])).variance),
    "student variance": lambda L, D: D.StudentT(L.tensor([0.5, 1.0, 1.5, 2.0, 3.0])).variance,
    "mvn matrices": lambda L, D: [getattr(D.MultivariateNormal(
        L.zeros(2), L.tensor([[2.0, 0.3], [0.3, 1.0]])), name)
        for name in ("covariance_matrix", "precision_matrix", "scale_tril")],
    "low rank matrices": lambda L, D: [getattr(D.LowRankMultivariateNormal(
        L.zeros(3), L.tensor([[1.0], [0.5], [-2.0]]), L.tensor([1.0, 2.0, 0.5])), name)
        for name in ("covariance_matrix", "precision_matrix", "scale_tril")],
    "wishart matrices": lambda L, D: [getattr(D.Wishart(
        L.tensor(3.0), L.tensor([[2.0, 0.3], [0.3, 1.0]])), name)
        for name in ("covariance_matrix", "precision_matrix", "scale_tril")],
    "survival": lambda L, D: D.GeneralizedPareto(0.0, 1.0, 0.3).log_survival_function(
        L.tensor([0.5, 2.0])),
    "vectors of a mixture": lambda L, D: D.MixtureSameFamily(
        D.Categorical(L.ones(3)), D.MultivariateNormal(L.zeros(3, 2), L.eye(2))
    ).log_prob(L.zeros(4, 2)),
    "logit of a relaxed coin": lambda L, D: D.relaxed_bernoulli.LogitRelaxedBernoulli(
        L.tensor(0.5), L.tensor([0.3, 0.4])).log_prob(L.tensor([0.1, -3.0])),
    "log of a relaxed category": lambda L, D: D.relaxed_categorical.ExpRelaxedCategorical(
        L.tensor(0.5), L.tensor([0.3, 0.4])).log_prob(L.tensor([-0.7, -0.7])),
    "base of another shape": lambda L, D: repr(D.TransformedDistribution(
        D.Normal(0, 1), [D.AffineTransform(L.zeros(3), 1)]).base_dist),
    "independent of vectors": lambda L, D: repr(D.Independent(
        D.Normal(L.zeros(2, 3), 1), 1).expand([4, 2])),
    "mixture prints": lambda L, D: repr(D.MixtureSameFamily(
        D.Categorical(L.ones(3)), D.Normal(L.zeros(3), 1.0))),
    "stick": lambda L, D: repr(D.TransformedDistribution(
        D.Normal(L.zeros(2), 1), [D.StickBreakingTransform()]).expand([3]).base_dist),
}


@needs_torch
@pytest.mark.parametrize("case", VALUES)
def test_values(case):
    reference = VALUES[case](torch, torch.distributions)
    same(VALUES[case](learntorch, learntorch.distributions), reference)


@needs_torch
def test_sample_n_warns():
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        learntorch.distributions.Normal(0, 1).sample_n(3)
        torch.distributions.Normal(0, 1).sample_n(3)
    assert str(seen[0].message) == str(seen[1].message)
    assert seen[0].category is seen[1].category


@needs_torch
def test_same_names():
    assert set(learntorch.distributions.__all__) == set(torch.distributions.__all__)
    for room in ("constraints", "transforms", "constraint_registry", "kl", "utils"):
        wanted = set(getattr(torch.distributions, room).__all__)
        assert wanted <= set(dir(getattr(learntorch.distributions, room))), room
