"""Datasets that are a folder with one folder for each class."""

import os

from learntorch.vision.datasets.vision import VisionDataset
from learntorch.vision.pictures import pillow

IMG_EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")


def has_file_allowed_extension(filename, extensions):
    """Whether the name ends in one of `extensions` (a text or a tuple of them, small letters)."""
    return filename.lower().endswith(extensions if isinstance(extensions, str)
                                     else tuple(extensions))


def is_image_file(filename):
    """Whether the name is that of a picture."""
    return has_file_allowed_extension(filename, IMG_EXTENSIONS)


def find_classes(directory):
    """(names of the folders in alphabetical order, {name: number}). FileNotFoundError for none."""
    with os.scandir(directory) as entries:
        classes = sorted(entry.name for entry in entries if entry.is_dir())
    if not classes:
        raise FileNotFoundError(f"Couldn't find any class folder in {directory}.")
    return classes, {name: i for i, name in enumerate(classes)}


def make_dataset(directory, class_to_idx=None, extensions=None, is_valid_file=None,
                 allow_empty=False):
    """The list of (path, class number), by class, then by path.

    Files count by `extensions` or by `is_valid_file(path)`. Raises ValueError for both or none,
    FileNotFoundError for a class without a file, unless `allow_empty`.
    """
    directory = os.path.expanduser(directory)
    if class_to_idx is None:
        class_to_idx = find_classes(directory)[1]
    elif not class_to_idx:
        raise ValueError("'class_to_index' must have at least one entry to collect any samples.")
    if (extensions is None) == (is_valid_file is None):
        raise ValueError("Both extensions and is_valid_file cannot be None or not None at the "
                         "same time")
    fits = is_valid_file or (lambda path: has_file_allowed_extension(path, extensions))
    samples, empty = [], []
    for name in sorted(class_to_idx):
        found = [path for path in files_below(os.path.join(directory, name)) if fits(path)]
        samples += [(path, class_to_idx[name]) for path in found]
        if not found:
            empty.append(name)
    if empty and not allow_empty:
        known = "" if extensions is None else "Supported extensions are: " + (
            extensions if isinstance(extensions, str) else ", ".join(extensions))
        raise FileNotFoundError(f"Found no valid file for the classes {', '.join(empty)}. {known}")
    return samples


def files_below(folder):
    """All files in a folder and the folders in it, in the order of their paths."""
    for here, _, names in sorted(os.walk(folder, followlinks=True)):
        for name in sorted(names):
            yield os.path.join(here, name)


class DatasetFolder(VisionDataset):
    """The samples root/class/…/file, each read by `loader(path)`; its target is the class's number.

    Attributes: `classes`, `class_to_idx`, `samples` (a list of (path, number)), `targets`.
    """

    def __init__(self, root, loader, extensions=None, transform=None, target_transform=None,
                 is_valid_file=None, allow_empty=False):
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.classes, self.class_to_idx = self.find_classes(self.root)
        self.samples = self.make_dataset(self.root, class_to_idx=self.class_to_idx,
                                         extensions=extensions, is_valid_file=is_valid_file,
                                         allow_empty=allow_empty)
        self.loader = loader
        self.extensions = extensions
        self.targets = [number for _, number in self.samples]

    @staticmethod
    def make_dataset(directory, class_to_idx, extensions=None, is_valid_file=None,
                     allow_empty=False):
        """As the function of this name, but the classes must be given."""
        if class_to_idx is None:
            raise ValueError("The class_to_idx parameter cannot be None.")
        return make_dataset(directory, class_to_idx, extensions, is_valid_file, allow_empty)

    def find_classes(self, directory):
        """As the function of this name; to be overridden where folders are not the classes."""
        return find_classes(directory)

    def __getitem__(self, index):
        path, target = self.samples[index]
        return self._transformed(self.loader(path), target)

    def __len__(self):
        return len(self.samples)


def pil_loader(path):
    """The picture in a file, as PIL image of mode "RGB"."""
    with open(path, "rb") as file:
        return pillow().open(file).convert("RGB")


def default_loader(path):
    """What ImageFolder reads pictures with: `pil_loader`."""
    return pil_loader(path)


class ImageFolder(DatasetFolder):
    """The pictures root/class/…/picture.png; a sample is (PIL image of mode "RGB", int)."""

    def __init__(self, root, transform=None, target_transform=None, loader=default_loader,
                 is_valid_file=None, allow_empty=False):
        super().__init__(root, loader, IMG_EXTENSIONS if is_valid_file is None else None,
                         transform=transform, target_transform=target_transform,
                         is_valid_file=is_valid_file, allow_empty=allow_empty)
        self.imgs = self.samples
