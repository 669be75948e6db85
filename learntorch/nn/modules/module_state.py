"""State dictionaries: what a module holds, by name, and how it is put back.

Loading is all or nothing: where it fails, every parameter and buffer is as it was before.
"""

import copy
import itertools
import warnings
from collections import OrderedDict, namedtuple
from collections.abc import Mapping

from learntorch.core.ambient import no_grad
from learntorch.core.tensor import Tensor
from learntorch.nn.modules.module_hooks import _add
from learntorch.nn.parameter import Parameter, is_lazy

_EXTRA_STATE = "_extra_state"


class _IncompatibleKeys(namedtuple("_IncompatibleKeys", ("missing_keys", "unexpected_keys"))):
    """What `load_state_dict` returns: names that were not given, and given ones nobody wants."""

    __slots__ = ()

    def __repr__(self):
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return super().__repr__()

    __str__ = __repr__


class _MustReturnNone:
    """A public state_dict post-hook: it may change the dictionary, but not replace it."""

    def __init__(self, hook):
        self.hook = hook

    def __call__(self, module, state_dict, prefix, local_metadata):
        if self.hook(module, state_dict, prefix, local_metadata) is not None:
            raise RuntimeError("state_dict post-hook must return None")


class _WithModule:
    """A load_state_dict pre-hook that is given its module first."""

    def __init__(self, hook, module):
        self.hook = hook
        self.module = module

    def __call__(self, *args):
        return self.hook(self.module, *args)


class ModuleState:
    """The part of Module that saves and loads."""

    def get_extra_state(self):
        """What besides tensors belongs into the state_dict. Meant to be replaced."""
        raise RuntimeError("Reached a code path in Module.get_extra_state() that should never be "
                           "called: a subclass with extra state replaces this method.")

    def set_extra_state(self, state):
        """Take back what `get_extra_state` returned. Meant to be replaced."""
        raise RuntimeError("Reached a code path in Module.set_extra_state() that should never be "
                           "called: a subclass with extra state replaces this method.")

    def register_state_dict_pre_hook(self, hook):
        """Call `hook(module, prefix, keep_vars)` before a state_dict is made."""
        return _add(self._state_dict_pre_hooks, hook)

    def register_state_dict_post_hook(self, hook):
        """Call `hook(module, state_dict, prefix, local_metadata)` when a state_dict is made."""
        return _add(self._state_dict_hooks, _MustReturnNone(hook))

    def _register_state_dict_hook(self, hook):
        """As `register_state_dict_post_hook`, but what the hook returns replaces the dictionary."""
        return _add(self._state_dict_hooks, hook)

    def register_load_state_dict_pre_hook(self, hook):
        """Call `hook(module, state_dict, prefix, local_metadata, strict, missing_keys,
        unexpected_keys, error_msgs)` before the module's own entries are loaded."""
        return self._register_load_state_dict_pre_hook(hook, with_module=True)

    def _register_load_state_dict_pre_hook(self, hook, with_module=False):
        return _add(self._load_state_dict_pre_hooks,
                    _WithModule(hook, self) if with_module else hook)

    def register_load_state_dict_post_hook(self, hook):
        """Call `hook(module, incompatible_keys)` after loading; it may change the two lists."""
        return _add(self._load_state_dict_post_hooks, hook)

    def state_dict(self, *args, destination=None, prefix="", keep_vars=False):
        """Every parameter and persistent buffer under its dotted name.

        The tensors share memory with the module: clone what must not change. They are detached
        unless `keep_vars`.
        """
        if args:
            warnings.warn("Positional args are being deprecated, use kwargs instead. Refer to "
                          "https://pytorch.org/docs/main/generated/torch.nn.Module.html"
                          "#torch.nn.Module.state_dict for details.", FutureWarning, stacklevel=2)
            given = dict(zip(("destination", "prefix", "keep_vars"), args))
            destination = given.get("destination", destination)
            prefix = given.get("prefix", prefix)
            keep_vars = given.get("keep_vars", keep_vars)
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        local_metadata = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = local_metadata
        for hook in self._state_dict_pre_hooks.values():
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=destination, prefix=f"{prefix}{name}.",
                                  keep_vars=keep_vars)
        for hook in self._state_dict_hooks.values():
            changed = hook(self, destination, prefix, local_metadata)
            if changed is not None:
                destination = changed
        return destination

    def _save_to_state_dict(self, destination, prefix, keep_vars):
        """Write the module's own entries (not those of its parts) into `destination`."""
        for name, value in self._own_state().items():
            destination[prefix + name] = value if keep_vars else value.detach()
        if self._has_extra("get_extra_state"):
            destination[prefix + _EXTRA_STATE] = self.get_extra_state()

    def _own_state(self):
        """The module's own parameters and persistent buffers by name."""
        persistent = {name: value for name, value in self._buffers.items()
                      if name not in self._non_persistent_buffers_set}
        return {name: value for name, value in (*self._parameters.items(), *persistent.items())
                if value is not None}

    def _has_extra(self, method):
        return getattr(type(self), method) is not getattr(ModuleState, method)

    def load_state_dict(self, state_dict, strict=True, assign=False):
        """Copy the values of `state_dict` into the module (or, with `assign`, take its tensors).

        Returns the missing and the unexpected names; `strict` makes them an error. Raises
        RuntimeError naming everything that does not fit, and then nothing has changed.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        metadata = getattr(state_dict, "_metadata", None)
        state_dict = OrderedDict(state_dict)
        if metadata is not None:
            state_dict._metadata = metadata     # hooks may look at it
        before = _Snapshot(self, state_dict)
        loading = _Loading(metadata, assign)
        try:
            loading.load(self, state_dict, "")
            loading.check(self, state_dict, strict)
        except BaseException:
            before.restore()
            raise
        return _IncompatibleKeys(loading.missing_keys, loading.unexpected_keys)

    def _load_from_state_dict(self, state_dict, prefix, local_metadata, strict, missing_keys,
                              unexpected_keys, error_msgs):
        """Take the module's own entries (not those of its parts) out of `state_dict`.

        Subclasses replace this to read older formats; names and errors go into the three lists.
        """
        for hook in tuple(self._load_state_dict_pre_hooks.values()):
            hook(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys,
                 error_msgs)
        own = self._own_state()
        assign = local_metadata.get("assign_to_params_buffers", False)
        for name, current in own.items():
            key = prefix + name
            if key in state_dict:
                trouble = self._load_one(name, key, current, state_dict[key], assign)
                if trouble:
                    error_msgs.append(trouble)
            elif strict:
                missing_keys.append(key)
        self._load_extra(state_dict, prefix + _EXTRA_STATE, strict, missing_keys, unexpected_keys)
        if strict:
            self._note_unexpected(state_dict, prefix, own, unexpected_keys)

    def _load_one(self, name, key, current, given, assign):
        """Copy `given` into the tensor `current`; return what is wrong where it cannot be."""
        if not isinstance(given, Tensor):
            return (f'While copying the parameter named "{key}", expected torch.Tensor or '
                    f"Tensor-like object from checkpoint but received {type(given)}")
        if is_lazy(given) and is_lazy(current):
            return None
        if current.dim() == 0 and given.size() == (1,):
            given = given[0]                    # how PyTorch 0.3 saved a scalar
        if not is_lazy(given) and given.shape != current.shape:
            return (f"size mismatch for {key}: copying a param with shape {given.shape} from "
                    f"checkpoint, the shape in current model is {current.shape}.")
        try:
            with no_grad():
                if not assign:
                    current.copy_(given)
                elif isinstance(current, Parameter):
                    setattr(self, name, _as_parameter_like(given, current))
                else:
                    setattr(self, name, given)
        except Exception as error:
            return (f'While copying the parameter named "{key}", whose dimensions in the model are '
                    f"{current.size()} and whose dimensions in the checkpoint are {given.size()}, "
                    f"an exception occurred : {error.args}.")
        return None

    def _load_extra(self, state_dict, key, strict, missing_keys, unexpected_keys):
        if self._has_extra("set_extra_state"):
            if key in state_dict:
                self.set_extra_state(state_dict[key])
            elif strict:
                missing_keys.append(key)
        elif strict and key in state_dict:
            unexpected_keys.append(key)

    def _note_unexpected(self, state_dict, prefix, own, unexpected_keys):
        """Names with this prefix that are neither the module's own nor one of its parts'."""
        for key in state_dict:
            if not key.startswith(prefix) or key == prefix + _EXTRA_STATE:
                continue
            first, dot, _ = key[len(prefix):].partition(".")
            if first not in (self._modules if dot else own):
                unexpected_keys.append(key)


class _Loading:
    """One `load_state_dict` under way: what was found missing, unexpected or wrong so far."""

    def __init__(self, metadata, assign):
        self.metadata = metadata or {}
        self.assign = assign
        self.missing_keys = []
        self.unexpected_keys = []
        self.error_msgs = []

    def load(self, module, state_dict, prefix):
        """Load `module`, then its parts, each with the names below its own prefix."""
        local_metadata = self.metadata.get(prefix[:-1], {})
        if self.assign:
            local_metadata["assign_to_params_buffers"] = True
        module._load_from_state_dict(state_dict, prefix, local_metadata, True, self.missing_keys,
                                     self.unexpected_keys, self.error_msgs)
        for name, part in module._modules.items():
            if part is not None:
                path = f"{prefix}{name}."
                below = {k: v for k, v in state_dict.items() if k.startswith(path)}
                self.load(part, below, path)
        keys = _IncompatibleKeys(self.missing_keys, self.unexpected_keys)
        for hook in module._load_state_dict_post_hooks.values():
            if hook(module, keys) is not None:
                raise AssertionError(
                    "Hooks registered with ``register_load_state_dict_post_hook`` are not expected "
                    "to return new values, if incompatible_keys need to be modified, it should be "
                    "done inplace.")

    def check(self, module, state_dict, strict):
        """Raise RuntimeError with everything that was wrong, if anything was."""
        found = list(self.error_msgs)
        if strict and self.unexpected_keys:
            found.insert(0, f"Unexpected key(s) in state_dict: {_quoted(self.unexpected_keys)}. ")
        if strict and self.missing_keys:
            found.insert(0, f"Missing key(s) in state_dict: {_quoted(self.missing_keys)}. ")
        if found:
            advice = _advice(module, state_dict)
            raise RuntimeError("Error(s) in loading state_dict for "
                               f"{type(module).__name__}:\n\t" + "\n\t".join(found) + advice)


class _Snapshot:
    """All that loading can change in a module and its parts, so that it can be taken back."""

    def __init__(self, module, state_dict):
        self.tables = []
        self.values = []
        self.waiting = []
        self.extra = []
        for path, part in module.named_modules():
            for table in (part._parameters, part._buffers):
                self.tables.append((table, dict(table)))
            if (path + "." if path else "") + _EXTRA_STATE in state_dict:
                self._keep_extra(part)
        for t in itertools.chain(module.parameters(), module.buffers()):
            if is_lazy(t):
                self.waiting.append((t, type(t), dict(t.__dict__)))
            else:
                self.values.append((t, t.detach().clone()))

    def _keep_extra(self, part):
        if not (part._has_extra("get_extra_state") and part._has_extra("set_extra_state")):
            return
        try:
            self.extra.append((part, copy.deepcopy(part.get_extra_state())))
        except Exception:       # not ready yet: it has nothing to lose
            return

    def restore(self):
        """Put everything back."""
        for table, content in self.tables:
            table.clear()
            table.update(content)
        with no_grad():
            for t, old in self.values:
                t.copy_(old)
        for t, kind, own in self.waiting:
            t.__dict__.clear()
            t.__class__ = kind
            t.__dict__.update(own)
        for part, state in self.extra:
            part.set_extra_state(state)


def _as_parameter_like(given, current):
    if not isinstance(given, Parameter):
        return Parameter(given, requires_grad=current.requires_grad)
    return given.requires_grad_(current.requires_grad)


def _quoted(names):
    return ", ".join(f'"{name}"' for name in names)


def _advice(module, state_dict):
    """One sentence on the usual reason for names that do not fit."""
    wanted = set(module.state_dict())
    given = set(state_dict)
    if given and all(k.startswith("module.") for k in given - wanted) and given - wanted:
        return ("\nEvery name begins with 'module.': the model was saved inside DataParallel. Take "
                "the prefix off: {k.removeprefix('module.'): v for k, v in state_dict.items()}")
    if given & {"state_dict", "model_state_dict", "model"}:
        return ("\nThis looks like a whole checkpoint: give load_state_dict the entry that holds "
                "the model's own state_dict.")
    return ""
