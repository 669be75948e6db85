"""Public classes of torch.nn that torch's module_db does not cover, with inputs for them."""
import types

import torch


class Extra:
    """Looks like a ModuleInfo."""

    def __init__(self, name, cases):
        self.name = name
        self.module_cls = getattr(torch.nn, name)
        self.cases = cases
        self.is_lazy = issubclass(self.module_cls, torch.nn.modules.lazy.LazyModuleMixin)
        self.module_error_inputs_func = None

    def module_inputs_func(self, info, device, dtype, requires_grad, training):
        rng = torch.Generator().manual_seed(3)

        def t(*shape):
            return torch.randn(*shape, generator=rng, dtype=dtype).requires_grad_(requires_grad)
        found = []
        for args, kwargs, inputs in self.cases:
            args = args() if callable(args) else args
            forward = None if inputs is None else FunctionInput(*inputs(t))
            found.append(types.SimpleNamespace(constructor_input=FunctionInput(*args, **kwargs),
                                               forward_input=forward, desc=""))
        return found


class FunctionInput:
    def __init__(self, *args, **kwargs):
        self.args, self.kwargs = args, kwargs


def extra_cases():
    """{class name: [(args, kwargs, function making the inputs from a tensor maker)]}"""
    nn = torch.nn

    def ints(high, *shape):
        return torch.randint(high, shape, generator=torch.Generator().manual_seed(5))

    def pooled(t, pool, *shape):
        return tuple(x.detach() for x in pool(t(*shape)))

    image = lambda t: (t(2, 4, 6, 6),)
    cases = {
        "Identity": [((), {}, image)],
        "Flatten": [((), {}, image), ((2, 3), {}, image)],
        "Unflatten": [((1, (2, 2)), {}, image)],
        "Sequential": [
            (lambda: (nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)), {}, lambda t: (t(5, 4),))
        ],
        "ModuleList": [(lambda: ([nn.Linear(4, 3), nn.Conv2d(3, 2, 3)],), {}, None)],
        "ModuleDict": [(lambda: ({"a": nn.Linear(4, 3), "b": nn.BatchNorm1d(3)},), {}, None)],
        "ParameterList": [
            (lambda: ([nn.Parameter(torch.ones(2, 3)), nn.Parameter(torch.zeros(4))],), {}, None)
        ],
        "ParameterDict": [(lambda: ({"a": nn.Parameter(torch.ones(2, 3))},), {}, None)],
        "Dropout": [((0.3,), {}, image), ((0.0,), {}, image)],
        "Dropout1d": [((0.3,), {}, lambda t: (t(2, 4, 6),))],
        "Dropout2d": [((0.3,), {}, image)],
        "Dropout3d": [((0.3,), {}, lambda t: (t(2, 4, 3, 3, 3),))],
        "AlphaDropout": [((0.3,), {}, image)],
        "FeatureAlphaDropout": [((0.3,), {}, image)],
        "RReLU": [((), {}, image), ((0.25, 0.25), {}, image)],
        "Hardsigmoid": [((), {}, image)],
        "Fold": [(((4, 5), (2, 2)), {}, lambda t: (t(2, 12, 12),))],
        "Unfold": [(((2, 3),), {}, image), ((2,), {"stride": 2, "padding": 1}, image)],
        "PixelShuffle": [((2,), {}, image)],
        "PixelUnshuffle": [((2,), {}, image)],
        "ChannelShuffle": [((2,), {}, image)],
        "Upsample": [
            ((), {"scale_factor": 2}, image),
            ((), {"size": (9, 8), "mode": "bilinear"}, image),
            ((), {"scale_factor": 2, "mode": "bicubic", "align_corners": True}, image),
        ],
        "UpsamplingNearest2d": [((), {"scale_factor": 2}, image)],
        "UpsamplingBilinear2d": [((), {"scale_factor": 2}, image)],
        "EmbeddingBag": [
            ((10, 3), {"mode": m}, lambda t: (ints(10, 4, 5),)) for m in ("sum", "mean", "max")
        ],
        "MaxUnpool1d": [
            ((2,), {}, lambda t: pooled(t, nn.MaxPool1d(2, return_indices=True), 2, 3, 8))
        ],
        "MaxUnpool2d": [
            ((2,), {}, lambda t: pooled(t, nn.MaxPool2d(2, return_indices=True), 2, 3, 8, 8))
        ],
        "CosineSimilarity": [((), {"dim": 1}, lambda t: (t(4, 6), t(4, 6)))],
        "PairwiseDistance": [
            ((), {}, lambda t: (t(4, 6), t(4, 6))),
            ((1.0,), {"keepdim": True}, lambda t: (t(4, 6), t(4, 6))),
        ],
        "TripletMarginLoss": [
            ((), {}, lambda t: (t(4, 6), t(4, 6), t(4, 6))),
            ((), {"swap": True, "reduction": "sum"}, lambda t: (t(4, 6), t(4, 6), t(4, 6))),
        ],
        "TripletMarginWithDistanceLoss": [((), {}, lambda t: (t(4, 6), t(4, 6), t(4, 6)))],
        "CrossMapLRN2d": [((3,), {}, image)],
        "AdaptiveLogSoftmaxWithLoss": [((8, 20, [5, 12]), {}, lambda t: (t(6, 8), ints(20, 6)))],
        "LazyLinear": [((3,), {}, lambda t: (t(5, 4),))],
        "LazyBatchNorm1d": [((), {}, lambda t: (t(5, 4),))],
        "LazyBatchNorm2d": [((), {}, image)],
        "LazyBatchNorm3d": [((), {}, lambda t: (t(2, 4, 3, 3, 3),))],
        "LazyInstanceNorm2d": [((), {}, image)],
        "TransformerDecoder": [
            (
                lambda: (nn.TransformerDecoderLayer(4, 2, 8, 0.0), 2),
                {},
                lambda t: (t(3, 2, 4), t(5, 2, 4)),
            )
        ],
    }
    return {k: v for k, v in cases.items() if hasattr(nn, k)}
