"""SVHN: the digits of house numbers, cut from street pictures."""

import os

import numpy as np

from learntorch.vision.datasets.utils import check_integrity, download_url, verify_str_arg
from learntorch.vision.datasets.vision import VisionDataset
from learntorch.vision.pictures import picture


class SVHN(VisionDataset):
    """Digits 0 to 9 from photographs, 32×32, RGB: 73,257 to train on, 26,032 to test, 531,131 more.

    `split`: "train", "test" or "extra". `data` is uint8 (n, 3, 32, 32), `labels` int64 (n,). The
    files are MATLAB's, which SciPy reads.
    Source: Netzer et al., "Reading Digits in Natural Images …", 2011.
    """

    split_list = {
        "train": ["http://ufldl.stanford.edu/housenumbers/train_32x32.mat", "train_32x32.mat",
                  "e26dedcc434d2e4c54c9b2d4a06d8373"],
        "test": ["http://ufldl.stanford.edu/housenumbers/test_32x32.mat", "test_32x32.mat",
                 "eb5a983be6a315427106f1b164d9cef3"],
        "extra": ["http://ufldl.stanford.edu/housenumbers/extra_32x32.mat", "extra_32x32.mat",
                  "a93ce644f1a588dc4d68dda5feec44a7"],
    }

    def __init__(self, root, split="train", transform=None, target_transform=None, download=False):
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.split = verify_str_arg(split, "split", tuple(self.split_list))
        self.url, self.filename, self.file_md5 = self.split_list[split]
        if download:
            self.download()
        if not self._check_integrity():
            raise RuntimeError("Dataset not found or corrupted. You can use download=True to "
                               "download it")
        from scipy.io import loadmat
        content = loadmat(os.path.join(self.root, self.filename))
        self.data = content["X"].transpose(3, 2, 0, 1)
        labels = content["y"].astype(np.int64).squeeze()
        self.labels = np.where(labels == 10, 0, labels)     # MATLAB counts from 1: 0 is class 10

    def _check_integrity(self):
        return check_integrity(os.path.join(self.root, self.filename), self.file_md5)

    def download(self):
        """Fetch the file, unless it is there. Raises RuntimeError or URLError."""
        download_url(self.url, self.root, self.filename, self.file_md5)

    def __getitem__(self, index):
        image = picture(self.data[index].transpose(1, 2, 0))
        return self._transformed(image, int(self.labels[index]))

    def __len__(self):
        return len(self.data)

    def extra_repr(self):
        return f"Split: {self.split}"
