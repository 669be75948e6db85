"""How answers are judged: the verdicts, the words, the hints, the limits."""

import time

import pytest

import learntorch as torch
from course.checks import Check
from course.checks.framework import Exercise, exercise, run


@exercise("function", hints=["first", "second", "third"], seconds=0.5)
def ex_90_1(trial):
    """Double a tensor."""
    for n in range(1, 5):
        x = torch.arange(float(n))
        trial.equal(trial.call(x), x * 2)


@exercise("number", hints=[])
def ex_90_2(trial):
    """The number 4."""
    trial.equal(trial.answer, 4, about="the number")


@exercise("tensor", hints=[])
def ex_90_3(trial):
    """One, two."""
    trial.equal(trial.answer, torch.tensor([1, 2]), about="the tensor")


@exercise("module", hints=[])
def ex_90_4(trial):
    """A module with one output."""
    trial.equal(trial.do(trial.answer, torch.zeros(1, 2), shown="model").shape[1], 1)


@exercise("list", hints=[])
def ex_90_5(trial):
    """Two flags."""
    trial.equal(trial.answer, [True, False], about="the list")


def say(task, answer, failures=1):
    return run(task, answer).sentence(task, failures)


def stub(x):
    """Double x."""
    ...


def stub_pass(x):
    pass


def stub_returning(x):
    return ...


@pytest.mark.parametrize("answer", [..., None, stub, stub_pass, stub_returning, lambda x: ...])
def test_a_stub_is_not_attempted(answer):
    assert run(ex_90_1, answer).status == "not attempted"
    assert say(ex_90_1, answer).startswith("exercise 90.1: not attempted")


def test_a_right_answer_passes_and_the_line_is_fixed():
    assert say(ex_90_1, lambda x: x + x) == "exercise 90.1: passed (4 cases)"


def test_the_counterexample_is_the_smallest():
    line = say(ex_90_1, lambda x: x if len(x) > 2 else 2 * x).split("\n")[0]
    assert line == (
        "exercise 90.1: failed: ex_90_1(tensor([0., 1., 2.])) "
        "should be tensor([0., 2., 4.]), and is tensor([0., 1., 2.])"
    )


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda x: [0.0], "should be a tensor, and is [0.0], a list"),
        (lambda x: (2 * x).double(), "should have dtype torch.float32, and has torch.float64"),
        (lambda x: 2 * x[None], "should have shape (1,), and has (1, 1)"),
        (lambda x: x.undefined, "raised AttributeError"),
        (lambda x: x.mul_(2).add_(1), "changed its input to"),
        (lambda: 3, "raised TypeError"),
        (lambda x: print(x), "is a `return` missing?"),
        (torch.zeros(3), "wants a function, and got tensor([0., 0., 0.])"),
        (7, "give the function itself, without calling it"),
    ],
)
def test_what_is_wrong_is_said(answer, words):
    assert words in say(ex_90_1, answer)


@pytest.mark.parametrize(
    ("task", "answer", "words"),
    [
        (ex_90_2, "4", "wants a number, and got '4', a str"),
        (ex_90_2, torch.tensor(4), ".item() takes the number out"),
        (ex_90_2, lambda: 4, "did you mean its result?"),
        (ex_90_2, True, "wants a number, and got True"),
        (ex_90_3, [1, 2], "torch.tensor(...) makes a tensor of it"),
        (ex_90_3, torch.tensor([1.0, 2.0]), "should have dtype torch.int64"),
        (ex_90_4, torch.nn.Linear, "call it to make a module"),
        (ex_90_5, [True], "should have 2 items, and has 1"),
        (ex_90_5, [True, True], "is wrong at [1], which should be False, and is True"),
        (ex_90_5, [1, 0], "is wrong at [0]"),
    ],
)
def test_answers_that_are_no_functions(task, answer, words):
    result = run(task, answer)
    assert result.status == "failed"
    assert words in result.sentence(task, 1)


def test_an_endless_loop_is_ended_and_explained():
    def endless(x):
        while True:
            pass

    began = time.perf_counter()
    assert "was still running after 0.5 s: does its loop end?" in say(ex_90_1, endless)
    assert time.perf_counter() - began < 5


def test_an_answer_that_catches_everything_is_ended_too():
    def stubborn(x):
        for _ in range(2):
            try:
                while True:
                    pass
            except BaseException:
                continue
        while True:
            pass

    assert "was still running" in say(ex_90_1, stubborn)


def test_the_limit_leaves_nothing_behind():
    for _ in range(50):
        assert run(ex_90_1, lambda x: 2 * x).status == "passed"
    time.sleep(0.7)


def test_prints_of_an_answer_do_not_disturb(capsys):
    def chatty(x):
        print("hello")
        return 2 * x

    assert run(ex_90_1, chatty).status == "passed"
    assert capsys.readouterr().out == ""


def test_an_error_in_the_check_itself_is_not_blamed_on_the_answer():
    broken = Exercise(lambda trial: 1 / 0, "number", [], 1.0)
    broken.name = "ex_90_9"
    with pytest.raises(ZeroDivisionError):
        run(broken, 3)


def test_hints_get_more_concrete_then_the_solution_is_offered(capsys):
    check = Check()
    for _ in range(5):
        check.ex_00_2(lambda x: x)
    lines = capsys.readouterr().out.splitlines()
    hints = [line.strip().split(":")[0] for line in lines if "hint" in line]
    assert hints == ["hint 1 of 3", "hint 2 of 3", "hint 3 of 3", "hint 3 of 3", "hint 3 of 3"]
    assert sum("check.solution" in line for line in lines) == 2
    check.reset()
    check.ex_00_2(lambda x: x)
    assert "hint 1 of 3" in capsys.readouterr().out
    check.solution("00.2")
    assert "def ex_00_2" in capsys.readouterr().out


def test_unknown_exercises_say_which_there_are():
    check = Check()
    with pytest.raises(AttributeError, match="chapter 01 has ex_01_1, ex_01_2"):
        _ = check.ex_01_99
    with pytest.raises(AttributeError, match="no checks for chapter 98"):
        _ = check.ex_98_1
    with pytest.raises(AttributeError, match="named after its exercise"):
        _ = check.exercise_one
    assert "ex_05_2" in dir(check)


def test_results_are_kept_for_graders():
    check = Check()
    assert check.run("ex_00_1", 8).status == "passed"
    assert check.run("ex_00_1", 9).status == "failed"
    assert check.failures == {}


@exercise("class", hints=[])
def ex_90_6(trial):
    """A dataset of one sample, 7."""
    trial.equal(trial.do(lambda: trial.answer()[0], shown="data"), 7)


def dataset(method):
    return type("ex_90_6", (), {"__init__": lambda self: None, "__getitem__": method})


def test_a_class_is_a_stub_when_its_main_method_is():
    assert run(ex_90_6, dataset(lambda self, i: ...)).status == "not attempted"
    assert run(ex_90_6, dataset(lambda self, i: 7)).status == "passed"
    assert run(ex_90_6, dataset(lambda self, i: 8)).status == "failed"


@exercise("function", hints=[])
def ex_90_7(trial):
    """A dictionary of tensors."""
    want = {"a": torch.ones(2), "b": [torch.zeros(1)]}
    trial.equal(trial.call({"given": torch.ones(3)}), want)


@pytest.mark.parametrize(("answer", "words"), [
    (lambda d: {"a": torch.ones(2), "b": [torch.ones(1)]}, "is wrong at ['b'], which is wrong at"),
    (lambda d: {"a": torch.ones(2)}, "should have the keys ['a', 'b']"),
    (lambda d: [torch.ones(2)], "should have the keys ['a', 'b']"),
    (lambda d: d["given"].add_(1), "changed its input"),
    (lambda d: d.pop("given"), "changed its input")])
def test_dictionaries_of_tensors_are_compared_one_by_one(answer, words):
    result = run(ex_90_7, answer)
    assert result.status == "failed" and words in result.reason
    right = run(ex_90_7, lambda d: {"a": torch.ones(2), "b": [torch.zeros(1)]})
    assert right.status == "passed"
