"""One or more instances of every distribution, written once for both libraries.

Each entry is `make(L, D, t)`: the library, its distributions, and a function that turns a list of
numbers into a tensor of the dtype under test (with `requires_grad`, where gradients are compared).
"""


def ramp(t, *shape):
    """A tensor of this shape with values 0.3, 0.6, 0.9 … and back to 0.3 after eight of them."""
    count = 1
    for n in shape:
        count *= n
    return t([0.3 * (i % 8 + 1) for i in range(count)]).reshape(shape)


LOWER = [[1.3, 0.0, 0.0], [0.4, 0.8, 0.0], [-0.3, 0.2, 1.1]]
COVARIANCE = [[2.0, 0.3, -0.4], [0.3, 1.0, 0.2], [-0.4, 0.2, 1.5]]

DISTRIBUTIONS = {
    "Bernoulli": lambda L, D, t: D.Bernoulli(t([0.2, 0.7])),
    "Bernoulli(logits)": lambda L, D, t: D.Bernoulli(logits=t([[0.2, -1.7], [0.0, 3.0]])),
    "Beta": lambda L, D, t: D.Beta(t([0.5, 2.0, 3.0]), t([3.0, 4.0, 1.5])),
    "Binomial": lambda L, D, t: D.Binomial(5, t([0.2, 0.7])),
    "Binomial(large)": lambda L, D, t: D.Binomial(60, t([0.3, 0.9])),
    "Binomial(logits)": lambda L, D, t: D.Binomial(t([3.0, 9.0]).detach(), logits=t([0.2, -1.0])),
    "Categorical": lambda L, D, t: D.Categorical(t([1.0, 2.0, 3.0])),
    "Categorical(logits)": lambda L, D, t: D.Categorical(logits=t([[0.1, -2.0, 0.4],
                                                                   [1.0, 1.0, 5.0]])),
    "Cauchy": lambda L, D, t: D.Cauchy(t([0.0, -3.0]), t([1.0, 0.3])),
    "Chi2": lambda L, D, t: D.Chi2(t([0.7, 3.0, 11.0])),
    "ContinuousBernoulli": lambda L, D, t: D.ContinuousBernoulli(t([0.2, 0.5, 0.93])),
    "ContinuousBernoulli(logits)": lambda L, D, t: D.ContinuousBernoulli(logits=t([-2.0, 0.001])),
    "Dirichlet": lambda L, D, t: D.Dirichlet(t([[0.5, 2.0, 3.0], [1.0, 1.0, 0.9]])),
    "Exponential": lambda L, D, t: D.Exponential(t([0.5, 2.0])),
    "FisherSnedecor": lambda L, D, t: D.FisherSnedecor(t([5.0, 1.5, 7.0]), t([2.0, 3.0, 9.0])),
    "Gamma": lambda L, D, t: D.Gamma(t([0.5, 2.0, 9.0]), t([1.0, 3.0, 0.2])),
    "GeneralizedPareto": lambda L, D, t: D.GeneralizedPareto(
        t([0.0, 0.5, 1.0, 0.0]), t([1.0, 2.0, 0.5, 1.0]), t([0.2, -0.4, 0.0, 1.3])),
    "Geometric": lambda L, D, t: D.Geometric(t([0.3, 0.9])),
    "Geometric(logits)": lambda L, D, t: D.Geometric(logits=t([-1.0, 0.5])),
    "Gumbel": lambda L, D, t: D.Gumbel(t([0.0, 1.0]), t([1.0, 0.3])),
    "HalfCauchy": lambda L, D, t: D.HalfCauchy(t([1.0, 2.5])),
    "HalfNormal": lambda L, D, t: D.HalfNormal(t([1.0, 2.5])),
    "Independent": lambda L, D, t: D.Independent(
        D.Normal(ramp(t, 2, 3), 0.1 + ramp(t, 2, 3)), 1),
    "InverseGamma": lambda L, D, t: D.InverseGamma(t([3.0, 1.5, 0.7]), t([2.0, 1.0, 0.5])),
    "Kumaraswamy": lambda L, D, t: D.Kumaraswamy(t([0.5, 2.0, 3.0]), t([3.0, 4.0, 1.5])),
    "Laplace": lambda L, D, t: D.Laplace(t([0.0, 1.0]), t([1.0, 0.3])),
    "LKJCholesky": lambda L, D, t: D.LKJCholesky(3, t([0.5, 2.0])),
    "LogNormal": lambda L, D, t: D.LogNormal(t([0.0, 1.0]), t([1.0, 0.3])),
    "LogisticNormal": lambda L, D, t: D.LogisticNormal(ramp(t, 2, 3), 0.1 + ramp(t, 2, 3)),
    "LowRankMultivariateNormal": lambda L, D, t: D.LowRankMultivariateNormal(
        ramp(t, 4), ramp(t, 4, 2) - 1.0, 0.2 + ramp(t, 4)),
    "LowRankMultivariateNormal(batch)": lambda L, D, t: D.LowRankMultivariateNormal(
        ramp(t, 2, 3), ramp(t, 3, 1) - 1.0, 0.2 + ramp(t, 2, 3)),
    "MixtureSameFamily": lambda L, D, t: D.MixtureSameFamily(
        D.Categorical(t([1.0, 2.0, 3.0])), D.Normal(t([-1.0, 0.0, 2.0]), t([0.5, 1.0, 0.3]))),
    "MixtureSameFamily(vectors)": lambda L, D, t: D.MixtureSameFamily(
        D.Categorical(0.1 + ramp(t, 2, 3)),
        D.Independent(D.Normal(ramp(t, 2, 3, 4), 0.1 + ramp(t, 2, 3, 4)), 1)),
    "Multinomial": lambda L, D, t: D.Multinomial(6, t([1.0, 2.0, 3.0])),
    "Multinomial(logits)": lambda L, D, t: D.Multinomial(3, logits=ramp(t, 2, 3)),
    "MultivariateNormal": lambda L, D, t: D.MultivariateNormal(ramp(t, 3), t(COVARIANCE)),
    "MultivariateNormal(precision)": lambda L, D, t: D.MultivariateNormal(
        ramp(t, 2, 3), precision_matrix=t(COVARIANCE)),
    "MultivariateNormal(scale_tril)": lambda L, D, t: D.MultivariateNormal(
        ramp(t, 2, 3), scale_tril=t([LOWER, LOWER])),
    "NegativeBinomial": lambda L, D, t: D.NegativeBinomial(t([3.0, 5.5]).detach(),
                                                           t([0.2, 0.7])),
    "NegativeBinomial(logits)": lambda L, D, t: D.NegativeBinomial(4, logits=t([0.2, -1.0])),
    "Normal": lambda L, D, t: D.Normal(t([0.0, 1.0]), t([1.0, 0.3])),
    "OneHotCategorical": lambda L, D, t: D.OneHotCategorical(t([1.0, 2.0, 3.0])),
    "OneHotCategoricalStraightThrough": lambda L, D, t: D.OneHotCategoricalStraightThrough(
        logits=ramp(t, 2, 3)),
    "Pareto": lambda L, D, t: D.Pareto(t([1.0, 0.5, 2.0]), t([0.7, 1.5, 3.0])),
    "Poisson": lambda L, D, t: D.Poisson(t([0.5, 4.0, 30.0])),
    "RelaxedBernoulli": lambda L, D, t: D.RelaxedBernoulli(t(0.5), t([0.3, 0.8])),
    "RelaxedBernoulli(logits)": lambda L, D, t: D.RelaxedBernoulli(t(2.0), logits=t([0.3, -1.0])),
    "RelaxedOneHotCategorical": lambda L, D, t: D.RelaxedOneHotCategorical(
        t(0.5), 0.1 + ramp(t, 2, 3)),
    "StudentT": lambda L, D, t: D.StudentT(t([0.8, 1.5, 4.0]), t([0.0, 1.0, 2.0]),
                                           t([1.0, 2.0, 0.5])),
    "TransformedDistribution": lambda L, D, t: D.TransformedDistribution(
        D.Normal(ramp(t, 2, 3), 0.1 + ramp(t, 2, 3)),
        [D.AffineTransform(0.2, -1.5), D.ExpTransform(), D.AffineTransform(1, t([1.0, 2.0, 3.0]))]),
    "TransformedDistribution(simplex)": lambda L, D, t: D.TransformedDistribution(
        D.Normal(ramp(t, 2, 3), 0.1 + ramp(t, 2, 3)),
        [D.AffineTransform(0.2, -1.5), D.StickBreakingTransform()]),
    "Uniform": lambda L, D, t: D.Uniform(t([0.0, -1.0]), t([1.0, 3.0])),
    "VonMises": lambda L, D, t: D.VonMises(t([0.0, 1.0, -3.0]), t([1.0, 0.1, 30.0])),
    "Weibull": lambda L, D, t: D.Weibull(t([1.0, 2.0]), t([1.5, 3.0])),
    "Wishart": lambda L, D, t: D.Wishart(t(4.5), t(COVARIANCE)),
    "Wishart(batch)": lambda L, D, t: D.Wishart(t([3.5, 7.0]), scale_tril=t(LOWER)),
    "Wishart(precision)": lambda L, D, t: D.Wishart(t([3.5, 7.0]), precision_matrix=t(COVARIANCE)),
}


def maker(L, dtype="float32", leaves=None):
    """The function `t` for a library: tensors of one dtype; `leaves` collects those it makes."""
    def t(values):
        made = L.tensor(values, dtype=getattr(L, dtype))
        if leaves is not None:
            made.requires_grad_()
            leaves.append(made)
        return made
    return t


def make(L, name, dtype="float32", leaves=None):
    """The distribution `name` in one library."""
    return DISTRIBUTIONS[name](L, L.distributions, maker(L, dtype, leaves))
