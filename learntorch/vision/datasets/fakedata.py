"""Pictures of noise, to try a program with before its data is there."""

from learntorch.ops.random import randint, randn
from learntorch.random import get_rng_state, manual_seed, set_rng_state
from learntorch.vision.datasets.vision import VisionDataset
from learntorch.vision.transforms.functional import to_pil_image


class FakeData(VisionDataset):
    """Sample i is a picture of normal noise and a class, both drawn from seed i + random_offset.

    `image_size` is (c, h, w). The state of the random numbers elsewhere stays as it was.
    """

    def __init__(self, size=1000, image_size=(3, 224, 224), num_classes=10, transform=None,
                 target_transform=None, random_offset=0):
        super().__init__(transform=transform, target_transform=target_transform)
        self.size = size
        self.num_classes = num_classes
        self.image_size = image_size
        self.random_offset = random_offset

    def __getitem__(self, index):
        if index >= len(self):
            raise IndexError(f"{type(self).__name__} index out of range")
        before = get_rng_state()
        manual_seed(index + self.random_offset)
        noise = randn(*self.image_size)
        target = int(randint(0, self.num_classes, (1,)))
        set_rng_state(before)
        return self._transformed(to_pil_image(noise), target)

    def __len__(self):
        return self.size
