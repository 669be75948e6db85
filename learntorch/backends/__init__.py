"""torch.backends: the libraries PyTorch may compute with, and their switches.

None of them is used here, and every question about them says so. The switches can be set and read,
so that scripts run which set them; they change nothing.
"""

from learntorch.backends import cpu, cuda, cudnn, mkl, mkldnn, mps, openmp

__all__ = ["cpu", "cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp"]
