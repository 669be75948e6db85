"""Hooks of modules: functions called around forward and backward, and around registration.

A *global* hook (`register_module_*`) sees every module; the others belong to one. Order of a call:
forward pre-hooks (global first), forward, forward hooks, and on the way back full backward
pre-hooks and full backward hooks.
"""

import functools
import warnings
from collections import OrderedDict

from learntorch.core.tensor import Tensor
from learntorch.utils.hooks import BackwardHook, RemovableHandle

_global_backward_pre_hooks = OrderedDict()
_global_backward_hooks = OrderedDict()
_global_forward_pre_hooks = OrderedDict()
_global_forward_hooks = OrderedDict()
_global_forward_hooks_always_called = OrderedDict()
_global_forward_hooks_with_kwargs = OrderedDict()
_global_parameter_registration_hooks = OrderedDict()
_global_buffer_registration_hooks = OrderedDict()
_global_module_registration_hooks = OrderedDict()


class _Kind:
    """Are the global backward hooks full ones? None while there are none."""

    full = None


_MIXED = ("Cannot use both regular backward hooks and full backward hooks on a single Module. "
          "Please use only one of them.")
_MIXED_GLOBAL = ("Cannot use both regular backward hooks and full backward hooks as a global "
                 "Module hook. Please use only one of them.")


def _add(hooks, hook, *remarks, prepend=False):
    """Put `hook` into `hooks` (and its number into each of `remarks`); return the handle."""
    handle = RemovableHandle(hooks, extra_dict=remarks)
    hooks[handle.id] = hook
    for remark in remarks:
        remark[handle.id] = True
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


def register_module_parameter_registration_hook(hook):
    """Call `hook(module, name, parameter)` whenever a parameter is registered anywhere."""
    return _add(_global_parameter_registration_hooks, hook)


def register_module_buffer_registration_hook(hook):
    """Call `hook(module, name, buffer)` whenever a buffer is registered anywhere."""
    return _add(_global_buffer_registration_hooks, hook)


def register_module_module_registration_hook(hook):
    """Call `hook(module, name, part)` whenever a part is registered anywhere."""
    return _add(_global_module_registration_hooks, hook)


def registering_parameter(module, name, value):
    """`value`, or what the registration hooks put in its place."""
    return _through(_global_parameter_registration_hooks, module, name, value)


def registering_buffer(module, name, value):
    """`value`, or what the registration hooks put in its place."""
    return _through(_global_buffer_registration_hooks, module, name, value)


def registering_module(module, name, value):
    """`value`, or what the registration hooks put in its place."""
    return _through(_global_module_registration_hooks, module, name, value)


def _through(hooks, module, name, value):
    for hook in hooks.values():
        changed = hook(module, name, value)
        if changed is not None:
            value = changed
    return value


def register_module_forward_pre_hook(hook):
    """Call `hook(module, args)` before every module's forward."""
    return _add(_global_forward_pre_hooks, hook)


def register_module_forward_hook(hook, *, with_kwargs=False, always_call=False):
    """Call `hook(module, args, output)` after every module's forward."""
    remarks = []
    if with_kwargs:
        remarks.append(_global_forward_hooks_with_kwargs)
    if always_call:
        remarks.append(_global_forward_hooks_always_called)
    return _add(_global_forward_hooks, hook, *remarks)


def register_module_backward_hook(hook):
    """Call `hook(module, grad_input, grad_output)` of each module's last node (old form)."""
    if _Kind.full is True:
        raise RuntimeError(_MIXED_GLOBAL)
    _Kind.full = False
    return _add(_global_backward_hooks, hook)


def register_module_full_backward_pre_hook(hook):
    """Call `hook(module, grad_output)` before each module's backward."""
    return _add(_global_backward_pre_hooks, hook)


def register_module_full_backward_hook(hook):
    """Call `hook(module, grad_input, grad_output)` after each module's backward."""
    if _Kind.full is False and _global_backward_hooks:
        raise RuntimeError(_MIXED_GLOBAL)
    _Kind.full = True
    return _add(_global_backward_hooks, hook)


class ModuleHooks:
    """The part of Module that registers hooks and calls forward with them."""

    def register_forward_pre_hook(self, hook, *, prepend=False, with_kwargs=False):
        """Call `hook(module, args)` before forward; what it returns replaces the arguments.

        `with_kwargs`: `hook(module, args, kwargs)`, returning None or (args, kwargs).
        """
        remarks = [self._forward_pre_hooks_with_kwargs] if with_kwargs else []
        return _add(self._forward_pre_hooks, hook, *remarks, prepend=prepend)

    def register_forward_hook(self, hook, *, prepend=False, with_kwargs=False, always_call=False):
        """Call `hook(module, args, output)` after forward; what it returns replaces the output.

        `with_kwargs`: `hook(module, args, kwargs, output)`. `always_call`: also when forward
        raised (the output is then None).
        """
        remarks = []
        if with_kwargs:
            remarks.append(self._forward_hooks_with_kwargs)
        if always_call:
            remarks.append(self._forward_hooks_always_called)
        return _add(self._forward_hooks, hook, *remarks, prepend=prepend)

    def register_full_backward_pre_hook(self, hook, prepend=False):
        """Call `hook(module, grad_output)` before backward reaches the module.

        What it returns replaces grad_output.
        """
        return _add(self._backward_pre_hooks, hook, prepend=prepend)

    def register_full_backward_hook(self, hook, prepend=False):
        """Call `hook(module, grad_input, grad_output)` when both are known.

        What it returns replaces grad_input. Both are tuples with None for what is no tensor.
        """
        if self._is_full_backward_hook is False:
            raise RuntimeError(_MIXED)
        self._is_full_backward_hook = True
        return _add(self._backward_hooks, hook, prepend=prepend)

    def register_backward_hook(self, hook):
        """Old form: sees the gradients of the last node only. Use `register_full_backward_hook`."""
        if self._is_full_backward_hook is True:
            raise RuntimeError(_MIXED)
        self._is_full_backward_hook = False
        return _add(self._backward_hooks, hook)

    def _get_backward_hooks(self):
        full, plain = [], []
        for kind, hooks in ((_Kind.full, _global_backward_hooks),
                            (self._is_full_backward_hook, self._backward_hooks)):
            (full if kind else plain).extend(hooks.values())
        return full, plain

    def _get_backward_pre_hooks(self):
        return [*_global_backward_pre_hooks.values(), *self._backward_pre_hooks.values()]

    def _call_impl(self, *args, **kwargs):
        called = set()
        try:
            return self._call_with_hooks(args, kwargs, called)
        except Exception:
            self._call_always_hooks(args, kwargs, called)
            raise

    def _call_with_hooks(self, args, kwargs, called):
        full, plain = self._get_backward_hooks()
        before = self._get_backward_pre_hooks()
        args, kwargs = self._run_forward_pre_hooks(args, kwargs)
        watch = BackwardHook(self, full, before) if full or before else None
        if watch is not None:
            args = watch.setup_input_hook(args)
        result = self.forward(*args, **kwargs)
        for hooks, with_kwargs, always in (
                (_global_forward_hooks, _global_forward_hooks_with_kwargs,
                 _global_forward_hooks_always_called),
                (self._forward_hooks, self._forward_hooks_with_kwargs,
                 self._forward_hooks_always_called)):
            for number, hook in tuple(hooks.items()):
                if number in always:
                    called.add(number)
                result = _after(hook, number in with_kwargs, self, args, kwargs, result)
        if watch is not None:
            result = watch.setup_output_hook(result)
        if plain:
            self._hang_on_last_node(plain, args, result)
        return result

    def _run_forward_pre_hooks(self, args, kwargs):
        for hook in tuple(_global_forward_pre_hooks.values()):
            args = _as_args(hook(self, args), args)
        for number, hook in tuple(self._forward_pre_hooks.items()):
            if number not in self._forward_pre_hooks_with_kwargs:
                args = _as_args(hook(self, args), args)
                continue
            answer = hook(self, args, kwargs)
            if answer is None:
                continue
            if not isinstance(answer, tuple) or len(answer) != 2:
                raise RuntimeError("forward pre-hook must return None or a tuple of (new_args, "
                                   f"new_kwargs), but got {answer}.")
            args, kwargs = answer
        return args, kwargs

    def _call_always_hooks(self, args, kwargs, called):
        """After an error in forward: the hooks that want to be called all the same."""
        result = None
        for hooks, with_kwargs, always, word in (
                (_global_forward_hooks, _global_forward_hooks_with_kwargs,
                 _global_forward_hooks_always_called, "global module"),
                (self._forward_hooks, self._forward_hooks_with_kwargs,
                 self._forward_hooks_always_called, "module")):
            for number, hook in tuple(hooks.items()):
                if number not in always or number in called:
                    continue
                try:
                    result = _after(hook, number in with_kwargs, self, args, kwargs, result)
                except Exception as error:
                    warnings.warn(f"{word} forward hook with ``always_call=True`` raised an "
                                  "exception that was silenced as another error was raised in "
                                  f"forward: {error}", stacklevel=4)

    def _hang_on_last_node(self, hooks, args, result):
        """Old-form backward hooks go onto the node that made the first tensor of the result."""
        first = result
        while not isinstance(first, Tensor):
            first = next((v for v in first.values() if isinstance(v, Tensor)), None) \
                if isinstance(first, dict) else first[0]
        node = first.grad_fn
        if node is None:
            return
        for hook in hooks:
            node.register_hook(functools.partial(hook, self))
        self._maybe_warn_non_full_backward_hook(args, result, node)

    def _maybe_warn_non_full_backward_hook(self, inputs, result, grad_fn):
        advice = " Please use register_full_backward_hook to get the documented behavior."
        old = "Using {} is deprecated and will be removed in future versions. This hook will be {}."
        made = {t.grad_fn for t in inputs if isinstance(t, Tensor)}
        if isinstance(result, Tensor):
            many = isinstance(inputs, tuple) and made != {e for e, _ in grad_fn.next_functions}
            if not all(isinstance(t, Tensor) for t in inputs):
                text = old.format("non-full backward hooks on a Module that does not take as "
                                  "input a single Tensor or a tuple of Tensors",
                                  "missing some of the grad_input")
            elif many:
                text = old.format("a non-full backward hook when the forward contains multiple "
                                  "autograd Nodes", "missing some grad_input")
            else:
                return
        elif isinstance(result, tuple) and all(isinstance(t, Tensor) for t in result):
            text = old.format("non-full backward hooks on a Module that returns several Tensors",
                              "missing some grad_output")
        else:
            text = old.format("non-full backward hooks on a Module that does not return a single "
                              "Tensor or a tuple of Tensors", "missing some of the grad_output")
        warnings.warn(text + advice, FutureWarning, stacklevel=5)


def _as_args(answer, args):
    """The arguments after a pre-hook's answer: None keeps them, a single value becomes a tuple."""
    if answer is None:
        return args
    return answer if isinstance(answer, tuple) else (answer,)


def _after(hook, with_kwargs, module, args, kwargs, result):
    answer = hook(module, args, kwargs, result) if with_kwargs else hook(module, args, result)
    return result if answer is None else answer
