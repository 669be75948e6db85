"""Which PyTorch names a chapter uses: every one of them must exist there."""

import ast

from course.authoring.notebook import ONLY_HERE, cells

__all__ = ["used"]


def used(notebook):
    """Dotted names such as `torch.nn.Linear` in the code cells that PyTorch runs too, sorted."""
    known = {}
    names = set()
    for cell in cells(notebook):
        if cell.kind != "code" or ONLY_HERE in cell.tags:
            continue
        tree = ast.parse(cell.source)
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.name.split(".")[0] == "learntorch":
                        real = _torch(alias.name)
                        known[alias.asname or "torch"] = real if alias.asname else "torch"
                        names.add(real)
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("learntorch"):
                for alias in node.names:
                    real = f"{_torch(node.module)}.{alias.name}"
                    known[alias.asname or alias.name] = real
                    names.add(real)
        guarded = _guarded(tree)
        for node in ast.walk(tree):
            dotted = _dotted(node)
            if dotted and dotted[0] in known and node not in guarded:
                names.add(".".join([known[dotted[0]], *dotted[1:]]))
    inner = {name.rpartition(".")[0] for name in names}
    return sorted(n for n in names - inner if not n.endswith("__version__"))


def _torch(name):
    return "torch" + name[len("learntorch") :]


def _dotted(node):
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return [node.id, *reversed(parts)] if isinstance(node, ast.Name) and parts else None


def _guarded(tree):
    """Nodes inside `try` bodies: a chapter shows there what happens to a misspelt name."""
    inside = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Try):
            for statement in node.body:
                inside.update(ast.walk(statement))
    return inside
