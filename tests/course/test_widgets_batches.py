"""The batch viewer, without a browser: what it deals is what a DataLoader deals."""

import re
from xml.etree import ElementTree

import pytest

pytest.importorskip("anywidget")

import learntorch as torch
from course import widgets
from course.widgets import base, batch_viewer
from learntorch.utils.data import DataLoader, WeightedRandomSampler

SCRIPT = "<script>alert(1)</script>"


def indices(viewer):
    return [b["indices"] for b in viewer.batches]


def dealt(n=26, epochs=1, seed=0, **options):
    """The batches of a DataLoader over the numbers below n in its last epoch."""
    loader = DataLoader(range(n), generator=torch.Generator().manual_seed(seed), **options)
    for _ in range(epochs):
        found = [batch.tolist() for batch in loader]
    return found


@pytest.mark.parametrize("options", [
    {"batch_size": 4}, {"batch_size": 5, "drop_last": True}, {"batch_size": 4, "shuffle": True},
    {"batch_size": 26}, {"batch_size": 1}, {"batch_size": 7, "shuffle": True, "drop_last": True}])
def test_batches_are_those_of_a_dataloader(options):
    viewer = widgets.BatchViewer(**options)
    assert indices(viewer) == dealt(**options)
    assert not viewer.problem
    viewer.seed, viewer.epoch = 3, 2
    assert indices(viewer) == dealt(seed=3, epochs=2, **options)


def test_a_weighted_sampler():
    viewer = widgets.BatchViewer(sampler="weighted", seed=1)
    g = torch.Generator().manual_seed(1)
    weights = [1 / 20] * 20 + [1 / 6] * 6
    drawing = WeightedRandomSampler(weights, 26, generator=g)
    loader = DataLoader(range(26), batch_size=4, sampler=drawing, generator=g)
    want = [batch.tolist() for batch in loader]
    assert indices(viewer) == want
    used = [i for batch in want for i in batch]
    left = 26 - len(set(used))
    assert f"{left} samples never used. {left} places taken" in viewer.summary
    assert [s["times"] for s in viewer.samples] == [used.count(i) for i in range(26)]


def test_balanced_batches_end_with_the_smallest_class():
    viewer = widgets.BatchViewer([0, 1, 2] * 5 + [0] * 9, sampler="balanced", batch_size=6)
    assert [b["counts"] for b in viewer.batches] == [[2, 2, 2]] * 2
    assert all(b["balanced"] and not b["short"] for b in viewer.batches)
    assert len({i for b in indices(viewer) for i in b}) == 12
    viewer.batch_size = 4
    assert "cannot hold equally many of 3 classes" in viewer.problem and viewer.batches == []


@pytest.mark.parametrize(("options", "words"), [
    ({"sampler": "weighted", "shuffle": True}, "sampler option is mutually exclusive"),
    ({"sampler": "balanced", "shuffle": True}, "batch_sampler option is mutually exclusive"),
    ({"sampler": "balanced", "drop_last": True}, "batch_sampler option is mutually exclusive")])
def test_what_a_dataloader_refuses_is_said_in_its_words(options, words):
    viewer = widgets.BatchViewer(**options)
    assert viewer.problem.startswith("ValueError: " + words)
    assert viewer.batches == [] and viewer.step == 0 and words in viewer.static()
    viewer.shuffle = viewer.drop_last = False
    assert viewer.problem == "" and viewer.batches


def test_workers_take_turns_and_are_asked_in_advance():
    viewer = widgets.BatchViewer(batch_size=2, workers=3)
    assert [b["worker"] for b in viewer.batches][:5] == [0, 1, 2, 0, 1]
    viewer.step = 4
    states = {b["number"]: b["state"] for lane in viewer.lanes for b in lane["batches"]}
    assert sorted(states) == list(range(13))
    assert [states[i] for i in range(13)] == ["delivered"] * 4 + ["asked"] * 6 + ["waiting"] * 3
    viewer.workers = 0
    assert [lane["name"] for lane in viewer.lanes] == ["main process"]
    assert {b["worker"] for b in viewer.batches} == {-1}


def test_a_real_loader_asks_the_same_workers():
    class Who(torch.utils.data.Dataset):
        def __len__(self):
            return 10

        def __getitem__(self, i):
            return i, torch.utils.data.get_worker_info().id

    context = "fork" if "fork" in __import__("multiprocessing").get_all_start_methods() else None
    if context is None:
        pytest.skip("a class of a test reaches its workers by fork only")
    loader = DataLoader(Who(), batch_size=2, num_workers=2, multiprocessing_context=context)
    found = [(i.tolist(), set(w.tolist())) for i, w in loader]
    viewer = widgets.BatchViewer([0, 1] * 5, batch_size=2, workers=2)
    assert found == [(b["indices"], {b["worker"]}) for b in viewer.batches]


def test_steps_and_what_is_said():
    viewer = widgets.BatchViewer()
    assert viewer.message == "Nothing delivered yet. 7 batches to come."
    viewer.step = 6
    assert viewer.message == ("Batch 5 from worker 1: samples 20, 21, 22, 23; 0 of class 0, "
                              "4 of class 1.")
    assert [s["seen"] for s in viewer.samples] == [1] * 24 + [0] * 2
    viewer.step = 99
    assert viewer.step == 7
    viewer.batch_size = 13
    assert viewer.step == 2
    assert viewer.summary == "26 samples: 2 batches of 13; 0 of 2 balanced."
    viewer.drop_last, viewer.batch_size = True, 20
    assert viewer.summary.endswith("6 samples never used.")


def test_values_out_of_range_are_brought_back():
    viewer = widgets.BatchViewer(batch_size=1000, workers=99, seed=-4, epoch=0, step=-1)
    assert (viewer.batch_size, viewer.workers, viewer.seed, viewer.epoch, viewer.step) == (
        26, 4, 0, 1, 0)
    with pytest.raises(ValueError, match="at most 8"):
        widgets.BatchViewer(list(range(9)))
    with pytest.raises(ValueError, match="1 to 400"):
        widgets.BatchViewer([])


def test_labels_may_be_a_tensor_or_words():
    viewer = widgets.BatchViewer(torch.tensor([3, 1, 3, 3]))
    assert [c["name"] for c in viewer.classes] == ["1", "3"]
    assert [s["kind"] for s in viewer.samples] == [1, 0, 1, 1]
    assert [c["count"] for c in widgets.BatchViewer(["b", "a", "b"]).classes] == [1, 2]


def test_the_code_is_what_a_reader_would_write():
    assert widgets.BatchViewer(workers=0).code == "DataLoader(data, batch_size=4, generator=g)"
    viewer = widgets.BatchViewer(shuffle=True, drop_last=True)
    assert viewer.code == ("DataLoader(data, batch_size=4, shuffle=True, drop_last=True, "
                           "num_workers=2, generator=g)")
    viewer.shuffle, viewer.sampler, viewer.drop_last = False, "balanced", False
    assert viewer.code == "DataLoader(data, batch_sampler=balanced, num_workers=2, generator=g)"


def test_the_state_comes_back():
    viewer, other = widgets.BatchViewer(), widgets.BatchViewer()
    viewer.batch_size, viewer.shuffle, viewer.epoch, viewer.step = 6, True, 3, 2
    assert viewer.state == ("lt:batches?batch_size=6&shuffle=true&drop_last=false&sampler=none&"
                            "workers=2&seed=0&epoch=3&step=2")
    other.state = viewer.state
    assert indices(other) == indices(viewer) and other.step == 2
    other.state = "lt:batches?sampler=magic"
    assert "cannot be used" in other.message and other.sampler == "none"


def test_hostile_labels_stay_text():
    viewer = widgets.BatchViewer([SCRIPT, "b"] * 20, batch_size=30)
    picture = viewer.static()
    assert "<script" not in picture
    root = ElementTree.fromstring(picture)
    assert SCRIPT in " ".join(root.itertext())
    assert not [a for e in root.iter() for a in e.attrib if a.startswith("on") or a == "id"]


def test_text_and_picture_are_stable():
    first, second = widgets.BatchViewer(shuffle=True), widgets.BatchViewer(shuffle=True)
    assert repr(first) == repr(second) and first.static() == second.static()
    assert repr(first) == f"BatchViewer({first.summary})"
    assert first.alt.startswith("DataLoader(data, batch_size=4, shuffle=True")
    data, _ = first._repr_mimebundle_()
    assert data["text/plain"] == repr(first) and "image/svg+xml" in data


def test_view_code_asks_for_nothing():
    code, css = str(widgets.BatchViewer._esm), str(widgets.BatchViewer._css)
    assert not re.search(r"^\s*import\b|\bimport\(", code, re.MULTILINE)
    assert code.count("export default") == 1
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", code)
    assert "@import" not in css and "url(" not in css
    lines = (base.FOLDER / "batch_viewer.js").read_text("utf-8").splitlines()
    assert max(map(len, lines)) <= 100


def test_a_batch_sampler_of_the_viewer_is_a_batch_sampler():
    labels = [0] * 5 + [1] * 4
    batches = batch_viewer.Balanced(labels, [0, 1], 4, torch.Generator().manual_seed(0))
    loader = DataLoader(range(9), batch_sampler=batches)
    assert len(loader) == 2 and [b.numel() for b in loader] == [4, 4]
