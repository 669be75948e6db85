"""The file inspector, without a browser: what it lists, counts and says of a file."""

import io
import json
import os
import re
from xml.etree import ElementTree

import pytest

pytest.importorskip("anywidget")

import learntorch as torch
from course import widgets
from course.widgets import base, file_inspector
from learntorch import nn
from tests.io import hostile

SCRIPT = "<script>alert(1)</script>"


class Evil:
    def __reduce__(self):
        return os.system, ("touch ran",)


def saved(value):
    file = io.BytesIO()
    torch.save(value, file)
    return file.getvalue()


def shown(value, **options):
    return widgets.FileInspector(io.BytesIO(saved(value)), **options)


def example():
    torch.manual_seed(0)
    large = torch.arange(1000.0)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    return {"model": model.state_dict(), "view": large[100:130], "other": large[900:],
            "epoch": 7, "names": ["a", (None, 2.5)]}


def by_id(inspector):
    return {r["id"]: r for r in inspector.rows}


def facts(inspector):
    return dict(inspector.detail["facts"])


def test_every_part_has_a_line():
    inspector = shown(example(), folded=[])
    rows = by_id(inspector)
    assert rows["o"]["kind"] == "dict" and rows["o/0"]["kind"] == "OrderedDict"
    assert rows["o/0/0"]["name"] == "'0.weight'" and rows["o/0/0"]["text"] == "float32 (4, 3)"
    assert rows["o/0/0"]["size"] == "48 bytes" and rows["o/3"]["text"] == "7"
    assert rows["o/4/1/0"]["text"] == "None" and rows["o/4/1"]["kind"] == "tuple"
    assert rows["f/0"]["name"] == "data.pkl" and rows["f"]["depth"] == 0
    assert inspector.summary.endswith("9 tensors in 8 storages")
    assert inspector.good and inspector.verdict.startswith("torch.load reads it")


def test_the_expression_is_python_that_finds_the_part(tmp_path):
    file = tmp_path / "one.pt"
    torch.save(example(), file)
    loaded = torch.load(file)
    inspector = widgets.FileInspector(file, folded=[])
    found = 0
    for node in inspector.nodes.values():
        if node["kind"] == "Tensor":
            real = eval(node["expression"], {"loaded": loaded})
            assert node["text"] == f"{real.dtype.name} {tuple(real.shape)}"
            assert node["bytes"] == real.numel() * real.element_size()
            found += 1
    assert found == 9 and inspector.name == "one.pt"
    assert inspector.summary.startswith("one.pt: a zip archive, ")


def test_a_tensor_in_every_detail():
    inspector = shown(example(), selected="o/1")
    assert facts(inspector)["offset"] == "100" and facts(inspector)["numbers"] == "30, 120 bytes"
    numbers = inspector.detail["numbers"]
    assert dict(numbers["facts"])["least and greatest"] == "100, 129"
    assert numbers["first"].startswith("100, 101, 102") and sum(numbers["bars"]) == 30
    assert (numbers["low"], numbers["high"]) == ("100", "129")
    storage = inspector.detail["storage"]
    assert storage["text"] == "4,000 bytes; 2 tensors look at 13 % of it"
    mine, other = storage["looks"]
    assert (mine["begins"], mine["ends"], mine["on"]) == (0.1, 0.13, True)
    assert (other["begins"], other["ends"], other["on"]) == (0.9, 1.0, False)
    assert inspector.message == "loaded['view']: Tensor, float32 (30,)."


def test_odd_numbers_are_told():
    odd = torch.tensor([float("nan"), float("inf"), 1.0, 0.0])
    inspector = shown({"odd": odd, "none": torch.zeros(0), "same": torch.ones(5),
                       "one": torch.tensor(3)}, selected="o/0")
    told = dict(inspector.detail["numbers"]["facts"])
    assert told["NaN and infinite"] == "2" and told["zeros"] == "1"
    inspector.selected = "o/1"
    assert inspector.detail["numbers"] == {} and facts(inspector)["shape"] == "(0,)"
    inspector.selected = "o/2"
    assert inspector.detail["numbers"]["bars"] == []
    inspector.selected = "o/3"
    assert inspector.detail["numbers"]["first"] == "3"


def test_what_stands_twice_is_taken_apart_once():
    inner = {"x": torch.ones(2)}
    circle = [inner, inner]
    circle.append(circle)
    inspector = shown(circle, folded=[])
    rows = by_id(inspector)
    assert rows["o/1"]["state"] == "again" and rows["o/1"]["text"] == "the same as loaded[0]"
    assert rows["o/2"]["text"] == "the same as loaded" and "o/2/0" not in rows


def test_a_pickle_that_grows_without_end_is_short_here():
    wide = []
    for _ in range(60):
        wide = [wide, wide]
    assert len(shown(wide).nodes) < 200


def test_hostile_files_are_marked_and_not_run(tmp_path):
    here = os.getcwd()
    os.chdir(tmp_path)
    try:
        inspector = shown({"w": torch.ones(2), "x": Evil(), "n": 10**5000}, selected="o/1")
        assert not os.path.exists("ran")
    finally:
        os.chdir(here)
    name = f"{os.system.__module__}.system"
    assert not inspector.good and inspector.verdict == f"torch.load refuses it: it names {name}."
    assert by_id(inspector)["o/1"]["state"] == "refused"
    assert facts(inspector)["would call"] == f"{name}('touch ran')"
    assert "only notes it" in inspector.detail["note"]
    assert "an integer of 16,610 bits" in by_id(inspector)["o/2"]["text"]


CORPUS = {**{n: hostile.archive(d, **{"data/0": hostile.DATA})
             for n, d in hostile.REFUSED.items() if "deep" not in n},
          **{n: hostile.archive(d, **{"data/0": hostile.DATA})
             for n, (d, _) in hostile.HARMLESS.items()}, **hostile.ARCHIVES}


@pytest.mark.parametrize("name", CORPUS)
def test_every_hostile_file_can_be_looked_at(name):
    inspector = widgets.FileInspector(io.BytesIO(CORPUS[name]), folded=[])
    for place in [*inspector.nodes][:30] + [*inspector.nodes][-5:]:
        inspector.selected = place
    inspector.query = "a"
    ElementTree.fromstring(inspector.static())
    assert len(json.dumps([inspector.rows, inspector.detail, inspector.records])) < 10**6
    if name in hostile.ARCHIVES:
        assert not inspector.good


def test_a_whole_module_is_refused_and_can_be_read():
    inspector = shown(nn.Sequential(nn.Linear(2, 1)), folded=[])
    names = [n["expression"] for n in inspector.nodes.values() if n["kind"] == "Parameter"]
    assert names[0].endswith("._parameters['weight']") and not inspector.good


def test_a_cut_file_tells_what_is_whole():
    data = saved(example())
    for part in (0.97, 0.5, 0.1, 0.02):
        inspector = widgets.FileInspector(io.BytesIO(data[:int(len(data) * part)]), folded=[])
        assert not inspector.good and "cut short" in inspector.verdict
        assert by_id(inspector)["f"]["state"] == "cut"
        for node in list(inspector.nodes):
            inspector.selected = node
        states = {r["state"] for r in inspector.rows}
        if part == 0.5:
            assert by_id(inspector)["o/1"]["state"] == "" and states >= {"cut", "lost"}
        if part == 0.1:
            assert by_id(inspector)["o"]["state"] == "breaks off"
            assert by_id(inspector)["o/0/0"]["state"] == "lost"


def test_records_are_laid_out_in_order():
    inspector = shown(example())
    ends = 0
    for r in inspector.records:
        assert r["begins"] >= ends and r["there"] == r["size"] and r["whole"]
        ends = r["begins"] + r["size"]
    assert ends <= 1 and {r["kind"] for r in inspector.records} == {"pickle", "numbers", "other"}
    inspector.selected = "f/0"
    assert inspector.detail["steps"][0] == ["0", "PROTO", "2"]
    assert inspector.detail["steps"][-1][1] == "STOP"
    assert facts(inspector)["checksum"] == "right"
    place = next(r["id"] for r in inspector.records if r["name"] == "data/7")
    inspector.selected = place
    assert len(inspector.detail["storage"]["looks"]) == 2


def test_folding_and_searching():
    inspector = shown(example())
    assert "o/0/0" in by_id(inspector) and "o/4/1/0" not in by_id(inspector)
    inspector.selected = "o/0/3"
    inspector.folded = ["o"]
    assert inspector.selected == "o" and "o/0" not in by_id(inspector)
    inspector.query = "RUNNING"
    assert list(by_id(inspector)) == ["o", "o/0", "o/0/4", "o/0/5"]
    assert inspector.message == "2 lines with 'RUNNING'"
    inspector.query = "(30,)"
    assert list(by_id(inspector)) == ["o", "o/1"]
    inspector.query = "nowhere"
    assert inspector.rows == []
    inspector.query = ""
    assert list(by_id(inspector))[:2] == ["o", "f"]
    inspector.folded = ["o", "nothing", "o/3"]
    assert inspector.folded == ["o"]


def test_large_files_start_folded_and_are_listed_in_part():
    inspector = shown({"many": {f"w{i}": i for i in range(700)}})
    assert "o/0/0" not in by_id(inspector)
    inspector.folded = []
    assert len(inspector.rows) == file_inspector.SHOWN and "lines: the first" in inspector.message


def test_files_that_are_none(tmp_path):
    inspector = widgets.FileInspector(io.BytesIO(b"hello, this is text\n"))
    assert list(by_id(inspector)) == ["o", "f"] or list(by_id(inspector)) == ["f"]
    assert "neither an archive nor a pickle" in inspector.verdict
    assert widgets.FileInspector(io.BytesIO(b""), selected="f").verdict
    with pytest.raises(FileNotFoundError):
        widgets.FileInspector(tmp_path / "nothing.pt")


def test_the_state_comes_back():
    inspector, other = shown(example()), shown(example())
    inspector.folded, inspector.selected, inspector.query = ["o/0"], "o/2", "oth"
    assert inspector.state == 'lt:file?selected=o%2F2&folded=[%22o%2F0%22]&query=oth'
    other.state = inspector.state
    assert (other.selected, other.query, other.folded) == ("o/2", "oth", ["o/0"])
    other.state = "lt:file?selected=o/99"
    assert "cannot be used" in other.message and other.selected == "o/2"


def test_hostile_names_stay_text():
    inspector = shown({SCRIPT: torch.ones(2), "w": SCRIPT})
    picture = inspector.static()
    assert "<script" not in picture
    root = ElementTree.fromstring(picture)
    assert SCRIPT in " ".join(root.itertext())
    assert not [a for e in root.iter() for a in e.attrib if a.startswith("on") or a == "id"]


def test_text_and_picture_are_stable():
    first, second = shown(example()), shown(example())
    assert repr(first) == repr(second) and not re.search(r"0x[0-9a-f]{6}", repr(first))
    assert first.static() == second.static()
    assert "Chosen: loaded: dict, 5 parts." in first.alt
    data, _ = first._repr_mimebundle_()
    assert data["text/plain"] == repr(first) and "image/svg+xml" in data


def test_amounts_in_words():
    said = [file_inspector.amount(n) for n in (0, 1, 9999, 12345, 999_600, 3_400_000, 7 * 10**12)]
    assert said == ["0 bytes", "1 byte", "9,999 bytes", "12.3 kB", "1 MB", "3.4 MB", "7 TB"]


def test_view_code_asks_for_nothing():
    code, css = str(widgets.FileInspector._esm), str(widgets.FileInspector._css)
    assert not re.search(r"^\s*import\b|\bimport\(", code, re.MULTILINE)
    assert code.count("export default") == 1
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", code)
    assert "@import" not in css and "url(" not in css
    lines = (base.FOLDER / "file_inspector.js").read_text("utf-8").splitlines()
    assert max(map(len, lines)) <= 100
