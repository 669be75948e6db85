"""The chi-squared distribution."""

from learntorch.distributions import constraints
from learntorch.distributions.distribution import expanding
from learntorch.distributions.gamma import Gamma

__all__ = ["Chi2"]


class Chi2(Gamma):
    """The sum of ν squared standard normal numbers: Gamma(ν/2, ½).

    Parameter: `df` ν > 0, the degrees of freedom (not only whole numbers).
    """

    arg_constraints = {"df": constraints.positive}
    expand = expanding("concentration", "rate")

    def __init__(self, df, validate_args=None):
        super().__init__(0.5 * df, 0.5, validate_args=validate_args)

    @property
    def df(self):
        """ν."""
        return self.concentration * 2
