"""The base of the newer transforms: samples may be any nest of images, labels and other things."""

from enum import Enum

from learntorch.core.pytree import tree_flatten, tree_unflatten
from learntorch.core.tensor import Tensor
from learntorch.nn.modules.module import Module
from learntorch.random import get_rng_state, set_rng_state
from learntorch.vision.pictures import is_picture
from learntorch.vision.tv_tensors import Image, TVTensor, Video, wrap


def whole(inputs):
    """What was given: the sample itself, or the tuple of several."""
    return inputs if len(inputs) > 1 else inputs[0]


def is_image(x):
    """Whether it is certainly an image: a PIL Image, or a tensor that says so."""
    return is_picture(x) or isinstance(x, Image | Video)


def is_plain(x):
    """Whether it is a tensor that does not say what it is."""
    return isinstance(x, Tensor) and not isinstance(x, TVTensor)


class Transform(Module):
    """Changes the images of a sample and leaves everything else as it is.

    Images are all PIL Images and `tv_tensors.Image`s in it; where there is none, the first plain
    tensor. Masks and boxes go where their image goes. All of one sample meet the same chance:
    before each the stream of random numbers is set back to where it was for the first. A subclass
    has `transform(image)`.
    """

    _transformed_types = (Tensor,)
    _moves = False      # whether it changes where things are, so that masks and boxes follow

    def _wanted(self, flat):
        """Whether each part of a sample is to be changed."""
        said = any(is_image(x) for x in flat)
        wanted = [self._takes(x) and not (said and is_plain(x)) for x in flat]
        plain = [i for i, x in enumerate(flat) if wanted[i] and is_plain(x)]
        return [w and i not in plain[1:] for i, w in enumerate(wanted)]

    def _takes(self, x):
        """Whether it can change such a thing."""
        if is_picture(x):
            return self._takes_pictures()
        return isinstance(x, self._transformed_types) and (
            self._moves or is_plain(x) or is_image(x))

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
            out.append(as_it_was(part, self.transform(part)) if wanted else part)
        return tree_unflatten(out, structure)

    def __repr__(self):
        return Module.__repr__(self)

    def extra_repr(self):
        shown = {name: value for name, value in self.__dict__.items()
                 if name[0] != "_" and name != "training"
                 and isinstance(value, (bool, int, float, str, tuple, list, Enum))}
        return ", ".join(f"{name}={value}" for name, value in shown.items())


def as_it_was(part, result):
    """What became of a part of a sample, of the class that the part had."""
    if isinstance(part, TVTensor) and is_plain(result):
        return wrap(result, like=part)
    if isinstance(result, tuple | list):
        return type(result)(as_it_was(part, r) for r in result)
    return result
