"""SVG, DOT and Mermaid: well formed whatever the names are, and nothing of them runs."""

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learntorch import viz
from tests.viz.drawings import drawing, node, scattered

HOSTILE = ['<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', "a & b", "]]>", "\\\"",
           "'; click v0 \"javascript:alert(1)\"", "<br>\n%%{init}%%", "\x00\x07\ud800", "naïve ≤ 3"]


def named(text):
    made = drawing(["a", "b"], ["a-b"])
    for n in made["nodes"]:
        n.update(label=text, name=text, value=text, tensor=text,
                 saved=[{"name": text, "shape": [2], "dtype": "", "preview": text}])
    return made


def texts(svg):
    """All text of an SVG, and all names of its elements and attributes."""
    root = ElementTree.fromstring(svg.encode("utf-8", "replace"))
    elements = list(root.iter())
    names = {e.tag.split("}")[-1] for e in elements}
    attributes = {a for e in elements for a in e.attrib}
    return " ".join(e.text or "" for e in elements), names, attributes


@pytest.mark.parametrize("text", HOSTILE)
def test_svg_takes_names_as_text(text):
    _, names, attributes = texts(viz.svg(named(text), title=text))
    assert names <= {"svg", "title", "desc", "style", "rect", "path", "g", "text"}
    assert not any(a.startswith("on") or a in ("href", "id") for a in attributes)


@given(st.text(max_size=40))
def test_svg_is_well_formed_for_any_name(text):
    texts(viz.svg(named(text), title=text))


def test_svg_says_what_it_shows():
    said, _, _ = texts(viz.svg(scattered(5, 2, seed=0), title="My graph"))
    assert "My graph" in said and "5 ops" in said and "2 leaves" in said
    assert "In order: n0, n1, n2, n3, n4." in said


def test_svg_is_the_same_every_time_and_twice_on_a_page():
    drawn = scattered(30, 4, seed=5)
    first = viz.svg(drawn)
    assert first == viz.svg(drawn) and " id=" not in first and "url(#" not in first


def test_svg_draws_every_node_and_edge_and_marks_the_chosen():
    svg = viz.svg(drawing(["x:leaf", "y", "z"], ["x-y", "y-z"]), chosen={"y"})
    assert svg.count('class="edge"') == 2 and svg.count('class="tip"') == 2
    assert svg.count('<g class="') == 3 and svg.count("chosen") == 2    # style sheet and node


def test_svg_has_a_dark_side():
    assert "prefers-color-scheme:dark" in viz.svg(drawing(["a"], []))


@pytest.mark.parametrize("text", HOSTILE)
def test_dot_quotes_names(text):
    dot = viz.dot(named(text), title=text)
    bare = re.sub(r'"(?:\\.|[^"\\])*"', "", dot)        # what is left outside strings
    assert re.fullmatch(r"[\w\s{}\[\];=,.\->]*", bare)


@pytest.mark.parametrize("text", HOSTILE)
def test_mermaid_quotes_names(text):
    for line in viz.mermaid(named(text)).splitlines():
        assert line.count('"') in (0, 2)
        assert "<script" not in line and "<img" not in line and "javascript:" not in line or (
            "#" in line)


def test_all_kinds_are_drawn():
    nodes = [node(k, k) for k in ("op", "leaf", "constant", "output", "group", "broken")]
    drawn = {"nodes": nodes, "edges": []}
    assert all(f'class="{n["kind"]}"' in viz.svg(drawn) for n in nodes)
    assert all(f":::{n['kind']}" in viz.mermaid(drawn) for n in nodes)
    assert viz.dot(drawn).count("shape=") == 6
