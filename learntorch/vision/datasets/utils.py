"""What datasets share: fetching, unpacking, looking into folders, checking arguments."""

import os

from learntorch.utils.fetch import calculate_md5, check_integrity, check_md5, fetch
from learntorch.vision.datasets.archives import extract_archive

__all__ = ["calculate_md5", "check_integrity", "check_md5", "download_and_extract_archive",
           "download_url", "extract_archive", "list_dir", "list_files", "verify_str_arg"]


def download_url(url, root, filename=None, md5=None, max_redirect_hops=3):
    """Fetch `url` into the folder `root`, unless the file is there with the right checksum.

    `filename` defaults to the end of the URL. `max_redirect_hops` is there for PyTorch's sake.
    Raises URLError where the network fails, RuntimeError where the checksum does not agree.
    """
    root = os.path.expanduser(root)
    path = os.fspath(os.path.join(root, filename or os.path.basename(url)))
    os.makedirs(root, exist_ok=True)
    if not check_integrity(path, md5):
        fetch(url, path, md5)


def download_and_extract_archive(url, download_root, extract_root=None, filename=None, md5=None,
                                 remove_finished=False):
    """Fetch an archive into `download_root` and unpack it in `extract_root` (default: there)."""
    download_root = os.path.expanduser(download_root)
    extract_root = download_root if extract_root is None else extract_root
    filename = filename or os.path.basename(url)
    download_url(url, download_root, filename, md5)
    extract_archive(os.path.join(download_root, filename), extract_root, remove_finished)


def list_dir(root, prefix=False):
    """The folders in a folder, by name or, with `prefix`, by path."""
    root = os.path.expanduser(root)
    found = [name for name in os.listdir(root) if os.path.isdir(os.path.join(root, name))]
    return [os.path.join(root, name) for name in found] if prefix else found


def list_files(root, suffix, prefix=False):
    """The files in a folder whose names end in `suffix` (a text, or a tuple of them)."""
    root = os.path.expanduser(root)
    found = [name for name in os.listdir(root)
             if os.path.isfile(os.path.join(root, name)) and name.endswith(suffix)]
    return [os.path.join(root, name) for name in found] if prefix else found


def verify_str_arg(value, arg=None, valid_values=None, custom_msg=None):
    """The value, if it is a text and one of the valid ones. Raises ValueError otherwise."""
    if not isinstance(value, str):
        start = "Expected type str" if arg is None else f"Expected type str for argument {arg}"
        raise ValueError(f"{start}, but got type {type(value)}.")
    if valid_values is not None and value not in valid_values:
        known = "', '".join(str(v) for v in valid_values)
        raise ValueError(custom_msg or f"Unknown value '{value}' for argument {arg}. "
                                       f"Valid values are {{'{known}'}}.")
    return value
