"""The freeze panel, without a browser: what it switches, what it counts, what it says."""

import re
from xml.etree import ElementTree

import pytest

pytest.importorskip("anywidget")

import learntorch as torch
from course import widgets
from course.widgets import base, freeze_costs, freeze_panel
from learntorch import nn

SCRIPT = "<script>alert(1)</script>"


class Net(nn.Module):
    """Three blocks with batch norm in a container, a part that is never called, and a head."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(*[
            nn.Sequential(nn.Conv2d(i, o, 3, padding=1, bias=False), nn.BatchNorm2d(o), nn.ReLU())
            for i, o in [(1, 2), (2, 4), (4, 4)]])
        self.unused = nn.Linear(5, 5)
        self.head = nn.Sequential(nn.Dropout(0.5), nn.Linear(4, 3))

    def forward(self, x):
        return self.head(self.features(x).mean(dim=(2, 3)))


def panel(sample=True, **options):
    torch.manual_seed(0)
    net = Net().requires_grad_(False).eval()
    return widgets.FreezePanel(net, sample=torch.randn(2, 1, 4, 4) if sample else None,
                               name="net", **options)


def by_path(shown):
    return {r["path"]: r for r in shown.rows}


def test_blocks_are_the_parts_with_parameters_in_order():
    shown = panel()
    assert list(shown.blocks) == ["features.0", "features.1", "features.2", "unused", "head.1"]
    assert [r["count"] for r in shown.rows] == [18 + 4, 72 + 8, 144 + 8, 30, 15]
    assert sum(r["count"] for r in shown.rows) == shown.totals["count"] == 299
    assert all(r["state"] == "frozen" for r in shown.rows) and shown.on == []


def test_every_parameter_is_in_one_block():
    shared = nn.Linear(2, 2)
    model = nn.Sequential(shared, nn.Tanh(), shared, nn.Linear(2, 2))
    model.scale = nn.Parameter(torch.ones(3))
    blocks = freeze_costs.find_blocks(model)
    assert list(blocks) == ["0", "3", "(own)"] and blocks["(own)"].count == 3
    found = [id(p) for b in blocks.values() for p in b.parameters]
    assert len(found) == len(set(found)) and set(found) == {id(p) for p in model.parameters()}


@pytest.mark.parametrize(("model", "paths"), [
    (nn.Linear(2, 1), ["(own)"]),
    (nn.Sequential(nn.Linear(2, 1)), ["0"]),
    (nn.ModuleDict({"net": nn.Sequential(nn.Linear(2, 1), nn.Tanh(), nn.Linear(1, 1))}),
     ["net.0", "net.2"]),
    (nn.Sequential(nn.Sequential(nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1)))),
     ["0.0.0", "0.0.1"]),
])
def test_wrappers_are_opened(model, paths):
    assert list(freeze_costs.find_blocks(model)) == paths


def test_a_model_with_nothing_to_learn_is_refused():
    with pytest.raises(ValueError, match="no parameters to freeze"):
        widgets.FreezePanel(nn.Tanh())


def test_switches_move_requires_grad():
    shown = panel()
    shown.on = ["head.1", "features.2"]
    assert shown.on == ["features.2", "head.1"]
    learning = [n for n, p in shown.model.named_parameters() if p.requires_grad]
    assert learning == ["features.2.0.weight", "features.2.1.weight", "features.2.1.bias",
                        "head.1.weight", "head.1.bias"]
    assert by_path(shown)["features.2"]["state"] == "learns"
    shown.on = ["head.1"]
    assert [n for n, p in shown.model.named_parameters() if p.requires_grad] == [
        "head.1.weight", "head.1.bias"]
    with pytest.raises(Exception, match="there is no block 'nowhere'"):
        shown.on = ["nowhere"]
    assert shown.on == ["head.1"]


def test_a_block_that_is_partly_frozen_stays_so_until_it_is_switched():
    shown = panel()
    shown.model.features[0][0].weight.requires_grad_(True)
    shown.refresh()
    assert by_path(shown)["features.0"]["state"] == "partly" and shown.on == []
    shown.on = ["head.1"]
    assert by_path(shown)["features.0"]["state"] == "partly"
    shown.choose(["head.1"])
    assert by_path(shown)["features.0"]["state"] == "frozen"
    shown.on = ["features.0"]
    assert by_path(shown)["features.0"]["state"] == "learns"


def test_presets():
    shown = panel()
    names = {name: paths for name, paths in shown.fixed["presets"]}
    assert names == {"Head only": ["head.1"], "Last blocks": ["unused", "head.1"],
                     "All": list(shown.blocks)}
    assert freeze_panel.presets([str(i) for i in range(20)])[1][1] == ["15", "16", "17", "18", "19"]
    for paths in names.values():
        shown._handle_custom_msg({"type": "choose", "paths": [*paths, "nowhere"]}, [])
        assert shown.on == paths
        assert shown.totals["trainable"] == sum(shown.blocks[p].count for p in paths)


def test_work_is_counted_layer_by_layer():
    shown = panel()
    forward = 2 * 16 * (2 * 9 + 4 * 18 + 4 * 36) + 2 * 3 * 4
    assert shown.totals["forward"] == forward and shown.totals["backward"] == 0
    assert shown.totals["end"] == "" and shown.totals["factor"] == 1.0
    shown.on = ["head.1"]
    assert shown.totals["backward"] == 2 * 3 * 4 and shown.totals["end"] == "head.1"
    assert shown.totals["gradients"] == 4 * 15 and shown.totals["optimizer"] == 8 * 15
    shown.on = ["features.2"]       # its weights, then the head on the way to it
    assert shown.totals["backward"] == 2 * 16 * 4 * 36 + 2 * 3 * 4
    assert shown.totals["back"] == {"features.2": "ends here", "head.1": "passes"}
    shown.on = ["features.0"]
    inputs = 2 * 16 * (4 * 18 + 4 * 36) + 2 * 3 * 4
    assert shown.totals["backward"] == 2 * 16 * 2 * 9 + inputs
    shown.choose(list(shown.blocks))
    assert shown.totals["backward"] == forward + inputs
    assert shown.totals["factor"] == pytest.approx((2 * forward + inputs) / forward)


def test_maps_are_kept_from_the_first_layer_that_learns():
    shown = panel()
    shown.on = ["features.1"]
    later = shown.totals["maps"]
    shown.on = ["features.0"]
    assert shown.totals["maps"] - later == 4 * 2 * 2 * 16 * 3    # convolution, norm and ReLU
    shown.on = []
    assert shown.totals["maps"] == 0


def test_the_optimizer_has_its_own_numbers():
    shown = panel(on=["head.1"])
    for name, each in (("SGD", 0), ("SGD with momentum", 4), ("Adam", 8)):
        shown.optimizer = name
        assert shown.totals["optimizer"] == 15 * each
    with pytest.raises(Exception, match="the optimizers are"):
        shown.optimizer = "Magic"


def test_what_it_says_gets_a_gradient_does():
    shown = panel()
    for paths in (["head.1"], ["features.1", "unused"], list(shown.blocks)):
        shown.choose(paths)
        shown.model.zero_grad()
        shown.model(shown.sample).sum().backward()
        for path, block in shown.blocks.items():
            shown.selected = path
            for (name, p), line in zip(block.named, shown.detail, strict=True):
                assert line[0] == name
                assert (p.grad is not None) == (line[3] == "gets a gradient"), (paths, path, line)
    shown.selected = "unused"
    assert [line[3] for line in shown.detail] == ["never used", "never used"]


def test_frozen_batch_norms_are_put_into_eval_mode():
    shown = panel()
    shown.model.train()
    shown.on = ["features.2"]
    modes = [block[1].training for block in shown.model.features]
    assert modes == [False, False, True]
    assert [by_path(shown)[f"features.{i}"]["norms"] for i in range(3)] == [
        "still", "still", "moving"]
    assert "still move" not in shown.message
    shown.steady = False
    assert [block[1].training for block in shown.model.features] == [True] * 3
    assert "2 frozen blocks have batch norms that still move." in shown.message
    assert by_path(shown)["features.0"]["warning"] and not by_path(shown)["features.2"]["warning"]
    assert shown.model.head[0].training       # the panel leaves everything else as it is


def test_looking_changes_nothing():
    torch.manual_seed(0)
    net = Net().train()
    net.head.eval()
    modes = [m.training for m in net.modules()]
    before = {k: v.clone() for k, v in net.state_dict().items()}
    widgets.FreezePanel(net, torch.randn(2, 1, 4, 4))
    assert [m.training for m in net.modules()] == modes
    assert all(torch.equal(v, before[k]) for k, v in net.state_dict().items())
    assert all(p.requires_grad and p.grad is None for p in net.parameters())
    assert not any(m._forward_hooks for m in net.modules())


def test_measuring_leaves_no_trace():
    shown = panel()
    shown.model.train()
    shown.choose(list(shown.blocks))
    for p in shown.model.parameters():
        p.grad = torch.ones_like(p)
    before = {k: v.clone() for k, v in shown.model.state_dict().items()}
    torch.manual_seed(3)
    wanted = torch.rand(2)
    torch.manual_seed(3)
    shown._handle_custom_msg({"type": "measure"}, [])
    assert re.search(r"Just now a step took [\d,]+ ms, [\d,]+ of them forward\.", shown.message)
    assert torch.equal(torch.rand(2), wanted)
    assert all(torch.equal(v, before[k]) for k, v in shown.model.state_dict().items())
    assert all(torch.equal(p.grad, torch.ones_like(p)) for p in shown.model.parameters())
    shown.on = []
    assert "Just now" not in shown.message


def test_without_a_sample_or_with_a_wrong_one():
    shown = panel(sample=False)
    assert shown.totals["forward"] == 0 and not shown.fixed["measurable"]
    assert [line[0] for line in shown.totals["lines"]] == [
        "numbers that learn", "gradients", "kept by the optimizer"]
    shown.measure()
    wrong = widgets.FreezePanel(Net(), torch.ones(3))
    assert wrong.message.startswith("The sample does not fit: ") and wrong.rows
    assert not any(m._forward_hooks for m in wrong.model.modules())


def test_the_budget():
    shown = panel(budget=200)
    shown.choose(["features.2", "head.1"])
    assert shown.totals["fits"] and shown.fixed["budget"] == 200
    shown.choose(["features.1", "features.2"])
    assert not shown.totals["fits"]
    assert panel().totals["fits"]


def test_looking_again_finds_a_new_head():
    shown = panel()
    shown.selected = "head.1"
    shown.model.head = nn.Linear(4, 7)
    shown._handle_custom_msg({"type": "again"}, [])
    assert list(shown.blocks)[-1] == "head" and shown.selected == "head" and shown.on == ["head"]
    assert shown.fixed["presets"][0][1] == ["head"]


def test_the_state_comes_back():
    shown, other = panel(), panel()
    shown.on, shown.optimizer, shown.selected = ["head.1"], "SGD with momentum", "features.1"
    shown.steady = False
    assert shown.state == ("lt:freeze?on=[%22head.1%22]&optimizer=SGD%20with%20momentum&"
                           "steady=false&selected=features.1")
    other.state = shown.state
    assert other.on == ["head.1"] and other.selected == "features.1" and not other.steady
    assert other.model.head[1].weight.requires_grad
    other.state = "lt:freeze?on=[\"nowhere\"]"
    assert "cannot be used" in other.message and other.on == ["head.1"]


def test_hostile_names_stay_text():
    model = nn.Module()
    model.add_module(SCRIPT, nn.Linear(1, 1))
    shown = widgets.FreezePanel(model, name=SCRIPT)
    picture = shown.static()
    assert "<script" not in picture
    root = ElementTree.fromstring(picture)
    assert SCRIPT in " ".join(root.itertext())
    assert not [a for e in root.iter() for a in e.attrib if a.startswith("on") or a == "id"]


def test_text_and_picture_are_stable():
    first, second = panel(on=["head.1"]), panel(on=["head.1"])
    assert repr(first) == repr(second) == "FreezePanel(1 of 5 blocks learn, 15 of 299 numbers)"
    assert first.static() == second.static() and "0x" not in first.static()
    assert first.alt.startswith("Freeze panel of net. 1 of 5 blocks learn: 15 of 299 numbers.")
    assert "… and 5 more blocks" in widgets.FreezePanel(
        nn.Sequential(*[nn.Linear(1, 1) for _ in range(45)])).static()


def test_view_code_asks_for_nothing():
    code, css = str(widgets.FreezePanel._esm), str(widgets.FreezePanel._css)
    assert not re.search(r"^\s*import\b|\bimport\(", code, re.MULTILINE)
    assert code.count("export default") == 1
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", code)
    assert "@import" not in css and "url(" not in css
    lines = (base.FOLDER / "freeze_panel.js").read_text("utf-8").splitlines()
    assert max(map(len, lines)) <= 100
