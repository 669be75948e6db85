"""Connectionist temporal classification: how likely is a word, if we do not know its timing?"""

import numpy as np

from learntorch.core.op import composite, nary
from learntorch.core.tensor import Tensor
from learntorch.ops.compare import where
from learntorch.ops.loss import check_reduction


def with_blanks(xp, targets, blank):
    """Labels (N, S) with a blank before, between and after: (N, 2S + 1)."""
    labels = xp.full((targets.shape[0], 2 * targets.shape[1] + 1), blank, xp.int64)
    labels[:, 1::2] = targets
    return labels


def may_skip(xp, labels, blank):
    """Where the path may come from two labels before: not to a blank, not to a repetition."""
    skips = xp.zeros(labels.shape, bool)
    skips[:, 2:] = (labels[:, 2:] != blank) & (labels[:, 2:] != labels[:, :-2])
    return skips


def shifted(xp, a, n):
    """Row entries moved n places to the right (left for negative n), −∞ where nothing comes."""
    moved = xp.full_like(a, -xp.inf)
    if n > 0:
        moved[:, n:] = a[:, :-n]
    else:
        moved[:, :n] = a[:, -n:]
    return moved


def scores_of(xp, x, labels):
    """The log-probability of each label of each sample at each time: (T, N, 2S + 1)."""
    return xp.take_along_axis(x, xp.broadcast_to(labels, (len(x), *labels.shape)), axis=2)


def beginnings(xp, scores, skips):
    """α: ln of the probability of all paths that stand at label s at time t (equation 6)."""
    alpha = xp.full_like(scores, -xp.inf)
    if len(scores):
        alpha[0, :, :2] = scores[0, :, :2]
    for t in range(1, len(scores)):
        before = alpha[t - 1]
        ways = xp.logaddexp(before, shifted(xp, before, 1))
        ways = xp.where(skips, xp.logaddexp(ways, shifted(xp, before, 2)), ways)
        alpha[t] = ways + scores[t]
    return alpha


def endings(xp, scores, skips, times, lengths):
    """β: ln of the probability of all ways on from label s at time t, s and t included (eq. 10)."""
    beta = xp.full_like(scores, -xp.inf)
    places = xp.arange(scores.shape[2])
    last = (places == 2 * lengths[:, None]) | (places == 2 * lengths[:, None] - 1)
    from_skip = xp.zeros_like(skips)
    from_skip[:, :-2] = skips[:, 2:]
    for t in range(len(scores) - 1, -1, -1):
        ways = xp.full_like(scores[t], -xp.inf)
        if t + 1 < len(scores):
            after = beta[t + 1]
            ways = xp.logaddexp(after, shifted(xp, after, -1))
            ways = xp.where(from_skip, xp.logaddexp(ways, shifted(xp, after, -2)), ways)
        ways = xp.where((times == t + 1)[:, None], xp.where(last, 0, -xp.inf), ways)
        beta[t] = ways + scores[t]
    return beta


def word_scores(xp, alpha, times, lengths):
    """ln of the probability of each whole word: the paths that end at its last label or blank."""
    n = xp.arange(alpha.shape[1])
    if not len(alpha):
        return xp.where(lengths == 0, 0, -xp.inf).astype(alpha.dtype)
    final = alpha[xp.maximum(times, 1) - 1, n]
    ends = final[n, 2 * lengths]
    ends = xp.where(lengths > 0, xp.logaddexp(ends, final[n, xp.maximum(2 * lengths - 1, 0)]), ends)
    return xp.where(times > 0, ends, xp.where(lengths == 0, 0, -xp.inf)).astype(alpha.dtype)


@nary(space="rules", grad="CtcLoss")
def ctc(xp, x, targets, times, lengths, blank):
    """−ln p(targets | x) of each sample; x: log-probabilities (T, N, C)."""
    labels = with_blanks(xp, targets, blank)
    alpha = beginnings(xp, scores_of(xp, x, labels), may_skip(xp, labels, blank))
    return -word_scores(xp, alpha, times, lengths)
ctc.vjp(x=lambda xp, g, x, out, targets, times, lengths, blank:
        xp.ctc_to_input(g, x, out, targets, times, lengths, blank))


@nary(tensors=("x", "at", "loss"), space="rules", grad="CtcLossBackward")
def ctc_to_input(xp, x, at, loss, targets, times, lengths, blank):
    """The gradient of `ctc` in its input `at` (equation 16): eˣ − Σ αβ / (p eˣ), x incoming.

    As in PyTorch it is right for log-probabilities that come from log_softmax.
    """
    labels = with_blanks(xp, targets, blank)
    skips = may_skip(xp, labels, blank)
    scores = scores_of(xp, at, labels)
    both = beginnings(xp, scores, skips) + endings(xp, scores, skips, times, lengths)
    shares = xp.full(at.shape, -xp.inf, at.dtype)
    rows = xp.arange(at.shape[1])
    for s in range(labels.shape[1]):
        inside = s <= 2 * lengths
        place = (slice(None), rows[inside], labels[inside, s])
        shares[place] = xp.logaddexp(shares[place], both[:, inside, s])
    counts = (xp.arange(len(at))[:, None] < times) & (x != 0)   # an infinite loss may be left out
    gi = xp.exp(at) - xp.exp(shares + loss[:, None] - at)
    return xp.where(counts[..., None], gi * x[:, None], 0).astype(at.dtype)


def as_lengths(lengths):
    """Lengths as an array, from a tensor or a tuple."""
    a = lengths._data if isinstance(lengths, Tensor) else np.asarray(lengths)
    return a.reshape(-1).astype(np.int64)


@composite(space="torch nn.functional", method=False)
def ctc_loss(log_probs, targets, input_lengths, target_lengths, blank=0, reduction="mean",
             zero_infinity=False):
    """Mean of −ln p(target | log_probs) / target length, over all timings of the target.

    Shapes: log_probs (T, N, C) or (T, C); targets (N, S), or all one after the other (ΣS);
    lengths (N). `zero_infinity`: a target too long for its input counts 0 instead of ∞.
    Source: Graves et al., Connectionist temporal classification (2006).
    Raises RuntimeError for other shapes, and lengths or a blank that do not fit.
    """
    check_reduction(reduction)
    single = log_probs._data.ndim == 2
    x = log_probs.unsqueeze(1) if single else log_probs
    times, lengths = as_lengths(input_lengths), as_lengths(target_lengths)
    check_lengths(x._data, targets._data, times, lengths, blank)
    words = padded_targets(targets._data, lengths, single)
    loss = ctc(x, words, times, lengths, blank)
    if zero_infinity:
        loss = where(loss == float("inf"), 0, loss)
    if reduction == "mean":
        return (loss / loss.new_tensor(np.maximum(lengths, 1))).mean()
    if reduction == "sum":
        return loss.sum()
    return loss.squeeze(0) if single else loss


def check_lengths(x, targets, times, lengths, blank):
    """Raise RuntimeError for lengths that do not fit the input or the targets."""
    n = x.shape[1]
    if not 0 <= blank < x.shape[2]:
        raise RuntimeError("blank must be in label range")
    if times.size != n:
        raise RuntimeError("input_lengths must be of size batch_size")
    if lengths.size != n:
        raise RuntimeError("target_lengths must be of size batch_size")
    where = "(while checking arguments for ctc_loss_allocate_outputs)"
    for name, given in (("input_lengths", times), ("target_lengths", lengths)):
        if (given < 0).any():
            raise RuntimeError(f"Expected {name} to have value at least 0, but got value "
                               f"{given.min()} {where}")
    if n and times.max() > x.shape[0]:
        raise RuntimeError(f"Expected input_lengths to have value at most {x.shape[0]}, but got "
                           f"value {times.max()} {where}")
    longest = max(lengths, default=0)
    if targets.ndim == 2 and targets.shape[1] < longest:
        raise RuntimeError(f"Expected tensor to have size at least {longest} at dimension 1, but "
                           f"got size {targets.shape[1]} for argument #2 'targets' {where}")
    if targets.ndim == 1 and targets.size != lengths.sum():
        raise RuntimeError(f"Expected tensor to have size {lengths.sum()} at dimension 0, but got "
                           f"size {targets.size} for argument #2 'targets' {where}")


def padded_targets(targets, lengths, single):
    """Targets (N, S): rows as they are, or cut from the one long row."""
    if targets.ndim == 2 or single:
        return targets.reshape(len(lengths), -1).astype(np.int64)[:, :max(lengths, default=0)]
    words = np.zeros((len(lengths), max(lengths, default=0)), np.int64)
    ends = np.cumsum(lengths)
    for row, end, length in zip(words, ends, lengths, strict=True):
        row[:length] = targets[end - length:end]
    return words
