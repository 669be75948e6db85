"""A softmax over very many classes, made cheap by their frequencies."""

from collections import namedtuple

import learntorch.nn.functional as F
from learntorch.nn.modules.container import ModuleList, Sequential
from learntorch.nn.modules.linear import Linear
from learntorch.nn.modules.module import Module
from learntorch.ops.compare import where
from learntorch.ops.shape import cat

__all__ = ["AdaptiveLogSoftmaxWithLoss"]

_ASMoutput = namedtuple("_ASMoutput", ["output", "loss"])


class AdaptiveLogSoftmaxWithLoss(Module):
    """log p(y) = log p(cluster of y) + log p(y in its cluster); loss = −mean of log p(y).

    Classes are sorted by falling frequency. Those below cutoffs[0] stand in the head beside one
    entry for each cluster of rarer ones; cluster i (from 1) is read from in_features / div_valueⁱ
    numbers, so what is rare costs little.

    Shapes: input (N, in_features), target (N), or (in_features) and () → output (N) or (), the log
    probability of each target, and loss (). Raises ValueError for cutoffs that do not grow within
    [1, n_classes − 1]. Source: Grave et al., Efficient softmax approximation for GPUs (2016).
    """

    def __init__(self, in_features, n_classes, cutoffs, div_value=4.0, head_bias=False,
                 device=None, dtype=None):
        super().__init__()
        cutoffs = list(cutoffs)
        if not cutoffs:
            raise ValueError("cutoffs should be a sequence of length larger than 0")
        if cutoffs != sorted(set(cutoffs)) or cutoffs[0] <= 0 or cutoffs[-1] > n_classes - 1 or any(
                int(c) != c for c in cutoffs):
            raise ValueError("cutoffs should be a sequence of unique, positive integers sorted in "
                             "an increasing order, where each value is between 1 and n_classes-1")
        made = {"device": device, "dtype": dtype}
        self.in_features = in_features
        self.n_classes = n_classes
        self.cutoffs = [*cutoffs, n_classes]
        self.div_value = div_value
        self.head_bias = head_bias
        self.shortlist_size = cutoffs[0]
        self.n_clusters = len(cutoffs)
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = Linear(in_features, self.head_size, bias=head_bias, **made)
        self.tail = ModuleList()
        for i in range(self.n_clusters):
            width = int(in_features // div_value ** (i + 1))
            size = self.cutoffs[i + 1] - self.cutoffs[i]
            self.tail.append(Sequential(Linear(in_features, width, bias=False, **made),
                                        Linear(width, size, bias=False, **made)))

    def reset_parameters(self):
        """Draw all weights anew."""
        self.head.reset_parameters()
        for narrow, wide in self.tail:
            narrow.reset_parameters()
            wide.reset_parameters()

    def forward(self, input_, target_):
        self._check(input_, target_)
        alone = target_.dim() == 0
        x = input_.unsqueeze(0) if alone else input_
        target = target_.unsqueeze(0) if alone else target_
        cluster = sum((target >= c).long() for c in self.cutoffs[:-1])       # 0: in the head
        entry = where(cluster == 0, target, self.shortlist_size - 1 + cluster)
        output = F.log_softmax(self.head(x), 1).gather(1, entry.unsqueeze(1)).squeeze(1)
        for i, tail in enumerate(self.tail):
            rows = (cluster == i + 1).nonzero().squeeze(1)
            if rows.numel():
                wanted = target[rows] - self.cutoffs[i]
                inside = F.log_softmax(tail(x[rows]), 1).gather(1, wanted.unsqueeze(1)).squeeze(1)
                output = output.index_add(0, rows, inside)
        loss = (-output).mean()
        return _ASMoutput(output.squeeze(0) if alone else output, loss)

    def _check(self, input, target):
        """Raise RuntimeError for shapes that do not fit and classes that do not exist."""
        if target.dim() > 1:
            raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
        if target.dim() == 1 and input.size(0) != target.size(0):
            raise RuntimeError("Input and target should have the same size in the batch dimension.")
        if input.dim() != target.dim() + 1:
            raise RuntimeError(f"{target.dim()}D target tensor expects {target.dim() + 1}D input "
                               f"tensors, but found inputs with size {input.size()}")
        if target.numel() and not 0 <= target.min() <= target.max() < self.n_classes:
            raise RuntimeError(f"Target values should be in [0, {self.n_classes - 1}], but values "
                               f"in range [{target.min().item()}, {target.max().item()}] were "
                               "found. ")

    def _of_all(self, x, head):
        """The log probabilities of all classes, from those of the head."""
        n = self.shortlist_size
        inside = [head[:, n + i].unsqueeze(1) + F.log_softmax(tail(x), 1)
                  for i, tail in enumerate(self.tail)]
        return cat([head[:, :n], *inside], 1)

    def log_prob(self, input):
        """The log probability of every class: (N, in_features) → (N, n_classes)."""
        return self._of_all(input, F.log_softmax(self.head(input), 1))

    def predict(self, input):
        """The most probable class of each row: (N, in_features) → (N).

        The clusters are only looked at where one of them wins in the head.
        """
        head = F.log_softmax(self.head(input), 1)
        best = head.argmax(1)
        rows = (best >= self.shortlist_size).nonzero().squeeze(1)
        if not rows.numel():
            return best
        return best.index_copy(0, rows, self._of_all(input[rows], head[rows]).argmax(1))
