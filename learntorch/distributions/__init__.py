"""torch.distributions: draws, densities, and gradients through both.

`rsample()` is a differentiable function of the parameters where a distribution allows it (the
reparameterisation trick); where it does not, `log_prob()` of a draw, weighed by a reward, has the
gradient that is wanted (REINFORCE).

    loc = torch.tensor(0.0, requires_grad=True)
    Normal(loc, 1.0).rsample().backward()
"""

from learntorch.distributions import (
    constraint_registry,
    constraints,
    distribution,
    exp_family,
    kl,
    kl_pairs,
    relaxed_bernoulli,
    relaxed_categorical,
    transforms,
    utils,
)
from learntorch.distributions.bernoulli import Bernoulli
from learntorch.distributions.beta import Beta
from learntorch.distributions.binomial import Binomial
from learntorch.distributions.categorical import Categorical
from learntorch.distributions.cauchy import Cauchy
from learntorch.distributions.chi2 import Chi2
from learntorch.distributions.constraint_registry import biject_to, transform_to
from learntorch.distributions.continuous_bernoulli import ContinuousBernoulli
from learntorch.distributions.dirichlet import Dirichlet
from learntorch.distributions.distribution import Distribution
from learntorch.distributions.exp_family import ExponentialFamily
from learntorch.distributions.exponential import Exponential
from learntorch.distributions.fishersnedecor import FisherSnedecor
from learntorch.distributions.gamma import Gamma
from learntorch.distributions.generalized_pareto import GeneralizedPareto
from learntorch.distributions.geometric import Geometric
from learntorch.distributions.gumbel import Gumbel
from learntorch.distributions.half_cauchy import HalfCauchy
from learntorch.distributions.half_normal import HalfNormal
from learntorch.distributions.independent import Independent
from learntorch.distributions.inverse_gamma import InverseGamma
from learntorch.distributions.kl import kl_divergence, register_kl
from learntorch.distributions.kumaraswamy import Kumaraswamy
from learntorch.distributions.laplace import Laplace
from learntorch.distributions.lkj_cholesky import LKJCholesky
from learntorch.distributions.log_normal import LogNormal
from learntorch.distributions.logistic_normal import LogisticNormal
from learntorch.distributions.lowrank_multivariate_normal import LowRankMultivariateNormal
from learntorch.distributions.mixture_same_family import MixtureSameFamily
from learntorch.distributions.multinomial import Multinomial
from learntorch.distributions.multivariate_normal import MultivariateNormal
from learntorch.distributions.negative_binomial import NegativeBinomial
from learntorch.distributions.normal import Normal
from learntorch.distributions.one_hot_categorical import (
    OneHotCategorical,
    OneHotCategoricalStraightThrough,
)
from learntorch.distributions.pareto import Pareto
from learntorch.distributions.poisson import Poisson
from learntorch.distributions.relaxed_bernoulli import RelaxedBernoulli
from learntorch.distributions.relaxed_categorical import RelaxedOneHotCategorical
from learntorch.distributions.studentT import StudentT
from learntorch.distributions.transformed_distribution import TransformedDistribution
from learntorch.distributions.transforms import (
    AbsTransform,
    AffineTransform,
    CatTransform,
    ComposeTransform,
    CorrCholeskyTransform,
    CumulativeDistributionTransform,
    ExpTransform,
    IndependentTransform,
    LowerCholeskyTransform,
    PositiveDefiniteTransform,
    PowerTransform,
    ReshapeTransform,
    SigmoidTransform,
    SoftmaxTransform,
    SoftplusTransform,
    StackTransform,
    StickBreakingTransform,
    TanhTransform,
    Transform,
    identity_transform,
)
from learntorch.distributions.uniform import Uniform
from learntorch.distributions.von_mises import VonMises
from learntorch.distributions.weibull import Weibull
from learntorch.distributions.wishart import Wishart

__all__ = [name for name in sorted(globals()) if name[0] != "_" and callable(globals()[name])]
