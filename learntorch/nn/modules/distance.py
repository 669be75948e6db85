"""Distances between vectors."""

import learntorch.nn.functional as F
from learntorch.nn.modules.module import Module

__all__ = ["CosineSimilarity", "PairwiseDistance"]


class CosineSimilarity(Module):
    """x₁ · x₂ / (|x₁| |x₂|) along `dim`, the cosine of the angle; lengths are at least eps.

    Shapes: (*₁, D, *₂), (*₁, D, *₂) → (*₁, *₂).
    """

    def __init__(self, dim=1, eps=1e-8):
        super().__init__()
        self.dim = dim
        self.eps = eps

    def forward(self, x1, x2):
        return F.cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """(Σ |x₁ − x₂ + eps|ᵖ)^(1/p) along the last dimension.

    Shapes: (N, D) or (D), the same → (N) or (), with a last dimension 1 if `keepdim`.
    """

    def __init__(self, p=2.0, eps=1e-6, keepdim=False):
        super().__init__()
        self.norm = p
        self.eps = eps
        self.keepdim = keepdim

    def forward(self, x1, x2):
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)
