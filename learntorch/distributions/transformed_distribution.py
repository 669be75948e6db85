"""Distributions of f(X)."""

from learntorch.core.ambient import no_grad
from learntorch.core.shapes import Size
from learntorch.distributions import constraints
from learntorch.distributions.distribution import Distribution, _expanded
from learntorch.distributions.independent import Independent
from learntorch.distributions.transforms import ComposeTransform, Transform
from learntorch.distributions.utils import _sum_rightmost

__all__ = ["TransformedDistribution"]


class TransformedDistribution(Distribution):
    """Y = f(X): p(y) = p_X(x) / |det ∂y/∂x|, x = f⁻¹(y).

    `base_distribution`: that of X; `transforms`: f, or a list [f₁, …, fₙ], the first of which is
    applied first. Dimensions that the transforms treat as one event become the event's.
    Raises ValueError for transforms that are none, or a base of too few dimensions.

    >>> log_normal = TransformedDistribution(Normal(0.0, 1.0), [ExpTransform()])
    """

    arg_constraints = {}

    def __init__(self, base_distribution, transforms, validate_args=None):
        if isinstance(transforms, Transform):
            self.transforms = [transforms]
        elif not isinstance(transforms, list):
            raise ValueError(f"transforms must be a Transform or list, but was {transforms}")
        elif all(isinstance(t, Transform) for t in transforms):
            self.transforms = transforms
        else:
            raise ValueError("transforms must be a Transform or a list of Transforms")
        transform = ComposeTransform(self.transforms)
        base_shape = base_distribution.batch_shape + base_distribution.event_shape
        base_event_dim = len(base_distribution.event_shape)
        if len(base_shape) < transform.domain.event_dim:
            raise ValueError(
                "base_distribution needs to have shape with size at least "
                f"{transform.domain.event_dim}, but got {base_shape}.")

        # The base takes the shape that the transforms' own parameters demand, and gives them as
        # many dimensions as they need for an event.
        shape = transform.forward_shape(base_shape)
        needed = Size(transform.inverse_shape(shape))
        if base_shape != needed:
            base_distribution = base_distribution.expand(needed[:len(needed) - base_event_dim])
        missing = transform.domain.event_dim - base_event_dim
        if missing > 0:
            base_distribution = Independent(base_distribution, missing)
        self.base_dist = base_distribution

        grown = transform.codomain.event_dim - transform.domain.event_dim
        event_dim = max(transform.codomain.event_dim, base_event_dim + grown)
        cut = len(shape) - event_dim
        super().__init__(shape[:cut], shape[cut:], validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        new = self._get_checked_instance(TransformedDistribution, _instance)
        new.transforms = self.transforms
        return self._expand_base(new, batch_shape)

    def _expand_base(self, new, batch_shape):
        batch_shape = Size(batch_shape)
        shape = ComposeTransform(self.transforms).inverse_shape(batch_shape + self.event_shape)
        new.base_dist = self.base_dist.expand(
            shape[:len(shape) - len(self.base_dist.event_shape)])
        Distribution.__init__(new, batch_shape, self.event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    @constraints.dependent_property(is_discrete=False)
    def support(self):
        if not self.transforms:
            return self.base_dist.support
        support = self.transforms[-1].codomain
        missing = len(self.event_shape) - support.event_dim
        return constraints.independent(support, missing) if missing > 0 else support

    @property
    def has_rsample(self):
        return self.base_dist.has_rsample

    def sample(self, sample_shape=()):
        with no_grad():
            return self._through(self.base_dist.sample(sample_shape))

    def rsample(self, sample_shape=()):
        return self._through(self.base_dist.rsample(sample_shape))

    def _through(self, x):
        for transform in self.transforms:
            x = transform(x)
        return x

    def log_prob(self, value):
        """ln p_X(x) − Σ ln |det ∂fᵢ|, going back from y to x."""
        if self._validate_args:
            self._validate_sample(value)
        event_dim = len(self.event_shape)
        total = 0.0
        y = value
        for transform in reversed(self.transforms):
            x = transform.inv(y)
            event_dim += transform.domain.event_dim - transform.codomain.event_dim
            total = total - _sum_rightmost(transform.log_abs_det_jacobian(x, y),
                                           event_dim - transform.domain.event_dim)
            y = x
        return total + _sum_rightmost(self.base_dist.log_prob(y),
                                      event_dim - len(self.base_dist.event_shape))

    def _turned(self, share):
        """A share of the draws below a value: below it in X too, or above, if f decreases."""
        sign = 1
        for transform in self.transforms:
            sign = sign * transform.sign
        if isinstance(sign, int) and sign == 1:
            return share
        return sign * (share - 0.5) + 0.5

    def cdf(self, value):
        """F_X(f⁻¹(y)), or 1 − F_X(f⁻¹(y)) for a decreasing f. Needs monotone transforms."""
        for transform in self.transforms[::-1]:
            value = transform.inv(value)
        if self._validate_args:
            self.base_dist._validate_sample(value)
        return self._turned(self.base_dist.cdf(value))

    def icdf(self, value):
        """f(F_X⁻¹(u)), or f(F_X⁻¹(1 − u)) for a decreasing f. Needs monotone transforms."""
        return self._through(self.base_dist.icdf(self._turned(value)))


def rebuilding(*names):
    """The method `expand` of a distribution that is a transformed one with parameters `names`.

    Parameters kept by the instance are expanded and its transforms made anew of them
    (`_transforms`); without names the base alone has all parameters.
    """
    def expand(self, batch_shape, _instance=None):
        owner = next(cls for cls in type(self).__mro__ if vars(cls).get("expand") is expand)
        new = self._get_checked_instance(owner, _instance)
        for name in names:
            setattr(new, name, _expanded(vars(self)[name], Size(batch_shape),
                                         len(self.batch_shape)))
        new.transforms = new._transforms() if names else self.transforms
        return self._expand_base(new, batch_shape)
    expand.__doc__ = Distribution.expand.__doc__
    return expand
