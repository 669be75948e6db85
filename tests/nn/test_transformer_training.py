"""Small Transformers trained from one seed in both libraries: the same losses, step after step."""

import numpy as np
import pytest

import learntorch
import learntorch.nn
import learntorch.optim
from tests.oracle import needs_torch, torch

TEXT = ("to be, or not to be, that is the question: whether 'tis nobler in the mind to suffer the "
        "slings and arrows of outrageous fortune, or to take arms against a sea of troubles")
LETTERS = sorted(set(TEXT))
CODES = np.array([LETTERS.index(c) for c in TEXT])
CONTEXT = 16


def gpt(lib, n_layer=2, n_head=4, width=32, dropout=0.1):
    """A decoder of blocks x + attention(norm(x)), x + mlp(norm(x)), like nanoGPT's."""
    nn, F = lib.nn, lib.nn.functional

    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.qkv = nn.Linear(width, 3 * width)
            self.out = nn.Linear(width, width)

        def forward(self, x):
            b, t, c = x.shape
            q, k, v = (part.view(b, t, n_head, c // n_head).transpose(1, 2)
                       for part in self.qkv(x).split(width, dim=2))
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True,
                                               dropout_p=dropout if self.training else 0.0)
            return self.out(y.transpose(1, 2).contiguous().view(b, t, c))

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm1 = nn.LayerNorm(width)
            self.attention = Attention()
            self.norm2 = nn.LayerNorm(width)
            self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(approximate="tanh"),
                                     nn.Linear(4 * width, width), nn.Dropout(dropout))

        def forward(self, x):
            x = x + self.attention(self.norm1(x))
            return x + self.mlp(self.norm2(x))

    class GPT(nn.Module):
        def __init__(self):
            super().__init__()
            self.token = nn.Embedding(len(LETTERS), width)
            self.place = nn.Embedding(CONTEXT, width)
            self.blocks = nn.ModuleList([Block() for _ in range(n_layer)])
            self.norm = nn.LayerNorm(width)
            self.head = nn.Linear(width, len(LETTERS), bias=False)
            self.head.weight = self.token.weight                # one matrix for both
            self.apply(self.start)

        def start(self, module):
            if isinstance(module, (nn.Linear, nn.Embedding)):
                nn.init.normal_(module.weight, mean=0.0, std=0.02)
            if isinstance(module, nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)

        def forward(self, codes):
            x = self.token(codes) + self.place(lib.arange(codes.shape[1]))
            for block in self.blocks:
                x = block(x)
            return self.head(self.norm(x))
    return GPT()


def encoder(lib):
    """nn.TransformerEncoder with the causal mask, as in the tutorials."""
    nn = lib.nn

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.token = nn.Embedding(len(LETTERS), 32)
            layer = nn.TransformerEncoderLayer(32, 4, 64, 0.1, "gelu", batch_first=True)
            self.encoder = nn.TransformerEncoder(layer, 2)
            self.head = nn.Linear(32, len(LETTERS))

        def forward(self, codes):
            mask = nn.Transformer.generate_square_subsequent_mask(codes.shape[1])
            return self.head(self.encoder(self.token(codes), mask=mask, is_causal=True))
    return Model()


def losses(lib, make, steps):
    lib.manual_seed(0)
    model = make(lib)
    optimizer = lib.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.1)
    codes = lib.from_numpy(CODES.copy())
    found = []
    for _ in range(steps):
        starts = lib.randint(len(TEXT) - CONTEXT - 1, (8,)).tolist()
        x = lib.stack([codes[i:i + CONTEXT] for i in starts])
        y = lib.stack([codes[i + 1:i + 1 + CONTEXT] for i in starts])
        logits = model(x)
        loss = lib.nn.functional.cross_entropy(logits.view(-1, len(LETTERS)), y.view(-1))
        optimizer.zero_grad()
        loss.backward()
        lib.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        found.append(loss.item())
    return np.array(found)


@needs_torch
@pytest.mark.parametrize("make", [gpt, encoder])
def test_learns_alike(make):
    """Same start values, batches and dropout masks: 20 steps agree to 1e-4, 50 to 1 %."""
    mine, theirs = losses(learntorch, make, 50), losses(torch, make, 50)
    np.testing.assert_allclose(mine[:20], theirs[:20], rtol=1e-4)
    np.testing.assert_allclose(mine, theirs, rtol=1e-2)


def test_learns():
    """50 steps take the loss of a fresh model, log of the number of letters, well down."""
    found = losses(learntorch, encoder, 50)
    assert abs(found[0] - np.log(len(LETTERS))) < 0.5
    assert found[-1] < 0.9 * found[0]
