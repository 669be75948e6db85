"""The module tree, without a browser: what it finds in a model, measures and says."""

import re
from xml.etree import ElementTree

import pytest

pytest.importorskip("anywidget")

import learntorch as torch
from course import widgets
from course.widgets import base, module_tree
from learntorch import nn

SCRIPT = "<script>alert(1)</script>"


class Body(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 3)
        self.norm = nn.BatchNorm1d(3)
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        return self.drop(self.norm(self.first(x)))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = Body()
        self.many = nn.ModuleList([nn.Linear(3, 3), nn.Tanh()])
        self.heads = nn.ModuleDict({"a b": nn.Linear(3, 2)})
        self.scale = nn.Parameter(torch.ones(2))
        self.unused = nn.Linear(7, 7)

    def forward(self, x):
        x = self.body(x)
        for _ in range(2):
            x = self.many[1](self.many[0](x))
        return self.heads["a b"](x) * self.scale


def tree(**options):
    torch.manual_seed(0)
    return widgets.ModuleTree(Net(), torch.ones(5, 4), **options)


def by_path(shown):
    return {r["path"]: r for r in shown.rows}


def test_every_module_with_its_numbers():
    model = Net()
    shown = widgets.ModuleTree(model)
    rows = by_path(shown)
    assert list(rows) == [path for path, _ in model.named_modules()]
    for path, module in model.named_modules():
        assert rows[path]["count"] == sum(p.numel() for p in module.parameters())
        assert rows[path]["class"] == type(module).__name__
    assert rows["body"]["count"] == 4 * 3 + 3 + 3 + 3 and rows["body.drop"]["count"] == 0
    assert rows["body.drop"]["state"] == "no parameters" and rows["body"]["depth"] == 1
    assert all(r["output"] == "" for r in shown.rows)


def test_the_expression_is_python_that_finds_the_module():
    model = Net()
    for path, node in widgets.ModuleTree(model, name="net").nodes.items():
        assert eval(node["expression"], {"net": model}) is model.get_submodule(path)
    odd = nn.Module()
    odd.add_module("class", nn.Tanh())
    odd.add_module("a b", nn.Tanh())
    odd.add_module("0", nn.Tanh())
    for path, node in widgets.ModuleTree(odd, name="odd").nodes.items():
        assert eval(node["expression"], {"odd": odd}) is odd.get_submodule(path)


def test_outputs_are_measured():
    rows = by_path(tree())
    assert rows[""]["output"] == "(5, 2)" and rows["body.first"]["output"] == "(5, 3)"
    assert rows["many.0"]["output"] == "(5, 3) ×2" and rows["unused"]["output"] == "not called"
    assert rows["many"]["output"] == "not called"       # a list of modules is never called itself


def test_measuring_changes_nothing():
    model = Net()
    model.body.train()
    model.many.eval()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    modes = [m.training for m in model.modules()]
    torch.manual_seed(3)
    wanted = torch.rand(2)
    torch.manual_seed(3)
    widgets.ModuleTree(model, torch.ones(5, 4))
    assert torch.equal(torch.rand(2), wanted)
    assert [m.training for m in model.modules()] == modes
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())
    assert all(not m._forward_hooks and not m._forward_pre_hooks for m in model.modules())


def test_an_error_half_way_is_told_and_the_rest_is_shown():
    shown = widgets.ModuleTree(nn.Sequential(nn.Linear(4, 3), nn.Linear(2, 1)), torch.ones(5, 4),
                               name="net")
    assert shown.message.startswith("The sample stopped in net.1: mat1 and mat2 shapes cannot")
    rows = by_path(shown)
    assert rows["0"]["output"] == "(5, 3)" and rows["1"]["output"] == "not called"
    assert "stopped" in shown.static()
    assert not shown.model[1]._forward_pre_hooks and shown.model[1].training


def test_several_inputs_and_outputs():
    class Two(nn.Module):
        def forward(self, a, b):
            return a + b, {"x": a}

    shown = widgets.ModuleTree(Two(), (torch.ones(2), torch.ones(2)))
    assert shown.rows[0]["output"] == "(2,), dict"
    assert module_tree.shaped([torch.ones(1)] * 5) == "(1,), (1,), (1,), …"


def test_trainable_and_frozen():
    shown = tree()
    for p in shown.model.body.first.parameters():
        p.requires_grad_(False)
    shown.model.unused.weight.requires_grad_(False)
    assert by_path(shown)["body.first"]["state"] == "trainable"     # until it looks again
    shown.refresh()
    rows = by_path(shown)
    assert rows["body.first"]["state"] == "frozen" and rows["body"]["state"] == "partly frozen"
    assert rows["unused"]["state"] == "partly frozen" and rows["heads"]["state"] == "trainable"
    total = sum(p.numel() for p in shown.model.parameters())
    assert shown.summary == f"Net: 11 modules, {total} parameters, {total - 15 - 49} trainable"


def test_looking_again_by_message_finds_new_modules():
    shown = tree()
    shown.model.extra = nn.Tanh()
    shown.selected = "unused"
    del shown.model.unused
    shown._handle_custom_msg({"type": "again"}, [])
    assert "extra" in by_path(shown) and shown.selected == ""


def test_a_shared_module_is_counted_once():
    layer = nn.Linear(2, 2)
    shown = widgets.ModuleTree(nn.Sequential(layer, layer), torch.ones(1, 2))
    assert "3 modules, 6 parameters" in shown.summary
    shown.selected = "1"
    assert ["the same module as", "model[0]"] in shown.detail["facts"]
    assert shown.rows[1]["output"] == "(1, 2) ×2"


def test_folding_hides_parts_and_moves_the_choice_out():
    shown = tree()
    shown.selected = "body.norm"
    shown.folded = ["body"]
    assert "body.norm" not in by_path(shown) and by_path(shown)["body"]["arrow"] == "folded"
    assert shown.selected == "body"
    shown.folded = ["", "nothing", "unused"]
    assert shown.folded == [""] and len(shown.rows) == 1 and shown.selected == ""
    shown.folded = []
    assert by_path(shown)["body"]["arrow"] == "open" and by_path(shown)["unused"]["arrow"] == ""


def test_large_models_start_folded():
    layers = [nn.Sequential(nn.Linear(1, 1), nn.Tanh()) for _ in range(30)]
    shown = widgets.ModuleTree(nn.Sequential(*layers))
    assert len(shown.rows) == 31 and len(shown.folded) == 30
    assert "… and 51 more modules" in shown.static()


def test_the_detail_of_a_module():
    shown = tree()
    shown.selected = "body.norm"
    assert shown.detail["expression"] == "model.body.norm"
    assert shown.detail["repr"] == repr(shown.model.body.norm)
    assert shown.detail["parameters"][0] == ["weight", "(3,)", "3", "trainable"]
    assert ["running_mean", "(3,)", "3", "buffer"] in shown.detail["parameters"]
    assert ["mode", "training"] in shown.detail["facts"]
    assert shown.message == ("model.body.norm is a BatchNorm1d: 6 parameters, trainable; "
                             "output (5, 3).")
    shown.selected = "body.drop"
    assert shown.message == "model.body.drop is a Dropout: no parameters; output (5, 3)."


def test_the_state_comes_back():
    shown, other = tree(), tree()
    shown.folded, shown.selected = ["body"], "heads.a b"
    assert shown.state == "lt:modules?selected=heads.a%20b&folded=[%22body%22]"
    other.state = shown.state
    assert other.selected == "heads.a b" and other.folded == ["body"]
    other.state = "lt:modules?selected=nowhere"
    assert "cannot be used" in other.message and other.selected == "heads.a b"


def test_hostile_names_stay_text():
    model = nn.Module()
    model.add_module(SCRIPT, nn.Tanh())
    shown = widgets.ModuleTree(model, name=SCRIPT)
    picture = shown.static()
    assert "<script" not in picture
    root = ElementTree.fromstring(picture)
    assert SCRIPT in " ".join(root.itertext())
    assert not [a for e in root.iter() for a in e.attrib if a.startswith("on") or a == "id"]


def test_text_and_picture_are_stable():
    first, second = tree(), tree()
    assert repr(first) == repr(second) and not re.search(r"0x[0-9a-f]{6}", repr(first))
    assert first.static() == second.static()
    assert first.alt.startswith("Net: 11 modules") and "Chosen: model is a Net" in first.alt
    data, _ = first._repr_mimebundle_()
    assert data["text/plain"] == repr(first) and "image/svg+xml" in data


def test_view_code_asks_for_nothing():
    code, css = str(widgets.ModuleTree._esm), str(widgets.ModuleTree._css)
    assert not re.search(r"^\s*import\b|\bimport\(", code, re.MULTILINE)
    assert code.count("export default") == 1
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", code)
    assert "@import" not in css and "url(" not in css
    lines = (base.FOLDER / "module_tree.js").read_text("utf-8").splitlines()
    assert max(map(len, lines)) <= 100
