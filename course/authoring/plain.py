"""Runs a chapter's PyTorch code under the real PyTorch, in a Python that has it and no Jupyter.

    python plain.py cells.json answers.json

`cells.json` is a list of {"name", "source"} and `answers.json` becomes a list of {"name", "text"}
or {"name", "error"}; `names`, a list of dotted names, is answered by those that do not exist. The
name learntorch means torch here, so that the chapter's own lines run unchanged.
"""

import ast
import contextlib
import importlib
import importlib.abc
import importlib.util
import io
import json
import sys
import traceback
import warnings


class Alias(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """`import learntorch.nn` gives the module torch.nn."""

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] != "learntorch":
            return None
        real = "torch" + name[len("learntorch") :]
        if importlib.util.find_spec(real) is None:
            return None
        return importlib.util.spec_from_loader(name, self)

    def create_module(self, spec):
        return importlib.import_module("torch" + spec.name[len("learntorch") :])

    def exec_module(self, module):
        """The module has been executed under its own name."""


def run(cells):
    """The text each cell prints, followed by the value of its last expression."""
    space = {"__name__": "__main__"}
    answers = []
    for cell in cells:
        printed = io.StringIO()
        try:
            with contextlib.redirect_stdout(printed):
                _execute(cell["source"], cell["name"], space)
        except Exception:
            answers.append({"name": cell["name"], "error": traceback.format_exc(limit=-2)})
            break
        answers.append({"name": cell["name"], "text": printed.getvalue()})
    return answers


def _execute(source, name, space):
    tree = ast.parse(source, name)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, name, "exec"), space)
    if last is not None:
        value = eval(compile(ast.Expression(last.value), name, "eval"), space)
        if value is not None and not source.rstrip().endswith(";"):
            print(repr(value))


def missing(names):
    """The dotted names, such as `torch.nn.Linear`, that PyTorch does not have."""
    absent = []
    for name in names:
        parts = name.split(".")
        for cut in range(len(parts), 0, -1):
            with contextlib.suppress(ImportError):
                thing = importlib.import_module(".".join(parts[:cut]))
                break
        for part in parts[cut:]:
            thing = getattr(thing, part, absent)
        if thing is absent:
            absent.append(name)
    return absent


def main(argv):
    sys.meta_path.insert(0, Alias())
    warnings.simplefilter("ignore")
    importlib.import_module("torch").set_num_threads(1)
    with open(argv[0], encoding="utf-8") as file:
        wish = json.load(file)
    answer = {"cells": run(wish["cells"]), "missing": missing(wish["names"])}
    with open(argv[1], "w", encoding="utf-8") as file:
        json.dump(answer, file)


if __name__ == "__main__":
    main(sys.argv[1:])
