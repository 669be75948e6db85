"""The confusion matrix: which class is taken for which, and the examples behind every number."""

import numpy as np
import traitlets as t

from course.widgets import pictures
from course.widgets.base import Widget, script, style
from learntorch.viz.svg import escape
from learntorch.viz.text import host

MOST_CLASSES = 40
MOST_EXAMPLES = 24      # on show for one cell
WAYS = ("count", "truth", "guess")


class ConfusionMatrix(Widget):
    """`ConfusionMatrix(labels, guesses)`, whole numbers, one of each for every example.

    scores: (n, classes), what the model put out; in place of guesses (the largest score wins), or
    beside them; examples are then sorted, the surest first. names: of the classes. examples: n
    pictures (n, H, W), (n, 1, H, W) or (n, 3, H, W), or n texts. ink: high numbers are dark.
    chosen: [true class, guessed class]. normalize: "count", "truth" (shares of each row) or
    "guess" (shares of each column). Raises ValueError where these do not fit together.
    """

    kind = "confusion"
    shared = ("chosen", "normalize")
    _esm = script("common.js", "confusion_matrix.js")
    _css = style("confusion_matrix.css")

    chosen = t.List(t.Int(), [0, 0], minlen=2, maxlen=2).tag(sync=True)
    normalize = t.Enum(WAYS, "count").tag(sync=True)
    table = t.Dict().tag(sync=True)
    detail = t.Dict().tag(sync=True)

    def __init__(self, labels, guesses=None, scores=None, names=None, examples=None, ink=False,
                 **traits):
        self.scores = None if scores is None else table_of(scores, len(labels))
        if guesses is None:
            if scores is None:
                raise ValueError("give guesses, or scores to take the largest of")
            guesses = self.scores.argmax(axis=1)
        self.labels, self.guesses = whole(labels, "labels"), whole(guesses, "guesses")
        if len(self.labels) != len(self.guesses):
            raise ValueError(f"{len(self.labels)} labels do not fit {len(self.guesses)} guesses")
        self.names = named(names, self.labels, self.guesses, self.scores)
        self.matrix = count(self.labels, self.guesses, len(self.names))
        self.examples, self.ink = examples_of(examples, len(self.labels)), ink
        self.mistakes = by_size(self.matrix)
        traits.setdefault("chosen", self.mistakes[0] if self.mistakes else [0, 0])
        super().__init__(**traits)
        self._draw()
        self._choose()
        self.observe(self._draw, ["normalize"])
        self.observe(self._choose, ["chosen"])
        self.on_msg(self._hear)

    @t.validate("chosen")
    def _within(self, proposal):
        return [max(0, min(v, len(self.names) - 1)) for v in proposal["value"]]

    def _hear(self, _widget, content, _buffers):
        if content.get("type") == "mistake" and self.mistakes:
            here = list(self.chosen)
            at = self.mistakes.index(here) if here in self.mistakes else -1
            self.chosen = self.mistakes[(at + 1) % len(self.mistakes)]

    def _draw(self, _change=None):
        self.table = {"names": self.names, "cells": cells(self.matrix, self.normalize),
                      "scores": score_rows(self.matrix, self.names), "way": self.normalize,
                      "summary": summary(self.matrix)}
        self._say()

    def _choose(self, _change=None):
        row, column = self.chosen
        found = np.flatnonzero((self.labels == row) & (self.guesses == column))
        sure = None if self.scores is None else chances(self.scores)
        if sure is not None:
            found = found[np.argsort(-sure[found, column], kind="stable")]
        items = [self._item(i, sure, column) for i in found[:MOST_EXAMPLES].tolist()]
        self.detail = {"title": headline(self.matrix, self.names, row, column), "items": items,
                       "facts": facts(self.matrix, self.names, row, column),
                       "more": max(0, len(found) - len(items))}
        self._say()

    def _item(self, i, sure, column):
        caption = f"no. {i}" + ("" if sure is None else f", {100 * sure[i, column]:.0f} %")
        if self.examples is None:
            return {"caption": caption}
        if isinstance(self.examples, list):
            return {"caption": caption, "text": self.examples[i]}
        return {"caption": caption, "picture": pictures.uri(shaded(self.examples[i], self.ink))}

    def _say(self):
        title = self.detail.get("title", "")
        self.message = title
        self.alt = f"Confusion matrix. {self.table['summary']} Chosen: {title}"

    def static(self):
        return matrix_svg(self.table)

    def __repr__(self):
        right = int(np.trace(self.matrix))
        return f"ConfusionMatrix({len(self.names)} classes, {right} of {len(self.labels)} right)"


# ---- what it is made of --------------------------------------------------------------------------

def array(value):
    found = host(value)
    return np.asarray(value if found is None else found)


def whole(value, name):
    """A row of whole numbers of 0 or more."""
    found = array(value)
    if found.dtype.kind == "b":
        found = found.astype(np.int64)
    if found.ndim != 1 or found.dtype.kind not in "iu" or (found.size and found.min() < 0):
        raise ValueError(f"{name} should be one row of whole numbers from 0 on, not "
                         f"{found.dtype} of shape {tuple(found.shape)}")
    return found.astype(np.int64)


def table_of(scores, n):
    """Scores as an array (n, classes)."""
    found = array(scores).astype(np.float64)
    if found.ndim != 2 or len(found) != n or not found.shape[1]:
        raise ValueError(f"scores of shape {tuple(found.shape)} do not fit {n} labels: one row of "
                         "scores for each is needed")
    return found


def named(names, labels, guesses, scores):
    """The names of the classes, as many as there are classes."""
    most = 1 + max(labels.max(initial=0), guesses.max(initial=0))
    if scores is not None:
        most = max(most, scores.shape[1])
    names = [str(i) for i in range(most)] if names is None else [str(n) for n in names]
    if not most <= len(names) <= MOST_CLASSES:
        raise ValueError(f"{len(names)} classes: at least {most} are in use, and at most "
                         f"{MOST_CLASSES} can be shown")
    return names


def examples_of(examples, n):
    """Pictures as an array (n, H, W) or (n, 3, H, W), texts as a list, or None."""
    if examples is None:
        return None
    if len(examples) != n:
        raise ValueError(f"{len(examples)} examples do not fit {n} labels")
    if isinstance(examples, (list, tuple)) and all(isinstance(e, str) for e in examples):
        return list(examples)
    found = array(examples).astype(np.float64)
    if found.ndim == 4 and found.shape[1] == 1:
        found = found[:, 0]
    if found.ndim != 3 and not (found.ndim == 4 and found.shape[1] == 3):
        raise ValueError("pictures should have the shape (n, H, W), (n, 1, H, W) or (n, 3, H, W), "
                         f"not {tuple(found.shape)}")
    return found


def shaded(picture, ink):
    """One picture as an RGB array of bytes."""
    low, high = float(picture.min()), float(picture.max())
    if picture.ndim == 3:
        return np.rint(255 * pictures.scaled(picture, low, high)).astype(np.uint8).transpose(
            1, 2, 0)
    return 255 - pictures.grey(picture, low, high) if ink else pictures.grey(picture, low, high)


def count(labels, guesses, classes):
    """The table itself: row = true class, column = guess."""
    flat = np.bincount(labels * classes + guesses, minlength=classes * classes)
    return flat.reshape(classes, classes)


def by_size(matrix):
    """The cells off the diagonal that are not 0, the largest first."""
    off = [[int(r), int(c)] for r, c in np.argwhere(matrix) if r != c]
    return sorted(off, key=lambda at: (-int(matrix[at[0], at[1]]), at))


def chances(scores):
    """Softmax of each row."""
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def ratio(part, all_of_it):
    return None if all_of_it == 0 else int(part) / int(all_of_it)


def cells(matrix, way):
    """Each cell as {"text", "count", "level"}; level 0 to 10 says how dark it is.

    Right answers and mistakes have scales of their own, else a good classifier would look empty.
    """
    total = {"truth": matrix.sum(axis=1, keepdims=True),
             "guess": matrix.sum(axis=0, keepdims=True)}.get(way, np.ones((1, 1)))
    values = matrix / np.maximum(total, 1)
    right = np.eye(len(matrix), dtype=bool)
    most = {True: values[right].max(initial=0.0), False: values[~right].max(initial=0.0)}
    made = []
    for r, row in enumerate(values.tolist()):
        made.append([{"count": int(matrix[r, c]), "level": level(v, most[r == c]),
                      "text": text(v, way)} for c, v in enumerate(row)])
    return made


def level(value, most):
    return 0 if value <= 0 else max(1, round(10 * (value / most) ** 0.5))


def text(value, way):
    if value == 0:
        return "0"
    return str(int(value)) if way == "count" else f"{value:.2f}"


def per_class(matrix):
    """For each class (precision, recall, F1, examples); None where nothing can be divided."""
    found = []
    for k in range(len(matrix)):
        hits = matrix[k, k]
        precision = ratio(hits, matrix[:, k].sum())
        recall = ratio(hits, matrix[k].sum())
        f1 = ratio(2 * hits, matrix[:, k].sum() + matrix[k].sum())
        found.append((precision, recall, f1, int(matrix[k].sum())))
    return found


def score_rows(matrix, names):
    """The table of classes as texts: name, precision, recall, F1, examples."""
    said = [["–" if v is None else f"{v:.3f}" for v in row[:3]] for row in per_class(matrix)]
    return [[name, *three, str(int(n))] for name, three, n in
            zip(names, said, matrix.sum(axis=1), strict=True)]


def summary(matrix):
    n, right = int(matrix.sum()), int(np.trace(matrix))
    share = f", accuracy {right / n:.3f}" if n else ""
    return f"{right} of {n} right{share}."


def headline(matrix, names, row, column):
    """The chosen cell in one sentence."""
    n = int(matrix[row, column])
    examples = f"{n} example{'' if n == 1 else 's'}"
    if row == column:
        return f"{names[row]}, and called {names[row]}: {examples}."
    return f"{names[row]}, but called {names[column]}: {examples}."


def facts(matrix, names, row, column):
    """The two divisions that the chosen cell takes part in."""
    hits, truth = int(matrix[row, row]), int(matrix[row].sum())
    found, said = int(matrix[column, column]), int(matrix[:, column].sum())
    return [[f"recall of {names[row]}", divided(hits, truth, "in the row")],
            [f"precision of {names[column]}", divided(found, said, "in the column")]]


def divided(part, all_of_it, where):
    if not all_of_it:
        return f"nothing {where}"
    return f"{part} right of {all_of_it} {where}: {part / all_of_it:.3f}"


# ---- the static picture -------------------------------------------------------------------------

STYLE = """
.lt-confusion{font:12px system-ui,'DejaVu Sans',sans-serif}
.lt-confusion .ground{fill:#fff}.lt-confusion text{fill:#1a1a1a;text-anchor:middle}
.lt-confusion .side{text-anchor:end}.lt-confusion .left{text-anchor:start}
.lt-confusion .faint{fill:#666}.lt-confusion .right{fill:#0072b2}.lt-confusion .wrong{fill:#d55e00}
.lt-confusion .line{fill:none;stroke:#ccc}
@media (prefers-color-scheme:dark){.lt-confusion .ground{fill:#14181c}
.lt-confusion text{fill:#f0f0f0}.lt-confusion .faint{fill:#b0b0b0}.lt-confusion .line{stroke:#444}}
"""
WIDE, HIGH = 42, 26
HEADS = ("precision", "recall", "F1", "examples")


def matrix_svg(table):
    """The whole matrix and, to its right, the scores of the classes."""
    names, rows = table["names"], table["cells"]
    left = 84 + 7 * min(16, max(0, max(len(n) for n in names) - 4))
    top, wide = 74, max(WIDE, 14 + 8 * max(len(c["text"]) for row in rows for c in row))
    scores = left + wide * len(names) + 30
    width, height = scores + 76 * len(HEADS) + 10, top + HIGH * len(names) + 20
    parts = [f'<text class="left" x="12" y="22">{escape(table["summary"])}</text>',
             f'<text class="faint" x="{left + wide * len(names) / 2:g}" y="{top - 28}">'
             f"guess{WORDS[table['way']]}</text>",
             f'<text class="faint side" x="{left - 8}" y="{top - 8}">true class</text>']
    parts += [f'<text class="side" x="{scores + 76 * i + 66}" y="{top - 8}">{head}</text>'
              for i, head in enumerate(HEADS)]
    for c, name in enumerate(names):
        parts.append(f'<text x="{left + wide * (c + 0.5):g}" y="{top - 8}">{escape(name[:6])}'
                     "</text>")
    for r, row in enumerate(rows):
        y = top + HIGH * r
        parts.append(f'<text class="side" x="{left - 8}" y="{y + 17}">{escape(names[r][:16])}'
                     "</text>")
        for c, cell in enumerate(row):
            kind = "right" if r == c else "wrong"
            x = left + wide * c
            if cell["level"]:
                parts.append(f'<rect class="{kind}" opacity="{0.06 * cell["level"]:.2f}" x="{x}" '
                             f'y="{y}" width="{wide}" height="{HIGH}"/>')
            faint = ' class="faint"' if not cell["level"] else ""
            parts.append(f'<text{faint} x="{x + wide / 2:g}" y="{y + 17}">{cell["text"]}</text>')
        parts += [f'<text class="side" x="{scores + 76 * i + 66}" y="{y + 17}">{v}</text>'
                  for i, v in enumerate(table["scores"][r][1:])]
    parts.append(f'<rect class="line" x="{left}" y="{top}" width="{wide * len(names)}" '
                 f'height="{HIGH * len(names)}"/>')
    said = "; ".join(f"{names[r]}: " + ", ".join(c["text"] for c in row)
                     for r, row in enumerate(rows))
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" class="lt-confusion" role="img" '
        f'width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'aria-label="confusion matrix: {escape(table["summary"])}">',
        f"<title>confusion matrix: {escape(table['summary'])}</title><desc>{escape(said)}</desc>",
        f"<style>{STYLE}</style>", f'<rect class="ground" width="{width}" height="{height}" '
        'rx="6"/>', *parts, "</svg>"])


WORDS = {"count": "", "truth": ", as a share of each row", "guess": ", as a share of each column"}
