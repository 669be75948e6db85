"""`reveal(torch.tanh)` – the library's own source of an operation, read live.

An operation shows its body, its gradient rules, what is kept for the backward pass and where it
stands; a module shows how it is made and its `forward`; an optimizer shows its `step`. Everything
is read from the source files at the moment of asking, so it cannot be out of date.
"""

import ast
import html
import importlib
import inspect
import pathlib
import textwrap
import types

__all__ = ["Reveal", "reveal", "source_of"]

WORDS = {"out": "the result", "x": "input", "y": "other"}
METHODS = ("__init__", "forward", "backward")
# JupyterLab would break long lines in the middle of a word.
CODE = "margin:.6em 0;white-space:pre-wrap;word-break:normal;overflow-wrap:anywhere"


def reveal(*things):
    """Show the source of ops, modules, optimizers, recorded nodes or any Python functions.

    Returns a `Reveal`, which prints as text and shows as HTML. TypeError if there is no Python
    source to show.
    """
    return Reveal([source_of(thing) for thing in things])


def source_of(thing):
    """What `reveal` shows, as a dictionary of plain data.

    `name`, `kind` ("op", "module", "optimizer", "class", "function"), `doc`, `file`, `line`, and
    `parts`: a list of {"title", "source", "file", "line"}. For an op also `grad_name`, `inputs`,
    `rules` {input: its rule's source}, `uses` {input: what its rule names}, `saved`, the names of
    what is kept for backward when every input needs a gradient, and `calls`, the functions of the
    library that the body calls.
    """
    op = _op_of(thing)
    if op is not None:
        return _of_op(op)
    if not isinstance(thing, (type, types.FunctionType, types.MethodType)):
        thing = type(thing)
    thing = inspect.unwrap(thing)
    try:
        inspect.getsourcefile(thing)
        lines, line = inspect.getsourcelines(thing)
    except (TypeError, OSError):
        raise TypeError(
            f"nothing to reveal in {thing!r}: give a function, module or optimizer of learntorch"
        ) from None
    if isinstance(thing, type):
        return _of_class(thing, line)
    return {
        "name": thing.__name__,
        "kind": "function",
        "doc": _first_line(thing.__doc__),
        **_place(thing, line),
        "parts": [_part("source", "".join(lines), _place(thing, line))],
    }


class Reveal:
    """The source of some things, as `source_of` found it; `data` is the list of dictionaries."""

    def __init__(self, data):
        self.data = data

    def __repr__(self):
        return "\n\n\n".join(_as_text(each) for each in self.data)

    def _repr_html_(self):
        return f'<div class="learntorch-reveal">{"".join(_as_html(d) for d in self.data)}</div>'


def _as_text(data):
    blocks = [f"{data['name']} · {data['file']}:{data['line']}"]
    blocks += [textwrap.indent(p["source"], "    ") for p in data["parts"]]
    if data["kind"] == "op":
        blocks.append("\n".join(_facts(data)))
    return "\n\n".join(blocks)


def _as_html(data):
    place = f"{data['file']}:{data['line']}"
    rows = [f"<b>{html.escape(data['name'])}</b> <code>{html.escape(place)}</code>"]
    for part in data["parts"]:
        rows.append(f'<pre style="{CODE}"><code>{html.escape(part["source"])}</code></pre>')
    if data["kind"] == "op":
        rows += [f"<div>{html.escape(fact)}</div>" for fact in _facts(data)]
    frame = "margin:0 0 1em;padding:0 0 0 .8em;border-left:3px solid #0072b2;overflow-x:auto"
    return f'<div style="{frame}">{"".join(rows)}</div>'


def _facts(data):
    if not data["rules"]:
        called = f": {', '.join(data['calls'])}" if data["calls"] else ""
        return [f"written with other functions, so it needs no gradient rule of its own{called}"]
    kept = ", ".join(_spell(name) for name in data["saved"]) or "nothing"
    return [f"recorded as: {data['grad_name']}", f"kept for backward: {kept}"]


def _spell(name):
    if name.endswith("_shape"):
        return f"{name} (only the size)"
    return f"{name} ({WORDS[name]})" if name in WORDS else name


def _op_of(thing):
    """The op record behind a function, a method, a node of the graph, a tensor; or None."""
    registry = importlib.import_module("learntorch.core.op").registry
    if isinstance(thing, str):
        if thing not in registry:
            raise TypeError(f"the library has no operation called {thing!r}")
        return registry[thing].op
    plan = getattr(thing, "plan", None)
    if plan is None and getattr(thing, "grad_fn", None) is not None:
        plan = thing.grad_fn.plan
    if hasattr(plan, "op"):
        return plan.op
    op = getattr(thing, "op", None)
    return op if hasattr(op, "vjps") else None


def _of_op(op):
    body = inspect.unwrap(op.forward)
    module = _Module(inspect.getsourcefile(body))
    start = body.__code__.co_firstlineno
    parts = [_part("body", module.statement(start), _place(body, start))]
    rules = {op.params[0]: op.joint} if getattr(op, "joint", None) else dict(op.vjps)
    shown = {start}
    for line in module.rule_lines(_spellings(op, body)):
        shown.add(line)
        parts.append(_part("gradient rules", module.statement(line), _place(body, line)))
    for name, rule in rules.items():
        where = _Module(inspect.getsourcefile(rule))
        line = where.start(rule.__code__.co_firstlineno)
        if where.file == module.file and line in shown:
            continue
        shown.add(line)
        parts.append(_part(f"rule for {name}", where.statement(line), _place(rule, line)))
    uses = {name: _names(rule) for name, rule in rules.items()}
    home = parts[0]["file"]
    parts.sort(key=lambda part: (part["file"] != home, part["line"]))
    return {
        "name": op.name,
        "kind": "op",
        "doc": _first_line(body.__doc__),
        **_place(body, start),
        "parts": parts,
        "grad_name": op.grad_name,
        "inputs": list(op.params),
        "rules": {name: _rule_source(rule) for name, rule in rules.items()},
        "uses": uses,
        "saved": _kept(op, uses),
        "calls": _calls(body),
    }


def _spellings(op, body):
    """The names under which the file of an op's body knows the op."""
    home = importlib.import_module(body.__module__)
    return {name for name, value in vars(home).items() if getattr(value, "op", None) is op}


def _calls(function):
    """The functions of the library that a function calls, in the order it names them."""
    known = function.__globals__
    names = [name for name in function.__code__.co_names if name != function.__name__]
    return [name for name in names if isinstance(known.get(name), types.FunctionType)]


def _kept(op, uses):
    """Every name that some rule uses, in the order of the parameters, the result last."""
    names = {name for used in uses.values() for name in used}
    order = [p for parameter in op.params for p in (parameter, f"{parameter}_shape")]
    known = [name for name in order if name in names]
    return known + sorted(names - set(known))


def _names(rule):
    """What a rule names, apart from the incoming gradient and the array library."""
    code = rule.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return [n for n in names if n not in ("g", "xp", "need")]


def _rule_source(rule):
    """The source of one rule: the lambda itself, or the whole of a named function."""
    module = _Module(inspect.getsourcefile(rule))
    line = rule.__code__.co_firstlineno
    if rule.__name__ != "<lambda>":
        return module.statement(module.start(line)).rstrip()
    wanted = _names(rule)
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Lambda) and node.lineno == line:
            given = [a.arg for a in node.args.args if a.arg not in ("g", "xp", "need")]
            if given == wanted and _same_code(node, rule):
                return ast.get_source_segment(module.text, node)
    return module.statement(module.start(line)).rstrip()


def _same_code(node, rule):
    """Is a lambda in the source the one that was compiled? Two may stand on one line."""
    positions = [p for p in rule.__code__.co_positions() if p[2] is not None]
    columns = {p[2] for p in positions if p[0] == node.body.lineno}
    return node.body.col_offset in columns


def _of_class(cls, line):
    """A class by the methods that say what it does; all of it when it has none of those."""
    library = importlib.import_module("learntorch")
    kind = "class"
    if issubclass(cls, library.nn.Module):
        kind = "module"
    elif issubclass(cls, library.optim.Optimizer):
        kind = "optimizer"
    parts = _formulas(cls) if kind == "optimizer" else []
    for name in ("_update", "step") if kind == "optimizer" else METHODS:
        method = _defined(cls, name)
        if method is None:
            continue
        at = method.__code__.co_firstlineno
        source = textwrap.dedent("".join(inspect.getsourcelines(method)[0]))
        owner = method.__qualname__.split(".")[0]
        parts.append(_part(f"{owner}.{name}", source, _place(method, at)))
    if not parts:
        parts = [_part("source", inspect.getsource(cls), _place(cls, line))]
    doc = _first_line(cls.__doc__)
    return {"name": cls.__name__, "kind": kind, "doc": doc, **_place(cls, line), "parts": parts}


def _formulas(cls):
    """The functions of an optimizer's own file that its update calls: its mathematics."""
    update = _defined(cls, "_update") or _defined(cls, "step")
    parts = []
    for name in update.__code__.co_names if update else ():
        function = update.__globals__.get(name)
        here = isinstance(function, types.FunctionType)
        if here and function.__module__ == cls.__module__:
            source, line = inspect.getsourcelines(function)
            parts.append(_part(name, "".join(source), _place(function, line)))
    return sorted(parts, key=lambda part: part["line"])


def _defined(cls, name):
    """A method written for this class or a parent that is not one of the general bases."""
    for owner in cls.__mro__:
        if owner.__name__ in ("Module", "RuleOptimizer", "Optimizer", "object"):
            return None
        if name in vars(owner):
            method = inspect.unwrap(vars(owner)[name])
            return method if isinstance(method, types.FunctionType) else None
    return None


class _Module:
    """The text of a source file and its top-level statements."""

    def __init__(self, file):
        self.file = file
        self.text = pathlib.Path(file).read_text("utf-8")
        self.lines = self.text.splitlines(keepends=True)
        self.tree = ast.parse(self.text)

    def start(self, line):
        """The first line of the statement, outside any other, that holds a line."""
        for node in self.tree.body:
            first, last = _span(node)
            if first <= line <= last:
                return first
        return line

    def statement(self, line):
        """The whole text of the statement that begins at a line, comments at its ends included."""
        for node in self.tree.body:
            first, last = _span(node)
            if first == line:
                return "".join(self.lines[first - 1 : last])
        return self.lines[line - 1]

    def rule_lines(self, names):
        """Where the `name.vjp(...)` calls and the functions under `@name.vjp_all` begin."""
        found = []
        for node in self.tree.body:
            call = node.value if isinstance(node, ast.Expr) else None
            marks = [call.func] if isinstance(call, ast.Call) else []
            marks += getattr(node, "decorator_list", [])
            for mark in marks:
                of_op = isinstance(mark, ast.Attribute) and isinstance(mark.value, ast.Name)
                if of_op and mark.value.id in names and mark.attr in ("vjp", "vjp_all"):
                    found.append(_span(node)[0])
        return found


def _span(node):
    """First and last line of a statement with its decorators."""
    marks = [d.lineno for d in getattr(node, "decorator_list", [])]
    return min([node.lineno, *marks]), node.end_lineno


def _place(thing, line):
    """The file relative to the folder that holds the package, and the line."""
    file = pathlib.Path(inspect.getsourcefile(thing))
    package = (getattr(thing, "__module__", None) or "").split(".")[0]
    if package in file.parts:
        at = len(file.parts) - 1 - file.parts[::-1].index(package)
        return {"file": "/".join(file.parts[at:]), "line": line}
    return {"file": file.name, "line": line}


def _part(title, source, place):
    return {"title": title, "source": textwrap.dedent(source).rstrip(), **place}


def _first_line(doc):
    return inspect.cleandoc(doc).split("\n")[0] if doc else ""
