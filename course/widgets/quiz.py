"""The quiz at the end of a chapter: choose, check, and read why."""

import html

import traitlets as t

from course.widgets.base import Widget, script, style


class Quiz(Widget):
    """`Quiz("01")` asks the questions of chapter 01; a list of questions may be given instead.

    questions: [{"question", "options": [text, …]}], without the answers: those stay in Python.
    chosen: for each question the option chosen, or −1. feedback: for each question None, or
    {"right": bool, "text": why}.
    """

    kind = "quiz"
    shared = ("chosen",)
    _esm = script("common.js", "quiz.js")
    _css = style("quiz.css")

    questions = t.List().tag(sync=True)
    chosen = t.List(t.Int()).tag(sync=True)
    feedback = t.List().tag(sync=True)

    def __init__(self, chapter, **traits):
        self.chapter = chapter[:2] if isinstance(chapter, str) else None
        if self.chapter:
            from course import quizzes
            chapter = quizzes.load(chapter)
        self.answers = chapter
        asked = [{"question": q["question"], "options": [o["text"] for o in q["options"]]}
                 for q in chapter]
        traits.setdefault("chosen", [-1] * len(asked))
        super().__init__(questions=asked, **traits)
        self._mark()
        self.observe(self._mark, ["chosen"])

    @t.validate("chosen")
    def _possible(self, proposal):
        wanted = proposal["value"]
        if len(wanted) != len(self.answers):
            raise t.TraitError(f"there are {len(self.answers)} questions")
        return [c if -1 <= c < len(q["options"]) else -1
                for c, q in zip(wanted, self.answers, strict=True)]

    def _mark(self, _change=None):
        before = self.feedback
        self.feedback = mark(self.answers, self.chosen)
        self.alt = f"Quiz with {len(self.answers)} questions. {self.score}"
        done = [f for f in self.feedback if f]
        changed = [f for f, b in zip(self.feedback, before or [None] * len(self.feedback),
                                     strict=True) if f and f != b]
        said = f"{'Right' if changed[0]['right'] else 'Not right'}: {changed[0]['text']} " if (
            len(changed) == 1) else ""
        self.message = said + self.score
        if self.chapter and done:
            from course.progress import quiz_answered
            quiz_answered(self.chapter, sum(f["right"] for f in done))

    @property
    def score(self):
        """How many are answered, and how many of those right, in one sentence."""
        done = [f for f in self.feedback if f]
        return f"{sum(f['right'] for f in done)} right of {len(done)} answered, " \
               f"{len(self.answers)} questions."

    def _repr_mimebundle_(self, **options):
        data, metadata = super()._repr_mimebundle_(**options)
        data["text/html"] = as_html(self.questions)
        return data, metadata

    def __repr__(self):
        return f"Quiz({len(self.answers)} questions)"


def mark(answers, chosen):
    """For each question None, or whether the chosen option is right, and why."""
    return [None if c < 0 else {"right": bool(q["options"][c]["right"]),
                                "text": q["options"][c]["why"]}
            for q, c in zip(answers, chosen, strict=True)]


def as_html(questions):
    """The questions to read where there is no kernel, without answers."""
    items = []
    for q in questions:
        options = "".join(f"<li>{html.escape(o)}</li>" for o in q["options"])
        items.append(f"<li>{html.escape(q['question'])}<ul>{options}</ul></li>")
    return f"<ol>{''.join(items)}</ol>"
