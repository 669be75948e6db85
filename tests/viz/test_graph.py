"""Reading the recorded history: what is in the dictionary, and that it is the same every time."""

import json
import os
import subprocess
import sys

import pytest

import learntorch as torch
from learntorch import viz
from learntorch.core.op import registry

PROGRAM = """
import json
import learntorch as torch
from learntorch import viz
x = torch.tensor([0.5, 2.0], requires_grad=True)
w = torch.tensor([3.0, 4.0], requires_grad=True)
h = (x * w + 1.0).tanh()
a, b = h.chunk(2)
print(json.dumps(viz.graph(a * b * x, names={"x": x, "w": w})))
"""


def by_label(drawing, label):
    found = [n for n in drawing["nodes"] if n["label"] == label]
    assert len(found) == 1, f"{len(found)} nodes called {label}"
    return found[0]


def sources(drawing, name):
    """The labels that feed a node, by slot."""
    labels = {n["id"]: n["label"] for n in drawing["nodes"]}
    edges = [e for e in drawing["edges"] if e["target"] == name]
    return [labels[e["source"]] for e in sorted(edges, key=lambda e: e["slot"])]


def test_a_small_computation():
    x = torch.tensor([0.5, 2.0], requires_grad=True)
    y = (x * 3.0).tanh().sum()
    drawing = viz.graph(y, names={"x": x})
    assert [(n["id"], n["kind"], n["label"]) for n in drawing["nodes"] if n["kind"] != "constant"
            ] == [("t1", "leaf", "x"), ("n1", "op", "mul"), ("n2", "op", "tanh"),
                  ("n3", "op", "sum"), ("out1", "output", "output")]
    tanh = by_label(drawing, "tanh")
    assert tanh["name"] == "TanhBackward0" and tanh["seq"] == 2
    assert tanh["shape"] == [2] and tanh["dtype"] == "float32"
    assert tanh["value"] == "[0.9051, 1.0000]"
    assert sources(drawing, "n2") == ["mul"]
    assert by_label(drawing, "x")["value"] == "[0.5000, 2.0000]"


@pytest.mark.parametrize("name", ["tanh", "exp", "sin", "relu", "mul", "div", "matmul"])
def test_saved_is_what_the_rules_name(name):
    x = torch.tensor([[0.5, 2.0], [1.0, 3.0]], requires_grad=True)
    function = registry[name].op.public or registry[name]
    y = function(x) if registry[name].op.kind == "unary" else function(x, x + 1)
    top = [n for n in viz.graph(y)["nodes"] if n["kind"] == "op"][-1]
    assert [s["name"] for s in top["saved"]] == list(y.grad_fn.plan.names)


def test_a_tensor_used_twice_is_one_node_with_two_edges():
    x = torch.tensor(2.0, requires_grad=True)
    drawing = viz.graph(x * x)
    assert [n["kind"] for n in drawing["nodes"]].count("leaf") == 1
    assert sources(drawing, "n1") == ["Tensor", "Tensor"]
    assert [(e["slot"], e["param"]) for e in drawing["edges"][:2]] == [(0, "x"), (1, "y")]


def test_inputs_without_gradient_are_shown_where_a_rule_keeps_them():
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    data = torch.tensor([3.0, 4.0])
    drawing = viz.graph((w * data + w * data).sum(), names={"data": data})
    kept = by_label(drawing, "data")
    assert kept["kind"] == "constant" and kept["value"] == "[3.0000, 4.0000]"
    assert sum(e["source"] == kept["id"] for e in drawing["edges"]) == 2


def test_several_outputs_of_one_op_share_its_node():
    x = torch.tensor([[3.0, 1.0], [2.0, 5.0]], requires_grad=True)
    values, _ = x.max(dim=1)
    drawing = viz.graph([values[0], values[1] * 2])
    assert [n["id"] for n in drawing["nodes"] if n["kind"] == "output"] == ["out1", "out2"]
    assert sum(n["name"] == values.grad_fn.name() for n in drawing["nodes"]) == 1


def test_values_can_be_left_out():
    x = torch.tensor([0.5], requires_grad=True)
    drawing = viz.graph(x.tanh(), values=False)
    assert all(n["value"] == "" for n in drawing["nodes"])
    assert all(s["preview"] == "" for n in drawing["nodes"] for s in n["saved"])


def test_after_backward_what_was_saved_is_gone():
    x = torch.tensor([0.5], requires_grad=True)
    y = x.tanh().sum()
    y.backward()
    tanh = by_label(viz.graph(y), "tanh")
    assert tanh["freed"] and tanh["saved"] == [] and tanh["value"] == ""


def test_a_write_into_a_view_is_part_of_the_history():
    x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x * 2
    y[0].mul_(5)
    labels = [n["label"] for n in viz.graph(y)["nodes"]]
    assert "write_window" in labels and labels.count("mul") == 2


def test_a_node_may_be_asked_instead_of_a_tensor():
    x = torch.tensor([0.5], requires_grad=True)
    drawing = viz.graph(x.tanh().exp().grad_fn)
    assert [n["label"] for n in drawing["nodes"]] == ["Tensor", "tanh", "exp"]


def test_a_leaf_is_a_graph_of_its_own():
    x = torch.tensor([0.5], requires_grad=True)
    drawing = viz.graph(x, names={"x": x})
    assert [n["label"] for n in drawing["nodes"]] == ["x", "x"]


def test_no_history_is_said():
    with pytest.raises(ValueError, match="requires_grad=True"):
        viz.graph(torch.ones(2))


def test_deep_graphs_do_not_recurse():
    y = torch.tensor(1.0, requires_grad=True)
    for _ in range(3000):
        y = y * 1.0
    assert sum(n["kind"] == "op" for n in viz.graph(y)["nodes"]) == 3000


@pytest.mark.parametrize("seed", ["0", "123"])
def test_the_same_program_gives_the_same_dictionary(seed):
    """In this process and in others, whatever the order of sets and whatever ran before."""
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    environment = dict(os.environ, PYTHONHASHSEED=seed, PYTHONPATH=root)
    out = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, check=True, text=True,
                         capture_output=True).stdout
    x = torch.tensor([0.5, 2.0], requires_grad=True)
    w = torch.tensor([3.0, 4.0], requires_grad=True)
    h = (x * w + 1.0).tanh()
    a, b = h.chunk(2)
    assert json.loads(out) == viz.graph(a * b * x, names={"x": x, "w": w})


# ---- modules as one node ------------------------------------------------------------------------

def grouped():
    x = torch.tensor([0.5], requires_grad=True)
    drawing = viz.graph(((x * 2).tanh() + x).exp())
    groups = {"mul": "net.first", "tanh": "net.first.act", "add": "net.second"}
    for n in drawing["nodes"]:
        n["group"] = groups.get(n["label"], "")
    return drawing


def test_collapse_merges_a_module_and_what_is_inside_it():
    drawing = viz.collapse(grouped(), ["net.first"])
    group = by_label(drawing, "net.first")
    assert group["kind"] == "group" and group["members"] == ["n1", "n2"]
    assert "tanh" not in [n["label"] for n in drawing["nodes"]]
    assert sources(drawing, "n3") == ["net.first", "Tensor"]
    assert not any(e["source"] == e["target"] for e in drawing["edges"])


def test_collapse_takes_the_outermost_and_nothing_with_a_similar_name():
    whole = viz.collapse(grouped(), ["net", "net.first"])
    assert [n["label"] for n in whole["nodes"] if n["kind"] == "group"] == ["net"]
    drawing = grouped()
    assert viz.collapse(drawing, ["net.fir"]) is drawing
