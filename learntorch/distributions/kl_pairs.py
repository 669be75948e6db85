"""The Kullback-Leibler divergence of two distributions of different families.

KL(p ‖ q) = −H(p) − E_p[ln q(X)]. In most densities q the logarithm is linear in a few functions
of x, such as x, x² or ln x: then the means of these under p are all that has to be known of it.
"""

import math

from learntorch.distributions.bernoulli import Bernoulli
from learntorch.distributions.beta import Beta
from learntorch.distributions.binomial import Binomial
from learntorch.distributions.continuous_bernoulli import ContinuousBernoulli
from learntorch.distributions.exponential import Exponential
from learntorch.distributions.gamma import Gamma
from learntorch.distributions.gumbel import Gumbel
from learntorch.distributions.kl import register_kl
from learntorch.distributions.laplace import Laplace
from learntorch.distributions.normal import Normal
from learntorch.distributions.pareto import Pareto
from learntorch.distributions.poisson import Poisson
from learntorch.distributions.uniform import Uniform
from learntorch.distributions.utils import euler_constant
from learntorch.ops.compare import where
from learntorch.ops.create import full_like
from learntorch.ops.special import xlogy


def _of_each(types, q):
    """Decorator: register a rule for every type of p."""
    def register(rule):
        for p in types:
            register_kl(p, q)(rule)
        return rule
    return register


# ---- where p can take values that q cannot ------------------------------------------------------

_ON_UNIT_INTERVAL = (Beta, ContinuousBernoulli)
_FROM_ZERO = (Exponential, Gamma)
_ON_THE_LINE = (Gumbel, Laplace, Normal)


def _infinite(p, q):
    """∞: p has draws that are impossible under q."""
    return full_like(p.mean, math.inf)


for _p_types, _q_types in (
        (_ON_UNIT_INTERVAL, (Pareto,)),
        (_FROM_ZERO, (Beta, ContinuousBernoulli, Pareto, Uniform)),
        (_ON_THE_LINE, (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform)),
        ((Pareto,), (Beta, ContinuousBernoulli, Uniform)),
        ((Poisson,), (Bernoulli, Binomial))):
    for _q_type in _q_types:
        _of_each(_p_types, _q_type)(_infinite)


def _unless(impossible, kl):
    """`kl`, and infinity where draws of p are impossible under q."""
    return where(impossible, math.inf, kl)


def _negative(p):
    """Where p reaches below 0: only a Uniform may."""
    return p.low < 0 if isinstance(p, Uniform) else p.mean != p.mean


# ---- means under p ------------------------------------------------------------------------------


def _mean_log(p):
    """E[ln X]."""
    if isinstance(p, Beta):
        a, b = p.concentration1, p.concentration0
        return a.digamma() - (a + b).digamma()
    if isinstance(p, Exponential):
        return -euler_constant - p.rate.log()
    if isinstance(p, Pareto):
        return p.scale.log() + p.alpha.reciprocal()
    return _mean_log_uniform(p.low, p.high)


def _mean_log_uniform(low, high):
    """E[ln X] of a number drawn evenly between two: (b ln b − a ln a)/(b − a) − 1."""
    return (xlogy(high, high) - xlogy(low, low)) / (high - low) - 1


def _mean_exp(p, t):
    """E[e^(−tX)], t > 0."""
    if isinstance(p, Exponential):
        return p.rate / (p.rate + t)
    if isinstance(p, Gamma):
        return (1 + t / p.rate).pow(-p.concentration)
    if isinstance(p, Normal):
        return (0.5 * (t * p.scale).pow(2) - t * p.loc).exp()
    return ((-t * p.low).exp() - (-t * p.high).exp()) / (t * (p.high - p.low))


# ---- by the family of q -------------------------------------------------------------------------


@_of_each((Beta, ContinuousBernoulli, Exponential, Gamma, Gumbel, Laplace, Pareto, Uniform), Normal)
def _to_normal(p, q):
    """−ln q(x) = ½ ln 2πσ² + (x − μ)²/2σ²; E(X − μ)² = Var X + (E X − μ)²."""
    variance = q.variance
    squares = p.variance + (p.mean - q.loc).pow(2)
    return -p.entropy() + 0.5 * (2 * math.pi * variance).log() + squares / (2 * variance)


@_of_each((Beta, ContinuousBernoulli, Gamma, Pareto, Uniform), Exponential)
def _to_exponential(p, q):
    """−ln q(x) = λx − ln λ."""
    return _unless(_negative(p), -p.entropy() + q.rate * p.mean - q.rate.log())


@_of_each((Beta, Exponential, Pareto, Uniform), Gamma)
def _to_gamma(p, q):
    """−ln q(x) = βx − (α − 1) ln x − α ln β + ln Γ(α)."""
    a, b = q.concentration, q.rate
    kl = -p.entropy() + b * p.mean - (a - 1) * _mean_log(p) - a * b.log() + a.lgamma()
    return _unless(_negative(p), kl)


@_of_each((Exponential, Gamma, Normal, Uniform), Gumbel)
def _to_gumbel(p, q):
    """−ln q(x) = ln β + z + e⁻ᶻ, z = (x − μ)/β."""
    t = q.scale.reciprocal()
    return (-p.entropy() + q.scale.log() + (p.mean - q.loc) * t
            + (q.loc * t).exp() * _mean_exp(p, t))


@register_kl(Normal, Laplace)
def _normal_laplace(p, q):
    """−ln q(x) = ln 2b + |x − μ|/b; E|X − μ| is the mean of a folded normal distribution."""
    d = p.loc - q.loc
    u = d / (p.scale * math.sqrt(2))
    folded = p.scale * math.sqrt(2 / math.pi) * (-u.pow(2)).exp() + d * u.erf()
    return -p.entropy() + (2 * q.scale).log() + folded / q.scale


@_of_each(_ON_UNIT_INTERVAL, Uniform)
def _to_uniform(p, q):
    """−ln q(x) = ln(b − a)."""
    return _unless((q.low > 0) | (q.high < 1), -p.entropy() + (q.high - q.low).log())


@_of_each((Beta, Uniform), ContinuousBernoulli)
def _to_continuous_bernoulli(p, q):
    """−ln q(x) = −x logit λ − ln(1 − λ) − ln C(λ)."""
    kl = -p.entropy() - p.mean * q.logits - (-q.probs).log1p() - q._log_norm()
    return _unless(_beyond_unit_interval(p), kl)


def _beyond_unit_interval(p):
    if isinstance(p, Uniform):
        return (p.low < 0) | (p.high > 1)
    return p.mean != p.mean


@register_kl(Uniform, Beta)
def _uniform_beta(p, q):
    """−ln q(x) = −(α − 1) ln x − (β − 1) ln(1 − x) + ln B(α, β)."""
    a, b = q.concentration1, q.concentration0
    kl = (-p.entropy() - (a - 1) * _mean_log_uniform(p.low, p.high)
          - (b - 1) * _mean_log_uniform(1 - p.high, 1 - p.low)
          + a.lgamma() + b.lgamma() - (a + b).lgamma())
    return _unless(_beyond_unit_interval(p), kl)


@register_kl(Uniform, Pareto)
def _uniform_pareto(p, q):
    """−ln q(x) = (α + 1) ln x − ln α − α ln m."""
    kl = (-p.entropy() + (q.alpha + 1) * _mean_log_uniform(p.low, p.high) - q.alpha.log()
          - q.alpha * q.scale.log())
    return _unless(p.low < q.scale, kl)


@register_kl(Bernoulli, Poisson)
def _bernoulli_poisson(p, q):
    """−ln q(x) = λ − x ln λ, as x! = 1."""
    return -p.entropy() + q.rate - p.probs * q.rate.log()
