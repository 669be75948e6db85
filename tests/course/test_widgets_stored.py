"""Widgets in a stored notebook: the same outputs in every run, and a picture without a kernel."""

import json
import os
import re
from pathlib import Path

import pytest

pytest.importorskip("anywidget")
nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")

ROOT = Path(__file__).resolve().parents[2]
CELLS = """
import learntorch as torch
from course.widgets import *
x = torch.tensor([0.5, 2.0], requires_grad=True)
---
explore((x * 2).tanh().sum(), names={"x": x})
---
explore(lambda x: torch.mm(x * 2, x), torch.ones(2, 3))
---
curves = LossCurves()
for step in curves.loop(range(50)):
    curves.log(step, loss=1 / (step + 1), lr=0.1)
curves
---
report = curves.reporter("other")
for i in range(5):
    report(1 / (i + 1))
---
StorageViewer(torch.arange(12).view(3, 4))
---
EnvironmentCard()
---
Quiz("01")
---
DrawDigit(lambda x: x.reshape(-1)[:10])
---
FeatureMaps(torch.eye(8), torch.ones(2, 3, 3))
---
ConfusionMatrix(torch.tensor([0, 1, 1]), torch.tensor([0, 0, 1]), examples=["a", "b", "c"])
---
DecisionBoundary("blobs", steps=20)
---
LossShapes("huber", "squared")
---
LandscapeRace("banana", at=60)
---
BatchViewer()
---
import io
file = io.BytesIO()
torch.save({"w": torch.ones(2)}, file)
FileInspector(file)
---
FreezePanel(torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(4, 2)), torch.ones(1, 3))
""".strip().split("\n---\n")


def outputs(seed):
    """What the cells print and show, without the names of widget models."""
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(c) for c in CELLS]
    environment = dict(os.environ, PYTHONHASHSEED=seed, PYTHONPATH=str(ROOT))
    client = nbclient.NotebookClient(notebook, timeout=60, kernel_name="python3",
                                     store_widget_state=False)
    client.execute(env=environment)
    found = [[dict(o) for o in c.outputs] for c in notebook.cells]
    for cell in found:
        for output in cell:
            data = output.get("data", {})
            data.pop("application/vnd.jupyter.widget-view+json", None)
            output.pop("execution_count", None)
    return found


@pytest.mark.notebooks
def test_stored_outputs_do_not_change_and_stand_without_a_kernel():
    first, second = outputs("1"), outputs("2")
    assert first == second
    text = json.dumps(first)
    assert not re.search(r"0x[0-9a-f]{6}", text) and "stderr" not in text
    shown = [o["data"] for cell in first[1:] for o in cell]
    assert len(shown) == 15 and first[4] == []
    for data in shown:
        assert data["text/plain"]
        assert "image/svg+xml" in data or "text/html" in data
