"""What distributions mean, without PyTorch: densities integrate to one, draws have the moments that
are claimed, gradients are those of finite differences, and subclasses behave.
"""
import copy
import math
import pickle
import subprocess
import sys

import pytest

import learntorch as torch
from learntorch import distributions as D
from learntorch.autograd import gradcheck
from tests.distributions.tables import DISTRIBUTIONS, make

# ---- densities -----------------------------------------------------------------------------------

LINE = {                                # where nearly all of the probability lies
    "Beta": (0, 1), "Cauchy": (-4000, 4000), "Chi2": (0, 80), "ContinuousBernoulli": (0, 1),
    "Exponential": (0, 40), "FisherSnedecor": (0, 40000), "Gamma": (0, 200),
    "GeneralizedPareto": (0, 9.999), "Gumbel": (-6, 40), "HalfCauchy": (0, 80000),
    "HalfNormal": (0, 25), "InverseGamma": (0, 80000), "Kumaraswamy": (0, 1), "Laplace": (-40, 40),
    "LogNormal": (0, 600), "MixtureSameFamily": (-10, 10), "Normal": (-10, 10),
    "Pareto": (0.3, 90000), "RelaxedBernoulli": (0, 1), "StudentT": (-90000, 90000),
    "Uniform": (-2, 4), "VonMises": (-math.pi, math.pi), "Weibull": (0, 20)}


ONE_SUPPORT = {                         # in place of a batch whose members begin at other places
    "Pareto": lambda t: D.Pareto(t(0.3), t([0.7, 1.5, 3.0])),
    "GeneralizedPareto": lambda t: D.GeneralizedPareto(t(0.0), t(2.0), t(-0.2))}


def positive(high):
    """Points from nearly 0 up to `high`, each larger than the one before by the same factor."""
    return torch.linspace(math.log(1e-12), math.log(high), 40001, dtype=torch.float64).exp()


def grid(low, high):
    """Points between two ends, close together near the ends that a density may be large at."""
    if (low, high) == (0, 1):
        return torch.linspace(-27, 27, 40001, dtype=torch.float64).sigmoid()
    if low < 0:
        return torch.cat([-positive(-low).flip(0), positive(high)])
    return low + positive(high - low)


def probability(d, x):
    """The integral of the density over the points x by the trapezoidal rule."""
    x = x.reshape((-1,) + (1,) * len(d.batch_shape)).expand((-1,) + d.batch_shape)
    return torch.trapezoid(d.log_prob(x).exp(), x, dim=0)


@pytest.mark.parametrize("name", LINE)
def test_the_density_integrates_to_one(name):
    d = make(torch, name, "float64")
    if name in ONE_SUPPORT:
        d = ONE_SUPPORT[name](lambda v: torch.tensor(v, dtype=torch.float64))
    d._validate_args = False
    total = probability(d, grid(*LINE[name]))
    assert ((total - 1).abs() < 0.002).all(), total


COUNTS = ["Bernoulli", "Binomial", "Binomial(large)", "Geometric", "NegativeBinomial", "Poisson"]


@pytest.mark.parametrize("name", COUNTS)
def test_probabilities_add_up_to_one(name):
    d = make(torch, name, "float64")
    d._validate_args = False
    last = int(d.total_count.max()) if name.startswith("Binomial") else 400
    k = torch.arange(2 if name == "Bernoulli" else last + 1, dtype=torch.float64)
    k = k.reshape(-1, 1).expand(-1, d.batch_shape[0])
    p = d.log_prob(k).exp()
    assert torch.allclose(p.sum(0), torch.ones(2, dtype=torch.float64)[:1].expand(p.shape[1]))
    mean = (p * k).sum(0)
    assert torch.allclose(mean, d.mean)
    assert torch.allclose((p * k ** 2).sum(0) - mean ** 2, d.variance)


@pytest.mark.parametrize("name", ["Categorical", "OneHotCategorical", "Multinomial"])
def test_probabilities_of_vectors_add_up_to_one(name):
    d = make(torch, name, "float64")
    if name == "Multinomial":
        values = torch.tensor([[i, j, 6 - i - j] for i in range(7) for j in range(7 - i)]).double()
    else:
        values = d.enumerate_support()
    log_p = d.log_prob(values)
    assert abs(log_p.exp().sum().item() - 1) < 1e-9
    assert abs(d.entropy().item() + (log_p.exp() * log_p).sum().item()) < 1e-9


WITH_CDF = ["Cauchy", "ContinuousBernoulli", "Exponential", "Gamma", "Gumbel", "HalfCauchy",
            "HalfNormal", "InverseGamma", "Kumaraswamy", "Laplace", "LogNormal", "Normal", "Pareto",
            "TransformedDistribution", "Uniform", "Weibull", "MixtureSameFamily",
            "GeneralizedPareto"]


@pytest.mark.parametrize("name", WITH_CDF)
def test_the_density_is_the_slope_of_the_distribution_function(name):
    torch.manual_seed(0)
    d = make(torch, name, "float64")
    x = d.sample((4,)).requires_grad_()
    slope, = torch.autograd.grad(d.cdf(x).sum(), x)
    assert torch.allclose(slope.log(), d.log_prob(x), atol=1e-5)


@pytest.mark.parametrize("name", [n for n in WITH_CDF if n not in (
    "Gamma", "InverseGamma", "MixtureSameFamily")])
def test_icdf_is_the_inverse_of_cdf(name):
    d = make(torch, name, "float64")
    u = torch.tensor([0.1, 0.35, 0.8], dtype=torch.float64)
    u = u.reshape((-1,) + (1,) * len(d.batch_shape)).expand((3,) + d.batch_shape)
    assert torch.allclose(d.cdf(d.icdf(u)), u, atol=1e-7)


# ---- draws ---------------------------------------------------------------------------------------

MOMENTS = ["Bernoulli", "Beta", "Binomial", "Binomial(large)", "Chi2", "ContinuousBernoulli",
           "Dirichlet", "Exponential", "Gamma", "Geometric", "Gumbel", "HalfNormal", "Independent",
           "Kumaraswamy", "Laplace", "LowRankMultivariateNormal", "MixtureSameFamily",
           "MixtureSameFamily(vectors)", "Multinomial", "MultivariateNormal",
           "MultivariateNormal(precision)", "NegativeBinomial", "Normal", "OneHotCategorical",
           "Poisson", "Uniform", "Weibull", "Wishart"]


@pytest.mark.parametrize("name", MOMENTS)
def test_draws_have_the_moments(name):
    """Mean and variance of 3000 draws, within five standard errors (of the variance roughly)."""
    torch.manual_seed(0)
    d = make(torch, name, "float64")
    x = d.sample((3000,))
    assert x.shape == (3000,) + d.batch_shape + d.event_shape
    assert d.support.check(x).all()
    error = d.stddev / 3000 ** 0.5
    assert ((x.mean(0) - d.mean).abs() <= 5 * error).all()
    spread = ((x - d.mean) ** 2).std(0) / 3000 ** 0.5
    assert ((x.var(0) - d.variance).abs() <= 5 * spread + 1e-3).all()


ALL_DRAWN = [name for name in DISTRIBUTIONS if name not in ("LogisticNormal",)]


@pytest.mark.parametrize("name", ALL_DRAWN)
def test_draws_lie_in_the_support_and_are_checked(name):
    torch.manual_seed(4)
    d = make(torch, name, "float64")
    x = d.sample((6,))
    assert not x.requires_grad
    assert d.support.check(x).all()
    assert d.log_prob(x).shape == (6,) + d.batch_shape
    assert d.log_prob(x).isfinite().all()


@pytest.mark.parametrize("name", ["Normal", "Gumbel", "Kumaraswamy", "StudentT", "Weibull",
                                  "Pareto", "RelaxedBernoulli", "Gamma", "Beta", "Dirichlet"])
def test_rsample_differentiates_the_draw(name):
    """The slope of a draw by its parameter is that of two draws with the same random numbers."""
    leaves = []
    torch.manual_seed(2)
    x = make(torch, name, "float64", leaves).rsample()
    x.flatten()[0].backward()
    if name in ("Gamma", "Beta", "Dirichlet", "StudentT"):
        assert leaves[0].grad.isfinite().all()
        return

    def shifted(h):
        def t(values):
            made = torch.tensor(values, dtype=torch.float64)
            if not shifted.done:
                made = made + h
            shifted.done = True
            return made
        shifted.done = False
        torch.manual_seed(2)
        return DISTRIBUTIONS[name](torch, D, t).sample().flatten()[0].item()
    slope = (shifted(1e-6) - shifted(-1e-6)) / 2e-6
    assert abs(leaves[0].grad.sum().item() - slope) < 1e-5 * (1 + abs(slope))


def test_slope_of_gamma_draws_keeps_the_quantile():
    """Along x(α) with dx/dα as given, P(X ≤ x) does not change."""
    for alpha in (0.05, 0.4, 1.0, 3.0, 50.0):
        a = torch.tensor(alpha, dtype=torch.float64)
        for factor in (0.2, 0.9, 1.0, 2.5):
            x = a * factor
            slope = torch._standard_gamma_grad(a, x)
            h = 1e-5 * alpha
            moved = torch.igamma(a + h, x + h * slope) - torch.igamma(a - h, x - h * slope)
            scale = torch.igamma(a + h, x) - torch.igamma(a - h, x)
            assert abs(moved.item()) < 1e-5 * abs(scale.item()) + 1e-13


def test_mean_of_beta_draws_by_gradient():
    """d E[X]/dα from the draws' own slopes, against the formula α/(α + β)."""
    torch.manual_seed(0)
    a = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    b = torch.tensor(3.0, dtype=torch.float64, requires_grad=True)
    D.Beta(a, b).rsample((4000,)).mean().backward()
    assert abs(a.grad.item() - 3 / 25) < 0.005
    assert abs(b.grad.item() + 2 / 25) < 0.005


# ---- gradients -----------------------------------------------------------------------------------

SMOOTH = [name for name in DISTRIBUTIONS if not name.startswith(
    ("LKJ", "Wishart", "MultivariateNormal", "LowRank", "Binomial(logits)",     # matrices, counts
     "NegativeBinomial", "GeneralizedPareto"))]                                 # a case apart at 0


@pytest.mark.parametrize("name", SMOOTH)
def test_log_prob_against_finite_differences(name):
    numbers = []

    def t(values):
        numbers.append(torch.tensor(values, dtype=torch.float64))
        return numbers[-1]
    torch.manual_seed(1)
    x = DISTRIBUTIONS[name](torch, D, t).sample((2,))

    def log_prob(*leaves):
        rest = iter(leaves)
        d = DISTRIBUTIONS[name](torch, D, lambda values: next(rest))
        d._validate_args = False
        return d.log_prob(x)
    assert gradcheck(log_prob, tuple(n.requires_grad_() for n in numbers), atol=1e-4)


FAMILY = ["Bernoulli", "ContinuousBernoulli", "Exponential", "Gamma", "Normal", "Wishart"]


@pytest.mark.parametrize("name", FAMILY)
def test_entropy_of_exponential_families(name):
    """Their entropy from the log normalizer's gradient is the one they state."""
    d = make(torch, name, "float64")
    assert torch.allclose(D.ExponentialFamily.entropy(d), d.entropy(), atol=1e-5)


# ---- behaviour -----------------------------------------------------------------------------------


def test_expand_is_a_view():
    d = D.Normal(torch.zeros(2), torch.ones(2))
    larger = d.expand((3, 2))
    assert larger.loc.stride() == (0, 1)
    assert larger.loc.data_ptr() == d.loc.data_ptr()
    assert d.expand((3, 2))._validate_args == d._validate_args
    assert not D.Normal(0.0, 1.0, validate_args=False).expand([4])._validate_args


def test_subclasses():
    class Plain(D.Normal):
        pass

    class Own(D.Normal):
        def __init__(self, loc):
            super().__init__(loc, 1.0)

    class Careful(D.Normal):
        def __init__(self, loc, label):
            self.label = label
            super().__init__(loc, 1.0)

        def expand(self, batch_shape, _instance=None):
            new = self._get_checked_instance(Careful, _instance)
            new.label = self.label
            return super().expand(batch_shape, _instance=new)
    assert type(Plain(0.0, 1.0).expand([3])) is Plain
    with pytest.raises(NotImplementedError, match="Subclass Own of Normal that defines a custom"):
        Own(0.0).expand([3])
    larger = Careful(0.0, "label").expand([3])
    assert (larger.label, tuple(larger.loc.shape)) == ("label", (3,))


def test_a_distribution_of_ones_own():
    class Half(D.Distribution):
        """Always ½."""
        arg_constraints = {}

        def rsample(self, sample_shape=()):
            return torch.full(self._extended_shape(sample_shape), 0.5)
    d = Half(torch.Size([2]))
    assert repr(d) == "Half()"
    assert d.sample((3,)).tolist() == [[0.5, 0.5]] * 3
    for question in (d.entropy, d.enumerate_support, lambda: d.mean, lambda: d.support,
                     lambda: d.log_prob(torch.zeros(2)), lambda: d.expand([3])):
        with pytest.raises(NotImplementedError, match="Half"):
            question()
    with pytest.warns(UserWarning, match="does not define `support`"):
        d._validate_sample(torch.zeros(2))


def test_without_constraints_a_distribution_warns():
    with pytest.warns(UserWarning, match="does not define `arg_constraints`"):
        D.Distribution()


def test_validation_can_be_switched_off():
    assert D.Normal(0, -1, validate_args=False).scale == -1
    D.Distribution.set_default_validate_args(False)
    try:
        assert D.Normal(0, -1).scale == -1
        with pytest.raises(ValueError):
            D.Normal(0, -1, validate_args=True)
    finally:
        D.Distribution.set_default_validate_args(True)
    with pytest.raises(ValueError):
        D.Normal(0, -1)


def test_lazy_properties_are_kept():
    d = D.Bernoulli(logits=torch.tensor([0.0, 1.0], requires_grad=True))
    assert "probs" not in vars(d)
    with torch.no_grad():
        probs = d.probs
    assert d.probs is probs
    assert probs.requires_grad                          # though it was first asked for in no_grad
    assert isinstance(D.Bernoulli.probs, property)


@pytest.mark.parametrize("name", ["Normal", "Beta", "Gumbel", "MultivariateNormal", "Wishart",
                                  "MixtureSameFamily", "Categorical(logits)"])
def test_distributions_can_be_pickled_and_copied(name):
    d = make(torch, name, "float64")
    for twin in (pickle.loads(pickle.dumps(d)), copy.deepcopy(d)):
        torch.manual_seed(0)
        x = d.sample()
        torch.manual_seed(0)
        assert torch.equal(twin.sample(), x)
        assert repr(twin) == repr(d)


def test_reinforce_and_reparameterisation_agree():
    """Two estimates of d E[X²]/dμ = 2μ: through the density, and through the draw."""
    torch.manual_seed(0)
    mu = torch.tensor(1.5, dtype=torch.float64, requires_grad=True)
    d = D.Normal(mu, 1.0)
    x = d.sample((20000,))
    score, = torch.autograd.grad((d.log_prob(x) * x ** 2).mean(), mu)
    path, = torch.autograd.grad((d.rsample((20000,)) ** 2).mean(), mu)
    assert abs(path.item() - 3) < 0.1
    assert abs(score.item() - 3) < 0.4


def test_mixture_chooses_for_each_of_the_batch():
    d = D.MixtureSameFamily(D.Categorical(torch.tensor([0.5, 0.5])),
                            D.Normal(torch.tensor([[0.0, 100.0]]).expand(50, 2), 1.0))
    torch.manual_seed(0)
    high = (d.sample() > 50).float().mean().item()
    assert 0.1 < high < 0.9


def test_import_learntorch_leaves_distributions_for_later():
    code = ("import sys, learntorch; assert 'learntorch.distributions' not in sys.modules; "
            "learntorch.distributions.Normal; assert 'scipy' not in sys.modules")
    subprocess.run([sys.executable, "-c", code], check=True)


def test_no_second_derivative_of_draws_through_gamma():
    for d in (lambda a: D.Gamma(a, 1.0), lambda a: D.Beta(a, 2.0), lambda a: D.Chi2(a)):
        a = torch.tensor(2.0, requires_grad=True)
        slope, = torch.autograd.grad(d(a).rsample(), a, create_graph=True)
        with pytest.raises(NotImplementedError, match="the derivative for '_.*_grad'"):
            slope.backward()
