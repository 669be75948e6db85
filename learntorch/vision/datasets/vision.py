"""The base class of datasets of pictures, and the pair of transforms it applies."""

import os

from learntorch.utils.data.dataset import Dataset


def indented(thing, head):
    """The lines of repr(thing) after `head`, the following ones below the first."""
    lines = repr(thing).splitlines()
    return [head + lines[0], *(" " * len(head) + line for line in lines[1:])]


class VisionDataset(Dataset):
    """Base class of datasets of pictures: a subclass has `__getitem__` and `__len__`.

    `transform(image)` and `target_transform(target)` change the two parts of a sample one by one;
    `transforms(image, target)` changes both at once. Raises ValueError for both ways together.
    """

    _repr_indent = 4

    def __init__(self, root=None, transforms=None, transform=None, target_transform=None):
        apart = transform is not None or target_transform is not None
        if transforms is not None and apart:
            raise ValueError("Only transforms or transform/target_transform can be passed as "
                             "argument")
        self.root = os.path.expanduser(root) if isinstance(root, str) else root
        self.transform = transform
        self.target_transform = target_transform
        self.transforms = StandardTransform(transform, target_transform) if apart else transforms

    def _transformed(self, image, target):
        """The sample after `transform` and `target_transform`."""
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return image, target

    def __getitem__(self, index):
        raise NotImplementedError

    def __len__(self):
        raise NotImplementedError

    def extra_repr(self):
        """Further lines of the repr."""
        return ""

    def __repr__(self):
        body = [f"Number of datapoints: {len(self)}"]
        if self.root is not None:
            body.append(f"Root location: {self.root}")
        body += self.extra_repr().splitlines()
        if getattr(self, "transforms", None) is not None:
            body.append(repr(self.transforms))
        head = f"Dataset {type(self).__name__}"
        return "\n".join([head, *(" " * self._repr_indent + line for line in body)])


class StandardTransform:
    """(image, target) ↦ (transform(image), target_transform(target)), where they are given."""

    def __init__(self, transform=None, target_transform=None):
        self.transform = transform
        self.target_transform = target_transform

    def __call__(self, input, target):
        if self.transform is not None:
            input = self.transform(input)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return input, target

    def __repr__(self):
        body = [type(self).__name__]
        if self.transform is not None:
            body += indented(self.transform, "Transform: ")
        if self.target_transform is not None:
            body += indented(self.target_transform, "Target transform: ")
        return "\n".join(body)
