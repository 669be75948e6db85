"""The release gates of `learntorch course check`, one test for each chapter and gate.

Gates that only read are quick. Those that run a chapter carry the mark `notebooks`; those that ask
PyTorch carry `oracle`, and LEARNTORCH_ORACLE names the Python that has it when it is another one.
"""

import pytest

from course.authoring.check import RUNS
from course.authoring.gates import GATES, Subject
from course.authoring.notebook import chapters

ASKS = ("names", "pytorch")


@pytest.fixture(scope="module")
def subjects():
    """Chapter name → its Subject, so that gates of one chapter share a run."""
    return {}


def cases():
    for chapter in chapters():
        for gate in GATES:
            marks = [pytest.mark.oracle] if gate in ASKS else []
            if gate in RUNS and gate not in ASKS:
                marks = [pytest.mark.notebooks]
            yield pytest.param(chapter, gate, id=f"{chapter.name}-{gate}", marks=marks)


@pytest.mark.parametrize(("chapter", "gate"), list(cases()))
def test_gate(chapter, gate, subjects):
    if gate in RUNS and gate not in ASKS:
        pytest.importorskip("nbval")
        pytest.importorskip("nbclient")
    subject = subjects.setdefault(chapter.name, Subject(chapter))
    verdict = GATES[gate](subject)
    if verdict.skipped:
        pytest.skip(f"live oracle not run: {verdict.skipped}")
    assert not verdict.problems, "\n".join(verdict.problems)


def test_there_are_chapters():
    assert {c.name[:2] for c in chapters()} >= {"00", "01", "05", "12"}
