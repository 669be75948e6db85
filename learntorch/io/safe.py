"""Which names `torch.load` accepts from untrusted files: a short list, and the user's own."""

from learntorch.io.names import SAFE, public

_added = {}


def latin1(text, encoding="latin1"):
    """Bytes as protocol 2 writes them: a text of characters below 256."""
    if type(text) is not str or encoding not in ("latin1", "latin-1"):
        raise ValueError(f"_codecs.encode is allowed for latin1 only, not {encoding!r}")
    return text.encode("latin1")


def copied(data=b"", encoding="latin1"):
    """A bytearray with these bytes; never one of a given length, which could fill the memory."""
    if type(data) is str:
        data = latin1(data, encoding)
    if type(data) is not bytes:
        raise ValueError("a bytearray is made from bytes")
    return bytearray(data)


def empty():
    """b"": how protocol 2 says it. Never bytes of a given length, which could fill the memory."""
    return b""


DEFAULT = {**SAFE, "_codecs.encode": latin1, "builtins.bytearray": copied, "builtins.bytes": empty}


def table():
    """All names that are allowed now."""
    return {**DEFAULT, **_added}


def added():
    """The classes and functions the user has allowed."""
    return tuple(_added.values())


def add_safe_globals(safe_globals):
    """Allow these classes and functions (or pairs of one and its name) in `torch.load`.

    Only what you would let a stranger call with arguments of his choice.
    """
    for value in safe_globals:
        value, name = value if isinstance(value, tuple) else (value, None)
        full = name or f"{value.__module__}.{value.__qualname__}"
        if full.startswith("learntorch."):      # files say torch, and may say it in two ways
            _added["torch" + full.removeprefix("learntorch")] = value
            full = ".".join(public(value))
        _added[full] = value


def get_safe_globals():
    """The classes and functions the user has allowed."""
    return list(_added.values())


def clear_safe_globals():
    """Allow only the default names again."""
    _added.clear()


class safe_globals:
    """`with safe_globals([Class]):` allows names inside the block only."""

    def __init__(self, safe_globals):
        self.values = list(safe_globals)

    def __enter__(self):
        self.before = dict(_added)
        add_safe_globals(self.values)

    def __exit__(self, kind, value, traceback):
        _added.clear()
        _added.update(self.before)


def get_unsafe_globals_in_checkpoint(f):
    """The names in a `.pt` file (a path or an open one) that `torch.load` would refuse, in order.

    Nothing is loaded. Raises ValueError for the format from before PyTorch 1.6.
    """
    import io
    import os
    import pickletools

    from learntorch.io.archive import Reader
    file = open(f, "rb") if isinstance(f, str | os.PathLike) else f
    try:
        start = file.read(4)
        file.seek(-len(start), 1)
        if start != b"PK\x03\x04":
            raise ValueError("Expected input to be a checkpoint returned by torch.save: only its "
                             "zip format can be looked into")
        text = bytes(Reader(file).bytes("data.pkl"))
    finally:
        if file is not f:
            file.close()
    found = {}
    texts = []
    for instruction, argument, _ in pickletools.genops(io.BytesIO(text)):
        name = None
        if instruction.name == "GLOBAL":
            name = argument.replace(" ", ".")
        elif instruction.name == "STACK_GLOBAL":
            name = ".".join(texts[-2:])
        if isinstance(argument, str) and instruction.name.endswith("UNICODE"):
            texts.append(argument)
        if name and name.replace("__builtin__", "builtins") not in table():
            found[name] = None
    return list(found)
