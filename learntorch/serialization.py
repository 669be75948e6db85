"""torch.serialization: saving, loading, and what loading may accept."""

from learntorch.io import (
    add_safe_globals,
    clear_safe_globals,
    get_safe_globals,
    get_unsafe_globals_in_checkpoint,
    load,
    safe_globals,
    save,
)
from learntorch.io.options import (
    LoadEndianness,
    get_crc32_options,
    get_default_load_endianness,
    get_default_mmap_options,
    set_crc32_options,
    set_default_load_endianness,
    set_default_mmap_options,
    skip_data,
)
from learntorch.io.places import default_restore_location, location_tag, register_package

DEFAULT_PROTOCOL = 2


class SourceChangeWarning(Warning):
    """The source of a module differs from the one that was saved. It is never given here: no source
    is saved."""


__all__ = ["DEFAULT_PROTOCOL", "LoadEndianness", "SourceChangeWarning", "add_safe_globals",
           "clear_safe_globals", "default_restore_location", "get_crc32_options",
           "get_default_load_endianness", "get_default_mmap_options", "get_safe_globals",
           "get_unsafe_globals_in_checkpoint", "load", "location_tag", "register_package",
           "safe_globals", "save", "set_crc32_options", "set_default_load_endianness",
           "set_default_mmap_options", "skip_data"]
