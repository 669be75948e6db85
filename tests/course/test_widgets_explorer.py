"""The graph explorer's data: recordings, gradients, the film, one node's facts, finite differences.
"""

import numpy as np
import pytest

pytest.importorskip("anywidget")

import learntorch as torch
from course.widgets import explore
from course.widgets.graph_explorer import groups_in
from learntorch import nn


def leaf(*values):
    return torch.tensor(list(values) if len(values) > 1 else values[0], requires_grad=True)


def node(explorer, label, which=0):
    return [n for n in explorer.drawing["nodes"] if n["label"] == label][which]["id"]


def shown(explorer, name, table="values"):
    """The text in a node at the explorer's frame."""
    texts = [t for frame, t in explorer.film[table].get(name, []) if frame <= explorer.step]
    return texts[-1] if texts else ""


def at_end(explorer):
    explorer.step = len(explorer.film["frames"])
    return explorer


# ---- recording ----------------------------------------------------------------------------------

def test_every_op_is_recorded_with_its_value():
    x = leaf(1.0, 2.0)
    found = explore(lambda x: (x * 3.0 + 1.0).sum(), x)
    assert [n["label"] for n in found.drawing["nodes"]] == [
        "x", "3.0", "1.0", "mul", "add", "sum", "output"]
    at_end(found)
    assert [shown(found, node(found, n)) for n in ("mul", "add", "sum", "output")] == [
        "[3.000, 6.000]", "[4.000, 7.000]", "11.000", "11.000"]
    assert found.result.item() == 11 and found.error is None


def test_ops_without_gradient_are_recorded_too():
    found = explore(lambda a: a.argmax() + 1, torch.tensor([1.0, 5.0]))
    assert repr(found) == "GraphExplorer(2 ops)" and "no input requires grad" in found.message
    assert shown(at_end(found), "out1") == "2"


def test_names_come_from_arguments_variables_and_modules():
    w = leaf(2.0)
    net = nn.Linear(2, 1)

    def predict(height):
        return net(height) * w

    labels = [n["label"] for n in explore(predict, torch.ones(1, 2)).drawing["nodes"]]
    assert {"height", "w", "net.weight", "net.bias"} <= set(labels)


def test_values_are_those_of_the_moment():
    """A later write in place does not change what is shown of an earlier op."""
    def program(x):
        a = x * 2
        b = a + 1
        a.zero_()
        return a + b

    found = at_end(explore(program, torch.tensor([1.0, 2.0])))
    assert shown(found, node(found, "mul")) == "[2.000, 4.000]"
    last = found.drawing["nodes"][-1]
    sources = [e["source"] for e in found.drawing["edges"] if e["target"] == node(found, "add", 1)]
    labels = [n["label"] for n in found.drawing["nodes"] if n["id"] in sources]
    assert sorted(labels) == ["add", "zero_"] and last["value"] == "[3.0000, 5.0000]"


def test_a_bare_tensor_shows_what_was_kept():
    x = leaf(3.0, 1.0)
    found = at_end(explore((x * 2).sum(0).exp(), names={"x": x}))
    assert shown(found, node(found, "exp")) == shown(found, "out1") == "2980.958"
    assert shown(found, node(found, "sum")) == ""
    said = [f["text"] for f in found.film["frames"]]
    assert said[1:3] == ["sum([6.000, 2.000]) = ? (not kept)", "exp(?) = 2980.958"]
    found.selected = node(found, "sum")
    assert ["value", "not kept: no gradient rule needs it"] in found.detail["facts"]


def test_globals_will_do_for_names():
    x = leaf(3.0)
    found = explore(x * 2, names={"x": x, "_1": x, "np": np, "number": 3})
    assert found.drawing["nodes"][0]["label"] == "x"


# ---- errors half-way ----------------------------------------------------------------------------

def test_an_error_in_an_op_is_the_last_node():
    def program(a, b):
        h = (a * 2).tanh()
        return torch.mm(h, b)

    found = explore(program, torch.ones(2, 3), torch.ones(2, 3))
    assert repr(found) == "GraphExplorer(2 ops, stopped at mm)"
    assert "cannot be multiplied" in found.message and isinstance(found.error, RuntimeError)
    broken = found.drawing["nodes"][-1]
    assert broken["kind"] == "broken" and found.result is None
    found.selected = broken["id"]
    assert ["input x", "tanh [2, 3]"] in found.detail["facts"]
    assert found.detail["check"]["ok"] is None
    at_end(found)
    assert found.message.startswith("mm failed: RuntimeError")
    assert 'class="broken"' in found.static()


def test_an_error_outside_the_ops_is_told():
    def program(a):
        return (a * 2) + undefined                                          # noqa: F821

    found = explore(program, torch.ones(2))
    assert repr(found) == "GraphExplorer(1 op, stopped)"
    assert "NameError: name 'undefined'" in found.message


def test_the_interceptor_is_gone_afterwards():
    explore(lambda a: torch.mm(a, a), torch.ones(2, 3))
    from learntorch.core.ambient import ambient
    assert ambient.state.intercept is None


# ---- gradients and the film ---------------------------------------------------------------------

@pytest.mark.parametrize("kind", ["recorded", "finished"])
def test_gradients_are_those_of_backward(kind):
    torch.manual_seed(0)
    x, w = torch.randn(3, 2), torch.randn(2, 4, requires_grad=True)
    b = torch.randn(4, requires_grad=True)

    def loss():
        return ((x @ w + b).tanh() ** 2).mean()

    found = explore(loss) if kind == "recorded" else explore(loss(), names={"w": w, "b": b})
    assert w.grad is None and b.grad is None
    loss().backward()
    for name, t in (("w", w), ("b", b)):
        assert found.flow.arrives[node(found, name)] == pytest.approx(t.grad.numpy())


def test_gradients_from_two_paths_are_added_one_after_the_other():
    x = leaf(3.0)
    found = explore(lambda x: x * x + x, x)
    texts = [text for _, text in found.film["grads"][node(found, "x")]]
    assert texts[-1] == "7.000" and len(texts) >= 2
    assert found.film["grads"]["out1"] == [[3, "1.000"]]


def test_the_film_goes_forward_then_backward():
    found = explore(lambda x: (x * 2.0).tanh(), leaf(0.5))
    frames = found.film["frames"]
    assert [(f["way"], f["node"]) for f in frames] == [
        ("forward", "n1"), ("forward", "n2"), ("backward", "out1"), ("backward", "n2"),
        ("backward", "n1")]
    assert frames[0]["text"] == "mul(0.500, 2.0) = 1.000"
    assert frames[3]["text"] == "tanh receives 1.000 and passes on mul: 0.420"
    found.step = 1
    assert (shown(found, "n1"), shown(found, "n2")) == ("1.000", "")
    assert found.message == frames[0]["text"]
    found.step = 99
    assert found.step == 5
    found.step = -3
    assert found.step == 0


def test_an_output_with_several_numbers():
    found = explore(lambda x: x * 2.0, leaf(1.0, 2.0))
    assert "gradients of their sum" in found.message
    assert shown(at_end(found), node(found, "x"), "grads") == "[2.000, 2.000]"


def test_an_op_with_several_results():
    x = torch.tensor([[3.0, 1.0], [2.0, 5.0]], requires_grad=True)

    def program(x):
        values, places = x.max(dim=1)
        return values[0] * 2 + places[0]

    found = explore(program, x)
    assert found.flow.arrives[node(found, "x")].tolist() == [[2, 0], [0, 0]]
    bare = explore(program(x), names={"x": x})
    assert bare.flow.arrives[node(bare, "x")].tolist() == [[2, 0], [0, 0]]


def test_hooks_and_grads_of_the_reader_are_left_alone():
    x = leaf(2.0)
    h = x * 3
    h.retain_grad()
    called = []
    h.register_hook(called.append)
    explore(h * 2)
    assert not called and h.grad is None and x.grad is None
    (h * 2).backward()
    assert len(called) == 1 and h.grad.item() == 2 and x.grad.item() == 6


def test_after_backward_the_reason_is_told():
    y = leaf(2.0).tanh()
    y.backward()
    found = explore(y)
    assert "retain_graph=True" in found.message and found.flow.arrives == {}
    found.selected = "n1"
    assert found.detail["saved"] == [["freed", "", "backward() has let go of it"]]


# ---- one node -----------------------------------------------------------------------------------

def test_the_facts_of_a_node():
    x, w = leaf(1.5), leaf(2.0, -0.5)
    found = explore(lambda: (x * w).sum())
    found.selected = node(found, "mul")
    detail = found.detail
    assert dict(map(tuple, detail["facts"]))["recorded as"] == "MulBackward0"
    assert sorted(row[0] for row in detail["saved"]) == ["x", "y"]
    assert detail["gradients"] == [["arrives", "[1.0000, 1.0000]"], ["to x (x)", "1.5000"],
                                   ["to y (w)", "[1.5000, 1.5000]"]]
    assert detail["check"]["ok"] is True and len(detail["check"]["rows"]) == 3
    assert any("return x * y" in s["source"] for s in detail["sources"])
    found.selected = "nothing"
    assert found.selected == "" and found.detail == {}


@pytest.mark.parametrize("program", [
    lambda x: x.exp(), lambda x: x.sigmoid(), lambda x: x @ x.t(), lambda x: x.softmax(1),
    lambda x: torch.cat([x, x * 2]), lambda x: x.sum(1), lambda x: x[0], lambda x: x.t(),
    lambda x: torch.where(x > 0, x, x * 0.1), lambda x: (x * 1).mul_(2.0),
    lambda x: torch.nn.functional.linear(x, x, x[0, :2])],
    ids=["exp", "sigmoid", "matmul", "softmax", "cat", "sum", "index", "t", "where", "in place",
         "linear"])
def test_rules_agree_with_finite_differences(program):
    x = torch.tensor([[0.5, -1.0, 2.0], [1.5, 0.3, -0.7]], requires_grad=True)
    found = explore(program, x)
    assert found.error is None
    measured = 0
    for n in found.drawing["nodes"]:
        found.selected = n["id"]
        check = found.detail["check"]
        if check:
            assert check["ok"] is not False, (n["label"], check)
            measured += check["ok"] is True
    assert measured >= 1


def test_a_wrong_rule_is_found_out(monkeypatch):
    from learntorch.core.op import registry
    op = registry["sin"].op
    monkeypatch.setitem(op.vjps, "x", lambda g, x: g * x)
    kept = op.plans[1]
    op.plans[1] = None              # compiled anew, with the wrong rule
    try:
        found = explore(lambda x: x.sin(), leaf(0.5))
        found.selected = "n1"
    finally:
        op.plans[1] = kept
    check = found.detail["check"]
    assert check["ok"] is False and "differ" in check["text"]
    assert check["rows"] == [["x", "", "0.500000", "0.877583"]]


def test_random_ops_are_not_compared():
    torch.manual_seed(0)
    found = explore(lambda x: torch.nn.functional.dropout(x, 0.5, True),
                    torch.ones(50, requires_grad=True))
    texts = []
    for n in found.drawing["nodes"]:
        found.selected = n["id"]
        texts.append((found.detail["check"] or {"ok": None})["ok"])
    assert False not in texts


# ---- modules ------------------------------------------------------------------------------------

def network():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.Tanh(), nn.Linear(4, 4)), nn.Linear(4, 1))
    return explore(lambda x: (net(x) ** 2).mean(), torch.randn(2, 3))


def test_ops_know_their_module():
    found = network()
    assert found.groups == groups_in(found.drawing) == [
        "net", "net.0", "net.1", "net.2", "net.1.0", "net.1.1"]
    assert [n["group"] for n in found.drawing["nodes"] if n["kind"] == "op"] == [
        "net.0", "net.1.0", "net.1.1", "net.2", "", ""]


def test_a_module_called_twice_is_two_groups():
    layer = nn.Linear(2, 2)
    found = explore(lambda x: layer(layer(x)), torch.ones(1, 2))
    assert found.groups == ["layer", "layer (2)"]


def test_collapsed_modules_keep_the_film():
    found = network()
    found.collapsed = ["net.1", "no such"]
    assert found.collapsed == ["net.1"]
    assert "g:net.1" in found.picture["nodes"] and "n2" not in found.picture["nodes"]
    assert len(found.film["frames"]) == len(found.whole["frames"])
    edges = len(found.picture["edges"])
    assert all(0 <= i < edges for f in found.film["frames"] for i in f["edges"])
    assert all(f["node"] in found.picture["nodes"] for f in found.film["frames"])
    found.selected = "g:net.1"
    assert ["ops inside", "2"] in found.detail["facts"]
    found.collapsed = []
    assert found.selected == "" and "n2" in found.picture["nodes"]


# ---- the picture --------------------------------------------------------------------------------

def test_arrow_keys_lead_to_neighbours():
    found = explore(lambda x: x * x + x, leaf(3.0))
    nodes = found.picture["nodes"]
    assert nodes["n1"]["near"]["up"] == "t1" and nodes["n1"]["near"]["down"] == "n2"
    for name, n in nodes.items():
        for way, back in (("left", "right"), ("right", "left")):
            if way in n["near"]:
                assert nodes[n["near"][way]]["near"][back] == name


def test_exports():
    found = explore(lambda x: (x * 2.0).tanh(), leaf(0.5))
    assert found.export("svg").startswith("<svg") and found.export("dot").startswith("digraph")
    assert found.export("mermaid").startswith("flowchart")
    with pytest.raises(ValueError, match="svg, dot or mermaid"):
        found.export("gif")


def test_a_thousand_nodes_stay_usable():
    import time
    y = x = leaf(1.0, 2.0, 3.0)
    for _ in range(350):
        y = y * 1.01 + x
    began = time.process_time()
    found = explore(y)
    assert len(found.picture["nodes"]) > 1000
    found.selected, found.step = "n500", 600
    assert time.process_time() - began < 4


def test_what_nobody_kept_is_computed_once_more():
    x = leaf(3.0)
    found = at_end(explore(x * x + x, names={"x": x}))
    assert shown(found, node(found, "mul")) == "9.000" and "n1" in found.recording.again
    found.selected = node(found, "mul")
    assert ["value", "9.0000 (not kept: computed once more)"] in found.detail["facts"]


def test_but_not_from_a_leaf_that_was_rewritten():
    x = leaf(3.0)
    z = x * x + x
    with torch.no_grad():
        x.add_(1)
    found = at_end(explore(z))
    assert shown(found, "n1") == "" and shown(found, "out1") == "12.000"
    found.selected = "n1"
    assert ["value", "not kept: no gradient rule needs it"] in found.detail["facts"]
