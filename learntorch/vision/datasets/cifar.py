"""CIFAR: 60,000 small colour photographs in 10 or 100 classes."""

import os

import numpy as np

from learntorch.vision.datasets import pickled
from learntorch.vision.datasets.utils import check_integrity, download_and_extract_archive
from learntorch.vision.datasets.vision import VisionDataset
from learntorch.vision.pictures import picture


class CIFAR10(VisionDataset):
    """Photographs of ten kinds of things: 50,000 to train on and 10,000 to test, 32×32, RGB.

    A sample is (PIL image of mode "RGB", int). `data` is a uint8 array (n, 32, 32, 3), `targets` a
    list. The files lie in `root`/cifar-10-batches-py; `download=True` puts them there. Raises
    RuntimeError where one is missing or has another checksum than published.

    Source: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
    """

    base_folder = "cifar-10-batches-py"
    url = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
    filename = "cifar-10-python.tar.gz"
    tgz_md5 = "c58f30108f718f92721af3b95e74349a"
    train_list = [
        ["data_batch_1", "c99cafc152244af753f735de768cd75f"],
        ["data_batch_2", "d4bba439e000b95fd0a9bffe97cbabec"],
        ["data_batch_3", "54ebc095f3ab1f0389bbae665268c751"],
        ["data_batch_4", "634d18415352ddfa80567beed471001a"],
        ["data_batch_5", "482c414d41f54cd18b22e5b47cb7c3cb"],
    ]
    test_list = [["test_batch", "40351d587109b95175f43aff81a1287e"]]
    meta = {"filename": "batches.meta", "key": "label_names",
            "md5": "5ff9c542aee3614f3951f8cda6e48888"}

    def __init__(self, root, train=True, transform=None, target_transform=None, download=False):
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.train = train
        if download:
            self.download()
        if not self._check_integrity():
            raise RuntimeError("Dataset not found or corrupted. You can use download=True to "
                               "download it. It was looked for in "
                               f"{os.path.abspath(self._path(''))}")
        batches = [pickled.read(self._path(name))
                   for name, _ in (self.train_list if train else self.test_list)]
        self.data = np.concatenate([self._pictures(batch) for batch in batches])
        self.targets = [label for batch in batches
                        for label in batch["labels" if "labels" in batch else "fine_labels"]]
        if len(self.data) != len(self.targets):
            raise RuntimeError(f"{self._path('')} has {len(self.data)} pictures and "
                               f"{len(self.targets)} labels")
        self._load_meta()

    def _path(self, name):
        return os.path.join(self.root, self.base_folder, name)

    def _pictures(self, batch):
        """Rows of 3072 bytes, red, green, blue plane by plane → (n, 32, 32, 3)."""
        rows = batch["data"].reshape(-1, 3, 32, 32)
        return np.ascontiguousarray(rows.transpose(0, 2, 3, 1))

    def _load_meta(self):
        path = self._path(self.meta["filename"])
        if not check_integrity(path, self.meta["md5"]):
            raise RuntimeError("Dataset metadata file not found or corrupted. You can use "
                               "download=True to download it")
        self.classes = pickled.read(path)[self.meta["key"]]
        self.class_to_idx = {name: i for i, name in enumerate(self.classes)}

    def _check_integrity(self):
        return all(check_integrity(self._path(name), md5)
                   for name, md5 in self.train_list + self.test_list)

    def download(self):
        """Fetch and unpack the archive, unless all is there. Raises RuntimeError or URLError."""
        if not self._check_integrity():
            download_and_extract_archive(self.url, self.root, filename=self.filename,
                                         md5=self.tgz_md5)

    def __getitem__(self, index):
        return self._transformed(picture(self.data[index]), self.targets[index])

    def __len__(self):
        return len(self.data)

    def extra_repr(self):
        return f"Split: {'Train' if self.train is True else 'Test'}"


class CIFAR100(CIFAR10):
    """Photographs of a hundred kinds of things, in number, size and format as CIFAR10."""

    base_folder = "cifar-100-python"
    url = "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"
    filename = "cifar-100-python.tar.gz"
    tgz_md5 = "eb9058c3a382ffc7106e4002c42a8d85"
    train_list = [["train", "16019d7e3df5f24257cddd939b257f8d"]]
    test_list = [["test", "f0ef6b0ae62326f3e7ffdfab6717acfc"]]
    meta = {"filename": "meta", "key": "fine_label_names",
            "md5": "7973b15100ade9c7d40fb424638fde48"}
