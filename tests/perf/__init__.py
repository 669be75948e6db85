"""Benchmarks: learntorch's time against PyTorch's, in the same run, on one thread."""
import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"):
    os.environ[_name] = "1"                      # read when NumPy is imported, which is after this
