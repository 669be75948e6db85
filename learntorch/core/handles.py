"""The receipt for a hook."""

import itertools
import weakref


class RemovableHandle:
    """The receipt for a hook: `handle.remove()` takes the hook off, as does leaving a `with`.

    `hooks_dict` is the dictionary the hook was put into, under `handle.id`; `extra_dict` one or
    several further dictionaries that hold a remark about it. They are held weakly: a handle never
    keeps a model alive.
    """

    next_id = 0
    _ids = itertools.count()

    def __init__(self, hooks_dict, *, extra_dict=None):
        self.hooks_dict_ref = _weak(hooks_dict)
        self.id = next(RemovableHandle._ids)
        RemovableHandle.next_id = self.id + 1
        if extra_dict is None:
            extra_dict = ()
        elif isinstance(extra_dict, dict):
            extra_dict = (extra_dict,)
        self.extra_dict_ref = tuple(map(_weak, extra_dict))

    def remove(self):
        """Take the hook off. A second call does nothing."""
        for ref in (self.hooks_dict_ref, *self.extra_dict_ref):
            hooks = ref()
            if hooks is not None:
                hooks.pop(self.id, None)

    def __getstate__(self):
        return (self.hooks_dict_ref(), self.id, tuple(ref() for ref in self.extra_dict_ref))

    def __setstate__(self, state):
        hooks, self.id, extra = state
        self.hooks_dict_ref = _weak(hooks)
        self.extra_dict_ref = tuple(map(_weak, extra))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.remove()


def _weak(hooks):
    """A weak reference to `hooks`; a plain dict allows none, and None stands for itself."""
    return (lambda: hooks) if type(hooks) in (dict, type(None)) else weakref.ref(hooks)
