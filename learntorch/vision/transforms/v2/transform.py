"""The base of the newer transforms: samples may be any nest of images, labels and other things."""

from enum import Enum

from learntorch.core.pytree import tree_flatten, tree_unflatten
from learntorch.core.tensor import Tensor
from learntorch.nn.modules.module import Module
from learntorch.random import get_rng_state, set_rng_state
from learntorch.vision.pictures import is_picture


def whole(inputs):
    """What was given: the sample itself, or the tuple of several."""
    return inputs if len(inputs) > 1 else inputs[0]


class Transform(Module):
    """Changes the images of a sample and leaves everything else as it is.

    Images are all PIL Images in it; where there is none, the first tensor. All images of one sample
    meet the same chance: before each the stream of random numbers is set back to where it was for
    the first. A subclass has `transform(image)`.
    """

    _transformed_types = (Tensor,)

    def _wanted(self, flat):
        """Whether each part of a sample is to be changed."""
        pictures = [is_picture(x) for x in flat]
        if any(pictures):
            return pictures if self._takes_pictures() else [False] * len(flat)
        first = next((i for i, x in enumerate(flat) if isinstance(x, self._transformed_types)), -1)
        return [i == first for i in range(len(flat))]

    def _takes_pictures(self):
        return True

    def check_inputs(self, flat):
        """Raise for a sample that the transform cannot handle."""

    def transform(self, image):
        """What happens to one image."""
        raise NotImplementedError

    def forward(self, *inputs):
        flat, structure = tree_flatten(whole(inputs))
        self.check_inputs(flat)
        before, out = None, []
        for part, wanted in zip(flat, self._wanted(flat)):
            if wanted and before is not None:
                set_rng_state(before)
            elif wanted:
                before = get_rng_state()
            out.append(self.transform(part) if wanted else part)
        return tree_unflatten(out, structure)

    def __repr__(self):
        return Module.__repr__(self)

    def extra_repr(self):
        shown = {name: value for name, value in self.__dict__.items()
                 if name[0] != "_" and name != "training"
                 and isinstance(value, (bool, int, float, str, tuple, list, Enum))}
        return ", ".join(f"{name}={value}" for name, value in shown.items())
