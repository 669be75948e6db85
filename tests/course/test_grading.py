"""Grading a class: good, bad and hostile notebooks; nothing stops the batch."""

import csv
import json
import os
import time
from pathlib import Path

import pytest

pytest.importorskip("IPython")
pytest.importorskip("anywidget")
pytest.importorskip("psutil")

from course.authoring.notebook import chapters, read, write
from course.authoring.versions import solved
from course.cli import main as command
from course.grading import report
from course.grading.likeness import alike, normal
from course.grading.merging import merge
from course.grading.runner import Graded, grade
from course.grading.sitting import changed, fingerprint
from course.grading.submissions import Submission, find, student
from course.problem import Problem

CHAPTER = next(c for c in chapters() if c.number == 1)
STUB = read(CHAPTER.file)
SOLVED = solved(STUB, CHAPTER.name)


def notebook(**sources):
    """The solved chapter 01, with cells given other sources; None takes a cell away."""
    made = json.loads(json.dumps(SOLVED))
    for name, source in sources.items():
        name = name.replace("_", "-")
        at = next(i for i, cell in enumerate(made["cells"]) if cell["id"] == name)
        if source is None:
            del made["cells"][at]
        else:
            made["cells"][at]["source"] = source
    return made


def graded(made, **limits):
    file = Path("ann/01_tensors.ipynb")
    return grade(Submission("ann", file, CHAPTER.name, made), **limits)


def statuses(result):
    return [v["status"] for v in result.verdicts.values()]


# ---- one notebook --------------------------------------------------------------------------------


def test_the_solutions_pass_and_nothing_is_noted():
    result = graded(SOLVED)
    assert (result.passed, result.of, result.notes, result.problem) == (5, 5, [], "")
    assert 0 < result.seconds < 120 and result.megabytes > 10


def test_the_stub_is_not_attempted():
    assert statuses(graded(STUB)) == ["not attempted"] * 5


def test_a_wrong_answer_comes_with_its_counterexample():
    result = graded(notebook(ex_01_3="def ex_01_3(t):\n    return t.numel()"))
    assert statuses(result) == ["passed", "passed", "failed", "passed", "passed"]
    assert "should be" in result.verdicts["ex_01_3"]["reason"]


def test_broken_cells_spoil_only_themselves():
    result = graded(notebook(ex_01_2="def ex_01_2(:", ex_01_4="1 / 0", ex_01_5=None))
    assert statuses(result) == ["passed", "missing", "passed", "missing", "not attempted"]
    assert any("SyntaxError" in n for n in result.notes)
    assert any("ZeroDivisionError" in n for n in result.notes)
    assert any("deleted: ex_01_5 (put back" in n for n in result.notes)


def test_moved_cells_deleted_givens_and_new_ids_are_put_right():
    made = notebook()
    made["cells"] = [c for c in made["cells"] if "exercise" in c["metadata"].get("tags", [])][::-1]
    result = graded(made)
    assert result.passed == 5
    assert any("cells were moved" in n for n in result.notes)
    for number, cell in enumerate(made["cells"]):
        cell["id"] = f"new{number}"
    assert graded(made).passed == 5


def test_a_changed_check_cell_is_not_what_counts():
    result = graded(notebook(
        ex_01_3="def ex_01_3(t):\n    return 0",
        check_01_3='print("exercise 01.3: passed (9 cases)")',
    ))
    assert result.verdicts["ex_01_3"]["status"] == "failed"
    assert any("edited: check ex_01_3" in n for n in result.notes)


def test_a_stored_claim_is_compared_with_the_run():
    made = notebook(ex_01_3="def ex_01_3(t):\n    return 0")
    for cell in made["cells"]:
        if cell["id"] == "check-01-3":
            said = "exercise 01.3: passed (9 cases)\n"
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": said}]
    assert any("stored output says passed" in n and "ex_01_3" in n for n in graded(made).notes)


@pytest.mark.parametrize("trick", [
    "import course.checks.framework as f\nf._difference = lambda *a: ''",
    "import course.checks.framework as f\nf.Trial.equal = lambda *a, **k: None",
    "import course.checks\nm = course.checks.module('01')\nm.ex_01_3.test = lambda trial: None",
    "import builtins\nbuiltins.abs = lambda x: 0",
], ids=["function", "method", "exercise", "builtin"])
def test_a_replaced_check_makes_the_verdict_void(trick):
    result = graded(notebook(ex_01_3=f"{trick}\ndef ex_01_3(t):\n    return 0"))
    assert statuses(result) == ["passed", "passed", "void", "void", "void"]


def test_replacing_the_check_object_changes_nothing():
    trick = "import course\ncourse.check = None\nclass check:\n    ex_01_3 = print\n"
    result = graded(notebook(ex_01_3=f"{trick}\ndef ex_01_3(t):\n    return 0"))
    assert result.verdicts["ex_01_3"]["status"] != "passed"


def test_an_endless_loop_keeps_what_came_before_it():
    began = time.monotonic()
    result = graded(notebook(ex_01_3="while True:\n    pass"), seconds=8)
    assert statuses(result) == ["passed", "passed", *["not reached"] * 3]
    assert any("stopped after 8 s" in n for n in result.notes)
    assert time.monotonic() - began < 60


def test_an_endless_answer_is_the_checks_business():
    result = graded(notebook(ex_01_3="def ex_01_3(t):\n    while True:\n        pass"))
    assert statuses(result) == ["passed", "passed", "failed", "passed", "passed"]


def test_too_much_memory_is_stopped():
    hog = "hoard = []\nwhile True:\n    hoard.append(bytearray(b'x' * 10_000_000))"
    result = graded(notebook(ex_01_2=hog), megabytes=600)
    assert statuses(result)[0] == "passed" and "not reached" in statuses(result)
    assert any("MB of memory" in n for n in result.notes)


@pytest.mark.parametrize("end", ["import os\nos._exit(3)", "import os\nos.kill(os.getpid(), 9)"])
def test_a_process_that_ends_itself_is_reported(end):
    result = graded(notebook(ex_01_2=end))
    assert statuses(result) == ["passed", *["not reached"] * 4]
    assert any("ended by itself" in n for n in result.notes)


def test_leaving_printing_and_asking_are_harmless():
    result = graded(notebook(
        ex_01_2="import sys\nprint('x' * 10_000_000)\nsys.exit()",
        ex_01_4="input('well?')",
    ))
    assert statuses(result) == ["passed", "missing", "passed", "missing", "passed"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_children_do_not_outlive_the_grading(tmp_path):
    alive = tmp_path / "alive"
    child = (
        "import time\n"
        "for i in range(600):\n"
        f"    open({str(alive)!r}, 'w').write(str(i))\n"
        "    time.sleep(0.05)\n"
    )
    spawn = (
        "import os, subprocess, sys, time\n"
        f"subprocess.Popen([sys.executable, '-c', {child!r}])\n"
        f"while not os.path.exists({str(alive)!r}):\n    time.sleep(0.05)\n"
    )
    graded(notebook(ex_01_2=spawn))
    before = alive.read_text()
    time.sleep(0.5)
    assert before and alive.read_text() == before


def test_the_notebook_sees_no_secrets_and_a_folder_of_its_own(monkeypatch):
    monkeypatch.setenv("GRADER_TOKEN", "secret")
    look = (
        "import os, pathlib\nassert 'GRADER_TOKEN' not in os.environ\n"
        "assert pathlib.Path.home().is_relative_to(pathlib.Path.cwd().parent)\n"
        "assert not os.listdir()\n"
        "def ex_01_3(t):\n    return t.numel() * t.element_size()"
    )
    assert graded(notebook(ex_01_3=look)).passed == 5


def test_asking_for_the_solution_is_noted():
    result = graded(notebook(ex_01_3="from course import check\ncheck.solution('01.3')"))
    assert "asks for the solutions" in result.notes


# ---- fingerprints and merging, without a process -------------------------------------------------


def test_a_fingerprint_sees_a_method_and_a_function():
    from course.checks import framework

    before = fingerprint([framework])
    assert changed(before, [framework]) == []
    kept = framework.Trial.equal, framework.run
    try:
        framework.Trial.equal = lambda self: None
        framework.run = None
        assert changed(before, [framework]) == [
            "course.checks.framework.Trial.equal", "course.checks.framework.run"]
    finally:
        framework.Trial.equal, framework.run = kept


def test_own_cells_stay_where_they_were():
    made = notebook()
    own = {"cell_type": "code", "id": "mine", "metadata": {}, "source": "helper = 1", "outputs": [],
           "execution_count": None}
    at = next(i for i, c in enumerate(made["cells"]) if c["id"] == "ex-01-3")
    made["cells"].insert(at, own)
    sources = [s.source for s in merge(STUB, made).steps]
    assert sources.index("helper = 1") + 1 == next(
        i for i, s in enumerate(sources) if s.startswith("def ex_01_3"))


# ---- a folder ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path, whose", [
    ("ann/01_tensors.ipynb", "ann"),
    ("submitted ann/hw1/01_tensors.ipynb", "submitted ann"),
    ("Ann Lee_123_assignsubmission_file_/01_tensors.ipynb", "Ann Lee"),
    ("leeann_LATE_123_456_01_tensors-1.ipynb", "leeann"),
    ("ann_01_tensors.ipynb", "ann"),
    ("01_tensors.ipynb", "unknown"),
    ("ann.ipynb", "ann"),
])
def test_whose_it_is(path, whose):
    assert student(Path(path), "01_tensors") == whose


def test_what_cannot_be_graded_says_why(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "cut.ipynb").write_text('{"cells": [')
    (tmp_path / "a" / "list.ipynb").write_text("[1]")
    (tmp_path / "a" / "odd.ipynb").write_text('{"cells": [{"cell_type": "code"}]}')
    (tmp_path / "a" / "bytes.ipynb").write_bytes(b"\xff\xfe\x00\x01")
    (tmp_path / "a" / "deep.ipynb").write_text("[" * 100_000)
    (tmp_path / "a" / "other.ipynb").write_text('{"cells": [], "metadata": {}}')
    (tmp_path / "a" / ".ipynb_checkpoints").mkdir()
    (tmp_path / "a" / ".ipynb_checkpoints" / "x.ipynb").write_text("{}")
    outside = tmp_path.parent / "outside.ipynb"
    outside.write_text("{}")
    (tmp_path / "a" / "link.ipynb").symlink_to(outside)
    found = {s.file.name: s.problem for s in find(tmp_path)}
    assert sorted(found) == [
        "bytes.ipynb", "cut.ipynb", "deep.ipynb", "link.ipynb", "list.ipynb", "odd.ipynb",
        "other.ipynb"]
    assert all(found.values()), found
    assert "cut off" in found["cut.ipynb"] and "link" in found["link.ipynb"]
    for submission in find(tmp_path):
        assert grade(submission).problem


def results():
    ok, no = {"status": "passed", "reason": ""}, {"status": "failed", "reason": "<b> & =1+1"}
    long = "def ex_01_3(t):\n" + "".join(f"    a{i} = t.numel() + {i}\n" for i in range(9))
    return [
        Graded("=cmd()", "01_tensors", "f1", {"ex_01_1": ok, "ex_01_3": ok},
               answers={"ex_01_3": long}),
        Graded("<script>", "01_tensors", "f2", {"ex_01_1": no, "ex_01_3": ok},
               notes=["<i>"], answers={"ex_01_3": long + "    # mine\n"}),
        Graded("<script>", "01_tensors", "f3", {"ex_01_1": no, "ex_01_3": no}),
        Graded("zoe", "", "f4", problem="it is no notebook"),
    ]


def test_names_can_neither_calculate_nor_be_markup():
    made = results()
    rows = list(csv.reader(report.grades(made).splitlines()))
    assert rows[1][:5] == ["'=cmd()", "01_tensors", "f1", "2", "2"]
    assert rows[4][0] == "zoe" and rows[4][-1] == "it is no notebook"
    page = report.page(made, "<t>")
    for raw in ("<script>", "<i>", "<t>", "<b>"):
        assert raw not in page
    assert "1 of 2" in page        # the exercise most often wrong, counted in the best notebooks


def test_the_gradebook_takes_the_best_notebook():
    rows = list(csv.reader(report.gradebook(results()).splitlines()))
    assert rows == [["student", "01_tensors (of 5)", "total"], ["<script>", "1", "1"],
                    ["'=cmd()", "2", "2"], ["zoe", "", "0"]]


def test_same_answers_are_found_through_comments_and_layout():
    assert alike(results()) == [("ex_01_3", ["<script>", "=cmd()"], False)]
    assert normal("x = 1") == "" and normal("def f(:") == ""


def test_the_command_grades_reports_and_goes_on(tmp_path, capsys):
    hand_in = tmp_path / "class"
    (hand_in / "ann").mkdir(parents=True)
    (hand_in / "bob").mkdir()
    write(hand_in / "ann" / "01_tensors.ipynb", SOLVED)
    (hand_in / "bob" / "01_tensors.ipynb").write_text("no notebook")
    line = ["course", "grade", str(hand_in), "--out", str(tmp_path / "out"), "--jobs", "1"]
    assert command(line) == 0
    said = capsys.readouterr().out
    assert "ann, 01_tensors: 5 of 5" in said and "bob, 01_tensors: it is no notebook" in said
    with open(tmp_path / "out" / "results.jsonl", "a") as file:
        file.write('{"key": "cut of')
    assert command(line) == 0
    assert "5 of 5, as before" in capsys.readouterr().out
    assert "ann" in (tmp_path / "out" / "report.html").read_text()
    assert (tmp_path / "out" / "gradebook.csv").read_text().splitlines()[1] == "ann,5,5"


@pytest.mark.parametrize("words", [["nowhere"], ["."], [".", "--time", "0"]])
def test_the_command_says_what_is_missing(tmp_path, monkeypatch, words, capsys):
    monkeypatch.chdir(tmp_path)
    assert command(["course", "grade", *words]) == 2
    assert "learntorch:" in capsys.readouterr().err


def test_an_output_folder_that_cannot_be_written(tmp_path):
    from course.grading.grade import main

    (tmp_path / "a.ipynb").write_text("no")
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(Problem, match="--out"):
        main([str(tmp_path), "--out", str(tmp_path / "taken")])
