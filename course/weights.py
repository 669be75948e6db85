"""Weights that somebody else has trained, as files in the package: nothing is downloaded."""

from pathlib import Path

__all__ = ["MOBILENET", "mobilenet"]

DATA = Path(__file__).parent / "data"
MOBILENET = "mobilenet_v2-b0353104.pth"     # the digits are the beginning of its SHA-256


def mobilenet():
    """The path, as text, of MobileNetV2's weights for ImageNet: torchvision's file, 14 MB."""
    return str(DATA / MOBILENET)
