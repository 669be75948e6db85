"""The VJP stepper: the slopes of two results as a table, and what `backward(v)` makes of it."""

import math

import traitlets as t

import learntorch as torch
from course.widgets.base import Widget, script, style
from learntorch.viz.svg import escape

LOWEST, HIGHEST = -3.0, 3.0
NUDGE = 1e-4            # how far an input is moved to measure a slope
LAST = 5                # the number of the last step

FUNCTIONS = {
    "rectangle": {
        "label": "rectangle: area and fence",
        "lines": ["x[0] * x[1]", "2 * (x[0] + x[1])"],
        "start": [2.0, 3.0],
    },
    "squares": {
        "label": "two squares",
        "lines": ["x[0] ** 2", "x[1] ** 2"],
        "start": [2.0, -1.0],
    },
    "circle": {
        "label": "a point on a circle",
        "lines": ["x[0] * cos(x[1])", "x[0] * sin(x[1])"],
        "start": [2.0, 0.5],
    },
    "matrix": {
        "label": "a table times x",
        "lines": ["x[0] + 2 * x[1] - x[2]", "3 * x[0] + x[2]"],
        "start": [1.0, 1.0, 1.0],
    },
    "chain": {
        "label": "neighbours multiplied",
        "lines": ["x[0] * x[1]", "x[1] * x[2]"],
        "start": [1.0, 2.0, 3.0],
    },
}
WORDS = {"cos": torch.cos, "sin": torch.sin}


class VJPStepper(Widget):
    """Shows a function of two results, its table of slopes, and v · table row by row.

    function: a name in FUNCTIONS. x: where the slopes are taken. v: one weight for each result.
    step: 0 the results, 1 the table, 2 and 3 the weighted rows, 4 their sum, 5 backward(v).
    """

    kind = "vjp"
    shared = ("function", "x", "v", "step")
    _esm = script("common.js", "vjp_stepper.js")
    _css = style("vjp_stepper.css")

    function = t.Enum(sorted(FUNCTIONS), default_value="rectangle").tag(sync=True)
    x = t.List(t.Float()).tag(sync=True)
    v = t.List(t.Float()).tag(sync=True)
    step = t.Int(0).tag(sync=True)
    choices = t.List().tag(sync=True)
    picture = t.Dict().tag(sync=True)

    def __init__(self, function="rectangle", x=None, v=(1.0, 0.0), **traits):
        if function not in FUNCTIONS:
            raise ValueError(f"no function called {function!r}; there are {', '.join(FUNCTIONS)}")
        start = FUNCTIONS[function]["start"] if x is None else x
        super().__init__(function=function, x=list(start), v=list(v),
                         choices=[[name, f["label"]] for name, f in FUNCTIONS.items()], **traits)
        self._draw()
        self.observe(self._choose, ["function"])
        self.observe(self._draw, ["x", "v", "step"])

    @t.validate("x")
    def _inputs(self, proposal):
        return within(proposal["value"], len(FUNCTIONS[self.function]["start"]), "x")

    @t.validate("v")
    def _weights(self, proposal):
        return within(proposal["value"], 2, "v")

    @t.validate("step")
    def _possible(self, proposal):
        return max(0, min(LAST, proposal["value"]))

    def _choose(self, _change=None):
        start = FUNCTIONS[self.function]["start"]
        if self.x == start:
            self._draw()
        else:
            self.x = start

    def _draw(self, _change=None):
        self.picture = describe(self.function, self.x, self.v)
        self.message = self.picture["steps"][self.step]
        rows = "; ".join(f"row {r['name']}: {', '.join(r['slopes'])}" for r in self.picture["rows"])
        self.alt = (f"{'; '.join(self.picture['code'])}. Step {self.step} of {LAST}. "
                    f"Table of slopes, {rows}. v is {', '.join(self.picture['v'])}. "
                    f"{self.picture['steps'][LAST]}")

    def static(self):
        return vjp_svg(self.picture)

    def __repr__(self):
        p = self.picture
        return f"VJPStepper({self.function}: v = ({', '.join(p['v'])}), " \
               f"backward(v) gives ({', '.join(p['grad'])}))"


def within(values, count, name):
    """`count` numbers, each moved into the range of the sliders. TraitError otherwise."""
    if len(values) != count:
        raise t.TraitError(f"{name} needs {count} numbers")
    if any(math.isnan(value) for value in values):
        raise t.TraitError(f"{name} must be numbers")
    return [max(LOWEST, min(HIGHEST, value)) for value in values]


def outputs(name, x):
    """The two results of a function at a tensor x: the lines that are shown are those that run."""
    lines = FUNCTIONS[name]["lines"]
    return torch.stack([eval(line, {"__builtins__": {}}, {"x": x, **WORDS}) for line in lines])


def slopes(name, x):
    """∂y[i]/∂x[j] ≈ (y[i](x + h·e_j) − y[i](x − h·e_j)) / 2h: measured, without autograd."""
    columns = []
    with torch.no_grad():
        for j in range(len(x)):
            moved = torch.zeros(len(x), dtype=torch.float64)
            moved[j] = NUDGE
            at = torch.tensor(x, dtype=torch.float64)
            columns.append((outputs(name, at + moved) - outputs(name, at - moved)) / (2 * NUDGE))
    return torch.stack(columns, dim=1).tolist()


def gradient(name, x, v):
    """What `backward(v)` stores in `x.grad`."""
    at = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    outputs(name, at).backward(torch.tensor(v, dtype=torch.float64))
    return at.grad.tolist()


def describe(name, x, v):
    """Everything the view draws, as plain data.

    {"code", "inputs", "x", "v", "rows": [{"name", "value", "v", "slopes", "weighted"}], "sum",
     "grad", "bars": [{"input", "parts": [{"name", "text", "start", "end"}]}], "steps": sentences}
    """
    table = slopes(name, x)
    weighted = [[weight * s for s in row] for weight, row in zip(v, table, strict=True)]
    total = [sum(column) for column in zip(*weighted, strict=True)]
    grad = gradient(name, x, v)
    values = outputs(name, torch.tensor(x, dtype=torch.float64)).tolist()
    rows = [{"name": f"y[{i}]", "value": text(values[i]), "v": text(v[i]),
             "slopes": texts(table[i]), "weighted": texts(weighted[i])} for i in range(2)]
    inputs = [f"x[{j}]" for j in range(len(x))]
    code = [f"y[{i}] = {line}" for i, line in enumerate(FUNCTIONS[name]["lines"])]
    return {"code": code, "inputs": inputs, "x": texts(x), "v": texts(v), "rows": rows,
            "sum": texts(total), "grad": texts(grad), "bars": bars(inputs, weighted, total),
            "steps": sentences(inputs, x, v, rows, texts(total), texts(grad))}


def sentences(inputs, x, v, rows, total, grad):
    """What each step says, from the results to `backward(v)`."""
    at = ", ".join(f"{name} = {text(value)}" for name, value in zip(inputs, x, strict=True))
    values = " and ".join(f"{row['name']} is {row['value']}" for row in rows)
    said = [f"At {at}: {values}.",
            f"The table of slopes: one row for each result, one column for each of {len(x)} "
            f"inputs. If x[0] moves by a little, y[0] moves {rows[0]['slopes'][0]} times as much."]
    for i, row in enumerate(rows):
        said.append(f"v[{i}] times row {row['name']}: {text(v[i])} · ({', '.join(row['slopes'])}) "
                    f"= ({', '.join(row['weighted'])}).")
    said.append(f"The two weighted rows, added up: ({', '.join(total)}). This is v · table.")
    same = "the same numbers" if total == grad else "the same up to rounding"
    said.append(f"y.backward(v) stores x.grad = ({', '.join(grad)}): {same}, and it never made "
                "the table.")
    return said


def bars(inputs, weighted, total):
    """For each input the two weighted slopes and their sum, as parts of a line from 0 to 1.

    Zero lies in the middle; the longest bar reaches an end.
    """
    every = [abs(value) for row in [*weighted, total] for value in row]
    most = max(every) or 1.0
    made = []
    for j, name in enumerate(inputs):
        parts = []
        for said, row in (("row y[0]", weighted[0]), ("row y[1]", weighted[1]), ("sum", total)):
            ends = sorted((0.5, 0.5 + 0.5 * row[j] / most))
            parts.append({"name": said, "text": text(row[j]), "start": shorter(ends[0]),
                          "end": shorter(ends[1])})
        made.append({"input": name, "parts": parts})
    return made


def shorter(value):
    """A place in a picture with three digits: equal on every processor."""
    return round(value, 3)


def text(value):
    """Two digits after the point, without a minus before zero.

    Rounded twice: 0.625, measured, is 0.6250000001, and must read like the one that is not.
    """
    return f"{round(round(value, 6), 2) + 0.0:.2f}"


def texts(values):
    return [text(value) for value in values]


STYLE = """
.lt-vjp{font:12px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace}
.lt-vjp .ground{fill:#fff}.lt-vjp text{fill:#1a1a1a}.lt-vjp .mid{text-anchor:middle}
.lt-vjp .small{font-size:11px;fill:#666}.lt-vjp .end{text-anchor:end}
.lt-vjp .cell{fill:#f4f4f4;stroke:#999}.lt-vjp .one{fill:#e6f2fa;stroke:#0072b2}
.lt-vjp .two{fill:#fdf1dc;stroke:#9a6400}.lt-vjp .sum{fill:#e2f3ec;stroke:#00795a}
@media (prefers-color-scheme:dark){.lt-vjp .ground{fill:#14181c}.lt-vjp text{fill:#f0f0f0}
.lt-vjp .small{fill:#aaa}.lt-vjp .cell{fill:#26292c;stroke:#777}
.lt-vjp .one{fill:#10304a;stroke:#56b4e9}.lt-vjp .two{fill:#3d2e0c;stroke:#f0b429}
.lt-vjp .sum{fill:#0c3a2d;stroke:#2fc79a}}
"""
WIDE, HIGH = 64, 28     # width and height of a number's box in the static picture
LEFT = 176              # where the table of slopes begins


def vjp_svg(picture):
    """The static picture: the whole story, from the results to what `backward(v)` stores."""
    n = len(picture["inputs"])
    right = LEFT + n * WIDE + 40
    width = right + n * WIDE + 16
    parts = []
    for i, line in enumerate(picture["code"]):
        shown = f"{line} = {picture['rows'][i]['value']}"
        parts.append(f'<text x="12" y="{22 + 18 * i}">{escape(shown)}</text>')
    at = ", ".join(f"{name} = {value}" for name, value in
                   zip(picture["inputs"], picture["x"], strict=True))
    parts.append(f'<text class="small" x="12" y="60">at {escape(at)}</text>')
    y = 92
    heads = [(LEFT, "table of slopes"), (right, "v times row")]
    parts += [f'<text class="small" x="{x}" y="{y - 16}">{said}</text>' for x, said in heads]
    for j, name in enumerate(picture["inputs"]):
        for x in (LEFT, right):
            parts.append(f'<text class="small mid" x="{x + j * WIDE + WIDE // 2}" y="{y}">'
                         f"{escape(name)}</text>")
    y += 8
    for i, row in enumerate(picture["rows"]):
        parts.append(f'<text x="12" y="{y + 19}">{row["name"]}</text>'
                     f'<text x="66" y="{y + 19}">v[{i}] = {row["v"]}</text>')
        parts += boxes(LEFT, y, "cell", row["slopes"])
        parts += boxes(right, y, ("one", "two")[i], row["weighted"])
        y += HIGH + 4
    for said, name in (("added up: v · table", "sum"), ("x.grad after y.backward(v)", "grad")):
        parts.append(f'<text class="end" x="{right - 12}" y="{y + 19}">{said}</text>')
        parts += boxes(right, y, "sum", picture[name])
        y += HIGH + 4
    y += 10
    title = f"v · table for {'; '.join(picture['code'])}"
    words = picture["steps"][LAST]
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" class="lt-vjp" role="img" width="{width}" '
        f'height="{y}" viewBox="0 0 {width} {y}" aria-label="{escape(title)}">',
        f"<title>{escape(title)}</title><desc>{escape(words)}</desc>",
        f"<style>{STYLE}</style>", f'<rect class="ground" width="{width}" height="{y}" rx="6"/>',
        *parts, "</svg>"])


def boxes(x, y, kind, numbers):
    made = []
    for j, number in enumerate(numbers):
        left = x + j * WIDE
        made.append(f'<rect class="{kind}" x="{left}" y="{y}" width="{WIDE - 4}" height="{HIGH}"/>'
                    f'<text class="mid" x="{left + WIDE // 2 - 2}" y="{y + 19}">{number}</text>')
    return made
