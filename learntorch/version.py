"""Which PyTorch the library follows, with its own version as local tag."""

__version__ = "2.13.0+learntorch.0.1.0"
debug = False
cuda = None
hip = None
xpu = None
git_version = None
