"""The fixed conditions under which chapters run, and what a run cost."""

import os
from pathlib import Path

__all__ = ["HASWELL", "ONE_CORE", "USAGE", "elsewhere", "environment"]

ROOT = Path(__file__).resolve().parents[2]

ONE_CORE = {
    "PYTHONHASHSEED": "0",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "LEARNTORCH_PROGRESS": "off",
}

# Another matrix product: older instructions, other block sizes, sums split over two threads.
HASWELL = {"OPENBLAS_CORETYPE": "Haswell", "OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"}

# An expression the kernel evaluates at the end: seconds of CPU, and peak memory in bytes.
USAGE = "__import__('course.authoring.kernel', fromlist=['usage']).usage()"


def elsewhere():
    """What makes this machine compute as another one does: HASWELL, and NumPy without the newer
    instructions that it would choose here."""
    from numpy._core import _multiarray_umath as numpy_core

    have = numpy_core.__cpu_features__
    chosen = [name for name in numpy_core.__cpu_dispatch__ if have.get(name)]
    return {**HASWELL, **({"NPY_DISABLE_CPU_FEATURES": " ".join(chosen)} if chosen else {})}


def environment(**changes):
    """The environment variables of a kernel that runs a chapter under its fixed conditions."""
    path = os.pathsep.join(p for p in (str(ROOT), os.environ.get("PYTHONPATH")) if p)
    fixed = {"PYTHONPATH": path, "PYTHONSTARTUP": str(Path(__file__).with_name("startup.py"))}
    return {**os.environ, **ONE_CORE, **fixed, **changes}


def usage():
    """Seconds of CPU used by this process, and the most memory it has held, in bytes."""
    import time

    return time.process_time(), peak_memory()


def peak_memory():
    """Peak resident memory of this process in bytes."""
    status = Path("/proc/self/status")
    if status.exists():
        # ru_maxrss would also count the process that started this one.
        for line in status.read_text("ascii", "replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    try:
        import resource
        import sys
    except ImportError:
        import psutil

        return psutil.Process().memory_info().peak_wset
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
