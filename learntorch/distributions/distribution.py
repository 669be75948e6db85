"""What every distribution has: shapes, checked arguments, and the questions one can ask it.

A sample has the shape `sample_shape + batch_shape + event_shape`: so many independent draws, of so
many distributions with parameters of their own, each draw an event of that shape. `log_prob` gives
one number for each event.
"""

import warnings

from learntorch.core.ambient import no_grad
from learntorch.core.shapes import Size
from learntorch.core.tensor import Tensor
from learntorch.distributions import constraints
from learntorch.distributions.utils import lazy_property

__all__ = ["Distribution"]


COMMON = """

    Shapes: the parameters broadcast to the batch shape; `sample(s)` has the shape s + batch shape +
    event shape, `log_prob` takes values of that shape and gives one number for each event.
    Raises ValueError for parameters outside `arg_constraints` and values outside `support`, unless
    `validate_args` is False.
    """


class Distribution:
    """Base class of all distributions.

    `batch_shape`: the shape of the parameters, one distribution for each; `event_shape`: the shape
    of a single draw; `validate_args`: whether parameters and the values given to `log_prob` are
    checked against `arg_constraints` and `support` (None: as `set_default_validate_args` says).

    Raises ValueError for parameters outside their constraint.
    """

    def __init_subclass__(cls, **facts):
        """What all have in common is said by each: `help(Normal)` shows it."""
        super().__init_subclass__(**facts)
        if cls.__doc__ is not None:
            cls.__doc__ = cls.__doc__.rstrip() + COMMON

    has_rsample = False
    has_enumerate_support = False
    _validate_args = __debug__

    @staticmethod
    def set_default_validate_args(value):
        """Switch the checks of all distributions that do not say otherwise on or off."""
        if value not in (True, False):
            raise ValueError(f"the default of validate_args is True or False, not {value!r}")
        Distribution._validate_args = value

    def __init__(self, batch_shape=(), event_shape=(), validate_args=None):
        self._batch_shape = Size(batch_shape)
        self._event_shape = Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            self._validate_parameters()
        super().__init__()

    # ---- shapes and parameters ------------------------------------------------------------------

    def expand(self, batch_shape, _instance=None):
        """The same distribution for a larger batch: parameters are expanded, not copied.

        `_instance`: an object of a subclass to fill, given by the subclass's own `expand`.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define expand()")

    @property
    def batch_shape(self):
        """The shape of the parameters."""
        return self._batch_shape

    @property
    def event_shape(self):
        """The shape of one draw."""
        return self._event_shape

    @property
    def arg_constraints(self):
        """{parameter: the constraint it has to satisfy}."""
        raise NotImplementedError(f"{type(self).__name__} does not define arg_constraints")

    @property
    def support(self):
        """The constraint that all draws satisfy."""
        raise NotImplementedError(f"{type(self).__name__} does not define support")

    # ---- summaries ------------------------------------------------------------------------------

    @property
    def mean(self):
        """E[X]."""
        raise self._no("mean")

    @property
    def mode(self):
        """The value of largest density."""
        kind = str(type(self)).replace("learntorch.", "torch.")
        raise NotImplementedError(f"{kind} does not implement mode")

    @property
    def variance(self):
        """E[(X − E[X])²]."""
        raise self._no("variance")

    @property
    def stddev(self):
        """√variance."""
        return self.variance.sqrt()

    # ---- draws ----------------------------------------------------------------------------------

    def sample(self, sample_shape=()):
        """Draws of shape `sample_shape + batch_shape + event_shape`, without gradients."""
        with no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape=()):
        """Draws as a differentiable function of the parameters (the reparameterisation trick)."""
        raise self._no("rsample", ": its draws are not a smooth function of its parameters. Use "
                       "sample() and weigh log_prob() instead")

    def sample_n(self, n):
        """n draws; the older spelling of `sample((n,))`."""
        warnings.warn("`sample_n(n)` will be deprecated. Use `sample((n,))` instead.",
                      FutureWarning, stacklevel=2)
        return self.sample(Size((n,)))

    # ---- densities ------------------------------------------------------------------------------

    def log_prob(self, value):
        """The logarithm of the density (or probability) at each event of `value`."""
        raise self._no("log_prob")

    def cdf(self, value):
        """P(X ≤ value)."""
        raise self._no("cdf")

    def icdf(self, value):
        """The inverse of `cdf`: where it reaches `value`."""
        raise self._no("icdf")

    def enumerate_support(self, expand=True):
        """All values of a discrete distribution, along a new first dimension.

        The batch dimensions have the batch's shape, or size 1 unless `expand`.
        """
        raise self._no("enumerate_support")

    def entropy(self):
        """−E[ln p(X)], in nats; one number for each distribution of the batch."""
        raise self._no("entropy")

    def perplexity(self):
        """exp(entropy): the number of equally likely outcomes that is as uncertain."""
        return self.entropy().exp()

    def __repr__(self):
        shown = []
        for name in self.arg_constraints:
            if name in vars(self):
                value = vars(self)[name]
                text = value if value.numel() == 1 else value.size()
                shown.append(f"{name}: {text}")
        return f"{type(self).__name__}({', '.join(shown)})"

    # ---- helpers for subclasses -----------------------------------------------------------------

    def _no(self, what, reason=""):
        return NotImplementedError(f"{type(self).__name__} does not implement {what}{reason}")

    def _extended_shape(self, sample_shape=()):
        """sample_shape + batch_shape + event_shape."""
        return Size(sample_shape) + self._batch_shape + self._event_shape

    def _validate_parameters(self):
        try:
            arg_constraints = self.arg_constraints
        except NotImplementedError:
            warnings.warn(f"{self.__class__} does not define `arg_constraints`. Please set "
                          "`arg_constraints = {}` or initialize the distribution with "
                          "`validate_args=False` to turn off validation.", stacklevel=4)
            return
        for name, constraint in arg_constraints.items():
            if constraints.is_dependent(constraint):
                continue
            if name not in vars(self) and isinstance(getattr(type(self), name), lazy_property):
                continue                        # computed from another parameter, which is checked
            value = getattr(self, name)
            if not constraint.check(value).all():
                raise ValueError(
                    f"Expected parameter {name} (Tensor of shape {tuple(value.shape)}) of "
                    f"distribution {self!r} to satisfy the constraint {constraint!r}, but found "
                    f"invalid values:\n{value}")

    def _validate_sample(self, value):
        """Raise ValueError for a value whose shape does not fit, or outside the support."""
        if not isinstance(value, Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor. Write "
                             f"torch.tensor({value!r})")
        start = value.dim() - len(self._event_shape)
        if value.shape[start:] != self._event_shape:
            raise ValueError("The right-most size of value must match event_shape: "
                             f"{value.size()} vs {self._event_shape}.")
        expected = self._batch_shape + self._event_shape
        for i, j in zip(reversed(value.size()), reversed(expected), strict=False):
            if i != 1 and j != 1 and i != j:
                raise ValueError("Value is not broadcastable with batch_shape+event_shape: "
                                 f"{value.size()} vs {expected}.")
        try:
            support = self.support
        except NotImplementedError:
            warnings.warn(f"{self.__class__} does not define `support` to enable sample "
                          "validation. Please initialize the distribution with "
                          "`validate_args=False` to turn off validation.", stacklevel=3)
            return
        if not support.check(value).all():
            raise ValueError(
                f"Expected value argument (Tensor of shape {tuple(value.shape)}) to be within the "
                f"support ({support!r}) of the distribution {self!r}, but found invalid values:\n"
                f"{value}")

    def _get_checked_instance(self, cls, _instance=None):
        """The object that `expand` of class `cls` fills.

        Raises NotImplementedError for a subclass with an `__init__` of its own, which `expand`
        would not run.
        """
        if _instance is not None:
            return _instance
        if type(self).__init__ is not cls.__init__:
            raise NotImplementedError(
                f"Subclass {type(self).__name__} of {cls.__name__} that defines a custom __init__ "
                "method must also define a custom .expand() method.")
        return self.__new__(type(self))


def expanding(*names, shared=()):
    """The method `expand` of a class whose instances keep the attributes `names`.

    Tensors and distributions among them begin with the batch dimensions: these are expanded, other
    values and those of the names `shared` are taken over. What an instance does not have (of
    `probs` and `logits` the one not given) is left out.
    """
    def expand(self, batch_shape, _instance=None):
        owner = next(cls for cls in type(self).__mro__ if vars(cls).get("expand") is expand)
        new = self._get_checked_instance(owner, _instance)
        batch_shape = Size(batch_shape)
        for name in names:
            if name in vars(self):
                value = vars(self)[name]
                setattr(new, name, _expanded(value, batch_shape, len(self.batch_shape)))
        for name in shared:
            setattr(new, name, vars(self)[name])
        Distribution.__init__(new, batch_shape, self.event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new
    expand.__doc__ = Distribution.expand.__doc__
    return expand


def _expanded(value, batch_shape, old):
    """`value` with its first `old` dimensions expanded to `batch_shape`."""
    if isinstance(value, Tensor):
        return value.expand(batch_shape + value.shape[old:])
    if isinstance(value, Distribution):
        return value.expand(batch_shape + value.batch_shape[old:])
    return value
