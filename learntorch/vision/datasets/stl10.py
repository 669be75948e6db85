"""STL-10: 96×96 photographs, few with a label and very many without."""

import os

import numpy as np

from learntorch.vision.datasets.utils import (
    check_integrity,
    download_and_extract_archive,
    verify_str_arg,
)
from learntorch.vision.datasets.vision import VisionDataset
from learntorch.vision.pictures import picture


class STL10(VisionDataset):
    """Photographs of ten kinds of things, 96×96, RGB: 5,000 to train on, 8,000 to test, 100,000
    without a label (−1).

    `split`: "train", "train+unlabeled", "unlabeled", "test"; `folds` 0 to 9 takes one of the ten
    published thousands of the training part. `data` is uint8 (n, 3, 96, 96).
    Source: Coates, Lee, Ng, "An Analysis of Single-Layer Networks …", 2011.
    """

    base_folder = "stl10_binary"
    url = "http://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz"
    filename = "stl10_binary.tar.gz"
    tgz_md5 = "91f7769df0f17e558f3565bffb0c7dfb"
    class_names_file = "class_names.txt"
    folds_list_file = "fold_indices.txt"
    train_list = [["train_X.bin", "918c2871b30a85fa023e0c44e0bee87f"],
                  ["train_y.bin", "5a34089d4802c674881badbb80307741"],
                  ["unlabeled_X.bin", "5242ba1fed5e4be9e1e742405eb56ca4"]]
    test_list = [["test_X.bin", "7f263ba9f9e0b06b93213547f721ac82"],
                 ["test_y.bin", "36f9794fa4beb8a2c72628de14fa638e"]]
    splits = ("train", "train+unlabeled", "unlabeled", "test")

    def __init__(self, root, split="train", folds=None, transform=None, target_transform=None,
                 download=False):
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.split = verify_str_arg(split, "split", self.splits)
        self.folds = self._verify_folds(folds)
        if download:
            self.download()
        if not self._check_integrity():
            raise RuntimeError("Dataset not found or corrupted. You can use download=True to "
                               "download it")
        parts = [self._part(name) for name in split.split("+")]
        self.data = np.concatenate([images for images, _ in parts])
        self.labels = np.concatenate([labels for _, labels in parts])
        names = self._path(self.class_names_file)
        if os.path.isfile(names):
            with open(names, encoding="utf-8") as file:
                self.classes = file.read().splitlines()

    def _verify_folds(self, folds):
        if folds is None or isinstance(folds, int) and folds in range(10):
            return folds
        if isinstance(folds, int):
            raise ValueError("Value for argument folds should be in the range [0, 10), but got "
                             f"{folds}.")
        raise ValueError("Expected type None or int for argument folds, but got type "
                         f"{type(folds)}.")

    def _path(self, name):
        return os.path.join(self.root, self.base_folder, name)

    def _part(self, name):
        """(pictures, labels) of one part. Pictures are stored column by column."""
        data = np.fromfile(self._path(f"{name}_X.bin"), np.uint8).reshape(-1, 3, 96, 96)
        data = data.transpose(0, 1, 3, 2)
        if name == "unlabeled":
            return data, np.full(len(data), -1)
        labels = np.fromfile(self._path(f"{name}_y.bin"), np.uint8).astype(np.int64) - 1
        if name == "test" or self.folds is None:
            return data, labels
        with open(self._path(self.folds_list_file), encoding="utf-8") as file:
            places = [int(word) for word in file.read().splitlines()[self.folds].split()]
        return data[places], labels[places]

    def _check_integrity(self):
        return all(check_integrity(self._path(name), md5)
                   for name, md5 in self.train_list + self.test_list)

    def download(self):
        """Fetch and unpack the archive, unless all is there. Raises RuntimeError or URLError."""
        if not self._check_integrity():
            download_and_extract_archive(self.url, self.root, filename=self.filename,
                                         md5=self.tgz_md5)

    def __getitem__(self, index):
        image = picture(self.data[index].transpose(1, 2, 0))
        return self._transformed(image, int(self.labels[index]))

    def __len__(self):
        return len(self.data)

    def extra_repr(self):
        return f"Split: {self.split}"
