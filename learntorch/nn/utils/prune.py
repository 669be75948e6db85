"""Pruning: a mask of zeros and ones over a weight, chosen once and applied before every call.

After `l1_unstructured(layer, "weight", 0.3)` the parameter is called `weight_orig`, the mask
`weight_mask` is a buffer, and `layer.weight` is their product. `remove` makes it permanent.
"""

import numbers
from abc import ABC, abstractmethod
from collections.abc import Iterable

from learntorch.nn.utils.convert_parameters import parameters_to_vector
from learntorch.ops.create import ones_like, zeros_like
from learntorch.ops.random import rand, rand_like
from learntorch.ops.sort import kthvalue, topk

__all__ = ["BasePruningMethod", "CustomFromMask", "Identity", "L1Unstructured", "LnStructured",
           "PruningContainer", "RandomStructured", "RandomUnstructured", "custom_from_mask",
           "global_unstructured", "identity", "is_pruned", "l1_unstructured", "ln_structured",
           "random_structured", "random_unstructured", "remove"]


class BasePruningMethod(ABC):
    """Forward pre-hook: weight = mask · original. A subclass says which entries the mask keeps."""

    _tensor_name = None

    def __call__(self, module, inputs):
        setattr(module, self._tensor_name, self.apply_mask(module))

    @abstractmethod
    def compute_mask(self, t, default_mask):
        """The mask for a tensor of importances `t`, given the mask so far."""

    def apply_mask(self, module):
        """mask · original, with the two taken from `module`."""
        name = self._tensor_name
        if name is None:
            raise AssertionError(f"Module {module} has to be pruned")
        original = getattr(module, name + "_orig")
        return getattr(module, name + "_mask").to(dtype=original.dtype) * original

    @classmethod
    def apply(cls, module, name, *args, importance_scores=None, **kwargs):
        """Prune the parameter `name` of `module`, on top of what has been pruned before."""
        method = _joined(_taken_off(module, name), cls(*args, **kwargs), name)
        original = getattr(module, name)
        if importance_scores is None:
            importance_scores = original
        elif importance_scores.shape != original.shape:
            raise AssertionError("importance_scores should have the same shape as parameter "
                                 f"{name} of {module}, got {importance_scores.shape} vs "
                                 f"{original.shape}")
        first = not isinstance(method, PruningContainer)
        if first:
            module.register_parameter(name + "_orig", original)
            del module._parameters[name]
            mask = ones_like(original)
        else:
            mask = getattr(module, name + "_mask").detach().clone()
        try:
            mask = method.compute_mask(importance_scores, default_mask=mask)
            module.register_buffer(name + "_mask", mask)
            setattr(module, name, method.apply_mask(module))
            module.register_forward_pre_hook(method)
        except Exception:
            if first:                           # as if nothing had happened
                module.register_parameter(name, getattr(module, name + "_orig"))
                del module._parameters[name + "_orig"]
            raise
        return method

    def prune(self, t, default_mask=None, importance_scores=None):
        """A pruned copy of the tensor `t`."""
        if importance_scores is None:
            importance_scores = t
        elif importance_scores.shape != t.shape:
            raise AssertionError("importance_scores should have the same shape as tensor t, got "
                                 f"{importance_scores.shape} vs {t.shape}")
        if default_mask is None:
            default_mask = ones_like(t)
        return t * self.compute_mask(importance_scores, default_mask=default_mask)

    def remove(self, module):
        """Make the pruned values the parameter again. The zeros stay, the mask goes."""
        name = self._tensor_name
        if name is None:
            raise AssertionError(f"Module {module} has to be pruned before pruning can be removed")
        weight = self.apply_mask(module)
        if hasattr(module, name):
            delattr(module, name)
        original = module._parameters.pop(name + "_orig")
        original.data = weight.data
        del module._buffers[name + "_mask"]
        setattr(module, name, original)


def _taken_off(module, name):
    """The pruning hook on the parameter `name`, taken off; None where there is none."""
    found = [number for number, hook in module._forward_pre_hooks.items()
             if isinstance(hook, BasePruningMethod) and hook._tensor_name == name]
    if len(found) > 1:
        raise AssertionError(f"Avoid adding multiple pruning hooks to the same tensor {name} of "
                             f"module {module}. Use a PruningContainer.")
    return module._forward_pre_hooks.pop(found[0]) if found else None


def _joined(old, method, name):
    """The new method alone, or behind those that were there, in a container."""
    method._tensor_name = name
    if old is None:
        return method
    container = old if isinstance(old, PruningContainer) else PruningContainer(old)
    container.add_pruning_method(method)
    return container


class PruningContainer(BasePruningMethod):
    """Several pruning methods on one tensor; each chooses among what the earlier ones left."""

    def __init__(self, *args):
        self._pruning_methods = ()
        if len(args) == 1:
            self._tensor_name = args[0]._tensor_name
        for method in args:
            self.add_pruning_method(method)

    def add_pruning_method(self, method):
        """Put one more behind the others."""
        if method is not None and not isinstance(method, BasePruningMethod):
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if method is not None and self._tensor_name != method._tensor_name:
            raise ValueError("Can only add pruning methods acting on the parameter named "
                             f"'{self._tensor_name}' to PruningContainer {self}. Found "
                             f"'{method._tensor_name}'")
        self._pruning_methods += (method,)

    def __len__(self):
        return len(self._pruning_methods)

    def __iter__(self):
        return iter(self._pruning_methods)

    def __getitem__(self, idx):
        return self._pruning_methods[idx]

    def compute_mask(self, t, default_mask):
        """The mask after the last method, which sees only what is not yet pruned."""
        method = self._pruning_methods[-1]
        new = default_mask.to(dtype=t.dtype)
        if new is default_mask:
            new = new.clone()
        window = _unpruned(method, t, default_mask)
        part = method.compute_mask(t[window], default_mask=default_mask[window])
        new[window] = part.to(dtype=new.dtype)
        return new


def _unpruned(method, t, mask):
    """The index of what `method` may look at: entries, or whole channels, that are left."""
    if method.PRUNING_TYPE == "unstructured":
        return mask == 1
    window = [slice(None)] * t.dim()
    if method.PRUNING_TYPE == "structured":
        if not hasattr(method, "dim"):
            raise AttributeError('Pruning methods of PRUNING_TYPE "structured" need to have the '
                                 "attribute `dim` defined.")
        dim = method.dim + t.dim() if method.dim < 0 else method.dim
        if dim < 0:
            raise IndexError(f"Index is out of bounds for tensor with dimensions {t.dim()}")
        window[dim] = mask.sum(dim=[d for d in range(t.dim()) if d != dim]) != 0
    elif method.PRUNING_TYPE != "global":
        raise ValueError(f"Unrecognized PRUNING_TYPE {method.PRUNING_TYPE}")
    return tuple(window)


class Identity(BasePruningMethod):
    """Prunes nothing: makes the mask and the names, for a start."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t, default_mask):
        """The mask as it is."""
        return default_mask

    @classmethod
    def apply(cls, module, name):
        """Put a mask of ones over the parameter `name`."""
        return super().apply(module, name)


class _Amount(BasePruningMethod):
    """Prunes a number of entries, or a share of them."""

    PRUNING_TYPE = "unstructured"

    def __init__(self, amount):
        _check_amount(amount)
        self.amount = amount

    def _number(self, size):
        """How many of `size` to prune. Raises ValueError for more than there are."""
        whole = isinstance(self.amount, numbers.Integral)
        n = self.amount if whole else round(self.amount * size)
        if n > size:
            raise ValueError(f"amount={n} should be smaller than the number of parameters to "
                             f"prune={size}")
        return n


class RandomUnstructured(_Amount):
    """Prunes entries at random. `amount`: their number, or their share in [0, 1]."""

    def compute_mask(self, t, default_mask):
        """The mask with `amount` further zeros."""
        n = self._number(t.nelement())
        mask = default_mask.clone()
        if n:
            mask.view(-1)[topk(rand_like(t).view(-1), k=n).indices] = 0
        return mask

    @classmethod
    def apply(cls, module, name, amount):
        """Prune the parameter `name` of `module`."""
        return super().apply(module, name, amount=amount)


class L1Unstructured(_Amount):
    """Prunes the entries with the smallest |x|. `amount`: their number, or their share in [0, 1].

    Source: Han et al. 2015, arXiv:1506.02626.
    """

    def compute_mask(self, t, default_mask):
        """The mask with zeros where |t| is smallest."""
        n = self._number(t.nelement())
        mask = default_mask.clone()
        if n:
            mask.view(-1)[topk(t.abs().view(-1), k=n, largest=False).indices] = 0
        return mask

    @classmethod
    def apply(cls, module, name, amount, importance_scores=None):
        """Prune the parameter `name` of `module`, by `importance_scores` if they are given."""
        return super().apply(module, name, amount=amount, importance_scores=importance_scores)


class _Channels(_Amount):
    """Prunes whole channels: slices along the dimension `dim`."""

    PRUNING_TYPE = "structured"

    def compute_mask(self, t, default_mask):
        """The mask with zeros over whole channels."""
        if t.dim() <= 1:
            raise ValueError("Structured pruning can only be applied to multidimensional tensors. "
                             f"Found tensor of shape {t.shape} with {t.dim()} dims")
        if self.dim >= t.dim():
            raise IndexError(f"Invalid index {self.dim} for tensor of size {t.shape}")
        size = t.shape[self.dim]
        n = self._number(size)
        if n == 0:
            return default_mask
        window = [slice(None)] * t.dim()
        window[self.dim] = self._kept(t, size, n)
        mask = zeros_like(t)
        mask[tuple(window)] = 1
        return mask * default_mask.to(dtype=mask.dtype)

    def _kept(self, t, size, n):
        """The index of the channels to keep, when `n` of `size` go."""
        raise NotImplementedError


class RandomStructured(_Channels):
    """Prunes channels along `dim` at random. `amount`: their number, or their share in [0, 1]."""

    def __init__(self, amount, dim=-1):
        super().__init__(amount)
        self.dim = dim

    def _kept(self, t, size, n):
        chance = rand(size)
        return chance > kthvalue(chance, k=n).values

    @classmethod
    def apply(cls, module, name, amount, dim=-1):
        """Prune the parameter `name` of `module`."""
        return super().apply(module, name, amount=amount, dim=dim)


class LnStructured(_Channels):
    """Prunes the channels along `dim` with the smallest Lₙ norm."""

    def __init__(self, amount, n, dim=-1):
        super().__init__(amount)
        self.n = n
        self.dim = dim

    def _kept(self, t, size, n):
        dims = [d for d in range(t.dim()) if d != self.dim % t.dim()]
        return topk(t.norm(p=self.n, dim=dims), k=size - n, largest=True).indices

    @classmethod
    def apply(cls, module, name, amount, n, dim, importance_scores=None):
        """Prune the parameter `name` of `module`, by `importance_scores` if they are given."""
        return super().apply(module, name, amount=amount, n=n, dim=dim,
                             importance_scores=importance_scores)


class CustomFromMask(BasePruningMethod):
    """Prunes where a mask that the user made is 0."""

    PRUNING_TYPE = "global"

    def __init__(self, mask):
        self.mask = mask

    def compute_mask(self, t, default_mask):
        """The product of both masks."""
        if default_mask.shape != self.mask.shape:
            raise AssertionError(f"default_mask shape {default_mask.shape} must match self.mask "
                                 f"shape {self.mask.shape}")
        return default_mask * self.mask.to(dtype=default_mask.dtype)

    @classmethod
    def apply(cls, module, name, mask):
        """Prune the parameter `name` of `module`."""
        return super().apply(module, name, mask=mask)


def identity(module, name):
    """Put a mask of ones over the parameter `name`; nothing is pruned."""
    Identity.apply(module, name)
    return module


def random_unstructured(module, name, amount):
    """Prune `amount` entries (a number, or a share) of the parameter `name` at random."""
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(module, name, amount, importance_scores=None):
    """Prune the `amount` entries of the parameter `name` with the smallest |x|."""
    L1Unstructured.apply(module, name, amount=amount, importance_scores=importance_scores)
    return module


def random_structured(module, name, amount, dim):
    """Prune `amount` slices along `dim` of the parameter `name` at random."""
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(module, name, amount, n, dim, importance_scores=None):
    """Prune the `amount` slices along `dim` of the parameter `name` with the smallest Lₙ norm."""
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def global_unstructured(parameters, pruning_method, importance_scores=None, **kwargs):
    """Prune pairs (module, name) together, as if they were one long vector."""
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    scores = {} if importance_scores is None else importance_scores
    if not isinstance(scores, dict):
        raise TypeError("global_unstructured(): importance_scores must be of type dict")
    pairs = list(parameters)
    importance = parameters_to_vector([scores.get((module, name), getattr(module, name))
                                       for module, name in pairs])
    mask = parameters_to_vector([
        getattr(module, name + "_mask", ones_like(getattr(module, name)))
        for module, name in pairs])
    method = pruning_method(**kwargs)
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError('Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. '
                        f"Found method {pruning_method} of type {method.PRUNING_TYPE}")
    container = PruningContainer()
    container._tensor_name = method._tensor_name = "temp"
    container.add_pruning_method(method)
    mask = container.compute_mask(importance, mask)
    start = 0
    for module, name in pairs:
        param = getattr(module, name)
        custom_from_mask(module, name, mask=mask[start:start + param.numel()].view_as(param))
        start += param.numel()


def custom_from_mask(module, name, mask):
    """Prune the parameter `name` where `mask` is 0."""
    CustomFromMask.apply(module, name, mask)
    return module


def remove(module, name):
    """Make the pruning of the parameter `name` permanent: no more mask, the zeros stay."""
    for number, hook in module._forward_pre_hooks.items():
        if isinstance(hook, BasePruningMethod) and hook._tensor_name == name:
            hook.remove(module)
            del module._forward_pre_hooks[number]
            return module
    raise ValueError(f"Parameter '{name}' of module {module} has to be pruned before pruning can "
                     "be removed")


def is_pruned(module):
    """Whether `module` or one of its parts has a pruning hook."""
    return any(isinstance(hook, BasePruningMethod) for part in module.modules()
               for hook in part._forward_pre_hooks.values())


def _check_amount(amount):
    """Raise TypeError or ValueError for what is neither a number of entries nor a share."""
    if not isinstance(amount, numbers.Real):
        raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
    whole = isinstance(amount, numbers.Integral)
    if amount < 0 or (not whole and amount > 1.0):
        raise ValueError(f"amount={amount} should either be a float in the range [0, 1] or a "
                         "non-negative integer")
