"""The recorded graph as the user sees it: nodes, edges, versions, hooks on what is saved."""

from collections import namedtuple

from learntorch.core.graph import Node, touch, vertex
from learntorch.core.tensor import Tensor

GradientEdge = namedtuple("GradientEdge", ("node", "output_nr"))


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


__all__ = ["GradientEdge", "Node", "get_gradient_edge", "increment_version"]
