"""Writing a file so that it is always whole: the old one or the new one, whatever happens."""

import os
from contextlib import contextmanager

ENDING = ".saving"


@contextmanager
def writing(path):
    """A binary file to write into, which takes the place of `path` when all is on the disk.

    The new bytes go to a file beside it, are synced, and the name is changed in one step: a
    process killed at any moment leaves the file as it was, or as it is to be. What a killed
    process left behind is swept up by the next save. Devices and pipes are written to directly.
    """
    path = os.path.realpath(os.fspath(path))
    folder, name = os.path.split(path)
    if os.path.exists(path) and not os.path.isfile(path):
        with open(path, "wb") as file:
            yield file
        return
    if not os.path.isdir(folder):
        raise RuntimeError(f"Parent directory {folder} does not exist. Make it first: "
                           f"os.makedirs({folder!r})")
    sweep(folder, name)
    beside = os.path.join(folder, f".{name}.{os.getpid()}{ENDING}")
    try:
        with open(beside, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if os.path.exists(path):
            os.chmod(beside, os.stat(path).st_mode & 0o7777)
        os.replace(beside, path)
    except BaseException:
        if os.path.exists(beside):
            os.unlink(beside)
        raise
    sync_folder(folder)


def sync_folder(folder):
    """Put a change of names on the disk, where the system lets folders be synced."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep(folder, name):
    """Remove what saves of `name` left whose process is gone."""
    if os.name != "posix":      # elsewhere there is no harmless way to ask whether one runs
        return
    for found in os.listdir(folder):
        if found.startswith(f".{name}.") and found.endswith(ENDING):
            pid = found[len(name) + 2:-len(ENDING)]
            if pid.isdigit() and int(pid) != os.getpid() and not running(int(pid)):
                os.unlink(os.path.join(folder, found))


def running(pid):
    """Whether there is a process of this number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
