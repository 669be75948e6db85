"""Each release gate is shown to close on a planted fault, and to stay open without it.

Gates that read are tried on a copy of chapter 01; gates that run, on a chapter of a few lines.
"""

import base64
import copy
import io

import pytest

pytest.importorskip("nbval")
pytest.importorskip("nbclient")

from course.authoring import check, gates
from course.authoring.execute import execute
from course.authoring.gates import GATES, Subject
from course.authoring.notebook import Cell, cells, chapters, read, write
from course.authoring.text import from_text, merge
from course.chapters import listing

NAME = "01_tensors"

SMALL = """%% markdown title
# Small

%% code one
numbers = [2.0, 2.0]
print(numbers)

%% code two tolerance=0.01
print(0.5)

%% markdown navigation
"""

SHARED = """%% code one
import learntorch as torch
print(torch.ones(2))

%% code two tolerance=0.01
print(0.5)
"""

# Enough of PyTorch for a gate to be tried where there is none.
PRETENDED = {
    "torch/__init__.py": """
def set_num_threads(count): pass
def ones(count): return [1.0] * count
""",
    "torch/nn/__init__.py": "class Linear: pass",
    "torch/nn/functional.py": "def relu(x): return x",
}


@pytest.fixture
def real(tmp_path):
    """A copy of all chapters; `real.plant(change)` changes chapter 01 and examines it anew."""
    for chapter in chapters():
        write(tmp_path / chapter.file.name, read(chapter.file))
    return Place(tmp_path, read(tmp_path / f"{NAME}.ipynb"))


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    notebook = merge(from_text(SMALL))
    notebook, _ = execute(notebook, tmp_path_factory.mktemp("run"))
    return notebook


@pytest.fixture
def small(tmp_path, executed):
    """A chapter of two code cells that has run."""
    return Place(tmp_path, copy.deepcopy(executed))


class Place:
    def __init__(self, folder, notebook):
        self.folder = folder
        self.notebook = notebook

    def cell(self, name):
        return next(c for c in self.notebook["cells"] if c["id"] == name)

    def subject(self, oracle=None):
        write(self.folder / f"{NAME}.ipynb", self.notebook)
        (chapter,) = [c for c in listing(self.folder) if c.name == NAME]
        return Subject(chapter, oracle)

    def problems(self, gate, oracle=None):
        verdict = GATES[gate](self.subject(oracle))
        assert not verdict.skipped
        return "\n".join(verdict.problems)


def test_no_fault_no_problem(real):
    for gate in ("pairing", "anatomy", "ran", "stubs", "leaks", "links", "spelling", "ideas"):
        assert real.problems(gate) == "", gate


def test_pairing_misses_a_file(real):
    assert "checks 05_dynamic_graphs without a notebook" not in real.problems("pairing")
    (real.folder / "05_dynamic_graphs.ipynb").unlink()
    first = Subject(listing(real.folder)[0])
    found = "\n".join(gates.pairing(first).problems)
    for what in ("checks", "solutions", "quiz"):
        assert f"{what} 05_dynamic_graphs without a notebook" in found


def test_pairing_misses_an_exercise(real):
    real.notebook["cells"].remove(real.cell("ex-01-3"))
    found = real.problems("pairing")
    assert "the checks" in found and "the solutions" in found


def test_pairing_finds_a_chapter_that_nothing_belongs_to(real):
    (real.folder / "02_nothing.ipynb").write_bytes((real.folder / f"{NAME}.ipynb").read_bytes())
    (stranger,) = [c for c in listing(real.folder) if c.name == "02_nothing"]
    found = gates.pairing(Subject(stranger)).problems
    assert [f"no {what} called 02_nothing" in found for what in ("checks", "solutions", "quiz")]


@pytest.mark.parametrize(
    ("plant", "words"),
    [
        (lambda p: p.cell("title").update(source="No title"), "does not begin with the title"),
        (lambda p: p.cell("title").update(source="# T\n\n- one aim"), "lists 1 aims"),
        (lambda p: p.notebook["cells"].clear(), "0 cells"),
        (
            lambda p: p.notebook["cells"].remove(p.cell("check-01-2")),
            "are not followed by the checks",
        ),
        (lambda p: p.cell("quiz").update(source="## Questions"), "no heading 'Quiz'"),
        (lambda p: p.cell("stride-do").update(id="filled-do"), "'filled-do' is used twice"),
        (lambda p: p.cell("stride-do")["metadata"].update(tags=["tolerant"]), "means nothing"),
    ],
)
def test_anatomy(real, plant, words):
    plant(real)
    assert words in real.problems("anatomy")


def test_ran_finds_a_cleared_cell(real):
    real.cell("stride-do")["execution_count"] = None
    assert "stride-do has not run" in real.problems("ran")


def test_ran_finds_cells_out_of_order(real):
    first, second = real.cell("dtype-do"), real.cell("precision-do")
    first["execution_count"], second["execution_count"] = 4, 3
    assert "dtype-do ran as number 4, in place of 3" in real.problems("ran")


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (
            {"output_type": "error", "ename": "ValueError", "evalue": "", "traceback": []},
            "an error",
        ),
        ({"output_type": "stream", "name": "stderr", "text": "old!"}, "stores a warning: 'old!'"),
        (
            {
                "output_type": "display_data",
                "metadata": {},
                "data": {gates.WIDGET: {"model_id": "7"}, "image/svg+xml": "<svg/>"},
            },
            "a widget's number",
        ),
    ],
)
def test_ran_finds_what_should_not_be_stored(real, output, words):
    real.cell("stride-do")["outputs"].append(output)
    assert words in real.problems("ran")


def test_ran_finds_widget_state(real):
    real.notebook["metadata"] = {**real.notebook["metadata"], "widgets": {}}
    assert "strip metadata.widgets" in real.problems("ran")


def test_stubs_must_be_stubs(real):
    real.cell("check-01-1")["outputs"][0]["text"] = "exercise 01.1: passed (1 case)\n"
    assert "ex_01_1: the check of the stub says 'exercise 01.1: passed" in real.problems("stubs")


def test_leaks_in_code_prose_and_output(real):
    for cell in ("seed-do", "dtype"):
        copied = Place(real.folder, copy.deepcopy(real.notebook))
        whole = (
            "place = 0\npassed = 1\nfor size, i in zip(reversed(shape), reversed(index)):\n"
            "    place += i * passed\n    passed *= size\nreturn place"
        )
        copied.cell(cell)["source"] += "\n" + whole
        assert f"ex_01_5: cell {cell} gives the solution away" in copied.problems("leaks")
    real.cell("seed-do")["outputs"][0]["text"] += "low + (high - low) * torch.rand(n)\n"
    assert real.problems("leaks") == ""
    real.cell("seed-do")["outputs"][0]["text"] += "return low + (high - low)*torch.rand( n )\n"
    assert "ex_01_2: cell seed-do gives the solution away" in real.problems("leaks")


def test_leaks_finds_a_filled_stub(real):
    real.cell("ex-01-1")["source"] = "ex_01_1 = torch.tensor([[1, 2, 3], [4, 5, 6]])"
    found = real.problems("leaks")
    assert "no `...` to be replaced" in found
    assert "ex_01_1: cell ex-01-1 gives the solution away" in found


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("[gone](77_gone.ipynb)", "77_gone.ipynb does not exist"),
        ("[old](http://pytorch.org)", "is not an https address"),
        ("[below](#Nowhere)", "no heading #Nowhere"),
        ("![](picture.png)", "picture.png has no text for those who do not see it"),
    ],
)
def test_links(real, source, words):
    real.cell("dtype")["source"] += "\n" + source
    assert words in real.problems("links")


def test_links_finds_a_stale_navigation_line(real):
    real.cell("navigation")["source"] = "[Next](05_dynamic_graphs.ipynb)"
    assert "navigation: should read '← [Welcome](00_welcome.ipynb)" in real.problems("links")
    real.notebook["cells"].remove(real.cell("navigation"))
    assert "there is no cell 'navigation'" in real.problems("links")


def test_spelling(real):
    assert real.problems("spelling") == ""
    real.cell("dtype")["source"] += "\nA tenssor with `a_name` and https://pytorch.org/wrod."
    assert real.problems("spelling") == "the word 'tenssor' is not in the list"


def test_ideas_of_later_chapters(real):
    real.cell("dtype-do")["source"] += "\ntorch.cuda.is_available()\ntorch.nn.Linear(2, 3)"
    assert real.problems("ideas").split("\n") == [
        "torch.cuda.is_available is explained in chapter 16",
        "torch.nn.Linear is explained in chapter 06",
    ]


# ---- gates that run the chapter -----------------------------------------------------------


@pytest.mark.notebooks
def test_outputs_hold(small):
    assert small.problems("outputs") == ""
    assert small.problems("budget") == ""
    assert small.problems("kernels") == ""


@pytest.mark.notebooks
@pytest.mark.parametrize(
    ("plant", "words"),
    [
        (lambda p: p.cell("one").update(source="print([2.0, 7.0])"), "2.0, 7.0"),
        (lambda p: p.cell("one")["outputs"][0].update(text="[2.0, 3.0]\n"), "2.0, 3.0"),
        (lambda p: p.cell("two")["outputs"][0].update(text="0.52\n"), "0.52"),
        (lambda p: p.cell("two").update(execution_count=None, outputs=[]), "has not run"),
        (lambda p: p.cell("two").update(execution_count=7), "ran as number 7, in place of 2"),
        (lambda p: p.cell("two").update(source="import warnings\nwarnings.warn('old')"), "old"),
        (lambda p: p.cell("two").update(source="1 / 0"), "ZeroDivisionError"),
    ],
)
def test_outputs_that_do_not(small, plant, words):
    plant(small)
    found = small.problems("outputs")
    assert "nbval" in found
    assert words in found


@pytest.mark.notebooks
def test_outputs_within_the_tolerance_of_the_cell(small):
    small.cell("two")["outputs"][0]["text"] = "0.505\n"
    assert small.problems("outputs") == ""


@pytest.mark.notebooks
def test_outputs_finds_a_changed_picture(small):
    image = pytest.importorskip("PIL.Image")

    def stored(colour):
        file = io.BytesIO()
        image.new("RGB", (64, 64), colour).save(file, "PNG")
        data = {"image/png": base64.b64encode(file.getvalue()).decode(), "text/plain": "a picture"}
        return [{"output_type": "display_data", "metadata": {}, "data": data}]

    small.cell("two")["source"] = (
        "import io\nfrom PIL import Image\nfrom IPython.display import display\n"
        "file = io.BytesIO()\nImage.new('RGB', (64, 64), 'white').save(file, 'PNG')\n"
        "data = {'image/png': file.getvalue(), 'text/plain': 'a picture'}\n"
        "display(data, raw=True)"
    )
    small.cell("two")["outputs"] = stored("#fdfdfd")
    assert small.problems("outputs") == ""
    small.cell("two")["outputs"] = stored("#dddddd")
    assert "the picture changed" in small.problems("outputs")


@pytest.mark.notebooks
def test_budget_of_time_and_memory(small, monkeypatch):
    monkeypatch.setattr(gates, "SECONDS", 0.01)
    monkeypatch.setattr(gates, "MEGABYTES", 10.0)
    found = small.problems("budget")
    assert "s of CPU, at most 0" in found and "MB, at most 10" in found


@pytest.mark.notebooks
def test_budget_measures_what_a_cell_takes(small):
    small.cell("two")["source"] = (
        "import numpy, time\nbig = numpy.ones(40_000_000)\n"
        "end = time.process_time() + 1.5\nwhile time.process_time() < end: pass\nprint(0.5)"
    )
    _, cost = small.subject().nbval()
    assert cost["cpu"] > 1.5
    assert cost["memory"] > 300 * 2**20


@pytest.mark.notebooks
def test_kernels_finds_what_depends_on_threads(small):
    small.cell("two")["source"] = "import os\nprint(os.environ['OPENBLAS_NUM_THREADS'])"
    small.cell("two")["outputs"][0]["text"] = "1\n"
    assert small.problems("outputs") == ""
    assert "nbval" in small.problems("kernels")


@pytest.mark.notebooks
def test_kernels_runs_on_another_kernel(small):
    small.cell("two")["source"] = "import os\nprint(os.environ.get('OPENBLAS_CORETYPE'))"
    small.cell("two")["outputs"][0]["text"] = "Haswell\n"
    assert small.problems("kernels") == ""


@pytest.mark.notebooks
def test_kernels_runs_without_the_newest_instructions(small):
    from numpy._core import _multiarray_umath as core

    newer = [name for name in core.__cpu_dispatch__ if core.__cpu_features__.get(name)]
    if not newer:
        pytest.skip("NumPy has no newer instructions to leave out on this processor")
    small.cell("two")["source"] = (
        "from numpy._core import _multiarray_umath as core\n"
        f"print(core.__cpu_features__[{newer[-1]!r}])"
    )
    small.cell("two")["outputs"][0]["text"] = "True\n"
    assert small.problems("outputs") == ""
    assert "nbval" in small.problems("kernels")


@pytest.mark.notebooks
def test_answers_finds_a_wrong_solution(real, monkeypatch):
    wrong = dict(gates.solutions.solutions(NAME), ex_01_3="def ex_01_3(t):\n    return 4")
    monkeypatch.setattr("course.authoring.versions.solutions", lambda chapter: wrong)
    found = real.problems("answers")
    assert found.startswith("ex_01_3: the check of the solution says 'exercise 01.3: failed")


@pytest.mark.notebooks
def test_answers_finds_a_missing_solution_and_a_broken_one(real, monkeypatch):
    broken = dict(gates.solutions.solutions(NAME), ex_01_3="this is no Python")
    monkeypatch.setattr("course.authoring.versions.solutions", lambda chapter: broken)
    assert "cell ex-01-3 raised SyntaxError" in real.problems("answers")
    del broken["ex_01_3"]
    assert "no solution of ex_01_3" in real.problems("answers")


# ---- gates that ask PyTorch ---------------------------------------------------------------


@pytest.fixture
def shared(tmp_path, monkeypatch):
    """A chapter of PyTorch code, and a Python that finds a torch of ours."""
    for name, text in PRETENDED.items():
        file = tmp_path / "pretended" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "pretended"))
    place = Place(tmp_path, merge(from_text(SHARED)))
    for name, text in (("one", "[1.0, 1.0]\n"), ("two", "0.5\n")):
        output = {"output_type": "stream", "name": "stdout", "text": text}
        place.cell(name).update(outputs=[output])
    return place


def test_pytorch_says_the_same(shared):
    assert shared.problems("pytorch") == ""
    assert shared.problems("names") == ""


@pytest.mark.parametrize(
    ("plant", "words"),
    [
        (lambda p: p.cell("one")["outputs"][0].update(text="[9.0, 9.0]\n"), "PyTorch '[1.0, 1.0]'"),
        (
            lambda p: p.cell("one").update(source="import learntorch as t\nt.ons(2)"),
            "fails in PyTorch",
        ),
        (lambda p: p.cell("one").update(source="import learntorch.missing"), "fails in PyTorch"),
        (lambda p: p.cell("two")["outputs"][0].update(text="0.52\n"), "PyTorch '0.5'"),
    ],
)
def test_pytorch_says_something_else(shared, plant, words):
    plant(shared)
    assert words in shared.problems("pytorch")


def test_pytorch_agrees_within_the_tolerance_of_the_cell(shared):
    shared.cell("two")["outputs"][0]["text"] = "0.505\n"
    assert shared.problems("pytorch") == ""


def test_cells_that_are_not_pytorch_are_left_out(shared):
    shared.cell("two").update(source="print(3)")
    shared.cell("two")["metadata"]["tags"] = ["learntorch-only"]
    assert shared.problems("pytorch") == ""


def test_our_errors_may_say_more(shared):
    shared.cell("two").update(source="print('wrong shape')")
    shared.cell("two")["metadata"]["tags"] = ["pytorch-wording"]
    shared.cell("two")["outputs"][0]["text"] = "wrong shape: use view\n"
    assert shared.problems("pytorch") == ""
    shared.cell("two")["outputs"][0]["text"] = "a wrong shape\n"
    assert "PyTorch says 'wrong shape'" in shared.problems("pytorch")


def test_names_that_pytorch_does_not_have(shared):
    shared.cell("two")["source"] = (
        "import learntorch.nn.functional as F\nfrom learntorch import nn\n"
        "def never():\n    return torch.make_it_so(1), F.relou, F.relu, nn.Linear\n"
        "torch.nn.Linaer if False else 1\n"
        "try:\n    torch.shown_on_purpose\nexcept AttributeError:\n    pass"
    )
    found = shared.problems("names")
    assert found.split("\n") == [
        "PyTorch has no torch.make_it_so",
        "PyTorch has no torch.nn.Linaer",
        "PyTorch has no torch.nn.functional.relou",
    ]


def test_without_pytorch_the_gate_says_so(small, tmp_path):
    verdict = gates.pytorch(small.subject(str(tmp_path / "no-such-python")))
    assert not verdict.problems and "does not start" in verdict.skipped


# ---- the command --------------------------------------------------------------------------


def test_one_line_for_each_gate(small, capsys):
    small.cell("two")["execution_count"] = None
    verdicts = check.examine(small.subject(), ["ran", "leaks"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:3] == [NAME, "ran", "FAILED"]
    assert lines[1] == "    cell two has not run"
    assert lines[2].split()[:3] == [NAME, "leaks", "ok"]
    assert list(verdicts) == ["ran", "leaks"]


def test_the_command_on_the_chapters_themselves(capsys):
    assert check.main(["1", "--quick"]) == 0
    assert capsys.readouterr().out.endswith("every gate is open\n")


def test_chapters_examined_at_the_same_time_are_told_one_after_the_other(capsys):
    assert check.main(["0", "1", "2", "--quick", "--jobs", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    told = [line.split()[0][:2] for line in lines[:-1]]
    assert told == sorted(told) and set(told) == {"00", "01", "02"}


def test_no_jobs_at_all_is_refused(capsys):
    with pytest.raises(SystemExit):
        check.main(["1", "--quick", "--jobs", "0"])
    assert "--jobs wants a number from 1 on" in capsys.readouterr().err


def test_what_uses_several_threads_runs_alone():
    assert check.rounds(["ran", "kernels", "answers"], 2) == [
        (2, ["ran", "answers"]), (1, ["kernels"])]
    assert check.rounds(["kernels", "ran"], 1) == [(1, ["kernels", "ran"])]


def test_cells_have_names_and_sources(real):
    for cell in cells(real.notebook):
        assert isinstance(cell, Cell) and cell.name
