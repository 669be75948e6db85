"""The recorded graph as the user sees it: nodes, edges, versions, hooks on what is saved."""

import contextlib

from learntorch.autograd.saved import hooks_in, saved_tensors_hooks, thread
from learntorch.core.ambient import ambient, no_grad
from learntorch.core.graph import GradientEdge, Node, touch, vertex
from learntorch.core.handles import RemovableHandle
from learntorch.core.tensor import Tensor


def get_gradient_edge(tensor):
    """Where the gradient of `tensor` goes: its node (or leaf) and which output it is."""
    if not tensor.requires_grad:
        raise RuntimeError("It is not possible to get the gradient edge for a Tensor that does not "
                           "require gradients")
    return GradientEdge(vertex(tensor), tensor.output_nr)


def increment_version(tensor):
    """Tell autograd that the memory of `tensor` (or of several) was written behind its back."""
    for t in (tensor,) if isinstance(tensor, Tensor) else tensor:
        touch(t)


class save_on_cpu(saved_tensors_hooks):
    """Inside the block what is saved for backward lies in the main memory; here it always does."""

    def __init__(self, pin_memory=False, device_type="cuda"):
        super().__init__(lambda t: (t.device, t.cpu()), lambda kept: kept[1].to(kept[0]))
        self.pin_memory = pin_memory

    def clone(self):
        return save_on_cpu(self.pin_memory)


@contextlib.contextmanager
def disable_saved_tensors_hooks(error_message):
    """Inside the block `saved_tensors_hooks` raise RuntimeError with this message."""
    if hooks_in(ambient.state) is not None:
        raise RuntimeError(error_message)
    before = getattr(thread, "refusal", None)
    thread.refusal = error_message
    try:
        yield
    finally:
        thread.refusal = before


class _Copies:
    """The copies made inside one `allow_mutation_on_saved_tensors`."""

    def __init__(self):
        self.open = True
        self.kept = {}

    def clear(self):
        """Forget all copies: backward through what was recorded is no longer possible."""
        self.kept.clear()

    def pack(self, t):
        key = object()
        with no_grad():
            self.kept[key] = t.detach().clone()
        return key

    def unpack(self, key):
        if not self.open or key not in self.kept:
            raise AssertionError("Trying to backward outside of the 'allow_mutation_on_saved_"
                                 "tensors' context in which the graph was originally recorded.")
        return self.kept[key]


@contextlib.contextmanager
def allow_mutation_on_saved_tensors():
    """Inside the block tensors saved for backward may be changed in place: copies are saved.

    backward has to be called inside the block, too. The price is a copy of everything saved.
    """
    copies = _Copies()
    with saved_tensors_hooks(copies.pack, copies.unpack):
        try:
            yield copies
        finally:
            copies.open = False
            copies.clear()


class _MultiHandle(RemovableHandle):
    """Takes several hooks off at once."""

    def __init__(self, handles):
        super().__init__({})
        self.handles = tuple(handles)

    def remove(self):
        for handle in self.handles:
            handle.remove()


def register_multi_grad_hook(tensors, fn, *, mode="all"):
    """Call `fn` in every backward that reaches several tensors; gives a handle.

    mode "all": once all gradients are there that this backward computes, with the list of them
    (None for tensors it does not reach); "any": with the first gradient.
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    tensors = tuple(tensors)
    seen = {"walk": None}

    def watch(place):
        def hook(g):
            if seen["walk"] is not ambient.walk:
                seen.update(walk=ambient.walk, grads=[None] * len(tensors),
                            missing=sum(vertex(t) in ambient.walk for t in tensors))
                if mode == "any":
                    fn(g)
            seen["grads"][place] = g
            seen["missing"] -= 1
            if not seen["missing"]:
                grads = seen["grads"]
                if mode == "all":
                    seen.update(walk=None, grads=None)
                    fn(grads)
        return hook
    return _MultiHandle(t.register_hook(watch(i)) for i, t in enumerate(tensors))


__all__ = ["GradientEdge", "Node", "allow_mutation_on_saved_tensors", "disable_saved_tensors_hooks",
           "get_gradient_edge", "increment_version", "register_multi_grad_hook", "save_on_cpu",
           "saved_tensors_hooks"]
