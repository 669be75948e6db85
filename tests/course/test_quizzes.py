"""The quizzes have the form the widget reads, and the right answer is not always the same one."""

import pytest

from course import quizzes


@pytest.mark.parametrize("chapter", quizzes.chapters())
def test_the_form(chapter):
    questions = quizzes.load(chapter)
    assert quizzes.faults(questions) == []
    assert 4 <= len(questions) <= 6
    assert quizzes.load(chapter[:2]) == questions


@pytest.mark.parametrize("chapter", quizzes.chapters())
def test_the_right_option_moves_about(chapter):
    places = [[o["right"] for o in q["options"]].index(True) for q in quizzes.load(chapter)]
    assert len(set(places)) > 1
    assert max(places.count(p) for p in places) <= len(places) - 2


@pytest.mark.parametrize(
    ("plant", "words"),
    [
        ({"question": " "}, "has no text"),
        ({"options": []}, "has 0 options"),
        ({"options": [{"text": "a", "right": True, "why": "b"}] * 2}, "has 2 right options"),
        ({"options": [{"text": "a", "right": True, "why": ""}, {"text": "b", "why": "c"}]}, "why"),
    ],
)
def test_faults_are_found(plant, words):
    options = [{"text": "a", "right": True, "why": "x"}, {"text": "b", "right": False, "why": "y"}]
    assert quizzes.faults([{"question": "q", "options": options}]) == []
    found = quizzes.faults([{"question": "q", "options": options, **plant}])
    assert any(words in fault for fault in found)


def test_a_missing_quiz_says_so():
    with pytest.raises(KeyError, match="no quiz for chapter 77"):
        quizzes.load("77")
