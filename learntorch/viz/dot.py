"""A drawing in Graphviz's language, for those who have `dot` and for papers."""

from learntorch.viz.layout import captions

SHAPES = {"op": "box", "leaf": "ellipse", "constant": "ellipse", "output": "doubleoctagon",
          "group": "box3d", "broken": "box"}
COLOURS = {"op": "#0072b2", "leaf": "#009e73", "constant": "#767676", "output": "#b87700",
           "group": "#a8518a", "broken": "#d55e00"}


def dot(drawing, title="Computational graph"):
    """The DOT text of a dictionary made by `graph`."""
    lines = ["digraph {", f"  label={quote(title)};", "  rankdir=TB;",
             '  node [fontname="monospace", fontsize=11];']
    for node in drawing["nodes"]:
        style = ', style="dashed"' if node["kind"] in ("constant", "broken") else ""
        lines.append(f"  {quote(node['id'])} [label={quote(*captions(node))}, "
                     f'shape={SHAPES.get(node["kind"], "box")}, '
                     f'color="{COLOURS.get(node["kind"], "#0072b2")}"{style}];')
    for edge in drawing["edges"]:
        name = f" [label={quote(edge['param'])}]" if edge.get("param") else ""
        lines.append(f"  {quote(edge['source'])} -> {quote(edge['target'])}{name};")
    return "\n".join([*lines, "}", ""])


def quote(*lines):
    """A DOT string of one or more lines."""
    safe = [str(t).replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") for t in lines]
    return '"' + "\\n".join(safe) + '"'
