"""What can be set for all saves and loads, beside what a single call says.

`torch.serialization` and `torch.utils.serialization.config` show the same values.
"""

import threading
from enum import Enum


class LoadEndianness(Enum):
    """In which byte order the numbers of a file are read if the file does not say."""

    NATIVE = 1
    LITTLE = 2
    BIG = 3


class load:
    """How files are read."""

    mmap = False                # whether numbers stay in the file until they are used
    endianness = None           # a LoadEndianness; None: little, as PyTorch always was
    mmap_flags = None           # None stands for mmap.MAP_PRIVATE
    calculate_storage_offsets = False


class save:
    """How files are written."""

    compute_crc32 = True        # whether every record gets its checksum
    storage_alignment = 64      # records of numbers begin at multiples of it
    use_pinned_memory_for_d2h = False


class _OfThread(threading.local):
    skip_data = False


of_thread = _OfThread()


def get_default_load_endianness():
    """The byte order assumed for files that do not tell theirs, or None (little)."""
    return load.endianness


def set_default_load_endianness(endianness):
    """Set it. Raises TypeError unless it is a `LoadEndianness` or None."""
    if endianness is not None and not isinstance(endianness, LoadEndianness):
        raise TypeError("Invalid argument type in function set_default_load_endianness: it takes "
                        "torch.serialization.LoadEndianness.LITTLE, BIG or NATIVE, or None")
    load.endianness = endianness


def get_crc32_options():
    """Whether `torch.save` writes checksums."""
    return save.compute_crc32


def set_crc32_options(compute_crc32):
    """Set whether `torch.save` writes checksums. Without them it is faster, damage goes unnoticed,
    and other programs may refuse to unpack the file."""
    save.compute_crc32 = compute_crc32


def get_default_mmap_options():
    """`mmap.MAP_PRIVATE` or `mmap.MAP_SHARED`: what `torch.load(…, mmap=True)` does."""
    from mmap import MAP_PRIVATE
    return MAP_PRIVATE if load.mmap_flags is None else load.mmap_flags


class set_default_mmap_options:
    """Set how `torch.load(…, mmap=True)` maps; as `with` block, until its end.

    `mmap.MAP_PRIVATE`: what is written to a tensor stays in memory. `mmap.MAP_SHARED`: it goes
    into the file. Raises ValueError for anything else.
    """

    def __init__(self, flags):
        from mmap import MAP_PRIVATE, MAP_SHARED
        if flags not in (MAP_PRIVATE, MAP_SHARED):
            raise ValueError("Invalid argument in function set_default_mmap_options, expected "
                             f"mmap.MAP_PRIVATE or mmap.MAP_SHARED, but got {flags}")
        self.before = load.mmap_flags
        load.mmap_flags = flags

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        load.mmap_flags = self.before


class skip_data:
    """`with skip_data():` saves leave the room of the numbers empty, loads do not read them.

    For a program that brings the numbers in another way: the file has its full size, and only
    holes where they belong.
    """

    def __init__(self, materialize_fake_tensors=False):
        if materialize_fake_tensors:
            raise NotImplementedError("skip_data(materialize_fake_tensors=True): there are no "
                                      "fake tensors here")

    def __enter__(self):
        self.before = of_thread.skip_data
        of_thread.skip_data = True

    def __exit__(self, kind, value, traceback):
        of_thread.skip_data = self.before
