"""Release gates of `learntorch course check`, one test for each chapter and gate.

Gates that only read are quick. `outputs` and `budget` run the chapter and carry the mark
`notebooks`. The others run it again in other ways, under other kernels, solved, in PyTorch; they
belong to `learntorch course check`, which CI calls for all of them.
"""

import pytest

from course.authoring.check import RUNS
from course.authoring.gates import GATES, Subject
from course.authoring.notebook import chapters

HERE = [gate for gate in GATES if gate not in RUNS or gate in ("outputs", "budget")]


@pytest.fixture(scope="module")
def subjects():
    """Chapter name → its Subject, so that gates of one chapter share a run."""
    return {}


def cases():
    for chapter in chapters():
        for gate in HERE:
            marks = [pytest.mark.notebooks] if gate in RUNS else []
            yield pytest.param(chapter, gate, id=f"{chapter.name}-{gate}", marks=marks)


@pytest.mark.parametrize(("chapter", "gate"), list(cases()))
def test_gate(chapter, gate, subjects):
    if gate in RUNS:
        pytest.importorskip("nbval")
        pytest.importorskip("nbclient")
    subject = subjects.setdefault(chapter.name, Subject(chapter))
    verdict = GATES[gate](subject)
    assert not verdict.problems, "\n".join(verdict.problems)


def test_there_are_chapters():
    assert {c.name[:2] for c in chapters()} >= {"00", "01", "05", "12"}
