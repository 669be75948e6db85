"""Datasets: the formats on the disk, folders, and files that are damaged or hostile."""
import bz2
import gzip
import lzma
import pathlib
import pickle
import struct

import numpy as np
import pytest

import learntorch
from learntorch.utils.data import DataLoader
from learntorch.vision import datasets, transforms
from learntorch.vision.datasets import idx, pickled
from learntorch.vision.datasets.folder import default_loader, make_dataset
from tests.vision import files

Image = pytest.importorskip("PIL.Image")


# ---- MNIST -----------------------------------------------------------------------------------

@pytest.mark.parametrize("kind", ["MNIST", "FashionMNIST", "KMNIST"])
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
def test_mnist(tmp_path, kind, packed):
    made = files.write_mnist(tmp_path / kind / "raw", packed)
    for train, part in ((True, "train"), (False, "t10k")):
        data = getattr(datasets, kind)(str(tmp_path), train=train)
        images, labels = made[part]
        assert len(data) == len(labels)
        assert data.data.dtype == learntorch.uint8 and (data.data.numpy() == images).all()
        assert data.targets.dtype == learntorch.int64 and data.targets.tolist() == labels.tolist()
        image, target = data[1]
        assert image.mode == "L" and (np.array(image) == images[1]).all()
        assert type(target) is int and target == labels[1]


def test_mnist_through_a_loader(tmp_path):
    made = files.write_mnist(tmp_path / "MNIST" / "raw")
    data = datasets.MNIST(tmp_path, transform=transforms.ToTensor(),
                          target_transform=lambda y: 9 - y)
    (x, y), = DataLoader(data, batch_size=5)
    assert x.shape == (5, 1, 28, 28) and x.dtype == learntorch.float32
    assert np.allclose(x.numpy()[:, 0] * 255, made["train"][0])
    assert y.tolist() == [9 - int(n) for n in made["train"][1]]


def test_mnist_repr_and_classes(tmp_path):
    files.write_mnist(tmp_path / "MNIST" / "raw")
    data = datasets.MNIST(str(tmp_path), train=False, transform=transforms.ToTensor())
    assert repr(data) == ("Dataset MNIST\n    Number of datapoints: 3\n"
                          f"    Root location: {tmp_path}\n    Split: Test\n"
                          "    StandardTransform\nTransform: ToTensor()")
    assert data.class_to_idx["3 - three"] == 3
    with pytest.warns(UserWarning, match="train_labels has been renamed targets"):
        assert data.train_labels is data.targets


def test_mnist_that_is_not_there(tmp_path):
    with pytest.raises(RuntimeError, match="Dataset not found. You can use download=True to "
                                           "download it.*MNIST.raw"):
        datasets.MNIST(str(tmp_path))


def test_old_tensors(tmp_path):
    folder = tmp_path / "MNIST" / "processed"
    folder.mkdir(parents=True)
    pair = learntorch.zeros(2, 28, 28, dtype=learntorch.uint8), learntorch.tensor([4, 7])
    learntorch.save(pair, folder / "training.pt")
    learntorch.save(pair, folder / "test.pt")
    assert datasets.MNIST(str(tmp_path)).targets.tolist() == [4, 7]


@pytest.mark.parametrize("split, classes", [("byclass", 62), ("bymerge", 47), ("balanced", 47),
                                            ("letters", 27), ("digits", 10), ("mnist", 10)])
def test_emnist(tmp_path, split, classes):
    made = files.write_mnist(tmp_path / "EMNIST" / "raw", names=("train", "test"),
                             pattern=f"emnist-{split}-{{}}-{{}}")
    data = datasets.EMNIST(str(tmp_path), split, train=False)
    assert (data.data.numpy() == made["test"][0]).all() and len(data.classes) == classes
    with pytest.raises(ValueError, match="Unknown value 'small' for argument split. Valid values "
                                         "are {'byclass', 'bymerge', 'balanced', 'letters', "):
        datasets.EMNIST(str(tmp_path), "small")


def test_qmnist(tmp_path):
    folder = tmp_path / "QMNIST" / "raw"
    folder.mkdir(parents=True)
    images, _ = files.digits(3)
    labels = np.arange(24, dtype=np.int32).reshape(3, 8)
    (folder / "qmnist-train-images-idx3-ubyte").write_bytes(files.idx(images))
    (folder / "qmnist-train-labels-idx2-int").write_bytes(files.idx(labels))
    assert datasets.QMNIST(str(tmp_path))[1][1] == 8
    assert datasets.QMNIST(str(tmp_path), compat=False)[1][1].tolist() == list(range(8, 16))


@pytest.mark.parametrize("kind", list(files.CODES))
@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress],
                         ids=["plain", "gz", "bz2", "xz"])
def test_idx_types_and_packings(tmp_path, kind, pack):
    a = (np.arange(24).reshape(2, 3, 4) - 5).astype(kind)
    path = tmp_path / "a"
    path.write_bytes(pack(files.idx(a)))
    t = idx.read_sn3_pascalvincent_tensor(path)
    assert (t.numpy() == a).all() and str(t.dtype) == f"torch.{kind}"


GOOD = files.idx(np.zeros((2, 3), np.uint8))


@pytest.mark.parametrize("content, words", [
    (b"", "is no idx file"), (b"hello, world", "is no idx file"),
    (GOOD[:7], "ends within its header"),
    (GOOD[:-1], "promises 6 bytes .2 x 3 numbers of 1., and holds only 5"),
    (GOOD + b"x", "holds more: it is cut or damaged"),
    (struct.pack(">BBBBIII", 0, 0, 14, 3, *[2 ** 32 - 1] * 3), "holds only 0"),
    (gzip.compress(GOOD)[:-9], "cut|damaged"), (gzip.compress(GOOD[:-2]), "holds only 4"),
    (gzip.compress(struct.pack(">BBBBI", 0, 0, 8, 1, 2 ** 32 - 1) + b"1234"), "holds only 4"),
], ids=["empty", "text", "header", "short", "long", "kind", "gzip-cut", "gzip-short", "gzip-lies"])
def test_idx_that_is_damaged_or_promises_too_much(tmp_path, content, words):
    path = tmp_path / "a"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=words):
        idx.read(path)


# ---- CIFAR -----------------------------------------------------------------------------------

@pytest.mark.parametrize("kind", ["CIFAR10", "CIFAR100"])
def test_cifar(tmp_path, kind):
    small, parts = files.cifar(datasets, kind, tmp_path)
    for train, made in ((True, parts[:-1]), (False, parts[-1:])):
        data = small(str(tmp_path), train=train)
        rows = np.concatenate([rows for rows, _ in made])
        labels = [n for _, some in made for n in some]
        assert data.targets == labels and len(data) == len(rows)
        assert data.data.shape == (len(rows), 32, 32, 3) and data.data.dtype == np.uint8
        image, target = data[2]
        assert image.mode == "RGB" and image.size == (32, 32) and target == labels[2]
        for c in range(3):                  # a row is the red plane, the green, the blue
            assert (np.array(image)[:, :, c].ravel() == rows[2, 1024 * c:1024 * (c + 1)]).all()
    assert data.classes[3] == "kind 3" and data.class_to_idx["kind 3"] == 3
    assert "Split: Test" in repr(data)


def test_cifar_with_a_changed_byte(tmp_path):
    small, _ = files.cifar(datasets, "CIFAR10", tmp_path)
    path = tmp_path / "cifar-10-batches-py" / "test_batch"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(RuntimeError, match="Dataset not found or corrupted. You can use "
                                           "download=True to download it"):
        small(str(tmp_path))


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("order", "CF")
def test_pickles_of_today(tmp_path, protocol, order):
    a = np.array(np.arange(12, dtype=np.int16).reshape(3, 4), order=order)
    path = tmp_path / "p"
    path.write_bytes(pickle.dumps({"data": a, "labels": [1, 2], "name": "x"}, protocol))
    found = pickled.read(path)
    assert (found["data"] == a).all() and found["data"].dtype == np.int16
    assert found["labels"] == [1, 2] and found["name"] == "x"


class Call:
    """Pickles to a call of `function` with `arguments`."""

    def __init__(self, function, *arguments):
        self.made = function, arguments

    def __reduce__(self):
        return self.made


@pytest.mark.parametrize("content, words", [
    (pickle.dumps({"data": Call(eval, "1")}, 2), "asks for __builtin__.eval, which data needs not"),
    (pickle.dumps({"data": Call(np.load, "x")}, 2), "asks for numpy.*load"),
    (pickle.dumps({"data": Call(np.dtype, "O")}, 2), "array of 'O', which are not numbers"),
    (pickle.dumps({"data": np.array([{}], dtype=object)}, 2), "which are not numbers"),
    (pickle.dumps([1, 2], 2), "holds a list, not a dict"),
    (b"\x80\x02}q\x01(U\x04datacnumpy\nndarray\nK\x05\x85Ru.", "Trying to call reduce"),
    (files.python2(np.zeros((2, 3), np.uint8), [1])[:-40], "damaged|ends before"),
    (files.python2(np.zeros((2, 3), np.uint8), [1]).replace(b"K\x02K\x03\x86", b"K\xffK\xff\x86"),
     "shape .255, 255., which needs 65025 bytes, and gives 6"),
    (files.python2(np.zeros((2, 3), np.uint8), [1]).replace(b"K\x02K\x03\x86",
                                                            b"J\xff\xff\xff\xffK\x03\x86"),
     "impossible shape"),
    (b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R0}(U\x01a"
     b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87Ru.",
     "an array without content"),
])
def test_hostile_pickles_are_refused(tmp_path, content, words):
    path = tmp_path / "p"
    path.write_bytes(content)
    with pytest.raises(pickle.UnpicklingError, match=words):
        pickled.read(path)


# ---- folders ---------------------------------------------------------------------------------

@pytest.fixture
def zoo(tmp_path):
    """cat: 2 pictures, one of them deeper; dog: 1; and what is no picture."""
    for i, name in enumerate(["dog/c.png", "cat/b.JPG", "cat/deep/a.png", "dog/notes.txt"]):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("txt"):
            path.write_text("woof")
        else:
            Image.new("RGB" if i else "L", (4, 3), i * 40).save(path)
    return tmp_path


def test_image_folder(zoo):
    data = datasets.ImageFolder(str(zoo), target_transform=lambda y: -y)
    assert data.classes == ["cat", "dog"] and data.class_to_idx == {"cat": 0, "dog": 1}
    names = [(path[len(str(zoo)) + 1:], y) for path, y in data.samples]
    assert names == [("cat/b.JPG", 0), ("cat/deep/a.png", 0), ("dog/c.png", 1)]
    assert data.targets == [0, 0, 1] and data.imgs is data.samples and len(data) == 3
    image, target = data[2]
    assert image.mode == "RGB" and image.size == (4, 3) and target == -1


def test_dataset_folder_with_a_loader_of_its_own(zoo):
    read = lambda path: pathlib.Path(path).read_text()
    data = datasets.DatasetFolder(zoo, read, extensions=".txt",
                                  allow_empty=True)
    assert [data[i] for i in range(len(data))] == [("woof", 1)]
    odd = datasets.ImageFolder(zoo, is_valid_file=lambda path: "a.png" in path, allow_empty=True)
    assert len(odd) == 1 and default_loader(odd.samples[0][0]).mode == "RGB"


def test_folders_that_cannot_be_a_dataset(zoo, tmp_path):
    (zoo / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"Found no valid file for the classes empty. "
                                                r"Supported extensions are: .jpg, .jpeg, .png"):
        datasets.ImageFolder(zoo)
    assert len(datasets.ImageFolder(zoo, allow_empty=True).classes) == 3
    with pytest.raises(FileNotFoundError, match="Couldn't find any class folder in"):
        datasets.ImageFolder(zoo / "empty")
    with pytest.raises(ValueError, match="Both extensions and is_valid_file cannot be None or not "
                                         "None at the same time"):
        make_dataset(zoo)
    with pytest.raises(ValueError, match="must have at least one entry"):
        make_dataset(zoo, {}, ".png")


# ---- others ----------------------------------------------------------------------------------

def test_fake_data_is_the_same_each_time_and_leaves_the_stream_alone():
    data = datasets.FakeData(size=3, image_size=(3, 8, 9), num_classes=5)
    learntorch.manual_seed(1)
    one, target = data[2]
    after = learntorch.rand(1).item()
    learntorch.manual_seed(1)
    assert learntorch.rand(1).item() == after
    again, same = data[2]
    assert one.size == (9, 8) and (np.array(one) == np.array(again)).all() and target == same
    with pytest.raises(IndexError, match="FakeData index out of range"):
        data[3]


def test_stl10(tmp_path):
    folder = tmp_path / "stl10_binary"
    folder.mkdir()
    rng = np.random.default_rng(0)
    sizes = {"train": 4, "unlabeled": 2, "test": 1}
    pixels = {name: rng.integers(0, 256, (n, 3, 96, 96), dtype=np.uint8)
              for name, n in sizes.items()}
    lists = {"train_list": [], "test_list": []}
    for name, n in sizes.items():
        contents = [(f"{name}_X.bin", pixels[name].tobytes())]
        if name != "unlabeled":
            contents.append((f"{name}_y.bin", bytes(range(1, n + 1))))
        for file, content in contents:
            (folder / file).write_bytes(content)
            part = "test_list" if name == "test" else "train_list"
            lists[part].append([file, files.md5(content)])
    (folder / "class_names.txt").write_text("airplane\nbird\n")
    (folder / "fold_indices.txt").write_text("3 1\n0 \n")
    small = type("STL10", (datasets.STL10,), lists)
    data = small(str(tmp_path), "train+unlabeled")
    assert data.labels.tolist() == [0, 1, 2, 3, -1, -1] and data.classes == ["airplane", "bird"]
    image, target = data[1]
    assert (np.array(image) == pixels["train"][1].transpose(2, 1, 0)).all() and target == 1
    assert small(str(tmp_path), "train", folds=0).labels.tolist() == [3, 1]
    with pytest.raises(ValueError, match=r"should be in the range \[0, 10\), but got 10"):
        small(str(tmp_path), folds=10)


def test_svhn(tmp_path):
    savemat = pytest.importorskip("scipy.io").savemat
    x = np.random.default_rng(0).integers(0, 256, (32, 32, 3, 4), dtype=np.uint8)
    savemat(tmp_path / "test_32x32.mat", {"X": x, "y": np.array([[1], [10], [3], [9]], np.uint8)})
    content = (tmp_path / "test_32x32.mat").read_bytes()
    small = type("SVHN", (datasets.SVHN,), {
        "split_list": {"test": ["", "test_32x32.mat", files.md5(content)]}})
    data = small(str(tmp_path), "test")
    assert data.labels.tolist() == [1, 0, 3, 9]
    assert (np.array(data[2][0]) == x[..., 2]).all()


def test_transforms_of_both_kinds_at_once():
    with pytest.raises(ValueError, match="Only transforms or transform/target_transform can be"):
        datasets.VisionDataset("x", transforms=len, transform=len)
