"""The results of a class as two CSV files and one HTML page that needs nothing else."""

import csv
import html
from collections import Counter, defaultdict
from io import StringIO

from course.checks import exercises
from course.grading.likeness import alike

__all__ = ["best", "cell", "gradebook", "grades", "page"]

SIGNS = {
    "passed": "✓",
    "failed": "✗",
    "not attempted": "–",
    "missing": "?",
    "not reached": "…",
    "void": "!",
}
WORDS = {
    "passed": "passed",
    "failed": "failed, with the counterexample below",
    "not attempted": "still the stub",
    "missing": "the answer was deleted or renamed",
    "not reached": "the notebook stopped before it",
    "void": "the notebook had replaced part of the checks",
}


def cell(value):
    """A value for a CSV file; a text that a spreadsheet would run as a formula is quoted."""
    text = str(value)
    return "'" + text if text[:1] in ("=", "+", "-", "@", "\t", "\r") and text[1:] else text


def grades(results):
    """One line for each notebook."""
    most = max((g.of for g in results), default=0)
    head = ["student", "chapter", "file", "passed", "of"]
    head += [f"exercise {k}" for k in range(1, most + 1)]
    head += ["seconds", "megabytes", "notes"]
    rows = []
    for g in results:
        marks = [v["status"] for v in g.verdicts.values()]
        notes = "; ".join([g.problem, *g.notes] if g.problem else g.notes)
        rows.append(
            [g.student, g.chapter, g.file, g.passed, g.of, *marks, *[""] * (most - len(marks)),
             f"{g.seconds:.1f}", f"{g.megabytes:.0f}", notes]
        )
    return _csv([head, *rows])


def gradebook(results):
    """One line for each student: exercises passed in each chapter, of the best notebook."""
    names = sorted({g.chapter for g in results if g.chapter})
    top = best(results)
    head = ["student", *(f"{n} (of {len(exercises(n))})" for n in names), "total"]
    rows = []
    for student in _students(results):
        marks = [top[student, n].passed if (student, n) in top else "" for n in names]
        rows.append([student, *marks, sum(m for m in marks if m != "")])
    return _csv([head, *rows])


def best(results):
    """(student, chapter) → the notebook with most exercises passed, where there are several."""
    top = {}
    for g in results:
        key = g.student, g.chapter
        if g.chapter and (key not in top or g.passed > top[key].passed):
            top[key] = g
    return top


def page(results, title):
    """The report as one HTML page."""
    names = sorted({g.chapter for g in results if g.chapter})
    parts = [f"<h1>{html.escape(title)}</h1>", _summary(results), _matrix(results, names)]
    parts += [_hardest(results), _same(results), _details(results)]
    return (
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
        '<meta name="viewport" content="width=device-width">'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style></head>\n<body>"
        + "\n".join(part for part in parts if part)
        + "</body></html>\n"
    )


def _summary(results):
    students = _students(results)
    troubled = sum(bool(g.problem) for g in results)
    words = f"{len(results)} notebooks of {len(students)} students."
    if troubled:
        words += f" {troubled} could not be graded: see their entries."
    legend = ", ".join(f"{sign} {WORDS[status]}" for status, sign in SIGNS.items())
    return f"<p>{words}</p><p class=\"small\">{html.escape(legend)}.</p>"


def _matrix(results, names):
    top = best(results)
    head = "".join(f'<th scope="col">{html.escape(n)}</th>' for n in names)
    rows = []
    for student in _students(results):
        marks = []
        for name in names:
            g = top.get((student, name))
            if g is None:
                marks.append("<td></td>")
                continue
            signs = "".join(SIGNS[v["status"]] for v in g.verdicts.values())
            full = " full" if g.passed == g.of else ""
            marks.append(f'<td class="mark{full}">{g.passed}/{g.of} <small>{signs}</small></td>')
        anchor = f'<a href="#{_anchor(student)}">{html.escape(student)}</a>'
        rows.append(f'<tr><th scope="row">{anchor}</th>{"".join(marks)}</tr>')
    return (
        "<h2>Students and chapters</h2><div class=\"wide\"><table>"
        f'<thead><tr><th scope="col">student</th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _hardest(results):
    """How many failed each exercise, and the first counterexample: what to talk about in class."""
    failed, tried, example = Counter(), Counter(), {}
    for g in best(results).values():
        for name, verdict in g.verdicts.items():
            if verdict["status"] in ("passed", "failed"):
                tried[name] += 1
            if verdict["status"] == "failed":
                failed[name] += 1
                example.setdefault(name, verdict["reason"])
    if not failed:
        return ""
    rows = [
        f"<tr><td>{name}</td><td>{failed[name]} of {tried[name]}</td>"
        f"<td>{html.escape(example[name])}</td></tr>"
        for name, _ in sorted(failed.items(), key=lambda item: (-item[1], item[0]))
    ]
    return (
        "<h2>Most often wrong</h2><div class=\"wide\"><table><thead><tr><th>exercise</th>"
        "<th>wrong</th><th>for instance</th></tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _same(results):
    found = alike([g for g in results if not g.problem])
    if not found:
        return ""
    items = []
    for exercise, students, ours in found:
        words = ", ".join(html.escape(s) for s in students)
        words += " (the solution of the course)" if ours else ""
        items.append(f"<li>{exercise}: {words}</li>")
    return (
        "<h2>The same answers</h2><p>Equal but for layout, comments and docstrings. "
        f"A short exercise has few right answers: this proves nothing.</p><ul>{''.join(items)}</ul>"
    )


def _details(results):
    by_student = defaultdict(list)
    for g in results:
        by_student[g.student].append(g)
    parts = ["<h2>Notebooks</h2>"]
    for student in _students(results):
        parts.append(f'<section id="{_anchor(student)}"><h3>{html.escape(student)}</h3>')
        parts += [_notebook(g) for g in by_student[student]]
        parts.append("</section>")
    return "".join(parts)


def _notebook(g):
    said = [f"<p class=\"note\">{html.escape(n)}</p>" for n in ([g.problem] if g.problem else [])]
    said += [f"<p class=\"note\">{html.escape(n)}</p>" for n in g.notes]
    rows = [
        f"<tr><td>{name}</td><td>{SIGNS[v['status']]} {v['status']}</td>"
        f"<td>{html.escape(v['reason'])}</td></tr>"
        for name, v in g.verdicts.items()
    ]
    cost = f"{g.seconds:.1f} s, {g.megabytes:.0f} MB" if g.seconds else "not run"
    heading = f"{html.escape(g.chapter or 'unknown chapter')}: {g.passed} of {g.of}"
    table = f"<table><tbody>{''.join(rows)}</tbody></table>" if rows else ""
    return (
        f"<details{' open' if g.problem else ''}><summary>{heading}</summary>"
        f"<p class=\"small\">{html.escape(g.file)} · {cost}</p>{''.join(said)}{table}</details>"
    )


def _students(results):
    return sorted({g.student for g in results}, key=str.casefold)


def _anchor(student):
    return "s-" + "-".join(f"{ord(letter):x}" for letter in student)


def _csv(rows):
    out = StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows([[cell(v) for v in row] for row in rows])
    return out.getvalue()


STYLE = """
:root { color-scheme: light dark; --line: #bbb; --good: #0072b2; --soft: #f3f3f3; }
@media (prefers-color-scheme: dark) { :root { --line: #555; --good: #56b4e9; --soft: #222; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; }
th, td { border: 1px solid var(--line); padding: .25rem .6rem; text-align: left;
         vertical-align: top; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
.wide td, .wide th { overflow-wrap: normal; }
.mark { white-space: nowrap; }
.full { color: var(--good); font-weight: 600; }
.small { font-size: .875rem; }
.note { border-left: 4px solid var(--line); padding-left: .6rem; }
summary { cursor: pointer; }
details { background: var(--soft); padding: .3rem .6rem; margin: .4rem 0; }
"""
