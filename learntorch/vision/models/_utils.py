"""Small helps for building models."""

from collections import OrderedDict

from learntorch.nn import ModuleDict


def _make_divisible(v, divisor, min_value=None):
    """v rounded to the nearest multiple of `divisor`, at least `min_value`, never below 0.9 v.

    Numbers of channels that are multiples of 8 suit the machines that networks run on.
    """
    low = divisor if min_value is None else min_value
    rounded = max(low, int(v + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * v else rounded


class IntermediateLayerGetter(ModuleDict):
    """A model cut after the last of some children; gives what those computed, under new names.

    `return_layers`: {name of a child: name of its result}. Children run in the order in which the
    model holds them. Raises ValueError for a name that is not there.
    """

    def __init__(self, model, return_layers):
        children = OrderedDict(model.named_children())
        if not set(return_layers) <= set(children):
            raise ValueError("return_layers are not present in model")
        last = max(list(children).index(name) for name in return_layers)
        super().__init__(list(children.items())[:last + 1])
        self.return_layers = dict(return_layers)

    def forward(self, x):
        out = OrderedDict()
        for name, module in self.items():
            x = module(x)
            if name in self.return_layers:
                out[self.return_layers[name]] = x
        return out
