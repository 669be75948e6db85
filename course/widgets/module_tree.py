"""The module tree: what a model is made of, with parameters, switches and measured shapes."""

import keyword

import traitlets as t

import learntorch as torch
from course.widgets.base import Widget, script, style
from learntorch.viz.svg import escape

OPEN = 60               # a model with more modules starts folded below its first level
LINES = 40              # lines of a repr on show
ROWS = 40               # modules in the static picture


class ModuleTree(Widget):
    """Shows the modules of `model`; `sample` is an input (or a tuple of inputs) to measure with.

    selected: the path of the module on show ("" is the model itself). folded: the paths of modules
    whose parts are hidden. rows: the visible modules. detail: the selected one, with everything.
    """

    kind = "modules"
    shared = ("selected", "folded")
    _esm = script("common.js", "tree.js", "module_tree.js")
    _css = style("module_tree.css")

    selected = t.Unicode("").tag(sync=True)
    folded = t.List(t.Unicode()).tag(sync=True)
    rows = t.List().tag(sync=True)
    detail = t.Dict().tag(sync=True)
    summary = t.Unicode().tag(sync=True)

    def __init__(self, model, sample=None, name="model", **traits):
        self.model, self.sample, self.name = model, sample, name
        self.nodes, self.problem = look(model, sample, name)
        if "folded" not in traits:
            many = len(self.nodes) > OPEN
            traits["folded"] = [p for p, n in self.nodes.items() if many and n["parts"] and p]
        super().__init__(**traits)
        self._show()
        self.observe(self._fold, ["folded"])
        self.observe(self._show, ["selected"])
        self.on_msg(self._again)

    @t.validate("selected")
    def _known(self, proposal):
        if proposal["value"] not in self.nodes:
            raise t.TraitError(f"there is no module {proposal['value'][:60]!r}")
        return proposal["value"]

    @t.validate("folded")
    def _foldable(self, proposal):
        wanted = set(proposal["value"])
        return [path for path, n in self.nodes.items() if path in wanted and n["parts"]]

    def _again(self, _widget, content, _buffers):
        if content.get("type") == "again":
            self.refresh()

    def refresh(self):
        """Look at the model again: it may have been changed, frozen or extended."""
        self.nodes, self.problem = look(self.model, self.sample, self.name)
        self.folded = list(self.folded)
        if self.selected not in self.nodes:
            self.selected = ""
        self._show()

    def _fold(self, _change=None):
        shown = self.selected
        while hidden(shown, self.folded):
            shown = parent(shown)
        self.selected = shown
        self._show()

    def _show(self, _change=None):
        top = self.nodes[""]
        self.summary = (f"{top['class']}: {counted(len(self.nodes), 'module')}, "
                        f"{counted(top['count'], 'parameter')}, {top['trainable']:,} trainable")
        self.rows = [row(n, self.folded) for p, n in self.nodes.items()
                     if not hidden(p, self.folded)]
        chosen = self.nodes[self.selected]
        self.detail = detail(self.model, chosen)
        said = sentence(chosen)
        self.alt = f"{self.summary}. Chosen: {said}"
        self.message = f"{self.problem} {said}".strip()

    def static(self):
        return tree_svg(self.summary, [row(n, []) for n in self.nodes.values()], self.problem)

    def __repr__(self):
        return f"ModuleTree({self.summary})"


def parent(path):
    return path.rpartition(".")[0]


def hidden(path, folded):
    """Does one of the modules around this one hide its parts?"""
    while path:
        path = parent(path)
        if path in folded:
            return True
    return False


def counted(n, word):
    return f"{n:,} {word}{'' if n == 1 else 's'}"


def look(model, sample, name):
    """Every module as {path: facts}, and a sentence if measuring stopped half-way.

    Facts: "path", "name", "expression", "class", "depth", "parts" (how many it holds), "own" and
    "count" (numbers in its own parameters, and with those of its parts), "trainable", "state",
    "output", "same" (the expression of the place where this very module stood first).
    """
    shapes, problem = measure(model, sample, name)
    nodes, first, expressions = {}, {}, {"": name}
    for path, module in model.named_modules(remove_duplicate=False):
        last = path.rpartition(".")[2]
        if path:
            above = model.get_submodule(parent(path))
            expressions[path] = expressions[parent(path)] + step(above, last)
        own = dict(module.named_parameters(recurse=False))
        every = list(module.parameters())
        count = sum(p.numel() for p in every)
        trainable = sum(p.numel() for p in every if p.requires_grad)
        nodes[path] = {
            "path": path, "name": last or name, "expression": expressions[path],
            "class": type(module).__name__, "depth": path.count(".") + 1 if path else 0,
            "parts": sum(1 for m in module._modules.values() if m is not None),
            "own": sum(p.numel() for p in own.values()), "count": count, "trainable": trainable,
            "state": state(count, trainable), "training": bool(module.training),
            "output": shapes.get(id(module), "" if sample is None else "not called"),
            "same": first.get(id(module), ""),
        }
        first.setdefault(id(module), expressions[path])
    return nodes, problem


def step(above, last):
    """The Python that goes from a module to the part called `last`."""
    if isinstance(above, (torch.nn.Sequential, torch.nn.ModuleList)) and last.isdigit():
        return f"[{last}]"
    if isinstance(above, torch.nn.ModuleDict):
        return f"[{last!r}]"
    if last.isidentifier() and not keyword.iskeyword(last):
        return f".{last}"
    return f".get_submodule({last!r})"


def state(count, trainable):
    if not count:
        return "no parameters"
    if trainable == count:
        return "trainable"
    return "partly frozen" if trainable else "frozen"


def measure(model, sample, name):
    """{id of a module: the shape of its output}, by hooks, and what stopped it, if anything did.

    The model is run once, without gradients and in eval mode, so that nothing in it changes.
    """
    if sample is None:
        return {}, ""
    shapes, inside, hooks = {}, [], []
    modules = dict(model.named_modules())
    paths = {id(module): path for path, module in modules.items()}
    modes = [(module, module.training) for module in modules.values()]

    def enter(module, _given):
        inside.append(paths[id(module)])

    def leave(module, _given, out):
        inside.pop()
        before = shapes.get(id(module), "")
        times = int(before.rpartition("×")[2]) if "×" in before else int(bool(before))
        shapes[id(module)] = shaped(out) + (f" ×{times + 1}" if times else "")

    problem = ""
    try:
        for module in modules.values():
            hooks += [module.register_forward_pre_hook(enter), module.register_forward_hook(leave)]
        model.eval()
        with torch.no_grad():
            model(*sample) if isinstance(sample, tuple) else model(sample)
    except Exception as error:
        where = ".".join(filter(None, [name, inside[-1]])) if inside else name
        words = str(error).split("\n")[0] or type(error).__name__
        problem = f"The sample stopped in {where}: {words}"
    finally:
        for hook in hooks:
            hook.remove()
        for module, mode in modes:
            module.training = mode
    return shapes, problem


def shaped(out):
    """The shape of a tensor, or of the tensors in a list or tuple, as text."""
    if isinstance(out, torch.Tensor):
        return str(tuple(out.shape))
    if isinstance(out, (list, tuple)):
        return ", ".join(shaped(each) for each in out[:3]) + (", …" if len(out) > 3 else "")
    return type(out).__name__


def row(node, folded):
    """A visible module as the view draws it."""
    kept = ("path", "name", "class", "depth", "count", "state", "output")
    arrow = "" if not node["parts"] else "folded" if node["path"] in folded else "open"
    return {**{k: node[k] for k in kept}, "arrow": arrow}


def detail(model, node):
    """Everything about one module, as plain data."""
    module = model.get_submodule(node["path"])
    lines = repr(module).split("\n")
    more = [f"… and {len(lines) - LINES} more lines"] if len(lines) > LINES else []
    parameters = [[name, str(tuple(p.shape)), f"{p.numel():,}",
                   "trainable" if p.requires_grad else "frozen"]
                  for name, p in module.named_parameters(recurse=False)]
    buffers = [[name, str(tuple(b.shape)), f"{b.numel():,}", "buffer"]
               for name, b in module.named_buffers(recurse=False)]
    return {"expression": node["expression"], "class": node["class"],
            "repr": "\n".join(lines[:LINES] + more), "parameters": parameters + buffers,
            "facts": facts(node)}


def facts(node):
    """Pairs of a word and what there is to say, for the table beside the repr."""
    said = [["parameters", f"{node['count']:,}, of which its own {node['own']:,}"],
            ["state", node["state"]],
            ["mode", "training" if node["training"] else "evaluation"]]
    if node["output"]:
        said.append(["output for the sample", node["output"]])
    if node["same"]:
        said.append(["the same module as", node["same"]])
    return said


def sentence(node):
    held = f", holding {counted(node['parts'], 'module')}" if node["parts"] else ""
    out = f"; output {node['output']}" if node["output"] else ""
    return (f"{node['expression']} is a {node['class']}{held}: "
            f"{counted(node['count'], 'parameter')}, {node['state']}{out}.".replace(
                "0 parameters, no parameters", "no parameters"))


STYLE = """
.lt-tree{font:12px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace}
.lt-tree .ground{fill:#fff}.lt-tree text{fill:#1a1a1a}.lt-tree .small{font-size:11px;fill:#666}
.lt-tree .class{fill:#0072b2}.lt-tree .end{text-anchor:end}.lt-tree .head{font-weight:600}
.lt-tree line{stroke:#ccc}.lt-tree .frozen{fill:#b84e00}
@media (prefers-color-scheme:dark){.lt-tree .ground{fill:#14181c}.lt-tree text{fill:#f0f0f0}
.lt-tree .small{fill:#aaa}.lt-tree .class{fill:#56b4e9}.lt-tree line{stroke:#444}
.lt-tree .frozen{fill:#ff8c4a}}
"""
HIGH, CHARACTER = 20, 7.3       # height of a row, width of a character in the static picture


def tree_svg(summary, rows, problem=""):
    """The static picture: every module on a line of its own."""
    shown = rows[:ROWS]
    names = [len(r["name"]) + len(r["class"]) + 2 + 2 * r["depth"] for r in shown]
    count = 24 + int(CHARACTER * max([*names, 12])) + 80
    state, output = count + 20, count + 140
    longest = max(len(r["output"]) for r in shown)
    width = max(output + int(CHARACTER * max(longest, 8)) + 16,
                24 + int(CHARACTER * max(len(summary), len(problem))))
    parts = [f'<text class="head" x="12" y="22">{escape(summary)}</text>']
    y = 46
    heads = [("", 12, "module"), (" end", count, "parameters"), ("", state, "state")]
    heads += [("", output, "output")] if longest else []
    parts += [f'<text class="small{k}" x="{x}" y="{y}">{said}</text>' for k, x, said in heads]
    parts.append(f'<line x1="12" y1="{y + 5}" x2="{width - 12}" y2="{y + 5}"/>')
    for r in shown:
        y += HIGH
        x = 12 + 2 * CHARACTER * r["depth"]
        kind = ' class="frozen"' if "frozen" in r["state"] else ""
        parts.append(f'<text x="{x:.0f}" y="{y}">{escape(r["name"])} '
                     f'<tspan class="class">{escape(r["class"])}</tspan></text>'
                     f'<text class="end" x="{count}" y="{y}">{r["count"]:,}</text>'
                     f'<text{kind} x="{state}" y="{y}">{escape(r["state"])}</text>'
                     f'<text x="{output}" y="{y}">{escape(r["output"])}</text>')
    rest = [f"… and {len(rows) - ROWS} more modules"] if len(rows) > ROWS else []
    for said in [*rest, *filter(None, [problem])]:
        y += HIGH
        parts.append(f'<text class="small" x="12" y="{y}">{escape(said)}</text>')
    y += 14
    words = "; ".join(f"{r['name']} {r['class']} {r['count']:,} {r['state']} {r['output']}".strip()
                      for r in shown)
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" class="lt-tree" role="img" width="{width}" '
        f'height="{y}" viewBox="0 0 {width} {y}" aria-label="{escape(summary)}">',
        f"<title>{escape(summary)}</title><desc>{escape(words)}</desc>",
        f"<style>{STYLE}</style>", f'<rect class="ground" width="{width}" height="{y}" rx="6"/>',
        *parts, "</svg>"])
