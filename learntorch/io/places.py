"""Where a storage is: the location a file names for it, and how it gets there again."""

from learntorch.core.devices import device
from learntorch.io.restricted import StorageError

_kinds = []         # (priority, tagger, deserializer) of the user's, the smallest priority first


def register_package(priority, tagger, deserializer):
    """Say how storages of another place are saved and loaded.

    `tagger(storage)` gives the location to write, `deserializer(storage, location)` the storage
    there; both may give None for storages that are not theirs. Small priorities are asked first.
    """
    _kinds.append((priority, tagger, deserializer))
    _kinds.sort(key=lambda kind: kind[0])


def location_tag(storage):
    """The location that a file says of a storage: "cpu"."""
    for _, tagger, _ in _kinds:
        location = tagger(storage)
        if location:
            return location
    return "cpu"


def locate(map_location):
    """`place(storage, location)` for a `map_location`."""
    if map_location is None:
        return default_restore_location
    if isinstance(map_location, dict):
        return lambda storage, location: default_restore_location(
            storage, map_location.get(location, location))
    if isinstance(map_location, str | device):
        wanted = str(device(map_location))
        return lambda storage, _: default_restore_location(storage, wanted)

    def ask(storage, location):
        answer = map_location(storage, location)
        return default_restore_location(storage, location) if answer is None else answer

    return ask


def default_restore_location(storage, location):
    """The storage at its location, which must be this computer's main memory.

    Raises RuntimeError where it is anywhere else, unless `register_package` has said how.
    """
    for _, _, deserializer in _kinds:
        found = deserializer(storage, location)
        if found is not None:
            return found
    kind = location.split(":")[0]
    if kind == "cpu":
        return storage
    if kind == "cuda":
        raise StorageError("Attempting to deserialize object on a CUDA device but "
                           "torch.cuda.is_available() is False. If you are running on a CPU-only "
                           "machine, please use torch.load with map_location=torch.device('cpu') "
                           "to map your storages to the CPU.")
    raise StorageError("don't know how to restore data location of torch.storage.UntypedStorage "
                       f"(tagged with {location}). map_location='cpu' brings it to this machine.")
