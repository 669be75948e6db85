"""Datasets of pictures, read from the files in which they were published."""

from learntorch.vision.datasets.cifar import CIFAR10, CIFAR100
from learntorch.vision.datasets.fakedata import FakeData
from learntorch.vision.datasets.folder import DatasetFolder, ImageFolder
from learntorch.vision.datasets.mnist import EMNIST, KMNIST, MNIST, QMNIST, FashionMNIST
from learntorch.vision.datasets.stl10 import STL10
from learntorch.vision.datasets.svhn import SVHN
from learntorch.vision.datasets.vision import VisionDataset

__all__ = ["CIFAR10", "CIFAR100", "DatasetFolder", "EMNIST", "FakeData", "FashionMNIST",
           "ImageFolder", "KMNIST", "MNIST", "QMNIST", "STL10", "SVHN", "VisionDataset"]
