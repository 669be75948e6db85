"""What models are compared on, here and, when models.json is made, in torchvision.

A case is (name, height and width of pictures, function of `models` that builds a module). Where a
size is None only the initial weights are compared. V(models, "resnet") is a module of the package.
"""
import contextlib
import hashlib
import importlib
import zlib

import numpy as np

SEED = 3


def V(models, name):
    """The file of a family: torchvision.models.resnet or ours."""
    return importlib.import_module(f"{models.__name__}.{name}")


DRAWN = [
    ("mobilenet_v2", lambda M: M.mobilenet_v2(width_mult=0.35)),
    ("mobilenet_v3_small", lambda M: M.mobilenet_v3_small(num_classes=10)),
    ("squeezenet1_1", lambda M: M.squeezenet1_1(num_classes=10)),
    ("shufflenet_v2_x0_5", lambda M: M.shufflenet_v2_x0_5(num_classes=10)),
    ("mnasnet0_5", lambda M: M.mnasnet0_5(num_classes=10)),
    ("resnet", lambda M: M.ResNet(V(M, "resnet").Bottleneck, [1, 1, 1, 1], num_classes=10)),
    ("densenet", lambda M: M.DenseNet(8, (2, 3), 16, num_classes=10)),
    ("efficientnet_b0", lambda M: M.efficientnet_b0(num_classes=10)),
    ("regnet_y_400mf", lambda M: M.regnet_y_400mf(num_classes=10)),
    ("convnext", lambda M: M.ConvNeXt([V(M, "convnext").CNBlockConfig(16, 32, 2),
                                       V(M, "convnext").CNBlockConfig(32, None, 2)],
                                      num_classes=10)),
    ("vit", lambda M: M.VisionTransformer(32, 8, 2, 2, 16, 32, representation_size=12)),
    ("swin", lambda M: M.SwinTransformer([4, 4], 16, [2, 2], [2, 4], [4, 4], num_classes=10)),
    ("googlenet", lambda M: M.googlenet(init_weights=True, num_classes=10)),
]


def swin_v2(M):
    S = V(M, "swin_transformer")
    return M.SwinTransformer([4, 4], 16, [2, 2], [2, 4], [4, 4], num_classes=10, dropout=0.1,
                             block=S.SwinTransformerBlockV2, downsample_layer=S.PatchMergingV2)


def vit_with_stem(M):
    stem = V(M, "vision_transformer").ConvStemConfig
    return M.VisionTransformer(32, 8, 2, 2, 16, 32, num_classes=10,
                               conv_stem_configs=[stem(8, 3, 2), stem(12, 3, 4)])


def efficientnet_v2(M):
    E = V(M, "efficientnet")
    return M.EfficientNet([E.FusedMBConvConfig(1, 3, 1, 16, 16, 1),
                           E.FusedMBConvConfig(4, 3, 2, 16, 24, 2),
                           E.MBConvConfig(4, 5, 2, 24, 32, 2)], 0.1, num_classes=10)


COMPUTED = [
    ("alexnet features", 67, lambda M: M.AlexNet(10).features),
    ("vgg11_bn features", 32,
     lambda M: V(M, "vgg").make_layers(V(M, "vgg").cfgs["A"], batch_norm=True)),
    ("resnet basic", 33, lambda M: M.ResNet(V(M, "resnet").BasicBlock, [1, 1, 1, 1], 10)),
    ("resnet next spread", 48, lambda M: M.ResNet(
        V(M, "resnet").Bottleneck, [1, 1, 2, 1], 10, groups=8, width_per_group=8,
        replace_stride_with_dilation=[False, True, True])),
    ("squeezenet1_0", 48, lambda M: M.squeezenet1_0(num_classes=10)),
    ("mobilenet_v2", 64, lambda M: M.mobilenet_v2(width_mult=0.35, num_classes=10)),
    ("mobilenet_v3_small spread", 64, lambda M: M.mobilenet_v3_small(
        dilated=True, reduced_tail=True, num_classes=10)),
    ("densenet", 40, lambda M: M.DenseNet(8, (2, 3), 16, drop_rate=0.2, num_classes=10)),
    ("efficientnet_b0", 48, lambda M: M.efficientnet_b0(num_classes=10)),
    ("efficientnet_v2", 40, efficientnet_v2),
    ("convnext", 32, lambda M: M.ConvNeXt(
        [V(M, "convnext").CNBlockConfig(16, 32, 2), V(M, "convnext").CNBlockConfig(32, None, 2)],
        stochastic_depth_prob=0.5, layer_scale=0.5, num_classes=10)),
    ("vit", 32, lambda M: M.VisionTransformer(32, 8, 2, 2, 16, 32, 0.1, 0.1, 10)),
    ("vit with stem", 32, vit_with_stem),
    ("swin odd", 44, lambda M: M.SwinTransformer([4, 4], 16, [2, 2], [2, 4], [3, 5], dropout=0.1,
                                                 attention_dropout=0.1, num_classes=10)),
    ("swin v2", 40, swin_v2),
    ("googlenet", 48, lambda M: M.googlenet(transform_input=True, init_weights=False,
                                            num_classes=10)),
    ("shufflenet_v2_x0_5", 48, lambda M: M.shufflenet_v2_x0_5(num_classes=10)),
    ("mnasnet0_5", 48, lambda M: M.mnasnet0_5(num_classes=10)),
    ("regnet_x_400mf", 40, lambda M: M.regnet_x_400mf(num_classes=10)),
    ("regnet_y_400mf", 40, lambda M: M.regnet_y_400mf(num_classes=10, stem_width=16)),
]


@contextlib.contextmanager
def undrawn(nn):
    """Modules are built without drawing their weights: those of large models take minutes."""
    kept = {name: f for name, f in vars(nn.init).items()
            if name[-1] == "_" and name[0] != "_" and callable(f)}
    try:
        for name in kept:
            setattr(nn.init, name, lambda t, *args, **kwargs: t)
        yield
    finally:
        for name, f in kept.items():
            setattr(nn.init, name, f)


def described(model):
    """(number of entries, a checksum of their names, shapes, types and order; of the repr)."""
    state = model.state_dict()
    lines = [f"{k} {tuple(t.shape)} {str(t.dtype).rpartition('.')[2]}" for k, t in state.items()]
    return [len(lines), digest("\n".join(lines)), digest(repr(model))]


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def facts(enum):
    """[the enum's name, its members, a checksum of addresses, preprocessing and `meta`]."""
    told = [(name, w.name, w.url, w.transforms().describe(),
             sorted((k, repr(v)) for k, v in w.meta.items() if k not in ("categories", "_docs")))
            for name, w in enum.__members__.items()]
    return [enum.__name__, list(enum.__members__), digest(repr(told))]


def sampled(model):
    """A few numbers of the first, middle and last tensor with more than a hundred."""
    large = [p.detach().numpy() for p in model.parameters() if p.numel() > 100]
    return [float(v) for a in (large[0], large[len(large) // 2], large[-1])
            for v in (a.flat[0], a.flat[a.size // 3], a.flat[-1])]


def filled(lib, model):
    """The model in float64 with weights that are the same in both libraries."""
    model.double()
    state = model.state_dict()
    for name, t in state.items():
        if not t.is_floating_point() or name.endswith("relative_coords_table"):
            continue
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        a = rng.standard_normal(tuple(t.shape)) * 0.5 / max(np.prod(t.shape[1:]), 1) ** 0.5
        if t.ndim == 1 and name.endswith(("weight", "running_var")):
            a = 1 + np.abs(a)
        state[name] = lib.from_numpy(a)
    model.load_state_dict(state)
    return model


def computed(lib, model, size):
    """Numbers of a training step and of an evaluation after it."""
    rng = np.random.default_rng(size)
    x = lib.from_numpy(rng.standard_normal((2, 3, size, size)))
    model.train()
    lib.manual_seed(SEED)
    y = model(x)
    y = sum(y) if isinstance(y, tuple) else y
    target = lib.from_numpy(rng.standard_normal(tuple(y.shape)))
    ((y - target) ** 2).mean().backward()
    y = y.detach()
    grads = [p.grad for p in model.parameters() if p.grad is not None]
    model.eval()
    with lib.no_grad():
        z = model(x)
    return [float(v) for v in (y.mean(), y.std(), z.mean(), z.std(), z.flatten()[-1],
                               *[g.norm() for g in (grads[0], grads[len(grads) // 2], grads[-1])],
                               sum(g.abs().sum() for g in grads))]
