"""The table of chapters says what the chapters are."""

import json

import pytest

from course.authoring import table
from course.authoring.notebook import chapters, read

NOTEBOOK = {"cells": [
    {"cell_type": "markdown", "id": "title", "metadata": {},
     "source": "# A\n\n**Time:** 45 minutes. **You need:** nothing."},
    {"cell_type": "code", "id": "a", "metadata": {}, "outputs": [],
     "source": "from course.widgets import Quiz, LossCurves as L\nL()"},
    {"cell_type": "code", "id": "b", "metadata": {"tags": ["result"]},
     "outputs": [{"output_type": "stream", "name": "stdout", "text": "loss 1\nright: 98 %\n"}],
     "source": "print()"},
]}


def test_what_is_read_from_a_notebook():
    assert table.minutes(NOTEBOOK) == 45
    assert table.widgets(NOTEBOOK) == ["LossCurves"]
    assert table.result(NOTEBOOK) == "right: 98 %"
    assert table.escaped("a|b_*") == r"a\|b\_\*"


def test_the_stored_table_is_the_one_of_today():
    stored = table.FILE.read_text("utf-8")
    assert stored == table.table(), "run: python -m course.authoring.table"


def test_every_chapter_was_measured_and_is_within_its_budget():
    costs = json.loads(table.COSTS.read_text("utf-8"))
    assert sorted(costs) == [c.name for c in chapters()]
    for name, cost in costs.items():
        assert 0 < cost["cpu"] <= 60 and cost["memory"] <= 800 * 2**20, name


@pytest.mark.parametrize("chapter", chapters(), ids=lambda c: c.name)
def test_every_chapter_says_how_long_it_takes(chapter):
    assert 15 <= table.minutes(read(chapter.file)) <= 120
