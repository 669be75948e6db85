"""torch.hub: files of weights, fetched once and kept.

They lie where PyTorch keeps them, so what one of the two has fetched the other finds: in
$TORCH_HOME/hub/checkpoints, where TORCH_HOME is $XDG_CACHE_HOME/torch or ~/.cache/torch.
"""

import os
import sys

from learntorch.utils.fetch import fetch

__all__ = ["download_url_to_file", "get_dir", "help", "list", "load", "load_state_dict_from_url",
           "set_dir"]

CHOSEN = {}     # the folder, once `set_dir` was called


def get_dir():
    """The folder in which everything is kept: that of `set_dir`, else $TORCH_HOME/hub."""
    if "dir" in CHOSEN:
        return CHOSEN["dir"]
    cache = os.getenv("XDG_CACHE_HOME", "~/.cache")
    home = os.getenv("TORCH_HOME", os.path.join(cache, "torch"))
    return os.path.join(os.path.expanduser(home), "hub")


def set_dir(d):
    """Keep everything in the folder `d` from now on."""
    CHOSEN["dir"] = os.path.expanduser(d)


def load_state_dict_from_url(url, model_dir=None, map_location=None, progress=True,
                             check_hash=False, file_name=None, weights_only=True):
    """What `torch.load` makes of the file at `url`, which is fetched unless it is there.

    model_dir: where it is kept (default: `get_dir()`/checkpoints); file_name: its name there;
    check_hash: the name ends in the first digits of the file's SHA-256, `name-0123abcd.pth`, and
    they must agree. With weights_only, here the default, the file can hold nothing but data.

    Raises URLError where the network fails, RuntimeError for a wrong file; both say where to put
    a file that came in another way.
    """
    import re
    from urllib.parse import urlparse

    from learntorch.io import load as load_file
    model_dir = os.path.join(get_dir(), "checkpoints") if model_dir is None else model_dir
    os.makedirs(model_dir, exist_ok=True)
    name = file_name or os.path.basename(urlparse(url).path)
    path = os.path.join(model_dir, name)
    if not os.path.exists(path):
        digits = re.search(r"-([a-f0-9]*)\.", name) if check_hash else None
        print(f'Downloading: "{url}" to {path}\n', file=sys.stderr)
        fetch(url, path, sha256=digits.group(1) if digits else None, quiet=not progress)
    return load_file(path, map_location=map_location, weights_only=weights_only)


def download_url_to_file(url, dst, hash_prefix=None, progress=True):
    """Fetch `url` into the file `dst`, whether or not there is one; hash_prefix: how its SHA-256
    begins. What was there stays if anything fails: URLError or RuntimeError."""
    dst = os.path.expanduser(dst)
    fresh = os.fspath(dst) + ".new"
    fetch(url, fresh, sha256=hash_prefix, quiet=not progress)
    os.replace(fresh, dst)


# ---- hubconf.py ------------------------------------------------------------------------------


def entries(folder, source):
    """The module `hubconf` in a folder. Raises ValueError where the source is not "local"."""
    from importlib.util import module_from_spec, spec_from_file_location
    if source not in ("local", "github"):
        raise ValueError(f'Unknown source: "{source}". Allowed values: "github" | "local".')
    if source == "github":
        raise ValueError(f"learntorch fetches no programs from the network: get {folder} yourself, "
                         'look at it, and call with its folder and source="local".')
    spec = spec_from_file_location("hubconf", os.path.join(folder, "hubconf.py"))
    module = module_from_spec(spec)
    sys.path.insert(0, os.fspath(folder))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(os.fspath(folder))
    return module


def entry(folder, model, source):
    """A function of `hubconf.py` by name. Raises RuntimeError where there is none."""
    module = entries(folder, source)
    absent = [name for name in getattr(module, "dependencies", ()) if not installed(name)]
    if absent:
        raise RuntimeError(f"Missing dependencies: {', '.join(absent)}")
    function = getattr(module, model, None)
    if not callable(function):
        raise RuntimeError(f"Cannot find callable {model} in hubconf")
    return function


def installed(name):
    """Whether a module can be imported."""
    from importlib.util import find_spec
    return name in sys.modules or find_spec(name) is not None


def load(repo_or_dir, model, *args, source="github", trust_repo="check", force_reload=False,
         verbose=True, skip_validation=False, **kwargs):
    """What the function `model` in the folder's `hubconf.py` returns; source must be "local".

    The other options are for repositories in the network, which learntorch does not fetch.
    """
    return entry(repo_or_dir, model, source)(*args, **kwargs)


def list(github, force_reload=False, skip_validation=False, trust_repo="check", verbose=True,
         source="local"):
    """The names of the functions in the folder's `hubconf.py`."""
    module = entries(github, source)
    return [name for name in dir(module) if callable(getattr(module, name)) and name[0] != "_"]


def help(github, model, force_reload=False, skip_validation=False, trust_repo="check",
         source="local"):
    """The docstring of the function `model` in the folder's `hubconf.py`."""
    return entry(github, model, source).__doc__
