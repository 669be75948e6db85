"""Losses, distances, bags and attention against PyTorch: values, gradients, errors."""
import warnings

import numpy as np
import pytest

from tests.oracle import alike, needs_torch


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def signs(torch, *shape):
    return torch.tensor(np.where(numbers(*shape, seed=8) > 0, 1.0, -1.0))


def loss(name, *shapes, target=None, **named):
    """Call F.<name> on random tensors and a target: the result and the gradients of all inputs."""
    def case(torch):
        inputs = [torch.tensor(numbers(*s, seed=i), requires_grad=True)
                  for i, s in enumerate(shapes)]
        extra = [] if target is None else [target(torch)]
        results = []
        for reduction in ("mean", "sum", "none"):
            y = getattr(torch.nn.functional, name)(*inputs, *extra, reduction=reduction, **{
                k: v(torch) if callable(v) else v for k, v in named.items()})
            results.append((y, torch.autograd.grad(y.sum(), inputs)))
        return results
    return case


def classes(torch):
    return torch.tensor([1, 0, 3, 2, 1])


def weights(torch):
    return torch.tensor([0.2, 1.0, 3.0, 0.5]).double()


def lists(torch):
    return torch.tensor([[1, 3, -1, 0], [-1, 0, 0, 0], [0, 1, 2, 3], [2, 2, -1, -1], [3, -1, 1, 0]])


def probabilities(torch):
    return torch.tensor(numbers(5, 4)).softmax(1)


LOSSES = {
    "hinge": loss("hinge_embedding_loss", (5, 4), target=lambda t: signs(t, 5, 4), margin=0.5),
    "cosine": loss("cosine_embedding_loss", (5, 4), (5, 4), target=lambda t: signs(t, 5),
                   margin=0.1),
    "one cosine": loss("cosine_embedding_loss", (4,), (4,), target=lambda t: t.tensor(-1.0)),
    "ranking": loss("margin_ranking_loss", (5,), (5,), target=lambda t: signs(t, 5), margin=0.3),
    "margin": loss("multi_margin_loss", (5, 4), target=classes),
    "squared margin": loss("multi_margin_loss", (5, 4), target=classes, p=2, margin=0.5,
                           weight=weights),
    "margin of one": loss("multi_margin_loss", (4,), target=lambda t: t.tensor(2)),
    "lists": loss("multilabel_margin_loss", (5, 4), target=lists),
    "one list": loss("multilabel_margin_loss", (4,), target=lambda t: lists(t)[0]),
    "soft lists": loss("multilabel_soft_margin_loss", (5, 4), target=lambda t: signs(t, 5, 4) > 0,
                       weight=weights),
    "soft margin": loss("soft_margin_loss", (5, 4), target=lambda t: signs(t, 5, 4)),
    "triplet": loss("triplet_margin_loss", (5, 4), (5, 4), (5, 4)),
    "swapped triplet": loss("triplet_margin_loss", (5, 4), (5, 4), (5, 4), swap=True, p=1),
    "triplet with a distance": loss("triplet_margin_with_distance_loss", (5, 4), (5, 4), (5, 4),
                                    distance_function=lambda t: lambda a, b: (a - b).abs().sum(1)),
    "poisson": loss("poisson_nll_loss", (5, 4), target=lambda t: t.arange(20.0).reshape(5, 4),
                    full=True),
    "poisson rate": loss("poisson_nll_loss", (5, 4), target=lambda t: t.ones(5, 4),
                         log_input=True),
    "gaussian": loss("gaussian_nll_loss", (5, 4), (5, 4), target=lambda t: t.rand(5, 1) * 0 + 0.3,
                     full=True),
    "kl": loss("kl_div", (5, 4), target=probabilities),
    "kl of logarithms": loss("kl_div", (5, 4), target=lambda t: probabilities(t).log(),
                             log_target=True),
    "cross entropy": loss("cross_entropy", (5, 4), target=classes, weight=weights,
                          label_smoothing=0.1),
    "bce": loss("binary_cross_entropy_with_logits", (5, 4), target=probabilities,
                pos_weight=weights),
    "linear": loss("linear_cross_entropy", (5, 3), (4, 3), target=classes, weight=weights),
}


@needs_torch
@pytest.mark.parametrize("name", LOSSES)
def test_losses(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        alike(LOSSES[name])


def ctc(torch, targets, times, lengths, **named):
    x = torch.tensor(numbers(7, 3, 5), requires_grad=True)
    logs = x.log_softmax(2)
    results = []
    for reduction in ("none", "mean", "sum"):
        y = torch.nn.functional.ctc_loss(logs, targets, times, lengths, reduction=reduction,
                                         **named)
        results.append((y, torch.autograd.grad(y.sum(), x, retain_graph=True)))
    return results


CTC = {
    "rows": lambda t: ctc(t, t.tensor([[1, 2, 2], [3, 0, 0], [1, 1, 4]]), t.tensor([7, 5, 6]),
                          t.tensor([3, 1, 2])),
    "one after the other": lambda t: ctc(t, t.tensor([1, 2, 2, 3, 1, 1]), (7, 5, 6), (3, 1, 2)),
    "another blank": lambda t: ctc(t, t.tensor([0, 2, 2, 3, 1, 1]), (7, 5, 6), (3, 1, 2), blank=4),
    "an empty word": lambda t: ctc(t, t.tensor([1, 1, 2]), (7, 5, 6), (2, 0, 1)),
    "too long": lambda t: ctc(t, t.tensor([[1, 1, 1], [2, 2, 2], [1, 2, 3]]), (7, 3, 6), (3, 3, 3),
                              zero_infinity=True),
}


@needs_torch
@pytest.mark.parametrize("name", CTC)
def test_ctc(name):
    alike(CTC[name])


def with_gradients(call, *shapes):
    def case(torch):
        inputs = [torch.tensor(numbers(*s, seed=i), requires_grad=True)
                  for i, s in enumerate(shapes)]
        y = call(torch, *inputs)
        return y, torch.autograd.grad((y * y).sum(), inputs)
    return case


def bag(torch, weight, **named):
    return torch.nn.functional.embedding_bag(torch.tensor([1, 2, 2, 0, 3, 1]), weight,
                                             torch.tensor([0, 2, 2, 5]), **named)


def attention(**named):
    return lambda t, q, k, v: t.nn.functional.scaled_dot_product_attention(q, k, v, **{
        key: value(t) if callable(value) else value for key, value in named.items()})


HEADS = (2, 3, 4, 6), (2, 3, 5, 6), (2, 3, 5, 2)
OTHERS = {
    "bilinear": with_gradients(lambda t, a, b, w, c: t.nn.functional.bilinear(a, b, w, c),
                               (2, 5, 3), (2, 5, 4), (6, 3, 4), (6,)),
    "cosine": with_gradients(lambda t, a, b: t.nn.functional.cosine_similarity(a, b), (3, 4),
                             (3, 4)),
    **{f"distance {p}": with_gradients(lambda t, a, b, p=p: t.nn.functional.pairwise_distance(
        a, b, p), (3, 4), (3, 4)) for p in (0.5, 1, 1.5, 2, 3, float("inf"))},
    "distance of equals": with_gradients(
        lambda t, a: t.nn.functional.pairwise_distance(a, a, eps=0.0), (3, 4)),
    "pairs": with_gradients(lambda t, a: t.nn.functional.pdist(a), (4, 3)),
    "bag sum": with_gradients(lambda t, w: bag(t, w, mode="sum"), (4, 3)),
    "bag mean": with_gradients(lambda t, w: bag(t, w), (4, 3)),
    "bag max": with_gradients(lambda t, w: bag(t, w, mode="max"), (4, 3)),
    "bag weighted": with_gradients(
        lambda t, w, s: bag(t, w, mode="sum", per_sample_weights=s), (4, 3), (6,)),
    "bag padding": with_gradients(lambda t, w: bag(t, w, padding_idx=2), (4, 3)),
    "bag last": with_gradients(lambda t, w: bag(t, w, include_last_offset=True), (4, 3)),
    "attention": with_gradients(attention(), *HEADS),
    "attention scaled": with_gradients(attention(scale=0.3), *HEADS),
    "attention causal": with_gradients(attention(is_causal=True), *HEADS),
    "attention masked": with_gradients(
        attention(attn_mask=lambda t: t.arange(20).reshape(4, 5) % 3 > 0), *HEADS),
    "attention to nothing": with_gradients(
        attention(attn_mask=lambda t: t.arange(20).reshape(4, 5) > 4), *HEADS),
    "attention with a bias": with_gradients(
        lambda t, q, k, v, m: t.nn.functional.scaled_dot_product_attention(q, k, v, m), *HEADS,
        (4, 5)),
    "attention of groups": with_gradients(attention(enable_gqa=True), (2, 4, 3, 6), (2, 2, 5, 6),
                                          (2, 2, 5, 6)),
}


@needs_torch
@pytest.mark.parametrize("name", OTHERS)
def test_others(name):
    alike(OTHERS[name])


ERRORS = {
    "reduction": lambda t: t.nn.functional.hinge_embedding_loss(t.ones(2), t.ones(2),
                                                                reduction="x"),
    "margin p": lambda t: t.nn.functional.multi_margin_loss(t.ones(2, 3), t.ones(2).long(), p=3),
    "margin target": lambda t: t.nn.functional.multi_margin_loss(t.ones(2, 3), t.ones(3).long()),
    "margin class": lambda t: t.nn.functional.multi_margin_loss(t.ones(1, 3), t.tensor([7])),
    "lists": lambda t: t.nn.functional.multilabel_margin_loss(t.ones(2, 3), t.ones(2, 2).long()),
    "cosine target": lambda t: t.nn.functional.cosine_embedding_loss(t.ones(2, 3), t.ones(2, 3),
                                                                     t.ones(2, 3)),
    "ranking": lambda t: t.nn.functional.margin_ranking_loss(t.ones(2, 3), t.ones(2, 3), t.ones(2)),
    "triplet": lambda t: t.nn.functional.triplet_margin_loss(t.ones(2, 3), t.ones(2, 3), t.ones(3)),
    "triplet margin": lambda t: t.nn.functional.triplet_margin_loss(t.ones(2), t.ones(2), t.ones(2),
                                                                    margin=0),
    "variance": lambda t: t.nn.functional.gaussian_nll_loss(t.ones(2), t.ones(2), -t.ones(2)),
    "variance size": lambda t: t.nn.functional.gaussian_nll_loss(t.ones(2), t.ones(2), t.ones(3)),
    "bilinear": lambda t: t.nn.functional.bilinear(t.ones(2, 3), t.ones(2, 4), t.ones(5, 2, 4)),
    "bag offsets": lambda t: t.nn.functional.embedding_bag(t.tensor([1]), t.ones(3, 2)),
    "bag index": lambda t: t.nn.functional.embedding_bag(t.tensor([[7]]), t.ones(3, 2)),
    "attention dtype": lambda t: t.nn.functional.scaled_dot_product_attention(
        t.ones(2, 3), t.ones(2, 3), t.ones(2, 3).double()),
    "attention masks": lambda t: t.nn.functional.scaled_dot_product_attention(
        t.ones(2, 3), t.ones(2, 3), t.ones(2, 3), t.ones(2, 2).bool(), is_causal=True),
    "pdist": lambda t: t.nn.functional.pdist(t.ones(3)),
    "ctc": lambda t: t.nn.functional.ctc_loss(t.zeros(6, 2, 5), t.ones(2, 3).long(), (7, 6),
                                              (3, 3)),
    "ctc blank": lambda t: t.nn.functional.ctc_loss(t.zeros(6, 2, 5), t.ones(2, 3).long(), (6, 6),
                                                    (3, 3), blank=5),
}


@needs_torch
@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    alike(ERRORS[name])
