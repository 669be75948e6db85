"""LeNet-5, the network that read cheques. It is not part of torchvision.

Source: LeCun et al., "Gradient-Based Learning Applied to Document Recognition", 1998.
"""

from learntorch import nn

__all__ = ["LeNet"]


class LeNet(nn.Module):
    """Two convolutions and three linear layers: digits (n, 1, 28, 28) → scores (n, num_classes).

    With relu and max-pooling, as it is built today; the paper has tanh, averages that are weighted,
    and distances to drawings of the digits at the end. 61,706 weights.
    """

    def __init__(self, num_classes=10):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2))
        self.classifier = nn.Sequential(
            nn.Linear(16 * 5 * 5, 120), nn.ReLU(),
            nn.Linear(120, 84), nn.ReLU(),
            nn.Linear(84, num_classes))

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))
