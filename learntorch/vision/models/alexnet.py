"""AlexNet, which won ImageNet's competition of 2012 and began what followed.

Source: Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014.
"""

from learntorch import nn
from learntorch.vision.models._api import WeightsEnum, imagenet, model

__all__ = ["AlexNet", "AlexNet_Weights", "alexnet"]


class AlexNet(nn.Module):
    """Five convolutions and three linear layers: pictures (n, 3, h, w) → scores (n, num_classes).

    `dropout` is the probability with which each of 9216 and of 4096 numbers is left out.
    """

    def __init__(self, num_classes=1000, dropout=0.5):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 11, stride=4, padding=2), nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(inplace=True),
            nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(inplace=True),
            nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2))
        self.avgpool = nn.AdaptiveAvgPool2d((6, 6))
        self.classifier = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(256 * 6 * 6, 4096), nn.ReLU(inplace=True),
            nn.Dropout(dropout), nn.Linear(4096, 4096), nn.ReLU(inplace=True),
            nn.Linear(4096, num_classes))

    def forward(self, x):
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


class AlexNet_Weights(WeightsEnum):
    """Weights of `alexnet`."""

    IMAGENET1K_V1 = imagenet("alexnet-owt-7be5be79", 61100840, (56.522, 79.066), 0.714, 233.087,
                             "tree/main/references/classification#alexnet-and-vgg", min_size=63)
    DEFAULT = IMAGENET1K_V1


@model(AlexNet_Weights)
def alexnet(**kwargs):
    """AlexNet: 61 million weights, most of them in the first linear layer."""
    return AlexNet(**kwargs)
