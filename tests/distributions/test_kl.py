"""Divergences: every registered pair against PyTorch, and against what they mean."""
import warnings

import pytest

import learntorch
from learntorch import distributions as D
from tests.oracle import alike, needs_torch, torch

# Instances of every family that a rule is registered for; several, so that pairs can differ.
FAMILIES = {
    "Bernoulli": lambda D, t: [D.Bernoulli(t([0.2, 0.7, 0.0, 1.0, 0.5])),
                               D.Bernoulli(t([0.3, 0.1, 0.4, 0.0, 1.0]))],
    "Beta": lambda D, t: [D.Beta(t([0.5, 2.0, 3.0]), t([3.0, 4.0, 1.5])),
                          D.Beta(t([1.5, 1.0, 0.3]), t([1.0, 2.0, 4.5]))],
    "Binomial": lambda D, t: [D.Binomial(5, t([0.2, 0.7])), D.Binomial(5, t([0.3, 0.1])),
                              D.Binomial(3, t([0.3, 0.1]))],
    "Categorical": lambda D, t: [D.Categorical(t([1.0, 2.0, 3.0, 0.0])),
                                 D.Categorical(t([3.0, 0.0, 1.0, 1.0])),
                                 D.Categorical(logits=t([3.0, 1.0, 1.0, 0.2]))],
    "Cauchy": lambda D, t: [D.Cauchy(t([0.2, 0.7]), t([1.0, 2.0])),
                            D.Cauchy(t([1.2, -0.7]), t([0.1, 3.0]))],
    "ContinuousBernoulli": lambda D, t: [D.ContinuousBernoulli(t([0.2, 0.7, 0.5])),
                                         D.ContinuousBernoulli(t([0.1, 0.5, 0.9]))],
    "Dirichlet": lambda D, t: [D.Dirichlet(t([0.2, 0.7, 3.0])), D.Dirichlet(t([1.0, 2.0, 0.3]))],
    "Exponential": lambda D, t: [D.Exponential(t([0.2, 0.7, 2.0])),
                                 D.Exponential(t([1.0, 3.0, 0.4]))],
    "Gamma": lambda D, t: [D.Gamma(t([0.5, 2.0, 3.0]), t([3.0, 4.0, 1.5])),
                           D.Gamma(t([1.5, 1.0, 0.3]), t([1.0, 2.0, 4.5]))],
    "Geometric": lambda D, t: [D.Geometric(t([0.2, 0.7])), D.Geometric(t([0.3, 0.1]))],
    "Gumbel": lambda D, t: [D.Gumbel(t([0.2, 0.7, 1.0]), t([1.0, 2.0, 1.0])),
                            D.Gumbel(t([1.2, -0.7, 0.0]), t([0.7, 3.0, 0.4]))],
    "HalfNormal": lambda D, t: [D.HalfNormal(t([1.0, 2.0])), D.HalfNormal(t([2.0, 0.4]))],
    "Independent": lambda D, t: [D.Independent(D.Normal(t([0.2, 0.7]), t([1.0, 2.0])), 1),
                                 D.Independent(D.Normal(t([1.2, 0.7]), t([0.3, 2.0])), 1)],
    "Laplace": lambda D, t: [D.Laplace(t([0.2, 0.7, 1.0]), t([1.0, 2.0, 1.0])),
                             D.Laplace(t([1.2, -0.7, 0.0]), t([0.7, 3.0, 0.4]))],
    "LowRankMultivariateNormal": lambda D, t: [
        D.LowRankMultivariateNormal(t([0.2, 0.7, 1.0]), t([[1.0], [0.3], [0.2]]),
                                    t([1.0, 2.0, 1.0])),
        D.LowRankMultivariateNormal(t([[0.2, 0.7, 1.0], [1.0, 2.0, 3.0]]),
                                    t([[1.0, 0.1], [0.3, 0.5], [0.2, -1.0]]),
                                    t([1.0, 2.0, 1.0]))],
    "MultivariateNormal": lambda D, t: [
        D.MultivariateNormal(t([0.2, 0.7, 1.0]), scale_tril=t(
            [[1.0, 0, 0], [0.3, 0.6, 0], [0.2, 0.1, 0.3]])),
        D.MultivariateNormal(t([[0.2, 0.7, 1.0], [1.0, 2.0, 3.0]]), scale_tril=t(
            [[[1.0, 0, 0], [0.3, 0.6, 0], [0.2, 0.1, 0.3]],
             [[1.0, 0, 0], [0.1, 0.9, 0], [0.5, 0.1, 1.3]]]))],
    "Normal": lambda D, t: [D.Normal(t([0.2, 0.7, 1.0]), t([1.0, 2.0, 1.0])),
                            D.Normal(t([1.2, -0.7, 0.0]), t([0.7, 3.0, 0.4]))],
    "OneHotCategorical": lambda D, t: [D.OneHotCategorical(t([1.0, 2.0, 3.0, 0.0])),
                                       D.OneHotCategorical(t([3.0, 0.0, 1.0, 1.0]))],
    "Pareto": lambda D, t: [D.Pareto(t([1.0, 0.5, 2.0]), t([2.7, 2.5, 3.0])),
                            D.Pareto(t([0.3, 0.7, 2.0]), t([4.7, 2.1, 2.2]))],
    "Poisson": lambda D, t: [D.Poisson(t([0.5, 4.0, 30.0])), D.Poisson(t([1.5, 2.0, 33.0]))],
    "TransformedDistribution": lambda D, t: [D.LogNormal(t([0.2, 0.7]), t([1.0, 2.0])),
                                             D.LogNormal(t([1.2, 0.7]), t([0.3, 2.0]))],
    "Uniform": lambda D, t: [D.Uniform(t([0.1, 0.2, 0.6]), t([0.9, 0.7, 0.8])),
                             D.Uniform(t([0.05, -1.0, 0.5]), t([0.95, 0.4, 2.0])),
                             D.Uniform(t([0.05, -1.0, -2.0]), t([0.95, 2.4, 2.0]))],
    "Wishart": lambda D, t: [D.Wishart(t(3.0), t([[1.0, 0.2], [0.2, 2.0]])),
                             D.Wishart(t(4.0), t([[1.0, 0.4], [0.4, 0.7]]))],
    "Chi2": lambda D, t: [D.Chi2(t([1.0, 2.0, 3.0])), D.Chi2(t([3.0, 2.5, 0.3]))],
}
PAIRS = sorted({(p.__name__, q.__name__) for p, q in D.kl._KL_REGISTRY}
               - {("ExponentialFamily", "ExponentialFamily")})
PAIRS += [("Wishart", "Wishart"), ("Chi2", "Gamma"), ("Chi2", "Exponential")]


def divergences(L, p, q, leaves=None):
    """KL of all instances of two families."""
    def t(values):
        made = L.tensor(values, dtype=L.float64)
        if leaves is not None:
            leaves.append(made.requires_grad_())
        return made
    firsts, seconds = FAMILIES[p](L.distributions, t), FAMILIES[q](L.distributions, t)
    found = []
    for first in firsts:
        for second in seconds:
            try:
                found.append(L.distributions.kl_divergence(first, second))
            except NotImplementedError as error:
                found.append(str(error))
    return found


@needs_torch
def test_the_same_pairs_are_registered():
    theirs = {(p.__name__, q.__name__) for p, q in torch.distributions.kl._KL_REGISTRY}
    assert {(p.__name__, q.__name__) for p, q in D.kl._KL_REGISTRY} == theirs


@needs_torch
@pytest.mark.parametrize("p, q", PAIRS)
def test_pair(p, q):
    def run(L):
        leaves = []
        found = divergences(L, p, q, leaves)
        total = sum(kl.nan_to_num(posinf=0.0).sum() for kl in found if not isinstance(kl, str))
        total.backward()
        return found, [leaf.grad for leaf in leaves]
    alike(run, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", FAMILIES)
def test_nothing_is_lost_by_the_right_distribution(name):
    for d in FAMILIES[name](D, lambda v: learntorch.tensor(v, dtype=learntorch.float64)):
        assert learntorch.allclose(D.kl_divergence(d, d), d.log_prob(d.sample()) * 0, atol=1e-7)


ESTIMATED = [("Normal", "Laplace"), ("Beta", "Normal"), ("Gamma", "Gumbel"), ("Uniform", "Beta"),
             ("Exponential", "Gamma"), ("Laplace", "Normal"), ("Pareto", "Exponential"),
             ("ContinuousBernoulli", "Normal"), ("Gumbel", "Gumbel"), ("Beta", "Beta"),
             ("Cauchy", "Cauchy"), ("Dirichlet", "Dirichlet"), ("Poisson", "Poisson"),
             ("LowRankMultivariateNormal", "MultivariateNormal"), ("Wishart", "Wishart")]


@pytest.mark.parametrize("p, q", ESTIMATED)
def test_is_the_mean_of_the_difference_of_logarithms(p, q):
    """KL = E_p[ln p − ln q], estimated with draws of p and compared within five standard errors."""
    learntorch.manual_seed(0)
    first = FAMILIES[p](D, lambda v: learntorch.tensor(v, dtype=learntorch.float64))[0]
    second = FAMILIES[q](D, lambda v: learntorch.tensor(v, dtype=learntorch.float64))[0]
    first._validate_args = second._validate_args = False
    x = first.sample((2000,))
    gain = first.log_prob(x) - second.log_prob(x)
    error = gain.std(0) / 2000 ** 0.5
    exact = D.kl_divergence(first, second)
    assert ((gain.mean(0) - exact).abs() <= 5 * error + 1e-9).all()


def test_intervals_that_touch():
    """PyTorch says infinite where one interval ends exactly where the other does."""
    kl = D.kl_divergence(D.ContinuousBernoulli(learntorch.tensor(0.3)), D.Uniform(0.0, 1.0))
    assert learntorch.allclose(kl, -D.ContinuousBernoulli(learntorch.tensor(0.3)).entropy())
    kl = D.kl_divergence(D.Uniform(0.0, 1.0), D.ContinuousBernoulli(learntorch.tensor(0.5)))
    assert abs(kl.item()) < 1e-6


def test_the_closest_rule_wins():
    class Base(D.Distribution):
        arg_constraints = {}

    class Child(Base):
        pass
    D.register_kl(Base, Base)(lambda p, q: "base, base")
    assert D.kl_divergence(Child(), Child()) == "base, base"
    D.register_kl(Base, Child)(lambda p, q: "base, child")
    D.register_kl(Child, Base)(lambda p, q: "child, base")
    assert D.kl_divergence(Base(), Child()) == "base, child"
    with pytest.warns(RuntimeWarning, match=r"Ambiguous kl_divergence\(Child, Child\)"):
        assert D.kl_divergence(Child(), Child()) == "child, base"
    D.register_kl(Child, Child)(lambda p, q: "child, child")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert D.kl_divergence(Child(), Child()) == "child, child"
    for pair in [pair for pair in D.kl._KL_REGISTRY if pair[0] in (Base, Child)]:
        del D.kl._KL_REGISTRY[pair]


def test_errors_say_what_to_do():
    with pytest.raises(NotImplementedError, match="same transforms"):
        D.kl_divergence(D.LogNormal(0.0, 1.0), D.HalfNormal(1.0))
    with pytest.raises(NotImplementedError, match="estimate it"):
        D.kl_divergence(D.Chi2(2.0), D.Weibull(1.0, 1.0))
    normal = D.Normal(learntorch.zeros(2, 3), 1)
    with pytest.raises(NotImplementedError, match="reinterpreted_batch_ndims"):
        D.kl_divergence(D.Independent(normal, 1), D.Independent(normal, 2))
