"""`course.reveal` shows the library's own source, live and complete."""

import inspect
import re
from pathlib import Path

import pytest

import learntorch as torch
import learntorch.nn.functional as F
from course import reveal
from course.reveal import source_of
from learntorch.core.op import registry

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", sorted(registry))
def test_every_op_is_revealed(name):
    found = source_of(registry[name])
    op = registry[name].op
    assert found["kind"] == "op"
    shown = "\n".join(part["source"] for part in found["parts"])
    for rule in op.vjps.values():
        if rule.__name__ != "<lambda>":
            assert f"def {rule.__name__}(" in shown
    body = inspect.unwrap(op.forward)
    written = body.__code__.co_name
    (shown_body,) = [part["source"] for part in found["parts"] if part["title"] == "body"]
    assert f"def {written}(" in shown_body or written == "<lambda>"
    for part in found["parts"]:
        text = (ROOT / part["file"]).read_text("utf-8").splitlines()
        assert text[part["line"] - 1].strip() == part["source"].splitlines()[0].strip()


def test_body_rules_and_what_is_kept():
    found = source_of(torch.tanh)
    assert "return xp.tanh(x)" in found["parts"][0]["source"]
    assert found["rules"] == {"x": "lambda g, out: g * (1 - out * out)"}
    assert found["saved"] == ["out"]
    assert found["grad_name"] == "TanhBackward0"
    assert found["file"] == "learntorch/ops/pointwise.py"


def test_two_rules_on_one_line_are_told_apart():
    found = source_of(torch.mul)
    assert found["uses"] == {"x": ["y"], "y": ["x"]}
    assert found["rules"]["x"] != found["rules"]["y"]
    assert found["saved"] == ["x", "y"]


def test_it_says_what_the_library_saves():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    for name in ("exp", "sigmoid", "sin", "relu", "log", "sqrt"):
        node = getattr(torch, name)(x).grad_fn
        assert source_of(name)["saved"] == list(node.plan.names), name


def test_the_same_op_behind_methods_tensors_and_nodes():
    x = torch.tensor(1.0, requires_grad=True)
    y = x.tanh()
    texts = {repr(reveal(t)) for t in (torch.tanh, torch.Tensor.tanh, x.tanh, y, y.grad_fn, "tanh")}
    assert len(texts) == 1


def test_text_is_stable_and_without_addresses():
    text = repr(reveal(torch.mul))
    assert text == repr(reveal(torch.mul))
    assert not re.search(r"0x[0-9a-f]{6}", text)
    assert text.startswith("mul · learntorch/ops/arithmetic.py:")
    assert "kept for backward: x (input), y (other)" in text


def test_html_is_escaped():
    def wrong(x):
        """<script>alert(1)</script> & more."""
        return x < 3 > 1

    page = reveal(wrong)._repr_html_()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "x &lt; 3 &gt; 1" in page


def test_several_at_once():
    text = repr(reveal(torch.add, torch.exp))
    assert "add · " in text and "exp · " in text


def test_modules_and_optimizers():
    linear = source_of(torch.nn.Linear(2, 3))
    assert linear["kind"] == "module"
    assert linear == source_of(torch.nn.Linear)
    assert any("def forward" in part["source"] for part in linear["parts"])
    for rule in (torch.optim.SGD, torch.optim.Adam, torch.optim.RMSprop):
        found = source_of(rule)
        assert found["kind"] == "optimizer"
        assert any("def _update" in part["source"] for part in found["parts"])
    assert "p -= lr * g" in repr(reveal(torch.optim.SGD))


def test_a_composite_says_so():
    text = repr(reveal(F.cross_entropy))
    assert "written with other functions" in text
    assert "softmax_nll" in text.split("\n")[-1]


@pytest.mark.parametrize("thing", [len, 3, [1, 2], "no_such_op"])
def test_nothing_to_reveal(thing):
    with pytest.raises(TypeError, match="nothing to reveal|no operation called"):
        reveal(thing)
