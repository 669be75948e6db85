"""The Kullback-Leibler divergence: how many nats it costs to take q for p.

KL(p ‖ q) = E_p[ln p(X) − ln q(X)] ≥ 0, and 0 only where p = q. Here are the search for the rule of
two types and the rules for two distributions of one family; `kl_pairs` has those of two families.
"""

import math
import warnings

from learntorch.distributions.bernoulli import Bernoulli
from learntorch.distributions.beta import Beta
from learntorch.distributions.binomial import Binomial
from learntorch.distributions.categorical import Categorical
from learntorch.distributions.cauchy import Cauchy
from learntorch.distributions.continuous_bernoulli import ContinuousBernoulli
from learntorch.distributions.dirichlet import Dirichlet
from learntorch.distributions.distribution import Distribution
from learntorch.distributions.exp_family import ExponentialFamily
from learntorch.distributions.exponential import Exponential
from learntorch.distributions.gamma import Gamma
from learntorch.distributions.geometric import Geometric
from learntorch.distributions.gumbel import Gumbel
from learntorch.distributions.half_normal import HalfNormal
from learntorch.distributions.independent import Independent
from learntorch.distributions.laplace import Laplace
from learntorch.distributions.lowrank_multivariate_normal import LowRankMultivariateNormal
from learntorch.distributions.multivariate_normal import MultivariateNormal
from learntorch.distributions.normal import Normal
from learntorch.distributions.one_hot_categorical import OneHotCategorical
from learntorch.distributions.pareto import Pareto
from learntorch.distributions.poisson import Poisson
from learntorch.distributions.transformed_distribution import TransformedDistribution
from learntorch.distributions.uniform import Uniform
from learntorch.distributions.utils import _sum_rightmost, euler_constant
from learntorch.ops.activation import softplus
from learntorch.ops.compare import where

__all__ = ["kl_divergence", "register_kl"]

_KL_REGISTRY = {}                       # (type of p, type of q): rule
_KL_MEMOIZE = {}                        # what was found for types, their base classes searched


def register_kl(type_p, type_q):
    """Decorator: the function is the rule for `kl_divergence(p, q)` of these types.

    A rule holds for subclasses too, the most specific one wins. Where one pair is closer in p and
    another in q, the one closer in p is taken with a RuntimeWarning; registering the pair itself
    settles it. Raises TypeError for types that are no Distribution.
    """
    for name, kind in (("type_p", type_p), ("type_q", type_q)):
        if not isinstance(kind, type):
            raise TypeError(f"issubclass() arg 1 must be a class, {name} is {kind!r}")
        if not issubclass(kind, Distribution):
            raise TypeError(f"Expected {name} to be a Distribution subclass but got {kind}")

    def register(rule):
        _KL_REGISTRY[type_p, type_q] = rule
        _KL_MEMOIZE.clear()
        return rule
    return register


def _rule(type_p, type_q):
    """The most specific rule for two types, or None."""
    near_p = {kind: i for i, kind in enumerate(type_p.__mro__)}
    near_q = {kind: i for i, kind in enumerate(type_q.__mro__)}
    found = [pair for pair in _KL_REGISTRY if pair[0] in near_p and pair[1] in near_q]
    if not found:
        return None
    by_p = min(found, key=lambda pair: (near_p[pair[0]], near_q[pair[1]]))
    by_q = min(found, key=lambda pair: (near_q[pair[1]], near_p[pair[0]]))
    if _KL_REGISTRY[by_p] is not _KL_REGISTRY[by_q]:
        warnings.warn(f"Ambiguous kl_divergence({type_p.__name__}, {type_q.__name__}). Please "
                      f"register_kl({by_p[0].__name__}, {by_q[1].__name__})",
                      RuntimeWarning, stacklevel=4)
    return _KL_REGISTRY[by_p]


def kl_divergence(p, q):
    """KL(p ‖ q) = ∫ p(x) ln(p(x)/q(x)) dx, one number for each distribution of the batch.

    Raises NotImplementedError for types that no rule is known for: estimate it then as the mean of
    p.log_prob(x) − q.log_prob(x) over draws x of p.
    """
    types = type(p), type(q)
    if types not in _KL_MEMOIZE:
        _KL_MEMOIZE[types] = _rule(*types)
    rule = _KL_MEMOIZE[types]
    if rule is None:
        raise NotImplementedError(f"No KL(p || q) is implemented for p type {types[0].__name__} "
                                  f"and q type {types[1].__name__}: estimate it as the mean of "
                                  "p.log_prob(x) - q.log_prob(x) over draws x of p.")
    return rule(p, q)


# ---- families in general ------------------------------------------------------------------------


@register_kl(ExponentialFamily, ExponentialFamily)
def _families(p, q):
    """F(θ_q) − F(θ_p) − ⟨θ_q − θ_p, ∇F(θ_p)⟩, the Bregman divergence of the log normalizer."""
    from learntorch.core.engine import grad
    if type(p) is not type(q):
        raise NotImplementedError(              # with the gap that PyTorch's sentence has
            "The cross KL-divergence between different exponential families cannot"
            + " " * 28 + " be computed using Bregman divergences")
    theta_p = [t.detach().requires_grad_() for t in p._natural_params]
    theta_q = q._natural_params
    normalizer = p._log_normalizer(*theta_p)
    slopes = grad(normalizer.sum(), theta_p, create_graph=True)
    result = q._log_normalizer(*theta_q) - normalizer
    for t_p, t_q, slope in zip(theta_p, theta_q, slopes, strict=True):
        inner = (t_q - t_p) * slope
        batch_dims = max(len(p.batch_shape), len(q.batch_shape))
        result = result - _sum_rightmost(inner, max(inner.dim() - batch_dims, 0))
    return result


@register_kl(TransformedDistribution, TransformedDistribution)
def _transformed(p, q):
    """The same bijection on both sides changes nothing."""
    if p.transforms != q.transforms:
        raise NotImplementedError("KL(p || q) of transformed distributions needs the same "
                                  "transforms in p and q")
    if p.event_shape != q.event_shape:
        raise NotImplementedError("KL(p || q) of transformed distributions needs the same "
                                  "event_shape in p and q")
    more = len(p.event_shape) - len(p.base_dist.event_shape)
    return _sum_rightmost(kl_divergence(p.base_dist, q.base_dist), more)


@register_kl(Independent, Independent)
def _independent(p, q):
    """The sum over the independent parts."""
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError("KL(p || q) of Independent distributions needs the same "
                                  "reinterpreted_batch_ndims in p and q")
    return _sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


# ---- discrete -----------------------------------------------------------------------------------


def _share(p, log_ratio, q):
    """p · ln(p/q): 0 where p = 0, infinite where only q = 0."""
    return where(p == 0, 0.0, where(q == 0, math.inf, p * log_ratio))


@register_kl(Bernoulli, Bernoulli)
def _bernoulli(p, q):
    """p₁ ln(p₁/q₁) + p₀ ln(p₀/q₀), ln p₁ = −softplus(−logit), ln p₀ = −softplus(logit)."""
    return (_share(p.probs, softplus(-q.logits) - softplus(-p.logits), q.probs)
            + _share(1 - p.probs, softplus(q.logits) - softplus(p.logits), 1 - q.probs))


@register_kl(Binomial, Binomial)
def _binomial(p, q):
    """n (p ln(p/q) + (1 − p) ln((1 − p)/(1 − q))) for equal n; infinite where p's n is larger."""
    if (p.total_count < q.total_count).any():
        raise NotImplementedError("KL between Binomials where q.total_count > p.total_count is "
                                  "not implemented")
    kl = p.total_count * (p.probs * (p.logits - q.logits)
                          + (-p.probs).log1p() - (-q.probs).log1p())
    return where(p.total_count > q.total_count, math.inf, kl)


@register_kl(Categorical, Categorical)
def _categorical(p, q):
    """Σ pᵢ ln(pᵢ/qᵢ)."""
    return _share(p.probs, p.logits - q.logits, q.probs).sum(-1)


@register_kl(OneHotCategorical, OneHotCategorical)
def _one_hot(p, q):
    return kl_divergence(p._categorical, q._categorical)


@register_kl(Geometric, Geometric)
def _geometric(p, q):
    """−H(p) − E[X] ln(1 − q) − ln q."""
    return -p.entropy() - (-q.probs).log1p() / p.probs - q.logits


@register_kl(Poisson, Poisson)
def _poisson(p, q):
    """λ ln(λ/μ) − λ + μ."""
    return p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate)


# ---- continuous ---------------------------------------------------------------------------------


@register_kl(Beta, Beta)
def _beta(p, q):
    """ln B(q) − ln B(p) + Σ (αᵢ − βᵢ)(ψ(αᵢ) − ψ(α₁ + α₀))."""
    return _dirichlet(p._dirichlet, q._dirichlet)


@register_kl(Dirichlet, Dirichlet)
def _dirichlet(p, q):
    """ln B(β) − ln B(α) + Σ (αᵢ − βᵢ)(ψ(αᵢ) − ψ(Σ α))."""
    a, b = p.concentration, q.concentration
    total = a.sum(-1)
    log_norms = (total.lgamma() - b.sum(-1).lgamma()) + (b.lgamma() - a.lgamma()).sum(-1)
    return log_norms + ((a - b) * (a.digamma() - total.digamma().unsqueeze(-1))).sum(-1)


@register_kl(Cauchy, Cauchy)
def _cauchy(p, q):
    """ln(((s₁ + s₂)² + (m₁ − m₂)²) / 4 s₁ s₂). Source: Chyzak, Nielsen, 2019."""
    apart = (p.scale + q.scale).pow(2) + (p.loc - q.loc).pow(2)
    return apart.log() - (4 * p.scale * q.scale).log()


@register_kl(ContinuousBernoulli, ContinuousBernoulli)
def _continuous_bernoulli(p, q):
    """E[X] (logit p − logit q) + ln C(p)(1 − p) − ln C(q)(1 − q)."""
    return (p.mean * (p.logits - q.logits) + p._log_norm() + (-p.probs).log1p()
            - q._log_norm() - (-q.probs).log1p())


@register_kl(Exponential, Exponential)
def _exponential(p, q):
    """μ/λ − ln(μ/λ) − 1."""
    ratio = q.rate / p.rate
    return ratio - ratio.log() - 1


@register_kl(Gamma, Gamma)
def _gamma(p, q):
    """q ln(β_p/β_q) + ln Γ(q)/Γ(p) + (p − q) ψ(p) + (β_q − β_p) p/β_p."""
    a, b = p.concentration, q.concentration
    return (b * (p.rate / q.rate).log() + b.lgamma() - a.lgamma() + (a - b) * a.digamma()
            + (q.rate - p.rate) * (a / p.rate))


@register_kl(Gumbel, Gumbel)
def _gumbel(p, q):
    """ln(β_q/β_p) + γ(r − 1) + d + e^(−d) Γ(1 + r) − 1, r = β_p/β_q, d = (μ_p − μ_q)/β_q."""
    r = p.scale / q.scale
    d = p.loc / q.scale - q.loc / q.scale
    return (-r.log() + d + r * euler_constant + ((1 + r).lgamma() - d).exp()
            - (1 + euler_constant))


@register_kl(HalfNormal, HalfNormal)
def _half_normal(p, q):
    """That of the normal distributions: each side has half of it."""
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(Laplace, Laplace)
def _laplace(p, q):
    """ln(b_q/b_p) + (d + b_p e^(−d/b_p))/b_q − 1, d = |μ_p − μ_q|."""
    ratio = p.scale / q.scale
    d = (p.loc - q.loc).abs()
    return -ratio.log() + d / q.scale + ratio * (-d / p.scale).exp() - 1


@register_kl(Normal, Normal)
def _normal(p, q):
    """½ (r + d² − 1 − ln r), r = σ_p²/σ_q², d = (μ_p − μ_q)/σ_q."""
    r = (p.scale / q.scale).pow(2)
    d = (p.loc - q.loc) / q.scale
    return 0.5 * (r + d.pow(2) - 1 - r.log())


@register_kl(Pareto, Pareto)
def _pareto(p, q):
    """α_q ln(m_p/m_q) − ln(α_q/α_p) + α_q/α_p − 1; infinite where p begins below q."""
    ratio = q.alpha / p.alpha
    kl = q.alpha * (p.scale / q.scale).log() - ratio.log() + ratio - 1
    return where(p.scale < q.scale, math.inf, kl)


@register_kl(Uniform, Uniform)
def _uniform(p, q):
    """ln of the ratio of lengths; infinite where p reaches beyond q."""
    kl = ((q.high - q.low) / (p.high - p.low)).log()
    return where((q.low > p.low) | (q.high < p.high), math.inf, kl)


@register_kl(MultivariateNormal, MultivariateNormal)
@register_kl(MultivariateNormal, LowRankMultivariateNormal)
@register_kl(LowRankMultivariateNormal, MultivariateNormal)
@register_kl(LowRankMultivariateNormal, LowRankMultivariateNormal)
def _multivariate_normal(p, q):
    """½ (tr Σ_q⁻¹Σ_p + dᵀ Σ_q⁻¹ d − n + ln det Σ_q/det Σ_p), d = μ_q − μ_p.

    With Σ_p = F Fᵀ + diag D the trace is Σ fᵀ Σ_q⁻¹ f over the columns f of F, and Σ Dᵢ (Σ_q⁻¹)ᵢᵢ.
    """
    if p.event_shape != q.event_shape:
        low_rank = {isinstance(d, LowRankMultivariateNormal) for d in (p, q)}
        kind = "(Low Rank) " if len(low_rank) == 2 else "Low Rank " if True in low_rank else ""
        raise ValueError(
            f"KL-divergence between two {kind}Multivariate Normals with" + " " * 26
            + f"different event shapes cannot be computed: {p.event_shape} and {q.event_shape}")
    factor, diagonal = p._factor_and_diagonal()
    columns = factor.mT.movedim(-2, 0)              # (m, batch, n): one vector after the other
    batch = max(len(p.batch_shape), len(q.batch_shape))
    columns = columns.reshape(columns.shape[:1] + (1,) * (batch + 2 - columns.dim())
                              + columns.shape[1:])
    trace = q._squared_distance(columns).sum(0)
    if diagonal is not None:
        trace = trace + (diagonal * q._precision_diagonal()).sum(-1)
    distance = q._squared_distance(q.loc - p.loc)
    return (q._half_log_det() - p._half_log_det()
            + 0.5 * (trace + distance - p.event_shape[0]))
