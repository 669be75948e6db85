"""`course/seeds.tsv`: the documents the project comes from, passage by passage, and where each one
is taught. Rows of chapters that are not written yet name no cells."""

import csv
from pathlib import Path

import pytest

from course.authoring.notebook import cells, chapters, read

TABLE = Path(__file__).resolve().parents[2] / "course" / "seeds.tsv"
FIELDS = ["seed", "kind", "passage", "chapter", "cells"]
KINDS = {"topic", "snippet", "application", "figure"}
WRITTEN = {f"{c.number:02d}": c for c in chapters()}
LAST = 25


def rows():
    with open(TABLE, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def faults(found, written):
    """What is wrong with the rows, in sentences; `written` maps a number to names of cells."""
    wrong = []
    for row in found:
        said = f"{row['passage']!r} of seed {row['seed']}"
        if row["kind"] not in KINDS:
            wrong.append(f"{said} is of no known kind")
        if row["chapter"] not in written:
            if int(row["chapter"]) > LAST or row["cells"] != "to come":
                wrong.append(f"{said}: chapter {row['chapter']} does not exist")
            continue
        named = row["cells"].split()
        if not named or row["cells"] == "to come":
            wrong.append(f"{said} names no cell, and chapter {row['chapter']} is written")
            continue
        wrong += [
            f"{said}: no cell {name} in chapter {row['chapter']}"
            for name in named
            if name not in written[row["chapter"]]
        ]
    return wrong


def test_every_passage_is_taught_where_the_table_says():
    written = {n: {cell.name for cell in cells(read(c.file))} for n, c in WRITTEN.items()}
    assert faults(rows(), written) == []


def test_the_table_is_complete_in_form():
    found = rows()
    assert list(found[0]) == FIELDS
    assert {row["seed"] for row in found} == set("01234")
    passages = [(row["seed"], row["passage"]) for row in found]
    assert len(set(passages)) == len(passages) >= 115
    assert {row["kind"] for row in found} == KINDS
    # the first half of the course is written, and each of its chapters answers to a seed
    assert {row["chapter"] for row in found} >= {f"{n:02d}" for n in range(16)}


@pytest.mark.parametrize("change, said", [
    ({"cells": "no-such-cell"}, "no cell no-such-cell"),
    ({"cells": ""}, "names no cell"),
    ({"cells": "to come"}, "names no cell"),
    ({"chapter": "26", "cells": "to come"}, "does not exist"),
    ({"chapter": "16", "cells": "title"}, "does not exist"),
    ({"kind": "joke"}, "no known kind"),
])
def test_a_planted_fault_is_found(change, said):
    row = {"seed": "0", "kind": "topic", "passage": "p", "chapter": "01", "cells": "title"}
    assert faults([row], {"01": {"title"}}) == []
    assert any(said in fault for fault in faults([{**row, **change}], {"01": {"title"}}))
