"""MNIST and the datasets that took over its format: small grey pictures of signs."""

import os
import string
import warnings
from urllib.error import URLError

from learntorch.vision.datasets.idx import (
    read_image_file,
    read_label_file,
    read_sn3_pascalvincent_tensor,
)
from learntorch.vision.datasets.utils import (
    check_integrity,
    download_and_extract_archive,
    extract_archive,
    verify_str_arg,
)
from learntorch.vision.datasets.vision import VisionDataset
from learntorch.vision.pictures import picture

DIGITS = "zero one two three four five six seven eight nine".split()
PACKED = (".gz", ".xz", ".bz2")


def stored(path):
    """The file at `path`, or its packed form beside it. None where there is neither."""
    return next((path + end for end in ("", *PACKED) if os.path.isfile(path + end)), None)


def bare(url):
    """The name of the file at a URL, without the ending of its packing."""
    return os.path.splitext(os.path.basename(url))[0]


class MNIST(VisionDataset):
    """Handwritten digits: 60,000 pictures to train on and 10,000 to test, 28×28, grey.

    A sample is (PIL image of mode "L", int). `data` is uint8 (n, 28, 28), `targets` int64 (n,).
    The files lie in `root`/MNIST/raw under their own names, unpacked or as .gz; `download=True`
    puts them there. Raises RuntimeError where they are not there.

    Source: LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document
    recognition", 1998.
    """

    mirrors = ["https://ossci-datasets.s3.amazonaws.com/mnist/",
               "http://yann.lecun.com/exdb/mnist/"]
    resources = [
        ("train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
        ("train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432"),
        ("t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3"),
        ("t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c"),
    ]
    training_file = "training.pt"
    test_file = "test.pt"
    classes = [f"{i} - {word}" for i, word in enumerate(DIGITS)]

    def __init__(self, root, train=True, transform=None, target_transform=None, download=False):
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.train = train
        if self._check_legacy_exist():
            self.data, self.targets = self._load_legacy_data()
            return
        if download:
            self.download()
        if not self._check_exists():
            raise RuntimeError("Dataset not found. You can use download=True to download it. "
                               f"It was looked for in {os.path.abspath(self.raw_folder)}")
        self.data, self.targets = self._load_data()

    @property
    def raw_folder(self):
        """Where the files lie."""
        return os.path.join(self.root, type(self).__name__, "raw")

    @property
    def processed_folder(self):
        """Where versions of 2020 and before wrote tensors."""
        return os.path.join(self.root, type(self).__name__, "processed")

    @property
    def class_to_idx(self):
        """Of each class's name, its number."""
        return {name: i for i, name in enumerate(self.classes)}

    @property
    def _prefix(self):
        return "train" if self.train else "t10k"

    @property
    def images_file(self):
        """The pictures of this part, without the ending of a packing."""
        return os.path.join(self.raw_folder, f"{self._prefix}-images-idx3-ubyte")

    @property
    def labels_file(self):
        """The labels of this part, without the ending of a packing."""
        return os.path.join(self.raw_folder, f"{self._prefix}-labels-idx1-ubyte")

    def _check_legacy_exist(self):
        return all(os.path.isfile(os.path.join(self.processed_folder, name))
                   for name in (self.training_file, self.test_file))

    def _load_legacy_data(self):
        from learntorch.io import load
        name = self.training_file if self.train else self.test_file
        return load(os.path.join(self.processed_folder, name), weights_only=True)

    def _check_exists(self):
        return all(stored(os.path.join(self.raw_folder, bare(name))) for name, _ in self.resources)

    def _load_data(self):
        return read_image_file(stored(self.images_file)), read_label_file(stored(self.labels_file))

    def download(self):
        """Fetch what is missing from the first mirror that has it. Raises RuntimeError."""
        if self._check_exists():
            return
        os.makedirs(self.raw_folder, exist_ok=True)
        for filename, md5 in self.resources:
            if stored(os.path.join(self.raw_folder, bare(filename))):
                continue
            self._fetch(filename, md5)

    def _fetch(self, filename, md5):
        failures = []
        for mirror in self.mirrors:
            try:
                download_and_extract_archive(mirror + filename, self.raw_folder, filename=filename,
                                             md5=md5)
                return
            except (RuntimeError, URLError) as error:
                failures.append(f"Tried {mirror}, got:\n{error}\n")
        raise RuntimeError(f"Error downloading {filename}:\n{''.join(failures)}If you get the file "
                           f"in another way, put it into {os.path.abspath(self.raw_folder)}")

    def __getitem__(self, index):
        image = picture(self.data[index].numpy(), "L")
        return self._transformed(image, int(self.targets[index]))

    def __len__(self):
        return len(self.data)

    def extra_repr(self):
        return f"Split: {'Train' if self.train is True else 'Test'}"


def _renamed(old, new):
    """A property that gives what is now called `new`, with a warning."""
    def get(self):
        warnings.warn(f"{old} has been renamed {new}", stacklevel=2)
        return getattr(self, new)
    return property(get, doc=f"`{new}` under its old name.")


for _old, _new in [("train_labels", "targets"), ("test_labels", "targets"),
                   ("train_data", "data"), ("test_data", "data")]:
    setattr(MNIST, _old, _renamed(_old, _new))


class FashionMNIST(MNIST):
    """Pieces of clothing, in number, size and format as MNIST.

    Source: Xiao, Rasul, Vollgraf, "Fashion-MNIST", 2017.
    """

    mirrors = ["http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"]
    resources = [
        ("train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        ("train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe"),
        ("t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79"),
        ("t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310"),
    ]
    classes = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker",
               "Bag", "Ankle boot"]


class KMNIST(MNIST):
    """Ten characters of old Japanese handwriting, in number, size and format as MNIST.

    Source: Clanuwat et al., "Deep Learning for Classical Japanese Literature", 2018.
    """

    mirrors = ["http://codh.rois.ac.jp/kmnist/dataset/kmnist/"]
    resources = [
        ("train-images-idx3-ubyte.gz", "bdb82020997e1d708af4cf47b453dcf7"),
        ("train-labels-idx1-ubyte.gz", "e144d726b3acfaa3e44228e80efcd344"),
        ("t10k-images-idx3-ubyte.gz", "5c965bf0a639b31b8f53240b1b52f4d7"),
        ("t10k-labels-idx1-ubyte.gz", "7320c461ea6c1c855c0b718fb2a4b134"),
    ]
    classes = "o ki su tsu na ha ma ya re wo".split()


class EMNIST(MNIST):
    """Handwritten digits and letters, 28×28, mirrored along the diagonal as they were published.

    `split`: "byclass" (62 classes), "bymerge" (47, upper and lower case one where they look
    alike), "balanced" (47, equally many), "letters" (26, from 1 on), "digits", "mnist".
    Source: Cohen, Afshar, Tapson, van Schaik, "EMNIST", 2017.
    """

    url = "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip"
    md5 = "58c8d27c78d21e728a6bc7b3cc06412e"
    splits = ("byclass", "bymerge", "balanced", "letters", "digits", "mnist")
    _all_classes = sorted(string.digits + string.ascii_letters)
    _merged = sorted(set(_all_classes) - set("cijklmopsuvwxyz"))
    classes_split_dict = {
        "byclass": _all_classes, "bymerge": _merged, "balanced": _merged,
        "letters": ["N/A", *string.ascii_lowercase], "digits": list(string.digits),
        "mnist": list(string.digits),
    }

    def __init__(self, root, split, **kwargs):
        self.split = verify_str_arg(split, "split", self.splits)
        self.training_file = f"training_{split}.pt"
        self.test_file = f"test_{split}.pt"
        super().__init__(root, **kwargs)
        self.classes = self.classes_split_dict[self.split]

    @property
    def _prefix(self):
        return f"emnist-{self.split}-{'train' if self.train else 'test'}"

    def _check_exists(self):
        return bool(stored(self.images_file) and stored(self.labels_file))

    def download(self):
        """Fetch all splits, which are one archive. Raises RuntimeError or URLError."""
        if self._check_exists():
            return
        import shutil
        os.makedirs(self.raw_folder, exist_ok=True)
        download_and_extract_archive(self.url, self.raw_folder, md5=self.md5)
        folder = os.path.join(self.raw_folder, "gzip")
        for name in sorted(os.listdir(folder)):
            if name.endswith(".gz"):
                extract_archive(os.path.join(folder, name), self.raw_folder)
        shutil.rmtree(folder)


class QMNIST(MNIST):
    """MNIST's digits again, with their writers and 50,000 test digits more.

    `what`: "train", "test" (60,000), "test10k" (MNIST's own), "test50k" (the others), "nist" (all);
    by default as `train` says. With `compat` a target is the class, else all eight numbers.
    Source: Yadav, Bottou, "Cold Case: the Lost MNIST Digits", 2019.
    """

    subsets = {"train": "train", "test": "test", "test10k": "test", "test50k": "test",
               "nist": "nist"}
    _home = "https://raw.githubusercontent.com/facebookresearch/qmnist/master/"
    resources = {
        "train": [(_home + "qmnist-train-images-idx3-ubyte.gz", "ed72d4157d28c017586c42bc6afe6370"),
                  (_home + "qmnist-train-labels-idx2-int.gz", "0058f8dd561b90ffdd0f734c6a30e5e4")],
        "test": [(_home + "qmnist-test-images-idx3-ubyte.gz", "1394631089c404de565df7b7aeaf9412"),
                 (_home + "qmnist-test-labels-idx2-int.gz", "5b5b05890a5e13444e108efe57b788aa")],
        "nist": [(_home + "xnist-images-idx3-ubyte.xz", "7f124b3b8ab81486c9d8c2749c17f834"),
                 (_home + "xnist-labels-idx2-int.xz", "5ed0e788978e45d4a8bd4b7caec3d79d")],
    }
    places = {"test10k": slice(0, 10000), "test50k": slice(10000, None)}

    def __init__(self, root, what=None, compat=True, train=True, **kwargs):
        what = ("train" if train else "test") if what is None else what
        self.what = verify_str_arg(what, "what", tuple(self.subsets))
        self.compat = compat
        self.training_file = self.test_file = what + ".pt"
        super().__init__(root, train, **kwargs)

    def _paths(self):
        return [os.path.join(self.raw_folder, bare(url))
                for url, _ in self.resources[self.subsets[self.what]]]

    @property
    def images_file(self):
        return self._paths()[0]

    @property
    def labels_file(self):
        return self._paths()[1]

    def _check_exists(self):
        return all(stored(path) for path in self._paths())

    def _load_data(self):
        data = read_image_file(stored(self.images_file))
        targets = read_sn3_pascalvincent_tensor(stored(self.labels_file)).long()
        if targets.ndim != 2:
            raise ValueError(f"targets should have 2 dimensions instead of {targets.ndim}")
        part = self.places.get(self.what, slice(None))
        return data[part], targets[part]

    def download(self):
        """Fetch the two files of this part. Raises RuntimeError or URLError."""
        if self._check_exists():
            return
        os.makedirs(self.raw_folder, exist_ok=True)
        for url, md5 in self.resources[self.subsets[self.what]]:
            if not check_integrity(os.path.join(self.raw_folder, bare(url))):
                download_and_extract_archive(url, self.raw_folder, md5=md5)

    def __getitem__(self, index):
        target = self.targets[index]
        return self._transformed(picture(self.data[index].numpy(), "L"),
                                 int(target[0]) if self.compat else target)

    def extra_repr(self):
        return f"Split: {self.what}"
