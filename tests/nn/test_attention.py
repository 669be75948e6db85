"""Attention with several heads and the Transformer: every option against PyTorch."""

import warnings

import numpy as np
import pytest

import learntorch
import learntorch.nn
import learntorch.nn.attention
from tests.oracle import alike, array, needs_torch

MASKS = {
    "none": "dict()",
    "bool": "dict(attn_mask=torch.ones(3, 5).triu(1).bool())",
    "float": "dict(attn_mask=torch.arange(15.).reshape(3, 5).sin())",
    "per head": "dict(attn_mask=torch.arange(60.).reshape(4, 3, 5).sin() > .5)",
    "padding": "dict(key_padding_mask=torch.tensor([[0, 0, 0, 1, 1], [0, 0, 0, 0, 0]]).bool())",
    "float padding": "dict(key_padding_mask=torch.arange(10.).reshape(2, 5).cos())",
    "both": "dict(attn_mask=torch.ones(3, 5).triu(2).bool(), "
            "key_padding_mask=torch.tensor([[0, 0, 1, 1, 1], [0, 0, 0, 0, 1]]).bool())",
    "weights of each head": "dict(average_attn_weights=False)",
    "no weights": "dict(need_weights=False)",
    "no weights, masked": "dict(need_weights=False, attn_mask=torch.ones(3, 5).triu(1).bool(), "
                          "key_padding_mask=torch.tensor([[0, 0, 1, 1, 1], [0, 0, 0, 0, 1]])"
                          ".bool())",
    "causal hint": "dict(need_weights=False, attn_mask=torch.ones(3, 5).triu(1).bool(), "
                   "is_causal=True)",
}
MODULES = {
    "plain": "nn.MultiheadAttention(6, 2)",
    "no bias": "nn.MultiheadAttention(6, 2, bias=False)",
    "other widths": "nn.MultiheadAttention(6, 2, kdim=4, vdim=3)",
    "extra keys": "nn.MultiheadAttention(6, 2, add_bias_kv=True, add_zero_attn=True)",
    "batch first": "nn.MultiheadAttention(6, 2, batch_first=True)",
    "double": "nn.MultiheadAttention(6, 2, dtype=torch.float64)",
}


def build(lib, source, seed=3):
    lib.manual_seed(seed)
    return eval(source, {"torch": lib, "nn": lib.nn})


def numbers(lib, *shape, dtype=None):
    t = lib.arange(float(np.prod(shape))).reshape(shape).sin()
    return (t if dtype is None else t.to(dtype)).requires_grad_()


def swap(lib, t, first):
    return t.detach().transpose(0, 1).contiguous().requires_grad_() if first else t


@needs_torch
@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("module", MODULES)
def test_attention_computes_alike(module, mask):
    """Result, weights and all gradients."""
    def run(lib):
        attention = build(lib, MODULES[module])
        dtype = attention.out_proj.weight.dtype
        first = attention.batch_first
        q = swap(lib, numbers(lib, 3, 2, 6, dtype=dtype), first)
        k = swap(lib, numbers(lib, 5, 2, attention.kdim, dtype=dtype), first)
        v = swap(lib, numbers(lib, 5, 2, attention.vdim, dtype=dtype), first)
        options = eval(MASKS[mask], {"torch": lib})
        for name, value in options.items():
            if name.endswith("mask") and value.is_floating_point():
                options[name] = value.to(dtype)
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            out, weights = attention(q, k, v, **options)
        (out * out.detach().cos()).sum().backward()
        return (out, weights, q.grad, k.grad, v.grad, [p.grad for p in attention.parameters()],
                [str(w.message) for w in said])
    alike(run, rtol=1e-5, atol=1e-6)


@needs_torch
@pytest.mark.parametrize("shape", [(4, 6), (4, 2, 6)])
def test_self_attention_computes_alike(shape):
    def run(lib):
        attention = build(lib, MODULES["plain"])
        x = numbers(lib, *shape)
        out, weights = attention(x, x, x)
        out.sum().backward()
        key_is_value = attention(x, x + 1, x + 1)[0]
        return out, weights, x.grad, key_is_value
    alike(run, rtol=1e-5, atol=1e-6)


@needs_torch
def test_merged_masks():
    def run(lib):
        attention = build(lib, MODULES["plain"])
        x, padding = lib.ones(3, 4, 6), lib.eye(4)[:3]
        flat, heads = numbers(lib, 4, 4).detach(), numbers(lib, 6, 4, 4).detach()
        return [attention.merge_masks(a, p, x) for a in (None, flat, heads)
                for p in (None, padding)]
    alike(run)


@needs_torch
def test_dropout_draws_the_same_numbers():
    def run(lib):
        attention = build(lib, "nn.MultiheadAttention(6, 2, dropout=.4)")
        x = numbers(lib, 5, 3, 6)
        lib.manual_seed(1)
        return attention(x, x, x), attention(x, x, x, need_weights=False), attention.eval()(x, x, x)
    alike(run, rtol=1e-5, atol=1e-6)


REFUSED = {
    "no heads": "nn.MultiheadAttention(6, 0)", "no width": "nn.MultiheadAttention(0, 2)",
    "not divisible": "nn.MultiheadAttention(6, 4)",
    "1-d": "nn.MultiheadAttention(6, 2)(t(6), t(6), t(6))",
    "dims differ": "nn.MultiheadAttention(6, 2)(t(3, 2, 6), t(3, 6), t(3, 2, 6))",
    "2-d, key 3-d": "nn.MultiheadAttention(6, 2)(t(3, 6), t(3, 2, 6), t(3, 6))",
    "width": "nn.MultiheadAttention(6, 2)(t(3, 2, 4), t(3, 2, 4), t(3, 2, 4))",
    "key and value": "nn.MultiheadAttention(6, 2)(t(3, 2, 6), t(3, 2, 6), t(4, 2, 6))",
    "separate": "nn.MultiheadAttention(6, 2, kdim=3)(t(3, 2, 6), t(3, 2, 3), t(4, 2, 6))",
    "mask 2-d": "nn.MultiheadAttention(6, 2)(*[t(3, 2, 6)] * 3, attn_mask=t(3, 4))",
    "mask 3-d": "nn.MultiheadAttention(6, 2)(*[t(3, 2, 6)] * 3, attn_mask=t(3, 3, 3))",
    "mask 1-d": "nn.MultiheadAttention(6, 2)(*[t(3, 2, 6)] * 3, attn_mask=t(3))",
    "int mask": "nn.MultiheadAttention(6, 2)(*[t(3, 2, 6)] * 3, attn_mask=t(3, 3).long())",
    "padding dims": "nn.MultiheadAttention(6, 2)(*[t(3, 2, 6)] * 3, key_padding_mask=t(3))",
    "padding size": "nn.MultiheadAttention(6, 2)(*[t(3, 2, 6)] * 3, key_padding_mask=t(2, 4))",
    "padding batch": "nn.MultiheadAttention(6, 2)(*[t(3, 2, 6)] * 3, key_padding_mask=t(3, 3))",
    "unbatched mask": "nn.MultiheadAttention(6, 2)(*[t(3, 6)] * 3, attn_mask=t(1, 3, 3))",
    "causal without": "nn.MultiheadAttention(6, 2)(*[t(3, 2, 6)] * 3, is_causal=True)",
    "activation": "nn.TransformerEncoderLayer(6, 2, activation='tanh')",
    "batch": "nn.Transformer(6, 2, 1, 1, 8)(t(3, 2, 6), t(3, 1, 6))",
    "features": "nn.Transformer(6, 2, 1, 1, 8)(t(3, 2, 6), t(3, 2, 4))",
    "padding of an encoder": "nn.TransformerEncoder(nn.TransformerEncoderLayer(6, 2, 8, "
    "batch_first=True).requires_grad_(False), 1).eval()(t(3, 2, 6), "
    "src_key_padding_mask=t(3, 4).bool())",
    "backend": "nn.attention.sdpa_kernel('math').__enter__()",
}


@needs_torch
@pytest.mark.parametrize("source", REFUSED)
def test_refuses_alike(source):
    def run(lib):
        import importlib
        importlib.import_module(lib.__name__ + ".nn.attention")
        return eval(REFUSED[source], {"nn": lib.nn, "t": lib.ones})
    alike(run)


# ---- layers --------------------------------------------------------------------------------------

LAYERS = {
    "encoder layer": ("nn.TransformerEncoderLayer(8, 2, 12, 0.)", "layer(src)"),
    "norm first": ("nn.TransformerEncoderLayer(8, 2, 12, 0., 'gelu', norm_first=True)",
                   "layer(src, src_mask=causal(4), is_causal=True)"),
    "a function": ("nn.TransformerEncoderLayer(8, 2, 12, 0., torch.tanh, bias=False)",
                   "layer(src, src_key_padding_mask=hidden)"),
    "batch first": ("nn.TransformerEncoderLayer(8, 2, 12, 0., nn.GELU(), batch_first=True)",
                    "layer(src, hide)"),
    "decoder layer": ("nn.TransformerDecoderLayer(8, 2, 12, 0.)",
                      "layer(src, memory, causal(4), tgt_is_causal=True)"),
    "decoder norm first": ("nn.TransformerDecoderLayer(8, 2, 12, 0., norm_first=True, bias=False)",
                           "layer(src, memory, memory_key_padding_mask=hidden5)"),
    "encoder": ("nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 12, 0.), 2, "
                "nn.LayerNorm(8))", "layer(src, causal(4))"),
    "decoder": ("nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 12, 0.), 2)",
                "layer(src, memory, causal(4))"),
    "transformer": ("nn.Transformer(8, 2, 2, 2, 12, 0.)",
                    "layer(memory, src, tgt_mask=causal(4), src_key_padding_mask=hidden5)"),
    "transformer, parts given": ("nn.Transformer(8, 2, 1, 1, 12, 0., custom_encoder=nn.Identity(),"
                                 " batch_first=True)", None),
}


@needs_torch
@pytest.mark.parametrize("name", LAYERS)
def test_layer_is_pytorchs(name):
    """Warnings, repr, start values bit by bit, result, gradients."""
    source, call = LAYERS[name]

    def run(lib):
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            layer = build(lib, source)
            names = {"layer": layer, "src": numbers(lib, 4, 3, 8), "torch": lib,
                     "memory": numbers(lib, 5, 3, 8).detach().cos().requires_grad_(),
                     "hide": lib.ones(3, 3).triu(1).bool(), "hidden": lib.eye(4)[:3] > 0,
                     "hidden5": lib.eye(5)[1:4] > 0,
                     "causal": lib.nn.Transformer.generate_square_subsequent_mask}
            out = None
            if call:
                out = eval(call, names)
                (out * out.detach().cos()).sum().backward()
        state = {k: array(v) for k, v in layer.state_dict().items()}
        return (out, names["src"].grad, [p.grad for p in layer.parameters()], repr(layer),
                [str(w.message) for w in said], list(state), [v.tobytes() for v in state.values()])
    alike(run, rtol=2e-5, atol=2e-6)


@needs_torch
@pytest.mark.parametrize("shape", [(0, 4, 6), (3, 0, 6)])
@pytest.mark.parametrize("need_weights", [True, False])
def test_nothing_to_attend(shape, need_weights):
    """A batch without sequences, and sequences without a place."""
    def run(lib):
        attention = build(lib, "nn.MultiheadAttention(6, 2, batch_first=True)")
        x = lib.ones(*shape)
        layer = build(lib, "nn.TransformerEncoderLayer(6, 2, 8, batch_first=True)")
        out, weights = attention(x, x, x, need_weights=need_weights)
        return out, weights, layer(x)
    alike(run)


@needs_torch
@pytest.mark.parametrize("padding", [[[0, 0, 0, 0], [0, 0, 0, 1], [0, 1, 1, 1]],
                                     [[0, 1, 0, 0], [0, 0, 0, 1], [0, 1, 1, 1]]])
@pytest.mark.parametrize("nested", [True, False])
def test_encoder_leaves_padding_out(padding, nested):
    """Without gradients, in evaluation: what lies behind the end of a sequence comes out as 0."""
    def run(lib):
        layer = build(lib, "nn.TransformerEncoderLayer(8, 2, 12, batch_first=True)")
        encoder = lib.nn.TransformerEncoder(layer, 2, enable_nested_tensor=nested).eval()
        x = numbers(lib, 3, 4, 8).detach()
        hide = lib.tensor(padding).bool()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with lib.no_grad():
                out = encoder(x, src_key_padding_mask=hide)
            graded = encoder(x, src_key_padding_mask=hide)
        # what a hidden query finds depends on the kernel where nothing is left out
        keep = ~hide.unsqueeze(-1) if not nested else lib.ones(3, 4, 1)
        return out * keep, (graded * ~hide.unsqueeze(-1)).detach()
    alike(run, rtol=2e-5, atol=2e-6)


# ---- what it means, without PyTorch --------------------------------------------------------------

def attention(**options):
    learntorch.manual_seed(0)
    return learntorch.nn.MultiheadAttention(8, 2, batch_first=True, **options)


def test_weights_are_shares():
    """Every query's weights are positive and sum to 1; hidden keys get none."""
    x = learntorch.randn(3, 5, 8)
    hide = learntorch.zeros(3, 5).bool()
    hide[1, 3:] = True
    _, weights = attention()(x, x, x, key_padding_mask=hide, average_attn_weights=False)
    assert weights.shape == (3, 2, 5, 5)
    assert weights.sum(-1).allclose(learntorch.ones(3, 2, 5))
    assert (weights[1, :, :, 3:] == 0).all()
    assert (weights[0] > 0).all()


def test_the_future_is_hidden():
    """With the causal mask, changing a later place changes no earlier result."""
    module = attention()
    mask = learntorch.nn.Transformer.generate_square_subsequent_mask(5)
    x = learntorch.randn(1, 5, 8)
    y = x.clone()
    y[:, 3:] += 1
    for options in ({}, {"need_weights": False}, {"need_weights": False, "is_causal": True}):
        before, after = (module(t, t, t, attn_mask=mask, **options)[0] for t in (x, y))
        assert before[:, :3].equal(after[:, :3])
        assert not before[:, 3:].allclose(after[:, 3:])


def test_places_have_no_order():
    """Attention knows no places: permuted keys give the same result."""
    module = attention()
    q, k = learntorch.randn(2, 3, 8), learntorch.randn(2, 5, 8)
    other = k[:, [4, 2, 0, 1, 3]]
    assert module(q, k, k)[0].allclose(module(q, other, other)[0], atol=1e-6)


def test_layers_of_an_encoder_are_copies():
    """Equal at the start, and each its own."""
    layer = learntorch.nn.TransformerEncoderLayer(8, 2, 12, batch_first=True)
    encoder = learntorch.nn.TransformerEncoder(layer, 3)
    first, second = (dict(part.named_parameters()) for part in encoder.layers[:2])
    for name, p in first.items():
        assert p.equal(second[name])
        assert p is not second[name]


def test_kernels_are_accepted_and_change_nothing():
    from learntorch.nn.attention import SDPBackend, _cur_sdpa_kernel_backends, sdpa_kernel
    from learntorch.nn.attention.bias import causal_lower_right
    q, k = learntorch.randn(1, 2, 3, 4), learntorch.randn(1, 2, 5, 4)
    f = learntorch.nn.functional.scaled_dot_product_attention
    with sdpa_kernel([SDPBackend.MATH, SDPBackend.FLASH_ATTENTION]):
        assert set(_cur_sdpa_kernel_backends()) == {SDPBackend.MATH, SDPBackend.FLASH_ATTENTION}
        inside = f(q, k, k)
    assert len(_cur_sdpa_kernel_backends()) == 5
    assert inside.equal(f(q, k, k))
    mask = learntorch.ones(3, 5).tril(2).bool()
    assert f(q, k, k, causal_lower_right(3, 5)).equal(f(q, k, k, mask))
