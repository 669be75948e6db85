"""Mixtures of distributions of one kind."""

from learntorch.core.ambient import no_grad
from learntorch.core.shapes import Size
from learntorch.distributions import constraints
from learntorch.distributions.categorical import Categorical
from learntorch.distributions.distribution import Distribution

__all__ = ["MixtureSameFamily"]


class MixtureSameFamily(Distribution):
    """p(x) = Σₖ πₖ pₖ(x).

    `mixture_distribution`: a Categorical over k components, with batch shape () or that of the
    mixture; `component_distribution`: one distribution whose last batch dimension has size k.
    Raises ValueError when they are not that, or do not fit.

    >>> MixtureSameFamily(Categorical(torch.ones(5)), Normal(torch.randn(5), torch.rand(5)))
    """

    arg_constraints = {}
    has_rsample = False

    def __init__(self, mixture_distribution, component_distribution, validate_args=None):
        if not isinstance(mixture_distribution, Categorical):
            raise ValueError("The Mixture distribution needs to be an  instance of "
                             "torch.distributions.Categorical")
        if not isinstance(component_distribution, Distribution):
            raise ValueError("The Component distribution needs to be an instance of "
                             "torch.distributions.Distribution")
        self._mixture_distribution = mixture_distribution
        self._component_distribution = component_distribution
        batch_shape = component_distribution.batch_shape[:-1]
        given = mixture_distribution.batch_shape
        for n, m in zip(reversed(given), reversed(batch_shape), strict=False):
            if n != 1 and m != 1 and n != m:
                raise ValueError(f"`mixture_distribution.batch_shape` ({given}) is not compatible "
                                 f"with `component_distribution.batch_shape`({batch_shape})")
        count = mixture_distribution.logits.shape[-1]
        found = component_distribution.batch_shape[-1]
        if count != found:
            raise ValueError(f"`mixture_distribution component` ({count}) does not equal "
                             f"`component_distribution.batch_shape[-1]` ({found})")
        self._num_component = count
        event_shape = component_distribution.event_shape
        self._event_ndims = len(event_shape)
        super().__init__(batch_shape, event_shape, validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        new = self._get_checked_instance(MixtureSameFamily, _instance)
        batch_shape = Size(batch_shape)
        new._component_distribution = self._component_distribution.expand(
            batch_shape + (self._num_component,))
        new._mixture_distribution = self._mixture_distribution.expand(batch_shape)
        new._num_component = self._num_component
        new._event_ndims = self._event_ndims
        Distribution.__init__(new, batch_shape, self.event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    @constraints.dependent_property
    def support(self):
        return constraints.MixtureSameFamilyConstraint(self._component_distribution.support)

    @property
    def mixture_distribution(self):
        """The Categorical that chooses the component."""
        return self._mixture_distribution

    @property
    def component_distribution(self):
        """The components, along the last batch dimension."""
        return self._component_distribution

    def _weights(self):
        """πₖ in the shape of the components' draws."""
        return self._per_event(self.mixture_distribution.probs)

    def _per_event(self, x):
        """x (…, k) with dimensions of size 1 for those of an event."""
        return x.reshape(x.shape + (1,) * self._event_ndims)

    @property
    def mean(self):
        """Σ πₖ μₖ."""
        return (self._weights() * self.component_distribution.mean).sum(-1 - self._event_ndims)

    @property
    def variance(self):
        """Σ πₖ σₖ² + Σ πₖ (μₖ − μ)²: the variance within the components and between them."""
        dim = -1 - self._event_ndims
        weights = self._weights()
        within = (weights * self.component_distribution.variance).sum(dim)
        apart = self.component_distribution.mean - self.mean.unsqueeze(dim)
        return within + (weights * apart.pow(2)).sum(dim)

    def cdf(self, x):
        """Σ πₖ Fₖ(x)."""
        cdf = self.component_distribution.cdf(x.unsqueeze(-1 - self._event_ndims))
        return (cdf * self.mixture_distribution.probs).sum(-1)

    def log_prob(self, x):
        """ln Σ exp(ln πₖ + ln pₖ(x))."""
        if self._validate_args:
            self._validate_sample(x)
        each = self.component_distribution.log_prob(x.unsqueeze(-1 - self._event_ndims))
        return (each + self.mixture_distribution.logits.log_softmax(-1)).logsumexp(-1)

    def sample(self, sample_shape=()):
        """A draw of every component, of which the one that the mixture chooses is kept."""
        with no_grad():
            sample_shape = Size(sample_shape)
            chosen = self.mixture_distribution.expand(self.batch_shape).sample(sample_shape)
            draws = self.component_distribution.sample(sample_shape)
            dim = chosen.dim()
            chosen = self._per_event(chosen.unsqueeze(-1)).expand(
                chosen.shape + (1,) + self.event_shape)
            return draws.gather(dim, chosen).squeeze(dim)

    def __repr__(self):
        return (f"MixtureSameFamily(\n  {self.mixture_distribution},\n"
                f"  {self.component_distribution})")
