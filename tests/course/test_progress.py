"""What a student has done is kept on their own machine, and nothing depends on it."""

import json
import os
import subprocess
import sys

import pytest

from course import check, progress
from course import progress as progress_function
from course.cli import main as command

module = sys.modules["course.progress"]


@pytest.fixture
def kept(tmp_path, monkeypatch):
    path = tmp_path / "mine" / "progress.json"
    monkeypatch.setenv("LEARNTORCH_PROGRESS", str(path))
    monkeypatch.setattr(module, "_here", {"exercises": [], "quizzes": {}})
    monkeypatch.setattr(module, "_unsaved", [])
    return path


def forget(monkeypatch):
    """As in a process that has just begun."""
    monkeypatch.setattr(module, "_here", {"exercises": [], "quizzes": {}})


def right(t):
    return t.numel() * t.element_size()


def row(number):
    return next(r for r in progress().rows if r[0] == number)


def test_a_passed_exercise_is_remembered_by_the_next_process(kept, monkeypatch, capsys):
    assert progress().done == 0 and module.line() == ""
    check.ex_01_3(lambda t: 0)
    assert progress().done == 0 and not kept.exists()
    check.ex_01_3(right)
    forget(monkeypatch)
    assert row("01")[2] == 1 and progress().done == 1
    assert json.loads(kept.read_text()) == {"exercises": ["ex_01_3"], "quizzes": {}}
    assert "1 of" in module.line() and "chapter 00 is next" in module.line()


def test_two_notebooks_at_once_lose_nothing(kept, monkeypatch):
    module.exercise_passed("ex_01_1")
    forget(monkeypatch)
    module.exercise_passed("ex_02_1")
    forget(monkeypatch)
    assert row("01")[2] == row("02")[2] == 1


def test_the_best_quiz_counts(kept, monkeypatch):
    module.quiz_answered("01", 3)
    forget(monkeypatch)
    module.quiz_answered("01", 2)
    assert row("01")[4] == 3
    module.quiz_answered("01", 99)
    assert row("01")[4] == row("01")[5]        # a quiz that has grown shorter since


def test_the_quiz_tells_it(kept):
    pytest.importorskip("anywidget")
    from course.widgets import Quiz

    quiz = Quiz("01")
    best = [next(i for i, o in enumerate(q["options"]) if o["right"]) for q in quiz.answers]
    quiz.chosen = [best[0]] + [-1] * (len(best) - 1)
    assert row("01")[4] == 1
    quiz.chosen = best
    assert row("01")[4] == len(best)


@pytest.mark.parametrize("text", ["{", "[]", '{"exercises": 3}', '{"quizzes": [1]}', "\xff"])
def test_a_broken_file_is_put_aside(kept, text):
    kept.parent.mkdir()
    kept.write_text(text, "latin-1")
    assert progress().done == 0
    module.exercise_passed("ex_01_1")
    assert json.loads(kept.read_text())["exercises"] == ["ex_01_1"]
    aside = kept.with_name("progress.json.broken")
    assert aside.exists() == (not text.startswith('{"'))


def test_a_folder_that_cannot_be_written_is_told_and_harmless(kept, capsys):
    kept.parent.write_text("a file where the folder should be")
    check.ex_01_3(right)
    assert "passed" in capsys.readouterr().out
    made = progress()
    assert made.done == 1 and "progress is not kept" in made.trouble
    assert "progress is not kept" in repr(made) and "not kept" in made._repr_html_()


def test_off_keeps_nothing(kept, monkeypatch):
    monkeypatch.setenv("LEARNTORCH_PROGRESS", "OFF")
    module.exercise_passed("ex_01_1")
    assert progress().done == 1 and progress().trouble == "" and not kept.exists()


def test_the_listing_shows_it(kept, capsys):
    assert command(["lab", "--list"]) == 0
    assert "0/" not in capsys.readouterr().out
    module.exercise_passed("ex_00_1")
    assert command(["lab", "--list"]) == 0
    said = capsys.readouterr().out
    assert "00  1/" in said and "You have done 1 of" in said


def test_a_table_for_the_notebook(kept):
    module.exercise_passed("ex_01_1")
    made = progress_function()
    assert "<meter" in made._repr_html_() and "1 of" in repr(made)
    assert "[#...." in repr(made)


def test_the_home_folder_is_where_it_lies(tmp_path):
    code = "from course.progress import file; print(file())"
    env = {**os.environ, "HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
    env.pop("LEARNTORCH_PROGRESS")
    said = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert said.stdout.strip() == str(tmp_path / ".learntorch" / "progress.json")
