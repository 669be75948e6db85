"""A drawing in Mermaid's language, which GitHub and many note-takers draw by themselves."""

from learntorch.viz.layout import captions

OUTLINES = {"op": ("[", "]"), "leaf": ("([", "])"), "constant": ("([", "])"),
            "output": ("[[", "]]"), "group": ("[/", "/]"), "broken": ("{{", "}}")}
CLASSES = ("classDef op fill:#e6f2fa,stroke:#0072b2,color:#1a1a1a",
           "classDef leaf fill:#e2f3ec,stroke:#009e73,color:#1a1a1a",
           "classDef constant fill:#f4f4f4,stroke:#767676,color:#1a1a1a,stroke-dasharray:4 3",
           "classDef output fill:#fdf1dc,stroke:#b87700,color:#1a1a1a",
           "classDef group fill:#f6e7f0,stroke:#a8518a,color:#1a1a1a",
           "classDef broken fill:#fbe6d9,stroke:#d55e00,color:#1a1a1a,stroke-dasharray:7 3")


def mermaid(drawing):
    """The Mermaid flowchart text of a dictionary made by `graph`."""
    names = {node["id"]: f"v{i}" for i, node in enumerate(drawing["nodes"])}
    used = {node["kind"] for node in drawing["nodes"]}
    lines = ["flowchart TD"]
    for node in drawing["nodes"]:
        left, right = OUTLINES.get(node["kind"], ("[", "]"))
        text = "<br>".join(safe(t) for t in captions(node))
        lines.append(f'  {names[node["id"]]}{left}"{text}"{right}:::{node["kind"]}')
    for edge in drawing["edges"]:
        lines.append(f"  {names[edge['source']]} --> {names[edge['target']]}")
    lines += [f"  {line}" for line in CLASSES if line.split()[1] in used]
    return "\n".join([*lines, ""])


def safe(text):
    """Text for a quoted Mermaid label: entities for whatever has a meaning there."""
    table = {"#": "#35;", "&": "#amp;", "<": "#lt;", ">": "#gt;", '"': "#quot;", "\n": " "}
    return "".join(table.get(c, c) for c in str(text))
