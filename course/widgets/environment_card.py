"""The environment card: what is installed here, whether it computes, and how to get what is not."""

import traitlets as t

from course.widgets.base import Widget, script, style

SENTENCE = "EnvironmentCard: what this machine has for the course"


class EnvironmentCard(Widget):
    """The answer of `learntorch doctor` as a card. Its text is the same on every machine, so that
    a stored notebook does not change with the computer; the facts are in `groups`.

    groups: [{"title", "rows": [[name, text, mark], …]}]; mark is "ok", "missing" or "",
    and after "missing" follows the line that installs it.
    """

    kind = "environment"
    _esm = script("common.js", "environment_card.js")
    _css = style("environment_card.css")

    groups = t.List().tag(sync=True)
    healthy = t.Bool().tag(sync=True)

    def __init__(self, card=None, **traits):
        super().__init__(**traits)
        self.refresh(card)
        self.on_msg(self._again)

    def refresh(self, card=None):
        """Look again; `card` is a dictionary as `course.doctor.card()` gives it."""
        from course import doctor
        found = doctor.card() if card is None else card
        self.groups = groups(found)
        self.healthy = bool(found["self_test"]["ok"])
        self.alt = f"{SENTENCE}. " + " ".join(
            f"{g['title']}: " + "; ".join(f"{row[0]} {row[1]}" for row in g["rows"]) + "."
            for g in self.groups)
        self.message = ("The library computes." if self.healthy else
                        "The library does not compute as it should: see the self-test.")

    def _again(self, _widget, content, _buffers):
        if content.get("type") == "again":
            self.refresh()

    def static(self):
        return None

    def _repr_mimebundle_(self, **options):
        data, metadata = super()._repr_mimebundle_(**options)
        data["text/html"] = ("<p>Here a card shows what this machine has for the course. "
                             "It needs a running kernel: run the cell.</p>")
        return data, metadata

    def __repr__(self):
        return SENTENCE


def groups(card):
    """The dictionary of the doctor as titled rows of text."""
    test = card["self_test"]
    found = [{"title": "This computer", "rows": plain(card["system"])},
             {"title": "Arithmetic", "rows": plain(card["arithmetic"])},
             {"title": "Self-test", "rows": [
                 ["gradient", test["text"], "ok" if test["ok"] else "missing"],
                 ["gpu", card["gpu"]["text"], "ok" if card["gpu"]["ok"] else ""],
                 *plain(card.get("course", {}))]}]
    extras = []
    for name, state in card.get("extras", {}).items():
        there = ", ".join(f"{n} {v}" for n, v in state["installed"].items())
        if state["missing"]:
            lacking = ", ".join(state["missing"])
            extras.append([name, f"{state['for']}: {lacking} missing. Install with",
                           "missing", str(state["install"])])
        else:
            extras.append([name, f"{state['for']}: {there}", "ok"])
    return found + ([{"title": "Extras", "rows": extras}] if extras else [])


def plain(facts):
    words = {True: "yes", False: "no"}
    return [[str(k), words.get(v, str(v)) if isinstance(v, bool) else str(v), ""]
            for k, v in facts.items()]
