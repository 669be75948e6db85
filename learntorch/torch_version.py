"""`torch.__version__`: a text that compares as a version, so that "2.9" comes before "2.13"."""

from learntorch.version import __version__ as _number

__all__ = ["TorchVersion"]

_FORM = (r"v?(?:(?P<epoch>\d+)!)?(?P<release>\d+(?:\.\d+)*)"
         r"(?:[-_.]?(?P<pre>a|b|c|rc|alpha|beta|pre|preview)[-_.]?(?P<pre_n>\d*))?"
         r"(?:[-_.]?(?P<post>post|rev|r)[-_.]?(?P<post_n>\d*)|-(?P<post_short>\d+))?"
         r"(?:[-_.]?(?P<dev>dev)[-_.]?(?P<dev_n>\d*))?"
         r"(?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?")
_PRE = {"a": 0, "alpha": 0, "b": 1, "beta": 1, "c": 2, "rc": 2, "pre": 2, "preview": 2}
_FIRST, _LAST = (-1,), (3,)


def order(text):
    """What versions are compared by, from PEP 440: epoch, release, pre, post, dev, local part.

    None for a text that is no version.
    """
    import re
    found = re.fullmatch(_FORM, text.strip(), re.IGNORECASE)
    if found is None:
        return None
    part = found.groupdict()
    release = [int(n) for n in part["release"].split(".")]
    while release[-1] == 0 and len(release) > 1:
        del release[-1]
    has_post = part["post"] or part["post_short"]
    if part["pre"]:
        pre = (_PRE[part["pre"].lower()], int(part["pre_n"] or 0))
    else:
        pre = _FIRST if part["dev"] and not has_post else _LAST     # 1.0.dev1 < 1.0a1 < 1.0
    post = int(part["post_n"] or part["post_short"] or 0) if has_post else -1
    dev = (0, int(part["dev_n"] or 0)) if part["dev"] else (1,)
    local = tuple((1, int(p)) if p.isdigit() else (0, p)
                  for p in re.split(r"[-_.]", (part["local"] or "").lower()) if p)
    return int(part["epoch"] or 0), tuple(release), pre, post, dev, local


class TorchVersion(str):
    """A version that compares with texts and with tuples: `torch.__version__ >= (2, 1)`.

    With a text that is no version it compares as texts do, and `!=` always does, as in PyTorch.
    """

    __slots__ = ()

    def _compared(self, other, method):
        text = ".".join(str(n) for n in other) if isinstance(other, list | tuple) else other
        mine = order(self)
        theirs = order(text) if isinstance(text, str) else None
        if mine is None or theirs is None:
            return getattr(str, method)(self, other)
        return getattr(tuple, method)(mine, theirs)

    def __lt__(self, other):
        return self._compared(other, "__lt__")

    def __le__(self, other):
        return self._compared(other, "__le__")

    def __gt__(self, other):
        return self._compared(other, "__gt__")

    def __ge__(self, other):
        return self._compared(other, "__ge__")

    def __eq__(self, other):
        return self._compared(other, "__eq__")

    __hash__ = str.__hash__


__version__ = TorchVersion(_number)
