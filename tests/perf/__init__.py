"""Benchmarks: how long learntorch takes, measured against PyTorch in the same run."""
