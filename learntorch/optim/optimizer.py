"""What every optimizer has: parameter groups, state per parameter, hooks, state_dict.

An optimizer is given parameters once and then asked, after every backward, to `step()`: change each
parameter with the help of its `.grad`. How it is changed is the business of the classes in the
files beside this one; this file knows nothing of it.
"""

import functools
import warnings
from collections import OrderedDict, defaultdict
from copy import deepcopy

import numpy as np

from learntorch.core.dtypes import float32, float64, get_default_dtype
from learntorch.core.handles import RemovableHandle
from learntorch.core.tensor import Tensor, wrap

_HOOKS = ("step_pre", "step_post", "state_dict_pre", "state_dict_post",
          "load_state_dict_pre", "load_state_dict_post")
_global_optimizer_pre_hooks = OrderedDict()
_global_optimizer_post_hooks = OrderedDict()


class _Required:
    """Stands as the default of an option that every group has to give."""

    def __repr__(self):
        return "<required parameter>"


required = _Required()


def register_optimizer_step_pre_hook(hook):
    """Call `hook(optimizer, args, kwargs)` before every step of every optimizer.

    The hook returns None, or the pair (args, kwargs) to use instead. Returns a handle whose
    `remove()` takes the hook away.
    """
    handle = RemovableHandle(_global_optimizer_pre_hooks)
    _global_optimizer_pre_hooks[handle.id] = hook
    return handle


def register_optimizer_step_post_hook(hook):
    """Call `hook(optimizer, args, kwargs)` after every step of every optimizer.

    Returns a handle whose `remove()` takes the hook away.
    """
    handle = RemovableHandle(_global_optimizer_post_hooks)
    _global_optimizer_post_hooks[handle.id] = hook
    return handle


def run_step_hooks(step):
    """`step` with the step hooks around it, once even where a step calls its parent's."""

    @functools.wraps(step)
    def hooked(*args, **kwargs):
        self = args[0]
        if type(self).step is not hooked:
            return step(*args, **kwargs)
        before, after = self._optimizer_step_pre_hooks, self._optimizer_step_post_hooks
        if before or _global_optimizer_pre_hooks:
            for hook in (*_global_optimizer_pre_hooks.values(), *before.values()):
                args, kwargs = _replaced(hook(self, args, kwargs), args, kwargs, step)
        self._opt_called = True             # learning rate schedules warn when they came first
        result = step(*args, **kwargs)
        if after or _global_optimizer_post_hooks:
            for hook in (*after.values(), *_global_optimizer_post_hooks.values()):
                hook(self, args, kwargs)
        return result

    hooked.hooked = True
    return hooked


def _replaced(result, args, kwargs, step):
    if result is None:
        return args, kwargs
    if isinstance(result, tuple) and len(result) == 2:
        return result
    raise RuntimeError(f"{step} must return None or a tuple of (new_args, new_kwargs), "
                       f"but got {result}.")


def _typename(x):
    """How PyTorch names the type of a value in its messages: torch.FloatTensor, int, str."""
    if isinstance(x, Tensor):
        return x.type()
    kind = x if isinstance(x, type) else type(x)
    if kind.__module__ == "builtins":
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"


class Optimizer:
    """Base class of all optimizers.

    `params`: an iterable of tensors, of (name, tensor) pairs, or of dicts; each dict is a group
    with the entry "params" and the options that differ from `defaults`. The order must be the same
    in every run, so sets are refused.

    `defaults`: the options of the optimizer and their values where a group says nothing.

    `param_groups` is the list of groups (dicts with "params" and all options), `state` maps each
    parameter to what the optimizer remembers of it.
    """

    # options that came after the first release: what a state_dict without them means
    _added_options = {}
    # entries of a parameter's state that are 0-d tensors, and were numbers in old state_dicts
    _counters = ()

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        step = cls.__dict__.get("step")
        if step is not None and not hasattr(step, "hooked"):
            cls.step = run_step_hooks(step)

    def __init__(self, params, defaults):
        self.defaults = defaults
        self._make_hook_tables()
        if isinstance(params, Tensor):
            raise TypeError("params argument given to the optimizer should be an iterable of "
                            f"Tensors or dicts, but got {_typename(params)}. "
                            "A single tensor goes into a list: "
                            f"optim.{type(self).__name__}([tensor], ...).")
        self.state = defaultdict(dict)
        self.param_groups = []
        groups = _as_list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list. If the parameters came from "
                             "an iterator such as model.parameters(), it may have been used up "
                             "before: call it again.")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def _make_hook_tables(self):
        for name in _HOOKS:
            self.__dict__.setdefault(f"_optimizer_{name}_hooks", OrderedDict())

    def __getstate__(self):
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state):
        """Take over {"state": ..., "param_groups": ...} from a copy, a pickle or a file."""
        self.__dict__.update(state)
        self._make_hook_tables()
        self.defaults.setdefault("differentiable", False)
        for group in self.param_groups:
            for name, value in self._added_options.items():
                group.setdefault(name, value)
            for param in group["params"]:
                self._lift_counters(self.state.get(param), group)

    def _lift_counters(self, state, group):
        """Make 0-d tensors of counters that an old state_dict holds as Python numbers."""
        for name in self._counters if state else ():
            value = state[name]
            if not isinstance(value, Tensor):
                state[name] = self._counter(group, float(value))

    def _counter(self, group, value=0.0):
        """A 0-d tensor for the state: float32, or float64 where that is the default dtype."""
        wide = get_default_dtype() is float64 and not group.get("fused")
        return wrap(np.array(value, np.float64 if wide else np.float32))

    def __repr__(self):
        text = f"{type(self).__name__} ("
        for i, group in enumerate(self.param_groups):
            text += f"\nParameter Group {i}\n"
            for key in sorted(group):
                if key != "params":
                    text += f"    {key}: {group[key]}\n"
        return text + ")"

    # ---- hooks

    @staticmethod
    def profile_hook_step(func):
        """`func`, a step method, with the registered step hooks run before and after it."""
        return run_step_hooks(func)

    def _register(self, name, hook, prepend=False):
        table = getattr(self, f"_optimizer_{name}_hooks")
        handle = RemovableHandle(table)
        table[handle.id] = hook
        if prepend:
            table.move_to_end(handle.id, last=False)
        return handle

    def register_step_pre_hook(self, hook):
        """Call `hook(optimizer, args, kwargs)` before each `step`.

        It returns None, or the pair (args, kwargs) to use instead; `args[0]` is the optimizer.
        """
        return self._register("step_pre", hook)

    def register_step_post_hook(self, hook):
        """Call `hook(optimizer, args, kwargs)` after each `step`."""
        return self._register("step_post", hook)

    def register_state_dict_pre_hook(self, hook, prepend=False):
        """Call `hook(optimizer)` before `state_dict` collects anything."""
        return self._register("state_dict_pre", hook, prepend)

    def register_state_dict_post_hook(self, hook, prepend=False):
        """Call `hook(optimizer, state_dict)` on what `state_dict` is about to return.

        It may change the dict, or return another one.
        """
        return self._register("state_dict_post", hook, prepend)

    def register_load_state_dict_pre_hook(self, hook, prepend=False):
        """Call `hook(optimizer, state_dict)` on a shallow copy of what is about to be loaded.

        It may change the copy, or return another dict.
        """
        return self._register("load_state_dict_pre", hook, prepend)

    def register_load_state_dict_post_hook(self, hook, prepend=False):
        """Call `hook(optimizer)` after `load_state_dict`."""
        return self._register("load_state_dict_post", hook, prepend)

    # ---- saving and loading

    def state_dict(self):
        """Everything needed to go on later: {"state": {0: {...}, ...}, "param_groups": [...]}.

        Parameters are replaced by their number, counted through the groups in order. The tensors
        are the optimizer's own, not copies.
        """
        for hook in self._optimizer_state_dict_pre_hooks.values():
            hook(self)
        number = {}
        groups = []
        start = 0
        for group in self.param_groups:
            params = group["params"]
            number.update({id(param): i for i, param in enumerate(params, start)
                           if id(param) not in number})
            packed = {key: value for key, value in group.items() if key != "params"}
            packed["params"] = [number[id(param)] for param in params]
            groups.append(packed)
            start += len(params)
        state = {number[id(key)] if isinstance(key, Tensor) else key: value
                 for key, value in self.state.items()}
        result = {"state": state, "param_groups": groups}
        for hook in self._optimizer_state_dict_post_hooks.values():
            changed = hook(self, result)
            if changed is not None:
                result = changed
        return result

    def load_state_dict(self, state_dict):
        """Go on from what `state_dict()` returned, here or in PyTorch.

        State is matched to parameters by position, cast to the dtype and device of the parameter
        (except the step counter), and put in place only when all of it is right: after an error
        the optimizer is as it was.

        Raises ValueError when the groups differ in number or size.
        """
        state_dict = state_dict.copy()
        for hook in self._optimizer_load_state_dict_pre_hooks.values():
            changed = hook(self, state_dict)
            if changed is not None:
                state_dict = changed
        groups, saved = self.param_groups, deepcopy(state_dict["param_groups"])
        _check_groups(groups, saved)
        owner = {}
        for group, other in zip(groups, saved, strict=True):
            for param, key in zip(group["params"], other["params"], strict=True):
                owner[key] = param, other
        state = defaultdict(dict)
        for key, value in state_dict["state"].items():
            if key in owner:
                param, options = owner[key]
                state[param] = _cast(value, param, options)
            else:
                state[key] = value
        for group, other in zip(groups, saved, strict=True):
            other["params"] = group["params"]
            if "param_names" in group:
                other.setdefault("param_names", group["param_names"])
        before = {"state": self.state, "param_groups": groups}
        try:
            self.__setstate__({"state": state, "param_groups": saved})
        except BaseException:
            self.__dict__.update(before)
            raise
        for hook in self._optimizer_load_state_dict_post_hooks.values():
            hook(self)

    # ---- the life of an optimizer

    def zero_grad(self, set_to_none=True):
        """Forget the gradients: `.grad` becomes None, or is filled with zeros.

        With None a parameter that takes no part in the next backward is left alone by `step`; with
        zeros it is stepped as if its gradient were 0 (momentum and weight decay still move it).
        """
        for group in self.param_groups:
            for param in group["params"]:
                if set_to_none:
                    param.grad = None
                elif param.grad is not None:
                    grad = param.grad
                    if grad.grad_fn is not None:
                        grad.detach_()
                    else:
                        grad.requires_grad_(False)
                    grad.zero_()

    def step(self, closure=None):
        """Change every parameter once; `closure()`, if given, computes loss and gradients first."""
        raise NotImplementedError

    def add_param_group(self, param_group):
        """Add a group of parameters with options of its own, e.g. layers that were frozen before.

        `param_group`: a dict with "params" (a tensor, or an ordered iterable of tensors or of
        (name, tensor) pairs) and any options; what it leaves out has the optimizer's defaults.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        params = param_group["params"]
        if isinstance(params, Tensor):
            params = [params]
        elif isinstance(params, set):
            raise TypeError("optimizer parameters need to be organized in ordered collections, but "
                            "the ordering of tensors in sets will change between runs. "
                            "Please use a list instead.")
        params, names = _split_names(_as_list(params))
        for param in params:
            self._check_param(param)
        param_group["params"] = params
        if names:
            param_group["param_names"] = names
        for name, default in self.defaults.items():
            if default is required and name not in param_group:
                raise ValueError("parameter group didn't specify a value of required optimization "
                                 f"parameter {name}")
            param_group.setdefault(name, default)
        self._check_overlap(param_group)
        self.param_groups.append(param_group)

    def _check_param(self, param):
        if not isinstance(param, Tensor):
            hint = ""
            if isinstance(param, str):
                hint = ". Give the parameters themselves, e.g. model.parameters(), not their names"
            elif hasattr(param, "parameters"):
                hint = ". Give model.parameters(), not the module"
            raise TypeError("optimizer can only optimize Tensors, but one of the params is "
                            f"{_typename(param)}{hint}")
        if not self.defaults.get("differentiable") and not (param.is_leaf or param.retains_grad):
            raise ValueError("can't optimize a non-leaf Tensor. It was computed from others, so "
                             "changing it would not last: optimize the tensors it comes from, or "
                             "a copy made with .detach().requires_grad_()")

    def _check_overlap(self, param_group):
        params = set(param_group["params"])
        if len(params) != len(param_group["params"]):
            warnings.warn("optimizer contains a parameter group with duplicate parameters; in "
                          "future, this will cause an error; see "
                          "github.com/pytorch/pytorch/issues/40967 for more information",
                          stacklevel=4)
        named = "param_names" in param_group
        for group in self.param_groups:
            if named != ("param_names" in group):
                raise ValueError("all optimizer param groups should be with/without names. cannot "
                                 f"add param group {'with' if named else 'without'} names "
                                 "to the optimizer")
        for group in self.param_groups:
            if not params.isdisjoint(group["params"]):
                raise ValueError("some parameters appear in more than one parameter group")


def _as_list(params):
    try:
        return list(params)
    except TypeError as error:
        if hasattr(params, "parameters"):
            raise TypeError(f"{error}: give the optimizer model.parameters()") from None
        raise


def _split_names(params):
    """(tensors, names) of a list of tensors, or of (name, tensor) pairs."""
    pairs = [param for param in params if isinstance(param, tuple)]
    if pairs and len(pairs) != len(params):
        raise ValueError("all optimizer params should be with/without names. "
                         "Some param names are missing")
    if pairs:
        return [pair[1] for pair in pairs], [pair[0] for pair in pairs]
    return params, []


def _check_groups(groups, saved):
    if len(groups) != len(saved):
        raise ValueError("loaded state dict has a different number of parameter groups: "
                         f"{len(saved)}, and the optimizer has {len(groups)}")
    for i, (group, other) in enumerate(zip(groups, saved, strict=True)):
        if len(group["params"]) != len(other["params"]):
            raise ValueError("loaded state dict contains a parameter group that doesn't match the "
                             f"size of optimizer's group: group {i} has {len(other['params'])} "
                             f"parameters there and {len(group['params'])} here")


def _cast(value, param, options, key=None):
    """Loaded state as the parameter needs it: its dtype and device, in all nested containers."""
    if isinstance(value, Tensor):
        return _cast_tensor(value, param, options, key)
    if isinstance(value, dict):
        return {name: _cast(item, param, options, name) for name, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return type(value)(_cast(item, param, options) for item in value)
    return value


def _cast_tensor(value, param, options, key):
    if key == "step":       # counts beyond what a half precision parameter could
        if options.get("capturable") or options.get("fused"):
            return value.to(dtype=float32, device=param.device)
        return value
    if param.is_floating_point():
        return value.to(dtype=param.dtype, device=param.device)
    return value.to(device=param.device)
